use crate::endpoints::service_of;
use crate::iptables::ActiveChains;
use crate::nftables::Written;
use crate::{
    Config, EndpointsMap, Mode, NodePortAddresses, ServiceMap, Settings, endpoints_of, health, ports_of,
};
use api::resources::{ENDPOINTSLICES, NODES, SERVICECIDRS, SERVICES};
use client::{Change, Component, Cx, Delivery, EventRecorder, Identity, IndexBy, Informers, WatchSpec};
use network::{Cidr, HttpResponse};
use sim::{HOUR, Nanos, Time};
use std::collections::BTreeSet;
use std::rc::Rc;

/// How often everything is written, changed or not.
// Models pkg/proxy/util/utils.go FullSyncPeriod
const FULL_SYNC: Nanos = HOUR;
/// The watches are for Services with a cluster IP, served by this proxy.
const SELECTOR: &str = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name";
const SERVICE_NAME: IndexBy = IndexBy::Label("kubernetes.io/service-name");

/// One node's kube-proxy. It gathers changes; when they are due, [`Component::step`] takes them up and
/// [`KubeProxy::apply`] writes the rules.
#[derive(Clone, Debug)]
pub struct KubeProxy {
    pub(crate) identity: Identity,
    pub(crate) recorder: EventRecorder,
    pub(crate) is_told: bool,
    pub(crate) settings: Settings,
    pub(crate) config: Config,
    pub(crate) informers: Informers,
    pub(crate) services: ServiceMap,
    pub(crate) endpoints: EndpointsMap,
    pub(crate) changed: BTreeSet<Rc<str>>,
    pub(crate) due: Time,
    pub(crate) look_at: Time,
    pub(crate) last_sync: Time,
    pub(crate) last_full: Time,
    pub(crate) needs_full: bool,
    /// The chains that each Service uses on its node.
    pub(crate) active: ActiveChains,
    /// What mode nftables has written.
    pub(crate) written: Written,
    /// Whether what another mode had left is away.
    pub(crate) is_alone: bool,
    pub(crate) syncs: u64,
    pub(crate) pending: Option<Pending>,
    pub(crate) listening: BTreeSet<u16>,
}

/// What [`KubeProxy::apply`] has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pending {
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
                addresses: Vec::new(),
                cluster_cidr: settings.cluster_cidr,
                masquerade_all: settings.masquerade_all,
                node_ports: node_ports(&settings),
                localhost_node_ports: settings.localhost_node_ports,
                scheduler: match settings.mode {
                    Mode::Ipvs(scheduler) => scheduler.name(),
                    _ => "",
                },
                ..Config::new(&settings.node, settings.address)
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
            written: Written::default(),
            is_alone: false,
            syncs: 0,
            pending: None,
            listening: BTreeSet::new(),
        };
        proxy.informers = Informers::new(&proxy.watches());
        proxy.informers.add_index(ENDPOINTSLICES, SERVICE_NAME);
        proxy
    }

    /// Returns how it spreads packets.
    pub fn mode(&self) -> Mode {
        self.settings.mode
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
        } else if change.resource == SERVICECIDRS {
            is_concerned = self.update_service_cidrs();
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

    /// What changes here is written at the next occasion.
    // Models pkg/proxy/nftables/proxier.go OnServiceCIDRsChanged
    fn update_service_cidrs(&mut self) -> bool {
        let all = self.informers.of(SERVICECIDRS).iter();
        let texts = all.flat_map(|object| object["spec"]["cidrs"].items());
        let new: BTreeSet<Cidr> = texts.filter_map(|text| Cidr::parse(text.str())).collect();
        let new: Vec<Cidr> = new.into_iter().collect();
        let is_same = self.config.service_cidrs == new;
        self.needs_full |= !is_same;
        self.config.service_cidrs = new;
        !is_same
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

    /// Answers what came to a health check port; `None` for a port that isn't one.
    pub fn answer(&self, port: u16) -> Option<HttpResponse> {
        let ports = health::ports(&self.services);
        ports.get(&port).map(|service| health::answer(service, &self.endpoints))
    }
}

impl Component for KubeProxy {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        let own = |resource| WatchSpec { label_selector: SELECTOR.to_string(), ..WatchSpec::all(resource) };
        let mut watches = vec![
            own(SERVICES),
            own(ENDPOINTSLICES),
            WatchSpec::with_fields(NODES, format!("metadata.name={}", self.settings.node)),
        ];
        if self.settings.mode == Mode::Nftables {
            watches.push(WatchSpec::all(SERVICECIDRS));
        }
        watches
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
            self.due = (cx.now + wait).max(self.last_sync + self.settings.min_sync);
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
            let program = if self.settings.mode == Mode::Nftables { "nft" } else { "iptables-restore" };
            cx.note(began, "Sync", &node, &format!("{program}: {what}"));
            self.pending = Some(Pending::Write);
        } else {
            self.pending = Some(Pending::LookForCanary);
        }
        self.look_at = cx.now + self.settings.sync_period;
        if self.last_full + FULL_SYNC <= cx.now && self.last_full > Time(i64::MIN) {
            self.needs_full = true;
            self.pending = Some(Pending::Write);
        }
    }
}

impl KubeProxy {
    /// Tells by an event of a mode that will go.
    // Models cmd/kube-proxy/app/server_linux.go createProxier
    fn tell_start(&mut self, cx: &mut Cx) {
        let name = &self.settings.node;
        let reference = api::tree!({"kind": "Node", "name": name, "uid": name});
        self.is_told = true;
        if let Mode::Ipvs(_) = self.settings.mode {
            const MESSAGE: &str = "The ipvs proxier is now deprecated and may be removed in a future release. \
                                   Please use 'nftables' instead.";
            self.recorder.event_about(cx, &reference, "Warning", "IPVSDeprecation", MESSAGE);
        }
    }

    fn changed_text(&self) -> String {
        const NAMED: usize = 4;
        let names: Vec<&str> = self.changed.iter().take(NAMED).map(AsRef::as_ref).collect();
        match self.changed.len().saturating_sub(NAMED) {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }
}

/// In mode nftables, node ports answer at the node's own address where nothing else is said.
// Models cmd/kube-proxy/app/server_linux.go platformApplyDefaults
fn node_ports(settings: &Settings) -> NodePortAddresses {
    match &settings.node_ports {
        Some(addresses) => addresses.clone(),
        None if settings.mode == Mode::Nftables => NodePortAddresses::Primary,
        None => NodePortAddresses::All,
    }
}
