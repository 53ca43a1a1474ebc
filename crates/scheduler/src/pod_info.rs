use crate::plugins::{AffinityTerms, NodeAffinity, SpreadConstraint, Toleration};
use api::quantity::Quantity;
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
        let mut resources = Resources::default();
        for (name, quantity) in list.fields().iter() {
            let amount = amount(name, quantity);
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

    fn max(&mut self, other: &Resources) {
        self.milli_cpu = self.milli_cpu.max(other.milli_cpu);
        self.memory = self.memory.max(other.memory);
        self.ephemeral_storage = self.ephemeral_storage.max(other.ephemeral_storage);
        for (name, amount) in &other.others {
            let own = self.others.entry(name.clone()).or_default();
            *own = (*own).max(*amount);
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

/// Returns a quantity as a whole number: cpu in thousandths, anything else in ones, rounded up.
fn amount(name: &str, quantity: &Value) -> i64 {
    let text = match quantity {
        Value::Int(number) => number.to_string(),
        value => value.str().to_string(),
    };
    let Ok(quantity) = Quantity::parse(&text) else { return 0 };
    let amount = if name == "cpu" { quantity.milli_value() } else { quantity.value() };
    amount.clamp(-(1 << 56), 1 << 56) // so that sums of them stay in range
}

/// Returns a pod's spec in which its containers ask for what they were given, where that is more, or where they'll
/// never be given what they ask for.
// Models staging/src/k8s.io/component-helpers/resource/helpers.go determineContainerReqs
fn spec_in_effect(pod: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    if meta::generation(pod) < 2 {
        return spec; // nothing was resized
    }
    let pending = meta::condition(pod, "PodResizePending");
    let infeasible = pending.is_some_and(|pending| pending["reason"].str() == "Infeasible");
    for (list, statuses) in [("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")]
    {
        for i in 0..spec[list].items().len() {
            let wanted = spec[list][i].clone();
            let mut statuses = pod["status"][statuses].items().iter();
            let Some(status) = statuses.find(|status| status["name"] == wanted["name"]) else { continue };
            if status["resources"].is_null() {
                continue;
            }
            let given = [&status["resources"]["requests"], &status["allocatedResources"]];
            for name in ["cpu", "memory"] {
                let own = &wanted["resources"]["requests"][name];
                let all = given.iter().map(|requests| &requests[name]).chain((!infeasible).then_some(own));
                let most = all.filter(|one| !one.is_null()).max_by_key(|one| amount(name, one)).cloned();
                if let (Some(most), Some(container)) = (most, spec.at_mut(&[list]).list_mut().get_mut(i)) {
                    container.set(&["resources", "requests", name], most);
                }
            }
        }
    }
    spec
}

/// Returns what a pod asks for: the sum of its containers and sidecars, or the largest moment of its
/// init containers, and its overhead. `read` reads one container's requests.
// Models staging/src/k8s.io/component-helpers/resource/helpers.go PodRequests
fn pod_requests(spec: &Value, read: impl Fn(&Value) -> Resources) -> Resources {
    let requests = |container: &Value| read(&container["resources"]["requests"]);
    let mut sum = Resources::default();
    for container in spec["containers"].items() {
        sum.add(&requests(container), 1);
    }
    let (mut sidecars, mut most) = (Resources::default(), Resources::default());
    for container in spec["initContainers"].items() {
        let mut moment = requests(container);
        if container["restartPolicy"].str() == "Always" {
            sum.add(&moment, 1);
            sidecars.add(&moment, 1);
            moment = sidecars.clone();
        } else {
            moment.add(&sidecars, 1);
        }
        most.max(&moment);
    }
    sum.max(&most);
    let of_pod = Resources::read(&spec["resources"]["requests"]);
    sum.max(&of_pod);
    sum.add(&Resources::read(&spec["overhead"]), 1);
    sum
}

fn non_zero(requests: &Value) -> Resources {
    let mut resources = Resources::read(requests);
    if requests.get("cpu").is_none() {
        resources.milli_cpu = DEFAULT_MILLI_CPU;
    }
    if requests.get("memory").is_none() {
        resources.memory = DEFAULT_MEMORY;
    }
    resources
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
        let spec = &spec_in_effect(pod);
        let containers = spec["initContainers"].items().iter().chain(spec["containers"].items());
        PodInfo {
            key: meta::key(pod),
            pod: pod.clone(),
            namespace: meta::namespace(pod).into(),
            labels: meta::labels(pod).clone(),
            priority: spec["priority"].int(),
            terminating: meta::is_deleting(pod),
            requests: pod_requests(spec, Resources::read),
            non_zero: pod_requests(spec, non_zero),
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
