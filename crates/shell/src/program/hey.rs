//! hey, which sends load over HTTP and sums up what came of it.

use super::fetch::{Came, Lookup, Url};
use super::hey_report::Report;
use super::simple::Ended;
use super::waiting::span;
use super::{Io, Program, Progress};
use crate::host::{NetAnswer, NetProtocol, NetRequest};
use crate::job::Block;
use sim::{Nanos, SECOND, Time};

/// How many workers there may be.
const WORKERS: u64 = 1_000;
/// How many requests one run may send.
const REQUESTS: u64 = 1_000_000;

/// hey
#[derive(Clone, Debug)]
pub(crate) struct Hey {
    url: Url,
    method: String,
    headers: Vec<(String, String)>,
    body: String,
    timeout: Nanos,
    /// How many requests each worker sends.
    each: u64,
    /// For how long it sends.
    lasts: Option<Nanos>,
    /// The time between two requests of a worker.
    gap: Nanos,
    keeps: bool,
    lookup: Lookup,
    address: Option<String>,
    until: Time,
    workers: Vec<Worker>,
    report: Report,
}

/// One of those who ask at the same time.
#[derive(Clone, Debug, Default)]
struct Worker {
    sent: u64,
    next: Time,
    under_way: Option<(u64, Time, bool)>,
    /// The last request that was answered, over whose connection the next one goes.
    last: Option<u64>,
}

const USAGE: &str = "Usage: hey [options...] <url>

Options:
  -n  Number of requests to run. Default is 200.
  -c  Number of workers to run concurrently. Default is 50.
  -q  Rate limit, in queries per second (QPS) per worker. Default is no rate limit.
  -z  Duration of application to send requests: -z 10s, -z 3m.
  -m  HTTP method, one of GET, POST, PUT, DELETE, HEAD, OPTIONS.
  -H  Custom HTTP header.
  -t  Timeout for each request in seconds. Default is 20, use 0 for infinite.
  -d  HTTP request body.
  -disable-keepalive    Prevents re-use of TCP connections between requests.
";

fn failed(words: &str) -> Program {
    Ended::failed(&format!("{words}\n\n{USAGE}"), 1)
}

/// `hey`
pub(super) fn hey(argv: &[String], io: &mut Io) -> Program {
    let (mut count, mut workers, mut rate, mut seconds) = (200_u64, 50_u64, 0.0_f64, 20_i64);
    let (mut lasts, mut keeps, mut url) = (None, true, None);
    let (mut method, mut body, mut headers) = ("GET".to_string(), String::new(), Vec::new());
    let mut words = argv.iter().skip(1);
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix('-') else {
            url = Some(word.clone());
            continue;
        };
        let flag = flag.trim_start_matches('-');
        if flag == "disable-keepalive" {
            keeps = false;
            continue;
        }
        if !["n", "c", "q", "z", "m", "H", "t", "d"].contains(&flag) {
            return failed(&format!("flag provided but not defined: -{flag}"));
        }
        let Some(value) = words.next() else { return failed(&format!("flag needs an argument: -{flag}")) };
        let number = value.parse::<u64>().ok();
        let is_read = match flag {
            "n" => number.map(|value| count = value).is_some(),
            "c" => number.map(|value| workers = value).is_some(),
            "t" => number.map(|value| seconds = value.min(86_400) as i64).is_some(),
            "q" => value.parse().map(|value| rate = value).is_ok(),
            "z" => span(value).filter(|span| *span > 0).map(|span| lasts = Some(span)).is_some(),
            "m" => {
                method = value.to_uppercase();
                true
            }
            "d" => {
                body.clone_from(value);
                true
            }
            _ => value
                .split_once(':')
                .map(|(name, value)| headers.push((name.to_string(), value.trim().to_string())))
                .is_some(),
        };
        if !is_read {
            return failed(&format!("invalid value {value:?} for flag -{flag}: parse error"));
        }
    }
    let Some(url) = url else { return failed("") };
    let Ok(url) = Url::parse(&url) else { return failed(&format!("parse {url:?}: invalid URL")) };
    if workers == 0 || lasts.is_none() && count == 0 {
        return failed("-n and -c cannot be smaller than 1.");
    }
    if lasts.is_none() && count < workers {
        return failed("-n cannot be less than -c.");
    }
    if workers > WORKERS || count > REQUESTS {
        return failed(&format!("here -c can be {WORKERS} and -n {REQUESTS} at most."));
    }
    let now = io.host.now();
    let gap = if rate > 0.0 { ((SECOND as f64 / rate) as Nanos).max(1) } else { 0 };
    let worker = Worker { next: now + gap, ..Worker::default() };
    Program::Hey(Box::new(Hey {
        lookup: Lookup::new(&url.host, None),
        url,
        method,
        headers,
        body,
        timeout: if seconds == 0 { 86_400 * SECOND } else { seconds * SECOND },
        each: if lasts.is_some() { u64::MAX } else { count / workers },
        lasts,
        gap,
        keeps,
        address: None,
        until: Time::NEVER,
        workers: vec![worker; workers as usize],
        report: Report::new(now),
    }))
}

impl Hey {
    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if self.address.is_none() {
            match self.lookup.step(io) {
                Came::Wait(block) => return Progress::Wait(block),
                Came::Got(address) => self.begin(io, address),
                Came::Lost(_) => {
                    let host = &self.url.host;
                    return io.fail(
                        &format!("Get {:?}: dial tcp: lookup {host}: no such host", self.url.text()),
                        1,
                    );
                }
            }
        }
        let now = io.host.now();
        self.take_answers(io, now);
        self.send_due(io, now);
        let is_busy = self.workers.iter().any(|worker| worker.under_way.is_some());
        let next = self.workers.iter().filter(|worker| worker.under_way.is_none()).filter_map(|worker| {
            let goes_on =
                worker.sent < self.each && worker.next < self.until && self.report.sent() < REQUESTS;
            goes_on.then_some(worker.next)
        });
        match next.min() {
            None if !is_busy => {
                self.report.end(now);
                io.out(&self.report.text());
                Progress::Done(0)
            }
            // An answer wakes it, too.
            next => Progress::Wait(Block::Stream(0, next.or(Some(now + self.timeout)), false)),
        }
    }

    fn begin(&mut self, io: &mut Io, address: String) {
        let now = io.host.now();
        self.until = self.lasts.map_or(Time::NEVER, |lasts| now + lasts);
        self.report = Report::new(now);
        self.workers.iter_mut().for_each(|worker| worker.next = now + self.gap);
        io.hint_unreachable(&address);
        self.address = Some(address);
    }

    fn take_answers(&mut self, io: &mut Io, now: Time) {
        for place in 0..self.workers.len() {
            let Some(worker) = self.workers.get_mut(place) else { break };
            let Some((id, began, is_again)) = worker.under_way else { continue };
            let Some(answer) = io.host.exchange(id) else { continue };
            worker.under_way = None;
            // As Go's client does: what a kept connection could not carry is asked over a new one.
            if is_again && matches!(answer, NetAnswer::Reset) {
                self.send(io, place, began, false);
                continue;
            }
            worker.last = matches!(answer, NetAnswer::Http { .. }).then_some(id);
            worker.next = if self.gap > 0 { worker.next.max(now) } else { now };
            let address = self.address.as_deref().unwrap_or("");
            self.report.add(now - began, &answer, &self.url, address);
        }
    }

    fn send_due(&mut self, io: &mut Io, now: Time) {
        for place in 0..self.workers.len() {
            let Some(worker) = self.workers.get_mut(place) else { break };
            let is_due = worker.under_way.is_none() && worker.next <= now && worker.sent < self.each;
            if is_due && now < self.until && self.report.sent() < REQUESTS {
                worker.sent += 1;
                worker.next = worker.next + self.gap;
                self.send(io, place, now, self.keeps);
            }
        }
    }

    fn send(&mut self, io: &mut Io, place: usize, began: Time, again: bool) {
        let request = NetRequest {
            protocol: NetProtocol::Http {
                method: self.method.clone(),
                host: self.url.authority(),
                path: self.url.path.clone(),
                headers: [("User-Agent".to_string(), "hey/0.0.1".to_string())]
                    .into_iter()
                    .chain(self.headers.iter().cloned())
                    .collect(),
                body: self.body.clone(),
                tls: self.url.scheme == "https",
            },
            address: self.address.clone().unwrap_or_default(),
            port: self.url.port,
            timeout: self.timeout,
        };
        let Some(worker) = self.workers.get_mut(place) else { return };
        let earlier = worker.last.filter(|_| again);
        let id = match earlier {
            Some(earlier) => io.host.connect_again(&io.state.place, earlier, request),
            None => io.host.connect(&io.state.place, request),
        };
        worker.under_way = Some((id, began, earlier.is_some()));
    }

    /// Ends it with the sums so far, as Ctrl-C does.
    pub fn interrupt(&mut self, io: &mut Io) {
        for worker in &self.workers {
            if let Some((id, ..)) = worker.under_way {
                io.host.abandon(id);
            }
        }
        if self.address.is_none() {
            return self.lookup.abandon(io);
        }
        self.report.end(io.host.now());
        if !io.is_broken {
            io.out(&self.report.text());
        }
    }
}
