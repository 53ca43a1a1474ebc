//! Nodes, events, namespaces and what else is small.

use super::duration::{age, since};
use super::{name, or_else};
use crate::quantity;
use api::Value;
use sim::Time;
use std::collections::BTreeSet;

// Models pkg/printers/internalversion/printers.go findNodeRoles
fn roles(node: &Value) -> String {
    let mut roles = BTreeSet::new();
    for (key, value) in api::meta::labels(node).fields().iter() {
        match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) if !role.is_empty() => drop(roles.insert(role)),
            None if key == "kubernetes.io/role" && !value.str().is_empty() => drop(roles.insert(value.str())),
            _ => {}
        }
    }
    roles.into_iter().collect::<Vec<_>>().join(",")
}

/// Returns a node's cells.
// Models pkg/printers/internalversion/printers.go printNode
pub(crate) fn node(object: &Value, now: Time) -> Vec<Value> {
    let mut status = match api::meta::condition(object, "Ready") {
        Some(condition) if condition["status"].str() == "True" => "Ready".to_string(),
        Some(_) => "NotReady".to_string(),
        None => "Unknown".to_string(),
    };
    if object["spec"]["unschedulable"].is_true() {
        status.push_str(",SchedulingDisabled");
    }
    let info = &object["status"]["nodeInfo"];
    let address = |kind: &str| -> Value {
        let addresses = object["status"]["addresses"].items();
        let found = addresses.iter().find(|address| address["type"].str() == kind);
        found.map_or_else(|| "<none>".into(), |address| address["address"].clone())
    };
    vec![
        name(object),
        status.into(),
        or_else(&roles(object).into(), "<none>"),
        age(now, object),
        info["kubeletVersion"].str().into(),
        address("InternalIP"),
        address("ExternalIP"),
        or_else(&info["osImage"], "<unknown>"),
        or_else(&info["kernelVersion"], "<unknown>"),
        or_else(&info["containerRuntimeVersion"], "<unknown>"),
    ]
}

/// Returns an event's cells. Those of `events.k8s.io` are read by their old names.
// Models pkg/printers/internalversion/printers.go printEvent
pub(crate) fn event(object: &Value, now: Time) -> Vec<Value> {
    let first_of = |names: [&str; 2]| {
        let first = &object[names[0]];
        if first.is_empty() { object[names[1]].clone() } else { first.clone() }
    };
    let of = first_of(["involvedObject", "regarding"]);
    let message = first_of(["message", "note"]);
    let first_seen = first_of(["firstTimestamp", "deprecatedFirstTimestamp"]);
    let last_seen = first_of(["lastTimestamp", "deprecatedLastTimestamp"]);
    let source = first_of(["source", "deprecatedSource"]);
    let controller = first_of(["reportingComponent", "reportingController"]);
    let first = if first_seen.is_null() { since(now, &object["eventTime"]) } else { since(now, &first_seen) };
    let mut last = if last_seen.is_null() { first.clone() } else { since(now, &last_seen) };
    let mut count = first_of(["count", "deprecatedCount"]).int().max(1);
    if !object["series"].is_null() {
        last = since(now, &object["series"]["lastObservedTime"]);
        count = object["series"]["count"].int();
    }
    let kind = of["kind"].str().to_lowercase();
    let target = if of["name"].str().is_empty() { kind } else { format!("{kind}/{}", of["name"].str()) };
    let component = or_else(&source["component"], controller.str());
    let instance = or_else(&source["host"], object["reportingInstance"].str());
    let from = match instance.str() {
        "" => component.str().to_string(),
        instance => format!("{}, {instance}", component.str()),
    };
    vec![
        last.into(),
        object["type"].str().into(),
        object["reason"].str().into(),
        target.into(),
        of["fieldPath"].str().into(),
        from.into(),
        message.str().trim().into(),
        first.into(),
        count.into(),
        name(object),
    ]
}

/// Returns a namespace's cells.
pub(crate) fn namespace(object: &Value, now: Time) -> Vec<Value> {
    vec![name(object), object["status"]["phase"].str().into(), age(now, object)]
}

/// Returns a Secret's cells.
pub(crate) fn secret(object: &Value, now: Time) -> Vec<Value> {
    vec![name(object), object["type"].str().into(), object["data"].fields().len().into(), age(now, object)]
}

/// Returns a ConfigMap's cells.
pub(crate) fn config_map(object: &Value, now: Time) -> Vec<Value> {
    let count = object["data"].fields().len() + object["binaryData"].fields().len();
    vec![name(object), count.into(), age(now, object)]
}

/// Returns a ServiceAccount's cells.
pub(crate) fn service_account(object: &Value, now: Time) -> Vec<Value> {
    vec![name(object), object["secrets"].items().len().into(), age(now, object)]
}

/// Returns a ComponentStatus' cells.
pub(crate) fn component_status(object: &Value, _: Time) -> Vec<Value> {
    let conditions = object["conditions"].items();
    let Some(condition) = conditions.iter().find(|condition| condition["type"].str() == "Healthy") else {
        return vec![name(object), "Unknown".into(), "".into(), "".into()];
    };
    let status = if condition["status"].str() == "True" { "Healthy" } else { "Unhealthy" };
    vec![name(object), status.into(), condition["message"].str().into(), condition["error"].str().into()]
}

/// Returns a ResourceQuota's cells.
// Models pkg/printers/internalversion/printers.go printResourceQuota
pub(crate) fn resource_quota(object: &Value, now: Time) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, hard) in object["status"]["hard"].fields().iter() {
        let used = &object["status"]["used"][resource];
        let used = if used.is_null() { "0".to_string() } else { quantity::text(used) };
        let text = format!("{resource}: {used}/{}", quantity::text(hard));
        if resource.starts_with("limits.") { limits.push(text) } else { requests.push(text) }
    }
    vec![name(object), requests.join(", ").into(), limits.join(", ").into(), age(now, object)]
}

/// Returns a RoleBinding's or ClusterRoleBinding's cells.
pub(crate) fn role_binding(object: &Value, now: Time) -> Vec<Value> {
    let subjects = |kind: &str| -> Value {
        let those = object["subjects"].items().iter().filter(|subject| subject["kind"].str() == kind);
        let names = those.map(|subject| match subject["namespace"].str() {
            namespace if kind == "ServiceAccount" => format!("{namespace}/{}", subject["name"].str()),
            _ => subject["name"].str().to_string(),
        });
        names.collect::<Vec<_>>().join(", ").into()
    };
    let role = &object["roleRef"];
    vec![
        name(object),
        format!("{}/{}", role["kind"].str(), role["name"].str()).into(),
        age(now, object),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}

/// Returns a Lease's cells.
pub(crate) fn lease(object: &Value, now: Time) -> Vec<Value> {
    vec![name(object), object["spec"]["holderIdentity"].str().into(), age(now, object)]
}

/// Returns a PriorityClass' cells.
pub(crate) fn priority_class(object: &Value, now: Time) -> Vec<Value> {
    vec![
        name(object),
        object["value"].int().into(),
        object["globalDefault"].is_true().into(),
        age(now, object),
        object["preemptionPolicy"].str().into(),
    ]
}

/// Returns a RuntimeClass' cells.
pub(crate) fn runtime_class(object: &Value, now: Time) -> Vec<Value> {
    vec![name(object), object["handler"].str().into(), age(now, object)]
}

/// Returns a webhook configuration's cells.
pub(crate) fn webhooks(object: &Value, now: Time) -> Vec<Value> {
    vec![name(object), object["webhooks"].items().len().into(), age(now, object)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;
    use sim::SECOND;

    #[test]
    fn shows_nodes_and_events() {
        let row = |cells: Vec<Value>| {
            let text = |cell: &Value| cell.as_str().map_or_else(|| cell.to_json(), str::to_string);
            cells.iter().map(text).collect::<Vec<_>>().join("|")
        };
        let node_object = tree!({
            "metadata": {"name": "n", "labels": {"node-role.kubernetes.io/worker": "", "kubernetes.io/role": "x"}},
            "spec": {"unschedulable": true},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "nodeInfo": {"kubeletVersion": "v1.36.2"},
                "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            },
        });
        assert_eq!(
            row(node(&node_object, Time::EPOCH)),
            "n|Ready,SchedulingDisabled|worker,x|<unknown>|v1.36.2|10.0.0.1|<none>|<unknown>|<unknown>|<unknown>"
        );
        let event_object = tree!({
            "metadata": {"name": "e"}, "type": "Normal", "reason": "Scheduled", "message": " done\n",
            "involvedObject": {"kind": "Pod", "name": "p"},
            "eventTime": "2026-01-05T09:00:00.000000Z", "reportingComponent": "default-scheduler",
        });
        assert_eq!(
            row(event(&event_object, Time::EPOCH + 5 * SECOND)),
            "5s|Normal|Scheduled|pod/p||default-scheduler|done|5s|1|e"
        );
    }
}
