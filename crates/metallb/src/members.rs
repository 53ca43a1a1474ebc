//! Which speakers a speaker believes to be alive, as memberlist finds it out: peers are probed in turn,
//! one that doesn't answer is suspected for a while, then taken for dead.

use network::{HostId, HostKind, Network, Protocol};
use sim::{Chance, MILLISECOND, Nanos, SECOND, Time};
use std::collections::BTreeMap;
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

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Member {
    is_alive: bool,
    /// When it is seen otherwise.
    changes_at: Option<Time>,
}

/// The speakers that one speaker knows, by node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    members: BTreeMap<Rc<str>, Member>,
    looks: u64,
}

impl Members {
    /// Looks which speakers answer now.
    pub(crate) fn look(&mut self, now: Time, own: HostId, chance: Chance, network: &Network) {
        let topology = network.topology();
        let is_open = |id| network.listener(id, Protocol::Tcp, MEMBERS_PORT).is_some();
        let nodes: Vec<(Rc<str>, bool, bool)> = topology
            .hosts()
            .filter(|(_, host)| host.kind == HostKind::Node)
            .map(|(id, host)| {
                let can_reach = id == own || topology.can_reach(own, id);
                (host.name.clone(), can_reach && is_open(id), can_reach)
            })
            .collect();
        for (name, member) in &mut self.members {
            if !nodes.iter().any(|(node, ..)| node == name) {
                member.changes_at = member.is_alive.then_some(now + SUSPICION);
            }
        }
        let count = self.members.len();
        for (name, answers, can_reach) in nodes {
            let member = self.members.entry(name.clone()).or_default();
            if answers == member.is_alive {
                member.changes_at = None;
                continue;
            }
            if member.changes_at.is_some() {
                continue;
            }
            self.looks += 1;
            let wait = match (answers, can_reach) {
                (true, _) if topology.by_name(&name) == Some(own) => 0,
                (true, _) | (false, true) => GOSSIP,
                (false, false) => {
                    let turn = chance.span("memberlist", topology.name(own), self.looks, 0, PROBE);
                    turn + PROBE_TIMEOUT + suspicion(count)
                }
            };
            member.changes_at = Some(now + wait);
        }
    }

    /// Returns when a member is seen otherwise.
    pub(crate) fn next_at(&self) -> Time {
        self.members.values().filter_map(|member| member.changes_at).min().unwrap_or(Time::NEVER)
    }

    /// Takes up what is due, and returns the nodes whose speakers came or went.
    pub(crate) fn advance(&mut self, now: Time) -> Vec<(Rc<str>, bool)> {
        let mut changed = Vec::new();
        for (name, member) in &mut self.members {
            if member.changes_at.is_some_and(|at| at <= now) {
                member.changes_at = None;
                member.is_alive = !member.is_alive;
                changed.push((name.clone(), member.is_alive));
            }
        }
        changed
    }

    /// Returns the nodes whose speakers are alive.
    pub(crate) fn alive(&self) -> impl Iterator<Item = &Rc<str>> {
        self.members.iter().filter(|(_, member)| member.is_alive).map(|(name, _)| name)
    }
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
