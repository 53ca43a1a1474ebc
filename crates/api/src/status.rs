//! Failures as the API tells them.

use crate::{Value, tree};
use std::fmt;

/// Why a field is wrong.
// Models staging/src/k8s.io/apimachinery/pkg/util/validation/field/errors.go ErrorType
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldErrorKind {
    /// `FieldValueNotFound`
    NotFound,
    /// `FieldValueRequired`
    Required,
    /// `FieldValueDuplicate`
    Duplicate,
    /// `FieldValueInvalid`
    Invalid,
    /// `FieldValueInvalid`, of a value that isn't shown
    InvalidUnshown,
    /// `FieldValueNotSupported`
    NotSupported,
    /// `FieldValueForbidden`
    Forbidden,
    /// `FieldValueTooLong`
    TooLong,
    /// `FieldValueTooMany`
    TooMany,
    /// `FieldValueTypeInvalid`
    TypeInvalid,
}

impl FieldErrorKind {
    /// Returns the cause's reason.
    pub fn reason(self) -> &'static str {
        match self {
            FieldErrorKind::NotFound => "FieldValueNotFound",
            FieldErrorKind::Required => "FieldValueRequired",
            FieldErrorKind::Duplicate => "FieldValueDuplicate",
            FieldErrorKind::Invalid | FieldErrorKind::InvalidUnshown => "FieldValueInvalid",
            FieldErrorKind::NotSupported => "FieldValueNotSupported",
            FieldErrorKind::Forbidden => "FieldValueForbidden",
            FieldErrorKind::TooLong => "FieldValueTooLong",
            FieldErrorKind::TooMany => "FieldValueTooMany",
            FieldErrorKind::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn words(self) -> &'static str {
        match self {
            FieldErrorKind::NotFound => "Not found",
            FieldErrorKind::Required => "Required value",
            FieldErrorKind::Duplicate => "Duplicate value",
            FieldErrorKind::Invalid | FieldErrorKind::InvalidUnshown | FieldErrorKind::TypeInvalid => {
                "Invalid value"
            }
            FieldErrorKind::NotSupported => "Unsupported value",
            FieldErrorKind::Forbidden => "Forbidden",
            FieldErrorKind::TooLong => "Too long",
            FieldErrorKind::TooMany => "Too many",
        }
    }
}

/// One wrong field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldError {
    /// Why.
    pub kind: FieldErrorKind,
    /// Where: `spec.ports[0].port`.
    pub field: String,
    /// What stands there.
    pub value: Value,
    /// Upstream's words on it; may be empty.
    pub detail: String,
}

impl FieldError {
    /// Makes an `Invalid value` error.
    pub fn invalid(
        field: impl Into<String>,
        value: impl Into<Value>,
        detail: impl Into<String>,
    ) -> FieldError {
        let (field, value, detail) = (field.into(), value.into(), detail.into());
        FieldError { kind: FieldErrorKind::Invalid, field, value, detail }
    }

    /// Makes a `Required value` error.
    pub fn required(field: impl Into<String>, detail: impl Into<String>) -> FieldError {
        let (field, detail) = (field.into(), detail.into());
        FieldError { kind: FieldErrorKind::Required, field, value: Value::Null, detail }
    }

    /// Makes a `Duplicate value` error.
    pub fn duplicate(field: impl Into<String>, value: impl Into<Value>) -> FieldError {
        let (field, value) = (field.into(), value.into());
        FieldError { kind: FieldErrorKind::Duplicate, field, value, detail: String::new() }
    }

    /// Makes a `Forbidden` error.
    pub fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> FieldError {
        let (field, detail) = (field.into(), detail.into());
        FieldError { kind: FieldErrorKind::Forbidden, field, value: Value::Null, detail }
    }

    /// Makes an `Unsupported value` error that names the values there are.
    pub fn not_supported(
        field: impl Into<String>,
        value: impl Into<Value>,
        supported: &[&str],
    ) -> FieldError {
        let quoted: Vec<String> = supported.iter().map(|value| format!("{value:?}")).collect();
        let detail = if quoted.is_empty() {
            String::new()
        } else {
            format!("supported values: {}", quoted.join(", "))
        };
        let (field, value) = (field.into(), value.into());
        FieldError { kind: FieldErrorKind::NotSupported, field, value, detail }
    }

    /// Returns the error without its field, as a cause's message.
    // Models staging/src/k8s.io/apimachinery/pkg/util/validation/field/errors.go ErrorBody
    pub fn body(&self) -> String {
        let mut text = self.kind.words().to_string();
        let shows_value = !matches!(
            self.kind,
            FieldErrorKind::InvalidUnshown
                | FieldErrorKind::Required
                | FieldErrorKind::Forbidden
                | FieldErrorKind::TooLong
                | FieldErrorKind::TooMany
        );
        if shows_value {
            let value = match &self.value {
                Value::Str(value) => format!("{value:?}"),
                value => value.to_json(),
            };
            text.push_str(": ");
            text.push_str(&value);
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

/// A failure as the API tells it (`metav1.Status`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Status {
    /// The HTTP status code.
    pub code: u16,
    /// The reason: `NotFound`.
    pub reason: String,
    /// The message.
    pub message: String,
    /// Name, kind, causes.
    pub details: Value,
}

impl Status {
    /// Makes a failure without details.
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Status {
        Status { code, reason: reason.to_string(), message: message.into(), details: Value::Null }
    }

    /// Says that `name` of the resource (`deployments.apps`) isn't there.
    pub fn not_found(group_resource: &str, name: &str) -> Status {
        let message = format!("{group_resource} {name:?} not found");
        Status::new(404, "NotFound", message).with_details(group_resource, name)
    }

    /// Says that `name` is there already.
    pub fn already_exists(group_resource: &str, name: &str) -> Status {
        let message = format!("{group_resource} {name:?} already exists");
        Status::new(409, "AlreadyExists", message).with_details(group_resource, name)
    }

    /// Says that the object has changed since it was read.
    pub fn conflict(group_resource: &str, name: &str, why: &str) -> Status {
        let message = format!("Operation cannot be fulfilled on {group_resource} {name:?}: {why}");
        Status::new(409, "Conflict", message).with_details(group_resource, name)
    }

    /// Says that it may not be done.
    pub fn forbidden(group_resource: &str, name: &str, why: &str) -> Status {
        let message = if name.is_empty() {
            format!("{group_resource} is forbidden: {why}")
        } else {
            format!("{group_resource} {name:?} is forbidden: {why}")
        };
        Status::new(403, "Forbidden", message).with_details(group_resource, name)
    }

    /// Says that the request can't be understood.
    pub fn bad_request(message: impl Into<String>) -> Status {
        Status::new(400, "BadRequest", message)
    }

    /// Says which fields of an object are wrong. `kind` is `Deployment.apps`, or `Service` for the core group.
    // Models staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go NewInvalid
    pub fn invalid(group_kind: &str, name: &str, errors: &[FieldError]) -> Status {
        let all: Vec<String> = errors.iter().map(FieldError::to_string).collect();
        let list = match all.as_slice() {
            [one] => one.clone(),
            all => format!("[{}]", all.join(", ")),
        };
        let causes: Vec<Value> = errors
            .iter()
            .map(|error| {
                tree!({
                    "reason": (error.kind.reason()),
                    "message": (error.body()),
                    "field": (error.field.as_str()),
                })
            })
            .collect();
        let message = format!("{group_kind} {name:?} is invalid: {list}");
        let mut status = Status::new(422, "Invalid", message).with_details(group_kind, name);
        status.details.set(&["causes"], causes);
        status
    }

    fn with_details(mut self, group_resource: &str, name: &str) -> Status {
        let (kind, group) = group_resource.split_once('.').unwrap_or((group_resource, ""));
        let mut details = tree!({"kind": kind});
        if !name.is_empty() {
            details.set(&["name"], name);
        }
        if !group.is_empty() {
            details.set(&["group"], group);
        }
        self.details = details;
        self
    }

    /// Returns the Status object.
    pub fn to_value(&self) -> Value {
        let mut status = tree!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": (self.message.as_str()),
            "reason": (self.reason.as_str()),
            "code": (i64::from(self.code)),
        });
        if !self.details.is_null() {
            status.set(&["details"], &self.details);
        }
        status
    }

    /// Reads a Status object; `None` where the value is none.
    pub fn from_value(value: &Value) -> Option<Status> {
        if value["kind"].str() != "Status" {
            return None;
        }
        Some(Status {
            code: u16::try_from(value["code"].int()).unwrap_or(500),
            reason: value["reason"].str().to_string(),
            message: value["message"].str().to_string(),
            details: value["details"].clone(),
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_wrong_fields_as_upstream() {
        let one = [FieldError::required("spec.ports", "")];
        let status = Status::invalid("Service", "a", &one);
        assert_eq!(status.message, r#"Service "a" is invalid: spec.ports: Required value"#);
        let two = [
            FieldError::invalid("spec.ports[0].port", 99999, "must be between 1 and 65535, inclusive"),
            FieldError::not_supported("spec.type", "X", &["ClusterIP", "NodePort"]),
        ];
        assert_eq!(
            Status::invalid("Service", "a", &two).message,
            "Service \"a\" is invalid: [spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, \
             inclusive, spec.type: Unsupported value: \"X\": supported values: \"ClusterIP\", \"NodePort\"]"
        );
        assert_eq!(Status::from_value(&status.to_value()), Some(status));
    }
}
