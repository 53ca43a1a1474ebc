//! Policies against packets: what is compiled is written to nodes, and connections are tried.

mod cases;
mod controller;
mod model;
mod random;

use crate::{Cluster, Rules, compile};
use api::{Value, tree};
use network::{Application, Cidr, Connect, Delivery, HostId, Network, Outcome, Payload, Protocol};
use sim::{Chance, SECOND, Time, Timing};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

pub(crate) const PORTS: [u16; 4] = [80, 81, 443, 8_080];
pub(crate) const PROTOCOLS: [Protocol; 3] = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

pub(crate) fn services() -> Cidr {
    Cidr::parse("10.96.0.0/12").unwrap()
}

/// Three nodes, pods, and a machine outside.
pub(crate) struct World {
    pub(crate) network: Network,
    pub(crate) nodes: Vec<(Rc<str>, HostId)>,
    pub(crate) hosts: BTreeMap<String, HostId>,
    pub(crate) pods: Vec<Value>,
    pub(crate) namespaces: Vec<Value>,
    now: Time,
}

pub(crate) fn pod(namespace: &str, name: &str, labels: Value, place: usize) -> Value {
    let node = place % 3 + 1;
    tree!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "labels": labels},
        "spec": {"nodeName": (format!("node-{node}")), "containers": [{"name": "c", "ports": [
            {"name": "web", "containerPort": 80, "protocol": "TCP"},
            {"name": "alt", "containerPort": 81, "protocol": "TCP"},
            {"name": "dns", "containerPort": 81, "protocol": "UDP"},
        ]}]},
        "status": {"phase": "Running", "podIP": (format!("10.244.{node}.{}", 10 + place / 3))},
    })
}

pub(crate) fn key(pod: &Value) -> String {
    format!("{}/{}", api::meta::namespace(pod), api::meta::name(pod))
}

pub(crate) fn ip(pod: &Value) -> Ipv4Addr {
    pod["status"]["podIP"].str().parse().unwrap()
}

impl World {
    pub(crate) fn new(namespaces: Vec<Value>, pods: Vec<Value>) -> World {
        let segment = Cidr::parse("10.64.140.0/24").unwrap();
        let mut network = Network::new(Chance::new(1), Timing::default(), segment);
        let outside = network.add_outside("out", [10, 64, 140, 2].into());
        let mut nodes = Vec::new();
        for n in 1..=3u8 {
            let name: Rc<str> = format!("node-{n}").into();
            let address = [10, 64, 140, 10 + n].into();
            let node = network.add_node(&name, address);
            let cidr = Cidr::new([10, 244, n, 0].into(), 24);
            network.set_pod_network(node, cidr);
            network.add_route(outside, cidr, address);
            nodes.push((name, node));
        }
        let mut hosts = BTreeMap::from([("out".to_string(), outside)]);
        for pod in &pods {
            let node = nodes.iter().find(|(name, _)| **name == *pod["spec"]["nodeName"].str()).unwrap().1;
            let host = network.add_pod(node, &key(pod), ip(pod));
            for (protocol, port) in PROTOCOLS.iter().flat_map(|p| PORTS.map(|port| (*p, port))) {
                network.listen(host, protocol, port, Application(1));
            }
            hosts.insert(key(pod), host);
        }
        World { network, nodes, hosts, pods, namespaces, now: Time::EPOCH }
    }

    pub(crate) fn cluster(&self) -> Cluster {
        Cluster::new(self.pods.iter(), self.namespaces.iter())
    }

    /// Writes what the policies need to all nodes.
    pub(crate) fn enforce(&mut self, policies: &[&Value]) {
        let cluster = self.cluster();
        for (name, host) in self.nodes.clone() {
            write(&mut self.network, host, &compile(policies, &cluster, &name, services()));
        }
    }

    /// Returns whether a connection opens. What a policy refuses is refused, and not lost.
    pub(crate) fn opens(&mut self, from: &str, to: Ipv4Addr, port: u16, protocol: Protocol) -> bool {
        let from = self.hosts[from];
        let payload = Rc::new(Payload::Connect);
        self.now = self.now + 600 * SECOND;
        self.network.connect(self.now, Connect { from, owner: 0, to, port, protocol, payload, patience: 0 });
        let mut outcome = None;
        while let Some(at) = self.network.next_at() {
            for delivery in self.network.advance(at) {
                if let Delivery::Ended(ended) = delivery {
                    outcome = Some(ended.outcome);
                }
            }
        }
        match outcome.unwrap() {
            Outcome::Answered(_) => true,
            Outcome::Refused => false,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn write(network: &mut Network, host: HostId, rules: &Rules) {
    for (name, set) in &rules.sets {
        let output = network.ipset_command(host, &["restore", "-exist"], &set.text(name), Time::EPOCH);
        assert_eq!(output.code, 0, "{}", output.stderr);
    }
    let mut text = String::from("*filter\n");
    rules.chains.keys().for_each(|name| text += &format!(":{name} - [0:0]\n"));
    for (name, lines) in &rules.chains {
        lines.iter().for_each(|line| text += &format!("-A {name} {line}\n"));
    }
    for (chain, target) in crate::rules::TOP.iter().filter(|_| !rules.chains.is_empty()) {
        text += &format!("-A {chain} -j {target}\n");
    }
    text += "COMMIT\n";
    network.restore(host, &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
}
