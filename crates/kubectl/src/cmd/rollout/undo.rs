use super::history::{revisions, template_text};
use super::infos;
use crate::builder::Info;
use crate::cmd::apply::LAST_APPLIED;
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::printers::print_result;
use crate::text::quote;
use api::{Map, PatchType, Value, meta, tree};

/// Annotations that a rollback leaves as they are.
const KEPT: &[&str] = &[
    LAST_APPLIED,
    super::REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];
const HASH: &str = "pod-template-hash";

/// `kubectl rollout undo`
// Models staging/src/k8s.io/kubectl/pkg/cmd/rollout/rollout_undo.go
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let dry_run = cx.dry_run()?;
    let to = cx.flags.int("to-revision");
    let (infos, mut failures) = infos(cx)?;
    for info in infos {
        if meta::annotations(&info.object).get(LAST_APPLIED).is_some() {
            cx.err(format!(
                "Warning: resource {} was previously managed with 'kubectl apply'. Rolling back will not update the \
                 {LAST_APPLIED} annotation, which may cause unexpected behavior on future 'kubectl apply' operations. \
                 Consider using 'kubectl apply' with your previous configuration file instead.\n",
                info.object_name()
            ));
        }
        match one(cx, &info, to, dry_run) {
            Ok(what) => print_result(cx, &info.object, &what, dry_run)?,
            Err(failure) => failures.push(failure),
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

// Models staging/src/k8s.io/kubectl/pkg/polymorphichelpers/rollback.go
fn one(cx: &mut Cx, info: &Info, to: i64, dry_run: DryRun) -> Outcome<String> {
    if to < 0 {
        return error(format!("unable to find specified revision {to} in history"));
    }
    if !matches!(info.mapping.kind.as_str(), "Deployment" | "DaemonSet" | "StatefulSet") {
        return error(format!("no rollbacker has been implemented for {}", quote(&info.mapping.kind)));
    }
    let all = revisions(cx, info)?;
    let is_deployment = info.mapping.kind == "Deployment";
    let found = if to > 0 {
        all.iter().find(|revision| revision.number == to)
    } else {
        all.len().checked_sub(2).and_then(|i| all.get(i))
    };
    let Some(found) = found else {
        return if to > 0 {
            error(format!("unable to find specified revision {to} in history"))
        } else {
            let kind = info.mapping.kind.to_lowercase();
            error(format!("no rollout history found for {kind} {}", quote(&info.name)))
        };
    };
    let mut template =
        if is_deployment { found.source["spec"]["template"].clone() } else { found.template.clone() };
    if dry_run == DryRun::Client {
        return Ok(template_text(&template));
    }
    if is_deployment && info.object["spec"]["paused"].is_true() {
        return error(
            "cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
        );
    }
    without_hash(&mut template);
    let mut current = info.object["spec"]["template"].clone();
    without_hash(&mut current);
    if current == template {
        return Ok(format!("skipped rollback (current template already matches revision {})", found.number));
    }
    let (kind, patch) = if is_deployment {
        let annotations = annotations(&info.object, &found.source);
        let patch = tree!([
            {"op": "replace", "path": "/spec/template", "value": (template)},
            {"op": "replace", "path": "/metadata/annotations", "value": (annotations)},
        ]);
        (PatchType::Json, patch)
    } else {
        (PatchType::StrategicMerge, found.source["data"].clone())
    };
    let number = found.number;
    cx.patch(info.path(""), kind, patch, dry_run, "kubectl-rollout")
        .map_err(|failure| failure.wrapped(&format!("failed restoring revision {number}")))?;
    Ok("rolled back".to_string())
}

fn without_hash(template: &mut Value) {
    template.remove(&["metadata", "labels", HASH]);
    if template["metadata"]["labels"].is_empty() {
        template.remove(&["metadata", "labels"]);
    }
}

fn annotations(deployment: &Value, set: &Value) -> Map {
    let mut annotations = Map::new();
    for (key, value) in meta::annotations(deployment).fields().iter() {
        if KEPT.contains(&key) {
            annotations.insert(key, value);
        }
    }
    for (key, value) in meta::annotations(set).fields().iter() {
        if !KEPT.contains(&key) {
            annotations.insert(key, value);
        }
    }
    annotations
}
