//! The command `nft`, and the text that `nft -f` reads.

use super::apply::{Fault, MISSING};
use super::lex::tokens;
use super::list::Form;
use super::parse::{Reader, Wrong};
use super::{Family, Nftables, Table};
use crate::iptables::{ChainName, Output};
use sim::Time;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The version that `nft` says it has.
pub const VERSION: &str = "v1.0.6 (Lester Gooch #5)";
/// How deep chains may call each other.
pub(super) const DEPTH: u32 = 16;

const USAGE: &str = "# kubarium: of nft's options there are -a, -c, -f, -n, -s and -v\n";

/// What a command is done to, and what it prints.
pub(super) struct Session<'a> {
    pub(super) tables: &'a mut Nftables,
    pub(super) now: Time,
    form: Form,
    out: String,
}

pub(super) type Done = Result<(), Wrong>;

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
pub(super) fn at(token: u32) -> impl Fn(Fault) -> Wrong {
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
    pub(super) fn table<'a>(reader: &mut Reader<'a>) -> Result<(Family, &'a str, u32), Wrong> {
        let family = Self::family(reader)?.unwrap_or(Family::Ip);
        let token = reader.at;
        Ok((family, reader.name()?, token))
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
