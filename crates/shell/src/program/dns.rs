//! nslookup and dig as BIND's tools print, and nslookup as busybox does.

use super::fetch::is_address;
use super::simple::{Ended, format_time};
use super::{Io, Program, Progress};
use crate::host::{DnsRecord, NetAnswer, NetProtocol, NetRequest};
use crate::job::Block;
pub(super) use api::nslookup::reverse;
use api::nslookup::{Nslookup as Asker, Question, Record, Reply, record_line};
use sim::{MILLISECOND, SECOND, Time};

const TYPES: [&str; 8] = ["A", "AAAA", "CNAME", "SRV", "PTR", "TXT", "NS", "SOA"];

/// Returns why a name can't be asked for, in BIND's words.
pub(super) fn illegal(name: &str) -> Option<String> {
    let bare = name.trim_end_matches('.');
    let why = if bare.split('.').any(|label| label.len() > 63) {
        "label too long"
    } else if bare.split('.').any(str::is_empty) {
        "empty label"
    } else if bare.len() > 253 {
        "ran out of space"
    } else {
        return None;
    };
    Some(format!("'{name}' is not a legal name ({why})"))
}

pub(super) fn ask(io: &mut Io, name: &str, kind: &str, search: bool, server: &str) -> u64 {
    let request = NetRequest {
        protocol: NetProtocol::Dns { name: name.to_string(), kind: kind.to_string(), search },
        address: server.to_string(),
        port: 53,
        timeout: 15 * SECOND,
    };
    io.host.connect(&io.state.place, request)
}

/// nslookup of busybox
#[derive(Clone, Debug)]
pub(crate) struct SmallNslookup {
    asker: Asker,
    server: String,
    exchange: Option<u64>,
}

impl SmallNslookup {
    fn program(name: &str, kind: &'static str, server: String, io: &mut Io) -> Program {
        let conf = io.host.read_file(&io.state.place, "/etc/resolv.conf").unwrap_or_default();
        let style = io.host.facts(&io.state.place).nslookup;
        let asker = Asker::new(style, name, kind, &server, &conf);
        Program::SmallNslookup(Box::new(SmallNslookup { asker, server, exchange: None }))
    }

    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let Some(Question { name, kind, search }) = self.asker.question() else {
            return Progress::Done(self.asker.status);
        };
        let Some(exchange) = self.exchange else {
            let exchange = ask(io, name, kind, *search, &self.server);
            self.exchange = Some(exchange);
            return Progress::Wait(Block::Exchange(exchange));
        };
        let reply = match io.host.exchange(exchange) {
            None => return Progress::Wait(Block::Exchange(exchange)),
            Some(NetAnswer::Dns { code, records, .. }) => {
                Some(Reply { code, records: records.iter().map(record).collect() })
            }
            Some(_) => None,
        };
        let printed = self.asker.take(reply.as_ref());
        io.out(&printed.out);
        io.err(&printed.err);
        self.exchange = None;
        Progress::More
    }
}

fn record(record: &DnsRecord) -> Record {
    Record { name: record.name.clone(), kind: record.kind.clone(), data: record.data.clone() }
}

/// nslookup
#[derive(Clone, Debug)]
pub(crate) struct Nslookup {
    name: String,
    kind: String,
    server: String,
    exchange: Option<u64>,
}

/// `nslookup`
pub(super) fn nslookup(argv: &[String], io: &mut Io) -> Program {
    let (mut kind, mut words) = ("A".to_string(), Vec::new());
    for word in argv.iter().skip(1) {
        match word.strip_prefix('-') {
            Some(flag) => {
                if let Some((_, value)) =
                    flag.split_once('=').filter(|(name, _)| "querytype".ends_with(name) || *name == "type")
                {
                    kind = value.to_uppercase();
                }
            }
            None => words.push(word.clone()),
        }
    }
    let Some(name) = words.first() else {
        return Ended::failed("# kubarium: say which name: nslookup NAME [SERVER]", 1);
    };
    if !TYPES.contains(&kind.as_str()) {
        return Ended::failed(&format!("unknown query type: {kind}"), 1);
    }
    if io.state.is_busybox {
        let kind = TYPES.iter().find(|known| **known == kind).copied().unwrap_or("A");
        return SmallNslookup::program(name, kind, words.get(1).cloned().unwrap_or_default(), io);
    }
    let (name, kind) =
        if is_address(name) { (reverse(name), "PTR".to_string()) } else { (name.clone(), kind) };
    if let Some(why) = illegal(&name) {
        return Ended::failed(&format!("nslookup: {why}"), 10);
    }
    Program::Nslookup(Box::new(Nslookup {
        name,
        kind,
        server: words.get(1).cloned().unwrap_or_default(),
        exchange: None,
    }))
}

impl Nslookup {
    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let Some(exchange) = self.exchange else {
            let exchange = ask(io, &self.name, &self.kind, true, &self.server);
            self.exchange = Some(exchange);
            return Progress::Wait(Block::Exchange(exchange));
        };
        match io.host.exchange(exchange) {
            None => Progress::Wait(Block::Exchange(exchange)),
            Some(NetAnswer::Dns { server, code, records, name, .. }) => {
                self.print(&server, &code, &records, &name, io)
            }
            Some(_) => {
                io.out(";; connection timed out; no servers could be reached\n\n");
                Progress::Done(1)
            }
        }
    }

    fn print(&self, server: &str, code: &str, records: &[DnsRecord], name: &str, io: &mut Io) -> Progress {
        let mut out = format!("Server:\t\t{server}\nAddress:\t{server}#53\n\n");
        if code != "NOERROR" {
            out.push_str(&format!(
                "** server can't find {}: {code}\n\n",
                if name.is_empty() { &self.name } else { name }
            ));
            io.out(&out);
            return Progress::Done(1);
        }
        if records.is_empty() {
            out.push_str(&format!("*** Can't find {}: No answer\n", self.name));
        }
        out.extend(records.iter().map(|one| record_line(&record(one))));
        out.push('\n');
        io.out(&out);
        Progress::Done(0)
    }
}

/// dig
#[derive(Clone, Debug)]
pub(crate) struct Dig {
    words: String,
    name: String,
    kind: String,
    server: String,
    short: bool,
    search: bool,
    shows: Shows,
    began: Time,
    tries: u32,
    exchange: Option<u64>,
}

/// Which parts of an answer dig prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shows {
    command: bool,
    comments: bool,
    question: bool,
    answer: bool,
    authority: bool,
    stats: bool,
}

impl Shows {
    /// Prints all parts or none.
    fn all(on: bool) -> Shows {
        Shows { command: on, comments: on, question: on, answer: on, authority: on, stats: on }
    }

    /// Follows a word such as `+noall` or `+answer`. Returns whether it is one of them.
    fn follow(&mut self, word: &str) -> bool {
        let (on, name) = match word.strip_prefix("no") {
            Some(name) => (false, name),
            None => (true, word),
        };
        match name {
            "all" => *self = Shows { command: self.command, ..Shows::all(on) },
            "cmd" => self.command = on,
            "comments" => self.comments = on,
            "question" => self.question = on,
            "answer" => self.answer = on,
            "authority" => self.authority = on,
            "stats" => self.stats = on,
            _ => return false,
        }
        true
    }
}

/// How often dig asks a server.
const DIG_TRIES: u32 = 3;

/// `dig`
pub(super) fn dig(argv: &[String], io: &mut Io) -> Program {
    let mut dig = Dig {
        words: argv.get(1..).unwrap_or_default().join(" "),
        name: String::new(),
        kind: "A".to_string(),
        server: String::new(),
        short: false,
        search: false,
        shows: Shows::all(true),
        began: io.host.now(),
        tries: 0,
        exchange: None,
    };
    let mut words = argv.iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "+short" => dig.short = true,
            "+search" => dig.search = true,
            word if word.strip_prefix('+').is_some_and(|word| dig.shows.follow(word)) => {}
            "-x" => {
                dig.name = reverse(words.next().map_or("", String::as_str));
                dig.kind = "PTR".to_string();
            }
            "-t" => dig.kind = words.next().map_or(String::new(), |kind| kind.to_uppercase()),
            word if word.starts_with('@') => dig.server = word.trim_start_matches('@').to_string(),
            word if word.starts_with(['+', '-']) => {}
            word if TYPES.contains(&word.to_uppercase().as_str()) => dig.kind = word.to_uppercase(),
            "IN" | "in" => {}
            word => dig.name = word.trim_end_matches('.').to_string(),
        }
    }
    if dig.name.is_empty() {
        return Ended::failed("# kubarium: say which name: dig NAME [TYPE] [@SERVER] [+short]", 1);
    }
    if let Some(why) = illegal(&dig.name) {
        return Ended::failed(&format!("dig: {why}"), 10);
    }
    Program::Dig(Box::new(dig))
}

impl Dig {
    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let Some(exchange) = self.exchange else {
            let exchange = ask(io, &self.name, &self.kind, self.search, &self.server);
            self.exchange = Some(exchange);
            return Progress::Wait(Block::Exchange(exchange));
        };
        match io.host.exchange(exchange) {
            None => Progress::Wait(Block::Exchange(exchange)),
            Some(NetAnswer::Dns { server, code, records, authority, .. }) => {
                let text = self.text(&server, &code, (&records, &authority), io);
                io.out(&text);
                Progress::Done(0)
            }
            Some(failed) => self.again(matches!(failed, NetAnswer::Refused), io),
        }
    }

    /// Asks once more where no answer came, and gives up in the end.
    fn again(&mut self, is_refused: bool, io: &mut Io) -> Progress {
        self.tries += 1;
        self.exchange = None;
        let server = self.server_name(io);
        let why = if is_refused { "connection refused" } else { "timed out" };
        io.out(&format!(";; communications error to {server}#53: {why}\n"));
        if self.tries < DIG_TRIES {
            return Progress::More;
        }
        if !self.short {
            io.out(&format!(
                "\n; <<>> DiG 9.18.33-1~deb12u2-Debian <<>> {}\n;; global options: +cmd\n",
                self.words
            ));
        }
        io.out(";; no servers could be reached\n\n");
        Progress::Done(9)
    }

    fn server_name(&self, io: &mut Io) -> String {
        if !self.server.is_empty() {
            return self.server.clone();
        }
        let conf = io.host.read_file(&io.state.place, "/etc/resolv.conf").unwrap_or_default();
        let server = conf.lines().find_map(|line| line.strip_prefix("nameserver "));
        server.unwrap_or("127.0.0.1").to_string()
    }

    fn text(
        &self,
        server: &str,
        code: &str,
        (records, authority): (&[DnsRecord], &[DnsRecord]),
        io: &mut Io,
    ) -> String {
        if self.short {
            return records.iter().map(|record| format!("{}\n", record.data)).collect();
        }
        let (now, shows) = (io.host.now(), self.shows);
        let mut out = String::new();
        // With +noall nothing of the command is told, either.
        if shows.command && shows.comments {
            out.push_str(&format!(
                "\n; <<>> DiG 9.18.33-1~deb12u2-Debian <<>> {}\n;; global options: +cmd\n",
                self.words
            ));
        }
        if shows.comments {
            out.push_str(&format!(
                ";; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: {code}, id: {}\n;; flags: qr aa rd; QUERY: 1, ANSWER: {}, AUTHORITY: {}, ADDITIONAL: 1\n;; WARNING: recursion requested but not available\n\n;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: 1232\n",
                self.began.0.rem_euclid(65_521),
                records.len(),
                authority.len(),
            ));
        }
        if shows.question {
            let head = if shows.comments { ";; QUESTION SECTION:\n" } else { "" };
            out.push_str(&format!("{head};{}.\t\tIN\t{}\n\n", self.name, self.kind));
        }
        let parts = [("ANSWER", shows.answer, records), ("AUTHORITY", shows.authority, authority)];
        for (name, _, records) in parts.into_iter().filter(|(_, on, records)| *on && !records.is_empty()) {
            if shows.comments {
                out.push_str(&format!(";; {name} SECTION:\n"));
            }
            out.extend(records.iter().map(|record| {
                let own = record.name.trim_end_matches('.');
                format!("{own}.\t{}\tIN\t{}\t{}\n", record.ttl_seconds, record.kind, record.data)
            }));
            if shows.comments {
                out.push('\n');
            }
        }
        if shows.stats {
            let size =
                40 + self.name.len() + records.iter().map(|record| record.name.len() + 16).sum::<usize>();
            let size = size + authority.iter().map(|record| record.data.len() + 12).sum::<usize>();
            out.push_str(&format!(
                ";; Query time: {} msec\n;; SERVER: {server}#53({server}) (UDP)\n;; WHEN: {}\n;; MSG SIZE  rcvd: {size}\n\n",
                (now - self.began) / MILLISECOND,
                format_time(now, "%a %b %d %H:%M:%S UTC %Y"),
            ));
        }
        out
    }
}
