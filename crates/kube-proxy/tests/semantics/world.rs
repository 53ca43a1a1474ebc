//! Services and endpoints by dice, and as the objects that the API server has.

use crate::model::{Endpoint, Hints, Port, Service, World};
use api::{Value, tree};
use kube_proxy::{Config, EndpointsMap, ServiceMap, endpoints_of, ports_of};
use network::Cidr;
use std::net::Ipv4Addr;
use std::rc::Rc;

pub const NODES: u8 = 3;
pub const CLIENT: [u8; 4] = [10, 64, 140, 2];

/// A generator of its own, so that nothing is shared with what is tested.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n.max(1)
    }

    /// True so many times of a hundred.
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    pub fn of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize].clone()
    }
}

pub fn node_address(node: u8) -> Ipv4Addr {
    [10, 64, 140, 10 + node].into()
}

pub fn node_name(node: u8) -> String {
    format!("node-{node}")
}

pub fn zone(node: u8) -> &'static str {
    if node == 3 { "b" } else { "a" }
}

pub fn generate(seed: u64) -> World {
    let mut dice = Dice(seed);
    let mut pods: u8 = 10;
    let count = 1 + dice.below(3) as u8;
    let services = (0..count).map(|n| service(&mut dice, n, &mut pods)).collect();
    World { services }
}

pub fn service(dice: &mut Dice, n: u8, pods: &mut u8) -> Service {
    let kind = dice.of(&["ClusterIP", "NodePort", "LoadBalancer"]);
    let ports = (0..=u16::from(dice.percent(30)))
        .map(|place| Port {
            name: if place == 0 { "a" } else { "b" },
            port: 80 + place,
            target: 8_080 + place,
            node_port: if kind == "ClusterIP" { 0 } else { 30_000 + u16::from(n) * 10 + place },
            is_udp: dice.percent(30),
        })
        .collect();
    let external = if dice.percent(30) { vec![Ipv4Addr::from([10, 64, 140, 50 + n])] } else { Vec::new() };
    let balanced = kind == "LoadBalancer" && dice.percent(85);
    let networks = [
        "10.64.140.2/32",
        "10.64.140.0/24",
        "10.244.0.0/16",
        "10.244.1.0/24",
        "203.0.113.0/24",
        "10.64.140.11/32",
    ];
    let ranges = if balanced && dice.percent(40) {
        (0..=dice.below(2)).map(|_| dice.of(&networks)).collect()
    } else {
        Vec::new()
    };
    let is_open = kind != "ClusterIP" || !external.is_empty();
    let hints = dice.of(&[Hints::None, Hints::None, Hints::None, Hints::Zones, Hints::Nodes]);
    let endpoints = (0..dice.below(6))
        .map(|_| {
            let node = 1 + dice.below(u64::from(NODES)) as u8;
            *pods += 1;
            let (is_ready, is_serving, is_terminating) = dice.of(&[
                (true, true, false),
                (true, true, false),
                (true, true, false),
                (true, true, false),
                (false, false, false),
                (false, true, true),
                (false, true, true),
                (false, false, true),
            ]);
            let hint = 1 + dice.below(u64::from(NODES)) as u8;
            let hints = if dice.percent(5) { Hints::None } else { hints };
            Endpoint {
                address: [10, 244, node, *pods].into(),
                node,
                is_ready,
                is_serving,
                is_terminating,
                zone_hint: (hints == Hints::Zones).then(|| zone(hint)),
                node_hint: (hints == Hints::Nodes).then_some(hint),
            }
        })
        .collect();
    Service {
        name: format!("svc{n}"),
        kind,
        cluster_ip: [10, 96, 0, 10 + n].into(),
        ports,
        external,
        balanced: if balanced { vec![[10, 64, 140, 100 + n].into()] } else { Vec::new() },
        ranges,
        is_external_local: is_open && dice.percent(40),
        is_internal_local: dice.percent(25),
        is_sticky: dice.percent(20),
        endpoints,
        announcer: 1 + dice.below(u64::from(NODES)) as u8,
    }
}

pub fn texts<T: ToString>(list: &[T]) -> Value {
    list.iter().map(|one| Value::from(one.to_string())).collect()
}

pub fn object(service: &Service) -> Value {
    let ports: Value = service
        .ports
        .iter()
        .map(|port| {
            let protocol = if port.is_udp { "UDP" } else { "TCP" };
            tree!({"name": (port.name), "port": (port.port), "targetPort": (port.target), "protocol": protocol,
                "nodePort": (port.node_port)})
        })
        .collect();
    let policy = |is_local| if is_local { "Local" } else { "Cluster" };
    let ingress: Value = service.balanced.iter().map(|ip| tree!({"ip": (ip.to_string())})).collect();
    tree!({
        "metadata": {"namespace": "ns", "name": (&service.name)},
        "spec": {
            "type": (service.kind),
            "clusterIP": (service.cluster_ip.to_string()),
            "ports": ports,
            "externalIPs": (texts(&service.external)),
            "loadBalancerSourceRanges": (texts(&service.ranges)),
            "externalTrafficPolicy": (policy(service.is_external_local)),
            "internalTrafficPolicy": (policy(service.is_internal_local)),
            "sessionAffinity": (if service.is_sticky { "ClientIP" } else { "None" }),
        },
        "status": {"loadBalancer": {"ingress": ingress}},
    })
}

pub fn slice(service: &Service) -> Value {
    let endpoints: Value = service
        .endpoints
        .iter()
        .map(|endpoint| {
            let mut one = tree!({
                "addresses": [(endpoint.address.to_string())],
                "nodeName": (node_name(endpoint.node)),
                "conditions": {
                    "ready": (endpoint.is_ready),
                    "serving": (endpoint.is_serving),
                    "terminating": (endpoint.is_terminating),
                },
            });
            if let Some(zone) = endpoint.zone_hint {
                one.set(&["hints", "forZones"], tree!([{"name": zone}]));
            }
            if let Some(node) = endpoint.node_hint {
                one.set(&["hints", "forNodes"], tree!([{"name": (node_name(node))}]));
            }
            one
        })
        .collect();
    let ports: Value = service
        .ports
        .iter()
        .map(|port| {
            let protocol = if port.is_udp { "UDP" } else { "TCP" };
            tree!({"name": (port.name), "port": (port.target), "protocol": protocol})
        })
        .collect();
    tree!({
        "metadata": {
            "namespace": "ns",
            "name": (&service.name),
            "labels": {"kubernetes.io/service-name": (&service.name)},
        },
        "addressType": "IPv4",
        "ports": ports,
        "endpoints": endpoints,
    })
}

pub fn config(node: u8) -> Config {
    Config {
        addresses: vec![node_address(node), [10, 244, node, 1].into()],
        cluster_cidr: Cidr::parse("10.244.0.0/16"),
        service_cidrs: Cidr::parse("10.96.0.0/12").into_iter().collect(),
        zone: zone(node).into(),
        ..Config::new(&node_name(node), node_address(node))
    }
}

pub fn maps(world: &World, node: u8) -> (ServiceMap, EndpointsMap) {
    let services = world.services.iter().flat_map(|service| ports_of(&object(service))).collect();
    let endpoints = world
        .services
        .iter()
        .flat_map(|service| {
            let name: Rc<str> = format!("ns/{}", service.name).into();
            endpoints_of(&name, std::iter::once(&slice(service)), &node_name(node))
        })
        .collect();
    (services, endpoints)
}
