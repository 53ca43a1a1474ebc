use super::volume::set_phase;
use super::{PersistentVolumeBinder, RESYNC};
use api::resources::{PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODS, STORAGECLASSES};
use api::{Value, meta, tree, volume as helpers};
use client::{Cx, Failure, Informers};
use sim::Nanos;

impl PersistentVolumeBinder {
    /// Binds a claim, or sees whether it is bound still.
    // Models pkg/controller/volume/persistentvolume/pv_controller.go syncClaim
    pub(super) fn sync_claim(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        claim: &Value,
    ) -> Result<Option<Nanos>, Failure> {
        if !meta::annotation(claim, helpers::BIND_COMPLETED).is_empty() {
            return self.sync_bound(cx, informers, claim).map(|()| None);
        }
        let name = claim["spec"]["volumeName"].str();
        if name.is_empty() {
            return self.sync_free(cx, informers, claim);
        }
        let Some(volume) = informers.of(PERSISTENTVOLUMES).get(name) else {
            set_status(cx, claim, "Pending", &Value::Null)?;
            return Ok(Some(RESYNC));
        };
        if volume["spec"]["claimRef"].is_null() || helpers::is_bound_to(volume, claim) {
            if let Some(why) = helpers::mismatch(volume, claim) {
                let message = format!("Cannot bind to requested volume {name:?}: {why}");
                self.recorder.event(cx, claim, "Warning", "VolumeMismatch", &message);
                set_status(cx, claim, "Pending", &Value::Null)?;
                return Ok(Some(RESYNC));
            }
            bind(cx, volume, claim)?;
            return Ok(None);
        }
        let message = format!("volume {name:?} already bound to a different claim.");
        self.recorder.event(cx, claim, "Warning", "FailedBinding", &message);
        set_status(cx, claim, "Pending", &Value::Null)?;
        Ok(Some(RESYNC))
    }

    /// Looks for a volume for a claim that names none.
    // Models pkg/controller/volume/persistentvolume/pv_controller.go syncUnboundClaim
    fn sync_free(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        claim: &Value,
    ) -> Result<Option<Nanos>, Failure> {
        let class_name = helpers::class(claim);
        let class = informers.of(STORAGECLASSES).get(class_name);
        let delayed = class.is_some_and(helpers::is_delayed);
        if let Some(volume) = helpers::find_matching(claim, informers.of(PERSISTENTVOLUMES).iter(), delayed) {
            bind(cx, volume, claim)?;
            return Ok(None);
        }
        if self.give_default_class(cx, informers, claim)? {
            return Ok(None); // the claim comes again, with its class
        }
        let is_chosen = !meta::annotation(claim, helpers::SELECTED_NODE).is_empty();
        if delayed && !is_chosen {
            let (reason, message) = awaited(informers, claim);
            self.recorder.event(cx, claim, "Normal", reason, &message);
        } else if !class_name.is_empty() {
            self.provision(cx, claim, class_name, class)?;
        } else {
            let message = "no persistent volumes available for this claim and no storage class is set";
            self.recorder.event(cx, claim, "Normal", "FailedBinding", message);
        }
        set_status(cx, claim, "Pending", &Value::Null)?;
        Ok(Some(RESYNC))
    }

    /// Gives a claim that names no class the default one, where one was made meanwhile. Returns whether it did.
    // Models pkg/controller/volume/persistentvolume/pv_controller.go assignDefaultStorageClass
    fn give_default_class(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        claim: &Value,
    ) -> Result<bool, Failure> {
        if helpers::has_class(claim) {
            return Ok(false);
        }
        let Some(class) = helpers::default_class(informers.of(STORAGECLASSES).iter()) else {
            return Ok(false);
        };
        let mut claim = claim.clone();
        claim.set(&["spec", "storageClassName"], meta::name(class));
        cx.update(PERSISTENTVOLUMECLAIMS, &claim, "").map(|_| true)
    }

    /// Asks the class' provisioner for a volume.
    // Models pkg/controller/volume/persistentvolume/pv_controller.go provisionClaim
    fn provision(
        &mut self,
        cx: &mut Cx,
        claim: &Value,
        class_name: &str,
        class: Option<&Value>,
    ) -> Result<(), Failure> {
        let provisioner = class.map_or("", |class| class["provisioner"].str());
        let failure = if class.is_none() {
            Some(format!("storageclass.storage.k8s.io {class_name:?} not found"))
        } else if provisioner == helpers::NO_PROVISIONER {
            Some(format!("no volume plugin matched name: {provisioner}"))
        } else {
            None
        };
        if let Some(message) = failure {
            self.recorder.event(cx, claim, "Warning", "ProvisioningFailed", &message);
            return Ok(());
        }
        let mut claim = claim.clone();
        if meta::annotation(&claim, helpers::STORAGE_PROVISIONER) != provisioner {
            for annotation in [helpers::STORAGE_PROVISIONER, helpers::BETA_STORAGE_PROVISIONER] {
                claim.set(&["metadata", "annotations", annotation], provisioner);
            }
            claim = cx.update(PERSISTENTVOLUMECLAIMS, &claim, "")?;
        }
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the \
             system administrator. If volume creation is delayed, please verify that the provisioner is running and \
             correctly registered."
        );
        self.recorder.event(cx, &claim, "Normal", "ExternalProvisioning", &message);
        Ok(())
    }

    /// Sees whether a claim that was bound has its volume still.
    // Models pkg/controller/volume/persistentvolume/pv_controller.go syncBoundClaim
    fn sync_bound(&mut self, cx: &mut Cx, informers: &Informers, claim: &Value) -> Result<(), Failure> {
        let name = claim["spec"]["volumeName"].str();
        let lost = if name.is_empty() {
            ["ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"]
        } else {
            match informers.of(PERSISTENTVOLUMES).get(name) {
                None => {
                    ["ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"]
                }
                Some(volume)
                    if volume["spec"]["claimRef"].is_null() || helpers::is_bound_to(volume, claim) =>
                {
                    return bind(cx, volume, claim);
                }
                Some(_) => [
                    "ClaimMisbound",
                    "Two claims are bound to the same volume, this one is bound incorrectly",
                ],
            }
        };
        if claim["status"]["phase"].str() != "Lost" {
            let claim = set_status(cx, claim, "Lost", &Value::Null)?;
            self.recorder.event(cx, &claim, "Warning", lost[0], lost[1]);
        }
        Ok(())
    }
}

/// Returns what a claim waits for that is bound when a pod needs it: the reason and the words.
// Models pkg/controller/volume/persistentvolume/pv_controller.go emitEventForUnboundDelayBindingClaim
fn awaited(informers: &Informers, claim: &Value) -> (&'static str, String) {
    let uses = |pod: &&Value| {
        pod["spec"]["nodeName"].str().is_empty() && helpers::claims(pod).any(|name| name == meta::name(claim))
    };
    let pods: Vec<&str> =
        informers.of(PODS).in_namespace(meta::namespace(claim)).filter(uses).map(meta::name).collect();
    match pods.as_slice() {
        [] => ("WaitForFirstConsumer", "waiting for first consumer to be created before binding".to_string()),
        [pod] => ("WaitForPodScheduled", format!("waiting for pod {pod} to be scheduled")),
        pods => ("WaitForPodScheduled", format!("waiting for pods {} to be scheduled", pods.join(","))),
    }
}

/// Binds a volume and a claim to each other, in four writes of which each may have been done before.
// Models pkg/controller/volume/persistentvolume/pv_controller.go bind
fn bind(cx: &mut Cx, volume: &Value, claim: &Value) -> Result<(), Failure> {
    let mut bound = volume.clone();
    if volume["spec"]["claimRef"]["uid"].str() != meta::uid(claim) {
        if volume["spec"]["claimRef"].is_null() {
            bound.set(&["metadata", "annotations", helpers::BOUND_BY_CONTROLLER], "yes");
        }
        bound.set(&["spec", "claimRef"], meta::object_reference(claim));
        bound = cx.update(PERSISTENTVOLUMES, &bound, "")?;
    }
    let bound = set_phase(cx, &bound, "Bound", "")?;
    let mut mine = claim.clone();
    if claim["spec"]["volumeName"].str() != meta::name(volume) {
        mine.set(&["spec", "volumeName"], meta::name(volume));
        mine.set(&["metadata", "annotations", helpers::BOUND_BY_CONTROLLER], "yes");
    }
    mine.set(&["metadata", "annotations", helpers::BIND_COMPLETED], "yes");
    if mine != *claim {
        mine = cx.update(PERSISTENTVOLUMECLAIMS, &mine, "")?;
    }
    set_status(cx, &mine, "Bound", &bound).map(|_| ())
}

/// Writes a claim's status where it is another, and returns the claim; a bound one has its volume's
/// size and modes.
// Models pkg/controller/volume/persistentvolume/pv_controller.go updateClaimStatus
fn set_status(cx: &mut Cx, claim: &Value, phase: &str, volume: &Value) -> Result<Value, Failure> {
    let mut status = claim["status"].clone();
    status.set(&["phase"], phase);
    if volume.is_null() {
        status.remove(&["accessModes"]);
        status.remove(&["capacity"]);
    } else {
        status.set(&["accessModes"], &volume["spec"]["accessModes"]);
        if claim["status"]["phase"].str() != "Bound" {
            // Of one that is bound already the size is the resizer's to say.
            status.set(&["capacity"], tree!({"storage": (&volume["spec"]["capacity"]["storage"])}));
        }
    }
    if claim["status"] == status {
        return Ok(claim.clone());
    }
    let mut wanted = claim.clone();
    wanted.set(&["status"], status);
    cx.update(PERSISTENTVOLUMECLAIMS, &wanted, "status")
}
