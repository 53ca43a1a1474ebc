use api::Value;

/// How a kubelet behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// As in life: images are pulled, processes end, events are told.
    #[default]
    Real,
    /// As over a runtime that starts every image at once: nothing is pulled, no process ends by
    /// itself or holds out against SIGTERM, no events are told.
    Bare,
}

/// What a kubelet is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeConfig {
    /// The node's name.
    pub name: String,
    /// Its address on the node network.
    pub address: String,
    /// The addresses of its pods, where its CNI plug-in was configured before: `10.244.1.0/24`. Empty where that
    /// waits for the Node's `spec.podCIDR`.
    pub pod_cidr: String,
    /// What controllers had written into the node's annotations and its spec before its cluster's first moment; null
    /// for a machine that joins later. It registers with that once.
    pub before: Value,
    /// Its processors, as a quantity.
    pub cpu: String,
    /// Its memory, as a quantity.
    pub memory: String,
    /// Its disk, as a quantity.
    pub ephemeral_storage: String,
    /// How many pods it takes.
    pub pods: u32,
    /// Labels beyond those that every kubelet sets.
    pub labels: Vec<(String, String)>,
    /// Taints that it registers with: `{key, value, effect}`.
    pub taints: Vec<Value>,
    /// How it behaves.
    pub behaviour: Behaviour,
    /// The address of the cluster's DNS service.
    pub cluster_dns: String,
    /// The `kubeletVersion` it reports.
    pub version: String,
}

/// What a machine has: read from its configuration once, since each look at it asks for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    /// Its processors, in thousandths.
    pub cpu_milli: i64,
    /// Its memory, in bytes.
    pub memory: i64,
    /// Its disk, in bytes.
    pub disk: i64,
}

impl NodeConfig {
    /// Makes the configuration of a worker: 2 processors, 4 GiB of memory, 40 GiB of disk, 110 pods.
    pub fn new(name: &str, address: &str, pod_cidr: &str) -> NodeConfig {
        NodeConfig {
            name: name.to_string(),
            address: address.to_string(),
            pod_cidr: pod_cidr.to_string(),
            before: Value::Null,
            cpu: "2".to_string(),
            memory: "4Gi".to_string(),
            ephemeral_storage: "40Gi".to_string(),
            pods: 110,
            labels: Vec::new(),
            taints: Vec::new(),
            behaviour: Behaviour::Real,
            cluster_dns: "10.96.0.10".to_string(),
            version: "v1.36.2".to_string(),
        }
    }

    /// Returns the configuration of a control-plane node: labelled and tainted as kubeadm does.
    pub fn control_plane(mut self) -> NodeConfig {
        self.labels.push(("node-role.kubernetes.io/control-plane".to_string(), String::new()));
        self.labels
            .push(("node.kubernetes.io/exclude-from-external-load-balancers".to_string(), String::new()));
        self.taints.push(api::tree!({
            "key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule",
        }));
        self
    }

    /// Returns what its quantities amount to.
    pub(crate) fn capacity(&self) -> Capacity {
        let amount = |name: &str, text: &str| crate::admit::amount(name, &text.into());
        Capacity {
            cpu_milli: amount("cpu", &self.cpu),
            memory: amount("memory", &self.memory),
            disk: amount("ephemeral-storage", &self.ephemeral_storage),
        }
    }

    /// Returns the configuration with a behaviour.
    pub fn behaving(mut self, behaviour: Behaviour) -> NodeConfig {
        self.behaviour = behaviour;
        self
    }

    /// Returns whether events are told.
    pub(crate) fn tells_events(&self) -> bool {
        self.behaviour == Behaviour::Real
    }
}
