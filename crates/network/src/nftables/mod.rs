//! A node's nftables: tables of chains, sets and maps, as `nft` reads and prints them; what they hold
//! decides every packet's way.
// Models net/netfilter/nf_tables_api.c, and the formats of nftables v1.0.6

mod add;
mod apply;
mod body;
mod command;
mod lex;
mod list;
mod parse;
mod rule;
mod run;
mod set;
#[cfg(test)]
mod tests;
mod view;

pub use command::VERSION;
pub use rule::{Outcome, Rule, Rules};
pub(crate) use run::{Point, Taken};
pub use set::Set;

use crate::iptables::{ChainName, Counter, Hook, Policy};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many chains all tables of a machine may have, how many rules one of them, and how many elements a set.
const CHAINS: u32 = 200_000;
const RULES: usize = 100_000;
const ELEMENTS: usize = 100_000;
/// How many tables a machine may have, and how many sets one of them.
const TABLES: usize = 256;
const SETS: usize = 65_536;

/// Which packets a table sees. Here all are of IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `ip`
    Ip,
    /// `inet`: IPv4 and IPv6.
    Inet,
}

impl Family {
    /// Returns the word: `ip`.
    pub fn as_str(self) -> &'static str {
        match self {
            Family::Ip => "ip",
            Family::Inet => "inet",
        }
    }

    fn parse(text: &str) -> Option<Family> {
        [Family::Ip, Family::Inet].into_iter().find(|family| family.as_str() == text)
    }
}

/// What a base chain may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Filter,
    Nat,
    Route,
}

impl Kind {
    const ALL: [(Kind, &str); 3] = [(Kind::Filter, "filter"), (Kind::Nat, "nat"), (Kind::Route, "route")];

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

/// Where a base chain begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Base {
    kind: Kind,
    hook: Hook,
    priority: i32,
    policy: Policy,
}

/// One chain.
#[derive(Clone, Debug)]
pub struct Chain {
    base: Option<Base>,
    comment: Option<Rc<str>>,
    handle: u64,
    rules: Rc<Rules>,
    /// What each rule counted; no longer than the last rule that counts.
    counters: Rc<Vec<Counter>>,
    /// How many rules and elements lead here.
    references: u32,
}

impl Chain {
    /// Returns the rules in order.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns the hook of a base chain: `PREROUTING`; `None` for other chains.
    pub fn hook(&self) -> Option<&'static str> {
        self.base.map(|base| base.hook.as_str())
    }

    /// Returns what a rule counted; nothing for one without a counter.
    pub fn counter(&self, rule: u32) -> Counter {
        self.counters.get(rule as usize).copied().unwrap_or_default()
    }
}

/// One table.
#[derive(Clone, Debug)]
pub struct Table {
    name: Rc<str>,
    family: Family,
    comment: Option<Rc<str>>,
    handle: u64,
    next_handle: u64,
    chains: BTreeMap<ChainName, Chain>,
    sets: BTreeMap<Rc<str>, Rc<Set>>,
}

impl Table {
    /// Returns the name.
    pub fn name(&self) -> &Rc<str> {
        &self.name
    }

    /// Returns a chain.
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.chains.get(&ChainName::new(name))
    }

    /// Returns a set or map.
    pub fn set(&self, name: &str) -> Option<&Set> {
        self.sets.get(name).map(AsRef::as_ref)
    }

    /// Returns the names of the sets and maps.
    pub fn set_names(&self) -> impl Iterator<Item = &Rc<str>> {
        self.sets.keys()
    }

    /// Returns the chains with their names, oldest first.
    pub fn sorted_chains(&self) -> Vec<(&ChainName, &Chain)> {
        let mut chains: Vec<_> = self.chains.iter().collect();
        chains.sort_by_key(|(_, chain)| chain.handle);
        chains
    }
}

/// A base chain, where it is looked for when a packet passes its hook.
#[derive(Clone, Debug)]
struct Entry {
    base: Base,
    table: (Family, Rc<str>),
    chain: ChainName,
}

/// All tables of one machine.
#[derive(Clone, Debug, Default)]
pub struct Nftables {
    tables: BTreeMap<(Family, Rc<str>), Rc<Table>>,
    /// The base chains in the order of their priorities.
    bases: Rc<Vec<Entry>>,
    next_handle: u64,
    chains: u32,
}

impl Nftables {
    /// Returns whether there is no table.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Returns a table of the family `ip`.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(&(Family::Ip, Rc::from(name))).map(AsRef::as_ref)
    }

    /// Returns the tables, oldest first.
    pub fn sorted_tables(&self) -> Vec<&Table> {
        let mut tables: Vec<&Table> = self.tables.values().map(AsRef::as_ref).collect();
        tables.sort_by_key(|table| table.handle);
        tables
    }
}
