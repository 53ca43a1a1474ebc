use super::{DEPTH, child, field, format, is_set};
use api::{FieldError, FieldErrorKind, Value};
use regex_lite::Regex;

/// How many errors are collected.
const ERRORS: usize = 100;

/// Checks an object against its schema and adds what is wrong.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/validation/validation.go ValidateCustomResource,
// k8s.io/kube-openapi/pkg/validation/validate
pub fn validate(schema: &Value, object: &Value, errors: &mut Vec<FieldError>) {
    let mut check = Check::default();
    check.value(schema, object, "", DEPTH);
    errors.append(&mut check.errors);
}

#[derive(Default)]
struct Check {
    errors: Vec<FieldError>,
}

/// Returns what OpenAPI calls a value's type.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) => "integer",
        Value::Float(number) if number.fract() == 0.0 => "integer",
        Value::Float(_) => "number",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

/// Returns a schema's types; none where any will do.
fn types(schema: &Value) -> Vec<&str> {
    if is_set(schema, "x-kubernetes-int-or-string") {
        return vec!["integer", "string"];
    }
    match schema["type"].str() {
        "" => Vec::new(),
        one => vec![one],
    }
}

impl Check {
    fn add(&mut self, kind: FieldErrorKind, path: &str, value: impl Into<Value>, detail: String) {
        if self.errors.len() < ERRORS {
            let (field, value) = (path.trim_start_matches('.').to_string(), value.into());
            self.errors.push(FieldError { kind, field, value, detail });
        }
    }

    fn invalid(&mut self, path: &str, value: &Value, words: &str) {
        self.add(FieldErrorKind::Invalid, path, value, format!("{path} in body {words}"));
    }

    fn value(&mut self, schema: &Value, value: &Value, path: &str, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        if value.is_null() && schema["nullable"].is_true() {
            return;
        }
        let (known, found) = (types(schema), type_of(value));
        let fits = known.is_empty() || known.contains(&found) || found == "integer" && known == ["number"];
        if !fits {
            let detail = format!("{path} in body must be of type {}: {found:?}", known.join(","));
            self.add(FieldErrorKind::TypeInvalid, path, found, detail);
        }
        self.combined(schema, value, path, depth);
        match value {
            Value::Str(text) => self.text(schema, text, value, path),
            Value::Int(_) | Value::Float(_) => self.number(schema, value, path),
            Value::List(items) => {
                self.count(schema, items.len(), path, "Items");
                for (i, item) in items.iter().enumerate() {
                    self.value(&schema["items"], item, &format!("{path}[{i}]"), depth);
                }
            }
            _ => {}
        }
        self.one_of_few(schema, value, path);
        if let Value::Map(map) = value {
            self.count(schema, map.len(), path, "Properties");
            for (name, inner) in map.iter() {
                if let Some(known) = field(schema, name) {
                    self.value(known, inner, &child(path, name), depth);
                }
            }
            for name in schema["required"].items().iter().filter(|name| !map.contains(name.str())) {
                self.add(FieldErrorKind::Required, &child(path, name.str()), Value::Null, String::new());
            }
        }
    }

    /// Checks `allOf`, `anyOf`, `oneOf` and `not`.
    // Models k8s.io/kube-openapi/pkg/validation/validate/schema_props.go Validate
    fn combined(&mut self, schema: &Value, value: &Value, path: &str, depth: usize) {
        let tried = |list: &str| -> Vec<Vec<FieldError>> {
            let try_one = |one: &Value| {
                let mut check = Check::default();
                check.value(one, value, path, depth);
                check.errors
            };
            schema[list].items().iter().map(try_one).collect()
        };
        let any = tried("anyOf");
        if !any.is_empty() && !any.iter().any(Vec::is_empty) {
            self.whole(path, "must validate at least one schema (anyOf)");
            self.errors.extend(any.into_iter().next().unwrap_or_default());
        }
        let one = tried("oneOf");
        let fitting = one.iter().filter(|errors| errors.is_empty()).count();
        if !one.is_empty() && fitting != 1 {
            let found = match fitting {
                0 => "Found none valid".to_string(),
                several => format!("Found {several} valid alternatives"),
            };
            self.whole(path, &format!("must validate one and only one schema (oneOf). {found}"));
            if fitting == 0 {
                self.errors.extend(one.into_iter().next().unwrap_or_default());
            }
        }
        let all = tried("allOf");
        let failed = all.iter().filter(|errors| !errors.is_empty()).count();
        if failed > 0 {
            let none = if failed == all.len() { ". None validated" } else { "" };
            self.whole(path, &format!("must validate all the schemas (allOf){none}"));
            self.errors.extend(all.into_iter().flatten());
        }
        if schema["not"].as_map().is_some() {
            let mut check = Check::default();
            check.value(&schema["not"], value, path, depth);
            if check.errors.is_empty() {
                self.whole(path, "must not validate the schema (not)");
            }
        }
    }

    /// Adds an error about a value as a whole, to which upstream gives no field.
    fn whole(&mut self, path: &str, words: &str) {
        self.add(FieldErrorKind::Invalid, "<nil>", "", format!("{path:?} {words}"));
    }

    fn text(&mut self, schema: &Value, text: &str, value: &Value, path: &str) {
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if let Some(most) = schema["maxLength"].as_int().filter(|most| length > *most) {
            self.add(FieldErrorKind::TooLong, path, value, format!("may not be more than {most} bytes"));
        }
        if let Some(least) = schema["minLength"].as_int().filter(|least| length < *least) {
            self.invalid(path, value, &format!("should be at least {least} chars long"));
        }
        let pattern = schema["pattern"].str();
        // A pattern that can't be read was refused with its schema.
        if !pattern.is_empty() && Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text)) {
            self.invalid(path, value, &format!("should match '{pattern}'"));
        }
        let kind = schema["format"].str();
        if !format::has(kind, text) {
            let detail = format!("{path} in body must be of type {kind}: {}", api::go::quote(text));
            self.add(FieldErrorKind::TypeInvalid, path, value, detail);
        }
    }

    fn number(&mut self, schema: &Value, value: &Value, path: &str) {
        let Some(found) = number(value) else { return };
        let told = |bound: &Value| api::go::text(bound, "");
        let bound = |name: &str| number(&schema[name]).map(|bound| (bound, told(&schema[name])));
        if let Some((most, told)) = bound("maximum") {
            if schema["exclusiveMaximum"].is_true() && found >= most {
                self.invalid(path, value, &format!("should be less than {told}"));
            } else if found > most {
                self.invalid(path, value, &format!("should be less than or equal to {told}"));
            }
        }
        if let Some((least, told)) = bound("minimum") {
            if schema["exclusiveMinimum"].is_true() && found <= least {
                self.invalid(path, value, &format!("should be greater than {told}"));
            } else if found < least {
                self.invalid(path, value, &format!("should be greater than or equal to {told}"));
            }
        }
        if let Some((factor, told)) = bound("multipleOf").filter(|(factor, _)| *factor > 0.0)
            && (found / factor).fract() != 0.0
        {
            self.invalid(path, value, &format!("should be a multiple of {told}"));
        }
    }

    /// Checks how many items or properties there are.
    fn count(&mut self, schema: &Value, found: usize, path: &str, what: &str) {
        let count = i64::try_from(found).unwrap_or(i64::MAX);
        if let Some(most) = schema[format!("max{what}").as_str()].as_int().filter(|most| count > *most) {
            let items = if most == 1 { "item" } else { "items" };
            let detail = format!("must have at most {most} {items}");
            self.add(FieldErrorKind::TooMany, path, count, format!("{count}: {detail}"));
        }
        if let Some(least) = schema[format!("min{what}").as_str()].as_int().filter(|least| count < *least) {
            let words = format!("should have at least {least} {}", what.to_lowercase());
            self.invalid(path, &Value::Int(count), &words);
        }
    }

    fn one_of_few(&mut self, schema: &Value, value: &Value, path: &str) {
        let known = schema["enum"].items();
        if known.is_empty() || known.contains(value) {
            return;
        }
        let told = |one: &Value| one.as_str().map_or_else(|| one.to_json(), str::to_string);
        let told: Vec<String> = known.iter().map(told).collect();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        let error = FieldError::not_supported(path, value, &told);
        self.add(error.kind, path, value, error.detail);
    }
}

/// Checks that the items of lists that are sets or maps are there once.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype/validation.go ValidateListSetsAndMaps
pub fn validate_lists(schema: &Value, value: &Value, errors: &mut Vec<FieldError>) {
    lists(schema, value, "", DEPTH, errors);
}

fn lists(schema: &Value, value: &Value, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::List(items) => {
            let keys = schema["x-kubernetes-list-map-keys"].items();
            let by_keys = schema["x-kubernetes-list-type"].str() == "map";
            let seen_once = by_keys || schema["x-kubernetes-list-type"].str() == "set";
            let mut seen: Vec<Value> = Vec::new();
            for (i, item) in items.iter().enumerate() {
                let identity = if by_keys {
                    keys.iter().map(|key| (key.str(), &item[key.str()])).collect::<api::Map>().into()
                } else {
                    item.clone()
                };
                if seen_once && seen.contains(&identity) {
                    errors.push(FieldError::duplicate(format!("{path}[{i}]"), identity.clone()));
                }
                seen.push(identity);
                lists(&schema["items"], item, &format!("{path}[{i}]"), depth, errors);
            }
        }
        Value::Map(map) => {
            for (name, inner) in map.iter() {
                if let Some(known) = field(schema, name) {
                    lists(known, inner, &child(path, name), depth, errors);
                }
            }
        }
        _ => {}
    }
}
