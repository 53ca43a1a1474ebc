//! What `tcpdump` sees: every packet that crosses an interface of a machine or pod.
//!
//! An exchange is led by its first packet; what follows passes the same interfaces, so that the rest of the
//! conversation is told from where the first packet and its answer were.

mod filter;
mod tell;

pub use filter::Filter;
pub(crate) use tell::Tape;

use crate::vxlan::{Outer, VXLAN_ID};
use crate::{HostId, Network, Protocol, Socket};
use sim::{Nanos, Time};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many captures may run at once.
const CAPTURES: usize = 16;
/// How many packets wait in one capture.
const PACKETS: usize = 10_000;

/// Ports that have a name, as tcpdump shows them.
pub(crate) const PORTS: [(u16, &str); 8] = [
    (22, "ssh"),
    (53, "domain"),
    (80, "http"),
    (123, "ntp"),
    (443, "https"),
    (3_306, "mysql"),
    (6_379, "redis"),
    (8_080, "http-alt"),
];

/// A capture's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaptureId(pub u64);

/// What is to be captured.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The machine or pod.
    pub host: HostId,
    /// The interface; `any` for all.
    pub interface: Rc<str>,
    /// Which packets.
    pub filter: Filter,
}

/// One packet as a capture shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it crossed the interface.
    pub at: Time,
    /// The line without its moment: `eth0  In  IP 10.64.140.2.32768 > …`.
    pub text: String,
}

/// An interface on a packet's way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Face {
    #[default]
    Lo,
    Eth0,
    Cni0,
    Flannel1,
    /// A node's end of the pair that leads to the pod with this address.
    Veth(Ipv4Addr),
}

/// A packet crossed an interface.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hop {
    pub(crate) host: HostId,
    /// How long after it was sent.
    pub(crate) after: Nanos,
    pub(crate) face: Face,
    pub(crate) is_in: bool,
    pub(crate) source: Socket,
    pub(crate) destination: Socket,
    /// The packet of UDP that it is in.
    pub(crate) outer: Option<Outer>,
}

/// A packet that was captured; without a protocol it is ARP's.
#[derive(Clone, Debug, Default)]
struct Packet {
    face: Face,
    is_in: bool,
    protocol: Option<Protocol>,
    source: Socket,
    destination: Socket,
    /// The ends of the packet that is in it.
    inner: Option<(Socket, Socket)>,
    tail: Rc<str>,
}

#[derive(Clone, Debug)]
struct Running {
    capture: Capture,
    packets: BTreeMap<(Time, u64), Packet>,
    received: u64,
    dropped: u64,
}

/// All captures that run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captures {
    running: BTreeMap<CaptureId, Running>,
    next: u64,
    has_news: bool,
    /// How many echo requests were seen, by who asked whom.
    echoes: BTreeMap<(Ipv4Addr, Ipv4Addr), u16>,
}

/// Returns the name of a node's end of the pair that leads to a pod.
pub fn veth_name(pod: Ipv4Addr) -> String {
    // FNV-1a, as good as the random name that the plug-in draws.
    let hash = pod
        .octets()
        .iter()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    format!("veth{hash:08x}")
}

impl Face {
    fn name(self) -> String {
        match self {
            Face::Lo => "lo".to_string(),
            Face::Eth0 => "eth0".to_string(),
            Face::Cni0 => "cni0".to_string(),
            Face::Flannel1 => "flannel.1".to_string(),
            Face::Veth(pod) => veth_name(pod),
        }
    }
}

impl Captures {
    /// Returns whether anybody looks.
    pub(crate) fn is_active(&self) -> bool {
        !self.running.is_empty()
    }

    /// Shows a packet to all who look at the machines that it passes.
    fn show(&mut self, sent: Time, hops: &[Hop], protocol: Option<Protocol>, tail: impl Fn(&Hop) -> Rc<str>) {
        for hop in hops {
            for running in self.running.values_mut() {
                let Capture { host, interface, filter } = &running.capture;
                if *host != hop.host || (&**interface != "any" && **interface != hop.face.name()) {
                    continue;
                }
                let packet = Packet {
                    face: hop.face,
                    is_in: hop.is_in,
                    protocol: if hop.outer.is_some() { Some(Protocol::Udp) } else { protocol },
                    source: hop.outer.map_or(hop.source, Outer::source),
                    destination: hop.outer.map_or(hop.destination, Outer::destination),
                    inner: None,
                    tail: "".into(),
                };
                if !filter.takes(&packet) {
                    continue;
                }
                running.received += 1;
                if running.packets.len() >= PACKETS {
                    running.dropped += 1;
                    continue;
                }
                let key = (sent + hop.after, running.received);
                let inner = hop.outer.map(|_| (hop.source, hop.destination));
                running.packets.insert(key, Packet { tail: tail(hop), inner, ..packet });
                self.has_news = true;
            }
        }
    }
}

impl Network {
    /// Begins to capture; `None` where too many do already.
    pub fn capture(&mut self, capture: Capture) -> Option<CaptureId> {
        if self.captures.running.len() >= CAPTURES {
            return None;
        }
        self.captures.next += 1;
        let id = CaptureId(self.captures.next);
        let running = Running { capture, packets: BTreeMap::new(), received: 0, dropped: 0 };
        self.captures.running.insert(id, running);
        Some(id)
    }

    /// Takes what was captured up to a moment, numbers in place of names if so wished.
    pub fn captured(&mut self, id: CaptureId, now: Time, is_numeric: bool) -> Vec<Seen> {
        let Some(running) = self.captures.running.get_mut(&id) else { return Vec::new() };
        let later = running.packets.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut running.packets, later);
        let is_any = &*running.capture.interface == "any";
        let told =
            |((at, _), packet): ((Time, u64), Packet)| Seen { at, text: packet.text(is_any, is_numeric) };
        due.into_iter().map(told).collect()
    }

    /// Returns when the next packet of a capture crosses its interface, as far as that is known.
    pub fn capture_next(&self, id: CaptureId) -> Option<Time> {
        self.captures.running.get(&id)?.packets.first_key_value().map(|((at, _), _)| *at)
    }

    /// Ends a capture. Returns how many packets its filter took and how many of them were lost for want of room.
    pub fn capture_end(&mut self, id: CaptureId) -> (u64, u64) {
        self.captures.running.remove(&id).map_or((0, 0), |running| (running.received, running.dropped))
    }

    /// Returns whether a capture got something since this was asked last.
    pub fn take_capture_news(&mut self) -> bool {
        std::mem::take(&mut self.captures.has_news)
    }
}

impl Packet {
    fn text(&self, is_any: bool, is_numeric: bool) -> String {
        let head = match is_any {
            true => {
                let way = match (self.is_in, self.face) {
                    // What a bridge takes in is for the bridge, not for its port.
                    (true, Face::Veth(_)) => "P",
                    (true, _) => "In",
                    (false, _) => "Out",
                };
                format!("{:<5} {way:<3} ", self.face.name())
            }
            false => String::new(),
        };
        if self.protocol.is_none() {
            return format!("{head}ARP, {}", self.tail);
        }
        let end = |socket: Socket| {
            let name = PORTS.iter().find(|(port, _)| !is_numeric && *port == socket.port);
            match (socket.port, name) {
                (0, _) => socket.address.to_string(),
                (_, Some((_, name))) => format!("{}.{name}", socket.address),
                (port, None) => format!("{}.{port}", socket.address),
            }
        };
        let line =
            |source, destination, tail: &str| format!("IP {} > {}: {tail}", end(source), end(destination));
        match self.inner {
            None => format!("{head}{}", line(self.source, self.destination, &self.tail)),
            // tcpdump takes what goes to this port for OTV, whose header is the same.
            Some((source, destination)) => {
                let otv = format!("OTV, flags [I] (0x08), overlay 0, instance {VXLAN_ID}");
                let outer = line(self.source, self.destination, &otv);
                format!("{head}{outer}\n{}", line(source, destination, &self.tail))
            }
        }
    }
}
