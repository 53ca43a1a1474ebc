//! ReplicaSets: as many pods of a template as asked for.
// Models pkg/controller/replicaset

mod manage;
mod ranking;
mod status;
#[cfg(test)]
mod tests;

use crate::claim::{Claimant, Orphans};
use crate::pod;
use api::label::Selector;
use api::resources::{PODS, REPLICASETS};
use api::{Resource, Value, meta};
use client::{
    Change, Cx, Enqueue, EventRecorder, Failure, Identity, IndexBy, Informers, Reconcile, UidExpectations,
};
use sim::Nanos;

/// The ReplicaSet controller.
#[derive(Clone)]
pub(crate) struct ReplicaSets {
    recorder: EventRecorder,
    expectations: UidExpectations,
    orphans: Orphans,
}

impl Default for ReplicaSets {
    fn default() -> Self {
        ReplicaSets {
            recorder: EventRecorder::new("replicaset-controller", ""),
            expectations: UidExpectations::default(),
            orphans: Orphans::default(),
        }
    }
}

impl Reconcile for ReplicaSets {
    fn identity(&self) -> Identity {
        Identity::controller("replicaset-controller", "controller/replicaset")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![REPLICASETS, PODS]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(PODS, IndexBy::ControllerUid), (REPLICASETS, IndexBy::ControllerUid)]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == PODS {
            self.orphans.observe(change);
            self.pod_changed(change, informers, queue);
        } else if change.resource == REPLICASETS {
            let replaced = !change.old.is_null() && meta::uid(&change.old) != meta::uid(change.object());
            if change.new.is_null() || replaced {
                self.expectations.forget(&change.key);
            }
            queue.add(change.key.clone());
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(rs) = informers.of(REPLICASETS).get(key) else {
            self.expectations.forget(key);
            return Ok(None);
        };
        let needs_sync = self.expectations.are_satisfied(cx.at(), key);
        let selector = Selector::from_label_selector(&rs["spec"]["selector"]);
        let pods = informers.of(PODS);
        let orphans = self.orphans.in_namespace(meta::namespace(rs)).filter_map(|key| pods.get(key));
        let own = || pods.by_index(IndexBy::ControllerUid, meta::uid(rs));
        let terminating = own().filter(|pod| pod::is_terminating(pod)).count();
        let candidates: Vec<Value> =
            own().chain(orphans).filter(|pod| pod::is_active(pod)).cloned().collect();
        let claimant = Claimant { resource: REPLICASETS, owner: rs, selector: &selector };
        let active = claimant.claim(cx, PODS, candidates)?;
        let mut managed = Ok(());
        if needs_sync && !meta::is_deleting(rs) {
            managed = self.manage_replicas(cx, informers, key, rs, &active);
        }
        let status = status::calculate(cx.at(), rs, &active, terminating, managed.as_ref().err());
        status::update(cx, rs, status)?;
        managed?;
        Ok(status::next_availability(cx.at(), rs, &active))
    }
}

impl ReplicaSets {
    // Models pkg/controller/replicaset/replica_set.go addPod, updatePod, deletePod
    fn pod_changed(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        let namespace = meta::namespace(change.object());
        let owner = |pod: &Value| {
            meta::controller(pod)
                .and_then(|reference| resolve(informers, namespace, reference))
                .map(meta::key)
        };
        let (before, after) = (owner(&change.old), owner(&change.new));
        let (is_new, is_gone) = (change.old.is_null(), change.new.is_null());
        let goes = |pod: &Value| pod.is_null() || meta::is_deleting(pod);
        if goes(&change.new) && !(is_new && is_gone) {
            if let Some(key) = before.as_ref().or(after.as_ref()) {
                self.expectations.deletion_observed(key, &change.key);
            }
        } else if let Some(key) = after.as_ref().filter(|_| is_new) {
            self.expectations.creation_observed(key);
        }
        let has_owner = before.is_some() || after.is_some();
        for key in before.into_iter().chain(after) {
            queue.add(key);
        }
        let is_orphan = !goes(&change.new) && meta::controller(&change.new).is_none();
        if is_orphan && (has_owner || is_new || meta::labels(&change.old) != meta::labels(&change.new)) {
            for rs in informers.of(REPLICASETS).in_namespace(namespace) {
                let selector = Selector::from_label_selector(&rs["spec"]["selector"]);
                if selector.matches(meta::labels(&change.new)) {
                    queue.add(meta::key(rs));
                }
            }
        }
    }
}

fn resolve<'a>(informers: &'a Informers, namespace: &str, owner: &Value) -> Option<&'a Value> {
    if owner["kind"].str() != "ReplicaSet" {
        return None;
    }
    let rs = informers.of(REPLICASETS).get(&meta::object_key(namespace, owner["name"].str()))?;
    (meta::uid(rs) == owner["uid"].str()).then_some(rs)
}
