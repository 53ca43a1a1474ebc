//! The command `iptables`.

use super::list::Options;
use super::parse::parse_rule;
use super::rule::{ChainName, Rule, Target};
use super::save::line;
use super::values::chain_name;
use super::{Chain, Counter, Iptables, Policy, Table, TableName, VERSION};
use crate::ipset::Ipsets;
use std::fmt::Write;
use std::rc::Rc;

/// What a command printed and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code.
    pub code: u8,
}

/// How many user-defined chains a table may have.
const TABLE_CHAINS: usize = 65_536;
/// How many rules may be added to one chain by hand.
const CHAIN_RULES: usize = 10_000;

struct Failure {
    message: String,
    code: u8,
}

/// A mistake in the words themselves.
fn usage(message: impl Into<String>) -> Failure {
    Failure {
        message: format!("{}\nTry `iptables -h' or 'iptables --help' for more information.", message.into()),
        code: 2,
    }
}

/// A command that was understood and refused.
fn refused(message: impl Into<String>) -> Failure {
    Failure { message: message.into(), code: 1 }
}

impl Iptables {
    /// Runs `iptables` with these words, its own name left out.
    pub fn command(&mut self, words: &[&str]) -> Output {
        match self.try_command(words) {
            Ok(stdout) => Output { stdout, ..Output::default() },
            Err(failure) => Output {
                stderr: format!("iptables {VERSION}: {}\n", failure.message),
                code: failure.code,
                ..Output::default()
            },
        }
    }

    fn try_command(&mut self, words: &[&str]) -> Result<String, Failure> {
        if words == ["-V"] || words == ["--version"] {
            return Ok(format!("iptables {VERSION}\n"));
        }
        let call = Call::read(words)?;
        let sets = self.sets.clone();
        let table = self.table_mut(call.table);
        match call.command.as_str() {
            "-L" => table.list_all(&call),
            "-S" => table.print_all(&call),
            "-A" | "-I" | "-D" | "-R" | "-C" => table.edit(&call, &sets),
            "-F" | "-Z" => table.each(&call),
            "-N" => table.create(&call),
            "-X" => table.delete(&call),
            "-P" => table.set_policy(&call),
            _ => Err(usage("no command specified")),
        }
    }
}

/// The words, sorted.
struct Call {
    table: TableName,
    command: String,
    /// The chain and what follows it: a number, a policy.
    operands: Vec<String>,
    spec: Vec<String>,
    options: Options,
}

const COMMANDS: [(&str, &str); 11] = [
    ("-A", "--append"),
    ("-I", "--insert"),
    ("-D", "--delete"),
    ("-R", "--replace"),
    ("-C", "--check"),
    ("-L", "--list"),
    ("-S", "--list-rules"),
    ("-F", "--flush"),
    ("-Z", "--zero"),
    ("-N", "--new-chain"),
    ("-X", "--delete-chain"),
];

impl Call {
    fn read(words: &[&str]) -> Result<Call, Failure> {
        let mut call = Call {
            table: TableName::Filter,
            command: String::new(),
            operands: Vec::new(),
            spec: Vec::new(),
            options: Options::default(),
        };
        let mut at = 0;
        while let Some(word) = words.get(at) {
            at += 1;
            let command = match *word {
                "-P" | "--policy" => Some("-P"),
                word => COMMANDS.iter().find(|(short, long)| word == *short || word == *long).map(|c| c.0),
            };
            if let Some(command) = command {
                if !call.command.is_empty() {
                    return Err(usage(format!("Cannot use {command} with {}", call.command)));
                }
                call.command = command.to_string();
                at = call.take_operands(words, at);
                continue;
            }
            match *word {
                "-t" | "--table" => {
                    let name = words.get(at).copied().unwrap_or("");
                    at += 1;
                    call.table = TableName::parse(name)
                        .ok_or_else(|| refused(format!("table `{name}' does not exist")))?;
                }
                "-v" | "--verbose" => call.options.verbose = true,
                "-n" | "--numeric" => call.options.numeric = true,
                "-x" | "--exact" => call.options.exact = true,
                "--line-numbers" => call.options.numbered = true,
                "-w" | "--wait" => {}
                word if is_flags(word) => {
                    call.flags(word);
                    if word.ends_with(['L', 'S']) {
                        at = call.take_operands(words, at);
                    }
                }
                word => call.spec.push(word.to_string()),
            }
        }
        if call.command.is_empty() {
            return Err(usage("no command specified"));
        }
        Ok(call)
    }

    fn take_operands(&mut self, words: &[&str], mut at: usize) -> usize {
        while let Some(operand) = words.get(at).filter(|word| !word.starts_with(['-', '!'])) {
            self.operands.push((*operand).to_string());
            at += 1;
        }
        at
    }

    /// Reads flags written together, such as `-nvL`.
    fn flags(&mut self, word: &str) {
        for letter in word.chars().skip(1) {
            match letter {
                'v' => self.options.verbose = true,
                'n' => self.options.numeric = true,
                'x' => self.options.exact = true,
                'L' | 'S' => self.command = format!("-{letter}"),
                _ => {}
            }
        }
    }

    fn chain(&self) -> Option<&str> {
        self.operands.first().map(String::as_str)
    }
}

fn is_flags(word: &str) -> bool {
    word.len() > 2
        && !word.starts_with("--")
        && word.strip_prefix('-').is_some_and(|rest| rest.chars().all(|letter| "vnxLS".contains(letter)))
}

fn no_chain() -> Failure {
    refused("No chain/target/match by that name.")
}

impl Table {
    /// Returns the chain that was asked for, or all of them.
    fn chosen(&self, call: &Call) -> Result<Vec<&Chain>, Failure> {
        match call.chain() {
            Some(name) => Ok(vec![self.chain(name).ok_or_else(no_chain)?]),
            None => Ok(self.sorted_chains().into_iter().map(|(_, chain)| chain).collect()),
        }
    }

    fn list_all(&self, call: &Call) -> Result<String, Failure> {
        let mut out = String::new();
        for (place, chain) in self.chosen(call)?.into_iter().enumerate() {
            if place > 0 {
                out.push('\n');
            }
            self.list(chain, call.options, &mut out);
        }
        Ok(out)
    }

    fn print_all(&self, call: &Call) -> Result<String, Failure> {
        let chains = self.chosen(call)?;
        let mut out = String::new();
        for chain in &chains {
            let name = chain.name().as_str();
            let _ = match chain.policy() {
                Some(policy) => writeln!(out, "-P {name} {}", policy.as_str()),
                None => writeln!(out, "-N {name}"),
            };
        }
        for chain in &chains {
            for (rule, counter) in chain.rules().iter().zip(chain.counters()) {
                let line = line(chain.name().as_str(), rule);
                let _ = match call.options.verbose {
                    true => writeln!(out, "{line} -c {} {}", counter.packets, counter.bytes),
                    false => writeln!(out, "{line}"),
                };
            }
        }
        Ok(out)
    }

    fn edit(&mut self, call: &Call, sets: &Ipsets) -> Result<String, Failure> {
        let name =
            call.chain().ok_or_else(|| usage(format!("option \"{}\" requires an argument", call.command)))?;
        let name = chain_name(name).map_err(usage)?;
        let number = match call.operands.get(1) {
            Some(text) => {
                let number = text.parse::<usize>().ok().filter(|number| *number > 0);
                Some(number.ok_or_else(|| usage(format!("Invalid rule number `{text}'")))?)
            }
            None => None,
        };
        let rule = match (call.command.as_str(), number) {
            ("-D", Some(_)) => None,
            _ => Some(parse_rule(&call.spec).map_err(usage)?),
        };
        if let Some(rule) = &rule {
            check_sets(sets, rule).map_err(usage)?;
            self.check_rule(&name, rule)?;
        }
        let chain = self.chains_mut().get_mut(&name).ok_or_else(no_chain)?;
        chain.edit(call.command.as_str(), number, rule)?;
        Ok(String::new())
    }

    fn check_rule(&self, name: &ChainName, rule: &Rule) -> Result<(), Failure> {
        check_target(self.name, &rule.target).map_err(refused)?;
        let Some(target) = rule.chain() else { return Ok(()) };
        match self.chains.get(target) {
            Some(chain) if chain.policy.is_none() => {}
            _ => {
                return Err(usage(format!("Chain '{}' does not exist", target.as_str())));
            }
        }
        if self.leads_to(target, name, 0) {
            return Err(refused(
                " RULE_APPEND failed (Too many links): rule in chain ".to_string() + name.as_str(),
            ));
        }
        Ok(())
    }

    /// Returns whether a chain is, or calls in the end, another one.
    fn leads_to(&self, from: &ChainName, to: &ChainName, depth: u32) -> bool {
        from == to
            || depth > 16
            || self.chains.get(from).is_some_and(|chain| {
                chain.rules().iter().filter_map(Rule::chain).any(|next| self.leads_to(next, to, depth + 1))
            })
    }

    fn each(&mut self, call: &Call) -> Result<String, Failure> {
        let names: Vec<ChainName> =
            self.chosen(call)?.into_iter().map(|chain| chain.name().clone()).collect();
        let chains = self.chains_mut();
        for name in names {
            let Some(chain) = chains.get_mut(&name) else { continue };
            if call.command == "-F" {
                chain.change(|rules, counters| {
                    rules.clear();
                    counters.clear();
                });
            } else {
                chain.counter = Counter::default();
                Rc::make_mut(&mut chain.counters).fill(Counter::default());
            }
        }
        Ok(String::new())
    }

    fn create(&mut self, call: &Call) -> Result<String, Failure> {
        let name = call.chain().ok_or_else(|| usage("option \"-N\" requires an argument"))?;
        let name = chain_name(name).map_err(usage)?;
        if self.chains.contains_key(&name) || self.chains.len() >= TABLE_CHAINS {
            return Err(refused("Chain already exists."));
        }
        self.chains_mut().insert(name.clone(), Chain::new(name, None));
        Ok(String::new())
    }

    fn delete(&mut self, call: &Call) -> Result<String, Failure> {
        let names: Vec<ChainName> = self
            .chosen(call)?
            .into_iter()
            .filter(|chain| chain.policy.is_none() || call.chain().is_some())
            .map(|chain| chain.name().clone())
            .collect();
        for name in names {
            let chain = self.chains.get(&name).ok_or_else(no_chain)?;
            if chain.policy.is_some() || !chain.rules().is_empty() || self.references(&name) > 0 {
                let text = name.as_str();
                return Err(refused(format!(" CHAIN_DEL failed (Device or resource busy): chain {text}")));
            }
            self.chains_mut().remove(&name);
        }
        Ok(String::new())
    }

    fn set_policy(&mut self, call: &Call) -> Result<String, Failure> {
        let policy = call.operands.get(1).map_or("", String::as_str);
        let policy = Policy::parse(policy).ok_or_else(|| refused(format!("Bad policy name `{policy}'")))?;
        let name = ChainName::new(call.chain().unwrap_or(""));
        match self.chains_mut().get_mut(&name) {
            Some(chain) if chain.policy.is_some() => chain.policy = Some(policy),
            _ => return Err(refused("Bad built-in chain name")),
        }
        Ok(String::new())
    }
}

impl Chain {
    fn edit(&mut self, command: &str, number: Option<usize>, rule: Option<Rule>) -> Result<(), Failure> {
        let place = number.unwrap_or(1) - 1;
        let length = self.rules().len();
        let found = match &rule {
            Some(rule) => self.rules().iter().position(|other| other == rule),
            None => Some(place).filter(|place| *place < length),
        };
        match (command, rule) {
            ("-C", _) => found
                .map(|_| ())
                .ok_or_else(|| refused("Bad rule (does a matching rule exist in that chain?)."))?,
            ("-D", _) => {
                let index_missing = number.is_some() && found.is_none();
                let message = if index_missing {
                    "Index of deletion too big."
                } else {
                    "Bad rule (does a matching rule exist in that chain?)."
                };
                let place = found.ok_or_else(|| refused(message))?;
                self.change(|rules, counters| {
                    rules.remove(place);
                    counters.remove(place);
                });
            }
            ("-R", Some(rule)) if place < length => self.change(|rules, counters| {
                rules.splice(place..=place, [rule]);
                counters.splice(place..=place, [Counter::default()]);
            }),
            ("-R", _) => return Err(refused("Index of replacement too big.")),
            (_, Some(_)) if length >= CHAIN_RULES => return Err(refused("Memory allocation problem.")),
            ("-I", Some(_)) if place > length => return Err(refused("Index of insertion too big.")),
            (command, Some(rule)) => {
                let place = if command == "-I" { place } else { length };
                self.change(|rules, counters| {
                    rules.insert(place, rule);
                    counters.insert(place, Counter::default());
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// Refuses a rule that asks for a set that there isn't.
pub(super) fn check_sets(sets: &Ipsets, rule: &Rule) -> Result<(), String> {
    match rule.sets().find(|name| sets.get(name.as_str()).is_none()) {
        Some(name) => Err(format!("Set {} doesn't exist.\n", name.as_str())),
        None => Ok(()),
    }
}

/// Refuses targets in tables that don't have them.
pub(super) fn check_target(table: TableName, target: &Target) -> Result<(), String> {
    let (name, home) = match target {
        Target::Dnat { .. } => ("DNAT", TableName::Nat),
        Target::Snat { .. } => ("SNAT", TableName::Nat),
        Target::Masquerade { .. } => ("MASQUERADE", TableName::Nat),
        Target::Reject(_) => ("REJECT", TableName::Filter),
        _ => return Ok(()),
    };
    if table == home {
        return Ok(());
    }
    Err(format!("{name}: only valid in {} table, not {}", home.as_str(), table.as_str()))
}
