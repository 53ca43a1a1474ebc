use super::list::{self, Items};
use super::lookup::{Meta, Shape};
use super::order::set_orders;
use super::{DELETE_FROM, PATCH, RETAIN_KEYS, SET_ORDER, errors};
use crate::Kind;
use api::{Map, Value};

/// Applies a strategic merge patch.
///
/// # Errors
/// Upstream's words where the patch doesn't fit the kind.
// Models staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go StrategicMergeMapPatch
pub fn strategic_merge(kind: &Kind, current: &Value, patch: &Value) -> Result<Value, String> {
    let shape = kind.definition().map_or(Shape::Unknown, Shape::Struct);
    merge_map(current, patch, shape, Mode::Apply)
}

/// Returns what of a patch is left in the server's hands once it has merged it: what stands beside an order, and
/// directives that were followed, it has taken out on the way.
// Models patch.go mergePatchIntoOriginal, applyRetainKeysDirective, discardNullValuesFromPatch, which change the patch
pub fn left_of(current: &Value, patch: &Value) -> Value {
    let Some(map) = patch.as_map() else { return patch.clone() };
    let mut left = Map::new();
    let ordered = |key: &str| map.contains(&format!("{SET_ORDER}/{key}"));
    for (key, value) in map.iter().filter(|(key, _)| !key.starts_with(SET_ORDER) && !ordered(key)) {
        let value = match (current.get(key), value) {
            _ if [PATCH, RETAIN_KEYS].contains(&key) => continue,
            (Some(current @ Value::Map(_)), Value::Map(_)) => left_of(current, value),
            (None, Value::Map(_)) => without_nulls(value),
            _ => value.clone(),
        };
        left.insert(key, value);
    }
    left.into()
}

fn without_nulls(value: &Value) -> Value {
    let Some(map) = value.as_map() else { return value.clone() };
    let left = map.iter().filter(|(_, value)| !value.is_null());
    let left: Map = left.map(|(key, value)| (key, without_nulls(value))).collect();
    left.into()
}

/// What becomes of directives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// They are followed, and nulls delete.
    Apply,
    /// A patch is put over another patch: they stay, nulls too.
    Combine,
}

/// Merges a patch into a map.
// Models patch.go mergeMap
pub(super) fn merge_map(original: &Value, patch: &Value, shape: Shape, mode: Mode) -> Result<Value, String> {
    let Some(patch_map) = patch.as_map() else {
        return Err(errors::bad_type("map[string]interface {}", patch));
    };
    if let Some(directive) = patch_map.get(PATCH) {
        return directed(directive, patch);
    }
    let mut merged = original.clone();
    // Most patches have no directives.
    if patch_map.iter().any(|(key, _)| key.starts_with('$')) {
        let mut rest = patch_map.clone();
        retain_keys(&mut merged, &mut rest, mode)?;
        set_orders(&mut merged, &mut rest, shape, mode)?;
        merge_fields(&mut merged, &rest, shape, mode)?;
    } else {
        merge_fields(&mut merged, patch_map, shape, mode)?;
    }
    if merged.as_map().is_none() {
        merged = Value::map();
    }
    Ok(merged)
}

// Models patch.go handleDirectiveInMergeMap
fn directed(directive: &Value, patch: &Value) -> Result<Value, String> {
    match directive.str() {
        "replace" => {
            let mut rest = patch.clone();
            rest.map_mut().remove(PATCH);
            Ok(rest)
        }
        "delete" => Ok(Value::map()),
        _ => Err(errors::bad_patch_type(directive, patch)),
    }
}

fn merge_fields(merged: &mut Value, patch: &Map, shape: Shape, mode: Mode) -> Result<(), String> {
    patch.iter().try_for_each(|(key, value)| merge_field(merged, key, value, shape, mode))
}

fn merge_field(merged: &mut Value, key: &str, value: &Value, shape: Shape, mode: Mode) -> Result<(), String> {
    let (key, deletes) = match key.strip_prefix(DELETE_FROM) {
        Some(_) if mode == Mode::Combine => {
            merged.map_mut().insert(key, value);
            return Ok(());
        }
        Some(rest) => (rest.strip_prefix('/').ok_or(errors::PRIMITIVE_LIST)?, true),
        None => (key, false),
    };
    if value.is_null() {
        if merged.get(key).is_some() {
            merged.map_mut().remove(key);
        }
        if mode == Mode::Apply {
            return Ok(());
        }
    }
    let Some(original) = merged.get(key).cloned() else {
        if !deletes {
            let value = if mode == Mode::Apply { added(value) } else { Some(value.clone()) };
            if let Some(value) = value {
                merged.map_mut().insert(key, value);
            }
        }
        return Ok(());
    };
    let new = match (&original, value) {
        (Value::Map(_), Value::Map(_)) => {
            let meta = shape.lookup(key)?;
            match meta.strategy {
                "replace" => value.clone(),
                _ => merge_map(&original, value, meta.shape, mode)?,
            }
        }
        (Value::List(one), Value::List(two)) => {
            let meta = shape.lookup(key)?;
            merge_lists(one, two, &meta, mode, deletes)?.into()
        }
        _ if deletes => return Ok(()),
        _ if mode == Mode::Apply => added(value).unwrap_or_default(),
        _ => value.clone(),
    };
    if new != original {
        merged.map_mut().insert(key, new);
    }
    Ok(())
}

/// Returns what is left of a new value when nulls and what has a directive are taken out.
// Models patch.go discardNullValuesFromPatch, removeDirectives
pub(super) fn added(value: &Value) -> Option<Value> {
    if is_plain(value) {
        return Some(value.clone());
    }
    match value {
        Value::Map(map) if map.contains(PATCH) => None,
        Value::Map(map) => {
            let mut new = Map::new();
            for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
                if let Some(value) = added(value) {
                    new.insert(key, value);
                }
            }
            Some(new.into())
        }
        Value::List(items) => Some(items.iter().filter_map(added).collect()),
        other => Some(other.clone()),
    }
}

/// Returns whether there are neither nulls in maps nor directives.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Map(map) => {
            !map.contains(PATCH) && map.iter().all(|(_, value)| !value.is_null() && is_plain(value))
        }
        Value::List(items) => items.iter().all(is_plain),
        _ => true,
    }
}

// Models patch.go applyRetainKeysDirective
fn retain_keys(merged: &mut Value, patch: &mut Map, mode: Mode) -> Result<(), String> {
    let Some(keys) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    if mode == Mode::Combine {
        match merged.get(RETAIN_KEYS) {
            Some(others) if *others != keys => {
                return Err(format!(
                    "{} and {} are not deep equal: this may happen when calculating the 3-way diff patch",
                    errors::go(others),
                    errors::go(&keys)
                ));
            }
            _ => merged.set(&[RETAIN_KEYS], keys),
        }
        return Ok(());
    }
    let keys = keys.as_list().ok_or(errors::RETAIN_KEYS)?;
    let named = |key: &str| keys.iter().any(|known| known.str() == key);
    let stray = patch.iter().any(|(key, value)| {
        let parallel = key.starts_with(DELETE_FROM) || key.starts_with(SET_ORDER);
        !value.is_null() && !parallel && !named(key)
    });
    if stray {
        return Err(errors::RETAIN_KEYS.into());
    }
    if merged.fields().iter().any(|(key, _)| !named(key)) {
        merged.map_mut().retain(|key, _| named(key));
    }
    Ok(())
}

// Models patch.go mergeSliceHandler, mergeSlice
pub(super) fn merge_lists(
    original: &[Value],
    patch: &[Value],
    meta: &Meta,
    mode: Mode,
    deletes: bool,
) -> Result<Vec<Value>, String> {
    if meta.strategy != "merge" && !deletes {
        return Ok(patch.to_vec());
    }
    if original.is_empty() && patch.is_empty() {
        return Ok(Vec::new());
    }
    let items = list::kind_of(&[original, patch])?;
    if items == Items::Maps
        && mode == Mode::Apply
        && !deletes
        && let Some(places) = list::places_of_all(original, patch, meta.key)
    {
        return merge_all(original, patch, meta, &places);
    }
    let (merged, original, patch) = match items {
        Items::Scalars if deletes => {
            return Ok(original.iter().filter(|item| !patch.contains(item)).cloned().collect());
        }
        Items::Scalars => {
            let both = original.iter().chain(patch).cloned().collect();
            (list::without_doubles(both), original.to_vec(), patch.to_vec())
        }
        Items::Maps => {
            if meta.key.is_empty() {
                return Err("cannot merge lists without merge key".into());
            }
            let (original, patch) = special_items(original, patch, meta.key)?;
            (merge_items(&original, &patch, meta, mode)?, original, patch)
        }
    };
    let (named, others) = list::partition(merged, &patch, meta.key)?;
    list::interleave(named, others, &patch, &original, meta.key, items)
}

/// Merges a list of which the patch names every item: what comes of it stands in the patch's order.
fn merge_all(
    original: &[Value],
    patch: &[Value],
    meta: &Meta,
    places: &[Option<usize>],
) -> Result<Vec<Value>, String> {
    let mut merged = Vec::with_capacity(patch.len());
    for (item, place) in patch.iter().zip(places) {
        match place.and_then(|i| original.get(i)) {
            Some(known) => {
                let new = merge_map(known, item, meta.shape, Mode::Apply)?;
                merged.push(if new == *known { known.clone() } else { new });
            }
            None => merged.extend(added(item)),
        }
    }
    Ok(merged)
}

/// Follows the items that delete or replace; returns the lists without them.
// Models patch.go mergeSliceWithSpecialElements
fn special_items(original: &[Value], patch: &[Value], key: &str) -> Result<(Vec<Value>, Vec<Value>), String> {
    let mut original = original.to_vec();
    let mut rest = Vec::new();
    let mut replace = false;
    for item in patch {
        let Some(directive) = item.get(PATCH) else {
            rest.push(item.clone());
            continue;
        };
        match directive.str() {
            "delete" => {
                let identity = item.get(key).ok_or_else(|| errors::no_merge_key(item, key))?;
                original.retain(|one| one.get(key) != Some(identity));
            }
            "replace" => replace = true,
            "merge" => return Err("merging lists cannot yet be specified in the patch".into()),
            _ => return Err(errors::bad_patch_type(directive, item)),
        }
    }
    Ok(if replace { (rest, Vec::new()) } else { (original, rest) })
}

// Models patch.go mergeSliceWithoutSpecialElements
fn merge_items(original: &[Value], patch: &[Value], meta: &Meta, mode: Mode) -> Result<Vec<Value>, String> {
    let mut merged = original.to_vec();
    for item in patch {
        list::check_keys(std::slice::from_ref(item), meta.key)?;
        let place = list::find(&merged, meta.key, &item[meta.key]);
        match place.and_then(|i| merged.get_mut(i)) {
            Some(known) => {
                let new = merge_map(known, item, meta.shape, mode)?;
                if new != *known {
                    *known = new;
                }
            }
            None if mode == Mode::Apply => merged.extend(added(item)),
            None => merged.push(item.clone()),
        }
    }
    Ok(merged)
}
