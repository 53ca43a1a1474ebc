//! A node's iptables: it knows what it parsed, prints what `iptables-save` prints, and decides every
//! packet's way.

mod command;
mod index;
mod list;
mod parse;
mod restore;
mod rule;
mod run;
mod save;
#[cfg(test)]
mod tests;
mod values;

pub use command::Output;
pub use parse::{parse_rule, split_words};
pub use restore::{Fault, RestoreError, RuleCache};
pub use rule::{
    AddressType, ChainName, Condition, Match, Ports, Recent, RecentMode, RejectWith, Rule, Sides, Target,
    state,
};
pub(crate) use rule::{FNV_SEED, fnv};
pub use run::{Interface, Packet, RecentLists, RunContext, Taken, Verdict};
pub use save::{Counters, VERSION};

use crate::ipset::Ipsets;
use index::Index;
use sim::Time;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The tables that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableName {
    /// Decides what may pass.
    Filter,
    /// Translates addresses; a connection's first packet passes it.
    Nat,
    /// Changes packets.
    Mangle,
}

impl TableName {
    /// The tables in the order in which `iptables-save` prints them.
    pub const SAVED: [TableName; 3] = [TableName::Mangle, TableName::Filter, TableName::Nat];

    /// Returns the name: `nat`.
    pub fn as_str(self) -> &'static str {
        match self {
            TableName::Filter => "filter",
            TableName::Nat => "nat",
            TableName::Mangle => "mangle",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<TableName> {
        TableName::SAVED.into_iter().find(|name| name.as_str() == text)
    }

    fn hooks(self) -> &'static [Hook] {
        match self {
            TableName::Filter => &[Hook::Input, Hook::Forward, Hook::Output],
            TableName::Nat => &[Hook::Prerouting, Hook::Input, Hook::Output, Hook::Postrouting],
            TableName::Mangle => {
                &[Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting]
            }
        }
    }
}

/// The places in a packet's way through a machine where chains begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// It came in; its way isn't chosen yet.
    Prerouting,
    /// It is for this machine.
    Input,
    /// It goes on to another machine.
    Forward,
    /// This machine made it.
    Output,
    /// It is about to leave.
    Postrouting,
}

impl Hook {
    pub(crate) const ALL: [Hook; 5] =
        [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];

    /// Returns the chain's name: `PREROUTING`.
    pub fn as_str(self) -> &'static str {
        match self {
            Hook::Prerouting => "PREROUTING",
            Hook::Input => "INPUT",
            Hook::Forward => "FORWARD",
            Hook::Output => "OUTPUT",
            Hook::Postrouting => "POSTROUTING",
        }
    }
}

/// What happens at the end of a built-in chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The packet passes.
    Accept,
    /// It is thrown away.
    Drop,
}

impl Policy {
    /// Returns the word: `ACCEPT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Policy::Accept => "ACCEPT",
            Policy::Drop => "DROP",
        }
    }

    fn parse(text: &str) -> Option<Policy> {
        [Policy::Accept, Policy::Drop].into_iter().find(|policy| policy.as_str() == text)
    }
}

/// How many packets matched, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counter {
    /// How many packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Counter {
    pub(crate) fn add(&mut self, bytes: u32) {
        self.packets += 1;
        self.bytes += u64::from(bytes);
    }
}

/// A chain's rules, read and indexed. Chains of equal text on many nodes share one of these.
#[derive(Debug)]
pub struct Rules {
    chain: ChainName,
    rules: Vec<Rule>,
    index: Option<Index>,
    /// A bit for each chain that the rules lead to, by its name: where a chain's bit is missing, none does.
    leads: u64,
    /// The restored text, by which an unchanged chain is known again; empty after a single change.
    source: Box<str>,
}

impl Rules {
    fn new(chain: ChainName, rules: Vec<Rule>, source: &str) -> Rules {
        let index = Index::new(&rules);
        let leads = rules.iter().filter_map(Rule::chain).fold(0, |bits, name| bits | name.bit());
        Rules { chain, rules, index, leads, source: source.into() }
    }

    /// Returns the chain's name.
    pub fn chain(&self) -> &ChainName {
        &self.chain
    }

    /// Returns how many rules there are.
    pub fn count(&self) -> u32 {
        self.rules.len() as u32
    }

    /// Returns a rule by its place, counted from 0.
    pub fn get(&self, rule: u32) -> Option<&Rule> {
        self.rules.get(rule as usize)
    }
}

/// One chain of a table.
#[derive(Clone, Debug)]
pub struct Chain {
    policy: Option<Policy>,
    counter: Counter,
    rules: Rc<Rules>,
    counters: Rc<Vec<Counter>>,
    /// Where the rules lead, and how many they are, at hand: a restore asks all chains for it.
    leads: u64,
    count: u32,
}

impl Chain {
    fn new(name: ChainName, policy: Option<Policy>) -> Chain {
        let rules = Rc::new(Rules::new(name, Vec::new(), ""));
        Chain { policy, counter: Counter::default(), rules, counters: Rc::default(), leads: 0, count: 0 }
    }

    fn set_rules(&mut self, rules: Rc<Rules>) {
        (self.leads, self.count) = (rules.leads, rules.count());
        self.rules = rules;
    }

    /// Returns the name.
    pub fn name(&self) -> &ChainName {
        &self.rules.chain
    }

    /// Returns what happens at its end; `None` for a chain that isn't built in.
    pub fn policy(&self) -> Option<Policy> {
        self.policy
    }

    /// Returns what the policy counted.
    pub fn counter(&self) -> Counter {
        self.counter
    }

    /// Returns the rules in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules.rules
    }

    /// Returns what each rule counted.
    pub fn counters(&self) -> &[Counter] {
        &self.counters
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<Rule>, &mut Vec<Counter>)) {
        let mut rules = self.rules.rules.clone();
        change(&mut rules, Rc::make_mut(&mut self.counters));
        self.set_rules(Rc::new(Rules::new(self.name().clone(), rules, "")));
    }
}

/// One table.
#[derive(Clone, Debug)]
pub struct Table {
    name: TableName,
    chains: Rc<BTreeMap<ChainName, Chain>>,
}

impl Table {
    fn new(name: TableName) -> Table {
        let chain = |hook: &Hook| {
            let name = ChainName::new(hook.as_str());
            (name.clone(), Chain::new(name, Some(Policy::Accept)))
        };
        Table { name, chains: Rc::new(name.hooks().iter().map(chain).collect()) }
    }

    /// Returns the name.
    pub fn name(&self) -> TableName {
        self.name
    }

    /// Returns a chain.
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.chains.get(&ChainName::new(name))
    }

    /// Returns the chains as they are printed: the built-in ones first, the others by name.
    pub fn sorted_chains(&self) -> Vec<(&ChainName, &Chain)> {
        let mut chains: Vec<_> = self.chains.iter().collect();
        let place =
            |name: &str| Hook::ALL.iter().position(|hook| hook.as_str() == name).unwrap_or(Hook::ALL.len());
        chains
            .sort_by(|(a, _), (b, _)| (place(a.as_str()), a.as_str()).cmp(&(place(b.as_str()), b.as_str())));
        chains
    }

    /// Returns how many rules lead to a chain.
    pub fn references(&self, name: &ChainName) -> u32 {
        let leads = |rule: &&Rule| rule.chain() == Some(name);
        self.chains.values().map(|chain| chain.rules().iter().filter(leads).count() as u32).sum()
    }

    fn chains_mut(&mut self) -> &mut BTreeMap<ChainName, Chain> {
        Rc::make_mut(&mut self.chains)
    }
}

/// All tables of one machine.
#[derive(Clone, Debug)]
pub struct Iptables {
    filter: Table,
    nat: Table,
    mangle: Table,
    /// The sets that rules may ask for.
    sets: Rc<Ipsets>,
    hooks: Rc<[ChainName; 5]>,
}

impl Default for Iptables {
    fn default() -> Iptables {
        Iptables {
            filter: Table::new(TableName::Filter),
            nat: Table::new(TableName::Nat),
            mangle: Table::new(TableName::Mangle),
            sets: Rc::default(),
            hooks: Rc::new(Hook::ALL.map(|hook| ChainName::new(hook.as_str()))),
        }
    }
}

impl Iptables {
    /// Returns a table.
    pub fn table(&self, name: TableName) -> &Table {
        match name {
            TableName::Filter => &self.filter,
            TableName::Nat => &self.nat,
            TableName::Mangle => &self.mangle,
        }
    }

    /// Returns the machine's sets, for which `-m set` asks.
    pub fn sets(&self) -> &Ipsets {
        &self.sets
    }

    /// Runs `ipset` with these words, its own name left out.
    pub fn ipset(&mut self, words: &[&str], stdin: &str, now: Time) -> Output {
        let mut sets = std::mem::take(&mut self.sets);
        let references = |name: &str| self.set_references(name);
        let output = Rc::make_mut(&mut sets).command(words, stdin, now, &references);
        self.sets = sets;
        output
    }

    /// Returns how many rules ask for a set.
    fn set_references(&self, name: &str) -> u32 {
        let tables = [&self.filter, &self.nat, &self.mangle];
        let rules = tables.iter().flat_map(|table| table.chains.values()).flat_map(Chain::rules);
        rules.flat_map(Rule::sets).filter(|set| set.as_str() == name).count() as u32
    }

    fn table_mut(&mut self, name: TableName) -> &mut Table {
        match name {
            TableName::Filter => &mut self.filter,
            TableName::Nat => &mut self.nat,
            TableName::Mangle => &mut self.mangle,
        }
    }
}
