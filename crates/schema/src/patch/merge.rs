//! JSON merge patches (RFC 7386).

use api::{Map, Value};

/// Applies a JSON merge patch.
pub fn merge(current: &Value, patch: &Value) -> Value {
    let Some(patch) = patch.as_map() else { return patch.clone() };
    let mut merged = current.clone();
    if merged.as_map().is_none() {
        merged = Value::map();
    }
    for (key, value) in patch.iter() {
        if value.is_null() {
            if merged.get(key).is_some() {
                merged.map_mut().remove(key);
            }
            continue;
        }
        let new = merge(&merged[key], value);
        if merged.get(key) != Some(&new) {
            merged.map_mut().insert(key, new);
        }
    }
    merged
}

/// Makes the JSON merge patch that turns one object into the other.
// Models github.com/evanphx/json-patch merge.go CreateMergePatch
pub fn two_way_merge(original: &Value, modified: &Value) -> Value {
    difference(original.fields(), modified.fields(), true, true).into()
}

/// Makes the JSON merge patch that client-side apply sends for a kind without a schema.
// Models staging/src/k8s.io/apimachinery/pkg/util/jsonmergepatch/patch.go CreateThreeWayJSONMergePatch
pub fn three_way_merge(original: &Value, modified: &Value, current: &Value) -> Value {
    let additions = difference(current.fields(), modified.fields(), true, false);
    let deletions = difference(original.fields(), modified.fields(), false, true);
    combine(&deletions.into(), &additions.into())
}

fn difference(original: &Map, modified: &Map, additions: bool, deletions: bool) -> Map {
    let mut patch = Map::new();
    for (key, new) in modified.iter() {
        match (original.get(key), new) {
            (Some(old), new) if old == new => {}
            (Some(Value::Map(old)), Value::Map(new)) => {
                let within = difference(old, new, additions, deletions);
                if !within.is_empty() {
                    patch.insert(key, within);
                }
            }
            _ if additions => {
                patch.insert(key, new);
            }
            _ => {}
        }
    }
    if deletions {
        for (key, _) in original.iter().filter(|(key, _)| !modified.contains(key)) {
            patch.insert(key, Value::Null);
        }
    }
    patch
}

/// Puts one patch over another; nulls stay.
fn combine(under: &Value, over: &Value) -> Value {
    match (under, over) {
        (Value::Map(_), Value::Map(map)) => {
            let mut all = under.clone();
            for (key, value) in map.iter() {
                let new = combine(&under[key], value);
                all.map_mut().insert(key, new);
            }
            all
        }
        (_, over) => over.clone(),
    }
}
