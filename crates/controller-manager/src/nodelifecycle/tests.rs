use crate::ControllerManager;
use api::resources::{LEASES, NODES, PODS};
use api::{Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{MINUTE, SECOND, Time};

fn node(name: &str) -> Value {
    let conditions = tree!([
        {"type": "MemoryPressure", "status": "False"},
        {"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-05T09:00:00Z"},
    ]);
    tree!({"metadata": {"name": name}, "status": {"conditions": (conditions)}})
}

fn pod(name: &str, node: &str, seconds: i64) -> Value {
    let bears = |key: &str| {
        tree!({"key": (format!("node.kubernetes.io/{key}")), "operator": "Exists",
            "effect": "NoExecute", "tolerationSeconds": seconds})
    };
    tree!({
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": node, "tolerations": [(bears("not-ready")), (bears("unreachable"))]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

fn bench(nodes: &[&str]) -> Bench<ControllerManager> {
    let mut server = Server::default();
    for name in nodes {
        server.put(Time::EPOCH, NODES, node(name));
        server.put(Time::EPOCH, PODS, pod(&format!("pod-{name}"), name, 300));
        server.put(
            Time::EPOCH,
            LEASES,
            tree!({"metadata": {"name": (*name), "namespace": "kube-node-lease"}}),
        );
    }
    Bench::new(ControllerManager::new(&[]), server)
}

/// Lets time pass while the kubelets of some nodes renew their leases every ten seconds.
fn run(bench: &mut Bench<ControllerManager>, seconds: i64, alive: &[&str]) {
    for _ in 0..seconds / 10 {
        for name in alive {
            let now = bench.now;
            bench.server.change(now, LEASES, &format!("kube-node-lease/{name}"), |lease| {
                lease.set(&["spec", "renewTime"], now.rfc3339_micro());
            });
        }
        bench.run(10 * SECOND);
    }
}

fn taints(bench: &Bench<ControllerManager>, name: &str) -> Vec<String> {
    let node = bench.server.object(NODES, name);
    let text = |taint: &Value| {
        let key = taint["key"].str().trim_start_matches("node.kubernetes.io/");
        format!("{key}:{}", taint["effect"].str())
    };
    let mut taints: Vec<String> = node["spec"]["taints"].items().iter().map(text).collect();
    taints.sort();
    taints
}

#[test]
fn gives_a_silent_node_up_and_takes_it_back() {
    let mut bench = bench(&["n1", "n2", "n3"]);
    run(&mut bench, 60, &["n1", "n2", "n3"]);
    assert!(taints(&bench, "n1").is_empty());
    run(&mut bench, 40, &["n2", "n3"]);
    assert!(taints(&bench, "n1").is_empty(), "the grace period is 50 s");
    run(&mut bench, 30, &["n2", "n3"]);
    assert_eq!(taints(&bench, "n1"), ["unreachable:NoExecute", "unreachable:NoSchedule"]);
    let node = bench.server.object(NODES, "n1");
    for kind in ["Ready", "MemoryPressure"] {
        let condition = meta::condition(&node, kind).cloned().unwrap_or_default();
        assert_eq!(condition["status"].str(), "Unknown");
        assert_eq!(condition["reason"].str(), "NodeStatusUnknown");
        assert_eq!(condition["message"].str(), "Kubelet stopped posting node status.");
    }
    let disk = meta::condition(&node, "DiskPressure").cloned().unwrap_or_default();
    assert_eq!(disk["reason"].str(), "NodeStatusNeverUpdated");
    let pod = bench.server.object(PODS, "default/pod-n1");
    assert!(!meta::is_condition_true(&pod, "Ready"));
    assert!(!meta::is_deleting(&pod));
    run(&mut bench, 270, &["n2", "n3"]);
    assert!(!meta::is_deleting(&bench.server.object(PODS, "default/pod-n1")));
    run(&mut bench, 40, &["n2", "n3"]);
    let pod = bench.server.object(PODS, "default/pod-n1");
    assert!(meta::is_deleting(&pod), "300 s are over");
    let why = meta::condition(&pod, "DisruptionTarget").cloned().unwrap_or_default();
    assert_eq!(why["reason"].str(), "DeletionByTaintManager");
    let messages = bench.server.messages();
    for message in [
        "Registered Node n1 in Controller",
        "Node n1 status is now: NodeNotReady",
        "Node is not ready",
        "Marking for deletion Pod default/pod-n1",
    ] {
        assert!(messages.iter().any(|told| told == message), "{message}");
    }
    bench.server.change(bench.now, NODES, "n1", |node| {
        let conditions =
            tree!([{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-05T10:00:00Z"}]);
        node.set(&["status", "conditions"], conditions);
    });
    run(&mut bench, 20, &["n1", "n2", "n3"]);
    assert!(taints(&bench, "n1").is_empty());
}

#[test]
fn evicts_nobody_when_everything_is_silent() {
    let mut bench = bench(&["n1", "n2"]);
    run(&mut bench, 600, &[]);
    for name in ["n1", "n2"] {
        assert_eq!(taints(&bench, name), ["unreachable:NoSchedule"]);
        assert!(!meta::is_deleting(&bench.server.object(PODS, &format!("default/pod-{name}"))));
    }
}

#[test]
fn cancels_an_eviction() {
    let mut bench = bench(&["n1"]);
    let taint = tree!([{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}]);
    bench.server.put(bench.now, NODES, {
        let mut node = node("n2");
        node.set(&["spec", "taints"], taint);
        node.set(&["status", "conditions"], Value::list());
        node
    });
    bench.server.put(bench.now, PODS, pod("p", "n2", 20));
    bench.run(10 * SECOND);
    bench.server.change(bench.now, NODES, "n2", |node| drop(node.remove(&["spec", "taints"])));
    bench.run(MINUTE);
    assert!(!meta::is_deleting(&bench.server.object(PODS, "default/p")));
    assert!(bench.server.messages().contains(&"Cancelling deletion of Pod default/p".to_string()));
}

#[test]
fn taints_what_is_cordoned_or_under_pressure() {
    let mut bench = bench(&["n1"]);
    bench.server.change(bench.now, NODES, "n1", |node| {
        node.set(&["spec", "unschedulable"], true);
        let conditions =
            tree!([{"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "True"}]);
        node.set(&["status", "conditions"], conditions);
    });
    bench.run(SECOND);
    assert_eq!(taints(&bench, "n1"), ["disk-pressure:NoSchedule", "unschedulable:NoSchedule"]);
    bench.server.change(bench.now, NODES, "n1", |node| drop(node.remove(&["spec", "unschedulable"])));
    bench.run(SECOND);
    assert_eq!(taints(&bench, "n1"), ["disk-pressure:NoSchedule"]);
}
