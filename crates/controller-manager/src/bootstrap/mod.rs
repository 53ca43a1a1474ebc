//! Bootstrap tokens, by which machines join: the cluster's description is signed with each of them, and those
//! that no longer hold are cleared away.
// Models pkg/controller/bootstrap

mod signer;
#[cfg(test)]
mod tests;
mod tokencleaner;

pub(crate) use signer::BootstrapSigner;
pub use signer::signature;
pub(crate) use tokencleaner::TokenCleaner;

use api::number::from_base64;
use api::{Value, meta};
use client::Change;
use sim::Time;

/// Where the tokens are.
const NAMESPACE: &str = "kube-system";

/// Returns whether a Secret is a bootstrap token.
fn is_token(secret: &Value) -> bool {
    secret["type"].str() == "bootstrap.kubernetes.io/token" && meta::namespace(secret) == NAMESPACE
}

/// Returns a token that a change is about.
fn token(change: &Change) -> Option<&Value> {
    Some(change.object()).filter(|secret| change.resource == api::resources::SECRETS && is_token(secret))
}

/// Returns a field of a token as text.
fn field(secret: &Value, name: &str) -> String {
    String::from_utf8(from_base64(secret["data"][name].str()).unwrap_or_default()).unwrap_or_default()
}

/// Returns until when a token holds; `None` for ever, and the beginning of time for what can't be read.
// Models staging/src/k8s.io/cluster-bootstrap/util/secrets/secrets.go GetExpiration
fn holds_until(secret: &Value) -> Option<Time> {
    match field(secret, "expiration").as_str() {
        "" => None,
        text => Some(Time::parse_rfc3339(text).unwrap_or(Time(i64::MIN))),
    }
}
