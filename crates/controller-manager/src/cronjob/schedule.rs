//! When a CronJob's Jobs are due, and what they are called.
// Models pkg/controller/cronjob/utils.go

use crate::claim::controller_reference;
use api::cron::{Schedule, Zone};
use api::resources::CRONJOBS;
use api::{Value, meta, tree};
use sim::{SECOND, Time};

const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// How many times may have been missed without a word.
const MISSED: u32 = 100;
/// How many missed times are counted.
const MAX_MISSED: u32 = 100_000;

/// A CronJob's schedule, and from when on it counts.
pub(super) struct Timetable {
    schedule: Schedule,
    zone: Zone,
    from: Time,
    deadline_seconds: Option<i64>,
}

impl Timetable {
    /// Reads a CronJob's schedule.
    ///
    /// # Errors
    /// The reason and the message of the event that tells what is wrong with it.
    pub(super) fn of(cron_job: &Value) -> Result<Timetable, (&'static str, String)> {
        let spec = &cron_job["spec"];
        let name = spec["timeZone"].str();
        let zone = if name.is_empty() { Some(Zone::UTC) } else { Zone::find(name) };
        let unknown = || ("UnknownTimeZone", format!("invalid timeZone: {name:?}: unknown time zone {name}"));
        let zone = zone.ok_or_else(unknown)?;
        let text = spec["schedule"].str();
        let unreadable =
            |why: String| ("UnparseableSchedule", format!("unparseable schedule: {text:?} : {why}"));
        let schedule = Schedule::parse(text).map_err(unreadable)?;
        let last = meta::time(&cron_job["status"]["lastScheduleTime"]);
        let from = last.or_else(|| meta::created(cron_job)).unwrap_or_default();
        Ok(Timetable { schedule, zone, from, deadline_seconds: spec["startingDeadlineSeconds"].as_int() })
    }

    /// Returns the last time that has come since the last start, and whether very many have.
    // Models pkg/controller/cronjob/utils.go mostRecentScheduleTime
    pub(super) fn due(&self, now: Time) -> (Option<Time>, bool) {
        let earliest = self.deadline_seconds.map(|seconds| now + -seconds.saturating_mul(SECOND));
        let mut at = earliest.map_or(self.from, |earliest| earliest.max(self.from));
        let (mut due, mut count) = (None, 0);
        while let Some(next) = self.schedule.next(at, self.zone).filter(|next| *next <= now) {
            (due, at, count) = (Some(next), next, count + 1);
            if count >= MAX_MISSED {
                break;
            }
        }
        (due, count > MISSED)
    }

    /// Returns the next time.
    pub(super) fn next(&self, now: Time) -> Option<Time> {
        self.schedule.next(now, self.zone)
    }

    /// Makes the Job of a time.
    // Models pkg/controller/cronjob/utils.go getJobFromTemplate2
    pub(super) fn job(&self, cron_job: &Value, due: Time) -> Value {
        let template = &cron_job["spec"]["jobTemplate"];
        let mut job = tree!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": (format!("{}-{}", meta::name(cron_job), due.unix_seconds() / 60)),
                "namespace": (meta::namespace(cron_job)),
                "ownerReferences": [(controller_reference(CRONJOBS, cron_job))],
            },
            "spec": (&template["spec"]),
        });
        if !meta::labels(template).is_empty() {
            job.set(&["metadata", "labels"], meta::labels(template));
        }
        let mut annotations = meta::annotations(template).clone();
        annotations.set(&[SCHEDULED], self.zone.rfc3339(due));
        job.set(&["metadata", "annotations"], annotations);
        job
    }
}
