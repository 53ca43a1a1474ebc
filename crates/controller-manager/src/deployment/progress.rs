use super::Deployments;
use super::sync::{Sets, calculate_status};
use super::util::*;
use api::resources::DEPLOYMENTS;
use api::{Value, meta, tree};
use client::{Cx, Failure};
use sim::{MILLISECOND, Nanos, SECOND, Time};

// Models pkg/controller/deployment/progress.go
impl Deployments {
    /// Updates the status during a rollout and judges the progress.
    pub(super) fn sync_rollout_status(
        &mut self,
        cx: &mut Cx,
        deployment: &mut Value,
        sets: &Sets,
    ) -> Result<Option<Nanos>, Failure> {
        let mut status = calculate_status(cx.at(), deployment, sets);
        let current = get_condition(&deployment["status"], "Progressing");
        if !has_progress_deadline(deployment) {
            remove_condition(&mut status, "Progressing");
        } else {
            let was_complete = status["replicas"].int() == status["updatedReplicas"].int()
                && current.is_some_and(|current| current["reason"].str() == "NewReplicaSetAvailable");
            if !was_complete {
                judge(cx.at(), deployment, sets, &mut status);
            }
        }
        match replica_failure(sets) {
            Some(failure) => set_condition(&mut status, failure),
            None => remove_condition(&mut status, "ReplicaFailure"),
        }
        if status == deployment["status"] {
            return Ok(look_again_after(cx.at(), deployment, &status));
        }
        deployment.set(&["status"], status);
        cx.update(DEPLOYMENTS, deployment, "status")?;
        Ok(None)
    }
}

fn judge(now: Time, deployment: &Value, sets: &Sets, status: &mut Value) {
    let who = match &sets.new {
        Some(new) => format!("ReplicaSet {:?}", meta::name(new)),
        None => format!("Deployment {:?}", meta::name(deployment)),
    };
    if is_complete(deployment, status) {
        let message = format!("{who} has successfully progressed.");
        set_condition(status, condition(now, "Progressing", "True", "NewReplicaSetAvailable", &message));
    } else if is_progressing(deployment, status) {
        let message = format!("{who} is progressing.");
        let mut condition = condition(now, "Progressing", "True", "ReplicaSetUpdated", &message);
        // Each progress renews the time of update, though status and reason stay.
        if let Some(current) = get_condition(&deployment["status"], "Progressing") {
            if current["status"].str() == "True" {
                condition.set(&["lastTransitionTime"], &current["lastTransitionTime"]);
            }
            remove_condition(status, "Progressing");
        }
        set_condition(status, condition);
    } else if is_timed_out(deployment, status, now) {
        let message = format!("{who} has timed out progressing.");
        set_condition(status, condition(now, "Progressing", "False", "ProgressDeadlineExceeded", &message));
    }
}

/// Returns the condition that tells of a ReplicaSet's failure, the new one's first.
// Models pkg/controller/deployment/progress.go getReplicaFailures
fn replica_failure(sets: &Sets) -> Option<Value> {
    let failure = sets.new.iter().chain(&sets.old).find_map(|rs| meta::condition(rs, "ReplicaFailure"))?;
    Some(tree!({
        "type": "ReplicaFailure",
        "status": (&failure["status"]),
        "lastTransitionTime": (&failure["lastTransitionTime"]),
        "lastUpdateTime": (&failure["lastTransitionTime"]),
        "reason": (&failure["reason"]),
        "message": (&failure["message"]),
    }))
}

/// Returns when the progress has to be judged anew.
// Models pkg/controller/deployment/progress.go requeueStuckDeployment
fn look_again_after(now: Time, deployment: &Value, status: &Value) -> Option<Nanos> {
    let current = get_condition(&deployment["status"], "Progressing")?;
    if !has_progress_deadline(deployment)
        || is_complete(deployment, status)
        || current["reason"].str() == "ProgressDeadlineExceeded"
    {
        return None;
    }
    let updated = meta::time(&current["lastUpdateTime"])?;
    let after = updated + deployment["spec"]["progressDeadlineSeconds"].int() * SECOND - now;
    Some(if after < SECOND { 5 * MILLISECOND } else { after + SECOND })
}
