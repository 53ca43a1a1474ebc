//! The service account `default` of each namespace, and the tokens in Secrets.
// Models pkg/controller/serviceaccount/serviceaccounts_controller.go

mod tokens;

pub(crate) use tokens::Tokens;

use crate::pod_control::is_namespace_terminating;
use api::resources::{NAMESPACES, SERVICEACCOUNTS};
use api::{Resource, meta, tree};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::Nanos;

/// The service-account controller.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceAccounts;

impl Reconcile for ServiceAccounts {
    fn identity(&self) -> Identity {
        Identity::controller("service-account-controller", "controller/serviceaccount")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![NAMESPACES, SERVICEACCOUNTS]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if change.resource == NAMESPACES && !change.new.is_null() {
            queue.add(change.key.clone());
        } else if change.resource == SERVICEACCOUNTS && change.new.is_null() {
            queue.add(meta::namespace(&change.old));
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let active = informers.of(NAMESPACES).get(key).is_some_and(is_active);
        if !active || informers.of(SERVICEACCOUNTS).get(&meta::object_key(key, "default")).is_some() {
            return Ok(None);
        }
        let account = tree!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": key},
        });
        match cx.create(SERVICEACCOUNTS, &account) {
            Err(failure) if !failure.is_already_exists() && !is_namespace_terminating(&failure) => {
                Err(failure)
            }
            _ => Ok(None),
        }
    }
}

/// Returns whether a namespace takes new objects.
pub(crate) fn is_active(namespace: &api::Value) -> bool {
    namespace["status"]["phase"].str() != "Terminating" && !meta::is_deleting(namespace)
}
