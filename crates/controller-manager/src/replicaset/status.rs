use crate::pod;
use api::label::Selector;
use api::resources::REPLICASETS;
use api::{Map, Value, meta, tree};
use client::{Cx, Failure};
use sim::{Nanos, Time};

/// How often a status update is tried again with the object as it is now.
const STATUS_UPDATE_RETRIES: u32 = 1;

/// Returns the status that the pods make; `failure` is why pods could not be created or deleted.
// Models pkg/controller/replicaset/replica_set_utils.go calculateStatus
pub(super) fn calculate(
    now: Time,
    rs: &Value,
    active: &[Value],
    terminating: usize,
    failure: Option<&Failure>,
) -> Value {
    let labels = Selector::from_map(meta::labels(&rs["spec"]["template"]));
    let min_ready = rs["spec"]["minReadySeconds"].int();
    let count = |is: &dyn Fn(&Value) -> bool| active.iter().filter(|pod| is(pod)).count();
    let mut status = Map::new();
    for (field, number) in [
        ("fullyLabeledReplicas", count(&|pod| labels.matches(meta::labels(pod)))),
        ("readyReplicas", count(&pod::is_ready)),
        ("availableReplicas", count(&|pod| pod::is_available(pod, min_ready, now))),
    ] {
        if number != 0 {
            status.insert(field, number);
        }
    }
    status.insert("replicas", active.len());
    status.insert("terminatingReplicas", terminating);
    if meta::generation(rs) != 0 {
        status.insert("observedGeneration", meta::generation(rs));
    }
    let known = meta::condition(rs, "ReplicaFailure");
    let mut conditions = rs["status"]["conditions"].items().to_vec();
    match (failure, known) {
        (Some(failure), None) => {
            let wanted = usize::try_from(rs["spec"]["replicas"].int()).unwrap_or(0);
            let reason = if active.len() < wanted { "FailedCreate" } else { "FailedDelete" };
            conditions.push(tree!({
                "type": "ReplicaFailure",
                "status": "True",
                "lastTransitionTime": (now.rfc3339()),
                "reason": reason,
                "message": (failure.to_string()),
            }));
        }
        (None, Some(_)) => conditions.retain(|condition| condition["type"].str() != "ReplicaFailure"),
        _ => {}
    }
    if !conditions.is_empty() {
        status.insert("conditions", conditions);
    }
    status.into()
}

/// Writes the status unless it is as it was.
///
/// # Errors
/// What the API server refused.
// Models pkg/controller/replicaset/replica_set_utils.go updateReplicaSetStatus
pub(super) fn update(cx: &mut Cx, rs: &Value, status: Value) -> Result<(), Failure> {
    if rs["status"] == status {
        return Ok(());
    }
    let mut rs = rs.clone();
    for attempt in 0.. {
        rs.set(&["status"], &status);
        match cx.update(REPLICASETS, &rs, "status") {
            Err(_) if attempt < STATUS_UPDATE_RETRIES => {
                rs = cx.get(REPLICASETS, meta::namespace(&rs), meta::name(&rs))?;
            }
            result => return result.map(|_| ()),
        }
    }
    Ok(())
}

/// Returns after which time the next ready pod becomes available.
// Models pkg/controller/controller_utils.go FindMinNextPodAvailabilityCheck
pub(super) fn next_availability(now: Time, rs: &Value, active: &[Value]) -> Option<Nanos> {
    let min_ready = rs["spec"]["minReadySeconds"].int();
    if min_ready == 0 {
        return None;
    }
    active.iter().filter_map(|pod| pod::available_in(pod, min_ready, now)).filter(|after| *after > 0).min()
}
