//! The cloud's side: a load balancer that passes packets on as they are, and asks nodes whether they are well.

use api::{Value, meta};
use sim::{Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;

/// The addresses that the cloud has to give.
pub const CLOUD: &str = "203.0.113.0/24";
/// The first and the last one that are given.
const ADDRESSES: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(203, 0, 113, 10), Ipv4Addr::new(203, 0, 113, 250));
/// The port on which kube-proxy says how it is.
const PROXY_HEALTH: u16 = 10_256;
/// How often a node is asked, and how long its answer is waited for.
// Models k8s.io/cloud-provider-gcp providers/gce/gce_healthchecks.go gceHcCheckIntervalSeconds
const INTERVAL: Nanos = 8 * SECOND;
const PATIENCE: Nanos = SECOND;
/// After how many bad answers a node gets nothing any more.
const UNHEALTHY: u32 = 3;

/// A load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Balancer {
    pub(crate) address: Ipv4Addr,
    /// The nodes that it may use, with their addresses.
    pub(crate) nodes: BTreeMap<Rc<str>, Ipv4Addr>,
    /// The port on which they say whether they take anything.
    pub(crate) health_port: u16,
}

/// A question to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// By what number the outcome is told.
    pub id: u64,
    /// The node.
    pub to: Ipv4Addr,
    /// The port.
    pub port: u16,
    /// After how long it counts as bad.
    pub patience: Nanos,
}

/// What is known of a node's port.
#[derive(Clone, Debug)]
struct Health {
    is_good: bool,
    failures: u32,
    due: Time,
}

/// All load balancers, by Service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Balancers {
    by_service: BTreeMap<Rc<str>, Balancer>,
    health: BTreeMap<(Ipv4Addr, u16), Health>,
    asked: BTreeMap<u64, (Ipv4Addr, u16)>,
    next: u64,
    checks: Vec<Check>,
    /// What the machine was told last.
    told: BTreeMap<Ipv4Addr, Vec<Ipv4Addr>>,
}

/// Returns the port on which nodes say whether they take a Service's packets.
pub(crate) fn health_port(service: &Value) -> u16 {
    let spec = &service["spec"];
    let own = u16::try_from(spec["healthCheckNodePort"].int()).unwrap_or(0);
    if spec["externalTrafficPolicy"].str() == "Local" && own > 0 { own } else { PROXY_HEALTH }
}

impl Balancers {
    pub(crate) fn get(&self, service: &str) -> Option<&Balancer> {
        self.by_service.get(service)
    }

    /// Makes a Service's load balancer, or changes it.
    ///
    /// # Errors
    /// The address that is asked for isn't to be had, or none is left.
    pub(crate) fn ensure(
        &mut self,
        now: Time,
        service: &Value,
        nodes: BTreeMap<Rc<str>, Ipv4Addr>,
    ) -> Result<Ipv4Addr, String> {
        let key = meta::key(service);
        let taken: BTreeSet<Ipv4Addr> =
            self.by_service.iter().filter(|(other, _)| **other != key).map(|(_, one)| one.address).collect();
        let is_free =
            |address: &Ipv4Addr| (ADDRESSES.0..=ADDRESSES.1).contains(address) && !taken.contains(address);
        let wanted = service["spec"]["loadBalancerIP"].str();
        let address = if wanted.is_empty() {
            let own = self.by_service.get(&key).map(|one| one.address);
            let all = (u32::from(ADDRESSES.0)..=u32::from(ADDRESSES.1)).map(Ipv4Addr::from);
            own.or_else(|| all.into_iter().find(is_free)).ok_or("quota 'IN_USE_ADDRESSES' exceeded")?
        } else {
            let asked = wanted.parse().ok().filter(is_free);
            let refused = || format!("requested ip {wanted:?} is neither static nor assigned to the LB");
            asked.ok_or_else(refused)?
        };
        let balancer = Balancer { address, nodes, health_port: health_port(service) };
        self.by_service.insert(key, balancer);
        self.look(now);
        Ok(address)
    }

    /// Changes the nodes of a Service's load balancer. Returns whether they are others.
    pub(crate) fn use_nodes(&mut self, now: Time, service: &str, nodes: BTreeMap<Rc<str>, Ipv4Addr>) -> bool {
        let Some(balancer) = self.by_service.get_mut(service) else { return false };
        let is_other = balancer.nodes != nodes;
        balancer.nodes = nodes;
        self.look(now);
        is_other
    }

    pub(crate) fn remove(&mut self, now: Time, service: &str) {
        self.by_service.remove(service);
        self.look(now);
    }

    /// Finds out which ports of nodes are to be asked.
    fn look(&mut self, now: Time) {
        let mut wanted = BTreeSet::new();
        for one in self.by_service.values() {
            wanted.extend(one.nodes.values().map(|node| (*node, one.health_port)));
        }
        self.health.retain(|place, _| wanted.contains(place));
        for place in wanted {
            self.health.entry(place).or_insert(Health { is_good: false, failures: 0, due: now });
        }
    }

    pub(crate) fn next_at(&self) -> Time {
        self.health.values().map(|one| one.due).min().unwrap_or(Time::NEVER)
    }

    /// Asks those whose turn it is.
    pub(crate) fn tick(&mut self, now: Time) {
        for (place, health) in self.health.iter_mut().filter(|(_, health)| health.due <= now) {
            health.due = now + INTERVAL;
            self.next += 1;
            self.asked.insert(self.next, *place);
            let (to, port) = *place;
            self.checks.push(Check { id: self.next, to, port, patience: PATIENCE });
        }
    }

    pub(crate) fn take_checks(&mut self) -> Vec<Check> {
        std::mem::take(&mut self.checks)
    }

    pub(crate) fn checked(&mut self, id: u64, is_good: bool) {
        let Some(health) = self.asked.remove(&id).and_then(|place| self.health.get_mut(&place)) else {
            return;
        };
        health.failures = if is_good { 0 } else { health.failures + 1 };
        if is_good {
            health.is_good = true;
        } else if health.failures >= UNHEALTHY {
            health.is_good = false;
        }
    }

    /// Takes the addresses whose nodes have changed, with the nodes that get packets; none for an address
    /// that is gone.
    pub(crate) fn take_hops(&mut self) -> Vec<(Ipv4Addr, Vec<Ipv4Addr>)> {
        let mut wanted: BTreeMap<Ipv4Addr, Vec<Ipv4Addr>> = BTreeMap::new();
        for one in self.by_service.values() {
            let is_good = |node: &&Ipv4Addr| {
                self.health.get(&(**node, one.health_port)).is_some_and(|health| health.is_good)
            };
            wanted.insert(one.address, one.nodes.values().filter(is_good).copied().collect());
        }
        let gone = self.told.keys().filter(|address| !wanted.contains_key(address));
        let mut changed: Vec<_> = gone.map(|address| (*address, Vec::new())).collect();
        for (address, nodes) in &wanted {
            if self.told.get(address) != Some(nodes) {
                changed.push((*address, nodes.clone()));
            }
        }
        self.told = wanted;
        changed
    }
}
