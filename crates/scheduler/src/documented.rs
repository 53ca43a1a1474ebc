//! Plays the tables of documented behaviours in `documented/`.

use crate::Scheduler;
use api::resources::{NODES, PODDISRUPTIONBUDGETS, PODS};
use api::{Value, meta, tree, yaml};
use client::testing::{Bench, Server};
use sim::{SECOND, Time};

/// Makes a node of its row: its name, and what it says about itself.
fn node(name: &str, row: &Value) -> Value {
    let mut node = tree!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}},
    });
    for (field, value) in row.fields().iter() {
        match field {
            "labels" => value.fields().iter().for_each(|(key, text)| {
                node.set(&["metadata", "labels", key], text.clone());
            }),
            "taints" | "unschedulable" => node.set(&["spec", field], value.clone()),
            resource => node.set(&["status", "allocatable", resource], value.clone()),
        }
    }
    node
}

fn port(text: &str) -> Value {
    let parts: Vec<&str> = text.split('/').collect();
    let number: i64 = parts[2].parse().unwrap();
    tree!({"protocol": (parts[0]), "hostIP": (parts[1]), "hostPort": number, "containerPort": number})
}

fn container(requests: &Value) -> Value {
    tree!({"name": "c", "image": "nginx", "resources": {"requests": (requests.clone())}})
}

/// Makes a pod of its row.
fn pod(name: &str, row: &Value) -> Value {
    let namespace = row["namespace"].as_str().unwrap_or("default");
    let mut pod = tree!({"metadata": {"name": name, "namespace": namespace, "uid": name, "labels": (row["labels"].clone())},
        "spec": (row["pod"].as_map().cloned().unwrap_or_default())});
    let mut main = container(&row["asks"]);
    let ports: Vec<Value> = row["ports"].items().iter().map(|text| port(text.str())).collect();
    main.set(&["ports"], ports);
    pod.set(&["spec", "containers"], tree!([(main)]));
    let mut before: Vec<Value> = row["inits"].items().iter().map(container).collect();
    before.extend(row["sidecars"].items().iter().map(|asks| {
        let mut sidecar = container(asks);
        sidecar.set(&["restartPolicy"], "Always");
        sidecar
    }));
    pod.set(&["spec", "initContainers"], before);
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let term = |field: &str, expressions: &Value| tree!({field: (expressions.clone())});
    let mut terms: Vec<Value> =
        row["required"].items().iter().map(|row| term("matchExpressions", row)).collect();
    if !row["fields"].is_null() {
        terms.push(term("matchFields", &row["fields"]));
    }
    if !terms.is_empty() {
        pod.set(&["spec", "affinity", "nodeAffinity", required, "nodeSelectorTerms"], terms);
    }
    for (field, path) in [
        ("near", &["spec", "affinity", "podAffinity", required][..]),
        ("apart", &["spec", "affinity", "podAntiAffinity", required]),
        ("spread", &["spec", "topologySpreadConstraints"]),
        ("priority", &["spec", "priority"]),
        ("node", &["spec", "nodeName"]),
    ] {
        if !row[field].is_null() {
            pod.set(path, row[field].clone());
        }
    }
    if let Some(second) = row["started"].as_int() {
        pod.set(&["status", "startTime"], (Time::EPOCH + second * SECOND).rfc3339());
    }
    if row["leaving"].is_true() {
        pod.set(&["metadata", "deletionTimestamp"], Time::EPOCH.rfc3339());
    }
    pod
}

/// Returns the pod's node, or else what is told about it.
fn outcome(row: &Value) -> String {
    let mut server = Server::default();
    for (name, row) in row["nodes"].fields().iter() {
        server.put(Time::EPOCH, NODES, node(name, row));
    }
    for (i, there) in row["pods"].items().iter().enumerate() {
        let name = there["name"].as_str().map_or(format!("there-{i}"), str::to_string);
        server.put(Time::EPOCH, PODS, pod(&name, there));
    }
    for (i, budget) in row["budgets"].items().iter().enumerate() {
        let mut object = tree!({"metadata": {"name": (format!("budget-{i}")), "namespace": "default"}});
        object.set(&["spec", "selector", "matchLabels"], budget["of"].clone());
        object.set(&["status", "disruptionsAllowed"], budget["allowed"].clone());
        for name in budget["disrupted"].items() {
            object.set(&["status", "disruptedPods", name.str()], Time::EPOCH.rfc3339());
        }
        server.put(Time::EPOCH, PODDISRUPTIONBUDGETS, object);
    }
    server.put(Time::EPOCH, PODS, pod("p", row));
    let mut bench = Bench::new(Scheduler::new(), server);
    bench.run(SECOND);
    let name = bench.server.object(PODS, "default/p")["spec"]["nodeName"].str().to_string();
    if !name.is_empty() {
        return name;
    }
    let left = bench.server.all(PODS);
    let there: Vec<&str> = left.iter().filter(|pod| !meta::is_deleting(pod)).map(meta::name).collect();
    let named = row["pods"].items().iter().filter_map(|there| there["name"].as_str());
    let gone: Vec<String> =
        named.filter(|name| !there.contains(name)).map(|name| format!("preempts {name}")).collect();
    if gone.is_empty() { bench.server.messages().join("\n") } else { gone.join(", ") }
}

#[test]
fn pods_go_where_the_documentation_says() {
    let tables = [include_str!("documented/filters.yaml"), include_str!("documented/preemption.yaml")];
    let tables = tables.map(|text| yaml::parse_one(text).unwrap());
    let mut wrong = Vec::new();
    for row in tables.iter().flat_map(Value::items) {
        let (what, seen) = (row["what"].str(), row["seen"].str());
        assert!(!row["source"].str().is_empty() && !what.is_empty() && !seen.is_empty(), "{row:?}");
        let outcome = outcome(row);
        let is_node = !row["nodes"][outcome.as_str()].is_null();
        let as_said = match seen {
            "any" => is_node,
            "nothing" => outcome.is_empty(),
            node if !row["nodes"][node].is_null() => outcome == node,
            words if words.starts_with("preempts ") => outcome == words,
            words => !is_node && outcome.contains(words),
        };
        if !as_said {
            wrong.push(format!("{}: {what}: {outcome:?}, not {seen:?}", row["source"].str()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
