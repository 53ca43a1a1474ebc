use network::Cidr;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// At which of a node's addresses node ports answer (`nodePortAddresses`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NodePortAddresses {
    /// At all of them.
    All,
    /// At the node's own (`primary`).
    Primary,
    /// At those in these networks.
    In(Vec<Cidr>),
}

impl NodePortAddresses {
    /// Returns which of a node's addresses are meant, of which the first is its own; `None` for all.
    // Models pkg/proxy/util/nodeport_addresses.go GetNodeIPs
    pub(crate) fn of(&self, own: &[Ipv4Addr]) -> Option<Vec<Ipv4Addr>> {
        match self {
            NodePortAddresses::All => None,
            NodePortAddresses::Primary => Some(own.first().copied().into_iter().collect()),
            NodePortAddresses::In(networks) => {
                let all = own.iter().copied().chain([Ipv4Addr::LOCALHOST]);
                Some(all.filter(|ip| networks.iter().any(|network| network.contains(*ip))).collect())
            }
        }
    }

    /// Returns whether `localhost` is among them.
    pub(crate) fn has_localhost(&self) -> bool {
        match self {
            NodePortAddresses::All => true,
            NodePortAddresses::Primary => false,
            NodePortAddresses::In(networks) => {
                networks.iter().any(|network| network.contains(Ipv4Addr::LOCALHOST))
            }
        }
    }
}

/// What a node's proxy is told at its start.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The node's name.
    pub node_name: Rc<str>,
    /// The node's address.
    pub node_ip: Ipv4Addr,
    /// The node's addresses, `localhost` aside, its own first.
    pub addresses: Vec<Ipv4Addr>,
    /// The network of all pods, by which a pod's traffic is known (`clusterCIDR`); `None` knows no pods.
    pub cluster_cidr: Option<Cidr>,
    /// The networks of all Services, outside of whose Services nobody answers; mode nftables looks at them.
    pub service_cidrs: Vec<Cidr>,
    /// Whether all traffic to cluster IPs is masqueraded (`masqueradeAll`).
    pub masquerade_all: bool,
    /// At which addresses node ports answer.
    pub node_ports: NodePortAddresses,
    /// Whether they answer at `localhost` (`iptables.localhostNodePorts`); mode iptables only.
    pub localhost_node_ports: bool,
    /// The node's zone; empty for none.
    pub zone: Rc<str>,
    /// Who chooses among the endpoints in mode ipvs (`ipvs.scheduler`): `rr`.
    pub scheduler: &'static str,
}

impl Config {
    /// Returns whether node ports answer at `localhost` in mode iptables.
    // Models pkg/proxy/iptables/proxier.go NewProxier
    pub(crate) fn localhost_node_ports(&self) -> bool {
        self.localhost_node_ports && self.node_ports.has_localhost()
    }

    /// Makes the configuration of a node where nothing is said.
    pub fn new(node_name: &str, node_ip: Ipv4Addr) -> Config {
        Config {
            node_name: node_name.into(),
            node_ip,
            addresses: vec![node_ip],
            cluster_cidr: None,
            service_cidrs: Vec::new(),
            masquerade_all: false,
            node_ports: NodePortAddresses::All,
            localhost_node_ports: true,
            zone: "".into(),
            scheduler: "rr",
        }
    }
}
