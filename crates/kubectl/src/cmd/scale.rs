//! `kubectl scale`
// Models staging/src/k8s.io/kubectl/pkg/cmd/scale/scale.go

use super::record;
use crate::builder::{self, Info, NOTHING_GIVEN, Take};
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::printers::print_result;
use api::{Method, PatchType, Request, tree};

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let dry_run = cx.dry_run()?;
    if flags.int("replicas") < 0 {
        return error("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0");
    }
    if flags.changed("current-replicas") && flags.int("current-replicas") < -1 {
        return error("The --current-replicas must specify an integer of -1 or greater");
    }
    if flags.args.is_empty() && !files::are_named(cx) {
        return error(NOTHING_GIVEN);
    }
    let targets = builder::targets(cx, &flags.args, Take { all: flags.is("all") })?;
    let (infos, mut failures) = builder::fetch(cx, targets);
    if infos.is_empty() && failures.is_empty() {
        return error("no objects passed to scale");
    }
    if flags.int("current-replicas") != -1 && infos.len() > 1 {
        return error("cannot use --current-replicas with multiple resources");
    }
    for info in &infos {
        if dry_run == DryRun::Client {
            print_result(cx, &info.object, "scaled", dry_run)?;
            continue;
        }
        if let Err(failure) = scale(cx, info, dry_run) {
            failures.push(failure);
            continue;
        }
        print_result(cx, &info.object, "scaled", dry_run)?;
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

// Models staging/src/k8s.io/kubectl/pkg/scale/scale.go ScaleSimple
fn scale(cx: &mut Cx, info: &Info, dry_run: DryRun) -> Outcome {
    let flags = cx.args();
    let path = info.path("scale");
    let wanted = flags.int("current-replicas");
    let revision = flags.text("resource-version");
    let mut patch = tree!({"spec": {"replicas": (flags.int("replicas"))}});
    if wanted != -1 || !revision.is_empty() {
        let scale = cx.request(Request::new(Method::Get, path.clone()))?.body;
        let current = scale["spec"]["replicas"].int();
        if wanted != -1 && current != wanted {
            return error(format!("Expected replicas to be {wanted}, was {current}"));
        }
        let there = scale["metadata"]["resourceVersion"].str();
        if !revision.is_empty() && there != revision {
            return error(format!("Expected resource version to be {revision}, was {there}"));
        }
        patch.set(&["metadata", "resourceVersion"], there);
    }
    cx.patch(path, PatchType::Merge, patch, dry_run, "kubectl")?;
    record_after(cx, info, dry_run)
}

/// Writes `--record`'s annotation where the change itself was no patch of the object.
pub(crate) fn record_after(cx: &mut Cx, info: &Info, dry_run: DryRun) -> Outcome {
    if let Some(patch) = record::patch(cx) {
        cx.patch(info.path(""), PatchType::Merge, patch, dry_run, "kubectl")?;
    }
    Ok(())
}
