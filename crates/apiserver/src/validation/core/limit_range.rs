//! LimitRanges.

use super::resources;
use crate::quantity;
use crate::validation::path::{Errors, Path};
use crate::validation::{meta, names};
use api::Value;
use std::cmp::Ordering;

/// The lists of a limit that hold amounts.
const LISTS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];

/// Checks a LimitRange.
// Models pkg/apis/core/validation/validation.go ValidateLimitRange
pub(crate) fn validate(range: &Value, errors: &mut Errors) {
    meta::validate(range, true, names::dns1123_subdomain, errors);
    let spec = Path::new("spec");
    let list = spec.child("limits");
    let mut known: Vec<&str> = Vec::new();
    for (i, limit) in range["spec"]["limits"].items().iter().enumerate() {
        let path = list.index(i);
        let kind = limit["type"].str();
        errors.check_text(&path.child("type"), kind, names::qualified_name);
        if !kind.contains('/') && !matches!(kind, "Container" | "Pod" | "PersistentVolumeClaim") {
            errors.invalid(path.child("type"), kind, "must be a standard limit type or fully qualified");
        }
        if known.contains(&kind) {
            errors.duplicate(path.child("type"), kind);
        }
        known.push(kind);
        validate_limit(limit, &path, errors);
    }
}

/// Checks a changed LimitRange.
pub(crate) fn validate_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate(new, errors);
}

fn validate_limit(limit: &Value, path: &Path, errors: &mut Errors) {
    let kind = limit["type"].str();
    let mut keys: Vec<&str> = Vec::new();
    for field in LISTS {
        let list = path.child(field);
        if kind == "Pod" && field.starts_with("default") {
            if !limit[field].is_empty() {
                errors.forbidden(list, "may not be specified when `type` is 'Pod'");
            }
            continue;
        }
        for (key, _) in limit[field].fields().iter() {
            resources::validate_name(key, &list.key(key), errors);
            keys.push(key);
        }
    }
    keys.sort_unstable();
    keys.dedup();
    if kind == "PersistentVolumeClaim"
        && limit["min"]["storage"].is_null()
        && limit["max"]["storage"].is_null()
    {
        let message = "either minimum or maximum storage value is required, but neither was provided";
        errors.required(path.child("limits"), message);
    }
    for key in keys {
        compare_amounts(limit, key, path, errors);
    }
}

/// The amounts of which the first may not be more than the second: the field where the error is, and the
/// two with what they are called.
const ORDERS: [(&str, [(&str, &str); 2]); 6] = [
    ("min", [("min", "min"), ("max", "max")]),
    ("defaultRequest", [("min", "min"), ("defaultRequest", "default request")]),
    ("defaultRequest", [("defaultRequest", "default request"), ("max", "max")]),
    ("defaultRequest", [("defaultRequest", "default request"), ("default", "default limit")]),
    ("default", [("min", "min"), ("default", "default")]),
    ("default", [("default", "default"), ("max", "max")]),
];

fn compare_amounts(limit: &Value, key: &str, path: &Path, errors: &mut Errors) {
    for (at, [(low, low_name), (high, high_name)]) in ORDERS {
        let (small, large) = (&limit[low][key], &limit[high][key]);
        if small.is_null() || large.is_null() || quantity::compare(small, large) != Ordering::Greater {
            continue;
        }
        let message = format!(
            "{low_name} value {} is greater than {high_name} value {}",
            quantity::text(small),
            quantity::text(large)
        );
        errors.invalid(path.child(at).key(key), quantity::text(&limit[at][key]), message);
    }
    let ratio = &limit["maxLimitRequestRatio"][key];
    if ratio.is_null() {
        return;
    }
    let at = path.child("maxLimitRequestRatio");
    if quantity::compare(ratio, &Value::Int(1)) == Ordering::Less {
        let message = format!("ratio {} is less than 1", quantity::text(ratio));
        errors.invalid(at.key(key), quantity::text(ratio), message);
    }
}
