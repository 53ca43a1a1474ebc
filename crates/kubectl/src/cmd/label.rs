//! `kubectl label`
// Models staging/src/k8s.io/kubectl/pkg/cmd/label/label.go

use crate::builder::{self, Info, Take};
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::printers::print_result;
use api::{PatchType, Value, meta};

const VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const MAX_VALUE: usize = 63;

/// Keys with their new values, and keys to take away.
pub(crate) type Changes = (Vec<(String, String)>, Vec<String>);

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let dry_run = cx.dry_run()?;
    let (resources, pairs) = builder::resources_and_pairs(&flags.args, "label")?;
    let (new, removed) = parse(&pairs)?;
    check_arguments(cx, &resources, "label", new.is_empty() && removed.is_empty() && !flags.is("list"))?;
    let infos = if flags.is("local") {
        builder::local(cx, &resources, "pod")?
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

/// Checks what every change of labels or annotations needs.
pub(crate) fn check_arguments(cx: &Cx, resources: &[String], what: &str, nothing: bool) -> Outcome {
    if resources.is_empty() && !files::are_named(cx) {
        return error("one or more resources must be specified as <resource> <name> or <resource>/<name>");
    }
    if nothing {
        return error(format!("at least one {what} update is required"));
    }
    Ok(())
}

fn is_label_value(value: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let outer = |c: char| c.is_ascii_alphanumeric();
    value.is_empty() || value.chars().all(inner) && value.starts_with(outer) && value.ends_with(outer)
}

/// Reads `KEY=VALUE` and `KEY-`.
// Models staging/src/k8s.io/kubectl/pkg/cmd/label/label.go parseLabels
fn parse(pairs: &[String]) -> Outcome<Changes> {
    let (mut new, mut removed) = (Vec::new(), Vec::new());
    for pair in pairs {
        if let Some((key, value)) = pair.split_once('=') {
            let parts = pair.split('=').count();
            if parts != 2 || key.is_empty() {
                return error(format!("invalid label spec: {pair}"));
            }
            if value.len() > MAX_VALUE {
                return error(format!("invalid label value: \"{pair}\": must be no more than 63 characters"));
            }
            if !is_label_value(value) {
                return error(format!("invalid label value: \"{pair}\": {VALUE_RULE}"));
            }
            new.push((key.to_string(), value.to_string()));
        } else if let Some(key) = pair.strip_suffix('-') {
            removed.push(key.to_string());
        } else {
            return error(format!("unknown label spec: {pair}"));
        }
    }
    if new.iter().any(|(key, _)| removed.contains(key)) {
        return error("can not both modify and remove a label in the same command");
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
    let before = info.object.clone();
    if flags.is("list") {
        return list(cx, &info);
    }
    let is_sent = dry_run != DryRun::Client && !flags.is("local");
    for key in removed.iter().filter(|_| is_sent) {
        if meta::labels(&before).get(key).is_none() {
            cx.out(format!("label \"{key}\" not found.\n"));
        }
    }
    if !flags.is("overwrite") {
        for (key, value) in new {
            if let Some(old) = meta::labels(&before).get(key).filter(|old| old.str() != value) {
                return error(format!(
                    "'{key}' already has a value ({}), and --overwrite is false",
                    old.str()
                ));
            }
        }
    }
    let mut labels = meta::labels(&before).clone();
    let mut patch = Value::map();
    for (key, value) in new {
        labels.set(&[key], value);
        patch.set(&["metadata", "labels", key], value);
    }
    for key in removed {
        labels.remove(&[key]);
        patch.set(&["metadata", "labels", key], Value::Null);
    }
    let changed = labels != *meta::labels(&before);
    if !is_sent {
        info.object.set(&["metadata", "labels"], labels);
    } else if changed {
        if !flags.text("resource-version").is_empty() {
            patch.set(&["metadata", "resourceVersion"], flags.text("resource-version"));
        }
        let manager = cx.manager("kubectl-label");
        let object = cx.patch(info.path(""), PatchType::Merge, patch, dry_run, &manager)?;
        info.refresh(object);
    }
    let what = if !changed {
        "not labeled"
    } else if new.is_empty() {
        "unlabeled"
    } else {
        "labeled"
    };
    print_result(cx, &info.object, what, dry_run)
}

fn list(cx: &mut Cx, info: &Info) -> Outcome {
    let labels = meta::labels(&info.object).clone();
    for (key, value) in labels.fields().iter() {
        cx.line(format!("{key}={}", value.str()));
    }
    Ok(())
}
