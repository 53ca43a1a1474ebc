//! Failures that `api::Status` has no maker for.

use crate::resources::Rest;
use crate::validation::Errors;
use api::{Status, Value, tree};

/// Says that nothing is at the path.
pub(crate) fn no_such_path() -> Status {
    let mut status = Status::new(404, "NotFound", "the server could not find the requested resource");
    status.details = Value::map();
    status
}

/// Says that the method can't be used here.
pub(crate) fn method_not_allowed() -> Status {
    let message = "the server does not allow this method on the requested resource";
    let mut status = Status::new(405, "MethodNotAllowed", message);
    status.details = Value::map();
    status
}

/// Says that nothing is created of a kind whose definition is being deleted.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go ServeHTTP
pub(crate) fn terminating(rest: &Rest) -> Status {
    let message = "create not allowed while custom resource definition is terminating";
    let mut status = Status::new(405, "MethodNotAllowed", message);
    status.details = tree!({"group": (rest.kind.group), "kind": (rest.kind.plural)});
    status
}

/// Says that the form of the body isn't known.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/negotiation/errors.go errUnsupportedMediaType
pub(crate) fn unsupported_media_type(accepted: &[&str]) -> Status {
    let message = format!(
        "the body of the request was in an unknown format - accepted media types include: {}",
        accepted.join(", ")
    );
    Status::new(415, "UnsupportedMediaType", message)
}

/// Says that what was asked for is no longer kept.
// Models staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go NewResourceExpired
pub(crate) fn expired(message: impl Into<String>) -> Status {
    Status::new(410, "Expired", message)
}

/// Says which fields of an object are wrong, if any.
pub(crate) fn check(rest: &Rest, name: &str, errors: Errors) -> Result<(), Status> {
    if errors.0.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(&rest.group_kind, name, &errors.into_distinct()))
}

/// Makes the answer to what has no object to answer with.
pub(crate) fn success(code: u16, details: Value) -> Value {
    let mut status = tree!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"});
    if details.is_null() {
        status.set(&["code"], i64::from(code));
    } else {
        status.set(&["details"], details);
    }
    status
}
