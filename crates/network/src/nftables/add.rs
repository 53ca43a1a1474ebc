//! What `nft add`, `create`, `insert` and `replace` do, and blocks in files.

use super::apply::{ChainSpec, MISSING, NewElement, Place, SetSpec};
use super::body::{base, element_list, flags, policy, skip_ends, types};
use super::command::{Done, Session, at};
use super::parse::{Reader, Wrong};
use super::rule::Statement;
use super::{Family, Table};
use std::rc::Rc;

/// A rule or element of a block, which is put in when the block's chains and sets are there.
enum Later {
    Rule { token: u32, chain: String, statements: Vec<Statement>, comment: Option<Rc<str>> },
    Element { token: u32, set: String, new: NewElement },
}

impl Session<'_> {
    pub(super) fn add(&mut self, reader: &mut Reader, verb: &str) -> Done {
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
    pub(super) fn elements(
        &mut self,
        reader: &mut Reader,
        (family, table): (Family, &str),
        adds: Option<bool>,
    ) -> Done {
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
}

/// Returns the first chain or set that statements name and a table doesn't have.
fn unknown(table: &Table, statements: &[Statement]) -> Option<String> {
    let rule = super::Rule { handle: 0, statements: statements.to_vec(), comment: None };
    let chain = rule.outcomes().filter_map(|one| one.chain()).find(|name| !table.chains.contains_key(*name));
    let chain = chain.map(|name| name.as_str().to_string());
    chain.or_else(|| rule.sets().find(|name| !table.sets.contains_key(*name)).map(|name| name.to_string()))
}
