//! Measures what ten thousand pods of one template take, in three forms, and how long decoding
//! and defaulting one takes. Run it once for each form, in release mode:
//! `cargo run --release -p schema --example objects -- shared|value|json|typed|time`.

use api::{Value, tree};
use schema::{decode, default, find_kind};
use std::hint::black_box;
use std::time::Duration;

const PODS: usize = 10_000;
/// What /proc/self/statm counts in.
const PAGE_BYTES: usize = 4096;

/// A pod as the ReplicaSet controller, the scheduler and the kubelet leave it.
fn pod(template: &Value, i: usize) -> Value {
    let now = "2026-01-02T03:04:05Z";
    let mut spec = template.clone();
    spec.set(&["nodeName"], format!("node-{}", i % 3));
    spec.set(&["serviceAccountName"], "default");
    let conditions: Vec<Value> = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .iter()
        .map(|name| {
            tree!({"type": (*name), "status": "True", "lastProbeTime": null, "lastTransitionTime": now, "observedGeneration": 1})
        })
        .collect();
    let ip = format!("10.244.{}.{}", i / 250, i % 250);
    tree!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": (format!("web-6d4cf56db6-{i:05}")),
            "generateName": "web-6d4cf56db6-",
            "namespace": "default",
            "uid": (format!("0f0f0f0f-0000-4000-8000-{i:012}")),
            "resourceVersion": (format!("{}", 1000 + i)),
            "creationTimestamp": now,
            "labels": {"app": "web", "pod-template-hash": "6d4cf56db6"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d4cf56db6", "uid": "1f0f0f0f-0000-4000-8000-000000000001", "controller": true, "blockOwnerDeletion": true}],
        },
        "spec": (spec),
        "status": {
            "phase": "Running",
            "qosClass": "Burstable",
            "hostIP": "10.64.140.11",
            "podIP": (ip.as_str()),
            "podIPs": [{"ip": (ip.as_str())}],
            "startTime": now,
            "conditions": (conditions),
            "containerStatuses": [{"name": "web", "image": "nginx:1.25", "imageID": "docker.io/library/nginx@sha256:0", "containerID": (format!("containerd://{i:064}")), "ready": true, "started": true, "restartCount": 0, "lastState": {}, "state": {"running": {"startedAt": now}}}],
        },
    })
}

fn template() -> Value {
    let container = tree!({
        "name": "web",
        "image": "nginx:1.25",
        "ports": [{"name": "http", "containerPort": 80}],
        "env": [{"name": "MODE", "value": "prod"}, {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
        "volumeMounts": [{"name": "cache", "mountPath": "/var/cache/nginx"}],
    });
    let mut set = tree!({"spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [(container)], "volumes": [{"name": "cache", "emptyDir": {}}]},
    }}});
    let kind = find_kind("apps", "v1", "ReplicaSet").expect("the table has it");
    set = decode(kind, &set).expect("it fits").value;
    default(kind, &mut set);
    set.at(&["spec", "template", "spec"]).clone()
}

/// Takes a pod in, as the API server does at its creation.
fn taken_in(pod: &Value) -> Value {
    let kind = find_kind("", "v1", "Pod").expect("the table has it");
    let mut pod = decode(kind, pod).expect("it fits").value;
    default(kind, &mut pod);
    pod
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = statm.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    pages * PAGE_BYTES
}

fn measure<T>(form: &str, make: impl Fn(usize) -> T) {
    black_box(make(PODS)); // the table is read once, which isn't counted
    let before = resident_bytes();
    let all: Vec<T> = (0..PODS).map(make).collect();
    let bytes = resident_bytes().saturating_sub(before) / all.len();
    println!("{{\"form\":\"{form}\",\"pods\":{PODS},\"bytes_per_pod\":{bytes}}}");
}

fn time(name: &str, mut work: impl FnMut()) {
    const ROUNDS: u32 = 1_000;
    #[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "it measures")]
    let elapsed = |work: &mut dyn FnMut()| -> Duration {
        let start = std::time::Instant::now();
        for _ in 0..ROUNDS {
            work();
        }
        start.elapsed()
    };
    // The best of some, for a machine that does other things too.
    let best = (0..20).map(|_| elapsed(&mut work)).min().unwrap_or_default();
    let nanos = best.as_nanos() / u128::from(ROUNDS);
    println!("{{\"work\":\"{name}\",\"nanoseconds\":{nanos}}}");
}

fn times() {
    #[allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "it measures")]
    let start = std::time::Instant::now();
    let kind = find_kind("", "v1", "Pod").expect("the table has it");
    default(kind, &mut Value::map());
    let nanos = start.elapsed().as_nanos();
    println!("{{\"work\":\"read the table, once\",\"nanoseconds\":{nanos}}}");
    let template = template();
    let whole = taken_in(&pod(&template, 0));
    let bare = Value::from_json(r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"run":"a"}},"spec":{"containers":[{"name":"a","image":"nginx","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1","memory":"128Mi"}}}]}}"#).expect("it is JSON");
    time("decode a running pod that needs no change", || {
        black_box(decode(kind, black_box(&whole)).is_ok());
    });
    let mut written = whole.clone();
    written.set(&["status", "podIP"], "10.244.0.9");
    time("decode it again with another address", || {
        black_box(schema::decode_again(kind, black_box(&written), &whole).is_ok());
    });
    time("default a running pod that needs no change", || {
        default(kind, black_box(&mut whole.clone()));
    });
    time("decode and default a new pod", || {
        black_box(taken_in(black_box(&bare)));
    });
    let next = {
        let mut next = whole.clone();
        next.set(&["status", "phase"], "Failed");
        next
    };
    let patch = schema::patch::two_way(kind, &whole, &next).expect("it fits");
    time("apply a strategic merge patch of one field", || {
        black_box(schema::patch::strategic_merge(kind, black_box(&whole), &patch).is_ok());
    });
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("time") {
        return times();
    }
    let template = template();
    let json = |i: usize| pod(&template, i).to_json();
    match std::env::args().nth(1).as_deref() {
        Some("shared") => measure("Value, spec shared with the template", |i| taken_in(&pod(&template, i))),
        Some("value") => measure("Value, each read from JSON", |i| {
            taken_in(&Value::from_json(&json(i)).expect("it is JSON"))
        }),
        Some("json") => measure("serde_json::Value", |i| {
            serde_json::from_str::<serde_json::Value>(&json(i)).expect("it is JSON")
        }),
        Some("typed") => measure("k8s_openapi Pod", |i| {
            serde_json::from_str::<k8s_openapi::api::core::v1::Pod>(&json(i)).expect("it fits")
        }),
        _ => println!("shared, value, json, typed or time?"),
    }
}
