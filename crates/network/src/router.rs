//! Machines that pass packets on to others by routes with several next hops, as a router with ECMP does.

use crate::iptables::{FNV_SEED, Packet, fnv};
use crate::node::Origin;
use crate::topology::HostKind;
use crate::walk::{Fate, Trip};
use crate::way::{Event, Loss, Route};
use crate::{Cidr, HostId, Network, Protocol, Socket};
use sim::Time;
use std::net::Ipv4Addr;

/// How many routes a router has at most.
const ROUTES: usize = 16_384;

impl Network {
    /// Adds a machine that passes packets on, with no routes but to its segment.
    pub fn add_router(&mut self, name: &str, address: Ipv4Addr) -> HostId {
        self.topology.add(name, HostKind::Router, address)
    }

    /// Gives a router the next hops of a route; none takes the route away.
    pub fn set_hops(&mut self, router: HostId, network: Cidr, hops: Vec<Ipv4Addr>) {
        let Some(host) = self.topology.host_mut(router) else { return };
        if hops.is_empty() {
            host.hops.remove(&network);
        } else if host.hops.len() < ROUTES || host.hops.contains_key(&network) {
            host.hops.insert(network, hops);
        }
        self.rule_changes += 1;
    }

    /// Returns to whom a router passes the packets of a flow: the longest route decides, and of its next hops
    /// a hash over both ends and the protocol.
    // Models net/ipv4/fib_semantics.c fib_select_multipath with fib_multipath_hash_policy=1
    pub fn next_hop(
        &self,
        router: HostId,
        protocol: Protocol,
        source: Socket,
        destination: Socket,
    ) -> Option<Ipv4Addr> {
        let to = destination.address;
        if self.topology.segment.contains(to) {
            return Some(to);
        }
        let hops = &self.topology.host(router)?.hops;
        let fitting = hops.iter().filter(|(network, _)| network.contains(to));
        let (_, hops) = fitting.max_by_key(|(network, _)| network.prefix())?;
        let hash = flow_hash(protocol, source, destination);
        let place = (u64::from(hash) * hops.len() as u64) >> 32;
        hops.get(place as usize).copied()
    }

    pub(crate) fn at_router(
        &mut self,
        now: Time,
        at: HostId,
        packet: &Packet,
        origin: Origin,
        trip: &mut Trip,
    ) -> Result<(HostId, Origin), Fate> {
        if origin != Origin::Process {
            trip.ttl = trip.ttl.saturating_sub(1);
            if trip.ttl == 0 {
                let own = self.topology.host(at).map_or(Ipv4Addr::UNSPECIFIED, |host| host.address);
                return Err(Fate::Expired(own));
            }
        }
        let hop = self.next_hop(at, packet.protocol, packet.source, packet.destination);
        let Some(hop) = hop else {
            trip.events.push(Event::Route(Route::Gateway));
            return Err(Fate::Lost(Loss::NoRoute));
        };
        trip.events.push(Event::Route(Route::Segment(hop)));
        self.over_segment(now, at, hop, packet, trip)
    }
}

/// Mixes what a flow's packets have in common into 32 bits.
fn flow_hash(protocol: Protocol, source: Socket, destination: Socket) -> u32 {
    let mut bytes = Vec::with_capacity(13);
    for end in [source, destination] {
        bytes.extend(end.address.octets());
        bytes.extend(end.port.to_be_bytes());
    }
    bytes.push(protocol.number());
    let mut hash = fnv(&bytes, FNV_SEED);
    // The last bytes have hardly reached the upper bits.
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    (hash >> 32) as u32
}
