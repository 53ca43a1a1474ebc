//! What objects must hold, with upstream's words and in upstream's order.

pub(crate) mod apiextensions;
pub(crate) mod apps;
pub(crate) mod autoscaling;
pub(crate) mod batch;
pub(crate) mod certificates;
pub(crate) mod core;
pub(crate) mod extensions;
pub(crate) mod flow_control;
pub(crate) mod meta;
pub(crate) mod names;
pub(crate) mod networking;
pub(crate) mod others;
mod path;
pub(crate) mod policies;
pub(crate) mod storage;

pub(crate) use path::Errors;

use api::Value;

/// Returns whether two values mean the same: nothing and an empty list or map are equal.
// Models staging/src/k8s.io/apimachinery/pkg/api/equality/semantic.go Semantic
pub(crate) fn semantic_equal(a: &Value, b: &Value) -> bool {
    if a.same(b) {
        return true;
    }
    match (a, b) {
        (Value::Map(left), Value::Map(right)) => {
            left.iter().all(|(key, value)| semantic_equal(value, &b[key]))
                && right.iter().all(|(key, value)| a.get(key).is_some() || is_nothing(value))
        }
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right.iter()).all(|(a, b)| semantic_equal(a, b))
        }
        _ => a == b || is_nothing(a) && is_nothing(b),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        Value::Map(fields) => fields.iter().all(|(_, value)| is_nothing(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn compares_by_meaning() {
        for (a, b, equal) in [
            (tree!({"a": []}), tree!({}), true),
            (tree!({"a": {"b": {}}}), tree!({}), true),
            (tree!({"a": 1}), tree!({"a": 1, "b": null}), true),
            (tree!({"a": 1}), tree!({"a": 2}), false),
            (tree!({"a": [1]}), tree!({"a": []}), false),
            (tree!({}), tree!({"a": 0}), false),
        ] {
            assert_eq!(semantic_equal(&a, &b), equal, "{a:?} {b:?}");
            assert_eq!(semantic_equal(&b, &a), equal, "{b:?} {a:?}");
        }
    }
}
