//! The cluster: its parts on one clock.

use crate::agenda::Agenda;
use crate::console::Terminal;
use crate::control_plane::{ControlPlane, Unit};
use crate::parts::{NodeParts, Parts};
use crate::preset::{Cni, KubeletMode, Overlay, Preset};
use crate::view::View;
use crate::wires::{Asker, Wires};
use crate::world::{Happening, Owner, World};
use ::view::{Input, LoggedInput, Moment};
use apiextensions::ApiExtensions;
use apiserver::ApiServer;
use client::{Delivery, Identity, WatchSpec};
use controller_manager::ControllerManager;
use kube_aggregator::KubeAggregator;
use kube_proxy::KubeProxy;
use kubelet::Kubelet;
use network::{Cidr, Network};
use network_policy::NetworkPolicyController;
use scheduler::Scheduler;
use sim::{Chance, MILLISECOND, MINUTE, Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// For how long nothing may change before a cluster counts as settled, where containers start at once.
const SETTLED: Nanos = 2_500 * MILLISECOND;
/// The same where sandboxes, pulls and starts take their time, during which nothing is told.
const SETTLED_WITH_PULLS: Nanos = 4 * SECOND;
/// How many inputs a session keeps.
const INPUTS: usize = 20_000;

/// A whole cluster. A clone is a keyframe: it goes on as the original would.
#[derive(Clone)]
pub struct Cluster {
    pub(crate) preset: Rc<Preset>,
    pub(crate) world: World,
    pub(crate) wires: Wires,
    pub(crate) parts: Parts,
    pub(crate) agenda: Agenda,
    pub(crate) view: View,
    pub(crate) terminal: Terminal,
    inputs: Vec<LoggedInput>,
    /// When one of the kinds last changed whose quiet makes a cluster settled.
    changed: Time,
    pub(crate) frames: crate::frame::Frames,
    /// How many things have happened.
    events: u64,
    /// How many of a benchmark's requests were answered.
    pub(crate) flooded: u64,
}

impl Cluster {
    /// Makes a cluster and lets it come up: its first moment is when its nodes and add-ons are ready.
    pub fn new(preset: &Preset, seed: u64) -> Cluster {
        Cluster::beginning_at(preset, seed, Time::EPOCH)
    }

    /// Makes a cluster whose first moment is another than [`Time::EPOCH`]: the present, for clients whose
    /// clock is that on the wall.
    pub fn beginning_at(preset: &Preset, seed: u64, epoch: Time) -> Cluster {
        let start = epoch + -(i64::from(preset.uptime_minutes) * MINUTE);
        let chance = Chance::new(seed);
        let options = apiserver::Options {
            chance,
            advertise_address: preset.apiserver.clone(),
            ..apiserver::Options::default()
        };
        let mut world = World::new(start, seed, preset.timing.clone(), ApiServer::new(start, options));
        world.address = address(&preset.apiserver);
        let segment = Cidr::parse(&preset.network).unwrap_or(Cidr::new(Ipv4Addr::new(10, 0, 0, 0), 8));
        let mut network = Network::new(chance, preset.timing.clone(), segment);
        if preset.overlay == Overlay::Vxlan {
            network.set_overlay();
        }
        let client = network.add_outside("client", address(&preset.client));
        let wires = Wires::new(network, client, address(&preset.apiserver));
        let planes =
            preset.nodes.iter().filter(|node| node.control_plane).map(|node| node.name.as_str().into());
        let parts = Parts {
            manager: ControllerManager::new(&apiserver::served_resources()),
            watched: BTreeMap::new(),
            scheduler: Scheduler::new(),
            stopped: std::collections::BTreeSet::new(),
            plane: ControlPlane::new(planes),
            extensions: ApiExtensions::default(),
            aggregator: KubeAggregator::default(),
            nodes: Vec::new(),
            by_name: BTreeMap::new(),
            addons: crate::addons::Addons::default(),
        };
        let mut cluster = Cluster {
            preset: Rc::new(preset.clone()),
            world,
            wires,
            parts,
            agenda: Agenda::default(),
            view: View::new(epoch),
            terminal: Terminal::new(preset),
            inputs: Vec::new(),
            changed: start,
            frames: crate::frame::Frames::default(),
            events: 0,
            flooded: 0,
        };
        cluster.boot(epoch);
        cluster
    }

    fn boot(&mut self, epoch: Time) {
        crate::addons::install_network(&mut self.world, self.preset.cni);
        self.watch_for_view();
        self.review();
        self.connect(crate::parts::MANAGER);
        self.connect(crate::parts::SCHEDULER);
        self.connect(crate::parts::EXTENSIONS);
        self.connect(crate::parts::AGGREGATOR);
        for node in &self.preset.clone().nodes {
            self.add_node(node);
        }
        self.open_virtual_server();
        self.stand_static_pods();
        crate::addons::install(self);
        self.step_plane();
        self.run_until(self.world.now);
        crate::enrolment::enrol(self);
        self.set_up_mirrors(epoch);
        self.run_until(epoch);
        self.view.forget_marks();
    }

    /// Gives the API servers their common address, where there are several of them.
    fn open_virtual_server(&mut self) {
        if self.parts.plane.is_replicated() {
            let host = self.wires.network.add_outside("apiserver", self.wires.apiserver);
            crate::ports::set_open(&mut self.wires.network, host, 0, Unit::ApiServer, true);
            self.wires.virtual_server = Some(host);
        }
    }

    fn watch_for_view(&mut self) {
        let identity = Identity::new("system:kubarium:page", &["system:masters"], "page");
        for resource in crate::view::WATCHED {
            let spec = WatchSpec::all(*resource);
            let (items, _) = self.world.list_and_watch(&identity, &spec, Owner::View);
            for item in items {
                self.view.observe(self.world.now, resource.plural, item, false);
            }
        }
    }

    pub(crate) fn add_node(&mut self, spec: &crate::preset::NodeSpec) {
        let name: Rc<str> = spec.name.as_str().into();
        let host = self.wires.network.add_node(&name, address(&spec.address));
        if let Some(cidr) = Cidr::parse(&spec.pod_cidr) {
            self.wires.set_pod_network(host, cidr);
        }
        self.wires.nodes.insert(name.clone(), host);
        let config = crate::enrolment::config(&self.preset, spec);
        let number = u32::try_from(self.parts.nodes.len()).unwrap_or(u32::MAX);
        let kubelet = Kubelet::new(config, self.world.now);
        let proxy = KubeProxy::new(self.proxy_settings(&name, host, number, spec).0);
        self.parts.nodes.push(NodeParts {
            bootstrap: None,
            name: name.clone(),
            on: true,
            joined: true,
            kubelet,
            proxy,
            policy: None,
        });
        self.parts.by_name.insert(name, number);
        self.renew_policy(number);
        crate::ports::open(&mut self.wires.network, host, number, spec.control_plane);
        self.connect(Parts::kubelet_id(number));
        self.connect(Parts::proxy_id(number));
        self.connect(Parts::policy_id(number));
    }

    /// Connects a part to the API server, as when its process starts.
    pub(crate) fn connect(&mut self, part: u32) {
        self.parts.connect(&mut self.world, &mut self.wires, part);
        self.reschedule(part);
        self.after();
    }

    /// Sets anew when a part is due, and takes up what a kubelet's step has done to its programs.
    pub(crate) fn reschedule(&mut self, part: u32) {
        self.parts.connect_new(&mut self.world, &mut self.wires, part);
        if let Some(kubelet) = self.parts.kubelet_mut(part) {
            let programs = kubelet.take_programs();
            self.parts.addons.changed.extend(programs);
        }
        self.agenda.set(part, self.parts.next_at(part));
    }

    /// Returns the present.
    pub fn now(&self) -> Time {
        self.world.now
    }

    /// Returns the present as the page counts it.
    pub fn moment(&self) -> Moment {
        self.view.moment(self.world.now)
    }

    /// Returns how many things have happened so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Returns when something happens next.
    pub fn next_at(&self) -> Time {
        let queue = self.world.queue.next_at().unwrap_or(Time::NEVER);
        let agenda = self.agenda.first().map_or(Time::NEVER, |(at, _)| at);
        let network = self.wires.network.next_at().unwrap_or(Time::NEVER);
        let own = self.world.apiserver.own_service_at();
        queue.min(agenda).min(network).min(self.terminal.next_at()).min(own).max(self.world.now)
    }

    /// Lets the next thing happen, if that is not after `until`. Returns whether something happened;
    /// if not, it is `until` now.
    pub fn step(&mut self, until: Time) -> bool {
        let at = self.next_at();
        if at > until {
            self.world.now = self.world.now.max(until);
            return false;
        }
        self.world.now = at;
        self.events += 1;
        if self.world.queue.next_at().is_some_and(|next| next <= at) {
            if let Some((_, happening)) = self.world.queue.pop() {
                self.happen(happening);
            }
        } else if self.world.apiserver.own_service_at() <= at {
            self.world.mend_own_service();
        } else if self.wires.network.next_at().is_some_and(|next| next <= at) {
            self.advance_network();
        } else if let Some((_, part)) = self.agenda.first().filter(|(next, _)| *next <= at) {
            if part == crate::parts::PLANE {
                self.step_plane();
            } else if let Some(number) = self.parts.bootstrapping(part) {
                self.step_bootstrap(number);
            } else {
                self.parts.step(&mut self.world, &mut self.wires, part);
                self.reschedule(part);
            }
        } else {
            self.step_terminal();
        }
        self.after();
        true
    }

    /// Lets everything happen until then.
    pub fn run_until(&mut self, until: Time) {
        while self.step(until) {}
    }

    fn happen(&mut self, happening: Happening) {
        let Happening::Watch { stream, event } = happening;
        let Some(reader) = self.world.readers.get_mut(&stream) else { return };
        match reader.owner {
            Owner::Part(part, watch) if self.parts.is_on(part) => {
                let is_over = event.event == api::EventType::Error;
                let delivery = match &mut reader.reflector {
                    Some(reflector) => reflector.take(event),
                    None => Some(Delivery::Event(event)),
                };
                if let Some(delivery) = delivery {
                    self.parts.deliver(&mut self.world, &mut self.wires, part, watch, delivery);
                }
                if is_over {
                    self.world.close_stream(stream);
                    self.parts.connect_watch(&mut self.world, &mut self.wires, part, watch);
                }
                self.reschedule(part);
            }
            Owner::Mailbox => self.terminal.mail(stream, event),
            Owner::Part(..) | Owner::View => {}
        }
    }

    fn advance_network(&mut self) {
        for delivery in self.wires.network.advance(self.world.now) {
            match delivery {
                network::Delivery::Arrival(arrival) => crate::addons::arrive(self, arrival),
                network::Delivery::Ended(ended) => match self.wires.askers.remove(&ended.exchange) {
                    Some(Asker::Kubelet { node, id }) => {
                        self.view.asked_by_pod(&self.wires, &ended);
                        let Some(number) = self.parts.by_name.get(&node).copied() else { continue };
                        let part = Parts::kubelet_id(number);
                        let Cluster { world, wires, parts, .. } = self;
                        parts.with(world, wires, part, |target, cx, wires| {
                            if let crate::parts::Target::Kubelet(kubelet) = target {
                                kubelet.on_reply(cx, wires, id, ended.outcome);
                            }
                        });
                        self.reschedule(part);
                    }
                    Some(Asker::Addon { part, id }) => crate::addons::on_reply(self, part, id, &ended),
                    Some(Asker::Console) => {
                        self.view.answered(&self.wires, &ended);
                        self.terminal.answer(&mut self.wires, ended);
                    }
                    Some(Asker::Flood) => {
                        self.flooded += u64::from(matches!(ended.outcome, network::Outcome::Answered(_)));
                    }
                    None => {}
                },
            }
        }
    }

    /// What follows at once from anything that happened: the view looks at what changed, new programs
    /// in pods are connected, streams are served.
    pub(crate) fn after(&mut self) {
        for event in std::mem::take(&mut self.world.seen) {
            let gone = event.event == api::EventType::Deleted;
            let resource = crate::view::resource_of(&event.object);
            if crate::view::counts_for_quiet(resource) {
                self.changed = self.world.now;
            }
            self.view.observe(self.world.now, resource, event.object, gone);
        }
        crate::addons::follow(self);
        self.serve_streams();
        if self.wires.network.take_capture_news() {
            self.terminal.wake();
        }
    }

    /// Returns for how long nothing may change before the cluster counts as settled.
    fn quiet(&self) -> Nanos {
        if self.preset.kubelet == KubeletMode::Bare { SETTLED } else { SETTLED_WITH_PULLS }
    }

    /// Goes on until nothing that `@settle` names has changed for so long, at most `at_most`.
    pub fn run_until_settled(&mut self, at_most: Nanos) {
        let end = self.world.now + at_most;
        self.changed = self.world.now;
        loop {
            let quiet = (self.changed + self.quiet()).min(end);
            if !self.step(quiet) && self.world.now >= (self.changed + self.quiet()).min(end) {
                return;
            }
        }
    }

    /// Returns whether nothing has changed for a while and all pods are ready or done.
    pub fn is_settled(&self) -> bool {
        self.world.now - self.changed >= self.quiet()
    }

    /// Does something to the cluster, at its present moment, and keeps it in the session's log.
    pub fn input(&mut self, input: Input) -> LoggedInput {
        let logged = LoggedInput { at: self.moment(), input };
        if self.inputs.len() < INPUTS {
            self.inputs.push(logged.clone());
        }
        self.act(&logged.input);
        self.after();
        logged
    }

    /// Returns what was done so far.
    pub fn inputs(&self) -> &[LoggedInput] {
        &self.inputs
    }

    /// Puts a new agent in the place of what enforces policies on a node, where the network plug-in has one.
    pub(crate) fn renew_policy(&mut self, number: u32) {
        let enforces = self.preset.cni == Cni::KubeRouter;
        let Some(node) = self.parts.nodes.get_mut(number as usize).filter(|_| enforces) else { return };
        if let Some(host) = self.wires.nodes.get(&node.name).copied() {
            let settings = network_policy::Settings { node: node.name.clone(), host, services: services() };
            node.policy = Some((NetworkPolicyController::new(settings), 0));
        }
    }

    /// Puts a new kube-proxy in the place of a node's. Returns whether it can start by its configuration.
    pub(crate) fn renew_proxy(&mut self, number: u32) -> bool {
        let Some(name) = self.parts.nodes.get(number as usize).map(|node| node.name.clone()) else {
            return false;
        };
        let preset = self.preset.clone();
        let spec = preset.nodes.iter().find(|spec| *spec.name == *name);
        let Some((spec, host)) = spec.zip(self.wires.nodes.get(&name).copied()) else { return false };
        let (settings, done) = self.proxy_settings(&name, host, number, spec);
        if let Some(node) = self.parts.nodes.get_mut(number as usize) {
            node.proxy = KubeProxy::new(settings);
        }
        done.is_ok()
    }

    /// Returns what a node's kube-proxy is told at its start, by its ConfigMap where there is one, and what
    /// is wrong with that.
    fn proxy_settings(
        &mut self,
        name: &Rc<str>,
        host: network::HostId,
        number: u32,
        spec: &crate::preset::NodeSpec,
    ) -> (kube_proxy::Settings, Result<(), String>) {
        let application = crate::wires::proxy_application(number);
        let own = address(&spec.address);
        let mut settings = kube_proxy::Settings {
            cluster_cidr: Cidr::parse(crate::wires::CLUSTER_CIDR),
            tells_start: self.preset.kubelet == KubeletMode::Real,
            ..kube_proxy::Settings::new(name.clone(), host, own, application)
        };
        let path = "/api/v1/namespaces/kube-system/configmaps/kube-proxy";
        let found = self.peek(&api::Request::new(api::Method::Get, path));
        let map = match found.is_success() {
            true => found.body,
            false => kube_proxy::config_map(&self.preset.proxy_mode),
        };
        let done = settings.configure(map["data"]["config.conf"].str());
        (settings, done)
    }

    /// Returns whether every pod is ready or done, and nothing has changed for a second.
    pub fn is_ready(&self) -> bool {
        let pods = self.view.objects.range(("pods", String::new())..("pods\0", String::new()));
        let is_well = |pod: &api::Value| {
            let done = matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed");
            !api::meta::is_deleting(pod) && (done || api::meta::is_condition_true(pod, "Ready"))
        };
        self.world.now - self.changed >= SECOND && pods.into_iter().all(|(_, pod)| is_well(pod))
    }

    /// Returns how many pods are Ready.
    pub fn ready_pods(&self) -> u64 {
        let pods = self.view.objects.range(("pods", String::new())..("pods\0", String::new()));
        pods.filter(|(_, pod)| api::meta::is_condition_true(pod, "Ready")).count() as u64
    }

    /// Lets seconds pass.
    pub fn sleep(&mut self, seconds: i64) {
        let until = self.world.now + seconds * SECOND;
        self.run_until(until);
    }
}

/// Returns the addresses of Services (`--service-cluster-ip-range`).
pub(crate) fn services() -> Cidr {
    Cidr::new(Ipv4Addr::new(10, 96, 0, 0), 12)
}

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap_or(Ipv4Addr::UNSPECIFIED)
}
