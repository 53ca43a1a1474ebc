//! A speaker's sessions of BGP: one with each peer that the configuration has for its node.
//!
//! Left out on purpose: passwords, source addresses, several hops, VRFs, graceful restart.

use crate::advertise::Peer;
use crate::log::Log;
use api::tree;
use network::{BGP_PORT, BgpMessage, BgpRoute};
use sim::{Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How long is waited at first before a peer is tried again, and at most.
const BACK_OFF: (Nanos, Nanos) = (2 * SECOND, 120 * SECOND);
/// How many messages wait to be taken.
const LETTERS: usize = 4_096;

/// A message on its way to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The peer.
    pub to: Ipv4Addr,
    /// The peer's autonomous system, as the configuration has it.
    pub asn: u32,
    /// What is said.
    pub message: BgpMessage,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The peer's answers.
    Answers(Vec<BgpMessage>),
    /// Nobody listens there.
    Refused,
    /// Nobody has that address, or no packet comes through.
    Unreachable,
}

#[derive(Clone, Debug)]
struct Session {
    peer: Rc<Peer>,
    is_up: bool,
    /// When it tries anew while it is down, and speaks again while it is up.
    next: Time,
    /// When something was heard.
    heard: Time,
    wait: Nanos,
}

/// A route, and the names of the peers that hear of it; all without any.
type Told = (BgpRoute, BTreeSet<Rc<str>>);

/// A speaker's sessions, and what they tell of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    by_peer: BTreeMap<Ipv4Addr, Session>,
    routes: BTreeMap<Rc<str>, Vec<Told>>,
    letters: VecDeque<Letter>,
}

impl Sessions {
    /// Keeps a session with each of these peers and with no others.
    // Models go.universe.tf/metallb speaker/bgp_controller.go syncPeers
    pub(crate) fn keep(&mut self, now: Time, peers: &[Rc<Peer>], reason: &str, log: &mut Log) {
        let gone: Vec<Ipv4Addr> = self
            .by_peer
            .iter()
            .filter(|(_, session)| !peers.contains(&session.peer))
            .map(|(address, _)| *address)
            .collect();
        for address in gone {
            let fields = tree!({"event": "peerRemoved", "peer": (address.to_string()), "reason": reason});
            log.write(now, "info", "peer deconfigured, closing BGP session", fields);
            if let Some(session) = self.by_peer.remove(&address).filter(|session| session.is_up) {
                self.send(&session.peer, BgpMessage::Close);
            }
        }
        for peer in peers {
            if self.by_peer.contains_key(&peer.address) {
                continue;
            }
            let fields = tree!({"event": "peerAdded", "peer": (peer.address.to_string())});
            log.write(now, "info", "peer configured, starting BGP session", fields);
            let session =
                Session { peer: peer.clone(), is_up: false, next: now, heard: now, wait: BACK_OFF.0 };
            self.by_peer.insert(peer.address, session);
        }
    }

    fn send(&mut self, peer: &Peer, message: BgpMessage) {
        if self.letters.len() < LETTERS {
            self.letters.push_back(Letter { to: peer.address, asn: peer.asn, message });
        }
    }

    /// Tells of a Service's routes from now on, each to the peers that are named, or to all without names.
    pub(crate) fn tell(&mut self, service: &Rc<str>, routes: Vec<Told>) {
        if self.routes.get(service) == Some(&routes) {
            return;
        }
        self.routes.insert(service.clone(), routes);
        self.update();
    }

    /// Tells of a Service's routes no longer.
    pub(crate) fn forget(&mut self, service: &str) {
        if self.routes.remove(service).is_some() {
            self.update();
        }
    }

    fn update(&mut self) {
        let up: Vec<Rc<Peer>> =
            self.by_peer.values().filter(|one| one.is_up).map(|one| one.peer.clone()).collect();
        for peer in up {
            self.update_one(&peer);
        }
    }

    fn update_one(&mut self, peer: &Peer) {
        let is_for = |names: &BTreeSet<Rc<str>>| names.is_empty() || names.contains(&peer.name);
        let all = self.routes.values().flatten().filter(|(_, names)| is_for(names));
        // Of several advertisements for one prefix the last one counts.
        let by_prefix: BTreeMap<_, _> = all.map(|(route, _)| (route.prefix, route.clone())).collect();
        self.send(peer, BgpMessage::Update(by_prefix.into_values().collect()));
    }

    /// Returns when a session has something to do.
    pub(crate) fn next_at(&self) -> Time {
        self.by_peer.values().map(|session| session.next).min().unwrap_or(Time::NEVER)
    }

    /// Does what is due: opens sessions, keeps them alive, and gives up those whose peer is silent.
    pub(crate) fn tick(&mut self, now: Time, own: Ipv4Addr, log: &mut Log) {
        let due: Vec<Ipv4Addr> =
            self.by_peer.iter().filter(|(_, one)| one.next <= now).map(|(address, _)| *address).collect();
        for address in due {
            let Some(session) = self.by_peer.get_mut(&address) else { continue };
            let peer = session.peer.clone();
            let is_silent = peer.hold > 0 && now - session.heard >= peer.hold;
            if session.is_up && is_silent {
                session.is_up = false;
                log.write(now, "warn", "BGP session down", about(&peer, "event", "sessionDown"));
            }
            if session.is_up {
                session.next = now + peer.keepalive;
                self.send(&peer, BgpMessage::Keepalive);
            } else {
                session.next = now + session.wait;
                session.wait = (session.wait * 2).min(BACK_OFF.1);
                let (router_id, hold, detect) = (peer.router_id.unwrap_or(own), peer.hold, peer.detect);
                self.send(&peer, BgpMessage::Open { asn: peer.own_asn, router_id, hold, detect });
            }
        }
    }

    /// Takes what is to be said to peers.
    pub(crate) fn take_letters(&mut self) -> Vec<Letter> {
        self.letters.drain(..).collect()
    }

    /// Ends all sessions, as the end of the process does.
    pub(crate) fn close(&mut self) -> Vec<Letter> {
        let up = std::mem::take(&mut self.by_peer).into_values().filter(|session| session.is_up);
        let letter =
            |one: Session| Letter { to: one.peer.address, asn: one.peer.asn, message: BgpMessage::Close };
        up.map(letter).collect()
    }

    /// Learns what came of a message to a peer.
    // Models go.universe.tf/metallb internal/bgp/native/native.go connect
    pub(crate) fn hear(&mut self, now: Time, from: Ipv4Addr, heard: Heard, log: &mut Log) {
        let Some(session) = self.by_peer.get_mut(&from) else { return };
        let peer = session.peer.clone();
        let failed = |log: &mut Log, error: String| {
            let mut fields = about(&peer, "op", "connect");
            fields.set(&["error"], error);
            log.write(now, "error", "failed to connect to peer", fields);
        };
        let end = format!("\"{from}:{BGP_PORT}\"");
        let answers = match heard {
            Heard::Answers(answers) => answers,
            Heard::Refused if !session.is_up => {
                return failed(log, format!("dial {end}: getsockopt: connection refused"));
            }
            Heard::Unreachable if !session.is_up => {
                return failed(log, format!("dial {end}: getsockopt: no route to host"));
            }
            // What is lost on the way is found out by silence.
            _ => return,
        };
        session.heard = now;
        for answer in answers {
            match answer {
                BgpMessage::Open { asn, .. } if asn != peer.asn => {
                    self.send(&peer, BgpMessage::Close);
                    return failed(log, format!("unexpected peer ASN {asn}, want {}", peer.asn));
                }
                BgpMessage::Open { .. } => {
                    let Some(session) = self.by_peer.get_mut(&from) else { return };
                    session.is_up = true;
                    session.wait = BACK_OFF.0;
                    session.next = now + peer.keepalive;
                    log.write(now, "info", "BGP session established", about(&peer, "event", "sessionUp"));
                    self.update_one(&peer);
                }
                BgpMessage::Close => {
                    let Some(session) = self.by_peer.get_mut(&from).filter(|session| session.is_up) else {
                        continue;
                    };
                    session.is_up = false;
                    session.next = now + BACK_OFF.0;
                    log.write(now, "warn", "BGP session down", about(&peer, "event", "sessionDown"));
                }
                _ => {}
            }
        }
    }
}

/// Returns what every line about a peer says.
fn about(peer: &Peer, key: &str, what: &str) -> api::Value {
    let mut fields = tree!({
        "localASN": (i64::from(peer.own_asn)),
        "peer": (format!("{}:{BGP_PORT}", peer.address)),
        "peerASN": (i64::from(peer.asn)),
    });
    fields.set(&[key], what);
    fields
}
