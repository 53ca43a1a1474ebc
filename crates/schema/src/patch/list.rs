//! The order of merged lists.
// Models staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go

use super::{PATCH, errors};
use api::Value;
use std::cmp::Ordering;

/// What the items of a list are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Items {
    Maps,
    Scalars,
}

/// Tells what the items of lists are.
///
/// # Errors
/// Upstream's words where they are of several types, or lists, or where there are none.
pub(super) fn kind_of(lists: &[&[Value]]) -> Result<Items, String> {
    let mut found = None;
    for item in lists.iter().flat_map(|list| list.iter()) {
        let kind = match item {
            Value::List(_) => return Err(errors::LISTS_OF_LISTS.into()),
            Value::Map(_) => Items::Maps,
            _ => Items::Scalars,
        };
        if *found.get_or_insert(kind) != kind {
            return Err("list element types are not identical".into());
        }
    }
    found.ok_or_else(|| "no elements in any of the given slices".to_string())
}

/// What tells an item from the others: the value of the merge key, or the item.
pub(super) fn identity<'a>(item: &'a Value, key: &str) -> &'a Value {
    match item {
        Value::Map(_) if !key.is_empty() => &item[key],
        item => item,
    }
}

/// Checks that every item is a map with the merge key.
pub(super) fn check_keys(list: &[Value], key: &str) -> Result<(), String> {
    for item in list {
        match item.as_map() {
            None => return Err(errors::bad_type("map[string]interface {}", item)),
            Some(map) if !map.contains(key) => return Err(errors::no_merge_key(item, key)),
            Some(_) => {}
        }
    }
    Ok(())
}

pub(super) fn find(list: &[Value], key: &str, identity_of: &Value) -> Option<usize> {
    list.iter().position(|item| identity(item, key) == identity_of)
}

/// Returns where each item of a patch stands in a list, if the patch names all that the list has, has no
/// directives, and nothing is named twice.
pub(super) fn places_of_all(list: &[Value], patch: &[Value], key: &str) -> Option<Vec<Option<usize>>> {
    let named = |items: &[Value]| -> Option<Vec<Value>> {
        let named: Option<Vec<Value>> = items.iter().map(|item| item.get(key).cloned()).collect();
        named.filter(|named| (1..named.len()).all(|i| !named[..i].contains(&named[i])))
    };
    if key.is_empty() || list.len() > patch.len() || patch.iter().any(|item| item.get(PATCH).is_some()) {
        return None;
    }
    let (known, named) = (named(list)?, named(patch)?);
    let places: Vec<Option<usize>> =
        named.iter().map(|item| known.iter().position(|other| other == item)).collect();
    let found = places.iter().flatten().count();
    (found == list.len()).then_some(places)
}

fn index(list: &[Value], item: &Value, key: &str) -> Option<usize> {
    find(list, key, identity(item, key))
}

pub(super) fn is_deletion(item: &Value) -> bool {
    item[PATCH].str() == "delete"
}

/// Sorts a list after the order of another; what is to be deleted comes last.
// Models patch.go normalizeSliceOrder
pub(super) fn sort_after(
    list: Vec<Value>,
    order: &[Value],
    key: &str,
    items: Items,
) -> Result<Vec<Value>, String> {
    if items == Items::Maps {
        check_keys(&list, key)?;
        check_keys(order, key)?;
    }
    let (last, mut first): (Vec<Value>, Vec<Value>) =
        list.into_iter().partition(|item| items == Items::Maps && is_deletion(item));
    // Upstream's comparison says "less" of what the order doesn't name, which its insertion sort
    // turns into: such an item goes before those that stood before it.
    for i in 1..first.len() {
        let mut j = i;
        while j > 0 && is_before(&first, j, order, key) {
            first.swap(j, j - 1);
            j -= 1;
        }
    }
    first.extend(last);
    Ok(first)
}

fn is_before(list: &[Value], j: usize, order: &[Value], key: &str) -> bool {
    let (Some(item), Some(other)) = (list.get(j), list.get(j - 1)) else { return false };
    match (index(order, item, key), index(order, other, key)) {
        (Some(item), Some(other)) => item < other,
        _ => true,
    }
}

/// Puts together the items of a patch and those that only the server has: each in its own order,
/// the latter before the first of the former that the server has after them.
// Models patch.go normalizeElementOrder, mergeSortedSlice
pub(super) fn interleave(
    patch: Vec<Value>,
    server_only: Vec<Value>,
    patch_order: &[Value],
    server_order: &[Value],
    key: &str,
    items: Items,
) -> Result<Vec<Value>, String> {
    let patch = sort_after(patch, patch_order, key, items)?;
    let server_only = sort_after(server_only, server_order, key, items)?;
    let mut all = Vec::with_capacity(patch.len() + server_only.len());
    let mut right = patch.into_iter().peekable();
    for left in server_only {
        while let Some(next) = right.peek() {
            let places = (index(server_order, &left, key), index(server_order, next, key));
            if matches!(places, (Some(left), Some(right)) if left < right) {
                break;
            }
            all.extend(right.next());
        }
        all.push(left);
    }
    all.extend(right);
    Ok(all)
}

/// Returns the order of the server's items as upstream sees it after the merge, which is done in
/// place: what the patch deletes is gone, and what it adds has taken the places left free.
// Models patch.go deleteMatchingEntries, mergeSliceWithoutSpecialElements
pub(super) fn order_after(server: &[Value], patch: &[Value], key: &str) -> Vec<Value> {
    let mut kept = server.to_vec();
    for item in patch.iter().filter(|item| is_deletion(item)) {
        kept.retain(|one| one.get(key) != item.get(key));
    }
    if patch.iter().any(|item| item[PATCH].str() == "replace") {
        return kept;
    }
    for item in patch.iter().filter(|item| item.get(PATCH).is_none()) {
        if kept.len() < server.len() && index(&kept, item, key).is_none() {
            kept.push(item.clone());
        }
    }
    kept
}

/// Splits a list into what another names and what it doesn't.
// Models patch.go partitionPrimitivesByPresentInList, partitionMapsByPresentInList
pub(super) fn partition(
    list: Vec<Value>,
    by: &[Value],
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), String> {
    if !key.is_empty() {
        check_keys(&list, key)?;
    }
    Ok(list.into_iter().partition(|item| index(by, item, key).is_some()))
}

/// Takes out what stands there twice; upstream moves the last item into the gap.
// Models patch.go deduplicateScalars
pub(super) fn without_doubles(mut list: Vec<Value>) -> Vec<Value> {
    let mut i = 0;
    while i < list.len() {
        let mut j = i + 1;
        while j < list.len() {
            if list.get(i) == list.get(j) {
                list.swap_remove(j);
            } else {
                j += 1;
            }
        }
        i += 1;
    }
    list
}

/// Compares by what Go prints.
pub(super) fn by_text(a: &Value, b: &Value) -> Ordering {
    errors::go(a).cmp(&errors::go(b))
}
