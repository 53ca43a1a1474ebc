//! Packets as travellers: what is asked, leg by leg, and what comes back once it does.

use super::View;
use crate::wires::Wires;
use ::view::{Traveller, TravellerKind};
use network::{ExchangeId, HostId, HostKind, Way};

/// How many exchanges may have ended between two frames; of more, the latest are told.
const ENDED: usize = 1_000;
/// The most legs of one way.
const LEGS: usize = 32;
/// How far the numbers of one exchange's legs are from the next one's.
const NUMBERS: u64 = 64;

/// A machine or pod of a way, and when the packet was there, in nanoseconds since it was sent.
type Place = (HostId, i64);

/// Which part of a way some legs are, and what is said of them.
struct Part<'a> {
    kind: TravellerKind,
    places: &'a [Place],
    /// How many legs came before.
    before: usize,
    /// What is added to the places' times.
    shift: i64,
    label: String,
    /// Whether it ends badly where its last leg ends.
    bad: bool,
}

/// Returns the way there and the way back. At the turn the answering machine stands twice.
fn halves(places: &[Place]) -> (&[Place], &[Place]) {
    match places.windows(2).position(|pair| matches!(pair, [a, b] if a.0 == b.0)) {
        Some(turn) => places.split_at(turn + 1),
        None => (places, &[]),
    }
}

impl View {
    /// Notes that an exchange has ended: what came back travels in the next frame.
    pub(super) fn note_ended(&mut self, exchange: u64) {
        if self.ended.len() >= ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(exchange);
    }

    /// Returns the legs of what was asked after exchange `since` and of what came back since the last time,
    /// and the number of the newest exchange.
    pub(crate) fn packet_legs(&mut self, wires: &Wires, since: u64) -> (Vec<Traveller>, u64) {
        let newest = wires.network.ways().next_back().map_or(since, |way| way.exchange.0.max(since));
        let newer = wires.network.ways().rev().take_while(|way| way.exchange.0 > since);
        let own = |way: &&Way| self.answers.contains_key(&way.exchange.0);
        let mut legs: Vec<Traveller> = newer.filter(own).flat_map(|way| self.asking(wires, way)).collect();
        let ended = std::mem::take(&mut self.ended);
        let back = ended.into_iter().filter_map(|exchange| wires.network.way(ExchangeId(exchange)));
        legs.extend(back.flat_map(|way| self.answering(wires, way)));
        legs.sort_by_key(|leg| (leg.began, leg.id));
        (legs, newest)
    }

    /// The way there. It ends badly where nobody took the packet.
    fn asking(&self, wires: &Wires, way: &Way) -> Vec<Traveller> {
        let label = self.answers.get(&way.exchange.0).map_or(String::new(), |row| row.what.clone());
        let (places, back) = halves(way.places());
        let kind = TravellerKind::Packet;
        let bad = way.server.is_none();
        let mut legs = self.legs(wires, way, Part { kind, places, before: 0, shift: 0, label, bad });
        let is_back = back.last().is_some_and(|place| place.0 == way.from);
        if !back.is_empty() && !is_back {
            // The answer is lost: it can't come back, and nothing will be told of it later.
            let before = places.len();
            let label = String::new();
            let part = Part { kind: TravellerKind::Reply, places: back, before, shift: 0, label, bad: true };
            legs.extend(self.legs(wires, way, part));
        }
        legs
    }

    /// The way back of an exchange that has ended: as the first packet's answer came, at the time when the
    /// last one did. Where nobody answered, the last leg of the way there ends badly once more.
    fn answering(&self, wires: &Wires, way: &Way) -> Vec<Traveller> {
        let Some(row) = self.answers.get(&way.exchange.0) else { return Vec::new() };
        let (ahead, back) = halves(way.places());
        let (Some(ended), Some(last)) = (row.ended, back.last()) else { return Vec::new() };
        if last.0 != way.from {
            return Vec::new();
        }
        let since = self.moment(way.sent);
        let is_silent = row.result == "timeout";
        let places =
            if is_silent { ahead.get(ahead.len().saturating_sub(2)..).unwrap_or_default() } else { back };
        let end = places.last().map_or(0, |place| place.1);
        let part = Part {
            kind: if is_silent { TravellerKind::Packet } else { TravellerKind::Reply },
            places,
            before: ahead.len(),
            shift: (ended - since) * sim::MICROSECOND - end,
            label: row.result.clone(),
            bad: row.lost,
        };
        self.legs(wires, way, part)
    }

    fn legs(&self, wires: &Wires, way: &Way, part: Part) -> Vec<Traveller> {
        let server = way.server.and_then(|host| wires.pod_by_host(host));
        let version = server.map_or(0, |pod| self.version_of(&pod.key));
        let moment = |offset: i64| self.moment(way.sent + (offset + part.shift).max(0));
        let last = part.places.len().saturating_sub(2);
        let leg = |i: usize, from: &Place, to: &Place| Traveller {
            id: way.exchange.0 * NUMBERS + (part.before + i) as u64 % NUMBERS,
            kind: part.kind,
            from: place(wires, from.0),
            to: place(wires, to.0),
            began: moment(from.1),
            ended: moment(to.1),
            label: part.label.clone(),
            object: String::new(),
            exchange: way.exchange.0,
            version,
            bad: part.bad && i == last,
        };
        let pairs = part.places.windows(2).enumerate();
        let legs = pairs.filter_map(|(i, pair)| Some(leg(i, pair.first()?, pair.get(1)?)));
        legs.filter(|leg| leg.from != leg.to).take(LEGS).collect()
    }
}

/// Returns a host's place as travellers call it.
fn place(wires: &Wires, host: HostId) -> String {
    let topology = wires.network.topology();
    let name = topology.name(host);
    match topology.host(host).map(|host| host.kind) {
        Some(HostKind::Pod { .. }) => format!("pod/{name}"),
        Some(HostKind::Node) => format!("node/{name}"),
        Some(HostKind::Router) => format!("router/{name}"),
        _ => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_turns_where_it_is_answered() {
        let place = |host: u32, at: i64| (HostId(host), at);
        for (hosts, ahead, back) in [
            (&[][..], 0, 0),
            (&[0, 1, 2][..], 3, 0),
            (&[0, 1, 2, 2, 1, 0][..], 3, 3),
            (&[0, 1, 2, 2, 1][..], 3, 2),
            (&[5, 5][..], 1, 1),
        ] {
            let places: Vec<Place> =
                hosts.iter().enumerate().map(|(at, host)| place(*host, at as i64)).collect();
            let (there, here) = halves(&places);
            assert_eq!((there.len(), here.len()), (ahead, back), "{hosts:?}");
        }
    }
}
