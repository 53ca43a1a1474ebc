use crate::config::NodeConfig;
use crate::shared::Turn;
use api::resources::{LEASES, NODES};
use api::{PatchType, Value, meta, tree};
use sim::{MINUTE, Nanos, SECOND, Time};
use std::collections::BTreeSet;
use std::rc::Rc;

const LEASE_EVERY: Nanos = 10 * SECOND;
const CHECK_EVERY: Nanos = 10 * SECOND;
const REPORT_EVERY: Nanos = 5 * MINUTE;
const LEASE_SECONDS: i64 = 40;

/// The kubelet's care for its Node and its Lease.
// Models pkg/kubelet/kubelet_node_status.go, staging/src/k8s.io/component-helpers/apimachinery/lease
#[derive(Clone, Debug)]
pub(crate) struct NodeAgent {
    registered: bool,
    pub lease_at: Time,
    /// The Lease as the last renewal left it; null where it has to be read.
    lease: Value,
    pub status_at: Time,
    reported_at: Time,
    images: usize,
    /// How often the machine was started.
    boots: u64,
    /// Until when the node is said to lack memory.
    pub pressure_until: Option<Time>,
    /// The volumes that pods have mounted, or wait for, as they were seen last.
    pub in_use: BTreeSet<Rc<str>>,
    /// Until when the node is said to lack disk.
    pub disk_pressure_until: Option<Time>,
    /// Whether the machine is being shut down.
    pub is_shutting_down: bool,
    /// What was told of these three.
    told: Troubles,
}

/// What is wrong with a node, of what its conditions tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Troubles {
    lacks_memory: bool,
    lacks_disk: bool,
    is_shutting_down: bool,
}

impl NodeAgent {
    fn troubles(&self) -> Troubles {
        Troubles {
            lacks_memory: self.pressure_until.is_some(),
            lacks_disk: self.disk_pressure_until.is_some(),
            is_shutting_down: self.is_shutting_down,
        }
    }

    pub(crate) fn new(now: Time) -> NodeAgent {
        NodeAgent {
            registered: false,
            lease: Value::Null,
            lease_at: now,
            status_at: now,
            reported_at: Time(i64::MIN),
            images: 0,
            boots: 1,
            pressure_until: None,
            in_use: BTreeSet::new(),
            disk_pressure_until: None,
            is_shutting_down: false,
            told: Troubles::default(),
        }
    }

    /// Begins again after the machine stood still.
    pub(crate) fn restart(&mut self, now: Time) {
        *self = NodeAgent { boots: self.boots + 1, ..NodeAgent::new(now) };
    }

    /// Begins again with a new process on the same machine.
    pub(crate) fn begin_anew(&mut self, now: Time) {
        *self = NodeAgent { boots: self.boots, ..NodeAgent::new(now) };
    }

    /// Returns when it has something to do.
    pub(crate) fn next_at(&self) -> Time {
        self.lease_at.min(self.status_at)
    }

    /// Does what is due.
    pub(crate) fn step(&mut self, turn: &mut Turn) {
        let now = turn.cx.now;
        if self.status_at <= now {
            self.status_at = now + CHECK_EVERY;
            self.sync_status(turn);
        }
        if self.lease_at <= now && self.registered {
            self.lease_at = now + LEASE_EVERY;
            renew_lease(turn, &mut self.lease);
        } else if self.lease_at <= now {
            self.lease_at = now + SECOND;
        }
    }

    fn sync_status(&mut self, turn: &mut Turn) {
        let now = turn.cx.now;
        let config = turn.shared.config.clone();
        if !self.registered {
            self.register(turn, &config);
            return;
        }
        let images = turn.shared.images.len();
        let troubles = self.troubles();
        let known = turn.shared.informers.of(NODES).get(&config.name).cloned().unwrap_or_default();
        // Somebody else says otherwise: the node controller, while this node could not be heard.
        let is_doubted = meta::condition(&known, "Ready").is_some_and(|one| one["status"].str() == "Unknown");
        let said = known["status"]["volumesInUse"].items();
        let mounts =
            said.len() != self.in_use.len() || said.iter().any(|name| !self.in_use.contains(name.str()));
        let changed = images != self.images || troubles != self.told || is_doubted || mounts;
        if !changed && now - self.reported_at < REPORT_EVERY {
            return;
        }
        let list = turn.shared.images.list();
        let status = status(&config, now, &known, &list, (self.boots, troubles));
        let mut patch = tree!({"status": {
            "conditions": (&status["conditions"]),
            "images": (&status["images"]),
        }});
        if mounts {
            let names: Vec<Value> = self.in_use.iter().map(|name| (&**name).into()).collect();
            patch.set(&["status", "volumesInUse"], if names.is_empty() { Value::Null } else { names.into() });
        }
        let name = config.name.clone();
        let sent = turn
            .cx
            .in_background(|cx| cx.patch(NODES, ("", &name), "status", PatchType::StrategicMerge, &patch));
        match sent {
            Ok(_) => {
                self.reported_at = now;
                self.images = images;
                self.told = troubles;
            }
            // It registers the node when it starts only.
            Err(failure) if failure.is_not_found() => self.reported_at = now,
            Err(_) => {}
        }
    }

    fn register(&mut self, turn: &mut Turn, config: &NodeConfig) {
        let now = turn.cx.now;
        let (name, images) = (config.name.clone(), turn.shared.images.list());
        let boots = self.boots;
        let registered = turn.cx.in_background(|cx| match cx.create(NODES, &node(config, now, boots)) {
            Err(failure) if failure.is_already_exists() => {
                let known = cx.get(NODES, "", &name)?;
                let patch =
                    tree!({"status": (status(config, now, &known, &images, (boots, Troubles::default())))});
                cx.patch(NODES, ("", &name), "status", PatchType::StrategicMerge, &patch).map(|_| known)
            }
            Err(failure) => Err(failure),
            Ok(_) => Ok(Value::Null),
        });
        match registered {
            Ok(known) => {
                self.registered = true;
                self.reported_at = now;
                self.lease_at = now;
                self.images = images.len();
                self.tell_start(turn, config, &known);
            }
            Err(_) => self.status_at = now + SECOND,
        }
    }

    /// Tells that the kubelet has started; `known` is the Node as it was, null where it is new.
    fn tell_start(&mut self, turn: &mut Turn, config: &NodeConfig, known: &Value) {
        let name = &config.name;
        let reference = tree!({"kind": "Node", "name": name, "uid": name});
        turn.event(&reference, "Normal", "Starting", "Starting kubelet.");
        let boot = boot_id(name, self.boots);
        let before = known["status"]["nodeInfo"]["bootID"].str();
        if !before.is_empty() && before != boot {
            let message = format!("Node {name} has been rebooted, boot id: {boot}");
            turn.event(&reference, "Warning", "Rebooted", &message);
        }
        let rows = [
            ("MemoryPressure", "False", "NodeHasSufficientMemory"),
            ("DiskPressure", "False", "NodeHasNoDiskPressure"),
            ("PIDPressure", "False", "NodeHasSufficientPID"),
            ("Ready", "True", "NodeReady"),
        ];
        for (kind, status, reason) in rows {
            if meta::condition(known, kind).is_none_or(|condition| condition["status"].str() != status) {
                turn.event(&reference, "Normal", reason, &format!("Node {name} status is now: {reason}"));
            }
        }
    }
}

/// Returns the number that a machine has from one start to the next.
fn boot_id(name: &str, boots: u64) -> String {
    uuid(&crate::images::hex64(sim::Chance::new(0), "boot", name, boots))
}

/// Returns digits in the form of a UUID.
fn uuid(digits: &str) -> String {
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or("");
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

fn renew_lease(turn: &mut Turn, held: &mut Value) {
    let now = turn.cx.now;
    let name = turn.shared.config.name.clone();
    let node = turn.shared.informers.of(NODES).get(&name).cloned().unwrap_or_default();
    // What the last renewal left; a conflict or a lost answer makes it be read anew.
    let last = std::mem::take(held);
    *held = turn.cx.in_background(|cx| {
        let last = if last.is_null() {
            match cx.get(LEASES, "kube-node-lease", &name) {
                Ok(there) => there,
                Err(failure) if failure.is_not_found() => Value::Null,
                Err(_) => return Value::Null,
            }
        } else {
            last
        };
        let renewed = renewed(now, &name, &node, &last);
        let written =
            if last.is_null() { cx.create(LEASES, &renewed) } else { cx.update(LEASES, &renewed, "") };
        written.unwrap_or_default()
    });
}

/// Returns a node's Lease renewed, or a new one.
// Models staging/src/k8s.io/component-helpers/apimachinery/lease/controller.go newLease
fn renewed(now: Time, name: &str, node: &Value, last: &Value) -> Value {
    let mut lease = last.clone();
    if lease.is_null() {
        lease = tree!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS},
        });
    }
    lease.set(&["spec", "renewTime"], now.rfc3339_micro());
    if lease["metadata"]["ownerReferences"].items().is_empty() && !meta::uid(node).is_empty() {
        let owner = tree!({"apiVersion": "v1", "kind": "Node", "name": name, "uid": (meta::uid(node))});
        lease.set(&["metadata", "ownerReferences"], vec![owner]);
    }
    lease
}

/// Makes the Node object that a kubelet registers.
fn node(config: &NodeConfig, now: Time, boots: u64) -> Value {
    let mut labels = tree!({
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": (&config.name),
        "kubernetes.io/os": "linux",
    });
    for (name, value) in &config.labels {
        labels.set(&[name], value.as_str());
    }
    let mut spec = tree!({"podCIDR": (&config.pod_cidr), "podCIDRs": [(&config.pod_cidr)]});
    if !config.taints.is_empty() {
        spec.set(&["taints"], config.taints.clone());
    }
    tree!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": (&config.name),
            "labels": (labels),
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"},
        },
        "spec": (spec),
        "status": (status(config, now, &Value::Null, &[], (boots, Troubles::default()))),
    })
}

fn status(
    config: &NodeConfig,
    now: Time,
    known: &Value,
    images: &[(Vec<String>, i64)],
    (boots, troubles): (u64, Troubles),
) -> Value {
    let memory = match troubles.lacks_memory {
        true => ("True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
        false => ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    };
    let disk = match troubles.lacks_disk {
        true => ("True", "KubeletHasDiskPressure", "kubelet has disk pressure"),
        false => ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    };
    let ready = match troubles.is_shutting_down {
        true => ("False", "KubeletNotReady", "node is shutting down"),
        false => ("True", "KubeletReady", "kubelet is posting ready status"),
    };
    let rows = [
        ("MemoryPressure", memory.0, memory.1, memory.2),
        ("DiskPressure", disk.0, disk.1, disk.2),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", ready.0, ready.1, ready.2),
    ];
    let condition = |(kind, status, reason, message): (&str, &str, &str, &str)| {
        let since = match meta::condition(known, kind) {
            Some(known) if known["status"].str() == status => known["lastTransitionTime"].clone(),
            _ => now.rfc3339().into(),
        };
        tree!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": (now.rfc3339()), "lastTransitionTime": (since),
        })
    };
    let resources = tree!({
        "cpu": (&config.cpu),
        "ephemeral-storage": (&config.ephemeral_storage),
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": (&config.memory),
        "pods": (config.pods.to_string()),
    });
    let images: Vec<Value> = images
        .iter()
        .take(50)
        .map(|(names, size)| tree!({"names": (names.clone()), "sizeBytes": (*size)}))
        .collect();
    let machine = crate::images::hex64(sim::Chance::new(0), "machine", &config.name, 0);
    let id = machine.get(..32).unwrap_or("");
    tree!({
        "addresses": [
            {"type": "InternalIP", "address": (&config.address)},
            {"type": "Hostname", "address": (&config.name)},
        ],
        "allocatable": (&resources),
        "capacity": (&resources),
        "conditions": (rows.into_iter().map(condition).collect::<Vec<Value>>()),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "images": (images),
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": (boot_id(&config.name, boots)),
            "containerRuntimeVersion": "containerd://2.2.1",
            "kernelVersion": "6.8.0-90-generic",
            "kubeProxyVersion": "",
            "kubeletVersion": (&config.version),
            "machineID": id,
            "operatingSystem": "linux",
            "osImage": "Ubuntu 24.04.3 LTS",
            "systemUUID": (uuid(id)),
        },
        "runtimeHandlers": [{"name": "", "features": {"recursiveReadOnlyMounts": true, "userNamespaces": true}}],
    })
}
