//! Quantities, as validation and admission compare them.

use api::Value;
use api::quantity::Quantity;
use std::cmp::Ordering;

/// Returns a quantity in billionths; `None` where it is none.
pub(crate) fn nanos(value: &Value) -> Option<i128> {
    Quantity::from_value(value).ok().map(Quantity::nanos)
}

/// Returns the quantity's text.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_json(), str::to_string)
}

/// Compares two quantities; what is none counts as zero.
pub(crate) fn compare(a: &Value, b: &Value) -> Ordering {
    nanos(a).unwrap_or(0).cmp(&nanos(b).unwrap_or(0))
}
