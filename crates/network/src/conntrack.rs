//! Connection tracking: which connections a node knows, and how their addresses are translated.

mod store;

use crate::{Protocol, Socket};
use sim::{Nanos, SECOND, Time};
use std::fmt::Write;
use store::Store;

/// How many connections a node knows at once. When it is full, the one that ends first makes room.
const CONNECTIONS: usize = 8_192;

/// The two ends of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    /// Where it comes from.
    pub source: Socket,
    /// Where it goes.
    pub destination: Socket,
    /// The protocol.
    pub protocol: Protocol,
}

impl Tuple {
    /// Packs both ends into one number, which compares quickly.
    fn key(&self) -> u128 {
        let end = |socket: Socket| u128::from(u32::from(socket.address)) << 16 | u128::from(socket.port);
        end(self.source) << 56 | end(self.destination) << 8 | u128::from(self.protocol.number())
    }
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrackState {
    /// Only packets of the asking side were seen.
    Unreplied,
    /// Packets were seen both ways.
    Established,
    /// It was closed in order.
    TimeWait,
    /// It was refused or reset.
    Close,
}

impl TrackState {
    /// Returns the name that `conntrack -L` prints for TCP.
    pub fn name(self) -> &'static str {
        match self {
            TrackState::Unreplied => "SYN_SENT",
            TrackState::Established => "ESTABLISHED",
            TrackState::TimeWait => "TIME_WAIT",
            TrackState::Close => "CLOSE",
        }
    }

    /// Returns how long an entry in this state is kept after its last packet.
    // Models net/netfilter/nf_conntrack_proto_tcp.c tcp_timeouts
    fn timeout(self, protocol: Protocol) -> Nanos {
        match (protocol, self) {
            (Protocol::Udp, TrackState::Unreplied) | (Protocol::Icmp, _) => 30 * SECOND,
            (Protocol::Udp, _) | (_, TrackState::Unreplied | TrackState::TimeWait) => 120 * SECOND,
            (_, TrackState::Established) => 5 * 86_400 * SECOND,
            (_, TrackState::Close) => 10 * SECOND,
        }
    }
}

/// A packet's direction within its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// As the first packet went.
    Original,
    /// Back.
    Reply,
}

/// One connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    /// The first packet's ends, as it came in.
    pub original: Tuple,
    /// The ends that an answer has when it comes in.
    pub reply: Tuple,
    /// How far it is.
    pub state: TrackState,
    /// When it is forgotten.
    pub expires: Time,
}

impl Connection {
    /// Returns whether the destination is translated.
    pub fn is_dnat(&self) -> bool {
        self.reply.source != self.original.destination
    }

    /// Returns whether the source is translated.
    pub fn is_snat(&self) -> bool {
        self.reply.destination != self.original.source
    }

    /// Returns source and destination of a packet of this direction once it is translated.
    pub fn translated(&self, direction: Direction) -> (Socket, Socket) {
        match direction {
            Direction::Original => (self.reply.destination, self.reply.source),
            Direction::Reply => (self.original.destination, self.original.source),
        }
    }
}

/// All connections of a node.
#[derive(Clone, Debug, Default)]
pub struct Conntrack {
    store: Store,
}

impl Conntrack {
    /// Returns the connection of a packet.
    pub fn find(&mut self, now: Time, tuple: &Tuple) -> Option<(Connection, Direction)> {
        let (place, direction) = self.store.find(tuple)?;
        let connection = *self.store.get(place)?;
        if connection.expires <= now {
            self.store.remove(place);
            return None;
        }
        Some((connection, direction))
    }

    /// Returns whether an answer with these ends would be taken for another connection's.
    pub fn is_taken(&mut self, now: Time, reply: &Tuple) -> bool {
        self.find(now, reply).is_some_and(|(connection, _)| connection.state != TrackState::TimeWait)
    }

    /// Adds a connection whose first packet has passed.
    pub fn add(&mut self, now: Time, original: Tuple, reply: Tuple) {
        for tuple in [original, reply] {
            if let Some((old, _)) = self.store.find(&tuple) {
                self.store.remove(old);
            }
        }
        if self.store.len() >= CONNECTIONS {
            self.store.remove_first_to_end();
        }
        let state = TrackState::Unreplied;
        let expires = now + state.timeout(original.protocol);
        self.store.insert(Connection { original, reply, state, expires });
    }

    /// Notes how far the connection of this packet is now.
    pub fn set_state(&mut self, now: Time, tuple: &Tuple, state: TrackState) {
        let Some((place, _)) = self.store.find(tuple) else { return };
        self.store.change(place, |connection| {
            connection.state = state;
            connection.expires = now + state.timeout(connection.original.protocol);
        });
    }

    /// Forgets the connections whose translation leads to an endpoint, as kube-proxy does for UDP.
    pub fn forget(&mut self, protocol: Protocol, is_stale: impl Fn(&Connection) -> bool) -> u32 {
        let all = self.store.iter();
        let stale = all.filter(|(_, one)| one.original.protocol == protocol && is_stale(one));
        let stale: Vec<u32> = stale.map(|(place, _)| place).collect();
        for place in &stale {
            self.store.remove(*place);
        }
        stale.len() as u32
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.store.clear();
    }

    /// Returns the connections that are known at this moment, oldest first.
    pub fn connections(&self, now: Time) -> impl Iterator<Item = &Connection> {
        self.store.iter().map(|(_, connection)| connection).filter(move |one| one.expires > now)
    }

    /// Returns what `conntrack -L` prints.
    pub fn list(&self, now: Time) -> String {
        let mut out = String::new();
        for connection in self.connections(now) {
            let Connection { original, reply, state, expires } = connection;
            let protocol = original.protocol;
            let seconds = (*expires - now) / SECOND;
            let name = if protocol == Protocol::Tcp { format!(" {}", state.name()) } else { String::new() };
            let unreplied = if *state == TrackState::Unreplied { " [UNREPLIED]" } else { "" };
            let assured = if *state == TrackState::Unreplied { "" } else { " [ASSURED]" };
            let _ = writeln!(
                out,
                "{:<8} {} {seconds}{name} {}{unreplied} {}{assured} mark=0 use=1",
                protocol.name(),
                protocol.number(),
                ends(original),
                ends(reply)
            );
        }
        out
    }
}

fn ends(tuple: &Tuple) -> String {
    let Tuple { source, destination, .. } = tuple;
    format!(
        "src={} dst={} sport={} dport={}",
        source.address, destination.address, source.port, destination.port
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(last: u8, port: u16) -> Socket {
        Socket::new([10, 0, 0, last].into(), port)
    }

    fn tuple(from: Socket, to: Socket) -> Tuple {
        Tuple { source: from, destination: to, protocol: Protocol::Tcp }
    }

    #[test]
    fn knows_both_directions_until_it_expires() {
        let mut track = Conntrack::default();
        let original = tuple(socket(1, 40_000), socket(9, 80));
        let reply = tuple(socket(2, 8080), socket(1, 40_000));
        track.add(Time(0), original, reply);
        let (connection, direction) = track.find(Time(1), &reply).unwrap();
        assert_eq!(direction, Direction::Reply);
        assert!(connection.is_dnat() && !connection.is_snat());
        assert_eq!(connection.translated(Direction::Reply), (socket(9, 80), socket(1, 40_000)));
        assert!(track.is_taken(Time(1), &reply));
        assert!(track.find(Time(121 * SECOND), &original).is_none());
        assert!(track.find(Time(121 * SECOND), &reply).is_none());
    }

    #[test]
    fn stays_bounded() {
        let mut track = Conntrack::default();
        for port in 0..20_000 {
            track.add(
                Time(i64::from(port)),
                tuple(socket(1, port), socket(2, 80)),
                tuple(socket(2, 80), socket(1, port)),
            );
        }
        assert_eq!(track.connections(Time(20_000)).count(), CONNECTIONS);
        assert_eq!(track.store.len(), CONNECTIONS);
        assert!(track.find(Time(20_000), &tuple(socket(1, 0), socket(2, 80))).is_none());
    }
}
