//! Requests: what nginx answers itself, whom it asks, and what it makes of the answer.

use crate::edits::Edits;
use crate::log::{Line, LogFormat};
use crate::pages::page;
use network::{Answer, HttpRequest, HttpResponse, Outcome, Payload, Socket};
use sim::{Chance, Nanos, SECOND, Time};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// How many requests may be under way (`worker_connections`).
const CONNECTIONS: usize = 16_384;
/// How many endpoints are tried for one request (`proxy_next_upstream_tries`).
const TRIES: usize = 3;
/// How long an endpoint may take to answer (`proxy_read_timeout`).
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

/// A request as it came.
#[derive(Clone, Copy)]
pub struct Came<'a> {
    /// When.
    pub now: Time,
    /// By what number it is answered.
    pub exchange: u64,
    /// Who asks.
    pub client: Socket,
    /// What is asked.
    pub request: &'a HttpRequest,
    /// The source of chance.
    pub chance: Chance,
    /// The pod that it came to.
    pub pod: &'a str,
}

/// Which endpoint is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Balance {
    /// One after the other.
    // Models github.com/kubernetes/ingress-nginx rootfs/etc/nginx/lua/balancer/round_robin.lua
    #[default]
    RoundRobin,
    /// Any.
    // Models nginx src/http/modules/ngx_http_upstream_random_module.c
    Random,
}

/// What an endpoint is to be asked.
pub struct Ask<B> {
    /// Who is to answer.
    pub backend: B,
    /// Its name in the log.
    pub name: String,
    /// Its endpoints.
    pub ready: Vec<Socket>,
    /// What they are asked.
    pub request: HttpRequest,
}

/// Who answers a request.
pub enum Plan<B> {
    /// nginx itself, with a name for the log.
    Own(HttpResponse, String),
    /// An endpoint.
    Ask(Ask<B>),
}

/// A request that an endpoint was asked for.
#[derive(Clone, Debug)]
struct Pending<B> {
    exchange: u64,
    client: Socket,
    request: HttpRequest,
    upstream: Rc<Payload>,
    backend: B,
    name: String,
    tried: Vec<Socket>,
    began: Time,
    edits: Edits,
    chance: Chance,
}

/// The proxy's state; `B` tells those apart who answer.
#[derive(Clone, Debug)]
pub struct Proxy<B> {
    format: LogFormat,
    balance: Balance,
    pending: BTreeMap<u64, Pending<B>>,
    next: u64,
    turns: BTreeMap<B, u64>,
    served: u64,
    log: VecDeque<String>,
}

impl<B: Clone + Ord> Proxy<B> {
    /// Makes a proxy that nobody has asked yet.
    pub fn new(format: LogFormat, balance: Balance) -> Proxy<B> {
        Proxy {
            format,
            balance,
            pending: BTreeMap::new(),
            next: 0,
            turns: BTreeMap::new(),
            served: 0,
            log: VecDeque::new(),
        }
    }

    /// Takes the lines written since the last call.
    pub fn take_log(&mut self) -> Vec<String> {
        self.log.drain(..).collect()
    }

    /// Writes a line.
    pub fn write(&mut self, line: String) {
        if self.log.len() >= LINES {
            self.log.pop_front();
        }
        self.log.push_back(line);
    }

    /// Counts a request, and returns its number.
    pub fn count(&mut self) -> u64 {
        self.served += 1;
        self.served
    }

    /// Does with a request what was decided; `edits` change the answer's headers.
    pub fn serve(&mut self, came: &Came, plan: Plan<B>, edits: Edits) -> Served {
        let ask = match plan {
            Plan::Own(response, name) => return self.page(came, response, &name, &edits),
            Plan::Ask(ask) if ask.ready.is_empty() => return self.page(came, page(503), &ask.name, &edits),
            Plan::Ask(ask) => ask,
        };
        if self.pending.len() >= CONNECTIONS {
            return Served::Nothing;
        }
        let pending = Pending {
            exchange: came.exchange,
            client: came.client,
            request: came.request.clone(),
            upstream: Rc::new(Payload::Http(ask.request)),
            backend: ask.backend,
            name: ask.name,
            tried: Vec::new(),
            began: came.now,
            edits,
            chance: came.chance,
        };
        self.ask(pending, &ask.ready)
    }

    /// Asks somebody whose answer nobody waits for.
    pub fn mirror(&mut self, to: Socket, request: HttpRequest) -> Served {
        self.next += 1;
        Served::Ask { id: self.next, to, payload: Rc::new(Payload::Http(request)), patience: READ_TIMEOUT }
    }

    fn ask(&mut self, mut pending: Pending<B>, ready: &[Socket]) -> Served {
        let count = ready.len() as u64;
        let turn = match self.balance {
            Balance::RoundRobin => {
                let turn = self.turns.entry(pending.backend.clone()).or_default();
                *turn += 1;
                *turn - 1
            }
            Balance::Random => pending.chance.draw("upstream", &pending.name, self.next),
        };
        let Some(to) = ready.get((turn % count.max(1)) as usize).copied() else { return Served::Nothing };
        pending.tried.push(to);
        self.next += 1;
        let (id, payload) = (self.next, pending.upstream.clone());
        self.pending.insert(id, pending);
        Served::Ask { id, to, payload, patience: READ_TIMEOUT }
    }

    /// Takes what came of asking an endpoint; `endpoints` tells those that there are now.
    pub fn reply(
        &mut self,
        now: Time,
        id: u64,
        outcome: &Outcome,
        endpoints: impl FnOnce(&B) -> Vec<Socket>,
    ) -> Served {
        let Some(pending) = self.pending.remove(&id) else { return Served::Nothing };
        let response = match outcome {
            Outcome::Answered(Answer::Http(response)) => passed_on(response),
            Outcome::Timeout => page(504),
            _ => {
                let mut left = endpoints(&pending.backend);
                left.retain(|one| !pending.tried.contains(one));
                if !left.is_empty() && pending.tried.len() < TRIES {
                    return self.ask(pending, &left);
                }
                page(502)
            }
        };
        self.finish(now, &pending, response)
    }

    /// Answers by itself.
    fn page(&mut self, came: &Came, mut response: HttpResponse, name: &str, edits: &Edits) -> Served {
        let (now, client, request) = (came.now, came.client, came.request);
        let line = Line { now, client, request, response: &response, name, upstream: "-", took: 0 };
        let line = self.format.line(&line);
        self.write(line);
        edits.apply(&mut response.headers);
        Served::Answer { exchange: came.exchange, answer: Answer::Http(response) }
    }

    fn finish(&mut self, now: Time, pending: &Pending<B>, mut response: HttpResponse) -> Served {
        let tried: Vec<String> = pending.tried.iter().map(Socket::to_string).collect();
        let (client, request, name) = (pending.client, &pending.request, &pending.name);
        let (upstream, took) = (tried.join(", "), now - pending.began);
        let line = Line { now, client, request, response: &response, name, upstream: &upstream, took };
        let line = self.format.line(&line);
        self.write(line);
        pending.edits.apply(&mut response.headers);
        Served::Answer { exchange: pending.exchange, answer: Answer::Http(response) }
    }
}

/// Returns an endpoint's answer as the client gets it.
fn passed_on(response: &HttpResponse) -> HttpResponse {
    const HIDDEN: [&str; 4] = ["server", "date", "content-length", "x-powered-by"];
    let mut response = response.clone();
    response.headers.retain(|(name, _)| !HIDDEN.iter().any(|hidden| name.eq_ignore_ascii_case(hidden)));
    response
}
