//! Evicts a pod, if its disruption budgets allow it.
// Models pkg/registry/core/pod/storage/eviction.go

use super::delete::{DeleteOptions, check_preconditions};
use super::{Call, Scope};
use crate::resources;
use crate::server::ApiServer;
use crate::status;
use api::label::Selector;
use api::{Response, Status, Value, meta, tree};
use etcd::Expect;

impl ApiServer {
    /// Deletes a pod on behalf of somebody who keeps its disruption budgets.
    pub(crate) fn evict(&mut self, call: &mut Call) -> Result<Response, Status> {
        let body = call.request.body.clone();
        let name = body["metadata"]["name"].str();
        if !name.is_empty() && name != call.name {
            return Err(Status::bad_request("name in URL does not match name in Eviction object"));
        }
        let pod = self.store.get(&call.key()).ok_or_else(|| call.not_found())?.value.clone();
        let mut options = DeleteOptions::of(call, &body["deleteOptions"])?;
        call.dry_run |= body["deleteOptions"]["dryRun"].items().iter().any(|item| item.str() == "All");
        let finished = matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed" | "Pending");
        if !finished && !meta::is_deleting(&pod) {
            self.spend_budget(call, &pod)?;
        }
        if options.grace_period_seconds.is_none() {
            options.grace_period_seconds = pod["spec"]["terminationGracePeriodSeconds"].as_int();
        }
        if !call.dry_run {
            self.mark_disrupted(call, &mut options)?;
        }
        self.delete_object(call, &options)?;
        Ok(Response::new(201, status::success(201, Value::Null)))
    }

    /// Says in a pod's conditions why it goes.
    // Models pkg/registry/core/pod/storage/eviction.go addConditionAndDeletePod
    fn mark_disrupted(&mut self, call: &mut Call, options: &mut DeleteOptions) -> Result<(), Status> {
        let old = self.store.get(&call.key()).ok_or_else(|| call.not_found())?.value.clone();
        check_preconditions(call, options, &old)?;
        let known = meta::condition(&old, "DisruptionTarget").filter(|known| known["status"].str() == "True");
        let now = call.now.rfc3339();
        let since = known.map_or(now.into(), |known| known["lastTransitionTime"].clone());
        let condition = tree!({
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
            "lastProbeTime": (Value::Null),
            "lastTransitionTime": (since),
        });
        let mut pod = old;
        let conditions = pod.at_mut(&["status", "conditions"]).list_mut();
        match conditions.iter_mut().find(|known| known["type"].str() == "DisruptionTarget") {
            Some(known) => *known = condition,
            None => conditions.push(condition),
        }
        // What the server does by itself is nobody's.
        call.managed = Some(pod["metadata"]["managedFields"].clone()).filter(|managed| !managed.is_null());
        let written = self.update(call, Scope::Status, pod);
        call.managed = None;
        written?;
        // The version that was asked for has just been replaced by this very write.
        options.resource_version.clear();
        Ok(())
    }

    // Models pkg/registry/core/pod/storage/eviction.go checkAndDecrement
    fn spend_budget(&mut self, call: &Call, pod: &Value) -> Result<(), Status> {
        let Some(budgets) = resources::find("policy", "v1", "poddisruptionbudgets") else {
            return Ok(());
        };
        let prefix = budgets.key(call.namespace, "");
        let selects = |budget: &Value| {
            let selector = Selector::from_label_selector(&budget["spec"]["selector"]);
            selector.matches(meta::labels(pod))
        };
        let found: Vec<Value> = self
            .store
            .range(&prefix)
            .map(|(_, entry)| entry.value.clone())
            .filter(|budget| selects(budget))
            .collect();
        let mut budget = match found.as_slice() {
            [] => return Ok(()),
            [one] => one.clone(),
            _ => {
                let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does \
                               not support.";
                return Err(Status::new(500, "InternalError", message));
            }
        };
        let (healthy, desired) =
            (budget["status"]["currentHealthy"].int(), budget["status"]["desiredHealthy"].int());
        let always = budget["spec"]["unhealthyPodEvictionPolicy"].str() == "AlwaysAllow";
        // Who isn't ready costs nothing where enough others are.
        if !meta::is_condition_true(pod, "Ready") && (always || healthy >= desired && desired > 0) {
            return Ok(());
        }
        if budget["status"]["observedGeneration"].int() < meta::generation(&budget) {
            let name = meta::name(&budget);
            return Err(refused(&format!(
                "The disruption budget {name} is still being processed by the server."
            )));
        }
        let allowed = budget["status"]["disruptionsAllowed"].int();
        if allowed <= 0 {
            return Err(too_many(&budget));
        }
        if !call.dry_run {
            budget.set(&["status", "disruptionsAllowed"], allowed - 1);
            budget.set(&["status", "disruptedPods", call.name], call.now.rfc3339());
            let key = budgets.key(call.namespace, meta::name(&budget));
            drop(self.write(budgets, &key, budget, Expect::Any));
        }
        Ok(())
    }
}

fn too_many(budget: &Value) -> Status {
    let name = meta::name(budget);
    let (needed, have) = (budget["status"]["desiredHealthy"].int(), budget["status"]["currentHealthy"].int());
    refused(&format!("The disruption budget {name} needs {needed} healthy pods and has {have} currently"))
}

fn refused(why: &str) -> Status {
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    let mut status = Status::new(429, "TooManyRequests", message);
    status.details = tree!({"causes": [{"reason": "DisruptionBudget", "message": why}]});
    status
}
