use crate::cache::Cache;
use crate::events::Events;
use crate::fit_error::{FitError, no_victims};
use crate::node_info::NodeInfo;
use crate::plugins::{self, Filters, Surroundings};
use crate::pod_info::PodInfo;
use crate::queue::{Queued, SchedulingQueue};
use crate::verdict::{NodeScores, Rejection, Verdict, Verdicts};
use crate::volumes;
use api::label::Selector;
use api::resources::{NAMESPACES, NODES, PODS, REPLICASETS, SERVICES, STATEFULSETS};
use api::{PatchType, Value, meta, tree};
use client::{Change, Component, Cx, Delivery, Failure, Identity, Informers, WatchSpec};
use sim::Time;
use std::collections::BTreeSet;
use std::rc::Rc;

const NAME: &str = "default-scheduler";
const UNSCHEDULABLE: &str = "Unschedulable";
/// With fewer nodes than this all are looked at.
const MIN_FEASIBLE_NODES: usize = 100;
const MIN_FEASIBLE_PERCENTAGE: usize = 5;
/// The longest text that an event may carry.
const MAX_NOTE: usize = 1_024;

/// kube-scheduler: takes one waiting pod after the other and binds it to the node that suits it best.
// Models pkg/scheduler
//
// Left out on purpose: extenders, several profiles, dynamic resource allocation, volumes' topology,
// gang scheduling. Binding does not hold up the next pod, as upstream's.
#[derive(Clone)]
pub struct Scheduler {
    identity: Identity,
    informers: Informers,
    cache: Cache,
    queue: SchedulingQueue,
    events: Events,
    verdicts: Verdicts,
    busy_until: Time,
    next_start: u32,
}

impl Default for Scheduler {
    fn default() -> Self {
        Scheduler::new()
    }
}

fn specs() -> Vec<WatchSpec> {
    let resources = [NODES, PODS, SERVICES, REPLICASETS, STATEFULSETS, NAMESPACES];
    let volumes = [volumes::CLAIMS, volumes::CLASSES];
    resources.into_iter().chain(volumes).map(WatchSpec::all).collect()
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
            busy_until: Time(i64::MIN),
            next_start: 0,
        }
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

    fn pod_changed(&mut self, now: Time, change: &Change) {
        let (key, pod) = (&change.key, &change.new);
        let is_over = pod.is_null() || matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed");
        let node = pod["spec"]["nodeName"].str();
        if is_over {
            self.queue.remove(key);
            if let Some(node) = self.cache.remove_pod(key) {
                self.wake_for_pod(now, Some(&node));
            }
        } else if !node.is_empty() {
            self.queue.remove(key);
            let is_new = self.cache.pod(key).is_none_or(|known| known.labels != *meta::labels(pod));
            self.cache.set_pod(Rc::new(PodInfo::new(pod)), node);
            if is_new {
                self.wake_for_pod(now, None);
            }
        } else if !pod["spec"]["schedulingGates"].is_empty() {
            self.queue.remove(key);
        } else if !self.cache.is_assumed(key) && matches!(pod["spec"]["schedulerName"].str(), NAME | "") {
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

    fn volume_changed(&mut self, now: Time) {
        let waits = |queued: &&Queued| queued.rejected_by.contains(volumes::PLUGIN);
        let woken: Vec<Rc<str>> =
            self.queue.unschedulable().filter(waits).map(|queued| queued.info.key.clone()).collect();
        woken.iter().for_each(|key| self.queue.wake(now, key));
    }

    /// Finds the node for a pod.
    // Models pkg/scheduler/schedule_one.go schedulePod
    fn schedule_pod(&mut self, cx: &Cx, queued: &Queued) -> Result<Rc<str>, Box<(FitError, Verdict)>> {
        let info = &queued.info;
        let mut verdict = Verdict {
            pod: info.key.clone(),
            at: cx.at(),
            attempt: queued.attempts,
            node: None,
            message: "".into(),
            rejections: Vec::new(),
            scores: Vec::new(),
        };
        let all_nodes = self.cache.nodes().len();
        let mut error = FitError { all_nodes, ..FitError::default() };
        if let Err(why) = volumes::check(&self.informers, &info.pod) {
            error.pre_filter = why;
            error.post_filter = "not found".into(); // of the claims that a later plugin would have noted
            return Err(Box::new((error, verdict)));
        }
        let labels_of = |namespace: &str| {
            let object = self.informers.of(NAMESPACES).get(namespace);
            object.map(meta::labels).cloned().unwrap_or_default()
        };
        let default_selector = default_selector(&self.informers, info);
        let surroundings = Surroundings { namespaces: &labels_of, default_selector };
        let found = find_nodes(&self.cache, info, &surroundings, self.next_start);
        self.next_start = found.next_start;
        verdict.rejections = found.rejected.iter().map(rejection).collect();
        if found.nodes.is_empty() {
            error.absent = found.absent;
            error.rejected = found.rejected.into_iter().collect();
            let tried = error.resolvable().count();
            error.post_filter = match info.pod["spec"]["preemptionPolicy"].str() {
                "Never" => "not eligible due to preemptionPolicy=Never.".to_string(),
                _ => no_victims(all_nodes, tried),
            };
            error.post_filter = format!("no new claims to deallocate, preemption: {}", error.post_filter);
            return Err(Box::new((error, verdict)));
        }
        let scores = match found.nodes.as_slice() {
            [_] => vec![Default::default()],
            nodes => plugins::score(&self.cache, info, nodes, &surroundings),
        };
        verdict.scores = found
            .nodes
            .iter()
            .zip(scores)
            .map(|(node, scores)| NodeScores { node: node.name.clone(), scores, total: scores.iter().sum() })
            .collect();
        let node = select_host(cx, queued, &verdict.scores);
        verdict.node = Some(node.clone());
        self.verdicts.add(verdict);
        Ok(node)
    }

    // Models pkg/scheduler/schedule_one.go ScheduleOne
    fn schedule_one(&mut self, cx: &mut Cx, queued: Queued) {
        let info = queued.info.clone();
        if meta::is_deleting(&info.pod) {
            let note = format!("skip schedule deleting pod: {}", info.key);
            let event = ["Warning", "FailedScheduling", "Scheduling"];
            return self.events.event(cx, &info.pod, event, &note);
        }
        let began = cx.at();
        cx.spend(cx.timing.schedule.draw(cx.chance, "schedule", &info.key, queued.attempts.into()));
        match self.schedule_pod(cx, &queued) {
            Ok(node) => {
                cx.note(began, "Scheduled", &info.key, &node);
                self.cache.assume(info.clone(), &node);
                if let Err(failure) = cx.in_background(|cx| self.bind(cx, &info, &node)) {
                    self.cache.remove_pod(&info.key);
                    self.binding_failed(cx, queued, &failure);
                }
            }
            Err(failed) => {
                let (error, mut verdict) = *failed;
                let message = match error.all_nodes {
                    0 => "no nodes available to schedule pods".to_string(),
                    _ => error.message(),
                };
                cx.note(began, "FailedScheduling", &info.key, &message);
                let mut by: BTreeSet<&'static str> =
                    error.rejected.values().map(|rejected| rejected.plugin).collect();
                if error.absent.is_some() {
                    by.insert(plugins::NODE_AFFINITY);
                }
                if !error.pre_filter.is_empty() {
                    by.insert(volumes::PLUGIN);
                }
                verdict.message = message.as_str().into();
                self.verdicts.add(verdict);
                self.queue.add_unschedulable(cx.at(), queued, by);
                cx.in_background(|cx| self.tell_failure(cx, &info, UNSCHEDULABLE, &message));
            }
        }
    }

    fn bind(&mut self, cx: &mut Cx, info: &PodInfo, node: &str) -> Result<(), Failure> {
        let (namespace, name) = meta::split_key(&info.key);
        let binding = tree!({
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": (meta::uid(&info.pod))},
            "target": {"kind": "Node", "name": node},
        });
        cx.post(PODS, (namespace, name), "binding", &binding)?;
        let note = format!("Successfully assigned {namespace}/{name} to {node}");
        self.events.event(cx, &info.pod, ["Normal", "Scheduled", "Binding"], &note);
        Ok(())
    }

    fn binding_failed(&mut self, cx: &mut Cx, queued: Queued, failure: &Failure) {
        let info = queued.info.clone();
        if failure.is_not_found() || failure.is_conflict() {
            // It is gone, or bound already: the watch will tell. Should it not, it is tried again.
        } else {
            let message = format!("running Bind plugin \"DefaultBinder\": {failure}");
            cx.in_background(|cx| self.tell_failure(cx, &info, "SchedulerError", &message));
        }
        self.queue.add_failed(cx.at(), queued);
    }

    /// Tells why a pod waits, in an event and in its condition.
    // Models pkg/scheduler/schedule_one.go handleSchedulingFailure
    fn tell_failure(&mut self, cx: &mut Cx, info: &PodInfo, reason: &str, message: &str) {
        let mut note = message.to_string();
        if note.len() > MAX_NOTE {
            note.truncate(note.floor_char_boundary(MAX_NOTE - 4));
            note.push_str(" ...");
        }
        self.events.event(cx, &info.pod, ["Warning", "FailedScheduling", "Scheduling"], &note);
        let known = meta::condition(&info.pod, "PodScheduled").cloned().unwrap_or_default();
        let mut condition = tree!({
            "type": "PodScheduled",
            "status": "False",
            "reason": reason,
            "message": message,
            "lastProbeTime": null,
        });
        if meta::generation(&info.pod) != 0 {
            condition.set(&["observedGeneration"], meta::generation(&info.pod));
        }
        if ["status", "reason", "message"].iter().all(|field| known[*field] == condition[*field]) {
            return;
        }
        if known["status"] != condition["status"] {
            condition.set(&["lastTransitionTime"], cx.at().rfc3339());
        }
        let patch = tree!({"status": {"conditions": [(condition)]}});
        let name = meta::split_key(&info.key);
        let _ = cx.patch(PODS, name, "status", PatchType::StrategicMerge, &patch); // the next attempt tells it again
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
            } else if change.resource == volumes::CLAIMS {
                self.volume_changed(cx.now);
            }
        }
    }

    fn next_at(&self) -> Time {
        match self.queue.next_at() {
            at if at == Time::NEVER || !self.informers.are_synced() => Time::NEVER,
            at => at.max(self.busy_until),
        }
    }

    fn step(&mut self, cx: &mut Cx) {
        if let Some(queued) = self.queue.pop(cx.now) {
            self.schedule_one(cx, queued);
            self.busy_until = cx.at();
        }
    }
}

struct Found<'a> {
    nodes: Vec<&'a NodeInfo>,
    rejected: Vec<(Rc<str>, plugins::Rejected)>,
    absent: Option<String>,
    next_start: u32,
}

/// Looks for nodes that suit the pod, beginning after those looked at for the last one, until there
/// are enough of them.
// Models pkg/scheduler/schedule_one.go findNodesThatFitPod
fn find_nodes<'a>(cache: &'a Cache, info: &PodInfo, surroundings: &Surroundings, start: u32) -> Found<'a> {
    let all = cache.nodes();
    let mut found = Found { nodes: Vec::new(), rejected: Vec::new(), absent: None, next_start: start };
    let only = info.node_affinity.only();
    if only.is_some() {
        found.absent = Some(format!("node(s) didn't satisfy plugin(s) [{}]", plugins::NODE_AFFINITY));
    }
    let filters = Filters::new(cache, info, surroundings);
    let enough = feasible_nodes_to_find(all.len());
    let offset = start as usize % all.len().max(1);
    let mut processed = 0;
    for node in all.iter().skip(offset).chain(all.iter().take(offset)) {
        if only.as_ref().is_some_and(|only| !only.contains(&node.name)) {
            continue;
        }
        processed += 1;
        match filters.check(info, node) {
            Ok(()) => found.nodes.push(node),
            Err(rejected) => found.rejected.push((node.name.clone(), rejected)),
        }
        if found.nodes.len() >= enough {
            break;
        }
    }
    found.next_start = ((offset + processed) % all.len().max(1)) as u32;
    found
}

/// Returns how many suitable nodes are enough, so that large clusters stay quick.
// Models pkg/scheduler/schedule_one.go numFeasibleNodesToFind
fn feasible_nodes_to_find(all: usize) -> usize {
    if all < MIN_FEASIBLE_NODES {
        return all.max(1);
    }
    let percentage = 50_usize.saturating_sub(all / 125).max(MIN_FEASIBLE_PERCENTAGE);
    (all * percentage / 100).max(MIN_FEASIBLE_NODES)
}

/// Chooses the node with the highest score; of several, chance does.
// Models pkg/scheduler/schedule_one.go selectHost
fn select_host(cx: &Cx, queued: &Queued, scores: &[NodeScores]) -> Rc<str> {
    let best = scores.iter().map(|node| node.total).max().unwrap_or(0);
    let count = scores.iter().filter(|node| node.total == best).count().max(1) as u64;
    let n = cx.chance.draw("select-host", &queued.info.key, queued.attempts.into()) % count;
    let mut ties = scores.iter().filter(|node| node.total == best);
    ties.nth(n as usize).map(|node| node.node.clone()).unwrap_or_default()
}

/// Returns the selector of the pods that belong together with this one: by services and by its owner.
// Models pkg/scheduler/framework/plugins/helper/spread.go DefaultSelector
fn default_selector(informers: &Informers, info: &PodInfo) -> Selector {
    let mut labels = Value::map();
    for service in informers.of(SERVICES).in_namespace(&info.namespace) {
        let wanted = service["spec"]["selector"].fields();
        if !wanted.is_empty() && wanted.iter().all(|(key, value)| info.labels[key] == *value) {
            wanted.iter().for_each(|(key, value)| labels.set(&[key], value));
        }
    }
    let mut selector = Selector::from_map(&labels);
    let owner = meta::controller(&info.pod);
    let owners = match owner.map(|owner| owner["kind"].str()) {
        Some("ReplicaSet") => REPLICASETS,
        Some("StatefulSet") => STATEFULSETS,
        _ => return selector,
    };
    let name = owner.map_or("", |owner| owner["name"].str());
    if let Some(owner) = informers.of(owners).get(&meta::object_key(&info.namespace, name)) {
        let of_owner = Selector::from_label_selector(&owner["spec"]["selector"]);
        selector.requirements.extend(of_owner.requirements);
    }
    selector
}

fn rejection((node, rejected): &(Rc<str>, plugins::Rejected)) -> Rejection {
    Rejection { node: node.clone(), plugin: rejected.plugin, reasons: rejected.reasons.clone() }
}
