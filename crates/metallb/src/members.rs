//! Which speakers a speaker believes to be alive, as memberlist finds it out: peers are probed in turn,
//! one that doesn't answer is suspected for a while, then taken for dead.

use network::{HostId, HostKind, Network, Protocol};
use sim::{Chance, MILLISECOND, Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The port on which speakers find each other.
pub const MEMBERS_PORT: u16 = 7_946;
/// How often one peer is probed, and how long its answer is waited for.
// Models github.com/hashicorp/memberlist config.go DefaultLANConfig
pub(crate) const PROBE: Nanos = SECOND;
const PROBE_TIMEOUT: Nanos = 500 * MILLISECOND;
/// How long a peer is suspected, in probes, for up to ten members.
const SUSPICION: Nanos = 4 * PROBE;
/// How long it takes until a new speaker, or one that leaves in order, is known to the others.
const GOSSIP: Nanos = SECOND;

/// How long it takes a new speaker at most to exchange what both know with those it joins.
// Models github.com/hashicorp/memberlist state.go pushPullNode
const JOIN: Nanos = 5 * MILLISECOND;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Member {
    address: Ipv4Addr,
    is_alive: bool,
    /// When it is seen otherwise.
    changes_at: Option<Time>,
}

/// A speaker that came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub node: Rc<str>,
    pub address: Ipv4Addr,
    pub is_alive: bool,
}

/// What a look finds of a machine.
struct Seen {
    node: Rc<str>,
    address: Ipv4Addr,
    /// Whether packets reach it.
    can_reach: bool,
    /// Whether a speaker answers there.
    answers: bool,
}

/// The speakers that one speaker knows, by node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    members: BTreeMap<Rc<str>, Member>,
    /// When it knows those that were there before it.
    joined_at: Option<Time>,
    greetings: Vec<Rc<str>>,
    looks: u64,
}

impl Members {
    /// Looks which speakers answer now. The first time it joins them.
    pub(crate) fn look(&mut self, now: Time, own: HostId, chance: Chance, network: &Network) {
        let seen = look_around(own, network);
        let name = network.topology().name(own);
        if self.joined_at.is_none() {
            return self.join(now, chance, name, seen);
        }
        for (name, member) in &mut self.members {
            if !seen.iter().any(|one| one.node == *name) {
                member.changes_at = member.is_alive.then_some(now + SUSPICION);
            }
        }
        let count = self.members.len();
        for one in seen {
            let member = self.members.entry(one.node).or_insert(Member {
                address: one.address,
                is_alive: false,
                changes_at: None,
            });
            if one.answers == member.is_alive {
                member.changes_at = None;
                continue;
            }
            if member.changes_at.is_some() {
                continue;
            }
            self.looks += 1;
            let wait = if one.can_reach {
                GOSSIP
            } else {
                let turn = chance.span("memberlist", name, self.looks, 0, PROBE);
                turn + PROBE_TIMEOUT + suspicion(count)
            };
            member.changes_at = Some(now + wait);
        }
    }

    /// Joins the speakers that answer: each then knows of the other.
    fn join(&mut self, now: Time, chance: Chance, name: &str, seen: Vec<Seen>) {
        let at = now + chance.span("memberlist-join", name, 0, MILLISECOND, JOIN);
        self.joined_at = Some(at);
        for one in seen {
            let changes_at = one.answers.then_some(at);
            let member = Member { address: one.address, is_alive: false, changes_at };
            if one.answers && *one.node != *name {
                self.greetings.push(one.node.clone());
            }
            self.members.insert(one.node, member);
        }
    }

    /// Returns when it knows those that were there before it.
    pub(crate) fn joined_at(&self) -> Time {
        self.joined_at.unwrap_or(Time::NEVER)
    }

    /// Takes those that it has joined, and when they know of it.
    pub(crate) fn take_greetings(&mut self) -> Vec<(Rc<str>, Time)> {
        let at = self.joined_at();
        std::mem::take(&mut self.greetings).into_iter().map(|node| (node, at)).collect()
    }

    /// Learns of a speaker that has joined it.
    pub(crate) fn meet(&mut self, node: &Rc<str>, at: Time) {
        if let Some(member) = self.members.get_mut(node) {
            member.changes_at = (!member.is_alive).then_some(at);
        }
    }

    /// Returns when a member is seen otherwise.
    pub(crate) fn next_at(&self) -> Time {
        self.members.values().filter_map(|member| member.changes_at).min().unwrap_or(Time::NEVER)
    }

    /// Takes up what is due, and returns the speakers that came or went.
    pub(crate) fn advance(&mut self, now: Time) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, member) in &mut self.members {
            if member.changes_at.is_some_and(|at| at <= now) {
                member.changes_at = None;
                member.is_alive = !member.is_alive;
                let (address, is_alive) = (member.address, member.is_alive);
                changes.push(Change { node: name.clone(), address, is_alive });
            }
        }
        changes
    }

    /// Returns the nodes whose speakers are alive.
    pub(crate) fn alive(&self) -> impl Iterator<Item = &Rc<str>> {
        self.members.iter().filter(|(_, member)| member.is_alive).map(|(name, _)| name)
    }
}

fn look_around(own: HostId, network: &Network) -> Vec<Seen> {
    let topology = network.topology();
    let nodes = topology.hosts().filter(|(_, host)| host.kind == HostKind::Node);
    nodes
        .map(|(id, host)| {
            let can_reach = id == own || topology.can_reach(own, id);
            let answers = can_reach && network.listener(id, Protocol::Tcp, MEMBERS_PORT).is_some();
            Seen { node: host.name.clone(), address: host.address, can_reach, answers }
        })
        .collect()
}

/// Four probes' time, times the logarithm of the members' number where there are more than ten.
fn suspicion(members: usize) -> Nanos {
    match members {
        0..=10 => SUSPICION,
        11..=31 => SUSPICION * 3 / 2,
        32..=100 => SUSPICION * 2,
        101..=316 => SUSPICION * 5 / 2,
        _ => SUSPICION * 3,
    }
}
