//! The strategies of group `batch`.

use api::{Value, meta};
use sim::Time;

/// Gives a Job the selector of its own pods.
// Models pkg/registry/batch/job/strategy.go generateSelector
pub(crate) fn prepare_job(job: &mut Value, _: Time) {
    if job["spec"]["manualSelector"].is_true() {
        return;
    }
    let (uid, name) = (meta::uid(job).to_string(), meta::name(job).to_string());
    for (label, value) in [
        ("controller-uid", &uid),
        ("job-name", &name),
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
    ] {
        let path = ["spec", "template", "metadata", "labels", label];
        if job.at(&path).is_null() {
            job.set(&path, value);
        }
    }
    job.set(&["spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid"], uid);
    // Whoever reads it back has it defaulted anew, by labels that the template has only now.
    if job["metadata"]["labels"].is_empty() {
        let labels = job["spec"]["template"]["metadata"]["labels"].clone();
        job.set(&["metadata", "labels"], labels);
    }
}
