//! A packet's way from host to host.

use crate::conntrack::Tuple;
use crate::iptables::{Interface, Packet, RejectWith, Taken};
use crate::node::{Origin, Pass, Stop, tuple};
use crate::topology::HostKind;
use crate::way::{Event, Loss, Route};
use crate::{HostId, Network};
use sim::{Nanos, Time};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many hosts a packet may pass.
const HOPS: u32 = 16;

/// Where a packet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrived(HostId),
    Rejected(RejectWith),
    Unreachable,
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
        Trip { who, draws, elapsed: 0, events, places, tracked: Vec::with_capacity(2), taken }
    }
}

/// The next host, or the end.
type Next = Result<(HostId, Origin), Fate>;

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
            let next = match host.kind {
                HostKind::Node => self.at_node(now, at, packet, origin, trip),
                _ if is_own => Err(Fate::Arrived(at)),
                _ if origin != Origin::Process => Err(Fate::Lost(Loss::NotMine)),
                HostKind::Pod { node } => {
                    trip.elapsed += self.link(Link::Veth, trip);
                    Ok((node, Origin::Interface(Interface::Cni0)))
                }
                HostKind::Outside => match self.outside_route(at, to) {
                    Some(via) => self.over_segment(now, at, via, trip),
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
        let Some(node) = self.nodes.get_mut(&at) else { return Err(Fate::Lost(Loss::Down)) };
        let original = tuple(packet);
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
        match route {
            Err(Stop::Rejected(with)) => Err(Fate::Rejected(with)),
            Err(Stop::Lost(loss)) => Err(Fate::Lost(loss)),
            Ok(Route::Local) => Err(Fate::Arrived(at)),
            Ok(Route::Gateway) => Err(Fate::Lost(Loss::NoRoute)),
            Ok(Route::Segment(via)) => self.over_segment(now, at, via, trip),
            Ok(Route::Pod) => match self.topology.by_address(packet.destination.address) {
                Some(pod) if self.topology.machine(pod) == at => {
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

    fn over_segment(&mut self, now: Time, at: HostId, via: Ipv4Addr, trip: &mut Trip) -> Next {
        let owner = self.topology.resolve(now + trip.elapsed, at, via).filter(|owner| *owner != at);
        let is_own = owner.is_some() && self.topology.by_address(via) == owner;
        if !is_own {
            trip.events.push(Event::Arp { address: via, owner });
        }
        let Some(owner) = owner else { return Err(Fate::Unreachable) };
        if self.topology.is_cut(at, owner) {
            return Err(Fate::Lost(Loss::Cut));
        }
        if !self.topology.is_up(owner) {
            return Err(Fate::Lost(Loss::Down));
        }
        trip.elapsed += self.link(Link::Segment, trip) + self.topology.delay(at, owner);
        Ok((owner, Origin::Interface(Interface::Eth0)))
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
