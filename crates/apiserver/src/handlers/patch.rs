//! patch.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/patch.go

use super::get::in_form;
use super::{Call, Scope};
use crate::admission::Operation;
use crate::decode;
use crate::server::ApiServer;
use crate::status;
use api::{PatchType, Response, Status, Value};

const ACCEPTED: [&str; 3] =
    ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"];

impl ApiServer {
    /// Changes a part of an object.
    pub(crate) fn patch(&mut self, call: &mut Call, scope: Scope) -> Result<Response, Status> {
        let current = self.store.get(&call.key()).ok_or_else(|| call.not_found());
        if call.request.patch == PatchType::Apply {
            return Err(status::unsupported_media_type(&ACCEPTED));
        }
        check_form(call)?;
        let current = in_form(call, current?.value.clone());
        self.admit_operation(call, Operation::Update)?;
        let patched = apply(call, &current)?;
        let object = decode::patched(call, &patched, &current)?;
        let object = self.update(call, scope, object)?;
        Ok(call.answer(200, object))
    }
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
