//! A node's IP sets (`ipset`): lists of addresses, networks and ports that one rule asks for at once.
// Models net/netfilter/ipset

mod command;
mod entry;
#[cfg(test)]
mod tests;

pub use command::VERSION;
pub use entry::Kind;

use crate::iptables::Packet;
use crate::{Protocol, Socket};
use entry::{Dimension, Key};
use sim::Time;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many sets a machine may have.
const SETS: usize = 16_384;

/// Which half of a packet a dimension of a set is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    /// `src`
    Source,
    /// `dst`
    Destination,
}

impl Half {
    /// Returns the word: `src`.
    pub fn as_str(self) -> &'static str {
        match self {
            Half::Source => "src",
            Half::Destination => "dst",
        }
    }

    /// Reads a word.
    pub fn parse(text: &str) -> Option<Half> {
        [Half::Source, Half::Destination].into_iter().find(|half| half.as_str() == text)
    }

    fn of(self, packet: &Packet) -> Socket {
        match self {
            Half::Source => packet.source,
            Half::Destination => packet.destination,
        }
    }
}

/// What is kept beside an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Extra {
    /// Whether what it holds is not in the set, though a wider entry has it.
    is_nomatch: bool,
    /// When it goes; `None` for never.
    expires: Option<Time>,
    comment: Option<Rc<str>>,
}

impl Extra {
    fn is_over(&self, now: Time) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

/// One set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Set {
    kind: Kind,
    hash_size: u32,
    max_entries: u32,
    /// The ports that a `bitmap:port` may hold.
    range: (u16, u16),
    /// How long entries stay that don't say it themselves, in seconds (0: for ever); `None` where entries
    /// can't end.
    timeout: Option<u32>,
    has_comments: bool,
    entries: BTreeMap<Key, Extra>,
    /// How many entries have this many leading bits, for each of the two addresses of an entry.
    prefixes: [BTreeMap<u8, u32>; 2],
}

impl Set {
    /// Returns what its entries are made of.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns how many entries it has, those included whose time is over.
    pub fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Returns whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the entries as they are printed, in order.
    pub fn members(&self) -> impl Iterator<Item = String> {
        self.entries.keys().map(|key| key.text(self.kind))
    }

    fn insert(&mut self, key: Key, extra: Extra) {
        if self.entries.insert(key, extra).is_none() {
            for (counts, prefix) in self.prefixes.iter_mut().zip(key.prefixes()) {
                *counts.entry(prefix).or_default() += 1;
            }
        }
    }

    fn remove(&mut self, key: &Key) -> bool {
        let is_there = self.entries.remove(key).is_some();
        if is_there {
            for (counts, prefix) in self.prefixes.iter_mut().zip(key.prefixes()) {
                if let Some(count) = counts.get_mut(&prefix) {
                    *count -= 1;
                    if *count == 0 {
                        counts.remove(&prefix);
                    }
                }
            }
        }
        is_there
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.prefixes = [BTreeMap::new(), BTreeMap::new()];
    }

    /// Takes out what is over.
    fn reap(&mut self, now: Time) {
        let over: Vec<Key> =
            self.entries.iter().filter(|(_, extra)| extra.is_over(now)).map(|(key, _)| *key).collect();
        for key in over {
            self.remove(&key);
        }
    }

    /// Returns whether the set has what this key, all of whose bits count, stands for: the narrowest entry
    /// around it decides.
    fn has(&self, wanted: Key, now: Time) -> bool {
        let [first, second] = &self.prefixes;
        for first in first.keys().rev() {
            for second in second.keys().rev() {
                let key = wanted.widened(*first, *second);
                if let Some(extra) = self.entries.get(&key).filter(|extra| !extra.is_over(now)) {
                    return !extra.is_nomatch;
                }
            }
        }
        false
    }

    /// Returns whether a packet's addresses and ports are in the set. With fewer halves than an entry has
    /// parts, nothing is.
    // Models net/netfilter/ipset/ip_set_core.c ip_set_test
    pub fn matches(&self, packet: &Packet, halves: &[Half], now: Time) -> bool {
        let dimensions = self.kind.dimensions();
        if halves.len() < dimensions.len() {
            return false;
        }
        let mut key = Key::default();
        for (dimension, half) in dimensions.iter().zip(halves) {
            let socket = half.of(packet);
            match dimension {
                Dimension::Ip | Dimension::Net => key.set_address(socket.address, 32, 0),
                Dimension::SecondIp | Dimension::SecondNet => key.set_address(socket.address, 32, 1),
                Dimension::Port if packet.protocol == Protocol::Icmp => return false,
                Dimension::Port => key.set_port(packet.protocol, socket.port),
                Dimension::PortAlone if packet.protocol == Protocol::Icmp => return false,
                Dimension::PortAlone => key.port = socket.port,
            }
        }
        self.has(key, now)
    }
}

/// All sets of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ipsets {
    /// Each set with its place, the lowest that was free, in whose order sets are listed.
    sets: BTreeMap<Rc<str>, (u32, Rc<Set>)>,
}

impl Ipsets {
    /// Returns a set.
    pub fn get(&self, name: &str) -> Option<&Set> {
        self.sets.get(name).map(|(_, set)| set.as_ref())
    }

    /// Returns the names, in order.
    pub fn names(&self) -> impl Iterator<Item = &Rc<str>> {
        self.sets.keys()
    }
}
