//! Requests: what nginx answers itself, whom it asks, and what it makes of the answer.

use crate::config::{Backend, Config, Location};
use crate::controller::Endpoints;
use crate::pages::{page, redirect};
use network::{Answer, Headers, HttpRequest, HttpResponse, Outcome, Payload, Socket};
use sim::{Chance, Nanos, SECOND, Time};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// How many requests may be under way (`worker_connections`).
const CONNECTIONS: usize = 16_384;
/// How many endpoints are tried for one request (`proxy-next-upstream-tries`).
const TRIES: usize = 3;
/// How long an endpoint may take to answer (`proxy-read-timeout`).
const READ_TIMEOUT: Nanos = 60 * SECOND;
/// How many lines are kept until somebody takes them.
const LINES: usize = 1_024;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// It is answered.
    Answer {
        /// The request.
        exchange: u64,
        /// The answer.
        answer: Answer,
    },
    /// An endpoint is asked; the outcome comes back by the number.
    Ask {
        /// The number.
        id: u64,
        /// The endpoint.
        to: Socket,
        /// What it is asked.
        payload: Rc<Payload>,
        /// After how long nginx gives up.
        patience: Nanos,
    },
    /// Nothing; there are too many requests, or nobody waits any more.
    Nothing,
}

/// A request that an endpoint was asked for.
#[derive(Clone, Debug)]
struct Pending {
    exchange: u64,
    client: Socket,
    request: HttpRequest,
    upstream: Rc<Payload>,
    backend: Backend,
    tried: Vec<Socket>,
    began: Time,
}

/// The proxy's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxy {
    pending: BTreeMap<u64, Pending>,
    next: u64,
    turns: BTreeMap<Backend, u64>,
    served: u64,
    log: VecDeque<String>,
}

/// A request as it came.
pub(crate) struct Came<'a> {
    pub(crate) now: Time,
    pub(crate) exchange: u64,
    pub(crate) client: Socket,
    pub(crate) request: &'a HttpRequest,
    pub(crate) chance: Chance,
    pub(crate) pod: &'a str,
}

fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
}

fn cookie<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let pairs = header(headers, "cookie")?.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(key, _)| !name.is_empty() && *key == name).map(|(_, value)| value)
}

impl Proxy {
    /// Takes the lines written since the last call.
    pub(crate) fn take_log(&mut self) -> Vec<String> {
        self.log.drain(..).collect()
    }

    pub(crate) fn write(&mut self, line: String) {
        if self.log.len() >= LINES {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    /// Takes a request.
    pub(crate) fn serve(&mut self, came: &Came, config: &Config, endpoints: &impl Endpoints) -> Served {
        let request = came.request;
        self.served += 1;
        let server = config.server(&request.host);
        let path = request.path.split('?').next().unwrap_or("/");
        let location = server.and_then(|(_, server)| server.location(path));
        let Some(location) = location else {
            return self.page(came, page(404), "upstream-default-backend");
        };
        if let Some(answer) = own_answer(location, came, path) {
            return self.page(came, answer, "-");
        }
        let Some(backend) = self.backend(location, came) else {
            return self.page(came, page(404), "upstream-default-backend");
        };
        let ready = endpoints.of(&backend);
        if ready.is_empty() {
            return self.page(came, page(503), &backend.name());
        }
        if self.pending.len() >= CONNECTIONS {
            return Served::Nothing;
        }
        let upstream = Rc::new(Payload::Http(forwarded(location, came)));
        let pending = Pending {
            exchange: came.exchange,
            client: came.client,
            request: request.clone(),
            upstream,
            backend,
            tried: Vec::new(),
            began: came.now,
        };
        self.ask(pending, &ready)
    }

    /// Chooses who answers: the location's backend or a canary's.
    fn backend(&self, location: &Location, came: &Came) -> Option<Backend> {
        let headers = &came.request.headers;
        let takes = |(n, (canary, _)): &(usize, &(crate::Canary, Backend))| {
            let said = header(headers, &canary.header).filter(|_| !canary.header.is_empty());
            let draw = came.chance.draw("canary", came.pod, (self.served << 4) + *n as u64);
            canary.takes(said, cookie(headers, &canary.cookie), draw)
        };
        let other = location.canaries.iter().enumerate().find(takes).map(|(_, (_, backend))| backend);
        other.or(location.backend.as_ref()).cloned()
    }

    /// Asks the next endpoint in turn.
    // Models github.com/kubernetes/ingress-nginx rootfs/etc/nginx/lua/balancer/round_robin.lua
    fn ask(&mut self, mut pending: Pending, ready: &[Socket]) -> Served {
        let turn = self.turns.entry(pending.backend.clone()).or_default();
        let to = ready[(*turn % ready.len() as u64) as usize];
        *turn += 1;
        pending.tried.push(to);
        self.next += 1;
        let (id, payload) = (self.next, pending.upstream.clone());
        self.pending.insert(id, pending);
        Served::Ask { id, to, payload, patience: READ_TIMEOUT }
    }

    /// Takes what came of asking an endpoint.
    pub(crate) fn reply(
        &mut self,
        now: Time,
        id: u64,
        outcome: &Outcome,
        endpoints: &impl Endpoints,
    ) -> Served {
        let Some(pending) = self.pending.remove(&id) else { return Served::Nothing };
        let response = match outcome {
            Outcome::Answered(Answer::Http(response)) => passed_on(response),
            Outcome::Timeout => page(504),
            _ => {
                let left: Vec<Socket> = endpoints
                    .of(&pending.backend)
                    .into_iter()
                    .filter(|one| !pending.tried.contains(one))
                    .collect();
                if !left.is_empty() && pending.tried.len() < TRIES {
                    return self.ask(pending, &left);
                }
                page(502)
            }
        };
        self.finish(now, &pending, response)
    }

    /// Answers by itself.
    fn page(&mut self, came: &Came, response: HttpResponse, name: &str) -> Served {
        let line = access(came.now, came.client, came.request, &response, name, "-", 0);
        self.write(line);
        Served::Answer { exchange: came.exchange, answer: shown(response, came.request.is_tls) }
    }

    fn finish(&mut self, now: Time, pending: &Pending, response: HttpResponse) -> Served {
        let tried: Vec<String> = pending.tried.iter().map(Socket::to_string).collect();
        let name = pending.backend.name();
        let took = now - pending.began;
        let line = access(now, pending.client, &pending.request, &response, &name, &tried.join(", "), took);
        self.write(line);
        Served::Answer { exchange: pending.exchange, answer: shown(response, pending.request.is_tls) }
    }
}

/// Adds what nginx says through TLS.
fn shown(mut response: HttpResponse, is_tls: bool) -> Answer {
    if is_tls {
        let hsts = ("Strict-Transport-Security".into(), "max-age=31536000; includeSubDomains".into());
        response.headers.push(hsts);
    }
    Answer::Http(response)
}

/// Returns what nginx answers at a location without asking anybody.
fn own_answer(location: &Location, came: &Came, path: &str) -> Option<HttpResponse> {
    let (options, request) = (&location.options, came.request);
    if !options.lets_in(came.client.address) {
        return Some(page(403));
    }
    let redirects = options.force_ssl_redirect || options.ssl_redirect && location.has_tls;
    if redirects && !request.is_tls {
        let host = request.host.split(':').next().unwrap_or("");
        return Some(redirect(308, &format!("https://{host}{}", request.path)));
    }
    if let Some((code, to)) = &options.redirect {
        return Some(redirect(*code, to));
    }
    if !options.app_root.is_empty() && path == "/" {
        let scheme = if request.is_tls { "https" } else { "http" };
        return Some(redirect(302, &format!("{scheme}://{}{}", request.host, options.app_root)));
    }
    None
}

/// Returns the request as the endpoint gets it.
// Models github.com/kubernetes/ingress-nginx rootfs/etc/nginx/template/nginx.tmpl proxy_set_header
fn forwarded(location: &Location, came: &Came) -> HttpRequest {
    let request = came.request;
    let (scheme, port) = if request.is_tls { ("https", "443") } else { ("http", "80") };
    let host = match &*location.options.upstream_vhost {
        "" => request.host.clone(),
        vhost => vhost.into(),
    };
    let id = [0, 1].map(|n| came.chance.draw("request-id", came.pod, (came.exchange << 1) + n));
    let id = format!("{:016x}{:016x}", id[0], id[1]);
    let client = came.client.address.to_string();
    let own = [
        ("X-Request-ID", id.as_str()),
        ("X-Real-IP", &client),
        ("X-Forwarded-For", &client),
        ("X-Forwarded-Host", &request.host),
        ("X-Forwarded-Port", port),
        ("X-Forwarded-Proto", scheme),
        ("X-Forwarded-Scheme", scheme),
        ("X-Scheme", scheme),
    ];
    let is_own = |name: &str| own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let mut headers: Headers = own.iter().map(|(name, value)| (Rc::from(*name), Rc::from(*value))).collect();
    headers.extend(request.headers.iter().filter(|(name, _)| !is_own(name)).cloned());
    HttpRequest {
        method: request.method.clone(),
        host,
        path: location.rewritten(&request.path).into(),
        headers,
        body: request.body.clone(),
        is_tls: false,
    }
}

/// Returns an endpoint's answer as the client gets it.
fn passed_on(response: &HttpResponse) -> HttpResponse {
    const HIDDEN: [&str; 4] = ["server", "date", "content-length", "x-powered-by"];
    let mut response = response.clone();
    response.headers.retain(|(name, _)| !HIDDEN.iter().any(|hidden| name.eq_ignore_ascii_case(hidden)));
    response
}

/// Writes a line of the access log.
// Models github.com/kubernetes/ingress-nginx docs/user-guide/nginx-configuration/log-format.md
fn access(
    now: Time,
    client: Socket,
    request: &HttpRequest,
    response: &HttpResponse,
    name: &str,
    upstream: &str,
    took: Nanos,
) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, hour, minute, second) = now.civil();
    let month = MONTHS.get((month - 1) as usize).unwrap_or(&"");
    let agent = header(&request.headers, "user-agent").unwrap_or("-");
    let (status, bytes) = (response.status, response.body.len());
    let seconds = format!("{}.{:03}", took / SECOND, took % SECOND / (SECOND / 1_000));
    let asked = upstream != "-";
    let (length, time, code) = if asked {
        (bytes.to_string(), seconds.clone(), status.to_string())
    } else {
        ("-".to_string(), "-".to_string(), "-".to_string())
    };
    let size = request.path.len() + request.host.len() + agent.len() + request.body.len() + 40;
    format!(
        "{} - - [{day:02}/{month}/{year}:{hour:02}:{minute:02}:{second:02} +0000] \"{} {} HTTP/1.1\" {status} \
         {bytes} \"-\" \"{agent}\" {size} {seconds} [{name}] [] {upstream} {length} {time} {code} -",
        client.address, request.method, request.path
    )
}
