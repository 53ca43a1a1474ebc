//! Says of claims that are to grow who makes them grow: upstream's own plugins for that are gone.
// Models pkg/controller/volume/expand/expand_controller.go

use api::resources::{PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES};
use api::{Resource, meta, volume};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, Informers, Reconcile};
use sim::Nanos;

/// The controller of claims that are to grow.
#[derive(Clone)]
pub(crate) struct Expand {
    recorder: EventRecorder,
}

impl Default for Expand {
    fn default() -> Self {
        Expand { recorder: EventRecorder::new("volume_expand", "") }
    }
}

impl Reconcile for Expand {
    fn identity(&self) -> Identity {
        Identity::controller("expand-controller", "controller/persistentvolume-expander")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        let size = |claim: &api::Value| volume::bytes(&claim["spec"]["resources"]["requests"]["storage"]);
        let (old, new) = (&change.old, &change.new);
        let grows = change.resource == PERSISTENTVOLUMECLAIMS
            && !old.is_null()
            && !new.is_null()
            && old["status"]["phase"].str() == "Bound"
            && size(new) > size(old);
        if grows {
            queue.add(change.key.clone());
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(claim) = informers.of(PERSISTENTVOLUMECLAIMS).get(key) else { return Ok(None) };
        let asked = volume::bytes(&claim["spec"]["resources"]["requests"]["storage"]);
        let is_there = informers.of(PERSISTENTVOLUMES).get(claim["spec"]["volumeName"].str()).is_some();
        if is_there
            && !meta::is_deleting(claim)
            && asked > volume::bytes(&claim["status"]["capacity"]["storage"])
        {
            let message = "waiting for an external controller to expand this PVC";
            self.recorder.event(cx, claim, "Normal", "ExternalExpanding", message);
        }
        Ok(None)
    }
}
