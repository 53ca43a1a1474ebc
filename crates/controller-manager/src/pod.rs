//! What controllers ask about pods.

use api::{Value, meta};
use sim::{Nanos, SECOND, Time};

/// Returns whether the pod runs or may yet run.
// Models pkg/controller/controller_utils.go IsPodActive
pub(crate) fn is_active(pod: &Value) -> bool {
    !is_terminal(pod) && !meta::is_deleting(pod)
}

/// Returns whether the pod has come to its end.
pub(crate) fn is_terminal(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed")
}

/// Returns whether the pod is being deleted and has not come to its end.
// Models pkg/controller/controller_utils.go IsPodTerminating
pub(crate) fn is_terminating(pod: &Value) -> bool {
    !is_terminal(pod) && meta::is_deleting(pod)
}

/// Returns whether the pod's Ready condition is True.
pub(crate) fn is_ready(pod: &Value) -> bool {
    meta::is_condition_true(pod, "Ready")
}

/// Returns since when the pod is ready; `None` where it isn't.
pub(crate) fn ready_since(pod: &Value) -> Option<Time> {
    let ready = meta::condition(pod, "Ready")?;
    if ready["status"].str() == "True" { meta::time(&ready["lastTransitionTime"]) } else { None }
}

/// Returns whether the pod has been ready for at least `min_ready_seconds`.
// Models pkg/api/v1/pod/util.go IsPodAvailable
pub(crate) fn is_available(pod: &Value, min_ready_seconds: i64, now: Time) -> bool {
    is_ready(pod) && (min_ready_seconds == 0 || available_in(pod, min_ready_seconds, now) == Some(0))
}

/// Returns after which time the ready pod becomes available, 0 where it is; `None` where it isn't ready.
pub(crate) fn available_in(pod: &Value, min_ready_seconds: i64, now: Time) -> Option<Nanos> {
    Some(available_in_since(ready_since(pod)?, min_ready_seconds, now))
}

/// Returns after which time a pod that is ready since a moment becomes available, 0 where it is.
pub(crate) fn available_in_since(since: Time, min_ready_seconds: i64, now: Time) -> Nanos {
    (since + min_ready_seconds.saturating_mul(SECOND) - now).max(0)
}
