use crate::answer::Zone;
use crate::corefile::Corefile;
use crate::manifests;
use api::resources::{ENDPOINTSLICES, NAMESPACES, SERVICES};
use client::{Component, Cx, Delivery, Identity, IndexBy, Informers, WatchSpec};
use network::dns::{DnsAnswer, DnsCode, DnsQuestion};
use network::{Answer, HttpResponse, Payload, Protocol, Socket};
use sim::{Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The ports on which a CoreDNS container listens.
pub const LISTENS: [(Protocol, u16); 5] = [
    (Protocol::Udp, 53),
    (Protocol::Tcp, 53),
    (Protocol::Tcp, 8_080),
    (Protocol::Tcp, 8_181),
    (Protocol::Tcp, 9_153),
];

pub(crate) const SERVICE_NAME: IndexBy = IndexBy::Label("kubernetes.io/service-name");

/// The DNS server of one container.
#[derive(Clone, Debug)]
pub struct CoreDns {
    identity: Identity,
    informers: Informers,
    upstream: BTreeMap<Rc<str>, Ipv4Addr>,
    answered: u64,
    /// When something that it watches has changed last.
    modified: Time,
    /// The configuration's text, and what it says.
    text: String,
    corefile: Rc<Corefile>,
    /// When it is looked at again, and whether that is due.
    reload_at: Time,
    reload_is_due: bool,
    log: Vec<String>,
}

/// How often the plug-in `reload` looks at the file.
const RELOAD: Nanos = 30 * SECOND;
/// What it says of itself when it starts.
const VERSION: [&str; 2] = ["CoreDNS-1.13.1", "linux/amd64, go1.25.2, 1db4568"];
/// How many lines wait for the log.
const LINES: usize = 1_000;

impl CoreDns {
    /// Makes the server of a pod, as it is when its process starts. `upstream` are the names that the
    /// servers outside the cluster know.
    pub fn new(pod: &str, upstream: BTreeMap<Rc<str>, Ipv4Addr>) -> CoreDns {
        let agent = format!("coredns/{pod}");
        let mut server = CoreDns {
            identity: Identity::service_account("kube-system", "coredns", &agent),
            informers: Informers::default(),
            upstream,
            answered: 0,
            modified: Time::EPOCH,
            text: String::new(),
            corefile: Rc::default(),
            reload_at: Time::NEVER,
            reload_is_due: false,
            log: Vec::new(),
        };
        server.corefile = Rc::new(Corefile::parse(&usual()).unwrap_or_default());
        server.informers = Informers::new(&server.watches());
        server.informers.add_index(ENDPOINTSLICES, SERVICE_NAME);
        server
    }

    /// Reads its configuration, as it stands in the file when the process starts.
    ///
    /// # Errors
    /// What it says of a file that it can't read, and ends with.
    pub fn start(&mut self, now: Time, text: &str) -> Result<(), String> {
        self.corefile = Rc::new(Corefile::parse(text)?);
        self.text = text.to_string();
        let keys = self.corefile.blocks.iter().flat_map(|block| &block.zones);
        self.log.extend(keys.map(|zone| format!("{}:53", if zone.is_empty() { "." } else { zone })));
        if self.corefile.reloads() {
            self.log.push(format!("[INFO] plugin/reload: Running configuration SHA512 = {}", sum(text)));
        }
        self.log.extend(VERSION.map(str::to_string));
        self.reload_at = if self.corefile.reloads() { now + RELOAD } else { Time::NEVER };
        Ok(())
    }

    /// Returns whether the file is to be looked at again, once.
    pub fn take_reload(&mut self) -> bool {
        std::mem::take(&mut self.reload_is_due)
    }

    /// Looks at the file again. What can't be read changes nothing.
    // Models github.com/coredns/coredns plugin/reload
    pub fn reload(&mut self, text: &str) {
        if text == self.text {
            return;
        }
        self.text = text.to_string();
        match Corefile::parse(text) {
            Ok(corefile) => {
                self.log.push("[INFO] Reloading".to_string());
                self.log
                    .push("[INFO] plugin/reload: Running configuration SHA512 = ".to_string() + &sum(text));
                self.log.push("[INFO] Reloading complete".to_string());
                self.corefile = Rc::new(corefile);
            }
            Err(why) => {
                self.log.push("[INFO] Reloading".to_string());
                self.log.push(format!("[ERROR] Restart failed: {why}"));
                self.log.push(format!("[ERROR] plugin/reload: Corefile changed but reload failed: {why}"));
            }
        }
    }

    /// Takes the lines that it has written.
    pub fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    /// Returns whether its caches are filled.
    pub fn is_ready(&self) -> bool {
        self.informers.are_synced()
    }

    /// Answers what came to a port; `None` for what it doesn't understand.
    pub fn serve(&mut self, peer: Socket, port: u16, payload: &Payload) -> Option<Answer> {
        match (port, payload) {
            (53, Payload::Dns(question)) => {
                let answer = self.answer(question);
                self.note(peer, question, &answer);
                Some(Answer::Dns(answer))
            }
            (8_080, Payload::Http(request)) if *request.path == *"/health" => {
                Some(Answer::Http(HttpResponse::new(200, "OK")))
            }
            (8_181, Payload::Http(request)) if *request.path == *"/ready" => {
                let (status, body) = if self.is_ready() { (200, "OK") } else { (503, "kubernetes") };
                Some(Answer::Http(HttpResponse::new(status, body)))
            }
            (9_153, Payload::Http(request)) if *request.path == *"/metrics" => {
                let metrics = format!(
                    "# HELP coredns_dns_requests_total Counter of DNS requests made per zone, protocol and family.\n\
                     # TYPE coredns_dns_requests_total counter\n\
                     coredns_dns_requests_total{{family=\"1\",proto=\"udp\",server=\"dns://:53\",type=\"A\",view=\"\",zone=\".\"}} {}\n",
                    self.answered
                );
                Some(Answer::Http(HttpResponse::new(200, metrics)))
            }
            (_, Payload::Http(_)) => Some(Answer::Http(HttpResponse::new(404, "404 page not found\n"))),
            _ => None,
        }
    }

    /// Answers a question.
    pub fn answer(&mut self, question: &DnsQuestion) -> DnsAnswer {
        if !self.is_ready() {
            return DnsAnswer::empty(DnsCode::ServerFailure);
        }
        let corefile = self.corefile.clone();
        let name = question.name.trim_end_matches('.').to_ascii_lowercase();
        let Some(block) = corefile.block_of(&name) else { return DnsAnswer::empty(DnsCode::Refused) };
        let zone = Zone {
            informers: &self.informers,
            block,
            upstream: &self.upstream,
            serial: self.modified.unix_seconds(),
        };
        let mut answer = zone.answer(question);
        // The plug-in `loadbalance` turns the addresses round.
        let first = answer.records.iter().position(|record| record.data.kind() == question.kind);
        if let Some(addresses) = first.and_then(|first| answer.records.get_mut(first..))
            && !addresses.is_empty()
            && block.balances
        {
            addresses.rotate_left((self.answered % addresses.len() as u64) as usize);
        }
        self.answered += 1;
        answer
    }
}

impl CoreDns {
    /// Writes a question into the log, where the plug-in `log` says so.
    // Models github.com/coredns/coredns plugin/log CommonLogFormat
    fn note(&mut self, peer: Socket, question: &DnsQuestion, answer: &DnsAnswer) {
        let name = question.name.trim_end_matches('.').to_ascii_lowercase();
        let logs = self.corefile.block_of(&name).is_some_and(|block| block.logs);
        if !logs || self.log.len() >= LINES {
            return;
        }
        let (size, id) = (name.len() + 18, self.answered.wrapping_mul(40_503) % 65_536);
        let reply = size + answer.records.len() * (name.len() + 28);
        let flags = if answer.code == DnsCode::ServerFailure { "qr,rd" } else { "qr,aa,rd" };
        self.log.push(format!(
            "[INFO] {peer} - {id} \"{} IN {name}. udp {size} false 512\" {} {flags} {reply} 0.000{:03}s",
            question.kind.name(),
            answer.code.name(),
            100 + self.answered % 300,
        ));
    }
}

/// Returns the configuration of the add-on's manifests.
pub fn usual() -> String {
    let objects = manifests(Ipv4Addr::UNSPECIFIED);
    let map = objects.iter().find(|object| object["kind"].str() == "ConfigMap");
    map.map_or(String::new(), |map| map["data"]["Corefile"].str().to_string())
}

/// Returns a text's check sum as a configuration's is told: long, and another for another text.
fn sum(text: &str) -> String {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    let mut out = String::new();
    for _ in 0..8 {
        for byte in text.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        out.push_str(&format!("{state:016x}"));
    }
    out
}

impl Component for CoreDns {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        [SERVICES, ENDPOINTSLICES, NAMESPACES].map(WatchSpec::all).to_vec()
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        self.modified = cx.now;
        self.informers.deliver(watch, delivery);
    }

    fn next_at(&self) -> Time {
        self.reload_at
    }

    fn step(&mut self, cx: &mut Cx) {
        if cx.now >= self.reload_at {
            self.reload_at = cx.now + RELOAD;
            self.reload_is_due = true;
        }
    }
}
