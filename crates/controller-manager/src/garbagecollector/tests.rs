use crate::ControllerManager;
use api::resources::{CONFIGMAPS, DEPLOYMENTS, PODS, REPLICASETS, SECRETS};
use api::{Method, Request, Resource, Value, meta, tree};
use client::Api;
use client::testing::{Bench, Server};
use sim::{SECOND, Time};

const SERVED: [Resource; 5] = [CONFIGMAPS, DEPLOYMENTS, PODS, REPLICASETS, SECRETS];

fn owned(name: &str, owners: &[&Value], block: bool) -> Value {
    let reference = |owner: &&Value| {
        tree!({
            "apiVersion": (&owner["apiVersion"]), "kind": (&owner["kind"]), "name": (meta::name(owner)),
            "uid": (meta::uid(owner)), "blockOwnerDeletion": block,
        })
    };
    let owners: Value = owners.iter().map(reference).collect();
    tree!({"metadata": {"name": name, "namespace": "d", "ownerReferences": (owners)}})
}

/// A chain of owners, `a` owns `b` owns `c`, that no other controller cares about.
fn chain() -> Bench<ControllerManager> {
    let mut server = Server::default();
    let a = server.put(Time::EPOCH, CONFIGMAPS, owned("a", &[], false));
    let b = server.put(Time::EPOCH, SECRETS, owned("b", &[&a], true));
    server.put(Time::EPOCH, CONFIGMAPS, owned("c", &[&b], true));
    let mut bench = Bench::new(ControllerManager::new(&SERVED), server);
    bench.run(SECOND);
    bench
}

fn delete(bench: &mut Bench<ControllerManager>, policy: &str) {
    let request = Request::new(Method::Delete, CONFIGMAPS.object("d", "a", ""));
    let _ = bench.server.call(bench.now, request.body(tree!({"propagationPolicy": policy})));
    bench.run(5 * SECOND);
}

fn left(bench: &Bench<ControllerManager>) -> Vec<String> {
    let all = [bench.server.all(CONFIGMAPS), bench.server.all(SECRETS)].concat();
    let mut names: Vec<String> = all.iter().map(|object| meta::name(object).to_string()).collect();
    names.sort();
    names
}

fn deletions(bench: &Bench<ControllerManager>) -> Vec<&str> {
    let calls = bench.server.calls.iter().filter(|call| call.starts_with("delete "));
    calls.filter_map(|call| call.rsplit('/').next()).collect()
}

#[test]
fn follows_the_policy() {
    for (policy, names, order) in [
        ("Background", vec![], vec!["a", "b", "c"]),
        ("Foreground", vec![], vec!["a", "b", "c"]),
        ("Orphan", vec!["b", "c"], vec!["a"]),
    ] {
        let mut bench = chain();
        delete(&mut bench, policy);
        assert_eq!(left(&bench), names, "{policy}");
        assert_eq!(deletions(&bench), order, "{policy}");
        if policy == "Orphan" {
            assert!(bench.server.object(SECRETS, "d/b")["metadata"]["ownerReferences"].is_empty());
        }
    }
}

#[test]
fn keeps_the_owner_until_the_dependents_are_gone() {
    let mut bench = chain();
    bench.server.change(bench.now, CONFIGMAPS, "d/c", |object| {
        object.set(&["metadata", "finalizers"], tree!(["example.com/wait"]));
    });
    delete(&mut bench, "Foreground");
    assert_eq!(left(&bench), ["a", "b", "c"]);
    bench.server.remove(CONFIGMAPS, "d/c");
    bench.run(5 * SECOND);
    assert!(left(&bench).is_empty());
}

#[test]
fn collects_what_has_no_owner_left() {
    let mut server = Server::default();
    let kept = server.put(Time::EPOCH, CONFIGMAPS, owned("kept", &[], false));
    let ghost =
        tree!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ghost", "uid": "gone"}});
    let namesake =
        tree!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept", "uid": "older"}});
    let foreign =
        tree!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t", "uid": "x"}});
    for (name, owners) in [
        ("alone", vec![&ghost]),
        ("namesake", vec![&namesake]),
        ("shared", vec![&ghost, &kept]),
        ("foreign", vec![&foreign]),
        ("fine", vec![&kept]),
    ] {
        server.put(Time::EPOCH, SECRETS, owned(name, &owners, false));
    }
    let mut bench = Bench::new(ControllerManager::new(&SERVED), server);
    bench.run(5 * SECOND);
    assert_eq!(left(&bench), ["fine", "foreign", "kept", "shared"]);
    let owners = bench.server.object(SECRETS, "d/shared")["metadata"]["ownerReferences"].clone();
    assert_eq!(owners.items().len(), 1, "the owner that is gone is struck out");
}
