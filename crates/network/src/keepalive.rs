//! Connections that are used again: what is asked keeps its ends, so that it is translated as before.

use crate::way::Event;
use crate::{Connect, ExchangeId, Network, Protocol, Socket};
use sim::Time;

impl Network {
    /// Asks over the connection of an earlier exchange, as clients do that keep connections open. Returns
    /// `None` where there is no such connection: it ended badly, leads elsewhere, or its server has closed.
    pub fn connect_again(&mut self, now: Time, earlier: ExchangeId, connect: Connect) -> Option<ExchangeId> {
        let way = self.way(earlier).filter(|way| way.outcome == "answered" && way.from == connect.from)?;
        let is_same = way.protocol == connect.protocol
            && way.destination == Socket::new(connect.to, connect.port)
            && connect.protocol == Protocol::Tcp;
        let local = way.events.iter().find_map(|event| match event {
            Event::Delivered { local, .. } => Some(local.port),
            _ => None,
        })?;
        let (server, port, from) = (way.server?, way.source.port, connect.from);
        if !is_same || self.listener(server, Protocol::Tcp, local).is_none() {
            return None;
        }
        self.topology.host(from)?;
        Some(self.connect_from(now, connect, port))
    }

    /// Opens a connection as [`Network::connect`] does, from a port that the asker chose.
    pub fn connect_from(&mut self, now: Time, connect: Connect, port: u16) -> ExchangeId {
        let from = connect.from;
        let next = self.topology.host_mut(from).map(|host| std::mem::replace(&mut host.next_port, port));
        let id = self.connect(now, connect);
        if let Some((host, next)) = self.topology.host_mut(from).zip(next) {
            host.next_port = next;
        }
        id
    }
}
