//! Reads a request's body as an object of the resource's kind.

use crate::conversion;
use crate::handlers::Call;
use crate::resources::Rest;
use api::{PatchType, Request, Status, Value};
use schema::patch;

/// What is done about fields that a kind doesn't know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

impl FieldValidation {
    /// Reads the query's `fieldValidation`.
    ///
    /// # Errors
    /// A BadRequest where it is none.
    pub(crate) fn of(request: &Request) -> Result<FieldValidation, Status> {
        match request.param("fieldValidation") {
            "Ignore" => Ok(FieldValidation::Ignore),
            "" | "Warn" => Ok(FieldValidation::Warn),
            "Strict" => Ok(FieldValidation::Strict),
            other => Err(Status::invalid(
                "CreateOptions.meta.k8s.io",
                "",
                &[api::FieldError::not_supported(
                    "fieldValidation",
                    other,
                    &["", "Ignore", "Strict", "Warn"],
                )],
            )),
        }
    }
}

/// What of an object is the very same memory as in the stored one, which was read before.
struct Known<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> Known<'a> {
    /// Takes out of an object what is known.
    fn take(object: &'a Value, stored: &Value) -> (Value, Known<'a>) {
        let is_known = |(key, value): &(&str, &Value)| {
            matches!(value, Value::Map(_) | Value::List(_)) && value.same(&stored[*key])
        };
        let known: Vec<(&str, &Value)> = object.fields().iter().filter(is_known).collect();
        let mut rest = object.clone();
        for (key, _) in &known {
            rest.remove(&[key]);
        }
        // Who leaves them out means that they stay.
        let managed = &stored["metadata"]["managedFields"];
        if managed.same(&object["metadata"]["managedFields"]) {
            rest.remove(&["metadata", "managedFields"]);
        }
        (rest, Known(known))
    }

    fn put_back(self, object: &mut Value) {
        for (key, value) in self.0 {
            object.set(&[key], value);
        }
    }
}

/// Reads and defaults a request's body. `stored` is the object that it replaces; null for none.
///
/// # Errors
/// A BadRequest in upstream's words where the body is no object of the kind.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go transformDecodeError
pub(crate) fn object(call: &mut Call, body: &Value, stored: &Value) -> Result<Value, Status> {
    let rest = call.rest;
    let kind = rest.kind;
    if body.as_map().is_none() {
        let word = json_word(body);
        return Err(Status::bad_request(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {word} into Go value of type \
             struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \
             \"json:\\\"kind,omitempty\\\"\" }}"
        )));
    }
    let (version, name) = (body["apiVersion"].str(), body["kind"].str());
    let wrapped = |error: &str| {
        let version = version.rsplit('/').next().unwrap_or("");
        if name.is_empty() {
            let start: String = body.to_json().chars().take(30).collect();
            let of = kind.kind;
            return Status::bad_request(format!(
                "the object provided is unrecognized (must be of type {of}): {error} ({start})"
            ));
        }
        Status::bad_request(format!(
            "{name} in version {version:?} cannot be handled as a {}: {error}",
            kind.kind
        ))
    };
    if !name.is_empty() && name != kind.kind {
        return Err(wrapped(&format!(
            "converting ({version}.{name}) to ({}.{}): unknown conversion",
            rest.api_version, kind.kind
        )));
    }
    if !version.is_empty() && version != rest.api_version {
        return Err(Status::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            rest.api_version
        )));
    }
    let validation = FieldValidation::of(call.request)?;
    let (object, unknown) = read(rest, body, stored, From::Json).map_err(|error| wrapped(&error))?;
    if !unknown.is_empty() {
        match validation {
            FieldValidation::Ignore => {}
            FieldValidation::Warn => call.warnings.extend(unknown),
            FieldValidation::Strict => {
                let list = unknown.join(", ");
                return Err(wrapped(&format!("strict decoding error: {list}")));
            }
        }
    }
    Ok(object)
}

/// Reads and defaults what a patch has made of the stored object.
///
/// # Errors
/// Invalid in upstream's words where it is no object of the kind.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go applyPatchToCurrentObject, applyPatchToObject
pub(crate) fn patched(call: &mut Call, object: &Value, stored: &Value) -> Result<Value, Status> {
    let validation = FieldValidation::of(call.request)?;
    let strategic = call.request.patch == PatchType::StrategicMerge;
    let from = if strategic { From::Map } else { From::Json };
    let request = call.request;
    let invalid = |error: String| {
        let shown = if strategic {
            patch::printed(&patch::left_of(stored, &request.body))
        } else {
            api::go::json(object)
        };
        Status::invalid("", "", &[api::FieldError::invalid("patch", shown, error)])
    };
    let (read, unknown) = read(call.rest, object, stored, from).map_err(invalid)?;
    if !unknown.is_empty() {
        match validation {
            FieldValidation::Ignore => {}
            FieldValidation::Warn => call.warnings.extend(unknown),
            FieldValidation::Strict => {
                return Err(invalid(format!("strict decoding error: {}", unknown.join(", "))));
            }
        }
    }
    Ok(read)
}

/// How a value came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Json,
    Map,
}

/// Reads and defaults a value by its kind's fields or its definition's schema; returns what isn't known.
fn read(rest: &Rest, value: &Value, stored: &Value, from: From) -> Result<(Value, Vec<String>), String> {
    if let Some(custom) = &rest.custom {
        let (object, unknown) = custom.decode(value)?;
        return Ok((named(rest, object), unknown));
    }
    // What the two forms of events share has other names once it is read.
    let stored = if conversion::is_converted(rest) { &Value::Null } else { stored };
    let (unread, known) = Known::take(value, stored);
    let decoded = match from {
        From::Json => schema::decode_again(rest.kind, &unread, stored)?,
        From::Map => schema::restore(rest.kind, &unread, stored)?,
    };
    let mut object = finish(rest, decoded.value);
    known.put_back(&mut object);
    Ok((object, decoded.unknown))
}

/// Sets kind and version.
fn named(rest: &Rest, mut value: Value) -> Value {
    if value["apiVersion"].str() != rest.api_version {
        value.set(&["apiVersion"], rest.api_version.as_str());
    }
    if value["kind"].str() != rest.kind.kind {
        value.set(&["kind"], rest.kind.kind);
    }
    value
}

fn finish(rest: &Rest, value: Value) -> Value {
    let mut value = named(rest, value);
    schema::default(rest.kind, &mut value);
    conversion::to_stored(rest, value)
}

/// Returns what Go's json calls a value.
pub(crate) fn json_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::Str(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
    }
}
