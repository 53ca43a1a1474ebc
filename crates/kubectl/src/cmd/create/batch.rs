use super::{command_words, create, one_name};
use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use api::{Value, meta, tree};

/// `kubectl create job`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_job.go
pub(crate) fn job(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    let (image, from) = (flags.text("image"), flags.text("from"));
    let command = command_words(cx);
    if image.is_empty() == from.is_empty() {
        return error("either --image or --from must be specified");
    }
    if !from.is_empty() && !command.is_empty() {
        return error("cannot specify --from and command");
    }
    let object = if from.is_empty() {
        tree!({"metadata": {"name": (&name)}, "spec": (job_spec(&name, image, &command, "Never")), "status": {}})
    } else {
        from_cron_job(cx, &name, from)?
    };
    create(cx, "batch", "v1", "Job", object, "failed to create job")
}

fn job_spec(name: &str, image: &str, command: &[String], restart: &str) -> Value {
    let mut container = tree!({"image": image, "name": name, "resources": {}});
    if !command.is_empty() {
        container.set(&["command"], command.to_vec());
    }
    tree!({"template": {"metadata": {}, "spec": {"containers": [(container)], "restartPolicy": restart}}})
}

fn from_cron_job(cx: &mut Cx, name: &str, from: &str) -> Outcome<Value> {
    let Some((kind, source)) = from.split_once('/') else {
        return error(format!(
            "from must be an existing cronjob: arguments in resource/name form must have a single resource and name: {from}"
        ));
    };
    let mapping = crate::mapper::resource(cx, kind)?;
    let namespace = cx.namespace();
    let cron_job = cx.get(&mapping, &namespace, source)?;
    if mapping.kind != "CronJob" {
        return error(format!("unknown object type *{}.{}", mapping.version, mapping.kind));
    }
    let template = &cron_job["spec"]["jobTemplate"];
    let mut annotations = template["metadata"]["annotations"].clone();
    annotations.set(&["cronjob.kubernetes.io/instantiate"], "manual");
    let mut metadata = tree!({
        "annotations": (annotations),
        "name": name,
        "ownerReferences": [{
            "apiVersion": "batch/v1",
            "controller": true,
            "kind": "CronJob",
            "name": (meta::name(&cron_job)),
            "uid": (meta::uid(&cron_job)),
        }],
    });
    if !template["metadata"]["labels"].is_null() {
        metadata.set(&["labels"], &template["metadata"]["labels"]);
    }
    Ok(tree!({"metadata": (metadata), "spec": (&template["spec"]), "status": {}}))
}

/// `kubectl create cronjob`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_cronjob.go
pub(crate) fn cron_job(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    let restart = match flags.text("restart") {
        "" => "OnFailure",
        other => other,
    };
    let spec = job_spec(&name, flags.text("image"), &command_words(cx), restart);
    let object = tree!({
        "metadata": {"name": (&name)},
        "spec": {
            "jobTemplate": {"metadata": {"name": (&name)}, "spec": (spec)},
            "schedule": (flags.text("schedule")),
        },
        "status": {},
    });
    create(cx, "batch", "v1", "CronJob", object, "failed to create cronjob")
}
