use super::indexes::{Indexes, first_pending, index_of, is_indexed, set_index};
use super::sync::Look;
use super::{Jobs, TRACKING, is_tracked, per_index};
use crate::pod;
use crate::pod_control::{create_pod, delete_pod, is_namespace_terminating, pod_from_template};
use api::resources::JOBS;
use api::{Value, meta};
use client::{Cx, Failure};
use sim::{Nanos, Time};

/// How many pods one look creates or deletes at most.
const MAX_PODS: usize = 500;

impl Jobs {
    /// Creates the pods that are missing, or deletes those too many. Returns when to look again, where
    /// it has to wait after failures.
    // Models pkg/controller/job/job_controller.go manageJob
    pub(super) fn manage(
        &mut self,
        cx: &mut Cx,
        key: &str,
        look: &mut Look,
    ) -> Result<Option<Nanos>, Failure> {
        let active = look.active.len() as i64;
        let wanted = if look.is_suspended() {
            0
        } else {
            match look.completions() {
                // Once one has succeeded no more are made.
                None if look.succeeded > 0 => active,
                None => look.parallelism(),
                Some(completions) => (completions - look.succeeded).clamp(0, look.parallelism()),
            }
        };
        let excess = for_removal(look, usize::try_from(active - wanted).unwrap_or(0));
        if !excess.is_empty() {
            return self.delete_uncounted(cx, key, look, excess).map(|()| None);
        }
        let leaving = if look.replaces_only_failed() { look.terminating } else { 0 };
        let missing = usize::try_from(wanted - leaving - active).unwrap_or(0).min(MAX_PODS);
        if missing == 0 || look.is_suspended() {
            return Ok(None);
        }
        if per_index::limit(&look.job).is_none() {
            let wait = self.remaining_backoff(cx.at(), key);
            if wait > 0 {
                return Ok(Some(wait));
            }
        }
        let indexes = match pending(look, missing).map(|indexes| match &look.per_index {
            Some(per_index) => per_index.due(cx.at(), indexes),
            None => Ok(indexes),
        }) {
            Some(Err(wait)) => return Ok(Some(wait)),
            Some(Ok(indexes)) => Some(indexes),
            None => None,
        };
        self.create(cx, key, look, missing, indexes).map(|()| None)
    }

    /// Creates pods: one for each index, or so many without.
    fn create(
        &mut self,
        cx: &mut Cx,
        key: &str,
        look: &mut Look,
        count: usize,
        indexes: Option<Vec<i64>>,
    ) -> Result<(), Failure> {
        let mut pod = pod_from_template(&look.job["spec"]["template"], JOBS, &look.job);
        let finalizers = pod.at_mut(&["metadata", "finalizers"]).list_mut();
        if !finalizers.iter().any(|finalizer| finalizer.str() == TRACKING) {
            finalizers.push(TRACKING.into());
        }
        let with_index = |index: i64| {
            let mut pod = pod.clone();
            set_index(&mut pod, meta::name(&look.job), index);
            if let Some(per_index) = &look.per_index {
                per_index.tell(&look.job, &mut pod, index);
            }
            pod
        };
        let pods: Vec<Value> = match indexes {
            Some(indexes) => indexes.into_iter().map(with_index).collect(),
            None => vec![pod; count],
        };
        self.expectations.expect_creations(cx.at(), key, pods.len() as i64);
        let mut failed = None;
        let (mut rest, mut size) = (pods.as_slice(), 1);
        while !rest.is_empty() && failed.is_none() {
            let (batch, after) = rest.split_at(size.min(rest.len()));
            (rest, size) = (after, 2 * size);
            cx.parallel(batch, |cx, pod| match create_pod(cx, &mut self.recorder, &look.job, pod) {
                Ok(created) => look.active.push(created),
                Err(failure) => {
                    self.expectations.creation_observed(key);
                    if !is_namespace_terminating(&failure) {
                        failed.get_or_insert(failure);
                    }
                }
            });
        }
        rest.iter().for_each(|_| self.expectations.creation_observed(key));
        failed.map_or(Ok(()), Err)
    }

    /// Deletes pods that are not to be counted.
    // Models pkg/controller/job/job_controller.go deleteJobPods
    fn delete_uncounted(
        &mut self,
        cx: &mut Cx,
        key: &str,
        look: &mut Look,
        pods: Vec<Value>,
    ) -> Result<(), Failure> {
        self.expectations.expect_deletions(cx.at(), key, pods.iter().map(meta::key));
        let mut failed = None;
        cx.parallel(&pods, |cx, pod| {
            let freed = if is_tracked(pod) { self.free(cx, pod) } else { Ok(()) };
            let deleted = freed.and_then(|()| delete_pod(cx, &mut self.recorder, &look.job, pod));
            match deleted {
                Err(failure) if !failure.is_not_found() => {
                    self.expectations.deletion_observed(key, &meta::key(pod));
                    failed.get_or_insert(failure);
                }
                Err(_) => self.expectations.deletion_observed(key, &meta::key(pod)),
                Ok(()) => {}
            }
        });
        look.active.retain(|pod| !pods.iter().any(|gone| meta::uid(gone) == meta::uid(pod)));
        look.ready = look.active.iter().filter(|pod| pod::is_ready(pod)).count() as i64;
        failed.map_or(Ok(()), Err)
    }

    /// Deletes all pods of a Job that has come to its end; they are counted.
    // Models pkg/controller/job/job_controller.go deleteActivePods
    pub(super) fn delete_active(&mut self, cx: &mut Cx, key: &str, look: &mut Look) -> Result<(), Failure> {
        if look.active.is_empty() {
            return Ok(());
        }
        let pods = std::mem::take(&mut look.active);
        look.terminating += pods.len() as i64;
        look.ready = 0;
        self.expectations.expect_deletions(cx.at(), key, pods.iter().map(meta::key));
        let mut failed = None;
        cx.parallel(&pods, |cx, pod| {
            if let Err(failure) = delete_pod(cx, &mut self.recorder, &look.job, pod) {
                self.expectations.deletion_observed(key, &meta::key(pod));
                if !failure.is_not_found() {
                    failed.get_or_insert(failure);
                }
            }
        });
        failed.map_or(Ok(()), Err)
    }
}

/// Returns the first indexes that lack a pod, at most so many; `None` where the Job has no indexes.
fn pending(look: &Look, count: usize) -> Option<Vec<i64>> {
    if !is_indexed(&look.job) {
        return None;
    }
    let completions = look.completions().unwrap_or(0);
    let mut taken = look.succeeded_indexes.clone();
    if let Some(per_index) = &look.per_index {
        taken.insert_all(&per_index.failed);
    }
    let held = look.pods.iter().filter(|pod| holds_index(look, pod));
    held.filter_map(|pod| index_of(pod, completions)).for_each(|index| taken.insert(index));
    Some(first_pending(&taken, count, completions))
}

/// Returns whether no other pod is to be made for a pod's index: it runs, or it is to end first.
fn holds_index(look: &Look, pod: &Value) -> bool {
    pod::is_active(pod) || look.replaces_only_failed() && pod::is_terminating(pod)
}

/// Returns at least `count` of the active pods: those without an index of their own go first, then those
/// that have done the least.
// Models pkg/controller/job/job_controller.go activePodsForRemoval
fn for_removal(look: &Look, count: usize) -> Vec<Value> {
    let mut removed = Vec::new();
    let mut rest: Vec<Value> = Vec::new();
    if is_indexed(&look.job) {
        let completions = look.completions().unwrap_or(0);
        let mut seen = Indexes::default();
        for pod in &look.active {
            match index_of(pod, completions).filter(|index| !seen.has(*index)) {
                Some(index) => {
                    seen.insert(index);
                    rest.push(pod.clone());
                }
                None => removed.push(pod.clone()),
            }
        }
    } else {
        rest.clone_from(&look.active);
    }
    if removed.len() < count {
        rest.sort_by_key(rank);
        let more = count - removed.len();
        removed.extend(rest.into_iter().take(more));
    }
    removed.truncate(MAX_PODS);
    removed
}

/// Orders pods by what would be lost with them, the least first.
// Models pkg/controller/controller_utils.go ActivePods.Less
fn rank(pod: &Value) -> (bool, u8, bool, std::cmp::Reverse<Option<Time>>, String) {
    let phase = match pod["status"]["phase"].str() {
        "Pending" => 0,
        "Running" => 2,
        _ => 1,
    };
    let is_assigned = !pod["spec"]["nodeName"].str().is_empty();
    (
        is_assigned,
        phase,
        pod::is_ready(pod),
        std::cmp::Reverse(meta::created(pod)),
        meta::name(pod).to_string(),
    )
}
