//! What the console's programs send through the network, and what comes back.

use crate::wires::{Asker, Wires};
use network::dns::{DnsAnswer, DnsQuestion, Lookup, LookupStep, RecordData, RecordType, ResolvConf};
use network::{Answer, Connect, Ended, ExchangeId, HostId, HttpRequest, Outcome, Payload, Protocol};
use shell::{DnsRecord, NetAnswer, NetProtocol, NetRequest};
use sim::{Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How long a resolver waits for a server's answer.
const DNS_PATIENCE: Nanos = 5 * SECOND;
/// How many answers wait to be taken.
const KEPT: usize = 4_096;

/// A lookup that goes on from answer to answer.
#[derive(Clone, Debug)]
struct Asking {
    id: u64,
    from: HostId,
    server: Ipv4Addr,
    /// The servers that are asked where this one doesn't answer.
    others: Vec<Ipv4Addr>,
    question: Option<DnsQuestion>,
    lookup: Option<Lookup>,
    name: String,
}

/// What is under way for the console's programs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Errands {
    next: u64,
    by_exchange: BTreeMap<ExchangeId, u64>,
    /// The exchanges whose connections are kept, by errand.
    kept: BTreeMap<u64, ExchangeId>,
    /// The errand whose connection the next one is to use.
    earlier: Option<u64>,
    lookups: BTreeMap<ExchangeId, Asking>,
    answers: BTreeMap<u64, NetAnswer>,
}

impl Errands {
    /// Sends something from a host. Returns the errand's number and, where there is one, the exchange.
    pub(crate) fn send(
        &mut self,
        now: Time,
        wires: &mut Wires,
        from: HostId,
        conf: &ResolvConf,
        request: NetRequest,
    ) -> (u64, Option<ExchangeId>) {
        self.next += 1;
        let id = self.next;
        if let NetProtocol::Dns { name, kind, search } = &request.protocol {
            let exchange =
                self.look_up(now, wires, (id, from), conf, &request.address, (name, kind, *search));
            return (id, exchange);
        }
        let Ok(to) = request.address.parse::<Ipv4Addr>() else {
            self.keep(id, NetAnswer::Unreachable);
            return (id, None);
        };
        let from_port = match request.protocol {
            NetProtocol::Udp { from_port, .. } => from_port,
            _ => 0,
        };
        let (protocol, payload) = payload(request.protocol, request.port);
        let (owner, port, patience, payload) = (id, request.port, request.timeout, Rc::new(payload));
        let connect = Connect { from, owner, to, port, protocol, payload, patience };
        let earlier = self.earlier.take().and_then(|earlier| self.kept.remove(&earlier));
        let exchange = match earlier {
            None if from_port != 0 => wires.connect_from(now, connect, from_port, Asker::Console),
            Some(earlier) => wires.connect_again(now, earlier, connect, Asker::Console).0,
            None => wires.connect(now, connect, Asker::Console),
        };
        self.by_exchange.insert(exchange, id);
        self.kept.insert(id, exchange);
        if self.kept.len() > KEPT {
            self.kept.pop_first();
        }
        (id, Some(exchange))
    }

    fn look_up(
        &mut self,
        now: Time,
        wires: &mut Wires,
        (id, from): (u64, HostId),
        conf: &ResolvConf,
        server: &str,
        (name, kind, search): (&str, &str, bool),
    ) -> Option<ExchangeId> {
        let kind = RecordType::parse(kind).unwrap_or(RecordType::A);
        let others = if server.is_empty() { conf.others.clone() } else { Vec::new() };
        let server = if server.is_empty() { conf.nameserver } else { server.parse().ok() };
        let Some(server) = server else {
            let (server, code, name) = (String::new(), "SERVFAIL".to_string(), name.to_string());
            self.keep(id, NetAnswer::Dns { server, code, records: Vec::new(), authority: Vec::new(), name });
            return None;
        };
        let conf = if search { conf.clone() } else { ResolvConf { search: Vec::new(), ..conf.clone() } };
        let lookup = Lookup::new(&conf, name, kind);
        let Some(question) = lookup.question() else {
            // Too long to be asked for.
            let (server, code, name) = (server.to_string(), "NXDOMAIN".to_string(), name.to_string());
            self.keep(id, NetAnswer::Dns { server, code, records: Vec::new(), authority: Vec::new(), name });
            return None;
        };
        let asking =
            Asking { id, from, server, others, question: None, lookup: Some(lookup), name: name.to_string() };
        Some(self.ask(now, wires, asking, question))
    }

    fn ask(&mut self, now: Time, wires: &mut Wires, mut asking: Asking, question: DnsQuestion) -> ExchangeId {
        asking.name = question.name.to_string();
        asking.question = Some(question.clone());
        let connect = Connect {
            from: asking.from,
            owner: asking.id,
            to: asking.server,
            port: 53,
            protocol: Protocol::Udp,
            payload: Rc::new(Payload::Dns(question)),
            patience: DNS_PATIENCE,
        };
        let exchange = wires.connect(now, connect, Asker::Console);
        self.lookups.insert(exchange, asking);
        exchange
    }

    /// Lets the next errand use the connection of an earlier one, where that is still open.
    pub(crate) fn use_again(&mut self, earlier: u64) {
        self.earlier = Some(earlier);
    }

    /// Takes what came of an exchange.
    pub(crate) fn ended(&mut self, wires: &mut Wires, ended: Ended) {
        if let Some(asking) = self.lookups.remove(&ended.exchange) {
            return self.looked_up(ended.at, wires, asking, ended.outcome);
        }
        let Some(id) = self.by_exchange.remove(&ended.exchange) else { return };
        let answer = match ended.outcome {
            Outcome::Answered(Answer::Http(response)) => NetAnswer::Http {
                status: response.status,
                headers: response.headers.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
                body: response.body.to_string(),
            },
            Outcome::Answered(Answer::Text(text)) => match crate::tls::read(&text) {
                Some(certificate) => NetAnswer::Certificate(certificate),
                None => NetAnswer::Text(text.to_string()),
            },
            Outcome::Answered(Answer::Dns(_) | Answer::Connected) => NetAnswer::Connected,
            Outcome::Answered(Answer::Pong) => NetAnswer::Pong,
            Outcome::Answered(Answer::Expired(by)) => NetAnswer::Expired(by.to_string()),
            Outcome::Refused => NetAnswer::Refused,
            Outcome::Reset => NetAnswer::Reset,
            Outcome::Unreachable => NetAnswer::Unreachable,
            Outcome::Timeout => NetAnswer::Timeout,
        };
        self.keep(id, answer);
    }

    fn looked_up(&mut self, now: Time, wires: &mut Wires, mut asking: Asking, outcome: Outcome) {
        let is_answered = matches!(outcome, Outcome::Answered(_));
        if let Some(question) = asking.question.take().filter(|_| !is_answered && !asking.others.is_empty()) {
            asking.server = asking.others.remove(0);
            self.ask(now, wires, asking, question);
            return;
        }
        let answer = match outcome {
            Outcome::Answered(Answer::Dns(answer)) => answer,
            Outcome::Answered(_) => DnsAnswer::empty(network::dns::DnsCode::ServerFailure),
            Outcome::Refused | Outcome::Reset => return self.keep(asking.id, NetAnswer::Refused),
            Outcome::Unreachable => return self.keep(asking.id, NetAnswer::Unreachable),
            Outcome::Timeout => return self.keep(asking.id, NetAnswer::Timeout),
        };
        if let Some(lookup) = &mut asking.lookup
            && let LookupStep::Ask(question) = lookup.answer(&answer)
        {
            self.ask(now, wires, asking, question);
            return;
        }
        let told = NetAnswer::Dns {
            server: asking.server.to_string(),
            code: answer.code.name().to_string(),
            records: answer.records.iter().map(record).collect(),
            authority: answer.authority.iter().map(record).collect(),
            name: asking.name,
        };
        self.keep(asking.id, told);
    }

    /// Answers an errand that doesn't go through the network, or could not begin.
    pub(crate) fn fail(&mut self, answer: NetAnswer) -> u64 {
        let id = self.begin();
        self.keep(id, answer);
        id
    }

    /// Begins an errand that doesn't go through the network, whose answer comes by [`Errands::keep`].
    pub(crate) fn begin(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Keeps an errand's answer until it is taken.
    pub(crate) fn keep(&mut self, id: u64, answer: NetAnswer) {
        self.answers.insert(id, answer);
        if self.answers.len() > KEPT {
            self.answers.pop_first();
        }
    }

    /// Takes an errand's answer, once there is one.
    pub(crate) fn take(&mut self, id: u64) -> Option<NetAnswer> {
        self.answers.remove(&id)
    }

    /// Returns whether an errand has its answer.
    pub(crate) fn has(&self, id: u64) -> bool {
        self.answers.contains_key(&id)
    }

    /// Gives an errand up.
    pub(crate) fn abandon(&mut self, wires: &mut Wires, id: u64) {
        self.answers.remove(&id);
        let mine = |(exchange, owner): (&ExchangeId, &u64)| (*owner == id).then_some(*exchange);
        let exchange = self.by_exchange.iter().find_map(mine).or_else(|| {
            self.lookups.iter().find(|(_, asking)| asking.id == id).map(|(exchange, _)| *exchange)
        });
        if let Some(exchange) = exchange {
            self.by_exchange.remove(&exchange);
            self.lookups.remove(&exchange);
            wires.askers.remove(&exchange);
            wires.network.cancel(exchange);
        }
    }
}

fn payload(protocol: NetProtocol, port: u16) -> (Protocol, Payload) {
    match protocol {
        NetProtocol::Http { method, host, path, headers, body, tls } => {
            let request = HttpRequest {
                method: method.into(),
                host: host.into(),
                path: path.into(),
                headers: headers.into_iter().map(|(k, v)| (k.into(), v.into())).collect(),
                body: body.into(),
                is_tls: tls,
            };
            (Protocol::Tcp, Payload::Http(request))
        }
        NetProtocol::Tcp { payload } if payload.is_empty() => (Protocol::Tcp, Payload::Connect),
        NetProtocol::Tcp { payload } => (Protocol::Tcp, Payload::Text(payload.into())),
        NetProtocol::Hello { name, .. } => (Protocol::Tcp, Payload::Text(crate::tls::hello(&name))),
        NetProtocol::Silence => (Protocol::Tcp, Payload::Text("".into())),
        NetProtocol::Udp { payload, .. } => (Protocol::Udp, Payload::Text(payload.into())),
        NetProtocol::Icmp => (Protocol::Icmp, Payload::Ping),
        NetProtocol::Probe { ttl } => {
            (if port == 0 { Protocol::Icmp } else { Protocol::Udp }, Payload::Probe(ttl))
        }
        NetProtocol::Dns { name, kind, .. } => {
            let kind = RecordType::parse(&kind).unwrap_or(RecordType::A);
            (Protocol::Udp, Payload::Dns(DnsQuestion { name: name.as_str().into(), kind }))
        }
    }
}

fn record(record: &network::dns::DnsRecord) -> DnsRecord {
    let data = match &record.data {
        RecordData::A(address) => address.to_string(),
        RecordData::Cname(name) | RecordData::Ptr(name) => format!("{name}."),
        RecordData::Srv { priority, weight, port, target } => format!("{priority} {weight} {port} {target}."),
        RecordData::Txt(text) => format!("{text:?}"),
        RecordData::Soa(text) => text.to_string(),
    };
    DnsRecord {
        name: record.name.to_string(),
        ttl_seconds: record.ttl_seconds,
        kind: record.data.kind().name().to_string(),
        data,
    }
}
