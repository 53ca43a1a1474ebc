//! wget as busybox has it.

use super::curl::Phase;
use super::fetch::{Came, Exchange, Lookup, Lost, SYN_TIMEOUT, Url, reason};
use super::filter::given;
use super::options::Known;
use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::host::{NetAnswer, NetProtocol};
use sim::Nanos;

/// wget
#[derive(Clone, Debug)]
pub(crate) struct Wget {
    url: Url,
    output: Option<String>,
    quiet: bool,
    shows_headers: bool,
    spider: bool,
    timeout: Option<Nanos>,
    phase: Phase,
    address: String,
    redirects: u32,
}

/// `wget`
pub(super) fn wget(argv: &[String], io: &mut Io) -> Program {
    let long = &[
        ("timeout", 'T'),
        ("output-document", 'O'),
        ("quiet", 'q'),
        ("spider", 'x'),
        ("server-response", 'S'),
        ("tries", 't'),
    ];
    let given = given!(Known { name: "wget", plain: "qSxc", valued: "OTtP", long, code: 1 }, argv);
    let Some(text) = given.args.first() else {
        return Ended::failed("wget: missing URL\nUsage: wget [OPTION]... [URL]...", 1);
    };
    let Ok(url) = Url::parse(text) else { return Ended::failed(&format!("wget: bad address '{text}'"), 1) };
    let timeout = given.value('T').and_then(super::waiting::span).filter(|timeout| *timeout > 0);
    let lookup = Lookup::new(&url.host, timeout.map(|timeout| io.host.now() + timeout));
    Program::Wget(Box::new(Wget {
        url,
        output: given.value('O').map(str::to_string),
        quiet: given.has('q'),
        shows_headers: given.has('S'),
        spider: given.has('x'),
        timeout,
        phase: Phase::Lookup(lookup),
        address: String::new(),
        redirects: 0,
    }))
}

impl Wget {
    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        match std::mem::replace(&mut self.phase, Phase::Begin) {
            Phase::Begin => Progress::Done(1),
            Phase::Lookup(mut lookup) => match lookup.step(io) {
                Came::Wait(block) => {
                    self.phase = Phase::Lookup(lookup);
                    Progress::Wait(block)
                }
                Came::Got(address) => {
                    if !self.quiet {
                        io.err(&format!(
                            "Connecting to {} ({address}:{})\n",
                            self.url.authority(),
                            self.url.port
                        ));
                    }
                    let protocol = NetProtocol::Http {
                        method: if self.spider { "HEAD" } else { "GET" }.to_string(),
                        host: self.url.authority(),
                        path: self.url.path.clone(),
                        headers: vec![
                            ("User-Agent".into(), "Wget".into()),
                            ("Connection".into(), "close".into()),
                        ],
                        body: String::new(),
                        tls: self.url.scheme == "https",
                    };
                    let timeout = self.timeout.unwrap_or(SYN_TIMEOUT);
                    self.phase =
                        Phase::Request(Exchange::send(io, protocol, &address, self.url.port, timeout));
                    self.address = address;
                    Progress::More
                }
                Came::Lost(_) => io.fail(&format!("wget: bad address '{}'", self.url.host), 1),
            },
            Phase::Request(exchange) => match exchange.step(io) {
                Came::Wait(block) => {
                    self.phase = Phase::Request(exchange);
                    Progress::Wait(block)
                }
                Came::Got(NetAnswer::Http { status, headers, body }) => {
                    self.answered(status, &headers, &body, io)
                }
                Came::Got(_) => io.fail("wget: error getting response", 1),
                Came::Lost(lost) => {
                    let address = &self.address;
                    let message = match lost {
                        Lost::Refused => {
                            format!("wget: can't connect to remote host ({address}): Connection refused")
                        }
                        Lost::Unreachable => {
                            format!("wget: can't connect to remote host ({address}): No route to host")
                        }
                        Lost::Timeout if self.timeout.is_some() => "wget: download timed out".to_string(),
                        Lost::Timeout => {
                            format!("wget: can't connect to remote host ({address}): Connection timed out")
                        }
                        _ => "wget: error getting response: Connection reset by peer".to_string(),
                    };
                    io.fail(&message, 1)
                }
            },
        }
    }

    fn answered(&mut self, status: u16, headers: &[(String, String)], body: &str, io: &mut Io) -> Progress {
        if self.shows_headers {
            io.err(&format!("  HTTP/1.1 {status} {}\n", reason(status)));
            for (name, value) in headers {
                io.err(&format!("  {name}: {value}\n"));
            }
        }
        let location = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("location"));
        if let Some((_, location)) = location.filter(|_| (300..400).contains(&status) && self.redirects < 20)
            && let Ok(url) = self.url.join(location)
        {
            self.redirects += 1;
            self.url = url;
            self.phase = Phase::Lookup(Lookup::new(&self.url.host, None));
            return Progress::More;
        }
        if status >= 400 {
            return io.fail(&format!("wget: server returned error: HTTP/1.1 {status} {}", reason(status)), 1);
        }
        if self.spider {
            if !self.quiet {
                io.err("remote file exists\n");
            }
            return Progress::Done(0);
        }
        let path = self.url.path.split('?').next().unwrap_or("");
        let base = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("index.html");
        let name = self.output.clone().unwrap_or_else(|| base.to_string());
        if name == "-" {
            if !self.quiet {
                io.err("writing to stdout\n");
            }
            io.out(body);
        } else {
            if !self.quiet {
                io.err(&format!("saving to '{name}'\n"));
            }
            let path = io.path(&name);
            let written =
                if name == "/dev/null" { Ok(()) } else { io.host.write_file(&io.state.place, &path, body) };
            if let Err(error) = written {
                return io.fail(&format!("wget: can't open '{name}': {}", error.words()), 1);
            }
        }
        if !self.quiet {
            let shown = if name == "-" { "-".to_string() } else { name.clone() };
            io.err(&format!(
                "{shown:<20} 100% |********************************| {:>5}  0:00:00 ETA\n",
                body.len()
            ));
            io.err(&if name == "-" {
                "written to stdout\n".to_string()
            } else {
                format!("'{name}' saved\n")
            });
        }
        Progress::Done(0)
    }

    /// Gives up what is under way.
    pub fn interrupt(&mut self, io: &mut Io) {
        match &self.phase {
            Phase::Begin => {}
            Phase::Lookup(lookup) => lookup.abandon(io),
            Phase::Request(exchange) => exchange.abandon(io),
        }
    }
}
