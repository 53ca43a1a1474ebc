use crate::config::Config;
use crate::controller::{CONFIG, address_of};
use crate::log::Log;
use crate::manifests::NAMESPACE;
use crate::members::{MEMBERS_PORT, Members, PROBE};
use crate::source::Form;
use crate::spam::Spam;
use api::go::quote;
use api::resources::{ENDPOINTSLICES, SERVICES};
use api::{Value, meta, tree};
use client::{Component, Cx, Delivery, EventRecorder, Identity, IndexBy, Informers, WatchSpec, WorkQueue};
use network::{Application, HostId, Network, Protocol};
use sha2::{Digest, Sha256};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

const SERVICE_NAME: IndexBy = IndexBy::Label("kubernetes.io/service-name");

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
    pools: Config,
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
            pools: Config::new(),
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

    fn application(&self) -> Application {
        Application(APPLICATIONS + u64::from(self.host.0))
    }

    /// Does with the network what the last step decided. To be called after each step.
    pub fn apply(&mut self, now: Time, network: &mut Network) {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            // Where the container has opened the port itself, this changes nothing.
            network.listen(self.host, protocol, MEMBERS_PORT, self.application());
        }
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
        let keys: BTreeSet<Rc<str>> = balanced.map(meta::key).chain(self.announced.keys().cloned()).collect();
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
            Ok(pools) => {
                let stranded =
                    self.announced.iter().find(|(_, ip)| !pools.values().any(|pool| pool.contains(**ip)));
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
                self.pools = pools;
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

    // Models go.universe.tf/metallb speaker/main.go SetBalancer
    fn sync(&mut self, cx: &mut Cx, key: &Rc<str>) {
        let service = self.informers.of(SERVICES).get(key).cloned().unwrap_or_default();
        let address = address_of(&service).filter(|_| service["spec"]["type"].str() == "LoadBalancer");
        let Some(address) = address else { return self.forget(cx.at(), key, "serviceDeleted") };
        let Some(pool) = self.pool_of(address) else { return self.forget(cx.at(), key, "ipNotAllowed") };
        if !self.is_owner(key, &service, address) {
            return self.forget(cx.at(), key, "notOwner");
        }
        self.spam.begin(address, cx.at());
        if self.announced.get(key) != Some(&address) {
            self.announced.insert(key.clone(), address);
            let fields = tree!({
                "event": "serviceAnnounced",
                "ips": [(address.to_string())],
                "node": (&self.node),
                "pool": pool,
                "protocol": "layer2",
                "service": key,
            });
            self.log.write(cx.at(), "info", "service has IP, announcing", fields);
        }
        let node = quote(&self.node);
        let message = format!("announcing from node {node} with protocol \"layer2\"");
        self.recorder.event(cx, &service, "Normal", "nodeAssigned", &message);
    }

    fn pool_of(&self, address: Ipv4Addr) -> Option<Rc<str>> {
        let own = self.pools.iter().find(|(_, pool)| &*pool.protocol == "layer2" && pool.contains(address));
        own.map(|(name, _)| name.clone())
    }

    fn forget(&mut self, now: Time, key: &Rc<str>, reason: &str) {
        if let Some(address) = self.announced.remove(key) {
            let fields = tree!({
                "event": "serviceWithdrawn",
                "ip": [(address.to_string())],
                "node": (&self.node),
                "protocol": "layer2",
                "reason": reason,
                "service": key,
            });
            self.log.write(now, "info", "withdrawing service announcement", fields);
        }
    }

    /// Returns whether the address falls to this node: all speakers order the nodes by a hash of node and
    /// address, and the first one has it.
    // Models go.universe.tf/metallb speaker/layer2_controller.go ShouldAnnounce
    fn is_owner(&self, key: &str, service: &Value, address: Ipv4Addr) -> bool {
        let slices = || self.informers.of(ENDPOINTSLICES).by_index(SERVICE_NAME, key);
        let serving = || slices().flat_map(|slice| slice["endpoints"].items()).filter(|one| can_serve(one));
        if serving().next().is_none() {
            return false;
        }
        let is_local = service["spec"]["externalTrafficPolicy"].str() == "Local";
        let nodes = self
            .members
            .alive()
            .filter(|node| !is_local || serving().any(|endpoint| endpoint["nodeName"].str() == &***node));
        first_by_hash(nodes, address) == Some(&self.node)
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
        [SERVICES, ENDPOINTSLICES].map(WatchSpec::all).into_iter().chain(self.form.watches()).collect()
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
        match queue.min(self.members.next_at()).min(self.probe_at).min(self.spam.next_at()) {
            Time::NEVER => Time::NEVER,
            at => at.max(self.busy_until),
        }
    }

    fn step(&mut self, cx: &mut Cx) {
        if self.probe_at <= cx.now {
            self.probe_at = cx.now + PROBE;
        }
        self.spam.tick(cx.now);
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
