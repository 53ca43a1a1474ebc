use super::*;
use api::{FieldError, tree};

fn schema() -> Value {
    tree!({
        "type": "object",
        "required": ["spec"],
        "properties": {
            "spec": {
                "type": "object",
                "required": ["cronSpec"],
                "properties": {
                    "cronSpec": {"type": "string", "pattern": "^(\\d+|\\*)(/\\d+)?$", "default": "5"},
                    "image": {"type": "string", "nullable": true, "maxLength": 5, "minLength": 2},
                    "replicas": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
                    "policy": {"type": "string", "enum": ["Allow", "Forbid"]},
                    "port": {"x-kubernetes-int-or-string": true},
                    "at": {"type": "string", "format": "date-time"},
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                        "properties": {"known": {"type": "object", "properties": {"a": {"type": "string"}}}}},
                    "pod": {"type": "object", "x-kubernetes-embedded-resource": true,
                        "properties": {"spec": {"type": "object"}}},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                    "list": {"type": "array", "maxItems": 2, "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["name"],
                        "items": {"type": "object", "required": ["name"], "properties": {
                            "name": {"type": "string"}, "size": {"type": "number", "default": 1.5}}}},
                    "either": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                        "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
                },
            },
        },
    })
}

#[test]
fn prunes_what_is_not_known() {
    for (spec, kept, unknown) in [
        (tree!({"cronSpec": "1", "x": 1}), tree!({"cronSpec": "1"}), vec!["spec.x"]),
        (tree!({"free": {"any": {"b": 1}}}), tree!({"free": {"any": {"b": 1}}}), vec![]),
        (
            tree!({"free": {"known": {"a": "1", "b": 1}}}),
            tree!({"free": {"known": {"a": "1"}}}),
            vec!["spec.free.known.b"],
        ),
        (
            tree!({"pod": {"kind": "Pod", "metadata": {"name": "a"}, "spec": {"x": 1}, "y": 1}}),
            tree!({"pod": {"kind": "Pod", "metadata": {"name": "a"}, "spec": {}}}),
            vec!["spec.pod.spec.x", "spec.pod.y"],
        ),
        (tree!({"labels": {"a": "b"}}), tree!({"labels": {"a": "b"}}), vec![]),
        (tree!({"list": [{"name": "a", "z": 1}]}), tree!({"list": [{"name": "a"}]}), vec!["spec.list[0].z"]),
    ] {
        let mut object = tree!({"kind": "CronTab", "metadata": {"name": "a"}, "spec": (spec)});
        assert_eq!(prune(&schema(), &mut object), unknown);
        assert_eq!(object["spec"], kept);
    }
}

#[test]
fn sets_defaults_and_drops_nulls() {
    for (spec, then) in [
        (tree!({}), tree!({"cronSpec": "5", "replicas": 1})),
        (tree!({"cronSpec": null, "image": null}), tree!({"cronSpec": "5", "image": null, "replicas": 1})),
        (tree!({"policy": null}), tree!({"cronSpec": "5", "replicas": 1})),
        (
            tree!({"cronSpec": "1", "replicas": 2, "list": [{"name": "a"}]}),
            tree!({"cronSpec": "1", "replicas": 2, "list": [{"name": "a", "size": 1.5}]}),
        ),
    ] {
        let mut object = tree!({"spec": (spec)});
        default(&schema(), &mut object);
        assert_eq!(object["spec"], then);
    }
}

#[test]
fn tells_what_is_wrong_as_upstream() {
    for (spec, errors) in [
        (tree!({"cronSpec": "*/5"}), vec![]),
        (tree!({}), vec!["spec.cronSpec: Required value"]),
        (
            tree!({"cronSpec": "x"}),
            vec![
                r#"spec.cronSpec: Invalid value: "x": spec.cronSpec in body should match '^(\d+|\*)(/\d+)?$'"#,
            ],
        ),
        (
            tree!({"cronSpec": "1", "replicas": 0}),
            vec![
                "spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or equal to 1",
            ],
        ),
        (
            tree!({"cronSpec": "1", "replicas": 15}),
            vec![
                "spec.replicas: Invalid value: 15: spec.replicas in body should be less than or equal to 10",
            ],
        ),
        (
            tree!({"cronSpec": "1", "replicas": "two"}),
            vec![
                r#"spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string""#,
            ],
        ),
        (
            tree!({"cronSpec": "1", "image": "abcdefg"}),
            vec!["spec.image: Too long: may not be more than 5 bytes"],
        ),
        (
            tree!({"cronSpec": "1", "image": "a"}),
            vec![r#"spec.image: Invalid value: "a": spec.image in body should be at least 2 chars long"#],
        ),
        (
            tree!({"cronSpec": "1", "policy": "Maybe"}),
            vec![r#"spec.policy: Unsupported value: "Maybe": supported values: "Allow", "Forbid""#],
        ),
        (tree!({"cronSpec": "1", "port": "80%"}), vec![]),
        (
            tree!({"cronSpec": "1", "port": true}),
            vec![
                r#"spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean""#,
            ],
        ),
        (
            tree!({"cronSpec": "1", "at": "noon"}),
            vec![r#"spec.at: Invalid value: "noon": spec.at in body must be of type date-time: "noon""#],
        ),
        (
            tree!({"cronSpec": "1", "list": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}),
            vec!["spec.list: Too many: 3: must have at most 2 items"],
        ),
        (tree!({"cronSpec": "1", "list": [{}]}), vec!["spec.list[0].name: Required value"]),
        (
            tree!({"cronSpec": "1", "either": {}}),
            vec![
                r#"<nil>: Invalid value: "": "spec.either" must validate one and only one schema (oneOf). Found none valid"#,
                "spec.either.a: Required value",
            ],
        ),
    ] {
        let mut found = Vec::new();
        validate(&schema(), &tree!({"spec": (spec)}), &mut found);
        let found: Vec<String> = found.iter().map(FieldError::to_string).collect();
        assert_eq!(found, errors);
    }
    let mut found = Vec::new();
    let twice = tree!({"spec": {"list": [{"name": "a"}, {"name": "a"}]}});
    validate_lists(&schema(), &twice, &mut found);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].to_string(), r#"spec.list[1]: Duplicate value: {"name":"a"}"#);
}

#[test]
fn checks_schemas() {
    assert_eq!(check(&schema(), "s"), []);
    for (schema, errors) in [
        (tree!({}), vec!["s.type: Required value: must not be empty at the root"]),
        (tree!({"type": "string"}), vec![r#"s.type: Invalid value: "string": must be object at the root"#]),
        (
            tree!({"type": "object", "properties": {"spec": {"properties": {"a": {"type": "array"}}}}}),
            vec![
                "s.properties[spec].properties[a].items: Required value: must be specified",
                "s.properties[spec].type: Required value: must not be empty for specified object fields",
            ],
        ),
        (
            tree!({"type": "object", "properties": {"a": {"type": "array", "items": {}}}}),
            vec!["s.properties[a].items.type: Required value: must not be empty for specified array items"],
        ),
        (
            tree!({"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}}),
            vec![
                "s.properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: ",
            ],
        ),
        (
            tree!({"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}}),
            vec![
                "s.properties[a].default: Invalid value: \"string\":  in body must be of type integer: \"string\"",
            ],
        ),
        (
            tree!({"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}}),
            vec![
                "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
            ],
        ),
        (
            tree!({"type": "object", "anyOf": [{"type": "object"}]}),
            vec!["s.anyOf[0].type: Forbidden: must be empty to be structural"],
        ),
    ] {
        let found: Vec<String> = check(&schema, "s").iter().map(FieldError::to_string).collect();
        assert_eq!(found.len(), errors.len(), "{found:?}");
        for (found, error) in found.iter().zip(errors) {
            assert!(found.starts_with(error), "{found}");
        }
    }
}
