use crate::config::NodeConfig;
use crate::shared::Turn;
use api::resources::{LEASES, NODES};
use api::{PatchType, Value, meta, tree};
use sim::{MILLISECOND, MINUTE, Nanos, SECOND, Time};
use std::collections::BTreeSet;
use std::rc::Rc;

const LEASE_EVERY: Nanos = 10 * SECOND;
const CHECK_EVERY: Nanos = 10 * SECOND;
const REPORT_EVERY: Nanos = 5 * MINUTE;
const LEASE_SECONDS: i64 = 40;
/// How often it looks whether the node can become ready, after its start.
// Models pkg/kubelet/kubelet_node_status.go fastStatusUpdateOnce
const FAST_CHECK_EVERY: Nanos = 100 * MILLISECOND;
/// For how long it looks so often (`nodeReadyGracePeriod`).
const FAST_CHECK_FOR: Nanos = 120 * SECOND;
/// What the container runtime says of its network while the node has no range of addresses for pods.
// Models pkg/kubelet/runtime.go networkErrors, github.com/containerd/containerd internal/cri/server/status.go
pub(crate) const NETWORK_NOT_READY: &str = "container runtime network not ready: NetworkReady=false \
    reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized";

/// The kubelet's care for its Node and its Lease.
// Models pkg/kubelet/kubelet_node_status.go, staging/src/k8s.io/component-helpers/apimachinery/lease
#[derive(Clone, Debug)]
pub(crate) struct NodeAgent {
    registered: bool,
    /// Whether it has ever registered its Node.
    was_registered: bool,
    started: Time,
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
    /// Whether the container runtime had a network when it was asked last.
    has_network: bool,
    /// What was told of these four.
    told: Troubles,
    /// Whether it was told that the node takes no more pods.
    unschedulable: bool,
}

/// What is wrong with a node, of what its conditions tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Troubles {
    lacks_memory: bool,
    lacks_disk: bool,
    lacks_network: bool,
    is_shutting_down: bool,
}

impl NodeAgent {
    fn troubles(&self) -> Troubles {
        Troubles {
            lacks_memory: self.pressure_until.is_some(),
            lacks_disk: self.disk_pressure_until.is_some(),
            lacks_network: !self.has_network,
            is_shutting_down: self.is_shutting_down,
        }
    }

    pub(crate) fn new(now: Time) -> NodeAgent {
        NodeAgent {
            registered: false,
            was_registered: false,
            started: now,
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
            has_network: false,
            told: Troubles::default(),
            unschedulable: false,
        }
    }

    /// Begins again after the machine stood still.
    pub(crate) fn restart(&mut self, now: Time) {
        let (boots, was_registered) = (self.boots + 1, self.was_registered);
        *self = NodeAgent { boots, was_registered, ..NodeAgent::new(now) };
    }

    /// Begins again with a new process on the same machine.
    pub(crate) fn begin_anew(&mut self, now: Time) {
        let (boots, was_registered) = (self.boots, self.was_registered);
        *self = NodeAgent { boots, was_registered, ..NodeAgent::new(now) };
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

    /// Looks anew before long where a Node has a range that its container runtime hasn't heard of.
    pub(crate) fn node_changed(&mut self, now: Time, node: &Value, range: &str) {
        let told = node["spec"]["podCIDR"].str();
        if !told.is_empty() && told != range && now - self.started < FAST_CHECK_FOR {
            self.status_at = self.status_at.min(self.next_tick(now));
        }
    }

    fn next_tick(&self, now: Time) -> Time {
        self.started + ((now - self.started) / FAST_CHECK_EVERY + 1) * FAST_CHECK_EVERY
    }

    /// Asks the container runtime for its network, then tells it the node's range, of which it speaks the next
    /// time.
    // Models pkg/kubelet/kubelet_network.go updatePodCIDR
    fn look_at_network(&mut self, turn: &mut Turn) {
        let now = turn.cx.now;
        self.has_network = turn.shared.has_network();
        let node = turn.shared.informers.of(NODES).get(&turn.shared.config.name);
        let range = node.map(|node| node["spec"]["podCIDR"].text()).unwrap_or_default();
        if range.is_empty() || range == turn.shared.range {
            return;
        }
        turn.shared.take_range(range.clone());
        let name = turn.shared.node.clone();
        turn.net.set_range(&name, &range);
        if !self.has_network && now - self.started < FAST_CHECK_FOR {
            self.status_at = self.next_tick(now);
        }
    }

    fn sync_status(&mut self, turn: &mut Turn) {
        let now = turn.cx.now;
        let config = turn.shared.config.clone();
        self.look_at_network(turn);
        if !self.registered {
            self.begin_network_anew(turn, &config);
            self.register(turn, &config);
            return;
        }
        let images = turn.shared.images.len();
        let troubles = self.troubles();
        let known = turn.shared.informers.of(NODES).get(&config.name).cloned().unwrap_or_default();
        self.tell_schedulable(turn, &known);
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
                tell_ready(turn, &name, &known, &status);
            }
            // It registers the node when it starts only.
            Err(failure) if failure.is_not_found() => self.reported_at = now,
            Err(_) => {}
        }
    }

    /// Tells where a Node was cordoned, or is so no longer.
    // Models pkg/kubelet/kubelet_node_status.go recordNodeSchedulableEvent
    fn tell_schedulable(&mut self, turn: &mut Turn, node: &Value) {
        let unschedulable = node["spec"]["unschedulable"].is_true();
        if node.is_null() || unschedulable == self.unschedulable {
            return;
        }
        self.unschedulable = unschedulable;
        let name = meta::name(node);
        let reason = if unschedulable { "NodeNotSchedulable" } else { "NodeSchedulable" };
        let reference = tree!({"kind": "Node", "name": name, "uid": name});
        turn.event(&reference, "Normal", reason, &format!("Node {name} status is now: {reason}"));
    }

    /// Forgets the range of a Node that is no more: the new one will be given its own, which the network plug-in
    /// waits for.
    fn begin_network_anew(&mut self, turn: &mut Turn, config: &NodeConfig) {
        let nodes = turn.shared.informers.of(NODES);
        let is_new = turn.shared.informers.are_synced() && nodes.get(&config.name).is_none();
        if is_new && self.was_registered && turn.shared.has_network() {
            turn.shared.take_range("".into());
            self.has_network = false;
        }
    }

    fn register(&mut self, turn: &mut Turn, config: &NodeConfig) {
        let now = turn.cx.now;
        let (name, images) = (config.name.clone(), turn.shared.images.list());
        let is = (self.boots, self.troubles());
        let mut uid = String::new();
        let registered = turn.cx.in_background(|cx| match cx.create(NODES, &node(config, now, is)) {
            Err(failure) if failure.is_already_exists() => {
                let known = cx.get(NODES, "", &name)?;
                uid = meta::uid(&known).to_string();
                let patch = tree!({"status": (status(config, now, &known, &images, is))});
                cx.patch(NODES, ("", &name), "status", PatchType::StrategicMerge, &patch).map(|_| known)
            }
            Err(failure) => Err(failure),
            Ok(made) => {
                uid = meta::uid(&made).to_string();
                Ok(Value::Null)
            }
        });
        match registered {
            Ok(known) => {
                (self.registered, self.was_registered) = (true, true);
                self.reported_at = now;
                self.lease_at = now;
                self.images = images.len();
                self.told = is.1;
                self.tell_start(turn, config, &known);
                if config.before.is_null() {
                    turn.cx.in_background(|cx| crate::csi::initialize(cx, &config.name, &uid));
                }
                Rc::make_mut(&mut turn.shared.config).before = Value::Null;
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
        let rows = rows.into_iter().filter(|(kind, ..)| *kind != "Ready" || self.has_network);
        for (kind, status, reason) in rows {
            if meta::condition(known, kind).is_none_or(|condition| condition["status"].str() != status) {
                turn.event(&reference, "Normal", reason, &format!("Node {name} status is now: {reason}"));
            }
        }
    }
}

/// Tells that a node has become ready, or isn't any more.
// Models pkg/kubelet/nodestatus/setters.go ReadyCondition
fn tell_ready(turn: &mut Turn, name: &str, known: &Value, status: &Value) {
    let ready = |conditions: &Value| {
        let mut all = conditions.items().iter();
        all.find(|one| one["type"].str() == "Ready").map(|one| one["status"].text())
    };
    let now = ready(&status["conditions"]);
    if ready(&known["status"]["conditions"]).is_some_and(|before| Some(before) != now) {
        let reason = if now.as_deref() == Some("True") { "NodeReady" } else { "NodeNotReady" };
        let reference = tree!({"kind": "Node", "name": name, "uid": name});
        turn.event(&reference, "Normal", reason, &format!("Node {name} status is now: {reason}"));
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
fn node(config: &NodeConfig, now: Time, is: (u64, Troubles)) -> Value {
    let mut node = initial_node(config);
    node.set(&["status"], status(config, now, &Value::Null, &[], is));
    node
}

// Models pkg/kubelet/kubelet_node_status.go initialNode
fn initial_node(config: &NodeConfig) -> Value {
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
    let with = |mut own: Value, before: &Value| {
        before.fields().iter().for_each(|(name, value)| own.set(&[name], value));
        own
    };
    let annotations = tree!({"volumes.kubernetes.io/controller-managed-attach-detach": "true"});
    let mut spec = with(Value::map(), &config.before["spec"]);
    if !config.taints.is_empty() {
        spec.set(&["taints"], config.taints.clone());
    }
    tree!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": (&config.name),
            "labels": (labels),
            "annotations": (with(annotations, &config.before["annotations"])),
        },
        "spec": (spec),
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
    let why =
        [(troubles.lacks_network, NETWORK_NOT_READY), (troubles.is_shutting_down, "node is shutting down")];
    let why: Vec<&str> = why.into_iter().filter(|(is, _)| *is).map(|(_, why)| why).collect();
    let all = format!("[{}]", why.join(", "));
    let ready = match *why {
        [] => ("True", "KubeletReady", "kubelet is posting ready status"),
        [why] => ("False", "KubeletNotReady", why),
        _ => ("False", "KubeletNotReady", all.as_str()),
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
