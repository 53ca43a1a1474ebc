use super::indexes::is_indexed;
use super::policy::{self, Failed};
use super::sync::Look;
use super::{Jobs, is_tracked};
use crate::pod;
use api::resources::JOBS;
use api::{Value, meta};
use client::{Cx, Failure};
use std::collections::BTreeSet;
use std::rc::Rc;

/// How many pods wait in the status to be counted at most.
const MAX_UNCOUNTED: usize = 500;
/// How often a status update is tried with the Job as it is now.
const STATUS_UPDATE_RETRIES: u32 = 1;

impl Jobs {
    /// Counts the pods that have come to their end: their uids are written into the status, their
    /// finalizers taken out, and then the numbers rise, so that none is counted twice or lost.
    // Models pkg/controller/job/job_controller.go trackJobStatusAndRemoveFinalizers
    pub(super) fn track(&mut self, cx: &mut Cx, key: &str, look: &mut Look) -> Result<(), Failure> {
        let now = cx.at();
        if let Some(end) = look.end.clone() {
            let kind = if end.failed { "FailureTarget" } else { "SuccessCriteriaMet" };
            look.set_condition(now, kind, "True", &end.reason, &end.message);
        }
        let counted = self.gather(look);
        self.write_uncounted(look);
        self.flush(cx, look)?;
        let mut failed = None;
        let mut kept: BTreeSet<Rc<str>> = BTreeSet::new();
        cx.parallel(&counted, |cx, pod| {
            if let Err(failure) = self.free(cx, pod) {
                kept.insert(meta::uid(pod).into());
                failed.get_or_insert(failure);
            }
        });
        clean(look, &kept);
        self.write_uncounted(look);
        let ended = self.enact(cx, look);
        self.flush(cx, look)?;
        if let Some(end) = look.end.clone().filter(|_| ended) {
            if end.failed {
                self.recorder.event(cx, &look.job, "Warning", &end.reason, &end.message);
            } else {
                self.recorder.event(cx, &look.job, "Normal", "Completed", "Job completed");
            }
            self.backoff.remove(key);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Notes in the look which pods are to be counted, and returns those whose finalizer goes.
    fn gather(&self, look: &mut Look) -> Vec<Value> {
        let mut counted = Vec::new();
        for pod in look.pods.clone() {
            let uid: Rc<str> = meta::uid(&pod).into();
            let waiting = look.uncounted_succeeded.len() + look.uncounted_failed.len();
            if !is_tracked(&pod) || self.freed.contains(&uid) || waiting >= MAX_UNCOUNTED {
                continue;
            }
            let succeeded = pod["status"]["phase"].str() == "Succeeded";
            let failed = !succeeded && look.is_failed(&pod);
            if !pod::is_terminal(&pod) && !failed && look.end.is_none() {
                continue;
            }
            let keeps = look.per_index.as_ref().is_some_and(|per_index| per_index.keeps(&pod));
            if keeps && look.end.is_none() && !meta::is_deleting(&look.job) {
                continue;
            }
            if succeeded && !look.uncounted_failed.contains(&uid) {
                if !is_indexed(&look.job) {
                    look.uncounted_succeeded.insert(uid);
                }
                counted.push(pod);
            } else if failed || look.end.is_some() && meta::is_deleting(&pod) {
                let counts = policy::on_failure(&look.job, &pod) != Failed::Ignored;
                if counts && !look.uncounted_succeeded.contains(&uid) {
                    look.uncounted_failed.insert(uid);
                }
                counted.push(pod);
            }
        }
        counted
    }

    /// Puts what the look has gathered into the status.
    fn write_uncounted(&self, look: &mut Look) {
        let list = |uids: &BTreeSet<Rc<str>>| -> Vec<Value> { uids.iter().map(Value::from).collect() };
        let mut uncounted = Value::map();
        for (field, uids) in [("succeeded", &look.uncounted_succeeded), ("failed", &look.uncounted_failed)] {
            if !uids.is_empty() {
                uncounted.set(&[field], list(uids));
            }
        }
        if look.job["status"]["uncountedTerminatedPods"] != uncounted {
            look.job.set(&["status", "uncountedTerminatedPods"], uncounted);
            look.needs_flush = true;
        }
        if is_indexed(&look.job) {
            let text = look.succeeded_indexes.text();
            if look.job["status"]["completedIndexes"].str() != text {
                look.job.set(&["status", "completedIndexes"], text);
                look.needs_flush = true;
            }
            let failed = look.per_index.as_ref().map(|per_index| per_index.failed.text());
            if look.job["status"]["failedIndexes"].as_str() != failed.as_deref() {
                match failed {
                    Some(failed) => look.job.set(&["status", "failedIndexes"], failed),
                    None => drop(look.job.remove(&["status", "failedIndexes"])),
                }
                look.needs_flush = true;
            }
            let count = look.succeeded_indexes.len();
            look.set_count("succeeded", (count != 0).then_some(count));
        }
    }

    /// Ends the Job if nothing of it is left to be counted or to go.
    // Models pkg/controller/job/job_controller.go enactJobFinished
    fn enact(&self, cx: &Cx, look: &mut Look) -> bool {
        let Some(end) = look.end.clone() else { return false };
        let waiting = look.uncounted_succeeded.len() + look.uncounted_failed.len();
        if waiting > 0 || look.terminating > 0 || look.ready > 0 || !look.active.is_empty() {
            return false;
        }
        let now = cx.at();
        let kind = if end.failed { "Failed" } else { "Complete" };
        look.set_condition(now, kind, "True", &end.reason, &end.message);
        if !end.failed {
            look.job.set(&["status", "completionTime"], now.rfc3339());
        }
        true
    }

    fn flush(&self, cx: &mut Cx, look: &mut Look) -> Result<(), Failure> {
        if !std::mem::take(&mut look.needs_flush) {
            return Ok(());
        }
        for attempt in 0.. {
            match cx.update(JOBS, &look.job, "status") {
                Ok(job) => {
                    look.job = job;
                    return Ok(());
                }
                Err(failure) if failure.is_conflict() && attempt < STATUS_UPDATE_RETRIES => {
                    let fresh = cx.get(JOBS, meta::namespace(&look.job), meta::name(&look.job))?;
                    let version = fresh["metadata"]["resourceVersion"].clone();
                    look.job.set(&["metadata", "resourceVersion"], version);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }
}

/// Counts the pods whose finalizer is gone and takes them out of those to be counted.
// Models pkg/controller/job/job_controller.go cleanUncountedPodsWithoutFinalizers
fn clean(look: &mut Look, kept: &BTreeSet<Rc<str>>) {
    let take = |uids: &mut BTreeSet<Rc<str>>| -> i64 {
        let before = uids.len();
        uids.retain(|uid| kept.contains(uid));
        (before - uids.len()) as i64
    };
    let succeeded = take(&mut look.uncounted_succeeded);
    let failed = take(&mut look.uncounted_failed);
    for (field, more) in [("succeeded", succeeded), ("failed", failed)] {
        if more > 0 {
            let count = look.job["status"][field].int() + more;
            look.set_count(field, Some(count));
        }
    }
}
