use super::{DEPTH, child, field, is_common, is_set};
use api::{Map, Value};

/// Takes out of an object what its schema doesn't know, and returns the paths of that, sorted.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning/algorithm.go PruneWithOptions
pub fn prune(schema: &Value, object: &mut Value) -> Vec<String> {
    let mut unknown = Vec::new();
    if let Some(kept) = pruned(schema, object, "", true, DEPTH, &mut unknown) {
        *object = kept;
    }
    unknown.sort();
    unknown
}

/// Returns a value without what isn't known; `None` where it stays as it is.
fn pruned(
    schema: &Value,
    value: &Value,
    path: &str,
    is_object: bool,
    depth: usize,
    unknown: &mut Vec<String>,
) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::Map(map) => {
            let keeps_all = is_set(schema, "x-kubernetes-preserve-unknown-fields");
            let is_object = is_object || is_set(schema, "x-kubernetes-embedded-resource");
            let mut changed: Option<Map> = None;
            for (name, inner) in map.iter() {
                if is_object && is_common(name) {
                    continue;
                }
                let at = child(path, name);
                match field(schema, name) {
                    Some(Value::Bool(_)) => {}
                    Some(known) => {
                        if let Some(kept) = pruned(known, inner, &at, false, depth, unknown) {
                            changed.get_or_insert_with(|| map.as_ref().clone()).insert(name, kept);
                        }
                    }
                    None if keeps_all => {}
                    None => {
                        changed.get_or_insert_with(|| map.as_ref().clone()).remove(name);
                        unknown.push(at);
                    }
                }
            }
            changed.map(Value::from)
        }
        Value::List(items) => {
            let keeps_all = is_set(schema, "x-kubernetes-preserve-unknown-fields");
            let known = &schema["items"];
            if known.is_null() && keeps_all {
                return None;
            }
            let mut changed: Option<Vec<Value>> = None;
            for (i, item) in items.iter().enumerate() {
                let kept = pruned(known, item, &format!("{path}[{i}]"), false, depth, unknown);
                if let Some(kept) = kept
                    && let Some(slot) = changed.get_or_insert_with(|| items.to_vec()).get_mut(i)
                {
                    *slot = kept;
                }
            }
            changed.map(Value::from)
        }
        _ => None,
    }
}
