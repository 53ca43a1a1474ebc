//! `kubectl label`

use super::metadata::{Changed, Changes, Part, taken};
use crate::cx::{Cx, Next};
use crate::failure::{Outcome, error};
use api::Value;

const VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const MAX_VALUE: usize = 63;

static LABELS: Part = Part {
    field: "labels",
    one: "label",
    example: "pod",
    manager: "kubectl-label",
    parse,
    refuse,
    missing: |key| format!("label \"{key}\" not found.\n"),
    done: |changed, changes| match changed {
        Changed::No => "not labeled",
        Changed::Yes if changes.new.is_empty() => "unlabeled",
        Changed::Yes => "labeled",
    },
    sends_all: false,
};

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    LABELS.run(cx)
}

fn is_label_value(value: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let outer = |c: char| c.is_ascii_alphanumeric();
    value.is_empty() || value.chars().all(inner) && value.starts_with(outer) && value.ends_with(outer)
}

/// Reads `KEY=VALUE` and `KEY-`.
// Models staging/src/k8s.io/kubectl/pkg/cmd/label/label.go parseLabels
fn parse(pairs: &[String]) -> Outcome<Changes> {
    let mut changes = Changes::default();
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
            changes.new.push((key.to_string(), value.to_string()));
        } else if let Some(key) = pair.strip_suffix('-') {
            changes.removed.push(key.to_string());
        } else {
            return error(format!("unknown label spec: {pair}"));
        }
    }
    if changes.new.iter().any(|(key, _)| changes.removed.contains(key)) {
        return error("can not both modify and remove a label in the same command");
    }
    Ok(changes)
}

fn refuse(before: &Value, changes: &Changes) -> Outcome {
    let other = |(key, value): &&(String, String)| before.get(key).is_some_and(|old| old.str() != value);
    match changes.new.iter().find(other).and_then(|(key, _)| taken(before, key)) {
        Some(taken) => error(format!("{taken}, and --overwrite is false")),
        None => Ok(()),
    }
}
