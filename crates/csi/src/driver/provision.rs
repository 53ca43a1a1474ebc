use super::{DRIVER, Driver, MAKE, Outcome, StorageAction};
use crate::finalizers;
use crate::snapshots::{SNAPSHOTCONTENTS, SNAPSHOTS};
use api::quantity::{Format, Quantity};
use api::resources::{PERSISTENTVOLUMES, STORAGECLASSES, VOLUMEATTACHMENTS};
use api::volume::{self, Attachable};
use api::{Value, meta, tree};
use client::{Cx, Informers};
use sim::{Nanos, SECOND};
use std::rc::Rc;

const GIB: i64 = 1 << 30;
/// The smallest and the largest volume, and one of which nobody said how large it is to be, in bytes.
const SIZES: (i64, i64) = (GIB, 16 << 40);
/// The label of nodes that says where volumes can be reached, and the one place there is.
const TOPOLOGY: (&str, &str) = ("region", "nyc1");
const FINALIZER: &str = "external-provisioner.volume.kubernetes.io/finalizer";
/// When a claim whose class is missing is looked at again.
const MISSING: Nanos = 15 * SECOND;

/// Writes bytes as the driver does: `500Mi`.
fn written(bytes: i64) -> String {
    Quantity::new(bytes, Format::BinarySi).to_string()
}

/// Returns how large a volume is made for a claim, in bytes.
// Models github.com/digitalocean/csi-digitalocean driver/controller.go extractStorage
fn size(claim: &Value) -> Result<i64, String> {
    let asked = volume::bytes(&claim["spec"]["resources"]["requests"]["storage"]);
    let why = match asked {
        asked if asked < SIZES.0 => {
            format!(
                "required ({}) can not be less than minimum supported volume size ({})",
                written(asked),
                written(SIZES.0)
            )
        }
        asked if asked > SIZES.1 => {
            format!(
                "required ({}) can not exceed maximum supported volume size ({})",
                written(asked),
                written(SIZES.1)
            )
        }
        asked => return Ok((asked + GIB - 1) / GIB * GIB),
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
        if asked != DRIVER || meta::is_deleting(claim) {
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
        let made = self.check(cx, claim);
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
        let object = new_volume(cx, &name, claim, &class, size);
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
    fn check(&self, cx: &mut Cx, claim: &Value) -> Result<(i64, Option<Rc<str>>), String> {
        let source = self.source(cx, claim)?;
        let modes = claim["spec"]["accessModes"].items();
        if modes.iter().any(|mode| matches!(mode.str(), "ReadWriteMany" | "ReadOnlyMany")) {
            return Err(
                "rpc error: code = InvalidArgument desc = invalid volume capabilities requested. Only \
                 SINGLE_NODE_WRITER is supported ('accessModes.ReadWriteOnce' on Kubernetes)"
                    .to_string(),
            );
        }
        Ok((size(claim)?, source))
    }

    /// Returns the snapshot that a claim's volume begins with.
    // Models github.com/kubernetes-csi/external-provisioner pkg/controller/controller.go getSnapshotSource
    fn source(&self, cx: &mut Cx, claim: &Value) -> Result<Option<Rc<str>>, String> {
        let source = match &claim["spec"]["dataSource"] {
            source if source.is_null() => &claim["spec"]["dataSourceRef"],
            source => source,
        };
        let (kind, name) = (source["kind"].str(), source["name"].str());
        if kind == "PersistentVolumeClaim" {
            return Err(
                "CSI driver does not support clone operations: controller CLONE_VOLUME capability is not \
                 reported"
                    .to_string(),
            );
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
        Ok(Some(crate::driver::snapshot::storage(handle)))
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
        let Some(attachable) = Attachable::of(object).filter(|attachable| attachable.driver == DRIVER) else {
            return Ok(None);
        };
        let name = attachable.name().to_string();
        let mut attachments = informers.of(VOLUMEATTACHMENTS).iter();
        let attached = attachments
            .find(|one| one["spec"]["source"]["persistentVolumeName"].str() == name)
            .map(|one| one["spec"]["nodeName"].text());
        drop(attachments);
        if meta::is_deleting(object) && attached.is_none() {
            finalizers::change(cx, PERSISTENTVOLUMES, object, &[], &[super::attach::FINALIZER])?;
        }
        let goes = object["spec"]["persistentVolumeReclaimPolicy"].str() == "Delete"
            && object["status"]["phase"].str() == "Released"
            && meta::annotation(object, volume::PROVISIONED_BY) == DRIVER;
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
                let own = [FINALIZER, super::attach::FINALIZER];
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

fn new_volume(cx: &Cx, name: &str, claim: &Value, class: &Value, size: i64) -> Value {
    let identity =
        format!("{}-{}-{DRIVER}", cx.now.0 / 1_000_000, cx.chance.draw("identity", DRIVER, 0) % 10_000);
    let kind = class["parameters"]["csi.storage.k8s.io/fstype"].as_str();
    let kind = kind.or(class["parameters"]["fstype"].as_str()).unwrap_or("ext4");
    let mut object = tree!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "annotations": {
                (volume::PROVISIONED_BY): DRIVER,
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
                "driver": DRIVER,
                "fsType": kind,
                "volumeAttributes": {"storage.kubernetes.io/csiProvisionerIdentity": (identity)},
                "volumeHandle": (handle(cx, "volume", name)),
            },
            "nodeAffinity": {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": (TOPOLOGY.0), "operator": "In", "values": [(TOPOLOGY.1)]}]},
            ]}},
            "persistentVolumeReclaimPolicy": (class["reclaimPolicy"].as_str().unwrap_or("Delete")),
            "storageClassName": (meta::name(class)),
            "volumeMode": (&claim["spec"]["volumeMode"]),
        },
    });
    if !class["mountOptions"].is_empty() {
        object.set(&["spec", "mountOptions"], &class["mountOptions"]);
    }
    object
}
