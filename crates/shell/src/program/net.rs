//! nc, ping and redis-cli.

use super::fetch::{Came, Exchange, Lookup, Lost, SYN_TIMEOUT};
use super::filter::given;
use super::options::Known;
use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::host::{NetAnswer, NetProtocol};
use crate::job::{Block, Input, Read};
use sim::{MILLISECOND, Nanos, SECOND, Time};

#[derive(Clone, Debug)]
enum Phase {
    Lookup(Lookup),
    Request(Exchange),
    Pause(Time),
}

impl Phase {
    fn abandon(&self, io: &mut Io) {
        match self {
            Phase::Lookup(lookup) => lookup.abandon(io),
            Phase::Request(exchange) => exchange.abandon(io),
            Phase::Pause(_) => {}
        }
    }
}

/// nc as netcat-openbsd prints
#[derive(Clone, Debug)]
pub(crate) struct Nc {
    host: String,
    port: u16,
    only_opens: bool,
    verbose: bool,
    timeout: Option<Nanos>,
    payload: Option<String>,
    phase: Phase,
}

/// `nc`
pub(super) fn nc(argv: &[String], io: &mut Io) -> Program {
    let given = given!(Known { name: "nc", plain: "zvnlu4kN", valued: "wqpi", long: &[], code: 1 }, argv);
    if given.has('l') {
        return Ended::failed("# kubarium: nc only asks; a Pod listens", 1);
    }
    let [host, port] = given.args.as_slice() else {
        return Ended::failed("usage: nc [-vz] [-w timeout] destination port", 1);
    };
    let Ok(port) = port.parse() else { return Ended::failed(&format!("nc: port number invalid: {port}"), 1) };
    let timeout = given.value('w').and_then(super::waiting::span);
    let lookup = Lookup::new(host, timeout.map(|timeout| io.host.now() + timeout));
    Program::Nc(Box::new(Nc {
        host: host.clone(),
        port,
        only_opens: given.has('z'),
        verbose: given.has('v'),
        timeout,
        payload: given.has('z').then(String::new),
        phase: Phase::Lookup(lookup),
    }))
}

impl Nc {
    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if self.payload.is_none() {
            // What is typed is sent line by line; what is piped, at once.
            let read = if io.fds.stdin == Input::Terminal { io.line() } else { io.all() };
            match read {
                Read::Text(text) => self.payload = Some(text),
                Read::End => self.payload = Some(String::new()),
                Read::Wait => return io.wait(),
            }
        }
        let (host, port) = (self.host.clone(), self.port);
        match &mut self.phase {
            Phase::Lookup(lookup) => match lookup.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(address) => {
                    let payload = self.payload.clone().unwrap_or_default();
                    let timeout = self.timeout.unwrap_or(SYN_TIMEOUT);
                    let exchange = Exchange::send(io, NetProtocol::Tcp { payload }, &address, port, timeout);
                    self.phase = Phase::Request(exchange);
                    Progress::More
                }
                Came::Lost(_) => io.fail(
                    &format!("nc: getaddrinfo for host \"{host}\" port {port}: Name or service not known"),
                    1,
                ),
            },
            Phase::Request(exchange) => match exchange.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(answer) => {
                    if self.verbose {
                        let service = match port {
                            22 => "ssh",
                            53 => "domain",
                            80 => "http",
                            443 => "https",
                            3306 => "mysql",
                            6379 => "redis",
                            _ => "*",
                        };
                        io.err(&format!("Connection to {host} {port} port [tcp/{service}] succeeded!\n"));
                    }
                    if let NetAnswer::Text(text) = answer {
                        io.out(&text.replace("\r\n", "\n"));
                    }
                    Progress::Done(0)
                }
                Came::Lost(lost) => {
                    let cause = match lost {
                        Lost::Refused => "failed: Connection refused",
                        Lost::Unreachable => "failed: No route to host",
                        Lost::Reset => return Progress::Done(1),
                        _ if self.timeout.is_some() => "timed out: Operation now in progress",
                        _ => "failed: Connection timed out",
                    };
                    if self.verbose || !self.only_opens {
                        io.err(&format!("nc: connect to {host} port {port} (tcp) {cause}\n"));
                    }
                    Progress::Done(1)
                }
            },
            Phase::Pause(_) => Progress::Done(1),
        }
    }

    /// Gives up what is under way.
    pub fn interrupt(&mut self, io: &mut Io) {
        self.phase.abandon(io);
    }
}

/// ping
#[derive(Clone, Debug)]
pub(crate) struct Ping {
    host: String,
    address: String,
    count: Option<u64>,
    interval: Nanos,
    wait: Nanos,
    sent: u64,
    times: Vec<Nanos>,
    received: u64,
    began: Time,
    phase: Phase,
}

/// `ping`
pub(super) fn ping(argv: &[String], io: &mut Io) -> Program {
    let given = given!(Known { name: "ping", plain: "4nq", valued: "cWiws", long: &[], code: 2 }, argv);
    let Some(host) = given.args.first() else {
        return Ended::failed("ping: usage error: Destination address required", 1);
    };
    let span = |flag, default| given.value(flag).and_then(super::waiting::span).unwrap_or(default);
    let now = io.host.now();
    Program::Ping(Box::new(Ping {
        host: host.clone(),
        address: String::new(),
        count: given.value('c').and_then(|text| text.parse().ok()),
        interval: span('i', SECOND).max(10 * MILLISECOND),
        wait: span('W', 10 * SECOND).max(10 * MILLISECOND),
        sent: 0,
        times: Vec::new(),
        received: 0,
        began: now,
        phase: Phase::Lookup(Lookup::new(host, None)),
    }))
}

fn millis(nanos: Nanos) -> String {
    let micros = nanos / 1_000;
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}

impl Ping {
    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let now = io.host.now();
        match &mut self.phase {
            Phase::Lookup(lookup) => match lookup.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(address) => {
                    io.out(&format!("PING {} ({address}) 56(84) bytes of data.\n", self.host));
                    self.address = address;
                    self.send(io);
                    Progress::More
                }
                Came::Lost(_) => io.fail(&format!("ping: {}: Name or service not known", self.host), 2),
            },
            Phase::Pause(until) if now < *until => Progress::Wait(Block::Time(*until)),
            Phase::Pause(_) => {
                if self.count.is_some_and(|count| self.sent >= count) {
                    self.summary(io);
                    return Progress::Done(i32::from(self.received == 0));
                }
                self.send(io);
                Progress::More
            }
            Phase::Request(exchange) => {
                let came = exchange.step(io);
                let began = exchange.began;
                match came {
                    Came::Wait(block) => return Progress::Wait(block),
                    Came::Got(_) => {
                        let took = now - began;
                        self.received += 1;
                        if self.times.len() < 10_000 {
                            self.times.push(took);
                        }
                        let width = if took < MILLISECOND { 5 } else { 4 };
                        let time = crate::text::cut(&millis(took), width).trim_end_matches('.').to_string();
                        io.out(&format!(
                            "64 bytes from {}: icmp_seq={} ttl=63 time={time} ms\n",
                            self.address, self.sent
                        ));
                    }
                    Came::Lost(Lost::Unreachable) => {
                        let own = io.host.facts(&io.state.place).addresses;
                        let own =
                            own.iter().find(|(name, _)| name != "lo").map_or("", |(_, address)| address);
                        let own = own.split('/').next().unwrap_or("");
                        io.out(&format!("From {own} icmp_seq={} Destination Host Unreachable\n", self.sent));
                    }
                    Came::Lost(_) => {}
                }
                let is_last = self.count.is_some_and(|count| self.sent >= count);
                self.phase = Phase::Pause(if is_last { now } else { began + self.interval });
                Progress::More
            }
        }
    }

    fn send(&mut self, io: &mut Io) {
        self.sent += 1;
        // The next one doesn't wait for an answer that doesn't come.
        let is_last = self.count.is_some_and(|count| self.sent >= count);
        let wait = if is_last { self.wait } else { self.wait.min(self.interval) };
        let address = self.address.clone();
        self.phase = Phase::Request(Exchange::send(io, NetProtocol::Icmp, &address, 0, wait));
    }

    fn summary(&self, io: &mut Io) {
        let lost = (self.sent - self.received) * 100 / self.sent.max(1);
        let time = (io.host.now() - self.began) / MILLISECOND;
        let mut out = format!(
            "\n--- {} ping statistics ---\n{} packets transmitted, {} received, {lost}% packet loss, time {time}ms\n",
            self.host, self.sent, self.received
        );
        if let (Some(min), Some(max)) = (self.times.iter().min(), self.times.iter().max()) {
            let count = self.times.len() as i64;
            let mean = self.times.iter().sum::<i64>() / count;
            let deviation = self.times.iter().map(|time| (time - mean).abs()).sum::<i64>() / count;
            out.push_str(&format!(
                "rtt min/avg/max/mdev = {}/{}/{}/{} ms\n",
                millis(*min),
                millis(mean),
                millis(*max),
                millis(deviation)
            ));
        } else {
            out.push('\n');
        }
        io.out(&out);
    }

    /// Ends it with the sums, as Ctrl-C does.
    pub fn interrupt(&mut self, io: &mut Io) {
        self.phase.abandon(io);
        if self.sent > 0 && !io.is_broken {
            self.summary(io);
        }
    }
}

/// redis-cli
#[derive(Clone, Debug)]
pub(crate) struct Redis {
    host: String,
    port: u16,
    words: Vec<String>,
    interactive: bool,
    phase: Option<Phase>,
    prompted: bool,
}

/// `redis-cli`
pub(super) fn redis(argv: &[String], _io: &mut Io) -> Program {
    let (mut host, mut port, mut words) = ("127.0.0.1".to_string(), 6379, Vec::new());
    let mut rest = argv.iter().skip(1);
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-h" if words.is_empty() => host = rest.next().cloned().unwrap_or_default(),
            "-p" if words.is_empty() => port = rest.next().and_then(|text| text.parse().ok()).unwrap_or(6379),
            "-a" | "-n" | "-u" if words.is_empty() => drop(rest.next()),
            flag if flag.starts_with("--") && words.is_empty() => {}
            _ => words.push(word.clone()),
        }
    }
    let interactive = words.is_empty();
    Program::Redis(Box::new(Redis { host, port, words, interactive, phase: None, prompted: false }))
}

impl Redis {
    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if self.interactive && self.words.is_empty() {
            if !self.prompted && io.fds.stdin == Input::Terminal {
                io.out(&format!("{}:{}> ", self.host, self.port));
            }
            self.prompted = true;
            match io.line() {
                Read::Wait => return io.wait(),
                Read::End => return Progress::Done(0),
                Read::Text(line) => {
                    self.prompted = false;
                    self.words =
                        line.split_whitespace().map(|word| word.trim_matches('"').to_string()).collect();
                    if self
                        .words
                        .first()
                        .is_some_and(|word| matches!(word.as_str(), "quit" | "exit" | "QUIT"))
                    {
                        return Progress::Done(0);
                    }
                    return Progress::More;
                }
            }
        }
        match &mut self.phase {
            None | Some(Phase::Pause(_)) => {
                self.phase = Some(Phase::Lookup(Lookup::new(&self.host, None)));
                Progress::More
            }
            Some(Phase::Lookup(lookup)) => match lookup.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(address) => {
                    let payload = self.words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
                    let payload = format!("*{}\r\n{}", self.words.len(), payload.collect::<String>());
                    let exchange =
                        Exchange::send(io, NetProtocol::Tcp { payload }, &address, self.port, SYN_TIMEOUT);
                    self.phase = Some(Phase::Request(exchange));
                    Progress::More
                }
                Came::Lost(_) => self.failed("Name or service not known", io),
            },
            Some(Phase::Request(exchange)) => match exchange.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(NetAnswer::Text(text)) => {
                    let is_console = io.fds.stdout == crate::job::Sink::Out;
                    let mut rest = text.as_str();
                    let printed = reply(&mut rest, is_console, 0);
                    io.out(&printed);
                    self.ended(0)
                }
                Came::Got(_) => {
                    io.err("Error: Server closed the connection\n");
                    self.ended(1)
                }
                Came::Lost(Lost::Refused) => self.failed("Connection refused", io),
                Came::Lost(Lost::Unreachable) => self.failed("No route to host", io),
                Came::Lost(Lost::Reset) => {
                    io.err("Error: Connection reset by peer\n");
                    self.ended(1)
                }
                Came::Lost(_) => self.failed("Connection timed out", io),
            },
        }
    }

    fn failed(&mut self, cause: &str, io: &mut Io) -> Progress {
        io.err(&format!("Could not connect to Redis at {}:{}: {cause}\n", self.host, self.port));
        self.ended(1)
    }

    fn ended(&mut self, status: i32) -> Progress {
        if !self.interactive {
            return Progress::Done(status);
        }
        self.words.clear();
        self.phase = None;
        Progress::More
    }
}

/// Writes a reply of redis's protocol as redis-cli does.
fn reply(rest: &mut &str, is_console: bool, depth: u32) -> String {
    let Some((line, after)) = rest.split_once("\r\n") else {
        let text = format!("{}\n", rest.trim_end());
        *rest = "";
        return text;
    };
    *rest = after;
    let (kind, body) = line.split_at(line.chars().next().map_or(0, char::len_utf8));
    match kind {
        "+" => format!("{body}\n"),
        "-" if is_console => format!("(error) {body}\n"),
        ":" if is_console => format!("(integer) {body}\n"),
        "-" | ":" => format!("{body}\n"),
        "$" => match body.parse::<usize>() {
            Ok(length) => {
                let text = rest.get(..length).unwrap_or(rest).to_string();
                *rest = rest.get(length + 2..).unwrap_or("");
                if is_console { format!("{text:?}\n") } else { format!("{text}\n") }
            }
            Err(_) if is_console => "(nil)\n".to_string(),
            Err(_) => "\n".to_string(),
        },
        "*" if depth < 4 => {
            let count = body.parse::<usize>().unwrap_or(0);
            if count == 0 {
                return if is_console { "(empty array)\n" } else { "\n" }.to_string();
            }
            let mut out = String::new();
            for i in 1..=count.min(10_000) {
                let item = reply(rest, is_console, depth + 1);
                out.push_str(&if is_console { format!("{i}) {item}") } else { item });
                if rest.is_empty() {
                    break;
                }
            }
            out
        }
        _ => format!("{line}\n"),
    }
}
