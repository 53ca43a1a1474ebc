//! patch.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go

use super::get::in_form;
use super::{Call, Scope};
use crate::admission::Operation;
use crate::decode;
use crate::managed_fields;
use crate::server::ApiServer;
use crate::status;
use api::{FieldError, PatchType, Response, Status, Value};

const ACCEPTED: [&str; 3] =
    ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];

/// Of a custom resource nobody knows how its lists are merged.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go serveResource
const ACCEPTED_CUSTOM: [&str; 3] =
    ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];

impl ApiServer {
    /// Changes a part of an object.
    pub(crate) fn patch(&mut self, call: &mut Call, scope: Scope) -> Result<Response, Status> {
        if call.request.patch == PatchType::Apply {
            return self.apply(call, scope);
        }
        let current = self.store.get(&call.key()).ok_or_else(|| call.not_found());
        check_form(call)?;
        let current = in_form(call, current?.value.clone());
        self.admit_operation(call, Operation::Update)?;
        let patched = apply(call, &current)?;
        let object = decode::patched(call, &patched, &current)?;
        check_name(call, &object)?;
        let object = self.update(call, scope, object)?;
        Ok(call.answer(200, object))
    }
}

// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/rest.go checkName
fn check_name(call: &Call, object: &Value) -> Result<(), Status> {
    let why = match object["metadata"]["name"].str() {
        name if name == call.name => return Ok(()),
        "" => {
            let of = call.name;
            format!("the name of the object ({of} based on URL) was undeterminable: name must be provided")
        }
        name => format!("the name of the object ({name}) does not match the name on the URL ({})", call.name),
    };
    Err(Status::bad_request(why))
}

impl ApiServer {
    /// Puts what somebody applies over the stored object, or creates it.
    // Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go applyPatcher
    fn apply(&mut self, call: &mut Call, scope: Scope) -> Result<Response, Status> {
        let applied = checked(call)?;
        let stored = self.store.get(&call.key()).map_or(Value::Null, |entry| entry.value.clone());
        if stored.is_null() && scope != Scope::Main {
            return Err(call.not_found());
        }
        let operation = if stored.is_null() { Operation::Create } else { Operation::Update };
        self.admit_operation(call, operation)?;
        let force = call.request.flag("force");
        let mut merged = managed_fields::apply(call.rest, &stored, &applied, &call.writer(), force)?;
        call.managed = merged.remove(&["metadata", "managedFields"]);
        if stored.is_null() {
            let object = decode::object(call, &merged, &Value::Null)?;
            let object = self.create(call, object)?;
            return Ok(call.answer(201, object));
        }
        let object = decode::patched(call, &merged, &stored)?;
        let object = self.update(call, scope, object)?;
        Ok(call.answer(200, object))
    }
}

/// Checks what is applied before it is put over anything.
fn checked(call: &mut Call) -> Result<Value, Status> {
    let rest = call.rest;
    let request = call.request;
    if request.param("fieldManager").is_empty() {
        let error = FieldError::required("fieldManager", "is required for apply patch");
        return Err(Status::invalid("PatchOptions.meta.k8s.io", "", &[error]));
    }
    let mut applied = request.body.clone();
    if !applied["metadata"]["managedFields"].is_null() {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    if applied["apiVersion"].str() != rest.api_version || applied["kind"].str() != rest.kind.kind {
        let message = format!(
            "Incorrect version specified in apply patch. Specified patch version: {}, expected: {}",
            applied["apiVersion"].str(),
            rest.api_version
        );
        return Err(Status::bad_request(message));
    }
    managed_fields::check(rest, &applied)?;
    match applied["metadata"]["name"].str() {
        "" => applied.set(&["metadata", "name"], call.name),
        name if name == call.name => {}
        name => {
            return Err(Status::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                call.name
            )));
        }
    }
    // Only what is wrong is of interest: what is applied is what was written, without defaults.
    decode::object(call, &applied, &Value::Null)?;
    call.warnings.clear();
    if applied["metadata"]["creationTimestamp"].is_null() {
        applied.remove(&["metadata", "creationTimestamp"]);
    }
    Ok(applied)
}

fn check_form(call: &Call) -> Result<(), Status> {
    let body = &call.request.body;
    let (fits, wanted) = match call.request.patch {
        PatchType::Json => (body.as_list().is_some(), "jsonpatch.Patch"),
        _ => (body.as_map().is_some(), "map[string]interface {}"),
    };
    if fits || body.is_null() && call.request.patch != PatchType::Json {
        return Ok(());
    }
    let word = decode::json_word(body);
    Err(Status::bad_request(format!("json: cannot unmarshal {word} into Go value of type {wanted}")))
}

/// Applies the body to an object.
///
/// # Errors
/// What doesn't fit, as upstream tells it.
pub(super) fn apply(call: &Call, current: &Value) -> Result<Value, Status> {
    let body = &call.request.body;
    match call.request.patch {
        PatchType::StrategicMerge if call.rest.custom.is_some() => {
            Err(status::unsupported_media_type(&ACCEPTED_CUSTOM))
        }
        PatchType::StrategicMerge => {
            schema::patch::strategic_merge(call.rest.kind, current, body).map_err(Status::bad_request)
        }
        PatchType::Merge => Ok(schema::patch::merge(current, body)),
        PatchType::Json => schema::patch::json_patch(current, body).map_err(|_| {
            // Upstream keeps the reason to itself.
            Status::new(422, "Invalid", "the server rejected our request due to an error in our request")
        }),
        PatchType::Apply => Err(status::unsupported_media_type(&ACCEPTED)),
    }
}
