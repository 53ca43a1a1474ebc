use super::draft::{Draft, within};
use api::Value;

/// Completes a job, and gives one without labels those of its template. Templates of jobs stay as they are.
// Models pkg/apis/batch/v1/defaults.go SetDefaults_Job
pub(super) fn job(job: &mut Draft) {
    let labels = job.get("spec").at(&["template", "metadata", "labels"]).clone();
    super::core::take_labels(job, &labels);
    job.update("spec", |spec| within(spec, job_spec));
}

// Models pkg/apis/batch/v1/defaults.go SetDefaults_Job
fn job_spec(spec: &mut Draft) {
    if spec.get("completions").is_null() && spec.get("parallelism").is_null() {
        spec.set("completions", 1);
    }
    let per_index = !spec.get("backoffLimitPerIndex").is_null();
    let policy = if spec.get("podFailurePolicy").is_null() { "TerminatingOrFailed" } else { "Failed" };
    for (field, value) in [
        ("parallelism", Value::Int(1)),
        ("backoffLimit", Value::Int(if per_index { i64::from(i32::MAX) } else { 6 })),
        ("completionMode", "NonIndexed".into()),
        ("suspend", false.into()),
        ("podReplacementPolicy", policy.into()),
        ("manualSelector", false.into()),
    ] {
        if spec.get(field).is_null() {
            spec.set(field, value);
        }
    }
}
