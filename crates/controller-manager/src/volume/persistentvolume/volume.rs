use super::PersistentVolumeBinder;
use api::resources::{PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES};
use api::{Value, meta, volume as helpers};
use client::{Cx, Failure, Informers};
use sim::Nanos;

impl PersistentVolumeBinder {
    /// Makes a volume's phase true, and gives back one whose claim is gone.
    // Models pkg/controller/volume/persistentvolume/pv_controller.go syncVolume
    pub(super) fn sync_volume(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        volume: &Value,
    ) -> Result<Option<Nanos>, Failure> {
        let reference = &volume["spec"]["claimRef"];
        if reference.is_null() || reference["uid"].str().is_empty() {
            set_phase(cx, volume, "Available", "")?;
            return Ok(None);
        }
        let (namespace, name) = (reference["namespace"].str(), reference["name"].str());
        let cached = informers.of(PERSISTENTVOLUMECLAIMS).get(&meta::object_key(namespace, name)).cloned();
        let claim = match cached {
            Some(claim) => Some(claim),
            None => match cx.get(PERSISTENTVOLUMECLAIMS, namespace, name) {
                Ok(claim) => Some(claim),
                Err(failure) if failure.is_not_found() => None,
                Err(failure) => return Err(failure),
            },
        };
        let Some(claim) = claim.filter(|claim| meta::uid(claim) == reference["uid"].str()) else {
            return self.release(cx, volume);
        };
        match claim["spec"]["volumeName"].str() {
            "" => {} // the claim's own look binds it
            name if name == meta::name(volume) => drop(set_phase(cx, volume, "Bound", "")?),
            _ if meta::annotation(volume, helpers::PROVISIONED_BY).is_empty() => unbind(cx, volume)?,
            _ => drop(set_phase(cx, volume, "Released", "")?),
        }
        Ok(None)
    }

    /// Marks a volume as released; what it is kept for decides what comes next.
    // Models pkg/controller/volume/persistentvolume/pv_controller.go reclaimVolume
    fn release(&mut self, cx: &mut Cx, volume: &Value) -> Result<Option<Nanos>, Failure> {
        if !matches!(volume["status"]["phase"].str(), "Released" | "Failed") {
            let volume = set_phase(cx, volume, "Released", "")?;
            return self.reclaim(cx, &volume);
        }
        self.reclaim(cx, volume)
    }

    fn reclaim(&mut self, cx: &mut Cx, volume: &Value) -> Result<Option<Nanos>, Failure> {
        let provisioned = !meta::annotation(volume, helpers::PROVISIONED_BY).is_empty();
        let is_deleted = volume["spec"]["persistentVolumeReclaimPolicy"].str() == "Delete";
        if !is_deleted || provisioned || meta::is_deleting(volume) {
            return Ok(None); // what a provisioner made, it deletes
        }
        let message = match volume["spec"]["hostPath"]["path"].as_str() {
            Some(path) if path.starts_with("/tmp/") => {
                cx.delete(PERSISTENTVOLUMES, "", meta::name(volume), Value::Null)?;
                return Ok(None);
            }
            Some(path) => format!("host_path deleter only supports /tmp/.+ but received provided {path}"),
            None => {
                "error getting deleter volume plugin for volume \"NAME\": no deletable volume plugin matched"
                    .replace("NAME", meta::name(volume))
            }
        };
        if volume["status"]["phase"].str() != "Failed" {
            let volume = set_phase(cx, volume, "Failed", &message)?;
            self.recorder.event(cx, &volume, "Warning", "VolumeFailedDelete", &message);
        }
        Ok(None)
    }
}

/// Writes a volume's phase where it is another, and returns the volume.
// Models pkg/controller/volume/persistentvolume/pv_controller.go updateVolumePhase
pub(super) fn set_phase(cx: &mut Cx, volume: &Value, phase: &str, message: &str) -> Result<Value, Failure> {
    if volume["status"]["phase"].str() == phase {
        return Ok(volume.clone());
    }
    let mut wanted = volume.clone();
    wanted.set(&["status", "phase"], phase);
    wanted.set(&["status", "lastPhaseTransitionTime"], cx.at().rfc3339());
    if message.is_empty() {
        wanted.remove(&["status", "message"]);
    } else {
        wanted.set(&["status", "message"], message);
    }
    cx.update(PERSISTENTVOLUMES, &wanted, "status")
}

/// Takes a volume back from a claim that is bound to another one.
// Models pkg/controller/volume/persistentvolume/pv_controller.go unbindVolume
fn unbind(cx: &mut Cx, volume: &Value) -> Result<(), Failure> {
    let mut freed = volume.clone();
    if meta::annotation(volume, helpers::BOUND_BY_CONTROLLER).is_empty() {
        freed.remove(&["spec", "claimRef", "uid"]);
    } else {
        freed.remove(&["spec", "claimRef"]);
        freed.remove(&["metadata", "annotations", helpers::BOUND_BY_CONTROLLER]);
    }
    let freed = cx.update(PERSISTENTVOLUMES, &freed, "")?;
    set_phase(cx, &freed, "Available", "").map(|_| ())
}
