use crate::answer;
use crate::points::{self, Batch};
use crate::storage::{RESOLUTION, Storage};
use api::resources::NODES;
use api::{Value, meta};
use client::{Component, Cx, Delivery, Identity, Informers, WatchSpec};
use network::{Answer, HttpRequest, HttpResponse, Outcome, Payload, Socket};
use sim::{Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// For how long an answer of a kubelet is waited for.
const PATIENCE: Nanos = 10 * SECOND;
/// The kubelet's port, where its node doesn't say another.
const KUBELET: u16 = 10_250;
/// The most nodes that are asked.
const NODES_ASKED: usize = 5_000;

/// A request to a kubelet that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scrape {
    /// Its number, with which the answer comes back.
    pub id: u64,
    /// Where to.
    pub to: Socket,
    /// What is asked; whoever sends it adds the token that the pod has.
    pub request: HttpRequest,
    /// For how long the answer is waited for.
    pub patience: Nanos,
}

/// The metrics server's program.
#[derive(Clone, Debug)]
pub struct MetricsServer {
    identity: Identity,
    /// `namespace/name` of its pod.
    key: Rc<str>,
    informers: Informers,
    storage: Rc<Storage>,
    scrape_at: Time,
    /// When the round that is under way ends, whatever is missing.
    round_ends: Time,
    batch: Batch,
    waiting: BTreeMap<u64, Rc<str>>,
    next: u64,
    scrapes: Vec<Scrape>,
    log: Vec<String>,
    is_stored: bool,
}

fn specs() -> Vec<WatchSpec> {
    vec![WatchSpec::all(NODES)]
}

impl MetricsServer {
    /// Makes the server of a pod, as it is when its process starts.
    pub fn new(pod: &Value, now: Time) -> MetricsServer {
        let (name, account) = (meta::name(pod), pod["spec"]["serviceAccountName"].str());
        let agent = format!("metrics-server/{name}");
        MetricsServer {
            identity: Identity::service_account(meta::namespace(pod), account, &agent),
            key: meta::key(pod),
            informers: Informers::new(&specs()),
            storage: Rc::default(),
            scrape_at: now,
            round_ends: Time::NEVER,
            batch: Batch::default(),
            waiting: BTreeMap::new(),
            next: 1,
            scrapes: Vec::new(),
            log: vec![format!("Serving securely on [::]:{KUBELET}")],
            is_stored: true,
        }
    }

    /// Returns `namespace/name` of its pod.
    pub fn pod(&self) -> &Rc<str> {
        &self.key
    }

    /// Takes the requests that are to be sent since the last call.
    pub fn take_scrapes(&mut self) -> Vec<Scrape> {
        std::mem::take(&mut self.scrapes)
    }

    /// Takes the lines that its container has written since the last call.
    pub fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    /// Returns what it knows, where that has changed since the last call.
    pub fn take_storage(&mut self) -> Option<Rc<Storage>> {
        std::mem::take(&mut self.is_stored).then(|| self.storage.clone())
    }

    /// Answers what comes to its port over the network.
    pub fn serve(&self, payload: &Payload) -> Answer {
        let Payload::Http(http) = payload else { return Answer::Connected };
        let found = answer::health(&self.storage, &http.path);
        let (status, body) = found.unwrap_or_else(|| {
            (403, format!("forbidden: User \"system:anonymous\" cannot get path {:?}\n", http.path).into())
        });
        Answer::Http(HttpResponse::new(status, body))
    }

    /// Takes the outcome of a request to a kubelet.
    pub fn on_reply(&mut self, now: Time, id: u64, outcome: &Outcome) {
        let Some(node) = self.waiting.remove(&id) else { return };
        match outcome {
            Outcome::Answered(Answer::Http(response)) if response.status == 200 => {
                points::parse(&response.body, &node, &mut self.batch);
            }
            Outcome::Answered(Answer::Http(response)) => {
                self.failed(&node, &format!("request failed, status: {:?}", response.status));
            }
            outcome => self.failed(&node, outcome.word()),
        }
        if self.waiting.is_empty() {
            self.round_ends = now;
        }
    }

    fn failed(&mut self, node: &str, why: &str) {
        if self.log.len() < 64 {
            self.log.push(format!("\"Failed to scrape node\" err={why:?} node={node:?}"));
        }
    }

    // Models github.com/kubernetes-sigs/metrics-server pkg/scraper/scraper.go Scrape
    fn scrape(&mut self) {
        let nodes: Vec<Value> = self.informers.of(NODES).iter().take(NODES_ASKED).cloned().collect();
        for node in nodes {
            let status = &node["status"];
            let kind = |wanted: &str| {
                let mut addresses = status["addresses"].items().iter();
                addresses.find(|address| address["type"].str() == wanted)
            };
            let address = ["InternalIP", "ExternalIP", "Hostname"].into_iter().find_map(kind);
            let Some(address) = address.and_then(|found| found["address"].str().parse::<Ipv4Addr>().ok())
            else {
                continue;
            };
            let port = status["daemonEndpoints"]["kubeletEndpoint"]["Port"].as_int();
            let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(KUBELET);
            let mut request = HttpRequest::get(&format!("{address}:{port}"), "/metrics/resource");
            request.is_tls = true;
            request.headers.push(("User-Agent".into(), "metrics-server/v0.8.0 (linux/amd64)".into()));
            let (id, to) = (self.next, Socket { address, port });
            self.next += 1;
            self.waiting.insert(id, meta::name(&node).into());
            self.scrapes.push(Scrape { id, to, request, patience: PATIENCE });
        }
    }
}

impl Component for MetricsServer {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        specs()
    }

    fn deliver(&mut self, _cx: &mut Cx, watch: u32, delivery: Delivery) {
        self.informers.deliver(watch, delivery);
    }

    fn next_at(&self) -> Time {
        if self.informers.are_synced() { self.scrape_at.min(self.round_ends) } else { Time::NEVER }
    }

    fn step(&mut self, cx: &mut Cx) {
        if self.round_ends <= cx.now {
            self.round_ends = Time::NEVER;
            let late: Vec<Rc<str>> = std::mem::take(&mut self.waiting).into_values().collect();
            for node in late {
                self.failed(&node, "context deadline exceeded");
            }
            Rc::make_mut(&mut self.storage).store(std::mem::take(&mut self.batch));
            self.is_stored = true;
        }
        if self.scrape_at <= cx.now {
            self.scrape_at = cx.now + RESOLUTION;
            self.scrape();
            self.round_ends = if self.waiting.is_empty() { Time::NEVER } else { cx.now + PATIENCE };
        }
    }
}
