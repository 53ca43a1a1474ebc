use super::*;
use crate::tree;

/// Splits the table's rows; a cell may be quoted text that holds no tab.
fn rows() -> Vec<[&'static str; 3]> {
    let mut rows = Vec::new();
    for line in include_str!("../../tests/data/yaml-scalars.tsv").lines().skip(1) {
        let mut cells = line.split('\t');
        rows.push([cells.next(), cells.next(), cells.next()].map(|cell| cell.unwrap_or("")));
    }
    rows
}

/// The file that the rows were recorded with: the scalar stands on its sixth line.
fn manifest(scalar: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: {scalar}\n")
}

#[test]
fn reads_and_prints_every_recorded_scalar() {
    assert!(rows().len() > 80);
    for [written, json, printed] in rows() {
        let text = manifest(written);
        if let Some(error) = json.strip_prefix("error: error: error parsing STDIN: ") {
            let words = parse(&text).expect_err(written).in_kubectl_words();
            assert!(words.starts_with(error.trim_end()), "{written}: {words}");
            continue;
        }
        let value =
            parse(&text).unwrap_or_else(|error| panic!("{written}: {error}"))[0].value["data"]["a"].clone();
        let escaped = json.replace('<', "\\u003c");
        assert_eq!(value.to_json(), escaped, "{written}");
        let print = super::print(&tree!({ "a": (&value) }));
        let first_line = print.lines().next().unwrap_or("");
        assert_eq!(first_line, format!("a: {printed}"), "{written}");
        assert_eq!(parse_one(&print).unwrap()["a"], value, "{print}");
    }
}

#[test]
fn prints_as_recorded() {
    let mut value = parse(include_str!("../../tests/data/yaml-print.in.yaml")).unwrap()[0].value.clone();
    value.set(&["metadata", "labels", "a"], "b");
    let recorded = include_str!("../../tests/data/yaml-print.out.yaml");
    assert_eq!(super::print(&value), recorded);
}

#[test]
fn refuses_in_kubectls_words() {
    let mut wrong = Vec::new();
    for line in include_str!("../../tests/data/yaml-errors.tsv").lines().skip(1) {
        let (text, words) = line.split_once('\t').unwrap();
        let text = Value::from_json(text).unwrap();
        let error = parse(text.str()).expect_err(words);
        if error.in_kubectl_words() != words {
            wrong.push(format!("{text:?}\n  ours {}\n  real {words}", error.in_kubectl_words()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn knows_where_fields_stand() {
    let text = "# a file\n---\nspec:\n  containers:\n  - name: a\n    image: b\n---\n\n\n---\r\na: {b: 1,\r\n  c.d/e: 2}\r\na: 3\r\n";
    let documents = parse(text).unwrap();
    let places = [
        (0, "spec.containers[0].image", (6, 5)),
        (0, "spec.containers[0]", (5, 5)),
        (0, "spec", (3, 1)),
        (0, "spec.containers[0].ports[1].hostPort", (5, 5)),
        (1, "a", (13, 1)),
        (1, "a[c.d/e]", (12, 3)),
        (1, "a.b.c", (11, 5)),
    ];
    for (document, path, (line, column)) in places {
        let place = documents[document].lines.nearest(path);
        assert_eq!(place, Some(Position { line, column }), "{path}");
    }
    assert_eq!(documents.len(), 2);
    assert_eq!((documents[0].line, documents[1].line), (3, 11));
    let duplicate = Duplicate { path: "a".to_string(), position: Position { line: 13, column: 1 } };
    assert_eq!(documents[1].duplicates, [duplicate]);
    assert_eq!(documents[1].value, tree!({"a": 3}));
}

#[test]
fn tells_the_line_to_look_at() {
    for (text, line, column) in [
        ("a: b\n---\nc: d\ne: f: g\n", 4, 5),
        ("---\na: b\n\tc: d\n", 3, 1),
        ("{\n \"a\": x\n}", 2, 7),
        ("a: \u{0}", 1, 1),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{text:?} {error}");
    }
}

#[test]
fn merges_as_go_yaml_does() {
    let text = "a: &a {x: 1}\nc:\n  <<: *a\n  x: 5\nd:\n  x: 5\n  <<: *a\ne: {<<: [*a, {x: 9, z: 1}]}\n";
    let json = r#"{"a":{"x":1},"c":{"x":5},"d":{"x":1},"e":{"x":1,"z":1}}"#;
    assert_eq!(parse_one(text).unwrap().to_json(), json);
}

#[test]
fn stays_within_bounds() {
    let long = "- a: b\n".repeat(300_000);
    assert_eq!(parse(&long).unwrap()[0].value.items().len(), 300_000);
    let deep = "[".repeat(2_000_000);
    let deep_block = "- ".repeat(1_000_000);
    let deep_map: String = (0..1_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    for text in [&deep, &deep_block, &deep_map] {
        assert_eq!(parse(text).unwrap_err().message, "yaml: exceeded max depth of 10000");
    }
    let quotes = "\"".repeat(1_000_000);
    let braces = "{".repeat(100) + &"a,".repeat(500_000);
    let keys = "? ".repeat(500_000);
    for (text, is_good) in [(&quotes, true), (&braces, false), (&keys, false)] {
        assert_eq!(parse(text).is_ok(), is_good);
    }
    assert!(parse(&"x".repeat(MAX_BYTES + 1)).is_err());
}
