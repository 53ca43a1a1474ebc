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

use api::Value;
use api::bootstrap_token::is_token;
use client::Change;

/// Returns a token that a change is about.
fn token(change: &Change) -> Option<&Value> {
    Some(change.object()).filter(|secret| change.resource == api::resources::SECRETS && is_token(secret))
}
