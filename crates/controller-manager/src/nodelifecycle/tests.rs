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
        "Node n1 event: Registered Node n1 in Controller",
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

/// Returns the nodes of `a 3 2, b 0 4`: zones with so many whose kubelets are heard of and so many whose aren't. All
/// were heard of at first; the silent ones come first in their zone.
fn zones(text: &str) -> (Vec<String>, Vec<String>, Server) {
    let (mut alive, mut silent, mut server) = (Vec::new(), Vec::new(), Server::default());
    for zone in text.split(", ") {
        let words: Vec<&str> = zone.split(' ').collect();
        let [zone, up, down] = words.as_slice() else { panic!("{text}") };
        let (up, down): (usize, usize) = (up.parse().unwrap(), down.parse().unwrap());
        for n in 0..up + down {
            let name = format!("{zone}-{n:03}");
            let mut node = node(&name);
            node.set(&["metadata", "labels"], tree!({"topology.kubernetes.io/zone": (*zone)}));
            server.put(Time::EPOCH, NODES, node);
            let lease = tree!({"metadata": {"name": (&name), "namespace": "kube-node-lease"}});
            server.put(Time::EPOCH, LEASES, lease);
            if n < down { silent.push(name) } else { alive.push(name) }
        }
    }
    (alive, silent, server)
}

fn evicted(bench: &Bench<ControllerManager>) -> usize {
    let nodes = bench.server.all(NODES);
    let evicts = |taint: &Value| taint["effect"].str() == "NoExecute";
    nodes.iter().filter(|node| node["spec"]["taints"].items().iter().any(evicts)).count()
}

/// How many nodes are evicted from by then: those that fell silent at the beginning are noticed 55 s later.
///
/// Models docs/concepts/architecture/nodes, "Rate limits on eviction", and
/// pkg/controller/nodelifecycle/node_lifecycle_controller_test.go TestMonitorNodeHealthEvictPodsWithDisruption.
#[test]
fn evicts_at_the_rate_of_the_zone() {
    for (text, seconds, wanted, why) in [
        ("a 10 6", 60, 1, "the first at once"),
        ("a 10 6", 100, 5, "then one in ten seconds"),
        ("a 10 6", 120, 6, "until all of them are"),
        ("a 1 2", 120, 2, "two make no disruption, however few there are"),
        ("a 10 10", 100, 5, "half of a zone is no disruption"),
        ("a 9 11", 600, 0, "55 % of a small zone stop it"),
        ("a 4 6", 600, 0, "more of it do too"),
        ("a 20 30", 600, 0, "50 nodes are a small zone"),
        ("a 20 31", 150, 1, "51 nodes are a large one: the first at once"),
        ("a 20 31", 160, 2, "then one in a hundred seconds"),
        ("a 20 31", 400, 4, "and so on"),
        ("a 0 3", 600, 0, "everything is silent: it is the network"),
        ("a 0 3, b 0 5", 600, 0, "all zones are silent"),
        ("a 0 3, b 5 0", 100, 3, "one zone is silent: what is in it is evicted from"),
        ("a 0 60, b 5 0", 100, 5, "at the usual rate, though it be large"),
        ("a 5 3, b 5 3", 60, 2, "each zone has a rate of its own"),
        ("a 5 3, b 5 3", 100, 6, "each zone has a rate of its own, later"),
        ("a 4 6, b 5 1", 600, 1, "a disrupted zone doesn't keep another one"),
        ("a 0 4, b 4 6", 600, 4, "a small disrupted zone beside a silent one"),
    ] {
        let (alive, _, server) = zones(text);
        let mut bench = Bench::new(ControllerManager::new(&[]), server);
        let alive: Vec<&str> = alive.iter().map(String::as_str).collect();
        run(&mut bench, seconds, &alive);
        assert_eq!(evicted(&bench), wanted, "{text} after {seconds} s: {why}");
    }
}

/// Models TestMonitorNodeHealthEvictPodsWithDisruption: "Initially both zones down, one comes back".
#[test]
fn begins_anew_once_a_zone_is_back() {
    let (_, silent, server) = zones("a 0 3, b 0 3");
    let mut bench = Bench::new(ControllerManager::new(&[]), server);
    run(&mut bench, 300, &[]);
    assert_eq!(evicted(&bench), 0);
    let back: Vec<&str> = silent.iter().map(String::as_str).filter(|name| name.starts_with('b')).collect();
    let again = |bench: &mut Bench<ControllerManager>| {
        for name in &back {
            let stamp = bench.now.rfc3339();
            bench.server.change(bench.now, NODES, name, |node| {
                let ready = tree!([{"type": "Ready", "status": "True", "lastHeartbeatTime": (stamp)}]);
                node.set(&["status", "conditions"], ready);
            });
        }
    };
    again(&mut bench);
    run(&mut bench, 100, &back);
    assert_eq!(evicted(&bench), 3, "the zone that stays silent");
    assert!(back.iter().all(|name| taints(&bench, name).is_empty()));
}
