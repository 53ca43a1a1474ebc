use schema::Kind;
use sim::Chance;
use std::net::Ipv4Addr;

/// What a cluster's API server is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The source of chance: uids, generated names, addresses and ports.
    pub chance: Chance,
    /// The range of the Services' addresses: its first address and its prefix' length in bits.
    pub service_cidr: (Ipv4Addr, u8),
    /// The range of node ports, both ends included.
    pub node_ports: (u16, u16),
    /// The address at which the API server is reached, without a port.
    pub advertise_address: String,
    /// The port at which the API server is reached.
    pub secure_port: u16,
    /// The revision at which the default roles and bindings are there, before anything else. A real
    /// cluster is at a few hundred when it is ready.
    pub first_revision: i64,
    /// How many writes are kept for watches to resume from.
    pub history: u32,
    /// How many objects the store holds at most: what comes after is refused as by an etcd whose space is used
    /// up. A pod takes about 30 kB with all that knows of it.
    pub objects: u32,
    /// The key with which tokens of service accounts are signed; empty to make one of `chance`.
    pub token_key: Vec<u8>,
    /// Whether a new node is tainted until its lifecycle controller has seen it ready, as upstream's
    /// TaintNodesByCondition does.
    pub taint_new_nodes: bool,
    /// Whether the kinds are served too that no part of the cluster works on yet.
    pub all_kinds: bool,
}

impl Options {
    /// Returns whether a kind is served.
    pub(crate) fn serves(&self, kind: &Kind) -> bool {
        kind.served || self.all_kinds
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            chance: Chance::new(0),
            service_cidr: (Ipv4Addr::new(10, 96, 0, 0), 12),
            node_ports: (30_000, 32_767),
            advertise_address: "10.64.140.10".to_string(),
            secure_port: 6443,
            first_revision: 280,
            history: 4_096,
            objects: 100_000,
            token_key: Vec::new(),
            taint_new_nodes: true,
            all_kinds: false,
        }
    }
}
