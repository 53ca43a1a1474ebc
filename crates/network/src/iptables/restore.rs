//! iptables-restore.

use super::parse::{parse_rule, split_words};
use super::rule::{ChainName, FNV_SEED, Rule, fnv};
use super::values::chain_name;
use super::{Chain, Counter, Iptables, Policy, Rules, Table, TableName, VERSION};
use crate::ipset::Ipsets;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

/// How many chains the cache holds before it looks for those that nobody uses.
const CACHED_CHAINS: usize = 4_096;
/// How many rules a table may have.
const TABLE_RULES: usize = 200_000;

/// Why a text was refused. Nothing of it took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreError {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "iptables-restore {VERSION}: {}", self.message)?;
        write!(f, "Error occurred at line: {}", self.line)
    }
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

/// The lines of one table that are still to be done.
struct Section<'a> {
    table: Table,
    sets: Rc<Ipsets>,
    /// The rules that are appended to each chain that was flushed: (line, text after the chain's name).
    appended: BTreeMap<ChainName, Vec<(u32, &'a str)>>,
    deleted: BTreeSet<ChainName>,
    first_line: u32,
}

impl Iptables {
    /// Takes in what kube-proxy writes, as `iptables-restore --noflush` does: only the chains named by a
    /// `:CHAIN` line are emptied, all else stays. The text takes effect as a whole or not at all.
    ///
    /// # Errors
    /// The first line that cannot be read, and why.
    pub fn restore(&mut self, text: &str, cache: &mut RuleCache) -> Result<(), RestoreError> {
        let mut changed = self.clone();
        let mut section: Option<Section> = None;
        for (number, line) in text.lines().enumerate() {
            let number = number as u32 + 1;
            let line = line.trim();
            let failed = |message: String| RestoreError { line: number, message };
            match (line.as_bytes().first(), &mut section) {
                (None | Some(b'#'), _) => {}
                (Some(b'*'), None) => {
                    let name = line.get(1..).and_then(TableName::parse);
                    let name = name.ok_or_else(|| failed(format!("Table `{line}' does not exist")))?;
                    section = Some(Section::new(&changed, name, number));
                }
                (_, None) => return Err(failed(format!("unexpected line outside a table: \"{line}\""))),
                (_, Some(_)) if line == "COMMIT" => {
                    let Some(done) = section.take() else { continue };
                    let name = done.table.name;
                    *changed.table_mut(name) = done.finish(cache)?;
                }
                (Some(b':'), Some(section)) => section.declare(line).map_err(failed)?,
                (_, Some(section)) => section.command(line, number).map_err(failed)?,
            }
        }
        match section {
            Some(section) => {
                Err(RestoreError { line: section.first_line, message: "COMMIT expected".to_string() })
            }
            None => {
                *self = changed;
                Ok(())
            }
        }
    }
}

impl<'a> Section<'a> {
    fn new(iptables: &Iptables, name: TableName, first_line: u32) -> Section<'a> {
        let (table, sets) = (iptables.table(name).clone(), iptables.sets.clone());
        Section { table, sets, appended: BTreeMap::new(), deleted: BTreeSet::new(), first_line }
    }

    /// `:CHAIN POLICY [packets:bytes]`
    fn declare(&mut self, line: &str) -> Result<(), String> {
        let mut words = line.get(1..).unwrap_or("").split_whitespace();
        let name = chain_name(words.next().unwrap_or(""))?;
        let policy = words.next().unwrap_or("-");
        let counter = words.next().and_then(counter).unwrap_or_default();
        let chains = self.table.chains_mut();
        match chains.get_mut(&name) {
            Some(chain) if chain.policy.is_some() => {
                if policy != "-" {
                    chain.policy =
                        Some(Policy::parse(policy).ok_or_else(|| format!("Bad policy name `{policy}'"))?);
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

    fn command(&mut self, line: &'a str, number: u32) -> Result<(), String> {
        // A line of `iptables-save -c` begins with the counters.
        let line =
            line.strip_prefix('[').and_then(|line| line.split_once("] ")).map_or(line, |(_, line)| line);
        let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (chain, spec) = rest.split_once(' ').unwrap_or((rest, ""));
        let name = chain_name(chain)?;
        if !self.table.chains.contains_key(&name) {
            return Err(format!("Chain '{chain}' does not exist"));
        }
        match command {
            "-A" => match self.appended.get_mut(&name) {
                Some(rules) => rules.push((number, spec)),
                None => {
                    let rule = self.read(spec)?;
                    self.change(&name, |rules, counters| {
                        rules.push(rule);
                        counters.push(Counter::default());
                    });
                }
            },
            "-I" | "-D" => {
                let rule = self.read(spec)?;
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
                self.appended.insert(name, Vec::new());
            }
            "-X" => {
                self.deleted.insert(name);
            }
            _ => return Err(format!("unknown command \"{command}\"")),
        }
        Ok(())
    }

    fn read(&self, spec: &str) -> Result<Rule, String> {
        let rule = parse_rule(&split_words(spec))?;
        self.check(&rule)?;
        Ok(rule)
    }

    fn check(&self, rule: &Rule) -> Result<(), String> {
        super::command::check_sets(&self.sets, rule)?;
        match rule.chain() {
            Some(chain) if !self.table.chains.contains_key(chain) => {
                Err(format!("Chain '{}' does not exist", chain.as_str()))
            }
            _ => super::command::check_target(self.table.name, &rule.target),
        }
    }

    fn change(&mut self, name: &ChainName, change: impl FnOnce(&mut Vec<Rule>, &mut Vec<Counter>)) {
        if let Some(chain) = self.table.chains_mut().get_mut(name) {
            chain.change(change);
        }
    }

    fn finish(mut self, cache: &mut RuleCache) -> Result<Table, RestoreError> {
        for (name, lines) in std::mem::take(&mut self.appended) {
            let rules = self.rules(&name, &lines, cache)?;
            if let Some(chain) = self.table.chains_mut().get_mut(&name) {
                chain.counters = Rc::new(vec![Counter::default(); rules.rules.len()]);
                chain.rules = rules;
            }
        }
        self.delete()?;
        let rules: usize = self.table.chains.values().map(|chain| chain.rules().len()).sum();
        if rules > TABLE_RULES {
            return Err(RestoreError {
                line: self.first_line,
                message: "Memory allocation problem".to_string(),
            });
        }
        Ok(self.table)
    }

    /// Reads a flushed chain's lines, unless they were read before.
    fn rules(
        &self,
        name: &ChainName,
        lines: &[(u32, &str)],
        cache: &mut RuleCache,
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
            let rule = self.read(spec).map_err(|message| RestoreError { line: *line, message })?;
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
        let failed = |message| RestoreError { line: self.first_line, message };
        for chain in self.table.chains.values().filter(|chain| !self.deleted.contains(chain.name())) {
            if let Some(target) =
                chain.rules().iter().filter_map(Rule::chain).find(|target| self.deleted.contains(target))
            {
                return Err(failed(format!(
                    "CHAIN_DEL failed (Device or resource busy): chain {}",
                    target.as_str()
                )));
            }
        }
        let chains = Rc::make_mut(&mut self.table.chains);
        for name in &self.deleted {
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
