//! Changes tables, as the kernel does: what is named must be there, and what is used stays.

use super::rule::{Map, Outcome, Rule, Rules, Statement};
use super::set::{DYNAMIC, Element, Flags, Key, Set, Type};
use super::{Base, CHAINS, Chain, ELEMENTS, Entry, Family, Nftables, RULES, SETS, TABLES, Table};
use crate::iptables::{ChainName, Counter};
use sim::{SECOND, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Why the kernel refuses, in its words.
pub(super) type Fault = &'static str;
pub(super) const MISSING: Fault = "No such file or directory";
pub(super) const EXISTS: Fault = "File exists";
pub(super) const BUSY: Fault = "Device or resource busy";
const FULL: Fault = "Too many open files in system";
const UNFIT: Fault = "Invalid argument";

/// What a chain is to be.
#[derive(Clone, Debug, Default)]
pub(super) struct ChainSpec {
    pub(super) base: Option<Base>,
    pub(super) comment: Option<Rc<str>>,
}

/// What a set or map is to be.
#[derive(Clone, Debug, Default)]
pub(super) struct SetSpec {
    pub(super) is_map: bool,
    pub(super) types: Vec<Type>,
    pub(super) flags: Flags,
    pub(super) timeout: u32,
    pub(super) size: u32,
    pub(super) comment: Option<Rc<str>>,
}

/// What stands for an element.
#[derive(Clone, Debug)]
pub(super) struct NewElement {
    pub(super) key: Key,
    pub(super) last: u32,
    pub(super) comment: Option<Rc<str>>,
    pub(super) timeout: Option<u32>,
    pub(super) outcome: Option<Rc<Outcome>>,
}

/// Where a rule goes in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    First,
    Last,
    /// Before, after, or instead of the rule with this handle.
    Before(u64),
    After(u64),
    Instead(u64),
}

impl Nftables {
    pub(super) fn table_mut(&mut self, family: Family, name: &str) -> Result<&mut Table, Fault> {
        self.tables.get_mut(&(family, Rc::from(name))).map(Rc::make_mut).ok_or(MISSING)
    }

    pub(super) fn add_table(
        &mut self,
        family: Family,
        name: &str,
        comment: Option<Rc<str>>,
    ) -> Result<(), Fault> {
        let key = (family, Rc::from(name));
        if self.tables.contains_key(&key) {
            return Ok(());
        }
        if self.tables.len() >= TABLES {
            return Err(FULL);
        }
        self.next_handle += 1;
        let table = Table {
            name: key.1.clone(),
            family,
            comment,
            handle: self.next_handle,
            next_handle: 0,
            chains: BTreeMap::new(),
            sets: BTreeMap::new(),
        };
        self.tables.insert(key, Rc::new(table));
        Ok(())
    }

    pub(super) fn delete_table(&mut self, family: Family, name: &str) -> Result<(), Fault> {
        let gone = self.tables.remove(&(family, Rc::from(name))).ok_or(MISSING)?;
        self.chains -= gone.chains.len() as u32;
        self.find_bases();
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.tables.clear();
        self.chains = 0;
        self.find_bases();
    }

    pub(super) fn add_chain(
        &mut self,
        (family, table): (Family, &str),
        name: &str,
        spec: ChainSpec,
    ) -> Result<(), Fault> {
        let count = self.chains;
        let table = self.table_mut(family, table)?;
        let name = ChainName::new(name);
        if let Some(old) = table.chains.get(&name) {
            let is_same = spec.base.is_none() || spec.base == old.base;
            return if is_same { Ok(()) } else { Err(EXISTS) };
        }
        if count >= CHAINS {
            return Err(FULL);
        }
        table.next_handle += 1;
        let rules = Rc::new(Rules { chain: name.clone(), rules: Vec::new() });
        let chain = Chain {
            base: spec.base,
            comment: spec.comment,
            handle: table.next_handle,
            rules,
            counters: Rc::default(),
            references: 0,
        };
        table.chains.insert(name, chain);
        self.chains += 1;
        if spec.base.is_some() {
            self.find_bases();
        }
        Ok(())
    }

    pub(super) fn delete_chain(&mut self, (family, table): (Family, &str), name: &str) -> Result<(), Fault> {
        let table = self.table_mut(family, table)?;
        let name = ChainName::new(name);
        if table.chains.get(&name).ok_or(MISSING)?.references > 0 {
            return Err(BUSY);
        }
        table.flush_chain(&name)?;
        let is_base = table.chains.remove(&name).is_some_and(|chain| chain.base.is_some());
        self.chains -= 1;
        if is_base {
            self.find_bases();
        }
        Ok(())
    }

    /// Finds the base chains anew.
    fn find_bases(&mut self) {
        let mut bases = Vec::new();
        for table in self.sorted_tables() {
            for (name, chain) in table.sorted_chains() {
                let table = (table.family, table.name.clone());
                bases.extend(chain.base.map(|base| Entry { base, table, chain: name.clone() }));
            }
        }
        bases.sort_by_key(|entry| entry.base.priority);
        self.bases = Rc::new(bases);
    }
}

impl Table {
    fn handle(&mut self) -> u64 {
        self.next_handle += 1;
        self.next_handle
    }

    fn chain_mut(&mut self, name: &ChainName) -> Result<&mut Chain, Fault> {
        self.chains.get_mut(name).ok_or(MISSING)
    }

    fn set_mut(&mut self, name: &str) -> Result<&mut Set, Fault> {
        self.sets.get_mut(name).map(Rc::make_mut).ok_or(MISSING)
    }

    /// Notes that one more leads to a chain, or one less.
    fn lead<'a>(&mut self, outcomes: impl Iterator<Item = &'a Rc<Outcome>>, is_more: bool) {
        for name in outcomes.filter_map(|outcome| outcome.chain()) {
            if let Some(chain) = self.chains.get_mut(name) {
                chain.references =
                    if is_more { chain.references + 1 } else { chain.references.saturating_sub(1) };
            }
        }
    }

    fn look_in<'a>(&mut self, sets: impl Iterator<Item = &'a Rc<str>>, is_more: bool) {
        for name in sets {
            if let Some(set) = self.sets.get_mut(name).map(Rc::make_mut) {
                set.references = if is_more { set.references + 1 } else { set.references.saturating_sub(1) };
            }
        }
    }

    fn forget_rules(&mut self, rules: &[Rule]) {
        for rule in rules {
            self.lead(rule.outcomes(), false);
            self.look_in(rule.sets(), false);
        }
    }

    pub(super) fn flush_chain(&mut self, name: &ChainName) -> Result<(), Fault> {
        let chain = self.chain_mut(name)?;
        if chain.rules.rules.is_empty() {
            return Ok(());
        }
        let empty = Rc::new(Rules { chain: name.clone(), rules: Vec::new() });
        let old = std::mem::replace(&mut chain.rules, empty);
        chain.counters = Rc::default();
        self.forget_rules(&old.rules);
        Ok(())
    }

    /// Empties all chains.
    pub(super) fn flush(&mut self) {
        let names: Vec<ChainName> = self.chains.keys().cloned().collect();
        for name in names {
            let _ = self.flush_chain(&name);
        }
    }

    /// Puts in a rule. What it names must be there. Returns its handle.
    pub(super) fn add_rule(
        &mut self,
        chain: &str,
        place: Place,
        statements: Vec<Statement>,
        comment: Option<Rc<str>>,
    ) -> Result<u64, Fault> {
        let name = ChainName::new(chain);
        // What stands in braces is a set without a name, and has a handle, too.
        self.next_handle += statements.iter().filter(|one| one.has_braces()).count() as u64;
        let rule = Rule { handle: self.handle(), statements, comment };
        self.check(&rule)?;
        self.lead(rule.outcomes(), true);
        self.look_in(rule.sets(), true);
        let handle = rule.handle;
        let chain = self.chain_mut(&name)?;
        if chain.rules.rules.len() >= RULES {
            return Err(FULL);
        }
        let find = |wanted: u64| chain.rules.rules.iter().position(|one| one.handle == wanted).ok_or(MISSING);
        let at = match place {
            Place::First => 0,
            Place::Last => chain.rules.rules.len(),
            Place::Before(handle) | Place::Instead(handle) => find(handle)?,
            Place::After(handle) => find(handle)? + 1,
        };
        let counts = rule.counts();
        let rules = &mut Rc::make_mut(&mut chain.rules).rules;
        let counters = Rc::make_mut(&mut chain.counters);
        if matches!(place, Place::Instead(_)) {
            let old = rules.get_mut(at).map(|one| std::mem::replace(one, rule));
            if let Some(counter) = counters.get_mut(at) {
                *counter = Counter::default();
            }
            old.into_iter().for_each(|old| self.forget_rules(&[old]));
        } else {
            rules.insert(at, rule);
            if at < counters.len() {
                counters.insert(at, Counter::default());
            }
        }
        if counts
            && let Ok(chain) = self.chain_mut(&name)
            && chain.counters.len() <= at
        {
            Rc::make_mut(&mut chain.counters).resize(at + 1, Counter::default());
        }
        Ok(handle)
    }

    /// Finds out whether what a rule names is there, and fits.
    fn check(&self, rule: &Rule) -> Result<(), Fault> {
        let is_there = |name: &ChainName| self.chains.get(name).is_some_and(|chain| chain.base.is_none());
        if !rule.outcomes().filter_map(|one| one.chain()).all(is_there) {
            return Err(MISSING);
        }
        for statement in &rule.statements {
            let (fields, name, is_map) = match statement {
                Statement::Match { fields, against: super::rule::Against::Set(name), .. } => {
                    (fields, name, false)
                }
                Statement::Vmap { fields, map: Map::Named(name) } => (fields, name, true),
                Statement::Remember { fields, set, .. } => (fields, set, false),
                _ => continue,
            };
            let set = self.sets.get(name).ok_or(MISSING)?;
            let types: Vec<Type> = fields.iter().map(|field| field.kind()).collect();
            if set.types != types || set.is_map != is_map {
                return Err(UNFIT);
            }
        }
        Ok(())
    }

    pub(super) fn delete_rule(&mut self, chain: &str, handle: u64) -> Result<(), Fault> {
        let chain = self.chain_mut(&ChainName::new(chain))?;
        let at = chain.rules.rules.iter().position(|rule| rule.handle == handle).ok_or(MISSING)?;
        let old = Rc::make_mut(&mut chain.rules).rules.remove(at);
        if at < chain.counters.len() {
            Rc::make_mut(&mut chain.counters).remove(at);
        }
        self.forget_rules(&[old]);
        Ok(())
    }

    pub(super) fn add_set(&mut self, name: &str, spec: SetSpec) -> Result<(), Fault> {
        let SetSpec { is_map, types, flags, timeout, size, comment } = spec;
        if let Some(old) = self.sets.get(name) {
            let is_same = old.is_map == is_map && old.types == types && old.flags == flags;
            return if is_same { Ok(()) } else { Err(EXISTS) };
        }
        if self.sets.len() >= SETS || types.is_empty() {
            return Err(if types.is_empty() { UNFIT } else { FULL });
        }
        if flags.has_intervals && types.len() > 1 {
            return Err("Operation not supported");
        }
        // A set that packets fill has an end.
        let size = if flags.is_dynamic && size == 0 { DYNAMIC } else { size };
        let elements = BTreeMap::new();
        let handle = self.handle();
        let set = Set { handle, is_map, types, comment, flags, timeout, size, elements, references: 0 };
        self.sets.insert(name.into(), Rc::new(set));
        Ok(())
    }

    pub(super) fn delete_set(&mut self, name: &str) -> Result<(), Fault> {
        if self.sets.get(name).ok_or(MISSING)?.references > 0 {
            return Err(BUSY);
        }
        self.flush_set(name)?;
        self.sets.remove(name);
        Ok(())
    }

    pub(super) fn flush_set(&mut self, name: &str) -> Result<(), Fault> {
        if self.sets.get(name).ok_or(MISSING)?.is_empty() {
            return Ok(());
        }
        let old = std::mem::take(&mut self.set_mut(name)?.elements);
        self.lead(old.values().filter_map(|one| one.outcome.as_ref()), false);
        Ok(())
    }

    /// Puts in an element. One that leads elsewhere already is refused, and one that is new only, too.
    pub(super) fn add_element(
        &mut self,
        name: &str,
        new: NewElement,
        is_new: bool,
        now: Time,
    ) -> Result<(), Fault> {
        if let Some(chain) = new.outcome.as_ref().and_then(|outcome| outcome.chain()) {
            self.chains.get(chain).ok_or(MISSING)?;
        }
        let set = self.set_mut(name)?;
        if set.is_map != new.outcome.is_some() || (new.last != new.key[0] && !set.flags.has_intervals) {
            return Err(UNFIT);
        }
        let mut end = new.key;
        end[0] = new.last;
        let near = set.elements.range(..=end).next_back().filter(|_| set.flags.has_intervals);
        if near.is_some_and(|(key, one)| one.last >= new.key[0] && (*key, one.last) != (new.key, new.last)) {
            return Err(EXISTS);
        }
        if let Some(old) = set.elements.get(&new.key).filter(|one| one.expires.is_none_or(|at| at > now)) {
            return if is_new || old.outcome != new.outcome { Err(EXISTS) } else { Ok(()) };
        }
        let most = if set.size == 0 { ELEMENTS } else { set.size as usize };
        if set.elements.len() >= most {
            return Err(FULL);
        }
        let seconds = new.timeout.unwrap_or(set.timeout);
        let expires = (seconds > 0).then(|| now + i64::from(seconds) * SECOND);
        let NewElement { key, last, comment, timeout, outcome } = new;
        set.elements.insert(key, Element { last, outcome: outcome.clone(), comment, timeout, expires });
        self.lead(outcome.iter(), true);
        Ok(())
    }

    pub(super) fn delete_element(&mut self, set: &str, key: &Key) -> Result<(), Fault> {
        let old = self.set_mut(set)?.elements.remove(key).ok_or(MISSING)?;
        self.lead(old.outcome.iter(), false);
        Ok(())
    }
}
