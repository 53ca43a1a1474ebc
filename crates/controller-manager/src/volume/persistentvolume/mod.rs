//! Binds PersistentVolumeClaims to PersistentVolumes, has volumes made, and sees what becomes of those
//! whose claim is gone.
//!
//! Volumes are made and deleted by provisioners, which use the API like anybody else. Left out on
//! purpose: recycling, growing, and the plugins that upstream had built in.
// Models pkg/controller/volume/persistentvolume/pv_controller.go

mod claim;
#[cfg(test)]
mod tests;
mod volume;

use api::resources::{PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODS, STORAGECLASSES};
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, IndexBy, Informers, Reconcile};
use sim::{Nanos, SECOND};

/// How often everything that waits is looked at again.
const RESYNC: Nanos = 15 * SECOND;

/// The controller that binds volumes.
#[derive(Clone)]
pub(crate) struct PersistentVolumeBinder {
    recorder: EventRecorder,
}

impl Default for PersistentVolumeBinder {
    fn default() -> Self {
        PersistentVolumeBinder { recorder: EventRecorder::new("persistentvolume-controller", "") }
    }
}

impl Reconcile for PersistentVolumeBinder {
    fn identity(&self) -> Identity {
        Identity::controller("persistent-volume-binder", "controller/persistentvolume-binder")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![PERSISTENTVOLUMES, PERSISTENTVOLUMECLAIMS, STORAGECLASSES, PODS]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(PERSISTENTVOLUMECLAIMS, IndexBy::VolumeName)]
    }

    /// A key with a namespace is a claim's, one without is a volume's.
    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == PERSISTENTVOLUMECLAIMS {
            queue.add(change.key.clone());
            if change.new.is_null() {
                let (namespace, name) = (meta::namespace(&change.old), meta::name(&change.old));
                let is_its = |volume: &&Value| {
                    let claim = &volume["spec"]["claimRef"];
                    claim["name"].str() == name && claim["namespace"].str() == namespace
                };
                // Upstream's volumes whose claim went before it was told of its volume wait for the next resync;
                // those here hear of it at once.
                for volume in informers.of(PERSISTENTVOLUMES).iter().filter(is_its) {
                    queue.add(meta::key(volume));
                }
            }
        } else if change.resource == PERSISTENTVOLUMES {
            queue.add(change.key.clone());
            // Upstream's claims whose volume has become another's wait for the next resync; those here hear of it at once.
            for claim in informers.of(PERSISTENTVOLUMECLAIMS).by_index(IndexBy::VolumeName, &change.key) {
                queue.add(meta::key(claim));
            }
            let claim = &change.object()["spec"]["claimRef"];
            if !claim.is_null() {
                queue.add(meta::object_key(claim["namespace"].str(), claim["name"].str()));
            } else if change.new["status"]["phase"].str() == "Available" {
                for claim in informers.of(PERSISTENTVOLUMECLAIMS).by_index(IndexBy::VolumeName, "") {
                    // Upstream's claims wait for the next resync; those here hear of it at once.
                    queue.add(meta::key(claim));
                }
            }
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        if key.contains('/') {
            let Some(claim) = informers.of(PERSISTENTVOLUMECLAIMS).get(key) else { return Ok(None) };
            return self.sync_claim(cx, informers, claim);
        }
        match informers.of(PERSISTENTVOLUMES).get(key) {
            Some(volume) => self.sync_volume(cx, informers, volume),
            None => Ok(None),
        }
    }
}
