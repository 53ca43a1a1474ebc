use super::set::Type;
use crate::Socket;
use crate::ipset::Half;
use crate::iptables::{AddressType, ChainName, Counter, RejectWith, state};
use crate::{Cidr, Protocol};
use std::fmt::Write;
use std::rc::Rc;

/// A part of a packet, or of what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Field {
    /// `ip saddr`, `ip daddr`
    Address(Half),
    /// `ip protocol`, or `meta l4proto` where it is said so
    Protocol { is_meta: bool },
    /// `tcp dport`; `th dport` of any protocol
    Port { of: Option<Protocol>, half: Half },
    /// `meta mark`
    Mark,
    /// `fib saddr type`
    AddressType(Half),
    /// `numgen random mod N`
    Random(u32),
}

fn end(half: Half) -> char {
    if half == Half::Source { 's' } else { 'd' }
}

impl Field {
    pub(super) fn text(self) -> String {
        match self {
            Field::Address(half) => format!("ip {}addr", end(half)),
            Field::Protocol { is_meta: true } => "meta l4proto".to_string(),
            Field::Protocol { is_meta: false } => "ip protocol".to_string(),
            Field::Port { of, half } => format!("{} {}port", of.map_or("th", Protocol::name), end(half)),
            Field::Mark => "meta mark".to_string(),
            Field::AddressType(half) => format!("fib {}addr type", end(half)),
            Field::Random(modulus) => format!("numgen random mod {modulus}"),
        }
    }

    pub(super) fn kind(self) -> Type {
        match self {
            Field::Address(_) => Type::Address,
            Field::Protocol { .. } => Type::Protocol,
            Field::Port { .. } => Type::Port,
            Field::Mark => Type::Mark,
            Field::AddressType(_) => Type::Locality,
            Field::Random(_) => Type::Number,
        }
    }
}

/// Returns the text of several fields that are compared at once: `meta l4proto . th dport`.
pub(super) fn joined(fields: &[Field]) -> String {
    fields.iter().map(|field| field.text()).collect::<Vec<_>>().join(" . ")
}

/// Values from the first to the last, both included.
pub(super) type Range = (u32, u32);

/// Returns a range of values as `nft` prints it.
pub(super) fn range_text(kind: Type, (first, last): Range) -> String {
    if first == last {
        return kind.text(first);
    }
    let size = last.wrapping_sub(first).wrapping_add(1);
    if kind == Type::Address && (size == 0 || size.is_power_of_two()) && first & size.wrapping_sub(1) == 0 {
        let prefix = 32 - if size == 0 { 32 } else { size.trailing_zeros() as u8 };
        return Cidr::new(first.into(), prefix).to_string();
    }
    format!("{}-{}", kind.text(first), kind.text(last))
}

/// What fields are compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Against {
    /// Values of one field, in order, and whether they were given as a list.
    Values(Vec<Range>, bool),
    /// `@NAME`
    Set(Rc<str>),
}

/// What a `vmap` looks in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Map {
    Inline(Vec<(Range, Rc<Outcome>)>),
    Named(Rc<str>),
}

/// How a mark is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Change {
    Set,
    And,
    Or,
    Xor,
}

/// One part of a rule; they are done in order until one doesn't match.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Statement {
    Match {
        fields: Vec<Field>,
        negated: bool,
        against: Against,
    },
    /// `meta mark & MASK == VALUE`
    Masked {
        mask: u32,
        negated: bool,
        value: u32,
    },
    /// `ct state`: bits of [`state`].
    State {
        negated: bool,
        states: u8,
    },
    /// `iifname`, `oifname`; a `*` at an end stands for any ending.
    Interface {
        is_in: bool,
        negated: bool,
        names: Vec<Rc<str>>,
    },
    Vmap {
        fields: Vec<Field>,
        map: Map,
    },
    Counter,
    Mark(Change, u32),
    /// `update @SET { FIELD }`, `add @SET { FIELD timeout 60s }`
    Remember {
        word: &'static str,
        set: Rc<str>,
        fields: Vec<Field>,
        timeout: Option<u32>,
    },
    Log(Rc<str>),
    Outcome(Rc<Outcome>),
}

/// Where a rule or an element of a map leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Ends this base chain; the packet goes on.
    Accept,
    /// Throws it away.
    Drop,
    /// Goes back to the calling chain.
    Return,
    /// Goes on with the next rule.
    Continue,
    /// Goes on in another chain, and comes back at its end.
    Jump(ChainName),
    /// Goes on in another chain, whose end is this one's end.
    Goto(ChainName),
    /// Refuses it.
    Reject(RejectWith),
    /// Changes the destination; port 0 keeps the port.
    Dnat(Socket),
    /// Changes the destination to the machine itself.
    Redirect(u16),
    /// Changes the source; port 0 lets the kernel choose.
    Snat(Socket),
    /// Changes the source to the address of the interface it leaves by.
    Masquerade {
        /// Whether the port is drawn (`fully-random`).
        random_fully: bool,
    },
}

impl Outcome {
    /// Returns the chain where it leads.
    pub fn chain(&self) -> Option<&ChainName> {
        match self {
            Outcome::Jump(chain) | Outcome::Goto(chain) => Some(chain),
            _ => None,
        }
    }

    /// Returns what it does, as a key for the page's words: those of iptables' targets.
    pub(crate) fn did(&self) -> &'static str {
        match self {
            Outcome::Accept => "accept",
            Outcome::Drop => "drop",
            Outcome::Return => "return",
            Outcome::Continue => "counts",
            Outcome::Jump(_) => "jump",
            Outcome::Goto(_) => "goto",
            Outcome::Reject(_) => "reject",
            Outcome::Dnat(_) | Outcome::Redirect(_) => "dnat",
            Outcome::Snat(_) => "snat",
            Outcome::Masquerade { .. } => "masquerade",
        }
    }

    pub(super) fn text(&self) -> String {
        let socket = |to: &Socket| match to.port {
            0 => to.address.to_string(),
            _ => to.to_string(),
        };
        match self {
            Outcome::Jump(chain) => format!("jump {}", chain.as_str()),
            Outcome::Goto(chain) => format!("goto {}", chain.as_str()),
            Outcome::Reject(RejectWith::PortUnreachable) => "reject".to_string(),
            Outcome::Reject(RejectWith::TcpReset) => "reject with tcp reset".to_string(),
            Outcome::Reject(with) => format!("reject with icmp {}", with.name().trim_start_matches("icmp-")),
            Outcome::Dnat(to) => format!("dnat to {}", socket(to)),
            Outcome::Snat(to) => format!("snat to {}", socket(to)),
            Outcome::Redirect(0) => "redirect".to_string(),
            Outcome::Redirect(port) => format!("redirect to :{port}"),
            Outcome::Masquerade { random_fully: true } => "masquerade fully-random".to_string(),
            Outcome::Continue => "continue".to_string(),
            other => other.did().to_string(),
        }
    }
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(super) handle: u64,
    pub(super) statements: Vec<Statement>,
    pub(super) comment: Option<Rc<str>>,
}

impl Rule {
    /// Returns the comment; empty where there is none.
    pub fn comment(&self) -> &str {
        self.comment.as_deref().unwrap_or("")
    }

    /// Returns where it leads, if it says so itself and no map does.
    pub fn outcome(&self) -> Option<&Rc<Outcome>> {
        self.statements.iter().find_map(|one| match one {
            Statement::Outcome(outcome) => Some(outcome),
            _ => None,
        })
    }

    /// Returns whether it counts packets.
    pub fn counts(&self) -> bool {
        self.statements.contains(&Statement::Counter)
    }

    /// Returns what it does, as a key for the page's words, where it leads nowhere.
    pub(crate) fn did(&self) -> &'static str {
        let mark = self.statements.iter().find_map(|one| match one {
            Statement::Mark(change, _) => Some(*change),
            _ => None,
        });
        match mark {
            None => "counts",
            Some(Change::Set | Change::Or) => "mark",
            Some(Change::And | Change::Xor) => "unmark",
        }
    }

    /// Returns all places where it may lead, those of its own map included.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = &Rc<Outcome>> {
        let inline = self.statements.iter().filter_map(|one| match one {
            Statement::Vmap { map: Map::Inline(list), .. } => Some(list),
            _ => None,
        });
        inline.flatten().map(|(_, outcome)| outcome).chain(self.outcome())
    }

    /// Returns the sets that it looks in.
    pub(super) fn sets(&self) -> impl Iterator<Item = &Rc<str>> {
        self.statements.iter().filter_map(|one| match one {
            Statement::Match { against: Against::Set(set), .. }
            | Statement::Vmap { map: Map::Named(set), .. }
            | Statement::Remember { set, .. } => Some(set),
            _ => None,
        })
    }

    /// Returns the rule as `nft list` prints it, with what it counted where that is wanted.
    pub fn text(&self, counter: Option<Counter>) -> String {
        let mut parts: Vec<String> = self.statements.iter().map(|one| one.text(counter)).collect();
        if let Some(comment) = &self.comment {
            parts.push(format!("comment \"{comment}\""));
        }
        parts.join(" ")
    }
}

impl Statement {
    /// Returns whether it has a set of its own.
    pub(super) fn has_braces(&self) -> bool {
        match self {
            Statement::Match { against: Against::Values(_, is_list), .. } => *is_list,
            Statement::Vmap { map: Map::Inline(_), .. } => true,
            Statement::Interface { names, .. } => names.len() > 1,
            _ => false,
        }
    }

    fn text(&self, counter: Option<Counter>) -> String {
        let not = |negated: bool| if negated { "!= " } else { "" };
        match self {
            Statement::Match { fields, negated, against } => {
                let kind = fields.first().map_or(Type::Number, |field| field.kind());
                format!("{} {}{}", joined(fields), not(*negated), against_text(kind, against))
            }
            Statement::Masked { mask, negated, value } => {
                let sign = if *negated { "!=" } else { "==" };
                format!("meta mark & {mask:#010x} {sign} {value:#010x}")
            }
            Statement::State { negated, states } => {
                format!("ct state {}{}", not(*negated), states_text(*states))
            }
            Statement::Interface { is_in, negated, names } => {
                let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
                let word = if *is_in { "iifname" } else { "oifname" };
                let list = quoted.join(", ");
                let list = if names.len() > 1 { format!("{{ {list} }}") } else { list };
                format!("{word} {}{list}", not(*negated))
            }
            Statement::Vmap { fields, map: Map::Named(name) } => format!("{} vmap @{name}", joined(fields)),
            Statement::Vmap { fields, map: Map::Inline(list) } => {
                let kind = fields.first().map_or(Type::Number, |field| field.kind());
                let mut text = format!("{} vmap {{ ", joined(fields));
                for (place, (range, outcome)) in list.iter().enumerate() {
                    let sign = if place == 0 { "" } else { ", " };
                    let _ = write!(text, "{sign}{} : {}", range_text(kind, *range), outcome.text());
                }
                text + " }"
            }
            Statement::Counter => match counter {
                Some(Counter { packets, bytes }) => format!("counter packets {packets} bytes {bytes}"),
                None => "counter".to_string(),
            },
            Statement::Mark(change, value) => match change {
                Change::Set => format!("meta mark set {value:#010x}"),
                Change::And => format!("meta mark set meta mark & {value:#010x}"),
                Change::Or => format!("meta mark set meta mark | {value:#010x}"),
                Change::Xor => format!("meta mark set meta mark ^ {value:#010x}"),
            },
            Statement::Remember { word, set, fields, timeout } => {
                let timeout = timeout.map_or(String::new(), |seconds| {
                    format!(" timeout {}", super::set::time_text(i64::from(seconds) * 1_000))
                });
                format!("{word} @{set} {{ {}{timeout} }}", joined(fields))
            }
            Statement::Log(prefix) if prefix.is_empty() => "log".to_string(),
            Statement::Log(prefix) => format!("log prefix \"{prefix}\""),
            Statement::Outcome(outcome) => outcome.text(),
        }
    }
}

fn against_text(kind: Type, against: &Against) -> String {
    match against {
        Against::Set(name) => format!("@{name}"),
        Against::Values(list, is_list) => {
            let texts: Vec<String> = list.iter().map(|range| range_text(kind, *range)).collect();
            let text = texts.join(", ");
            if *is_list { format!("{{ {text} }}") } else { text }
        }
    }
}

/// The states in the order in which `nft` prints them.
pub(super) const STATES: [(u8, &str); 5] = [
    (state::INVALID, "invalid"),
    (state::ESTABLISHED, "established"),
    (state::RELATED, "related"),
    (state::NEW, "new"),
    (state::UNTRACKED, "untracked"),
];

fn states_text(states: u8) -> String {
    let named = STATES.iter().filter(|(bit, _)| states & bit != 0);
    named.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

/// The kinds of addresses that `fib` tells, by number.
pub(super) const ADDRESS_TYPES: [(AddressType, u32, &str); 4] = [
    (AddressType::Unicast, 1, "unicast"),
    (AddressType::Local, 2, "local"),
    (AddressType::Broadcast, 3, "broadcast"),
    (AddressType::Multicast, 5, "multicast"),
];

/// A chain's rules. A packet's way holds them as they were.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(super) chain: ChainName,
    pub(super) rules: Vec<Rule>,
}

impl Rules {
    /// Returns the chain's name.
    pub fn chain(&self) -> &ChainName {
        &self.chain
    }

    /// Returns how many rules there are.
    pub fn count(&self) -> u32 {
        self.rules.len() as u32
    }

    /// Returns a rule by its place, counted from 0.
    pub fn get(&self, rule: u32) -> Option<&Rule> {
        self.rules.get(rule as usize)
    }
}
