//! Deployments: a ReplicaSet for each template, and the way from one to the next.
// Models pkg/controller/deployment
//
// Left out on purpose: the rollback annotation of extensions/v1beta1, and podReplacementPolicy, an
// alpha field.

mod progress;
mod recreate;
mod rolling;
mod sync;
#[cfg(test)]
mod tests;
pub(crate) mod util;

use crate::claim::Claimant;
use api::label::Selector;
use api::resources::{DEPLOYMENTS, PODS, REPLICASETS};
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, IndexBy, Informers, Reconcile};
use sim::Nanos;

/// The Deployment controller.
#[derive(Clone)]
pub(crate) struct Deployments {
    recorder: EventRecorder,
}

impl Default for Deployments {
    fn default() -> Self {
        Deployments { recorder: EventRecorder::new("deployment-controller", "") }
    }
}

impl Reconcile for Deployments {
    fn identity(&self) -> Identity {
        Identity::controller("deployment-controller", "controller/deployment")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![DEPLOYMENTS, REPLICASETS, PODS]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(PODS, IndexBy::ControllerUid)]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == DEPLOYMENTS {
            queue.add(change.key.clone());
        } else if change.resource == REPLICASETS {
            replica_set_changed(change, informers, queue);
        } else if change.resource == PODS && change.new.is_null() {
            pod_gone(&change.old, informers, queue);
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(deployment) = informers.of(DEPLOYMENTS).get(key) else { return Ok(None) };
        let mut deployment = deployment.clone();
        if deployment["spec"]["selector"].is_empty() {
            let message = "This deployment is selecting all pods. A non-empty selector is required.";
            self.recorder.event(cx, &deployment, "Warning", "SelectingAll", message);
            return Ok(None);
        }
        let sets = replica_sets_of(cx, informers, &deployment)?;
        if meta::is_deleting(&deployment) {
            return self.sync_status_only(cx, &mut deployment, sets);
        }
        self.check_paused_conditions(cx, &mut deployment)?;
        if deployment["spec"]["paused"].is_true() || self.is_scaling_event(cx, &mut deployment, &sets)? {
            return self.sync(cx, &mut deployment, sets);
        }
        match deployment["spec"]["strategy"]["type"].str() {
            "Recreate" => self.rollout_recreate(cx, informers, &mut deployment, sets),
            _ => self.rollout_rolling(cx, &mut deployment, sets),
        }
    }
}

fn replica_sets_of(cx: &mut Cx, informers: &Informers, deployment: &Value) -> Result<Vec<Value>, Failure> {
    let selector = Selector::from_label_selector(&deployment["spec"]["selector"]);
    let claimant = Claimant { resource: DEPLOYMENTS, owner: deployment, selector: &selector };
    let sets = informers.of(REPLICASETS).in_namespace(meta::namespace(deployment)).cloned();
    claimant.claim(cx, REPLICASETS, sets)
}

// Models pkg/controller/deployment/deployment_controller.go addReplicaSet, updateReplicaSet, deleteReplicaSet
fn replica_set_changed(change: &Change, informers: &Informers, queue: &mut Enqueue) {
    let owners = [meta::controller(&change.old), meta::controller(&change.new)];
    let namespace = meta::namespace(change.object());
    for owner in owners.into_iter().flatten() {
        if let Some(deployment) = resolve(informers, namespace, owner) {
            queue.add(meta::key(deployment));
        }
    }
    let labels = meta::labels(&change.new);
    let may_be_adopted = meta::controller(&change.new).is_none()
        && !change.new.is_null()
        && !meta::is_deleting(&change.new)
        && (meta::labels(&change.old) != labels || owners[0].is_some() || change.old.is_null());
    if may_be_adopted {
        for deployment in informers.of(DEPLOYMENTS).in_namespace(namespace) {
            if Selector::from_label_selector(&deployment["spec"]["selector"]).matches(labels) {
                queue.add(meta::key(deployment));
            }
        }
    }
}

/// A Deployment of the strategy Recreate waits for its last old pod to go.
// Models pkg/controller/deployment/deployment_controller.go deletePod
fn pod_gone(pod: &Value, informers: &Informers, queue: &mut Enqueue) {
    let namespace = meta::namespace(pod);
    let set = meta::controller(pod)
        .filter(|owner| owner["kind"].str() == "ReplicaSet")
        .and_then(|owner| informers.of(REPLICASETS).get(&meta::object_key(namespace, owner["name"].str())));
    let deployment = set.and_then(meta::controller).and_then(|owner| resolve(informers, namespace, owner));
    if let Some(deployment) = deployment.filter(|one| one["spec"]["strategy"]["type"].str() == "Recreate") {
        queue.add(meta::key(deployment));
    }
}

fn resolve<'a>(informers: &'a Informers, namespace: &str, owner: &Value) -> Option<&'a Value> {
    let deployment = informers.of(DEPLOYMENTS).get(&meta::object_key(namespace, owner["name"].str()))?;
    (owner["kind"].str() == "Deployment" && meta::uid(deployment) == owner["uid"].str()).then_some(deployment)
}
