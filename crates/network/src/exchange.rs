//! How an exchange goes on: the first packet, the request, the answer, and what may go wrong.

use crate::conntrack::{Direction, TrackState};
use crate::iptables::{Interface, Packet, RejectWith};
use crate::network::{Due, Exchange, Network, Stage, TCP_OPENING};
use crate::passage::Passage;
use crate::walk::{Fate, Trip};
use crate::way::{Event, Loss, Way};
use crate::{Answer, Arrival, Delivery, Ended, ExchangeId, HostId, Outcome, Payload, Protocol, Socket};
use sim::{Nanos, SECOND, Time};

/// How many exchanges may be open at once.
const EXCHANGES: usize = 65_536;
/// The length of a packet that opens a connection, in bytes.
const PACKET_BYTES: u32 = 60;
/// How long a machine asks by ARP before it says that nobody is there.
const ARP_PATIENCE: Nanos = 3 * SECOND;
/// How long a resolver waits for an answer of one server.
const UDP_PATIENCE: Nanos = 5 * SECOND;
/// How long `ping` waits for one answer.
const PING_PATIENCE: Nanos = 10 * SECOND;
/// How long TCP repeats data that nobody acknowledges.
// Models net/ipv4/tcp_timer.c tcp_retries2
const TCP_DATA: Nanos = 924 * SECOND;
/// How often a request or an answer is sent again at most.
pub(crate) const ANSWER_TRIES: u32 = 10;
/// After what time data is sent again that nobody acknowledges; twice as long each time.
// Models include/net/tcp.h TCP_RTO_MIN
pub(crate) const RESEND: Nanos = SECOND / 5;

impl Network {
    pub(crate) fn begin(&mut self, now: Time, id: ExchangeId, mut exchange: Exchange) {
        let own = match exchange.protocol {
            Protocol::Tcp | Protocol::Sctp => TCP_OPENING,
            Protocol::Udp => UDP_PATIENCE,
            Protocol::Icmp => PING_PATIENCE,
        };
        let patience = if exchange.patience > 0 { exchange.patience } else { own };
        exchange.deadline = now + patience;
        self.keep_way(Way {
            exchange: id,
            sent: now,
            attempts: 0,
            from: exchange.from,
            protocol: exchange.protocol,
            source: exchange.source,
            destination: exchange.destination,
            server: None,
            outcome: "",
            events: Vec::new(),
            places: Vec::new(),
        });
        self.deadlines.insert((exchange.deadline, id));
        let is_full = self.exchanges.len() >= EXCHANGES;
        self.exchanges.insert(id, Box::new(exchange));
        if is_full {
            self.end_after(now, id, Outcome::Unreachable, 0);
        } else {
            self.attempt(now, id);
        }
    }

    /// Sends the first packet, maybe not for the first time.
    fn attempt(&mut self, now: Time, id: ExchangeId) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        exchange.attempts += 1;
        let mut trip = Trip::new(exchange.who.clone(), exchange.draws, std::mem::take(&mut self.spare));
        let from = exchange.from;
        let mut packet = first_packet(exchange);
        exchange.rules_seen = self.rule_changes;
        if let Payload::Probe(ttl) = *exchange.payload {
            trip.ttl = ttl;
        }
        trip.hops = self.captures.is_active().then(Vec::new);
        let fate = self.walk(now, from, &mut packet, &mut trip);
        let ahead = trip.elapsed;
        if let (Some(hops), Some(exchange)) = (trip.hops.take(), self.exchanges.get_mut(&id)) {
            self.captures.first(now, id, exchange, hops);
        }
        match fate {
            Fate::Arrived(server) => self.reached(now, id, server, &packet, &mut trip),
            Fate::Rejected(with) => {
                trip.events.push(Event::Rejected(with));
                self.show_refusal(now, id, Some(with), trip.places.last().map(|(host, _)| *host));
                let outcome = match with {
                    RejectWith::PortUnreachable | RejectWith::TcpReset => Outcome::Refused,
                    _ => Outcome::Unreachable,
                };
                self.end_after(now, id, outcome, 2 * ahead);
            }
            Fate::Unreachable => {
                trip.events.push(Event::Unreachable);
                self.end_after(now, id, Outcome::Unreachable, ARP_PATIENCE + 2 * ahead);
            }
            Fate::Expired(by) => {
                trip.events.push(Event::Expired);
                self.end_after(now, id, Outcome::Answered(Answer::Expired(by)), 2 * ahead);
            }
            Fate::Lost(loss) => self.lost(now, id, loss, &mut trip),
        }
        self.record(id, trip);
    }

    fn show_refusal(&mut self, now: Time, id: ExchangeId, with: Option<RejectWith>, by: Option<HostId>) {
        let Some(exchange) = self.exchanges.get(&id).filter(|exchange| exchange.tape.is_some()) else {
            return;
        };
        let by =
            by.and_then(|host| self.topology.host(host)).map_or(exchange.destination.address, |h| h.address);
        self.captures.refused(now, exchange, with, by);
    }

    /// The first packet came to a host that has the address.
    fn reached(&mut self, now: Time, id: ExchangeId, server: HostId, packet: &Packet, trip: &mut Trip) {
        let (protocol, local, peer) = (packet.protocol, packet.destination, packet.source);
        let is_open =
            protocol == Protocol::Icmp || self.listeners.contains_key(&(server, protocol, local.port));
        let ahead = trip.elapsed;
        if !is_open {
            trip.events.push(Event::Closed);
            self.show_refusal(now, id, None, Some(server));
            if protocol == Protocol::Tcp {
                self.forget_tracked(&trip.tracked);
            }
            return self.end_after(now, id, Outcome::Refused, 2 * ahead);
        }
        trip.events.push(Event::Delivered { local, peer });
        if let Some(way) = self.way_mut(id) {
            way.server = Some(server);
        }
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        exchange.path = trip.places.iter().map(|(host, _)| *host).collect();
        (exchange.server, exchange.local, exchange.peer) = (server, local, peer);
        let (from, source, destination) = (exchange.from, exchange.source, exchange.destination);

        // The answer's way is tried now: where it fails, no connection opens.
        trip.events.push(Event::Back);
        let mut answer = reversed(packet);
        trip.hops = self.captures.is_active().then(Vec::new);
        let fate = self.walk(now, server, &mut answer, trip);
        if let (Some(hops), Some(exchange)) = (trip.hops.take(), self.exchanges.get_mut(&id)) {
            self.captures.opened(now, exchange, hops);
        }
        let is_back =
            fate == Fate::Arrived(from) && answer.source == destination && answer.destination == source;
        match fate {
            _ if is_back => {}
            Fate::Lost(loss) => return self.lost(now, id, loss, trip),
            _ => return self.lost(now, id, Loss::Mismatch, trip),
        }
        trip.events.push(Event::Delivered { local: source, peer: destination });
        let round = trip.elapsed;
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        exchange.back = round - ahead;
        match *exchange.payload {
            Payload::Ping | Payload::Probe(_) => {
                self.end_after(now, id, Outcome::Answered(Answer::Pong), round);
            }
            Payload::Connect => self.end_after(now, id, Outcome::Answered(Answer::Connected), round),
            _ => {
                exchange.stage = Stage::Asking;
                let opening = if protocol == Protocol::Udp { 0 } else { round };
                self.queue.push(now + opening + ahead, Due::Arrive(id));
            }
        }
    }

    /// The first packet went nowhere: TCP sends it again after 1, 2, 4, … seconds.
    fn lost(&mut self, now: Time, id: ExchangeId, loss: Loss, trip: &mut Trip) {
        trip.events.push(Event::Lost(loss));
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        exchange.stage = Stage::Opening;
        if exchange.protocol == Protocol::Tcp && exchange.attempts <= 6 {
            let wait = SECOND << (exchange.attempts - 1);
            self.queue.push(now + wait, Due::Retry(id));
        }
    }

    fn record(&mut self, id: ExchangeId, trip: Trip) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        exchange.draws = trip.draws;
        exchange.tracked.extend(trip.tracked);
        self.spare.taken = trip.taken;
        let attempts = exchange.attempts;
        if let Some(way) = self.way_mut(id) {
            way.attempts = attempts;
            way.events = trip.events;
            way.places = trip.places;
        }
    }

    fn end_after(&mut self, now: Time, id: ExchangeId, outcome: Outcome, wait: Nanos) {
        if let Some(exchange) = self.exchanges.get_mut(&id) {
            exchange.stage = Stage::Ending(outcome);
            self.queue.push(now + wait, Due::End(id, 0));
        }
    }

    pub(crate) fn handle(&mut self, at: Time, due: Due, deliveries: &mut Vec<Delivery>) {
        match due {
            Due::Retry(id) => {
                if self.exchanges.get(&id).is_some_and(|exchange| matches!(exchange.stage, Stage::Opening)) {
                    self.attempt(at, id);
                }
            }
            Due::Arrive(id) => self.arrive(at, id, deliveries),
            Due::End(id, tries) => self.end(at, id, tries, deliveries),
        }
    }

    fn arrive(&mut self, at: Time, id: ExchangeId, deliveries: &mut Vec<Delivery>) {
        match self.passage(at, id, Direction::Original) {
            Passage::Open => {}
            Passage::Lost => return self.ask_again(at, id),
            Passage::Reset => return self.end_after(at, id, Outcome::Reset, 0),
        }
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let server = exchange.server;
        let key = (server, exchange.protocol, exchange.local.port);
        let Some(application) = self.listeners.get(&key).copied() else {
            let back = exchange.back;
            let outcome = if exchange.protocol == Protocol::Tcp { Outcome::Reset } else { Outcome::Refused };
            return self.end_after(at, id, outcome, back);
        };
        exchange.stage = Stage::Serving(application);
        if exchange.patience == 0 && exchange.protocol == Protocol::Tcp {
            self.deadlines.remove(&(exchange.deadline, id));
            exchange.deadline = at + TCP_DATA;
            self.deadlines.insert((exchange.deadline, id));
        }
        deliveries.push(Delivery::Arrival(Arrival {
            at,
            exchange: id,
            host: server,
            application,
            local: exchange.local,
            peer: exchange.peer,
            payload: exchange.payload.clone(),
        }));
    }

    fn end(&mut self, at: Time, id: ExchangeId, tries: u32, deliveries: &mut Vec<Delivery>) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        let Stage::Ending(outcome) = &exchange.stage else { return };
        // What only opens a connection, or asks for an echo, has had its answer's way at once.
        let is_short = matches!(*exchange.payload, Payload::Ping | Payload::Connect | Payload::Probe(_));
        let is_carried = matches!(outcome, Outcome::Answered(_) | Outcome::Reset) && !is_short;
        let outcome = outcome.clone();
        if is_carried {
            match self.passage(at, id, Direction::Reply) {
                Passage::Open => {}
                Passage::Reset => return self.finish(at, id, Outcome::Reset, deliveries),
                Passage::Lost => {
                    let is_tcp = self.exchanges.get(&id).is_some_and(|one| one.protocol == Protocol::Tcp);
                    if tries < ANSWER_TRIES && is_tcp {
                        self.queue.push(at + (RESEND << tries), Due::End(id, tries + 1));
                    }
                    return;
                }
            }
        }
        self.finish(at, id, outcome, deliveries);
    }

    pub(crate) fn finish(
        &mut self,
        at: Time,
        id: ExchangeId,
        outcome: Outcome,
        deliveries: &mut Vec<Delivery>,
    ) {
        let Some(exchange) = self.exchanges.remove(&id) else { return };
        self.deadlines.remove(&(exchange.deadline, id));
        if exchange.protocol == Protocol::Tcp && !exchange.tracked.is_empty() {
            let is_orderly = matches!(outcome, Outcome::Answered(_));
            let state = if is_orderly { TrackState::TimeWait } else { TrackState::Close };
            self.set_track_state(at, &exchange.tracked, state);
        }
        if let Some(way) = self.way_mut(id) {
            way.outcome = outcome.word();
        }
        let Exchange { from, owner, .. } = *exchange;
        deliveries.push(Delivery::Ended(Ended { at, exchange: id, from, owner, outcome }));
    }
}

pub(crate) fn first_packet(exchange: &Exchange) -> Packet {
    Packet {
        protocol: exchange.protocol,
        source: exchange.source,
        destination: exchange.destination,
        mark: 0,
        in_interface: Interface::None,
        out_interface: Interface::None,
        state: 0,
        bytes: PACKET_BYTES,
    }
}

pub(crate) fn reversed(packet: &Packet) -> Packet {
    let (source, destination): (Socket, Socket) = (packet.destination, packet.source);
    Packet { source, destination, mark: 0, state: 0, ..*packet }
}
