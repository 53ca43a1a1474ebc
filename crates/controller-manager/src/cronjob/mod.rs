//! CronJobs: a Job whenever the schedule says so.
// Models pkg/controller/cronjob/cronjob_controllerv2.go

mod jobs;
mod schedule;
#[cfg(test)]
mod tests;

use api::resources::{CRONJOBS, JOBS};
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, IndexBy, Informers, Reconcile};
use schedule::Timetable;
use sim::{MILLISECOND, Nanos, SECOND, Time};
use std::rc::Rc;

/// How much later than the schedule says a CronJob is looked at.
const DELTA: Nanos = 100 * MILLISECOND;

/// The CronJob controller.
#[derive(Clone)]
pub(crate) struct CronJobs {
    recorder: EventRecorder,
}

impl Default for CronJobs {
    fn default() -> Self {
        CronJobs { recorder: EventRecorder::new("cronjob-controller", "") }
    }
}

impl Reconcile for CronJobs {
    fn identity(&self) -> Identity {
        Identity::controller("cronjob-controller", "controller/cronjob")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![CRONJOBS, JOBS]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(JOBS, IndexBy::ControllerUid)]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == CRONJOBS {
            queue.add(change.key.clone());
        } else if change.resource == JOBS {
            let owner = |job: &Value| resolve(informers, job, meta::controller(job)?);
            let (before, after) = (owner(&change.old), owner(&change.new));
            before.into_iter().chain(after).for_each(|key| queue.add(key));
        }
    }

    // Models pkg/controller/cronjob/cronjob_controllerv2.go sync
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(cron_job) = informers.of(CRONJOBS).get(key) else { return Ok(None) };
        let jobs = informers.of(JOBS).by_index(IndexBy::ControllerUid, meta::uid(cron_job));
        let jobs: Vec<Value> = jobs.cloned().collect();
        let mut wanted = cron_job.clone();
        self.look_at_jobs(cx, &mut wanted, &jobs)?;
        let again = self.start(cx, &mut wanted);
        self.clean_up(cx, &mut wanted, &jobs);
        if wanted["status"] != cron_job["status"] {
            cx.update(CRONJOBS, &wanted, "status")?;
        }
        again
    }
}

impl CronJobs {
    /// Starts a Job where one is due. Returns when the next one is.
    // Models pkg/controller/cronjob/cronjob_controllerv2.go syncCronJob
    fn start(&mut self, cx: &mut Cx, cron_job: &mut Value) -> Result<Option<Nanos>, Failure> {
        if meta::is_deleting(cron_job) || cron_job["spec"]["suspend"].is_true() {
            return Ok(None);
        }
        let now = cx.at();
        let table = match Timetable::of(cron_job) {
            Ok(table) => table,
            Err((reason, message)) => {
                self.recorder.event(cx, cron_job, "Warning", reason, &message);
                return Ok(None);
            }
        };
        let (due, missed) = table.due(now);
        if missed {
            let message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
            self.recorder.event(cx, cron_job, "Warning", "TooManyMissedTimes", message);
        }
        let next = table.next(now).map(|at| at + DELTA - now);
        let Some(due) = due else { return Ok(next) };
        let deadline = cron_job["spec"]["startingDeadlineSeconds"].as_int();
        if deadline.is_some_and(|seconds| due + seconds.saturating_mul(SECOND) < now) {
            let message = format!("Missed scheduled time to start a job: {}", rfc1123(due));
            self.recorder.event(cx, cron_job, "Warning", "MissSchedule", &message);
            return Ok(next);
        }
        if meta::time(&cron_job["status"]["lastScheduleTime"]) == Some(due) {
            return Ok(next);
        }
        let active = cron_job["status"]["active"].items().to_vec();
        match cron_job["spec"]["concurrencyPolicy"].str() {
            "Forbid" if !active.is_empty() => {
                let message =
                    "Not starting job because prior execution is running and concurrency policy is Forbid";
                self.recorder.event(cx, cron_job, "Normal", "JobAlreadyActive", message);
                return Ok(next);
            }
            "Replace" => {
                for job in &active {
                    self.delete_job(cx, cron_job, job["name"].str())?;
                }
            }
            _ => {}
        }
        self.create_job(cx, cron_job, &table.job(cron_job, due), due)?;
        Ok(next)
    }
}

fn resolve(informers: &Informers, job: &Value, owner: &Value) -> Option<Rc<str>> {
    if owner["kind"].str() != "CronJob" {
        return None;
    }
    let key = meta::object_key(meta::namespace(job), owner["name"].str());
    let cron_job = informers.of(CRONJOBS).get(&key)?;
    (meta::uid(cron_job) == owner["uid"].str()).then_some(key)
}

/// Returns a moment as Go's RFC1123Z writes it: `Mon, 05 Jan 2026 09:00:00 +0000`.
fn rfc1123(at: Time) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, hour, minute, second) = at.civil();
    let weekday = usize::try_from(at.unix_seconds().div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    let month = MONTHS[usize::try_from(month - 1).unwrap_or(0)];
    format!("{}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} +0000", DAYS[weekday])
}
