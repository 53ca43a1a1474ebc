use api::resources::{PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, STORAGECLASSES};
use api::{Resource, Value, meta, tree, volume};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, Informers, Reconcile};
use sim::{MILLISECOND, Nanos, SECOND};
use std::rc::Rc;

/// How long making or removing a directory takes, at least and at most.
const WORK: (Nanos, Nanos) = (40 * MILLISECOND, 160 * MILLISECOND);
/// When a claim whose class is missing is looked at again.
const RETRY: Nanos = 15 * SECOND;

/// The provisioner's program.
#[derive(Clone, Debug)]
pub struct Provisioner {
    identity: Identity,
    name: Rc<str>,
    server: Rc<str>,
    path: Rc<str>,
    recorder: EventRecorder,
    removed: Vec<Rc<str>>,
    done: u64,
}

fn variable(pod: &Value, name: &str) -> Rc<str> {
    let containers = pod["spec"]["containers"].items().iter();
    let mut variables = containers.flat_map(|container| container["env"].items());
    variables.find(|variable| variable["name"].str() == name).map_or("".into(), |found| found["value"].text())
}

impl Provisioner {
    /// Makes the provisioner of a pod, as it is when its process starts.
    pub fn new(pod: &Value) -> Provisioner {
        let (name, account) = (meta::name(pod), pod["spec"]["serviceAccountName"].str());
        let provisioner = variable(pod, "PROVISIONER_NAME");
        Provisioner {
            identity: Identity::service_account(
                meta::namespace(pod),
                account,
                &format!("nfs-client-provisioner/{name}"),
            ),
            recorder: EventRecorder::new(&format!("{provisioner}_{name}_{}", meta::uid(pod)), ""),
            name: provisioner,
            server: variable(pod, "NFS_SERVER"),
            path: variable(pod, "NFS_PATH"),
            removed: Vec::new(),
            done: 0,
        }
    }

    /// Takes the names of the volumes whose data it has deleted since the last call.
    pub fn take_removed(&mut self) -> Vec<Rc<str>> {
        std::mem::take(&mut self.removed)
    }

    /// Makes a claim's volume. Returns when to look again, where it can't be made yet.
    // Models sigs.k8s.io/sig-storage-lib-external-provisioner controller/controller.go provisionClaimOperation
    fn provision(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(claim) = informers.of(PERSISTENTVOLUMECLAIMS).get(key).cloned() else {
            return Ok(None);
        };
        let asked = meta::annotation(&claim, volume::STORAGE_PROVISIONER);
        if asked != &*self.name || !claim["spec"]["volumeName"].str().is_empty() || meta::is_deleting(&claim)
        {
            return Ok(None);
        }
        let Some(class) = informers.of(STORAGECLASSES).get(volume::class(&claim)).cloned() else {
            return Ok(Some(RETRY));
        };
        if volume::is_delayed(&class) && meta::annotation(&claim, volume::SELECTED_NODE).is_empty() {
            return Ok(None);
        }
        let name = format!("pvc-{}", meta::uid(&claim));
        if informers.of(PERSISTENTVOLUMES).get(&name).is_some() {
            return Ok(None);
        }
        if claim["spec"]["volumeMode"].str() == "Block" {
            // Models sigs.k8s.io/sig-storage-lib-external-provisioner controller/controller.go canProvision
            let message = format!("{} does not support block volume provisioning", self.name);
            self.recorder.event(cx, &claim, "Warning", "ProvisioningFailed", &message);
            return Ok(None);
        }
        let message = format!("External provisioner is provisioning volume for claim {key:?}");
        self.recorder.event(cx, &claim, "Normal", "Provisioning", &message);
        if !claim["spec"]["selector"].is_null() {
            let message = format!(
                "failed to provision volume with StorageClass {:?}: claim Selector is not supported",
                meta::name(&class)
            );
            self.recorder.event(cx, &claim, "Warning", "ProvisioningFailed", &message);
            return Ok(Some(RETRY));
        }
        cx.spend(cx.chance.span("provision", &name, self.done, WORK.0, WORK.1));
        match cx.create(PERSISTENTVOLUMES, &self.volume(&name, &claim, &class)) {
            Err(failure) if !failure.is_already_exists() => {
                let message = format!("Error saving provisioned volume: {failure}");
                self.recorder.event(cx, &claim, "Warning", "ProvisioningFailed", &message);
                Err(failure)
            }
            _ => {
                let message = format!("Successfully provisioned volume {name}");
                self.recorder.event(cx, &claim, "Normal", "ProvisioningSucceeded", &message);
                Ok(None)
            }
        }
    }

    // Models nfs-subdir-external-provisioner cmd/nfs-subdir-external-provisioner/provisioner.go Provision
    fn volume(&self, name: &str, claim: &Value, class: &Value) -> Value {
        let directory = format!("{}-{}-{name}", meta::namespace(claim), meta::name(claim));
        let mut volume = tree!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name, "annotations": {(volume::PROVISIONED_BY): (&self.name)}},
            "spec": {
                "accessModes": (&claim["spec"]["accessModes"]),
                "capacity": {"storage": (&claim["spec"]["resources"]["requests"]["storage"])},
                "claimRef": (meta::object_reference(claim)),
                "nfs": {"server": (&self.server), "path": (format!("{}/{directory}", self.path))},
                "persistentVolumeReclaimPolicy": (class["reclaimPolicy"].as_str().unwrap_or("Delete")),
                "storageClassName": (meta::name(class)),
                "volumeMode": (&claim["spec"]["volumeMode"]),
            },
        });
        if !class["mountOptions"].is_empty() {
            volume.set(&["spec", "mountOptions"], &class["mountOptions"]);
        }
        volume
    }

    /// Deletes a volume whose claim is gone.
    // Models sigs.k8s.io/sig-storage-lib-external-provisioner controller/controller.go deleteVolumeOperation
    fn delete(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<(), Failure> {
        let Some(volume) = informers.of(PERSISTENTVOLUMES).get(key) else { return Ok(()) };
        let is_mine = meta::annotation(volume, volume::PROVISIONED_BY) == &*self.name;
        let goes = volume["spec"]["persistentVolumeReclaimPolicy"].str() == "Delete"
            && volume["status"]["phase"].str() == "Released";
        if !is_mine || !goes || meta::is_deleting(volume) {
            return Ok(());
        }
        cx.spend(cx.chance.span("remove", key, self.done, WORK.0, WORK.1));
        self.removed.push(key.into());
        match cx.delete(PERSISTENTVOLUMES, "", key, Value::Null) {
            Err(failure) if !failure.is_not_found() => Err(failure),
            _ => Ok(()),
        }
    }
}

impl Reconcile for Provisioner {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn resources(&self) -> Vec<Resource> {
        vec![PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, STORAGECLASSES]
    }

    /// A key with a namespace is a claim's, one without is a volume's.
    fn enqueue(&mut self, change: &Change, _informers: &Informers, queue: &mut Enqueue) {
        if change.resource != STORAGECLASSES && !change.new.is_null() {
            queue.add(change.key.clone());
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        self.done += 1;
        match key.contains('/') {
            true => self.provision(cx, informers, key),
            false => self.delete(cx, informers, key).map(|()| None),
        }
    }
}
