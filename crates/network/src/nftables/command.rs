//! The command `nft`, and the text that `nft -f` reads.

use super::apply::{ChainSpec, Fault, MISSING, NewElement, Place, SetSpec};
use super::lex::tokens;
use super::list::{Form, priority};
use super::parse::{Reader, Wrong};
use super::rule::Statement;
use super::set::{Flags, Type};
use super::{Base, Family, Kind, Nftables, Table};
use crate::iptables::{ChainName, Hook, Output, Policy};
use sim::Time;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The version that `nft` says it has.
pub const VERSION: &str = "v1.0.6 (Lester Gooch #5)";
/// How deep chains may call each other.
pub(super) const DEPTH: u32 = 16;

const USAGE: &str = "# kubarium: of nft's options there are -a, -c, -f, -n, -s and -v\n";

/// What a command is done to, and what it prints.
struct Session<'a> {
    tables: &'a mut Nftables,
    now: Time,
    form: Form,
    out: String,
}

/// A rule or element of a block, which is put in when the block's chains and sets are there.
enum Later {
    Rule { token: u32, chain: String, statements: Vec<Statement>, comment: Option<Rc<str>> },
    Element { token: u32, set: String, new: NewElement },
}

type Done = Result<(), Wrong>;

impl Nftables {
    /// Runs `nft` with these words, its own name left out.
    pub fn command(&mut self, words: &[&str], stdin: &str, now: Time) -> Output {
        let mut form = Form::default();
        let (mut file, mut is_check, mut rest) = (None, false, words);
        while let Some(word) = rest.first().filter(|word| word.starts_with('-')) {
            rest = rest.get(1..).unwrap_or(&[]);
            match *word {
                "-f" | "--file" => {
                    file = Some(rest.first().copied().unwrap_or(""));
                    rest = rest.get(1..).unwrap_or(&[]);
                }
                "-a" | "--handle" => form.has_handles = true,
                "-s" | "--stateless" => form.is_stateless = true,
                "-c" | "--check" => is_check = true,
                "-n" | "-nn" | "--numeric" | "-y" | "-N" | "-S" | "-p" => {}
                "-an" | "-na" | "-ann" | "-nna" => form.has_handles = true,
                "-v" | "--version" => {
                    return Output { stdout: format!("nftables {VERSION}\n"), ..Output::default() };
                }
                _ => return Output { stderr: USAGE.to_string(), code: 1, ..Output::default() },
            }
        }
        let typed = rest.join(" ");
        let (text, name) = match file {
            Some("-" | "/dev/stdin") => (stdin, "/dev/stdin"),
            Some(file) => {
                let stderr = format!(
                    "internal:0:0-0: Error: Could not open file \"{file}\": No such file or directory\n\n\n"
                );
                return Output { stderr, code: 1, ..Output::default() };
            }
            None => (typed.as_str(), ""),
        };
        let mut copy = is_check.then(|| self.clone());
        let tables = copy.as_mut().unwrap_or(self);
        let before = tables.clone();
        let changed = tables.change(text, name, form, now).and_then(|out| match tables.is_too_deep() {
            true => {
                let line = text.lines().last().unwrap_or("").len();
                Err(told(text, name, text.len() - line, line + 1, "Could not process rule: Too many links"))
            }
            false => Ok(out),
        });
        match changed {
            Ok(stdout) => Output { stdout, ..Output::default() },
            Err(stderr) => {
                *tables = before;
                Output { stderr, code: 1, ..Output::default() }
            }
        }
    }

    /// Does what a text says, all of it or nothing.
    ///
    /// # Errors
    /// The first mistake.
    pub fn load(&mut self, text: &str, now: Time) -> Result<(), String> {
        self.change(text, "/dev/stdin", Form::default(), now).map(drop)
    }

    fn change(&mut self, text: &str, file: &str, form: Form, now: Time) -> Result<String, String> {
        let tokens = tokens(text).map_err(|at| told(text, file, at, 1, "syntax error, unexpected junk"))?;
        let mut reader = Reader { tokens: &tokens, at: 0 };
        let before = self.clone();
        let mut session = Session { tables: self, now, form, out: String::new() };
        match session.all(&mut reader) {
            Ok(()) => Ok(session.out),
            Err(wrong) => {
                *self = before;
                let token = tokens.get(wrong.token as usize);
                let (at, length) = token.map_or((text.len(), 1), |token| (token.at, token.text.len()));
                Err(told(text, file, at, length, &wrong.message))
            }
        }
    }

    /// Returns whether chains call each other deeper than the kernel allows, in circles above all.
    fn is_too_deep(&self) -> bool {
        self.tables.values().any(|table| {
            let mut known = BTreeMap::new();
            let bases = table.chains.iter().filter(|(_, chain)| chain.base.is_some());
            bases.into_iter().any(|(name, _)| table.depth(name, 0, &mut known) > DEPTH)
        })
    }
}

impl Table {
    /// Returns how many chains are called from one to the end.
    fn depth(&self, chain: &ChainName, level: u32, known: &mut BTreeMap<ChainName, u32>) -> u32 {
        if let Some(depth) = known.get(chain) {
            return *depth;
        }
        if level > DEPTH {
            return DEPTH + 1;
        }
        let Some(found) = self.chains.get(chain) else { return 0 };
        let own = found.rules.rules.iter().flat_map(|rule| rule.outcomes());
        let named = found.rules.rules.iter().flat_map(|rule| rule.sets());
        let mapped = named.filter_map(|name| self.sets.get(name)).flat_map(|set| set.elements.values());
        let all = own.chain(mapped.filter_map(|one| one.outcome.as_ref()));
        let below = all
            .filter_map(|one| one.chain())
            .map(|next| self.depth(next, level + 1, known))
            .max()
            .unwrap_or(0);
        let depth = (below + 1).min(DEPTH + 1);
        known.insert(chain.clone(), depth);
        depth
    }
}

/// Tells a mistake with the line where it is, as `nft` does.
fn told(text: &str, file: &str, at: usize, length: usize, message: &str) -> String {
    let before = text.get(..at).unwrap_or(text);
    let begin = before.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(begin..).and_then(|rest| rest.lines().next()).unwrap_or("");
    let (number, column) = (before.matches('\n').count() + 1, at - begin);
    let place = match file {
        "" => String::new(),
        file => format!("{file}:{number}:{}-{}: ", column + 1, column + length.max(1)),
    };
    let (space, marks) = (" ".repeat(column), "^".repeat(length.max(1)));
    format!("{place}Error: {message}\n{line}\n{space}{marks}\n")
}

/// What the kernel refuses, told at a word.
fn at(token: u32) -> impl Fn(Fault) -> Wrong {
    move |fault| Wrong { token, message: format!("Could not process rule: {fault}") }
}

impl Session<'_> {
    fn all(&mut self, reader: &mut Reader) -> Done {
        while let Some(token) = reader.peek() {
            if token.is_end() {
                reader.at += 1;
                continue;
            }
            self.one(reader)?;
            if !reader.is_at_end() {
                return reader.unexpected();
            }
        }
        Ok(())
    }

    fn one(&mut self, reader: &mut Reader) -> Done {
        let Some(token) = reader.peek() else { return reader.unexpected() };
        if matches!(token.text, "table" | "chain" | "rule" | "set" | "map" | "element") {
            return self.add(reader, "add");
        }
        reader.at += 1;
        match token.text {
            "add" | "create" | "insert" | "replace" => self.add(reader, token.text),
            "delete" => self.delete(reader, false),
            "destroy" => self.delete(reader, true),
            "flush" => self.flush(reader),
            "list" => self.list(reader),
            word if super::parse::is_known(word) => {
                reader.at -= 1;
                reader.unexpected()
            }
            _ => reader.name().and_then(|_| reader.unexpected()),
        }
    }

    fn family(reader: &mut Reader) -> Result<Option<Family>, Wrong> {
        let Some(token) = reader.peek() else { return Ok(None) };
        if let Some(family) = Family::parse(token.text) {
            reader.at += 1;
            return Ok(Some(family));
        }
        match token.text {
            "ip6" | "arp" | "bridge" | "netdev" => reader
                .wrong("# kubarium: here packets are of IPv4; there are tables of the families ip and inet"),
            _ => Ok(None),
        }
    }

    /// Reads a family, which may be left out, and a table's name.
    fn table<'a>(reader: &mut Reader<'a>) -> Result<(Family, &'a str, u32), Wrong> {
        let family = Self::family(reader)?.unwrap_or(Family::Ip);
        let token = reader.at;
        Ok((family, reader.name()?, token))
    }

    fn add(&mut self, reader: &mut Reader, verb: &str) -> Done {
        let object = reader.word()?;
        let is_rule = object == "rule";
        if (verb == "insert" || verb == "replace") && !is_rule {
            reader.at -= 1;
            return reader.unexpected();
        }
        let (family, table, token) = Self::table(reader)?;
        match object {
            "table" => self.add_table(reader, (family, table, token), verb == "create"),
            "rule" => self.add_rule(reader, (family, table), verb),
            "chain" | "set" | "map" => {
                let (name, token) = (reader.name()?, reader.at - 1);
                let found = self.tables.table_mut(family, table).map_err(at(token - 1))?;
                let is_there = match object {
                    "chain" => found.chain(name).is_some(),
                    _ => found.sets.contains_key(name),
                };
                if verb == "create" && is_there {
                    return Err(at(token)(super::apply::EXISTS));
                }
                let mut later = Vec::new();
                let has_body = reader.accept("{");
                if object == "chain" {
                    self.chain_body(reader, (family, table), (name, token), has_body, &mut later)?;
                } else {
                    self.set_body(
                        reader,
                        (family, table),
                        (name, token),
                        (object == "map", has_body),
                        &mut later,
                    )?;
                }
                if has_body {
                    reader.expect("}")?;
                }
                self.put_in((family, table), later)
            }
            "element" => self.elements(reader, (family, table), Some(verb == "create")),
            _ => {
                reader.at -= 2;
                reader.unexpected()
            }
        }
    }

    fn add_table(
        &mut self,
        reader: &mut Reader,
        (family, name, token): (Family, &str, u32),
        is_new: bool,
    ) -> Done {
        if is_new && self.tables.tables.contains_key(&(family, Rc::from(name))) {
            return Err(at(token)(super::apply::EXISTS));
        }
        let has_body = reader.accept("{");
        let mut comment = None;
        let body = reader.at;
        if has_body {
            // The comment comes first.
            skip_ends(reader);
            if reader.accept("comment") {
                comment = Some(reader.quoted()?);
            } else {
                reader.at = body;
            }
        }
        self.tables.add_table(family, name, comment).map_err(at(token))?;
        if !has_body {
            return Ok(());
        }
        let mut later = Vec::new();
        loop {
            skip_ends(reader);
            if reader.accept("}") {
                break;
            }
            let object = reader.word()?;
            let (inner, inner_token) = (reader.word()?, reader.at - 1);
            reader.expect("{")?;
            match object {
                "chain" => {
                    self.chain_body(reader, (family, name), (inner, inner_token), true, &mut later)?;
                }
                "set" | "map" => {
                    let kind = (object == "map", true);
                    self.set_body(reader, (family, name), (inner, inner_token), kind, &mut later)?;
                }
                _ => {
                    reader.at = inner_token - 1;
                    return reader.unexpected();
                }
            }
            reader.expect("}")?;
        }
        self.put_in((family, name), later)
    }

    fn put_in(&mut self, (family, table): (Family, &str), later: Vec<Later>) -> Done {
        for one in later {
            let now = self.now;
            let (Later::Rule { token, .. } | Later::Element { token, .. }) = &one;
            let token = *token;
            let table = self.tables.table_mut(family, table).map_err(at(token))?;
            match one {
                Later::Rule { chain, statements, comment, .. } => {
                    table.add_rule(&chain, Place::Last, statements, comment).map_err(at(token))?;
                }
                Later::Element { set, new, .. } => {
                    table.add_element(&set, new, false, now).map_err(at(token))?;
                }
            }
        }
        Ok(())
    }

    fn chain_body(
        &mut self,
        reader: &mut Reader,
        (family, table): (Family, &str),
        (name, token): (&str, u32),
        has_body: bool,
        later: &mut Vec<Later>,
    ) -> Done {
        let mut spec = ChainSpec::default();
        loop {
            if has_body {
                skip_ends(reader);
            }
            if !has_body || reader.is_next("}") {
                break;
            }
            if reader.accept("type") {
                spec.base = Some(base(reader)?);
            } else if reader.accept("policy") {
                let policy = policy(reader)?;
                match &mut spec.base {
                    Some(base) => base.policy = policy,
                    None => return reader.wrong("Could not process rule: Operation not supported"),
                }
            } else if reader.accept("comment") {
                spec.comment = Some(reader.quoted()?);
            } else {
                let token = reader.at;
                let (statements, comment) = reader.rule()?;
                later.push(Later::Rule { token, chain: name.to_string(), statements, comment });
            }
        }
        self.tables.add_chain((family, table), name, spec).map_err(at(token))
    }

    fn set_body(
        &mut self,
        reader: &mut Reader,
        (family, table): (Family, &str),
        (name, token): (&str, u32),
        (is_map, has_body): (bool, bool),
        later: &mut Vec<Later>,
    ) -> Done {
        let mut spec = SetSpec { is_map, ..SetSpec::default() };
        loop {
            if has_body {
                skip_ends(reader);
            }
            if !has_body || reader.is_next("}") {
                break;
            }
            let word = reader.word()?;
            match word {
                "type" => spec.types = types(reader, is_map)?,
                "flags" => spec.flags = flags(reader)?,
                "timeout" => {
                    spec.timeout = reader.time()?;
                    spec.flags.has_timeouts = true;
                }
                "size" => spec.size = reader.number()?,
                "comment" => spec.comment = Some(reader.quoted()?),
                "gc-interval" => drop(reader.time()?),
                "elements" => {
                    reader.expect("=")?;
                    element_list(reader, &spec.types, |token, new| {
                        later.push(Later::Element { token, set: name.to_string(), new });
                        Ok(())
                    })?;
                }
                _ => {
                    reader.at -= 1;
                    return reader.unexpected();
                }
            }
        }
        if spec.types.is_empty() {
            return Err(Wrong { token, message: "set definition does not specify key".to_string() });
        }
        let table = self.tables.table_mut(family, table).map_err(at(token))?;
        table.add_set(name, spec).map_err(at(token))
    }

    fn add_rule(&mut self, reader: &mut Reader, (family, table): (Family, &str), verb: &str) -> Done {
        let (chain, token) = (reader.name()?, reader.at - 1);
        let mut place = if verb == "insert" { Place::First } else { Place::Last };
        if verb == "replace" || reader.is_next("handle") {
            reader.expect("handle")?;
            let handle = u64::from(reader.number()?);
            place = match verb {
                "replace" => Place::Instead(handle),
                "insert" => Place::Before(handle),
                _ => Place::After(handle),
            };
        } else if reader.is_next("position") || reader.is_next("index") {
            return reader
                .wrong("# kubarium: a rule's place is told by `handle N`, which `nft -a list` shows");
        }
        let (statements, comment) = reader.rule()?;
        let table = self.tables.table_mut(family, table).map_err(at(token - 1))?;
        if let Some(name) = unknown(table, &statements) {
            let found = (0_u32..).zip(reader.tokens).skip(token as usize);
            let found = found.take(reader.at.saturating_sub(token) as usize);
            let place = found.into_iter().find(|(_, one)| one.text.trim_start_matches('@') == name);
            let token = place.map_or(token, |(place, _)| place);
            let is_set = reader.tokens.get(token as usize).is_some_and(|one| one.text.starts_with('@'));
            let missing = Wrong { token, message: MISSING.to_string() };
            return Err(if is_set { missing } else { at(token)(MISSING) });
        }
        table.add_rule(chain, place, statements, comment).map(drop).map_err(at(token))
    }

    /// Puts in elements, new ones only if so wanted, or takes them out.
    fn elements(&mut self, reader: &mut Reader, (family, table): (Family, &str), adds: Option<bool>) -> Done {
        let (name, token) = (reader.name()?, reader.at - 1);
        let now = self.now;
        let table = self.tables.table_mut(family, table).map_err(at(token - 1))?;
        let Some(types) = table.set(name).map(|set| set.types.clone()) else {
            return Err(at(token)(MISSING));
        };
        element_list(reader, &types, |token, new| match adds {
            Some(is_new) => table.add_element(name, new, is_new, now).map_err(at(token)),
            None => table.delete_element(name, &new.key).map_err(at(token)),
        })
    }

    fn delete(&mut self, reader: &mut Reader, may_be_gone: bool) -> Done {
        let object = reader.word()?;
        let (family, table, token) = Self::table(reader)?;
        let done = match object {
            "table" => self.tables.delete_table(family, table).map_err(at(token)),
            "chain" => {
                let (name, token) = (reader.name()?, reader.at - 1);
                self.tables.delete_chain((family, table), name).map_err(at(token))
            }
            "rule" => {
                let name = reader.word()?;
                reader.expect("handle")?;
                let (handle, token) = (u64::from(reader.number()?), reader.at - 1);
                let table = self.tables.table_mut(family, table);
                table.and_then(|table| table.delete_rule(name, handle)).map_err(at(token))
            }
            "set" | "map" => {
                let (name, token) = (reader.name()?, reader.at - 1);
                let table = self.tables.table_mut(family, table);
                table.and_then(|table| table.delete_set(name)).map_err(at(token))
            }
            "element" => self.elements(reader, (family, table), None),
            _ => {
                reader.at -= 2;
                return reader.unexpected();
            }
        };
        done.or_else(
            |wrong| if may_be_gone && wrong.message.ends_with(MISSING) { Ok(()) } else { Err(wrong) },
        )
    }

    fn flush(&mut self, reader: &mut Reader) -> Done {
        let object = reader.word()?;
        if object == "ruleset" {
            match Self::family(reader)? {
                None => self.tables.clear(),
                Some(wanted) => {
                    let all: Vec<_> =
                        self.tables.tables.keys().filter(|(one, _)| *one == wanted).cloned().collect();
                    for (family, name) in all {
                        self.tables.delete_table(family, &name).map_err(at(reader.at))?;
                    }
                }
            }
            return Ok(());
        }
        let (family, table, token) = Self::table(reader)?;
        let table = self.tables.table_mut(family, table).map_err(at(token))?;
        match object {
            "table" => table.flush(),
            "chain" => {
                let name = ChainName::new(reader.word()?);
                table.flush_chain(&name).map_err(at(reader.at - 1))?;
            }
            "set" | "map" => {
                let name = reader.word()?;
                table.flush_set(name).map_err(at(reader.at - 1))?;
            }
            _ => {
                reader.at = token.saturating_sub(1);
                return reader.unexpected();
            }
        }
        Ok(())
    }

    fn list(&mut self, reader: &mut Reader) -> Done {
        let object = reader.word()?;
        let (form, now) = (self.form, self.now);
        let tables = &*self.tables;
        if let "ruleset" | "tables" | "chains" | "sets" | "maps" = object {
            let wanted = Self::family(reader)?;
            let meant = tables.sorted_tables().into_iter().filter(|table| table.family.is_meant(wanted));
            for table in meant {
                self.out.push_str(&match object {
                    "ruleset" => table.list(form, now),
                    "tables" => format!("table {} {}\n", table.family.as_str(), table.name),
                    "chains" => table.list_chains(form),
                    object => table.list_sets(object == "maps", form, now),
                });
            }
            return Ok(());
        }
        if !matches!(object, "table" | "chain" | "set" | "map") {
            reader.at -= 1;
            return reader.unexpected();
        }
        let (family, name, token) = Self::table(reader)?;
        let missing = |token| Wrong { token, message: MISSING.to_string() };
        let table = tables.tables.get(&(family, Rc::from(name))).ok_or_else(|| missing(token));
        if object == "table" {
            self.out.push_str(&table?.list(form, now));
            return Ok(());
        }
        let (inner, place) = (reader.word()?, reader.at - 1);
        let table = table?;
        let text = match object {
            "chain" => table.list_chain(inner, form),
            object => table.list_set(inner, object == "map", form, now),
        };
        self.out.push_str(&text.ok_or_else(|| missing(place))?);
        Ok(())
    }
}

/// Returns the first chain or set that statements name and a table doesn't have.
fn unknown(table: &Table, statements: &[Statement]) -> Option<String> {
    let rule = super::Rule { handle: 0, statements: statements.to_vec(), comment: None };
    let chain = rule.outcomes().filter_map(|one| one.chain()).find(|name| !table.chains.contains_key(*name));
    let chain = chain.map(|name| name.as_str().to_string());
    chain.or_else(|| rule.sets().find(|name| !table.sets.contains_key(*name)).map(|name| name.to_string()))
}

fn skip_ends(reader: &mut Reader) {
    while reader.peek().is_some_and(|token| token.is_end()) {
        reader.at += 1;
    }
}

/// Reads what follows `type` in a base chain.
fn base(reader: &mut Reader) -> Result<Base, Wrong> {
    let word = reader.word()?;
    let Some((kind, _)) = Kind::ALL.iter().find(|(_, name)| *name == word) else {
        reader.at -= 1;
        return reader.wrong("unknown chain type");
    };
    reader.expect("hook")?;
    let word = reader.word()?;
    let hook = Hook::ALL.into_iter().find(|hook| hook.as_str().to_lowercase() == word);
    let Some(hook) = hook else {
        reader.at -= 1;
        return reader.wrong("unknown chain hook");
    };
    reader.expect("priority")?;
    let word = reader.word()?;
    let Some(mut number) = word.parse::<i32>().ok().or_else(|| priority(word)) else {
        reader.at -= 1;
        return reader.wrong("invalid priority expression value in this context.");
    };
    for (sign, factor) in [("+", 1), ("-", -1)] {
        if reader.accept(sign) {
            number = number.saturating_add(factor * i32::try_from(reader.number()?).unwrap_or(0));
        }
    }
    Ok(Base { kind: *kind, hook, priority: number, policy: Policy::Accept })
}

fn policy(reader: &mut Reader) -> Result<Policy, Wrong> {
    match reader.word()? {
        "accept" => Ok(Policy::Accept),
        "drop" => Ok(Policy::Drop),
        _ => {
            reader.at -= 1;
            reader.unexpected()
        }
    }
}

fn types(reader: &mut Reader, is_map: bool) -> Result<Vec<Type>, Wrong> {
    let mut types = Vec::new();
    loop {
        let text = reader.word()?;
        match Type::parse(text).filter(|_| types.len() < super::set::PARTS) {
            Some(kind) => types.push(kind),
            None => {
                reader.at -= 1;
                return reader.wrong(&format!("unknown datatype {text}"));
            }
        }
        if !reader.accept(".") {
            break;
        }
    }
    if is_map {
        reader.expect(":")?;
        if !reader.accept("verdict") {
            return reader.wrong("# kubarium: a map leads to a verdict here");
        }
    }
    Ok(types)
}

fn flags(reader: &mut Reader) -> Result<Flags, Wrong> {
    let mut flags = Flags::default();
    loop {
        match reader.word()? {
            "constant" => flags.is_constant = true,
            "interval" => flags.has_intervals = true,
            "dynamic" => flags.is_dynamic = true,
            "timeout" => flags.has_timeouts = true,
            _ => {
                reader.at -= 1;
                return reader.unexpected();
            }
        }
        if !reader.accept(",") {
            return Ok(flags);
        }
    }
}

/// Reads elements between braces, and hands each on.
fn element_list(reader: &mut Reader, types: &[Type], mut take: impl FnMut(u32, NewElement) -> Done) -> Done {
    reader.expect("{")?;
    loop {
        skip_newlines(reader);
        let token = reader.at;
        let (key, last) = reader.key(types)?;
        let mut new = NewElement { key, last, comment: None, timeout: None, outcome: None };
        loop {
            if reader.accept("timeout") {
                new.timeout = Some(reader.time()?);
            } else if reader.accept("expires") {
                let _ = reader.word()?;
            } else if reader.accept("comment") {
                new.comment = Some(reader.quoted()?);
            } else if reader.accept(":") {
                new.outcome = Some(Rc::new(reader.outcome()?));
            } else {
                break;
            }
        }
        take(token, new)?;
        skip_newlines(reader);
        if !reader.accept(",") {
            break;
        }
        skip_newlines(reader);
        if reader.is_next("}") {
            break;
        }
    }
    reader.expect("}")
}

fn skip_newlines(reader: &mut Reader) {
    while reader.accept("\n") {}
}
