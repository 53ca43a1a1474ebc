//! Reads rules.

use super::lex::Token;
use super::rule::{ADDRESS_TYPES, Against, Change, Field, Map, Outcome, Range, STATES, Statement};
use super::set::{Type, hexadecimal, time};
use crate::ipset::Half;
use crate::iptables::{ChainName, RejectWith};
use crate::{Protocol, Socket};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many statements a rule may have, and how many values a set without a name.
const STATEMENTS: usize = 64;
const VALUES: usize = 8_192;

/// What is wrong: where, and what `nft` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) token: u32,
    pub(super) message: String,
}

/// Words that are read one after the other.
pub(super) struct Reader<'a> {
    pub(super) tokens: &'a [Token<'a>],
    pub(super) at: u32,
}

type Read<T> = Result<T, Wrong>;

impl<'a> Reader<'a> {
    pub(super) fn peek(&self) -> Option<&'a Token<'a>> {
        self.tokens.get(self.at as usize)
    }

    pub(super) fn is_next(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.is(text))
    }

    pub(super) fn accept(&mut self, text: &str) -> bool {
        let is_next = self.is_next(text);
        self.at += u32::from(is_next);
        is_next
    }

    /// Returns whether the command ends here.
    pub(super) fn is_at_end(&self) -> bool {
        self.peek().is_none_or(Token::is_end)
    }

    pub(super) fn wrong<T>(&self, message: &str) -> Read<T> {
        Err(Wrong { token: self.at, message: message.to_string() })
    }

    pub(super) fn unexpected<T>(&self) -> Read<T> {
        self.wrong(&match self.peek() {
            None => "syntax error, unexpected newline".to_string(),
            Some(token) if token.is("\n") => "syntax error, unexpected newline".to_string(),
            Some(token) if token.is(";") => "syntax error, unexpected semicolon".to_string(),
            Some(token) if token.is_quoted => "syntax error, unexpected quoted string".to_string(),
            Some(Token { text, .. }) if text.parse::<u64>().is_ok() => {
                "syntax error, unexpected number".to_string()
            }
            Some(Token { text, .. }) if text.len() == 1 => format!("syntax error, unexpected '{text}'"),
            Some(Token { text, .. }) if WORDS.contains(text) => format!("syntax error, unexpected {text}"),
            Some(_) => "syntax error, unexpected string".to_string(),
        })
    }

    pub(super) fn expect(&mut self, text: &str) -> Read<()> {
        if self.accept(text) { Ok(()) } else { self.unexpected() }
    }

    /// Takes a word that stands for something: a name or a value.
    pub(super) fn word(&mut self) -> Read<&'a str> {
        match self.peek() {
            Some(token) if token.is_quoted || !token.is_end() && !"{},:".contains(token.text) => {
                self.at += 1;
                Ok(token.text)
            }
            _ => self.unexpected(),
        }
    }

    /// Takes a name.
    pub(super) fn name(&mut self) -> Read<&'a str> {
        self.word().map_err(|wrong| Wrong { message: wrong.message + ", expecting string", ..wrong })
    }

    pub(super) fn number(&mut self) -> Read<u32> {
        match self.peek().and_then(|token| hexadecimal(token.text)) {
            Some(number) => {
                self.at += 1;
                Ok(number)
            }
            None => self.unexpected(),
        }
    }

    pub(super) fn quoted(&mut self) -> Read<Rc<str>> {
        self.word().map(Rc::from)
    }

    /// Reads what is left of a command as the statements of a rule and its comment.
    pub(super) fn rule(&mut self) -> Read<(Vec<Statement>, Option<Rc<str>>)> {
        let (mut statements, mut comment) = (Vec::new(), None);
        while !self.is_at_end() && !self.is_next("}") {
            if comment.is_some() || statements.len() >= STATEMENTS {
                return self.unexpected();
            }
            if self.accept("comment") {
                comment = Some(self.quoted()?);
                continue;
            }
            if let Some(Statement::Outcome(_) | Statement::Vmap { .. }) = statements.last() {
                return self.wrong("Statement after terminal statement has no effect");
            }
            let statement = self.statement()?;
            statements.push(statement);
        }
        if statements.is_empty() { self.unexpected() } else { Ok((statements, comment)) }
    }

    fn statement(&mut self) -> Read<Statement> {
        let Some(token) = self.peek() else { return self.unexpected() };
        if token.is_quoted {
            return self.unexpected();
        }
        match token.text {
            "counter" => {
                self.at += 1;
                if self.accept("packets") {
                    self.number()?;
                    self.expect("bytes")?;
                    self.number()?;
                }
                Ok(Statement::Counter)
            }
            "log" => {
                self.at += 1;
                let prefix = if self.accept("prefix") { self.quoted()? } else { "".into() };
                Ok(Statement::Log(prefix))
            }
            "update" | "add" => self.remember(),
            "ct" => {
                self.at += 1;
                self.expect("state")?;
                self.states()
            }
            "iifname" | "oifname" | "iif" | "oif" => self.interface(),
            "meta"
                if self.tokens.get(self.at as usize + 1).is_some_and(|next| next.text.contains("ifname")) =>
            {
                self.at += 1;
                self.interface()
            }
            text if is_outcome(text) => Ok(Statement::Outcome(Rc::new(self.outcome()?))),
            _ => self.compared(),
        }
    }

    /// Reads where something leads.
    pub(super) fn outcome(&mut self) -> Read<Outcome> {
        let word = self.word()?;
        Ok(match word {
            "accept" => Outcome::Accept,
            "drop" => Outcome::Drop,
            "return" => Outcome::Return,
            "continue" => Outcome::Continue,
            "jump" => Outcome::Jump(ChainName::new(self.word()?)),
            "goto" => Outcome::Goto(ChainName::new(self.word()?)),
            "reject" => self.reject()?,
            "dnat" | "snat" => {
                let _ = self.accept("ip");
                let _ = self.accept("to");
                let to = self.socket()?;
                let _ = self.accept("fully-random") || self.accept("random");
                if word == "dnat" { Outcome::Dnat(to) } else { Outcome::Snat(to) }
            }
            "redirect" => {
                let mut port = 0;
                if self.accept("to") || self.peek().is_some_and(|token| token.text.starts_with(':')) {
                    let text = self.word()?;
                    port = match Type::Port.value(text.trim_start_matches(':')) {
                        Some(port) => port as u16,
                        None => return self.back().unexpected(),
                    };
                }
                Outcome::Redirect(port)
            }
            "masquerade" => {
                let random_fully = self.accept("fully-random");
                let _ = self.accept("random") || self.accept("persistent");
                Outcome::Masquerade { random_fully }
            }
            _ => return self.back().unexpected(),
        })
    }

    fn back(&mut self) -> &mut Self {
        self.at = self.at.saturating_sub(1);
        self
    }

    fn reject(&mut self) -> Read<Outcome> {
        if !self.accept("with") {
            return Ok(Outcome::Reject(RejectWith::PortUnreachable));
        }
        if self.accept("tcp") {
            self.expect("reset")?;
            return Ok(Outcome::Reject(RejectWith::TcpReset));
        }
        let _ = self.accept("icmpx") || self.accept("icmp");
        let _ = self.accept("type");
        let text = self.word()?;
        let name = format!("icmp-{text}");
        let known = RejectWith::ALL.iter().find(|(_, known)| *known == name);
        match known {
            Some((with, _)) => Ok(Outcome::Reject(*with)),
            None => self.back().unexpected(),
        }
    }

    fn socket(&mut self) -> Read<Socket> {
        let text = self.word()?;
        let (address, port) = text.split_once(':').unwrap_or((text, ""));
        let port = if port.is_empty() { Some(0) } else { Type::Port.value(port) };
        match (address.parse::<Ipv4Addr>(), port) {
            (Ok(address), Some(port)) => Ok(Socket::new(address, port as u16)),
            _ => self.back().unexpected(),
        }
    }

    fn remember(&mut self) -> Read<Statement> {
        let word = if self.word()? == "add" { "add" } else { "update" };
        let name = self.word()?;
        let Some(set) = name.strip_prefix('@') else { return self.back().unexpected() };
        self.expect("{")?;
        let fields = self.fields()?;
        let timeout = if self.accept("timeout") { Some(self.time()?) } else { None };
        self.expect("}")?;
        Ok(Statement::Remember { word, set: set.into(), fields, timeout })
    }

    pub(super) fn time(&mut self) -> Read<u32> {
        let text = self.word()?;
        match time(text) {
            Some(seconds) => Ok(seconds),
            None => self.back().unexpected(),
        }
    }

    fn negated(&mut self) -> bool {
        let negated = self.accept("!=");
        let _ = !negated && self.accept("==");
        negated
    }

    /// Reads words between braces, or with commas between them, or one alone.
    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let has_braces = self.accept("{");
        let mut list = vec![one(self)?];
        while self.accept(",") {
            if has_braces && self.is_next("}") {
                break;
            }
            if list.len() >= VALUES {
                return self.unexpected();
            }
            list.push(one(self)?);
        }
        if has_braces {
            self.expect("}")?;
        }
        Ok(list)
    }

    fn states(&mut self) -> Read<Statement> {
        let negated = self.negated();
        let bits = self.list(|reader| {
            let text = reader.word()?;
            let known = STATES.iter().find(|(_, name)| *name == text);
            known.map_or_else(|| reader.back().unexpected(), |(bit, _)| Ok(*bit))
        })?;
        Ok(Statement::State { negated, states: bits.into_iter().fold(0, |all, bit| all | bit) })
    }

    fn interface(&mut self) -> Read<Statement> {
        let is_in = self.word()?.starts_with('i');
        let negated = self.negated();
        let names = self.list(|reader| reader.quoted())?;
        Ok(Statement::Interface { is_in, negated, names })
    }

    fn fields(&mut self) -> Read<Vec<Field>> {
        let mut fields = vec![self.field()?];
        while self.accept(".") {
            if fields.len() >= super::set::PARTS {
                return self.unexpected();
            }
            fields.push(self.field()?);
        }
        Ok(fields)
    }

    fn half(&mut self, names: [&str; 2]) -> Read<Half> {
        for (name, half) in names.into_iter().zip([Half::Source, Half::Destination]) {
            if self.accept(name) {
                return Ok(half);
            }
        }
        self.unexpected()
    }

    fn field(&mut self) -> Read<Field> {
        let word = self.word()?;
        match word {
            "ip" if self.accept("protocol") => Ok(Field::Protocol { is_meta: false }),
            "ip" => Ok(Field::Address(self.half(["saddr", "daddr"])?)),
            "meta" if self.accept("l4proto") => Ok(Field::Protocol { is_meta: true }),
            "meta" => self.expect("mark").map(|()| Field::Mark),
            "mark" => Ok(Field::Mark),
            "l4proto" => Ok(Field::Protocol { is_meta: true }),
            "th" => Ok(Field::Port { of: None, half: self.half(["sport", "dport"])? }),
            "tcp" | "udp" | "sctp" => {
                Ok(Field::Port { of: Protocol::parse(word), half: self.half(["sport", "dport"])? })
            }
            "fib" => {
                let half = self.half(["saddr", "daddr"])?;
                self.expect("type").map(|()| Field::AddressType(half))
            }
            "numgen" => {
                self.expect("random")?;
                self.expect("mod")?;
                match self.number()? {
                    0 => self.back().unexpected(),
                    modulus => Ok(Field::Random(modulus)),
                }
            }
            word if WORDS.contains(&word) => self.back().unexpected(),
            // What is no word of the language may be a value, after which more is expected.
            _ => self.unexpected(),
        }
    }

    fn compared(&mut self) -> Read<Statement> {
        let fields = self.fields()?;
        if fields == [Field::Mark]
            && let Some(statement) = self.mark()?
        {
            return Ok(statement);
        }
        if self.accept("vmap") {
            return self.vmap(fields);
        }
        let negated = self.negated();
        if let Some(name) = self.peek().and_then(|token| token.text.strip_prefix('@')) {
            self.at += 1;
            return Ok(Statement::Match { fields, negated, against: Against::Set(name.into()) });
        }
        let [field] = fields.as_slice() else { return self.unexpected() };
        let kind = field.kind();
        let values = self.list(|reader| reader.range(kind))?;
        let is_list = values.len() > 1;
        Ok(Statement::Match { fields, negated, against: Against::Values(merged(values), is_list) })
    }

    pub(super) fn range(&mut self, kind: Type) -> Read<(u32, u32)> {
        let text = self.word()?;
        match kind.range(text) {
            Some(range) => Ok(range),
            None => {
                let known = ADDRESS_TYPES.iter().any(|(_, _, name)| *name == text);
                let message = match kind {
                    Type::Address if !known => {
                        "Could not resolve hostname: Temporary failure in name resolution"
                    }
                    Type::Protocol => "Could not resolve protocol name",
                    Type::Port if text.parse::<u64>().is_ok() => "Service out of range",
                    Type::Port => "Could not resolve service: Servname not supported for ai_socktype",
                    _ => return self.back().unexpected(),
                };
                self.back().wrong(message)
            }
        }
    }

    /// Reads what follows `meta mark`, where it is no plain comparison.
    fn mark(&mut self) -> Read<Option<Statement>> {
        if self.accept("set") {
            if self.accept("meta") || self.is_next("mark") {
                self.expect("mark")?;
                let change = match self.word()? {
                    "or" | "|" => Change::Or,
                    "and" | "&" => Change::And,
                    "xor" | "^" => Change::Xor,
                    _ => return self.back().unexpected(),
                };
                return Ok(Some(Statement::Mark(change, self.number()?)));
            }
            return Ok(Some(Statement::Mark(Change::Set, self.number()?)));
        }
        if self.accept("and") || self.accept("&") {
            let mask = self.number()?;
            let negated = self.negated();
            let value = self.number()?;
            return Ok(Some(Statement::Masked { mask, negated, value }));
        }
        Ok(None)
    }

    fn vmap(&mut self, fields: Vec<Field>) -> Read<Statement> {
        if let Some(name) = self.peek().and_then(|token| token.text.strip_prefix('@')) {
            self.at += 1;
            return Ok(Statement::Vmap { fields, map: Map::Named(name.into()) });
        }
        let [field] = fields.as_slice() else { return self.unexpected() };
        let kind = field.kind();
        if !self.is_next("{") {
            return self.unexpected();
        }
        let mut list = self.list(|reader| {
            let range = reader.range(kind)?;
            reader.expect(":")?;
            Ok((range, Rc::new(reader.outcome()?)))
        })?;
        list.sort_by_key(|(range, _)| *range);
        if list.windows(2).any(|pair| matches!(pair, [a, b] if a.0.1 >= b.0.0)) {
            return self.back().wrong("conflicting intervals specified");
        }
        Ok(Statement::Vmap { fields, map: Map::Inline(list) })
    }

    /// Reads the key of an element, whose parts are of these types.
    pub(super) fn key(&mut self, types: &[Type]) -> Read<(super::set::Key, u32)> {
        let (mut key, mut last) = ([0; super::set::PARTS], 0);
        for (place, (part, kind)) in key.iter_mut().zip(types).enumerate() {
            if place > 0 {
                self.expect(".")?;
            }
            let range = self.range(*kind)?;
            *part = range.0;
            if place == 0 {
                last = range.1;
            } else if range.0 != range.1 {
                return self.back().unexpected();
            }
        }
        Ok((key, last))
    }
}

/// Puts values in order. Where one is a range, what touches becomes one.
// Models nftables src/intervals.c set_automerge
fn merged(mut values: Vec<Range>) -> Vec<Range> {
    values.sort_unstable();
    values.dedup();
    if values.iter().all(|(first, last)| first == last) {
        return values;
    }
    let mut merged: Vec<Range> = Vec::new();
    for (first, last) in values {
        match merged.last_mut() {
            Some(before) if u64::from(first) <= u64::from(before.1) + 1 => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}

fn is_outcome(text: &str) -> bool {
    const OUTCOMES: [&str; 11] = [
        "accept",
        "drop",
        "return",
        "continue",
        "jump",
        "goto",
        "reject",
        "dnat",
        "snat",
        "redirect",
        "masquerade",
    ];
    OUTCOMES.contains(&text)
}

/// Returns whether this is a word of the language.
pub(super) fn is_known(word: &str) -> bool {
    WORDS.contains(&word)
}

/// Words of the language, which `nft` names where it didn't expect them.
const WORDS: [&str; 24] = [
    "add", "insert", "delete", "list", "flush", "table", "chain", "rule", "set", "map", "element", "ip",
    "inet", "tcp", "udp", "meta", "mark", "ct", "accept", "drop", "jump", "goto", "counter", "comment",
];
