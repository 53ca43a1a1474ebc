//! What an autoscaler tells of itself.

use api::{Value, tree};
use client::Cx;

/// Sets a condition; its time changes with its status alone.
// Models pkg/controller/podautoscaler/horizontal.go setConditionInList
pub(super) fn set_condition(cx: &Cx, hpa: &mut Value, kind: &str, status: &str, reason: &str, message: &str) {
    let conditions = hpa.at_mut(&["status", "conditions"]).list_mut();
    let at = match conditions.iter().position(|known| known["type"].str() == kind) {
        Some(at) => at,
        None => {
            conditions.push(tree!({"type": kind}));
            conditions.len() - 1
        }
    };
    let Some(condition) = conditions.get_mut(at) else { return };
    if condition["status"].str() != status {
        condition.set(&["lastTransitionTime"], cx.at().rfc3339());
    }
    for (field, value) in [("status", status), ("reason", reason), ("message", message)] {
        condition.set(&[field], value);
    }
}

/// Sets the numbers of replicas and what was measured.
// Models pkg/controller/podautoscaler/horizontal.go setStatus
pub(super) fn set(
    cx: &Cx,
    hpa: &mut Value,
    current: i64,
    desired: i64,
    metrics: Option<Vec<Value>>,
    rescaled: bool,
) {
    hpa.set(&["status", "desiredReplicas"], desired);
    set_current(hpa, current, metrics.unwrap_or_default());
    if rescaled {
        hpa.set(&["status", "lastScaleTime"], cx.at().rfc3339());
    }
}

/// Sets the number of replicas that there are, and what was measured.
// Models pkg/controller/podautoscaler/horizontal.go setCurrentReplicasAndMetricsInStatus
pub(super) fn set_current(hpa: &mut Value, current: i64, metrics: Vec<Value>) {
    hpa.set(&["status", "currentReplicas"], current);
    match metrics.is_empty() {
        true => hpa.set(&["status", "currentMetrics"], Value::Null),
        false => hpa.set(&["status", "currentMetrics"], metrics),
    }
}
