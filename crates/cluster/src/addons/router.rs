//! The router beside the nodes: put there when a speaker of BGP first looks for one at its address, and from
//! then on the client's way to all that is outside of its segment.

use super::{Addon, run};
use crate::Cluster;
use client::{Component, Cx, Identity};
use frr::Router;
use metallb::{Heard, Letter};
use network::{BgpMessage, Cidr, HostId, HostKind, Network};
use sim::Time;
use std::net::Ipv4Addr;

/// Where the router stands among the programs of pods.
const PART: &str = "router";
/// How often messages go to and fro at one moment.
const ROUNDS: u32 = 4;

/// The router's daemon, as a part of the cluster's surroundings.
#[derive(Clone)]
pub(crate) struct RouterPart {
    identity: Identity,
    pub(crate) router: Router,
    /// What the number of the machines' changes was at the last look.
    seen: u64,
}

impl Component for RouterPart {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn next_at(&self) -> Time {
        self.router.next_at()
    }

    fn step(&mut self, cx: &mut Cx) {
        self.router.tick(cx.now);
    }
}

impl super::Addons {
    /// Returns the router's daemon, where there is one.
    pub(crate) fn router(&self) -> Option<&Router> {
        match self.running.get(self.by_pod.get(PART)?) {
            Some(Addon::Router(part)) => Some(&part.router),
            _ => None,
        }
    }

    fn router_part(&mut self) -> Option<(u32, &mut RouterPart)> {
        let part = *self.by_pod.get(PART)?;
        match self.running.get_mut(&part) {
            Some(Addon::Router(router)) => Some((part, router.as_mut())),
            _ => None,
        }
    }
}

/// Carries what speakers say to the router, and its answers back.
pub(super) fn carry(cluster: &mut Cluster) {
    for _ in 0..ROUNDS {
        let mut letters: Vec<(u32, HostId, Letter)> = Vec::new();
        for (part, addon) in &mut cluster.parts.addons.running {
            if let Addon::Speaker(speaker) = addon {
                let host = speaker.host();
                letters.extend(speaker.take_letters().into_iter().map(|letter| (*part, host, letter)));
            }
        }
        if letters.is_empty() {
            break;
        }
        for (part, host, letter) in letters {
            let (now, peer) = (cluster.world.now, letter.to);
            let heard = deliver(cluster, host, letter);
            if let Some(Addon::Speaker(speaker)) = cluster.parts.addons.running.get_mut(&part) {
                speaker.hear(now, peer, heard);
                cluster.reschedule(part);
            }
        }
    }
    look(cluster);
}

/// Lets BFD see what has changed of machines and links.
fn look(cluster: &mut Cluster) {
    let (now, changes) = (cluster.world.now, cluster.wires.network.machine_changes());
    let Some((part, router)) = cluster.parts.addons.router_part() else { return };
    if router.seen != changes {
        router.seen = changes;
        router.router.look(now, &cluster.wires.network);
        cluster.reschedule(part);
    }
}

/// Hands a message to whom it is for.
pub(super) fn deliver(cluster: &mut Cluster, from: HostId, letter: Letter) -> Heard {
    let now = cluster.world.now;
    let topology = cluster.wires.network.topology();
    let Some(address) = topology.host(from).map(|host| host.address) else { return Heard::Unreachable };
    let is_first =
        matches!(letter.message, BgpMessage::Open { .. }) && cluster.parts.addons.router().is_none();
    if is_first && is_free(&cluster.wires.network, letter.to) {
        place(cluster, letter.to, letter.asn);
    }
    let network = &mut cluster.wires.network;
    if let Some((part, router)) = cluster.parts.addons.router_part()
        && router.router.address() == letter.to
    {
        if !network.can_reach(from, router.router.host()) {
            return Heard::Unreachable;
        }
        let answers = router.router.hear(now, (from, address), letter.message);
        router.router.apply(network);
        cluster.reschedule(part);
        return Heard::Answers(answers);
    }
    match network.topology().who_has(from, letter.to) {
        Some(_) => Heard::Refused,
        None => Heard::Unreachable,
    }
}

/// Returns whether an address on the machines' segment is nobody's.
fn is_free(network: &Network, address: Ipv4Addr) -> bool {
    let topology = network.topology();
    let is_announced = topology.announced().any(|(one, _)| one == address);
    topology.segment.contains(address) && topology.by_address(address).is_none() && !is_announced
}

fn place(cluster: &mut Cluster, address: Ipv4Addr, asn: u32) {
    let network = &mut cluster.wires.network;
    let host = network.add_router(frr::NAME, address);
    network.add_route(cluster.wires.client, Cidr::new(Ipv4Addr::UNSPECIFIED, 0), address);
    let segment = network.topology().segment;
    let router = Router::new(cluster.world.now, host, address, segment, asn);
    let identity = Identity::new(frr::NAME, &[], "frr");
    let seen = cluster.wires.network.machine_changes();
    run(cluster, Addon::Router(Box::new(RouterPart { identity, router, seen })), PART.into());
}

/// Returns the machine of that name which passes packets on.
pub(crate) fn machine(network: &Network, name: &str) -> Option<HostId> {
    let topology = network.topology();
    topology.by_name(name).filter(|id| topology.host(*id).is_some_and(|host| host.kind == HostKind::Router))
}
