//! `kubectl annotate`
// Models staging/src/k8s.io/kubectl/pkg/cmd/annotate/annotate.go

use super::label::{Changes, check_arguments};
use crate::builder::{self, Info, Take};
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::printers::print_result;
use api::{PatchType, Value, meta};

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let dry_run = cx.dry_run()?;
    let (resources, pairs) = builder::resources_and_pairs(&flags.args, "annotation")?;
    let (new, removed) = parse(&pairs)?;
    check_arguments(cx, &resources, "annotation", new.is_empty() && removed.is_empty() && !flags.is("list"))?;
    let infos = if flags.is("local") {
        builder::local(cx, &resources, "rsrc")?
    } else {
        let targets = builder::targets(cx, &resources, Take { all: flags.is("all") })?;
        let (infos, failures) = builder::fetch(cx, targets);
        Failure::many(failures)?;
        infos
    };
    let mut failures = Vec::new();
    for info in infos {
        if let Err(failure) = one(cx, info, &new, &removed, dry_run) {
            failures.push(failure);
        }
    }
    Failure::many(failures)?;
    Ok(Next::Done)
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go ParsePairs
fn parse(pairs: &[String]) -> Outcome<Changes> {
    let (mut new, mut removed) = (Vec::new(), Vec::new());
    for pair in pairs {
        match pair.split_once('=') {
            Some(("", _)) => return error(format!("invalid annotation format: {pair}")),
            Some((key, value)) => new.push((key.to_string(), value.to_string())),
            None => removed.push(pair.trim_end_matches('-').to_string()),
        }
    }
    if let Some((key, _)) = new.iter().find(|(key, _)| removed.contains(key)) {
        return error(format!(
            "can not both modify and remove the following annotation(s) in the same command: {key}"
        ));
    }
    Ok((new, removed))
}

fn one(
    cx: &mut Cx,
    mut info: Info,
    new: &[(String, String)],
    removed: &[String],
    dry_run: DryRun,
) -> Outcome {
    let flags = cx.args();
    if flags.is("list") {
        let annotations = meta::annotations(&info.object).clone();
        for (key, value) in annotations.fields().iter() {
            cx.line(format!("{key}={}", value.str()));
        }
        return Ok(());
    }
    if !flags.is("overwrite") {
        let taken: Vec<String> = new
            .iter()
            .filter_map(|(key, _)| {
                let old = meta::annotations(&info.object).get(key)?;
                Some(format!("'{key}' already has a value ({})", old.str()))
            })
            .collect();
        if !taken.is_empty() {
            return error(format!(
                "--overwrite is false but found the following declared annotation(s): {}",
                taken.join("; ")
            ));
        }
    }
    let mut patch = Value::map();
    for (key, value) in new {
        patch.set(&["metadata", "annotations", key], value);
    }
    for key in removed {
        patch.set(&["metadata", "annotations", key], Value::Null);
    }
    if dry_run == DryRun::Client || flags.is("local") {
        info.object = schema::patch::merge(&info.object, &patch);
    } else {
        if !flags.text("resource-version").is_empty() {
            patch.set(&["metadata", "resourceVersion"], flags.text("resource-version"));
        }
        let manager = cx.manager("kubectl-annotate");
        let object = cx.patch(info.path(""), PatchType::Merge, patch, dry_run, &manager)?;
        info.refresh(object);
    }
    print_result(cx, &info.object, "annotated", dry_run)
}
