//! An object or a component as the inspector shows it.

use super::{facts, faults, life, links, parts, usage};
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
        facts: facts::facts(kind.kind, &value),
        conditions: conditions(cluster, &value),
        yaml: shown(&value),
        describe,
        events: events(cluster, kind.kind, &value),
        logs: if kind.kind == "Pod" { cluster.log_lines(namespace, name, MOST) } else { Vec::new() },
        verdicts: if kind.kind == "Pod" { cluster.verdicts(&meta::key(&value)) } else { Vec::new() },
        requests: Vec::new(),
        life: if kind.kind == "Pod" { life::life(cluster, &value) } else { Vec::new() },
        usage: if kind.kind == "Node" { usage::usage(cluster, &value) } else { Vec::new() },
        links: links::links(cluster, kind.kind, &value),
        faults: faults::faults(cluster, kind.kind, &value),
    })
}

/// Prints an object as `kubectl get -o yaml` does.
fn shown(value: &Value) -> String {
    let mut value = value.clone();
    value.remove(&["metadata", "managedFields"]);
    api::yaml::print(&value)
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
    let facts = parts::facts(cluster, place);
    let object = ObjectView { title: place.to_string(), facts, requests, events, ..ObjectView::default() };
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
