use crate::endpoints::service_of;
use crate::proxier::{ActiveChains, Config, Sync, restore};
use crate::rules::{Jump, ensure};
use crate::{EndpointsMap, Mode, ServiceMap, Settings, endpoints_of, health, ipvs, ports_of};
use api::resources::{ENDPOINTSLICES, NODES, SERVICES};
use client::{Change, Component, Cx, Delivery, EventRecorder, Identity, IndexBy, Informers, WatchSpec};
use network::iptables::TableName;
use network::{HostId, HttpResponse, Network, Protocol, Socket};
use sim::{HOUR, Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The shortest time between two writings (`iptables.minSyncPeriod`).
const MIN_SYNC: Nanos = SECOND;
/// How often the canary is looked for, and a failed writing is tried again (`iptables.syncPeriod`).
const SYNC_PERIOD: Nanos = 30 * SECOND;
/// How often everything is written, changed or not.
// Models pkg/proxy/util/utils.go FullSyncPeriod
const FULL_SYNC: Nanos = HOUR;
/// The chain whose absence tells that somebody has emptied the tables.
const CANARY: &str = "KUBE-PROXY-CANARY";
/// The watches are for Services with a cluster IP, served by this proxy.
const SELECTOR: &str = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";
const SERVICE_NAME: IndexBy = IndexBy::Label("kubernetes.io/service-name");

const NEW: &[&str] = &["-m", "conntrack", "--ctstate", "NEW"];
const EXTERNAL: &str = "kubernetes externally-visible service portals";
const PORTALS: &str = "kubernetes service portals";
const FIREWALL: &str = "kubernetes load balancer firewall";

/// In the order in which they are put first in their chains.
// Models pkg/proxy/iptables/proxier.go iptablesJumpChains, iptablesKubeletJumpChains
const JUMPS: [Jump; 14] = [
    ("filter", "INPUT", NEW, EXTERNAL, "KUBE-EXTERNAL-SERVICES"),
    ("filter", "FORWARD", NEW, EXTERNAL, "KUBE-EXTERNAL-SERVICES"),
    ("filter", "INPUT", &[], "kubernetes health check service ports", "KUBE-NODEPORTS"),
    ("filter", "FORWARD", NEW, PORTALS, "KUBE-SERVICES"),
    ("filter", "OUTPUT", NEW, PORTALS, "KUBE-SERVICES"),
    ("filter", "FORWARD", &[], "kubernetes forwarding rules", "KUBE-FORWARD"),
    ("filter", "INPUT", NEW, FIREWALL, "KUBE-PROXY-FIREWALL"),
    ("filter", "OUTPUT", NEW, FIREWALL, "KUBE-PROXY-FIREWALL"),
    ("filter", "FORWARD", NEW, FIREWALL, "KUBE-PROXY-FIREWALL"),
    ("nat", "OUTPUT", &[], PORTALS, "KUBE-SERVICES"),
    ("nat", "PREROUTING", &[], PORTALS, "KUBE-SERVICES"),
    ("nat", "POSTROUTING", &[], "kubernetes postrouting rules", "KUBE-POSTROUTING"),
    ("filter", "INPUT", &[], "", "KUBE-FIREWALL"),
    ("filter", "OUTPUT", &[], "", "KUBE-FIREWALL"),
];

/// One node's kube-proxy. It gathers changes; when they are due, [`Component::step`] takes them up and
/// [`KubeProxy::apply`] writes the rules.
#[derive(Clone, Debug)]
pub struct KubeProxy {
    identity: Identity,
    recorder: EventRecorder,
    is_told: bool,
    settings: Settings,
    config: Config,
    informers: Informers,
    services: ServiceMap,
    endpoints: EndpointsMap,
    changed: BTreeSet<Rc<str>>,
    due: Time,
    look_at: Time,
    last_sync: Time,
    last_full: Time,
    needs_full: bool,
    /// The chains that each Service uses on its node.
    active: ActiveChains,
    syncs: u64,
    pending: Option<Pending>,
    listening: BTreeSet<u16>,
}

/// What [`KubeProxy::apply`] has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Write,
    LookForCanary,
}

impl KubeProxy {
    /// Makes the kube-proxy of a node, as it is when its process starts.
    pub fn new(settings: Settings) -> KubeProxy {
        let agent = format!("kube-proxy/{}", settings.node);
        let mut proxy = KubeProxy {
            identity: Identity::service_account("kube-system", "kube-proxy", &agent),
            config: Config {
                node_name: settings.node.clone(),
                node_ip: settings.address,
                cluster_cidr: settings.cluster_cidr,
                masquerade_all: settings.masquerade_all,
                zone: "".into(),
                scheduler: match settings.mode {
                    Mode::Iptables => "",
                    Mode::Ipvs(scheduler) => scheduler.name(),
                },
            },
            recorder: EventRecorder::new("kube-proxy", &settings.node),
            is_told: !settings.tells_start,
            settings,
            informers: Informers::default(),
            services: ServiceMap::new(),
            endpoints: EndpointsMap::new(),
            changed: BTreeSet::new(),
            due: Time::NEVER,
            look_at: Time::NEVER,
            last_sync: Time(i64::MIN),
            last_full: Time(i64::MIN),
            needs_full: true,
            active: ActiveChains::new(),
            syncs: 0,
            pending: None,
            listening: BTreeSet::new(),
        };
        proxy.informers = Informers::new(&proxy.watches());
        proxy.informers.add_index(ENDPOINTSLICES, SERVICE_NAME);
        proxy
    }

    /// Returns how often the rules were written, and when last.
    pub fn syncs(&self) -> (u64, Option<Time>) {
        (self.syncs, (self.syncs > 0).then_some(self.last_sync))
    }

    fn observe(&mut self, change: &Change) -> bool {
        let mut is_concerned = false;
        if change.resource == SERVICES {
            is_concerned = self.update_service(&change.key);
        } else if change.resource == ENDPOINTSLICES {
            let names: BTreeSet<Rc<str>> =
                [&change.old, &change.new].into_iter().filter_map(service_of).collect();
            for name in names {
                is_concerned |= self.update_endpoints(&name);
            }
        } else if change.resource == NODES && *change.key == *self.settings.node {
            let zone = api::meta::labels(&change.new)["topology.kubernetes.io/zone"].text();
            if zone != self.config.zone {
                self.config.zone = zone;
                self.needs_full = true;
                is_concerned = true;
            }
        }
        is_concerned
    }

    fn update_service(&mut self, key: &Rc<str>) -> bool {
        let new: ServiceMap =
            self.informers.of(SERVICES).get(key).map_or_else(Vec::new, ports_of).into_iter().collect();
        let is_same = self.services.iter().filter(|(name, _)| name.service == *key).eq(new.iter());
        if !is_same {
            self.services.retain(|name, _| name.service != *key);
            self.services.extend(new);
            self.changed.insert(key.clone());
        }
        !is_same
    }

    fn update_endpoints(&mut self, service: &Rc<str>) -> bool {
        let slices = self.informers.of(ENDPOINTSLICES).by_index(SERVICE_NAME, service);
        let new: EndpointsMap = endpoints_of(service, slices, &self.settings.node).into_iter().collect();
        let is_same = self.endpoints.iter().filter(|(name, _)| name.service == *service).eq(new.iter());
        if !is_same {
            self.endpoints.retain(|name, _| name.service != *service);
            self.endpoints.extend(new);
            self.changed.insert(service.clone());
        }
        !is_same
    }

    /// Writes the rules, if the last step found that it is time. To be called after each step.
    pub fn apply(&mut self, now: Time, network: &mut Network) {
        match self.pending.take() {
            None => {}
            Some(Pending::LookForCanary) if self.settings.mode != Mode::Iptables => {
                self.write_ipvs(now, network);
            }
            Some(Pending::LookForCanary) => {
                let has_canary = network.iptables(self.settings.host).is_some_and(|iptables| {
                    TableName::SAVED.iter().all(|table| iptables.table(*table).chain(CANARY).is_some())
                });
                if !has_canary {
                    self.needs_full = true;
                    self.write(now, network);
                }
            }
            Some(Pending::Write) => self.write(now, network),
        }
    }

    fn write(&mut self, now: Time, network: &mut Network) {
        let host = self.settings.host;
        if self.settings.mode != Mode::Iptables {
            return self.write_ipvs(now, network);
        }
        if self.needs_full {
            ensure_jumps(network, host);
        }
        let existing: BTreeSet<Rc<str>> =
            network.iptables(host).filter(|_| self.needs_full).map_or_else(BTreeSet::new, |iptables| {
                let nat = iptables.table(TableName::Nat);
                nat.sorted_chains().into_iter().map(|(name, _)| Rc::from(name.as_str())).collect()
            });
        let sync = match self.needs_full {
            true => Sync::Full(&existing),
            false => Sync::Partial(&self.changed, &self.active),
        };
        let wanted = restore(&self.services, &self.endpoints, &self.config, sync);
        self.last_sync = now;
        self.syncs += 1;
        match network.restore(host, &wanted.text) {
            Ok(()) => {
                let sync_was_full = self.needs_full;
                if sync_was_full {
                    self.last_full = now;
                }
                self.needs_full = false;
                if sync_was_full {
                    self.active.clear();
                }
                self.changed.iter().for_each(|service| drop(self.active.remove(service)));
                self.active.extend(wanted.active);
                self.forget_udp(network);
                self.changed.clear();
                self.listen(network);
            }
            Err(_) => {
                self.needs_full = true;
                self.due = now + SYNC_PERIOD;
            }
        }
    }

    /// Mode ipvs always writes everything, of which little is text.
    fn write_ipvs(&mut self, now: Time, network: &mut Network) {
        let both = (&self.services, &self.endpoints);
        let done = ipvs::write(now, network, self.settings.host, both, &self.config);
        (self.last_sync, self.last_full) = (now, now);
        self.syncs += 1;
        if done.is_err() {
            self.due = now + SYNC_PERIOD;
            return;
        }
        self.needs_full = false;
        self.forget_udp(network);
        self.changed.clear();
        self.listen(network);
    }

    /// Tells by an event of a mode that will go.
    // Models cmd/kube-proxy/app/server_linux.go createProxier
    fn tell_start(&mut self, cx: &mut Cx) {
        let name = &self.settings.node;
        let reference = api::tree!({"kind": "Node", "name": name, "uid": name});
        self.is_told = true;
        if self.settings.mode != Mode::Iptables {
            const MESSAGE: &str = "The ipvs proxier is now deprecated and may be removed in a future release. \
                                   Please use 'nftables' instead.";
            self.recorder.event_about(cx, &reference, "Warning", "IPVSDeprecation", MESSAGE);
        }
    }

    /// Forgets UDP connections to endpoints that no longer serve.
    // Models pkg/proxy/conntrack/cleanup.go CleanStaleEntries
    fn forget_udp(&self, network: &mut Network) {
        let udp = self
            .services
            .iter()
            .filter(|(name, _)| name.protocol == Protocol::Udp && self.changed.contains(&name.service));
        for (name, service) in udp {
            let endpoints = self.endpoints.get(name).map_or(&[][..], Vec::as_slice);
            let serving = endpoints.iter().filter(|endpoint| endpoint.is_serving);
            let serving: BTreeSet<Ipv4Addr> = serving.map(|one| one.socket.address).collect();
            // Those of a Service without endpoints stay.
            if serving.is_empty() {
                continue;
            }
            network.forget_udp(self.settings.host, |asked: Socket, answers| {
                let own = asked.address == service.cluster_ip
                    || service.external_ips.contains(&asked.address)
                    || service.load_balancer_ips.contains(&asked.address);
                let is_node_port = service.node_port != 0 && asked.port == service.node_port;
                (own && asked.port == service.port || is_node_port) && !serving.contains(&answers)
            });
        }
    }

    fn listen(&mut self, network: &mut Network) {
        let wanted: BTreeMap<u16, Rc<str>> = health::ports(&self.services);
        let host = self.settings.host;
        for port in self.listening.iter().filter(|port| !wanted.contains_key(port)) {
            network.close(host, Protocol::Tcp, *port);
        }
        for port in wanted.keys().filter(|port| !self.listening.contains(port)) {
            network.listen(host, Protocol::Tcp, *port, self.settings.application);
        }
        self.listening = wanted.into_keys().collect();
    }

    /// Answers what came to a health check port; `None` for a port that isn't one.
    pub fn answer(&self, port: u16) -> Option<HttpResponse> {
        let ports = health::ports(&self.services);
        ports.get(&port).map(|service| health::answer(service, &self.endpoints))
    }
}

/// Makes the chains that lead to kube-proxy's own on a node, and the canaries, where they are missing.
pub fn ensure_jumps(network: &mut Network, host: HostId) {
    let canaries = TableName::SAVED.iter().map(|table| (table.as_str(), CANARY));
    let targets = JUMPS.iter().map(|(table, _, _, _, target)| (*table, *target));
    ensure(network, host, canaries.chain(targets), &JUMPS);
}

impl Component for KubeProxy {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        let own = |resource| WatchSpec { label_selector: SELECTOR.to_string(), ..WatchSpec::all(resource) };
        vec![
            own(SERVICES),
            own(ENDPOINTSLICES),
            WatchSpec::with_fields(NODES, format!("metadata.name={}", self.settings.node)),
        ]
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        let is_first = matches!(delivery, Delivery::Listed(_)) && !self.informers.are_synced();
        let mut is_concerned = false;
        for change in self.informers.deliver(watch, delivery) {
            is_concerned |= self.observe(&change);
        }
        is_concerned |= is_first && self.informers.are_synced();
        if is_concerned && self.due == Time::NEVER {
            let wait = cx.timing.proxy_sync.draw(cx.chance, "proxy_sync", &self.settings.node, self.syncs);
            self.due = (cx.now + wait).max(self.last_sync + MIN_SYNC);
        }
    }

    fn next_at(&self) -> Time {
        if self.informers.are_synced() { self.due.min(self.look_at) } else { Time::NEVER }
    }

    fn step(&mut self, cx: &mut Cx) {
        let (began, node) = (cx.now, self.settings.node.clone());
        if !self.is_told {
            self.tell_start(cx);
        }
        if cx.now >= self.due {
            self.due = Time::NEVER;
            self.needs_full |= self.last_full + FULL_SYNC <= cx.now;
            let what = if self.needs_full { "everything".to_string() } else { self.changed_text() };
            cx.note(began, "Sync", &node, &format!("iptables-restore: {what}"));
            self.pending = Some(Pending::Write);
        } else {
            self.pending = Some(Pending::LookForCanary);
        }
        self.look_at = cx.now + SYNC_PERIOD;
        if self.last_full + FULL_SYNC <= cx.now && self.last_full > Time(i64::MIN) {
            self.needs_full = true;
            self.pending = Some(Pending::Write);
        }
    }
}

impl KubeProxy {
    fn changed_text(&self) -> String {
        const NAMED: usize = 4;
        let names: Vec<&str> = self.changed.iter().take(NAMED).map(AsRef::as_ref).collect();
        match self.changed.len().saturating_sub(NAMED) {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }
}
