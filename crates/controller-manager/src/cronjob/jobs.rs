use super::CronJobs;
use crate::job::is_finished;
use crate::pod_control::is_namespace_terminating;
use api::resources::JOBS;
use api::{Value, meta, tree};
use client::{Cx, Failure};
use sim::Time;

fn is_active(cron_job: &Value, uid: &str) -> bool {
    cron_job["status"]["active"].items().iter().any(|job| job["uid"].str() == uid)
}

fn set_active(cron_job: &mut Value, keep: impl Fn(&Value) -> bool) {
    let active: Vec<Value> =
        cron_job["status"]["active"].items().iter().filter(|job| keep(job)).cloned().collect();
    if active.is_empty() {
        cron_job.remove(&["status", "active"]);
    } else {
        cron_job.set(&["status", "active"], active);
    }
}

impl CronJobs {
    /// Notes what became of the Jobs: who has finished, who is gone, who was started by hand.
    pub(super) fn look_at_jobs(
        &mut self,
        cx: &mut Cx,
        cron_job: &mut Value,
        jobs: &[Value],
    ) -> Result<(), Failure> {
        for job in jobs {
            let (uid, name) = (meta::uid(job), meta::name(job));
            let known = is_active(cron_job, uid);
            if !known && !is_finished(job) {
                let message = format!("Saw a job that the controller did not create or forgot: {name}");
                self.recorder.event(cx, cron_job, "Warning", "UnexpectedJob", &message);
            } else if known && is_finished(job) {
                let failed = meta::is_condition_true(job, "Failed");
                let condition = if failed { "Failed" } else { "Complete" };
                set_active(cron_job, |active| active["uid"].str() != uid);
                let message = format!("Saw completed job: {name}, condition: {condition}");
                self.recorder.event(cx, cron_job, "Normal", "SawCompletedJob", &message);
            }
            let ended = meta::time(&job["status"]["completionTime"]);
            let last = meta::time(&cron_job["status"]["lastSuccessfulTime"]);
            if meta::is_condition_true(job, "Complete") && ended > last {
                cron_job.set(&["status", "lastSuccessfulTime"], &job["status"]["completionTime"]);
            }
        }
        for active in cron_job["status"]["active"].items().to_vec() {
            let uid = active["uid"].str();
            if jobs.iter().any(|job| meta::uid(job) == uid) {
                continue;
            }
            match cx.get(JOBS, active["namespace"].str(), active["name"].str()) {
                Err(failure) if failure.is_not_found() => {
                    let message = format!("Active job went missing: {}", active["name"].str());
                    self.recorder.event(cx, cron_job, "Normal", "MissingJob", &message);
                    set_active(cron_job, |known| known["uid"].str() != uid);
                }
                Err(failure) => return Err(failure),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    /// Creates the Job of a time and notes that it has begun.
    pub(super) fn create_job(
        &mut self,
        cx: &mut Cx,
        cron_job: &mut Value,
        job: &Value,
        due: Time,
    ) -> Result<(), Failure> {
        match cx.create(JOBS, job) {
            Ok(created) => {
                let message = format!("Created job {}", meta::name(&created));
                self.recorder.event(cx, cron_job, "Normal", "SuccessfulCreate", &message);
                let reference = tree!({
                    "apiVersion": "batch/v1", "kind": "Job", "name": (meta::name(&created)),
                    "namespace": (meta::namespace(&created)), "uid": (meta::uid(&created)),
                    "resourceVersion": (&created["metadata"]["resourceVersion"]),
                });
                cron_job.at_mut(&["status", "active"]).list_mut().push(reference);
                cron_job.set(&["status", "lastScheduleTime"], due.rfc3339());
                Ok(())
            }
            Err(failure) if is_namespace_terminating(&failure) => Ok(()),
            Err(failure) if failure.is_already_exists() => {
                // Made before the status could be written: it is known by its name.
                let there = cx.get(JOBS, meta::namespace(job), meta::name(job))?;
                if meta::is_controlled_by(&there, cron_job) {
                    cron_job.set(&["status", "lastScheduleTime"], due.rfc3339());
                }
                Ok(())
            }
            Err(failure) => {
                let message = format!("Error creating job: {failure}");
                self.recorder.event(cx, cron_job, "Warning", "FailedCreate", &message);
                Err(failure)
            }
        }
    }

    /// Deletes a Job with its pods.
    // Models pkg/controller/cronjob/cronjob_controllerv2.go deleteJob
    pub(super) fn delete_job(
        &mut self,
        cx: &mut Cx,
        cron_job: &mut Value,
        name: &str,
    ) -> Result<(), Failure> {
        let options = tree!({"propagationPolicy": "Background"});
        match cx.delete(JOBS, meta::namespace(cron_job), name, options) {
            Err(failure) if !failure.is_not_found() => {
                let message = format!("Deleted job: {failure}");
                self.recorder.event(cx, cron_job, "Warning", "FailedDelete", &message);
                return Err(failure);
            }
            _ => {}
        }
        set_active(cron_job, |active| active["name"].str() != name);
        let message = format!("Deleted job {name}");
        self.recorder.event(cx, cron_job, "Normal", "SuccessfulDelete", &message);
        Ok(())
    }

    /// Deletes finished Jobs beyond the limits, the oldest first.
    // Models pkg/controller/cronjob/cronjob_controllerv2.go cleanupFinishedJobs
    pub(super) fn clean_up(&mut self, cx: &mut Cx, cron_job: &mut Value, jobs: &[Value]) {
        for (condition, field) in
            [("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")]
        {
            let Some(limit) = cron_job["spec"][field].as_int() else { continue };
            let mut finished: Vec<&Value> =
                jobs.iter().filter(|job| meta::is_condition_true(job, condition)).collect();
            finished.sort_by_key(|job| (meta::time(&job["status"]["startTime"]), meta::name(job)));
            let excess = finished.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
            for job in finished.into_iter().take(excess).filter(|job| !meta::is_deleting(job)) {
                // What could not be deleted now is tried again at the next look.
                let _ = self.delete_job(cx, cron_job, meta::name(job));
            }
        }
    }
}
