use super::owned::Counts;
use api::resources::REPLICATIONCONTROLLERS;
use api::{Map, Resource, Value, meta, tree};
use client::{Cx, Failure};
use sim::Time;

/// How often a status update is tried again with the object as it is now.
const STATUS_UPDATE_RETRIES: u32 = 1;

/// Returns the status that the pods make; `failure` is why pods could not be created or deleted.
// Models pkg/controller/replicaset/replica_set_utils.go calculateStatus
pub(super) fn calculate(now: Time, rs: &Value, counts: Counts, failure: Option<&Failure>) -> Value {
    let mut status = Map::new();
    for (field, number) in [
        ("fullyLabeledReplicas", counts.fully_labeled),
        ("readyReplicas", counts.ready),
        ("availableReplicas", counts.available),
    ] {
        if number != 0 {
            status.insert(field, number);
        }
    }
    status.insert("replicas", counts.active);
    status.insert("terminatingReplicas", counts.terminating);
    if meta::generation(rs) != 0 {
        status.insert("observedGeneration", meta::generation(rs));
    }
    let known = meta::condition(rs, "ReplicaFailure");
    let mut conditions = rs["status"]["conditions"].items().to_vec();
    match (failure, known) {
        (Some(failure), None) => {
            let wanted = usize::try_from(rs["spec"]["replicas"].int()).unwrap_or(0);
            let reason = if counts.active < wanted { "FailedCreate" } else { "FailedDelete" };
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
pub(super) fn update(cx: &mut Cx, resource: Resource, rs: &Value, mut status: Value) -> Result<(), Failure> {
    if resource == REPLICATIONCONTROLLERS {
        status.remove(&["terminatingReplicas"]); // the older kind has no such field
    }
    if rs["status"] == status {
        return Ok(());
    }
    let mut rs = rs.clone();
    for attempt in 0.. {
        rs.set(&["status"], &status);
        match cx.update(resource, &rs, "status") {
            Err(_) if attempt < STATUS_UPDATE_RETRIES => {
                rs = cx.get(resource, meta::namespace(&rs), meta::name(&rs))?;
            }
            result => return result.map(|_| ()),
        }
    }
    Ok(())
}
