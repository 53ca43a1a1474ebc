use super::DEPTH;
use api::{Map, Value};

/// Sets what a schema has defaults for, and takes away nulls that it doesn't allow.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/algorithm.go Default,
// prune.go PruneNonNullableNullsWithoutDefaults
pub fn default(schema: &Value, object: &mut Value) {
    if let Some(changed) = defaulted(schema, object, DEPTH) {
        *object = changed;
    }
}

/// Returns a value with its defaults; `None` where it stays as it is.
fn defaulted(schema: &Value, value: &Value, depth: usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::Map(map) => {
            let mut changed: Option<Map> = None;
            let properties = schema["properties"].fields();
            for (name, property) in properties.iter() {
                let found = map.get(name);
                let is_missing = match found {
                    None => true,
                    Some(value) => value.is_null() && !property["nullable"].is_true(),
                };
                if !is_missing {
                    continue;
                }
                let fields = changed.get_or_insert_with(|| map.as_ref().clone());
                match &property["default"] {
                    Value::Null => drop(fields.remove(name)),
                    given => drop(fields.insert(name, given)),
                }
            }
            let current = changed.clone().unwrap_or_else(|| map.as_ref().clone());
            for (name, inner) in current.iter() {
                let known = properties.get(name).unwrap_or(&schema["additionalProperties"]);
                if inner.is_null() && properties.get(name).is_none() && !known["nullable"].is_true() {
                    if known.as_map().is_some() {
                        changed.get_or_insert_with(|| map.as_ref().clone()).remove(name);
                    }
                    continue;
                }
                if let Some(inner) = defaulted(known, inner, depth) {
                    changed.get_or_insert_with(|| map.as_ref().clone()).insert(name, inner);
                }
            }
            changed.filter(|changed| *changed != **map).map(Value::from)
        }
        Value::List(items) => {
            let mut changed: Option<Vec<Value>> = None;
            for (i, item) in items.iter().enumerate() {
                if let Some(new) = defaulted(&schema["items"], item, depth)
                    && let Some(slot) = changed.get_or_insert_with(|| items.to_vec()).get_mut(i)
                {
                    *slot = new;
                }
            }
            changed.map(Value::from)
        }
        _ => None,
    }
}
