//! What sets are made of, as text and as keys.

use crate::{Cidr, Protocol};
use std::fmt::Write;
use std::net::Ipv4Addr;

/// How many entries one range may stand for.
const RANGE: u32 = 65_536;

/// A part of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Ip,
    Net,
    /// A protocol and a port.
    Port,
    /// A port of any protocol.
    PortAlone,
    SecondIp,
    SecondNet,
}

/// What a set's entries are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `hash:ip`
    HashIp,
    /// `hash:net`
    HashNet,
    /// `hash:ip,port`
    HashIpPort,
    /// `hash:net,port`
    HashNetPort,
    /// `hash:ip,port,ip`
    HashIpPortIp,
    /// `hash:ip,port,net`
    HashIpPortNet,
    /// `hash:net,net`
    HashNetNet,
    /// `bitmap:port`
    BitmapPort,
}

use Dimension as D;

impl Kind {
    /// All, with their names, the revisions that a kernel of v6.6 has, and their parts.
    const ALL: [(Kind, &'static str, u8, &'static [Dimension]); 8] = [
        (Kind::HashIp, "hash:ip", 6, &[D::Ip]),
        (Kind::HashNet, "hash:net", 7, &[D::Net]),
        (Kind::HashIpPort, "hash:ip,port", 7, &[D::Ip, D::Port]),
        (Kind::HashNetPort, "hash:net,port", 8, &[D::Net, D::Port]),
        (Kind::HashIpPortIp, "hash:ip,port,ip", 6, &[D::Ip, D::Port, D::SecondIp]),
        (Kind::HashIpPortNet, "hash:ip,port,net", 8, &[D::Ip, D::Port, D::SecondNet]),
        (Kind::HashNetNet, "hash:net,net", 4, &[D::Net, D::SecondNet]),
        (Kind::BitmapPort, "bitmap:port", 3, &[D::PortAlone]),
    ];

    fn row(self) -> &'static (Kind, &'static str, u8, &'static [Dimension]) {
        Self::ALL.iter().find(|(kind, ..)| *kind == self).unwrap_or(&Self::ALL[0])
    }

    /// Returns the name: `hash:ip,port`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Kind> {
        Self::ALL.iter().find(|(_, name, ..)| *name == text).map(|(kind, ..)| *kind)
    }

    pub(super) fn revision(self) -> u8 {
        self.row().2
    }

    pub(super) fn dimensions(self) -> &'static [Dimension] {
        self.row().3
    }
}

/// An entry: two networks, of which the second may be unused, and a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    address: u32,
    prefix: u8,
    protocol: u8,
    pub(super) port: u16,
    second: u32,
    second_prefix: u8,
}

impl Key {
    pub(super) fn set_address(&mut self, address: Ipv4Addr, prefix: u8, which: u8) {
        let network = Cidr::new(address, prefix);
        let number = u32::from(network.address());
        if which == 0 {
            (self.address, self.prefix) = (number, prefix);
        } else {
            (self.second, self.second_prefix) = (number, prefix);
        }
    }

    pub(super) fn set_port(&mut self, protocol: Protocol, port: u16) {
        (self.protocol, self.port) = (protocol.number(), port);
    }

    pub(super) fn prefixes(&self) -> [u8; 2] {
        [self.prefix, self.second_prefix]
    }

    /// Returns the key of the networks of so many bits around this one's.
    pub(super) fn widened(self, prefix: u8, second_prefix: u8) -> Key {
        let mut key = self;
        key.set_address(self.address.into(), prefix, 0);
        key.set_address(self.second.into(), second_prefix, 1);
        key
    }

    /// Returns the entry as `ipset list` prints it.
    pub(super) fn text(&self, kind: Kind) -> String {
        let mut out = String::new();
        for dimension in kind.dimensions() {
            if !out.is_empty() {
                out.push(',');
            }
            let net = |address: u32, prefix: u8| match prefix {
                32 => Ipv4Addr::from(address).to_string(),
                _ => format!("{}/{prefix}", Ipv4Addr::from(address)),
            };
            let _ = match dimension {
                D::Ip | D::Net => write!(out, "{}", net(self.address, self.prefix)),
                D::SecondIp | D::SecondNet => write!(out, "{}", net(self.second, self.second_prefix)),
                D::PortAlone => write!(out, "{}", self.port),
                D::Port => {
                    let number = self.protocol.to_string();
                    let name = Protocol::parse(&number).map_or("", Protocol::name);
                    write!(out, "{name}:{}", self.port)
                }
            };
        }
        out
    }
}

fn address(text: &str) -> Result<Ipv4Addr, String> {
    text.parse().map_err(|_| format!("Syntax error: cannot parse {text}: resolving to IPv4 address failed"))
}

/// Reads `ADDRESS`, `ADDRESS/BITS` or `FIRST-LAST`: (first, last, leading bits).
fn addresses(text: &str, is_net: bool) -> Result<Vec<(Ipv4Addr, u8)>, String> {
    let (first, last) = if let Some((first, last)) = text.split_once('-') {
        (address(first)?, address(last)?)
    } else if let Some((first, bits)) = text.split_once('/') {
        let bad = || format!("Syntax error: '{bits}' is out of range 0-32");
        let bits: u8 = bits.parse().ok().filter(|bits| *bits <= 32).ok_or_else(bad)?;
        let network = Cidr::new(address(first)?, bits);
        if is_net {
            if bits == 0 {
                return Err("The value of the CIDR parameter of the IP address is invalid".to_string());
            }
            return Ok(vec![(network.address(), bits)]);
        }
        (network.address(), network.last())
    } else {
        return Ok(vec![(address(text)?, 32)]);
    };
    let (first, last) = (u32::from(first.min(last)), u32::from(first.max(last)));
    if last - first >= RANGE {
        return Err("Hash is full, cannot add more elements".to_string());
    }
    if !is_net {
        return Ok((first..=last).map(|address| (address.into(), 32)).collect());
    }
    // A range of a set of networks is the fewest networks that cover it.
    let mut networks = Vec::new();
    let mut at = u64::from(first);
    while at <= u64::from(last) {
        let aligned = (at as u32).trailing_zeros().min(31);
        let left = (u64::from(last) + 1 - at).ilog2();
        let bits = aligned.min(left);
        networks.push(((at as u32).into(), (32 - bits) as u8));
        at += 1 << bits;
    }
    Ok(networks)
}

fn one_port(text: &str) -> Result<u16, String> {
    let number = text.parse::<u32>().map_err(|_| format!("Syntax error: '{text}' is invalid as number"))?;
    u16::try_from(number).map_err(|_| format!("Syntax error: '{text}' is out of range 0-65535"))
}

/// Reads `PORT` or `FIRST-LAST`.
pub(super) fn ports(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (one_port(first)?, one_port(last)?);
    Ok((first.min(last), first.max(last)))
}

/// Reads an entry; one with ranges stands for many.
///
/// # Errors
/// ipset's own words.
pub(super) fn parse(kind: Kind, text: &str) -> Result<Vec<Key>, String> {
    let dimensions = kind.dimensions();
    let mut parts = text.split(',');
    let mut keys = vec![Key::default()];
    for (place, dimension) in dimensions.iter().enumerate() {
        let nth = ["First", "Second", "Third"].get(place).unwrap_or(&"");
        let missing = || format!("Syntax error: {nth} element is missing from {text}.");
        let part = parts.next().filter(|part| !part.is_empty()).ok_or_else(missing)?;
        let mut next = Vec::new();
        match dimension {
            D::Port | D::PortAlone => {
                let (protocol, numbers) = part.split_once(':').unwrap_or(("tcp", part));
                let known = Protocol::parse(protocol).filter(|known| *known != Protocol::Icmp);
                let protocol =
                    known.ok_or_else(|| format!("Syntax error: cannot parse '{protocol}' as a protocol"))?;
                let name = protocol.name();
                let (first, last) = ports(numbers).map_err(|why| {
                    let more = format!("Syntax error: '{name}' is invalid as number");
                    format!("{why}\n{more}\ncannot parse '{numbers}' as a {name} port")
                })?;
                bound(keys.len(), usize::from(last - first) + 1)?;
                for key in &keys {
                    next.extend((first..=last).map(|port| {
                        let mut key = *key;
                        key.port = port;
                        if *dimension == D::Port {
                            key.set_port(protocol, port);
                        }
                        key
                    }));
                }
            }
            D::Ip | D::Net | D::SecondIp | D::SecondNet => {
                let list = addresses(part, matches!(dimension, D::Net | D::SecondNet))?;
                bound(keys.len(), list.len())?;
                let which = u8::from(matches!(dimension, D::SecondIp | D::SecondNet));
                for key in &keys {
                    next.extend(list.iter().map(|(address, prefix)| {
                        let mut key = *key;
                        key.set_address(*address, *prefix, which);
                        key
                    }));
                }
            }
        }
        keys = next;
    }
    match parts.next() {
        Some(_) => {
            let (many, few) = match dimensions.len() {
                1 => ("Elem separator", "none"),
                2 => ("Two elem separators", "one"),
                _ => ("Three elem separators", "two"),
            };
            let name = kind.name();
            Err(format!("Syntax error: {many} in {text}, but settype {name} supports {few}."))
        }
        None => Ok(keys),
    }
}

fn bound(a: usize, b: usize) -> Result<(), String> {
    if a.saturating_mul(b) > RANGE as usize {
        return Err("Hash is full, cannot add more elements".to_string());
    }
    Ok(())
}
