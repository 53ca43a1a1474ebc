//! ping as iputils prints, and as busybox does.

use super::fetch::{Came, Exchange, Lookup, Lost};
use super::filter::given;
use super::nc::Phase;
use super::options::Known;
use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::host::{NetAnswer, NetProtocol};
use crate::job::Block;
use sim::{MILLISECOND, Nanos, SECOND, Time};

/// ping
#[derive(Clone, Debug)]
pub(crate) struct Ping {
    host: String,
    address: String,
    count: Option<u64>,
    interval: Nanos,
    wait: Nanos,
    ttl: Option<u8>,
    sent: u64,
    times: Vec<Nanos>,
    received: u64,
    began: Time,
    is_busybox: bool,
    phase: Phase,
}

/// `ping`
pub(super) fn ping(argv: &[String], io: &mut Io) -> Program {
    let given = given!(Known { name: "ping", plain: "4nq", valued: "cWiwst", long: &[], code: 2 }, argv);
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
        ttl: given.value('t').and_then(|text| text.parse().ok()).filter(|ttl| *ttl > 0),
        sent: 0,
        times: Vec::new(),
        received: 0,
        began: now,
        is_busybox: io.state.is_busybox,
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
                    let size = if self.is_busybox { ": 56 data bytes" } else { " 56(84) bytes of data." };
                    io.out(&format!("PING {} ({address}){size}\n", self.host));
                    io.hint_unreachable(&address);
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
                    Came::Got(NetAnswer::Expired(by)) => {
                        io.out(&format!("From {by} icmp_seq={} Time to live exceeded\n", self.sent));
                    }
                    Came::Lost(Lost::Refused) => {
                        let address = &self.address;
                        io.out(&format!(
                            "From {address} icmp_seq={} Destination Port Unreachable\n",
                            self.sent
                        ));
                    }
                    Came::Got(_) => {
                        let took = now - began;
                        self.received += 1;
                        if self.times.len() < 10_000 {
                            self.times.push(took);
                        }
                        let ttl = io.host.ttl(&io.state.place, &self.address);
                        let line = self.reply_line(took, ttl);
                        io.out(&line);
                    }
                    Came::Lost(Lost::Unreachable) => {
                        let facts = io.host.facts(&io.state.place);
                        let own = facts.address();
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

    fn reply_line(&self, took: Nanos, ttl: u8) -> String {
        if self.is_busybox {
            let (address, seq) = (&self.address, self.sent - 1);
            return format!("64 bytes from {address}: seq={seq} ttl={ttl} time={} ms\n", millis(took));
        }
        // Three figures that count.
        let width = if took < MILLISECOND { 5 } else { 4 };
        let time = millis(took);
        let time = crate::text::cut(&time, width).trim_end_matches('.');
        format!("64 bytes from {}: icmp_seq={} ttl={ttl} time={time} ms\n", self.address, self.sent)
    }

    fn send(&mut self, io: &mut Io) {
        self.sent += 1;
        // The next one doesn't wait for an answer that doesn't come.
        let is_last = self.count.is_some_and(|count| self.sent >= count);
        let wait = if is_last { self.wait } else { self.wait.min(self.interval) };
        let address = self.address.clone();
        let protocol = self.ttl.map_or(NetProtocol::Icmp, |ttl| NetProtocol::Probe { ttl });
        self.phase = Phase::Request(Exchange::send(io, protocol, &address, 0, wait));
    }

    fn summary(&self, io: &mut Io) {
        let lost = (self.sent - self.received) * 100 / self.sent.max(1);
        let time = (io.host.now() - self.began) / MILLISECOND;
        let (host, sent, received) = (&self.host, self.sent, self.received);
        let mut out = format!("\n--- {host} ping statistics ---\n{sent} packets transmitted, ");
        out.push_str(&match self.is_busybox {
            true => format!("{received} packets received, {lost}% packet loss\n"),
            false => format!("{received} received, {lost}% packet loss, time {time}ms\n"),
        });
        if let (Some(min), Some(max)) = (self.times.iter().min(), self.times.iter().max()) {
            let count = self.times.len() as i64;
            let mean = self.times.iter().sum::<i64>() / count;
            let deviation = self.times.iter().map(|time| (time - mean).abs()).sum::<i64>() / count;
            let three = format!("{}/{}/{}", millis(*min), millis(mean), millis(*max));
            out.push_str(&match self.is_busybox {
                true => format!("round-trip min/avg/max = {three} ms\n"),
                false => format!("rtt min/avg/max/mdev = {three}/{} ms\n", millis(deviation)),
            });
        } else if !self.is_busybox {
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
