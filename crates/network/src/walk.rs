//! A packet's way from host to host.

use crate::capture::{Face, Hop};
use crate::conntrack::Tuple;
use crate::iptables::{Interface, Packet, RejectWith, Taken};
use crate::node::{Origin, Pass, Stop, bridge_address, tuple};
use crate::topology::{Host, HostKind, Netem};
use crate::vxlan::Outer;
use crate::way::{Event, Loss, Route};
use crate::{HostId, Network, Socket};
use sim::{Nanos, Time};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many hosts a packet may pass.
const HOPS: u32 = 16;
/// How often a packet may be passed on.
const TTL: u8 = 64;

/// Where a packet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrived(HostId),
    Rejected(RejectWith),
    Unreachable,
    /// It was passed on often enough; the machine with this address says so.
    Expired(Ipv4Addr),
    Lost(Loss),
}

/// What a walk gathers.
#[derive(Debug)]
pub(crate) struct Trip {
    /// Who draws chance, and the number of the next draw.
    pub(crate) who: Rc<str>,
    pub(crate) draws: u64,
    pub(crate) elapsed: Nanos,
    pub(crate) events: Vec<Event>,
    pub(crate) places: Vec<(HostId, Nanos)>,
    /// The connections that nodes learnt.
    pub(crate) tracked: Vec<(HostId, Tuple)>,
    pub(crate) taken: Vec<Taken>,
    /// How often the packet may still be passed on.
    pub(crate) ttl: u8,
    /// The packet of UDP that it is in.
    pub(crate) outer: Option<Outer>,
    /// The interfaces that it crossed, where somebody looks.
    pub(crate) hops: Option<Vec<Hop>>,
}

/// The memory of a way that was forgotten, and of the last walk, for the next one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spare {
    pub(crate) events: Vec<Event>,
    pub(crate) places: Vec<(HostId, Nanos)>,
    pub(crate) taken: Vec<Taken>,
}

impl Trip {
    /// Begins a walk in memory that is used again; what it held is forgotten.
    pub(crate) fn new(who: Rc<str>, draws: u64, spare: Spare) -> Trip {
        let Spare { mut events, mut places, mut taken } = spare;
        events.clear();
        events.reserve(64);
        places.clear();
        places.reserve(8);
        taken.clear();
        let tracked = Vec::with_capacity(2);
        Trip { who, draws, elapsed: 0, events, places, tracked, taken, ttl: TTL, outer: None, hops: None }
    }

    pub(crate) fn cross(&mut self, host: HostId, face: Face, is_in: bool, packet: &Packet) {
        if let Some(hops) = &mut self.hops {
            let (source, destination) = (packet.source, packet.destination);
            let outer = self.outer.filter(|_| face == Face::Eth0);
            hops.push(Hop { host, after: self.elapsed, face, is_in, source, destination, outer });
        }
    }
}

/// The next host, or the end.
pub(crate) type Next = Result<(HostId, Origin), Fate>;

impl Network {
    /// Sends one packet from `from` and follows it to its end.
    pub(crate) fn walk(&mut self, now: Time, from: HostId, packet: &mut Packet, trip: &mut Trip) -> Fate {
        let mut at = from;
        let mut origin = Origin::Process;
        for _ in 0..HOPS {
            trip.places.push((at, trip.elapsed));
            trip.events.push(Event::Place { host: at, at: trip.elapsed });
            let Some(host) = self.topology.host(at) else { return Fate::Lost(Loss::Down) };
            let to = packet.destination.address;
            let is_own = to == host.address || to.is_loopback();
            if trip.hops.is_some() && host.kind != HostKind::Node {
                let face = if to.is_loopback() { Face::Lo } else { Face::Eth0 };
                let is_in = origin != Origin::Process;
                if is_in || !matches!(host.kind, HostKind::Outside) {
                    trip.cross(at, face, is_in, packet);
                }
            }
            let next = match host.kind {
                HostKind::Node => self.at_node(now, at, packet, origin, trip),
                _ if is_own => Err(Fate::Arrived(at)),
                HostKind::Router => self.at_router(now, at, packet, origin, trip),
                _ if origin != Origin::Process => Err(Fate::Lost(Loss::NotMine)),
                HostKind::Pod { node } => {
                    trip.elapsed += self.link(Link::Veth, trip);
                    Ok((node, Origin::Interface(Interface::Cni0)))
                }
                HostKind::Outside => match self.outside_route(at, to) {
                    Some(via) => self.over_segment(now, at, via, packet, trip),
                    None => {
                        trip.events.push(Event::Route(Route::Gateway));
                        Err(Fate::Lost(Loss::NoRoute))
                    }
                },
            };
            match next {
                Ok((host, how)) => (at, origin) = (host, how),
                Err(fate) => return fate,
            }
        }
        Fate::Lost(Loss::Loop)
    }

    fn at_node(
        &mut self,
        now: Time,
        at: HostId,
        packet: &mut Packet,
        origin: Origin,
        trip: &mut Trip,
    ) -> Next {
        if trip.outer.is_some() {
            self.unwrap(now, at, packet, trip)?;
        }
        let Some(node) = self.nodes.get_mut(&at) else { return Err(Fate::Lost(Loss::Down)) };
        let original = tuple(packet);
        match origin {
            Origin::Interface(Interface::Cni0) => {
                trip.cross(at, Face::Veth(packet.source.address), true, packet);
                trip.cross(at, Face::Cni0, true, packet);
            }
            Origin::Interface(Interface::Flannel1) => trip.cross(at, Face::Flannel1, true, packet),
            Origin::Interface(_) => trip.cross(at, Face::Eth0, true, packet),
            Origin::Process => {}
        }
        let mut pass = Pass {
            now: now + trip.elapsed,
            chance: self.chance,
            who: &trip.who,
            draws: trip.draws,
            topology: &self.topology,
            at,
            events: &mut trip.events,
            taken: &mut trip.taken,
        };
        let route = Rc::make_mut(node).pass(packet, origin, &mut pass);
        trip.draws = pass.draws;
        let is_new = packet.state & crate::iptables::state::NEW != 0;
        if is_new {
            trip.tracked.push((at, original));
        }
        if origin != Origin::Process
            && matches!(route, Ok(Route::Pod | Route::Segment(_) | Route::Overlay(_) | Route::Gateway))
        {
            trip.ttl = trip.ttl.saturating_sub(1);
            if trip.ttl == 0 {
                return Err(Fate::Expired(self.own_address(at, origin)));
            }
        }
        match route {
            Err(Stop::Rejected(with)) => Err(Fate::Rejected(with)),
            Err(Stop::Lost(loss)) => Err(Fate::Lost(loss)),
            Ok(Route::Local) => {
                if origin == Origin::Process {
                    trip.cross(at, Face::Lo, true, packet);
                }
                Err(Fate::Arrived(at))
            }
            Ok(Route::Gateway) => {
                trip.cross(at, Face::Eth0, false, packet);
                Err(Fate::Lost(Loss::NoRoute))
            }
            Ok(Route::Segment(via)) => self.over_segment(now, at, via, packet, trip),
            Ok(Route::Overlay(via)) => self.over_vxlan(now, at, via, packet, trip),
            Ok(Route::Pod) => match self.topology.by_address(packet.destination.address) {
                Some(pod) if self.topology.machine(pod) == at => {
                    trip.cross(at, Face::Cni0, false, packet);
                    trip.cross(at, Face::Veth(packet.destination.address), false, packet);
                    trip.elapsed += self.link(Link::Veth, trip);
                    Ok((pod, Origin::Interface(Interface::None)))
                }
                _ => Err(Fate::Unreachable),
            },
        }
    }

    fn outside_route(&self, at: HostId, to: Ipv4Addr) -> Option<Ipv4Addr> {
        if self.topology.segment.contains(to) {
            return Some(to);
        }
        let routes = &self.topology.host(at)?.routes;
        let best = routes.iter().filter(|(network, _)| network.contains(to)).max_by_key(|(n, _)| n.prefix());
        best.map(|(_, via)| *via)
    }

    /// Returns the address under which a node speaks where a packet came in.
    fn own_address(&self, node: HostId, origin: Origin) -> Ipv4Addr {
        let there = match origin {
            Origin::Interface(Interface::Cni0) => bridge_address(&self.topology, node),
            Origin::Interface(Interface::Flannel1) => self.topology.overlay_address(node),
            _ => None,
        };
        let own = || self.topology.host(node).map_or(Ipv4Addr::UNSPECIFIED, |host| host.address);
        there.unwrap_or_else(own)
    }

    pub(crate) fn over_segment(
        &mut self,
        now: Time,
        at: HostId,
        via: Ipv4Addr,
        packet: &Packet,
        trip: &mut Trip,
    ) -> Next {
        let is_asked = trip.hops.is_some() && !self.topology.knows(now + trip.elapsed, at, via);
        let owner = self.topology.resolve(now + trip.elapsed, at, via).filter(|owner| *owner != at);
        if is_asked {
            self.show_arp(now + trip.elapsed, at, via, owner);
        }
        let is_own = owner.is_some() && self.topology.by_address(via) == owner;
        if !is_own {
            trip.events.push(Event::Arp { address: via, owner });
        }
        let Some(owner) = owner else { return Err(Fate::Unreachable) };
        trip.cross(at, Face::Eth0, false, packet);
        if let Some(netem) = self.topology.netem(at) {
            trip.elapsed += self.held_back(netem, &trip.who, trip.draws + 1);
            trip.draws += 2;
            if self.is_lost(netem, &trip.who, trip.draws) {
                return Err(Fate::Lost(Loss::Link));
            }
        }
        if self.topology.is_cut(at, owner) {
            return Err(Fate::Lost(Loss::Cut));
        }
        if !self.topology.is_up(owner) {
            return Err(Fate::Lost(Loss::Down));
        }
        trip.elapsed += self.link(Link::Segment, trip) + self.topology.delay(at, owner);
        Ok((owner, Origin::Interface(Interface::Eth0)))
    }

    /// Shows a question for an address on the segment, and its answer.
    fn show_arp(&mut self, at: Time, asker: HostId, address: Ipv4Addr, owner: Option<HostId>) {
        let Some(own) = self.topology.host(asker).map(|host| host.address) else { return };
        let ends = (Socket::new(own, 0), Socket::new(address, 0));
        let hop =
            |host| Hop { host, face: Face::Eth0, source: ends.0, destination: ends.1, ..Hop::default() };
        let mac = owner.and_then(|owner| self.topology.host(owner)).map(Host::hardware_address);
        self.captures.arp(at, hop(asker), owner.map(hop), &mac.unwrap_or_default());
    }

    /// Shows to all machines that one of them announces an address by a gratuitous answer.
    pub(crate) fn show_announcement(&mut self, at: Time, node: HostId, address: Ipv4Addr) {
        if !self.captures.is_active() {
            return;
        }
        let Some(mac) = self.topology.host(node).map(Host::hardware_address) else { return };
        let end = Socket::new(address, 0);
        let machines = self.topology.hosts().filter(|(id, _)| self.topology.machine(*id) == *id);
        let hops: Vec<Hop> = machines
            .filter(|(id, _)| *id == node || self.topology.can_reach(node, *id))
            .map(|(host, _)| Hop {
                host,
                face: Face::Eth0,
                is_in: host != node,
                source: end,
                destination: end,
                ..Hop::default()
            })
            .collect();
        self.captures.announced(at, &hops, address, &mac);
    }

    /// Returns how long a machine's queue holds a packet back.
    fn held_back(&self, netem: Netem, who: &str, draw: u64) -> Nanos {
        let Netem { delay, jitter, .. } = netem;
        self.chance.span("netem-delay", who, draw, (delay - jitter).max(0), delay + jitter)
    }

    /// Returns whether a machine's queue loses a packet.
    pub(crate) fn is_lost(&self, netem: Netem, who: &str, draw: u64) -> bool {
        let drawn = self.chance.between("netem-loss", who, draw, 0, 999_999);
        drawn < i64::from(netem.loss_per_million)
    }

    fn link(&self, link: Link, trip: &mut Trip) -> Nanos {
        let (span, purpose) = match link {
            Link::Veth => (self.timing.veth, "veth"),
            Link::Segment => (self.timing.link, "link"),
        };
        trip.draws += 1;
        span.draw(self.chance, purpose, &trip.who, trip.draws)
    }
}

/// What a packet crosses between two hosts.
#[derive(Clone, Copy, Debug)]
enum Link {
    /// Between a node and a pod on it.
    Veth,
    /// Between two machines.
    Segment,
}
