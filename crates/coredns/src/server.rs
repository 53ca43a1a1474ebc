use crate::answer::Zone;
use api::resources::{ENDPOINTSLICES, NAMESPACES, SERVICES};
use client::{Component, Cx, Delivery, Identity, IndexBy, Informers, WatchSpec};
use network::dns::{DnsAnswer, DnsCode, DnsQuestion};
use network::{Answer, HttpResponse, Payload, Protocol};
use sim::Time;
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
}

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
        };
        server.informers = Informers::new(&server.watches());
        server.informers.add_index(ENDPOINTSLICES, SERVICE_NAME);
        server
    }

    /// Returns whether its caches are filled.
    pub fn is_ready(&self) -> bool {
        self.informers.are_synced()
    }

    /// Answers what came to a port; `None` for what it doesn't understand.
    pub fn serve(&mut self, port: u16, payload: &Payload) -> Option<Answer> {
        match (port, payload) {
            (53, Payload::Dns(question)) => Some(Answer::Dns(self.answer(question))),
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
        let zone = Zone { informers: &self.informers, upstream: &self.upstream };
        let mut answer = zone.answer(question);
        // The plug-in `loadbalance` turns the addresses round.
        let first = answer.records.iter().position(|record| record.data.kind() == question.kind);
        if let Some(addresses) = first.and_then(|first| answer.records.get_mut(first..))
            && !addresses.is_empty()
        {
            addresses.rotate_left((self.answered % addresses.len() as u64) as usize);
        }
        self.answered += 1;
        answer
    }
}

impl Component for CoreDns {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        [SERVICES, ENDPOINTSLICES, NAMESPACES].map(WatchSpec::all).to_vec()
    }

    fn deliver(&mut self, _cx: &mut Cx, watch: u32, delivery: Delivery) {
        self.informers.deliver(watch, delivery);
    }

    fn next_at(&self) -> Time {
        Time::NEVER
    }

    fn step(&mut self, _cx: &mut Cx) {}
}
