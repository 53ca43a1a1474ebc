//! Claims for the ephemeral volumes of pods, which live as long as their pod.
// Models pkg/controller/volume/ephemeral/controller.go

use crate::claim::controller_reference;
use api::resources::{PERSISTENTVOLUMECLAIMS, PODS};
use api::volume::claim_name;
use api::{Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, Informers, Reconcile};
use sim::Nanos;

/// The controller of ephemeral volumes.
#[derive(Clone)]
pub(crate) struct EphemeralVolumes {
    recorder: EventRecorder,
}

impl Default for EphemeralVolumes {
    fn default() -> Self {
        EphemeralVolumes { recorder: EventRecorder::new("ephemeral_volume", "") }
    }
}

fn has_any(pod: &Value) -> bool {
    pod["spec"]["volumes"].items().iter().any(|volume| !volume["ephemeral"].is_null())
}

impl Reconcile for EphemeralVolumes {
    fn identity(&self) -> Identity {
        Identity::controller("ephemeral-volume-controller", "controller/ephemeral-volume")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![PODS, PERSISTENTVOLUMECLAIMS]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if change.resource == PODS {
            if has_any(&change.new) && !meta::is_deleting(&change.new) {
                queue.add(change.key.clone());
            }
        } else if change.resource == PERSISTENTVOLUMECLAIMS
            && change.new.is_null()
            && let Some(owner) = meta::controller(&change.old).filter(|owner| owner["kind"].str() == "Pod")
        {
            queue.add(meta::object_key(meta::namespace(&change.old), owner["name"].str()));
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(pod) = informers.of(PODS).get(key).filter(|pod| !meta::is_deleting(pod)) else {
            return Ok(None);
        };
        for volume in pod["spec"]["volumes"].items().iter().filter(|volume| !volume["ephemeral"].is_null()) {
            self.handle(cx, informers, pod, volume)?;
        }
        Ok(None)
    }
}

impl EphemeralVolumes {
    // Models pkg/controller/volume/ephemeral/controller.go handleVolume
    fn handle(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        pod: &Value,
        volume: &Value,
    ) -> Result<(), Failure> {
        let name = claim_name(pod, volume).unwrap_or_default();
        let namespace = meta::namespace(pod);
        if let Some(known) = informers.of(PERSISTENTVOLUMECLAIMS).get(&meta::object_key(namespace, &name)) {
            let is_own = meta::controller(known).is_some_and(|owner| owner["uid"].str() == meta::uid(pod));
            if !is_own {
                let message = format!(
                    "ephemeral volume {}: PVC {namespace}/{name} was not created for pod {namespace}/{} (pod is not owner)",
                    volume["name"].str(),
                    meta::name(pod),
                );
                self.recorder.event(cx, pod, "Warning", "FailedBinding", &message);
            }
            return Ok(());
        }
        let template = &volume["ephemeral"]["volumeClaimTemplate"];
        let mut claim = tree!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": (name),
                "namespace": namespace,
                "ownerReferences": [(controller_reference(PODS, pod))],
            },
            "spec": (&template["spec"]),
        });
        for field in ["annotations", "labels"] {
            if !template["metadata"][field].is_empty() {
                claim.set(&["metadata", field], &template["metadata"][field]);
            }
        }
        match cx.create(PERSISTENTVOLUMECLAIMS, &claim) {
            Err(failure) if !failure.is_already_exists() => {
                let message = format!("ephemeral volume {}: create PVC: {failure}", volume["name"].str());
                self.recorder.event(cx, pod, "Warning", "FailedBinding", &message);
                Err(failure)
            }
            _ => Ok(()),
        }
    }
}
