use crate::resize;
use crate::shared::Turn;
use crate::static_pods::Target;
use crate::worker::{PodWorker, Stage};
use api::{PatchType, Value, meta, resources::PODS, tree};
use sim::{Nanos, SECOND};

/// After how long a report that failed is tried again.
const AGAIN: Nanos = 10 * SECOND;

impl PodWorker {
    /// Sends the status, where it is time and it has changed, and deletes the pod once nothing of it is left.
    // Models pkg/kubelet/status/status_manager.go syncPod
    pub(crate) fn report(&mut self, turn: &mut Turn) {
        let now = turn.cx.now;
        if self.report_at.is_none_or(|at| at > now) {
            return;
        }
        self.report_at = None;
        if self.deleted || self.termination.as_ref().is_some_and(|termination| termination.forgotten) {
            return;
        }
        let Target::Pod(uid) = self.target(turn) else {
            self.report_at = Some(now + SECOND);
            return;
        };
        let status = self.status(now, &turn.shared.config.address);
        let reported = turn.cx.in_background(|cx| {
            let changes = changes(&self.reported, &status);
            if changes.is_null() {
                return Ok(());
            }
            let patch = tree!({"metadata": {"uid": (&uid)}, "status": (changes)});
            let (namespace, name) = (meta::namespace(&self.pod), meta::name(&self.pod));
            cx.patch(PODS, (namespace, name), "status", PatchType::StrategicMerge, &patch).map(drop)
        });
        match reported {
            Ok(()) => self.reported = status,
            Err(failure) if self.is_static() => {
                if failure.is_not_found() || failure.is_conflict() {
                    self.mirror = None;
                }
                self.report_at = Some(now + SECOND);
                return;
            }
            Err(failure) if failure.is_not_found() => {
                self.deleted = true;
                return self.terminate(0, true, now);
            }
            Err(_) => {
                self.report_at = Some(now + AGAIN);
                return;
            }
        }
        let is_gone = matches!(self.stage, Stage::Gone | Stage::Rejected { .. });
        if is_gone && meta::is_deleting(&self.pod) {
            self.delete(turn);
        }
    }

    /// Deletes the pod in the API: nothing of it is left here.
    fn delete(&mut self, turn: &mut Turn) {
        let options = tree!({"gracePeriodSeconds": 0, "preconditions": {"uid": (&self.uid)}});
        let (namespace, name) = (meta::namespace(&self.pod), meta::name(&self.pod));
        let result = turn.cx.in_background(|cx| cx.delete(PODS, namespace, name, options));
        match result {
            Ok(_) => self.deleted = true,
            Err(failure) if failure.is_not_found() || failure.is_conflict() => self.deleted = true,
            Err(_) => self.report_at = Some(turn.cx.now + AGAIN),
        }
    }
}

/// Returns the fields of a status that differ from what was sent before; null for none.
fn changes(before: &Value, after: &Value) -> Value {
    let mut changes = Value::Null;
    for (name, value) in after.fields().iter() {
        if before.get(name) != Some(value) {
            changes.set(&[name], value);
        }
    }
    // Conditions are merged by their type: what a condition no longer says is taken out by name.
    if !changes["conditions"].is_null() {
        for condition in changes.at_mut(&["conditions"]).list_mut() {
            let known = before["conditions"].items().iter().find(|known| known["type"] == condition["type"]);
            for field in ["reason", "message"] {
                if known.is_some_and(|known| !known[field].is_null()) && condition[field].is_null() {
                    condition.set(&[field], Value::Null);
                }
            }
        }
    }
    if !changes["conditions"].is_null() {
        let is_there = |kind: &str| after["conditions"].items().iter().any(|one| one["type"].str() == kind);
        for kind in resize::CONDITIONS {
            let was_there = before["conditions"].items().iter().any(|one| one["type"].str() == kind);
            if was_there && !is_there(kind) {
                let gone = tree!({"$patch": "delete", "type": kind});
                changes.at_mut(&["conditions"]).list_mut().push(gone);
            }
        }
        if resize::CONDITIONS.into_iter().any(is_there) {
            let types = after["conditions"].items().iter().map(|one| tree!({"type": (&one["type"])}));
            changes.set(&["$setElementOrder/conditions"], types.collect::<Vec<Value>>());
        }
    }
    for list in ["podIPs", "hostIPs"] {
        if changes[list].is_null() {
            continue;
        }
        for old in before[list].items() {
            if !after[list].items().contains(old) {
                let gone = tree!({"$patch": "delete", "ip": (&old["ip"])});
                changes.at_mut(&[list]).list_mut().push(gone);
            }
        }
    }
    if after["conditions"].is_null() {
        for old in before["conditions"].items() {
            let gone = tree!({"$patch": "delete", "type": (&old["type"])});
            changes.at_mut(&["conditions"]).list_mut().push(gone);
        }
    }
    const OWN: [&str; 6] =
        ["podIP", "podIPs", "reason", "message", "initContainerStatuses", "containerStatuses"];
    for name in OWN {
        if before.get(name).is_some() && after.get(name).is_none() {
            changes.set(&[name], Value::Null);
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_only_what_differs() {
        let before =
            tree!({"phase": "Running", "podIPs": [{"ip": "a"}], "qosClass": "BestEffort", "reason": "x"});
        let same = tree!({"phase": "Running", "podIPs": [{"ip": "a"}], "reason": "x"});
        assert!(changes(&before, &same).is_null());
        let after = tree!({"phase": "Failed", "podIPs": [{"ip": "b"}]});
        let wanted = tree!({"phase": "Failed", "podIPs": [{"ip": "b"}, {"$patch": "delete", "ip": "a"}], "reason": null});
        assert_eq!(changes(&before, &after), wanted);
        let before =
            tree!({"conditions": [{"type": "Ready", "status": "False", "reason": "R", "message": "M"}]});
        let after = tree!({"conditions": [{"type": "Ready", "status": "True"}]});
        let wanted =
            tree!({"conditions": [{"type": "Ready", "status": "True", "reason": null, "message": null}]});
        assert_eq!(changes(&before, &after), wanted);
    }
}
