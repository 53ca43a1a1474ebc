//! `kubectl annotate`

use super::metadata::{Changes, Part, taken};
use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use api::Value;

static ANNOTATIONS: Part = Part {
    field: "annotations",
    one: "annotation",
    example: "rsrc",
    manager: "kubectl-annotate",
    parse,
    refuse,
    missing: |_| String::new(),
    done: |_, _| "annotated",
    sends_all: true,
};

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    ANNOTATIONS.run(cx)
}

// Models staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go ParsePairs
fn parse(pairs: &[String]) -> Outcome<Changes> {
    let mut changes = Changes::default();
    for pair in pairs {
        match pair.split_once('=') {
            Some(("", _)) => return error(format!("invalid annotation format: {pair}")),
            Some((key, value)) => changes.new.push((key.to_string(), value.to_string())),
            None => changes.removed.push(pair.trim_end_matches('-').to_string()),
        }
    }
    match changes.new.iter().find(|(key, _)| changes.removed.contains(key)) {
        Some((key, _)) => error(format!(
            "can not both modify and remove the following annotation(s) in the same command: {key}"
        )),
        None => Ok(changes),
    }
}

fn refuse(before: &Value, changes: &Changes) -> Outcome {
    let taken: Vec<String> = changes.new.iter().filter_map(|(key, _)| taken(before, key)).collect();
    if taken.is_empty() {
        return Ok(());
    }
    error(format!(
        "--overwrite is false but found the following declared annotation(s): {}",
        taken.join("; ")
    ))
}
