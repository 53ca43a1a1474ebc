//! The cluster's parts: who is there, who is told what, and who is due.

use crate::bootstrap::Bootstrap;
use crate::control_plane::{ControlPlane, Door, Unit};
use crate::wires::Wires;
use crate::world::{Owner, World};
use apiextensions::ApiExtensions;
use client::{Component, Cx, Delivery, Identity, WatchSpec};
use controller_manager::ControllerManager;
use kube_aggregator::KubeAggregator;
use kube_proxy::KubeProxy;
use kubelet::Kubelet;
use network_policy::NetworkPolicyController;
use scheduler::Scheduler;
use sim::Time;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The control plane's parts.
pub(crate) const MANAGER: u32 = 0;
/// The scheduler.
pub(crate) const SCHEDULER: u32 = 1;
/// The API server's part that looks after CustomResourceDefinitions.
pub(crate) const EXTENSIONS: u32 = crate::addons::FIRST - 1;
/// The API server's part that looks after APIServices.
pub(crate) const AGGREGATOR: u32 = crate::addons::FIRST - 2;
/// What elects leaders, where there are several control planes.
pub(crate) const PLANE: u32 = crate::addons::FIRST - 3;
/// Nodes have three parts each, from this number on: the kubelet, kube-proxy, and what enforces policies.
const FIRST_NODE: u32 = 2;

/// A machine's parts.
#[derive(Clone)]
pub(crate) struct NodeParts {
    pub name: Rc<str>,
    pub on: bool,
    /// Whether it is a node: a machine that has not joined, or was reset, runs nothing of Kubernetes.
    pub joined: bool,
    /// Its kubelet while that waits for the certificate with which it joins.
    pub bootstrap: Option<Bootstrap>,
    pub kubelet: Kubelet,
    pub proxy: KubeProxy,
    /// What enforces NetworkPolicies, and how many of its watches are connected; none where nothing does.
    pub policy: Option<(NetworkPolicyController, usize)>,
}

/// All parts.
#[derive(Clone)]
pub(crate) struct Parts {
    pub manager: ControllerManager,
    /// How many watches are connected of the parts that begin to watch more.
    pub watched: BTreeMap<u32, usize>,
    pub scheduler: Scheduler,
    /// The parts that were stopped alone, or that have no machine to run on.
    pub stopped: std::collections::BTreeSet<u32>,
    /// Which processes of the control plane run where.
    pub plane: ControlPlane,
    pub extensions: ApiExtensions,
    pub aggregator: KubeAggregator,
    pub nodes: Vec<NodeParts>,
    pub by_name: BTreeMap<Rc<str>, u32>,
    pub addons: crate::addons::Addons,
}

impl Parts {
    /// Returns the number of a node's kubelet.
    pub(crate) fn kubelet_id(node: u32) -> u32 {
        FIRST_NODE + 3 * node
    }

    /// Returns the number of a node's kube-proxy.
    pub(crate) fn proxy_id(node: u32) -> u32 {
        FIRST_NODE + 3 * node + 1
    }

    /// Returns the number of what enforces policies on a node.
    pub(crate) fn policy_id(node: u32) -> u32 {
        FIRST_NODE + 3 * node + 2
    }

    /// Returns the node with this name.
    pub(crate) fn node(&self, name: &str) -> Option<&NodeParts> {
        self.nodes.get(*self.by_name.get(name)? as usize)
    }

    /// Returns the node with this name, to be changed, and its number.
    pub(crate) fn node_mut(&mut self, name: &str) -> Option<(u32, &mut NodeParts)> {
        let i = *self.by_name.get(name)?;
        Some((i, self.nodes.get_mut(i as usize)?))
    }

    /// Returns the kubelet with this part's number; `None` where the part is none.
    pub(crate) fn kubelet_mut(&mut self, part: u32) -> Option<&mut Kubelet> {
        if !(FIRST_NODE..AGGREGATOR).contains(&part) {
            return None;
        }
        let (i, agent) = Parts::node_of(part);
        self.nodes.get_mut(i).filter(|_| agent == Agent::Kubelet).map(|node| &mut node.kubelet)
    }

    fn node_of(part: u32) -> (usize, Agent) {
        let n = part - FIRST_NODE;
        let agent = match n % 3 {
            0 => Agent::Kubelet,
            1 => Agent::Proxy,
            _ => Agent::Policy,
        };
        ((n / 3) as usize, agent)
    }

    /// Returns under which name a part asks, and what it watches.
    pub(crate) fn describe(&self, part: u32) -> Option<(Identity, Vec<WatchSpec>)> {
        Some(match part {
            MANAGER => (self.manager.identity().clone(), self.manager.watches()),
            SCHEDULER => (self.scheduler.identity().clone(), self.scheduler.watches()),
            EXTENSIONS => (self.extensions.identity().clone(), self.extensions.watches()),
            AGGREGATOR => (self.aggregator.identity().clone(), self.aggregator.watches()),
            part if part >= crate::addons::FIRST => self.addons.describe(part)?,
            part => {
                let (i, agent) = Parts::node_of(part);
                let node = self.nodes.get(i)?;
                match agent {
                    Agent::Kubelet => (node.kubelet.identity().clone(), node.kubelet.watches()),
                    Agent::Proxy => (node.proxy.identity().clone(), node.proxy.watches()),
                    Agent::Policy => {
                        let (policy, _) = node.policy.as_ref()?;
                        (policy.identity().clone(), policy.watches())
                    }
                }
            }
        })
    }

    /// Returns whether a part runs.
    pub(crate) fn is_on(&self, part: u32) -> bool {
        match part {
            MANAGER | SCHEDULER => !self.stopped.contains(&part),
            EXTENSIONS | AGGREGATOR => self.runs(Unit::ApiServer),
            part if part >= crate::addons::FIRST => self.addons.describe(part).is_some(),
            part => {
                let (i, agent) = Parts::node_of(part);
                let has = |node: &NodeParts| agent != Agent::Policy || node.policy.is_some();
                !self.stopped.contains(&part) && self.nodes.get(i).is_some_and(|node| node.on && has(node))
            }
        }
    }

    /// Returns when a part is due.
    pub(crate) fn next_at(&self, part: u32) -> Time {
        if part == PLANE {
            return self.plane.next_at();
        }
        if let Some(number) = self.bootstrapping(part) {
            let node = self.nodes.get(number as usize).filter(|node| node.on);
            return node.and_then(|node| node.bootstrap.as_ref()).map_or(Time::NEVER, |one| one.at);
        }
        if !self.is_on(part) {
            return Time::NEVER;
        }
        match part {
            MANAGER => self.manager.next_at(),
            SCHEDULER => self.scheduler.next_at(),
            EXTENSIONS => self.extensions.next_at(),
            AGGREGATOR => self.aggregator.next_at(),
            part if part >= crate::addons::FIRST => self.addons.next_at(part),
            part => {
                let (i, agent) = Parts::node_of(part);
                self.nodes.get(i).map_or(Time::NEVER, |node| match agent {
                    Agent::Kubelet => node.kubelet.next_at(),
                    Agent::Proxy => node.proxy.next_at(),
                    Agent::Policy => node.policy.as_ref().map_or(Time::NEVER, |(policy, _)| policy.next_at()),
                })
            }
        }
    }

    /// Returns whose kubelet a part is, if that waits for its certificate.
    pub(crate) fn bootstrapping(&self, part: u32) -> Option<u32> {
        if !(FIRST_NODE..PLANE).contains(&part) {
            return None;
        }
        let (i, agent) = Parts::node_of(part);
        let waits = agent == Agent::Kubelet && self.nodes.get(i)?.bootstrap.is_some();
        waits.then_some(i as u32)
    }

    /// Hands a part what a watch brought.
    pub(crate) fn deliver(
        &mut self,
        world: &mut World,
        wires: &mut Wires,
        part: u32,
        watch: u32,
        delivery: Delivery,
    ) {
        self.with(world, wires, part, |target, cx, _| match target {
            Target::Component(component) => component.deliver(cx, watch, delivery),
            Target::Kubelet(kubelet) => kubelet.deliver(cx, watch, delivery),
            Target::Proxy(proxy) => proxy.deliver(cx, watch, delivery),
            Target::Policy(policy) => policy.deliver(cx, watch, delivery),
            Target::Addon(addon) => addon.deliver(cx, watch, delivery),
        });
    }

    /// Lets a part do one thing that is due.
    pub(crate) fn step(&mut self, world: &mut World, wires: &mut Wires, part: u32) {
        self.with(world, wires, part, |target, cx, wires| match target {
            Target::Component(component) => component.step(cx),
            Target::Kubelet(kubelet) => kubelet.step(cx, wires),
            Target::Proxy(proxy) => {
                proxy.step(cx);
                proxy.apply(cx.now, &mut wires.network);
            }
            Target::Policy(policy) => {
                policy.step(cx);
                policy.apply(cx.now, &mut wires.network);
            }
            Target::Addon(addon) => addon.step(cx, wires),
        });
    }

    /// Calls a part with the context of a step.
    pub(crate) fn with(
        &mut self,
        world: &mut World,
        wires: &mut Wires,
        part: u32,
        act: impl FnOnce(Target, &mut Cx, &mut Wires),
    ) {
        let Some((identity, _)) = self.describe_identity(part) else { return };
        let timing = world.timing.clone();
        let (now, chance) = (world.now, world.chance);
        world.acting = Some(part);
        world.is_cut_off = !wires.network.topology().has_no_cuts() && self.is_cut_off(wires, part);
        let mut cx = Cx::new(now, chance, &timing, world, identity);
        match part {
            MANAGER => act(Target::Component(&mut self.manager), &mut cx, wires),
            SCHEDULER => act(Target::Component(&mut self.scheduler), &mut cx, wires),
            EXTENSIONS => act(Target::Component(&mut self.extensions), &mut cx, wires),
            AGGREGATOR => act(Target::Component(&mut self.aggregator), &mut cx, wires),
            part if part >= crate::addons::FIRST => {
                if let Some(addon) = self.addons.get_mut(part) {
                    act(Target::Addon(addon), &mut cx, wires);
                }
            }
            part => {
                let (i, agent) = Parts::node_of(part);
                match (self.nodes.get_mut(i), agent) {
                    (Some(node), Agent::Kubelet) => act(Target::Kubelet(&mut node.kubelet), &mut cx, wires),
                    (Some(node), Agent::Proxy) => act(Target::Proxy(&mut node.proxy), &mut cx, wires),
                    (Some(NodeParts { policy: Some((policy, _)), .. }), Agent::Policy) => {
                        act(Target::Policy(policy), &mut cx, wires);
                    }
                    _ => {}
                }
            }
        }
        world.acting = None;
        world.is_cut_off = false;
    }

    /// Returns whether a link is cut between a part's machine and the API server's.
    pub(crate) fn is_cut_off(&self, wires: &Wires, part: u32) -> bool {
        let host = match part {
            MANAGER | SCHEDULER | EXTENSIONS | AGGREGATOR => None,
            part if part >= crate::addons::FIRST => {
                self.addons.pod_of(part).and_then(|uid| wires.pods.get(&uid)).map(|pod| pod.host)
            }
            part => {
                let node = self.nodes.get(Parts::node_of(part).0);
                node.and_then(|node| wires.nodes.get(&node.name)).copied()
            }
        };
        host.is_some_and(|host| !wires.reaches_apiserver(host))
    }

    /// Returns the numbers of all parts.
    pub(crate) fn all(&self) -> Vec<u32> {
        let own = [MANAGER, SCHEDULER, EXTENSIONS, AGGREGATOR];
        own.into_iter().chain(self.on_machines()).collect()
    }

    /// Returns the numbers of all parts that aren't of the control plane.
    pub(crate) fn on_machines(&self) -> Vec<u32> {
        let agents = |node| [Parts::kubelet_id(node), Parts::proxy_id(node), Parts::policy_id(node)];
        (0..self.nodes.len() as u32).flat_map(agents).chain(self.addons.numbers()).collect()
    }

    fn describe_identity(&self, part: u32) -> Option<(Identity, ())> {
        let identity = match part {
            MANAGER => self.manager.identity(),
            SCHEDULER => self.scheduler.identity(),
            EXTENSIONS => self.extensions.identity(),
            AGGREGATOR => self.aggregator.identity(),
            part if part >= crate::addons::FIRST => self.addons.identity(part)?,
            part => {
                let (i, agent) = Parts::node_of(part);
                let node = self.nodes.get(i)?;
                match agent {
                    Agent::Kubelet => node.kubelet.identity(),
                    Agent::Proxy => node.proxy.identity(),
                    Agent::Policy => node.policy.as_ref()?.0.identity(),
                }
            }
        };
        Some((identity.clone(), ()))
    }

    /// Lists and watches what a part watches, from now on.
    pub(crate) fn connect(&mut self, world: &mut World, wires: &mut Wires, part: u32) {
        self.connect_from(world, wires, part, 0);
    }

    /// Lists and watches what a part has begun to watch since it was connected.
    pub(crate) fn connect_new(&mut self, world: &mut World, wires: &mut Wires, part: u32) {
        let count = match part {
            MANAGER => self.manager.watch_count(),
            AGGREGATOR => self.aggregator.watches().len(),
            _ => 0,
        };
        let known = self.watched.get(&part).copied().unwrap_or(0);
        if count > known {
            self.connect_from(world, wires, part, known);
        }
        if let Some((policy, watched)) = self.policy_mut(part)
            && policy.watch_count() > *watched
        {
            let from = *watched;
            self.connect_from(world, wires, part, from);
        }
    }

    fn policy_mut(&mut self, part: u32) -> Option<&mut (NetworkPolicyController, usize)> {
        if !(FIRST_NODE..crate::addons::FIRST).contains(&part) {
            return None;
        }
        let (i, agent) = Parts::node_of(part);
        self.nodes.get_mut(i).filter(|_| agent == Agent::Policy)?.policy.as_mut()
    }

    fn connect_from(&mut self, world: &mut World, wires: &mut Wires, part: u32, from: usize) {
        let count = self.describe(part).map_or(0, |(_, watches)| watches.len());
        if matches!(part, MANAGER | AGGREGATOR) {
            self.watched.insert(part, count);
        }
        if let Some((_, watched)) = self.policy_mut(part) {
            *watched = count;
        }
        for number in from..count {
            self.connect_watch(world, wires, part, number as u32);
        }
    }

    /// Lists and watches anew what one of a part's watches is about.
    pub(crate) fn connect_watch(&mut self, world: &mut World, wires: &mut Wires, part: u32, number: u32) {
        let Some((identity, watches)) = self.describe(part) else { return };
        let Some(watch) = watches.get(number as usize) else { return };
        if !wires.network.topology().has_no_cuts() && self.is_cut_off(wires, part) {
            return; // It is connected when the link is mended.
        }
        if world.door != Door::Open {
            return; // It is connected when somebody listens again.
        }
        // Of a kind that isn't served there is nothing, and nothing will come.
        let (items, _) = world.list_and_watch(&identity, watch, Owner::Part(part, number));
        self.deliver(world, wires, part, number, Delivery::Listed(items));
    }
}

/// What a part of a machine is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Agent {
    Kubelet,
    Proxy,
    Policy,
}

/// A part to be called.
pub(crate) enum Target<'a> {
    /// A control-plane component.
    Component(&'a mut dyn Component),
    /// A kubelet.
    Kubelet(&'a mut Kubelet),
    /// A kube-proxy.
    Proxy(&'a mut KubeProxy),
    /// What enforces policies on a node.
    Policy(&'a mut NetworkPolicyController),
    /// A program in a pod that uses the API.
    Addon(&'a mut crate::addons::Addon),
}
