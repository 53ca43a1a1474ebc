use crate::capture::{Captures, Tape};
use crate::conntrack::Tuple;
use crate::iptables::RuleCache;
use crate::node::Node;
use crate::topology::{Host, HostKind, Netem, Topology};
use crate::walk::Spare;
use crate::way::Way;
use crate::{Application, Cidr, Delivery, ExchangeId, HostId, Outcome, Payload, Protocol, Socket};
use sim::{Chance, EventQueue, Nanos, SECOND, Time, Timing};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// A connection that is to be opened, and what is asked through it.
#[derive(Clone, Debug)]
pub struct Connect {
    /// The host whose process asks.
    pub from: HostId,
    /// What the asker wants to be told back: a process's number.
    pub owner: u64,
    /// The address.
    pub to: Ipv4Addr,
    /// The port; 0 for [`Payload::Ping`].
    pub port: u16,
    /// The protocol.
    pub protocol: Protocol,
    /// What is asked.
    pub payload: Rc<Payload>,
    /// After what time the asker gives up; 0 leaves that to the protocol.
    pub patience: Nanos,
}

/// How far an exchange is.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// The first packet is under way, or lost.
    Opening,
    /// The request is on its way to its application.
    Asking,
    /// The application has it.
    Serving(Application),
    /// The outcome is on its way back.
    Ending(Outcome),
}

#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) from: HostId,
    pub(crate) owner: u64,
    pub(crate) protocol: Protocol,
    pub(crate) source: Socket,
    pub(crate) destination: Socket,
    pub(crate) payload: Rc<Payload>,
    pub(crate) patience: Nanos,
    pub(crate) deadline: Time,
    pub(crate) who: Rc<str>,
    pub(crate) draws: u64,
    pub(crate) attempts: u32,
    pub(crate) stage: Stage,
    pub(crate) server: HostId,
    /// The server's end, and the client's as the server sees it.
    pub(crate) local: Socket,
    pub(crate) peer: Socket,
    /// The time of the way back.
    pub(crate) back: Nanos,
    /// The hosts on the way, from client to server.
    pub(crate) path: Vec<HostId>,
    pub(crate) tracked: Vec<(HostId, Tuple)>,
    /// What [`Network::rule_changes`] was when a packet was led last.
    pub(crate) rules_seen: u64,
    /// How often the request was sent again.
    pub(crate) resent: u32,
    /// Where the packets pass interfaces, where somebody looks.
    pub(crate) tape: Option<Box<Tape>>,
}

/// What is due at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    /// The request reaches its application.
    Arrive(ExchangeId),
    /// The outcome reaches the asker; so often it was tried before.
    End(ExchangeId, u32),
    /// The first packet is sent again.
    Retry(ExchangeId),
}

/// The whole data plane.
#[derive(Clone, Debug)]
pub struct Network {
    pub(crate) chance: Chance,
    pub(crate) timing: Timing,
    pub(crate) topology: Topology,
    pub(crate) nodes: BTreeMap<HostId, Rc<Node>>,
    pub(crate) listeners: BTreeMap<(HostId, Protocol, u16), Application>,
    pub(crate) exchanges: BTreeMap<ExchangeId, Box<Exchange>>,
    pub(crate) deadlines: BTreeSet<(Time, ExchangeId)>,
    pub(crate) queue: EventQueue<Due>,
    pub(crate) ways: VecDeque<Rc<Way>>,
    pub(crate) spare: Spare,
    pub(crate) next: u64,
    machines_changed: u64,
    /// Grows with every change of rules and every connection that was forgotten by hand: packets of open
    /// connections are then led anew.
    pub(crate) rule_changes: u64,
    pub(crate) captures: Captures,
    pub(crate) cache: RuleCache,
}

impl Network {
    /// Makes an empty network whose machines are on one segment.
    pub fn new(chance: Chance, timing: Timing, segment: Cidr) -> Network {
        Network {
            chance,
            timing,
            topology: Topology::new(segment),
            nodes: BTreeMap::new(),
            listeners: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            queue: EventQueue::default(),
            ways: VecDeque::new(),
            spare: Spare::default(),
            next: 1,
            machines_changed: 0,
            rule_changes: 0,
            captures: Captures::default(),
            cache: RuleCache::default(),
        }
    }

    /// Changes how long things take from now on.
    pub fn set_timing(&mut self, timing: Timing) {
        self.timing = timing;
    }

    /// Returns a number that grows whenever a machine starts, stops, is cut off or joined again, or one of
    /// its own ports is opened or closed: when it does, machines may see each other otherwise.
    pub fn machine_changes(&self) -> u64 {
        self.machines_changed
    }

    /// Returns the source of chance.
    pub fn chance(&self) -> Chance {
        self.chance
    }

    /// Returns the hosts and how they reach each other.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Adds a machine outside the cluster.
    pub fn add_outside(&mut self, name: &str, address: Ipv4Addr) -> HostId {
        self.topology.add(name, HostKind::Outside, address)
    }

    /// Adds a route to a machine outside the cluster (`ip route add NETWORK via ADDRESS`).
    pub fn add_route(&mut self, host: HostId, network: Cidr, via: Ipv4Addr) {
        const ROUTES: usize = 64;
        if let Some(host) = self.topology.host_mut(host)
            && host.routes.len() < ROUTES
        {
            host.routes.push((network, via));
        }
    }

    /// Takes a machine's routes to a network away (`ip route del NETWORK`).
    pub fn remove_route(&mut self, host: HostId, network: Cidr) {
        if let Some(host) = self.topology.host_mut(host) {
            host.routes.retain(|(known, _)| *known != network);
        }
    }

    /// Adds a node, with empty tables.
    pub fn add_node(&mut self, name: &str, address: Ipv4Addr) -> HostId {
        let id = self.topology.add(name, HostKind::Node, address);
        self.machines_changed += 1;
        self.nodes.insert(id, Rc::default());
        id
    }

    /// Gives a node its pods' network (`spec.podCIDR`); all machines then have a route there.
    pub fn set_pod_network(&mut self, node: HostId, network: Cidr) {
        self.topology.set_pod_network(node, network);
    }

    /// Lets pods' packets go from node to node within packets of UDP, as flannel's vxlan does.
    pub fn set_overlay(&mut self) {
        self.topology.is_overlaid = true;
    }

    /// Returns the next free address of a node's pod network, as the host-local plug-in chooses it.
    // Models github.com/containernetworking/plugins plugins/ipam/host-local/backend/allocator
    pub fn next_pod_address(&mut self, node: HostId) -> Option<Ipv4Addr> {
        let network = self.topology.pod_network(node)?;
        let size = u32::from(network.last()) - u32::from(network.address());
        let state = Rc::make_mut(self.nodes.get_mut(&node)?);
        let first = state.last_pod_address.max(1);
        // The first address is the bridge's, the last is everybody's.
        let place = (1..size).map(|n| (first - 1 + n) % (size - 1) + 1).find(|place| {
            *place > 1 && network.nth(*place).is_some_and(|a| self.topology.by_address(a).is_none())
        })?;
        state.last_pod_address = place;
        network.nth(place)
    }

    /// Adds a pod with an address of its own. A pod of the host's network has none: its applications
    /// listen on the node.
    pub fn add_pod(&mut self, node: HostId, name: &str, address: Ipv4Addr) -> HostId {
        self.topology.add(name, HostKind::Pod { node }, address)
    }

    /// Takes a pod or a machine out, with what listens there and what it asked.
    pub fn remove(&mut self, host: HostId) -> Option<Host> {
        self.silence(host);
        self.machines_changed += u64::from(self.nodes.remove(&host).is_some());
        self.topology.remove(host)
    }

    fn silence(&mut self, host: HostId) {
        let all = (host, Protocol::Icmp, 0)..=(host, Protocol::Sctp, u16::MAX);
        let open: Vec<_> = self.listeners.range(all).map(|(key, _)| *key).collect();
        for key in open {
            self.listeners.remove(&key);
        }
        let own: Vec<ExchangeId> =
            self.exchanges.iter().filter(|(_, one)| one.from == host).map(|(id, _)| *id).collect();
        for id in own {
            self.cancel(id);
        }
    }

    /// Cuts a machine's power: its tables, connections and announcements are gone, and nobody is told.
    pub fn stop(&mut self, host: HostId) {
        let Some(machine) = self.topology.host_mut(host) else { return };
        machine.is_up = false;
        self.machines_changed += 1;
        if let Some(node) = self.nodes.get_mut(&host) {
            *node = Rc::default();
        }
        let announced: Vec<Ipv4Addr> =
            self.topology.announced().filter(|(_, node)| *node == host).map(|(address, _)| address).collect();
        for address in announced {
            self.topology.withdraw(host, address);
        }
        let gone: Vec<HostId> = self
            .topology
            .hosts()
            .filter(|(id, _)| self.topology.machine(*id) == host)
            .map(|(id, _)| id)
            .collect();
        for id in gone {
            self.silence(id);
        }
    }

    /// Switches a machine on again.
    pub fn start(&mut self, host: HostId) {
        if let Some(machine) = self.topology.host_mut(host) {
            machine.is_up = true;
            self.machines_changed += 1;
        }
    }

    /// Cuts the link between two machines.
    pub fn partition(&mut self, a: HostId, b: HostId) {
        self.topology.set_cut(a, b, true);
        self.machines_changed += 1;
    }

    /// Mends the link between two machines.
    pub fn heal(&mut self, a: HostId, b: HostId) {
        self.topology.set_cut(a, b, false);
        self.machines_changed += 1;
    }

    /// Mends all links.
    pub fn heal_all(&mut self) {
        self.topology.mend_cuts();
        self.machines_changed += 1;
    }

    /// Adds this to each packet's time between two machines; 0 for nothing.
    pub fn set_delay(&mut self, a: HostId, b: HostId, delay: Nanos) {
        self.topology.set_delay(a, b, delay);
    }

    /// Delays and loses what a machine sends to others (`tc qdisc … netem`); `None` for nothing of it.
    pub fn set_netem(&mut self, machine: HostId, netem: Option<Netem>) {
        self.topology.set_netem(machine, netem);
    }

    /// Returns whether packets pass between two hosts.
    pub fn can_reach(&self, a: HostId, b: HostId) -> bool {
        self.topology.can_reach(a, b)
    }

    /// Lets a node answer ARP for an address of the segment, and tells everybody.
    pub fn announce(&mut self, now: Time, node: HostId, address: Ipv4Addr) {
        self.show_announcement(now, node, address);
        self.topology.announce(now, node, address);
    }

    /// Stops a node's answering for an address.
    pub fn withdraw(&mut self, node: HostId, address: Ipv4Addr) {
        self.topology.withdraw(node, address);
    }

    /// Lets an application listen on a port of a pod or machine. Returns whether the port was free.
    pub fn listen(&mut self, host: HostId, protocol: Protocol, port: u16, application: Application) -> bool {
        let key = (host, protocol, port);
        let is_free = self.topology.host(host).is_some() && !self.listeners.contains_key(&key);
        if is_free {
            self.listeners.insert(key, application);
            self.machines_changed += u64::from(self.nodes.contains_key(&host));
        }
        is_free
    }

    /// Closes one port.
    pub fn close(&mut self, host: HostId, protocol: Protocol, port: u16) {
        self.listeners.remove(&(host, protocol, port));
        self.machines_changed += u64::from(self.nodes.contains_key(&host));
    }

    /// Returns who listens on a port of a host.
    pub fn listener(&self, host: HostId, protocol: Protocol, port: u16) -> Option<Application> {
        self.listeners.get(&(host, protocol, port)).copied()
    }

    /// Ends an application: its ports are closed, and what it hasn't answered is reset.
    pub fn close_application(&mut self, now: Time, application: Application) {
        let nodes = &self.nodes;
        let mut closed = 0;
        self.listeners.retain(|(host, _, _), other| {
            let is_kept = *other != application;
            closed += u64::from(!is_kept && nodes.contains_key(host));
            is_kept
        });
        self.machines_changed += closed;
        let open: Vec<ExchangeId> = self
            .exchanges
            .iter()
            .filter(|(_, one)| matches!(one.stage, Stage::Serving(other) if other == application))
            .map(|(id, _)| *id)
            .collect();
        for id in open {
            self.reset(now, id);
        }
    }

    /// Returns who listens: (host, protocol, port, application).
    pub fn listeners(&self) -> impl Iterator<Item = (HostId, Protocol, u16, Application)> {
        self.listeners.iter().map(|((host, protocol, port), app)| (*host, *protocol, *port, *app))
    }

    /// Returns the moment at which something is due next.
    pub fn next_at(&self) -> Option<Time> {
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        [self.queue.next_at(), deadline].into_iter().flatten().min()
    }

    /// Does what is due up to this moment and tells what arrived and what ended.
    pub fn advance(&mut self, now: Time) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        while let Some(at) = self.next_at().filter(|at| *at <= now) {
            if self.queue.next_at() == Some(at) {
                if let Some((at, due)) = self.queue.pop() {
                    self.handle(at, due, &mut deliveries);
                }
            } else if let Some((at, id)) = self.deadlines.pop_first() {
                self.finish(at, id, Outcome::Timeout, &mut deliveries);
            }
        }
        deliveries
    }
}

/// How long TCP goes on asking for a connection: six repetitions, each after twice the time.
// Models net/ipv4/sysctl_net_ipv4.c tcp_syn_retries
pub(crate) const TCP_OPENING: Nanos = 127 * SECOND;
