//! What `tcpdump` is told to show: `tcp and port 80 and not host 10.244.1.5`.

use super::Packet;
use crate::{Cidr, Protocol};
use std::net::Ipv4Addr;

/// How deep expressions may stand in one another, and how many words they may have.
const DEPTH: u32 = 32;
const WORDS: usize = 256;

/// Which end of a packet is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Either,
    Source,
    Destination,
    Both,
}

/// An expression of pcap's language, as much of it as addresses, ports and protocols need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Node);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    All,
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Protocol(Protocol),
    Arp,
    Network(End, Cidr),
    Ports(End, Option<Protocol>, u16, u16),
}

/// What a primitive said before its value, for values that follow alone: `port 80 or 443`.
#[derive(Clone, Copy)]
struct Before {
    end: End,
    kind: Kind,
    protocol: Option<Protocol>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Host,
    Network,
    Port,
    Range,
}

struct Parser {
    words: Vec<String>,
    at: usize,
    before: Option<Before>,
}

impl Filter {
    /// Reads an expression; an empty one takes every packet.
    ///
    /// # Errors
    /// What tcpdump says of an expression that it can't read.
    pub fn parse(text: &str) -> Result<Filter, String> {
        let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('!', " not ");
        let words: Vec<String> = spaced.split_whitespace().map(str::to_string).collect();
        if words.is_empty() {
            return Ok(Filter(Node::All));
        }
        let mut parser = Parser { words, at: 0, before: None };
        if parser.words.len() > WORDS {
            return Err(Parser::syntax());
        }
        let node = parser.or(0)?;
        if parser.at < parser.words.len() { Err(Parser::syntax()) } else { Ok(Filter(node)) }
    }

    pub(super) fn takes(&self, packet: &Packet) -> bool {
        self.0.takes(packet)
    }
}

impl Parser {
    fn syntax() -> String {
        "can't parse filter expression: syntax error".to_string()
    }

    fn peek(&self) -> &str {
        self.words.get(self.at).map_or("", String::as_str)
    }

    fn take(&mut self, words: &[&str]) -> bool {
        let is_it = words.contains(&self.peek());
        self.at += usize::from(is_it);
        is_it
    }

    fn or(&mut self, depth: u32) -> Result<Node, String> {
        // `and` and `or` bind alike in pcap's language, from left to right.
        let mut left = self.not(depth)?;
        loop {
            if self.take(&["and", "&&"]) {
                left = Node::And(vec![left, self.not(depth)?]);
            } else if self.take(&["or", "||"]) {
                left = Node::Or(vec![left, self.not(depth)?]);
            } else {
                return Ok(left);
            }
        }
    }

    fn not(&mut self, depth: u32) -> Result<Node, String> {
        if depth > DEPTH {
            return Err(Parser::syntax());
        }
        if self.take(&["not"]) {
            return Ok(Node::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.take(&["("]) {
            let inner = self.or(depth + 1)?;
            return if self.take(&[")"]) { Ok(inner) } else { Err(Parser::syntax()) };
        }
        self.primitive()
    }

    fn primitive(&mut self) -> Result<Node, String> {
        let begin = self.at;
        let protocol = match self.peek() {
            "tcp" => Some(Protocol::Tcp),
            "udp" => Some(Protocol::Udp),
            "icmp" => Some(Protocol::Icmp),
            "sctp" => Some(Protocol::Sctp),
            _ => None,
        };
        let is_plain = matches!(self.peek(), "ip" | "arp" | "ip6");
        let plain = self.peek().to_string();
        self.at += usize::from(protocol.is_some() || is_plain);
        let end = self.end();
        let kind = match self.peek() {
            "host" => Some(Kind::Host),
            "net" => Some(Kind::Network),
            "port" => Some(Kind::Port),
            "portrange" => Some(Kind::Range),
            _ => None,
        };
        self.at += usize::from(kind.is_some());
        let before = match (kind, end, self.before) {
            (None, None, _) if self.at > begin => {
                self.before = None;
                return Ok(match (protocol, plain.as_str()) {
                    (Some(protocol), _) => Node::Protocol(protocol),
                    (None, "arp") => Node::Arp,
                    (None, "ip6") => Node::Or(Vec::new()),
                    _ => Node::Not(Box::new(Node::Arp)),
                });
            }
            (None, None, Some(before)) => before,
            (kind, end, _) => {
                Before { end: end.unwrap_or(End::Either), kind: kind.unwrap_or(Kind::Host), protocol }
            }
        };
        self.before = Some(before);
        self.value(before)
    }

    fn end(&mut self) -> Option<End> {
        let end = match self.peek() {
            "src" => End::Source,
            "dst" => End::Destination,
            _ => return None,
        };
        self.at += 1;
        let other = if end == End::Source { "dst" } else { "src" };
        let rest: Vec<&str> =
            self.words.get(self.at..self.at + 2).unwrap_or_default().iter().map(String::as_str).collect();
        match rest.as_slice() {
            ["or", word] if *word == other => {
                self.at += 2;
                Some(End::Either)
            }
            ["and", word] if *word == other => {
                self.at += 2;
                Some(End::Both)
            }
            _ => Some(end),
        }
    }

    fn value(&mut self, before: Before) -> Result<Node, String> {
        let word = self.words.get(self.at).cloned().ok_or_else(Parser::syntax)?;
        if matches!(word.as_str(), "and" | "or" | ")" | "&&" | "||") {
            return Err(Parser::syntax());
        }
        self.at += 1;
        let port = |text: &str| {
            let known = super::PORTS.iter().find(|(_, name)| *name == text).map(|(port, _)| *port);
            known.or_else(|| text.parse::<u16>().ok()).ok_or(format!("unknown port '{text}'"))
        };
        Ok(match before.kind {
            Kind::Host => {
                let address: Ipv4Addr = word.parse().map_err(|_| format!("unknown host '{word}'"))?;
                Node::Network(before.end, Cidr::new(address, 32))
            }
            Kind::Network => {
                Node::Network(before.end, Cidr::parse(&word).ok_or(format!("unknown network '{word}'"))?)
            }
            Kind::Port => {
                let port = port(&word)?;
                Node::Ports(before.end, before.protocol, port, port)
            }
            Kind::Range => {
                let (first, last) = word.split_once('-').unwrap_or((&word, &word));
                let (first, last) = (port(first)?, port(last)?);
                Node::Ports(before.end, before.protocol, first.min(last), first.max(last))
            }
        })
    }
}

impl End {
    fn is_met(self, source: bool, destination: bool) -> bool {
        match self {
            End::Either => source || destination,
            End::Source => source,
            End::Destination => destination,
            End::Both => source && destination,
        }
    }
}

impl Node {
    fn takes(&self, packet: &Packet) -> bool {
        let (source, destination) = (packet.source, packet.destination);
        match self {
            Node::All => true,
            Node::Not(inner) => !inner.takes(packet),
            Node::And(all) => all.iter().all(|one| one.takes(packet)),
            Node::Or(any) => any.iter().any(|one| one.takes(packet)),
            Node::Protocol(protocol) => packet.protocol == Some(*protocol),
            Node::Arp => packet.protocol.is_none(),
            Node::Network(end, network) => {
                end.is_met(network.contains(source.address), network.contains(destination.address))
            }
            Node::Ports(end, protocol, first, last) => {
                let has_ports =
                    matches!(packet.protocol, Some(Protocol::Tcp | Protocol::Udp | Protocol::Sctp));
                let is_protocol = protocol.is_none_or(|protocol| packet.protocol == Some(protocol));
                let within = |port: u16| (*first..=*last).contains(&port);
                has_ports && is_protocol && end.is_met(within(source.port), within(destination.port))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Socket;

    #[test]
    fn takes_what_it_says() {
        let socket = |address: &str, port| Socket::new(address.parse().unwrap(), port);
        let http = (Some(Protocol::Tcp), socket("10.64.140.2", 32_768), socket("10.64.140.11", 80));
        let dns = (Some(Protocol::Udp), socket("10.244.1.5", 40_000), socket("10.96.0.10", 53));
        let ping = (Some(Protocol::Icmp), socket("10.244.1.5", 0), socket("10.244.2.6", 0));
        let arp = (None, socket("10.64.140.2", 0), socket("10.64.140.11", 0));
        for (text, takes) in [
            ("", [true; 4]),
            ("tcp", [true, false, false, false]),
            ("icmp or arp", [false, false, true, true]),
            ("port 80", [true, false, false, false]),
            ("port domain", [false, true, false, false]),
            ("udp port 80", [false, false, false, false]),
            ("port 80 or 53", [true, true, false, false]),
            ("host 10.244.1.5", [false, true, true, false]),
            ("10.244.1.5", [false, true, true, false]),
            ("src host 10.244.1.5 and not udp", [false, false, true, false]),
            ("dst 10.244.1.5", [false; 4]),
            ("src or dst port 53", [false, true, false, false]),
            ("net 10.244.0.0/16", [false, true, true, false]),
            ("src and dst net 10.244.0.0/16", [false, false, true, false]),
            ("portrange 50-90", [true, true, false, false]),
            ("ip and !(tcp or udp)", [false, false, true, false]),
            ("ip6", [false; 4]),
        ] {
            let filter = Filter::parse(text).unwrap();
            let got = [http, dns, ping, arp].map(|(protocol, source, destination)| {
                let packet = Packet { protocol, source, destination, ..Packet::default() };
                filter.takes(&packet)
            });
            assert_eq!(got, takes, "{text}");
        }
        for (text, words) in [
            ("port", "can't parse filter expression: syntax error"),
            ("and", "can't parse filter expression: syntax error"),
            ("(tcp", "can't parse filter expression: syntax error"),
            ("tcp udp", "can't parse filter expression: syntax error"),
            ("host nobody", "unknown host 'nobody'"),
            ("port 99999", "unknown port '99999'"),
        ] {
            assert_eq!(Filter::parse(text).unwrap_err(), words, "{text}");
        }
        assert!(Filter::parse(&"not ".repeat(60)).is_err());
    }
}
