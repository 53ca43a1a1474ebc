//! Patches: what the API server does with them, and how kubectl makes them.

use crate::Kind;
use api::Value;

/// Applies a strategic merge patch.
///
/// # Errors
/// Upstream's words where the patch doesn't fit the kind.
pub fn strategic_merge(kind: &Kind, current: &Value, patch: &Value) -> Result<Value, String> {
    let _ = (kind, current, patch);
    Err("not yet".into())
}

/// Applies a JSON merge patch (RFC 7386).
pub fn merge(current: &Value, patch: &Value) -> Value {
    let _ = patch;
    current.clone()
}

/// Applies a JSON patch (RFC 6902).
///
/// # Errors
/// Upstream's words where an operation can't be done or a test fails.
pub fn json_patch(current: &Value, patch: &Value) -> Result<Value, String> {
    let _ = (current, patch);
    Err("not yet".into())
}

/// Makes the patch that client-side apply sends, from the object applied last, the one to be
/// applied and the one there is.
///
/// # Errors
/// Upstream's words where one of them doesn't fit the kind.
pub fn three_way_strategic(
    kind: &Kind,
    original: &Value,
    modified: &Value,
    current: &Value,
) -> Result<Value, String> {
    let _ = (kind, original, modified, current);
    Err("not yet".into())
}

/// Makes the JSON merge patch that client-side apply sends for a kind without a schema.
pub fn three_way_merge(original: &Value, modified: &Value, current: &Value) -> Value {
    let _ = (original, modified, current);
    Value::map()
}

/// Makes the strategic merge patch that turns one object into the other.
///
/// # Errors
/// Upstream's words where one of them doesn't fit the kind.
pub fn two_way(kind: &Kind, original: &Value, modified: &Value) -> Result<Value, String> {
    let _ = (kind, original, modified);
    Err("not yet".into())
}

/// Makes the JSON merge patch that turns one object into the other.
pub fn two_way_merge(original: &Value, modified: &Value) -> Value {
    let _ = (original, modified);
    Value::map()
}
