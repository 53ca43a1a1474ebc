use crate::Kind;
use api::Value;

/// Sets what upstream sets where the user said nothing.
pub fn default(kind: &Kind, value: &mut Value) {
    let _ = (kind, value);
}
