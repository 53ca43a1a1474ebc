//! What kubelet and CSI drivers have to do with each other: which drivers run on the node, and that a volume
//! is attached before it is mounted.

use crate::cri::{Catalogue, CsiDriver, Reference};
use crate::images::look_up;
use crate::kubelet::Kubelet;
use crate::shared::{ProgramChange, Turn};
use crate::worker::{PodWorker, Stage};
use api::resources::{CSIDRIVERS, CSINODES, NODES, PERSISTENTVOLUMECLAIMS};
use api::volume::{self, Attachable};
use api::{PatchType, Value, meta, tree};
use client::{Change, Cx, Failure};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The program that registers a driver.
pub(crate) const REGISTRAR: &str = "csi-node-driver-registrar";

/// A driver that is registered.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    /// The pod of its registrar.
    pod: Rc<str>,
    /// What its image says of it; `None` where the image isn't known as a driver's.
    driver: Option<CsiDriver>,
}

/// Why a volume isn't mounted yet.
pub(crate) enum Missing {
    /// Something fails, which is told.
    Failed(String),
    /// It is yet to be attached: nobody is told.
    Waits,
}

/// Returns the name of the driver that a registrar in a pod registers, and what the driver's image says of it.
// Models kubernetes-csi/node-driver-registrar cmd/csi-node-driver-registrar
fn driver_of(pod: &Value, catalogue: &Catalogue) -> Option<(Rc<str>, Option<CsiDriver>)> {
    let containers = || pod["spec"]["containers"].items().iter();
    let answers = containers().find_map(|container| {
        let reference = Reference::parse(container["image"].str()).ok()?;
        look_up(catalogue, &reference, true).ok()?.image.csi.clone()
    });
    if let Some(driver) = answers {
        return Some((driver.name.as_str().into(), Some(driver)));
    }
    let mut words = containers().flat_map(|container| {
        let flags = container["args"].items().iter();
        let flags = flags
            .filter_map(|word| word.str().strip_prefix("--kubelet-registration-path=").map(str::to_string));
        let values = container["env"].items().iter().map(|one| one["value"].str().to_string());
        values.chain(flags).collect::<Vec<String>>()
    });
    let directory = words.find_map(|word| {
        Some(word.strip_prefix("/var/lib/kubelet/plugins/")?.strip_suffix("/csi.sock")?.to_string())
    })?;
    Some((directory.into(), None))
}

impl Kubelet {
    /// Takes up the drivers whose registrars have started, and drops those whose registrars have ended.
    // Models pkg/kubelet/pluginmanager, pkg/volume/csi/csi_plugin.go RegisterPlugin
    pub(crate) fn follow_drivers(&mut self, cx: &mut Cx) {
        let mut changed = false;
        for change in &self.shared.programs {
            match change {
                ProgramChange::Began { pod, program } if &**program == REGISTRAR => {
                    if let Some((name, driver)) = driver_of(pod, &self.shared.catalogue) {
                        let pod = meta::uid(pod).into();
                        self.shared.drivers.insert(name, Registered { pod, driver });
                        changed = true;
                    }
                }
                ProgramChange::Ended { uid } => {
                    let before = self.shared.drivers.len();
                    self.shared.drivers.retain(|_, known| known.pod != *uid);
                    changed |= before != self.shared.drivers.len();
                }
                ProgramChange::Began { .. } => {}
            }
        }
        if changed {
            let drivers = &self.shared.drivers;
            let name = self.shared.config.name.clone();
            let uid = self.shared.informers.of(NODES).get(&name).map(|node| meta::uid(node).to_string());
            let _ = cx.in_background(|cx| write(cx, &name, &uid.unwrap_or_default(), drivers)); // the next change tries again
        }
    }

    /// Lets pods that wait for volumes look again, once more of them are attached.
    pub(crate) fn node_changed(&mut self, cx: &Cx, change: &Change) {
        if change.old["status"]["volumesAttached"] == change.new["status"]["volumesAttached"] {
            return;
        }
        let now = cx.now;
        for uid in self.workers.uids() {
            self.workers.change(&uid, |worker| {
                if let Stage::Mounting { retry, .. } = &mut worker.stage
                    && !worker.attachable.is_empty()
                {
                    *retry = now;
                    worker.due = now;
                }
            });
        }
    }
}

/// The plug-ins of former times whose volumes drivers look after now.
const MIGRATED: &str = "kubernetes.io/aws-ebs,kubernetes.io/azure-disk,kubernetes.io/azure-file,\
    kubernetes.io/cinder,kubernetes.io/gce-pd,kubernetes.io/portworx-volume,kubernetes.io/vsphere-volume";

/// Returns the CSINode of a node on which no driver runs.
// Models pkg/volume/csi/nodeinfomanager/nodeinfomanager.go CreateCSINode
pub fn csi_node(node: &str, uid: &str) -> Value {
    let mut metadata = tree!({
        "name": node,
        "annotations": {"storage.alpha.kubernetes.io/migrated-plugins": MIGRATED},
    });
    if !uid.is_empty() {
        let owner = tree!({"apiVersion": "v1", "kind": "Node", "name": node, "uid": uid});
        metadata.set(&["ownerReferences"], vec![owner]);
    }
    tree!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": (metadata),
        "spec": {"drivers": null},
    })
}

/// Makes a node's CSINode where there is none.
// Models pkg/volume/csi/nodeinfomanager/nodeinfomanager.go InitializeCSINodeWithAnnotation
pub(crate) fn initialize(cx: &mut Cx, node: &str, uid: &str) {
    if cx.get(CSINODES, "", node).is_err_and(|failure| failure.is_not_found()) {
        let _ = cx.create(CSINODES, &csi_node(node, uid)); // the first driver makes it otherwise
    }
}

/// Writes down which drivers run on a node, and what they say of it.
// Models pkg/volume/csi/nodeinfomanager/nodeinfomanager.go InstallCSIDriver
fn write(cx: &mut Cx, node: &str, uid: &str, drivers: &BTreeMap<Rc<str>, Registered>) -> Result<(), Failure> {
    let mut entries: Vec<Value> = Vec::new();
    let (mut labels, mut ids) = (Value::map(), Vec::new());
    for (name, known) in drivers {
        let driver = known.driver.as_ref();
        let id = match driver.is_some_and(|driver| driver.place.is_empty()) {
            true => node.to_string(),
            false => (100_000_000 + cx.chance.draw("node-id", node, 0) % 400_000_000).to_string(),
        };
        ids.push(format!("{:?}:{id:?}", &**name));
        let mut entry = tree!({"name": (&**name), "nodeID": (id), "topologyKeys": null});
        if let Some(driver) = driver {
            if driver.volumes > 0 {
                entry.set(&["allocatable"], tree!({"count": (driver.volumes)}));
            }
            entry.set(&["topologyKeys"], tree!([(&driver.topology)]));
            let place = if driver.place.is_empty() { node } else { driver.place.as_str() };
            labels.set(&[&driver.topology], place);
        }
        entries.push(entry);
    }
    if !drivers.is_empty() {
        let ids = format!("{{{}}}", ids.join(","));
        let patch = tree!({"metadata": {
            "annotations": {"csi.volume.kubernetes.io/nodeid": (ids)},
            "labels": (labels),
        }});
        cx.patch(NODES, ("", node), "", PatchType::StrategicMerge, &patch)?;
    }
    let spec = tree!({"drivers": (entries)});
    match cx.get(CSINODES, "", node) {
        Ok(known) => {
            let mut changed = known.clone();
            changed.set(&["spec"], spec);
            cx.update(CSINODES, &changed, "").map(|_| ())
        }
        Err(failure) if failure.is_not_found() => {
            let mut object = csi_node(node, uid);
            object.set(&["spec"], spec);
            cx.create(CSINODES, &object).map(|_| ())
        }
        Err(failure) => Err(failure),
    }
}

impl PodWorker {
    /// Sees whether a driver makes volumes that live and die with the pod, and runs here.
    // Models pkg/volume/csi/csi_plugin.go supportsVolumeLifecycleMode, pkg/volume/csi/csi_mounter.go SetUpAt
    pub(crate) fn check_inline(&mut self, turn: &mut Turn, name: &str, driver: &str) -> Result<(), Missing> {
        let object = turn.cx.in_background(|cx| cx.get(CSIDRIVERS, "", driver));
        let why = match object {
            Ok(object) => {
                let modes = object["spec"]["volumeLifecycleModes"].items().iter().map(Value::str);
                let modes: Vec<&str> = modes.collect();
                let modes = if modes.is_empty() { vec!["Persistent"] } else { modes };
                let listed = modes.iter().map(|mode| format!("{mode:?}")).collect::<Vec<_>>().join(" ");
                (!modes.contains(&"Ephemeral")).then(|| format!("only supports [{listed}]"))
            }
            Err(_) => Some("no CSIDriver object".to_string()),
        };
        if let Some(why) = why {
            return Err(Missing::Failed(format!(
                "MountVolume.NewMounter initialization failed for volume {name:?} : volume mode \"Ephemeral\" not \
                 supported by driver {driver} ({why})"
            )));
        }
        if !turn.shared.drivers.contains_key(driver) {
            return Err(Missing::Failed(format!(
                "MountVolume.SetUp failed for volume {name:?} : kubernetes.io/csi: mounter.SetUpAt failed to get CSI \
                 client: driver name {driver} not found in the list of registered CSI drivers"
            )));
        }
        Ok(())
    }

    /// Sees whether a driver's volume can be mounted: its driver runs here, and it is attached.
    // Models pkg/volume/util/operationexecutor/operation_generator.go GenerateVerifyControllerAttachedVolumeFunc
    pub(crate) fn check_attached(&mut self, turn: &mut Turn, attachable: &Attachable) -> Result<(), Missing> {
        let driver = turn.cx.in_background(|cx| cx.get(CSIDRIVERS, "", attachable.driver));
        let attaches = driver.is_ok_and(|driver| driver["spec"]["attachRequired"].as_bool() != Some(false));
        if attaches {
            let unique: Rc<str> = attachable.unique_name().into();
            if !self.attachable.contains(&unique) {
                self.attachable.push(unique.clone());
            }
            let node = turn.shared.informers.of(NODES).get(&turn.shared.config.name);
            let Some(status) = node.map(|node| &node["status"]) else { return Err(Missing::Waits) };
            let said = status["volumesInUse"].items().iter().any(|name| name.str() == &*unique);
            let there = status["volumesAttached"].items().iter().any(|one| one["name"].str() == &*unique);
            if !said || !there {
                return Err(Missing::Waits);
            }
        }
        if !turn.shared.drivers.contains_key(attachable.driver) {
            return Err(Missing::Failed(format!(
                "MountVolume.MountDevice failed for volume {:?} : kubernetes.io/csi: attacher.MountDevice failed to \
                 create newCsiDriverClient: driver name {} not found in the list of registered CSI drivers",
                attachable.name(),
                attachable.driver
            )));
        }
        Ok(())
    }

    /// Makes the file systems of volumes as large as the volumes are, which have grown meanwhile.
    // Models pkg/volume/util/operationexecutor/node_expander.go
    pub(crate) fn grow_volumes(&mut self, turn: &mut Turn) {
        let namespace = meta::namespace(&self.pod).to_string();
        for name in volume::claims(&self.pod).collect::<Vec<String>>() {
            let Ok(claim) = turn.cx.in_background(|cx| cx.get(PERSISTENTVOLUMECLAIMS, &namespace, &name))
            else {
                continue;
            };
            self.grow(turn, &claim);
        }
    }

    /// Makes one file system as large as its volume, where the volume has grown.
    pub(crate) fn grow(&self, turn: &mut Turn, claim: &Value) {
        if meta::condition(claim, "FileSystemResizePending").is_none() {
            return;
        }
        let volume = claim["spec"]["volumeName"].text();
        let object = turn.cx.in_background(|cx| cx.get(api::resources::PERSISTENTVOLUMES, "", &volume));
        let Ok(object) = object else { return };
        let size = &object["spec"]["capacity"]["storage"];
        let patch = tree!({"status": {
            "capacity": {"storage": (size)},
            "conditions": null,
            "allocatedResources": {"storage": (size)},
            "allocatedResourceStatuses": null,
        }});
        let name = (meta::namespace(claim), meta::name(claim));
        let sent = turn
            .cx
            .in_background(|cx| cx.patch(PERSISTENTVOLUMECLAIMS, name, "status", PatchType::Merge, &patch));
        if sent.is_err() {
            return; // the next look tries again
        }
        let message =
            format!("MountVolume.NodeExpandVolume succeeded for volume {:?} {}", &*volume, turn.shared.node);
        for reference in [self.reference(None), meta::object_reference(claim)] {
            turn.event(&reference, "Normal", "FileSystemResizeSuccessful", &message);
        }
    }
}
