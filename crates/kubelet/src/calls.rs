use crate::cri::Came;
use crate::net::{Origin, Outgoing};
use crate::shared::{Pending, PendingWhat, Then, Turn};
use crate::worker::PodWorker;
use network::dns::{DnsCode, DnsQuestion, DnsRecord, Lookup, LookupStep, RecordData, RecordType, ResolvConf};
use network::{Payload, Protocol, Socket};
use sim::{Nanos, SECOND};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// Who asks: the container's position, the job or 0 for its main program, and the asker's own number.
type Asker = (usize, u64, u64);

/// After how long a resolver gives up on a server.
const DNS_TIMEOUT: Nanos = 5 * SECOND;

impl PodWorker {
    fn pending(&self, i: usize, job: u64, what: PendingWhat) -> Option<Pending> {
        let container = self.containers.get(i)?;
        Some(Pending {
            uid: self.uid.clone(),
            container: container.name.clone(),
            attempt: container.attempt,
            job,
            what,
        })
    }

    pub(crate) fn call(&mut self, turn: &mut Turn, (i, job, tag): Asker, ip: Ipv4Addr, then: &Then) {
        let Some(endpoint) = self.endpoint(turn) else { return };
        let to = if ip.is_loopback() { endpoint.ip } else { ip };
        let Some(pending) = self.pending(i, job, PendingWhat::App { tag, ip }) else { return };
        let Some(id) = turn.shared.expect_reply(pending) else { return };
        let request = Outgoing {
            id,
            origin: Origin::Pod(endpoint),
            to: Socket { address: to, port: then.port },
            protocol: then.protocol,
            payload: Rc::new(then.payload.clone()),
            timeout: then.timeout,
        };
        turn.net.send(turn.cx.now, request);
    }

    /// Returns what the pod's `/etc/resolv.conf` says.
    pub(crate) fn resolv_conf(&self, turn: &Turn) -> ResolvConf {
        crate::pod_network::resolv_conf(&self.pod, &turn.shared.config)
    }

    /// Asks for a name's records, and then calls the first address, where that is meant.
    pub(crate) fn look_up(
        &mut self,
        turn: &mut Turn,
        asker: Asker,
        (name, kind): (&str, RecordType),
        then: Option<Then>,
    ) {
        if let (Some(address), Some(then)) = (self.host_alias(name), &then) {
            return self.call(turn, asker, address, then);
        }
        let lookup = Lookup::new(&self.resolv_conf(turn), name, kind);
        match lookup.question() {
            Some(question) => self.ask(turn, asker, question, lookup, then.map(Rc::new)),
            None => self.came(turn, asker, &Came::NoSuchName),
        }
    }

    /// Returns the address of a name in the pod's `/etc/hosts`.
    fn host_alias(&self, name: &str) -> Option<Ipv4Addr> {
        let aliases = self.pod["spec"]["hostAliases"].items().iter();
        let hit =
            aliases.clone().find(|alias| alias["hostnames"].items().iter().any(|known| known.str() == name));
        if let Some(alias) = hit {
            return alias["ip"].str().parse().ok();
        }
        let own = self.containers.first().is_some_and(|container| &*container.facts.hostname == name);
        self.ip.filter(|_| own)
    }

    fn ask(
        &mut self,
        turn: &mut Turn,
        asker: Asker,
        question: DnsQuestion,
        lookup: Lookup,
        then: Option<Rc<Then>>,
    ) {
        let Some(server) = self.resolv_conf(turn).nameserver else {
            return self.came(turn, asker, &Came::NoDns);
        };
        let (i, job, tag) = asker;
        let Some(endpoint) = self.endpoint(turn) else { return };
        let what = PendingWhat::Lookup { tag, lookup: Box::new(lookup), then };
        let Some(pending) = self.pending(i, job, what) else { return };
        let Some(id) = turn.shared.expect_reply(pending) else { return };
        let request = Outgoing {
            id,
            origin: Origin::Pod(endpoint),
            to: Socket { address: server, port: 53 },
            protocol: Protocol::Udp,
            payload: Rc::new(Payload::Dns(question)),
            timeout: DNS_TIMEOUT,
        };
        turn.net.send(turn.cx.now, request);
    }

    /// Goes on with what a lookup has found.
    fn found(
        &mut self,
        turn: &mut Turn,
        asker: Asker,
        (code, records): (DnsCode, Vec<DnsRecord>),
        then: Option<Rc<Then>>,
    ) {
        let Some(then) = then else { return self.came(turn, asker, &Came::Records(code, records)) };
        let address = records.iter().find_map(|record| match record.data {
            RecordData::A(address) => Some(address),
            _ => None,
        });
        match address {
            Some(ip) => self.call(turn, asker, ip, &then),
            None => self.came(turn, asker, &Came::NoSuchName),
        }
    }

    /// Passes on to a program what came of its call.
    fn came(&mut self, turn: &mut Turn, (i, job, tag): Asker, came: &Came) {
        let effects = if job == 0 {
            let effects = self.with_app(turn, i, |app, cx| match app {
                Some(app) => app.on_reply(cx, tag, came),
                None => Vec::new(),
            });
            effects.unwrap_or_default()
        } else {
            self.job_came(turn, i, job, tag, came)
        };
        self.apply(turn, i, job, effects);
    }

    /// Takes the outcome of a request that this pod sent.
    pub(crate) fn on_reply(&mut self, turn: &mut Turn, pending: Pending, outcome: network::Outcome) {
        let Some(i) = self.containers.iter().position(|container| container.name == pending.container) else {
            return;
        };
        if !self
            .containers
            .get(i)
            .is_some_and(|container| container.attempt == pending.attempt && container.is_running())
        {
            return;
        }
        let job = pending.job;
        match pending.what {
            PendingWhat::App { tag, ip } => self.came(turn, (i, job, tag), &Came::Outcome(ip, outcome)),
            PendingWhat::Lookup { tag, mut lookup, then } => {
                let asker = (i, job, tag);
                let network::Outcome::Answered(network::Answer::Dns(answer)) = outcome else {
                    return self.came(turn, asker, &Came::NoDns);
                };
                match lookup.answer(&answer) {
                    LookupStep::Ask(question) => self.ask(turn, asker, question, *lookup, then),
                    LookupStep::Found(records) => self.found(turn, asker, (DnsCode::NoError, records), then),
                    LookupStep::Failed(code) => self.found(turn, asker, (code, Vec::new()), then),
                }
            }
            PendingWhat::Handler => self.handler_came(i, job, &outcome),
        }
    }
}
