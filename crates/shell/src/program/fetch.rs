//! One HTTP request: the name is looked up, then the address is asked.

use super::Io;
use crate::host::{NetAnswer, NetProtocol, NetRequest};
use crate::job::Block;
use sim::{MILLISECOND, Nanos, SECOND, Time};

/// How long Linux tries to open a connection that nobody answers.
pub(super) const SYN_TIMEOUT: Nanos = 130 * SECOND;
/// How long the resolver waits for its server: two tries of five seconds.
const RESOLVE_TIMEOUT: Nanos = 10 * SECOND;

/// A URL's parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    pub scheme: String,
    pub host: String,
    pub port: u16,
    pub path: String,
}

impl Url {
    /// Reads a URL; without a scheme it is HTTP's.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let scheme = scheme.to_lowercase();
        let default_port = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return Err(UrlError::Scheme(scheme)),
        };
        let rest = rest.split('#').next().unwrap_or("");
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, "")) => (host, default_port),
            Some((host, port)) => (host, port.parse().map_err(|_| UrlError::Port)?),
            None => (authority, default_port),
        };
        if host.is_empty() {
            return Err(UrlError::Host);
        }
        if host.contains(char::is_whitespace) || !host.is_ascii() {
            return Err(UrlError::Bad);
        }
        let path = if path.starts_with('/') { path.to_string() } else { format!("/{path}") };
        Ok(Url { scheme, host: host.to_string(), port, path })
    }

    /// Returns the Host header.
    pub fn authority(&self) -> String {
        let default = if self.scheme == "https" { 443 } else { 80 };
        if self.port == default { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Returns the whole of it.
    pub fn text(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority(), self.path)
    }

    /// Returns the URL that a Location header leads to.
    pub fn join(&self, location: &str) -> Result<Url, UrlError> {
        if location.contains("://") {
            Url::parse(location)
        } else if location.starts_with('/') {
            Ok(Url { path: location.to_string(), ..self.clone() })
        } else {
            let folder = self
                .path
                .split('?')
                .next()
                .and_then(|path| path.rsplit_once('/'))
                .map_or("", |(folder, _)| folder);
            Ok(Url { path: format!("{folder}/{location}"), ..self.clone() })
        }
    }
}

/// What is wrong with a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UrlError {
    Scheme(String),
    Host,
    Port,
    Bad,
}

/// Returns whether a text is an IPv4 address.
pub(super) fn is_address(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok()
}

/// A lookup of a name's address.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    name: String,
    exchange: Option<u64>,
    deadline: Option<Time>,
}

/// What came of a lookup or a request.
pub(super) enum Came<T> {
    Wait(Block),
    Got(T),
    Lost(Lost),
}

/// Why nothing came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// Nobody knows the name.
    Unknown,
    /// The lookup took too long.
    ResolveTimeout,
    Refused,
    Unreachable,
    Timeout,
    Reset,
}

impl Lookup {
    /// Makes a lookup that gives up at a moment.
    pub fn new(name: &str, deadline: Option<Time>) -> Lookup {
        let name = if name == "localhost" { "127.0.0.1" } else { name };
        Lookup { name: name.to_string(), exchange: None, deadline }
    }

    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Came<String> {
        if is_address(&self.name) {
            return Came::Got(self.name.clone());
        }
        let now = io.host.now();
        let Some(exchange) = self.exchange else {
            let left =
                self.deadline.map_or(RESOLVE_TIMEOUT, |deadline| (deadline - now).min(RESOLVE_TIMEOUT));
            let request = NetRequest {
                protocol: NetProtocol::Dns { name: self.name.clone(), kind: "A".to_string(), search: true },
                address: String::new(),
                port: 53,
                timeout: left.max(MILLISECOND),
            };
            let exchange = io.host.connect(&io.state.place, request);
            self.exchange = Some(exchange);
            return Came::Wait(Block::Exchange(exchange));
        };
        match io.host.exchange(exchange) {
            None => Came::Wait(Block::Exchange(exchange)),
            Some(NetAnswer::Dns { records, .. }) => {
                let address = records.iter().find(|record| record.kind == "A");
                address.map_or(Came::Lost(Lost::Unknown), |record| Came::Got(record.data.clone()))
            }
            Some(_) if self.deadline.is_some_and(|deadline| now >= deadline) => {
                Came::Lost(Lost::ResolveTimeout)
            }
            Some(_) => Came::Lost(Lost::Unknown),
        }
    }

    /// Gives it up.
    pub fn abandon(&self, io: &mut Io) {
        if let Some(exchange) = self.exchange {
            io.host.abandon(exchange);
        }
    }
}

/// A request to an address.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    id: u64,
    /// When it was sent.
    pub began: Time,
}

impl Exchange {
    /// Sends it.
    pub fn send(io: &mut Io, protocol: NetProtocol, address: &str, port: u16, timeout: Nanos) -> Exchange {
        if port != 0 {
            io.hint_unreachable(address);
        }
        Exchange::send_quietly(io, protocol, address, port, timeout)
    }

    /// Sends it without a word about addresses that can't be reached from there.
    pub fn send_quietly(
        io: &mut Io,
        protocol: NetProtocol,
        address: &str,
        port: u16,
        timeout: Nanos,
    ) -> Exchange {
        let timeout = timeout.max(MILLISECOND);
        let request = NetRequest { protocol, address: address.to_string(), port, timeout };
        let id = io.host.connect(&io.state.place, request);
        Exchange { id, began: io.host.now() }
    }

    /// Asks over the same connection, once the answer has come.
    pub fn again(
        &self,
        io: &mut Io,
        protocol: NetProtocol,
        address: &str,
        port: u16,
        timeout: Nanos,
    ) -> Exchange {
        let timeout = timeout.max(MILLISECOND);
        let request = NetRequest { protocol, address: address.to_string(), port, timeout };
        let id = io.host.connect_again(&io.state.place, self.id, request);
        Exchange { id, began: io.host.now() }
    }

    /// Takes what came.
    pub fn step(&self, io: &mut Io) -> Came<NetAnswer> {
        match io.host.exchange(self.id) {
            None => Came::Wait(Block::Exchange(self.id)),
            Some(NetAnswer::Refused) => Came::Lost(Lost::Refused),
            Some(NetAnswer::Reset) => Came::Lost(Lost::Reset),
            Some(NetAnswer::Unreachable) => Came::Lost(Lost::Unreachable),
            Some(NetAnswer::Timeout) => Came::Lost(Lost::Timeout),
            Some(answer) => Came::Got(answer),
        }
    }

    /// Gives it up.
    pub fn abandon(&self, io: &mut Io) {
        io.host.abandon(self.id);
    }
}

/// Returns the words that go with an HTTP status.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
