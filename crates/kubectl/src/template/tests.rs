use super::Template;
use api::{Value, tree};

fn sample() -> Value {
    tree!({
        "metadata": {"name": "web", "labels": {"app": "x", "tier": "y"}},
        "spec": {"replicas": 3, "paused": false, "containers": [{"image": "a"}, {"image": "b"}]},
        "data": {"password": "cXdlcnR5"},
        "big": 1_500_000,
    })
}

#[test]
fn prints_as_go() {
    for (template, want) in [
        ("{{.metadata.name}} {{range .spec.containers}}{{.image}}{{end}}", "web ab"),
        ("{{.spec.replicas}} {{.big}} {{.nope}}", "3 1.5e+06 <no value>"),
        ("{{if .spec.paused}}yes{{else if .spec.replicas}}some{{else}}no{{end}}", "some"),
        ("{{range $k, $v := .metadata.labels}}{{$k}}={{$v}};{{end}}", "app=x;tier=y;"),
        ("{{with .metadata}}{{.name}}/{{$.spec.replicas}}{{end}}", "web/3"),
        ("{{len .spec.containers}} {{index .metadata.labels \"app\"}}", "2 x"),
        ("{{(index .spec.containers 1).image}}", "b"),
        ("{{.data.password | base64decode | printf \"%q\"}}", "\"qwerty\""),
        ("{{if eq .metadata.name \"web\" }}same{{end}}{{if gt .spec.replicas 2}} more{{end}}", "same more"),
        ("a {{- \" b \" -}} c", "a b c"),
        ("{{range .none}}x{{else}}nothing{{end}}", "nothing"),
        ("{{/* a comment */}}x{{\"\\n\"}}", "x\n"),
        ("{{$n := .metadata.name}}{{$n}}", "web"),
        ("{{and true .metadata.name}} {{or false 0 \"z\"}} {{not true}}", "web z false"),
        ("{{.metadata.labels}}", "map[app:x tier:y]"),
        ("{{printf \"%-5s|%5s\" \"a\" \"b\"}}", "a    |    b"),
    ] {
        let read = Template::new(template).unwrap_or_else(|error| panic!("{template}: {error}"));
        assert_eq!(read.print(&sample()).unwrap_or_else(|error| error), want, "{template}");
    }
}

#[test]
fn refuses_what_go_refuses() {
    for template in
        ["{{", "{{if}}", "{{if .a}}", "{{end}}", "{{nope .a}}", "{{.metadata.name.x}}", "{{len .big}}"]
    {
        let result = Template::new(template).and_then(|read| read.print(&sample()));
        assert!(result.is_err(), "{template}: {result:?}");
    }
}
