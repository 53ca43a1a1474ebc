//! Whether what somebody applies is what its kind knows.
// Models sigs.k8s.io/structured-merge-diff/typed/validate.go

use super::set;
use super::tree::{Keys, Kind, Shape};
use api::{Status, Value, go};
use schema::Type;

/// Checks what somebody applies against the shape of its kind.
///
/// # Errors
/// An error without a reason, as upstream's.
// Models staging/src/k8s.io/apimachinery/pkg/util/managedfields/internal/structuredmerge.go Apply
pub(super) fn check(applied: &Value, shape: Shape) -> Result<(), Status> {
    let mut errors = Vec::new();
    visit(applied, shape, &mut Vec::new(), &mut errors);
    let errors = match errors.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        all => format!("errors:\n  {}", all.join("\n  ")),
    };
    let [namespace, name] = ["namespace", "name"].map(|field| applied["metadata"][field].str());
    let (group, version) =
        applied["apiVersion"].str().split_once('/').unwrap_or(("", applied["apiVersion"].str()));
    let kind = applied["kind"].str();
    let what = format!("{namespace}/{name}; {group}/{version}, Kind={kind}");
    Err(Status::new(500, "", format!("failed to create typed patch object ({what}): {errors}")))
}

fn visit(value: &Value, shape: Shape, path: &mut Vec<String>, errors: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    if let Some(error) = mismatch(value, shape) {
        say(path, &error, errors);
        return;
    }
    match value {
        Value::Map(map) => {
            for (name, child) in map.iter() {
                path.push(format!("f:{name}"));
                let known = shape.declares(name);
                if known {
                    visit(child, shape.child(name), path, errors);
                } else {
                    say(path, "field not declared in schema", errors);
                }
                path.pop();
                if !known {
                    return;
                }
            }
        }
        Value::List(items) => visit_items(value, items, shape, path, errors),
        _ => {}
    }
}

// Models sigs.k8s.io/structured-merge-diff/typed/validate.go visitListItems
fn visit_items(
    list: &Value,
    items: &[Value],
    shape: Shape,
    path: &mut Vec<String>,
    errors: &mut Vec<String>,
) {
    let mut seen: Vec<String> = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let element = match shape.kind(list) {
            Kind::Keyed(keys) => match unkeyed(item, keys) {
                Some(error) => return say(path, &format!("element {i}: {error}"), errors),
                None => keys.element(item),
            },
            Kind::Values if item.is_null() => {
                let error = "associative list without keys has an element that's an explicit null";
                return say(path, &format!("element {i}: {error}"), errors);
            }
            Kind::Values => format!("v:{}", item.to_json()),
            Kind::Map | Kind::Whole => format!("{i}"),
        };
        if element.contains(':') && seen.contains(&element) {
            let shown = set::print(std::slice::from_ref(&element));
            say(path, &format!("duplicate entries for key {shown}"), errors);
        }
        path.push(element.clone());
        seen.push(element);
        visit(item, shape.child(""), path, errors);
        path.pop();
    }
}

/// Returns why an item cannot be told apart from others.
// Models sigs.k8s.io/structured-merge-diff/typed/helpers.go keyedAssociativeListItemToPathElement
fn unkeyed(item: &Value, keys: Keys) -> Option<String> {
    if item.is_null() {
        return Some("associative list with keys may not have a null element".into());
    }
    if item.as_map().is_none() {
        return Some("associative list with keys may not have non-map elements".into());
    }
    let name = keys.missing(item)?;
    let omits = "associative list with keys has an element that omits key field";
    Some(format!("{omits} {} (and doesn't have default value)", go::quote(&name)))
}

fn say(path: &[String], error: &str, errors: &mut Vec<String>) {
    let path = set::print(path);
    errors.push(if path.is_empty() { error.to_string() } else { format!("{path}: {error}") });
}

/// What a value may be.
enum Wanted {
    Map,
    List,
    Text,
    Number,
    Truth,
    Anything,
}

// Models sigs.k8s.io/structured-merge-diff/typed/validate.go validateScalar, helpers.go mapValue, listValue
fn mismatch(value: &Value, shape: Shape) -> Option<String> {
    let word = match (wanted(shape), value) {
        (Wanted::Anything, _)
        | (Wanted::Map, Value::Map(_))
        | (Wanted::List, Value::List(_))
        | (Wanted::Text, Value::Str(_))
        | (Wanted::Number, Value::Int(_) | Value::Float(_))
        | (Wanted::Truth, Value::Bool(_)) => return None,
        (Wanted::Map, _) => "map",
        (Wanted::List, _) => "list",
        (Wanted::Truth, _) => "boolean",
        (Wanted::Number, _) => {
            return Some(format!("expected numeric (int or float), got {}", go::type_name(value)));
        }
        (Wanted::Text, _) => {
            let shown = in_go(value);
            return Some(format!("expected string, got &value.valueUnstructured{{Value:{shown}}}"));
        }
    };
    Some(format!("expected {word}, got &{{{}}}", schema::patch::printed(value)))
}

fn wanted(shape: Shape) -> Wanted {
    match shape {
        Shape::Custom(_) | Shape::Struct(_) => Wanted::Map,
        Shape::Unknown => Wanted::Anything,
        Shape::Schema(schema) if schema["x-kubernetes-int-or-string"].is_true() => Wanted::Anything,
        Shape::Schema(schema) => match schema["type"].str() {
            "object" => Wanted::Map,
            "array" => Wanted::List,
            "string" => Wanted::Text,
            "integer" | "number" => Wanted::Number,
            "boolean" => Wanted::Truth,
            _ => Wanted::Anything,
        },
        Shape::Of(ty, _) => match ty {
            Type::Map(_) | Type::Ref(_) => Wanted::Map,
            Type::List(_) => Wanted::List,
            Type::Str | Type::Bytes => Wanted::Text,
            Type::Int32 | Type::Int64 | Type::Float => Wanted::Number,
            Type::Bool => Wanted::Truth,
            Type::Quantity | Type::IntOrString | Type::Time | Type::MicroTime | Type::Any(_) => {
                Wanted::Anything
            }
        },
    }
}

/// Writes a value as Go's `%#v` does.
fn in_go(value: &Value) -> String {
    let all = |parts: Vec<String>| format!("{}{{{}}}", go::type_name(value), parts.join(", "));
    match value {
        Value::Null => "interface {}(nil)".into(),
        Value::Str(text) => go::quote(text),
        Value::List(items) => all(items.iter().map(in_go).collect()),
        Value::Map(map) => {
            all(map.iter().map(|(key, value)| format!("{}:{}", go::quote(key), in_go(value))).collect())
        }
        other => schema::patch::printed(other),
    }
}
