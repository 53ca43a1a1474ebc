//! Jobs: pods that come to an end, so many at a time until so many have succeeded.
// Models pkg/controller/job/job_controller.go

mod indexes;
mod manage;
mod per_index;
mod policy;
mod sync;
#[cfg(test)]
mod tests;
mod tracking;

use crate::claim::Orphans;
use api::label::Selector;
use api::resources::{JOBS, PODS};
use api::{PatchType, Resource, Value, meta, tree};
use client::{
    Change, Cx, Enqueue, EventRecorder, Failure, Identity, IndexBy, Informers, Reconcile, UidExpectations,
};
use sim::{Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Keeps a pod until it has been counted.
pub(crate) const TRACKING: &str = "batch.kubernetes.io/job-tracking";
/// For how long changes of a Job's pods are gathered before the Job is looked at.
const SYNC_BATCH: Nanos = SECOND;
/// What stands before the key of a pod whose Job is gone.
const ORPHAN: &str = "orphan:";
/// How many Jobs' failures are remembered for their back-off.
const BACKOFF_ROWS: usize = 1_024;

/// The Job controller.
#[derive(Clone)]
pub(crate) struct Jobs {
    recorder: EventRecorder,
    expectations: UidExpectations,
    orphans: Orphans,
    /// The pods whose finalizer it has taken out, until its cache shows that.
    freed: BTreeSet<Rc<str>>,
    /// By Job: how many pods have failed since the last success, and when the last one did.
    backoff: BTreeMap<Rc<str>, (u32, Time)>,
}

impl Default for Jobs {
    fn default() -> Self {
        Jobs {
            recorder: EventRecorder::new("job-controller", ""),
            expectations: UidExpectations::default(),
            orphans: Orphans::default(),
            freed: BTreeSet::new(),
            backoff: BTreeMap::new(),
        }
    }
}

/// Returns whether a pod waits to be counted.
fn is_tracked(pod: &Value) -> bool {
    pod["metadata"]["finalizers"].items().iter().any(|finalizer| finalizer.str() == TRACKING)
}

/// Returns whether a Job has come to its end.
// Models pkg/controller/job/utils.go IsJobFinished
pub(crate) fn is_finished(job: &Value) -> bool {
    meta::is_condition_true(job, "Complete") || meta::is_condition_true(job, "Failed")
}

impl Reconcile for Jobs {
    fn identity(&self) -> Identity {
        Identity::controller("job-controller", "controller/job")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![JOBS, PODS]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(PODS, IndexBy::ControllerUid)]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == PODS {
            self.orphans.observe(change);
            self.pod_changed(change, informers, queue);
        } else if change.resource == JOBS {
            self.job_changed(change, informers, queue);
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        if let Some(key) = key.strip_prefix(ORPHAN) {
            return self.sync_orphan(cx, informers, key).map(|()| None);
        }
        match informers.of(JOBS).get(key) {
            Some(job) => self.sync(cx, informers, key, job),
            None => {
                self.expectations.forget(key);
                self.backoff.remove(key);
                Ok(None)
            }
        }
    }
}

impl Jobs {
    fn job_changed(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.new.is_null() {
            self.expectations.forget(&change.key);
            for pod in informers.of(PODS).by_index(IndexBy::ControllerUid, meta::uid(&change.old)) {
                if is_tracked(pod) {
                    queue.add(format!("{ORPHAN}{}", meta::key(pod)));
                }
            }
        }
        let is_same = meta::generation(&change.old) == meta::generation(&change.new);
        if is_same && !change.old.is_null() && !change.new.is_null() {
            queue.add_after(change.key.clone(), SYNC_BATCH);
        } else {
            queue.add(change.key.clone());
        }
    }

    // Models pkg/controller/job/job_controller.go addPod, updatePod, deletePod
    fn pod_changed(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        let pod = change.object();
        if change.new.is_null() || !is_tracked(&change.new) {
            self.freed.remove(meta::uid(pod));
        }
        let owner = |pod: &Value| resolve(informers, pod, meta::controller(pod)?);
        let (before, after) = (owner(&change.old), owner(&change.new));
        let goes = change.new.is_null() || meta::is_deleting(&change.new);
        if goes && let Some(key) = before.as_ref().or(after.as_ref()) {
            self.expectations.deletion_observed(key, &change.key);
        } else if change.old.is_null()
            && let Some(key) = &after
        {
            self.expectations.creation_observed(key);
        }
        for key in before.into_iter().chain(after.clone()) {
            queue.add_after(key, SYNC_BATCH);
        }
        if change.new.is_null() {
            return;
        }
        if after.is_none() && is_tracked(&change.new) {
            queue.add(format!("{ORPHAN}{}", change.key));
        }
        if change.is_up_for_adoption() {
            for job in informers.of(JOBS).in_namespace(meta::namespace(&change.new)) {
                let selector = Selector::from_label_selector(&job["spec"]["selector"]);
                if selector.matches(meta::labels(&change.new)) {
                    queue.add_after(meta::key(job), SYNC_BATCH);
                }
            }
        }
    }

    /// Lets a pod go whose Job is gone.
    // Models pkg/controller/job/job_controller.go syncOrphanPod
    fn sync_orphan(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<(), Failure> {
        let Some(pod) = informers.of(PODS).get(key) else { return Ok(()) };
        let has_job = meta::controller(pod).and_then(|owner| resolve(informers, pod, owner)).is_some();
        if has_job || !is_tracked(pod) {
            return Ok(());
        }
        self.free(cx, pod)
    }

    /// Takes the finalizer out of a pod.
    fn free(&mut self, cx: &mut Cx, pod: &Value) -> Result<(), Failure> {
        let patch = tree!({"metadata": {"$deleteFromPrimitiveList/finalizers": [TRACKING]}});
        let name = (meta::namespace(pod), meta::name(pod));
        match cx.patch(PODS, name, "", PatchType::StrategicMerge, &patch) {
            Err(failure) if !failure.is_not_found() => Err(failure),
            _ => {
                self.freed.insert(meta::uid(pod).into());
                Ok(())
            }
        }
    }
}

fn resolve(informers: &Informers, object: &Value, owner: &Value) -> Option<Rc<str>> {
    if owner["kind"].str() != "Job" {
        return None;
    }
    let key = meta::object_key(meta::namespace(object), owner["name"].str());
    let job = informers.of(JOBS).get(&key)?;
    (meta::uid(job) == owner["uid"].str()).then_some(key)
}
