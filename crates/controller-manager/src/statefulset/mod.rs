//! StatefulSets: pods with names, an order and storage of their own.
// Models pkg/controller/statefulset

mod claims;
mod control;
mod pod_control;
#[cfg(test)]
mod tests;
mod utils;

use crate::claim::{Claimant, Orphans};
use api::label::Selector;
use api::resources::{CONTROLLERREVISIONS, PERSISTENTVOLUMECLAIMS, PODS, STATEFULSETS};
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, IndexBy, Informers, Reconcile};
use sim::{Nanos, SECOND};
use std::rc::Rc;

/// The StatefulSet controller.
#[derive(Clone)]
pub(crate) struct StatefulSets {
    recorder: EventRecorder,
    orphans: Orphans,
}

impl Default for StatefulSets {
    fn default() -> Self {
        let recorder = EventRecorder::new("statefulset-controller", "");
        StatefulSets { recorder, orphans: Orphans::default() }
    }
}

impl Reconcile for StatefulSets {
    fn identity(&self) -> Identity {
        Identity::controller("statefulset-controller", "controller/statefulset")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![STATEFULSETS, PODS, CONTROLLERREVISIONS, PERSISTENTVOLUMECLAIMS]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(PODS, IndexBy::ControllerUid)]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == STATEFULSETS {
            queue.add(change.key.clone());
        } else if change.resource == PODS {
            self.orphans.observe(change);
            pod_changed(change, informers, queue);
        }
    }

    // Models pkg/controller/statefulset/stateful_set.go sync
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(set) = informers.of(STATEFULSETS).get(key) else { return Ok(None) };
        let selector = Selector::from_label_selector(&set["spec"]["selector"]);
        let claimant = Claimant { resource: STATEFULSETS, owner: set, selector: &selector };
        let pods = informers.of(PODS);
        let own = pods.by_index(IndexBy::ControllerUid, meta::uid(set));
        let orphans = self.orphans.in_namespace(meta::namespace(set)).filter_map(|key| pods.get(key));
        let is_member = |pod: &&Value| utils::is_member(set, pod);
        let candidates: Vec<Value> = own.chain(orphans).filter(is_member).cloned().collect();
        let revisions = crate::history::list(cx, informers, &claimant)?;
        let pods = claimant.claim(cx, PODS, candidates)?;
        let status = self.update(cx, informers, set, &pods, revisions)?;
        // One more look, as clocks may differ.
        let min_ready = set["spec"]["minReadySeconds"].int();
        let is_waiting = min_ready > 0 && status["availableReplicas"].int() != utils::replicas(set);
        Ok(is_waiting.then_some(min_ready.saturating_mul(SECOND)))
    }
}

// Models pkg/controller/statefulset/stateful_set.go addPod, updatePod, deletePod
fn pod_changed(change: &Change, informers: &Informers, queue: &mut Enqueue) {
    let namespace = meta::namespace(change.object());
    let owner = |pod: &Value| resolve(informers, namespace, meta::controller(pod)?);
    let (before, after) = (owner(&change.old), owner(&change.new));
    if let Some(key) = before.as_ref().filter(|key| after.as_ref() != Some(key)) {
        queue.add(key.clone());
    }
    if let Some(key) = after {
        let min_ready =
            informers.of(STATEFULSETS).get(&key).map_or(0, |set| set["spec"]["minReadySeconds"].int());
        let became_ready = !crate::pod::is_ready(&change.old) && crate::pod::is_ready(&change.new);
        if became_ready && min_ready > 0 {
            queue.add_after(key.clone(), min_ready.saturating_add(1).saturating_mul(SECOND));
        }
        queue.add(key);
    }
    if change.is_up_for_adoption() {
        for set in informers.of(STATEFULSETS).in_namespace(namespace) {
            let selector = Selector::from_label_selector(&set["spec"]["selector"]);
            if selector.matches(meta::labels(&change.new)) {
                queue.add(meta::key(set));
            }
        }
    }
}

fn resolve(informers: &Informers, namespace: &str, owner: &Value) -> Option<Rc<str>> {
    if owner["kind"].str() != "StatefulSet" {
        return None;
    }
    let key = meta::object_key(namespace, owner["name"].str());
    let set = informers.of(STATEFULSETS).get(&key)?;
    (meta::uid(set) == owner["uid"].str()).then_some(key)
}
