//! What a process finds out about the machine that it runs on.

use super::ground::{Ground, HOME};
use super::programs::SERVICES;
use crate::control_plane::Unit;
use network::{
    HostId, HostKind, VXLAN_ID, VXLAN_PORT, hardware_address, overlay_hardware_address, veth_name,
};
use shell::{Facts, Interface, Neighbour, Place};
use std::net::Ipv4Addr;

/// The prefix of the segment on which the machines are.
const SEGMENT_PREFIX: u8 = 24;
/// The hops that a packet may take in all.
const TTL: u8 = 64;

/// Adds what comes with every shell.
fn with_basics(mut tools: Vec<String>) -> Vec<String> {
    if tools.iter().any(|tool| tool == "sh") {
        tools.extend(["tar", "chroot"].map(str::to_string));
    }
    tools
}

fn interface(name: String, address: String, mac: String) -> Interface {
    Interface { name, address, mac, ..Interface::default() }
}

/// Returns the number of a node's interface that leads to a pod.
fn port_number(pod: Ipv4Addr) -> u32 {
    u32::from(pod.octets()[3]) + 3
}

/// Returns a node's end of the pair that leads to a pod: a port of its bridge.
fn bridge_port(pod: Ipv4Addr) -> Interface {
    let name = veth_name(pod);
    let [_, _, c, d] = pod.octets();
    let tail = name.trim_start_matches("veth");
    let pair = |at: usize| tail.get(at..at + 2).unwrap_or("00");
    Interface {
        index: port_number(pod),
        mac: format!("ae:{}:{}:{}:{c:02x}:{d:02x}", pair(0), pair(2), pair(4)),
        name: format!("{name}@if2"),
        address: String::new(),
        master: "cni0".to_string(),
        details: String::new(),
    }
}

fn segment(address: Ipv4Addr) -> String {
    let [a, b, c, _] = address.octets();
    format!("{a}.{b}.{c}.0/{SEGMENT_PREFIX}")
}

impl Ground<'_> {
    /// Returns what a process finds out about a place.
    pub(super) fn facts_of(&mut self, place: &Place) -> Facts {
        let network = self.network_facts(place);
        match place {
            Place::Client => Facts {
                hostname: "kubarium".to_string(),
                user: "learner".to_string(),
                home: HOME.to_string(),
                ..network
            },
            Place::Node(name) => Facts {
                hostname: name.to_string(),
                user: "root".to_string(),
                home: "/root".to_string(),
                processes: self.node_processes(name),
                ..network
            },
            Place::Container { .. } => self.container_facts(place, network),
        }
    }

    fn network_facts(&self, place: &Place) -> Facts {
        let loopback = interface("lo".into(), "127.0.0.1/8".into(), "00:00:00:00:00:00".into());
        let mut facts = Facts { interfaces: vec![loopback], ..Facts::default() };
        let topology = self.wires.network.topology();
        let Some((id, host)) = self.host_of(place).and_then(|id| Some((id, topology.host(id)?))) else {
            return facts;
        };
        let address = host.address;
        let name = match host.kind {
            HostKind::Pod { .. } => format!("eth0@if{}", port_number(address)),
            _ => "eth0".to_string(),
        };
        let mac = host.hardware_address();
        facts.interfaces.push(interface(name, format!("{address}/{SEGMENT_PREFIX}"), mac));
        facts.routes = match host.kind {
            HostKind::Pod { node } => self.pod_routes(address, node),
            _ => self.machine_routes(id, address, &mut facts),
        };
        facts.neighbours = self.neighbours(id);
        facts
    }

    fn pod_routes(&self, address: Ipv4Addr, node: HostId) -> Vec<String> {
        let bridge = self.wires.network.topology().pod_network(node).and_then(|pods| pods.nth(1));
        let Some(bridge) = bridge else { return Vec::new() };
        vec![
            format!("default via {bridge} dev eth0"),
            format!("{} dev eth0 proto kernel scope link src {address}", segment(address)),
        ]
    }

    fn machine_routes(&self, id: HostId, address: Ipv4Addr, facts: &mut Facts) -> Vec<String> {
        let topology = self.wires.network.topology();
        let [a, b, c, _] = address.octets();
        let mut routes = vec![
            format!("default via {a}.{b}.{c}.1 dev eth0 proto static"),
            format!("{} dev eth0 proto kernel scope link src {address}", segment(address)),
        ];
        let Some(own) = topology.pod_network(id) else {
            if topology.host(id).is_some_and(|host| host.kind == HostKind::Router) {
                // It is the way out itself.
                routes.remove(0);
                routes.extend(self.parts.addons.router().map(frr::Router::ip_routes).unwrap_or_default());
                return routes;
            }
            let more = topology.host(id).map(|host| host.routes.as_slice()).unwrap_or_default();
            for (to, via) in more {
                match to.prefix() {
                    0 => routes[0] = format!("default via {via} dev eth0 proto static"),
                    _ => routes.push(format!("{to} via {via} dev eth0")),
                }
            }
            return routes;
        };
        if let Some(bridge) = own.nth(1) {
            routes.push(format!("{own} dev cni0 proto kernel scope link src {bridge}"));
            let mac = hardware_address(HostKind::Pod { node: id }, bridge);
            let address = format!("{bridge}/{}", own.prefix());
            facts.interfaces.push(interface("cni0".into(), address, mac));
            let bound = self.wires.network.ipvs(id).map(|ipvs| ipvs.bound()).filter(|all| !all.is_empty());
            if let Some(bound) = bound {
                let list: Vec<String> = bound.iter().map(|ip| format!("{ip}/32")).collect();
                let mac = hardware_address(HostKind::Pod { node: id }, Ipv4Addr::UNSPECIFIED);
                facts.interfaces.push(interface("kube-ipvs0".into(), list.join(" "), mac));
            }
            let pods = topology.hosts().filter(|(_, host)| host.kind == HostKind::Pod { node: id });
            let mut ports: Vec<Interface> = pods.map(|(_, host)| bridge_port(host.address)).collect();
            ports.sort_by_key(|port| port.index);
            facts.interfaces.extend(ports);
        }
        if let Some(end) = topology.overlay_address(id) {
            facts.interfaces.push(Interface {
                details: format!(
                    "vxlan id {VXLAN_ID} local {address} dev eth0 srcport 0 0 dstport {VXLAN_PORT} nolearning"
                ),
                ..interface("flannel.1".into(), format!("{end}/32"), overlay_hardware_address(end))
            });
        }
        let others = topology.hosts().filter(|(other, _)| *other != id);
        routes.extend(others.filter_map(|(other, host)| {
            let network = topology.pod_network(other)?;
            Some(match topology.overlay_address(other) {
                Some(end) => format!("{network} via {end} dev flannel.1 onlink"),
                None => format!("{network} via {} dev eth0", host.address),
            })
        }));
        routes
    }

    /// Returns the other ends of the overlay, as flannel enters them: each with its machine's address.
    fn overlay_ends(&self, id: HostId) -> Vec<(Ipv4Addr, Ipv4Addr)> {
        let topology = self.wires.network.topology();
        let is_node = topology.overlay_address(id).is_some();
        let others = topology.hosts().filter(|(other, _)| *other != id && is_node);
        others.filter_map(|(other, host)| Some((topology.overlay_address(other)?, host.address))).collect()
    }

    fn neighbours(&self, id: HostId) -> Vec<Neighbour> {
        let topology = self.wires.network.topology();
        let known = topology.arp_cache(self.world.now, id);
        let on_segment = known.filter_map(|(address, owner, is_fresh)| {
            let owner = topology.host(owner)?;
            let (address, mac) = (address.to_string(), owner.hardware_address());
            Some(Neighbour { address, mac, is_fresh, ..Neighbour::default() })
        });
        let ends = self.overlay_ends(id).into_iter().map(|(end, machine)| Neighbour {
            address: end.to_string(),
            mac: overlay_hardware_address(end),
            behind: machine.to_string(),
            is_fresh: true,
        });
        on_segment.chain(ends).collect()
    }

    /// Returns how often a packet may still be passed on when it comes from an address: each node that
    /// routes it to or from one of its pods takes one.
    pub(super) fn ttl_from(&self, place: &Place, address: &str) -> u8 {
        let topology = self.wires.network.topology();
        let other = address.parse().ok().and_then(|address| topology.by_address(address));
        let (Some(own), Some(other)) = (self.host_of(place), other) else { return TTL };
        if topology.machine(own) == topology.machine(other) {
            return TTL;
        }
        let is_pod = |id| topology.machine(id) != id;
        TTL - u8::from(is_pod(own)) - u8::from(is_pod(other))
    }

    /// Returns why a machine outside the cluster gets no answer from an address.
    pub(super) fn why_unreachable(&self, place: &Place, address: &str) -> Option<String> {
        let Place::Client = place else { return None };
        let address: Ipv4Addr = address.parse().ok()?;
        let topology = self.wires.network.topology();
        let is_routed = topology.host(self.wires.client).is_some_and(|client| {
            client.routes.iter().any(|(network, _)| network.prefix() > 0 && network.contains(address))
        });
        if is_routed {
            return None;
        }
        let is_pod = topology
            .hosts()
            .any(|(id, _)| topology.pod_network(id).is_some_and(|pods| pods.contains(address)));
        let is_service = self
            .view
            .objects
            .range(("services", String::new())..("services\0", String::new()))
            .any(|(_, service)| service["spec"]["clusterIP"].str() == address.to_string());
        let what = match (is_pod, is_service) {
            (true, _) => "a pod's address: only nodes and pods reach it",
            (_, true) => "a Service's ClusterIP: only nodes and pods reach it",
            _ => return None,
        };
        let node = self.wires.nodes.keys().next_back().map_or("NODE", |name| name);
        Some(format!("{address} is {what}, as with: ssh {node} curl {address}"))
    }

    fn node_processes(&self, name: &str) -> Vec<(u32, String, String)> {
        let Some(node) = self.parts.node(name) else { return Vec::new() };
        let mut list = vec![(1, "root".to_string(), "/sbin/init".to_string())];
        for (service, _, pid) in SERVICES {
            if Unit::named(service).is_none_or(|unit| self.parts.runs_on(name, unit)) {
                list.push((*pid, "root".to_string(), format!("/usr/bin/{service}")));
            }
        }
        list.sort();
        for (i, (_, container, image, _)) in node.kubelet.running_containers().into_iter().enumerate() {
            list.push((2_000 + i as u32 * 7, "root".to_string(), format!("{container} ({image})")));
        }
        list
    }

    fn container_facts(&mut self, place: &Place, network: Facts) -> Facts {
        let Some(context) = self.context(place) else { return Facts::default() };
        let process = |one: kubelet::ProcessInfo| (one.pid, one.user.to_string(), one.command.to_string());
        let volume = |(path, group): (std::rc::Rc<str>, Option<i64>)| shell::VolumeFolder {
            path: path.to_string(),
            mode: if group.is_some() { "drwxrwsrwx" } else { "drwxrwxrwx" }.to_string(),
            group: group.map_or_else(|| "root".to_string(), |group| group.to_string()),
        };
        Facts {
            hostname: context.hostname.to_string(),
            user: context.ids.user_name(),
            ids: Some(context.ids),
            volumes: context.open_volumes.into_iter().map(volume).collect(),
            home: context.directory.to_string(),
            environment: context.env.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            processes: context.processes.into_iter().map(process).collect(),
            is_busybox: context.is_busybox,
            nslookup: context.nslookup,
            other_root: (!context.node_root.is_empty())
                .then(|| (context.node_root.to_string(), Place::Node(context.node.clone()))),
            programs: Some(with_basics(context.tools)),
            ..network
        }
    }
}
