use super::{DEPTH, is_set};
use api::{FieldError, Value};
use regex_lite::Regex;

/// Where a schema stands, which decides what must be said about its type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// Checks that a schema is structural, and returns what is wrong, sorted.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/validation.go ValidateStructural,
// complete.go validateStructuralCompleteness
pub fn check(schema: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    structure(schema, Level::Root, path, DEPTH, &mut errors);
    errors.sort_by_key(FieldError::to_string);
    errors
}

fn structure(schema: &Value, level: Level, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let kind = schema["type"].str();
    if kind == "array" && schema["items"].is_null() {
        errors.push(FieldError::required(format!("{path}.items"), "must be specified"));
    }
    if schema["items"].as_map().is_some() {
        structure(&schema["items"], Level::Item, &format!("{path}.items"), depth, errors);
    }
    for (name, property) in schema["properties"].fields().iter() {
        structure(property, Level::Field, &format!("{path}.properties[{name}]"), depth, errors);
    }
    additional(schema, level, path, depth, errors);
    if is_set(schema, "uniqueItems") {
        let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.push(FieldError::forbidden(format!("{path}.uniqueItems"), why));
    }
    extensions(schema, level, path, errors);
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        errors.push(FieldError::invalid(format!("{path}.type"), kind, "must be object at the root"));
    }
    if !kind.is_empty() && !["array", "boolean", "integer", "number", "object", "string"].contains(&kind) {
        let known = ["array", "boolean", "integer", "number", "object", "string"];
        errors.push(FieldError::not_supported(format!("{path}.type"), kind, &known));
    }
    if level == Level::Root {
        metadata(&schema["properties"]["metadata"], &format!("{path}.properties[metadata]"), errors);
    }
    values(schema, schema, path, depth, errors);
    defaults(schema, path, errors);
}

fn additional(schema: &Value, level: Level, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    let inner = &schema["additionalProperties"];
    if inner.is_null() {
        return;
    }
    let path_of = format!("{path}.additionalProperties");
    if !schema["properties"].is_empty() && *inner != Value::Bool(true) {
        let why = "additionalProperties and properties are mutual exclusive";
        errors.push(FieldError::forbidden(path_of.as_str(), why));
    }
    if *inner == Value::Bool(false) {
        let why = "additionalProperties cannot be set to false";
        errors.push(FieldError::forbidden(path_of.as_str(), why));
    }
    if level == Level::Root {
        errors.push(FieldError::forbidden(path_of.as_str(), "must not be used at the root"));
    }
    if inner.as_map().is_some() {
        structure(inner, Level::Field, &path_of, depth, errors);
    }
}

fn extensions(schema: &Value, level: Level, path: &str, errors: &mut Vec<FieldError>) {
    let kind = schema["type"].str();
    let is_free = is_set(schema, "x-kubernetes-preserve-unknown-fields");
    let is_either = is_set(schema, "x-kubernetes-int-or-string");
    let is_embedded = is_set(schema, "x-kubernetes-embedded-resource");
    let at = |name: &str| format!("{path}.{name}");
    if is_either && is_free {
        let why = "must be false if x-kubernetes-int-or-string is true";
        errors.push(FieldError::invalid(at("x-kubernetes-preserve-unknown-fields"), true, why));
    }
    if is_either && is_embedded {
        let why = "must be false if x-kubernetes-int-or-string is true";
        errors.push(FieldError::invalid(at("x-kubernetes-embedded-resource"), true, why));
    }
    if is_embedded && kind != "object" {
        let why = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(match kind {
            "" => FieldError::required(at("type"), why),
            kind => FieldError::invalid(at("type"), kind, why),
        });
    } else if kind.is_empty() && !is_either && !is_free {
        errors.push(FieldError::required(
            at("type"),
            match level {
                Level::Root => "must not be empty at the root",
                Level::Item => "must not be empty for specified array items",
                Level::Field => "must not be empty for specified object fields",
            },
        ));
    }
    if is_embedded && !is_free && schema["properties"].is_empty() {
        let why = "must not be empty if x-kubernetes-embedded-resource is true without \
                   x-kubernetes-preserve-unknown-fields";
        errors.push(FieldError::required(at("properties"), why));
    }
    list_type(schema, path, errors);
}

// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
// ValidateCustomResourceDefinitionOpenAPISchema
fn list_type(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let (list, keys) = (schema["x-kubernetes-list-type"].str(), schema["x-kubernetes-list-map-keys"].items());
    let at = |name: &str| format!("{path}.{name}");
    if !list.is_empty() && schema["type"].str() != "array" {
        let why = "must be array if x-kubernetes-list-type is specified";
        errors.push(match schema["type"].str() {
            "" => FieldError::required(at("type"), why),
            kind => FieldError::invalid(at("type"), kind, why),
        });
    }
    if !matches!(list, "" | "atomic" | "set" | "map") {
        let known = ["atomic", "set", "map"];
        errors.push(FieldError::not_supported(at("x-kubernetes-list-type"), list, &known));
    }
    if list == "map" && keys.is_empty() {
        let why = "must not be empty if x-kubernetes-list-type is map";
        errors.push(FieldError::required(at("x-kubernetes-list-map-keys"), why));
    }
    if !keys.is_empty() && list != "map" {
        let why = "must be map if x-kubernetes-list-map-keys is non-empty";
        errors.push(match list {
            "" => FieldError::required(at("x-kubernetes-list-type"), why),
            list => FieldError::invalid(at("x-kubernetes-list-type"), list, why),
        });
    }
    let items = &schema["items"];
    for (i, key) in keys.iter().enumerate() {
        if items["properties"].get(key.str()).is_none() {
            let why = "entries must all be names of item properties";
            errors.push(FieldError::invalid(at(&format!("x-kubernetes-list-map-keys[{i}]")), key, why));
        }
        let is_there =
            items["required"].items().contains(key) || !items["properties"][key.str()]["default"].is_null();
        if !is_there {
            let field = format!("{path}.items.properties[{}].default", key.str());
            let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required \
                       property";
            errors.push(FieldError::required(field, why));
        }
    }
}

fn metadata(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if schema.is_null() {
        return;
    }
    if schema["type"].str() != "object" {
        errors.push(FieldError::invalid(format!("{path}.type"), &schema["type"], "must be object"));
    }
    let mut names = schema["properties"].fields().iter();
    let only_names = names.all(|(name, _)| matches!(name, "name" | "generateName"));
    let plain = schema.fields().iter().all(|(key, _)| matches!(key, "type" | "properties" | "description"));
    if !only_names || !plain {
        let why = "must not specify anything other than name and generateName, but metadata is implicitly \
                   specified";
        errors.push(FieldError::forbidden(path, why));
    }
}

/// Checks what is said about values: below `allOf` and its like only what is said above may be restricted.
fn values(schema: &Value, root: &Value, path: &str, depth: usize, errors: &mut Vec<FieldError>) {
    let pattern = schema["pattern"].str();
    if !pattern.is_empty()
        && let Err(error) = Regex::new(pattern)
    {
        let why = format!("must be a valid regular expression, but isn't: {error}");
        errors.push(FieldError::invalid(format!("{path}.pattern"), pattern, why));
    }
    for list in ["anyOf", "allOf", "oneOf"] {
        for (i, one) in schema[list].items().iter().enumerate() {
            let either = list == "anyOf" && is_set(root, "x-kubernetes-int-or-string");
            nested(one, root, &format!("{path}.{list}[{i}]"), either, depth, errors);
        }
    }
    if schema["not"].as_map().is_some() {
        nested(&schema["not"], root, &format!("{path}.not"), false, depth, errors);
    }
}

fn nested(
    schema: &Value,
    root: &Value,
    path: &str,
    may_have_type: bool,
    depth: usize,
    errors: &mut Vec<FieldError>,
) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let rules = [
        ("type", "must be empty to be structural"),
        ("additionalProperties", "must be undefined to be structural"),
        ("default", "must be undefined to be structural"),
        ("title", "must be empty to be structural"),
        ("description", "must be empty to be structural"),
        ("nullable", "must be false to be structural"),
        ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
        ("x-kubernetes-embedded-resource", "must be false to be structural"),
        ("x-kubernetes-int-or-string", "must be false to be structural"),
        ("x-kubernetes-list-map-keys", "must be empty to be structural"),
        ("x-kubernetes-list-type", "must be undefined to be structural"),
        ("x-kubernetes-map-type", "must be undefined to be structural"),
        ("x-kubernetes-validations", "must be empty to be structural"),
    ];
    for (name, why) in rules {
        let may = name == "type" && (may_have_type || is_set(root, "x-kubernetes-int-or-string"));
        if !schema[name].is_empty() && schema[name] != Value::Bool(false) && !may {
            errors.push(FieldError::forbidden(format!("{path}.{name}"), why));
        }
    }
    if schema["properties"].get("metadata").is_some() {
        let field = format!("{path}.properties[metadata]");
        errors.push(FieldError::forbidden(field, "must not be specified in a nested context"));
    }
    if schema["items"].as_map().is_some() {
        if root["items"].is_null() {
            let field = path.split(".allOf").next().unwrap_or(path).to_string() + ".items";
            errors.push(FieldError::required(field, format!("because it is defined in {path}.items")));
        }
        nested(&schema["items"], &root["items"], &format!("{path}.items"), false, depth, errors);
    }
    for (name, property) in schema["properties"].fields().iter() {
        let at = format!("{path}.properties[{name}]");
        let known = &root["properties"][name];
        if known.is_null() && root["additionalProperties"].is_null() {
            let above =
                ["anyOf", "allOf", "oneOf", "not"].iter().filter_map(|word| path.find(&format!(".{word}")));
            let start = above.min().and_then(|end| path.get(..end)).unwrap_or(path);
            let field = format!("{start}.properties[{name}]");
            errors.push(FieldError::required(field, format!("because it is defined in {at}")));
        }
        nested(property, known, &at, false, depth, errors);
    }
    values(schema, root, path, depth, errors);
}

/// Checks that a default is what its schema wants.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go validate
fn defaults(schema: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let given = &schema["default"];
    if given.is_null() {
        return;
    }
    let at = format!("{path}.default");
    let mut pruned = given.clone();
    if !super::prune(schema, &mut pruned).is_empty() {
        errors.push(FieldError::invalid(at.as_str(), given, "must not have unknown fields"));
    }
    let mut wrong = Vec::new();
    super::validate(schema, given, &mut wrong);
    for mut error in wrong {
        error.field = if error.field.is_empty() { at.clone() } else { format!("{at}.{}", error.field) };
        errors.push(error);
    }
}
