//! Rules to text, as iptables-save writes it.

use super::rule::{
    AddressType, Condition, Match, Ports, Recent, RecentMode, RejectWith, Rule, Sides, Target, state,
};
use super::{Iptables, Table, TableName};
use crate::Protocol;
use crate::ipset::Half;
use sim::Time;
use std::fmt::Write;

/// The version that the texts say they are made by.
pub const VERSION: &str = "v1.8.11 (nf_tables)";

impl Rule {
    /// Returns the rule as `iptables-save` writes it after `-A CHAIN`; empty for a rule without anything.
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(96);
        self.write_conditions(&mut out);
        for one in &self.matches {
            write_match(one, &mut out);
        }
        write_target(&self.target, &mut out);
        out.remove_leading_blank()
    }

    /// Returns what stands in the target column of a list: a chain's name, `DNAT`, nothing.
    pub fn target_name(&self) -> &str {
        target_name(&self.target)
    }

    fn write_conditions(&self, out: &mut String) {
        write_option(out, "-s", self.source.as_ref());
        write_option(out, "-d", self.destination.as_ref());
        write_option(out, "-i", self.in_interface.as_ref());
        write_option(out, "-o", self.out_interface.as_ref());
        let protocol = self.protocol.as_ref();
        write_option(
            out,
            "-p",
            protocol.map(|p| Condition { negated: p.negated, value: p.value.name() }).as_ref(),
        );
    }
}

trait RemoveLeadingBlank {
    fn remove_leading_blank(self) -> Self;
}

impl RemoveLeadingBlank for String {
    fn remove_leading_blank(mut self) -> String {
        if self.starts_with(' ') {
            self.remove(0);
        }
        self
    }
}

fn not(negated: bool) -> &'static str {
    if negated { " !" } else { "" }
}

fn write_option<T: std::fmt::Display>(out: &mut String, option: &str, condition: Option<&Condition<T>>) {
    if let Some(Condition { negated, value }) = condition {
        let _ = write!(out, "{} {option} {value}", not(*negated));
    }
}

fn write_match(one: &Match, out: &mut String) {
    let _ = match one {
        Match::Comment(text) => write!(out, " -m comment --comment {}", quoted(text)),
        Match::Ports { protocol, source, destination } => {
            let _ = write!(out, " -m {}", protocol.name());
            write_option(out, "--sport", source.as_ref());
            write_option(out, "--dport", destination.as_ref());
            Ok(())
        }
        Match::MultiPort(Condition { negated, value: (sides, ports) }) => {
            write!(out, " -m multiport{} --{} {}", not(*negated), sides.name(), port_list(ports))
        }
        Match::Mark(Condition { negated, value }) => {
            write!(out, " -m mark{} --mark {}", not(*negated), mark(*value))
        }
        Match::Conntrack(Condition { negated, value }) => {
            write!(out, " -m conntrack{} --ctstate {}", not(*negated), state_names(*value))
        }
        Match::AddressType { source, destination } => {
            out.push_str(" -m addrtype");
            write_option(out, "--src-type", source.as_ref());
            write_option(out, "--dst-type", destination.as_ref());
            Ok(())
        }
        Match::Random(Condition { negated, value }) => {
            write!(out, " -m statistic --mode random{} --probability {}", not(*negated), probability(*value))
        }
        Match::Recent(recent) => write!(
            out,
            " -m recent{} {}{}{} --name {} --mask 255.255.255.255 --rsource",
            not(recent.mode.negated),
            recent_option(recent),
            recent_seconds(recent),
            if recent.reap { " --reap" } else { "" },
            recent.name
        ),
        Match::Virtual { protocol, server, port } => {
            out.push_str(" -m ipvs");
            let number =
                |one: &Condition<Protocol>| Condition { negated: one.negated, value: one.value.number() };
            write_option(out, "--vproto", protocol.as_ref().map(number).as_ref());
            write_option(out, "--vaddr", server.as_ref());
            write_option(out, "--vport", port.as_ref());
            Ok(())
        }
        Match::BridgePort(is_in) => write!(out, " -m physdev{} --physdev-is-in", not(is_in.negated)),
        Match::Set(Condition { negated, value: (name, halves) }) => {
            write!(out, " -m set{} --match-set {} {}", not(*negated), name.as_str(), half_names(halves))
        }
        Match::Accounting(name) => write!(out, " -m nfacct --nfacct-name  {name}"),
    };
}

pub(super) fn half_names(halves: &[Half]) -> String {
    halves.iter().map(|half| half.as_str()).collect::<Vec<_>>().join(",")
}

/// Returns ports as `-m multiport` lists them.
pub(super) fn port_list(ports: &[Ports]) -> String {
    ports.iter().map(Ports::to_string).collect::<Vec<_>>().join(",")
}

impl Sides {
    /// Returns the option's name, which is also what `-L` prints.
    pub(super) fn name(self) -> &'static str {
        match self {
            Sides::Source => "sports",
            Sides::Destination => "dports",
            Sides::Either => "ports",
        }
    }
}

fn recent_option(recent: &Recent) -> &'static str {
    match recent.mode.value {
        RecentMode::Set => "--set",
        RecentMode::Check => "--rcheck",
        RecentMode::Update => "--update",
        RecentMode::Remove => "--remove",
    }
}

fn recent_seconds(recent: &Recent) -> String {
    if recent.seconds == 0 { String::new() } else { format!(" --seconds {}", recent.seconds) }
}

fn write_target(target: &Target, out: &mut String) {
    let _ = match target {
        Target::None => Ok(()),
        Target::Goto(chain) => write!(out, " -g {}", chain.as_str()),
        _ => write!(out, " -j {}", target_name(target)),
    };
    let _ = match target {
        Target::Reject(with) => write!(out, " --reject-with {}", with.name()),
        Target::Mark { value, mask } => write!(out, " --set-xmark {value:#x}/{mask:#x}"),
        Target::Dnat { address, port } => write!(out, " --to-destination {address}{}", port_text(*port)),
        Target::Snat { address, port } => write!(out, " --to-source {address}{}", port_text(*port)),
        Target::Masquerade { random_fully: true } => write!(out, " --random-fully"),
        _ => Ok(()),
    };
}

/// Returns what stands in the target column.
pub(super) fn target_name(target: &Target) -> &str {
    match target {
        Target::None => "",
        Target::Accept => "ACCEPT",
        Target::Drop => "DROP",
        Target::Return => "RETURN",
        Target::Reject(_) => "REJECT",
        Target::Mark { .. } => "MARK",
        Target::Dnat { .. } => "DNAT",
        Target::Snat { .. } => "SNAT",
        Target::Masquerade { .. } => "MASQUERADE",
        Target::Jump(chain) | Target::Goto(chain) => chain.as_str(),
    }
}

pub(super) fn port_text(port: u16) -> String {
    if port == 0 { String::new() } else { format!(":{port}") }
}

pub(super) fn mark((value, mask): (u32, u32)) -> String {
    if mask == u32::MAX { format!("{value:#x}") } else { format!("{value:#x}/{mask:#x}") }
}

pub(super) fn state_names(bits: u8) -> String {
    let names = state::NAMES.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1);
    names.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

/// Writes parts of 2^31 as a number between 0 and 1 with eleven digits.
pub(super) fn probability(parts: u32) -> String {
    format!("{:.11}", f64::from(parts) / 2_147_483_648.0)
}

fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\' | '\'') {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('"');
    out
}

impl std::fmt::Display for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}:{}", self.first, self.last)
        }
    }
}

impl std::fmt::Display for AddressType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            AddressType::Local => "LOCAL",
            AddressType::Unicast => "UNICAST",
            AddressType::Broadcast => "BROADCAST",
            AddressType::Multicast => "MULTICAST",
        })
    }
}

impl std::fmt::Display for RejectWith {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether counters are wanted in the text (`-c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counters {
    /// Each rule begins with `[packets:bytes]`.
    Show,
    /// They are left out.
    Hide,
}

impl Iptables {
    /// Returns what `iptables-save` prints, for one table or for all.
    pub fn save(&self, only: Option<TableName>, counters: Counters, now: Time) -> String {
        let mut out = String::new();
        let date = date(now);
        for name in TableName::SAVED.into_iter().filter(|name| only.is_none_or(|only| only == *name)) {
            let _ = writeln!(out, "# Generated by iptables-save {VERSION} on {date}");
            self.table(name).write(counters, &mut out);
            let _ = writeln!(out, "# Completed on {date}");
        }
        out
    }
}

impl Table {
    fn write(&self, counters: Counters, out: &mut String) {
        let _ = writeln!(out, "*{}", self.name().as_str());
        for (_, chain) in self.sorted_chains() {
            let policy = chain.policy.map_or("-", |policy| policy.as_str());
            let (packets, bytes) =
                chain.policy.map_or((0, 0), |_| (chain.counter.packets, chain.counter.bytes));
            let _ = writeln!(out, ":{} {policy} [{packets}:{bytes}]", chain.name().as_str());
        }
        for (_, chain) in self.sorted_chains() {
            for (rule, counter) in chain.rules().iter().zip(chain.counters()) {
                if counters == Counters::Show {
                    let _ = write!(out, "[{}:{}] ", counter.packets, counter.bytes);
                }
                let _ = writeln!(out, "{}", line(chain.name().as_str(), rule));
            }
        }
        out.push_str("COMMIT\n");
    }
}

/// Returns `-A CHAIN …`.
pub(super) fn line(chain: &str, rule: &Rule) -> String {
    let text = rule.text();
    if text.is_empty() { format!("-A {chain}") } else { format!("-A {chain} {text}") }
}

/// Writes a moment as C's `ctime` does: `Mon Jan  5 09:00:00 2026`.
fn date(now: Time) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, hour, minute, second) = now.civil();
    let weekday = now.unix_seconds().div_euclid(86_400).rem_euclid(7);
    let weekday = DAYS.get(weekday as usize).unwrap_or(&"");
    let month = MONTHS.get((month - 1) as usize).unwrap_or(&"");
    format!("{weekday} {month} {day:>2} {hour:02}:{minute:02}:{second:02} {year}")
}
