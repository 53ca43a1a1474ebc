//! `pods/proxy`, `services/proxy`, `nodes/proxy`: the API server asks on its client's behalf.

use crate::Cluster;
use crate::wires::Wires;
use api::Status;
use apiserver::{NodeRequest, ProxyRequest};
use kubectl::StreamRead;
use network::dns::ResolvConf;
use network::{ExchangeId, HostId};
use shell::{NetAnswer, NetProtocol, NetRequest};
use sim::{Nanos, SECOND};
use std::collections::{BTreeMap, BTreeSet};

/// How long the API server waits for a connection and its answer.
// Models staging/src/k8s.io/apimachinery/pkg/util/net/http.go, a dialer's 30 s
const PATIENCE: Nanos = 30 * SECOND;
/// How many are under way at once.
const MOST: usize = 1_024;

/// A request that is under way.
#[derive(Clone, Debug)]
struct Proxied {
    stream: u64,
    prefix: String,
    /// Where it goes: `10.244.1.2:80`.
    to: String,
    exchange: Option<ExchangeId>,
}

/// The requests that the API server passed on, by their errands' numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies {
    under_way: BTreeMap<u64, Proxied>,
}

impl Proxies {
    /// Returns whether the API server began an exchange, which kubelets know by its certificate.
    pub(crate) fn began(&self, exchange: ExchangeId) -> bool {
        self.under_way.values().any(|proxied| proxied.exchange == Some(exchange))
    }

    /// Forgets what a stream was for. Returns its errand.
    pub(crate) fn close(&mut self, stream: u64) -> Option<u64> {
        let errand =
            self.under_way.iter().find_map(|(id, proxied)| (proxied.stream == stream).then_some(*id))?;
        self.under_way.remove(&errand);
        Some(errand)
    }
}

impl Cluster {
    /// Sends a request on.
    pub(super) fn begin_proxy(&mut self, request: &NodeRequest, proxied: &ProxyRequest) {
        let stream = request.stream;
        if proxied.path.is_empty() && matches!(proxied.method.as_str(), "GET" | "HEAD") {
            let query = if proxied.query.is_empty() { String::new() } else { format!("?{}", proxied.query) };
            let location = ("Location".to_string(), format!("{}/{query}", proxied.prefix));
            self.mail(stream, StreamRead::Head { status: 301, headers: vec![location] });
            return self.mail(stream, StreamRead::Closed);
        }
        if self.terminal.machines.proxies.under_way.len() >= MOST {
            let message = "too many requests, please try again later";
            return self.refuse(stream, &Status::new(429, "TooManyRequests", message));
        }
        let Some(from) = api_host(&self.wires, &self.preset.apiserver) else {
            let why =
                format!("dial tcp {}:{}: connect: network is unreachable", proxied.address, proxied.port);
            return self.refuse(stream, &unreachable(&why));
        };
        let net = NetRequest {
            protocol: protocol(proxied),
            address: proxied.address.clone(),
            port: proxied.port,
            timeout: PATIENCE,
        };
        let conf = ResolvConf::default();
        let Cluster { terminal, wires, world, .. } = self;
        let (errand, exchange) = terminal.machines.errands.send(world.now, wires, from, &conf, net);
        let to = format!("{}:{}", proxied.address, proxied.port);
        let under_way = Proxied { stream, prefix: proxied.prefix.clone(), to, exchange };
        terminal.machines.proxies.under_way.insert(errand, under_way);
    }

    /// Passes on what was answered.
    pub(super) fn take_proxied(&mut self) {
        let machines = &mut self.terminal.machines;
        let errands = machines.proxies.under_way.keys();
        let done: BTreeSet<u64> = errands.filter(|id| machines.errands.has(**id)).copied().collect();
        for id in done {
            let machines = &mut self.terminal.machines;
            let answer = machines.errands.take(id).unwrap_or(NetAnswer::Reset);
            let Some(proxied) = machines.proxies.under_way.remove(&id) else { continue };
            match answer {
                NetAnswer::Http { status, headers, body } => {
                    let headers = headers.into_iter().map(|header| relocated(header, &proxied)).collect();
                    self.mail(proxied.stream, StreamRead::Head { status, headers });
                    if !body.is_empty() {
                        self.mail(proxied.stream, StreamRead::Bytes(body));
                    }
                    self.mail(proxied.stream, StreamRead::Closed);
                }
                other => self.refuse(proxied.stream, &unreachable(&why(&other, &proxied.to))),
            }
        }
    }

    fn refuse(&mut self, stream: u64, status: &Status) {
        let headers = vec![("Content-Type".to_string(), "application/json".to_string())];
        self.mail(stream, StreamRead::Head { status: status.code, headers });
        self.mail(stream, StreamRead::Bytes(status.to_value().to_json()));
        self.mail(stream, StreamRead::Closed);
    }
}

/// Returns the machine that the API server runs on; the first node where it has none of its own here.
fn api_host(wires: &Wires, address: &str) -> Option<HostId> {
    let topology = wires.network.topology();
    let own = address.parse().ok().and_then(|address| topology.by_address(address));
    own.or_else(|| wires.nodes.values().copied().find(|host| topology.is_up(*host)))
}

fn protocol(proxied: &ProxyRequest) -> NetProtocol {
    let (host, headers): (Vec<_>, Vec<_>) =
        proxied.headers.iter().cloned().partition(|(name, _)| name.eq_ignore_ascii_case("host"));
    let query = if proxied.query.is_empty() { String::new() } else { format!("?{}", proxied.query) };
    NetProtocol::Http {
        method: proxied.method.clone(),
        host: host.into_iter().next().map_or_else(String::new, |(_, host)| host),
        path: format!("{}{query}", if proxied.path.is_empty() { "/" } else { &proxied.path }),
        headers,
        body: proxied.body.clone(),
        tls: proxied.tls,
    }
}

/// Leads a redirection to a path through the proxy.
// Models staging/src/k8s.io/apimachinery/pkg/util/proxy/transport.go rewriteURL
fn relocated((name, value): (String, String), proxied: &Proxied) -> (String, String) {
    let is_path = value.starts_with('/') && !value.starts_with("//");
    if name.eq_ignore_ascii_case("location") && is_path && !value.starts_with(&proxied.prefix) {
        return (name, format!("{}{value}", proxied.prefix));
    }
    (name, value)
}

// Models staging/src/k8s.io/apimachinery/pkg/util/proxy/transport.go RoundTrip
fn unreachable(why: &str) -> Status {
    Status::new(503, "ServiceUnavailable", format!("error trying to reach service: {why}"))
}

/// Returns how Go tells of an exchange that failed.
fn why(answer: &NetAnswer, to: &str) -> String {
    match answer {
        NetAnswer::Refused => format!("dial tcp {to}: connect: connection refused"),
        NetAnswer::Unreachable => format!("dial tcp {to}: connect: no route to host"),
        NetAnswer::Timeout => format!("dial tcp {to}: i/o timeout"),
        NetAnswer::Text(text) if text.starts_with("HTTP/") => {
            "http: server gave HTTP response to HTTPS client".to_string()
        }
        NetAnswer::Text(text) if !text.is_empty() => {
            let line = text.lines().next().unwrap_or("");
            format!("net/http: HTTP/1.x transport connection broken: malformed HTTP response {line:?}")
        }
        _ => "EOF".to_string(),
    }
}
