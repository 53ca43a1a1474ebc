//! A back-off for each index of a Job: how often each has failed is told by the pod that failed last, which is
//! kept until another one bears the number.
// Models pkg/controller/job/job_controller.go, indexed_job_utils.go and backoff_utils.go

use super::indexes::{Indexes, index_of};
use super::policy::{self, Failed};
use super::sync::{End, Look, backoff};
use super::{Jobs, is_tracked};
use crate::pod;
use api::{Value, meta};
use sim::{Nanos, SECOND, Time};
use std::collections::BTreeMap;

/// The annotation that tells how many pods of the same index failed before.
const FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";
/// The annotation that tells how many failures of the index the policy has left uncounted.
const IGNORED: &str = "batch.kubernetes.io/job-index-ignored-failure-count";

/// The failed indexes of a Job, and what is needed to go on with the others.
#[derive(Clone, Debug, Default)]
pub(super) struct PerIndex {
    /// The indexes of which no more is made.
    pub(super) failed: Indexes,
    /// The pods that failed last, of indexes that are yet to get another one: they are kept until then.
    pub(super) kept: BTreeMap<i64, Value>,
}

/// Returns the most failures that an index may have, where the Job limits each by itself.
pub(super) fn limit(job: &Value) -> Option<i64> {
    job["spec"]["backoffLimitPerIndex"].as_int()
}

fn count(pod: &Value, annotation: &str) -> i64 {
    meta::annotation(pod, annotation).parse().ok().filter(|count| *count > 0).unwrap_or(0)
}

/// Returns how often the pod's index had failed before the pod, whether that counts or not.
fn all_failures(pod: &Value) -> i64 {
    count(pod, FAILURES).saturating_add(count(pod, IGNORED))
}

/// Returns whether a pod's failure is the end of its index.
// Models pkg/controller/job/indexed_job_utils.go isIndexFailed
fn ends_index(job: &Value, pod: &Value, limit: i64) -> bool {
    match policy::on_failure(job, pod) {
        Failed::FailsIndex => true,
        Failed::Ignored => false,
        Failed::Counts | Failed::FailsJob(_) => count(pod, FAILURES) >= limit,
    }
}

/// Returns when a pod came to its end, as far as it can be told.
// Models pkg/controller/job/backoff_utils.go getFinishedTime
fn finished_at(pod: &Value) -> Time {
    let ends: Option<Vec<Time>> = pod["status"]["containerStatuses"]
        .items()
        .iter()
        .map(|status| meta::time(&status["state"]["terminated"]["finishedAt"]))
        .collect();
    let by_containers = ends.and_then(|ends| ends.into_iter().max());
    let by_condition = || {
        let ready = meta::condition(pod, "Ready").filter(|ready| ready["status"].str() == "False")?;
        meta::time(&ready["lastTransitionTime"])
    };
    let by_deletion = || {
        let grace = pod["metadata"]["deletionGracePeriodSeconds"].int();
        Some(meta::time(&pod["metadata"]["deletionTimestamp"])? + -grace.saturating_mul(SECOND))
    };
    let created = || meta::created(pod).unwrap_or(Time::EPOCH);
    by_containers.or_else(by_condition).or_else(by_deletion).unwrap_or_else(created)
}

impl Jobs {
    /// Tells the indexes that have failed, and the Job's end if that is one.
    // Models pkg/controller/job/job_controller.go syncJob
    pub(super) fn look_at_indexes(&self, look: &mut Look) {
        let Some(limit) = limit(&look.job) else { return };
        let completions = look.completions().unwrap_or(0);
        let mut failed = Indexes::parse(look.job["status"]["failedIndexes"].str(), completions);
        let uncounted: Vec<&Value> = look
            .pods
            .iter()
            .filter(|pod| is_tracked(pod) && !self.is_freed(pod) && look.is_failed(pod))
            .collect();
        let ended = uncounted.iter().filter(|pod| ends_index(&look.job, pod, limit));
        ended.filter_map(|pod| index_of(pod, completions)).for_each(|index| failed.insert(index));
        let mut busy = look.succeeded_indexes.clone();
        look.active.iter().filter_map(|pod| index_of(pod, completions)).for_each(|index| busy.insert(index));
        let mut kept: BTreeMap<i64, Value> = BTreeMap::new();
        for pod in uncounted {
            let Some(index) = index_of(pod, completions) else { continue };
            let rank = |pod: &Value| (all_failures(pod), finished_at(pod));
            let is_last = kept.get(&index).is_none_or(|other| rank(other) <= rank(pod));
            if is_last && !busy.has(index) && !failed.has(index) {
                kept.insert(index, pod.clone());
            }
        }
        if look.end.is_none() {
            look.end = end(&look.job, failed.len(), look.succeeded_indexes.len());
        }
        look.per_index = Some(PerIndex { failed, kept });
    }

    fn is_freed(&self, pod: &Value) -> bool {
        self.freed.contains(meta::uid(pod))
    }
}

/// Returns whether so many failed indexes are the Job's end.
fn end(job: &Value, failed: i64, succeeded: i64) -> Option<End> {
    let completions = job["spec"]["completions"].int();
    let (reason, message) = if job["spec"]["maxFailedIndexes"].as_int().is_some_and(|most| failed > most) {
        ("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes")
    } else if failed > 0 && failed + succeeded >= completions {
        ("FailedIndexes", "Job has failed indexes")
    } else {
        return None;
    };
    Some(End { failed: true, reason: reason.into(), message: message.into() })
}

impl PerIndex {
    /// Returns which of the indexes may have a pod now; where none may, after how long one may.
    // Models pkg/controller/job/job_controller.go getPodCreationInfoForIndependentIndexes
    pub(super) fn due(&self, now: Time, indexes: Vec<i64>) -> Result<Vec<i64>, Nanos> {
        let wait = |index: &i64| {
            self.kept
                .get(index)
                .map_or(0, |pod| backoff(now, all_failures(pod).saturating_add(1), finished_at(pod)))
        };
        let shortest = indexes.iter().map(wait).min().unwrap_or(0);
        if shortest > 0 {
            Err(shortest)
        } else {
            Ok(indexes.into_iter().filter(|index| wait(index) == 0).collect())
        }
    }

    /// Writes into a new pod how often its index has failed before.
    // Models pkg/controller/job/job_controller.go getNewIndexFailureCounts
    pub(super) fn tell(&self, job: &Value, pod: &mut Value, index: i64) {
        let (mut failures, mut ignored) = (0, 0);
        if let Some(last) = self.kept.get(&index) {
            (failures, ignored) = (count(last, FAILURES), count(last, IGNORED));
            match policy::on_failure(job, last) {
                Failed::Ignored => ignored += 1,
                _ => failures += 1,
            }
        }
        pod.set(&["metadata", "annotations", FAILURES], failures.to_string());
        if ignored > 0 {
            pod.set(&["metadata", "annotations", IGNORED], ignored.to_string());
        }
    }

    /// Returns whether a pod that failed is to stay uncounted, because its number has no other bearer yet.
    // Models pkg/controller/job/job_controller.go canRemoveFinalizer
    pub(super) fn keeps(&self, pod: &Value) -> bool {
        !pod::is_active(pod) && self.kept.values().any(|kept| meta::uid(kept) == meta::uid(pod))
    }
}
