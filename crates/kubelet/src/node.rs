use crate::config::NodeConfig;
use crate::shared::Turn;
use api::resources::{LEASES, NODES};
use api::{PatchType, Value, meta, tree};
use sim::{MINUTE, Nanos, SECOND, Time};

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
    /// The `resourceVersion` that the last renewal left; empty where it has to be read.
    lease: String,
    pub status_at: Time,
    reported_at: Time,
    images: usize,
}

impl NodeAgent {
    pub(crate) fn new(now: Time) -> NodeAgent {
        NodeAgent {
            registered: false,
            lease: String::new(),
            lease_at: now,
            status_at: now,
            reported_at: Time(i64::MIN),
            images: 0,
        }
    }

    /// Begins again after the machine stood still.
    pub(crate) fn restart(&mut self, now: Time) {
        *self = NodeAgent { registered: self.registered, ..NodeAgent::new(now) };
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
        let images = turn.shared.images.list();
        let changed = images.len() != self.images;
        if !changed && now - self.reported_at < REPORT_EVERY {
            return;
        }
        let known = turn.shared.informers.of(NODES).get(&config.name).cloned().unwrap_or_default();
        let status = status(&config, now, &known, &images);
        let patch = tree!({"status": {
            "conditions": (&status["conditions"]),
            "images": (&status["images"]),
        }});
        let name = config.name.clone();
        let sent = turn
            .cx
            .in_background(|cx| cx.patch(NODES, ("", &name), "status", PatchType::StrategicMerge, &patch));
        match sent {
            Ok(_) => {
                self.reported_at = now;
                self.images = images.len();
            }
            Err(failure) if failure.is_not_found() => self.registered = false,
            Err(_) => {}
        }
    }

    fn register(&mut self, turn: &mut Turn, config: &NodeConfig) {
        let now = turn.cx.now;
        let node = node(config, now);
        let name = config.name.clone();
        let created = turn.cx.in_background(|cx| match cx.create(NODES, &node) {
            Err(failure) if failure.is_already_exists() => {
                let patch = tree!({"status": (&node["status"])});
                cx.patch(NODES, ("", &name), "status", PatchType::StrategicMerge, &patch).map(|_| false)
            }
            Err(failure) => Err(failure),
            Ok(_) => Ok(true),
        });
        match created {
            Ok(is_new) => {
                self.registered = true;
                self.reported_at = now;
                self.lease_at = now;
                self.tell_start(turn, config, is_new);
            }
            Err(_) => self.status_at = now + SECOND,
        }
    }

    fn tell_start(&mut self, turn: &mut Turn, config: &NodeConfig, is_new: bool) {
        let reference = tree!({"kind": "Node", "name": (&config.name), "uid": (&config.name)});
        turn.event(&reference, "Normal", "Starting", "Starting kubelet.");
        if !is_new {
            return;
        }
        for reason in
            ["NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID", "NodeReady"]
        {
            let message = format!("Node {} status is now: {reason}", config.name);
            turn.event(&reference, "Normal", reason, &message);
        }
    }
}

fn renew_lease(turn: &mut Turn, held: &mut String) {
    let now = turn.cx.now;
    let name = turn.shared.config.name.clone();
    let node = turn.shared.informers.of(NODES).get(&name).cloned().unwrap_or_default();
    let mut lease = tree!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": (&name), "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": (&name), "leaseDurationSeconds": LEASE_SECONDS, "renewTime": (now.rfc3339_micro())},
    });
    if !meta::uid(&node).is_empty() {
        let owner = tree!({"apiVersion": "v1", "kind": "Node", "name": (&name), "uid": (meta::uid(&node))});
        lease.set(&["metadata", "ownerReferences"], vec![owner]);
    }
    // The version that the last renewal left; a conflict or a lost answer makes it be read anew.
    let version = std::mem::take(held);
    *held = turn.cx.in_background(|cx| {
        let version = if version.is_empty() {
            match cx.get(LEASES, "kube-node-lease", &name) {
                Ok(there) => there["metadata"]["resourceVersion"].str().to_string(),
                Err(failure) if failure.is_not_found() => String::new(),
                Err(_) => return String::new(),
            }
        } else {
            version
        };
        let written = if version.is_empty() {
            cx.create(LEASES, &lease)
        } else {
            lease.set(&["metadata", "resourceVersion"], version);
            cx.update(LEASES, &lease, "")
        };
        written.map_or(String::new(), |lease| lease["metadata"]["resourceVersion"].str().to_string())
    });
}

/// Makes the Node object that a kubelet registers.
fn node(config: &NodeConfig, now: Time) -> Value {
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
        "status": (status(config, now, &Value::Null, &[])),
    })
}

fn status(config: &NodeConfig, now: Time, known: &Value, images: &[(Vec<String>, i64)]) -> Value {
    let rows = [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
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
    let part = |from: usize, to: usize| id.get(from..to).unwrap_or("");
    let uuid = format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32));
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
            "bootID": (&uuid),
            "containerRuntimeVersion": "containerd://2.2.1",
            "kernelVersion": "6.8.0-90-generic",
            "kubeProxyVersion": "",
            "kubeletVersion": (&config.version),
            "machineID": id,
            "operatingSystem": "linux",
            "osImage": "Ubuntu 24.04.3 LTS",
            "systemUUID": (&uuid),
        },
        "runtimeHandlers": [{"name": "", "features": {"recursiveReadOnlyMounts": true, "userNamespaces": true}}],
    })
}
