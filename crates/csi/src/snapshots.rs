use crate::finalizers;
use api::quantity::{Format, Quantity};
use api::resources::{PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES};
use api::volume::Attachable;
use api::{PatchType, Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, Informers, Reconcile};
use sim::{Nanos, SECOND, Time};

const GROUP: &str = "snapshot.storage.k8s.io";
/// Snapshots, which people ask for.
pub const SNAPSHOTS: Resource = own("volumesnapshots", "VolumeSnapshot", true);
/// What is behind them.
pub const SNAPSHOTCONTENTS: Resource = own("volumesnapshotcontents", "VolumeSnapshotContent", false);
/// Their classes.
pub const SNAPSHOTCLASSES: Resource = own("volumesnapshotclasses", "VolumeSnapshotClass", false);
pub(crate) const CONTENT_FINALIZER: &str =
    "snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection";
/// Says of a content that its snapshot goes.
pub(crate) const BEING_DELETED: &str = "snapshot.storage.kubernetes.io/volumesnapshot-being-deleted";
const SOURCE_FINALIZER: &str = "snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection";
const BOUND_FINALIZER: &str = "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection";
const CLAIM_FINALIZER: &str = "snapshot.storage.kubernetes.io/pvc-as-source-protection";
const IS_DEFAULT: &str = "snapshot.storage.kubernetes.io/is-default-class";
/// When what has failed is looked at again.
const RETRY: Nanos = 15 * SECOND;

const fn own(plural: &'static str, kind: &'static str, namespaced: bool) -> Resource {
    Resource { group: GROUP, version: "v1", plural, kind, namespaced }
}

/// The snapshot controller's program.
// Models github.com/kubernetes-csi/external-snapshotter pkg/common-controller/snapshot_controller.go
#[derive(Clone, Debug)]
pub struct SnapshotController {
    identity: Identity,
    recorder: EventRecorder,
}

type Outcome = Result<Option<Nanos>, Failure>;

impl SnapshotController {
    /// Makes the program of a pod, as it is when its process starts.
    pub fn new(pod: &Value) -> SnapshotController {
        let account = pod["spec"]["serviceAccountName"].str();
        let agent = format!("snapshot-controller/{}", meta::name(pod));
        SnapshotController {
            identity: Identity::service_account(meta::namespace(pod), account, &agent),
            recorder: EventRecorder::new("snapshot-controller", ""),
        }
    }

    fn sync(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Outcome {
        let Some(snapshot) = informers.of(SNAPSHOTS).get(key).cloned() else { return Ok(None) };
        if meta::is_deleting(&snapshot) {
            return self.remove(cx, informers, &snapshot).map(|()| None);
        }
        if !finalizers::has(&snapshot, BOUND_FINALIZER) {
            finalizers::change(cx, SNAPSHOTS, &snapshot, &[SOURCE_FINALIZER, BOUND_FINALIZER], &[])?;
            return Ok(None); // it comes again
        }
        let given = snapshot["spec"]["source"]["volumeSnapshotContentName"].str();
        let name = match given {
            "" => format!("snapcontent-{}", meta::uid(&snapshot)),
            given => given.to_string(),
        };
        match informers.of(SNAPSHOTCONTENTS).get(&name).cloned() {
            Some(content) => self.bind(cx, informers, &snapshot, &content),
            None if !given.is_empty() => {
                let message = "VolumeSnapshotContent is missing";
                self.fail(cx, &snapshot, "SnapshotContentMissing", message)
            }
            None => self.create(cx, informers, &snapshot, &name),
        }
    }

    /// Makes the content of a new snapshot.
    // Models github.com/kubernetes-csi/external-snapshotter pkg/common-controller/snapshot_controller.go createSnapshotContent
    fn create(&mut self, cx: &mut Cx, informers: &Informers, snapshot: &Value, name: &str) -> Outcome {
        let refused = |why: String| format!("Failed to create snapshot content with error {why}");
        let namespace = meta::namespace(snapshot);
        let from = snapshot["spec"]["source"]["persistentVolumeClaimName"].str();
        let Some(claim) =
            informers.of(PERSISTENTVOLUMECLAIMS).get(&meta::object_key(namespace, from)).cloned()
        else {
            let why =
                "snapshot controller failed to update NAME on API server: cannot get claim from snapshot";
            let message = refused(why.replace("NAME", meta::name(snapshot)));
            return self.fail(cx, snapshot, "SnapshotContentCreationFailed", &message);
        };
        let volume = informers.of(PERSISTENTVOLUMES).get(claim["spec"]["volumeName"].str()).cloned();
        let Some(volume) = volume.filter(|_| claim["status"]["phase"].str() == "Bound") else {
            let message = refused(format!(
                "the PVC {from} is not yet bound to a PV, will not attempt to take a snapshot"
            ));
            return self.fail(cx, snapshot, "SnapshotContentCreationFailed", &message);
        };
        let Some(attachable) = Attachable::of(&volume) else {
            let message =
                refused(format!("cannot find CSI PersistentVolumeSource for volume {}", meta::name(&volume)));
            return self.fail(cx, snapshot, "SnapshotContentCreationFailed", &message);
        };
        let Some(class) = self.class(cx, informers, snapshot, attachable.driver)? else {
            return Ok(Some(RETRY));
        };
        finalizers::change(cx, PERSISTENTVOLUMECLAIMS, &claim, &[CLAIM_FINALIZER], &[])?;
        let mut reference = meta::object_reference(snapshot);
        reference.set(&["apiVersion"], SNAPSHOTS.api_version());
        reference.set(&["kind"], SNAPSHOTS.kind);
        let content = tree!({
            "apiVersion": (SNAPSHOTCONTENTS.api_version()),
            "kind": (SNAPSHOTCONTENTS.kind),
            "metadata": {"name": name, "finalizers": [CONTENT_FINALIZER]},
            "spec": {
                "deletionPolicy": (&class["deletionPolicy"]),
                "driver": (attachable.driver),
                "source": {"volumeHandle": (attachable.handle)},
                "sourceVolumeMode": (volume["spec"]["volumeMode"].as_str().unwrap_or("Filesystem")),
                "volumeSnapshotClassName": (meta::name(&class)),
                "volumeSnapshotRef": (reference),
            },
        });
        match cx.create(SNAPSHOTCONTENTS, &content) {
            Err(failure) if !failure.is_already_exists() => return Err(failure),
            _ => {}
        }
        let key = meta::key(snapshot);
        let message = format!("Waiting for a snapshot {key} to be created by the CSI driver.");
        self.recorder.event(cx, snapshot, "Normal", "CreatingSnapshot", &message);
        let patch =
            tree!({"status": {"boundVolumeSnapshotContentName": name, "readyToUse": false, "error": null}});
        set_status(cx, snapshot, &patch)?;
        Ok(None)
    }

    /// Returns a snapshot's class: the one that it names, or the default one of its driver. `None` where there
    /// is none, which is told, or where it has just been written down.
    fn class(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        snapshot: &Value,
        driver: &str,
    ) -> Result<Option<Value>, Failure> {
        let name = snapshot["spec"]["volumeSnapshotClassName"].str();
        if !name.is_empty() {
            let class = informers.of(SNAPSHOTCLASSES).get(name).cloned();
            if class.is_none() {
                let message = format!(
                    "Failed to create snapshot content with error failed to get input parameters to create \
                     snapshot {}: \"failed to retrieve snapshot class {name} from the informer: \
                     \\\"volumesnapshotclass.{GROUP} \\\\\\\"{name}\\\\\\\" not found\\\"\"",
                    meta::name(snapshot)
                );
                self.fail(cx, snapshot, "SnapshotContentCreationFailed", &message)?;
            }
            return Ok(class);
        }
        let of_driver =
            |class: &&Value| class["driver"].str() == driver && meta::annotation(class, IS_DEFAULT) == "true";
        let classes: Vec<Value> = informers.of(SNAPSHOTCLASSES).iter().filter(of_driver).cloned().collect();
        let why = match classes.as_slice() {
            [class] => {
                let patch = tree!({"spec": {"volumeSnapshotClassName": (meta::name(class))}});
                let name = (meta::namespace(snapshot), meta::name(snapshot));
                cx.patch(SNAPSHOTS, name, "", PatchType::Merge, &patch)?;
                return Ok(Some(class.clone()));
            }
            [] => "cannot find default snapshot class".to_string(),
            many => format!("{} default snapshot classes were found", many.len()),
        };
        let message = format!("Failed to set default snapshot class with error {why}");
        self.fail(cx, snapshot, "SetDefaultSnapshotClassFailed", &message)?;
        Ok(None)
    }

    /// Makes a snapshot's status that of its content.
    // Models github.com/kubernetes-csi/external-snapshotter pkg/common-controller/snapshot_controller.go updateSnapshotStatus
    fn bind(&mut self, cx: &mut Cx, informers: &Informers, snapshot: &Value, content: &Value) -> Outcome {
        let reference = &content["spec"]["volumeSnapshotRef"];
        let key = meta::key(snapshot);
        if reference["name"].str() != meta::name(snapshot)
            || reference["namespace"].str() != meta::namespace(snapshot)
        {
            let message =
                format!("VolumeSnapshotContent [{}] is bound to a different snapshot", meta::name(content));
            return self.fail(cx, snapshot, "SnapshotContentMisbound", &message);
        }
        if reference["uid"].str().is_empty() {
            let patch = tree!({"spec": {"volumeSnapshotRef": {"uid": (meta::uid(snapshot))}}});
            cx.patch(SNAPSHOTCONTENTS, ("", meta::name(content)), "", PatchType::Merge, &patch)?;
        }
        let (before, now) = (&snapshot["status"], &content["status"]);
        let mut status = tree!({"boundVolumeSnapshotContentName": (meta::name(content))});
        if let Some(nanos) = now["creationTime"].as_int() {
            status.set(&["creationTime"], Time(nanos).rfc3339());
        }
        if let Some(bytes) = now["restoreSize"].as_int() {
            status.set(&["restoreSize"], Quantity::new(bytes, Format::BinarySi).to_string());
        }
        let ready = now["readyToUse"].is_true();
        status.set(&["readyToUse"], ready);
        if *before == status {
            return Ok(None);
        }
        let had = (!before["creationTime"].is_null(), before["readyToUse"].is_true());
        let patch = tree!({"status": (status)});
        set_status(cx, snapshot, &patch)?;
        if !had.0 && !now["creationTime"].is_null() {
            let message = format!("Snapshot {key} was successfully created by the CSI driver.");
            self.recorder.event(cx, snapshot, "Normal", "SnapshotCreated", &message);
        }
        if !had.1 && ready {
            let message = format!("Snapshot {key} is ready to use.");
            self.recorder.event(cx, snapshot, "Normal", "SnapshotReady", &message);
            free_claim(cx, informers, snapshot)?;
        }
        Ok(None)
    }

    /// Removes a snapshot, and its content where its policy says so.
    // Models github.com/kubernetes-csi/external-snapshotter pkg/common-controller/snapshot_controller.go processSnapshotWithDeletionTimestamp
    fn remove(&mut self, cx: &mut Cx, informers: &Informers, snapshot: &Value) -> Result<(), Failure> {
        let name = snapshot["status"]["boundVolumeSnapshotContentName"].str();
        let fallback = format!("snapcontent-{}", meta::uid(snapshot));
        let name = if name.is_empty() { fallback.as_str() } else { name };
        if let Some(content) = informers.of(SNAPSHOTCONTENTS).get(name).cloned() {
            if meta::annotation(&content, BEING_DELETED).is_empty() {
                let patch = tree!({"metadata": {"annotations": {BEING_DELETED: "yes"}}});
                cx.patch(SNAPSHOTCONTENTS, ("", name), "", PatchType::Merge, &patch)?;
            }
            if content["spec"]["deletionPolicy"].str() == "Delete" {
                if !meta::is_deleting(&content) {
                    cx.delete(SNAPSHOTCONTENTS, "", name, Value::Null)?;
                }
                return Ok(()); // it comes again when the content is gone
            }
        }
        free_claim(cx, informers, snapshot)?;
        finalizers::change(cx, SNAPSHOTS, snapshot, &[], &[SOURCE_FINALIZER, BOUND_FINALIZER])
    }

    fn fail(&mut self, cx: &mut Cx, snapshot: &Value, reason: &str, message: &str) -> Outcome {
        if snapshot["status"]["error"]["message"].str() != message {
            self.recorder.event(cx, snapshot, "Warning", reason, message);
            let error = tree!({"message": message, "time": (cx.at().rfc3339())});
            set_status(cx, snapshot, &tree!({"status": {"readyToUse": false, "error": (error)}}))?;
        }
        Ok(Some(RETRY))
    }
}

/// Lets go of the claim of which a snapshot was taken.
fn free_claim(cx: &mut Cx, informers: &Informers, snapshot: &Value) -> Result<(), Failure> {
    let from = snapshot["spec"]["source"]["persistentVolumeClaimName"].str();
    let key = meta::object_key(meta::namespace(snapshot), from);
    let Some(claim) = informers.of(PERSISTENTVOLUMECLAIMS).get(&key) else { return Ok(()) };
    let waits = |other: &&Value| {
        meta::uid(other) != meta::uid(snapshot)
            && other["spec"]["source"]["persistentVolumeClaimName"].str() == from
            && !other["status"]["readyToUse"].is_true()
    };
    if informers.of(SNAPSHOTS).in_namespace(meta::namespace(snapshot)).any(|other| waits(&other)) {
        return Ok(());
    }
    finalizers::change(cx, PERSISTENTVOLUMECLAIMS, claim, &[], &[CLAIM_FINALIZER])
}

fn set_status(cx: &mut Cx, snapshot: &Value, patch: &Value) -> Result<(), Failure> {
    let name = (meta::namespace(snapshot), meta::name(snapshot));
    cx.patch(SNAPSHOTS, name, "status", PatchType::Merge, patch).map(|_| ())
}

impl Reconcile for SnapshotController {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn resources(&self) -> Vec<Resource> {
        vec![SNAPSHOTS, SNAPSHOTCONTENTS, SNAPSHOTCLASSES, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES]
    }

    fn enqueue(&mut self, change: &Change, _informers: &Informers, queue: &mut Enqueue) {
        if change.resource == SNAPSHOTS {
            if !change.new.is_null() {
                queue.add(change.key.clone());
            }
        } else if change.resource == SNAPSHOTCONTENTS {
            let of = &change.object()["spec"]["volumeSnapshotRef"];
            queue.add(meta::object_key(of["namespace"].str(), of["name"].str()));
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Outcome {
        self.sync(cx, informers, key)
    }
}
