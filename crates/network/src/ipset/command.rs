//! The command `ipset`.

use super::entry::{Key, parse, ports};
use super::{Extra, Ipsets, Kind, SETS, Set};
use crate::iptables::{FNV_SEED, Output, fnv};
use sim::{SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::rc::Rc;

/// The version that `ipset` says it has.
pub const VERSION: &str = "v7.22";

/// How long a set's name may be.
const NAME_LENGTH: usize = 31;
/// The number of entries that a set may have unless it says so itself.
const MAX_ENTRIES: u32 = 65_536;
/// The largest `maxelem` that is given.
const MOST_ENTRIES: u32 = 1_048_576;
/// How many bytes a set takes, and each of its entries.
const SET_BYTES: u32 = 200;
const ENTRY_BYTES: u32 = 48;

const HELP: &str = "Try `ipset help' for more information.";
const NO_SET: &str = "The set with the given name does not exist";

/// How a set is to be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    List,
    Terse,
    Names,
    Save,
}

/// The words of one command, sorted.
struct Call<'a> {
    command: &'static str,
    operands: Vec<&'a str>,
    ignores_existing: bool,
    form: Form,
}

const COMMANDS: [(&str, &str, &str); 12] = [
    ("create", "-N", "--create"),
    ("add", "-A", "--add"),
    ("del", "-D", "--del"),
    ("test", "-T", "--test"),
    ("destroy", "-X", "--destroy"),
    ("list", "-L", "--list"),
    ("save", "-S", "--save"),
    ("restore", "-R", "--restore"),
    ("flush", "-F", "--flush"),
    ("rename", "-E", "--rename"),
    ("swap", "-W", "--swap"),
    ("version", "-V", "--version"),
];

impl<'a> Call<'a> {
    fn read(words: &[&'a str]) -> Result<Call<'a>, String> {
        let mut call = Call { command: "", operands: Vec::new(), ignores_existing: false, form: Form::List };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let is_it = |(name, short, long): &&(&str, &str, &str)| {
                call.command.is_empty() && [name, short, long].contains(&word)
            };
            if let Some((name, ..)) = COMMANDS.iter().find(is_it) {
                call.command = name;
                continue;
            }
            match *word {
                "-exist" | "--exist" | "-!" => call.ignores_existing = true,
                "-t" | "-terse" | "--terse" => call.form = Form::Terse,
                "-n" | "-name" | "--name" => call.form = Form::Names,
                "-s" | "-sorted" | "--sorted" | "-q" | "-quiet" | "--quiet" | "-r" | "-resolve" => {}
                "-o" | "-output" | "--output" => match words.next().copied() {
                    Some("save") => call.form = Form::Save,
                    Some("plain") => {}
                    other => {
                        let other = other.unwrap_or("");
                        return Err(format!("Syntax error: unknown output mode '{other}'"));
                    }
                },
                word => call.operands.push(word),
            }
        }
        if call.command.is_empty() {
            return Err(match call.operands.first() {
                Some(word) => format!("No command specified: unknown argument {word}\n{HELP}"),
                None => format!("No command specified.\n{HELP}"),
            });
        }
        Ok(call)
    }

    fn operand(&self, place: usize) -> Result<&'a str, String> {
        let nth = if place == 0 { "" } else { "second " };
        let missing = || format!("Missing {nth}mandatory argument to command {}\n{HELP}", self.command);
        self.operands.get(place).copied().ok_or_else(missing)
    }
}

impl Ipsets {
    /// Runs `ipset` with these words, its own name left out. `references` tells how many rules ask for a
    /// set; such a set is neither destroyed nor renamed.
    pub fn command(
        &mut self,
        words: &[&str],
        stdin: &str,
        now: Time,
        references: &dyn Fn(&str) -> u32,
    ) -> Output {
        let result = Call::read(words).and_then(|call| match call.command {
            "restore" => self.restore(stdin, call.ignores_existing, now, references),
            _ => self.run(&call, now, references),
        });
        match result {
            Ok(output) => output,
            Err(message) => {
                // Mistakes in the words are told with this hint, and another code.
                let code = if message.ends_with(HELP) { 2 } else { 1 };
                Output { stderr: format!("ipset {VERSION}: {message}\n"), code, ..Output::default() }
            }
        }
    }

    /// Does what each line says; those before a wrong one have taken effect.
    fn restore(
        &mut self,
        text: &str,
        ignores_existing: bool,
        now: Time,
        references: &dyn Fn(&str) -> u32,
    ) -> Result<Output, String> {
        for (number, line) in text.lines().enumerate() {
            let words = crate::iptables::split_words(line);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if words.is_empty() || line.starts_with('#') || words == ["COMMIT"] {
                continue;
            }
            let failed = |message| format!("Error in line {}: {message}", number + 1);
            let mut call = Call::read(&words).map_err(failed)?;
            call.ignores_existing |= ignores_existing;
            self.run(&call, now, references).map_err(failed)?;
        }
        Ok(Output::default())
    }

    fn run(&mut self, call: &Call, now: Time, references: &dyn Fn(&str) -> u32) -> Result<Output, String> {
        let printed = |stdout: String| Ok(Output { stdout, ..Output::default() });
        match call.command {
            "version" => return printed(format!("ipset {VERSION}, protocol version: 7\n")),
            "create" => self.create(call)?,
            "add" | "del" => self.change(call, now)?,
            "test" => return self.test(call, now),
            "destroy" => self.destroy(call, references)?,
            "flush" => match call.operands.first() {
                Some(name) => self.set_mut(name)?.clear(),
                None => self.sets.values_mut().for_each(|(_, set)| Rc::make_mut(set).clear()),
            },
            "rename" => self.rename(call, references)?,
            "swap" => self.swap(call)?,
            "list" | "save" => {
                let form = if call.command == "save" { Form::Save } else { call.form };
                return printed(self.show(call.operands.first().copied(), form, now, references)?);
            }
            _ => return Err(format!("Unknown argument: `{}'\n{HELP}", call.command)),
        }
        Ok(Output::default())
    }

    fn set_mut(&mut self, name: &str) -> Result<&mut Set, String> {
        self.sets.get_mut(name).map(|(_, set)| Rc::make_mut(set)).ok_or_else(|| NO_SET.to_string())
    }

    fn create(&mut self, call: &Call) -> Result<(), String> {
        let name = set_name(call.operand(0)?)?;
        let kind = call.operand(1)?;
        let kind = Kind::parse(kind).ok_or_else(|| format!("Syntax error: typename '{kind}' is unknown"))?;
        let set = new_set(kind, call.operands.get(2..).unwrap_or(&[]))?;
        if let Some(old) = self.get(name) {
            let is_same = old.kind == set.kind && old.timeout.is_some() == set.timeout.is_some();
            if call.ignores_existing && is_same {
                return Ok(());
            }
            return Err("Set cannot be created: set with the same name already exists".to_string());
        }
        if self.sets.len() >= SETS {
            return Err(
                "Kernel error received: maximal number of sets reached, cannot create more.".to_string()
            );
        }
        let taken: BTreeSet<u32> = self.sets.values().map(|(place, _)| *place).collect();
        let place = (0..).find(|place| !taken.contains(place)).unwrap_or(0);
        self.sets.insert(name.into(), (place, Rc::new(set)));
        Ok(())
    }

    fn change(&mut self, call: &Call, now: Time) -> Result<(), String> {
        let (name, text) = (call.operand(0)?, call.operand(1)?);
        let set = self.set_mut(name)?;
        let keys = parse(set.kind, text)?;
        set.reap(now);
        if call.command == "del" {
            for key in keys {
                if !set.remove(&key) && !call.ignores_existing {
                    return Err("Element cannot be deleted from the set: it's not added".to_string());
                }
            }
            return Ok(());
        }
        let extra = read_extra(set, call.operands.get(2..).unwrap_or(&[]), now)?;
        for key in keys {
            set.check(&key)?;
            let is_there = set.entries.contains_key(&key);
            if is_there && !call.ignores_existing {
                return Err("Element cannot be added to the set: it's already added".to_string());
            }
            if !is_there && set.len() >= set.max_entries {
                return Err("Hash is full, cannot add more elements".to_string());
            }
            set.insert(key, extra.clone());
        }
        Ok(())
    }

    fn test(&self, call: &Call, now: Time) -> Result<Output, String> {
        let (name, text) = (call.operand(0)?, call.operand(1)?);
        let set = self.get(name).ok_or(NO_SET)?;
        let keys = parse(set.kind, text)?;
        let is_in = keys.first().is_some_and(|key| {
            set.has(*key, now) || set.entries.get(key).is_some_and(|e| !e.is_nomatch && !e.is_over(now))
        });
        Ok(if is_in {
            Output { stderr: format!("Warning: {text} is in set {name}.\n"), ..Output::default() }
        } else {
            Output { stderr: format!("{text} is NOT in set {name}.\n"), code: 1, ..Output::default() }
        })
    }

    fn destroy(&mut self, call: &Call, references: &dyn Fn(&str) -> u32) -> Result<(), String> {
        let is_used = |name: &str| references(name) > 0;
        let in_use = || Err("Set cannot be destroyed: it is in use by a kernel component".to_string());
        match call.operands.first() {
            None if self.sets.keys().any(|name| is_used(name)) => in_use(),
            None => {
                self.sets.clear();
                Ok(())
            }
            Some(name) if is_used(name) => in_use(),
            Some(name) => self.sets.remove(*name).map(|_| ()).ok_or_else(|| NO_SET.to_string()),
        }
    }

    fn rename(&mut self, call: &Call, references: &dyn Fn(&str) -> u32) -> Result<(), String> {
        let (from, to) = (call.operand(0)?, set_name(call.operand(1)?)?);
        if self.sets.contains_key(to) {
            return Err("Set cannot be renamed: a set with the new name already exists".to_string());
        }
        if references(from) > 0 {
            return Err("Set cannot be renamed: it is in use by another system".to_string());
        }
        let set = self.sets.remove(from).ok_or(NO_SET)?;
        self.sets.insert(to.into(), set);
        Ok(())
    }

    fn swap(&mut self, call: &Call) -> Result<(), String> {
        let (a, b) = (call.operand(0)?, call.operand(1)?);
        let (first_place, first) = self.sets.get(a).cloned().ok_or(NO_SET)?;
        let (second_place, second) =
            self.sets.get(b).cloned().ok_or("Sets cannot be swapped: the second set does not exist")?;
        if first.kind != second.kind {
            return Err("The sets cannot be swapped: their type does not match".to_string());
        }
        self.sets.insert(a.into(), (first_place, second));
        self.sets.insert(b.into(), (second_place, first));
        Ok(())
    }

    fn show(
        &self,
        only: Option<&str>,
        form: Form,
        now: Time,
        references: &dyn Fn(&str) -> u32,
    ) -> Result<String, String> {
        if only.is_some_and(|name| !self.sets.contains_key(name)) {
            return Err(NO_SET.to_string());
        }
        let mut out = String::new();
        let mut wanted: Vec<_> =
            self.sets.iter().filter(|(name, _)| only.is_none_or(|only| only == &***name)).collect();
        wanted.sort_by_key(|(_, (place, _))| *place);
        for (name, (_, set)) in wanted {
            if form == Form::Names {
                let _ = writeln!(out, "{name}");
                continue;
            }
            if form == Form::Save {
                let _ = writeln!(out, "create {name} {} {}", set.kind.name(), set.header(name));
                set.write_members(&format!("add {name} "), now, &mut out);
                continue;
            }
            if !out.is_empty() {
                out.push('\n');
            }
            let living = set.entries.values().filter(|extra| !extra.is_over(now)).count();
            let _ = write!(
                out,
                "Name: {name}\nType: {}\nRevision: {}\nHeader: {}\nSize in memory: {}\nReferences: {}\n\
                 Number of entries: {living}\n",
                set.kind.name(),
                set.kind.revision(),
                set.header(name),
                set.bytes(),
                references(name)
            );
            if form == Form::List {
                out.push_str("Members:\n");
                set.write_members("", now, &mut out);
            }
        }
        Ok(out)
    }
}

impl Set {
    /// Returns what it was created with.
    fn header(&self, name: &str) -> String {
        let mut out = match self.kind {
            Kind::BitmapPort => format!("range {}-{}", self.range.0, self.range.1),
            _ => format!("family inet hashsize {} maxelem {}", self.hash_size, self.max_entries),
        };
        if let Some(seconds) = self.timeout {
            let _ = write!(out, " timeout {seconds}");
        }
        if self.has_comments {
            out.push_str(" comment");
        }
        if self.kind != Kind::BitmapPort {
            // The kernel draws this number; here it follows from the name.
            let _ = write!(out, " bucketsize 12 initval {:#010x}", fnv(name.as_bytes(), FNV_SEED) as u32);
        }
        out
    }

    fn write_members(&self, start: &str, now: Time, out: &mut String) {
        for (key, extra) in self.entries.iter().filter(|(_, extra)| !extra.is_over(now)) {
            let _ = write!(out, "{start}{}", key.text(self.kind));
            if self.timeout.is_some() {
                let left = extra.expires.map_or(0, |at| ((at - now) / SECOND).max(1));
                let _ = write!(out, " timeout {left}");
            }
            if extra.is_nomatch {
                out.push_str(" nomatch");
            }
            if let Some(comment) = &extra.comment {
                let _ = write!(out, " comment \"{comment}\"");
            }
            out.push('\n');
        }
    }

    fn bytes(&self) -> u32 {
        match self.kind {
            Kind::BitmapPort => SET_BYTES / 2 + u32::from(self.range.1 - self.range.0) / 8 + 1,
            _ => SET_BYTES + ENTRY_BYTES * self.len(),
        }
    }

    fn check(&self, key: &Key) -> Result<(), String> {
        let is_out = self.kind == Kind::BitmapPort && !(self.range.0..=self.range.1).contains(&key.port);
        if is_out {
            return Err("Element is out of the range of the set".to_string());
        }
        Ok(())
    }
}

fn set_name(text: &str) -> Result<&str, String> {
    if text.len() > NAME_LENGTH {
        return Err(format!("Syntax error: setname '{text}' is longer than {NAME_LENGTH} characters"));
    }
    Ok(text)
}

fn number(text: Option<&&str>, option: &str) -> Result<u32, String> {
    let text = text.ok_or_else(|| format!("Missing mandatory argument of option `{option}'\n{HELP}"))?;
    let digits = text.strip_prefix("0x");
    let number = digits.map_or_else(|| text.parse(), |digits| u32::from_str_radix(digits, 16));
    number.map_err(|_| format!("Syntax error: '{text}' is invalid as number"))
}

fn new_set(kind: Kind, options: &[&str]) -> Result<Set, String> {
    let mut set = Set {
        kind,
        hash_size: 1024,
        max_entries: MAX_ENTRIES,
        range: (0, u16::MAX),
        timeout: None,
        has_comments: false,
        entries: BTreeMap::new(),
        prefixes: [BTreeMap::new(), BTreeMap::new()],
    };
    let mut has_range = false;
    let is_hash = kind != Kind::BitmapPort;
    let mut words = options.iter();
    while let Some(option) = words.next() {
        match *option {
            "family" if is_hash => match words.next() {
                Some(&("inet" | "ipv4" | "-4")) => {}
                Some(family) => return Err(format!("Syntax error: unknown inet family {family}")),
                None => return Err(format!("Missing mandatory argument of option `family'\n{HELP}")),
            },
            "hashsize" if is_hash => {
                set.hash_size = number(words.next(), option)?.clamp(64, 1 << 31).next_power_of_two();
            }
            "maxelem" if is_hash => set.max_entries = number(words.next(), option)?.min(MOST_ENTRIES),
            "bucketsize" | "initval" if is_hash => {
                number(words.next(), option)?;
            }
            "range" if !is_hash => {
                set.range = ports(words.next().copied().unwrap_or(""))?;
                has_range = true;
            }
            "timeout" => set.timeout = Some(number(words.next(), option)?),
            "comment" => set.has_comments = true,
            // Left out: what a kernel without them says.
            "counters" | "forceadd" | "skbinfo" => {
                return Err("Kernel error received: set type not supported".to_string());
            }
            other => return Err(format!("Unknown argument: `{other}'\n{HELP}")),
        }
    }
    if !is_hash && !has_range {
        return Err(format!("Mandatory option `range' is missing\n{HELP}"));
    }
    Ok(set)
}

fn read_extra(set: &Set, options: &[&str], now: Time) -> Result<Extra, String> {
    let mut extra = Extra::default();
    let mut seconds = set.timeout.unwrap_or(0);
    let mut words = options.iter();
    while let Some(option) = words.next() {
        match *option {
            "nomatch" => extra.is_nomatch = true,
            "timeout" if set.timeout.is_some() => seconds = number(words.next(), option)?,
            "timeout" => {
                return Err("Timeout cannot be used: set was created without timeout support".to_string());
            }
            "comment" if set.has_comments => {
                let text = words.next().ok_or("Missing mandatory argument of option `comment'")?;
                extra.comment = Some((*text).into());
            }
            "comment" => {
                return Err("Comment cannot be used: set was created without comment support".to_string());
            }
            other => return Err(format!("Unknown argument: `{other}'\n{HELP}")),
        }
    }
    extra.expires = (seconds > 0).then(|| now + i64::from(seconds) * SECOND);
    Ok(extra)
}
