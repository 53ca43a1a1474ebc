//! iptables-restore.

use super::parse::{parse_rule, split};
use super::rule::{ChainName, FNV_SEED, Rule, fnv};
use super::values::chain_name;
use super::{Chain, Counter, Iptables, Policy, Rules, Table, TableName, VERSION};
use crate::ipset::Ipsets;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

/// How many chains the cache holds before it looks for those that nobody uses.
const CACHED_CHAINS: usize = 4_096;
/// How many chains may call each other, one below the other.
const DEEPEST: u32 = 16;
/// How many rules a table may have.
const TABLE_RULES: u32 = 200_000;

/// What kind of mistake a text has: iptables-restore tells each in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// In the words of a line.
    Words,
    /// A line begins with something that is no command.
    Argument,
    /// What a line names isn't there.
    Missing,
    /// The kernel refuses what was read.
    Kernel,
    /// The last table isn't ended.
    Commit,
}

/// Why a text was refused. Nothing of it took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreError {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong with it.
    pub message: String,
    /// What kind of mistake it is.
    pub fault: Fault,
}

impl RestoreError {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self.fault {
            Fault::Words | Fault::Argument => 2,
            Fault::Missing | Fault::Commit => 1,
            Fault::Kernel => 4,
        }
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HELP: &str = "Try `iptables-restore -h' or 'iptables-restore --help' for more information.";
        let RestoreError { line, message, fault } = self;
        let name = format!("iptables-restore {VERSION}:");
        match fault {
            Fault::Words => write!(f, "{name} {message}\nError occurred at line: {line}\n{HELP}"),
            Fault::Argument => write!(f, "{message}\nError occurred at line: {line}\n{HELP}"),
            Fault::Missing => write!(f, "iptables-restore: line {line} failed: {message}"),
            Fault::Kernel => write!(f, "{name} \nline {line}: {message}"),
            Fault::Commit => write!(f, "iptables-restore: COMMIT expected at line {line}"),
        }
    }
}

const NO_CHAIN: &str = "No chain/target/match by that name.";

/// A mistake that knows its line not yet.
type Mistake = (Fault, String);

/// Returns whether a mistake is seen only where the table ends, as that a chain is missing.
fn is_late(message: &str) -> bool {
    message.starts_with("Chain '")
}

fn words(message: String) -> Mistake {
    (Fault::Words, message)
}

/// Chains that were read before. Nodes have nearly the same rules, and most of them stay.
#[derive(Clone, Debug, Default)]
pub struct RuleCache {
    chains: BTreeMap<u64, Rc<Rules>>,
    sweep_at: usize,
}

impl RuleCache {
    fn get(&self, hash: u64, chain: &ChainName, source: &str) -> Option<Rc<Rules>> {
        let rules = self.chains.get(&hash)?;
        (rules.chain == *chain && *rules.source == *source).then(|| rules.clone())
    }

    fn put(&mut self, hash: u64, rules: &Rc<Rules>) {
        if self.chains.len() >= self.sweep_at.max(CACHED_CHAINS) {
            self.chains.retain(|_, rules| Rc::strong_count(rules) > 1);
            self.sweep_at = self.chains.len() * 2;
        }
        self.chains.insert(hash, rules.clone());
    }
}

/// What a table was before, as far as it was changed.
#[derive(Default)]
struct Undo {
    /// The table, where it was emptied.
    whole: Option<Table>,
    /// The chains as they were; none for one that is new.
    chains: BTreeMap<ChainName, Option<Chain>>,
}

impl Undo {
    /// Notes a chain before it is changed for the first time.
    fn note(&mut self, table: &Table, name: &ChainName) {
        if self.whole.is_none() && !self.chains.contains_key(name) {
            self.chains.insert(name.clone(), table.chains.get(name).cloned());
        }
    }

    /// Makes the table what it was.
    fn take_back(self, table: &mut Table) {
        if let Some(whole) = self.whole {
            *table = whole;
            return;
        }
        let chains = table.chains_mut();
        for (name, chain) in self.chains {
            match chain {
                Some(chain) => chains.insert(name, chain),
                None => chains.remove(&name),
            };
        }
    }
}

/// The lines of one table that are still to be done. The table is taken out of the others meanwhile, so
/// that it is changed in its place.
struct Section<'a> {
    table: Table,
    sets: Rc<Ipsets>,
    /// The rules that are appended to each chain that was flushed: (line, text after the chain's name).
    appended: BTreeMap<ChainName, Vec<(u32, &'a str)>>,
    /// The rules that come to the end of chains that weren't.
    added: BTreeMap<ChainName, Vec<Rule>>,
    deleted: BTreeMap<ChainName, u32>,
    /// Chains to which single rules were added, and the last line of each.
    touched: BTreeMap<ChainName, u32>,
    undo: Undo,
}

impl Iptables {
    /// Takes in what kube-proxy writes, as `iptables-restore --noflush` does: only the chains named by a
    /// `:CHAIN` line are emptied, all else stays. The text takes effect as a whole or not at all.
    ///
    /// # Errors
    /// The first line that cannot be read, and why.
    pub fn restore(&mut self, text: &str, cache: &mut RuleCache) -> Result<(), RestoreError> {
        self.restore_or_undo(text, Flush::No, cache)
    }

    /// Takes in a text as `iptables-restore` does without `--noflush`: the tables that it has lose all else.
    ///
    /// # Errors
    /// The first line that cannot be read, and why.
    pub fn restore_flushing(&mut self, text: &str, cache: &mut RuleCache) -> Result<(), RestoreError> {
        self.restore_or_undo(text, Flush::Yes, cache)
    }

    fn restore_or_undo(
        &mut self,
        text: &str,
        flush: Flush,
        cache: &mut RuleCache,
    ) -> Result<(), RestoreError> {
        let (mut done, mut section) = (Vec::new(), None);
        let result = self.restore_lines(text, flush, cache, &mut done, &mut section);
        if result.is_err() {
            if let Some(Section { mut table, undo, .. }) = section {
                undo.take_back(&mut table);
                let name = table.name;
                *self.table_mut(name) = table;
            }
            for (name, undo) in done.into_iter().rev() {
                undo.take_back(self.table_mut(name));
            }
        }
        result
    }

    fn restore_lines<'a>(
        &mut self,
        text: &'a str,
        flush: Flush,
        cache: &mut RuleCache,
        done: &mut Vec<(TableName, Undo)>,
        section: &mut Option<Section<'a>>,
    ) -> Result<(), RestoreError> {
        let mut last = 0;
        for (number, line) in text.lines().enumerate() {
            let number = number as u32 + 1;
            last = number;
            let line = line.trim();
            let failed = |(fault, message): Mistake| RestoreError { line: number, message, fault };
            match (line.as_bytes().first(), &mut *section) {
                (None | Some(b'#'), _) => {}
                (Some(b'*'), None) => {
                    let name = line.get(1..).unwrap_or("");
                    let bad =
                        || words(format!("iptables-restore: line {number} table name '{name}' invalid"));
                    let name = TableName::parse(name).ok_or_else(bad).map_err(failed)?;
                    *section = Some(Section::new(self, name, flush));
                }
                // What stands outside of all tables isn't looked at.
                (_, None) => {}
                (_, Some(ended)) if line == "COMMIT" => {
                    ended.finish(cache, number)?;
                    if let Some(Section { table, undo, .. }) = section.take() {
                        let name = table.name;
                        *self.table_mut(name) = table;
                        done.push((name, undo));
                    }
                }
                (Some(b':'), Some(section)) => section.declare(line).map_err(failed)?,
                (_, Some(section)) => section.command(line, number).map_err(|mistake| {
                    let mut error = failed(mistake);
                    if is_late(&error.message) {
                        let ends =
                            text.lines().skip(number as usize).position(|line| line.trim() == "COMMIT");
                        error.line += ends.map_or(0, |after| after as u32 + 1);
                    }
                    error
                })?,
            }
        }
        match section {
            Some(_) => {
                let message = "COMMIT expected".to_string();
                Err(RestoreError { line: last + 1, message, fault: Fault::Commit })
            }
            None => Ok(()),
        }
    }
}

/// Whether tables are emptied first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flush {
    Yes,
    No,
}

impl<'a> Section<'a> {
    fn new(iptables: &mut Iptables, name: TableName, flush: Flush) -> Section<'a> {
        let sets = iptables.sets.clone();
        let mut table = std::mem::replace(iptables.table_mut(name), Table { name, chains: Rc::default() });
        let mut undo = Undo::default();
        if flush == Flush::Yes {
            undo.whole = Some(std::mem::replace(&mut table, Table::new(name)));
        }
        Section {
            table,
            sets,
            appended: BTreeMap::new(),
            added: BTreeMap::new(),
            deleted: BTreeMap::new(),
            touched: BTreeMap::new(),
            undo,
        }
    }

    /// `:CHAIN POLICY [packets:bytes]`
    fn declare(&mut self, line: &str) -> Result<(), Mistake> {
        let mut parts = line.get(1..).unwrap_or("").split_whitespace();
        let name = chain_name(parts.next().unwrap_or("")).map_err(words)?;
        let policy = parts.next().unwrap_or("-");
        let counter = parts.next().and_then(counter).unwrap_or_default();
        self.undo.note(&self.table, &name);
        let chains = self.table.chains_mut();
        match chains.get_mut(&name) {
            Some(chain) if chain.policy.is_some() => {
                if policy != "-" {
                    let bad = || (Fault::Missing, "Bad policy name.".to_string());
                    chain.policy = Some(Policy::parse(policy).ok_or_else(bad)?);
                }
                chain.counter = counter;
            }
            Some(_) => {}
            None => {
                chains.insert(name.clone(), Chain::new(name.clone(), None));
            }
        }
        self.appended.insert(name, Vec::new());
        Ok(())
    }

    fn command(&mut self, line: &'a str, number: u32) -> Result<(), Mistake> {
        // A line of `iptables-save -c` begins with the counters.
        let line =
            line.strip_prefix('[').and_then(|line| line.split_once("] ")).map_or(line, |(_, line)| line);
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (chain, spec) = rest.split_once(' ').unwrap_or((rest, ""));
        if !["-A", "-I", "-D", "-F", "-X"].contains(&command) {
            return Err(match command.starts_with('-') {
                true => words(format!("unknown option \"{command}\"")),
                false => (Fault::Argument, format!("Bad argument `{command}'")),
            });
        }
        let name = chain_name(chain).map_err(words)?;
        if !self.table.chains.contains_key(&name) {
            return Err((Fault::Missing, NO_CHAIN.to_string()));
        }
        match command {
            "-A" => match self.appended.get_mut(&name) {
                Some(rules) => rules.push((number, spec)),
                None => {
                    let rule = self.read(&name, spec)?;
                    self.touched.insert(name.clone(), number);
                    self.added.entry(name).or_default().push(rule);
                }
            },
            "-I" | "-D" => {
                let rule = self.read(&name, spec)?;
                self.add(&name);
                self.touched.insert(name.clone(), number);
                self.change(&name, |rules, counters| {
                    if command == "-I" {
                        rules.insert(0, rule);
                        counters.insert(0, Counter::default());
                    } else if let Some(place) = rules.iter().position(|other| *other == rule) {
                        rules.remove(place);
                        counters.remove(place);
                    }
                });
            }
            "-F" => {
                self.added.remove(&name);
                self.appended.insert(name, Vec::new());
            }
            _ => {
                self.deleted.insert(name, number);
            }
        }
        Ok(())
    }

    /// Puts the rules at a chain's end that were appended since it was changed last: all at once, as each change
    /// looks at the whole chain.
    fn add(&mut self, name: &ChainName) {
        if let Some(mut added) = self.added.remove(name) {
            self.change(name, |rules, counters| {
                counters.resize(rules.len() + added.len(), Counter::default());
                rules.append(&mut added);
            });
        }
    }

    fn read(&self, chain: &ChainName, spec: &str) -> Result<Rule, Mistake> {
        let rule = parse_rule(&split(spec)).map_err(words)?;
        self.check(&rule).map_err(|(fault, message)| match fault {
            Fault::Kernel => (fault, format!("{message}: rule in chain {}", chain.as_str())),
            _ => (fault, message),
        })?;
        Ok(rule)
    }

    fn check(&self, rule: &Rule) -> Result<(), Mistake> {
        super::command::check_sets(&self.sets, rule).map_err(words)?;
        match rule.chain() {
            Some(chain) if !self.table.chains.contains_key(chain) => {
                Err(words(format!("Chain '{}' does not exist", chain.as_str())))
            }
            _ => super::command::check_target(self.table.name, &rule.target)
                .map_err(|_| (Fault::Kernel, "RULE_APPEND failed (Invalid argument)".to_string())),
        }
    }

    fn change(&mut self, name: &ChainName, change: impl FnOnce(&mut Vec<Rule>, &mut Vec<Counter>)) {
        self.undo.note(&self.table, name);
        if let Some(chain) = self.table.chains_mut().get_mut(name) {
            chain.change(change);
        }
    }

    /// Reads the rules of the chains that were flushed, and checks what only the whole table shows.
    fn finish(&mut self, cache: &mut RuleCache, line: u32) -> Result<(), RestoreError> {
        let added: Vec<ChainName> = self.added.keys().cloned().collect();
        added.iter().for_each(|name| self.add(name));
        for (name, lines) in std::mem::take(&mut self.appended) {
            let rules = self.rules(&name, &lines, cache, line)?;
            self.undo.note(&self.table, &name);
            if let Some(chain) = self.table.chains_mut().get_mut(&name) {
                if !Rc::ptr_eq(&chain.rules, &rules)
                    && let Some((last, _)) = lines.last()
                {
                    self.touched.insert(name, *last);
                }
                chain.counters = Rc::new(vec![Counter::default(); rules.rules.len()]);
                chain.set_rules(rules);
            }
        }
        self.check_links()?;
        self.delete()?;
        let rules: u32 = self.table.chains.values().map(|chain| chain.count).sum();
        if rules > TABLE_RULES {
            let message = "RULE_APPEND failed (Cannot allocate memory)".to_string();
            return Err(RestoreError { line, message, fault: Fault::Kernel });
        }
        Ok(())
    }

    /// Refuses chains that lead back to themselves, or too deep, where packets come to them.
    // Models net/netfilter/nf_tables_api.c nft_chain_validate
    fn check_links(&self) -> Result<(), RestoreError> {
        let mut heights = BTreeMap::new();
        if self.touched.keys().all(|name| self.height(name, 0, &mut heights).is_some()) {
            return Ok(());
        }
        // Only what begins in a built-in chain is looked at by the kernel.
        let built_in = self.table.chains.values().filter(|chain| chain.policy.is_some());
        let mut heights = BTreeMap::new();
        let bad = built_in
            .map(Chain::name)
            .filter(|name| self.height(name, 0, &mut heights).is_none())
            .collect::<Vec<_>>();
        let Some(first) = bad.first() else { return Ok(()) };
        let own = bad.iter().filter_map(|name| Some((*self.touched.get(*name)?, *name))).max();
        let last = self.touched.iter().map(|(name, line)| (*line, name)).max();
        let (line, name) = own.or(last).unwrap_or((1, first));
        let message = format!("RULE_APPEND failed (Too many links): rule in chain {}", name.as_str());
        Err(RestoreError { line, message, fault: Fault::Kernel })
    }

    /// Returns how many chains a packet can go down from this one; `None` where it goes round or too deep.
    fn height<'b>(
        &'b self,
        name: &'b ChainName,
        depth: u32,
        heights: &mut BTreeMap<&'b ChainName, Option<u32>>,
    ) -> Option<u32> {
        if let Some(known) = heights.get(name) {
            return known.filter(|height| depth + height <= DEEPEST);
        }
        if depth > DEEPEST {
            return None;
        }
        // Until its height is known it has none, so that who comes back to it finds that out.
        heights.insert(name, None);
        let mut height = 0;
        for next in self.table.chains.get(name).into_iter().flat_map(Chain::rules).filter_map(Rule::chain) {
            height = height.max(self.height(next, depth + 1, heights)? + 1);
        }
        heights.insert(name, Some(height));
        Some(height)
    }

    /// Reads a flushed chain's lines, unless they were read before.
    fn rules(
        &self,
        name: &ChainName,
        lines: &[(u32, &str)],
        cache: &mut RuleCache,
        commit: u32,
    ) -> Result<Rc<Rules>, RestoreError> {
        let mut source = String::with_capacity(lines.iter().map(|(_, spec)| spec.len() + 1).sum());
        for (_, spec) in lines {
            source.push_str(spec);
            source.push('\n');
        }
        let hash = fnv(source.as_bytes(), fnv(name.as_str().as_bytes(), FNV_SEED));
        let known = cache.get(hash, name, &source);
        if let Some(rules) = &known
            && rules.rules.iter().all(|rule| self.check(rule).is_ok())
        {
            return Ok(rules.clone());
        }
        let mut rules = Vec::with_capacity(lines.len());
        for (line, spec) in lines {
            let rule = self.read(name, spec).map_err(|(fault, message)| {
                let line = if is_late(&message) { commit } else { *line };
                RestoreError { line, message, fault }
            })?;
            rules.push(rule);
        }
        let rules = Rc::new(Rules::new(name.clone(), rules, &source));
        cache.put(hash, &rules);
        Ok(rules)
    }

    fn delete(&mut self) -> Result<(), RestoreError> {
        if self.deleted.is_empty() {
            return Ok(());
        }
        let bits = self.deleted.keys().fold(0, |bits, name| bits | name.bit());
        let others = self.table.chains.values().filter(|chain| chain.leads & bits != 0);
        for chain in others.filter(|chain| !self.deleted.contains_key(chain.name())) {
            let led = chain.rules().iter().filter_map(Rule::chain);
            if let Some((name, line)) = led.into_iter().find_map(|to| self.deleted.get_key_value(to)) {
                let message = format!("CHAIN_DEL failed (Device or resource busy): chain {}", name.as_str());
                return Err(RestoreError { line: *line, message, fault: Fault::Kernel });
            }
        }
        self.deleted.keys().for_each(|name| self.undo.note(&self.table, name));
        let chains = Rc::make_mut(&mut self.table.chains);
        for name in self.deleted.keys() {
            if chains.get(name).is_some_and(|chain| chain.policy.is_none()) {
                chains.remove(name);
            }
        }
        Ok(())
    }
}

/// Reads `[packets:bytes]`.
fn counter(text: &str) -> Option<Counter> {
    let (packets, bytes) = text.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    Some(Counter { packets: packets.parse().ok()?, bytes: bytes.parse().ok()? })
}
