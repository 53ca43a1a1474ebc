//! nc and telnet.

use super::fetch::{Came, Exchange, Lookup, Lost, SYN_TIMEOUT};
use super::filter::given;
use super::options::Known;
use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::host::{NetAnswer, NetProtocol};
use crate::job::{Block, Input, Read};
use kubectl::StreamRead;
use sim::{Nanos, Time};

/// How long nc waits for an answer to a datagram.
const UDP_WAIT: Nanos = 3 * sim::SECOND;

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
    is_udp: bool,
    from_port: u16,
    /// The address and port as busybox tells them, once the address is known.
    peer: String,
    phase: Phase,
}

/// nc that listens
#[derive(Clone, Debug)]
pub(crate) struct Listening {
    port: u16,
    is_udp: bool,
    verbose: bool,
    goes_on: bool,
    stream: Option<u64>,
}

/// `nc`
pub(super) fn nc(argv: &[String], io: &mut Io) -> Program {
    let given = given!(Known { name: "nc", plain: "zvnlu4kN", valued: "wqpi", long: &[], code: 1 }, argv);
    let is_udp = given.has('u');
    if given.has('l') {
        let port = given.value('p').or(given.args.last().map(String::as_str));
        let Some(port) = port.and_then(|port| port.parse().ok()).filter(|port| *port > 0) else {
            return Ended::failed("usage: nc -l [-kuv] port", 1);
        };
        let (verbose, goes_on) = (given.has('v'), given.has('k'));
        return Program::Listening(Listening { port, is_udp, verbose, goes_on, stream: None });
    }
    let [host, port] = given.args.as_slice() else {
        return Ended::failed("usage: nc [-vz] [-w timeout] destination port", 1);
    };
    let Ok(port) = port.parse() else { return Ended::failed(&format!("nc: port number invalid: {port}"), 1) };
    let from_port = given.value('p').unwrap_or("0");
    let Ok(from_port) = from_port.parse() else {
        return Ended::failed(&format!("nc: port number invalid: {from_port}"), 1);
    };
    let timeout = given.value('w').and_then(super::waiting::span);
    let lookup = Lookup::new(host, timeout.map(|timeout| io.host.now() + timeout));
    Program::Nc(Box::new(Nc {
        host: host.clone(),
        port,
        only_opens: given.has('z'),
        verbose: given.has('v'),
        timeout,
        payload: given.has('z').then(String::new),
        is_udp,
        from_port,
        peer: String::new(),
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
        let (host, port, is_small) = (self.host.clone(), self.port, io.state.is_busybox);
        match &mut self.phase {
            Phase::Lookup(lookup) => match lookup.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(address) => {
                    self.peer = format!("{host} ({address}:{port})");
                    let payload = self.payload.clone().unwrap_or_default();
                    let timeout = self.timeout.unwrap_or(SYN_TIMEOUT);
                    let protocol = match self.is_udp {
                        true => NetProtocol::Udp { payload, from_port: self.from_port },
                        false if payload.is_empty() && !self.only_opens => NetProtocol::Silence,
                        false => NetProtocol::Tcp { payload },
                    };
                    let timeout = if self.is_udp { timeout.min(UDP_WAIT) } else { timeout };
                    let exchange = Exchange::send(io, protocol, &address, port, timeout);
                    self.phase = Phase::Request(exchange);
                    Progress::More
                }
                Came::Lost(_) if is_small => io.fail(&format!("nc: bad address '{host}'"), 1),
                Came::Lost(_) => io.fail(
                    &format!("nc: getaddrinfo for host \"{host}\" port {port}: Name or service not known"),
                    1,
                ),
            },
            Phase::Request(exchange) => match exchange.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(answer) => {
                    if self.verbose && is_small {
                        io.err(&format!("{} open\n", self.peer));
                    } else if self.verbose {
                        let service = match port {
                            22 => "ssh",
                            53 => "domain",
                            80 => "http",
                            443 => "https",
                            3306 => "mysql",
                            6379 => "redis",
                            _ => "*",
                        };
                        let protocol = if self.is_udp { "udp" } else { "tcp" };
                        io.err(&format!(
                            "Connection to {host} {port} port [{protocol}/{service}] succeeded!\n"
                        ));
                    }
                    if let NetAnswer::Text(text) = answer {
                        io.out(&text.replace("\r\n", "\n"));
                    }
                    Progress::Done(0)
                }
                // A datagram that nobody answers may well have come in.
                Came::Lost(Lost::Timeout) if self.is_udp => Progress::Done(0),
                Came::Lost(_) if self.is_udp => Progress::Done(1),
                Came::Lost(lost) if is_small => {
                    let cause = match lost {
                        Lost::Refused => "Connection refused",
                        Lost::Unreachable => "No route to host",
                        Lost::Reset => return Progress::Done(1),
                        _ => "Connection timed out",
                    };
                    io.fail(&format!("nc: {}: {cause}", self.peer), 1)
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

impl Listening {
    /// Waits for whoever comes, and answers with what it reads.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let Some(stream) = self.stream else {
            let answer = match io.fds.stdin {
                Input::Pipe(_) => match io.all() {
                    Read::Text(text) => text,
                    Read::End => String::new(),
                    Read::Wait => return io.wait(),
                },
                _ => String::new(),
            };
            let Some(stream) = io.host.hear(&io.state.place, self.is_udp, self.port, &answer) else {
                return io.fail("nc: Address already in use", 1);
            };
            self.stream = Some(stream);
            if self.verbose {
                io.err(&format!("Listening on 0.0.0.0 {}\n", self.port));
            }
            return Progress::More;
        };
        match io.host.stream_read(stream) {
            StreamRead::Errors(peer) if self.verbose => {
                io.err(&format!("Connection received on {peer}\n"));
                Progress::More
            }
            StreamRead::Errors(_) => Progress::More,
            StreamRead::Bytes(text) => {
                io.out(&text);
                if self.goes_on {
                    return Progress::More;
                }
                io.host.stream_close(stream);
                Progress::Done(0)
            }
            StreamRead::Empty => Progress::Wait(Block::Stream(stream, None, false)),
            _ => Progress::Done(0),
        }
    }

    /// Closes the port.
    pub fn interrupt(&mut self, io: &mut Io) {
        if let Some(stream) = self.stream.take() {
            io.host.stream_close(stream);
        }
    }
}

/// telnet
#[derive(Clone, Debug)]
pub(crate) struct Telnet {
    host: String,
    port: u16,
    address: String,
    is_open: bool,
    phase: Phase,
}

/// `telnet`
pub(super) fn telnet(argv: &[String], _io: &mut Io) -> Program {
    let words: Vec<&String> = argv.iter().skip(1).filter(|word| !word.starts_with('-')).collect();
    let (Some(host), port) = (words.first(), words.get(1).map_or("23", |port| port.as_str())) else {
        return Ended::failed("Usage: telnet HOST [PORT]", 1);
    };
    let Ok(port) = port.parse() else {
        return Ended::failed(
            &format!("telnet: could not resolve {host}/{port}: Servname not supported for ai_socktype"),
            1,
        );
    };
    let phase = Phase::Lookup(Lookup::new(host, None));
    Program::Telnet(Box::new(Telnet {
        host: host.to_string(),
        port,
        address: String::new(),
        is_open: false,
        phase,
    }))
}

impl Telnet {
    /// Opens the connection, then sends what is typed line by line.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let (host, port, is_small) = (self.host.clone(), self.port, io.state.is_busybox);
        match &mut self.phase {
            Phase::Lookup(lookup) => match lookup.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(address) => {
                    if !is_small {
                        io.out(&format!("Trying {address}...\n"));
                    }
                    let open = NetProtocol::Tcp { payload: String::new() };
                    self.phase = Phase::Request(Exchange::send(io, open, &address, port, SYN_TIMEOUT));
                    self.address = address;
                    Progress::More
                }
                Came::Lost(_) if is_small => io.fail(&format!("telnet: bad address '{host}'"), 1),
                Came::Lost(_) => {
                    io.fail(&format!("telnet: could not resolve {host}/{port}: Name or service not known"), 1)
                }
            },
            Phase::Request(exchange) => match exchange.step(io) {
                Came::Wait(block) => Progress::Wait(block),
                Came::Got(NetAnswer::Text(text)) if self.is_open => {
                    io.out(&text.replace("\r\n", "\n"));
                    self.phase = Phase::Pause(Time::NEVER);
                    Progress::More
                }
                Came::Got(_) if self.is_open => self.closed(io),
                Came::Got(_) => {
                    self.is_open = true;
                    io.out(&match is_small {
                        true => format!(
                            "Connected to {host}\n\nEntering character mode\nEscape character is '^]'.\n\n"
                        ),
                        false => format!("Connected to {host}.\nEscape character is '^]'.\n"),
                    });
                    self.phase = Phase::Pause(Time::NEVER);
                    Progress::More
                }
                Came::Lost(_) if self.is_open => self.closed(io),
                Came::Lost(lost) => {
                    let cause = match lost {
                        Lost::Refused => "Connection refused",
                        Lost::Unreachable => "No route to host",
                        Lost::Reset => "Connection reset by peer",
                        _ => "Connection timed out",
                    };
                    let message = match is_small {
                        true => format!("telnet: can't connect to remote host ({}): {cause}", self.address),
                        false => format!("telnet: Unable to connect to remote host: {cause}"),
                    };
                    io.fail(&message, 1)
                }
            },
            Phase::Pause(_) => match io.line() {
                Read::Text(payload) => {
                    let address = self.address.clone();
                    let send = NetProtocol::Tcp { payload };
                    self.phase = Phase::Request(Exchange::send(io, send, &address, port, SYN_TIMEOUT));
                    Progress::More
                }
                Read::End => self.closed(io),
                Read::Wait => io.wait(),
            },
        }
    }

    fn closed(&self, io: &mut Io) -> Progress {
        io.fail("Connection closed by foreign host", 1)
    }

    /// Gives up what is under way.
    pub fn interrupt(&mut self, io: &mut Io) {
        self.phase.abandon(io);
    }
}
