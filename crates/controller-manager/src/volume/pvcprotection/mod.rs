//! A PersistentVolumeClaim goes only after the pods that mount it.
// Models pkg/controller/volume/pvcprotection/pvc_protection_controller.go

use super::without_finalizer;
use api::resources::{PERSISTENTVOLUMECLAIMS, PODS};
use api::volume::claims;
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::Nanos;

const FINALIZER: &str = "kubernetes.io/pvc-protection";

/// The controller that protects PersistentVolumeClaims.
#[derive(Clone, Default)]
pub(crate) struct PvcProtection;

impl Reconcile for PvcProtection {
    fn identity(&self) -> Identity {
        Identity::controller("pvc-protection-controller", "controller/persistentvolumeclaim-protection")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![PERSISTENTVOLUMECLAIMS, PODS]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == PERSISTENTVOLUMECLAIMS {
            if meta::is_deleting(&change.new) {
                queue.add(change.key.clone());
            }
        } else if change.resource == PODS && change.new.is_null() {
            for name in claims(&change.old) {
                let key = meta::object_key(meta::namespace(&change.old), &name);
                if informers.of(PERSISTENTVOLUMECLAIMS).get(&key).is_some_and(meta::is_deleting) {
                    queue.add(key);
                }
            }
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(claim) = informers.of(PERSISTENTVOLUMECLAIMS).get(key) else { return Ok(None) };
        let uses = |pod: &Value| {
            !pod["spec"]["nodeName"].str().is_empty() && claims(pod).any(|name| name == meta::name(claim))
        };
        let is_used = informers.of(PODS).in_namespace(meta::namespace(claim)).any(uses);
        if meta::is_deleting(claim)
            && !is_used
            && let Some(freed) = without_finalizer(claim, FINALIZER)
        {
            cx.update(PERSISTENTVOLUMECLAIMS, &freed, "")?;
        }
        Ok(None)
    }
}
