//! The `$setElementOrder` directive.
// Models staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go

use super::list::{self, Items};
use super::lookup::Shape;
use super::strategic::{Mode, added, merge_lists};
use super::{PATCH, SET_ORDER, errors};
use api::{Map, Value};

/// Merges the lists for which the patch gives an order, and takes them out of the patch.
// Models patch.go mergePatchIntoOriginal
pub(super) fn set_orders(
    merged: &mut Value,
    patch: &mut Map,
    shape: Shape,
    mode: Mode,
) -> Result<(), String> {
    let orders: Vec<String> = patch
        .iter()
        .map(|(key, _)| key)
        .filter(|key| key.starts_with(SET_ORDER))
        .map(str::to_string)
        .collect();
    for directive in orders {
        let Some(order) = patch.remove(&directive) else { continue };
        if mode == Mode::Combine {
            match merged.get(&directive) {
                Some(other) if *other != order => return Err(errors::SET_ORDER.into()),
                Some(_) => {}
                None => merged.set(&[&directive], &order),
            }
        }
        let list = "[]interface {}";
        let order = order.as_list().ok_or_else(|| errors::bad_type(list, &order))?;
        let key = directive.strip_prefix(SET_ORDER).and_then(|rest| rest.strip_prefix('/'));
        let key = key.ok_or(errors::SET_ORDER)?;
        let as_list = |value: Option<&Value>| match value {
            None => Ok(None),
            Some(Value::List(items)) => Ok(Some(items.to_vec())),
            Some(other) => Err(errors::bad_type(list, other)),
        };
        let (server, new) = (as_list(merged.get(key))?, as_list(patch.get(key))?);
        let meta = shape.lookup(key)?;
        check_order(new.as_deref().unwrap_or(&[]), order, meta.key)?;
        let all = match (&server, &new) {
            (None, None) => continue,
            (Some(server), None) => server.clone(),
            (None, Some(new)) => new.iter().filter_map(added).collect(),
            (Some(server), Some(new)) => merge_lists(server, new, &meta, mode, false)?,
        };
        let (server, new) = (server.unwrap_or_default(), new.unwrap_or_default());
        let items = list::kind_of(&[&server, &new])?;
        let (named, others) = list::partition(all, order, meta.key)?;
        let server = match items {
            Items::Maps if mode == Mode::Apply => list::order_after(&server, &new, meta.key),
            _ => server,
        };
        let all: Value = list::interleave(named, others, order, &server, meta.key, items)?.into();
        if merged.get(key) != Some(&all) {
            merged.set(&[key], all);
        }
        patch.remove(key);
    }
    Ok(())
}

/// Checks that the items of a patch stand in the order it gives.
// Models patch.go validatePatchWithSetOrderList
fn check_order(patch: &[Value], order: &[Value], key: &str) -> Result<(), String> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    if !key.is_empty() {
        list::check_keys(order, key)?;
    }
    let mut items = patch.iter().filter(|item| !list::is_deletion(item)).peekable();
    let mut places = order.iter();
    while let Some(item) = items.peek() {
        // An item with another directive is passed over, if any place is left by then.
        let Some(place) = places.next() else {
            return Err(format!(
                "The order in patch list:\n{}\n doesn't match {SET_ORDER} list:\n{}\n",
                errors::go(&patch.to_vec().into()),
                errors::go(&order.to_vec().into())
            ));
        };
        let mut item = *item;
        while item.get(PATCH).is_some() {
            items.next();
            match items.peek() {
                Some(next) => item = next,
                None => return Ok(()),
            }
        }
        if !key.is_empty() {
            list::check_keys(std::slice::from_ref(item), key)?;
        }
        if list::identity(item, key) == list::identity(place, key) {
            items.next();
        }
    }
    Ok(())
}
