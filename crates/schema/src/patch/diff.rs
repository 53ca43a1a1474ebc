use super::list::{self, Items};
use super::lookup::{Meta, Shape};
use super::{DELETE_FROM, PATCH, RETAIN_KEYS, SET_ORDER, errors};
use api::{Map, Value};
use std::cmp::Ordering;

/// What of a difference is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Everything,
    /// What was added or changed.
    Additions,
    /// What was taken out.
    Deletions,
}

impl Want {
    fn additions(self) -> bool {
        self != Want::Deletions
    }

    fn deletions(self) -> bool {
        self != Want::Additions
    }
}

/// Returns the patch that turns one map into the other.
// Models staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go diffMaps
pub(super) fn diff_maps(
    original: &Map,
    modified: &Map,
    shape: Shape,
    retain_keys: bool,
    want: Want,
) -> Result<Map, String> {
    let mut patch = Map::new();
    for (key, new) in modified.iter() {
        match original.get(key) {
            None if want.additions() => {
                patch.insert(key, new);
            }
            None => {}
            Some(_) if key == PATCH => {
                if original.get(PATCH) != Some(new) {
                    return Err(errors::bad_patch_type(new, &modified.clone().into()));
                }
                patch.insert(PATCH, new);
            }
            Some(old) => diff_field(&mut patch, key, old, new, shape, want)?,
        }
    }
    if want.deletions() {
        for (key, _) in original.iter().filter(|(key, _)| !modified.contains(key)) {
            patch.insert(key, Value::Null);
        }
    }
    if retain_keys {
        let keys: Vec<Value> =
            modified.iter().filter(|(_, v)| !v.is_null()).map(|(key, _)| key.into()).collect();
        let cleared = original.iter().any(|(key, v)| !v.is_null() && !modified.contains(key));
        if !keys.is_empty() && (!patch.is_empty() || cleared) {
            patch.insert(RETAIN_KEYS, keys);
        }
    }
    Ok(patch)
}

// Models patch.go handleMapDiff, handleSliceDiff
fn diff_field(
    patch: &mut Map,
    key: &str,
    old: &Value,
    new: &Value,
    shape: Shape,
    want: Want,
) -> Result<(), String> {
    if old == new {
        return Ok(());
    }
    match (old, new) {
        (Value::Map(old), Value::Map(fields)) => {
            let meta = shape.lookup(key)?;
            if meta.strategy == "replace" {
                if want.additions() {
                    patch.insert(key, new);
                }
                return Ok(());
            }
            let within = diff_maps(old, fields, meta.shape, meta.retain_keys, want)?;
            if !within.is_empty() {
                patch.insert(key, within);
            }
        }
        (Value::List(old), Value::List(items)) => {
            let meta = shape.lookup(key)?;
            if meta.strategy == "merge" {
                return diff_lists(patch, key, old, items, &meta, want);
            }
            if want.additions() {
                patch.insert(key, new);
            }
        }
        _ if want.additions() => {
            patch.insert(key, new);
        }
        _ => {}
    }
    Ok(())
}

// Models patch.go diffLists
fn diff_lists(
    patch: &mut Map,
    key: &str,
    old: &[Value],
    new: &[Value],
    meta: &Meta,
    want: Want,
) -> Result<(), String> {
    if old.is_empty() {
        if !new.is_empty() && want.additions() {
            patch.insert(key, new);
        }
        return Ok(());
    }
    let order_key = format!("{SET_ORDER}/{key}");
    match list::kind_of(&[old, new])? {
        Items::Maps => {
            let (changed, deleted) = diff_items(old, new, meta, want)?;
            let mut items = list::sort_after(changed, new, meta.key, Items::Maps)?;
            let same_order =
                old.len() == new.len() && old.iter().zip(new).all(|(a, b)| a[meta.key] == b[meta.key]);
            items.extend(deleted);
            let ordered = want.additions() && (!items.is_empty() || !same_order)
                || want.deletions() && !items.is_empty();
            if ordered && !new.is_empty() {
                let order: Vec<Value> = new
                    .iter()
                    .map(|item| Map::from_iter([(meta.key, item[meta.key].clone())]).into())
                    .collect();
                patch.insert(&order_key, order);
            }
            if !items.is_empty() {
                patch.insert(key, items);
            }
        }
        Items::Scalars => {
            let (added, deleted) = diff_scalars(old, new, want);
            let added = list::sort_after(added, new, "", Items::Scalars)?;
            let ordered = want.deletions() && !deleted.is_empty() || want.additions();
            if ordered && !new.is_empty() {
                patch.insert(&order_key, new);
            }
            if !added.is_empty() {
                patch.insert(key, added);
            }
            if !deleted.is_empty() {
                patch.insert(&format!("{DELETE_FROM}/{key}"), deleted);
            }
        }
    }
    Ok(())
}

/// Walks through two sorted lists side by side; of what both have, both are given.
fn side_by_side<'a>(
    old: &'a [Value],
    new: &'a [Value],
    key: &'a str,
) -> Vec<(Option<&'a Value>, Option<&'a Value>)> {
    let sorted = |list: &'a [Value]| {
        let mut items: Vec<&Value> = list.iter().collect();
        items.sort_by(|a, b| list::by_text(list::identity(a, key), list::identity(b, key)));
        items
    };
    let (old, new) = (sorted(old), sorted(new));
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    loop {
        let order = match (old.get(i), new.get(j)) {
            (None, None) => return pairs,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => list::by_text(list::identity(a, key), list::identity(b, key)),
        };
        let from_old = (order != Ordering::Greater).then(|| old.get(i).copied()).flatten();
        let from_new = (order != Ordering::Less).then(|| new.get(j).copied()).flatten();
        i += usize::from(from_old.is_some());
        j += usize::from(from_new.is_some());
        pairs.push((from_old, from_new));
    }
}

/// Returns what to add or change, and what to delete.
// Models patch.go diffListsOfMaps
fn diff_items(
    old: &[Value],
    new: &[Value],
    meta: &Meta,
    want: Want,
) -> Result<(Vec<Value>, Vec<Value>), String> {
    list::check_keys(old, meta.key)?;
    list::check_keys(new, meta.key)?;
    let (mut changed, mut deleted) = (Vec::new(), Vec::new());
    for pair in side_by_side(old, new, meta.key) {
        match pair {
            (Some(old), Some(new)) => {
                let mut item = diff_maps(old.fields(), new.fields(), meta.shape, meta.retain_keys, want)?;
                if !item.is_empty() {
                    item.insert(meta.key, &new[meta.key]);
                    changed.push(item.into());
                }
            }
            (None, Some(new)) if want.additions() => changed.push(new.clone()),
            (Some(old), None) if want.deletions() => {
                let identity = old[meta.key].clone();
                deleted.push(Map::from_iter([(meta.key, identity), (PATCH, "delete".into())]).into());
            }
            _ => {}
        }
    }
    Ok((changed, deleted))
}

// Models patch.go diffListsOfScalars
fn diff_scalars(old: &[Value], new: &[Value], want: Want) -> (Vec<Value>, Vec<Value>) {
    let (mut added, mut deleted) = (Vec::new(), Vec::new());
    for pair in side_by_side(old, new, "") {
        match pair {
            (None, Some(new)) if want.additions() => added.push(new.clone()),
            (Some(old), None) if want.deletions() => deleted.push(old.clone()),
            _ => {}
        }
    }
    (added, list::without_doubles(deleted))
}
