use serde::Serialize;
use std::fmt;
use std::net::Ipv4Addr;

/// A protocol over IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// ICMP.
    Icmp,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// Returns the name as iptables writes it: `tcp`.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Icmp => "icmp",
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        }
    }

    /// Returns the number in the IP header.
    pub fn number(self) -> u8 {
        match self {
            Protocol::Icmp => 1,
            Protocol::Tcp => 6,
            Protocol::Udp => 17,
            Protocol::Sctp => 132,
        }
    }

    /// Reads a name in any case, as Services (`TCP`) and iptables (`tcp`) write it, or a number.
    pub fn parse(text: &str) -> Option<Protocol> {
        let all = [Protocol::Icmp, Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
        all.into_iter().find(|protocol| {
            protocol.name().eq_ignore_ascii_case(text) || text.parse() == Ok(protocol.number())
        })
    }
}

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    address: u32,
    prefix: u8,
}

impl Cidr {
    /// Makes a network; bits beyond the prefix are cleared, a prefix over 32 is 32.
    pub fn new(address: Ipv4Addr, prefix: u8) -> Cidr {
        let prefix = prefix.min(32);
        Cidr { address: u32::from(address) & mask(prefix), prefix }
    }

    /// Reads `10.244.0.0/16`, `10.244.0.0/255.255.0.0` or `10.244.1.5`, which has 32 bits.
    pub fn parse(text: &str) -> Option<Cidr> {
        let Some((address, length)) = text.split_once('/') else {
            return Some(Cidr::new(text.parse().ok()?, 32));
        };
        let prefix = match length.parse::<u8>() {
            Ok(prefix) if prefix <= 32 => prefix,
            Ok(_) => return None,
            Err(_) => {
                let bits = u32::from(length.parse::<Ipv4Addr>().ok()?);
                let prefix = bits.leading_ones() as u8;
                (bits == mask(prefix)).then_some(prefix)?
            }
        };
        Some(Cidr::new(address.parse().ok()?, prefix))
    }

    /// Returns the first address.
    pub fn address(self) -> Ipv4Addr {
        self.address.into()
    }

    /// Returns the last address.
    pub fn last(self) -> Ipv4Addr {
        (self.address | !mask(self.prefix)).into()
    }

    /// Returns how many leading bits count.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Returns the address `n` after the first one, where the network has it.
    pub fn nth(self, n: u32) -> Option<Ipv4Addr> {
        let address = self.address.checked_add(n)?;
        (address & mask(self.prefix) == self.address).then(|| address.into())
    }

    /// Returns whether the network has this address.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        u32::from(address) & mask(self.prefix) == self.address
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.prefix)
    }
}

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Socket {
    /// The address.
    pub address: Ipv4Addr,
    /// The port; 0 for what has none.
    pub port: u16,
}

impl Default for Socket {
    fn default() -> Socket {
        Socket { address: Ipv4Addr::UNSPECIFIED, port: 0 }
    }
}

impl Socket {
    /// Makes a pair.
    pub fn new(address: Ipv4Addr, port: u16) -> Socket {
        Socket { address, port }
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.port == 0 {
            return write!(f, "{}", self.address);
        }
        write!(f, "{}:{}", self.address, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_networks() {
        for (text, printed) in [
            ("10.244.0.0/16", Some("10.244.0.0/16")),
            ("10.244.3.9/16", Some("10.244.0.0/16")),
            ("10.244.1.5", Some("10.244.1.5/32")),
            ("127.0.0.0/255.0.0.0", Some("127.0.0.0/8")),
            ("1.2.3.4/0", Some("0.0.0.0/0")),
            ("1.2.3.4/33", None),
            ("1.2.3/8", None),
            ("1.2.3.4/255.0.255.0", None),
            ("192.xxx.xxx.xxx", None),
        ] {
            assert_eq!(Cidr::parse(text).map(|cidr| cidr.to_string()).as_deref(), printed, "{text}");
        }
        let cidr = Cidr::parse("10.244.1.0/24").unwrap();
        assert_eq!(cidr.nth(1), Some("10.244.1.1".parse().unwrap()));
        assert_eq!(cidr.nth(256), None);
        assert_eq!(cidr.last(), "10.244.1.255".parse::<Ipv4Addr>().unwrap());
    }
}
