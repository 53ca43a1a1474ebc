use crate::advertise::{Peer, is_for};
use crate::bgp::{Heard, Letter, Sessions};
use crate::config::{Loaded, Pool};
use crate::controller::{CONFIG, address_of};
use crate::log::Log;
use crate::manifests::NAMESPACE;
use crate::members::{MEMBERS_PORT, Members, PROBE};
use crate::source::Form;
use crate::spam::Spam;
use api::go::quote;
use api::resources::{ENDPOINTSLICES, NODES, SERVICES};
use api::{Value, meta, tree};
use client::{Component, Cx, Delivery, EventRecorder, Identity, IndexBy, Informers, WatchSpec, WorkQueue};
use network::{Application, BgpRoute, Cidr, HostId, Network, Protocol};
use sha2::{Digest, Sha256};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

const SERVICE_NAME: IndexBy = IndexBy::Label("kubernetes.io/service-name");

/// The label of nodes that no load balancer from outside is to use.
const EXCLUDED: &str = "node.kubernetes.io/exclude-from-external-load-balancers";
/// The interface that a node speaks ARP on.
const INTERFACE: &str = "eth0";

/// Where the numbers of the speakers' own applications begin.
const APPLICATIONS: u64 = 1 << 41;

/// One node's speaker: answers ARP for the addresses of the Services that fall to its node.
#[derive(Clone, Debug)]
pub struct Speaker {
    identity: Identity,
    node: Rc<str>,
    host: HostId,
    form: Form,
    informers: Informers,
    queue: WorkQueue,
    recorder: EventRecorder,
    config: Loaded,
    sessions: Sessions,
    /// The machine's address, once it has looked.
    address: Ipv4Addr,
    /// The Services that BGP tells of.
    told: BTreeSet<Rc<str>>,
    members: Members,
    announced: BTreeMap<Rc<str>, Ipv4Addr>,
    /// The addresses that the network lets the node answer for.
    answering: BTreeSet<Ipv4Addr>,
    busy_until: Time,
    /// When it looks for the other speakers next.
    probe_at: Time,
    spam: Spam,
    done: u64,
    log: Log,
}

impl Speaker {
    /// Makes the speaker of a pod on a node, as it is when its process starts.
    pub fn new(pod: &str, node: &str, host: HostId, form: Form) -> Speaker {
        let agent = format!("metallb-speaker/{pod}");
        let mut speaker = Speaker {
            identity: Identity::service_account(NAMESPACE, "speaker", &agent),
            node: node.into(),
            host,
            form,
            informers: Informers::default(),
            queue: WorkQueue::default(),
            recorder: EventRecorder::new("metallb-speaker", ""),
            config: Loaded::default(),
            sessions: Sessions::default(),
            address: Ipv4Addr::UNSPECIFIED,
            told: BTreeSet::new(),
            members: Members::default(),
            announced: BTreeMap::new(),
            answering: BTreeSet::new(),
            busy_until: Time(i64::MIN),
            probe_at: Time::NEVER,
            spam: Spam::default(),
            done: 0,
            log: Log::default(),
        };
        speaker.informers = Informers::new(&speaker.watches());
        speaker.informers.add_index(ENDPOINTSLICES, SERVICE_NAME);
        speaker
    }

    /// Lets its addresses go. To be called when its process ends, in order or not: nobody answers ARP
    /// then.
    pub fn withdraw(&mut self, network: &mut Network) {
        for address in std::mem::take(&mut self.answering) {
            network.withdraw(self.host, address);
        }
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            if network.listener(self.host, protocol, MEMBERS_PORT) == Some(self.application()) {
                network.close(self.host, protocol, MEMBERS_PORT);
            }
        }
    }

    /// Returns its machine.
    pub fn host(&self) -> HostId {
        self.host
    }

    /// Takes what it says to its peers of BGP; what comes of each message is to be told by
    /// [`Speaker::hear`].
    pub fn take_letters(&mut self) -> Vec<Letter> {
        self.sessions.take_letters()
    }

    /// Returns what its peers hear of the end of its process.
    pub fn last_letters(&mut self) -> Vec<Letter> {
        self.sessions.close()
    }

    /// Learns what came of a message to a peer.
    pub fn hear(&mut self, now: Time, peer: Ipv4Addr, heard: Heard) {
        self.sessions.hear(now, peer, heard, &mut self.log);
    }

    fn application(&self) -> Application {
        Application(APPLICATIONS + u64::from(self.host.0))
    }

    /// Does with the network what the last step decided. To be called after each step.
    pub fn apply(&mut self, now: Time, network: &mut Network) {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            // Where the container has opened the port itself, this changes nothing.
            network.listen(self.host, protocol, MEMBERS_PORT, self.application());
        }
        self.address = network.topology().host(self.host).map_or(self.address, |host| host.address);
        self.members.look(now, self.host, network.chance(), network);
        let wanted: BTreeSet<Ipv4Addr> = self.announced.values().copied().collect();
        for address in self.answering.difference(&wanted) {
            network.withdraw(self.host, *address);
        }
        let due = self.spam.take_due();
        for address in wanted.iter().filter(|one| due.contains(one) || !self.answering.contains(one)) {
            network.announce(now, self.host, *address);
        }
        self.answering = wanted;
    }

    /// Returns its node.
    pub fn node(&self) -> &Rc<str> {
        &self.node
    }

    /// Takes the nodes whose speakers it has just joined, and when they know of it: each of them is to be
    /// told by [`Speaker::meet`].
    pub fn take_greetings(&mut self) -> Vec<(Rc<str>, Time)> {
        self.members.take_greetings()
    }

    /// Learns that another speaker has joined it.
    pub fn meet(&mut self, node: &Rc<str>, at: Time) {
        self.members.meet(node, at);
    }

    /// Returns the addresses that it answers for.
    pub fn answering(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.answering.iter().copied()
    }

    /// Takes the lines that its container has written since the last call.
    pub fn take_log(&mut self) -> Vec<String> {
        self.log.take()
    }

    fn enqueue_all(&mut self, now: Time) {
        let balanced = self.informers.of(SERVICES).iter().filter(|service| address_of(service).is_some());
        let known = self.announced.keys().chain(&self.told).cloned();
        let keys: BTreeSet<Rc<str>> = balanced.map(meta::key).chain(known).collect();
        for key in keys {
            self.queue.add(now, key);
        }
    }

    fn load_config(&mut self, now: Time) {
        let Some(loaded) = self.form.load(&self.informers).transpose() else {
            let fields = tree!({"configmap": CONFIG, "error": "no MetalLB configuration in cluster", "op": "setConfig"});
            return self.log.write(
                now,
                "error",
                "configuration is missing, MetalLB will not function",
                fields,
            );
        };
        match loaded {
            Ok(config) => {
                let has = |ip: Ipv4Addr| config.pools.values().any(|pool| pool.contains(ip));
                let stranded = self.announced.iter().find(|(_, ip)| !has(**ip));
                if let Some((service, address)) = stranded {
                    let fields = tree!({
                        "configmap": CONFIG,
                        "error": "service has no configuration under new config",
                        "ip": (address.to_string()),
                        "op": "setConfig",
                        "service": service,
                    });
                    return self.log.write(now, "error", "new configuration rejected", fields);
                }
                self.config = config;
                self.keep_sessions(now, "removedFromConfig");
                let fields = tree!({"configmap": CONFIG, "event": "configLoaded"});
                self.log.write(now, "info", "config (re)loaded", fields);
                self.enqueue_all(now);
            }
            Err(error) => {
                let fields = tree!({"configmap": CONFIG, "error": error, "event": "configStale"});
                self.log.write(now, "error", "config (re)load failed, config marked stale", fields);
            }
        }
    }

    /// Holds sessions with the peers that are for this node.
    fn keep_sessions(&mut self, now: Time, reason: &str) {
        let own = |peer: &&Rc<Peer>| is_for(&peer.nodes, &self.node);
        let peers: Vec<Rc<Peer>> = self.config.peers.iter().filter(own).cloned().collect();
        self.sessions.keep(now, &peers, reason, &mut self.log);
    }

    // Models go.universe.tf/metallb speaker/main.go SetBalancer
    fn sync(&mut self, cx: &mut Cx, key: &Rc<str>) {
        let service = self.informers.of(SERVICES).get(key).cloned().unwrap_or_default();
        let address = address_of(&service).filter(|_| service["spec"]["type"].str() == "LoadBalancer");
        let Some(address) = address else { return self.forget(cx.at(), key, "serviceDeleted") };
        let found = self.config.pools.iter().find(|(_, pool)| pool.contains(address));
        let Some((name, pool)) = found.map(|(name, pool)| (name.clone(), pool.clone())) else {
            return self.forget(cx.at(), key, "ipNotAllowed");
        };
        if self.is_owner(key, &service, address, &pool) {
            self.announce(cx, key, &service, address, (&name, &pool));
        } else {
            self.forget_layer2(cx.at(), key, "notOwner");
        }
        match self.why_no_route(key, &service, &pool) {
            None => self.tell_routes(cx, key, &service, address, (&name, &pool)),
            Some(reason) => self.forget_routes(cx.at(), key, reason),
        }
    }

    fn announce(
        &mut self,
        cx: &mut Cx,
        key: &Rc<str>,
        service: &Value,
        address: Ipv4Addr,
        (name, pool): (&Rc<str>, &Pool),
    ) {
        let own = pool.layer2.iter().filter(|one| is_for(&one.nodes, &self.node));
        let is_heard =
            |interfaces: &BTreeSet<Rc<str>>| interfaces.is_empty() || interfaces.contains(INTERFACE);
        if !own.clone().any(|one| is_heard(&one.interfaces)) {
            self.forget_layer2(cx.at(), key, "notOwner");
            let (ip, node) = (quote(&address.to_string()), quote(&self.node));
            let message = format!(
                "the interfaces specified by LB IP {ip} doesn't exist in assigned node {node} with protocol \"layer2\""
            );
            return self.recorder.event(cx, service, "Warning", "announceFailed", &message);
        }
        self.spam.begin(address, cx.at());
        if self.announced.get(key) != Some(&address) {
            self.announced.insert(key.clone(), address);
            self.log_announced(cx.at(), key, address, name, "layer2");
        }
        self.tell_assigned(cx, service, "layer2");
    }

    fn tell_assigned(&mut self, cx: &mut Cx, service: &Value, protocol: &str) {
        let message = format!("announcing from node {} with protocol {}", quote(&self.node), quote(protocol));
        self.recorder.event(cx, service, "Normal", "nodeAssigned", &message);
    }

    fn log_announced(&mut self, now: Time, key: &Rc<str>, address: Ipv4Addr, pool: &str, protocol: &str) {
        let fields = tree!({
            "event": "serviceAnnounced",
            "ips": [(address.to_string())],
            "node": (&self.node),
            "pool": pool,
            "protocol": protocol,
            "service": key,
        });
        self.log.write(now, "info", "service has IP, announcing", fields);
    }

    /// Tells peers of a Service's routes.
    // Models go.universe.tf/metallb speaker/bgp_controller.go SetBalancer
    fn tell_routes(
        &mut self,
        cx: &mut Cx,
        key: &Rc<str>,
        service: &Value,
        address: Ipv4Addr,
        (name, pool): (&Rc<str>, &Pool),
    ) {
        let own = pool.bgp.iter().filter(|one| is_for(&one.nodes, &self.node));
        let routes: Vec<_> = own
            .map(|one| {
                let prefix = Cidr::new(address, one.aggregation);
                let route =
                    BgpRoute { prefix, local_pref: one.local_pref, communities: one.communities.clone() };
                (route, one.peers.clone())
            })
            .collect();
        let fields = tree!({"event": "updatedAdvertisements", "numAds": (routes.len() as i64)});
        self.log.write(cx.at(), "info", "making advertisements using BGP", fields);
        self.sessions.tell(key, routes);
        if self.told.insert(key.clone()) {
            self.log_announced(cx.at(), key, address, name, "bgp");
        }
        self.tell_assigned(cx, service, "bgp");
    }

    fn forget(&mut self, now: Time, key: &Rc<str>, reason: &str) {
        self.forget_layer2(now, key, reason);
        self.forget_routes(now, key, reason);
    }

    fn forget_layer2(&mut self, now: Time, key: &Rc<str>, reason: &str) {
        if let Some(address) = self.announced.remove(key) {
            self.log_withdrawn(now, key, &[address.to_string()], reason, "layer2");
        }
    }

    fn forget_routes(&mut self, now: Time, key: &Rc<str>, reason: &str) {
        if self.told.remove(key) {
            let address = self.informers.of(SERVICES).get(key).and_then(address_of);
            let addresses: Vec<String> = address.iter().map(Ipv4Addr::to_string).collect();
            self.log_withdrawn(now, key, &addresses, reason, "bgp");
            self.sessions.forget(key);
        }
    }

    fn log_withdrawn(&mut self, now: Time, key: &Rc<str>, ips: &[String], reason: &str, protocol: &str) {
        let ips: Value = ips.iter().map(|ip| Value::from(ip.as_str())).collect();
        let fields = tree!({
            "event": "serviceWithdrawn",
            "ip": ips,
            "node": (&self.node),
            "protocol": protocol,
            "reason": reason,
            "service": key,
        });
        self.log.write(now, "info", "withdrawing service announcement", fields);
    }

    /// Returns whether a node is left out of balancing.
    fn is_excluded(&self, node: &str) -> bool {
        let node = self.informers.of(NODES).get(node);
        node.is_some_and(|node| meta::labels(node).get(EXCLUDED).is_some())
    }

    /// Returns the nodes that have endpoints of a Service that can serve.
    fn serving_nodes(&self, key: &str) -> Vec<&str> {
        let slices = self.informers.of(ENDPOINTSLICES).by_index(SERVICE_NAME, key);
        let endpoints = slices.flat_map(|slice| slice["endpoints"].items());
        endpoints.filter(|one| can_serve(one)).map(|one| one["nodeName"].str()).collect()
    }

    /// Returns whether the address falls to this node: all speakers order the nodes by a hash of node and
    /// address, and the first one has it.
    // Models go.universe.tf/metallb speaker/layer2_controller.go ShouldAnnounce
    fn is_owner(&self, key: &str, service: &Value, address: Ipv4Addr, pool: &Pool) -> bool {
        let serving = self.serving_nodes(key);
        if serving.is_empty() {
            return false;
        }
        let is_local = service["spec"]["externalTrafficPolicy"].str() == "Local";
        let is_told = |node: &str| pool.layer2.iter().any(|one| is_for(&one.nodes, node));
        let nodes = self.members.alive().filter(|node| {
            is_told(node) && !self.is_excluded(node) && (!is_local || serving.contains(&&***node))
        });
        first_by_hash(nodes, address) == Some(&self.node)
    }

    /// Returns why BGP doesn't tell of a Service from this node; `None` where it does.
    // Models go.universe.tf/metallb speaker/bgp_controller.go ShouldAnnounce
    fn why_no_route(&self, key: &str, service: &Value, pool: &Pool) -> Option<&'static str> {
        let serving = self.serving_nodes(key);
        let is_local = service["spec"]["externalTrafficPolicy"].str() == "Local";
        if !pool.bgp.iter().any(|one| is_for(&one.nodes, &self.node)) {
            Some("notOwner")
        } else if self.is_excluded(&self.node) {
            Some("nodeLabeledExcludeBalancers")
        } else if is_local && !serving.contains(&&*self.node) {
            Some("noLocalEndpoints")
        } else if serving.is_empty() {
            Some("noEndpoints")
        } else {
            None
        }
    }
}

/// Returns the node that comes first for an address.
pub(crate) fn first_by_hash<'a>(
    nodes: impl Iterator<Item = &'a Rc<str>>,
    address: Ipv4Addr,
) -> Option<&'a Rc<str>> {
    nodes.min_by_key(|node| Sha256::digest(format!("{node}#{address}").as_bytes()))
}

fn can_serve(endpoint: &Value) -> bool {
    let conditions = &endpoint["conditions"];
    let is_ready = conditions["ready"].as_bool().unwrap_or(true);
    is_ready || conditions["serving"].is_true()
}

impl Component for Speaker {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        [SERVICES, ENDPOINTSLICES, NODES].map(WatchSpec::all).into_iter().chain(self.form.watches()).collect()
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        let was_synced = self.informers.are_synced();
        let changes = self.informers.deliver(watch, delivery);
        if !self.informers.are_synced() {
            return;
        }
        if !was_synced {
            self.probe_at = cx.now;
            self.queue.add(cx.now, CONFIG.into());
            return self.enqueue_all(cx.now);
        }
        for change in changes {
            if change.resource == ENDPOINTSLICES {
                let object = change.object();
                let name = meta::labels(object)["kubernetes.io/service-name"].str();
                let key = meta::object_key(meta::namespace(object), name);
                if self.informers.of(SERVICES).get(&key).is_some_and(|service| address_of(service).is_some())
                {
                    self.queue.add(cx.now, key);
                }
            } else if change.resource == NODES {
                // What a node is for is said by its labels.
                if meta::labels(&change.old) != meta::labels(&change.new) {
                    self.queue.add(cx.now, CONFIG.into());
                }
            } else if change.resource != SERVICES {
                self.queue.add(cx.now, CONFIG.into());
            } else if address_of(&change.old).is_some() || address_of(&change.new).is_some() {
                self.queue.add(cx.now, change.key);
            }
        }
    }

    fn next_at(&self) -> Time {
        // Nothing is decided before it knows the others.
        let queue = self.queue.next_at().max(self.members.joined_at());
        let sessions = self.sessions.next_at();
        match queue.min(self.members.next_at()).min(self.probe_at).min(self.spam.next_at()).min(sessions) {
            Time::NEVER => Time::NEVER,
            at => at.max(self.busy_until),
        }
    }

    fn step(&mut self, cx: &mut Cx) {
        if self.probe_at <= cx.now {
            self.probe_at = cx.now + PROBE;
        }
        self.spam.tick(cx.now);
        self.sessions.tick(cx.now, self.address, &mut self.log);
        for change in self.members.advance(cx.now) {
            let fields = tree!({
                "node addr": (change.address.to_string()),
                "node event": (if change.is_alive { "NodeJoin" } else { "NodeLeave" }),
                "node name": (&change.node),
            });
            self.log.write(cx.now, "info", "node event - forcing sync", fields);
            self.enqueue_all(cx.now);
        }
        if self.members.joined_at() > cx.now {
            return;
        }
        let Some(key) = self.queue.pop(cx.now) else { return };
        self.done += 1;
        cx.spend(cx.timing.reconcile.draw(cx.chance, &self.identity.agent, &key, self.done));
        if *key == *CONFIG {
            self.load_config(cx.at());
        } else {
            self.sync(cx, &key);
        }
        self.busy_until = cx.at();
    }
}
