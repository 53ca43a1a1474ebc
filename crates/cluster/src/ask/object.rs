//! An object or a component as the inspector shows it.

use crate::Cluster;
use ::view::{Answer, ObjectView};
use api::{Method, Request, Value, meta};
use sim::RecordKind;

/// How many rows of events, logs and requests are shown.
const MOST: usize = 50;

/// Shows an object by `pods/default/x` or `nodes/node-1`.
pub(super) fn object(cluster: &mut Cluster, object: &str) -> Answer {
    Answer::Object { object: view_of(cluster, object).map(Box::new) }
}

fn view_of(cluster: &mut Cluster, object: &str) -> Option<ObjectView> {
    let (resource, key) = object.split_once('/')?;
    let kind = schema::resolve(resource).filter(|kind| kind.served)?;
    let (namespace, name) = meta::split_key(key);
    let version = kind.api_version();
    let root = if kind.group.is_empty() { format!("/api/{version}") } else { format!("/apis/{version}") };
    let scope = if kind.namespaced { format!("/namespaces/{namespace}") } else { String::new() };
    let path = format!("{root}{scope}/{}/{name}", kind.plural);
    let response = cluster.peek(&Request::new(Method::Get, path));
    if !response.is_success() {
        return None;
    }
    let value = response.body;
    let mut words = vec!["describe".to_string(), kind.plural.to_string(), name.to_string()];
    if kind.namespaced {
        words.extend(["-n".to_string(), namespace.to_string()]);
    }
    let describe = cluster.peek_kubectl(words);
    Some(ObjectView {
        title: format!("{} {name}", kind.kind),
        facts: facts(kind.kind, &value),
        conditions: conditions(cluster, &value),
        yaml: shown(&value),
        describe,
        events: events(cluster, kind.kind, &value),
        logs: if kind.kind == "Pod" { cluster.log_lines(namespace, name, MOST) } else { Vec::new() },
        verdicts: if kind.kind == "Pod" { cluster.verdicts(&meta::key(&value)) } else { Vec::new() },
        requests: Vec::new(),
    })
}

/// Prints an object as `kubectl get -o yaml` does.
fn shown(value: &Value) -> String {
    let mut value = value.clone();
    value.remove(&["metadata", "managedFields"]);
    api::yaml::print(&value)
}

fn facts(kind: &str, value: &Value) -> Vec<(String, String)> {
    let (spec, status) = (&value["spec"], &value["status"]);
    let mut rows: Vec<(&str, String)> = vec![("namespace", meta::namespace(value).to_string())];
    let number = |value: &Value| value.as_int().unwrap_or(0).to_string();
    let mut add = |name, text: String| rows.push((name, text));
    match kind {
        "Pod" => {
            add("phase", status["phase"].str().to_string());
            add("node", spec["nodeName"].str().to_string());
            add("podIP", status["podIP"].str().to_string());
            let images = spec["containers"].items().iter().map(|container| container["image"].str());
            add("image", images.collect::<Vec<_>>().join(", "));
            let restarts: i64 =
                status["containerStatuses"].items().iter().map(|one| one["restartCount"].int()).sum();
            add("restarts", restarts.to_string());
        }
        "Deployment" | "ReplicaSet" => {
            add("replicas", number(&spec["replicas"]));
            add("readyReplicas", number(&status["readyReplicas"]));
            add("availableReplicas", number(&status["availableReplicas"]));
            if kind == "Deployment" {
                add("updatedReplicas", number(&status["updatedReplicas"]));
                let update = &spec["strategy"]["rollingUpdate"];
                for name in ["maxSurge", "maxUnavailable"] {
                    let share = &update[name];
                    add(name, share.as_str().map_or_else(|| number(share), str::to_string));
                }
                add("minReadySeconds", number(&spec["minReadySeconds"]));
            }
            add("revision", meta::annotation(value, "deployment.kubernetes.io/revision").to_string());
        }
        "DaemonSet" => {
            add("desiredNumberScheduled", number(&status["desiredNumberScheduled"]));
            add("numberReady", number(&status["numberReady"]));
        }
        "Service" => {
            add("type", spec["type"].str().to_string());
            add("clusterIP", spec["clusterIP"].str().to_string());
            let ports = spec["ports"].items().iter().map(|port| {
                let node_port = port["nodePort"].as_int().map_or(String::new(), |port| format!(":{port}"));
                format!("{}{node_port}/{}", port["port"].int(), port["protocol"].str())
            });
            add("ports", ports.collect::<Vec<_>>().join(", "));
            let ingress = status["loadBalancer"]["ingress"].items().iter().map(|one| one["ip"].str());
            add("loadBalancer", ingress.collect::<Vec<_>>().join(", "));
            let selector =
                spec["selector"].fields().iter().map(|(key, value)| format!("{key}={}", value.str()));
            add("selector", selector.collect::<Vec<_>>().join(","));
        }
        "Node" => {
            for address in status["addresses"].items() {
                if address["type"].str() == "InternalIP" {
                    add("InternalIP", address["address"].str().to_string());
                }
            }
            for name in ["cpu", "memory", "pods"] {
                add(name, status["allocatable"][name].str().to_string());
            }
            let taints = spec["taints"].items().iter();
            let taints = taints.map(|taint| format!("{}:{}", taint["key"].str(), taint["effect"].str()));
            add("taints", taints.collect::<Vec<_>>().join(", "));
            add("unschedulable", if spec["unschedulable"].is_true() { "true".into() } else { String::new() });
        }
        _ => {}
    }
    let labels = meta::labels(value).fields().iter().map(|(key, value)| format!("{key}={}", value.str()));
    rows.push(("labels", labels.collect::<Vec<_>>().join(", ")));
    let full = rows.into_iter().filter(|(_, text)| !text.is_empty());
    full.map(|(name, text)| (name.to_string(), text)).collect()
}

fn conditions(cluster: &Cluster, value: &Value) -> Vec<(String, String, String, String, view::Moment)> {
    let rows = value["status"]["conditions"].items().iter().map(|condition| {
        let text = |name: &str| condition[name].str().to_string();
        let since = meta::time(&condition["lastTransitionTime"]).map_or(0, |at| cluster.view.moment(at));
        (text("type"), text("status"), text("reason"), text("message"), since)
    });
    rows.collect()
}

fn events(cluster: &Cluster, kind: &str, value: &Value) -> Vec<(view::Moment, String, String, String)> {
    let from = ("events", String::new());
    let mut rows: Vec<(view::Moment, String, String, String)> = cluster
        .view
        .objects
        .range(from..("events\0", String::new()))
        .map(|(_, event)| event)
        .filter(|event| {
            let about = &event["involvedObject"];
            about["kind"].str() == kind
                && about["name"].str() == meta::name(value)
                && (kind == "Node" || about["namespace"].str() == meta::namespace(value))
        })
        .map(|event| {
            let at = meta::time(&event["lastTimestamp"]).map_or(0, |at| cluster.view.moment(at));
            let text = |name: &str| event[name].str().to_string();
            (at, text("type"), text("reason"), text("message"))
        })
        .collect();
    rows.sort();
    rows.reverse();
    rows.truncate(MOST);
    rows
}

/// Shows a component by its place: what it asked lately.
pub(super) fn part(cluster: &Cluster, place: &str) -> Answer {
    let everybody = matches!(place, "apiserver" | "etcd");
    let mut requests: Vec<_> = cluster
        .world
        .trace
        .since(0)
        .filter_map(|record| match &record.kind {
            RecordKind::Call(call) if everybody || &*call.from == place => Some(call),
            _ => None,
        })
        .filter(|call| place != "etcd" || call.revision > 0)
        .map(|call| {
            let at = cluster.view.moment(call.effect);
            (at, call.verb.to_string(), call.resource.to_string(), call.object.to_string(), call.code)
        })
        .collect();
    requests.reverse();
    requests.truncate(MOST);
    let steps = cluster.world.trace.since(0).filter_map(|record| match &record.kind {
        RecordKind::Step(step) if &*step.by == place => Some(step),
        _ => None,
    });
    let mut events: Vec<_> = steps
        .map(|step| {
            let at = cluster.view.moment(step.ended);
            (at, "Normal".to_string(), step.what.to_string(), format!("{} {}", step.object, step.note))
        })
        .collect();
    events.reverse();
    events.truncate(MOST);
    let object = ObjectView { title: place.to_string(), requests, events, ..ObjectView::default() };
    Answer::Object { object: Some(Box::new(object)) }
}

impl Cluster {
    /// Returns what each node's verdict on a pod was, as the scheduler last saw it.
    fn verdicts(&self, pod: &str) -> Vec<(String, bool, i64, String)> {
        let Some(verdict) = self.parts.scheduler.verdict(pod) else { return Vec::new() };
        let chosen = verdict.node.as_deref().unwrap_or("");
        let fits = verdict
            .scores
            .iter()
            .map(|node| (node.node.to_string(), *node.node == *chosen, node.total, String::new()));
        let unfit =
            verdict.rejections.iter().map(|node| (node.node.to_string(), false, 0, node.reasons.join(", ")));
        fits.chain(unfit).collect()
    }
}
