//! A cloud around the cluster: its controller, and the machine that plays its load balancers.

use super::{Addon, end, run};
use crate::Cluster;
use crate::wires::Asker;
use cloud_provider::{CLOUD, Cloud};
use network::{Cidr, Connect, HttpRequest, Network, Outcome, Payload, Protocol};
use sim::Time;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// Where the controller stands among the programs of pods.
const PART: &str = "cloud-controller-manager";
/// The machine that plays the load balancers.
pub(crate) const MACHINE: &str = "load-balancer";

/// Begins a cloud's controller. Returns whether there was none yet.
pub(crate) fn begin(cluster: &mut Cluster) -> bool {
    if cluster.parts.addons.by_pod.contains_key(PART) {
        return false;
    }
    let network = &mut cluster.wires.network;
    if super::router::machine(network, MACHINE).is_none() {
        let segment = network.topology().segment;
        let last = u32::from(segment.last());
        let free = (u32::from(segment.address()) + 1..last)
            .rev()
            .map(Ipv4Addr::from)
            .find(|address| network.topology().by_address(*address).is_none());
        let Some(address) = free else { return false };
        network.add_router(MACHINE, address);
        if let Some(range) = Cidr::parse(CLOUD) {
            network.add_route(cluster.wires.client, range, address);
        }
    }
    run(cluster, Addon::Cloud(Box::default()), PART.into());
    true
}

/// Ends it: the load balancers stay as they are, and nobody looks after them.
pub(crate) fn stop(cluster: &mut Cluster) {
    end(cluster, PART);
}

/// Does with the load balancers what the controller decided.
pub(super) fn apply(now: Time, cloud: &mut Cloud, network: &mut Network) {
    let Some(machine) = super::router::machine(network, MACHINE) else { return };
    for (address, nodes) in cloud.take_hops(now) {
        network.set_hops(machine, Cidr::new(address, 32), nodes);
    }
}

/// Sends the health checks that are due.
pub(super) fn send_checks(cluster: &mut Cluster) {
    let now = cluster.world.now;
    let mut due = Vec::new();
    for (part, addon) in &mut cluster.parts.addons.running {
        if let Addon::Cloud(cloud) = addon {
            due.extend(cloud.take_checks().into_iter().map(|check| (*part, check)));
        }
    }
    if due.is_empty() {
        return;
    }
    let Some(from) = super::router::machine(&cluster.wires.network, MACHINE) else { return };
    for (part, check) in due {
        let request = HttpRequest {
            method: "GET".into(),
            host: format!("{}:{}", check.to, check.port).into(),
            path: "/healthz".into(),
            ..HttpRequest::default()
        };
        let connect = Connect {
            from,
            owner: check.id,
            to: check.to,
            port: check.port,
            protocol: Protocol::Tcp,
            payload: Rc::new(Payload::Http(request)),
            patience: check.patience,
        };
        cluster.wires.connect(now, connect, Asker::Addon { part, id: check.id });
    }
}

/// Tells the controller what came of a health check. Returns whether it asked.
pub(super) fn replied(cluster: &mut Cluster, part: u32, id: u64, outcome: &Outcome) -> bool {
    let Some(Addon::Cloud(cloud)) = cluster.parts.addons.running.get_mut(&part) else { return false };
    let is_healthy =
        matches!(outcome, Outcome::Answered(network::Answer::Http(answer)) if answer.status == 200);
    cloud.checked(id, is_healthy);
    apply(cluster.world.now, cloud, &mut cluster.wires.network);
    cluster.reschedule(part);
    true
}
