use crate::Scheduler;
use api::resources::{
    EVENTS, NODES, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODS, REPLICASETS, STORAGECLASSES,
};
use api::{Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{MINUTE, SECOND, Time};

const GI: i64 = 1024 * 1024 * 1024;

fn node(name: &str, cpu: &str, memory: i64) -> Value {
    tree!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"allocatable": {"cpu": cpu, "memory": (format!("{}", memory * GI)), "pods": "110"}},
    })
}

fn pod(name: &str, spec: Value) -> Value {
    let mut pod = tree!({"metadata": {"name": name, "namespace": "default"}, "spec": (spec)});
    if pod["spec"]["containers"].is_null() {
        pod.set(&["spec", "containers"], tree!([{"name": "c", "image": "nginx"}]));
    }
    pod
}

fn requests(cpu: &str) -> Value {
    tree!({"containers": [{"name": "c", "image": "nginx", "resources": {"requests": {"cpu": cpu}}}]})
}

fn bench(nodes: &[Value], pods: &[Value]) -> Bench<Scheduler> {
    let mut server = Server::default();
    for node in nodes {
        server.put(Time::EPOCH, NODES, node.clone());
    }
    for pod in pods {
        server.put(Time::EPOCH, PODS, pod.clone());
    }
    Bench::new(Scheduler::new(), server)
}

fn three() -> Vec<Value> {
    ["node-1", "node-2", "node-3"].iter().map(|name| node(name, "2", 4)).collect()
}

fn with(mut value: Value, path: &[&str], field: Value) -> Value {
    value.set(path, field);
    value
}

fn node_of(bench: &Bench<Scheduler>, name: &str) -> String {
    bench.server.object(PODS, &format!("default/{name}"))["spec"]["nodeName"].str().to_string()
}

#[test]
fn binds_and_tells() {
    let mut bench = bench(&three(), &[pod("web", Value::map())]);
    bench.run(SECOND);
    let node = node_of(&bench, "web");
    assert!(node.starts_with("node-"));
    let events = bench.server.all(EVENTS);
    assert_eq!(events.len(), 1);
    for (field, text) in [
        ("message", format!("Successfully assigned default/web to {node}").as_str()),
        ("reason", "Scheduled"),
        ("action", "Binding"),
        ("type", "Normal"),
        ("reportingComponent", "default-scheduler"),
    ] {
        assert_eq!(events[0][field].str(), text);
    }
    assert_eq!(events[0]["source"], tree!({}));
    let verdict = bench.component.verdict("default/web").cloned();
    assert_eq!(verdict.map(|verdict| verdict.scores.len()), Some(3));
}

/// The messages of a real cluster, word for word.
#[test]
fn tells_why_not() {
    let taint = |effect: &str| tree!([{"key": "dedicated", "value": "gpu", "effect": effect}]);
    let tainted: Vec<Value> =
        three().into_iter().map(|node| with(node, &["spec", "taints"], taint("NoSchedule"))).collect();
    let cordoned: Vec<Value> =
        three().into_iter().map(|node| with(node, &["spec", "unschedulable"], true.into())).collect();
    let mixed = vec![tainted[0].clone(), cordoned[1].clone(), node("node-3", "100m", 4)];
    let full = with(node("node-1", "1", 4), &["status", "allocatable", "pods"], "0".into());
    let port = tree!({"containers": [{"name": "c", "ports": [{"containerPort": 80, "hostPort": 80}]}]});
    let busy = with(pod("busy", port.clone()), &["spec", "nodeName"], "node-1".into());
    let only = tree!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        {"nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}]}}}});
    let only_large = with(only, &["containers"], requests("64")["containers"].clone());
    let claim = tree!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "missing"}}]});
    let affinity = tree!({"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
        [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "db"}}}]}}});
    let spread = tree!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}]});
    let never = with(requests("2"), &["preemptionPolicy"], "Never".into());
    let user = with(pod("user", requests("1500m")), &["spec", "nodeName"], "node-1".into());
    let not_helpful = |count: usize| {
        format!(
            " no new claims to deallocate, preemption: 0/{count} nodes are available: {count} Preemption is not helpful for scheduling."
        )
    };
    let one = || vec![node("node-1", "2", 4)];
    for (nodes, other, spec, message) in [
        (vec![], None, Value::map(), "no nodes available to schedule pods".to_string()),
        (three(), None, requests("900"), format!("0/3 nodes are available: 3 Insufficient cpu.{}", not_helpful(3))),
        (three(), None, tree!({"nodeSelector": {"disk": "tape"}}),
            format!("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.{}", not_helpful(3))),
        (tainted.clone(), None, Value::map(),
            format!("0/3 nodes are available: 3 node(s) had untolerated taint(s).{}", not_helpful(3))),
        (cordoned.clone(), None, Value::map(),
            format!("0/3 nodes are available: 3 node(s) were unschedulable.{}", not_helpful(3))),
        (mixed, None, requests("1"),
            format!("0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.{}", not_helpful(3))),
        (vec![full], None, Value::map(), "0/1 nodes are available: 1 Too many pods. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.".into()),
        (one(), Some(busy), port, "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.".into()),
        (one(), Some(user.clone()), requests("1"), "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.".into()),
        (one(), Some(user), never, "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.".into()),
        (three(), None, only_large, format!("0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].{}", not_helpful(3))),
        (three(), None, claim, "0/3 nodes are available: persistentvolumeclaim \"missing\" not found. not found".into()),
        (three(), None, affinity, format!("0/3 nodes are available: 3 node(s) didn't match pod affinity rules.{}", not_helpful(3))),
        (three(), None, spread, format!("0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints (missing required label).{}", not_helpful(3))),
    ] {
        let pods: Vec<Value> = other.into_iter().chain([pod("p", spec)]).collect();
        let mut bench = bench(&nodes, &pods);
        bench.run(SECOND);
        assert_eq!(bench.server.messages(), [message.as_str()]);
        let pod = bench.server.object(PODS, "default/p");
        let condition = meta::condition(&pod, "PodScheduled").cloned().unwrap_or_default();
        assert_eq!(condition["status"].str(), "False");
        assert_eq!(condition["reason"].str(), "Unschedulable");
        assert_eq!(condition["message"].str(), message);
    }
}

#[test]
fn tries_again_when_something_helps() {
    type Help = fn(&mut Server, Time);
    let taint = tree!([{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]);
    let tainted = with(node("node-1", "2", 4), &["spec", "taints"], taint);
    let filler = with(pod("filler", requests("2")), &["spec", "nodeName"], "node-1".into());
    let rows: [(&str, Value, Option<Value>, Value, Help); 4] = [
        ("a taint goes", tainted, None, Value::map(), |server, now| {
            server.change(now, NODES, "node-1", |node| drop(node.remove(&["spec", "taints"])));
        }),
        (
            "a label comes",
            node("node-1", "2", 4),
            None,
            tree!({"nodeSelector": {"disk": "ssd"}}),
            |server, now| {
                server.change(now, NODES, "node-1", |node| node.set(&["metadata", "labels", "disk"], "ssd"));
            },
        ),
        ("a pod goes", node("node-1", "2", 4), Some(filler), requests("1"), |server, _| {
            server.remove(PODS, "default/filler");
        }),
        ("a node comes", node("node-1", "1", 4), None, requests("8"), |server, now| {
            server.put(now, NODES, node("node-2", "16", 4));
        }),
    ];
    for (why, node, other, spec, help) in rows {
        let pods: Vec<Value> = other.into_iter().chain([pod("p", spec)]).collect();
        let mut bench = bench(&[node], &pods);
        bench.run(MINUTE);
        assert_eq!(node_of(&bench, "p"), "", "{why}");
        let tries = |bench: &Bench<Scheduler>| {
            bench.component.verdict("default/p").map_or(0, |verdict| verdict.attempt)
        };
        assert_eq!(tries(&bench), 1, "{why}: nothing happened, so it isn't tried again");
        help(&mut bench.server, bench.now);
        bench.run(SECOND);
        assert_ne!(node_of(&bench, "p"), "", "{why}");
        assert_eq!(tries(&bench), 2, "{why}");
    }
}

#[test]
fn takes_the_more_important_first() {
    let pods: Vec<Value> = [("low", 0), ("high", 1_000), ("middle", 10)]
        .iter()
        .map(|(name, priority)| with(pod(name, Value::map()), &["spec", "priority"], (*priority).into()))
        .collect();
    let mut bench = bench(&three(), &pods);
    bench.run(SECOND);
    let bindings: Vec<&String> = bench.server.calls.iter().filter(|call| call.contains("binding")).collect();
    let order: Vec<&str> = bindings.iter().filter_map(|call| call.rsplit('/').next()).collect();
    assert_eq!(order, ["high", "middle", "low"]);
}

/// A more important pod takes the place of less important ones: of as few and as unimportant as will do.
#[test]
fn makes_room_for_the_more_important() {
    let there = |name: &str, node: &str, cpu: &str, priority: i64| {
        let pod = with(pod(name, requests(cpu)), &["spec", "nodeName"], node.into());
        with(pod, &["spec", "priority"], priority.into())
    };
    let pods = [
        there("a", "node-1", "1", 5),
        there("b", "node-1", "1", 5),
        there("c", "node-2", "1", 1),
        there("d", "node-2", "1", 5),
        there("e", "node-3", "2", 50),
        with(pod("vip", requests("1")), &["spec", "priority"], 10.into()),
    ];
    let mut bench = bench(&three(), &pods);
    let kubelets = |server: &mut Server, now: Time| {
        for pod in server.all(PODS).iter().filter(|pod| meta::is_deleting(pod)) {
            if meta::time(&pod["metadata"]["deletionTimestamp"]).is_some_and(|at| at <= now + 20 * SECOND) {
                server.remove(PODS, &meta::key(pod));
            }
        }
    };
    bench.run_with(SECOND, kubelets);
    let victim = bench.server.object(PODS, "default/c");
    assert!(meta::is_deleting(&victim));
    let why = meta::condition(&victim, "DisruptionTarget").cloned().unwrap_or_default();
    assert_eq!(why["reason"].str(), "PreemptionByScheduler");
    let vip = bench.server.object(PODS, "default/vip");
    assert_eq!(vip["status"]["nominatedNodeName"].str(), "node-2");
    let uid = meta::uid(&vip).to_string();
    let messages = bench.server.messages();
    assert!(messages.contains(&format!("Preempted by pod {uid} on node node-2")));
    assert!(messages.contains(&"0/3 nodes are available: 3 Insufficient cpu.".to_string()));
    bench.server.put(bench.now, PODS, with(pod("thief", requests("1")), &["spec", "priority"], 2.into()));
    bench.run(15 * SECOND);
    bench.run_with(MINUTE, kubelets);
    assert_eq!(node_of(&bench, "vip"), "node-2", "the place is kept for it");
    assert_eq!(node_of(&bench, "thief"), "");
    assert_eq!(bench.server.calls.iter().filter(|call| call.starts_with("delete pods")).count(), 1);
}

#[test]
fn leaves_gated_and_foreign_pods_alone() {
    let gated = tree!({"schedulingGates": [{"name": "wait"}]});
    let foreign = tree!({"schedulerName": "other"});
    let mut bench = bench(&three(), &[pod("gated", gated), pod("foreign", foreign)]);
    bench.run(SECOND);
    assert!(bench.server.messages().is_empty());
    bench
        .server
        .change(bench.now, PODS, "default/gated", |pod| drop(pod.remove(&["spec", "schedulingGates"])));
    bench.run(SECOND);
    assert_ne!(node_of(&bench, "gated"), "");
}

/// Ten thousand pods of one ReplicaSet on a hundred nodes come to lie evenly.
#[test]
fn spreads_many_pods() {
    let mut server = Server::default();
    for i in 0..100 {
        server.put(Time::EPOCH, NODES, node(&format!("node-{i:03}"), "32", 64));
    }
    let rs = tree!({"metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}}});
    let rs = server.put(Time::EPOCH, REPLICASETS, rs);
    let count = if cfg!(debug_assertions) { 1_000 } else { 10_000 };
    for i in 0..count {
        let mut pod = pod(&format!("web-{i:05}"), requests("10m"));
        pod.set(&["metadata", "labels", "app"], "web");
        let owner = tree!({"kind": "ReplicaSet", "name": "web", "uid": (meta::uid(&rs)), "controller": true});
        pod.set(&["metadata", "ownerReferences"], vec![owner]);
        server.put(Time::EPOCH, PODS, pod);
    }
    let mut bench = Bench::new(Scheduler::new(), server);
    bench.run(10 * MINUTE);
    let mut on: std::collections::BTreeMap<String, i64> = Default::default();
    for pod in bench.server.all(PODS) {
        *on.entry(pod["spec"]["nodeName"].str().to_string()).or_default() += 1;
    }
    let even = count / 100;
    assert!(on.values().all(|count| (even - 1..=even + 1).contains(count)), "{on:?}");
}

fn claimed(class: &Value, volumes: &[Value]) -> Bench<Scheduler> {
    let mut server = Server::default();
    for node in three() {
        server.put(Time::EPOCH, NODES, node);
    }
    server.put(Time::EPOCH, STORAGECLASSES, class.clone());
    for volume in volumes {
        server.put(Time::EPOCH, PERSISTENTVOLUMES, volume.clone());
    }
    let claim = tree!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "default"},
        "spec": {"storageClassName": "late", "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}},
    });
    server.put(Time::EPOCH, PERSISTENTVOLUMECLAIMS, claim);
    let volume = tree!({"name": "v", "persistentVolumeClaim": {"claimName": "data"}});
    server.put(Time::EPOCH, PODS, pod("db", tree!({"volumes": [(volume)]})));
    let mut bench = Bench::new(Scheduler::new(), server);
    bench.run(SECOND);
    bench
}

fn late(provisioner: &str) -> Value {
    let mode = "WaitForFirstConsumer";
    tree!({"metadata": {"name": "late"}, "provisioner": provisioner, "volumeBindingMode": mode})
}

fn local_volume(node: &str) -> Value {
    let here = tree!({"key": "kubernetes.io/hostname", "operator": "In", "values": [node]});
    let required = tree!({"nodeSelectorTerms": [{"matchExpressions": [(here)]}]});
    tree!({
        "metadata": {"name": "disk"},
        "spec": {"storageClassName": "late", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "5Gi"},
            "local": {"path": "/mnt"}, "nodeAffinity": {"required": (required)}},
        "status": {"phase": "Available"},
    })
}

/// Plays the controller that binds claims.
fn bind_claim(bench: &mut Bench<Scheduler>, volume: &str) {
    bench.server.change(bench.now, PERSISTENTVOLUMECLAIMS, "default/data", |claim| {
        claim.set(&["spec", "volumeName"], volume);
        claim.set(&["status", "phase"], "Bound");
    });
    bench.run(SECOND);
}

#[test]
fn binds_a_volume_where_it_is() {
    let mut bench = claimed(&late("kubernetes.io/no-provisioner"), &[local_volume("node-2")]);
    let volume = bench.server.object(PERSISTENTVOLUMES, "disk");
    assert_eq!(volume["spec"]["claimRef"]["name"].str(), "data");
    assert_eq!(node_of(&bench, "db"), "", "it waits for its volume");
    bind_claim(&mut bench, "disk");
    assert_eq!(node_of(&bench, "db"), "node-2");
}

#[test]
fn has_volumes_made_on_the_node_that_it_chose() {
    let mut bench = claimed(&late("example.com/disks"), &[]);
    let claim = bench.server.object(PERSISTENTVOLUMECLAIMS, "default/data");
    let node = meta::annotation(&claim, api::volume::SELECTED_NODE).to_string();
    assert!(node.starts_with("node-"), "{node:?}");
    assert_eq!(node_of(&bench, "db"), "");
    bind_claim(&mut bench, "made");
    assert_eq!(node_of(&bench, "db"), node);
}

#[test]
fn tells_that_no_volume_can_be_reached() {
    let mut bench = claimed(&late("kubernetes.io/no-provisioner"), &[]);
    let message = |bench: &Bench<Scheduler>| bench.server.messages().last().cloned().unwrap_or_default();
    assert!(
        message(&bench).starts_with(
            "0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind."
        ),
        "{}",
        message(&bench)
    );
    let now = bench.now;
    bench.server.put(now, PERSISTENTVOLUMES, local_volume("node-3"));
    bench.run(20 * SECOND);
    bind_claim(&mut bench, "disk");
    assert_eq!(node_of(&bench, "db"), "node-3");
    // A pod that asks for another node than its volume's.
    let volume = tree!({"name": "v", "persistentVolumeClaim": {"claimName": "data"}});
    let selector = tree!({"kubernetes.io/hostname": "node-1"});
    let other = pod("other", tree!({"volumes": [(volume)], "nodeSelector": (selector)}));
    let now = bench.now;
    bench.server.put(now, PODS, other);
    bench.run(SECOND);
    let told = message(&bench);
    assert!(told.contains("1 node(s) didn't match PersistentVolume's node affinity"), "{told}");
}
