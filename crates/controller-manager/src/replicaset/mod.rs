//! ReplicaSets: as many pods of a template as asked for. ReplicationControllers are run in the same way.
// Models pkg/controller/replicaset

mod manage;
mod owned;
mod ranking;
mod status;
#[cfg(test)]
mod tests;

use crate::claim::{Claimant, Orphans};
use crate::pod;
use api::label::Selector;
use api::resources::{PODS, REPLICASETS, REPLICATIONCONTROLLERS};
use api::{Resource, Value, meta};
use client::{
    Change, Cx, Enqueue, EventRecorder, Failure, Identity, IndexBy, Informers, Reconcile, UidExpectations,
};
use owned::{Counts, Facts, OwnedPods, Pods};
use sim::Nanos;

/// The ReplicaSet controller, or that of ReplicationControllers.
#[derive(Clone)]
pub(crate) struct ReplicaSets {
    resource: Resource,
    recorder: EventRecorder,
    expectations: UidExpectations,
    orphans: Orphans,
    owned: OwnedPods,
}

impl Default for ReplicaSets {
    fn default() -> Self {
        ReplicaSets::of(REPLICASETS, "replicaset-controller")
    }
}

impl ReplicaSets {
    /// Makes the controller of ReplicationControllers.
    // Models pkg/controller/replication/replication_controller.go
    pub(crate) fn replication_controllers() -> ReplicaSets {
        ReplicaSets::of(REPLICATIONCONTROLLERS, "replication-controller")
    }

    fn of(resource: Resource, component: &str) -> ReplicaSets {
        ReplicaSets {
            resource,
            recorder: EventRecorder::new(component, ""),
            expectations: UidExpectations::default(),
            orphans: Orphans::default(),
            owned: OwnedPods::default(),
        }
    }
}

/// Returns what chooses an owner's pods.
fn selector(resource: Resource, owner: &Value) -> Selector {
    let selector = &owner["spec"]["selector"];
    if resource == REPLICATIONCONTROLLERS {
        Selector::from_map(selector)
    } else {
        Selector::from_label_selector(selector)
    }
}

impl Reconcile for ReplicaSets {
    fn identity(&self) -> Identity {
        if self.resource == REPLICATIONCONTROLLERS {
            return Identity::controller("replication-controller", "controller/replicationcontroller");
        }
        Identity::controller("replicaset-controller", "controller/replicaset")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![self.resource, PODS]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(PODS, IndexBy::ControllerUid), (self.resource, IndexBy::ControllerUid)]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == PODS {
            self.orphans.observe(change);
            self.owned.observe(self.resource, change);
            self.pod_changed(change, informers, queue);
        } else if change.resource == self.resource {
            let replaced = !change.old.is_null() && meta::uid(&change.old) != meta::uid(change.object());
            if change.new.is_null() || replaced {
                self.expectations.forget(&change.key);
            }
            queue.add(change.key.clone());
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(rs) = informers.of(self.resource).get(key) else {
            self.expectations.forget(key);
            return Ok(None);
        };
        let needs_sync = self.expectations.are_satisfied(cx.at(), key);
        let claimed = self.claim_if_needed(cx, informers, rs)?;
        let counts = match &claimed {
            Some(claimed) => {
                let mut pods = Pods::default();
                claimed.iter().for_each(|pod| pods.insert(meta::key(pod), Facts::of(pod)));
                Counts::of(cx.at(), rs, &pods)
            }
            None => Counts::of(cx.at(), rs, self.owned.of(meta::uid(rs))),
        };
        let mut managed = Ok(());
        let wanted = usize::try_from(rs["spec"]["replicas"].int()).unwrap_or(0);
        if needs_sync && !meta::is_deleting(rs) && counts.active != wanted {
            let mut active = claimed.unwrap_or_else(|| self.active_pods(informers, rs));
            active.retain(pod::is_active);
            managed = self.manage_replicas(cx, informers, key, rs, &active);
        }
        status::update(
            cx,
            self.resource,
            rs,
            status::calculate(cx.at(), rs, counts, managed.as_ref().err()),
        )?;
        managed?;
        Ok(counts.next_available)
    }
}

impl ReplicaSets {
    /// Returns the ReplicaSet's pods after it adopted and released what it has to; `None` where there
    /// was nothing of the kind, so that its pods are those it had.
    fn claim_if_needed(
        &self,
        cx: &mut Cx,
        informers: &Informers,
        rs: &Value,
    ) -> Result<Option<Vec<Value>>, Failure> {
        let selector = selector(self.resource, rs);
        let pods = informers.of(PODS);
        let orphans = self.orphans.in_namespace(meta::namespace(rs)).filter_map(|key| pods.get(key));
        let is_claimed = |pod: &&Value| pod::is_active(pod) && selector.matches(meta::labels(pod));
        let mut candidates: Vec<Value> = orphans.filter(is_claimed).cloned().collect();
        if candidates.is_empty() && !self.owned.of(meta::uid(rs)).is_any_leaving(&selector) {
            return Ok(None);
        }
        let own: Vec<Value> = pods.by_index(IndexBy::ControllerUid, meta::uid(rs)).cloned().collect();
        let (active, rest): (Vec<Value>, Vec<Value>) = own.into_iter().partition(pod::is_active);
        candidates.extend(active);
        let claimant = Claimant { resource: self.resource, owner: rs, selector: &selector };
        let mut claimed = claimant.claim(cx, PODS, candidates)?;
        claimed.extend(rest); // those that are terminating are counted
        Ok(Some(claimed))
    }

    fn active_pods(&self, informers: &Informers, rs: &Value) -> Vec<Value> {
        let pods = informers.of(PODS);
        self.owned.of(meta::uid(rs)).active().filter_map(|key| pods.get(key)).cloned().collect()
    }

    // Models pkg/controller/replicaset/replica_set.go addPod, updatePod, deletePod
    fn pod_changed(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        let namespace = meta::namespace(change.object());
        let owner = |pod: &Value| {
            meta::controller(pod)
                .and_then(|reference| resolve(informers, self.resource, namespace, reference))
                .map(meta::key)
        };
        let before = owner(&change.old);
        let after = if change.keeps_owners() { before.clone() } else { owner(&change.new) };
        let (is_new, is_gone) = (change.old.is_null(), change.new.is_null());
        let goes = |pod: &Value| pod.is_null() || meta::is_deleting(pod);
        if goes(&change.new) && !(is_new && is_gone) {
            if let Some(key) = before.as_ref().or(after.as_ref()) {
                self.expectations.deletion_observed(key, &change.key);
            }
        } else if let Some(key) = after.as_ref().filter(|_| is_new) {
            self.expectations.creation_observed(key);
        }
        for key in before.into_iter().chain(after) {
            queue.add(key);
        }
        if !goes(&change.new) && change.is_up_for_adoption() {
            for rs in informers.of(self.resource).in_namespace(namespace) {
                if selector(self.resource, rs).matches(meta::labels(&change.new)) {
                    queue.add(meta::key(rs));
                }
            }
        }
    }
}

fn resolve<'a>(
    informers: &'a Informers,
    resource: Resource,
    namespace: &str,
    owner: &Value,
) -> Option<&'a Value> {
    if owner["kind"].str() != resource.kind {
        return None;
    }
    let rs = informers.of(resource).get(&meta::object_key(namespace, owner["name"].str()))?;
    (meta::uid(rs) == owner["uid"].str()).then_some(rs)
}
