//! Objects that are served in more than one form. One is stored: core events, and HorizontalPodAutoscalers
//! of v2; of custom resources the version that their definition says.
// Models pkg/apis/events/v1/conversion.go, pkg/apis/autoscaling/v1/conversion.go

use crate::events;
use crate::resources::Rest;
use api::{Value, tree};
use schema::Kind;

/// Returns whether a resource's objects are stored in another form.
pub(crate) fn is_converted(rest: &Rest) -> bool {
    is_event(rest) || is_old_autoscaler(rest) || rest.custom.is_some()
}

/// Returns an object as it is stored.
pub(crate) fn to_stored(rest: &Rest, object: Value) -> Value {
    match object {
        object if is_event(rest) => events::to_core(&object),
        object if is_old_autoscaler(rest) => autoscaler_to_v2(object),
        object => object,
    }
}

/// Returns a stored object in the form of a resource.
pub(crate) fn from_stored(rest: &Rest, object: Value) -> Value {
    match object {
        object if is_event(rest) => events::from_core(&object),
        object if is_old_autoscaler(rest) => autoscaler_to_v1(object),
        object => rest.read_custom(object),
    }
}

fn is_event(rest: &Rest) -> bool {
    rest.is_group("events.k8s.io", "events")
}

fn is_old_autoscaler(rest: &Rest) -> bool {
    rest.kind.version == "v1" && rest.is_group("autoscaling", "horizontalpodautoscalers")
}

/// Returns the kind in whose form a kind's objects are stored.
pub(crate) fn stored_kind(kind: &'static Kind) -> &'static Kind {
    match (kind.group, kind.version, kind.kind) {
        ("autoscaling", "v1", name) => schema::find_kind("autoscaling", "v2", name).unwrap_or(kind),
        _ => kind,
    }
}

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";

fn utilization(percent: &Value) -> Value {
    tree!({"type": "Resource", "resource": {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": percent},
    }})
}

/// Moves the share of CPU to the metrics. What v1 keeps in annotations stays there, apart from metrics.
// Models pkg/apis/autoscaling/v1/conversion.go Convert_v1_HorizontalPodAutoscalerSpec_To_autoscaling_HorizontalPodAutoscalerSpec
fn autoscaler_to_v2(mut object: Value) -> Value {
    object.set(&["apiVersion"], "autoscaling/v2");
    let percent = object.remove(&["spec", "targetCPUUtilizationPercentage"]);
    let mut metrics: Vec<Value> = percent.iter().map(utilization).collect();
    let kept = object["metadata"]["annotations"][METRICS].text();
    if let Ok(others) = api::yaml::parse_one(&kept) {
        metrics.extend(others.items().iter().cloned());
        object.remove(&["metadata", "annotations", METRICS]);
    }
    object.set(&["spec", "metrics"], metrics);
    if let Some(percent) = object.remove(&["status", "currentCPUUtilizationPercentage"]) {
        let current = tree!([{"type": "Resource", "resource": {
            "name": "cpu", "current": {"averageUtilization": percent},
        }}]);
        object.set(&["status", "currentMetrics"], current);
    }
    if let Some(kind) = schema::find_kind("autoscaling", "v2", "HorizontalPodAutoscaler") {
        schema::default(kind, &mut object);
    }
    object
}

fn is_cpu_share(metric: &Value, place: &str) -> bool {
    metric["resource"]["name"].str() == "cpu" && !metric["resource"][place]["averageUtilization"].is_null()
}

// Models pkg/apis/autoscaling/v1/conversion.go Convert_autoscaling_HorizontalPodAutoscaler_To_v1_HorizontalPodAutoscaler
fn autoscaler_to_v1(mut object: Value) -> Value {
    object.set(&["apiVersion"], "autoscaling/v1");
    let metrics = object.remove(&["spec", "metrics"]).unwrap_or_default();
    let (cpu, others): (Vec<&Value>, Vec<&Value>) =
        metrics.items().iter().partition(|metric| is_cpu_share(metric, "target"));
    if let Some(metric) = cpu.first() {
        let percent = &metric["resource"]["target"]["averageUtilization"];
        object.set(&["spec", "targetCPUUtilizationPercentage"], percent);
    }
    if !others.is_empty() {
        let text = others.into_iter().cloned().collect::<Value>().to_json();
        object.set(&["metadata", "annotations", METRICS], text);
    }
    object.remove(&["spec", "behavior"]);
    object.remove(&["status", "conditions"]);
    let current = object.remove(&["status", "currentMetrics"]).unwrap_or_default();
    if let Some(metric) = current.items().iter().find(|metric| is_cpu_share(metric, "current")) {
        let percent = &metric["resource"]["current"]["averageUtilization"];
        object.set(&["status", "currentCPUUtilizationPercentage"], percent);
    }
    if !object["status"].is_null() && object["status"]["currentReplicas"].is_null() {
        object.set(&["status", "currentReplicas"], 0); // v2 leaves it out
    }
    object
}
