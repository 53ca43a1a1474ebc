//! curl as Debian 12 has it (7.88.1), and wget as busybox has it.

mod output;

use super::curl_flags::{HELP, LONG, Wish, curl_words};
use super::fetch::{Came, Exchange, Lookup, Lost, SYN_TIMEOUT, Url, UrlError};
use super::options::Known;
use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::host::{Certificate, NetAnswer, NetProtocol};
use sim::{MILLISECOND, Nanos, SECOND, Time};
use std::collections::VecDeque;

/// How many redirections are followed.
const MAX_REDIRECTS: u32 = 50;
/// How long curl tries to connect, unless it is told.
const CONNECT_TIMEOUT: Nanos = 300 * SECOND;

/// Who signs what `--cacert` vouches for here: the cluster's own authority.
const AUTHORITY: &str = "CN=kubernetes";
/// What curl says of a certificate that nobody vouches for.
const DISTRUST: &str = "More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the web page mentioned above.
";
/// An answer, or as much as there was.
#[derive(Clone, Debug, Default)]
struct Result {
    status: u16,
    headers: Vec<(String, String)>,
    size: usize,
    address: String,
    named: Nanos,
    answered: Nanos,
    redirects: u32,
    code: i32,
    /// The certificate that was shown, where it was looked at.
    certificate: Option<Certificate>,
}

#[derive(Clone, Debug)]
pub(super) enum Phase {
    Begin,
    Lookup(Lookup),
    Request(Exchange),
}

/// curl
#[derive(Clone, Debug)]
pub(crate) struct Curl {
    wish: Wish,
    urls: VecDeque<String>,
    url: Url,
    phase: Phase,
    began: Time,
    result: Result,
    connections: u32,
    code: i32,
    metered: bool,
}

/// `curl`
pub(super) fn curl(argv: &[String], io: &mut Io) -> Program {
    if argv.iter().any(|word| word == "--version" || word == "-V") {
        return Ended::printed("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1\n");
    }
    if argv.get(1).is_some_and(|word| word == "--help" || word == "-h") {
        return Ended::printed(HELP);
    }
    let known = Known { name: "curl", plain: "sSviIOLkfN4g", valued: "owmcXdHAujzbC@", long: LONG, code: 2 };
    let given = match known.read(argv.get(1..).unwrap_or_default()) {
        Ok(given) => given,
        Err(error) => return Ended::failed(&curl_words(&error), 2),
    };
    let urls: VecDeque<String> = given.args.iter().cloned().collect();
    if urls.is_empty() {
        return Ended::failed("curl: try 'curl --help' or 'curl --manual' for more information", 2);
    }
    let wish = match Wish::of(&given, io) {
        Ok(wish) => wish,
        Err(error) => return Ended::failed(&error, if error.contains("(77)") { 77 } else { 26 }),
    };
    Program::Curl(Box::new(Curl {
        wish,
        urls,
        url: Url::default(),
        phase: Phase::Begin,
        began: io.host.now(),
        result: Result::default(),
        connections: 0,
        code: 0,
        metered: false,
    }))
}

impl Curl {
    fn deadline(&self) -> Option<Time> {
        self.wish.max_time.map(|limit| self.began + limit)
    }

    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        match std::mem::replace(&mut self.phase, Phase::Begin) {
            Phase::Begin => {
                let Some(url) = self.urls.pop_front() else { return Progress::Done(self.code) };
                self.began = io.host.now();
                self.result = Result::default();
                match Url::parse(&url) {
                    Ok(url) => {
                        self.url = url;
                        self.look_up();
                    }
                    Err(error) => self.bad_url(&error, &url, io),
                }
                Progress::More
            }
            Phase::Lookup(mut lookup) => match lookup.step(io) {
                Came::Wait(block) => {
                    self.phase = Phase::Lookup(lookup);
                    Progress::Wait(block)
                }
                Came::Got(address) => {
                    self.send(address, io);
                    Progress::More
                }
                Came::Lost(lost) => {
                    self.lost(lost, io);
                    Progress::More
                }
            },
            Phase::Request(exchange) => match exchange.step(io) {
                Came::Wait(block) => {
                    self.phase = Phase::Request(exchange);
                    Progress::Wait(block)
                }
                Came::Got(NetAnswer::Http { status, headers, body }) => {
                    self.answered(status, headers, &body, io);
                    Progress::More
                }
                Came::Got(NetAnswer::Certificate(certificate)) => {
                    if !self.trusts(&certificate) {
                        return self.shook_hands(Some(&certificate.flaw.1), io);
                    }
                    self.result.certificate = Some(certificate);
                    let (address, port) = (self.result.address.clone(), self.url.port);
                    let timeout = self.patience(io);
                    self.phase = Phase::Request(exchange.again(io, self.request(), &address, port, timeout));
                    Progress::More
                }
                Came::Got(NetAnswer::Text(_)) if self.url.scheme == "https" => self.shook_hands(None, io),
                Came::Got(NetAnswer::Text(text)) if text.is_empty() => {
                    self.fail(52, "Empty reply from server", io)
                }
                Came::Got(NetAnswer::Text(_)) => self.fail(1, "Received HTTP/0.9 when not allowed", io),
                Came::Got(_) => self.fail(52, "Empty reply from server", io),
                Came::Lost(lost) => {
                    self.lost(lost, io);
                    Progress::More
                }
            },
        }
    }

    fn look_up(&mut self) {
        let is_this = |known: &&(String, u16, String)| known.0 == self.url.host && known.1 == self.url.port;
        let known = self.wish.known.iter().find(is_this).map(|(_, _, address)| address.clone());
        let name = known.as_ref().unwrap_or(&self.url.host);
        self.phase = Phase::Lookup(Lookup::new(name, self.deadline()));
    }

    fn bad_url(&mut self, error: &UrlError, url: &str, io: &mut Io) {
        match error {
            UrlError::Scheme(scheme) => {
                self.fail(1, &format!("Protocol \"{scheme}\" not supported or disabled in libcurl"), io)
            }
            UrlError::Port => self.fail(3, "URL using bad/illegal format or missing URL", io),
            UrlError::Host if !url.contains("://") => {
                self.fail(3, "URL using bad/illegal format or missing URL", io)
            }
            UrlError::Host | UrlError::Bad => self.fail(3, "URL using bad/illegal format or missing URL", io),
        };
    }

    fn note(&self, io: &mut Io, text: &str) {
        if self.wish.verbose {
            io.err(&format!("* {text}\n"));
        }
    }

    fn send(&mut self, address: String, io: &mut Io) {
        let now = io.host.now();
        self.result.named = now - self.began;
        self.note(io, &format!("  Trying {address}:{}...", self.url.port));
        // Who trusts anybody looks at the certificate only to show it.
        let looks = self.url.scheme == "https" && (!self.wish.trusts_all || self.wish.verbose);
        let protocol = match looks {
            true => NetProtocol::Hello { name: self.url.host.clone(), goes_on: self.wish.trusts },
            false => self.request(),
        };
        let timeout = self.patience(io);
        self.result.address = address.clone();
        self.phase = Phase::Request(Exchange::send(io, protocol, &address, self.url.port, timeout));
    }

    /// Returns how long the answer may take.
    fn patience(&self, io: &mut Io) -> Nanos {
        let left = self.deadline().map_or(SYN_TIMEOUT, |deadline| deadline - io.host.now());
        let connect = self.wish.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
        left.min(connect).min(SYN_TIMEOUT)
    }

    /// Returns whether a certificate is good enough: any with `-k`, with `--cacert` those of the cluster's
    /// authority.
    fn trusts(&self, certificate: &Certificate) -> bool {
        self.wish.trusts_all || self.wish.trusts && certificate.issuer == AUTHORITY
    }

    fn request(&self) -> NetProtocol {
        NetProtocol::Http {
            method: self.wish.method.clone(),
            host: self.host_header(),
            path: self.url.path.clone(),
            headers: self.wish.headers.iter().filter(|header| !is_host(header)).cloned().collect(),
            body: self.wish.body.clone().unwrap_or_default(),
            tls: self.url.scheme == "https",
        }
    }

    fn lost(&mut self, lost: Lost, io: &mut Io) {
        let elapsed = (io.host.now() - self.began) / MILLISECOND;
        let (host, port, address) = (self.url.host.clone(), self.url.port, self.result.address.clone());
        let connect =
            format!("Failed to connect to {host} port {port} after {elapsed} ms: Couldn't connect to server");
        let limited = self.wish.max_time.is_some() || self.wish.connect_timeout.is_some();
        let (code, message, cause) = match lost {
            Lost::Unknown => (6, format!("Could not resolve host: {host}"), ""),
            Lost::ResolveTimeout => {
                (28, format!("Resolving timed out after {} milliseconds", elapsed + 1), "")
            }
            Lost::Refused => (7, connect, "Connection refused"),
            Lost::Unreachable => (7, connect, "No route to host"),
            Lost::Timeout if limited => {
                (28, format!("Connection timed out after {} milliseconds", elapsed + 1), "")
            }
            Lost::Timeout => (28, connect, "Connection timed out"),
            Lost::Reset => (56, "Recv failure: Connection reset by peer".to_string(), ""),
        };
        if !cause.is_empty() {
            self.note(io, &format!("connect to {address} port {port} failed: {cause}"));
        }
        self.fail(code, &message, io);
    }

    fn fail(&mut self, code: i32, message: &str, io: &mut Io) -> Progress {
        if self.wish.verbose {
            self.note(io, message);
            self.note(io, &format!("Closing connection {}", self.connections));
        }
        self.connections += 1;
        self.meter(0, io);
        if !self.wish.silent || self.wish.shows_error {
            io.err(&format!("curl: ({code}) {message}\n"));
            if code == 60 {
                io.err(DISTRUST);
            }
        }
        self.result.code = code;
        self.code = code;
        self.write_out(io);
        Progress::More
    }

    fn answered(&mut self, status: u16, headers: Vec<(String, String)>, body: &str, io: &mut Io) {
        let now = io.host.now();
        self.result.answered = now - self.began;
        self.result.status = status;
        self.result.headers = headers;
        self.talk(io);
        let location = self.header("location").map(str::to_string);
        if let Some(location) = location.filter(|_| self.wish.follows && (300..400).contains(&status)) {
            self.result.redirects += 1;
            if self.result.redirects > MAX_REDIRECTS {
                self.fail(47, "Maximum (50) redirects followed", io);
                return;
            }
            if self.wish.shows_headers {
                let head = self.head();
                self.print(&head, io);
            }
            match self.url.join(&location) {
                Ok(url) => {
                    self.note(
                        io,
                        &format!("Connection #{} to host {} left intact", self.connections, self.url.host),
                    );
                    self.note(io, &format!("Issue another request to this URL: '{}'", url.text()));
                    self.connections += 1;
                    if (301..=303).contains(&status) && self.wish.method == "POST" {
                        self.wish.method = "GET".to_string();
                        self.wish.body = None;
                        self.wish.headers.retain(|(name, _)| !name.starts_with("Content-"));
                    }
                    self.url = url;
                    self.look_up();
                }
                Err(error) => self.bad_url(&error, &location, io),
            }
            return;
        }
        if self.wish.fails && status >= 400 {
            self.fail(22, &format!("The requested URL returned error: {status}"), io);
            return;
        }
        self.result.size = if self.wish.only_headers { 0 } else { body.len() };
        self.meter(self.result.size, io);
        let mut text = if self.wish.shows_headers { self.head() } else { String::new() };
        if !self.wish.only_headers {
            text.push_str(body);
        }
        self.print(&text, io);
        self.note(io, &format!("Connection #{} to host {} left intact", self.connections, self.url.host));
        self.connections += 1;
        self.write_out(io);
    }

    fn host_header(&self) -> String {
        let own = self.wish.headers.iter().find(|header| is_host(header));
        own.map_or_else(|| self.url.authority(), |(_, value)| value.clone())
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.result.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
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

fn is_host((name, _): &(String, String)) -> bool {
    name.eq_ignore_ascii_case("host")
}
