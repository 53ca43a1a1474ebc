//! What `ss` and `netstat` list: who listens on a machine, and what is open there.

use crate::network::Stage;
use crate::{Application, HostId, Network, Protocol, Socket};
use std::net::Ipv4Addr;

/// How far a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SocketState {
    /// It waits for others.
    Listen,
    /// Its first packet is under way.
    SynSent,
    /// It is open.
    Established,
}

/// One socket of a machine or pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketRow {
    /// TCP or UDP.
    pub protocol: Protocol,
    /// How far it is.
    pub state: SocketState,
    /// Its own end; 0.0.0.0 for what listens on all addresses.
    pub local: Socket,
    /// The other end; 0.0.0.0 without a port where there is none.
    pub peer: Socket,
    /// Who listens or serves there; `None` for the asking end.
    pub application: Option<Application>,
}

impl Network {
    /// Returns the sockets of a machine or pod: first those that listen.
    pub fn sockets(&self, host: HostId) -> Vec<SocketRow> {
        let nowhere = Socket::new(Ipv4Addr::UNSPECIFIED, 0);
        let listening = self.listeners.range((host, Protocol::Icmp, 0)..=(host, Protocol::Sctp, u16::MAX));
        let mut rows: Vec<SocketRow> = listening
            .map(|((_, protocol, port), application)| SocketRow {
                protocol: *protocol,
                state: SocketState::Listen,
                local: Socket::new(Ipv4Addr::UNSPECIFIED, *port),
                peer: nowhere,
                application: Some(*application),
            })
            .collect();
        for one in self.exchanges.values().filter(|one| one.protocol != Protocol::Icmp) {
            let is_opening = matches!(one.stage, Stage::Opening);
            if one.from == host {
                let state = if is_opening { SocketState::SynSent } else { SocketState::Established };
                let (local, peer) = (one.source, one.destination);
                rows.push(SocketRow { protocol: one.protocol, state, local, peer, application: None });
            }
            if one.server == host && !is_opening && one.protocol == Protocol::Tcp {
                let application = self.listeners.get(&(host, one.protocol, one.local.port)).copied();
                let state = SocketState::Established;
                let (local, peer) = (one.local, one.peer);
                rows.push(SocketRow { protocol: one.protocol, state, local, peer, application });
            }
        }
        rows
    }
}
