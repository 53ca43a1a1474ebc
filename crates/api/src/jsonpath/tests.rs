use super::*;
use crate::tree;

fn sample() -> Value {
    tree!({
        "kind": "List",
        "metadata": {"labels": {"a.b/c": "dotted", "app": "x"}, "name": "n"},
        "items": [
            {"name": "one", "n": 1, "on": true, "tags": ["a", "b"], "ready": "True"},
            {"name": "two", "n": 2, "on": false, "tags": ["c"]},
            {"name": "three", "n": 3, "on": true, "tags": []},
        ],
    })
}

#[test]
fn prints_as_kubectl() {
    for (template, want) in [
        ("plain", "plain"),
        ("{.kind}", "List"),
        ("{$.kind}", "List"),
        ("{@.kind}", "List"),
        ("{.items[*].name}", "one two three"),
        ("{.items[0].name} {.items[-1].name}", "one three"),
        ("{.items[0:2].name}", "one two"),
        ("{.items[::2].name}", "one three"),
        ("{.items[1:].n}", "2 3"),
        ("{.items[0,2].name}", "one three"),
        ("{.metadata['name']}", "n"),
        ("{.metadata['name','nope']}", "n"),
        (r"{.metadata.labels.a\.b/c}", "dotted"),
        (r"{.metadata.labels['a\.b/c']}", "dotted"),
        ("{.metadata.labels}", r#"{"a.b/c":"dotted","app":"x"}"#),
        ("{.metadata.labels.*}", "dotted x"),
        ("{range .items[*]}{.name}={.n}{\"\\n\"}{end}", "one=1\ntwo=2\nthree=3\n"),
        ("{range .items[*]}{.name}[{range .tags[*]}{@},{end}]{end}|", "one[a,b,]two[c,]three[]|"),
        ("{range .none[*]}{.name}{end}after", "after"),
        ("{.items[?(@.n>1)].name}", "two three"),
        ("{.items[?(@.name==\"two\")].n}", "2"),
        ("{.items[?(@.name=='two')].n}", "2"),
        ("{.items[?(@.on==true)].name}", "one three"),
        ("{.items[?(@.n!=2)].n}", "1 3"),
        ("{.items[?(@.ready)].name}", "one"),
        ("{..name}", "one two three n"),
        ("{.items[0].tags}", r#"["a","b"]"#),
        ("{.nope}{.nope.deeper}", ""),
        ("{'quoted'} {\"a\\tb\"}", "quoted a\tb"),
        ("{.items[0].on} {.items[0].n}", "true 1"),
        ("{.kind} {.metadata.name}", "List n"),
        ("{.items[3:3].name}", ""),
    ] {
        let path = JsonPath::new(template).unwrap_or_else(|error| panic!("{template}: {error}"));
        assert_eq!(path.print(&sample()).unwrap_or_else(|error| error), want, "{template}");
    }
}

#[test]
fn refuses_as_kubectl() {
    for (template, want) in [
        ("{.items[0}", "unterminated array"),
        ("{.items", "unclosed action"),
        ("{.items[x]}", "invalid array index x"),
        ("{\"abc}", "unterminated quoted string"),
        ("{.items[?(@.a==1}", "unterminated filter"),
        ("{....a}", "invalid multiple recursive descent"),
        ("{+}", "cannot parse number +"),
        ("{#}", "unrecognized character in action: U+0023 '#'"),
        ("{.items[5].name}", "array index out of bounds: index 5, length 3"),
        ("{.items[2:1]}", "starting index 2 is greater than ending index 1"),
        ("{.metadata[0]}", "map[string]interface {} is not array or slice"),
        ("{.items[?(@.name>1)]}", "incompatible types for comparison"),
        ("{end}", "not in range, nothing to end"),
        ("{foo}", "unrecognized identifier foo"),
        ("{.items[0:2:0]}", "step must be > 0"),
        ("{.items[9223372036854775806]}", "array index out of bounds: index 9223372036854775806, length 3"),
    ] {
        let error = JsonPath::new(template).and_then(|path| path.print(&sample())).unwrap_err();
        assert_eq!(error, want, "{template}");
    }
    let mut strict = JsonPath::new("{.nope}").unwrap();
    strict.allow_missing = false;
    assert_eq!(strict.print(&sample()).unwrap_err(), "nope is not found");
}

#[test]
fn stops_at_too_much_work() {
    let wide = tree!({"items": (vec![Value::from(1); 1_000])});
    let deep = "{range $.items[*]}".repeat(3);
    for template in ["{range .items[*]}".repeat(100_000), "{range .items}".repeat(200), deep] {
        let _ = JsonPath::new(&template).and_then(|path| path.print(&wide));
    }
    let nested =
        tree!({"a": (vec![tree!({"a": (vec![tree!({"a": (vec![Value::from(1); 300])}); 300])}); 300])});
    let template = "{range .a[*]}{range .a[*]}{range .a[*]}{end}{end}{end}";
    assert_eq!(JsonPath::new(template).unwrap().print(&nested).unwrap_err(), "too many results");
}

#[test]
fn paths_without_braces() {
    for (path, want) in [("kind", "List"), (".kind", "List"), ("{kind}", "List"), ("{.items[*].n}", "1 2 3")]
    {
        assert_eq!(JsonPath::relaxed(path).unwrap().print(&sample()).unwrap(), want, "{path}");
    }
    assert!(JsonPath::relaxed("{{a}}").unwrap_err().starts_with("unexpected path string"));
}
