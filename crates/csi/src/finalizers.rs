use api::{Resource, Value};
use client::{Cx, Failure};

/// Returns whether an object bears a finalizer.
pub(crate) fn has(object: &Value, finalizer: &str) -> bool {
    object["metadata"]["finalizers"].items().iter().any(|known| known.str() == finalizer)
}

/// Gives finalizers to an object, or takes them from it, where that changes anything.
pub(crate) fn change(
    cx: &mut Cx,
    resource: Resource,
    object: &Value,
    add: &[&str],
    remove: &[&str],
) -> Result<(), Failure> {
    let before = object["metadata"]["finalizers"].items();
    let mut after: Vec<Value> = before.to_vec();
    after.retain(|known| !remove.contains(&known.str()));
    for finalizer in add {
        if !after.iter().any(|known| known.str() == *finalizer) {
            after.push((*finalizer).into());
        }
    }
    if after == before {
        return Ok(());
    }
    let mut changed = object.clone();
    if after.is_empty() {
        changed.remove(&["metadata", "finalizers"]);
    } else {
        changed.set(&["metadata", "finalizers"], after);
    }
    match cx.update(resource, &changed, "") {
        Err(failure) if !failure.is_not_found() => Err(failure),
        _ => Ok(()),
    }
}
