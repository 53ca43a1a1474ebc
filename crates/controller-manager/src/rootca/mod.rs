//! The ConfigMap `kube-root-ca.crt` of each namespace, which pods mount.
// Models pkg/controller/certificates/rootcacertpublisher

use crate::pod_control::is_namespace_terminating;
use crate::serviceaccount::is_active;
use api::resources::{CONFIGMAPS, NAMESPACES};
use api::{Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::Nanos;

const NAME: &str = "kube-root-ca.crt";
const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal \
    endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
    distributions of Kubernetes clusters.";
/// A certificate in form only: nothing in a simulated cluster verifies one.
pub(crate) const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n\
    U2ltdWxhdGVkIGNsdXN0ZXI6IG5vdGhpbmcgaGVyZSB2ZXJpZmllcyBhIGNlcnRp\n\
    ZmljYXRlLg==\n\
    -----END CERTIFICATE-----\n";

/// The publisher of the cluster's root certificate.
#[derive(Clone, Debug, Default)]
pub(crate) struct RootCaPublisher;

impl Reconcile for RootCaPublisher {
    fn identity(&self) -> Identity {
        let account = "root-ca-cert-publisher";
        Identity::controller(account, "controller/root-ca-certificate-publisher")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![NAMESPACES, CONFIGMAPS]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if change.resource == NAMESPACES && !change.new.is_null() {
            queue.add(change.key.clone());
        } else if change.resource == CONFIGMAPS && meta::name(change.object()) == NAME {
            queue.add(meta::namespace(change.object()));
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        if !informers.of(NAMESPACES).get(key).is_some_and(is_active) {
            return Ok(None);
        }
        let data = tree!({"ca.crt": CERTIFICATE});
        let result = match informers.of(CONFIGMAPS).get(&meta::object_key(key, NAME)) {
            Some(known) if known["data"] == data => return Ok(None),
            Some(known) => {
                let mut wanted = known.clone();
                wanted.set(&["data"], data);
                wanted.set(&["metadata", "annotations", "kubernetes.io/description"], DESCRIPTION);
                cx.update(CONFIGMAPS, &wanted, "")
            }
            None => cx.create(CONFIGMAPS, &config_map(key, data)),
        };
        match result {
            Err(failure) if !failure.is_already_exists() && !is_namespace_terminating(&failure) => {
                Err(failure)
            }
            _ => Ok(None),
        }
    }
}

fn config_map(namespace: &str, data: Value) -> Value {
    tree!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "annotations": {"kubernetes.io/description": DESCRIPTION},
        },
        "data": (data),
    })
}
