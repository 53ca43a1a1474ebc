//! A node's IP Virtual Server: addresses and ports that the kernel itself spreads over real servers.
// Models net/netfilter/ipvs

mod command;
mod schedule;
#[cfg(test)]
mod tests;

pub use schedule::Scheduler;

use crate::conntrack::{Conntrack, TrackState};
use crate::{Protocol, Socket};
use sim::{SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// How many virtual servers a machine may have.
const SERVICES: usize = 65_536;
/// How many real servers one of them may have.
const DESTINATIONS: usize = 4_096;
/// How many clients a machine remembers for virtual servers that persist.
const TEMPLATES: usize = 8_192;

/// What was counted of a virtual server, or of one of its real servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stats {
    /// Connections.
    pub connections: u64,
    /// Packets of clients.
    pub in_packets: u64,
    /// Packets back to them.
    pub out_packets: u64,
    /// Bytes of clients.
    pub in_bytes: u64,
    /// Bytes back to them.
    pub out_bytes: u64,
}

impl Stats {
    fn count_in(&mut self, bytes: u32, is_new: bool) {
        self.connections += u64::from(is_new);
        self.in_packets += 1;
        self.in_bytes += u64::from(bytes);
    }

    fn count_out(&mut self, bytes: u32) {
        self.out_packets += 1;
        self.out_bytes += u64::from(bytes);
    }
}

/// A real server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// Its address and port.
    pub socket: Socket,
    /// Its share; 0 gets no new connections.
    pub weight: u32,
    /// What went there.
    pub stats: Stats,
}

/// A virtual server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualServer {
    /// Who chooses among the real servers.
    pub scheduler: Scheduler,
    /// How long a client stays with its real server, in seconds; 0 where it doesn't.
    pub persistence_seconds: u32,
    /// The real servers, the one that was added last first.
    destinations: Vec<Destination>,
    /// Where the last choice ended: of `rr` and `wrr`.
    turn: schedule::Turn,
    stats: Stats,
}

impl VirtualServer {
    fn new(scheduler: Scheduler, persistence_seconds: u32) -> VirtualServer {
        VirtualServer {
            scheduler,
            persistence_seconds,
            destinations: Vec::new(),
            turn: schedule::Turn::default(),
            stats: Stats::default(),
        }
    }

    /// Returns the real servers.
    pub fn destinations(&self) -> &[Destination] {
        &self.destinations
    }

    fn destination_mut(&mut self, socket: Socket) -> Option<&mut Destination> {
        self.destinations.iter_mut().find(|one| one.socket == socket)
    }
}

/// What a virtual server is found by.
pub type ServerKey = (Protocol, Socket);

/// What became of a packet that came to a virtual server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheduled {
    /// The address is no virtual server's.
    NotMine,
    /// It goes on to this real server.
    To(Socket),
    /// There is no real server: the client is told that the port is unreachable.
    // Models net/netfilter/ipvs/ip_vs_core.c ip_vs_leave
    Nowhere,
}

/// The virtual servers of a machine, and the addresses of its device `kube-ipvs0`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ipvs {
    servers: BTreeMap<ServerKey, VirtualServer>,
    /// Which real server a client has, and until when: by client and virtual server.
    templates: BTreeMap<(Ipv4Addr, ServerKey), (Socket, Time)>,
    bound: BTreeSet<Ipv4Addr>,
}

impl Ipvs {
    /// Returns the virtual servers.
    pub fn servers(&self) -> &BTreeMap<ServerKey, VirtualServer> {
        &self.servers
    }

    /// Returns the addresses of `kube-ipvs0`.
    pub fn bound(&self) -> &BTreeSet<Ipv4Addr> {
        &self.bound
    }

    /// Gives `kube-ipvs0` these addresses and no others.
    pub fn bind(&mut self, addresses: BTreeSet<Ipv4Addr>) {
        self.bound = addresses;
    }

    /// Chooses the real server of a new connection.
    pub(crate) fn schedule(
        &mut self,
        now: Time,
        client: Socket,
        key: ServerKey,
        bytes: u32,
        conntrack: &Conntrack,
    ) -> Scheduled {
        let Some(server) = self.servers.get_mut(&key) else { return Scheduled::NotMine };
        let template = (client.address, key);
        let kept = self.templates.get(&template).filter(|(_, until)| *until > now).map(|(to, _)| *to);
        let is_there =
            |socket: &Socket| server.destinations.iter().any(|one| one.socket == *socket && one.weight > 0);
        let chosen = kept.filter(is_there).or_else(|| {
            let load = |socket| load(conntrack, now, key, socket);
            server.choose(client.address, key.1.address, &load)
        });
        let Some(to) = chosen else { return Scheduled::Nowhere };
        if server.persistence_seconds > 0 {
            if self.templates.len() >= TEMPLATES {
                self.templates.retain(|_, (_, until)| *until > now);
                if self.templates.len() >= TEMPLATES {
                    self.templates.pop_first();
                }
            }
            let until = now + i64::from(server.persistence_seconds) * SECOND;
            self.templates.insert(template, (to, until));
        }
        server.stats.count_in(bytes, true);
        if let Some(destination) = server.destination_mut(to) {
            destination.stats.count_in(bytes, true);
        }
        Scheduled::To(to)
    }

    /// Counts a packet of a connection that is known: one to a virtual server, or one back from it.
    pub(crate) fn count(&mut self, key: ServerKey, real: Socket, bytes: u32, is_answer: bool) {
        let Some(server) = self.servers.get_mut(&key) else { return };
        let add = |stats: &mut Stats| {
            if is_answer { stats.count_out(bytes) } else { stats.count_in(bytes, false) }
        };
        add(&mut server.stats);
        if let Some(destination) = server.destination_mut(real) {
            add(&mut destination.stats);
        }
    }
}

/// Returns how many connections a real server has: those that are open, and those that begin or end.
pub(crate) fn load(conntrack: &Conntrack, now: Time, key: ServerKey, real: Socket) -> (u32, u32) {
    let own = conntrack
        .connections(now)
        .filter(|one| (one.original.protocol, one.original.destination) == key && one.reply.source == real);
    own.fold((0, 0), |(active, inactive), one| {
        let is_active = key.0 != Protocol::Udp && one.state == TrackState::Established;
        if is_active { (active + 1, inactive) } else { (active, inactive + 1) }
    })
}
