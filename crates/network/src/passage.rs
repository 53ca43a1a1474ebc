//! Whether the later packets of an open connection still pass: machines and links as they are now, and
//! the rules and connection tables as they have become.

use crate::conntrack::{Direction, TrackState, Tuple};
use crate::exchange::{ANSWER_TRIES, RESEND, first_packet, reversed};
use crate::network::{Due, Stage};
use crate::walk::{Fate, Trip};
use crate::{ExchangeId, HostId, Network, Protocol, Socket};
use sim::Time;
use std::rc::Rc;

/// What becomes of a packet of an open connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It comes through.
    Open,
    /// It is lost, and sent again.
    Lost,
    /// It comes to somebody who doesn't know the connection, and says so.
    Reset,
}

impl Network {
    /// Finds out what becomes of a connection's next packet.
    pub(crate) fn passage(&mut self, at: Time, id: ExchangeId, direction: Direction) -> Passage {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return Passage::Lost };
        let is_cut = !self.topology.is_up(exchange.server)
            || exchange.path.windows(2).any(|pair| match pair {
                [a, b] => !self.topology.can_reach(*a, *b),
                _ => false,
            });
        if is_cut {
            return Passage::Lost;
        }
        exchange.draws += 1;
        let (draws, who) = (exchange.draws, exchange.who.clone());
        let (has_new_rules, path) = (exchange.rules_seen != self.rule_changes, exchange.path.clone());
        // A datagram and its answer are the packets that were led at first, and lost or not.
        let is_stream = exchange.protocol == Protocol::Tcp;
        if is_stream && self.is_lost_on(&path, direction, &who, draws) {
            return Passage::Lost;
        }
        if has_new_rules { self.lead_anew(at, id, direction) } else { Passage::Open }
    }

    /// Returns whether a link on the way loses a packet.
    fn is_lost_on(&self, path: &[HostId], direction: Direction, who: &str, draw: u64) -> bool {
        let mut machines: Vec<HostId> = path.iter().map(|host| self.topology.machine(*host)).collect();
        if direction == Direction::Reply {
            machines.reverse();
        }
        machines.dedup();
        // The last one only takes it in.
        machines.pop();
        let queues = machines.into_iter().enumerate();
        queues
            .filter_map(|(place, machine)| Some((place, self.topology.netem(machine)?)))
            .any(|(place, netem)| self.is_lost(netem, who, draw << 8 | place as u64))
    }

    /// Takes a packet through the rules as they are now.
    fn lead_anew(&mut self, at: Time, id: ExchangeId, direction: Direction) -> Passage {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return Passage::Lost };
        let mut packet = first_packet(exchange);
        let (from, server) = (exchange.from, exchange.server);
        let (begin, expected) = match direction {
            Direction::Original => (from, (server, exchange.peer, exchange.local)),
            Direction::Reply => {
                (packet.source, packet.destination) = (exchange.peer, exchange.local);
                packet = reversed(&packet);
                (server, (from, exchange.destination, exchange.source))
            }
        };
        let (who, draws) = (exchange.who.clone(), exchange.draws);
        let mut trip = Trip::new(who, draws, std::mem::take(&mut self.spare));
        let fate = self.walk(at, begin, &mut packet, &mut trip);
        self.spare.taken = trip.taken;
        let ends: (Socket, Socket) = (packet.source, packet.destination);
        let Some(exchange) = self.exchanges.get_mut(&id) else { return Passage::Lost };
        exchange.draws = trip.draws;
        let is_tcp = exchange.protocol == Protocol::Tcp;
        match fate {
            Fate::Arrived(host) if (host, ends.0, ends.1) == expected => {
                exchange.rules_seen = self.rule_changes;
                exchange.tracked.extend(trip.tracked.iter().copied());
                self.set_track_state(at, &trip.tracked, TrackState::Established);
                Passage::Open
            }
            // Who gets it knows no such connection.
            Fate::Arrived(_) if direction == Direction::Original && is_tcp => {
                self.forget_tracked(&trip.tracked);
                Passage::Reset
            }
            _ => Passage::Lost,
        }
    }

    /// Sends a request again that did not come through.
    pub(crate) fn ask_again(&mut self, at: Time, id: ExchangeId) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        if exchange.protocol == Protocol::Tcp
            && exchange.resent < ANSWER_TRIES
            && matches!(exchange.stage, Stage::Asking)
        {
            self.queue.push(at + (RESEND << exchange.resent), Due::Arrive(id));
            exchange.resent += 1;
        }
    }

    /// Forgets connections that nodes have just learnt.
    pub(crate) fn forget_tracked(&mut self, tracked: &[(HostId, Tuple)]) {
        for (node, tuple) in tracked {
            if let Some(node) = self.nodes.get_mut(node) {
                Rc::make_mut(node).conntrack.remove(tuple);
            }
        }
    }
}
