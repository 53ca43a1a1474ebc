//! `serviceaccounts/NAME/token`: a token for a service account.
// Models pkg/registry/core/serviceaccount/storage/token.go

use super::Call;
use crate::authentication::{self, ISSUER};
use crate::server::ApiServer;
use api::{FieldError, Response, Status, Value, meta, tree};
use sim::SECOND;

/// For how long a token is good where the request doesn't say, in seconds.
const DEFAULT_SECONDS: i64 = 60 * 60;
const MIN_SECONDS: i64 = 10 * 60;
const MAX_SECONDS: i64 = 1 << 32;
/// The time by which the tokens of pods are recognised that admission asks for, in seconds. They are good for
/// longer, so that programs that never read theirs again go on.
// Models pkg/serviceaccount/claims.go WarnOnlyBoundTokenExpirationPeriod, ExpirationExtensionSeconds
const WARN_ONLY_SECONDS: i64 = 3_607;
const EXTENDED_SECONDS: i64 = 365 * 24 * 60 * 60;

impl ApiServer {
    /// Answers with a token. Nothing of it is stored.
    pub(super) fn request_token(&mut self, call: &Call) -> Result<Response, Status> {
        let account = self.store.get(&call.key()).ok_or_else(|| call.not_found())?.value.clone();
        let body = decode(&call.request.body)?;
        let seconds = body["spec"]["expirationSeconds"].as_int().unwrap_or(DEFAULT_SECONDS);
        check_seconds(seconds)?;
        let mut audiences = body["spec"]["audiences"].clone();
        if audiences.items().is_empty() {
            audiences = tree!([ISSUER]);
        }
        let now = call.now.0 / SECOND;
        let reference = |object: &Value| tree!({"name": (meta::name(object)), "uid": (meta::uid(object))});
        let mut bound = tree!({"namespace": (call.namespace), "serviceaccount": (reference(&account))});
        if let Some((key, object)) = self.bound_object(call, &body["spec"]["boundObjectRef"])? {
            bound.set(&[key], reference(&object));
            if let Some(node) = self.node_of(key, &object) {
                bound.set(&["node"], reference(&node));
            }
        }
        let mut good_for = seconds;
        let is_ours = audiences.items().iter().any(|audience| audience.str() == ISSUER);
        if seconds == WARN_ONLY_SECONDS && is_ours && !bound["pod"].is_null() {
            bound.set(&["warnafter"], now + seconds);
            good_for = EXTENDED_SECONDS;
        }
        let claims = tree!({
            "aud": audiences,
            "exp": (now + good_for),
            "iat": now,
            "iss": ISSUER,
            "jti": (self.new_uid(&format!("token/{}/{}", call.key(), call.now.0))),
            "kubernetes.io": bound,
            "nbf": now,
            "sub": (format!("system:serviceaccount:{}:{}", call.namespace, call.name)),
        });
        let mut answer = body;
        answer.set(&["apiVersion"], "authentication.k8s.io/v1");
        answer.set(&["kind"], "TokenRequest");
        answer.set(&["metadata", "name"], call.name);
        answer.set(&["metadata", "namespace"], call.namespace);
        answer.set(&["metadata", "creationTimestamp"], call.now.rfc3339());
        answer.set(&["spec", "audiences"], claims["aud"].clone());
        answer.set(&["spec", "expirationSeconds"], seconds);
        let expires = (call.now + seconds * SECOND).rfc3339();
        let token = authentication::sign(&self.options.token_key, &claims);
        answer.set(&["status"], tree!({"token": token, "expirationTimestamp": expires}));
        Ok(Response::new(201, answer))
    }

    /// Returns the object that the token is to be bound to, with the claim's name.
    fn bound_object(&self, call: &Call, reference: &Value) -> Result<Option<(&'static str, Value)>, Status> {
        let (key, plural, namespace) = match reference["kind"].str() {
            "" => return Ok(None),
            "Pod" => ("pod", "pods", call.namespace),
            "Secret" => ("secret", "secrets", call.namespace),
            "Node" => ("node", "nodes", ""),
            other => {
                let version = reference["apiVersion"].str();
                let kind = if version.is_empty() || version == "v1" {
                    format!("/v1, Kind={other}")
                } else {
                    format!("{version}, Kind={other}")
                };
                return Err(Status::bad_request(format!("cannot bind token to object of type {kind}")));
            }
        };
        let name = reference["name"].str();
        let rest = authentication::core(plural).ok_or_else(|| Status::not_found(plural, name))?;
        let found = self.store.get(&rest.key(namespace, name));
        let object = found.ok_or_else(|| Status::not_found(plural, name))?.value.clone();
        if plural == "pods" && object["spec"]["serviceAccountName"].str() != call.name {
            let message = format!(
                "cannot bind token for serviceaccount {:?} to pod running with different serviceaccount name.",
                call.name
            );
            return Err(Status::bad_request(message));
        }
        let uid = reference["uid"].str();
        if !uid.is_empty() && uid != meta::uid(&object) {
            let why = format!(
                "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated"
            );
            return Err(Status::conflict(plural, name, &why));
        }
        Ok(Some((key, object)))
    }

    /// Returns the node that the pod runs on to which a token is bound.
    fn node_of(&self, key: &str, pod: &Value) -> Option<Value> {
        let name = pod["spec"]["nodeName"].as_str().filter(|_| key == "pod")?;
        let rest = authentication::core("nodes")?;
        Some(self.store.get(&rest.key("", name))?.value.clone())
    }
}

fn decode(body: &Value) -> Result<Value, Status> {
    let Some(kind) = schema::find_kind("authentication.k8s.io", "v1", "TokenRequest") else {
        return Ok(body.clone());
    };
    let wrapped = |error: String| {
        Status::bad_request(format!(
            "TokenRequest in version \"v1\" cannot be handled as a TokenRequest: {error}"
        ))
    };
    schema::decode(kind, body).map(|decoded| decoded.value).map_err(wrapped)
}

// Models pkg/apis/authentication/validation/validation.go ValidateTokenRequest
fn check_seconds(seconds: i64) -> Result<(), Status> {
    let why = match seconds {
        MIN_SECONDS..=MAX_SECONDS => return Ok(()),
        ..MIN_SECONDS => "may not specify a duration less than 10 minutes",
        _ => "may not specify a duration larger than 2^32 seconds",
    };
    let error = FieldError::invalid("spec.expirationSeconds", seconds, why);
    Err(Status::invalid("TokenRequest.authentication.k8s.io", "", &[error]))
}
