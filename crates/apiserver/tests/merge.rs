//! Plays `tests/merge.yaml`: what several managers apply and update, and what becomes of it.

use api::{Method, PatchType, Request, Value, tree, yaml};
use apiserver::{ApiServer, Options};
use sim::{SECOND, Time};
use std::collections::BTreeMap;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const OBJECT: &str = "/apis/merge.example/v1/namespaces/default/things/x";

/// Returns the definition of a kind with fields of every sort: the types of structured-merge-diff's own tests.
fn definition() -> Value {
    let string = || tree!({"type": "string"});
    let set = || tree!({"type": "array", "x-kubernetes-list-type": "set", "items": (string())});
    let map = |of: Value| tree!({"type": "object", "additionalProperties": of});
    let list = |value: Value| {
        tree!({
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "items": {"type": "object", "required": ["name"], "properties": {"name": (string()), "value": value}},
        })
    };
    let inner = tree!({"type": "object", "properties": {"name": (string())}});
    let schema = tree!({"type": "object", "properties": {
        "numeric": {"type": "integer"},
        "string": (string()),
        "bool": {"type": "boolean"},
        "set": (set()),
        "atomic": {"type": "array", "x-kubernetes-list-type": "atomic", "items": (string())},
        "list": (list(tree!({"type": "integer"}))),
        "listOfLists": (list(set())),
        "listOfMaps": (list(map(string()))),
        "mapOfLists": (map(set())),
        "mapOfMaps": (map(map(string()))),
        "struct": {"type": "object", "properties": {
            "name": (string()), "scalar": (string()), "value": {"type": "integer"}, "complex": inner,
        }},
    }});
    tree!({
        "metadata": {"name": "things.merge.example"},
        "spec": {
            "group": "merge.example", "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [
                {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}},
            ],
        },
    })
}

fn server() -> ApiServer {
    let mut server = ApiServer::new(Time::EPOCH, Options::default());
    let made = server.handle(Time::EPOCH, &Request::new(Method::Post, DEFINITIONS).body(definition()));
    assert_eq!(made.code, 201, "{}", made.body.to_json());
    let mut definition = made.body;
    definition.set(&["status"], tree!({
        "acceptedNames": (&definition["spec"]["names"]),
        "storedVersions": ["v1"],
        "conditions": [
            {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found",
             "lastTransitionTime": "2026-01-01T00:00:00Z"},
            {"type": "Established", "status": "True", "reason": "InitialNamesAccepted", "message": "",
             "lastTransitionTime": "2026-01-01T00:00:00Z"},
        ],
    }));
    let path = format!("{DEFINITIONS}/things.merge.example/status");
    let told = server.handle(Time::EPOCH, &Request::new(Method::Put, path).body(definition));
    assert_eq!(told.code, 200, "{}", told.body.to_json());
    server
}

fn object(fields: &Value) -> Value {
    let mut object = fields.clone();
    if object.is_null() {
        object = Value::map();
    }
    object.set(&["apiVersion"], "merge.example/v1");
    object.set(&["kind"], "Thing");
    object.set(&["metadata"], tree!({"name": "x"}));
    object
}

/// Does a step. Returns the fields with conflicts, of each once.
fn play(server: &mut ApiServer, now: Time, step: &Value) -> Vec<String> {
    let mut body = object(&step["object"]);
    let response = if let Some(manager) = step["update"].as_str() {
        let stored = server.handle(now, &Request::new(Method::Get, OBJECT));
        let (method, path) = match stored.code {
            404 => (Method::Post, OBJECT.trim_end_matches("/x")),
            _ => (Method::Put, OBJECT),
        };
        body.set(&["metadata", "resourceVersion"], &stored.body["metadata"]["resourceVersion"]);
        server.handle(now, &Request::new(method, path).query("fieldManager", manager).body(body))
    } else {
        let manager = step["apply"].as_str().or(step["force"].as_str()).unwrap();
        let mut request = Request::new(Method::Patch, OBJECT).query("fieldManager", manager).body(body);
        request.patch = PatchType::Apply;
        if !step["force"].is_null() {
            request = request.query("force", "true");
        }
        server.handle(now, &request)
    };
    if response.code == 409 {
        let causes = response.body["details"]["causes"].items();
        let mut fields: Vec<String> = causes.iter().map(|cause| cause["field"].str().to_string()).collect();
        fields.sort();
        fields.dedup();
        return fields;
    }
    assert!(response.is_success(), "{}: {}", step.to_json(), response.body.to_json());
    Vec::new()
}

/// Writes the paths of a set of fields, as conflicts name them.
fn paths(fields: &Value, prefix: &str, to: &mut Vec<String>) {
    if fields.fields().is_empty() {
        to.push(prefix.to_string());
    }
    for (name, below) in fields.fields().iter() {
        let path = match name.split_once(':') {
            _ if name == "." => {
                to.push(prefix.to_string());
                continue;
            }
            Some(("f", field)) => format!("{prefix}.{field}"),
            Some(("v", value)) => format!("{prefix}[={value}]"),
            Some(("k", keys)) => {
                let keys = Value::from_json(keys).unwrap();
                let keys: Vec<String> =
                    keys.fields().iter().map(|(key, value)| format!("{key}={}", value.to_json())).collect();
                format!("{prefix}[{}]", keys.join(","))
            }
            _ => panic!("{name}"),
        };
        paths(below, &path, to);
    }
}

fn managed(object: &Value) -> BTreeMap<String, Vec<String>> {
    let mut managed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in object["metadata"]["managedFields"].items() {
        let mut found = Vec::new();
        paths(&entry["fieldsV1"], "", &mut found);
        found.retain(|path| !path.is_empty());
        found.sort();
        managed.insert(entry["manager"].str().to_string(), found);
    }
    managed
}

#[test]
fn managers_share_objects_as_upstreams_tests_say() {
    let text = std::fs::read_to_string(format!("{}/tests/merge.yaml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let cases = yaml::parse_one(&text).unwrap();
    assert!(cases.items().len() >= 40, "{}", cases.items().len());
    let mut wrong = Vec::new();
    for case in cases.items() {
        let from = case["from"].str();
        let mut server = server();
        let mut now = Time::EPOCH;
        for step in case["steps"].items() {
            now = now + SECOND;
            let wanted: Vec<String> =
                step["conflicts"].items().iter().map(|path| path.str().to_string()).collect();
            let found = play(&mut server, now, step);
            if found != wanted {
                wrong.push(format!("{from}: {}: conflicts {found:?}, not {wanted:?}", step.to_json()));
            }
        }
        let stored = server.handle(now, &Request::new(Method::Get, OBJECT)).body;
        let mut bare = stored.clone();
        for field in ["apiVersion", "kind", "metadata"] {
            bare.remove(&[field]);
        }
        if bare != case["object"] {
            wrong.push(format!("{from}: {}, not {}", bare.to_json(), case["object"].to_json()));
        }
        let wanted: BTreeMap<String, Vec<String>> = case["managed"]
            .fields()
            .iter()
            .map(|(manager, paths)| {
                let mut paths: Vec<String> =
                    paths.items().iter().map(|path| path.str().to_string()).collect();
                paths.sort();
                (manager.to_string(), paths)
            })
            .collect();
        let found = managed(&stored);
        if found != wanted {
            wrong.push(format!("{from}: managed {found:?}, not {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
