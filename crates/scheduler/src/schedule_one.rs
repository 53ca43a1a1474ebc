use crate::cache::Cache;
use crate::fit_error::FitError;
use crate::node_info::NodeInfo;
use crate::nominated::Nominated;
use crate::plugins::{self, Filters, Rejected, Surroundings};
use crate::pod_info::PodInfo;
use crate::preemption::{self, Candidate};
use crate::queue::Queued;
use crate::scheduler::Scheduler;
use crate::verdict::{NodeScores, Rejection, Verdict};
use crate::volumes::{self, PodVolumes};
use api::label::Selector;
use api::resources::{NAMESPACES, REPLICASETS, SERVICES, STATEFULSETS};
use api::{Value, meta};
use client::{Cx, Informers};
use sim::Time;
use std::collections::BTreeSet;
use std::rc::Rc;

const UNSCHEDULABLE: &str = "Unschedulable";
/// With fewer nodes than this all are looked at.
const MIN_FEASIBLE_NODES: usize = 100;
const MIN_FEASIBLE_PERCENTAGE: usize = 5;

/// Why no node suits a pod, and where room can be made for it.
struct Unfit {
    error: FitError,
    verdict: Verdict,
    candidate: Option<Candidate>,
}

impl Scheduler {
    /// Finds the node for a pod.
    // Models pkg/scheduler/schedule_one.go schedulePod
    fn schedule_pod(&mut self, cx: &Cx, queued: &Queued) -> Result<Rc<str>, Box<Unfit>> {
        let info = &queued.info;
        let mut verdict = Verdict::new(&info.key, cx.at(), queued.attempts);
        let all_nodes = self.cache.nodes().len();
        let mut error = FitError { all_nodes, ..FitError::default() };
        let volumes = match PodVolumes::of(&self.informers, &info.pod) {
            Ok(mut volumes) => {
                volumes.count(&self.informers, self.cache.nodes());
                Rc::new(volumes)
            }
            Err(why) => {
                error.pre_filter = why;
                error.post_filter = "not found".into(); // of the claims that a later plugin would have noted
                return Err(Box::new(Unfit { error, verdict, candidate: None }));
            }
        };
        let labels_of = |namespace: &str| {
            let object = self.informers.of(NAMESPACES).get(namespace);
            object.map(meta::labels).cloned().unwrap_or_default()
        };
        let default_selector = default_selector(&self.informers, info);
        let surroundings = Surroundings { namespaces: &labels_of, default_selector, volumes };
        let search = Search { cache: &self.cache, nominated: &self.nominated, surroundings: &surroundings };
        let found = search.find_nodes(info, self.next_start);
        self.next_start = found.next_start;
        verdict.rejections = found.rejected.iter().map(rejection).collect();
        if found.nodes.is_empty() {
            error.absent = found.absent;
            error.rejected = found.rejected.into_iter().collect();
            let preempted = preemption::preempt(&search, &self.informers, info, &error);
            if let Err(why) = &preempted {
                error.post_filter = format!("no new claims to deallocate, preemption: {why}");
            }
            return Err(Box::new(Unfit { error, verdict, candidate: preempted.ok() }));
        }
        let scores = match found.nodes.as_slice() {
            [_] => vec![Default::default()],
            nodes => plugins::score(&self.cache, info, nodes, &surroundings, &self.profile_of(&info.pod)),
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

    /// Tries one pod.
    // Models pkg/scheduler/schedule_one.go ScheduleOne
    pub(crate) fn schedule_one(&mut self, cx: &mut Cx, queued: Queued) {
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
                match cx.in_background(|cx| self.bind_volumes(cx, &info.pod, &node)) {
                    Ok(false) => self.bind_assumed(cx, queued, &node),
                    Ok(true) => drop(self.waiting.insert(info.key.clone(), (queued, node))),
                    Err(failure) => {
                        self.cache.remove_pod(&info.key);
                        self.binding_failed(cx, queued, &failure);
                    }
                }
            }
            Err(unfit) => self.no_node(cx, began, queued, *unfit),
        }
    }

    /// Binds a pod to the node on which it is counted already.
    pub(crate) fn bind_assumed(&mut self, cx: &mut Cx, queued: Queued, node: &str) {
        let info = queued.info.clone();
        if let Err(failure) = cx.in_background(|cx| self.bind(cx, &info, node)) {
            self.cache.remove_pod(&info.key);
            self.binding_failed(cx, queued, &failure);
        }
    }

    /// Puts a pod aside that no node suits, and makes room for it where it may.
    fn no_node(&mut self, cx: &mut Cx, began: Time, queued: Queued, unfit: Unfit) {
        let Unfit { error, mut verdict, candidate } = unfit;
        let info = queued.info.clone();
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
        if let Some(candidate) = &candidate {
            self.nominated.set(candidate.node.clone(), info.clone());
            cx.in_background(|cx| self.make_room(cx, &info, candidate));
        }
        let node = candidate.map(|candidate| candidate.node);
        cx.in_background(|cx| self.tell_failure(cx, &info, UNSCHEDULABLE, &message, node.as_deref()));
    }
}

struct Found<'a> {
    nodes: Vec<&'a NodeInfo>,
    rejected: Vec<(Rc<str>, Rejected)>,
    absent: Option<String>,
    next_start: u32,
}

/// Where nodes are looked for.
pub(crate) struct Search<'a> {
    pub(crate) cache: &'a Cache,
    pub(crate) nominated: &'a Nominated,
    pub(crate) surroundings: &'a Surroundings<'a>,
}

impl<'a> Search<'a> {
    /// Looks for nodes that suit the pod, beginning after those looked at for the last one, until there
    /// are enough of them.
    // Models pkg/scheduler/schedule_one.go findNodesThatFitPod
    fn find_nodes(&self, info: &PodInfo, start: u32) -> Found<'a> {
        let all = self.cache.nodes();
        let mut found = Found { nodes: Vec::new(), rejected: Vec::new(), absent: None, next_start: start };
        let filters = Filters::new(self.cache, info, self.surroundings);
        if let Some(name) = self.nominated.node_of(&info.key)
            && let Some(node) = self.cache.node(name)
            && self.nominated.check(&filters, info, node).is_ok()
        {
            found.nodes.push(node);
            return found;
        }
        let only = info.node_affinity.only();
        if only.is_some() {
            found.absent = Some(format!("node(s) didn't satisfy plugin(s) [{}]", plugins::NODE_AFFINITY));
        }
        let enough = feasible_nodes_to_find(all.len());
        let offset = start as usize % all.len().max(1);
        let mut processed = 0;
        for node in all.iter().skip(offset).chain(all.iter().take(offset)) {
            if only.as_ref().is_some_and(|only| !only.contains(&node.name)) {
                continue;
            }
            processed += 1;
            match self.nominated.check(&filters, info, node) {
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

fn rejection((node, rejected): &(Rc<str>, Rejected)) -> Rejection {
    Rejection { node: node.clone(), plugin: rejected.plugin, reasons: rejected.reasons.clone() }
}
