use super::infos;
use crate::builder::Info;
use crate::cmd::set::difference;
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::printers::print_result;
use crate::text::quote;
use api::Value;

const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// `kubectl rollout pause`
// Models staging/src/k8s.io/kubectl/pkg/polymorphichelpers/objectpauser.go
pub(crate) fn pause(cx: &mut Cx) -> Outcome<Next> {
    each(cx, "paused", |info, _| match info.mapping.kind.as_str() {
        "Deployment" if info.object["spec"]["paused"].is_true() => Err("is already paused".to_string()),
        "Deployment" => {
            let mut after = info.object.clone();
            after.set(&["spec", "paused"], true);
            Ok(after)
        }
        _ => Err("pausing is not supported".to_string()),
    })
}

/// `kubectl rollout resume`
// Models staging/src/k8s.io/kubectl/pkg/polymorphichelpers/objectresumer.go
pub(crate) fn resume(cx: &mut Cx) -> Outcome<Next> {
    each(cx, "resumed", |info, _| match info.mapping.kind.as_str() {
        "Deployment" if !info.object["spec"]["paused"].is_true() => Err("is not paused".to_string()),
        "Deployment" => {
            let mut after = info.object.clone();
            after.remove(&["spec", "paused"]);
            Ok(after)
        }
        _ => Err("resuming is not supported".to_string()),
    })
}

/// `kubectl rollout restart`
// Models staging/src/k8s.io/kubectl/pkg/polymorphichelpers/objectrestarter.go
pub(crate) fn restart(cx: &mut Cx) -> Outcome<Next> {
    each(cx, "restarted", |info, now| {
        let is_paused = info.object["spec"]["paused"].is_true();
        match info.mapping.kind.as_str() {
            "Deployment" if is_paused => {
                Err("can't restart paused deployment (run rollout resume first)".to_string())
            }
            "Deployment" | "DaemonSet" | "StatefulSet" => {
                let mut after = info.object.clone();
                after.set(&["spec", "template", "metadata", "annotations", RESTARTED_AT], now);
                Ok(after)
            }
            _ => Err("restarting is not supported".to_string()),
        }
    })
}

fn each(cx: &mut Cx, done: &str, change: fn(&Info, &str) -> Result<Value, String>) -> Outcome<Next> {
    let flags = cx.args();
    let dry_run = cx.dry_run()?;
    if flags.args.is_empty() && !crate::files::are_named(cx) {
        return error("required resource not specified");
    }
    let (infos, mut failures) = infos(cx)?;
    if infos.is_empty() && failures.is_empty() {
        cx.tell_none(true);
    }
    let now = cx.now().rfc3339();
    for info in infos {
        match change(&info, &now) {
            Ok(after) => {
                if let Err(failure) = save(cx, info, after, done, dry_run) {
                    failures.push(failure);
                }
            }
            Err(why) => failures.push(Failure::Error(format!(
                "error: {} {} {why}",
                info.mapping.group_resource(),
                quote(&info.name)
            ))),
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

fn save(cx: &mut Cx, mut info: Info, after: Value, done: &str, dry_run: DryRun) -> Outcome {
    let (kind, patch) = difference(&info.mapping, &info.object, &after)?;
    if patch.fields().is_empty() {
        return error(format!(
            "failed to create patch for {}: if restart has already been triggered within the past second, please \
             wait before attempting to trigger another",
            info.name
        ));
    }
    if dry_run == DryRun::Client {
        return print_result(cx, &after, done, dry_run);
    }
    let manager = cx.manager("kubectl-rollout");
    let object = cx
        .patch(info.path(""), kind, patch, dry_run, &manager)
        .map_err(|failure| failure.wrapped("failed to patch"))?;
    info.refresh(object);
    print_result(cx, &info.object, done, dry_run)
}
