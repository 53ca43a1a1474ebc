use crate::ControllerManager;
use api::resources::{PODDISRUPTIONBUDGETS, PODS, REPLICASETS};
use api::{Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{MINUTE, SECOND, Time};

const KEY: &str = "d/few";

/// A budget for the pods of a ReplicaSet of ten, of which some are ready.
fn bench(spec: Value, ready: usize) -> Bench<ControllerManager> {
    let mut server = Server::default();
    let rs = tree!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web", "namespace": "d"},
        "spec": {"replicas": 10, "selector": {"matchLabels": {"app": "web"}}}});
    let rs = server.put(Time::EPOCH, REPLICASETS, rs);
    for i in 0..10_usize {
        let status = if i < ready { "True" } else { "False" };
        let conditions = tree!([{"type": "Ready", "status": status}]);
        let pod = tree!({
            "metadata": {"name": (format!("p{i}")), "namespace": "d", "labels": {"app": "web"},
                "ownerReferences": [(crate::claim::controller_reference(REPLICASETS, &rs))]},
            "spec": {"nodeName": ""}, "status": {"phase": "Running", "conditions": (conditions)},
        });
        server.put(Time::EPOCH, PODS, pod);
    }
    let mut spec = spec;
    spec.set(&["selector"], tree!({"matchLabels": {"app": "web"}}));
    let budget = tree!({"metadata": {"name": "few", "namespace": "d"}, "spec": (spec)});
    server.put(Time::EPOCH, PODDISRUPTIONBUDGETS, budget);
    let mut bench = Bench::new(ControllerManager::new(&[]), server);
    bench.component.stop("replicaset");
    bench.run(2 * SECOND);
    bench
}

/// Returns (allowed, healthy, desired, expected).
fn numbers(bench: &Bench<ControllerManager>) -> [i64; 4] {
    let status = bench.server.object(PODDISRUPTIONBUDGETS, KEY)["status"].clone();
    ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"]
        .map(|field| status[field].int())
}

#[test]
fn allows_what_the_budget_leaves() {
    for (spec, ready, wanted) in [
        (tree!({"minAvailable": 8}), 10, [2, 10, 8, 10]),
        (tree!({"minAvailable": 8}), 8, [0, 8, 8, 10]),
        (tree!({"minAvailable": 8}), 3, [0, 3, 8, 10]),
        (tree!({"minAvailable": "75%"}), 10, [2, 10, 8, 10]),
        (tree!({"maxUnavailable": 3}), 10, [3, 10, 7, 10]),
        (tree!({"maxUnavailable": "25%"}), 10, [3, 10, 7, 10]),
        (tree!({"maxUnavailable": 0}), 10, [0, 10, 10, 10]),
    ] {
        assert_eq!(numbers(&bench(spec.clone(), ready)), wanted, "{spec:?} with {ready}");
    }
    let bench = bench(tree!({"minAvailable": 8}), 8);
    let budget = bench.server.object(PODDISRUPTIONBUDGETS, KEY);
    let condition = meta::condition(&budget, "DisruptionAllowed").unwrap();
    assert_eq!([condition["status"].str(), condition["reason"].str()], ["False", "InsufficientPods"]);
}

#[test]
fn waits_for_what_was_evicted() {
    let mut bench = bench(tree!({"minAvailable": 8}), 10);
    let now = bench.now.rfc3339();
    bench.server.change(bench.now, PODDISRUPTIONBUDGETS, KEY, |budget| {
        budget.set(&["status", "disruptedPods", "p1"], now.as_str());
    });
    bench.run(2 * SECOND);
    assert_eq!(numbers(&bench)[..2], [1, 9], "an evicted pod doesn't count before it is gone");
    bench.run(3 * MINUTE);
    assert_eq!(numbers(&bench)[..2], [2, 10], "and after two minutes it counts again");
}
