//! Connection tracking: which connections a node knows, and how their addresses are translated.

mod store;

use crate::{Protocol, Socket};
use sim::{Nanos, SECOND, Time};
use std::collections::VecDeque;
use store::Store;

/// After what time packets both ways make a UDP stream of a question and its answer.
// Models net/netfilter/nf_conntrack_proto_udp.c nf_conntrack_udp_packet
const UDP_STREAM_AFTER: Nanos = 2 * SECOND;
/// How long a UDP stream is kept after its last packet.
const UDP_STREAM: Nanos = 120 * SECOND;
/// How many connections a node knows at once at most, and without more. A real node has room for many more:
/// kube-proxy sets 32,768 for each processor, and 131,072 at least.
pub const CONNECTIONS: u32 = 8_192;
/// How many messages about a full table are kept, and how many of them there are at most in how much time.
// Models net/core/utils.c net_ratelimit_state
const MESSAGES: usize = 256;
const MESSAGE_BURST: usize = 10;
const MESSAGE_PERIOD: Nanos = 5 * SECOND;

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
            (Protocol::Udp | Protocol::Icmp, _) => 30 * SECOND,
            (_, TrackState::Unreplied | TrackState::TimeWait) => 120 * SECOND,
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
    /// When its first packet was seen.
    pub began: Time,
    /// When it is forgotten.
    pub expires: Time,
    /// Whether it isn't forgotten first where room is needed: TCP that opened, UDP that went on.
    pub is_assured: bool,
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

    /// Returns whether it makes room for another one where there is none: it isn't established. One that was
    /// closed does so at once; the kernel's sweep comes to such within a minute.
    fn is_loose(&self) -> bool {
        !self.is_assured || matches!(self.state, TrackState::TimeWait | TrackState::Close)
    }

    /// Notes that it is in a state at a moment.
    fn enter(&mut self, now: Time, state: TrackState) {
        let protocol = self.original.protocol;
        self.state = state;
        self.expires = now + state.timeout(protocol);
        match (protocol, state) {
            (Protocol::Icmp, _) | (_, TrackState::Unreplied) => {}
            (Protocol::Udp, _) if now - self.began <= UDP_STREAM_AFTER => {}
            (Protocol::Udp, _) => (self.is_assured, self.expires) = (true, now + UDP_STREAM),
            (_, TrackState::Established) => self.is_assured = true,
            _ => {}
        }
    }

    /// Returns the line of `conntrack -L`, without its end.
    fn line(&self, now: Time) -> String {
        let Connection { original, reply, state, expires, .. } = self;
        let protocol = original.protocol;
        let name = if protocol == Protocol::Tcp { format!(" {}", state.name()) } else { String::new() };
        format!(
            "{:<8} {} {}{name} {}{} {}{} mark=0 use=1",
            protocol.name(),
            protocol.number(),
            (*expires - now) / SECOND,
            ends(original, "type=8"),
            if *state == TrackState::Unreplied { " [UNREPLIED]" } else { "" },
            ends(reply, "type=0"),
            if self.is_assured { " [ASSURED]" } else { "" },
        )
    }

    /// Returns when a packet of it was seen last.
    pub(crate) fn last_packet(&self) -> Time {
        let kept = match self.original.protocol {
            Protocol::Udp if self.is_assured => UDP_STREAM,
            protocol => self.state.timeout(protocol),
        };
        self.expires + -kept
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
#[derive(Clone, Debug)]
pub struct Conntrack {
    store: Store,
    limit: u32,
    /// When it was said that a packet was dropped for want of room.
    messages: VecDeque<Time>,
    dropped: u64,
}

impl Default for Conntrack {
    fn default() -> Conntrack {
        Conntrack { store: Store::default(), limit: CONNECTIONS, messages: VecDeque::new(), dropped: 0 }
    }
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

    /// Returns how many connections it knows at most (`nf_conntrack_max`).
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// Sets how many it knows at most; no more than [`CONNECTIONS`].
    pub fn set_limit(&mut self, limit: u32) {
        self.limit = limit.clamp(1, CONNECTIONS);
    }

    /// Returns when it was said that a packet was dropped for want of room.
    pub fn messages(&self) -> impl Iterator<Item = Time> {
        self.messages.iter().copied()
    }

    /// Returns how many packets were dropped for want of room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Makes room for one more connection: of those that aren't established, the one that ends first goes.
    /// Returns whether there is room.
    // Models net/netfilter/nf_conntrack_core.c __nf_conntrack_alloc, early_drop
    pub fn make_room(&mut self, now: Time) -> bool {
        if self.store.len() < self.limit as usize {
            return true;
        }
        if self.store.remove_first_to_end(now) {
            return true;
        }
        self.dropped += 1;
        let recent = self.messages.iter().rev().take_while(|at| now - **at < MESSAGE_PERIOD).count();
        if recent < MESSAGE_BURST {
            self.messages.push_back(now);
        }
        if self.messages.len() > MESSAGES {
            self.messages.pop_front();
        }
        false
    }

    /// Adds a connection whose first packet has passed.
    pub fn add(&mut self, now: Time, original: Tuple, reply: Tuple) {
        for tuple in [original, reply] {
            if let Some((old, _)) = self.store.find(&tuple) {
                self.store.remove(old);
            }
        }
        let state = TrackState::Unreplied;
        let expires = now + state.timeout(original.protocol);
        self.store.insert(Connection { original, reply, state, began: now, expires, is_assured: false });
    }

    /// Notes one more packet of a connection that is known.
    pub fn note(&mut self, now: Time, tuple: &Tuple, direction: Direction) {
        let Some((place, _)) = self.store.find(tuple) else { return };
        self.store.change(place, |connection| {
            let is_answered = direction == Direction::Reply && connection.state == TrackState::Unreplied;
            connection.enter(now, if is_answered { TrackState::Established } else { connection.state });
        });
    }

    /// Notes how far the connection of this packet is now.
    pub fn set_state(&mut self, now: Time, tuple: &Tuple, state: TrackState) {
        let Some((place, _)) = self.store.find(tuple) else { return };
        self.store.change(place, |connection| connection.enter(now, state));
    }

    /// Forgets the connection of this packet.
    pub fn remove(&mut self, tuple: &Tuple) {
        if let Some((place, _)) = self.store.find(tuple) {
            self.store.remove(place);
        }
    }

    /// Forgets the connections whose line of `conntrack -L` is one of these. Returns their lines.
    pub fn delete(&mut self, now: Time, is_one: impl Fn(&str) -> bool) -> Vec<String> {
        let known = self.store.iter().filter(|(_, one)| one.expires > now);
        let lines = known.map(|(place, one)| (place, one.line(now)));
        let gone: Vec<(u32, String)> = lines.filter(|(_, line)| is_one(line)).collect();
        gone.iter().for_each(|(place, _)| self.store.remove(*place));
        gone.into_iter().map(|(_, line)| line).collect()
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
        self.connections(now).map(|connection| format!("{}\n", connection.line(now))).collect()
    }
}

fn ends(tuple: &Tuple, icmp: &str) -> String {
    let Tuple { source, destination, protocol } = tuple;
    let (from, to) = (source.address, destination.address);
    match protocol {
        Protocol::Icmp => format!("src={from} dst={to} {icmp} code=0 id=1"),
        _ => format!("src={from} dst={to} sport={} dport={}", source.port, destination.port),
    }
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
    fn states_are_kept_as_long_as_in_the_kernel() {
        let ends = |protocol| Tuple { source: socket(1, 40_000), destination: socket(2, 53), protocol };
        use Direction::{Original, Reply};
        // What passes at which second, and what conntrack -L says then.
        for (protocol, packets, line) in [
            (
                Protocol::Udp,
                &[][..],
                "udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=40000 mark=0 use=1",
            ),
            (
                Protocol::Udp,
                &[(1, Reply)],
                "udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=53 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=40000 mark=0 use=1",
            ),
            (
                Protocol::Udp,
                &[(1, Reply), (3, Original)],
                "udp      17 120 src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=53 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=40000 [ASSURED] mark=0 use=1",
            ),
            (
                Protocol::Icmp,
                &[(1, Reply)],
                "icmp     1 30 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=1 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=1 mark=0 use=1",
            ),
            (
                Protocol::Tcp,
                &[(3, Original)],
                "tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=40000 mark=0 use=1",
            ),
            (
                Protocol::Tcp,
                &[(1, Reply)],
                "tcp      6 432000 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=53 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=40000 [ASSURED] mark=0 use=1",
            ),
        ] {
            let mut track = Conntrack::default();
            let original = ends(protocol);
            let reply = Tuple { source: original.destination, destination: original.source, protocol };
            track.add(Time(0), original, reply);
            for (second, direction) in packets {
                let tuple = if *direction == Original { original } else { reply };
                track.note(Time(second * SECOND), &tuple, *direction);
            }
            let now = Time(packets.last().map_or(0, |(second, _)| second * SECOND));
            assert_eq!(track.list(now), format!("{line}\n"), "{packets:?}");
            assert_eq!(track.delete(now, |line| line.contains("dport=99")), Vec::<String>::new());
            assert_eq!(track.delete(now, |line| line.contains("dst=10.0.0.2")), [line]);
            assert_eq!(track.list(now), "");
        }
    }

    #[test]
    fn stays_bounded() {
        let mut track = Conntrack::default();
        for port in 0..20_000 {
            assert!(track.make_room(Time(i64::from(port))));
            track.add(
                Time(i64::from(port)),
                tuple(socket(1, port), socket(2, 80)),
                tuple(socket(2, 80), socket(1, port)),
            );
        }
        assert_eq!(track.connections(Time(20_000)).count(), CONNECTIONS as usize);
        assert_eq!(track.store.len(), CONNECTIONS as usize);
        assert!(track.find(Time(20_000), &tuple(socket(1, 0), socket(2, 80))).is_none());
    }
    #[test]
    fn who_is_established_stays_and_new_ones_are_dropped() {
        let mut track = Conntrack::default();
        track.set_limit(4);
        let ends = |port| (tuple(socket(1, port), socket(2, 80)), tuple(socket(2, 80), socket(1, port)));
        let open = |track: &mut Conntrack, port: u16, state: Option<TrackState>| {
            let (original, reply) = ends(port);
            let fits = track.make_room(Time(i64::from(port)));
            if fits {
                track.add(Time(i64::from(port)), original, reply);
            }
            if let Some(state) = state {
                track.set_state(Time(i64::from(port)), &original, state);
            }
            fits
        };
        use TrackState::{Established, TimeWait};
        let rows = [
            // (port, its state once it is open, whether it finds room, who is known then)
            (1, Some(Established), true, &[1][..]),
            (2, None, true, &[1, 2]),
            (3, Some(Established), true, &[1, 2, 3]),
            (4, Some(TimeWait), true, &[1, 2, 3, 4]),
            (5, Some(Established), true, &[1, 3, 4, 5]),
            (6, Some(Established), true, &[1, 3, 5, 6]),
            (7, None, false, &[1, 3, 5, 6]),
            (8, None, false, &[1, 3, 5, 6]),
        ];
        for (port, state, fits, known) in rows {
            assert_eq!(open(&mut track, port, state), fits, "{port}");
            let mut there: Vec<u16> =
                track.connections(Time(9)).map(|one| one.original.source.port).collect();
            there.sort_unstable();
            assert_eq!(there, known, "{port}");
        }
        assert_eq!((track.dropped(), track.messages().count()), (2, 2));
        for port in 9..60 {
            open(&mut track, port, None);
        }
        assert_eq!((track.dropped(), track.messages().count()), (53, MESSAGE_BURST));
        track.set_limit(u32::MAX);
        assert_eq!(track.limit(), CONNECTIONS);
    }
}
