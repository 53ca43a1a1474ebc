//! Exchanges, as the network's users reach them.

use crate::conntrack::{TrackState, Tuple};
use crate::network::{Connect, Due, Exchange, Stage};
use crate::node::bridge_address;
use crate::way::Way;
use crate::{Answer, ExchangeId, HostId, Network, Outcome, Protocol, Socket};
use sim::Time;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many ways are kept for the inspector.
const WAYS: usize = 2_048;

impl Network {
    /// Opens a connection and asks something through it. The first packet's way is decided at once, by
    /// the rules as they are; what follows from it comes from [`Network::advance`].
    pub fn connect(&mut self, now: Time, connect: Connect) -> ExchangeId {
        let id = ExchangeId(self.next);
        self.next += 1;
        let source = self.source_address(connect.from, connect.to);
        let (who, begun, port) = match self.topology.host_mut(connect.from) {
            Some(host) => {
                host.begun += 1;
                (host.name.clone(), host.begun, host.take_port())
            }
            None => ("".into(), 0, 0),
        };
        let port = if connect.protocol == Protocol::Icmp { 0 } else { port };
        let exchange = Exchange {
            from: connect.from,
            owner: connect.owner,
            protocol: connect.protocol,
            source: Socket::new(source, port),
            destination: Socket::new(connect.to, connect.port),
            payload: connect.payload,
            patience: connect.patience,
            deadline: Time::NEVER,
            who,
            draws: begun << 16,
            attempts: 0,
            stage: Stage::Opening,
            server: HostId(0),
            local: Socket::new(connect.to, connect.port),
            peer: Socket::new(source, port),
            back: 0,
            path: Vec::new(),
            tracked: Vec::new(),
            rules_seen: 0,
            resent: 0,
            tape: None,
        };
        self.begin(now, id, exchange);
        id
    }

    /// Chooses the address that a host speaks from.
    fn source_address(&self, from: HostId, to: Ipv4Addr) -> Ipv4Addr {
        let Some(host) = self.topology.host(from) else { return Ipv4Addr::UNSPECIFIED };
        if to.is_loopback() {
            return Ipv4Addr::LOCALHOST;
        }
        // An address of the machine's own is its own source.
        if self.nodes.get(&from).is_some_and(|node| node.ipvs.bound().contains(&to)) {
            return to;
        }
        match self.topology.pod_network_of(to) {
            Some((_, node)) if node == from => bridge_address(&self.topology, node).unwrap_or(host.address),
            Some(_) if self.nodes.contains_key(&from) => {
                self.topology.overlay_address(from).unwrap_or(host.address)
            }
            _ => host.address,
        }
    }

    /// Answers a request that arrived. Nothing happens where it is no longer awaited.
    pub fn reply(&mut self, now: Time, exchange: ExchangeId, answer: Answer) {
        self.conclude(now, exchange, Outcome::Answered(answer));
    }

    /// Breaks off a request that arrived.
    pub fn reset(&mut self, now: Time, exchange: ExchangeId) {
        self.conclude(now, exchange, Outcome::Reset);
    }

    fn conclude(&mut self, now: Time, id: ExchangeId, outcome: Outcome) {
        let Some(exchange) = self.exchanges.get_mut(&id) else { return };
        if matches!(exchange.stage, Stage::Serving(_)) {
            match &outcome {
                Outcome::Answered(answer) => self.captures.answered(now, exchange, answer),
                _ => self.captures.broken(now, exchange),
            }
            exchange.stage = Stage::Ending(outcome);
            let at = now + exchange.back;
            self.queue.push(at, Due::End(id, 0));
        }
    }

    /// Gives an exchange up: its asker isn't told anything any more.
    pub fn cancel(&mut self, id: ExchangeId) {
        if let Some(exchange) = self.exchanges.remove(&id) {
            self.deadlines.remove(&(exchange.deadline, id));
        }
    }

    /// Returns how many exchanges are open.
    pub fn open_exchanges(&self) -> u32 {
        self.exchanges.len() as u32
    }

    /// Returns the way of an exchange, where it is still kept.
    pub fn way(&self, exchange: ExchangeId) -> Option<&Way> {
        self.ways.get(self.place(exchange)?).map(AsRef::as_ref)
    }

    /// Returns the ways that are kept, oldest first.
    pub fn ways(&self) -> impl DoubleEndedIterator<Item = &Way> {
        self.ways.iter().map(AsRef::as_ref)
    }

    pub(crate) fn way_mut(&mut self, exchange: ExchangeId) -> Option<&mut Way> {
        let place = self.place(exchange)?;
        self.ways.get_mut(place).map(Rc::make_mut)
    }

    /// Returns the place of an exchange's way. Every exchange keeps one, so that they are numbered on end.
    fn place(&self, exchange: ExchangeId) -> Option<usize> {
        let first = self.ways.front()?.exchange;
        let place = usize::try_from(exchange.0.checked_sub(first.0)?).ok()?;
        self.ways.get(place).is_some_and(|way| way.exchange == exchange).then_some(place)
    }

    pub(crate) fn keep_way(&mut self, way: Way) {
        if self.ways.len() >= WAYS
            && let Some(Ok(oldest)) = self.ways.pop_front().map(Rc::try_unwrap)
        {
            (self.spare.events, self.spare.places) = (oldest.events, oldest.places);
        }
        self.ways.push_back(Rc::new(way));
    }

    pub(crate) fn set_track_state(&mut self, now: Time, tracked: &[(HostId, Tuple)], state: TrackState) {
        for (node, tuple) in tracked {
            if let Some(node) = self.nodes.get_mut(node) {
                Rc::make_mut(node).conntrack.set_state(now, tuple, state);
            }
        }
    }
}
