use api::{Value, tree};
use sim::Time;

/// Sets a condition: (type, status, reason, message). Its time changes with its status.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apihelpers/helpers.go SetCRDCondition
pub(crate) fn set(definition: &mut Value, now: Time, [kind, status, reason, message]: [&str; 4]) {
    let conditions = definition.at_mut(&["status", "conditions"]).list_mut();
    let at = conditions.iter().position(|condition| condition["type"].str() == kind).unwrap_or_else(|| {
        conditions.push(tree!({"type": kind}));
        conditions.len() - 1
    });
    let Some(condition) = conditions.get_mut(at) else { return };
    if condition["status"].str() != status {
        condition.set(&["lastTransitionTime"], now.rfc3339());
    }
    for (field, text) in [("status", status), ("reason", reason), ("message", message)] {
        condition.set(&[field], text);
    }
}

/// Takes a condition away.
pub(crate) fn remove(definition: &mut Value, kind: &str) {
    let conditions = definition["status"]["conditions"].items();
    let kept: Value =
        conditions.iter().filter(|condition| condition["type"].str() != kind).cloned().collect();
    definition.set(&["status", "conditions"], kept);
}
