use crate::ControllerManager;
use api::resources::{CONTROLLERREVISIONS, DAEMONSETS, NODES, PODS};
use api::{Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{SECOND, Time};

fn daemon_set(strategy: Value) -> Value {
    tree!({
        "metadata": {"name": "logs", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"name": "logs"}},
            "updateStrategy": (strategy),
            "template": {"metadata": {"labels": {"name": "logs"}},
                "spec": {"containers": [{"name": "c", "image": "v1"}]}},
        },
    })
}

fn rolling(surge: i64, unavailable: i64) -> Value {
    tree!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}})
}

fn bench(strategy: Value, nodes: i64) -> Bench<ControllerManager> {
    let mut server = Server::default();
    for i in 0..nodes {
        let ready = tree!([{"type": "Ready", "status": "True"}]);
        let node = tree!({"metadata": {"name": (format!("n{i}"))}, "status": {"conditions": (ready)}});
        server.put(Time::EPOCH, NODES, node);
    }
    server.put(Time::EPOCH, DAEMONSETS, daemon_set(strategy));
    let mut bench = Bench::new(ControllerManager::new(&[]), server);
    bench.run_with(5 * SECOND, kubelets);
    bench
}

/// Plays scheduler and kubelets: pods get the node they are limited to and become ready, deleted ones go.
fn kubelets(server: &mut Server, now: Time) {
    for pod in server.all(PODS) {
        let key = meta::key(&pod);
        if meta::is_deleting(&pod) {
            server.remove(PODS, &key);
        } else if pod["status"].is_null() {
            let node = super::node::target(&pod);
            server.change(now, PODS, &key, |pod| {
                let ready = tree!({"type": "Ready", "status": "True", "lastTransitionTime": (now.rfc3339())});
                pod.set(&["spec", "nodeName"], node);
                pod.set(&["status"], tree!({"phase": "Running", "conditions": [(ready)]}));
            });
        }
    }
}

fn set_image(bench: &mut Bench<ControllerManager>, image: &str) {
    bench.server.change(bench.now, DAEMONSETS, "default/logs", |ds| {
        ds.set(&["spec", "template", "spec", "containers"], tree!([{"name": "c", "image": image}]));
        ds.set(&["metadata", "generation"], meta::generation(ds) + 1);
    });
}

fn images(server: &Server) -> Vec<String> {
    let mut images: Vec<String> = server
        .all(PODS)
        .iter()
        .map(|pod| format!("{} {}", super::node::target(pod), pod["spec"]["containers"][0]["image"].str()))
        .collect();
    images.sort();
    images
}

#[test]
fn runs_on_each_node_that_suits() {
    let mut bench = bench(rolling(0, 1), 3);
    assert_eq!(images(&bench.server), ["n0 v1", "n1 v1", "n2 v1"]);
    let ds = bench.server.object(DAEMONSETS, "default/logs");
    let wanted = tree!({
        "currentNumberScheduled": 3, "numberMisscheduled": 0, "desiredNumberScheduled": 3, "numberReady": 3,
        "observedGeneration": 1, "updatedNumberScheduled": 3, "numberAvailable": 3,
    });
    assert_eq!(ds["status"], wanted);
    let pod = bench.server.all(PODS)[0].clone();
    assert!(meta::labels(&pod).get("controller-revision-hash").is_some());
    assert_eq!(pod["spec"]["tolerations"].items().len(), 6);

    let taint = |key: &str, effect: &str| tree!([{"key": key, "effect": effect}]);
    for (taints, kept) in [
        (taint("node.kubernetes.io/unschedulable", "NoSchedule"), true),
        (taint("dedicated", "NoSchedule"), true),
        (taint("dedicated", "NoExecute"), false),
    ] {
        bench.server.change(bench.now, NODES, "n0", |node| node.set(&["spec", "taints"], taints.clone()));
        bench.run_with(5 * SECOND, kubelets);
        assert_eq!(images(&bench.server).contains(&"n0 v1".to_string()), kept, "{taints:?}");
    }
    bench.server.put(bench.now, NODES, tree!({"metadata": {"name": "n3"}}));
    bench.run_with(2 * SECOND, kubelets);
    assert_eq!(images(&bench.server), ["n1 v1", "n2 v1", "n3 v1"]);
}

#[test]
fn updates_within_its_limits() {
    for (surge, unavailable, least, most) in [(0, 1, 4, 5), (0, 3, 2, 5), (2, 0, 5, 7)] {
        let mut bench = bench(rolling(surge, unavailable), 5);
        set_image(&mut bench, "v2");
        bench.run_with(20 * SECOND, |server, now| {
            let pods = server.all(PODS);
            let there =
                pods.iter().filter(|pod| !meta::is_deleting(pod) && crate::pod::is_ready(pod)).count();
            assert!((least..=most).contains(&there), "surge {surge}, unavailable {unavailable}: {there}");
            kubelets(server, now);
        });
        assert_eq!(images(&bench.server), ["n0 v2", "n1 v2", "n2 v2", "n3 v2", "n4 v2"]);
    }
}

#[test]
fn waits_for_deletion_where_told_so() {
    let mut bench = bench(tree!({"type": "OnDelete"}), 2);
    set_image(&mut bench, "v2");
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(images(&bench.server), ["n0 v1", "n1 v1"]);
    let first = bench.server.all(PODS).into_iter().find(|pod| &*super::node::target(pod) == "n0");
    bench.server.remove(PODS, &meta::key(&first.unwrap_or_default()));
    bench.run_with(5 * SECOND, kubelets);
    assert_eq!(images(&bench.server), ["n0 v2", "n1 v1"]);
}

#[test]
fn keeps_revisions() {
    let mut bench = bench(rolling(0, 1), 1);
    for image in ["v2", "v1"] {
        set_image(&mut bench, image);
        bench.run_with(5 * SECOND, kubelets);
    }
    let revisions = bench.server.all(CONTROLLERREVISIONS);
    let mut rows: Vec<(i64, String)> = revisions
        .iter()
        .map(|revision| {
            let containers = &revision["data"]["spec"]["template"]["spec"]["containers"];
            (revision["revision"].int(), containers[0]["image"].str().to_string())
        })
        .collect();
    rows.sort();
    assert_eq!(rows, [(2, "v2".to_string()), (3, "v1".to_string())]);
}

#[test]
fn replaces_failed_pods() {
    let mut bench = bench(rolling(0, 1), 1);
    let name = meta::name(&bench.server.all(PODS)[0]).to_string();
    bench.server.change(bench.now, PODS, &format!("default/{name}"), |pod| {
        pod.set(&["status", "phase"], "Failed");
    });
    bench.run_with(5 * SECOND, kubelets);
    let message = format!("Found failed daemon pod default/{name} on node n0, will try to kill it");
    assert!(bench.server.messages().contains(&message));
    let pods = bench.server.all(PODS);
    assert_eq!(pods.len(), 1);
    assert_ne!(meta::name(&pods[0]), name);
}
