//! Fields by their paths, through lists: `spec/template/spec/containers/image`.

use api::Value;

/// Calls `act` with each field at a path; lists on the way are entered.
/// With `create`, maps that are missing on the way are made, but no elements of lists.
pub fn each(value: &mut Value, path: &str, create: bool, act: &mut dyn FnMut(&mut Value)) {
    if let Value::List(_) = value {
        for item in value.list_mut() {
            each(item, path, create, act);
        }
        return;
    }
    let (name, rest) = match path.split_once('/') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    let is_there = value.get(name).is_some_and(|field| !field.is_null());
    if !is_there && (!create || !(value.as_map().is_some() || value.is_null())) {
        return;
    }
    match rest {
        Some(rest) if is_there => {
            if let Some(field) = value.map_mut().get_mut(name) {
                each(field, rest, create, act);
            }
        }
        Some(rest) => {
            let mut field = Value::map();
            each(&mut field, rest, create, act);
            if !field.is_empty() {
                value.map_mut().insert(name, field);
            }
        }
        None => {
            let mut field = value.map_mut().remove(name).unwrap_or_default();
            if let (Value::List(_), false) = (&field, create) {
                for item in field.list_mut() {
                    act(item);
                }
            } else {
                act(&mut field);
            }
            if !field.is_null() {
                value.map_mut().insert(name, field);
            }
        }
    }
}
