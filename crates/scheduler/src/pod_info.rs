use crate::plugins::{AffinityTerms, NodeAffinity, SpreadConstraint, Toleration};
use api::pod_resources::{self, Amounts};
use api::quantity::{Format, Quantity};
use api::{Value, meta};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a container without a cpu request counts for in scores, in thousandths of a cpu.
const DEFAULT_MILLI_CPU: i64 = 100;
/// What a container without a memory request counts for in scores, in bytes.
const DEFAULT_MEMORY: i64 = 200 * 1024 * 1024;

/// Amounts of what a node has and a pod asks for.
// Models pkg/scheduler/framework/types.go Resource
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resources {
    pub(crate) milli_cpu: i64,
    pub(crate) memory: i64,
    pub(crate) ephemeral_storage: i64,
    pub(crate) pods: i64,
    pub(crate) others: BTreeMap<Rc<str>, i64>,
}

impl Resources {
    /// Reads a ResourceList.
    pub(crate) fn read(list: &Value) -> Resources {
        Resources::of(&pod_resources::read(list))
    }

    /// Takes amounts over as whole numbers: cpu in thousandths, anything else in ones, rounded up.
    fn of(amounts: &Amounts) -> Resources {
        let mut resources = Resources::default();
        for (&name, quantity) in amounts {
            let amount = if name == "cpu" { quantity.milli_value() } else { quantity.value() };
            let amount = amount.clamp(-(1 << 56), 1 << 56); // so that sums of them stay in range
            match name {
                "cpu" => resources.milli_cpu = amount,
                "memory" => resources.memory = amount,
                "ephemeral-storage" => resources.ephemeral_storage = amount,
                "pods" => resources.pods = amount,
                _ => drop(resources.others.insert(name.into(), amount)),
            }
        }
        resources
    }

    /// Adds `times` times another amount.
    pub(crate) fn add(&mut self, other: &Resources, times: i64) {
        self.milli_cpu += times * other.milli_cpu;
        self.memory += times * other.memory;
        self.ephemeral_storage += times * other.ephemeral_storage;
        for (name, amount) in &other.others {
            *self.others.entry(name.clone()).or_default() += times * amount;
        }
    }

    /// Returns whether nothing is asked for.
    pub(crate) fn is_zero(&self) -> bool {
        self.milli_cpu == 0
            && self.memory == 0
            && self.ephemeral_storage == 0
            && self.others.values().all(|amount| *amount == 0)
    }
}

/// A port of the node that a container asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostPort {
    pub(crate) protocol: Rc<str>,
    pub(crate) port: i64,
    pub(crate) ip: Rc<str>,
}

impl HostPort {
    /// Returns whether both cannot be had on one node.
    pub(crate) fn conflicts(&self, other: &HostPort) -> bool {
        let any = |ip: &str| ip == "0.0.0.0";
        self.port == other.port
            && self.protocol == other.protocol
            && (self.ip == other.ip || any(&self.ip) || any(&other.ip))
    }
}

fn host_ports(spec: &Value) -> Vec<HostPort> {
    let sidecars = spec["initContainers"].items().iter().filter(|one| one["restartPolicy"].str() == "Always");
    let ports = spec["containers"].items().iter().chain(sidecars).flat_map(|one| one["ports"].items());
    let wanted = ports.filter(|port| port["hostPort"].int() > 0);
    let or =
        |value: &Value, default: &str| if value.str().is_empty() { default.into() } else { value.text() };
    wanted
        .map(|port| HostPort {
            protocol: or(&port["protocol"], "TCP"),
            port: port["hostPort"].int(),
            ip: or(&port["hostIP"], "0.0.0.0"),
        })
        .collect()
}

/// A pod, read once for all cycles.
// Models pkg/scheduler/framework/types.go PodInfo
#[derive(Clone, Debug)]
pub(crate) struct PodInfo {
    pub(crate) key: Rc<str>,
    pub(crate) pod: Value,
    pub(crate) namespace: Rc<str>,
    pub(crate) labels: Value,
    pub(crate) priority: i64,
    pub(crate) terminating: bool,
    pub(crate) requests: Resources,
    pub(crate) non_zero: Resources,
    pub(crate) host_ports: Vec<HostPort>,
    pub(crate) node_affinity: NodeAffinity,
    pub(crate) tolerations: Vec<Toleration>,
    pub(crate) spread: Vec<SpreadConstraint>,
    pub(crate) affinity: AffinityTerms,
    pub(crate) images: Vec<Rc<str>>,
}

impl PodInfo {
    /// Reads a pod.
    pub(crate) fn new(pod: &Value) -> PodInfo {
        let spec = &pod_resources::in_effect(pod);
        let defaults = [
            ("cpu", Quantity::from_milli(DEFAULT_MILLI_CPU, Format::DecimalSi)),
            ("memory", Quantity::new(DEFAULT_MEMORY, Format::BinarySi)),
        ];
        let containers = spec["initContainers"].items().iter().chain(spec["containers"].items());
        PodInfo {
            key: meta::key(pod),
            pod: pod.clone(),
            namespace: meta::namespace(pod).into(),
            labels: meta::labels(pod).clone(),
            priority: spec["priority"].int(),
            terminating: meta::is_deleting(pod),
            requests: Resources::of(&pod_resources::requests(spec, &[])),
            non_zero: Resources::of(&pod_resources::requests(spec, &defaults)),
            host_ports: host_ports(spec),
            node_affinity: NodeAffinity::of(spec),
            tolerations: spec["tolerations"].items().iter().map(Toleration::read).collect(),
            spread: SpreadConstraint::of(pod),
            affinity: AffinityTerms::of(pod),
            images: containers.map(|container| container["image"].text()).collect(),
        }
    }

    /// Reads a pod of which this was read before: what only its spec says is not read again.
    pub(crate) fn again(&self, pod: &Value) -> PodInfo {
        let is_resized = meta::generation(pod) > 1; // its status counts, too
        if is_resized || !self.pod["spec"].same(&pod["spec"]) || *meta::labels(pod) != self.labels {
            return PodInfo::new(pod);
        }
        PodInfo { pod: pod.clone(), terminating: meta::is_deleting(pod), ..self.clone() }
    }

    /// Returns whether the pod tolerates a taint.
    pub(crate) fn tolerates(&self, taint: &crate::plugins::Taint) -> bool {
        self.tolerations.iter().any(|toleration| toleration.tolerates(taint))
    }
}
