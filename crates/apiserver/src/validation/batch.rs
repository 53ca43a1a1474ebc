//! Jobs and CronJobs.
// Models pkg/apis/batch/validation/validation.go

use super::core::pod;
use super::path::{Errors, Path};
use super::{meta, names, semantic_equal};
use api::Value;
use api::cron::{Schedule, Zone};

/// Checks a Job.
// Models pkg/apis/batch/validation/validation.go ValidateJob
pub(crate) fn validate_job(job: &Value, errors: &mut Errors) {
    meta::validate(job, true, names::dns1123_subdomain, errors);
    let (spec, path) = (&job["spec"], Path::new("spec"));
    if spec["selector"].is_null() {
        errors.required(path.child("selector"), "");
    } else {
        meta::validate_label_selector(&spec["selector"], &path.child("selector"), errors);
    }
    validate_job_spec(spec, &path, errors);
    let labels = &spec["template"]["metadata"]["labels"];
    let selector = api::label::Selector::from_label_selector(&spec["selector"]);
    if !spec["selector"].is_null() && !selector.matches(labels) {
        let message = "`selector` does not match template `labels`";
        errors.invalid(path.child("template").child("metadata").child("labels"), labels, message);
    }
}

// Models pkg/apis/batch/validation/validation.go validateJobSpec
fn validate_job_spec(spec: &Value, path: &Path, errors: &mut Errors) {
    let fields =
        ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"];
    for field in fields {
        errors.check_not_negative(&path.child(field), &spec[field]);
    }
    let mode = spec["completionMode"].str();
    if !["", "Indexed", "NonIndexed"].contains(&mode) {
        errors.not_supported(path.child("completionMode"), mode, &["Indexed", "NonIndexed"]);
    }
    if mode == "Indexed" && spec["completions"].is_null() {
        errors.required(path.child("completions"), "when completion mode is Indexed");
    }
    let template_path = path.child("template");
    pod::validate_template(&spec["template"], &template_path, errors);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    let at = template_path.child("spec");
    match policy.str() {
        "OnFailure" | "Never" => {}
        "" | "Always" => {
            let message = "valid values: \"OnFailure\", \"Never\"";
            errors.required(at.child("restartPolicy"), message);
        }
        _ => errors.not_supported(at.child("restartPolicy"), policy, &["OnFailure", "Never"]),
    }
}

/// Checks a changed Job.
// Models pkg/apis/batch/validation/validation.go ValidateJobUpdate
pub(crate) fn validate_job_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    let (spec, was, path) = (&new["spec"], &old["spec"], Path::new("spec"));
    validate_job_spec(spec, &path, errors);
    for field in ["completions", "selector", "template", "completionMode", "podFailurePolicy"] {
        // A suspended Job that never ran may still be given other scheduling directives.
        let unstarted = was["suspend"].is_true() && old["status"]["startTime"].is_null();
        if field == "template" && unstarted {
            continue;
        }
        if !semantic_equal(&spec[field], &was[field]) {
            errors.invalid(path.child(field), &spec[field], "field is immutable");
        }
    }
}

/// Checks a CronJob.
// Models pkg/apis/batch/validation/validation.go ValidateCronJobCreate
pub(crate) fn validate_cron_job(job: &Value, errors: &mut Errors) {
    meta::validate(job, true, names::dns1123_subdomain, errors);
    validate_cron_job_spec(&job["spec"], errors);
    let name = job["metadata"]["name"].str();
    if name.len() > 52 {
        errors.invalid("metadata.name", name, "must be no more than 52 characters");
    }
}

// Models pkg/apis/batch/validation/validation.go validateCronJobSpec
fn validate_cron_job_spec(spec: &Value, errors: &mut Errors) {
    const POLICIES: [&str; 3] = ["Allow", "Forbid", "Replace"];
    let path = Path::new("spec");
    let schedule = spec["schedule"].str();
    if schedule.is_empty() {
        errors.required(path.child("schedule"), "");
    } else if let Err(message) = Schedule::parse(schedule) {
        errors.invalid(path.child("schedule"), schedule, message);
    } else if schedule.contains("TZ") {
        let message = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        errors.invalid(path.child("schedule"), schedule, message);
    }
    if let Some(zone) = spec["timeZone"].as_str() {
        validate_time_zone(zone, &path.child("timeZone"), errors);
    }
    errors.check_not_negative(&path.child("startingDeadlineSeconds"), &spec["startingDeadlineSeconds"]);
    errors.check_enum(&path.child("concurrencyPolicy"), &spec["concurrencyPolicy"], &POLICIES);
    let template = path.child("jobTemplate");
    let job_spec = template.child("spec");
    if spec["jobTemplate"]["spec"]["manualSelector"].is_true() {
        errors.not_supported(job_spec.child("manualSelector"), true, &["nil", "false"]);
    }
    validate_job_spec(&spec["jobTemplate"]["spec"], &job_spec, errors);
    for field in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        errors.check_not_negative(&path.child(field), &spec[field]);
    }
}

// Models pkg/apis/batch/validation/validation.go validateTimeZone
fn validate_time_zone(zone: &str, path: &Path, errors: &mut Errors) {
    if zone.is_empty() {
        errors.invalid(path, zone, "timeZone must be nil or non-empty string");
    } else if zone.eq_ignore_ascii_case("local") {
        let message = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        errors.invalid(path, zone, message);
    } else if Zone::find(zone).is_none() {
        errors.invalid(path, zone, format!("unknown time zone {zone}"));
    }
}

/// Checks a changed CronJob.
pub(crate) fn validate_cron_job_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_cron_job_spec(&new["spec"], errors);
}
