//! Long chains, such as KUBE-SERVICES, are looked up instead of being read through.

use super::rule::{Match, Rule};
use super::run::Packet;
use std::collections::BTreeMap;

/// Shorter chains are read through.
const SHORTEST: usize = 8;

/// What a rule that the index knows asks for: protocol, destination (or any), destination port.
type Key = (u8, Option<u32>, u16);

/// Tells which rules of a chain can match a packet at all.
#[derive(Debug)]
pub(super) struct Index {
    keyed: BTreeMap<Key, Vec<u32>>,
    others: Vec<u32>,
}

impl Index {
    /// Makes the index of a chain; `None` for one that is short or has few rules that it could know.
    pub(super) fn new(rules: &[Rule]) -> Option<Index> {
        if rules.len() < SHORTEST {
            return None;
        }
        let mut index = Index { keyed: BTreeMap::new(), others: Vec::new() };
        for (place, rule) in rules.iter().enumerate() {
            match key(rule) {
                Some(key) => index.keyed.entry(key).or_default().push(place as u32),
                None => index.others.push(place as u32),
            }
        }
        (index.others.len() * 2 < rules.len()).then_some(index)
    }

    /// Returns the rules that can match, in their order.
    pub(super) fn candidates(&self, packet: &Packet) -> Candidates<'_> {
        let protocol = packet.protocol.number();
        let port = packet.destination.port;
        let list = |address| self.keyed.get(&(protocol, address, port)).map_or(&[][..], Vec::as_slice);
        Candidates { lists: [list(Some(packet.destination.address.into())), list(None), &self.others] }
    }
}

fn key(rule: &Rule) -> Option<Key> {
    let protocol = rule.protocol.as_ref().filter(|protocol| !protocol.negated)?;
    let address = match &rule.destination {
        None => None,
        Some(to) if !to.negated && to.value.prefix() == 32 => Some(u32::from(to.value.address())),
        Some(_) => return None,
    };
    let port = rule.matches.iter().find_map(|one| match one {
        Match::Ports { destination: Some(ports), .. } => {
            (!ports.negated && ports.value.first == ports.value.last).then_some(ports.value.first)
        }
        _ => None,
    })?;
    // A match that acts before the port is looked at must be reached by every packet.
    let acts = |one: &Match| matches!(one, Match::Recent(_) | Match::Accounting(_) | Match::Random(_));
    let before = rule.matches.iter().take_while(|one| !matches!(one, Match::Ports { .. }));
    (!before.into_iter().any(acts)).then(|| (protocol.value.number(), address, port))
}

/// Three ordered lists of rules, read as one.
pub(super) struct Candidates<'a> {
    lists: [&'a [u32]; 3],
}

impl Iterator for Candidates<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let next = self.lists.iter().filter_map(|list| list.first()).min().copied()?;
        for list in &mut self.lists {
            if list.first() == Some(&next) {
                *list = list.get(1..).unwrap_or(&[]);
            }
        }
        Some(next)
    }
}
