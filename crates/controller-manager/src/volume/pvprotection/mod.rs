//! A PersistentVolume that is bound goes only after its claim.
// Models pkg/controller/volume/pvprotection/pv_protection_controller.go

use super::without_finalizer;
use api::resources::PERSISTENTVOLUMES;
use api::{Resource, meta};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::Nanos;

const FINALIZER: &str = "kubernetes.io/pv-protection";

/// The controller that protects PersistentVolumes.
#[derive(Clone, Default)]
pub(crate) struct PvProtection;

impl Reconcile for PvProtection {
    fn identity(&self) -> Identity {
        Identity::controller("pv-protection-controller", "controller/persistentvolume-protection")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![PERSISTENTVOLUMES]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if change.resource == PERSISTENTVOLUMES && meta::is_deleting(&change.new) {
            queue.add(change.key.clone());
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(volume) = informers.of(PERSISTENTVOLUMES).get(key) else { return Ok(None) };
        if meta::is_deleting(volume)
            && volume["status"]["phase"].str() != "Bound"
            && let Some(freed) = without_finalizer(volume, FINALIZER)
        {
            cx.update(PERSISTENTVOLUMES, &freed, "")?;
        }
        Ok(None)
    }
}
