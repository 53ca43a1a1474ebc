use super::rule::{ADDRESS_TYPES, Outcome, range_text};
use crate::{Cidr, Protocol};
use sim::{SECOND, Time};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many parts a key may have.
pub(super) const PARTS: usize = 4;
/// A key: its parts as numbers, zero where it has no more.
pub(super) type Key = [u32; PARTS];

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Type {
    Address,
    Protocol,
    Port,
    Mark,
    Locality,
    Number,
}

impl Type {
    /// Those that a set may be of, with their names.
    const NAMED: [(Type, &str); 4] = [
        (Type::Address, "ipv4_addr"),
        (Type::Protocol, "inet_proto"),
        (Type::Port, "inet_service"),
        (Type::Mark, "mark"),
    ];

    pub(super) fn parse(text: &str) -> Option<Type> {
        Self::NAMED.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind)
    }

    /// Reads a value, a network or a range.
    pub(super) fn range(self, text: &str) -> Option<(u32, u32)> {
        if self == Type::Address && text.contains('/') {
            let network = Cidr::parse(text)?;
            return Some((network.address().into(), network.last().into()));
        }
        if let Some((first, last)) = text.split_once('-')
            && let (Some(first), Some(last)) = (self.value(first), self.value(last))
        {
            return (first <= last).then_some((first, last));
        }
        self.value(text).map(|value| (value, value))
    }

    pub(super) fn value(self, text: &str) -> Option<u32> {
        match self {
            Type::Address => text.parse::<Ipv4Addr>().ok().map(u32::from),
            Type::Protocol => Protocol::parse(text).map(|protocol| u32::from(protocol.number())),
            Type::Port => port(text).map(u32::from),
            Type::Locality => {
                ADDRESS_TYPES.iter().find(|(_, _, name)| *name == text).map(|(_, number, _)| *number)
            }
            Type::Mark | Type::Number => hexadecimal(text),
        }
    }

    pub(super) fn text(self, value: u32) -> String {
        match self {
            Type::Address => Ipv4Addr::from(value).to_string(),
            Type::Protocol => {
                let protocol = Protocol::parse(&value.to_string());
                protocol.map_or_else(|| value.to_string(), |protocol| protocol.name().to_string())
            }
            Type::Locality => {
                let known = ADDRESS_TYPES.iter().find(|(_, number, _)| *number == value);
                known.map_or("", |(_, _, name)| name).to_string()
            }
            Type::Mark => format!("{value:#010x}"),
            Type::Port | Type::Number => value.to_string(),
        }
    }

    /// How many elements are printed in a line.
    // Models nftables src/expression.c calculate_delim
    fn in_a_line(self) -> usize {
        match self {
            Type::Address => 2,
            _ => 5,
        }
    }

    /// Returns a part of a key as elements with several parts are ordered: as a number whose first byte in
    /// memory counts least.
    // Models nftables src/mergesort.c concat_expr_msort_value
    fn place(self, value: u32) -> u32 {
        match self {
            Type::Address => value.swap_bytes(),
            Type::Port => u32::from((value as u16).swap_bytes()),
            _ => value,
        }
    }
}

/// Names that may stand for a port.
const SERVICES: [(&str, u16); 8] = [
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("domain", 53),
    ("http", 80),
    ("https", 443),
    ("mysql", 3306),
];

fn port(text: &str) -> Option<u16> {
    let named = SERVICES.iter().find(|(name, _)| *name == text).map(|(_, port)| *port);
    named.or_else(|| text.parse().ok())
}

/// Reads a number, hexadecimal or not.
pub(super) fn hexadecimal(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// What belongs to a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Element {
    /// The last value of the first part, where a set holds ranges; else the first.
    pub(super) last: u32,
    /// Where a map leads.
    pub(super) outcome: Option<Rc<Outcome>>,
    pub(super) comment: Option<Rc<str>>,
    /// How long it was to stay, where it isn't as long as the set says, in seconds.
    pub(super) timeout: Option<u32>,
    /// When it goes; `None` for never.
    pub(super) expires: Option<Time>,
}

/// A set, or a map from keys to where they lead.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Set {
    pub(super) handle: u64,
    pub(super) is_map: bool,
    pub(super) types: Vec<Type>,
    pub(super) comment: Option<Rc<str>>,
    pub(super) flags: Flags,
    /// How long elements stay that don't say it themselves, in seconds; 0 for ever.
    pub(super) timeout: u32,
    /// How many elements it may have; 0 where it doesn't say.
    pub(super) size: u32,
    pub(super) elements: BTreeMap<Key, Element>,
    /// How many rules look in it.
    pub(super) references: u32,
}

/// What a set can do besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Flags {
    pub(super) is_constant: bool,
    pub(super) has_intervals: bool,
    pub(super) is_dynamic: bool,
    pub(super) has_timeouts: bool,
}

impl Flags {
    fn text(self) -> String {
        let all = [
            (self.is_constant, "constant"),
            (self.has_intervals, "interval"),
            (self.is_dynamic, "dynamic"),
            (self.has_timeouts, "timeout"),
        ];
        all.iter().filter(|(is_set, _)| *is_set).map(|(_, name)| *name).collect::<Vec<_>>().join(",")
    }
}

impl Set {
    /// Returns how many elements it has, those included whose time is over.
    pub fn len(&self) -> u32 {
        self.elements.len() as u32
    }

    /// Returns whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Returns what belongs to a key at this moment.
    pub(super) fn find(&self, key: &Key, now: Time) -> Option<&Element> {
        let found = if self.flags.has_intervals {
            let (_, one) = self.elements.range(..=*key).next_back()?;
            Some(one).filter(|one| key[0] <= one.last)
        } else {
            self.elements.get(key)
        };
        found.filter(|one| one.expires.is_none_or(|at| at > now))
    }

    /// Puts in a key that a packet brought, or renews it. Returns whether there was room.
    pub(super) fn remember(&mut self, key: Key, timeout: Option<u32>, renews: bool, now: Time) -> bool {
        let seconds = timeout.unwrap_or(self.timeout);
        let expires = (seconds > 0).then(|| now + i64::from(seconds) * SECOND);
        if let Some(one) = self.elements.get_mut(&key) {
            let is_over = one.expires.is_some_and(|at| at <= now);
            if renews || is_over {
                one.expires = expires;
            }
            return true;
        }
        let most = if self.size == 0 { DYNAMIC } else { self.size };
        if self.len() >= most {
            self.reap(now);
        }
        let has_room = self.len() < most;
        if has_room {
            let one = Element { last: key[0], outcome: None, comment: None, timeout, expires };
            self.elements.insert(key, one);
        }
        has_room
    }

    /// Takes out what is over.
    pub(super) fn reap(&mut self, now: Time) {
        self.elements.retain(|_, one| one.expires.is_none_or(|at| at > now));
    }

    pub(super) fn type_text(&self) -> String {
        let name = |kind: &Type| Type::NAMED.iter().find(|(one, _)| one == kind).map_or("", |(_, name)| name);
        let names: Vec<&str> = self.types.iter().map(name).collect();
        names.join(" . ") + if self.is_map { " : verdict" } else { "" }
    }

    /// Writes what stands between a set's braces, each line after this margin.
    pub(super) fn write(&self, out: &mut String, margin: &str, now: Time) {
        let _ = writeln!(out, "{margin}type {}", self.type_text());
        if self.size > 0 {
            let _ = writeln!(out, "{margin}size {}", self.size);
        }
        if self.flags != Flags::default() {
            let _ = writeln!(out, "{margin}flags {}", self.flags.text());
        }
        if self.timeout > 0 {
            let _ = writeln!(out, "{margin}timeout {}", time_text(i64::from(self.timeout) * 1_000));
        }
        if let Some(comment) = &self.comment {
            let _ = writeln!(out, "{margin}comment \"{comment}\"");
        }
        let mut living: Vec<_> =
            self.elements.iter().filter(|(_, one)| one.expires.is_none_or(|at| at > now)).collect();
        if living.is_empty() {
            return;
        }
        if self.types.len() > 1 {
            living.sort_by_cached_key(|(key, _)| {
                let parts = self.types.iter().zip(*key).rev();
                parts.map(|(kind, value)| kind.place(*value)).collect::<Vec<_>>()
            });
        }
        let in_a_line = match self.types.as_slice() {
            [kind] if !self.is_map => kind.in_a_line(),
            _ => 1,
        };
        let _ = write!(out, "{margin}elements = {{ ");
        for (place, (key, one)) in living.into_iter().enumerate() {
            match place {
                0 => {}
                _ if place % in_a_line == 0 => {
                    let _ = write!(out, ",\n{margin}\t     ");
                }
                _ => out.push_str(", "),
            }
            self.write_element(out, key, one, now);
        }
        out.push_str(" }\n");
    }

    /// Returns each element as it is printed, with where it leads.
    pub(super) fn texts(&self, now: Time) -> Vec<(String, Option<Rc<Outcome>>)> {
        let living = self.elements.iter().filter(|(_, one)| one.expires.is_none_or(|at| at > now));
        let text = |(key, one): (&Key, &Element)| {
            let mut text = String::new();
            self.write_element(&mut text, key, one, now);
            (text, one.outcome.clone())
        };
        living.map(text).collect()
    }

    fn write_element(&self, out: &mut String, key: &Key, one: &Element, now: Time) {
        for (place, (kind, value)) in self.types.iter().zip(key).enumerate() {
            let last = if place == 0 { one.last } else { *value };
            let sign = if place == 0 { "" } else { " . " };
            let _ = write!(out, "{sign}{}", range_text(*kind, (*value, last)));
        }
        if let Some(seconds) = one.timeout {
            let _ = write!(out, " timeout {}", time_text(i64::from(seconds) * 1_000));
        }
        if let Some(at) = one.expires {
            let _ = write!(out, " expires {}", time_text((at - now) / sim::MILLISECOND));
        }
        if let Some(comment) = &one.comment {
            let _ = write!(out, " comment \"{comment}\"");
        }
        if let Some(outcome) = &one.outcome {
            let _ = write!(out, " : {}", outcome.text());
        }
    }
}

/// How many elements packets may put in a set that doesn't say it.
pub(super) const DYNAMIC: u32 = 65_535;

/// Returns a time as `nft` prints it: `2h59m59s944ms`.
pub(super) fn time_text(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let mut rest = ms;
    let mut text = String::new();
    for (size, unit) in units {
        if rest >= size {
            let _ = write!(text, "{}{unit}", rest / size);
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_string() } else { text }
}

/// Reads a time: `3h`, `10800s`, `1d2h`, or seconds.
pub(super) fn time(text: &str) -> Option<u32> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let (mut seconds, mut digits) = (0_u64, String::new());
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        let unit = match letter {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(digits.parse::<u64>().ok()?.checked_mul(unit)?)?;
        digits.clear();
    }
    u32::try_from(seconds).ok().filter(|_| digits.is_empty())
}
