//! `host` as BIND's prints, and `getent`.

use super::dns::ask;
use super::fetch::is_address;
use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::host::{DnsRecord, NetAnswer};
use crate::job::Block;

/// Which of the two asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Host,
    /// `getent hosts`.
    Hosts,
    /// `getent ahosts` and `getent ahostsv4`.
    Addresses,
}

/// A question for a name's addresses.
#[derive(Clone, Debug)]
pub(crate) struct HostLookup {
    style: Style,
    name: String,
    kind: String,
    server: String,
    exchange: Option<u64>,
}

/// `host`
pub(super) fn host(argv: &[String], io: &mut Io) -> Program {
    let (mut kind, mut words) = ("A".to_string(), Vec::new());
    let mut rest = argv.iter().skip(1);
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-t" => kind = rest.next().map_or(String::new(), |kind| kind.to_uppercase()),
            flag if flag.starts_with('-') => {}
            word => words.push(word.to_string()),
        }
    }
    let Some(name) = words.first().cloned() else {
        return Ended::failed(
            "Usage: host [-aCdilrTvVw] [-c class] [-N ndots] [-t type] [-W time]\n            [-R number] [-m flag] [-p port] hostname [server]",
            1,
        );
    };
    if let Some(why) = super::dns::illegal(&name) {
        return Ended::failed(&format!("host: {why}"), 1);
    }
    let (name, kind) = match is_address(&name) {
        true => (super::dns::reverse(&name), "PTR".to_string()),
        false => (name, kind),
    };
    let server = words.get(1).cloned().unwrap_or_default();
    if !server.is_empty() {
        io.out(&format!("Using domain server:\nName: {server}\nAddress: {server}#53\nAliases: \n\n"));
    }
    Program::Host(Box::new(HostLookup { style: Style::Host, name, kind, server, exchange: None }))
}

/// `getent hosts NAME`, `getent ahosts NAME`
pub(super) fn getent(argv: &[String], io: &mut Io) -> Program {
    let words: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
    let (style, name) = match words.as_slice() {
        ["hosts", name] => (Style::Hosts, *name),
        ["ahosts" | "ahostsv4", name] => (Style::Addresses, *name),
        ["hosts"] => {
            let text = io.host.read_file(&io.state.place, "/etc/hosts").unwrap_or_default();
            let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
            return Ended::printed(&lines.map(entry).collect::<String>());
        }
        [database, ..] => {
            return Ended::failed(
                &format!(
                    "Unknown database: {database}\nTry `getent --help' or `getent --usage' for more information."
                ),
                1,
            );
        }
        [] => {
            return Ended::failed(
                "getent: wrong number of arguments\nTry `getent --help' or `getent --usage' for more information.",
                1,
            );
        }
    };
    let hosts = io.host.read_file(&io.state.place, "/etc/hosts").unwrap_or_default();
    let is_it = |line: &&str| line.split_whitespace().any(|word| word == name) && !line.starts_with('#');
    if let (Some(line), Style::Hosts) = (hosts.lines().find(is_it), style) {
        return Ended::printed(&entry(line));
    }
    let (name, kind) = match is_address(name) {
        true => (super::dns::reverse(name), "PTR"),
        false => (name.to_string(), "A"),
    };
    let (kind, server) = (kind.to_string(), String::new());
    Program::Host(Box::new(HostLookup { style, name, kind, server, exchange: None }))
}

/// Writes a line of `/etc/hosts` as getent does.
fn entry(line: &str) -> String {
    let mut words = line.split_whitespace();
    let address = words.next().unwrap_or("");
    format!("{address:<15} {}\n", words.collect::<Vec<_>>().join(" "))
}

impl HostLookup {
    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let Some(exchange) = self.exchange else {
            let exchange = ask(io, &self.name, &self.kind, self.kind != "PTR", &self.server);
            self.exchange = Some(exchange);
            return Progress::Wait(Block::Exchange(exchange));
        };
        let (code, records) = match io.host.exchange(exchange) {
            None => return Progress::Wait(Block::Exchange(exchange)),
            Some(NetAnswer::Dns { code, records, .. }) => (code, records),
            Some(_) if self.style == Style::Host => {
                io.out(";; connection timed out; no servers could be reached\n");
                return Progress::Done(1);
            }
            Some(_) => return Progress::Done(2),
        };
        if self.style != Style::Host {
            return self.entries(&records, io);
        }
        if code != "NOERROR" {
            let number = if code == "NXDOMAIN" { 3 } else { 2 };
            io.out(&format!("Host {} not found: {number}({code})\n", self.name));
            return Progress::Done(1);
        }
        if records.is_empty() {
            io.out(&format!("{} has no {} record\n", self.name, self.kind));
        }
        io.out(&records.iter().map(line).collect::<String>());
        Progress::Done(0)
    }

    fn entries(&self, records: &[DnsRecord], io: &mut Io) -> Progress {
        if records.is_empty() {
            return Progress::Done(2);
        }
        for record in records.iter().filter(|record| record.kind == "A") {
            let (address, name) = (&record.data, record.name.trim_end_matches('.'));
            io.out(&match self.style {
                Style::Addresses => format!(
                    "{address:<15} STREAM {}\n{address:<15} DGRAM  \n{address:<15} RAW    \n",
                    self.name
                ),
                _ => format!("{address:<15} {name}\n"),
            });
        }
        for record in records.iter().filter(|record| record.kind == "PTR") {
            let address: Vec<&str> = self.name.trim_end_matches(".in-addr.arpa").split('.').rev().collect();
            io.out(&format!("{:<15} {}\n", address.join("."), record.data.trim_end_matches('.')));
        }
        Progress::Done(0)
    }
}

fn line(record: &DnsRecord) -> String {
    let (own, data) = (record.name.trim_end_matches('.'), &record.data);
    match record.kind.as_str() {
        "A" => format!("{own} has address {data}\n"),
        "CNAME" => format!("{own} is an alias for {data}\n"),
        "PTR" => format!("{own} domain name pointer {data}\n"),
        "SRV" => format!("{own} has SRV record {data}\n"),
        "TXT" => format!("{own} descriptive text {data}\n"),
        kind => format!("{own} has {kind} record {data}\n"),
    }
}
