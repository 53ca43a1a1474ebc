//! Upstream's words for patches that make no sense.
// Models staging/src/k8s.io/apimachinery/pkg/util/mergepatch/errors.go

use api::{Value, go};
use std::fmt::Write;

pub(super) const RETAIN_KEYS: &str = "invalid patch format of retainKeys";
pub(super) const PRIMITIVE_LIST: &str = "invalid patch format of primitive list";
pub(super) const SET_ORDER: &str = "invalid patch format of setElementOrder list";
pub(super) const LISTS_OF_LISTS: &str = "lists of lists are not supported";

pub(super) fn no_merge_key(map: &Value, key: &str) -> String {
    format!("map: {} does not contain declared merge key: {key}", go(map))
}

pub(super) fn bad_type(expected: &str, found: &Value) -> String {
    format!("expected a {expected}, but received a {}", go::type_name(found))
}

pub(super) fn bad_patch_type(directive: &Value, patch: &Value) -> String {
    format!("unknown patch type: {} in map: {}", go(directive), go(patch))
}

/// Prints a value as Go's `%v` does.
pub(super) fn go(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("<nil>"),
        Value::Str(word) => text.push_str(word),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            let _ = write!(text, "{value:?}");
        }
        Value::List(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    text.push(' ');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Map(map) => {
            text.push_str("map[");
            for (i, (key, value)) in map.iter().enumerate() {
                if i > 0 {
                    text.push(' ');
                }
                let _ = write!(text, "{key}:");
                write(value, text);
            }
            text.push(']');
        }
    }
}
