//! Jobs and CronJobs.
// Models pkg/apis/batch/validation/validation.go

mod policies;

use crate::validation::core::pod;
use crate::validation::path::{Errors, Path};
use crate::validation::{meta, names, semantic_equal};
use api::Value;
use api::cron::{Schedule, Zone};
use api::label::Selector;

/// How many pods an indexed Job may run at once, and how many of its indexes may fail.
const MAX_INDEXED: i64 = 100_000;
/// The same where there are more completions than that, each with a back-off of its own.
const MAX_OF_MANY: i64 = 10_000;

/// Checks a Job.
// Models pkg/apis/batch/validation/validation.go ValidateJob
pub(crate) fn validate_job(job: &Value, errors: &mut Errors) {
    meta::validate(job, true, names::dns1123_subdomain, errors);
    check_generated_selector(job, errors);
    validate_job_spec_and_selector(&job["spec"], errors);
    let (spec, name) = (&job["spec"], job["metadata"]["name"].str());
    let completions = spec["completions"].int();
    if spec["completionMode"].str() == "Indexed" && completions > 0 {
        let hostname = format!("{name}-{}", completions - 1);
        if !names::dns1123_label(&hostname).is_empty() {
            let message = format!("will not able to create pod with invalid DNS label: {hostname}");
            errors.invalid("metadata.name", name, message);
        }
    }
}

/// Checks the labels by which a Job knows its own pods.
// Models pkg/apis/batch/validation/validation.go validateGeneratedSelector
fn check_generated_selector(job: &Value, errors: &mut Errors) {
    let spec = &job["spec"];
    if spec["manualSelector"].is_true() || spec["selector"].is_null() {
        return;
    }
    let (uid, name) = (job["metadata"]["uid"].str(), job["metadata"]["name"].str());
    let labels = [
        ("controller-uid", uid),
        ("job-name", name),
        ("batch.kubernetes.io/controller-uid", uid),
        ("batch.kubernetes.io/job-name", name),
    ];
    let path = Path::new("spec");
    let (template, metadata) = (path.child("template"), "metadata");
    let mut generated = Value::map();
    for (label, value) in labels {
        generated.set(&[label], value);
        let given = &spec["template"]["metadata"]["labels"];
        let (metadata, at) = (template.child(metadata), "labels");
        let at = metadata.child(at);
        match given.get(label).map(Value::str) {
            None => errors.required(at.key(label), format!("must be '{value}'")),
            Some(found) if found != value => {
                errors.invalid(at.key(label), given, format!("must be '{value}'"));
            }
            Some(_) => {}
        }
    }
    let selector = &spec["selector"];
    if meta::is_selector_readable(selector) && !Selector::from_label_selector(selector).matches(&generated) {
        errors.invalid(path.child("selector"), selector, "`selector` not auto-generated");
    }
}

// Models pkg/apis/batch/validation/validation.go ValidateJobSpec
fn validate_job_spec_and_selector(spec: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    validate_job_spec(spec, &path, errors);
    let selector = &spec["selector"];
    if selector.is_null() {
        errors.required(path.child("selector"), "");
        return;
    }
    meta::validate_label_selector(selector, &path.child("selector"), errors);
    let labels = &spec["template"]["metadata"]["labels"];
    if meta::is_selector_readable(selector) && !Selector::from_label_selector(selector).matches(labels) {
        let message = "`selector` does not match template `labels`";
        errors.invalid(path.child("template").child("metadata").child("labels"), labels, message);
    }
}

// Models pkg/apis/batch/validation/validation.go validateJobSpec
fn validate_job_spec(spec: &Value, path: &Path, errors: &mut Errors) {
    let fields = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    for field in fields {
        errors.check_not_negative(&path.child(field), &spec[field]);
    }
    if !spec["maxFailedIndexes"].is_null() && spec["backoffLimitPerIndex"].is_null() {
        errors.required(path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    }
    if let Some(manager) = spec["managedBy"].as_str() {
        errors.check_text(&path.child("managedBy"), manager, names::domain_prefixed_path);
        if manager.len() > 63 {
            errors.too_long(path.child("managedBy"), 63);
        }
    }
    match spec["completionMode"].str() {
        "Indexed" => check_indexed(spec, path, errors),
        mode => {
            if !matches!(mode, "" | "NonIndexed") {
                errors.not_supported(path.child("completionMode"), mode, &["NonIndexed", "Indexed"]);
                return check_template(spec, path, errors);
            }
            for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
                if !spec[field].is_null() {
                    errors.invalid(path.child(field), &spec[field], "requires indexed completion mode");
                }
            }
        }
    }
    if !spec["podFailurePolicy"].is_null() {
        policies::validate_failure(spec, &path.child("podFailurePolicy"), errors);
    }
    if !spec["successPolicy"].is_null() {
        let at = path.child("successPolicy");
        if spec["completionMode"].str() == "Indexed" {
            policies::validate_success(spec, &at, errors);
        } else {
            policies::show_success(&spec["successPolicy"], at, errors);
        }
    }
    if let Some(policy) = spec["podReplacementPolicy"].as_str() {
        let failed_only = !spec["podFailurePolicy"].is_null();
        let supported: &[&str] = if failed_only { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
        if !supported.contains(&policy) {
            errors.not_supported(path.child("podReplacementPolicy"), policy, supported);
        }
    }
    check_template(spec, path, errors);
}

fn check_template(spec: &Value, path: &Path, errors: &mut Errors) {
    let template_path = path.child("template");
    pod::validate_template(&spec["template"], &template_path, errors);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    let template_spec = template_path.child("spec");
    let at = template_spec.child("restartPolicy");
    match policy.str() {
        "" | "Always" => errors.required(at, "valid values: \"OnFailure\", \"Never\""),
        "OnFailure" if !spec["podFailurePolicy"].is_null() => {
            let message = "only \"Never\" is supported when podFailurePolicy is specified";
            errors.invalid(at, policy, message);
        }
        "OnFailure" | "Never" => {}
        _ => errors.not_supported(at, policy, &["OnFailure", "Never"]),
    }
}

fn check_indexed(spec: &Value, path: &Path, errors: &mut Errors) {
    let (completions, parallelism) = (&spec["completions"], &spec["parallelism"]);
    let (failed, at) = (&spec["maxFailedIndexes"], path.child("maxFailedIndexes"));
    if completions.is_null() {
        errors.required(path.child("completions"), "when completion mode is Indexed");
    }
    if parallelism.int() > MAX_INDEXED {
        let message = format!("must be less than or equal to {MAX_INDEXED} when completion mode is Indexed");
        errors.invalid(path.child("parallelism"), parallelism, message);
    }
    if !completions.is_null() && failed.int() > completions.int() {
        errors.invalid(at, failed, "must be less than or equal to completions");
    }
    if failed.int() > MAX_INDEXED {
        errors.invalid(at, failed, format!("must be less than or equal to {MAX_INDEXED}"));
    }
    if completions.int() <= MAX_INDEXED || spec["backoffLimitPerIndex"].is_null() {
        return;
    }
    if failed.is_null() {
        errors.required(at, format!("must be specified when completions is above {MAX_INDEXED}"));
    }
    for (field, value) in [("parallelism", parallelism), ("maxFailedIndexes", failed)] {
        if value.int() > MAX_OF_MANY {
            let message = format!(
                "must be less than or equal to {MAX_OF_MANY} when completions are above {MAX_INDEXED} and used with \
                 backoff limit per index"
            );
            errors.invalid(path.child(field), value, message);
        }
    }
}

/// Checks a changed Job.
// Models pkg/apis/batch/validation/validation.go ValidateJobUpdate
pub(crate) fn validate_job_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    let (spec, was, path) = (&new["spec"], &old["spec"], Path::new("spec"));
    validate_job_spec_and_selector(spec, errors);
    let (completions, at) = (&spec["completions"], path.child("completions"));
    if was["completionMode"].str() != "Indexed" {
        errors.check_immutable(&at, completions, &was["completions"]);
    } else if completions != &was["completions"] && spec["parallelism"] != *completions {
        errors.invalid(at, completions, "can only be modified in tandem with spec.parallelism");
    }
    errors.check_immutable(&path.child("selector"), &spec["selector"], &was["selector"]);
    check_template_update(old, &spec["template"], &path.child("template"), errors);
    for field in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"]
    {
        errors.check_immutable(&path.child(field), &spec[field], &was[field]);
    }
}

/// Checks a Job's changed template. One that is suspended and never ran may be told where its pods go and
/// what they need.
// Models pkg/apis/batch/validation/validation.go validatePodTemplateUpdate
fn check_template_update(job: &Value, template: &Value, path: &Path, errors: &mut Errors) {
    let mut before = job["spec"]["template"].clone();
    let unstarted = job["spec"]["suspend"].is_true() && job["status"]["startTime"].is_null();
    if unstarted {
        let directives: [&[&str]; 6] = [
            &["metadata", "labels"],
            &["metadata", "annotations"],
            &["spec", "nodeSelector"],
            &["spec", "affinity", "nodeAffinity"],
            &["spec", "tolerations"],
            &["spec", "schedulingGates"],
        ];
        for place in directives {
            match template.at(place) {
                Value::Null => drop(before.remove(place)),
                value => before.set(place, value),
            }
        }
        let now = template["spec"]["containers"].items();
        if before["spec"]["containers"].items().len() == now.len() {
            let containers = before.at_mut(&["spec", "containers"]).list_mut();
            for (container, now) in containers.iter_mut().zip(now) {
                container.set(&["resources"], &now["resources"]);
            }
        }
    }
    if !semantic_equal(template, &before) {
        errors.invalid(path, template, "field is immutable");
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
    } else {
        let zoned = schedule.starts_with("TZ=") || schedule.starts_with("CRON_TZ=");
        let fields = schedule.split_once(' ').filter(|_| zoned).map_or(schedule, |(_, fields)| fields);
        if let Err(message) = Schedule::parse(fields) {
            errors.invalid(path.child("schedule"), schedule, message);
        }
        if schedule.contains("TZ") {
            let message = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
            errors.invalid(path.child("schedule"), schedule, message);
        }
    }
    errors.check_not_negative(&path.child("startingDeadlineSeconds"), &spec["startingDeadlineSeconds"]);
    if let Some(zone) = spec["timeZone"].as_str() {
        validate_time_zone(zone, &path.child("timeZone"), errors);
    }
    errors.check_enum(&path.child("concurrencyPolicy"), &spec["concurrencyPolicy"], &POLICIES);
    let template = path.child("jobTemplate");
    let job_spec = template.child("spec");
    let given = &spec["jobTemplate"]["spec"];
    validate_job_spec(given, &job_spec, errors);
    if !given["selector"].is_null() {
        errors.invalid(job_spec.child("selector"), &given["selector"], "`selector` will be auto-generated");
    }
    if given["manualSelector"].is_true() {
        errors.not_supported(job_spec.child("manualSelector"), true, &["nil", "false"]);
    }
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
