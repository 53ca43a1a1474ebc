use crate::config::NodeConfig;
use crate::cri::{AppRequest, Catalogue, Ipam};
use crate::images::NodeImages;
use crate::net::{PodNetwork, PodRequest, Taken};
use crate::node::NodeAgent;
use crate::shared::{Shared, Turn, Used};
use crate::shutdown::{Shutdown, ShutdownGrace};
use crate::static_pods::{MIRROR, StaticPods};
use crate::worker::{PodWorker, Stage};
use crate::workers::Workers;
use api::resources::{NODES, PODS, SERVICES};
use api::{Value, meta};
use client::{Change, Cx, Delivery, EventRecorder, Identity, Informers, WatchSpec};
use network::Outcome;
use sim::Time;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The kubelet of one node, and all that runs on it. It is a value.
#[derive(Clone, Debug)]
pub struct Kubelet {
    pub(crate) identity: Identity,
    pub(crate) shared: Shared,
    pub(crate) agent: NodeAgent,
    pub(crate) workers: Workers,
    pub(crate) statics: StaticPods,
    pub(crate) shutdown_grace: ShutdownGrace,
    pub(crate) shutdown: Option<Shutdown>,
    pub(crate) stopped: bool,
    /// Whether the pods were listed since the start.
    pub(crate) listed: bool,
    /// When the machine was started.
    pub(crate) booted: Time,
    watches: Vec<WatchSpec>,
}

impl Kubelet {
    /// Makes the kubelet of a node. It registers the node at its first step.
    pub fn new(config: NodeConfig, now: Time) -> Kubelet {
        let name = config.name.clone();
        let user = format!("system:node:{name}");
        let groups = ["system:nodes", "system:authenticated"];
        let watches = vec![
            WatchSpec::with_fields(PODS, format!("spec.nodeName={name}")),
            WatchSpec::all(SERVICES),
            WatchSpec::with_fields(NODES, format!("metadata.name={name}")),
        ];
        Kubelet {
            identity: Identity::new(&user, &groups, &format!("kubelet/{name}")),
            agent: NodeAgent::new(now),
            workers: Workers::default(),
            statics: StaticPods::default(),
            shutdown_grace: ShutdownGrace::default(),
            shutdown: None,
            stopped: false,
            listed: false,
            booted: now,
            shared: Shared {
                node: name.as_str().into(),
                address: config.address.parse().unwrap_or(Ipv4Addr::UNSPECIFIED),
                informers: Informers::new(&watches),
                recorder: EventRecorder::new("kubelet", &name),
                catalogue: Catalogue::built_in(),
                images: NodeImages::default(),
                ipam: Ipam::new(&config.pod_cidr),
                range: config.pod_cidr.as_str().into(),
                files: crate::disk::first_files(&config.name),
                calls: BTreeMap::new(),
                next_call: 0,
                used: Used::default(),
                is_shutting_down: false,
                is_silent: false,
                programs: Vec::new(),
                drivers: BTreeMap::new(),
                ended_cpu: 0,
                capacity: config.capacity(),
                config: Rc::new(config),
            },
            watches,
        }
    }

    /// Returns under which name it asks.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the name of its node.
    pub fn node(&self) -> &Rc<str> {
        &self.shared.node
    }

    /// Returns what it watches; the position in this list is the watch's number.
    pub fn watches(&self) -> Vec<WatchSpec> {
        self.watches.clone()
    }

    /// Takes what a watch brought.
    pub fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        if watch == 0 && matches!(delivery, Delivery::Listed(_)) {
            self.listed = true;
        }
        for change in self.shared.informers.deliver(watch, delivery) {
            if change.resource == PODS {
                self.observe(cx.now, &change);
            } else if change.resource == NODES {
                self.agent.node_changed(cx.now, &change.new, &self.shared.range);
                self.node_changed(cx, &change);
            }
        }
    }

    fn observe(&mut self, now: Time, change: &Change) {
        if !meta::annotation(change.object(), MIRROR).is_empty() {
            return self.observe_mirror(now, change);
        }
        if !change.old.is_null() && meta::uid(&change.old) != meta::uid(change.object()) {
            self.forget(now, &change.old);
        }
        if change.new.is_null() {
            return self.forget(now, &change.old);
        }
        let uid = meta::uid(&change.new);
        let known = self.workers.change(uid, |worker| worker.update(&change.new, now));
        if known.is_none() {
            let mut worker = PodWorker::new(&change.new, now);
            worker.update(&change.new, now);
            self.workers.insert(worker);
        }
    }

    /// Ends a pod that the API has forgotten.
    fn forget(&mut self, now: Time, pod: &Value) {
        let grace = pod["spec"]["terminationGracePeriodSeconds"].as_int().unwrap_or(30);
        let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_int().unwrap_or(grace);
        let grace = grace.clamp(0, 86_400) * sim::SECOND;
        self.workers.change(meta::uid(pod), |worker| worker.terminate(grace, true, now));
    }

    /// Returns when it has something to do; [`Time::NEVER`] where nothing waits.
    pub fn next_at(&self) -> Time {
        if self.stopped {
            return Time::NEVER;
        }
        self.next_worker()
            .map_or(Time::NEVER, |(at, _)| at)
            .min(self.agent.next_at())
            .min(self.statics.at)
            .min(self.shutdown.as_ref().map_or(Time::NEVER, |shutdown| shutdown.at))
    }

    /// Returns when the next pod's worker is due, and its uid. Before the pods were listed only those work that files
    /// describe.
    fn next_worker(&self) -> Option<(Time, &Rc<str>)> {
        if self.listed {
            return self.workers.next();
        }
        let of_files = self.workers.iter().filter(|worker| worker.is_static());
        of_files.map(|worker| (worker.due, &worker.uid)).min()
    }

    /// Does one thing that is due.
    pub fn step(&mut self, cx: &mut Cx, net: &mut dyn PodNetwork) {
        if self.stopped {
            return;
        }
        if self.agent.next_at() <= cx.now {
            let looks = self.agent.status_at <= cx.now;
            if looks {
                self.agent.in_use.clone_from(&self.workers.tally(cx.now).volumes);
            }
            self.agent.step(&mut Turn { cx, net, shared: &mut self.shared });
            if looks {
                self.check_memory(cx, net);
                self.check_disk(cx, net);
                self.check_volumes(cx, net);
            }
            return;
        }
        if self.shutdown.as_ref().is_some_and(|shutdown| shutdown.at <= cx.now) {
            return self.step_shutdown(cx.now);
        }
        if self.statics.at <= cx.now {
            return self.sync_static(cx);
        }
        let due = self.next_worker().filter(|(at, _)| *at <= cx.now);
        let Some(uid) = due.map(|(_, uid)| uid.clone()) else { return };
        self.count_used(cx.now, &uid);
        let room = |kubelet: &Kubelet| {
            kubelet.workers.get(&uid).filter(|worker| worker.takes_room()).map(|worker| worker.asks.clone())
        };
        let before = room(self);
        self.with_worker(&uid, cx, net, |worker, turn| worker.step(turn));
        if before.is_some_and(|before| room(self).is_none_or(|now| !Rc::ptr_eq(&before, &now))) {
            self.retry_resizes(cx.now);
        }
        if !self.shared.programs.is_empty() {
            self.follow_drivers(cx);
        }
    }

    /// Counts what the other pods have taken of the node, where one wants to be let in or to have more.
    fn count_used(&mut self, now: Time, uid: &str) {
        let asks = |worker: &PodWorker| worker.stage == Stage::New || worker.resize.at <= now;
        if !self.workers.get(uid).is_some_and(asks) {
            return;
        }
        let mut used = Used::default();
        let others = self.workers.iter().filter(|worker| worker.takes_room() && *worker.uid != *uid);
        for worker in others {
            used.pods += 1;
            used.host_ports.extend(worker.asks.host_ports.iter().cloned());
            for (name, amount) in &worker.asks.amounts {
                match used.amounts.get_mut(name) {
                    Some(sum) => *sum += amount,
                    None => drop(used.amounts.insert(name.clone(), *amount)),
                }
            }
        }
        self.shared.used = used;
    }

    /// Does something with a pod's worker, and drops it once it is over.
    pub(crate) fn with_worker<T>(
        &mut self,
        uid: &str,
        cx: &mut Cx,
        net: &mut dyn PodNetwork,
        work: impl FnOnce(&mut PodWorker, &mut Turn) -> T,
    ) -> Option<T> {
        let shared = &mut self.shared;
        self.workers.change(uid, |worker| work(worker, &mut Turn { cx, net, shared }))
    }

    /// Takes a request that has reached one of its pods.
    pub fn on_arrival(&mut self, cx: &mut Cx, net: &mut dyn PodNetwork, request: &PodRequest) -> Taken {
        if self.stopped {
            return Taken::Refused;
        }
        let port = (request.protocol, request.local.port);
        let found = self.workers.iter().filter(|worker| worker.ip == Some(request.local.address)).find_map(
            |worker| {
                let i = worker.containers.iter().position(|container| container.open.contains(&port))?;
                Some((worker.uid.clone(), i))
            },
        );
        let Some((uid, i)) = found else { return Taken::Refused };
        let builtin =
            self.workers.get(&uid).and_then(|worker| worker.containers.get(i)?.app.as_ref()?.builtin());
        if let Some(builtin) = builtin {
            return Taken::Builtin(builtin.into());
        }
        let request = AppRequest {
            id: request.id,
            peer: request.peer,
            port: request.local.port,
            payload: request.payload.clone(),
        };
        self.with_worker(&uid, cx, net, |worker, turn| {
            worker.on_request(turn, i, &request);
            worker.due = worker.due.min(turn.cx.now);
        });
        Taken::Yes
    }

    /// Takes the outcome of a request that one of its pods, or the kubelet itself, has sent.
    pub fn on_reply(&mut self, cx: &mut Cx, net: &mut dyn PodNetwork, id: u64, outcome: Outcome) {
        let Some(pending) = self.shared.calls.remove(&id) else { return };
        if self.stopped {
            return;
        }
        let uid = pending.uid.clone();
        self.with_worker(&uid, cx, net, |worker, turn| {
            worker.on_reply(turn, pending, outcome);
            worker.due = worker.due.min(turn.cx.now);
        });
    }
}
