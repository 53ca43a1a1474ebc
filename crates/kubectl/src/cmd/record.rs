//! `--record`: the command that made a change, kept as an annotation.
// Models staging/src/k8s.io/cli-runtime/pkg/genericclioptions/record_flags.go ChangeCauseRecorder

use super::rollout::CHANGE_CAUSE;
use crate::cx::Cx;
use crate::flags::{self, Kind};
use api::Value;

/// Writes the command into an object's annotations, where `--record` asks for it.
pub(crate) fn record(cx: &Cx, object: &mut Value) {
    if cx.flags.is("record") {
        object.set(&["metadata", "annotations", CHANGE_CAUSE], cause(cx));
    }
}

/// Returns the patch that writes the command into an object's annotations, where `--record` asks for it.
pub(crate) fn patch(cx: &Cx) -> Option<Value> {
    let mut patch = Value::map();
    record(cx, &mut patch);
    (!patch.is_empty()).then_some(patch)
}

/// Returns the command with its arguments and flags.
fn cause(cx: &Cx) -> String {
    let mut words = vec!["kubectl".to_string(), cx.spec.path.to_string()];
    words.extend(cx.flags.args.iter().cloned());
    let mut known = flags::of(cx.spec.path);
    known.sort_by_key(|flag| flag.name);
    for flag in known.into_iter().filter(|flag| cx.flags.changed(flag.name)) {
        match flag.kind {
            Kind::List | Kind::Array => {
                words.extend(cx.flags.list(flag.name).iter().map(|value| format!("--{}={value}", flag.name)));
            }
            _ => words.push(format!("--{}={}", flag.name, cx.flags.text(flag.name))),
        }
    }
    words.join(" ")
}
