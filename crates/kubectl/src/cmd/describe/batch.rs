use super::Events;
use super::core::controlled_by;
use super::template::pod_template;
use super::writer::{Writer, date};
use crate::text::human_duration;
use api::{Value, label::Selector, meta};

pub(super) fn number_or_unset(value: &Value) -> String {
    value.as_int().map_or("<unset>".to_string(), |number| number.to_string())
}

/// Describes a Job.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeJob
pub(super) fn job(w: &mut Writer, job: &Value) -> Events {
    let (spec, status) = (&job["spec"], &job["status"]);
    w.name(job);
    w.row(0, "Selector", Selector::from_label_selector(&spec["selector"]).to_string());
    w.labels("Labels", meta::labels(job));
    w.annotations("Annotations", meta::annotations(job));
    controlled_by(w, job);
    if let Some(count) = spec["parallelism"].as_int() {
        w.row(0, "Parallelism", count.to_string());
    }
    w.row(0, "Completions", number_or_unset(&spec["completions"]));
    w.row_if(0, "Completion Mode", spec["completionMode"].str());
    if let Some(suspend) = spec["suspend"].as_bool() {
        w.row(0, "Suspend", suspend.to_string());
    }
    for (title, field) in
        [("Backoff Limit", "backoffLimit"), ("TTL Seconds After Finished", "ttlSecondsAfterFinished")]
    {
        if let Some(number) = spec[field].as_int() {
            w.row(0, title, number.to_string());
        }
    }
    let (start, end) = (meta::time(&status["startTime"]), meta::time(&status["completionTime"]));
    if start.is_some() {
        w.row(0, "Start Time", date(&status["startTime"]));
    }
    if end.is_some() {
        w.row(0, "Completed At", date(&status["completionTime"]));
    }
    if let (Some(start), Some(end)) = (start, end) {
        w.row(0, "Duration", human_duration(end - start));
    }
    if let Some(seconds) = spec["activeDeadlineSeconds"].as_int() {
        w.row(0, "Active Deadline Seconds", format!("{seconds}s"));
    }
    let ready = status["ready"].as_int().map_or(String::new(), |ready| format!(" ({ready} Ready)"));
    let count = |field: &str| status[field].int();
    w.row(
        0,
        "Pods Statuses",
        format!(
            "{} Active{ready} / {} Succeeded / {} Failed",
            count("active"),
            count("succeeded"),
            count("failed")
        ),
    );
    if spec["completionMode"].str() == "Indexed" {
        w.row(0, "Completed Indexes", super::writer::or_none(status["completedIndexes"].str()));
    }
    pod_template(w, &spec["template"]);
    Events::Shown
}

/// Describes a CronJob.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeCronJob
pub(super) fn cron_job(w: &mut Writer, job: &Value) -> Events {
    let (spec, status) = (&job["spec"], &job["status"]);
    w.name(job);
    w.labels("Labels", meta::labels(job));
    w.annotations("Annotations", meta::annotations(job));
    w.row(0, "Schedule", spec["schedule"].str());
    w.row(0, "Concurrency Policy", spec["concurrencyPolicy"].str());
    let suspend = spec["suspend"].as_bool();
    w.row(0, "Suspend", suspend.map_or("<unset>", |suspend| if suspend { "True" } else { "False" }));
    let zone = spec["timeZone"].str();
    w.row(0, "Time Zone", if zone.is_empty() { "<unset>" } else { zone });
    w.row(0, "Successful Job History Limit", number_or_unset(&spec["successfulJobsHistoryLimit"]));
    w.row(0, "Failed Job History Limit", number_or_unset(&spec["failedJobsHistoryLimit"]));
    let deadline = spec["startingDeadlineSeconds"].as_int();
    w.row(
        0,
        "Starting Deadline Seconds",
        deadline.map_or("<unset>".to_string(), |seconds| format!("{seconds}s")),
    );
    let template = &spec["jobTemplate"]["spec"];
    let selector = match template.get("selector") {
        Some(selector) => Selector::from_label_selector(selector).to_string(),
        None => "<unset>".to_string(),
    };
    w.row(0, "Selector", selector);
    w.row(0, "Parallelism", number_or_unset(&template["parallelism"]));
    w.row(0, "Completions", number_or_unset(&template["completions"]));
    if let Some(seconds) = template["activeDeadlineSeconds"].as_int() {
        w.row(0, "Active Deadline Seconds", format!("{seconds}s"));
    }
    pod_template(w, &template["template"]);
    let last = &status["lastScheduleTime"];
    w.row(0, "Last Schedule Time", if last.is_null() { "<unset>".to_string() } else { date(last) });
    let active: Vec<&str> = status["active"].items().iter().map(|job| job["name"].str()).collect();
    w.row(0, "Active Jobs", super::writer::or_none(&active.join(", ")));
    Events::Shown
}
