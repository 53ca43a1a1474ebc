//! Add-ons: programs in pods that use the API like anybody else. When the process of one of their images
//! starts, its program is connected; when the process ends, or the machine under it, so does the program.

use crate::Cluster;
use crate::parts::{Parts, Target};
use crate::wires::{Asker, PodHost, Wires};
use crate::world::World;
use api::resources::SERVICES;
use api::{Method, Request, Response, Status, Value, meta};
use client::{Component, Cx, Delivery, Identity, WatchSpec};
use cloud_provider::Tunnel;
use coredns::CoreDns;
use ingress_nginx::IngressController;
use kubelet::{PodRequest, ProgramChange, Taken};
use metrics_server::{MetricsServer, Scrape};
use network::{Answer, Arrival, Payload, Protocol};
use nfs_provisioner::Provisioner;
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
    Provisioner(Box<Provisioner>),
    /// `minikube tunnel`, which is in no pod.
    Tunnel(Box<Tunnel>),
    /// An Ingress controller.
    Ingress(Box<IngressController>),
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
            Addon::Ingress(controller) => controller.as_ref(),
            Addon::Tunnel(tunnel) => tunnel.as_ref(),
            Addon::Metrics(server) => server.as_ref(),
        }
    }

    fn component_mut(&mut self) -> &mut dyn Component {
        match self {
            Addon::Dns(server) => server.as_mut(),
            Addon::Controller(controller) => controller.as_mut(),
            Addon::Speaker(speaker) => speaker.as_mut(),
            Addon::Provisioner(provisioner) => provisioner.as_mut(),
            Addon::Ingress(controller) => controller.as_mut(),
            Addon::Tunnel(tunnel) => tunnel.as_mut(),
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
            "metrics-server" => Addon::Metrics(Box::new(MetricsServer::new(pod, now))),
            "nfs-provisioner" => Addon::Provisioner(Box::new(Provisioner::new(pod))),
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
            Addon::Provisioner(_) | Addon::Tunnel(_) => Vec::new(),
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
            Addon::Provisioner(provisioner) => {
                provisioner.take_removed().iter().for_each(|volume| wires.storage.remove(volume));
            }
            Addon::Dns(_)
            | Addon::Controller(_)
            | Addon::Ingress(_)
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

    /// Returns whether a pod runs an Ingress controller.
    pub(crate) fn is_ingress(&self, uid: &str) -> bool {
        let addon = self.by_pod.get(uid).and_then(|part| self.running.get(part));
        matches!(addon, Some(Addon::Ingress(_)))
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

    pub(crate) fn get_mut(&mut self, part: u32) -> Option<&mut Addon> {
        self.running.get_mut(&part)
    }
}

/// Gives the network plug-in's agents their account and their rights, before there are nodes.
pub(crate) fn install_network(world: &mut World, cni: crate::preset::Cni) {
    if cni != crate::preset::Cni::KubeRouter {
        return;
    }
    for manifest in network_policy::manifests() {
        if let Some(path) = collection(&manifest) {
            let (agent, user) = (Rc::from("kubectl"), Rc::new(api::User::admin()));
            let request = Request::new(Method::Post, path).body(&manifest).by(&user, &agent);
            world.apiserver.set_up(world.now, &request);
        }
    }
}

/// Returns the path under which an object is created; `None` for what isn't served.
fn collection(object: &Value) -> Option<String> {
    let (version, kind) = (object["apiVersion"].str(), object["kind"].str());
    let (group, bare) = version.split_once('/').unwrap_or(("", version));
    let found = schema::find_kind(group, bare, kind).filter(|kind| kind.served)?;
    let root = if group.is_empty() { format!("/api/{bare}") } else { format!("/apis/{version}") };
    let namespace = match meta::namespace(object) {
        "" => "default",
        namespace => namespace,
    };
    let scope = if found.namespaced { format!("/namespaces/{namespace}") } else { String::new() };
    Some(format!("{root}{scope}/{}", found.plural))
}

/// Installs the add-ons of the preset.
pub(crate) fn install(cluster: &mut Cluster) {
    for addon in cluster.preset.addons.clone() {
        if addon == "coredns" {
            for manifest in coredns::manifests(std::net::Ipv4Addr::new(10, 96, 0, 10)) {
                apply(&mut cluster.world, &manifest);
            }
        }
    }
    if !cluster.preset.proxy_mode.is_empty() {
        let map = kube_proxy::config_map(&cluster.preset.proxy_mode);
        apply(&mut cluster.world, &map);
    }
    if !cluster.preset.storage_class.is_empty() {
        for manifest in nfs_provisioner::manifests(&cluster.preset.client, &cluster.preset.storage_class) {
            apply(&mut cluster.world, &manifest);
        }
    }
    cluster.after();
}

/// Returns what `microk8s enable metallb:RANGE` applies.
///
/// # Errors
/// A range that is none.
pub(crate) fn metallb_manifests(range: &str) -> Result<Vec<Value>, String> {
    let mut manifests = metallb::manifests();
    manifests.push(metallb::config_map(range)?);
    Ok(manifests)
}

/// Returns the manifests behind a URL that courses fetch add-ons from, as YAML; `None` for others.
pub(crate) fn known_url(url: &str) -> Option<String> {
    if url.contains("ingress-nginx") && url.ends_with("/deploy.yaml") {
        let provider = match url.contains("/cloud/") {
            true => ingress_nginx::Provider::Cloud,
            false => ingress_nginx::Provider::Baremetal,
        };
        let texts: Vec<String> = ingress_nginx::manifests(provider).iter().map(api::yaml::print).collect();
        return Some(texts.join("---\n"));
    }
    let manifests = match url.ends_with(".yaml") {
        true if url.contains("metallb") && (url.contains("native") || url.contains("metallb-frr")) => {
            metallb::native_manifests()
        }
        true if url.contains("metallb") => metallb::manifests(),
        true if url.contains("/metrics-server/") => metrics_server::manifests(),
        _ => return None,
    };
    let only_namespace = url.ends_with("/namespace.yaml");
    let wanted = manifests.into_iter().filter(|object| {
        let served = |kind: &schema::Kind| kind.served;
        let (version, kind) = (object["apiVersion"].str(), object["kind"].str());
        let (group, bare) = version.split_once('/').unwrap_or(("", version));
        let is_namespace = kind == "Namespace";
        schema::find_kind(group, bare, kind).is_some_and(served) && (is_namespace || !only_namespace)
    });
    let texts: Vec<String> = wanted.map(|object| api::yaml::print(&object)).collect();
    Some(texts.join("---\n"))
}

/// Creates an object, or replaces it where it is there, as an installer does. Returns the code and what
/// kubectl would print; nothing for what isn't served yet, which is passed over.
pub(crate) fn apply(world: &mut World, object: &Value) -> (u16, String) {
    let (version, kind) = (object["apiVersion"].str(), object["kind"].str());
    let (group, bare) = version.split_once('/').unwrap_or(("", version));
    let name = meta::name(object);
    let Some(found) = schema::find_kind(group, bare, kind) else {
        return (200, String::new());
    };
    let what = format!("{}/{name}", singular(found));
    let Some(path) = collection(object) else { return (200, String::new()) };
    let agent: Rc<str> = "kubectl".into();
    let user = Rc::new(api::User::admin());
    let send = |world: &mut World, method, path: String| {
        world.call_now(&Request::new(method, path).body(object).by(&user, &agent))
    };
    let created = send(world, Method::Post, path.clone());
    if created.code != 409 {
        let told =
            Status::from_value(&created.body).map_or(format!("{what} created"), |status| status.message);
        return (created.code, told);
    }
    let replaced = send(world, Method::Put, format!("{path}/{name}"));
    let told =
        Status::from_value(&replaced.body).map_or(format!("{what} configured"), |status| status.message);
    (replaced.code, told)
}

fn singular(kind: &schema::Kind) -> String {
    if kind.group.is_empty() {
        kind.singular.to_string()
    } else {
        format!("{}.{}", kind.singular, kind.group)
    }
}

/// Connects the programs of processes that have started, and ends those of processes that have ended.
pub(crate) fn follow(cluster: &mut Cluster) {
    for change in std::mem::take(&mut cluster.parts.addons.changed) {
        match change {
            ProgramChange::Began { pod, program } => begin(cluster, &program, &pod),
            ProgramChange::Ended { uid } => end(cluster, &uid),
        }
    }
    introduce(cluster);
    reload(cluster);
    write_logs(cluster);
    send_scrapes(cluster);
}

/// What a metrics server knows, as the API server asks it.
#[derive(Debug)]
struct Metrics(Rc<metrics_server::Storage>);

impl apiserver::Backend for Metrics {
    fn answer(&self, now: Time, request: &Request, read: apiserver::Read) -> Response {
        metrics_server::answer(&self.0, now, request, read)
    }
}

/// Where a container finds the token of its pod's service account.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/// Sends what metrics servers ask of kubelets, and puts in what they have learned.
fn send_scrapes(cluster: &mut Cluster) {
    let Cluster { world, wires, parts, .. } = cluster;
    let now = world.now;
    let mut sent: Vec<(u32, Rc<str>, Vec<Scrape>)> = Vec::new();
    for (part, addon) in &mut parts.addons.running {
        let Addon::Metrics(server) = addon else { continue };
        if let Some(storage) = server.take_storage() {
            world.apiserver.set_backend(server.pod(), Some(Rc::new(Metrics(storage))));
        }
        let scrapes = server.take_scrapes();
        if !scrapes.is_empty() {
            sent.push((*part, server.pod().clone(), scrapes));
        }
    }
    for (part, key, scrapes) in sent {
        let Some((from, node)) = wires.pod_by_key(&key).map(|pod| (pod.host, pod.node.clone())) else {
            continue;
        };
        let token = token_of(world, wires, parts, &node, &key);
        for Scrape { id, to, mut request, patience } in scrapes {
            if let Some(token) = &token {
                request.headers.push(("Authorization".into(), format!("Bearer {token}").into()));
            }
            let (to, port) = (to.address, to.port);
            let payload = Rc::new(Payload::Http(request));
            let (owner, protocol) = (u64::from(part), Protocol::Tcp);
            let connect = network::Connect { from, owner, to, port, protocol, payload, patience };
            wires.connect(now, connect, Asker::Addon { part, id });
        }
    }
}

/// Reads the token that a pod's containers have.
fn token_of(
    world: &mut World,
    wires: &mut Wires,
    parts: &mut Parts,
    node: &str,
    key: &str,
) -> Option<Rc<str>> {
    let number = parts.by_name.get(node).copied()?;
    let (namespace, pod) = meta::split_key(key);
    let mut token = None;
    parts.with(world, wires, Parts::kubelet_id(number), |target, cx, wires| {
        if let Target::Kubelet(kubelet) = target {
            token = kubelet.read_file(cx, wires, (namespace, pod, ""), TOKEN);
        }
    });
    token
}

/// Hands a program in a pod the outcome of what it asked.
pub(crate) fn on_reply(cluster: &mut Cluster, part: u32, id: u64, ended: &network::Ended) {
    if let Some(Addon::Metrics(server)) = cluster.parts.addons.running.get_mut(&part) {
        server.on_reply(cluster.world.now, id, &ended.outcome);
        return cluster.reschedule(part);
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

/// Returns the configuration of a CoreDNS as it stands in its container's files.
fn corefile(cluster: &mut Cluster, pod: &PodHost) -> Option<Rc<str>> {
    let Cluster { world, wires, parts, .. } = cluster;
    let number = parts.by_name.get(&pod.node).copied()?;
    let (namespace, name) = pod.key.split_once('/')?;
    let mut text = None;
    parts.with(world, wires, Parts::kubelet_id(number), |target, cx, wires| {
        if let Target::Kubelet(kubelet) = target {
            let context = kubelet.exec_context(cx, wires, (namespace, name, ""));
            text = context.ok().and_then(|context| Some(context.files.get("/etc/coredns/Corefile")?.clone()));
        }
    });
    text
}

/// Lets a CoreDNS read its configuration, or end where it can't be read.
fn configure(cluster: &mut Cluster, server: &mut CoreDns, uid: &str) -> Result<(), ()> {
    let Some(pod) = cluster.wires.pods.get(uid).cloned() else { return Ok(()) };
    let text = corefile(cluster, &pod).unwrap_or_else(|| coredns::usual().into());
    let now = cluster.world.now;
    server.start(now, &text).map_err(|why| {
        let Cluster { world, wires, parts, .. } = cluster;
        let Some(number) = parts.by_name.get(&pod.node).copied() else { return };
        let (namespace, name) = pod.key.split_once('/').unwrap_or(("", ""));
        parts.with(world, wires, Parts::kubelet_id(number), |target, cx, wires| {
            if let Target::Kubelet(kubelet) = target {
                kubelet.write_log(cx, wires, (namespace, name), &why);
                kubelet.end_process(cx, wires, (namespace, name, ""), 1);
            }
        });
        cluster.reschedule(Parts::kubelet_id(number));
    })
}

/// Lets those CoreDNS look at their files again for which it is time.
fn reload(cluster: &mut Cluster) {
    let mut due: Vec<u32> = Vec::new();
    for (part, addon) in &mut cluster.parts.addons.running {
        if let Addon::Dns(server) = addon
            && server.take_reload()
        {
            due.push(*part);
        }
    }
    for part in due {
        let uid = cluster.parts.addons.by_pod.iter().find(|(_, of)| **of == part).map(|(uid, _)| uid.clone());
        let Some(pod) = uid.and_then(|uid| cluster.wires.pods.get(&uid).cloned()) else { continue };
        let Some(text) = corefile(cluster, &pod) else { continue };
        if let Some(Addon::Dns(server)) = cluster.parts.addons.running.get_mut(&part) {
            server.reload(&text);
        }
    }
}

fn begin(cluster: &mut Cluster, program: &str, pod: &Value) {
    let Some(mut addon) = Addon::new(program, pod, cluster.world.now, &cluster.wires) else { return };
    if let Addon::Dns(server) = &mut addon
        && configure(cluster, server, meta::uid(pod)).is_err()
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
        Some(Addon::Speaker(mut speaker)) => speaker.withdraw(&mut cluster.wires.network),
        Some(Addon::Metrics(server)) => cluster.world.apiserver.set_backend(server.pod(), None),
        _ => {}
    }
    cluster.world.close_streams_of(|of| of == part);
    cluster.agenda.set(part, Time::NEVER);
}

/// Hands a request that came to an application to the program that listens there.
pub(crate) fn arrive(cluster: &mut Cluster, arrival: Arrival) {
    if crate::ports::arrive(cluster, &arrival)
        || crate::console::ears::arrive(cluster, &arrival)
        || crate::tls::arrive(cluster, &arrival)
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
