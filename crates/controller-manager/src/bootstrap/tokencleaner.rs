//! Deletes bootstrap tokens that no longer hold.
// Models pkg/controller/bootstrap/tokencleaner.go

use super::token;
use api::bootstrap_token::holds_until;
use api::resources::SECRETS;
use api::{Resource, meta, tree};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::Nanos;

/// The token cleaner.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenCleaner;

impl Reconcile for TokenCleaner {
    fn identity(&self) -> Identity {
        Identity::controller("token-cleaner", "controller/token-cleaner")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![SECRETS]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if !change.new.is_null() && token(change).is_some() {
            queue.add(change.key.clone());
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(secret) = informers.of(SECRETS).get(key) else { return Ok(None) };
        let Some(until) = holds_until(secret) else { return Ok(None) };
        if until > cx.at() {
            return Ok(Some(until - cx.at()));
        }
        let (namespace, name) = meta::split_key(key);
        let options = tree!({"preconditions": {"uid": (meta::uid(secret))}});
        match cx.delete(SECRETS, namespace, name, options) {
            Err(failure) if !failure.is_not_found() && !failure.is_conflict() => Err(failure),
            _ => Ok(None),
        }
    }
}
