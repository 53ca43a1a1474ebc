//! A network with a world's rules, and what it does with packets.

use crate::model::{Access, Client, Port, World};
use crate::world::{CLIENT, NODES, config, maps, node_address, node_name};
use kube_proxy::{Config, NodePortAddresses, Sync, ensure_jumps, nftables, restore};
use network::{Application, Cidr, Connect, Delivery, HostId, Network, Outcome, Payload, Protocol};
use sim::{Chance, SECOND, Time, Timing};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The network with its machines, pods and rules.
pub struct Bed {
    pub network: Network,
    pub outside: HostId,
    pub nodes: Vec<HostId>,
    pub clients: Vec<HostId>,
    pub endpoints: BTreeMap<Ipv4Addr, HostId>,
    pub now: Time,
}

/// Which of kube-proxy's modes writes the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Iptables,
    Ipvs,
    Nftables,
}

pub fn bed(world: &World, seed: u64) -> Bed {
    bed_of(world, seed, Mode::Iptables)
}

pub fn bed_of(world: &World, seed: u64, mode: Mode) -> Bed {
    let segment = Cidr::parse("10.64.140.0/24").unwrap();
    let mut network = Network::new(Chance::new(seed), Timing::default(), segment);
    let outside = network.add_outside("client", CLIENT.into());
    let nodes: Vec<HostId> =
        (1..=NODES).map(|node| network.add_node(&node_name(node), node_address(node))).collect();
    let mut clients = Vec::new();
    for (node, id) in (1..).zip(&nodes) {
        network.set_pod_network(*id, Cidr::new([10, 244, node, 0].into(), 24));
        clients.push(network.add_pod(*id, &format!("ns/client-{node}"), [10, 244, node, 2].into()));
        let (services, endpoints) = maps(world, node);
        let (both, config) = ((&services, &endpoints), config(node));
        match mode {
            Mode::Iptables => {
                ensure_jumps(&mut network, *id);
                let written = restore(&services, &endpoints, &config, Sync::Full(&BTreeSet::new()));
                network
                    .restore(*id, &written.text)
                    .unwrap_or_else(|error| panic!("{seed}: {error}\n{}", written.text));
            }
            Mode::Ipvs => {
                kube_proxy::ipvs::write(Time::EPOCH, &mut network, *id, both, &config).unwrap();
            }
            Mode::Nftables => {
                let mut written = nftables::Written::default();
                let config = Config { node_ports: NodePortAddresses::Primary, ..config };
                let what = (&config, None);
                nftables::write(Time::EPOCH, &mut network, *id, both, what, &mut written)
                    .unwrap_or_else(|error| panic!("{seed}: {error}"));
            }
        }
    }
    network.add_route(outside, Cidr::parse("10.96.0.0/12").unwrap(), node_address(2));
    let mut endpoints = BTreeMap::new();
    for service in &world.services {
        for address in service.external.iter().chain(&service.balanced) {
            network.announce(Time::EPOCH, nodes[usize::from(service.announcer) - 1], *address);
        }
        for endpoint in &service.endpoints {
            let node = nodes[usize::from(endpoint.node) - 1];
            let pod = network.add_pod(node, &format!("ns/{}", endpoint.address), endpoint.address);
            for port in &service.ports {
                let protocol = if port.is_udp { Protocol::Udp } else { Protocol::Tcp };
                assert!(network.listen(pod, protocol, port.target, Application(1)));
            }
            endpoints.insert(endpoint.address, pod);
        }
    }
    Bed { network, outside, nodes, clients, endpoints, now: Time::EPOCH }
}

/// Where a packet ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// At a pod's port, which saw this address as its client's.
    At {
        address: Ipv4Addr,
        port: u16,
        peer: Ipv4Addr,
    },
    Refused,
    /// Nobody listens there.
    Closed,
    Dropped,
    Unreachable,
    /// The answer came back from another address than was asked.
    Astray,
    Other(String),
}

impl Bed {
    fn host(&self, client: Client) -> HostId {
        match client {
            Client::Outside => self.outside,
            Client::Node(node) => self.nodes[usize::from(node) - 1],
            Client::Pod(node) => self.clients[usize::from(node) - 1],
            Client::Endpoint(address, _) => self.endpoints[&address],
        }
    }

    pub fn send(&mut self, client: Client, access: &Access, port: &Port) -> End {
        let (to, number) = access.socket(port, node_address);
        let protocol = if port.is_udp { Protocol::Udp } else { Protocol::Tcp };
        let payload = Rc::new(Payload::Connect);
        let from = self.host(client);
        let connect = Connect { from, owner: 1, to, port: number, protocol, payload, patience: 4 * SECOND };
        self.now = self.now + 10 * SECOND;
        let id = self.network.connect(self.now, connect);
        let mut ended = None;
        while let Some(at) = self.network.next_at().filter(|_| ended.is_none()) {
            for delivery in self.network.advance(at) {
                if let Delivery::Ended(one) = delivery {
                    ended = Some(one.outcome);
                }
            }
        }
        let steps = self.network.way(id).unwrap().steps(self.network.topology());
        let at = |text: &str| -> (Ipv4Addr, u16) {
            let (address, port) = text.split_once(':').unwrap();
            (address.parse().unwrap(), port.parse().unwrap())
        };
        match ended {
            Some(Outcome::Answered(_)) => {
                let there = steps.iter().find(|step| step.kind == "delivered").unwrap();
                let ((address, port), (peer, _)) = (at(&there.after), at(&there.before));
                End::At { address, port, peer }
            }
            Some(Outcome::Refused) if steps.iter().any(|step| step.kind == "rejected") => End::Refused,
            Some(Outcome::Refused) => End::Closed,
            Some(Outcome::Unreachable) => End::Unreachable,
            Some(Outcome::Timeout) if steps.iter().any(|step| step.did == "dropped") => End::Dropped,
            Some(Outcome::Timeout) if steps.iter().any(|step| step.did == "mismatch") => End::Astray,
            other => End::Other(format!("{other:?} {steps:#?}")),
        }
    }
}

/// All clients of a world and all ways to ask each of its Services' ports.
pub fn cases(world: &World) -> Vec<(Client, Access, usize, usize)> {
    let mut clients = vec![Client::Outside];
    clients.extend((1..=NODES).flat_map(|node| [Client::Node(node), Client::Pod(node)]));
    let mut cases = Vec::new();
    for (s, service) in world.services.iter().enumerate() {
        let own = service.endpoints.iter().filter(|one| one.is_ready).take(1);
        let own = own.map(|one| Client::Endpoint(one.address, one.node));
        for client in clients.iter().copied().chain(own) {
            for (p, port) in service.ports.iter().enumerate() {
                let mut ways = vec![Access::ClusterIp(service.cluster_ip)];
                ways.extend(service.external.iter().map(|ip| Access::ExternalIp(*ip)));
                ways.extend(service.balanced.iter().map(|ip| Access::LoadBalancer(*ip)));
                if port.node_port != 0 {
                    ways.extend((1..=NODES).map(Access::NodePort));
                    if let Client::Node(node) = client {
                        ways.push(Access::Localhost(node));
                    }
                }
                cases.extend(ways.into_iter().map(|access| (client, access, s, p)));
            }
        }
    }
    cases
}
