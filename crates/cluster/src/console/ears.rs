//! What listens to the network for the console's programs: captures, and ports opened by `nc -l`.

use super::ground::Ground;
use crate::Cluster;
use kubectl::StreamRead;
use network::{
    Answer, Application, Arrival, Capture, CaptureId, Filter, HostId, HostKind, Payload, Protocol,
};
use shell::Place;
use sim::Time;
use std::collections::{BTreeMap, VecDeque};

/// Where the numbers of captures begin, as streams that can be waited for.
const CAPTURES: u64 = 1 << 60;
/// Where the numbers of ears begin, as streams and as applications.
const EARS: u64 = 1 << 41;
/// How many ports may be opened by hand.
const MOST: usize = 64;

/// A port that a program has opened.
#[derive(Clone, Debug)]
struct Ear {
    host: HostId,
    protocol: Protocol,
    port: u16,
    answer: String,
}

/// The ports that programs have opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ears {
    open: BTreeMap<u64, Ear>,
    next: u64,
}

impl Ground<'_> {
    /// Begins to capture at a place.
    pub(super) fn begin_capture(
        &mut self,
        place: &Place,
        interface: &str,
        filter: &str,
    ) -> Result<u64, String> {
        let missing = || format!("{interface}: No such device exists\n(No such device exists)");
        let host = self.host_of(place).ok_or_else(missing)?;
        let is_known = interface == "any"
            || self
                .facts_of(place)
                .interfaces
                .iter()
                .any(|one| one.name.split('@').next() == Some(interface));
        if !is_known {
            return Err(missing());
        }
        let filter = Filter::parse(filter)?;
        let capture = Capture { host, interface: interface.into(), filter };
        let id = self.wires.network.capture(capture);
        id.map(|id| CAPTURES + id.0).ok_or_else(|| format!("{interface}: Device or resource busy"))
    }

    /// Takes what was captured by now.
    pub(super) fn take_captured(
        &mut self,
        capture: u64,
        is_numeric: bool,
    ) -> (Vec<(Time, String)>, Option<Time>) {
        let id = CaptureId(capture.saturating_sub(CAPTURES));
        let network = &mut self.wires.network;
        let seen = network.captured(id, self.world.now, is_numeric);
        (seen.into_iter().map(|one| (one.at, one.text)).collect(), network.capture_next(id))
    }

    /// Ends a capture.
    pub(super) fn end_capture(&mut self, capture: u64) -> (u64, u64) {
        self.wires.network.capture_end(CaptureId(capture.saturating_sub(CAPTURES)))
    }

    /// Opens a port for a program that listens.
    pub(super) fn open_ear(&mut self, place: &Place, is_udp: bool, port: u16, answer: &str) -> Option<u64> {
        let host = self.host_of(place)?;
        let ears = &mut self.machines.ears;
        if ears.open.len() >= MOST {
            return None;
        }
        let stream = EARS + ears.next;
        let protocol = if is_udp { Protocol::Udp } else { Protocol::Tcp };
        if !self.wires.network.listen(host, protocol, port, Application(stream)) {
            return None;
        }
        ears.next += 1;
        ears.open.insert(stream, Ear { host, protocol, port, answer: answer.to_string() });
        self.machines.mail.insert(stream, VecDeque::new());
        Some(stream)
    }

    /// Closes the port of a program that listened.
    pub(super) fn close_ear(&mut self, stream: u64) {
        if let Some(Ear { host, protocol, port, .. }) = self.machines.ears.open.remove(&stream) {
            self.wires.network.close(host, protocol, port);
        }
    }

    /// Returns the hardware address of whoever answers for an address on a machine's segment.
    pub(super) fn asked_by_arp(&self, place: &Place, address: &str) -> Option<String> {
        let from = self.host_of(place)?;
        let address = address.parse().ok()?;
        let topology = self.wires.network.topology();
        let owner = match topology.host(from)?.kind {
            HostKind::Pod { .. } => topology.by_address(address).filter(|id| {
                topology.machine(*id) == topology.machine(from) && *id != topology.machine(from)
            })?,
            _ => topology.who_has(from, address)?,
        };
        topology.host(owner).map(network::Host::hardware_address)
    }
}

/// Answers what came to a port that a program has opened. Returns whether it was one.
pub(crate) fn arrive(cluster: &mut Cluster, arrival: &Arrival) -> bool {
    let stream = arrival.application.0;
    let Some(ear) = cluster.terminal.machines.ears.open.get(&stream) else { return false };
    let answer = match &*arrival.payload {
        Payload::Connect => Answer::Connected,
        _ => Answer::Text(ear.answer.as_str().into()),
    };
    cluster.mail(stream, StreamRead::Errors(format!("{} {}", arrival.peer.address, arrival.peer.port)));
    cluster.mail(stream, StreamRead::Bytes(heard(&arrival.payload)));
    cluster.wires.network.reply(arrival.at, arrival.exchange, answer);
    true
}

/// Returns what a listener reads.
fn heard(payload: &Payload) -> String {
    match payload {
        Payload::Http(http) => {
            let headers: String =
                http.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
            format!("{} {} HTTP/1.1\nHost: {}\n{headers}\n{}", http.method, http.path, http.host, http.body)
        }
        Payload::Text(text) => text.to_string(),
        _ => String::new(),
    }
}
