//! Add-ons: programs in pods that use the API like anybody else. When the process of one of their images
//! starts, its program is connected; when the process ends, or the machine under it, so does the program.

pub(crate) mod cloud;
mod dns;
mod gateways;
mod install;
mod metrics;
pub(crate) mod router;

pub(crate) use install::{apply, install, install_network, known_url, metallb_manifests};

use crate::Cluster;
use crate::parts::{Parts, Target};
use crate::wires::Wires;
use api::resources::SERVICES;
use api::{Method, Request, Value, meta};
use client::{Component, Cx, Delivery, Identity, Program, WatchSpec};
use cloud_provider::{Cloud, Tunnel};
use coredns::CoreDns;
use csi::{SnapshotController, StorageAction};
use ingress_nginx::IngressController;
use kubelet::{PodRequest, ProgramChange, Taken};
use metrics_server::MetricsServer;
use network::{Answer, Arrival, Payload, Protocol};
use nfs_provisioner::Provisioner;
use nginx_gateway_fabric::{ControlPlane, DataPlane};
use sim::Time;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Where the add-ons' part numbers begin.
pub(crate) const FIRST: u32 = 1 << 24;

/// A program in a pod.
#[derive(Clone)]
pub(crate) enum Addon {
    /// CoreDNS.
    Dns(Box<CoreDns>),
    /// MetalLB's controller.
    Controller(Box<metallb::Controller>),
    /// MetalLB's speaker on a node.
    Speaker(Box<metallb::Speaker>),
    /// The NFS provisioner.
    Provisioner(Box<Program<Provisioner>>),
    /// A CSI driver's controller.
    Driver(Box<Program<csi::Driver>>),
    /// The snapshot controller.
    Snapshots(Box<Program<SnapshotController>>),
    /// `minikube tunnel`, which is in no pod.
    Tunnel(Box<Tunnel>),
    /// An Ingress controller.
    Ingress(Box<IngressController>),
    /// A cloud's controller, which is in no pod either.
    Cloud(Box<Cloud>),
    /// The router beside the nodes.
    Router(Box<router::RouterPart>),
    /// What looks after Gateways.
    Gateways(Box<ControlPlane>),
    /// A Gateway's nginx.
    Gateway(Box<DataPlane>),
    /// The metrics server.
    Metrics(Box<MetricsServer>),
}

impl Addon {
    fn component(&self) -> &dyn Component {
        match self {
            Addon::Dns(server) => server.as_ref(),
            Addon::Controller(controller) => controller.as_ref(),
            Addon::Speaker(speaker) => speaker.as_ref(),
            Addon::Provisioner(provisioner) => provisioner.as_ref(),
            Addon::Driver(driver) => driver.as_ref(),
            Addon::Snapshots(controller) => controller.as_ref(),
            Addon::Ingress(controller) => controller.as_ref(),
            Addon::Gateways(plane) => plane.as_ref(),
            Addon::Gateway(plane) => plane.as_ref(),
            Addon::Tunnel(tunnel) => tunnel.as_ref(),
            Addon::Cloud(cloud) => cloud.as_ref(),
            Addon::Router(router) => router.as_ref(),
            Addon::Metrics(server) => server.as_ref(),
        }
    }

    fn component_mut(&mut self) -> &mut dyn Component {
        match self {
            Addon::Dns(server) => server.as_mut(),
            Addon::Controller(controller) => controller.as_mut(),
            Addon::Speaker(speaker) => speaker.as_mut(),
            Addon::Provisioner(provisioner) => provisioner.as_mut(),
            Addon::Driver(driver) => driver.as_mut(),
            Addon::Snapshots(controller) => controller.as_mut(),
            Addon::Ingress(controller) => controller.as_mut(),
            Addon::Gateways(plane) => plane.as_mut(),
            Addon::Gateway(plane) => plane.as_mut(),
            Addon::Tunnel(tunnel) => tunnel.as_mut(),
            Addon::Cloud(cloud) => cloud.as_mut(),
            Addon::Router(router) => router.as_mut(),
            Addon::Metrics(server) => server.as_mut(),
        }
    }

    pub(crate) fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        self.component_mut().deliver(cx, watch, delivery);
    }

    /// Makes the program of a process, as it is when the process starts.
    fn new(program: &str, pod: &Value, now: Time, wires: &Wires) -> Option<Addon> {
        let (name, node) = (meta::name(pod), pod["spec"]["nodeName"].str());
        Some(match program {
            "coredns" => Addon::Dns(Box::new(CoreDns::new(name, BTreeMap::new()))),
            "metallb-controller" => {
                Addon::Controller(Box::new(metallb::Controller::new(name, metallb::Form::of(pod))))
            }
            "ingress-nginx" => Addon::Ingress(Box::new(IngressController::new(pod))),
            "nginx-gateway-fabric" => Addon::Gateways(Box::new(ControlPlane::new(pod))),
            "nginx-gateway-data-plane" => Addon::Gateway(Box::new(DataPlane::new(pod))),
            "metrics-server" => Addon::Metrics(Box::new(MetricsServer::new(pod, now))),
            // On the nodes the plugin only answers the kubelet, which knows what it says.
            "do-csi-plugin" if meta::controller(pod)?["kind"].str() != "DaemonSet" => {
                Addon::Driver(Box::new(Program::new(csi::Driver::new(pod))))
            }
            "hostpathplugin" => Addon::Driver(Box::new(Program::new(csi::Driver::new(pod)))),
            "snapshot-controller" => Addon::Snapshots(Box::new(Program::new(SnapshotController::new(pod)))),
            "nfs-provisioner" => Addon::Provisioner(Box::new(Program::new(Provisioner::new(pod)))),
            "metallb-speaker" => {
                let host = wires.nodes.get(node).copied()?;
                Addon::Speaker(Box::new(metallb::Speaker::new(name, node, host, metallb::Form::of(pod))))
            }
            _ => return None,
        })
    }

    fn take_log(&mut self) -> Vec<String> {
        match self {
            Addon::Dns(server) => server.take_log(),
            Addon::Provisioner(_)
            | Addon::Driver(_)
            | Addon::Snapshots(_)
            | Addon::Tunnel(_)
            | Addon::Cloud(_)
            | Addon::Router(_)
            | Addon::Gateways(_) => Vec::new(),
            Addon::Gateway(plane) => plane.take_log(),
            Addon::Controller(controller) => controller.take_log(),
            Addon::Ingress(controller) => controller.take_log(),
            Addon::Speaker(speaker) => speaker.take_log(),
            Addon::Metrics(server) => server.take_log(),
        }
    }

    pub(crate) fn step(&mut self, cx: &mut Cx, wires: &mut Wires) {
        self.component_mut().step(cx);
        match self {
            Addon::Speaker(speaker) => speaker.apply(cx.now, &mut wires.network),
            Addon::Router(part) => part.router.apply(&mut wires.network),
            Addon::Cloud(cloud) => cloud::apply(cx.now, cloud, &mut wires.network),
            Addon::Provisioner(provisioner) => {
                provisioner
                    .reconciler_mut()
                    .take_removed()
                    .iter()
                    .for_each(|volume| wires.storage.remove(volume));
            }
            Addon::Driver(driver) => {
                for action in driver.reconciler_mut().take_actions() {
                    match action {
                        StorageAction::Remove(handle) => wires.storage.remove(&handle),
                        StorageAction::Copy { from, to } => wires.storage.copy(&from, &to),
                    }
                }
            }
            Addon::Dns(_)
            | Addon::Controller(_)
            | Addon::Snapshots(_)
            | Addon::Ingress(_)
            | Addon::Gateways(_)
            | Addon::Gateway(_)
            | Addon::Tunnel(_)
            | Addon::Metrics(_) => {}
        }
    }
}

/// The programs that run, by part number and by their pods' uids.
#[derive(Clone, Default)]
pub(crate) struct Addons {
    running: BTreeMap<u32, Addon>,
    by_pod: BTreeMap<Rc<str>, u32>,
    next: u32,
    /// Processes that have started or ended.
    pub(crate) changed: Vec<ProgramChange>,
}

impl Addons {
    pub(crate) fn describe(&self, part: u32) -> Option<(Identity, Vec<WatchSpec>)> {
        let component = self.running.get(&part)?.component();
        Some((component.identity().clone(), component.watches()))
    }

    /// Returns the program in a pod.
    pub(crate) fn of_pod(&self, uid: &str) -> Option<&Addon> {
        self.by_pod.get(uid).and_then(|part| self.running.get(part))
    }

    pub(crate) fn identity(&self, part: u32) -> Option<&Identity> {
        Some(self.running.get(&part)?.component().identity())
    }

    pub(crate) fn next_at(&self, part: u32) -> Time {
        self.running.get(&part).map_or(Time::NEVER, |addon| addon.component().next_at())
    }

    /// Returns the uid of the pod that a program is in.
    pub(crate) fn pod_of(&self, part: u32) -> Option<Rc<str>> {
        self.by_pod.iter().find(|(_, of)| **of == part).map(|(uid, _)| uid.clone())
    }

    /// Returns the programs' part numbers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.running.keys().copied()
    }

    pub(crate) fn get_mut(&mut self, part: u32) -> Option<&mut Addon> {
        self.running.get_mut(&part)
    }
}

/// Connects the programs of processes that have started, and ends those of processes that have ended.
pub(crate) fn follow(cluster: &mut Cluster) {
    for change in std::mem::take(&mut cluster.parts.addons.changed) {
        match change {
            ProgramChange::Began { pod, program } if cluster.process_began(&program, &pod) => {}
            ProgramChange::Began { pod, program } => begin(cluster, &program, &pod),
            ProgramChange::Ended { uid } if cluster.process_ended(&uid) => {}
            ProgramChange::Ended { uid } => end(cluster, &uid),
        }
    }
    if cluster.parts.addons.running.is_empty() {
        return;
    }
    introduce(cluster);
    router::carry(cluster);
    gateways::push(cluster);
    cloud::send_checks(cluster);
    dns::reload(cluster);
    write_logs(cluster);
    metrics::send_scrapes(cluster);
}

/// Hands a program in a pod the outcome of what it asked.
pub(crate) fn on_reply(cluster: &mut Cluster, part: u32, id: u64, ended: &network::Ended) {
    if let Some(Addon::Metrics(server)) = cluster.parts.addons.running.get_mut(&part) {
        server.on_reply(cluster.world.now, id, &ended.outcome);
        return cluster.reschedule(part);
    }
    if cloud::replied(cluster, part, id, &ended.outcome) {
        return;
    }
    crate::proxies::replied(cluster, part, id, ended);
}

/// Tells speakers of those that have just joined them.
fn introduce(cluster: &mut Cluster) {
    let mut greetings: Vec<(Rc<str>, Rc<str>, Time)> = Vec::new();
    for addon in cluster.parts.addons.running.values_mut() {
        if let Addon::Speaker(speaker) = addon {
            let from = speaker.node().clone();
            greetings.extend(speaker.take_greetings().into_iter().map(|(to, at)| (from.clone(), to, at)));
        }
    }
    for (from, to, at) in greetings {
        let mut of_node = cluster.parts.addons.running.iter_mut();
        let met = of_node.find_map(|(part, addon)| match addon {
            Addon::Speaker(speaker) if *speaker.node() == to => Some((*part, speaker)),
            _ => None,
        });
        if let Some((part, speaker)) = met {
            speaker.meet(&from, at);
            cluster.reschedule(part);
        }
    }
}

/// Hands what the programs have written to their containers' logs.
fn write_logs(cluster: &mut Cluster) {
    let Cluster { world, wires, parts, .. } = cluster;
    let mut written: Vec<(Rc<str>, Rc<str>, Vec<String>)> = Vec::new();
    for (uid, part) in &parts.addons.by_pod {
        let lines = parts.addons.running.get_mut(part).map_or(Vec::new(), Addon::take_log);
        if let Some(pod) = wires.pods.get(uid).filter(|_| !lines.is_empty()) {
            written.push((pod.node.clone(), pod.key.clone(), lines));
        }
    }
    for (node, key, lines) in written {
        let Some(number) = parts.by_name.get(&node).copied() else { continue };
        let at = key.split_once('/').unwrap_or(("", &key));
        parts.with(world, wires, Parts::kubelet_id(number), |target, cx, wires| {
            if let Target::Kubelet(kubelet) = target {
                for line in &lines {
                    kubelet.write_log(cx, wires, at, line);
                }
            }
        });
    }
}

fn begin(cluster: &mut Cluster, program: &str, pod: &Value) {
    let Some(mut addon) = Addon::new(program, pod, cluster.world.now, &cluster.wires) else { return };
    if let Addon::Dns(server) = &mut addon
        && dns::configure(cluster, server, meta::uid(pod)).is_err()
    {
        return;
    }
    run(cluster, addon, meta::uid(pod).into());
}

/// Where the tunnel stands among the programs of pods.
const TUNNEL: &str = "minikube-tunnel";

/// Begins `minikube tunnel`, or ends it: the addresses that it gave are taken back.
pub(crate) fn tunnel(cluster: &mut Cluster, on: bool) {
    let part = cluster.parts.addons.by_pod.get(TUNNEL).copied();
    let Some(Addon::Tunnel(tunnel)) = part.and_then(|part| cluster.parts.addons.get_mut(part)) else {
        if on {
            run(cluster, Addon::Tunnel(Box::default()), TUNNEL.into());
        }
        return;
    };
    if on {
        return;
    }
    let user = Rc::new(api::User::admin());
    for service in tunnel.cleaned() {
        let path = SERVICES.object(meta::namespace(&service), meta::name(&service), "status");
        let request = Request::new(Method::Put, path).body(&service).by(&user, &TUNNEL.into());
        cluster.world.call_now(&request);
    }
    end(cluster, TUNNEL);
}

fn run(cluster: &mut Cluster, addon: Addon, uid: Rc<str>) {
    end(cluster, &uid);
    let addons = &mut cluster.parts.addons;
    let part = FIRST + addons.next;
    addons.next += 1;
    addons.running.insert(part, addon);
    addons.by_pod.insert(uid, part);
    cluster.parts.connect(&mut cluster.world, &mut cluster.wires, part);
    cluster.reschedule(part);
}

fn end(cluster: &mut Cluster, uid: &str) {
    let Some(part) = cluster.parts.addons.by_pod.remove(uid) else { return };
    match cluster.parts.addons.running.remove(&part) {
        Some(Addon::Speaker(mut speaker)) => {
            speaker.withdraw(&mut cluster.wires.network);
            // Whoever can be reached hears that the connection is closed.
            for letter in speaker.last_letters() {
                router::deliver(cluster, speaker.host(), letter);
            }
        }
        Some(Addon::Metrics(server)) => cluster.world.apiserver.set_backend(server.pod(), None),
        _ => {}
    }
    cluster.world.close_streams_of(|of| of == part);
    cluster.agenda.set(part, Time::NEVER);
}

/// Hands a request that came to an application to the program that listens there.
pub(crate) fn arrive(cluster: &mut Cluster, arrival: Arrival) {
    if crate::console::ears::arrive(cluster, &arrival)
        || crate::tls::arrive(cluster, &arrival)
        || crate::ports::arrive(cluster, &arrival)
    {
        return;
    }
    if let Some(node) = crate::wires::proxy_of(arrival.application) {
        let proxy = cluster.parts.nodes.get(node as usize).map(|node| &node.proxy);
        let answer = proxy.and_then(|proxy| proxy.answer(arrival.local.port));
        if let Some(response) = answer {
            cluster.wires.network.reply(arrival.at, arrival.exchange, Answer::Http(response));
        }
        return;
    }
    let Some(uid) = cluster.wires.applications.get(&arrival.application).cloned() else { return };
    let pod = cluster.wires.pods.get(&uid);
    let node = pod.map(|pod| pod.node.clone());
    let mut local = arrival.local;
    if let Some(host) = pod.and_then(|pod| cluster.wires.network.topology().host(pod.host))
        && local.address.is_loopback()
    {
        local.address = host.address;
    }
    let Some(number) = node.and_then(|node| cluster.parts.by_name.get(&node).copied()) else { return };
    let part = Parts::kubelet_id(number);
    let protocol = if matches!(*arrival.payload, Payload::Dns(_)) { Protocol::Udp } else { Protocol::Tcp };
    let request = PodRequest {
        id: arrival.exchange.0,
        local,
        peer: arrival.peer,
        protocol,
        payload: arrival.payload.clone(),
    };
    let mut taken = Taken::Refused;
    let Cluster { world, wires, parts, .. } = cluster;
    parts.with(world, wires, part, |target, cx, wires| {
        if let Target::Kubelet(kubelet) = target {
            taken = kubelet.on_arrival(cx, wires, &request);
        }
    });
    match taken {
        Taken::Yes => {}
        Taken::Refused => cluster.wires.network.reset(arrival.at, arrival.exchange),
        Taken::Builtin(_) => serve_builtin(cluster, &uid, &arrival),
    }
    cluster.reschedule(part);
}

fn serve_builtin(cluster: &mut Cluster, uid: &str, arrival: &Arrival) {
    let part = cluster.parts.addons.by_pod.get(uid).copied();
    if crate::proxies::serve(cluster, part, uid, arrival) {
        return;
    }
    let addon = part.and_then(|part| cluster.parts.addons.running.get_mut(&part));
    let answer = match addon {
        Some(Addon::Metrics(server)) => Some(server.serve(&arrival.payload)),
        Some(Addon::Dns(server)) => server.serve(arrival.peer, arrival.local.port, &arrival.payload),
        Some(_) => match &*arrival.payload {
            Payload::Http(_) => Some(Answer::Http(network::HttpResponse::new(200, "ok\n"))),
            _ => Some(Answer::Connected),
        },
        None => None,
    };
    let span = cluster.world.timing.answer;
    let takes = span.draw(cluster.world.chance, "addon", uid, arrival.exchange.0) / 8;
    match answer {
        Some(answer) => cluster.wires.network.reply(arrival.at + takes, arrival.exchange, answer),
        None => cluster.wires.network.reset(arrival.at, arrival.exchange),
    }
}
