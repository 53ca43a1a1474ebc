//! What restores structs from maps, where it differs from the decoder.
// Models staging/src/k8s.io/apimachinery/pkg/runtime/converter.go

use super::place::go_type;
use crate::definition::Type;
use api::Value;

/// Returns a number that Go converts in silence: a fraction of nothing, or more than 32 bits.
// Models converter.go fromUnstructured
pub(super) fn number(ty: &Type, value: &Value) -> Option<Value> {
    match (ty, value) {
        (Type::Int32, Value::Int(number)) if i32::try_from(*number).is_err() => {
            let [a, b, c, d, ..] = number.to_le_bytes();
            Some(Value::Int(i64::from(i32::from_le_bytes([a, b, c, d]))))
        }
        (Type::Int32 | Type::Int64, Value::Float(number)) if *number == number.trunc() => {
            let text = format!("{number:.0}");
            text.parse::<i64>().ok().map(Value::Int)
        }
        _ => None,
    }
}

/// Returns what is said of a value that doesn't fit.
pub(super) fn mismatch(found: &Value, ty: &Type, go: &str) -> String {
    let kind = match found {
        Value::Null => "invalid",
        Value::Str(_) => "string",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Float(_) => "float64",
        Value::List(_) => "slice",
        Value::Map(_) => "map",
    };
    match (ty, found) {
        (Type::Map(_), _) => format!("cannot restore map from {kind}"),
        (Type::List(_) | Type::Bytes, _) => format!("cannot restore slice from {kind}"),
        (Type::Ref(_), _) => format!("cannot restore struct from: {kind}"),
        // Go can make a text of a number, a character, and so it asks whether that is wanted.
        (Type::Str, Value::Int(_)) | (Type::Int32 | Type::Int64, Value::Float(_)) => {
            format!("cannot convert {kind} to {}", go_type(ty, go))
        }
        _ => format!("unrecognized type: {}", go_type(ty, "")),
    }
}
