use crate::ApiExtensions;
use api::resources::CUSTOMRESOURCEDEFINITIONS;
use api::{Resource, Value, tree};
use client::testing::{Bench, Server};
use sim::{SECOND, Time};

const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

fn definition(name: &str, plural: &str, kind: &str, short: &str) -> Value {
    tree!({
        "metadata": {"name": name, "finalizers": [FINALIZER]},
        "spec": {
            "group": "stable.example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": (kind.to_lowercase()), "kind": kind,
                "listKind": (format!("{kind}List")), "shortNames": [short]},
            "versions": [{"name": "v1", "served": true, "storage": true}],
        },
        "status": {"acceptedNames": {"kind": "", "plural": ""}},
    })
}

fn words(bench: &Bench<ApiExtensions>, name: &str) -> Vec<String> {
    let definition = bench.server.object(CUSTOMRESOURCEDEFINITIONS, name);
    let conditions = definition["status"]["conditions"].items().iter();
    let word = |condition: &Value| {
        ["type", "status", "reason", "message"].map(|field| condition[field].str().to_string()).join(" ")
    };
    conditions.map(word).collect()
}

#[test]
fn accepts_names_and_establishes() {
    let mut server = Server::default();
    server.put(Time::EPOCH, CUSTOMRESOURCEDEFINITIONS, definition("a", "crontabs", "CronTab", "ct"));
    let mut bench = Bench::new(ApiExtensions::default(), server);
    bench.run(SECOND);
    assert_eq!(
        words(&bench, "a"),
        [
            "NamesAccepted True NoConflicts no conflicts found",
            "Established True InitialNamesAccepted the initial names have been accepted",
        ]
    );
    let found = bench.server.object(CUSTOMRESOURCEDEFINITIONS, "a");
    assert_eq!(found["status"]["acceptedNames"], found["spec"]["names"]);
    bench.server.put(bench.now, CUSTOMRESOURCEDEFINITIONS, definition("b", "tabs", "CronTab", "ct"));
    bench.run(SECOND);
    assert_eq!(
        words(&bench, "b"),
        [
            "NamesAccepted False ListKindConflict \"CronTabList\" is already in use",
            "Established False NotAccepted not all names are accepted",
        ]
    );
    bench.server.remove(CUSTOMRESOURCEDEFINITIONS, "a");
    bench.run(SECOND);
    assert_eq!(
        words(&bench, "b"),
        [
            "NamesAccepted True NoConflicts no conflicts found",
            "Established True InitialNamesAccepted the initial names have been accepted",
        ]
    );
}

#[test]
fn objects_go_before_their_definition() {
    let mut server = Server::default();
    server.put(Time::EPOCH, CUSTOMRESOURCEDEFINITIONS, definition("a", "crontabs", "CronTab", "ct"));
    let mut bench = Bench::new(ApiExtensions::default(), server);
    bench.run(SECOND);
    let found = bench.server.object(CUSTOMRESOURCEDEFINITIONS, "a");
    let crontabs = Resource::of_definition(&found).unwrap();
    bench.server.put(bench.now, crontabs, tree!({"metadata": {"name": "x", "namespace": "d"}}));
    bench.server.change(bench.now, CUSTOMRESOURCEDEFINITIONS, "a", |definition| {
        definition.set(&["metadata", "deletionTimestamp"], "2026-01-05T09:00:01Z");
    });
    bench.run(SECOND);
    assert!(bench.server.object(crontabs, "d/x").is_null());
    assert!(bench.server.object(CUSTOMRESOURCEDEFINITIONS, "a").is_null());
    let calls: Vec<&str> = bench.server.calls.iter().rev().take(4).map(String::as_str).collect();
    assert_eq!(
        calls,
        [
            "update customresourcedefinitions.apiextensions.k8s.io/status a",
            "list crontabs.stable.example.com ",
            "deletecollection crontabs.stable.example.com d/",
            "list crontabs.stable.example.com ",
        ]
    );
}
