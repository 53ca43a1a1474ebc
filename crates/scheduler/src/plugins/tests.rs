use super::{SCORE_PLUGINS, Surroundings, score};
use crate::cache::Cache;
use crate::pod_info::PodInfo;
use api::label::Selector;
use api::{Value, meta, tree};
use std::rc::Rc;

fn node(name: &str, cpu: &str, memory: &str) -> Value {
    tree!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": "110"}},
    })
}

fn nodes(count: usize) -> Vec<Value> {
    ["a", "b", "c", "d"].iter().take(count).map(|name| node(name, "4", "10Gi")).collect()
}

fn pod(name: &str, labels: Value, spec: Value) -> Value {
    tree!({"metadata": {"name": name, "namespace": "default", "labels": (labels)}, "spec": (spec)})
}

fn asking(cpu: &str, memory: &str) -> Value {
    tree!({"containers": [{"resources": {"requests": {"cpu": cpu, "memory": memory}}}]})
}

/// Returns a plugin's scores before weighting, for all nodes in the order of their names.
fn scores(plugin: &str, nodes: &[Value], there: &[(Value, &str)], pod: &Value) -> Vec<i64> {
    let mut cache = Cache::default();
    nodes.iter().for_each(|node| cache.set_node(node));
    for (pod, node) in there {
        cache.set_pod(Rc::new(PodInfo::new(pod)), node);
    }
    let at = SCORE_PLUGINS.iter().position(|(name, _)| *name == plugin).unwrap();
    let nothing = |_: &str| Value::Null;
    let default_selector = Selector::from_map(meta::labels(pod));
    let surroundings = Surroundings { namespaces: &nothing, default_selector, volumes: Default::default() };
    let mut list: Vec<_> = cache.nodes().iter().collect();
    list.sort_by(|a, b| a.name.cmp(&b.name));
    let rows = score(&cache, &PodInfo::new(pod), &list, &surroundings, &crate::Profile::default());
    rows.iter().map(|row| row[at] / SCORE_PLUGINS[at].1).collect()
}

// The rows of upstream's tests of least_allocated.go and balanced_allocation.go.
#[test]
fn scores_resources() {
    let sized = [node("a", "4", "10000"), node("b", "6", "10000")];
    let even = [node("a", "4", "10000"), node("b", "4", "10000")];
    let busy = || (pod("busy", Value::Null, asking("3", "5000")), "a");
    for (plugin, nodes, there, spec, wanted) in [
        ("NodeResourcesFit", &sized, vec![], asking("3", "5000"), [37, 50]),
        ("NodeResourcesBalancedAllocation", &sized, vec![], asking("3", "5000"), [87, 100]),
        ("NodeResourcesFit", &even, vec![busy()], asking("1", "5000"), [0, 62]),
        ("NodeResourcesBalancedAllocation", &even, vec![busy()], asking("1", "5000"), [100, 87]),
        ("NodeResourcesBalancedAllocation", &even, vec![busy()], tree!({"containers": [{}]}), [0, 0]),
    ] {
        assert_eq!(scores(plugin, nodes, &there, &pod("p", Value::Null, spec)), wanted, "{plugin}");
    }
}

// The rows of upstream's TestPodTopologySpreadScore for one constraint on hosts.
#[test]
fn scores_spread() {
    let foo = || tree!({"app": "foo"});
    let soft = tree!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": {"app": "foo"}}}]});
    let on = |counts: &[usize]| {
        let mut there = Vec::new();
        for (node, count) in ["a", "b", "c", "d"].iter().zip(counts) {
            for i in 0..*count {
                there.push((pod(&format!("{node}{i}"), foo(), Value::map()), *node));
            }
        }
        there
    };
    for (counts, wanted) in
        [(vec![0, 0], vec![100, 100]), (vec![1, 1], vec![100, 100]), (vec![2, 1, 0, 3], vec![20, 60, 100, 0])]
    {
        let pod = pod("p", foo(), soft.clone());
        assert_eq!(
            scores("PodTopologySpread", &nodes(counts.len()), &on(&counts), &pod),
            wanted,
            "{counts:?}"
        );
    }
    // Without constraints the defaults spread over hosts, and differ less for their larger skew.
    let plain = pod("p", foo(), Value::map());
    assert_eq!(scores("PodTopologySpread", &nodes(2), &on(&[3, 0]), &plain), [33, 100]);
    let foreign = (pod("x", tree!({"app": "bar"}), Value::map()), "a");
    assert_eq!(scores("PodTopologySpread", &nodes(2), &[foreign], &plain), [100, 100]);
}

#[test]
fn scores_taints_and_affinity() {
    let soft =
        tree!([{"key": "k", "effect": "PreferNoSchedule"}, {"key": "l", "effect": "PreferNoSchedule"}]);
    let mut tainted = nodes(2);
    tainted[0].set(&["spec", "taints"], soft);
    let bears =
        tree!({"tolerations": [{"key": "k", "operator": "Exists"}, {"key": "l", "operator": "Exists"}]});
    for (spec, wanted) in [(Value::map(), [0, 100]), (bears, [100, 100])] {
        assert_eq!(scores("TaintToleration", &tainted, &[], &pod("p", Value::Null, spec)), wanted);
    }
    let prefers = |name: &str, weight: i64| {
        tree!({"weight": weight, "preference": {"matchExpressions":
            [{"key": "kubernetes.io/hostname", "operator": "In", "values": [name]}]}})
    };
    let terms = tree!([(prefers("a", 2)), (prefers("b", 5))]);
    let mut spec = Value::map();
    spec.set(&["affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution"], terms);
    assert_eq!(scores("NodeAffinity", &nodes(3), &[], &pod("p", Value::Null, spec)), [40, 100, 0]);
}

#[test]
fn scores_the_nearness_of_pods() {
    let term = |weight: i64| {
        tree!([{"weight": weight, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": {"app": "db"}}}}])
    };
    let there = [(pod("db", tree!({"app": "db"}), Value::map()), "b")];
    for (kind, wanted) in [("podAffinity", [0, 100, 0]), ("podAntiAffinity", [100, 0, 100])] {
        let mut spec = Value::map();
        spec.set(&["affinity", kind, "preferredDuringSchedulingIgnoredDuringExecution"], term(10));
        assert_eq!(
            scores("InterPodAffinity", &nodes(3), &there, &pod("p", Value::Null, spec)),
            wanted,
            "{kind}"
        );
    }
}

// A row of upstream's TestImageLocalityPriority.
#[test]
fn scores_images() {
    const MB: i64 = 1024 * 1024;
    let mut nodes = nodes(2);
    let image = |name: &str, size: i64| tree!({"names": [name], "sizeBytes": (size * MB)});
    nodes[0].set(
        &["status", "images"],
        tree!([(image("gcr.io/40:latest", 40)), (image("gcr.io/300:latest", 300))]),
    );
    nodes[1].set(
        &["status", "images"],
        tree!([(image("gcr.io/250:latest", 250)), (image("gcr.io/10:latest", 10))]),
    );
    let spec = tree!({"containers": [{"image": "gcr.io/40"}, {"image": "gcr.io/250"}]});
    assert_eq!(scores("ImageLocality", &nodes, &[], &pod("p", Value::Null, spec)), [0, 5]);
}
