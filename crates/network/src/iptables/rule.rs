use crate::ipset::Half;
use crate::{Cidr, Protocol};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The states that `--ctstate` names, as bits in the order in which iptables prints them.
pub mod state {
    /// Belongs to no known connection and opens none.
    pub const INVALID: u8 = 1;
    /// Opens a connection.
    pub const NEW: u8 = 2;
    /// Belongs to a helper's or an error's connection.
    pub const RELATED: u8 = 4;
    /// Belongs to a connection that saw packets both ways.
    pub const ESTABLISHED: u8 = 8;
    /// Isn't tracked.
    pub const UNTRACKED: u8 = 16;
    /// The connection's source is translated.
    pub const SNAT: u8 = 32;
    /// The connection's destination is translated.
    pub const DNAT: u8 = 64;

    /// The names, in the order of their bits.
    pub const NAMES: [&str; 7] = ["INVALID", "NEW", "RELATED", "ESTABLISHED", "UNTRACKED", "SNAT", "DNAT"];
}

/// A value that must hold or, with `!` before it, must not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition<T> {
    /// Whether a `!` stood before it.
    pub negated: bool,
    /// The value.
    pub value: T,
}

impl<T> Condition<T> {
    /// Returns whether it is met, given whether the value holds.
    pub fn is_met(&self, holds: bool) -> bool {
        holds != self.negated
    }
}

/// A chain's name. It compares by a hash first, because names share long prefixes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainName {
    hash: u64,
    text: Rc<str>,
}

impl ChainName {
    /// Makes the name with this text.
    pub fn new(text: &str) -> ChainName {
        ChainName { hash: fnv(text.as_bytes(), FNV_SEED), text: text.into() }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns one of 64 bits, which names share by chance only.
    pub(super) fn bit(&self) -> u64 {
        1 << (self.hash >> 58)
    }
}

/// Where [`fnv`] starts.
pub(crate) const FNV_SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// Hashes bytes, going on from an earlier hash.
pub(crate) fn fnv(bytes: &[u8], seed: u64) -> u64 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What kind of address `-m addrtype` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressType {
    /// One of the machine's own.
    Local,
    /// Any that is somebody's.
    Unicast,
    /// Everybody's.
    Broadcast,
    /// A group's.
    Multicast,
}

/// What `-m recent` does with its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecentMode {
    /// Adds the source or renews it; matches always.
    Set,
    /// Matches where the source is in the list.
    Check,
    /// Like Check, and renews it.
    Update,
    /// Matches where the source is in the list, and takes it out.
    Remove,
}

/// `-m recent`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recent {
    /// What it does, maybe negated.
    pub mode: Condition<RecentMode>,
    /// How old an entry may be, in seconds; 0 for any age.
    pub seconds: u32,
    /// Whether older entries are taken out on the way.
    pub reap: bool,
    /// The list's name.
    pub name: Rc<str>,
}

/// A range of ports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl Ports {
    /// Returns whether the range has this port.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

/// Which of a packet's ports `-m multiport` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sides {
    /// `--sports`
    Source,
    /// `--dports`
    Destination,
    /// `--ports`: either.
    Either,
}

/// One `-m` of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Match {
    /// `-m comment`: matches always.
    Comment(Rc<str>),
    /// `-m tcp`, `-m udp`, `-m sctp`.
    Ports {
        /// The protocol, which `-p` names too.
        protocol: Protocol,
        /// `--sport`.
        source: Option<Condition<Ports>>,
        /// `--dport`.
        destination: Option<Condition<Ports>>,
    },
    /// `-m multiport`: up to 15 ports or ranges.
    MultiPort(Condition<(Sides, Vec<Ports>)>),
    /// `-m mark`: value and mask.
    Mark(Condition<(u32, u32)>),
    /// `-m conntrack --ctstate`: bits of [`state`].
    Conntrack(Condition<u8>),
    /// `-m addrtype`.
    AddressType {
        /// `--src-type`.
        source: Option<Condition<AddressType>>,
        /// `--dst-type`.
        destination: Option<Condition<AddressType>>,
    },
    /// `-m statistic --mode random`: the probability in parts of 2^31, as the kernel keeps it.
    Random(Condition<u32>),
    /// `-m recent`.
    Recent(Recent),
    /// `-m set --match-set`: a set, and with which half of a packet each part of an entry is compared.
    Set(Condition<(ChainName, Vec<Half>)>),
    /// `-m ipvs`: sent on by a virtual server.
    Virtual {
        /// `--vproto`
        protocol: Option<Condition<Protocol>>,
        /// `--vaddr`
        server: Option<Condition<Cidr>>,
        /// `--vport`
        port: Option<Condition<u16>>,
    },
    /// `-m physdev --physdev-is-in`: it came in by a port of the bridge, so that a pod sent it.
    BridgePort(Condition<()>),
    /// `-m nfacct`: counts in a named counter, and matches always.
    Accounting(Rc<str>),
}

/// How REJECT answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectWith {
    /// `icmp-port-unreachable`
    PortUnreachable,
    /// `icmp-host-unreachable`
    HostUnreachable,
    /// `icmp-net-unreachable`
    NetUnreachable,
    /// `icmp-admin-prohibited`
    AdminProhibited,
    /// `tcp-reset`
    TcpReset,
}

impl RejectWith {
    /// All, with their names.
    pub const ALL: [(RejectWith, &str); 5] = [
        (RejectWith::PortUnreachable, "icmp-port-unreachable"),
        (RejectWith::HostUnreachable, "icmp-host-unreachable"),
        (RejectWith::NetUnreachable, "icmp-net-unreachable"),
        (RejectWith::AdminProhibited, "icmp-admin-prohibited"),
        (RejectWith::TcpReset, "tcp-reset"),
    ];

    /// Returns the name that `--reject-with` takes.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(with, _)| *with == self).map_or("", |(_, name)| name)
    }
}

/// What a rule does with a packet that matches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// Nothing but counting.
    None,
    /// Lets it pass this table.
    Accept,
    /// Throws it away.
    Drop,
    /// Goes back to the calling chain.
    Return,
    /// Refuses it.
    Reject(RejectWith),
    /// Changes the mark to `(mark & !mask) ^ value`.
    Mark {
        /// The bits to be flipped.
        value: u32,
        /// The bits to be cleared first.
        mask: u32,
    },
    /// Changes the destination.
    Dnat {
        /// The new address.
        address: Ipv4Addr,
        /// The new port; 0 keeps it.
        port: u16,
    },
    /// Changes the source.
    Snat {
        /// The new address.
        address: Ipv4Addr,
        /// The new port; 0 lets the kernel choose.
        port: u16,
    },
    /// Changes the source to the address of the interface it leaves by.
    Masquerade {
        /// Whether the port is drawn (`--random-fully`).
        random_fully: bool,
    },
    /// Goes on in another chain, and comes back at its end.
    Jump(ChainName),
    /// Goes on in another chain, whose end is this one's end.
    Goto(ChainName),
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// `-s`
    pub source: Option<Condition<Cidr>>,
    /// `-d`
    pub destination: Option<Condition<Cidr>>,
    /// `-i`; a `+` at its end stands for any ending.
    pub in_interface: Option<Condition<Rc<str>>>,
    /// `-o`
    pub out_interface: Option<Condition<Rc<str>>>,
    /// `-p`
    pub protocol: Option<Condition<Protocol>>,
    /// The matches, in the order in which they were given.
    pub matches: Vec<Match>,
    /// `-j` or `-g`
    pub target: Target,
}

impl Rule {
    /// Makes the rule that matches everything and does nothing.
    pub fn new() -> Rule {
        Rule {
            source: None,
            destination: None,
            in_interface: None,
            out_interface: None,
            protocol: None,
            matches: Vec::new(),
            target: Target::None,
        }
    }

    /// Returns the comment; empty where there is none.
    pub fn comment(&self) -> &str {
        let comment = self.matches.iter().find_map(|one| match one {
            Match::Comment(text) => Some(text.as_ref()),
            _ => None,
        });
        comment.unwrap_or("")
    }

    /// Returns the probability in parts of 2^31, where the rule is taken by chance.
    pub fn probability(&self) -> Option<u32> {
        self.matches.iter().find_map(|one| match one {
            Match::Random(probability) => Some(probability.value),
            _ => None,
        })
    }

    /// Returns the sets that the rule asks for.
    pub fn sets(&self) -> impl Iterator<Item = &ChainName> {
        self.matches.iter().filter_map(|one| match one {
            Match::Set(set) => Some(&set.value.0),
            _ => None,
        })
    }

    /// Returns the chain that the rule leads to.
    pub fn chain(&self) -> Option<&ChainName> {
        match &self.target {
            Target::Jump(chain) | Target::Goto(chain) => Some(chain),
            _ => None,
        }
    }
}

impl Default for Rule {
    fn default() -> Rule {
        Rule::new()
    }
}
