//! What `iptables -L` prints.

use super::rule::{Condition, Match, Recent, RecentMode, Rule, Target};
use super::save::{half_names, mark, port_list, port_text, probability, state_names, target_name};
use super::{Chain, Counter, Table};
use crate::Cidr;
use std::fmt::Write;

/// How a list is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// `-v`: counters and interfaces.
    pub(super) verbose: bool,
    /// `-n`: numbers instead of names.
    pub(super) numeric: bool,
    /// `-x`: counters in full.
    pub(super) exact: bool,
    /// `--line-numbers`.
    pub(super) numbered: bool,
}

impl Table {
    /// Writes one chain's list.
    pub(super) fn list(&self, chain: &Chain, options: Options, out: &mut String) {
        let name = chain.name().as_str();
        let _ = match chain.policy() {
            Some(policy) if options.verbose => {
                let counter = chain.counter();
                writeln!(
                    out,
                    "Chain {name} (policy {} {} packets, {} bytes)",
                    policy.as_str(),
                    count(counter.packets, options.exact).trim(),
                    count(counter.bytes, options.exact).trim()
                )
            }
            Some(policy) => writeln!(out, "Chain {name} (policy {})", policy.as_str()),
            None => writeln!(out, "Chain {name} ({} references)", self.references(chain.name())),
        };
        write_header(options, out);
        for (place, (rule, counter)) in chain.rules().iter().zip(chain.counters()).enumerate() {
            write_rule(place + 1, rule, *counter, options, out);
        }
    }
}

fn write_header(options: Options, out: &mut String) {
    if options.numbered {
        out.push_str("num  ");
    }
    if options.verbose {
        out.push_str(if options.exact { "    pkts      bytes " } else { " pkts bytes " });
    }
    out.push_str("target     prot ");
    if options.verbose {
        out.push_str("opt in     out     ");
    } else {
        out.push_str("opt ");
    }
    let _ = writeln!(out, "{:<19}  {:<19} ", "source", "destination");
}

fn write_rule(number: usize, rule: &Rule, counter: Counter, options: Options, out: &mut String) {
    if options.numbered {
        let _ = write!(out, "{number:<4} ");
    }
    if options.verbose {
        let _ = write!(
            out,
            "{} {} ",
            count(counter.packets, options.exact),
            if options.exact { format!("{:>10}", counter.bytes) } else { count(counter.bytes, false) }
        );
    }
    let protocol = rule.protocol.as_ref();
    let bang = |negated: Option<bool>| if negated == Some(true) { '!' } else { ' ' };
    let _ = write!(
        out,
        "{:<9} {}{:<4} -- ",
        target_name(&rule.target),
        bang(protocol.map(|protocol| protocol.negated)),
        protocol.map_or("all", |protocol| protocol.value.name())
    );
    if options.verbose {
        let name = |interface: &Option<Condition<std::rc::Rc<str>>>| match interface {
            None => "*".to_string(),
            Some(one) => format!("{}{}", if one.negated { "!" } else { "" }, one.value),
        };
        let _ = write!(out, " {:<6} {:<6} ", name(&rule.in_interface), name(&rule.out_interface));
    }
    for address in [&rule.source, &rule.destination] {
        let _ = write!(
            out,
            "{}{:<19} ",
            bang(address.as_ref().map(|address| address.negated)),
            network(address.as_ref(), options.numeric)
        );
    }
    for one in &rule.matches {
        write_match(one, options.numeric, out);
    }
    write_target(&rule.target, out);
    out.push('\n');
}

fn network(network: Option<&Condition<Cidr>>, numeric: bool) -> String {
    match network {
        None if numeric => "0.0.0.0/0".to_string(),
        None => "anywhere".to_string(),
        Some(one) if one.value.prefix() == 32 => one.value.address().to_string(),
        Some(one) => one.value.to_string(),
    }
}

/// Writes a count in five columns, rounded to thousands, millions, … as iptables does.
fn count(number: u64, exact: bool) -> String {
    if exact {
        return format!("{number:>8}");
    }
    if number <= 99_999 {
        return format!("{number:>5}");
    }
    let mut number = (number + 500) / 1_000;
    for unit in ["K", "M", "G"] {
        if number <= 9_999 {
            return format!("{number:>4}{unit}");
        }
        number = (number + 500) / 1_000;
    }
    format!("{number:>4}T")
}

fn write_match(one: &Match, numeric: bool, out: &mut String) {
    let bang = |negated: bool| if negated { "!" } else { "" };
    let _ = match one {
        Match::Comment(text) => write!(out, " /* {text} */"),
        Match::Ports { protocol, source, destination } => {
            let _ = write!(out, " {}", protocol.name());
            for (name, ports) in [("spt", source), ("dpt", destination)] {
                let Some(ports) = ports else { continue };
                let many = if ports.value.first == ports.value.last { "" } else { "s" };
                let _ = write!(out, " {name}{many}:{}{}", bang(ports.negated), port_name(ports, numeric));
            }
            Ok(())
        }
        Match::MultiPort(one) => {
            let (sides, ports) = &one.value;
            let bang = if one.negated { " !" } else { "" };
            write!(out, " multiport {}{bang} {}", sides.name(), port_list(ports))
        }
        Match::Mark(one) => {
            let bang = if one.negated { " !" } else { "" };
            write!(out, " mark match{bang} {}", mark(one.value))
        }
        Match::Conntrack(one) => {
            let bang = if one.negated { " !" } else { "" };
            write!(out, "{bang} ctstate {}", state_names(one.value))
        }
        Match::AddressType { source, destination } => {
            out.push_str(" ADDRTYPE match");
            for (name, kind) in [("src-type", source), ("dst-type", destination)] {
                let Some(kind) = kind else { continue };
                let _ = write!(out, " {name} {}{}", bang(kind.negated), kind.value);
            }
            Ok(())
        }
        Match::Random(one) => {
            let bang = if one.negated { " !" } else { "" };
            write!(out, " statistic mode random{bang} probability {}", probability(one.value))
        }
        Match::Recent(recent) => write!(
            out,
            "{}{}{} name: {} side: source mask: 255.255.255.255",
            recent_mode(recent),
            if recent.seconds == 0 { String::new() } else { format!(" seconds: {}", recent.seconds) },
            if recent.reap { " reap" } else { "" },
            recent.name
        ),
        Match::Virtual { protocol, server, port } => {
            let protocol = protocol.as_ref().map(|one| (one.negated, one.value.number().to_string()));
            let server = server.as_ref().map(|one| (one.negated, one.value.address().to_string()));
            let port = port.as_ref().map(|one| (one.negated, one.value.to_string()));
            for (name, value) in [("vproto", protocol), ("vaddr", server), ("vport", port)] {
                let Some((negated, value)) = value else { continue };
                let _ = write!(out, " {}{name} {value}", if negated { "! " } else { "" });
            }
            Ok(())
        }
        Match::BridgePort(one) => {
            write!(out, " PHYSDEV match{} --physdev-is-in", if one.negated { " !" } else { "" })
        }
        Match::Set(one) => {
            let bang = if one.negated { " !" } else { "" };
            write!(out, "{bang} match-set {} {}", one.value.0.as_str(), half_names(&one.value.1))
        }
        Match::Accounting(name) => write!(out, " nfacct-name  {name}"),
    };
}

fn port_name(ports: &Condition<super::Ports>, numeric: bool) -> String {
    const NAMES: [(u16, &str); 6] =
        [(22, "ssh"), (53, "domain"), (80, "http"), (443, "https"), (3306, "mysql"), (8080, "http-alt")];
    let ports = ports.value;
    let known = NAMES.iter().find(|(port, _)| !numeric && ports.first == *port && ports.last == *port);
    known.map_or_else(|| ports.to_string(), |(_, name)| (*name).to_string())
}

fn recent_mode(recent: &Recent) -> String {
    let mode = match recent.mode.value {
        RecentMode::Set => "SET",
        RecentMode::Check => "CHECK",
        RecentMode::Update => "UPDATE",
        RecentMode::Remove => "REMOVE",
    };
    format!("{} recent: {mode}", if recent.mode.negated { " !" } else { "" })
}

fn write_target(target: &Target, out: &mut String) {
    let _ = match target {
        Target::Reject(with) => write!(out, " reject-with {with}"),
        Target::Mark { value: 0, mask } => write!(out, " MARK and {:#x}", !mask),
        Target::Mark { value, mask } if value == mask => write!(out, " MARK or {value:#x}"),
        Target::Mark { value, mask: 0 } => write!(out, " MARK xor {value:#x}"),
        Target::Mark { value, mask: u32::MAX } => write!(out, " MARK set {value:#x}"),
        Target::Mark { value, mask } => write!(out, " MARK xset {value:#x}/{mask:#x}"),
        Target::Dnat { address, port } | Target::Snat { address, port } => {
            write!(out, " to:{address}{}", port_text(*port))
        }
        Target::Masquerade { random_fully: true } => write!(out, " random-fully"),
        Target::Goto(_) => write!(out, " [goto]"),
        _ => Ok(()),
    };
}
