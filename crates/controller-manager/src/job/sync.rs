use super::indexes::{Indexes, index_of, is_indexed};
use super::per_index::PerIndex;
use super::policy::{self, Failed};
use super::{BACKOFF_ROWS, Jobs, is_finished, is_tracked};
use crate::claim::Claimant;
use crate::pod;
use api::label::Selector;
use api::resources::{JOBS, PODS};
use api::{Value, meta, tree};
use client::{Cx, Failure, IndexBy, Informers};
use sim::{MINUTE, Nanos, SECOND, Time};
use std::collections::BTreeSet;
use std::rc::Rc;

const BACKOFF: Nanos = 10 * SECOND;
const MAX_BACKOFF: Nanos = 10 * MINUTE;
/// Who looks after a Job, where that is this controller.
const CONTROLLER: &str = "kubernetes.io/job-controller";

/// How a Job ends: the condition, which is told first as a target and comes true when its pods are gone.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) failed: bool,
    pub(super) reason: String,
    pub(super) message: String,
}

/// A Job at one look.
pub(super) struct Look {
    /// The Job, with its status as it becomes.
    pub(super) job: Value,
    pub(super) pods: Vec<Value>,
    pub(super) active: Vec<Value>,
    pub(super) ready: i64,
    pub(super) terminating: i64,
    /// The uids in the status that are yet to be counted.
    pub(super) uncounted_succeeded: BTreeSet<Rc<str>>,
    pub(super) uncounted_failed: BTreeSet<Rc<str>>,
    /// How many have succeeded and failed, those to be counted included.
    pub(super) succeeded: i64,
    pub(super) failed: i64,
    pub(super) succeeded_indexes: Indexes,
    /// What there is to know of each index, where each has its own limit.
    pub(super) per_index: Option<PerIndex>,
    pub(super) end: Option<End>,
    /// Whether the status is to be written.
    pub(super) needs_flush: bool,
}

impl Look {
    pub(super) fn completions(&self) -> Option<i64> {
        self.job["spec"]["completions"].as_int()
    }

    pub(super) fn parallelism(&self) -> i64 {
        self.job["spec"]["parallelism"].as_int().unwrap_or(1).max(0)
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.job["spec"]["suspend"].is_true()
    }

    /// Returns whether failed pods are replaced only once they have come to their end.
    pub(super) fn replaces_only_failed(&self) -> bool {
        self.job["spec"]["podReplacementPolicy"].str() == "Failed"
    }

    /// Returns whether a pod counts as failed.
    // Models pkg/controller/job/job_controller.go isPodFailed
    pub(super) fn is_failed(&self, pod: &Value) -> bool {
        match pod["status"]["phase"].str() {
            "Failed" => true,
            "Succeeded" => false,
            _ => !self.replaces_only_failed() && meta::is_deleting(pod),
        }
    }

    pub(super) fn set_condition(&mut self, now: Time, kind: &str, status: &str, reason: &str, message: &str) {
        let known = meta::condition(&self.job, kind);
        if known.is_some_and(|known| known["status"].str() == status && known["reason"].str() == reason) {
            return;
        }
        let at = now.rfc3339();
        let condition = tree!({
            "type": kind, "status": status, "lastProbeTime": (at.as_str()), "lastTransitionTime": (at.as_str()),
            "reason": reason, "message": message,
        });
        let conditions = self.job.at_mut(&["status", "conditions"]).list_mut();
        match conditions.iter_mut().find(|known| known["type"].str() == kind) {
            Some(known) => *known = condition,
            None => conditions.push(condition),
        }
        self.needs_flush = true;
    }

    /// Sets a number of the status; `None` leaves it out.
    pub(super) fn set_count(&mut self, field: &str, count: Option<i64>) {
        let value = Value::from(count);
        if self.job["status"][field] != value {
            match count {
                Some(count) => self.job.set(&["status", field], count),
                None => drop(self.job.remove(&["status", field])),
            }
            self.needs_flush = true;
        }
    }
}

/// Returns for how long no new pod is made after so many failures, of which the last one was at a moment.
// Models pkg/controller/job/backoff_utils.go getRemainingTimeForFailuresCount
pub(super) fn backoff(now: Time, failures: i64, last: Time) -> Nanos {
    let doublings = u32::try_from(failures.clamp(1, 20) - 1).unwrap_or(0);
    let span = if failures <= 0 { 0 } else { (BACKOFF << doublings).min(MAX_BACKOFF) };
    (last + span - now).max(0)
}

fn non_zero(count: i64) -> Option<i64> {
    (count != 0).then_some(count)
}

impl Jobs {
    /// Takes the next steps for a Job.
    // Models pkg/controller/job/job_controller.go syncJob
    pub(super) fn sync(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        key: &str,
        job: &Value,
    ) -> Result<Option<Nanos>, Failure> {
        if is_finished(job) {
            self.expectations.forget(key);
            self.backoff.remove(key);
            return Ok(None);
        }
        // Models pkg/controller/job/job_controller.go controllerName
        if job["spec"]["managedBy"].as_str().is_some_and(|name| name != CONTROLLER) {
            return Ok(None);
        }
        let satisfied = self.expectations.are_satisfied(cx.at(), key);
        let mut look = self.look(cx, informers, key, job)?;
        if look.job["status"]["startTime"].is_null() && !look.is_suspended() {
            look.job.set(&["status", "startTime"], cx.at().rfc3339());
            look.needs_flush = true;
        }
        let mut again = self.find_failure(cx, &mut look);
        self.look_at_indexes(&mut look);
        let mut managed = Ok(());
        if look.end.is_some() {
            managed = self.delete_active(cx, key, &mut look);
        } else {
            if satisfied && !meta::is_deleting(job) {
                match self.manage(cx, key, &mut look) {
                    Ok(after) => again = [again, after].into_iter().flatten().min(),
                    Err(failure) => managed = Err(failure),
                }
            }
            self.find_success(&mut look);
            if look.end.is_none() && satisfied && !meta::is_deleting(job) {
                self.tell_suspension(cx, &mut look);
            }
        }
        look.set_count("active", non_zero(look.active.len() as i64));
        look.set_count("ready", Some(look.ready));
        look.set_count("terminating", Some(look.terminating));
        self.track(cx, key, &mut look)?;
        managed.map(|()| again)
    }

    /// Gathers what there is of a Job.
    fn look(&mut self, cx: &mut Cx, informers: &Informers, key: &str, job: &Value) -> Result<Look, Failure> {
        let selector = Selector::from_label_selector(&job["spec"]["selector"]);
        let claimant = Claimant { resource: JOBS, owner: job, selector: &selector };
        let all = informers.of(PODS);
        let own = all.by_index(IndexBy::ControllerUid, meta::uid(job));
        let orphans = self.orphans.in_namespace(meta::namespace(job)).filter_map(|key| all.get(key));
        let candidates: Vec<Value> = own.chain(orphans).cloned().collect();
        let pods = claimant.claim(cx, PODS, candidates)?;
        let active: Vec<Value> = pods.iter().filter(|pod| pod::is_active(pod)).cloned().collect();
        let uids = |field: &str| -> BTreeSet<Rc<str>> {
            job["status"]["uncountedTerminatedPods"][field].items().iter().map(Value::text).collect()
        };
        let completions = job["spec"]["completions"].int();
        let done = Indexes::parse(job["status"]["completedIndexes"].str(), completions);
        let mut look = Look {
            job: job.clone(),
            ready: active.iter().filter(|pod| pod::is_ready(pod)).count() as i64,
            terminating: pods.iter().filter(|pod| pod::is_terminating(pod)).count() as i64,
            active,
            pods,
            uncounted_succeeded: uids("succeeded"),
            uncounted_failed: uids("failed"),
            succeeded: job["status"]["succeeded"].int(),
            failed: job["status"]["failed"].int(),
            succeeded_indexes: done,
            per_index: None,
            end: None,
            needs_flush: false,
        };
        self.count_finished(cx.at(), key, &mut look);
        Ok(look)
    }

    /// Counts the pods that have come to their end and aren't in the status yet.
    // Models pkg/controller/job/job_controller.go getNewFinishedPods
    fn count_finished(&mut self, now: Time, key: &str, look: &mut Look) {
        let completions = look.completions().unwrap_or(0);
        let is_new = |pod: &&Value| {
            let uid = meta::uid(pod);
            let known = look.uncounted_succeeded.contains(uid) || look.uncounted_failed.contains(uid);
            is_tracked(pod) && !known && !self.freed.contains(uid)
        };
        let new: Vec<Value> = look.pods.iter().filter(is_new).cloned().collect();
        look.succeeded += look.uncounted_succeeded.len() as i64;
        look.failed += look.uncounted_failed.len() as i64;
        let (mut succeeded, mut failures) = (0, 0);
        for pod in &new {
            if pod["status"]["phase"].str() == "Succeeded" {
                if is_indexed(&look.job) {
                    let index = index_of(pod, completions);
                    index.into_iter().for_each(|index| look.succeeded_indexes.insert(index));
                } else {
                    look.succeeded += 1;
                }
                succeeded += 1;
            } else if look.is_failed(pod) {
                match policy::on_failure(&look.job, pod) {
                    Failed::Ignored => {}
                    Failed::Counts | Failed::FailsIndex => {
                        (look.failed, failures) = (look.failed + 1, failures + 1)
                    }
                    Failed::FailsJob(message) => {
                        (look.failed, failures) = (look.failed + 1, failures + 1);
                        look.end.get_or_insert(End {
                            failed: true,
                            reason: "PodFailurePolicy".into(),
                            message,
                        });
                    }
                }
            }
        }
        if is_indexed(&look.job) {
            look.succeeded = look.succeeded_indexes.len();
        }
        self.note_failures(now, key, succeeded, failures);
    }

    /// Remembers failures for the back-off; a success makes them forgotten.
    // Models pkg/controller/job/backoff_utils.go newBackoffRecord
    fn note_failures(&mut self, now: Time, key: &str, succeeded: u32, failed: u32) {
        if succeeded > 0 {
            self.backoff.remove(key);
        } else if failed > 0 {
            if self.backoff.len() >= BACKOFF_ROWS {
                self.backoff.pop_first();
            }
            let row = self.backoff.entry(key.into()).or_insert((0, now));
            *row = (row.0.saturating_add(failed), now);
        }
    }

    /// Returns for how long no new pod is to be made.
    // Models pkg/controller/job/backoff_utils.go getRemainingTime
    pub(super) fn remaining_backoff(&self, now: Time, key: &str) -> Nanos {
        self.backoff.get(key).map_or(0, |(failures, last)| backoff(now, i64::from(*failures), *last))
    }

    /// Sees whether the Job has failed. Returns when its deadline is, where it has one.
    fn find_failure(&self, cx: &Cx, look: &mut Look) -> Option<Nanos> {
        let target = |kind: &str| meta::condition(&look.job, kind).filter(|it| it["status"].str() == "True");
        let of = |condition: &Value, failed: bool| End {
            failed,
            reason: condition["reason"].str().into(),
            message: condition["message"].str().into(),
        };
        if let Some(condition) = target("FailureTarget") {
            look.end = Some(of(condition, true));
        } else if let Some(condition) = target("SuccessCriteriaMet") {
            look.end = Some(of(condition, false));
        }
        if look.end.is_some() {
            return None;
        }
        let spec = &look.job["spec"];
        let started = meta::time(&look.job["status"]["startTime"]);
        let deadline = spec["activeDeadlineSeconds"].as_int().zip(started);
        let left = deadline.map(|(seconds, start)| start + seconds.saturating_mul(SECOND) - cx.at());
        let limit = spec["backoffLimit"].as_int().unwrap_or(6);
        let end = |reason: &str, message: &str| {
            Some(End { failed: true, reason: reason.into(), message: message.into() })
        };
        if look.failed > limit || is_past_limit_by_restarts(look, limit) {
            look.end = end("BackoffLimitExceeded", "Job has reached the specified backoff limit");
        } else if left.is_some_and(|left| left <= 0) && !look.is_suspended() {
            look.end = end("DeadlineExceeded", "Job was active longer than specified deadline");
        }
        left.filter(|left| *left > 0 && !look.is_suspended())
    }

    /// Sees whether the Job has succeeded.
    fn find_success(&self, look: &mut Look) {
        let met = policy::on_success(&look.job, &look.succeeded_indexes);
        let complete = match look.completions() {
            // Without a number one success is enough, once no pod runs any more.
            None => look.succeeded > 0 && look.active.is_empty(),
            Some(completions) => look.succeeded >= completions,
        };
        let (reason, message) = match met {
            Some(message) => ("SuccessPolicy", message),
            None if complete => {
                ("CompletionsReached", "Reached expected number of succeeded pods".to_string())
            }
            None => return,
        };
        look.end = Some(End { failed: false, reason: reason.into(), message });
    }

    /// Tells that the Job was suspended or goes on.
    fn tell_suspension(&mut self, cx: &mut Cx, look: &mut Look) {
        let now = cx.at();
        let was = meta::is_condition_true(&look.job, "Suspended");
        if look.is_suspended() == was {
            return;
        }
        if look.is_suspended() {
            look.set_condition(now, "Suspended", "True", "JobSuspended", "Job suspended");
            self.recorder.event(cx, &look.job, "Normal", "Suspended", "Job suspended");
        } else {
            look.set_condition(now, "Suspended", "False", "JobResumed", "Job resumed");
            // A new beginning for the deadline.
            look.job.set(&["status", "startTime"], now.rfc3339());
            self.recorder.event(cx, &look.job, "Normal", "Resumed", "Job resumed");
        }
    }
}

/// Returns whether containers that are restarted in their pods have failed too often.
// Models pkg/controller/job/job_controller.go pastBackoffLimitOnFailure
fn is_past_limit_by_restarts(look: &Look, limit: i64) -> bool {
    if look.job["spec"]["template"]["spec"]["restartPolicy"].str() != "OnFailure" {
        return false;
    }
    let runs = |pod: &&Value| matches!(pod["status"]["phase"].str(), "Running" | "Pending");
    let statuses = |pod: &'_ Value| -> i64 {
        let lists = ["initContainerStatuses", "containerStatuses"];
        let all = lists.iter().flat_map(|list| pod["status"][*list].items());
        all.map(|status| status["restartCount"].int()).sum()
    };
    let restarts: i64 = look.pods.iter().filter(runs).map(statuses).sum();
    if limit == 0 { restarts > 0 } else { restarts >= limit }
}
