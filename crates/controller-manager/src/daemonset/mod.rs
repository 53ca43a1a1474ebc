//! DaemonSets: one pod on each node that suits.
// Models pkg/controller/daemon

mod history;
mod node;
mod status;
mod sync;
#[cfg(test)]
mod tests;
mod update;

use crate::claim::{Claimant, Orphans};
use api::label::Selector;
use api::resources::{CONTROLLERREVISIONS, DAEMONSETS, NODES, PODS};
use api::{Resource, Value, meta};
use client::{
    Change, Cx, Enqueue, EventRecorder, Expectations, Failure, Identity, IndexBy, Informers, Reconcile,
};
use sim::{Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many pods that failed are remembered for their back-off.
const BACKOFF_ROWS: usize = 1_024;

/// The DaemonSet controller.
#[derive(Clone)]
pub(crate) struct DaemonSets {
    recorder: EventRecorder,
    expectations: Expectations,
    orphans: Orphans,
    /// By DaemonSet and node: when the last failed pod was killed, and the back-off after it.
    backoff: BTreeMap<String, (Time, Nanos)>,
}

impl Default for DaemonSets {
    fn default() -> Self {
        DaemonSets {
            recorder: EventRecorder::new("daemonset-controller", ""),
            expectations: Expectations::default(),
            orphans: Orphans::default(),
            backoff: BTreeMap::new(),
        }
    }
}

/// The pods of a DaemonSet on each node.
type NodePods = BTreeMap<Rc<str>, Vec<Value>>;

impl Reconcile for DaemonSets {
    fn identity(&self) -> Identity {
        Identity::controller("daemon-set-controller", "controller/daemonset")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![DAEMONSETS, PODS, NODES, CONTROLLERREVISIONS]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(PODS, IndexBy::ControllerUid), (CONTROLLERREVISIONS, IndexBy::ControllerUid)]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == DAEMONSETS {
            if change.new.is_null() {
                self.expectations.forget(&change.key);
            }
            queue.add(change.key.clone());
        } else if change.resource == PODS {
            self.orphans.observe(change);
            self.pod_changed(change, informers, queue);
        } else if change.resource == NODES && node::concerns(change) {
            for ds in informers.of(DAEMONSETS).iter() {
                // One that may stay though it wouldn't begin there any more has to go, too, when that ends.
                let concerned =
                    |node: &Value| !node.is_null() && node::should_run(ds, node) != (false, false);
                if concerned(&change.old) || concerned(&change.new) {
                    queue.add(meta::key(ds));
                }
            }
        } else if change.resource == CONTROLLERREVISIONS {
            let owner = meta::controller(change.object());
            if let Some(key) = owner.and_then(|owner| resolve(informers, change.object(), owner)) {
                queue.add(key);
            }
        }
    }

    // Models pkg/controller/daemon/daemon_controller.go syncDaemonSet
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(ds) = informers.of(DAEMONSETS).get(key) else {
            self.expectations.forget(key);
            return Ok(None);
        };
        if ds["spec"]["selector"].is_empty() {
            let message = "This daemon set is selecting all pods. A non-empty selector is required.";
            self.recorder.event(cx, ds, "Warning", "SelectingAll", message);
            return Ok(None);
        }
        if meta::is_deleting(ds) {
            return Ok(None);
        }
        let (current, old) = history::construct(cx, informers, ds)?;
        let hash = meta::labels(&current)[history::HASH_LABEL].str().to_string();
        let nodes: Vec<Value> = informers.of(NODES).iter().cloned().collect();
        let pods = self.pods_by_node(cx, informers, ds)?;
        if !self.expectations.are_satisfied(cx.at(), key) {
            // It wasn't looked at as it is now, so the status doesn't say so.
            let seen = ds["status"]["observedGeneration"].int();
            return status::update(cx, ds, &nodes, &pods, &hash, seen);
        }
        let updated = self.update(cx, ds, &nodes, &pods, &hash).and_then(|wait| {
            history::cleanup(cx, ds, &current, old, &pods)?;
            Ok(wait)
        });
        // The status is written whatever became of the pods.
        let available_in = status::update(cx, ds, &nodes, &pods, &hash, meta::generation(ds));
        Ok([updated?, available_in?].into_iter().flatten().min())
    }
}

impl DaemonSets {
    // Models pkg/controller/daemon/daemon_controller.go updateDaemonSet
    fn update(
        &mut self,
        cx: &mut Cx,
        ds: &Value,
        nodes: &[Value],
        pods: &NodePods,
        hash: &str,
    ) -> Result<Option<Nanos>, Failure> {
        let wait = self.manage(cx, ds, nodes, pods, hash)?;
        let is_rolling = ds["spec"]["updateStrategy"]["type"].str() != "OnDelete";
        if is_rolling && self.expectations.are_satisfied(cx.at(), &meta::key(ds)) {
            self.rolling_update(cx, ds, nodes, pods, hash)?;
        }
        Ok(wait)
    }

    // Models pkg/controller/daemon/daemon_controller.go addPod, updatePod, deletePod
    fn pod_changed(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        let owner =
            |pod: &Value| meta::controller(pod).and_then(|owner| resolve(informers, change.object(), owner));
        let (before, after) = (owner(&change.old), owner(&change.new));
        // A pod that begins to go counts as gone: one of a dead machine would never do so otherwise.
        if change.new.is_null() || meta::is_deleting(&change.new) {
            let owner = after.iter().chain(&before).next();
            owner.into_iter().for_each(|key| self.expectations.deletion_observed(key));
        } else if change.old.is_null() {
            after.iter().for_each(|key| self.expectations.creation_observed(key));
        }
        before.into_iter().chain(after).for_each(|key| queue.add(key));
        if change.is_up_for_adoption() {
            for ds in informers.of(DAEMONSETS).in_namespace(meta::namespace(&change.new)) {
                if Selector::from_label_selector(&ds["spec"]["selector"]).matches(meta::labels(&change.new)) {
                    queue.add(meta::key(ds));
                }
            }
        }
    }

    /// Returns the DaemonSet's pods by the node on which they are, or are to be.
    // Models pkg/controller/daemon/daemon_controller.go getNodesToDaemonPods
    fn pods_by_node(&self, cx: &mut Cx, informers: &Informers, ds: &Value) -> Result<NodePods, Failure> {
        let pods = informers.of(PODS);
        let orphans = self.orphans.in_namespace(meta::namespace(ds)).filter_map(|key| pods.get(key));
        let own = pods.by_index(IndexBy::ControllerUid, meta::uid(ds));
        let candidates: Vec<Value> = own.chain(orphans).cloned().collect();
        let selector = Selector::from_label_selector(&ds["spec"]["selector"]);
        let claimant = Claimant { resource: DAEMONSETS, owner: ds, selector: &selector };
        let mut by_node = NodePods::new();
        for pod in claimant.claim(cx, PODS, candidates)? {
            let name = node::target(&pod);
            if !name.is_empty() {
                by_node.entry(name).or_default().push(pod);
            }
        }
        Ok(by_node)
    }

    /// Returns for how long a failed pod on a node is not to be killed yet; notes it where it is.
    fn back_off(&mut self, now: Time, ds: &Value, node: &str) -> Option<Nanos> {
        let key = format!("{}/{}/{node}", meta::uid(ds), meta::generation(ds));
        if self.backoff.len() >= BACKOFF_ROWS {
            self.backoff.pop_first();
        }
        let (since, span) = self.backoff.get(&key).copied().unwrap_or((now, 0));
        if since + span > now {
            return Some(since + span - now);
        }
        let span =
            if span == 0 || now - since > 2 * MAX_BACKOFF { SECOND } else { (2 * span).min(MAX_BACKOFF) };
        self.backoff.insert(key, (now, span));
        None
    }
}

/// The longest time between two kills of failed pods on one node.
const MAX_BACKOFF: Nanos = 15 * 60 * SECOND;

fn resolve(informers: &Informers, object: &Value, owner: &Value) -> Option<Rc<str>> {
    if owner["kind"].str() != "DaemonSet" {
        return None;
    }
    let key = meta::object_key(meta::namespace(object), owner["name"].str());
    let ds = informers.of(DAEMONSETS).get(&key)?;
    (meta::uid(ds) == owner["uid"].str()).then_some(key)
}
