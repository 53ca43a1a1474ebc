use super::model::Model;
use super::{Driver, MAKE, Outcome, StorageAction};
use crate::finalizers;
use crate::snapshots::{SNAPSHOTCONTENTS, SNAPSHOTS};
use api::quantity::{Format, Quantity};
use api::resources::{PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, STORAGECLASSES, VOLUMEATTACHMENTS};
use api::volume::{self, Attachable};
use api::{Value, meta, tree};
use client::{Cx, Failure, Informers};
use sim::{Nanos, SECOND};
use std::rc::Rc;

/// Keeps a claim whose volume is being copied.
const CLONING: &str = "provisioner.storage.kubernetes.io/cloning-protection";
const FINALIZER: &str = "external-provisioner.volume.kubernetes.io/finalizer";
/// When a claim whose class is missing is looked at again.
const MISSING: Nanos = 15 * SECOND;

/// Writes bytes as the driver does: `500Mi`.
fn written(bytes: i64) -> String {
    Quantity::new(bytes, Format::BinarySi).to_string()
}

/// Returns how large a volume is made for a claim, in bytes.
// Models github.com/digitalocean/csi-digitalocean driver/controller.go extractStorage
fn size(model: &Model, claim: &Value) -> Result<i64, String> {
    let (smallest, largest) = model.sizes;
    let asked = volume::bytes(&claim["spec"]["resources"]["requests"]["storage"]);
    let why = match asked {
        asked if asked < smallest => {
            format!(
                "required ({}) can not be less than minimum supported volume size ({})",
                written(asked),
                written(smallest)
            )
        }
        asked if asked > largest => {
            format!(
                "required ({}) can not exceed maximum supported volume size ({})",
                written(asked),
                written(largest)
            )
        }
        asked => return Ok(model.rounded(asked)),
    };
    Err(format!("rpc error: code = OutOfRange desc = invalid capacity range: {why}"))
}

impl Driver {
    /// Makes a claim's volume.
    // Models github.com/kubernetes-csi/external-provisioner pkg/controller/controller.go Provision
    pub(super) fn provision(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        key: &str,
        claim: &Value,
    ) -> Outcome {
        let asked = meta::annotation(claim, volume::STORAGE_PROVISIONER);
        if asked != self.model.name || meta::is_deleting(claim) {
            return Ok(None);
        }
        let name = format!("pvc-{}", meta::uid(claim));
        if informers.of(PERSISTENTVOLUMES).get(&name).is_some() {
            return Ok(None);
        }
        let class_name = volume::class(claim);
        let Some(class) = informers.of(STORAGECLASSES).get(class_name).cloned() else {
            return Ok(Some(MISSING));
        };
        if volume::is_delayed(&class) && meta::annotation(claim, volume::SELECTED_NODE).is_empty() {
            return Ok(None);
        }
        let work = format!("make {name}");
        if !self.running.contains_key(work.as_str()) {
            let message =
                format!("External provisioner is provisioning volume for claim {:?}", &*meta::key(claim));
            self.provisioner.event(cx, claim, "Normal", "Provisioning", &message);
        }
        let made = self.check(cx, claim, &class);
        let (size, source) = match made {
            Ok(made) => made,
            Err(why) => {
                let message = format!("failed to provision volume with StorageClass {class_name:?}: {why}");
                self.provisioner.event(cx, claim, "Warning", "ProvisioningFailed", &message);
                return Ok(Some(self.retry(key)));
            }
        };
        if let Some(left) = self.wait_for(cx, &work, MAKE) {
            return Ok(Some(left));
        }
        let object = self.new_volume(cx, &name, claim, &class, size);
        match cx.create(PERSISTENTVOLUMES, &object) {
            Err(failure) if !failure.is_already_exists() => {
                let message = format!("Error saving provisioned volume: {failure}");
                self.provisioner.event(cx, claim, "Warning", "ProvisioningFailed", &message);
                Err(failure)
            }
            _ => {
                let handle = Attachable::of(&object).map(|attachable| attachable.storage());
                if let Some((from, to)) = source.zip(handle) {
                    self.actions.push(StorageAction::Copy { from, to: to.into() });
                    self.let_go(cx, claim)?;
                }
                let message = format!("Successfully provisioned volume {name}");
                self.provisioner.event(cx, claim, "Normal", "ProvisioningSucceeded", &message);
                Ok(None)
            }
        }
    }

    /// Returns how large a claim's volume is to be, in bytes, and what is in it at first.
    ///
    /// # Errors
    /// Why the driver makes none.
    fn check(&self, cx: &mut Cx, claim: &Value, class: &Value) -> Result<(i64, Option<Rc<str>>), String> {
        let source = self.source(cx, claim, class)?;
        let modes = claim["spec"]["accessModes"].items();
        if !self.model.shares
            && modes.iter().any(|mode| matches!(mode.str(), "ReadWriteMany" | "ReadOnlyMany"))
        {
            return Err(
                "rpc error: code = InvalidArgument desc = invalid volume capabilities requested. Only \
                 SINGLE_NODE_WRITER is supported ('accessModes.ReadWriteOnce' on Kubernetes)"
                    .to_string(),
            );
        }
        Ok((size(self.model, claim)?, source))
    }

    /// Returns the snapshot that a claim's volume begins with.
    // Models github.com/kubernetes-csi/external-provisioner pkg/controller/controller.go getSnapshotSource
    fn source(&self, cx: &mut Cx, claim: &Value, class: &Value) -> Result<Option<Rc<str>>, String> {
        let source = match &claim["spec"]["dataSource"] {
            source if source.is_null() => &claim["spec"]["dataSourceRef"],
            source => source,
        };
        let (kind, name) = (source["kind"].str(), source["name"].str());
        if kind == "PersistentVolumeClaim" {
            if !self.model.clones {
                return Err(
                    "CSI driver does not support clone operations: controller CLONE_VOLUME capability is not \
                     reported"
                        .to_string(),
                );
            }
            let failed = |why| {
                format!(
                    "error getting handle for DataSource Type PersistentVolumeClaim by Name {name}: {why}"
                )
            };
            return self.original(cx, claim, class, name).map(Some).map_err(failed);
        }
        if kind != "VolumeSnapshot" {
            return Ok(None);
        }
        let failed = |why: String| {
            format!("error getting handle for DataSource Type VolumeSnapshot by Name {name}: {why}")
        };
        let snapshot = cx
            .get(SNAPSHOTS, meta::namespace(claim), name)
            .map_err(|why| failed(format!("error getting snapshot {name} from api server: {why}")))?;
        if !snapshot["status"]["readyToUse"].is_true() {
            return Err(failed(format!("snapshot {name} is not Ready")));
        }
        let content = snapshot["status"]["boundVolumeSnapshotContentName"].str();
        let content = cx.get(SNAPSHOTCONTENTS, "", content).map_err(|why| {
            failed(format!(
                "error getting snapshotcontent {content} for snapshot {name} from api server: {why}"
            ))
        })?;
        let asked = volume::bytes(&claim["spec"]["resources"]["requests"]["storage"]);
        let least = content["status"]["restoreSize"].int();
        if asked < least {
            return Err(failed(format!(
                "requested volume size {asked} is less than the size {least} for the source snapshot {name}"
            )));
        }
        let handle = content["status"]["snapshotHandle"].str();
        Ok(Some(crate::driver::snapshot::storage(self.model.name, handle)))
    }

    /// Returns where the data of the claim is of which another is to be a copy, which is kept meanwhile.
    ///
    /// # Errors
    /// Why it can't be copied.
    // Models github.com/kubernetes-csi/external-provisioner pkg/controller/controller.go getPVCSource
    fn original(&self, cx: &mut Cx, claim: &Value, class: &Value, name: &str) -> Result<Rc<str>, String> {
        let namespace = meta::namespace(claim);
        let source = cx.get(PERSISTENTVOLUMECLAIMS, namespace, name).map_err(|why| {
            format!("error getting PVC {name} (namespace {namespace:?}) from api server: {why}")
        })?;
        if source["status"]["phase"].str() != "Bound" {
            let status =
                format!("{{{} [] map[] [] map[] map[] <nil> <nil>}}", source["status"]["phase"].str());
            return Err(format!("the PVC DataSource {name} must have a status of Bound.  Got {status}"));
        }
        if meta::is_deleting(&source) {
            return Err(format!("the PVC DataSource {name} is currently being deleted"));
        }
        let size = |claim: &Value| volume::bytes(&claim["spec"]["resources"]["requests"]["storage"]);
        if size(claim) < size(&source) {
            return Err(format!(
                "error, new PVC request must be greater than or equal in size to the specified PVC data source, \
                 requested {} but source is {}",
                size(claim),
                size(&source)
            ));
        }
        let object = cx.get(PERSISTENTVOLUMES, "", source["spec"]["volumeName"].str()).unwrap_or_default();
        let attachable = Attachable::of(&object).filter(|one| one.driver == class["provisioner"].str());
        let bound = volume::is_bound_to(&object, &source) && object["status"]["phase"].str() == "Bound";
        let Some(attachable) = attachable.filter(|_| bound) else {
            return Err("claim in dataSource not bound or invalid".to_string());
        };
        let mode = |object: &Value| object["spec"]["volumeMode"].as_str().unwrap_or("Filesystem").to_string();
        let (from, to) = (mode(&object), mode(claim));
        if from != to {
            return Err(format!(
                "the source PVC and destination PVCs must have the same volume mode for cloning.  Source is {from}, but \
                 new PVC requested {to}"
            ));
        }
        finalizers::change(cx, PERSISTENTVOLUMECLAIMS, &source, &[CLONING], &[])
            .map_err(|why| why.to_string())?;
        Ok(attachable.storage().into())
    }

    /// Lets go of the claim that was copied.
    // Models github.com/kubernetes-csi/external-provisioner pkg/controller/clone_controller.go
    fn let_go(&self, cx: &mut Cx, claim: &Value) -> Result<(), Failure> {
        let source = &claim["spec"]["dataSource"];
        if source["kind"].str() != "PersistentVolumeClaim" {
            return Ok(());
        }
        let source = cx.get(PERSISTENTVOLUMECLAIMS, meta::namespace(claim), source["name"].str())?;
        finalizers::change(cx, PERSISTENTVOLUMECLAIMS, &source, &[], &[CLONING])
    }

    /// Deletes a volume whose claim is gone, and lets go of one that is being deleted.
    // Models sigs.k8s.io/sig-storage-lib-external-provisioner controller/controller.go deleteVolumeOperation
    pub(super) fn delete(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        key: &str,
        object: &Value,
    ) -> Outcome {
        let Some(attachable) =
            Attachable::of(object).filter(|attachable| attachable.driver == self.model.name)
        else {
            return Ok(None);
        };
        let name = attachable.name().to_string();
        let mut attachments = informers.of(VOLUMEATTACHMENTS).iter();
        let attached = attachments
            .find(|one| one["spec"]["source"]["persistentVolumeName"].str() == name)
            .map(|one| one["spec"]["nodeName"].text());
        drop(attachments);
        if meta::is_deleting(object) && attached.is_none() {
            finalizers::change(cx, PERSISTENTVOLUMES, object, &[], &[self.model.attached])?;
        }
        let goes = object["spec"]["persistentVolumeReclaimPolicy"].str() == "Delete"
            && object["status"]["phase"].str() == "Released"
            && meta::annotation(object, volume::PROVISIONED_BY) == self.model.name;
        if !goes {
            return Ok(None);
        }
        if let Some(node) = attached {
            let message = format!("persistentvolume {name} is still attached to node {node}");
            self.provisioner.event(cx, object, "Warning", "VolumeFailedDelete", &message);
            return Ok(Some(self.retry(key)));
        }
        if let Some(left) = self.wait_for(cx, &format!("remove {name}"), MAKE) {
            return Ok(Some(left));
        }
        self.actions.push(StorageAction::Remove(attachable.storage().into()));
        if !meta::is_deleting(object) {
            match cx.delete(PERSISTENTVOLUMES, "", &name, Value::Null) {
                Err(failure) if !failure.is_not_found() => return Err(failure),
                _ => {}
            }
        }
        match cx.get(PERSISTENTVOLUMES, "", &name) {
            Ok(object) => {
                let own = [FINALIZER, self.model.attached];
                finalizers::change(cx, PERSISTENTVOLUMES, &object, &[], &own)?;
                Ok(None)
            }
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// Returns a handle as the cloud gives them: a UUID.
pub(super) fn handle(cx: &Cx, purpose: &str, object: &str) -> String {
    let (high, low) = (cx.chance.draw(purpose, object, 0), cx.chance.draw(purpose, object, 1));
    format!(
        "{:08x}-{:04x}-11f0-{:04x}-0a58ac14{:04x}",
        high >> 32,
        high >> 16 & 0xffff,
        0x8000 | low >> 48 & 0x3fff,
        low & 0xffff
    )
}

impl Driver {
    fn new_volume(&self, cx: &Cx, name: &str, claim: &Value, class: &Value, size: i64) -> Value {
        let driver = self.model.name;
        let identity =
            format!("{}-{}-{driver}", cx.now.0 / 1_000_000, cx.chance.draw("identity", driver, 0) % 10_000);
        let kind = class["parameters"]["csi.storage.k8s.io/fstype"].as_str();
        let kind = kind.or(class["parameters"]["fstype"].as_str()).unwrap_or(self.model.file_system);
        let mut object = tree!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {
                "name": name,
                "annotations": {
                    (volume::PROVISIONED_BY): driver,
                    "volume.kubernetes.io/provisioner-deletion-secret-name": "",
                    "volume.kubernetes.io/provisioner-deletion-secret-namespace": "",
                },
                "finalizers": [FINALIZER],
            },
            "spec": {
                "accessModes": (&claim["spec"]["accessModes"]),
                "capacity": {"storage": (written(size))},
                "claimRef": (meta::object_reference(claim)),
                "csi": {
                    "driver": driver,
                    "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity": (identity)},
                    "volumeHandle": (handle(cx, "volume", name)),
                },
                "nodeAffinity": {"required": {"nodeSelectorTerms": [
                    {"matchExpressions": [{"key": (self.model.topology), "operator": "In", "values": [(&self.place)]}]},
                ]}},
                "persistentVolumeReclaimPolicy": (class["reclaimPolicy"].as_str().unwrap_or("Delete")),
                "storageClassName": (meta::name(class)),
                "volumeMode": (&claim["spec"]["volumeMode"]),
            },
        });
        if !kind.is_empty() && claim["spec"]["volumeMode"].str() != "Block" {
            object.set(&["spec", "csi", "fsType"], kind);
        }
        if !class["mountOptions"].is_empty() {
            object.set(&["spec", "mountOptions"], &class["mountOptions"]);
        }
        object
    }
}
