//! Probes and lifecycle handlers.
// Models pkg/apis/core/validation/validation.go

use crate::validation::names;
use crate::validation::path::{Errors, Path};
use api::Value;

/// Checks a container's lifecycle and its three probes.
pub(crate) fn validate_lifecycle_and_probes(
    container: &Value,
    grace: Option<i64>,
    path: &Path,
    errors: &mut Errors,
) {
    let lifecycle = path.child("lifecycle");
    for hook in ["postStart", "preStop"] {
        let handler = &container["lifecycle"][hook];
        if !handler.is_null() {
            validate_handler(handler, grace, &lifecycle.child(hook), errors);
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = &container[name];
        if probe.is_null() {
            continue;
        }
        let path = path.child(name);
        validate_probe(probe, grace, &path, errors);
        if name == "readinessProbe" {
            if !probe["terminationGracePeriodSeconds"].is_null() {
                let message = "must not be set for readinessProbes";
                let at = path.child("terminationGracePeriodSeconds");
                errors.invalid(at, &probe["terminationGracePeriodSeconds"], message);
            }
        } else if probe["successThreshold"].int() != 1 {
            let value = probe["successThreshold"].int();
            errors.invalid(path.child("successThreshold"), value, "must be 1");
        }
    }
}

// Models pkg/apis/core/validation/validation.go validateProbe
fn validate_probe(probe: &Value, grace: Option<i64>, path: &Path, errors: &mut Errors) {
    validate_handler(probe, grace, path, errors);
    for field in
        ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]
    {
        errors.check_not_negative(&path.child(field), &probe[field]);
    }
    let grace = &probe["terminationGracePeriodSeconds"];
    if grace.as_int().is_some_and(|seconds| seconds <= 0) {
        errors.invalid(path.child("terminationGracePeriodSeconds"), grace, "must be greater than 0");
    }
}

// Models pkg/apis/core/validation/validation.go validateHandler
fn validate_handler(handler: &Value, grace: Option<i64>, path: &Path, errors: &mut Errors) {
    let mut handlers = 0;
    for name in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        let action = &handler[name];
        if action.is_null() {
            continue;
        }
        let path = path.child(name);
        handlers += 1;
        if handlers > 1 {
            errors.forbidden(path, "may not specify more than 1 handler type");
            continue;
        }
        match name {
            "exec" if action["command"].items().is_empty() => errors.required(path.child("command"), ""),
            "httpGet" => validate_http_get(action, &path, errors),
            "tcpSocket" | "grpc" => validate_port(&action["port"], &path.child("port"), errors),
            "sleep" => {
                let (seconds, grace) = (action["seconds"].int(), grace.unwrap_or(i64::MAX));
                if seconds < 0 || seconds > grace {
                    let message =
                        format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
                    errors.invalid(path, seconds, message);
                }
            }
            _ => {}
        }
    }
    if handlers == 0 {
        errors.required(path, "must specify a handler type");
    }
}

// Models pkg/apis/core/validation/validation.go validateHTTPGetAction
fn validate_http_get(action: &Value, path: &Path, errors: &mut Errors) {
    if action["path"].str().is_empty() {
        errors.required(path.child("path"), "");
    }
    validate_port(&action["port"], &path.child("port"), errors);
    let scheme = action["scheme"].str();
    if !["HTTP", "HTTPS"].contains(&scheme) {
        errors.not_supported(path.child("scheme"), scheme, &["HTTP", "HTTPS"]);
    }
    for header in action["httpHeaders"].items() {
        errors.check_text(&path.child("httpHeaders"), header["name"].str(), names::http_header);
    }
}

/// Checks a port that is a number or a name.
// Models pkg/apis/core/validation/validation.go ValidatePortNumOrName
pub(crate) fn validate_port(port: &Value, path: &Path, errors: &mut Errors) {
    match port.as_str() {
        Some(name) => errors.check_text(path, name, names::port_name),
        None => errors.invalid_all(path, &Value::Int(port.int()), names::port_number(port.int())),
    }
}
