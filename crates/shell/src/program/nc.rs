//! nc, ping and redis-cli.

use super::fetch::{Came, Exchange, Lookup, Lost, SYN_TIMEOUT};
use super::filter::given;
use super::options::Known;
use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::host::{NetAnswer, NetProtocol};
use crate::job::{Input, Read};
use sim::{Nanos, Time};

#[derive(Clone, Debug)]
pub(super) enum Phase {
    Lookup(Lookup),
    Request(Exchange),
    Pause(Time),
}

impl Phase {
    pub(super) fn abandon(&self, io: &mut Io) {
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
