//! What controllers ask about taints and tolerations.

use api::resources::NODES;
use api::{PatchType, Value, meta, tree};
use client::{Cx, Failure};

pub(crate) const NOT_READY: &str = "node.kubernetes.io/not-ready";
pub(crate) const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
pub(crate) const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
pub(crate) const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// Makes a taint.
pub(crate) fn taint(key: &str, effect: &str) -> Value {
    tree!({"key": key, "effect": effect})
}

/// Returns whether two taints are the same but for their value and time.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    one["key"] == other["key"] && one["effect"] == other["effect"]
}

/// Returns whether a node has a taint of this key that drives pods away.
pub(crate) fn evicts(node: &Value, key: &str) -> bool {
    let taints = node["spec"]["taints"].items();
    taints.iter().any(|known| known["key"].str() == key && known["effect"].str() == "NoExecute")
}

/// Returns whether a node has a taint.
pub(crate) fn has(node: &Value, taint: &Value) -> bool {
    node["spec"]["taints"].items().iter().any(|known| is_same(known, taint))
}

/// Adds and removes taints of a node as it is now.
///
/// # Errors
/// What the API server refused.
// Models pkg/controller/util/node/controller_utils.go SwapNodeControllerTaint
pub(crate) fn swap(cx: &mut Cx, node: &str, add: &[Value], remove: &[Value]) -> Result<(), Failure> {
    let node = cx.get(NODES, "", node)?;
    let known = node["spec"]["taints"].items();
    let goes = |taint: &&Value| !remove.iter().any(|gone| is_same(gone, taint));
    let mut taints: Vec<Value> = known.iter().filter(goes).cloned().collect();
    for taint in add.iter().filter(|taint| !has(&node, taint)) {
        let mut taint = taint.clone();
        taint.set(&["timeAdded"], cx.at().rfc3339());
        taints.push(taint);
    }
    if taints == known {
        return Ok(());
    }
    let taints = if taints.is_empty() { Value::Null } else { taints.into() };
    let patch = tree!({
        "metadata": {"resourceVersion": (&node["metadata"]["resourceVersion"])},
        "spec": {"taints": (taints)},
    });
    cx.patch(NODES, ("", meta::name(&node)), "", PatchType::Merge, &patch).map(|_| ())
}
