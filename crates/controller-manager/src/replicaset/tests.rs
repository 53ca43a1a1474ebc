use super::ranking::pods_to_delete;
use crate::ControllerManager;
use api::resources::{EVENTS, PODS, REPLICASETS, REPLICATIONCONTROLLERS};
use api::{Status, Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{HOUR, MINUTE, SECOND, Time};

fn replica_set(replicas: i64) -> Value {
    tree!({
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c"}]}},
        },
    })
}

fn bench(replicas: i64) -> Bench<ControllerManager> {
    let mut server = Server::default();
    server.put(Time::EPOCH, REPLICASETS, replica_set(replicas));
    Bench::new(ControllerManager::new(&[]), server)
}

fn run_all(server: &mut Server, now: Time) {
    for pod in server.all(PODS) {
        if pod["status"].is_null() {
            server.change(now, PODS, &meta::key(&pod), |pod| {
                let ready = tree!({"type": "Ready", "status": "True", "lastTransitionTime": (now.rfc3339())});
                pod.set(&["status"], tree!({"phase": "Running", "conditions": [(ready)]}));
            });
        }
    }
}

#[test]
fn makes_pods_and_counts_them() {
    let mut bench = bench(3);
    bench.run_with(SECOND, run_all);
    let rs = bench.server.object(REPLICASETS, "default/web");
    let wanted = tree!({
        "replicas": 3, "fullyLabeledReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
        "terminatingReplicas": 0, "observedGeneration": 1,
    });
    assert_eq!(rs["status"], wanted);
    let pods = bench.server.all(PODS);
    assert_eq!(pods.len(), 3);
    assert!(pods.iter().all(|pod| meta::is_controlled_by(pod, &rs) && meta::name(pod).starts_with("web-")));
    let mut messages: Vec<String> =
        pods.iter().map(|pod| format!("Created pod: {}", meta::name(pod))).collect();
    let mut told = bench.server.messages();
    messages.sort();
    told.sort();
    assert_eq!(told, messages);
    let writes = bench.server.calls.iter().filter(|call| call.starts_with("create pods")).count();
    assert_eq!(writes, 3, "expectations keep it from creating twice");
}

#[test]
fn waits_for_min_ready_seconds() {
    let mut bench = bench(1);
    bench
        .server
        .change(Time::EPOCH, REPLICASETS, "default/web", |rs| rs.set(&["spec", "minReadySeconds"], 5));
    let available = |bench: &Bench<ControllerManager>| {
        bench.server.object(REPLICASETS, "default/web")["status"]["availableReplicas"].int()
    };
    bench.run_with(3 * SECOND, run_all);
    assert_eq!(available(&bench), 0);
    bench.run_with(3 * SECOND, run_all);
    assert_eq!(available(&bench), 1);
}

#[test]
fn tells_why_it_cannot_create() {
    let mut bench = bench(2);
    let status = Status::forbidden("pods", "web-x", "exceeded quota");
    bench.server.refuse.push(("create pods".into(), status));
    bench.run(20 * SECOND);
    let rs = bench.server.object(REPLICASETS, "default/web");
    let condition = meta::condition(&rs, "ReplicaFailure").cloned().unwrap_or_default();
    assert_eq!(condition["reason"].str(), "FailedCreate");
    assert_eq!(condition["message"].str(), "pods \"web-x\" is forbidden: exceeded quota");
    assert_eq!(bench.server.messages()[0], "Error creating: pods \"web-x\" is forbidden: exceeded quota");
    bench.server.refuse.clear();
    bench.run(MINUTE);
    assert_eq!(bench.server.all(PODS).len(), 2);
    assert!(meta::condition(&bench.server.object(REPLICASETS, "default/web"), "ReplicaFailure").is_none());
}

#[test]
fn adopts_and_releases() {
    let mut bench = bench(2);
    let orphan = tree!({"metadata": {"name": "lone", "namespace": "default", "labels": {"app": "web"}}});
    bench.server.put(Time::EPOCH, PODS, orphan);
    bench.run_with(SECOND, run_all);
    let rs = bench.server.object(REPLICASETS, "default/web");
    assert_eq!(bench.server.all(PODS).len(), 2);
    assert!(meta::is_controlled_by(&bench.server.object(PODS, "default/lone"), &rs));
    bench.server.change(bench.now, PODS, "default/lone", |pod| {
        pod.set(&["metadata", "labels", "app"], "debug");
    });
    bench.run_with(SECOND, run_all);
    assert_eq!(bench.server.all(PODS).len(), 3);
    assert!(meta::controller(&bench.server.object(PODS, "default/lone")).is_none());
}

#[test]
fn scales_down_once() {
    let mut bench = bench(5);
    bench.run_with(SECOND, run_all);
    bench.server.change(bench.now, REPLICASETS, "default/web", |rs| {
        rs.set(&["spec", "replicas"], 2);
        rs.set(&["metadata", "generation"], 2);
    });
    bench.run_with(SECOND, run_all);
    assert_eq!(bench.server.all(PODS).len(), 2);
    assert_eq!(bench.server.calls.iter().filter(|call| call.starts_with("delete pods")).count(), 3);
    assert_eq!(bench.server.object(REPLICASETS, "default/web")["status"]["observedGeneration"].int(), 2);
}

/// Each row: the pods that should go first, before those that should stay.
#[test]
fn deletes_in_upstreams_order() {
    let now = Time::EPOCH + 10 * HOUR;
    let pod = |uid: &str, node: &str, phase: &str, ready_for: i64, created_for: i64| {
        let mut pod = tree!({
            "metadata": {"name": uid, "namespace": "d", "uid": uid,
                "creationTimestamp": ((now + -created_for).rfc3339())},
            "spec": {"nodeName": node},
            "status": {"phase": phase},
        });
        if ready_for > 0 {
            let since = (now + -ready_for).rfc3339();
            let ready = tree!({"type": "Ready", "status": "True", "lastTransitionTime": (since)});
            pod.set(&["status", "conditions"], vec![ready]);
        }
        pod
    };
    let with = |mut pod: Value, path: &[&str], value: Value| {
        pod.set(path, value);
        pod
    };
    let cost = ["metadata", "annotations", "controller.kubernetes.io/pod-deletion-cost"];
    let restarts = ["status", "containerStatuses"];
    let running = |uid: &str| pod(uid, "n1", "Running", HOUR, HOUR);
    for (why, first, second) in [
        ("unassigned", pod("z", "", "Pending", 0, HOUR), pod("a", "n1", "Pending", 0, HOUR)),
        ("pending", pod("z", "n1", "Pending", 0, HOUR), pod("a", "n1", "Running", 0, HOUR)),
        ("unknown", pod("z", "n1", "Unknown", 0, HOUR), pod("a", "n1", "Running", 0, HOUR)),
        ("not ready", pod("z", "n1", "Running", 0, HOUR), running("a")),
        ("cheaper", with(running("z"), &cost, "-1".into()), running("a")),
        ("ready for less", pod("z", "n1", "Running", MINUTE, HOUR), running("a")),
        ("restarted more", with(running("z"), &restarts, tree!([{"restartCount": 3}])), running("a")),
        ("younger", pod("z", "n1", "Running", 0, MINUTE), pod("a", "n1", "Running", 0, HOUR)),
        ("by uid", running("a"), running("z")),
    ] {
        for pods in [[first.clone(), second.clone()], [second.clone(), first.clone()]] {
            let chosen = pods_to_delete(now, &pods, &pods, 1);
            assert_eq!(meta::name(&chosen[0]), meta::name(&first), "{why}");
        }
    }
    let doubled =
        [running("a"), pod("x", "n2", "Running", HOUR, HOUR), pod("y", "n2", "Running", HOUR, HOUR)];
    assert_eq!(meta::name(&pods_to_delete(now, &doubled, &doubled, 1)[0]), "x", "the node with most of them");
}

#[test]
fn runs_replication_controllers_too() {
    let mut server = Server::default();
    let mut rc = replica_set(2);
    rc.set(&["spec", "selector"], tree!({"app": "web"}));
    server.put(Time::EPOCH, REPLICATIONCONTROLLERS, rc);
    let mut bench = Bench::new(ControllerManager::new(&[]), server);
    bench.run_with(SECOND, run_all);
    let rc = bench.server.object(REPLICATIONCONTROLLERS, "default/web");
    let wanted = tree!({
        "replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
        "observedGeneration": 1,
    });
    assert_eq!(rc["status"], wanted);
    let pods = bench.server.all(PODS);
    assert!(pods.iter().all(|pod| meta::controller(pod).unwrap()["kind"].str() == "ReplicationController"));
    let events = bench.server.all(EVENTS);
    assert_eq!(events[0]["source"]["component"].str(), "replication-controller");
}
