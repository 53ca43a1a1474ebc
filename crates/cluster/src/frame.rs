//! Frames: what changed since the last one.

use crate::Cluster;
use crate::control_plane::Unit;
use ::view::{ClusterRow, ControllerRow, Frame, NodeRow, SchedulerRow, TabRow};
use api::meta;
use network::HostKind;
use std::collections::BTreeMap;

/// How many travellers a frame may carry, one after another.
const TRAVELLERS: u32 = 300;
/// How many it may carry after quiet frames: five hundred packets that are sent at one moment, leg by leg.
const BURST: u32 = 5_000;

/// What the last frame said, for what is compared rather than watched.
#[derive(Clone, Default)]
pub(crate) struct Frames {
    number: u64,
    trace: u64,
    ways: u64,
    /// How many travellers the next frame may carry.
    room: u32,
    cluster: Option<ClusterRow>,
    scheduler: Option<SchedulerRow>,
    etcd: Vec<(i64, String)>,
    controllers: BTreeMap<String, ControllerRow>,
    nodes: BTreeMap<String, NodeRow>,
    tabs: Vec<TabRow>,
}

impl Cluster {
    /// Forgets what the page was told: the next frame tells everything.
    pub fn begin_frames(&mut self) {
        self.frames = Frames { trace: self.world.trace.next_id(), ..Frames::default() };
        self.view.touch_all();
    }

    /// Returns what changed since the last frame.
    pub fn frame(&mut self) -> Frame {
        let mut frame = Frame { number: self.frames.number + 1, now: self.moment(), ..Frame::default() };
        self.frames.number = frame.number;
        frame.rows = self.view.take_rows(self.world.now);
        self.compare_rows(&mut frame);
        let moment = |at| self.view.moment(at);
        let mut travellers = crate::view::travellers(self.world.trace.since(self.frames.trace), &moment);
        self.frames.trace = self.world.trace.next_id();
        let (legs, ways) = self.view.packet_legs(&self.wires, self.frames.ways);
        travellers.extend(legs);
        self.frames.ways = ways;
        let room = (self.frames.room + TRAVELLERS).min(BURST);
        let dropped = travellers.len().saturating_sub(room as usize);
        frame.travellers = travellers.split_off(dropped);
        frame.travellers_dropped = dropped as u32;
        self.frames.room = room.saturating_sub(frame.travellers.len() as u32);
        frame.console = self.terminal.take_chunks();
        frame.files = self.terminal.take_files();
        let tabs = self.terminal.tabs();
        if tabs != self.frames.tabs {
            self.frames.tabs.clone_from(&tabs);
            frame.tabs = Some(tabs);
        }
        frame
    }

    fn compare_rows(&mut self, frame: &mut Frame) {
        let cluster = self.cluster_row();
        if self.frames.cluster.as_ref() != Some(&cluster) {
            frame.rows.cluster = Some(cluster.clone());
            self.frames.cluster = Some(cluster);
        }
        let scheduler = self.scheduler_row();
        if scheduler.is_some() && self.frames.scheduler != scheduler {
            frame.rows.scheduler.clone_from(&scheduler);
            self.frames.scheduler = scheduler;
        }
        let key =
            |resource: &str, object: &str| format!("{}/{object}", resource.split('/').next().unwrap_or(""));
        let writes = self.world.writes.iter();
        let etcd: Vec<(i64, String)> =
            writes.map(|(revision, resource, object)| (*revision, key(resource, object))).collect();
        if self.frames.etcd != etcd {
            frame.rows.etcd = Some(etcd.clone());
            self.frames.etcd = etcd;
        }
        let controllers = self.controller_rows();
        differences(&mut self.frames.controllers, controllers, &mut frame.rows.controllers);
        let nodes = self.node_rows();
        differences(&mut self.frames.nodes, nodes, &mut frame.rows.nodes);
    }

    fn cluster_row(&self) -> ClusterRow {
        let mut planes = self.preset.nodes.iter().filter(|node| node.control_plane);
        let plane = planes.next().filter(|plane| planes.next().is_none() && self.is_apart(plane));
        let network = self.wires.network.topology();
        let mut routers = [frr::NAME, crate::addons::cloud::MACHINE].into_iter();
        let router = routers.find_map(|name| network.host(network.by_name(name)?));
        let router = router.filter(|host| host.kind == HostKind::Router);
        ClusterRow {
            preset: self.preset.name.clone(),
            seed: self.world.chance.seed(),
            version: "v1.36.2".to_string(),
            revision: self.world.apiserver.revision(),
            control_plane: plane.map(|node| (node.name.clone(), node.address.clone())),
            api: self.preset.apiserver.clone(),
            leaders: self.leaders(),
            members: self.parts.etcd_members(),
            router: router.map(|host| (host.name.to_string(), host.address.to_string())),
            network: self.preset.network.clone(),
            client: self.preset.client.clone(),
            used: self.view.used,
            requests: self.world.requests,
            answered: self.view.traffic.answered,
            travelling: self.view.traffic.travelling,
            lost: self.view.traffic.lost,
            stopped: self.parts.stopped_names(),
        }
    }

    /// Returns whether a control plane's machine is kept from running others' pods.
    fn is_apart(&self, plane: &crate::preset::NodeSpec) -> bool {
        let Some(node) = self.view.objects.get(&("nodes", plane.name.clone())) else { return plane.taints };
        let mut taints = node["spec"]["taints"].items().iter();
        taints.any(|taint| taint["key"].str() == "node-role.kubernetes.io/control-plane")
    }

    /// Returns who leads of several control planes: (process, machine).
    pub(crate) fn leaders(&self) -> Vec<(String, String)> {
        let plane = &self.parts.plane;
        if !plane.is_replicated() {
            return Vec::new();
        }
        let units = [Unit::Etcd, Unit::Manager, Unit::Scheduler];
        let leads = units.into_iter().filter_map(|unit| {
            let leader = if unit == Unit::Etcd { plane.leadership.etcd } else { plane.holder(unit) };
            let machine = plane.members.get(leader?)?.machine.as_ref()?;
            Some((unit.name().to_string(), machine.to_string()))
        });
        leads.collect()
    }

    fn controller_rows(&self) -> BTreeMap<String, ControllerRow> {
        let states = self.parts.manager.controllers().into_iter().enumerate();
        let row = |(order, state): (usize, controller_manager::ControllerState)| {
            let row = ControllerRow {
                acted: state.last_at.map(|at| self.view.moment(at)),
                key: state.last_key.to_string(),
                waiting: state.waiting,
                order: order as u32,
            };
            (state.name.to_string(), row)
        };
        states.map(row).collect()
    }

    fn node_rows(&self) -> BTreeMap<String, NodeRow> {
        let mut pods: BTreeMap<&str, u32> = BTreeMap::new();
        let range = ("pods", String::new())..("pods\0", String::new());
        for (_, pod) in self.view.objects.range(range).filter(|(_, pod)| !crate::view::is_process(pod)) {
            *pods.entry(pod["spec"]["nodeName"].str()).or_insert(0) += 1;
        }
        let rows = self.preset.nodes.iter().enumerate().map(|(order, spec)| {
            let count = pods.get(spec.name.as_str()).copied().unwrap_or(0);
            (spec.name.clone(), self.node_row(order as u32, spec, count))
        });
        rows.collect()
    }

    fn node_row(&self, order: u32, spec: &crate::preset::NodeSpec, pods: u32) -> NodeRow {
        let object = self.view.objects.get(&("nodes", spec.name.clone()));
        let ready = object.and_then(|node| meta::condition(node, "Ready"));
        let since = ready.and_then(|ready| meta::time(&ready["lastTransitionTime"]));
        let parts = self.parts.node(&spec.name);
        let host = self.wires.nodes.get(spec.name.as_str());
        NodeRow {
            address: spec.address.clone(),
            control_plane: spec.control_plane,
            on: parts.is_some_and(|node| node.on),
            ready: ready.is_some_and(|ready| ready["status"].str() == "True"),
            since: since.map_or(0, |at| self.view.moment(at)),
            unschedulable: object.is_some_and(|node| node["spec"]["unschedulable"].is_true()),
            processes: match spec.control_plane {
                true => Unit::ALL
                    .into_iter()
                    .filter(|unit| unit.is_of_control_plane())
                    .map(|unit| unit.name().to_string())
                    .collect(),
                false => Vec::new(),
            },
            proxy_mode: parts.map_or(String::new(), |node| node.proxy.mode().name().to_string()),
            zone: object
                .map_or("", |node| meta::labels(node)["topology.kubernetes.io/zone"].str())
                .to_string(),
            cut: host.is_some_and(|host| !self.wires.reaches_apiserver(*host)),
            pods,
            endpoints: host.map_or(0, |host| self.endpoints_on(*host)),
            proxied: parts.and_then(|node| node.proxy.syncs().1).map(|at| self.view.moment(at)),
            announces: host.map_or(Vec::new(), |host| self.announced_by(*host)),
            order,
        }
    }

    /// Counts the endpoints that a node's proxy leads to.
    fn endpoints_on(&self, host: network::HostId) -> u32 {
        let network = &self.wires.network;
        let nat = network.iptables(host).map(|tables| tables.table(network::iptables::TableName::Nat));
        let chains = nat.map_or(Vec::new(), |table| table.sorted_chains());
        let by_chains = chains.iter().filter(|(name, _)| name.as_str().starts_with("KUBE-SEP-")).count();
        let table = network.nftables(host).and_then(|tables| tables.table("kube-proxy"));
        let chains = table.map_or(Vec::new(), |table| table.sorted_chains());
        let is_endpoint = |name: &str, rules: u32| name.starts_with("endpoint-") && rules > 0;
        let living = chains.iter().filter(|(name, chain)| is_endpoint(name.as_str(), chain.rules().count()));
        let servers = network.ipvs(host).into_iter().flat_map(|ipvs| ipvs.servers());
        let real: std::collections::BTreeSet<_> = servers
            .flat_map(|((protocol, _), server)| server.destinations().iter().map(|one| (*protocol, one)))
            .filter(|(_, one)| one.weight > 0)
            .map(|(protocol, one)| (protocol, one.socket))
            .collect();
        (by_chains + living.count() + real.len()) as u32
    }

    /// Returns the load balancers' addresses that lead to a node, with their ports.
    pub(crate) fn announced_by(&self, host: network::HostId) -> Vec<String> {
        let announced = self.wires.network.topology().announced().filter(|(_, node)| *node == host);
        let answered =
            announced.filter(|(address, node)| self.wires.answers_arp(self.now(), *address) == Some(*node));
        let addresses: Vec<String> = answered.map(|(address, _)| address.to_string()).collect();
        let mut tags = Vec::new();
        for address in addresses {
            let ports = self.view.ports_of(&address);
            if ports.is_empty() {
                tags.push(address);
            } else {
                tags.extend(ports.iter().map(|port| format!("{address}:{port}")));
            }
        }
        tags
    }

    /// Returns what the scheduler did last.
    fn scheduler_row(&self) -> Option<SchedulerRow> {
        let last = self.parts.scheduler.verdicts().next_back()?;
        let (active, backing_off, unschedulable) = self.parts.scheduler.waiting();
        Some(SchedulerRow {
            pod: last.pod.to_string(),
            node: last.node.as_deref().unwrap_or("").to_string(),
            at: self.view.moment(last.at),
            waiting: active + backing_off + unschedulable,
        })
    }
}

fn differences<T: Clone + PartialEq>(
    before: &mut BTreeMap<String, T>,
    after: BTreeMap<String, T>,
    into: &mut BTreeMap<String, Option<T>>,
) {
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        into.insert(key.clone(), None);
    }
    for (key, row) in &after {
        if before.get(key) != Some(row) {
            into.insert(key.clone(), Some(row.clone()));
        }
    }
    *before = after;
}
