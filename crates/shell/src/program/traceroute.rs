//! traceroute and tracepath: who passes a packet on, one after the other.

use super::fetch::{Came, Exchange, Lookup, Lost};
use super::options::Known;
use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::host::{NetAnswer, NetProtocol};
use sim::{Nanos, SECOND};

/// The port to which the first probe goes; each goes to the next one.
const FIRST_PORT: u16 = 33_434;
/// The port of tracepath's probes.
const PATH_PORT: u16 = 44_444;

/// traceroute, and tracepath
#[derive(Clone, Debug)]
pub(crate) struct Traceroute {
    host: String,
    address: String,
    is_path: bool,
    is_numeric: bool,
    is_icmp: bool,
    most: u8,
    probes: u16,
    wait: Nanos,
    ttl: u8,
    sent: u16,
    lookup: Option<Lookup>,
    /// The probes of the present hop that are under way, and what came of those that aren't any more.
    under_way: Vec<Exchange>,
    /// Who answered last within the hop.
    last: String,
    line: String,
    is_there: bool,
}

fn make(argv: &[String], io: &mut Io, is_path: bool) -> Program {
    let name = if is_path { "tracepath" } else { "traceroute" };
    let known = Known { name, plain: "nIUT4br", valued: "mqwpflsi", long: &[], code: 2 };
    let given = match known.read(argv.get(1..).unwrap_or_default()) {
        Ok(given) => given,
        Err(error) => return Ended::failed(&error, 2),
    };
    let Some(host) = given.args.first() else {
        let usage = match is_path {
            true => "\nUsage\n  tracepath [options] <destination>",
            false => "Usage:\n  traceroute [ -I ] [ -m max_ttl ] [ -n ] [ -q nqueries ] [ -w MAX ] host",
        };
        return Ended::failed(usage, 2);
    };
    let number = |flag, usual: u16| given.value(flag).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let most = u8::try_from(number('m', 30).clamp(1, 255)).unwrap_or(30);
    let wait =
        given.value('w').and_then(super::waiting::span).unwrap_or(if is_path { SECOND } else { 5 * SECOND });
    let _ = io;
    Program::Traceroute(Box::new(Traceroute {
        host: host.clone(),
        address: String::new(),
        is_path,
        is_numeric: given.has('n'),
        is_icmp: given.has('I'),
        most,
        probes: if is_path { 1 } else { number('q', 3).clamp(1, 10) },
        wait: wait.clamp(SECOND / 100, 60 * SECOND),
        ttl: 0,
        sent: 0,
        lookup: Some(Lookup::new(host, None)),
        under_way: Vec::new(),
        last: String::new(),
        line: String::new(),
        is_there: false,
    }))
}

/// `traceroute`
pub(super) fn traceroute(argv: &[String], io: &mut Io) -> Program {
    make(argv, io, false)
}

/// `tracepath`
pub(super) fn tracepath(argv: &[String], io: &mut Io) -> Program {
    make(argv, io, true)
}

impl Traceroute {
    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if let Some(lookup) = &mut self.lookup {
            return match lookup.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(address) => {
                    self.lookup = None;
                    self.begin(address, io);
                    Progress::More
                }
                Came::Lost(_) => {
                    let host = &self.host;
                    io.err(&match self.is_path {
                        true => format!("tracepath: {host}: Name or service not known\n"),
                        false if io.state.is_busybox => format!("traceroute: bad address '{host}'\n"),
                        false => format!(
                            "{host}: Name or service not known\nCannot handle \"host\" cmdline arg `{host}' on position 1 (argc 1)\n"
                        ),
                    });
                    Progress::Done(if self.is_path { 1 } else { 2 })
                }
            };
        }
        match self.under_way.first().map(|exchange| (exchange.step(io), exchange.began)) {
            Some((Came::Wait(block), _)) => Progress::Wait(block),
            Some((came, began)) => {
                self.under_way.remove(0);
                let took = io.host.now() - began;
                self.take(&came, took);
                Progress::More
            }
            None => self.next_hop(io),
        }
    }

    fn begin(&mut self, address: String, io: &mut Io) {
        let (host, most) = (&self.host, self.most);
        io.out(&match self.is_path {
            true => format!(" 1?: {:<57}pmtu 1500\n", "[LOCALHOST]"),
            false => {
                let size = if io.state.is_busybox { 46 } else { 60 };
                format!("traceroute to {host} ({address}), {most} hops max, {size} byte packets\n")
            }
        });
        self.address = address;
    }

    fn next_hop(&mut self, io: &mut Io) -> Progress {
        if self.ttl > 0 {
            io.out(&format!("{}\n", std::mem::take(&mut self.line)));
        }
        if self.is_there || self.ttl >= self.most {
            if self.is_path {
                let hops = self.ttl;
                io.out(&match self.is_there {
                    true => format!("     Resume: pmtu 1500 hops {hops} back {hops} \n"),
                    false => "     Too many hops: pmtu 1500\n     Resume: pmtu 1500 \n".to_string(),
                });
            }
            return Progress::Done(0);
        }
        self.ttl += 1;
        self.last.clear();
        self.line = if self.is_path { format!("{:2}:  ", self.ttl) } else { format!("{:2} ", self.ttl) };
        let address = self.address.clone();
        for _ in 0..self.probes {
            let port = match (self.is_icmp, self.is_path) {
                (true, _) => 0,
                (_, true) => PATH_PORT + self.sent,
                _ => FIRST_PORT + self.sent,
            };
            self.sent += 1;
            let probe = NetProtocol::Probe { ttl: self.ttl };
            self.under_way.push(Exchange::send_quietly(io, probe, &address, port, self.wait));
        }
        Progress::More
    }

    /// Notes what came of a probe.
    fn take(&mut self, came: &Came<NetAnswer>, took: Nanos) {
        let by = match came {
            Came::Got(NetAnswer::Expired(by)) => by.clone(),
            Came::Got(_) | Came::Lost(Lost::Refused) => {
                self.is_there = true;
                self.address.clone()
            }
            Came::Lost(Lost::Unreachable) => {
                self.is_there = true;
                self.line.push_str(if self.is_path { "send failed: No route to host" } else { "  !H" });
                return;
            }
            _ => {
                self.line.push_str(if self.is_path { "no reply" } else { " *" });
                return;
            }
        };
        let micros = took / 1_000;
        let time = format!("{}.{:03}", micros / 1_000, micros % 1_000);
        if self.is_path {
            let reached = if self.is_there { "reached" } else { "" };
            self.line.push_str(&format!("{by:<55}{time}ms {reached}"));
            return;
        }
        if self.last != by {
            self.line.push_str(&match self.is_numeric {
                true => format!(" {by}"),
                false => format!(" {by} ({by})"),
            });
            self.last = by;
        }
        self.line.push_str(&format!("  {time} ms"));
    }

    /// Gives up what is under way.
    pub fn interrupt(&mut self, io: &mut Io) {
        self.lookup.iter().for_each(|lookup| lookup.abandon(io));
        self.under_way.iter().for_each(|exchange| exchange.abandon(io));
    }
}
