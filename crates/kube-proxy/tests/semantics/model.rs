//! What Services mean, in plain words: who may answer a client that asks an address.

use std::net::Ipv4Addr;

#[derive(Clone, Debug, Default)]
pub struct World {
    pub services: Vec<Service>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hints {
    None,
    Zones,
    Nodes,
}

#[derive(Clone, Debug)]
pub struct Endpoint {
    pub address: Ipv4Addr,
    pub node: u8,
    pub is_ready: bool,
    pub is_serving: bool,
    pub is_terminating: bool,
    pub zone_hint: Option<&'static str>,
    pub node_hint: Option<u8>,
}

#[derive(Clone, Debug)]
pub struct Port {
    pub name: &'static str,
    pub port: u16,
    pub target: u16,
    pub node_port: u16,
    pub is_udp: bool,
}

#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    pub kind: &'static str,
    pub cluster_ip: Ipv4Addr,
    pub ports: Vec<Port>,
    pub external: Vec<Ipv4Addr>,
    pub balanced: Vec<Ipv4Addr>,
    /// `loadBalancerSourceRanges`
    pub ranges: Vec<&'static str>,
    pub is_external_local: bool,
    pub is_internal_local: bool,
    pub is_sticky: bool,
    pub endpoints: Vec<Endpoint>,
    /// The node to which packets for the external addresses come from outside.
    pub announcer: u8,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Client {
    Outside,
    Node(u8),
    Pod(u8),
    /// One of the Service's own pods, on this node.
    Endpoint(Ipv4Addr, u8),
}

impl Client {
    /// The node where it is; none for a machine outside.
    fn node(self) -> Option<u8> {
        match self {
            Client::Outside => None,
            Client::Node(node) | Client::Pod(node) | Client::Endpoint(_, node) => Some(node),
        }
    }

    fn is_pod(self) -> bool {
        matches!(self, Client::Pod(_) | Client::Endpoint(..))
    }

    pub fn address(self, node_address: fn(u8) -> Ipv4Addr, outside: Ipv4Addr) -> Ipv4Addr {
        match self {
            Client::Outside => outside,
            Client::Node(node) => node_address(node),
            Client::Pod(node) => [10, 244, node, 2].into(),
            Client::Endpoint(address, _) => address,
        }
    }
}

/// What it asks.
#[derive(Clone, Copy, Debug)]
pub enum Access {
    ClusterIp(Ipv4Addr),
    ExternalIp(Ipv4Addr),
    LoadBalancer(Ipv4Addr),
    NodePort(u8),
    Localhost(u8),
}

impl Access {
    pub fn socket(self, port: &Port, node_address: fn(u8) -> Ipv4Addr) -> (Ipv4Addr, u16) {
        match self {
            Access::ClusterIp(ip) | Access::ExternalIp(ip) | Access::LoadBalancer(ip) => (ip, port.port),
            Access::NodePort(node) => (node_address(node), port.node_port),
            Access::Localhost(_) => (Ipv4Addr::LOCALHOST, port.node_port),
        }
    }
}

/// How it ends.
#[derive(Debug, PartialEq, Eq)]
pub enum Expected {
    /// One of these answers, each as likely as the others.
    OneOf(Vec<Ipv4Addr>),
    Refused,
    Dropped,
    Unreachable,
}

impl Expected {
    pub fn word(&self) -> &'static str {
        match self {
            Expected::OneOf(_) => "answered",
            Expected::Refused => "refused",
            Expected::Dropped => "dropped",
            Expected::Unreachable => "unreachable",
        }
    }
}

fn addresses<'a>(list: impl Iterator<Item = &'a Endpoint>) -> Vec<Ipv4Addr> {
    list.map(|endpoint| endpoint.address).collect()
}

impl Service {
    /// Ready endpoints of the whole cluster, kept near where hints say so; those that end while they
    /// still serve, where no other is left.
    fn anywhere(&self, node: u8, zone: fn(u8) -> &'static str) -> Vec<Ipv4Addr> {
        let ready: Vec<&Endpoint> = self.endpoints.iter().filter(|one| one.is_ready).collect();
        if ready.is_empty() {
            return addresses(self.endpoints.iter().filter(|one| one.is_serving && one.is_terminating));
        }
        let for_node = |one: &&&Endpoint| one.node_hint == Some(node);
        let for_zone = |one: &&&Endpoint| one.zone_hint == Some(zone(node));
        if ready.iter().all(|one| one.node_hint.is_some()) && ready.iter().any(|one| for_node(&one)) {
            return addresses(ready.iter().filter(for_node).copied());
        }
        if ready.iter().all(|one| one.zone_hint.is_some()) && ready.iter().any(|one| for_zone(&one)) {
            return addresses(ready.iter().filter(for_zone).copied());
        }
        addresses(ready.into_iter())
    }

    /// The same of one node's endpoints; hints do not count.
    fn on(&self, node: u8) -> Vec<Ipv4Addr> {
        let own = || self.endpoints.iter().filter(|one| one.node == node);
        let ready = addresses(own().filter(|one| one.is_ready));
        if ready.is_empty() {
            return addresses(own().filter(|one| one.is_serving && one.is_terminating));
        }
        ready
    }

    fn has_any(&self) -> bool {
        self.endpoints.iter().any(|one| one.is_ready || (one.is_serving && one.is_terminating))
    }

    /// Whether `loadBalancerSourceRanges` let a client in.
    pub fn lets_in(&self, client: Client) -> bool {
        let pods = |node: u8, text: &str| match text {
            "10.244.0.0/16" => true,
            "10.244.1.0/24" => node == 1,
            _ => false,
        };
        self.ranges.is_empty()
            || self.ranges.iter().any(|range| match client {
                Client::Outside => ["10.64.140.2/32", "10.64.140.0/24"].contains(range),
                Client::Node(node) => {
                    *range == "10.64.140.0/24" || (*range == "10.64.140.11/32" && node == 1)
                }
                Client::Pod(node) | Client::Endpoint(_, node) => pods(node, range),
            })
    }

    /// The node that decides who answers: the client's own, or the one where it comes in.
    fn decider(&self, client: Client, access: Access) -> u8 {
        match access {
            Access::NodePort(node) | Access::Localhost(node) => node,
            // The machine outside has a route to cluster IPs by node 2.
            Access::ClusterIp(_) => client.node().unwrap_or(2),
            Access::ExternalIp(_) | Access::LoadBalancer(_) => client.node().unwrap_or(self.announcer),
        }
    }

    /// Whether traffic to an outside address counts as coming from inside: it comes from a pod, or from
    /// the deciding node itself. The external policy is not for such traffic.
    fn is_from_inside(&self, client: Client, access: Access) -> bool {
        let own = matches!(client, Client::Node(node) if node == self.decider(client, access));
        client.is_pod() || own
    }

    pub fn expect(&self, client: Client, access: Access, zone: fn(u8) -> &'static str) -> Expected {
        let node = self.decider(client, access);
        if !self.has_any() {
            // What a node sends itself to an outside address is refused by the node that has that address.
            let is_outside = matches!(access, Access::ExternalIp(_) | Access::LoadBalancer(_));
            return match client {
                Client::Node(own) if is_outside && own == self.announcer => Expected::Unreachable,
                _ => Expected::Refused,
            };
        }
        if matches!(access, Access::LoadBalancer(_)) && !self.lets_in(client) {
            return Expected::Dropped;
        }
        let is_local = match access {
            Access::ClusterIp(_) => self.is_internal_local,
            _ => self.is_external_local && !self.is_from_inside(client, access),
        };
        let list = if is_local { self.on(node) } else { self.anywhere(node, zone) };
        if list.is_empty() { Expected::Dropped } else { Expected::OneOf(list) }
    }

    /// Whether the answer finds no way back. A pod that asks another node's port, where the policy is Local,
    /// counts as coming from inside there, so that its address is kept; an endpoint elsewhere answers it
    /// directly, by an address that it never asked.
    pub fn goes_astray(&self, client: Client, access: Access, server: Ipv4Addr) -> bool {
        let Access::NodePort(node) = access else { return false };
        let is_there = self.endpoints.iter().any(|one| one.address == server && one.node == node);
        // Its own packets come back masqueraded, as they must.
        let is_own = matches!(client, Client::Endpoint(own, _) if own == server);
        self.is_external_local && client.is_pod() && client.node() != Some(node) && !is_there && !is_own
    }

    /// Whether the pod that answers sees the client's own address; `None` where that isn't promised.
    pub fn keeps_source(&self, client: Client, access: Access, server: Ipv4Addr) -> Option<bool> {
        match (client, access) {
            (Client::Endpoint(own, _), _) if own == server => Some(false),
            (Client::Pod(_) | Client::Endpoint(..), Access::ClusterIp(_)) => Some(true),
            (Client::Outside, Access::ClusterIp(_)) => Some(false),
            (Client::Outside, _) => Some(self.is_external_local),
            _ => None,
        }
    }
}
