use crate::cache::Cache;
use crate::events::Events;
use crate::nominated::Nominated;
use crate::plugins;
use crate::pod_info::PodInfo;
use crate::profile::{self, Profile};
use crate::queue::{Queued, SchedulingQueue};
use crate::verdict::{Verdict, Verdicts};
use crate::volumes;
use api::resources::{
    CSINODES, NAMESPACES, NODES, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODDISRUPTIONBUDGETS, PODS,
    REPLICASETS, SERVICES, STATEFULSETS, STORAGECLASSES,
};
use api::{Value, meta};
use client::{Change, Component, Cx, Delivery, Identity, Informers, WatchSpec};
use sim::Time;
use std::collections::BTreeMap;
use std::rc::Rc;

/// kube-scheduler: takes one waiting pod after the other and binds it to the node that suits it best.
// Models pkg/scheduler
//
// Left out on purpose: extenders, filters that are disabled, dynamic resource allocation, gang scheduling. Binding does not hold up the next pod, as upstream's.
#[derive(Clone)]
pub struct Scheduler {
    pub(crate) identity: Identity,
    pub(crate) informers: Informers,
    pub(crate) cache: Cache,
    pub(crate) queue: SchedulingQueue,
    pub(crate) events: Events,
    pub(crate) verdicts: Verdicts,
    pub(crate) profiles: Rc<[Profile]>,
    pub(crate) busy_until: Time,
    pub(crate) next_start: u32,
    pub(crate) nominated: Nominated,
    /// The pods that have a node and wait for their volumes.
    pub(crate) waiting: BTreeMap<Rc<str>, (Queued, Rc<str>)>,
    /// Those of them that can be bound now.
    pub(crate) bindable: Vec<Rc<str>>,
}

impl Default for Scheduler {
    fn default() -> Self {
        Scheduler::new()
    }
}

/// Returns the name of the scheduler that a pod wants.
pub(crate) fn scheduler_name(pod: &Value) -> &str {
    match pod["spec"]["schedulerName"].str() {
        "" => profile::DEFAULT,
        name => name,
    }
}

fn specs() -> Vec<WatchSpec> {
    let resources = [NODES, PODS, SERVICES, REPLICASETS, STATEFULSETS, NAMESPACES];
    let volumes = [PERSISTENTVOLUMECLAIMS, STORAGECLASSES, PERSISTENTVOLUMES, CSINODES];
    resources.into_iter().chain(volumes).chain([PODDISRUPTIONBUDGETS]).map(WatchSpec::all).collect()
}

impl Scheduler {
    /// Makes a scheduler that knows nothing yet.
    pub fn new() -> Scheduler {
        Scheduler {
            identity: Identity::new("system:kube-scheduler", &["system:authenticated"], "scheduler"),
            informers: Informers::new(&specs()),
            cache: Cache::default(),
            queue: SchedulingQueue::default(),
            events: Events::default(),
            verdicts: Verdicts::default(),
            profiles: Rc::new([Profile::default()]),
            busy_until: Time(i64::MIN),
            next_start: 0,
            nominated: Nominated::default(),
            waiting: BTreeMap::new(),
            bindable: Vec::new(),
        }
    }

    /// Makes a scheduler with these profiles, for pods that name one of them.
    pub fn with_profiles(profiles: &[Profile]) -> Scheduler {
        Scheduler { profiles: profiles.into(), ..Scheduler::new() }
    }

    /// Returns the profile that a pod names; the usual one where it names another.
    pub(crate) fn profile_of(&self, pod: &Value) -> Profile {
        let name = scheduler_name(pod);
        self.profiles.iter().find(|profile| &*profile.name == name).cloned().unwrap_or_default()
    }

    /// Returns what the scheduler thought when it last tried a pod (`namespace/name`); `None` where it
    /// didn't, or too long ago.
    pub fn verdict(&self, pod: &str) -> Option<&Rc<Verdict>> {
        self.verdicts.of(pod)
    }

    /// Returns the last verdicts, the oldest first.
    pub fn verdicts(&self) -> impl DoubleEndedIterator<Item = &Rc<Verdict>> {
        self.verdicts.iter()
    }

    /// Returns how many pods wait: (to be tried, for their back-off to end, for something to change).
    pub fn waiting(&self) -> (u32, u32, u32) {
        self.queue.lengths()
    }

    fn is_mine(&self, pod: &Value) -> bool {
        let name = scheduler_name(pod);
        self.profiles.iter().any(|profile| &*profile.name == name)
    }

    fn pod_changed(&mut self, now: Time, change: &Change) {
        let (key, pod) = (&change.key, &change.new);
        let is_over = pod.is_null() || matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed");
        let node = pod["spec"]["nodeName"].str();
        let nominated = pod["status"]["nominatedNodeName"].text();
        if is_over || !node.is_empty() {
            self.nominated.remove(key);
        } else if !nominated.is_empty() {
            self.nominated.set(nominated, Rc::new(PodInfo::new(pod)));
        }
        if is_over {
            self.waiting.remove(key);
            self.queue.remove(key);
            if let Some(node) = self.cache.remove_pod(key) {
                self.wake_for_pod(now, Some(&node));
            }
        } else if !node.is_empty() {
            self.queue.remove(key);
            let known = self.cache.pod(key);
            let is_new = known.is_none_or(|known| known.labels != *meta::labels(pod));
            let info = known.map_or_else(|| PodInfo::new(pod), |known| known.again(pod));
            self.cache.set_pod(Rc::new(info), node);
            if is_new {
                self.wake_for_pod(now, None);
            }
        } else if !pod["spec"]["schedulingGates"].is_empty() {
            self.queue.remove(key);
        } else if !self.cache.is_assumed(key) && self.is_mine(pod) {
            self.queue.set(now, Rc::new(PodInfo::new(pod)));
        }
    }

    /// Wakes pods that a pod which came or went may help; `freed` is the node that has more room now.
    fn wake_for_pod(&mut self, now: Time, freed: Option<&str>) {
        let node = freed.and_then(|name| self.cache.node(name));
        let helps = |queued: &Queued, plugin: &'static str| match plugin {
            plugins::POD_TOPOLOGY_SPREAD | plugins::INTER_POD_AFFINITY => true,
            plugins::NODE_RESOURCES_FIT | plugins::NODE_PORTS => {
                node.is_some_and(|node| plugins::may_pass(plugin, &queued.info, node))
            }
            plugins::VOLUME_RESTRICTIONS | volumes::LIMITS => freed.is_some(),
            _ => false,
        };
        let woken: Vec<Rc<str>> = self
            .queue
            .unschedulable()
            .filter(|queued| queued.rejected_by.iter().any(|plugin| helps(queued, plugin)))
            .map(|queued| queued.info.key.clone())
            .collect();
        woken.iter().for_each(|key| self.queue.wake(now, key));
    }

    fn node_changed(&mut self, now: Time, change: &Change) {
        if change.new.is_null() {
            return self.cache.remove_node(meta::name(&change.old));
        }
        self.cache.set_node(&change.new);
        let (old, new) = (&change.old, &change.new);
        let is_same = old["spec"] == new["spec"]
            && meta::labels(old) == meta::labels(new)
            && old["status"]["allocatable"] == new["status"]["allocatable"];
        let node = self.cache.node(meta::name(new));
        let Some(node) = node.filter(|_| old.is_null() || !is_same) else { return };
        let helps = |queued: &&Queued| {
            queued.rejected_by.is_empty()
                || queued.rejected_by.iter().any(|plugin| plugins::may_pass(plugin, &queued.info, node))
        };
        let woken: Vec<Rc<str>> =
            self.queue.unschedulable().filter(helps).map(|queued| queued.info.key.clone()).collect();
        woken.iter().for_each(|key| self.queue.wake(now, key));
    }

    fn wake_for_limits(&mut self, now: Time) {
        let waits = |queued: &&Queued| queued.rejected_by.contains(volumes::LIMITS);
        let woken: Vec<Rc<str>> =
            self.queue.unschedulable().filter(waits).map(|queued| queued.info.key.clone()).collect();
        woken.iter().for_each(|key| self.queue.wake(now, key));
    }

    fn volume_changed(&mut self, now: Time) {
        let waits = |queued: &&Queued| queued.rejected_by.contains(volumes::PLUGIN);
        let woken: Vec<Rc<str>> =
            self.queue.unschedulable().filter(waits).map(|queued| queued.info.key.clone()).collect();
        woken.iter().for_each(|key| self.queue.wake(now, key));
        self.look_at_waiting(now);
    }
}

impl Component for Scheduler {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        specs()
    }

    fn deliver(&mut self, cx: &mut Cx, watch: u32, delivery: Delivery) {
        for change in self.informers.deliver(watch, delivery) {
            if change.resource == PODS {
                self.pod_changed(cx.now, &change);
            } else if change.resource == NODES {
                self.node_changed(cx.now, &change);
            } else if change.resource == CSINODES {
                self.wake_for_limits(cx.now);
            } else if [PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, STORAGECLASSES].contains(&change.resource) {
                self.volume_changed(cx.now);
            }
        }
    }

    fn next_at(&self) -> Time {
        if !self.bindable.is_empty() {
            return self.busy_until;
        }
        match self.queue.next_at() {
            at if at == Time::NEVER || !self.informers.are_synced() => Time::NEVER,
            at => at.max(self.busy_until),
        }
    }

    fn step(&mut self, cx: &mut Cx) {
        if let Some(key) = self.bindable.pop() {
            if let Some((queued, node)) = self.waiting.remove(&key) {
                self.bind_assumed(cx, queued, &node);
            }
            return;
        }
        if let Some(queued) = self.queue.pop(cx.now) {
            self.schedule_one(cx, queued);
            self.busy_until = cx.at();
        }
    }
}
