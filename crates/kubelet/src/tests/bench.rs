//! A node with its kubelet, an API server in memory, and a network without ways: what is sent to a pod
//! of the node reaches it at once.

use crate::cri::Storage;
use crate::{Kubelet, NodeConfig, Outgoing, PodEndpoint, PodNetwork, PodRequest, Taken};
use api::resources::PODS;
use api::{Value, meta, tree};
use client::testing::Server;
use client::{Cx, Delivery};
use network::{Answer, Outcome, Payload, Protocol, Socket};
use sim::{Chance, EventQueue, MILLISECOND, Nanos, Time, Timing};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

#[derive(Clone, Debug, Default)]
pub(crate) struct Wire {
    pub ports: BTreeSet<(Ipv4Addr, Protocol, u16)>,
    pub pods: BTreeMap<Rc<str>, PodEndpoint>,
    pub sent: Vec<Outgoing>,
    pub answers: Vec<(Time, u64, Answer)>,
    pub storage: Storage,
    pub names: BTreeMap<String, Ipv4Addr>,
    pub ranges: Vec<String>,
}

impl PodNetwork for Wire {
    fn set_range(&mut self, node: &str, range: &str) {
        self.ranges.push(format!("{node} {range}"));
    }
    fn set_up(&mut self, _at: Time, pod: &PodEndpoint) {
        self.pods.insert(pod.uid.clone(), pod.clone());
    }
    fn tear_down(&mut self, _at: Time, pod: &PodEndpoint) {
        self.pods.remove(&pod.uid);
        self.ports.retain(|(ip, _, _)| *ip != pod.ip);
    }
    fn listen(&mut self, _at: Time, pod: &PodEndpoint, protocol: Protocol, port: u16) {
        self.ports.insert((pod.ip, protocol, port));
    }
    fn close(&mut self, _at: Time, pod: &PodEndpoint, protocol: Protocol, port: u16) {
        self.ports.remove(&(pod.ip, protocol, port));
    }
    fn iptables(&mut self, _node: &str, _words: &[&str]) -> bool {
        true
    }
    fn forget_udp(&mut self, _at: Time, _node: &str, _port: i64) {}
    fn send(&mut self, _at: Time, request: Outgoing) {
        self.sent.push(request);
    }
    fn answer(&mut self, at: Time, id: u64, answer: Answer) {
        self.answers.push((at, id, answer));
    }
    fn storage(&mut self) -> &mut Storage {
        &mut self.storage
    }
}

enum Due {
    Reply(u64, Outcome),
}

pub(crate) struct Bench {
    pub kubelet: Kubelet,
    pub server: Server,
    pub wire: Wire,
    pub now: Time,
    pub timing: Timing,
    pub seed: u64,
    due: EventQueue<Due>,
    requests: u64,
    waiting: BTreeMap<u64, u64>,
}

impl Bench {
    pub(crate) fn new(config: NodeConfig) -> Bench {
        let kubelet = Kubelet::new(config, Time::EPOCH);
        let mut bench = Bench {
            kubelet,
            server: Server::default(),
            wire: Wire::default(),
            now: Time::EPOCH,
            timing: Timing::default(),
            seed: 1,
            due: EventQueue::default(),
            requests: 1_000_000,
            waiting: BTreeMap::new(),
        };
        bench.list();
        bench.run(sim::SECOND);
        bench
    }

    pub(crate) fn real() -> Bench {
        Bench::new(NodeConfig::new("node-1", "10.64.140.11", "10.244.1.0/24"))
    }

    fn with<T>(&mut self, work: impl FnOnce(&mut Kubelet, &mut Cx, &mut Wire) -> T) -> T {
        let identity = self.kubelet.identity().clone();
        let mut cx = Cx::new(self.now, Chance::new(self.seed), &self.timing, &mut self.server, identity);
        work(&mut self.kubelet, &mut cx, &mut self.wire)
    }

    /// Brings what there is to all watches, as after a new connection.
    pub(crate) fn list(&mut self) {
        self.server.take_events();
        for (i, watch) in self.kubelet.watches().iter().enumerate() {
            let mine =
                |object: &Value| watch.resource != PODS || object["spec"]["nodeName"].str() == "node-1";
            let objects = self.server.all(watch.resource).into_iter().filter(mine).collect();
            self.with(|kubelet, cx, _| kubelet.deliver(cx, i as u32, Delivery::Listed(objects)));
        }
    }

    /// Starts the machine again.
    pub(crate) fn start(&mut self) {
        self.with(|kubelet, cx, wire| kubelet.start(cx, wire));
        self.list();
    }

    fn deliver(&mut self) {
        let watches = self.kubelet.watches();
        let events = self.server.take_events();
        if self.kubelet.is_stopped() {
            return;
        }
        for (plural, event) in events {
            for (i, watch) in watches.iter().enumerate() {
                let mine = watch.resource != PODS || event.object["spec"]["nodeName"].str() == "node-1";
                if watch.resource.group_resource() == plural && mine {
                    let delivery = Delivery::Event(event.clone());
                    self.with(|kubelet, cx, _| kubelet.deliver(cx, i as u32, delivery));
                }
            }
        }
    }

    fn carry(&mut self) {
        for request in std::mem::take(&mut self.wire.sent) {
            let at = self.now + MILLISECOND;
            if let Payload::Dns(question) = &*request.payload {
                let mut answer = network::dns::DnsAnswer::empty(network::dns::DnsCode::NxDomain);
                if let Some(ip) = self.wire.names.get(&*question.name) {
                    answer.code = network::dns::DnsCode::NoError;
                    let data = network::dns::RecordData::A(*ip);
                    answer.records.push(network::dns::DnsRecord {
                        name: question.name.clone(),
                        ttl_seconds: 30,
                        data,
                    });
                }
                self.due.push(at, Due::Reply(request.id, Outcome::Answered(Answer::Dns(answer))));
                continue;
            }
            self.requests += 1;
            let (id, taken) =
                (self.requests, self.arrive(self.requests, request.to, request.protocol, &request.payload));
            match taken {
                Taken::Refused => self.due.push(at, Due::Reply(request.id, Outcome::Refused)),
                _ => drop(self.waiting.insert(id, request.id)),
            }
        }
        let answers = std::mem::take(&mut self.wire.answers);
        for (at, id, answer) in answers {
            match self.waiting.remove(&id) {
                Some(call) => self.due.push(at, Due::Reply(call, Outcome::Answered(answer))),
                None => self.wire.answers.push((at, id, answer)),
            }
        }
    }

    /// Lets a request reach a pod.
    pub(crate) fn arrive(&mut self, id: u64, to: Socket, protocol: Protocol, payload: &Rc<Payload>) -> Taken {
        let peer = Socket { address: [10, 64, 140, 1].into(), port: 40_000 };
        let request = PodRequest { id, local: to, peer, protocol, payload: payload.clone() };
        self.with(|kubelet, cx, wire| kubelet.on_arrival(cx, wire, &request))
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, span: Nanos) {
        let until = self.now + span;
        for _ in 0..200_000 {
            self.deliver();
            self.carry();
            let at = self.kubelet.next_at().min(self.due.next_at().unwrap_or(Time::NEVER));
            if at > until {
                self.now = until;
                return;
            }
            self.now = self.now.max(at);
            if self.due.next_at().is_some_and(|due| due <= self.now)
                && let Some((_, Due::Reply(id, outcome))) = self.due.pop()
            {
                self.with(|kubelet, cx, wire| kubelet.on_reply(cx, wire, id, outcome));
                continue;
            }
            self.with(|kubelet, cx, wire| kubelet.step(cx, wire));
        }
        panic!(
            "the kubelet does not come to rest: {:?}",
            self.server.calls.iter().rev().take(8).collect::<Vec<_>>()
        );
    }

    /// Puts in a pod that is bound to the node; `spec` is JSON.
    pub(crate) fn pod(&mut self, name: &str, spec: &str) {
        let mut spec = Value::from_json(spec).unwrap();
        spec.set(&["nodeName"], "node-1");
        if spec["restartPolicy"].is_null() {
            spec.set(&["restartPolicy"], "Always");
        }
        if spec["terminationGracePeriodSeconds"].is_null() {
            spec.set(&["terminationGracePeriodSeconds"], 30);
        }
        let pod = tree!({
            "metadata": {"name": name, "namespace": "default", "generation": 1},
            "spec": (spec),
            "status": {"phase": "Pending", "qosClass": "BestEffort"},
        });
        self.server.put(self.now, PODS, pod);
    }

    /// Puts in an object of the default namespace; `rest` is JSON.
    pub(crate) fn put(&mut self, _version: &str, kind: &str, name: &str, rest: &str) {
        let mut object = Value::from_json(rest).unwrap();
        let all = [api::resources::CONFIGMAPS, api::resources::SECRETS, api::resources::SERVICES];
        let resource = *all.iter().find(|resource| resource.kind == kind).unwrap();
        object.set(&["metadata"], tree!({"name": name, "namespace": "default"}));
        self.server.put(self.now, resource, object);
    }

    pub(crate) fn command(&mut self, name: &str, argv: &[String]) -> Option<(String, i64)> {
        self.with(|kubelet, cx, wire| kubelet.command(cx, wire, ("default", name, ""), argv))
    }

    pub(crate) fn exec_context(&mut self, name: &str) -> Result<crate::ExecContext, String> {
        self.with(|kubelet, cx, wire| kubelet.exec_context(cx, wire, ("default", name, "")))
    }

    pub(crate) fn exec_context_of(
        &mut self,
        name: &str,
        container: &str,
    ) -> Result<crate::ExecContext, String> {
        self.with(|kubelet, cx, wire| kubelet.exec_context(cx, wire, ("default", name, container)))
    }

    /// Writes a file in a pod, as a command that is executed there.
    pub(crate) fn write(&mut self, name: &str, path: &str) -> Result<(), String> {
        self.with(|kubelet, cx, wire| kubelet.write_file(cx, wire, ("default", name, ""), path, Some("")))
    }

    pub(crate) fn get(&self, name: &str) -> Value {
        self.server.object(PODS, &format!("default/{name}"))
    }

    /// Asks the API server to delete a pod.
    pub(crate) fn delete(&mut self, name: &str, grace: i64) {
        let stamp = (self.now + grace * sim::SECOND).rfc3339();
        self.server.change(self.now, PODS, &format!("default/{name}"), |pod| {
            pod.set(&["metadata", "deletionTimestamp"], stamp);
            pod.set(&["metadata", "deletionGracePeriodSeconds"], grace);
        });
    }

    /// Returns a pod's address.
    pub(crate) fn ip(&self, name: &str) -> Ipv4Addr {
        self.get(name)["status"]["podIP"].str().parse().unwrap_or(Ipv4Addr::UNSPECIFIED)
    }

    /// Sends a GET to a pod and returns the answer's status and body.
    pub(crate) fn http(&mut self, name: &str, port: u16, path: &str) -> Option<(u16, String)> {
        self.requests += 1;
        let id = self.requests;
        let to = Socket { address: self.ip(name), port };
        let payload = Rc::new(Payload::Http(network::HttpRequest::get("test", path)));
        if self.arrive(id, to, Protocol::Tcp, &payload) == Taken::Refused {
            return None;
        }
        self.run(sim::SECOND);
        let i = self.wire.answers.iter().position(|(_, answered, _)| *answered == id)?;
        match self.wire.answers.remove(i).2 {
            Answer::Http(response) => Some((response.status, response.body.to_string())),
            _ => None,
        }
    }

    /// Returns the messages of the events about an object, as `reason: message`.
    pub(crate) fn events(&self, name: &str) -> Vec<String> {
        let mut events = self.server.all(api::resources::EVENTS);
        events.sort_by_key(|event| (event["firstTimestamp"].text(), meta::revision(event)));
        let about = events.iter().filter(|event| event["involvedObject"]["name"].str() == name);
        about.map(|event| format!("{}: {}", event["reason"].str(), event["message"].str())).collect()
    }

    /// Returns what `kubectl get pod` would show of a pod, roughly: phase or reason, ready, restarts.
    pub(crate) fn shown(&self, name: &str) -> (String, bool, i64) {
        let pod = self.get(name);
        let status = &pod["status"]["containerStatuses"][0];
        let state = &status["state"];
        let reason = [&state["waiting"]["reason"], &state["terminated"]["reason"], &pod["status"]["phase"]];
        let reason = reason.iter().find(|reason| !reason.str().is_empty()).map_or("", |reason| reason.str());
        (reason.to_string(), status["ready"].is_true(), status["restartCount"].int())
    }
}
