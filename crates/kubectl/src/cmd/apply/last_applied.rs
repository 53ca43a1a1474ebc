//! `kubectl apply set-last-applied` and `view-last-applied`
// Models staging/src/k8s.io/kubectl/pkg/cmd/apply/apply_set_last_applied.go, apply_view_last_applied.go

use super::{LAST_APPLIED, annotated};
use crate::builder::{self, Take};
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error, usage};
use crate::files;
use crate::printers::print_result;
use api::{PatchType, Value, meta, tree};

/// Prints what was applied last.
pub(crate) fn view(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let infos = builder::objects(cx, &flags.args, Take { all: true })?;
    for info in infos {
        let text = meta::annotation(&info.object, LAST_APPLIED);
        let Ok(config) = Value::from_json(text) else {
            // kubectl says nothing at all here.
            cx.err(format!(
                "# kubarium: {} has no last-applied-configuration annotation: it wasn't made by kubectl apply\n",
                info.name
            ));
            continue;
        };
        match flags.text("output") {
            "json" => cx.out(format!("{}\n", crate::text::json_pretty(&config))),
            "yaml" | "" => cx.out(api::yaml::print(&config)),
            other => {
                return usage(
                    cx.spec.path,
                    format!("Unexpected -o output mode: {other}, the flag 'output' must be one of yaml|json"),
                );
            }
        }
    }
    Ok(Next::Done)
}

/// Writes the annotation as if the files had been applied.
pub(crate) fn set(cx: &mut Cx) -> Outcome<Next> {
    let dry_run = cx.dry_run()?;
    if !files::are_named(cx) {
        return error(builder::NOTHING_GIVEN);
    }
    let (infos, failures) = builder::from_files(cx);
    Failure::many(failures)?;
    for info in infos {
        let current = cx.get(&info.mapping, &info.namespace, &info.name)?;
        let is_there = meta::annotations(&current).get(LAST_APPLIED).is_some();
        if !is_there && !cx.flags.is("create-annotation") {
            return error(format!(
                "no last-applied-configuration annotation found on resource: {}, to create the annotation, run the command with --create-annotation",
                info.name
            ));
        }
        let text = meta::annotation(&annotated(&info.object), LAST_APPLIED).to_string();
        if meta::annotation(&current, LAST_APPLIED) == text {
            cx.out(format!("set-last-applied {}: no changes required.\n", info.name));
            continue;
        }
        let mut annotations = Value::map();
        annotations.set(&[LAST_APPLIED], text);
        let patch = tree!({"metadata": {"annotations": (annotations)}});
        let object = if dry_run == DryRun::Client {
            current
        } else {
            cx.patch(info.path(""), PatchType::Merge, patch, dry_run, "kubectl-set-last-applied")?
        };
        print_result(cx, &object, "configured", dry_run)?;
    }
    Ok(Next::Done)
}
