//! `x-kubernetes-validations`.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go

use crate::cel;
use crate::validation::Errors;
use api::{FieldError, FieldErrorKind, Value};

const RULES: &str = "x-kubernetes-validations";
/// How deep a schema is followed.
const DEPTH: usize = 64;

/// Returns whether a schema has rules anywhere.
pub(crate) fn has_rules(schema: &Value) -> bool {
    fn below(schema: &Value, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        !schema[RULES].items().is_empty()
            || schema["properties"].fields().iter().any(|(_, property)| below(property, depth))
            || [&schema["items"], &schema["additionalProperties"]]
                .into_iter()
                .any(|inner| inner.as_map().is_some() && below(inner, depth))
    }
    below(schema, DEPTH)
}

/// Checks the syntax of a schema's rules.
pub(crate) fn check_rules(schema: &Value, path: &str, errors: &mut Errors) {
    check_below(schema, path, DEPTH, errors);
}

fn check_below(schema: &Value, path: &str, depth: usize, errors: &mut Errors) {
    let Some(depth) = depth.checked_sub(1) else { return };
    for (i, rule) in schema[RULES].items().iter().enumerate() {
        let at = format!("{path}.{RULES}[{i}]");
        if rule["rule"].str().trim().is_empty() {
            errors.required(format!("{at}.rule"), "rule is not specified");
        } else if let Err(error) = cel::check(rule["rule"].str()) {
            errors.invalid(format!("{at}.rule"), rule, format!("compilation failed: {error}"));
        }
        let message = rule["messageExpression"].str();
        if !message.is_empty()
            && let Err(error) = cel::check(message)
        {
            let why = format!("messageExpression compilation failed: {error}");
            errors.invalid(format!("{at}.messageExpression"), rule, why);
        }
    }
    for (name, property) in schema["properties"].fields().iter() {
        check_below(property, &format!("{path}.properties[{name}]"), depth, errors);
    }
    for field in ["items", "additionalProperties"] {
        if schema[field].as_map().is_some() {
            check_below(&schema[field], &format!("{path}.{field}"), depth, errors);
        }
    }
}

/// Checks an object against its schema's rules. What was wrong before and hasn't changed is only warned of.
pub(super) fn evaluate(
    schema: &Value,
    object: &Value,
    old: &Value,
    errors: &mut Errors,
    warnings: &mut Vec<String>,
) {
    Walk { errors, warnings }.value(schema, object, old, "", DEPTH);
}

struct Walk<'a> {
    errors: &'a mut Errors,
    warnings: &'a mut Vec<String>,
}

impl Walk<'_> {
    fn value(&mut self, schema: &Value, value: &Value, old: &Value, path: &str, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        if value.is_null() {
            return;
        }
        for rule in schema[RULES].items() {
            self.rule(rule, schema, value, old, path);
        }
        match value {
            Value::Map(map) => {
                for (name, inner) in map.iter() {
                    let (known, at) = match schema["properties"].get(name) {
                        Some(property) if path.is_empty() => (property, name.to_string()),
                        Some(property) => (property, format!("{path}.{name}")),
                        None => (&schema["additionalProperties"], format!("{path}[{name}]")),
                    };
                    self.value(known, inner, &old[name], &at, depth);
                }
            }
            Value::List(items) => {
                let keys = schema["x-kubernetes-list-map-keys"].items();
                for (i, item) in items.iter().enumerate() {
                    // Only the items of a list that is a map can be told apart.
                    let same = |other: &&Value| keys.iter().all(|key| other[key.str()] == item[key.str()]);
                    let before = old.items().iter().find(same).filter(|_| !keys.is_empty());
                    let before = before.unwrap_or(&Value::Null);
                    self.value(&schema["items"], item, before, &format!("{path}[{i}]"), depth);
                }
            }
            _ => {}
        }
    }

    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go validateExpressions
    fn rule(&mut self, rule: &Value, schema: &Value, value: &Value, old: &Value, path: &str) {
        let expression = rule["rule"].str();
        let is_transition = cel::mentions(expression, "oldSelf");
        if is_transition && old.is_null() {
            return;
        }
        let variables = [("self", value, schema), ("oldSelf", old, schema)];
        let kind = schema["type"].str();
        let own = match path {
            "" => "<nil>",
            path => path,
        };
        let words = match rule["message"].str().trim() {
            "" => expression.trim(),
            message => message,
        };
        match cel::evaluate(expression, &variables) {
            Ok(Value::Bool(true)) => {}
            Ok(_) => {
                let detail = message(rule, &variables, words);
                let at = match (rule["fieldPath"].str(), path) {
                    ("", _) => own.to_string(),
                    (below, path) => format!("{path}{below}").trim_start_matches('.').to_string(),
                };
                let error = for_reason(rule["reason"].str(), at, kind, detail);
                if !is_transition && !old.is_null() && value == old {
                    self.warnings.push(error.to_string());
                } else {
                    self.errors.0.push(error);
                }
            }
            Err(error) if error == "no such overload" => {
                let why = format!(
                    "'{error}': call arguments did not match a supported operator, function or macro signature \
                     for rule: {words}"
                );
                self.errors.invalid(own, kind, why);
            }
            Err(error) => self.errors.invalid(own, kind, format!("{error} evaluating rule: {words}")),
        }
    }
}

/// Returns what a rule that doesn't hold says.
fn message(rule: &Value, variables: &[cel::Variable], words: &str) -> String {
    let expression = rule["messageExpression"].str();
    if !expression.is_empty()
        && let Ok(Value::Str(text)) = cel::evaluate(expression, variables)
        && !text.trim().is_empty()
        && !text.contains('\n')
    {
        return text.trim().to_string();
    }
    match rule["message"].str().trim() {
        "" => format!("failed rule: {words}"),
        message => message.to_string(),
    }
}

// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go fieldErrorForReason
fn for_reason(reason: &str, field: String, value: &str, detail: String) -> FieldError {
    let kind = match reason {
        "FieldValueForbidden" => FieldErrorKind::Forbidden,
        "FieldValueRequired" => FieldErrorKind::Required,
        "FieldValueDuplicate" => return FieldError::duplicate(field, value),
        _ => FieldErrorKind::Invalid,
    };
    FieldError { kind, field, value: value.into(), detail }
}
