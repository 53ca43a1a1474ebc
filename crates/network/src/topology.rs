//! Machines, pods, the segment between them, and who answers for which address.

use crate::Cidr;
use serde::Serialize;
use sim::{Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How long a machine believes an ARP answer without asking again.
// Models net/ipv4/arp.c base_reachable_time
const ARP_REACHABLE: Nanos = 30 * SECOND;
/// How many ARP entries are kept on all machines together.
const ARP_ENTRIES: usize = 16_384;

/// A machine's or a pod's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct HostId(pub u32);

/// What a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostKind {
    /// A machine outside the cluster, on the same segment.
    Outside,
    /// A machine outside the cluster that passes packets on.
    Router,
    /// A node.
    Node,
    /// A pod with an address of its own.
    Pod {
        /// The node that it is on.
        node: HostId,
    },
}

/// A machine or a pod.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its name: a node's, or `namespace/name` of a pod.
    pub name: Rc<str>,
    /// What it is.
    pub kind: HostKind,
    /// Its address.
    pub address: Ipv4Addr,
    /// Whether it runs.
    pub is_up: bool,
    /// The routes of a machine outside the cluster, besides its segment.
    pub routes: Vec<(Cidr, Ipv4Addr)>,
    /// The next hops of a router's routes.
    pub hops: BTreeMap<Cidr, Vec<Ipv4Addr>>,
    /// How many connections it began.
    pub(crate) begun: u64,
    pub(crate) next_port: u16,
}

#[derive(Clone, Copy, Debug)]
struct ArpEntry {
    owner: HostId,
    until: Time,
}

/// What a machine's queue does to the packets that it sends to others.
// Models net/sched/sch_netem.c
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Netem {
    /// How long each packet is held back.
    pub delay: Nanos,
    /// By how much that varies, either way.
    pub jitter: Nanos,
    /// How many of a million packets are lost.
    pub loss_per_million: u32,
}

/// All hosts and how they reach each other.
#[derive(Clone, Debug)]
pub struct Topology {
    /// The segment that all machines are on.
    pub segment: Cidr,
    /// Whether pods' packets go from node to node within packets of UDP, as with flannel's vxlan.
    pub(crate) is_overlaid: bool,
    hosts: BTreeMap<HostId, Host>,
    by_name: BTreeMap<Rc<str>, HostId>,
    by_address: BTreeMap<Ipv4Addr, HostId>,
    pod_networks: BTreeMap<Ipv4Addr, (Cidr, HostId)>,
    network_of: BTreeMap<HostId, Cidr>,
    announced: BTreeMap<Ipv4Addr, BTreeSet<HostId>>,
    arp: BTreeMap<(Ipv4Addr, HostId), ArpEntry>,
    cuts: BTreeSet<(HostId, HostId)>,
    delays: BTreeMap<(HostId, HostId), Nanos>,
    netem: BTreeMap<HostId, Netem>,
    next: u32,
}

/// Returns the hardware address of a host of some kind with some address: of a pod or a bridge, as the
/// bridge plug-in makes it.
pub fn hardware_address(kind: HostKind, address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    match kind {
        HostKind::Pod { .. } => format!("0a:58:{a:02x}:{b:02x}:{c:02x}:{d:02x}"),
        _ => format!("52:54:00:{b:02x}:{c:02x}:{d:02x}"),
    }
}

fn pair(a: HostId, b: HostId) -> (HostId, HostId) {
    (a.min(b), a.max(b))
}

impl Topology {
    pub(crate) fn new(segment: Cidr) -> Topology {
        Topology {
            segment,
            is_overlaid: false,
            hosts: BTreeMap::new(),
            by_name: BTreeMap::new(),
            by_address: BTreeMap::new(),
            pod_networks: BTreeMap::new(),
            network_of: BTreeMap::new(),
            announced: BTreeMap::new(),
            arp: BTreeMap::new(),
            cuts: BTreeSet::new(),
            delays: BTreeMap::new(),
            netem: BTreeMap::new(),
            next: 1,
        }
    }

    pub(crate) fn add(&mut self, name: &str, kind: HostKind, address: Ipv4Addr) -> HostId {
        let id = HostId(self.next);
        self.next += 1;
        let name: Rc<str> = name.into();
        self.by_name.insert(name.clone(), id);
        self.by_address.insert(address, id);
        let host = Host {
            name,
            kind,
            address,
            is_up: true,
            routes: Vec::new(),
            hops: BTreeMap::new(),
            begun: 0,
            next_port: FIRST_PORT,
        };
        self.hosts.insert(id, host);
        id
    }

    pub(crate) fn remove(&mut self, id: HostId) -> Option<Host> {
        let host = self.hosts.remove(&id)?;
        if self.by_name.get(&host.name) == Some(&id) {
            self.by_name.remove(&host.name);
        }
        if self.by_address.get(&host.address) == Some(&id) {
            self.by_address.remove(&host.address);
        }
        if host.kind == HostKind::Node {
            self.pod_networks.retain(|_, (_, node)| *node != id);
            self.network_of.remove(&id);
            for announcers in self.announced.values_mut() {
                announcers.remove(&id);
            }
            self.cuts.retain(|(a, b)| *a != id && *b != id);
            self.delays.retain(|(a, b), _| *a != id && *b != id);
            self.netem.remove(&id);
        }
        Some(host)
    }

    /// Returns a host.
    pub fn host(&self, id: HostId) -> Option<&Host> {
        self.hosts.get(&id)
    }

    pub(crate) fn host_mut(&mut self, id: HostId) -> Option<&mut Host> {
        self.hosts.get_mut(&id)
    }

    /// Returns all hosts.
    pub fn hosts(&self) -> impl Iterator<Item = (HostId, &Host)> {
        self.hosts.iter().map(|(id, host)| (*id, host))
    }

    /// Returns the host with this name: a node's, or `namespace/name` of a pod.
    pub fn by_name(&self, name: &str) -> Option<HostId> {
        self.by_name.get(name).copied()
    }

    /// Returns the host with this address.
    pub fn by_address(&self, address: Ipv4Addr) -> Option<HostId> {
        self.by_address.get(&address).copied()
    }

    /// Returns a host's name; empty for one that went.
    pub fn name(&self, id: HostId) -> &str {
        self.host(id).map_or("", |host| &host.name)
    }

    /// Returns the node that a pod is on, and the machine itself for a machine.
    pub fn machine(&self, id: HostId) -> HostId {
        match self.host(id).map(|host| host.kind) {
            Some(HostKind::Pod { node }) => node,
            _ => id,
        }
    }

    /// Returns whether a host runs; a pod does while its node does.
    pub fn is_up(&self, id: HostId) -> bool {
        let is_running = |id| self.host(id).is_some_and(|host| host.is_up);
        is_running(id) && is_running(self.machine(id))
    }

    /// Returns whether packets pass between two hosts: both run, and nothing is cut between them.
    pub fn can_reach(&self, a: HostId, b: HostId) -> bool {
        self.is_up(a) && self.is_up(b) && !self.is_cut(a, b)
    }

    /// Returns whether no link is cut at all.
    pub fn has_no_cuts(&self) -> bool {
        self.cuts.is_empty()
    }

    /// Returns whether the link between two hosts' machines is cut.
    pub fn is_cut(&self, a: HostId, b: HostId) -> bool {
        !self.cuts.is_empty() && self.cuts.contains(&pair(self.machine(a), self.machine(b)))
    }

    pub(crate) fn set_cut(&mut self, a: HostId, b: HostId, is_cut: bool) {
        let pair = pair(self.machine(a), self.machine(b));
        if is_cut {
            self.cuts.insert(pair);
        } else {
            self.cuts.remove(&pair);
        }
    }

    /// Lets packets pass between all machines.
    pub(crate) fn mend_cuts(&mut self) {
        self.cuts.clear();
    }

    /// Returns what is added to each packet's time between two machines.
    pub fn delay(&self, a: HostId, b: HostId) -> Nanos {
        if self.delays.is_empty() {
            return 0;
        }
        self.delays.get(&pair(self.machine(a), self.machine(b))).copied().unwrap_or(0)
    }

    pub(crate) fn set_delay(&mut self, a: HostId, b: HostId, delay: Nanos) {
        let pair = pair(self.machine(a), self.machine(b));
        if delay > 0 {
            self.delays.insert(pair, delay);
        } else {
            self.delays.remove(&pair);
        }
    }

    /// Returns what a machine's queue does to what it sends.
    pub fn netem(&self, machine: HostId) -> Option<Netem> {
        if self.netem.is_empty() {
            return None;
        }
        self.netem.get(&machine).copied()
    }

    pub(crate) fn set_netem(&mut self, machine: HostId, netem: Option<Netem>) {
        match netem {
            Some(netem) => self.netem.insert(machine, netem),
            None => self.netem.remove(&machine),
        };
    }

    pub(crate) fn set_pod_network(&mut self, node: HostId, network: Cidr) {
        self.pod_networks.retain(|_, (_, owner)| *owner != node);
        self.pod_networks.insert(network.address(), (network, node));
        self.network_of.insert(node, network);
    }

    /// Returns the network of a node's pods.
    pub fn pod_network(&self, node: HostId) -> Option<Cidr> {
        self.network_of.get(&node).copied()
    }

    /// Returns the node whose pods have addresses like this one.
    pub(crate) fn pod_network_of(&self, address: Ipv4Addr) -> Option<(Cidr, HostId)> {
        let (_, (network, node)) = self.pod_networks.range(..=address).next_back()?;
        network.contains(address).then_some((*network, *node))
    }

    /// Returns whether pods' packets go from node to node within packets of UDP.
    pub fn is_overlaid(&self) -> bool {
        self.is_overlaid
    }

    /// Returns the address of a node's own end of the overlay; `None` where there is no overlay.
    // Models github.com/flannel-io/flannel pkg/backend/vxlan/device.go Configure
    pub fn overlay_address(&self, node: HostId) -> Option<Ipv4Addr> {
        self.pod_network(node).filter(|_| self.is_overlaid).map(|network| network.address())
    }

    /// Lets a node answer for an address, and tells everybody by a gratuitous ARP.
    pub(crate) fn announce(&mut self, now: Time, node: HostId, address: Ipv4Addr) {
        self.announced.entry(address).or_default().insert(node);
        let known: Vec<_> =
            self.arp.range((address, HostId(0))..=(address, HostId(u32::MAX))).map(|(key, _)| *key).collect();
        for key in known {
            if self.can_reach(key.1, node) {
                self.arp.insert(key, ArpEntry { owner: node, until: now + ARP_REACHABLE });
            }
        }
    }

    pub(crate) fn withdraw(&mut self, node: HostId, address: Ipv4Addr) {
        if let Some(nodes) = self.announced.get_mut(&address) {
            nodes.remove(&node);
            if nodes.is_empty() {
                self.announced.remove(&address);
            }
        }
    }

    /// Returns the addresses that nodes answer for besides their own.
    pub fn announced(&self) -> impl Iterator<Item = (Ipv4Addr, HostId)> {
        self.announced.iter().flat_map(|(address, nodes)| nodes.iter().map(|node| (*address, *node)))
    }

    /// Returns a machine's ARP cache: address, owner, whether it is still believed.
    pub fn arp_cache(&self, now: Time, of: HostId) -> impl Iterator<Item = (Ipv4Addr, HostId, bool)> {
        self.arp
            .iter()
            .filter(move |((_, host), _)| *host == of)
            .map(move |((address, _), entry)| (*address, entry.owner, entry.until > now))
    }

    /// Finds the machine to which `from` sends what goes to an address on the segment.
    pub(crate) fn resolve(&mut self, now: Time, from: HostId, address: Ipv4Addr) -> Option<HostId> {
        if let Some(entry) = self.arp.get(&(address, from))
            && entry.until > now
        {
            return Some(entry.owner);
        }
        let owner = self.who_has(from, address);
        self.arp.remove(&(address, from));
        let owner = owner?;
        if self.arp.len() >= ARP_ENTRIES {
            self.arp.retain(|_, entry| entry.until > now);
        }
        if self.arp.len() < ARP_ENTRIES {
            self.arp.insert((address, from), ArpEntry { owner, until: now + ARP_REACHABLE });
        }
        Some(owner)
    }

    /// Returns whether a machine has to ask nobody who has an address.
    pub(crate) fn knows(&self, now: Time, from: HostId, address: Ipv4Addr) -> bool {
        self.arp.get(&(address, from)).is_some_and(|entry| entry.until > now)
    }

    /// Returns the machine that answers another one's question for an address: its owner, or who announces
    /// it.
    pub fn who_has(&self, from: HostId, address: Ipv4Addr) -> Option<HostId> {
        let is_machine =
            |id: &HostId| !matches!(self.host(*id).map(|host| host.kind), Some(HostKind::Pod { .. }));
        let own = self.by_address(address).filter(is_machine);
        let others = self.announced.get(&address).into_iter().flatten().copied();
        own.into_iter().chain(others).find(|id| *id != from && self.can_reach(from, *id))
    }
}

/// The first port that a host chooses by itself.
const FIRST_PORT: u16 = 32_768;
/// The last one.
const LAST_PORT: u16 = 60_999;

impl Host {
    /// Returns its hardware address: of a pod, as the bridge plug-in makes it.
    pub fn hardware_address(&self) -> String {
        hardware_address(self.kind, self.address)
    }

    /// Returns the next port for a connection of its own.
    pub(crate) fn take_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = if port >= LAST_PORT { FIRST_PORT } else { port + 1 };
        port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arp_follows_the_announcing_node() {
        let mut topology = Topology::new(Cidr::parse("10.64.140.0/24").unwrap());
        let client = topology.add("client", HostKind::Outside, [10, 64, 140, 2].into());
        let one = topology.add("node-1", HostKind::Node, [10, 64, 140, 11].into());
        let two = topology.add("node-2", HostKind::Node, [10, 64, 140, 12].into());
        let address = [10, 64, 140, 43].into();
        let now = Time(0);
        assert_eq!(topology.resolve(now, client, address), None);
        topology.announce(now, one, address);
        assert_eq!(topology.resolve(now, client, address), Some(one));
        // The node dies: the client goes on sending to it until it is told, or forgets.
        topology.host_mut(one).unwrap().is_up = false;
        assert_eq!(topology.resolve(now + SECOND, client, address), Some(one));
        assert_eq!(topology.resolve(now + 31 * SECOND, client, address), None);
        topology.announce(now + 2 * SECOND, two, address);
        assert_eq!(topology.resolve(now + 3 * SECOND, client, address), Some(two));
    }

    #[test]
    fn cuts_and_delays_are_between_machines() {
        let mut topology = Topology::new(Cidr::parse("10.64.140.0/24").unwrap());
        let one = topology.add("node-1", HostKind::Node, [10, 64, 140, 11].into());
        let two = topology.add("node-2", HostKind::Node, [10, 64, 140, 12].into());
        let pod = topology.add("default/a", HostKind::Pod { node: two }, [10, 244, 2, 2].into());
        topology.set_cut(two, one, true);
        assert!(!topology.can_reach(one, pod));
        topology.set_cut(one, pod, false);
        assert!(topology.can_reach(one, two));
        topology.set_delay(one, two, 5);
        assert_eq!(topology.delay(pod, one), 5);
        topology.host_mut(two).unwrap().is_up = false;
        assert!(!topology.is_up(pod));
    }
}
