use crate::dns::{DnsAnswer, DnsQuestion};
use crate::{HostId, Socket};
use serde::Serialize;
use sim::Time;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// Headers, in order.
pub type Headers = Vec<(Rc<str>, Rc<str>)>;

/// An HTTP request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HttpRequest {
    /// GET, POST, …
    pub method: Rc<str>,
    /// The Host header, with the port where it isn't the scheme's.
    pub host: Rc<str>,
    /// The path with its query.
    pub path: Rc<str>,
    /// Other headers.
    pub headers: Headers,
    /// The body.
    pub body: Rc<str>,
    /// Whether it goes through TLS.
    pub is_tls: bool,
}

impl HttpRequest {
    /// Makes a GET without headers of its own.
    pub fn get(host: &str, path: &str) -> HttpRequest {
        HttpRequest { method: "GET".into(), host: host.into(), path: path.into(), ..HttpRequest::default() }
    }
}

/// An HTTP answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Rc<str>,
}

impl HttpResponse {
    /// Makes an answer without headers.
    pub fn new(status: u16, body: impl Into<Rc<str>>) -> HttpResponse {
        HttpResponse { status, headers: Headers::new(), body: body.into() }
    }
}

/// What one side asks of the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payload {
    /// An HTTP request.
    Http(HttpRequest),
    /// A question of DNS.
    Dns(DnsQuestion),
    /// A line of any other protocol: `INCR visits`.
    Text(Rc<str>),
    /// Nothing: only whether a connection opens.
    Connect,
    /// An ICMP echo.
    Ping,
    /// A packet that may be passed on so often: `traceroute` learns from it who passes packets on.
    Probe(u8),
}

/// What an application answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// An HTTP answer.
    Http(HttpResponse),
    /// An answer of DNS.
    Dns(DnsAnswer),
    /// A line, or several.
    Text(Rc<str>),
    /// The connection opened.
    Connected,
    /// The ICMP echo's answer.
    Pong,
    /// The machine with this address did not pass the packet on, as it had been passed on often enough.
    Expired(Ipv4Addr),
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was answered.
    Answered(Answer),
    /// Nobody listens there, or a rule refused it: "Connection refused".
    Refused,
    /// The other side went away before it answered: "Connection reset by peer".
    Reset,
    /// No machine has that address: "No route to host".
    Unreachable,
    /// Nothing came back in time: "Connection timed out".
    Timeout,
}

impl Outcome {
    /// Returns a word for it: `answered`, `refused`, `reset`, `unreachable`, `timeout`.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Answered(_) => "answered",
            Outcome::Refused => "refused",
            Outcome::Reset => "reset",
            Outcome::Unreachable => "unreachable",
            Outcome::Timeout => "timeout",
        }
    }
}

/// The number of an exchange: one connection, what is asked through it and what is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ExchangeId(pub u64);

/// An application's number, which whoever runs applications chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Application(pub u64);

/// What [`crate::Network::advance`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A request came to an application.
    Arrival(Arrival),
    /// An exchange ended.
    Ended(Ended),
}

/// A request that came to an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at: Time,
    /// The exchange, by which it is to be answered.
    pub exchange: ExchangeId,
    /// The pod or machine.
    pub host: HostId,
    /// The application that listens there.
    pub application: Application,
    /// The application's own end.
    pub local: Socket,
    /// The other end, as the application sees it.
    pub peer: Socket,
    /// What is asked.
    pub payload: Rc<Payload>,
}

/// An exchange that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Time,
    /// The exchange.
    pub exchange: ExchangeId,
    /// Who began it.
    pub from: HostId,
    /// What its beginner said about itself.
    pub owner: u64,
    /// How it ended.
    pub outcome: Outcome,
}
