//! Room for a more important pod: which less important ones go, and from which node.
// Models pkg/scheduler/framework/preemption, pkg/scheduler/framework/plugins/defaultpreemption

use crate::cache::Cache;
use crate::fit_error::FitError;
use crate::node_info::NodeInfo;
use crate::plugins::{Filters, Rejected};
use crate::pod_info::PodInfo;
use crate::schedule_one::Search;
use api::label::Selector;
use api::resources::PODDISRUPTIONBUDGETS;
use api::{Value, meta};
use client::Informers;
use sim::Time;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The plugin's name, where it says why it doesn't help.
const PLUGIN: &str = "DefaultPreemption";

/// A node and the pods that would have to go.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) node: Rc<str>,
    /// The most important first.
    pub(crate) victims: Vec<Rc<PodInfo>>,
    /// How many of them a PodDisruptionBudget would keep.
    violations: u32,
}

/// How many more of some pods may go.
#[derive(Clone, Debug)]
struct Budget {
    namespace: Rc<str>,
    selector: Selector,
    left: i64,
    /// Those whose going was counted already.
    disrupted: Value,
}

fn budgets(informers: &Informers) -> Vec<Budget> {
    let read = |budget: &Value| Budget {
        namespace: meta::namespace(budget).into(),
        selector: Selector::from_label_selector(&budget["spec"]["selector"]),
        left: budget["status"]["disruptionsAllowed"].int(),
        disrupted: budget["status"]["disruptedPods"].clone(),
    };
    informers.of(PODDISRUPTIONBUDGETS).iter().map(read).collect()
}

/// Returns for each pod whether its going, after those before it, goes beyond a budget.
// Models pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go filterPodsWithPDBViolation
fn violating(pods: &[Rc<PodInfo>], budgets: &[Budget]) -> Vec<bool> {
    let mut budgets = budgets.to_vec();
    let goes_beyond = |pod: &Rc<PodInfo>| {
        let mut violates = false;
        for budget in budgets.iter_mut().filter(|budget| budget.namespace == pod.namespace) {
            let is_counted = !budget.disrupted[meta::name(&pod.pod)].is_null();
            // A selector that is empty chooses nothing here, and pods without labels are nobody's.
            let is_its = !pod.labels.is_empty() && budget.selector.matches(&pod.labels);
            if is_its && !budget.selector.is_empty() && !is_counted {
                budget.left -= 1;
                violates |= budget.left < 0;
            }
        }
        violates
    };
    pods.iter().map(goes_beyond).collect()
}

/// Returns the node on which a pod's going costs least, or the message why there is none.
///
/// # Errors
/// What the event tells after `preemption: `.
pub(crate) fn preempt(
    search: &Search,
    informers: &Informers,
    info: &PodInfo,
    error: &FitError,
) -> Result<Candidate, String> {
    let (cache, budgets) = (search.cache, budgets(informers));
    if info.pod["spec"]["preemptionPolicy"].str() == "Never" {
        return Err("not eligible due to preemptionPolicy=Never.".to_string());
    }
    if is_already_preempting(cache, info) {
        return Err("not eligible due to a terminating pod on the nominated node.".to_string());
    }
    let mut rejected: BTreeMap<Rc<str>, Rejected> = BTreeMap::new();
    let mut candidates: Vec<Candidate> = Vec::new();
    // Nodes on which nobody is less important are told from the rest without trying.
    let mut trial: Option<Cache> = None;
    for name in error.resolvable() {
        let Some(node) = cache.node(name) else { continue };
        if node.pods.values().all(|placed| placed.info.priority >= info.priority) {
            let reason = "No preemption victims found for incoming pod";
            rejected.insert(name.clone(), Rejected::unresolvable(PLUGIN, reason));
            continue;
        }
        let trial = trial.get_or_insert_with(|| cache.clone());
        match select_victims(search, trial, info, node, &budgets) {
            Ok(candidate) => candidates.push(candidate),
            Err(why) => drop(rejected.insert(name.clone(), why)),
        }
    }
    let best = candidates.into_iter().min_by_key(cost);
    best.ok_or_else(|| {
        let absent = Some("Preemption is not helpful for scheduling".to_string());
        FitError { all_nodes: error.all_nodes, rejected, absent, ..FitError::default() }.message()
    })
}

/// Returns whether the pod waits for victims of its own to end.
// Models pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go PodEligibleToPreemptOthers
fn is_already_preempting(cache: &Cache, info: &PodInfo) -> bool {
    let node = cache.node(info.pod["status"]["nominatedNodeName"].str());
    let is_victim = |pod: &PodInfo| {
        let condition = meta::condition(&pod.pod, "DisruptionTarget");
        let by_scheduler = condition.is_some_and(|one| one["reason"].str() == "PreemptionByScheduler");
        pod.terminating && pod.priority < info.priority && by_scheduler
    };
    node.is_some_and(|node| node.pods.values().any(|placed| is_victim(&placed.info)))
}

/// Returns the fewest and least important pods that have to leave a node; `trial` is as it was after.
// Models pkg/scheduler/framework/plugins/defaultpreemption/default_preemption.go SelectVictimsOnNode
fn select_victims(
    search: &Search,
    trial: &mut Cache,
    info: &PodInfo,
    node: &NodeInfo,
    budgets: &[Budget],
) -> Result<Candidate, Rejected> {
    let mut less: Vec<Rc<PodInfo>> = node
        .pods
        .values()
        .filter(|placed| placed.info.priority < info.priority)
        .map(|placed| placed.info.clone())
        .collect();
    less.sort_by_key(|pod| importance(pod));
    less.iter().for_each(|pod| drop(trial.remove_pod(&pod.key)));
    let fits = |trial: &Cache| match trial.node(&node.name) {
        Some(node) => {
            let filters = Filters::new(trial, info, search.surroundings);
            search.nominated.check(&filters, info, node)
        }
        None => Ok(()),
    };
    // Those whom a budget would keep are kept first, as far as there is room.
    let violates = violating(&less, budgets);
    let of = |which: bool| less.iter().zip(&violates).filter(move |(_, violates)| **violates == which);
    let result = fits(trial).map(|()| {
        let (mut victims, mut violations) = (Vec::new(), 0);
        for (pod, violates) in of(true).chain(of(false)) {
            trial.set_pod(pod.clone(), &node.name);
            if fits(trial).is_err() {
                trial.remove_pod(&pod.key);
                victims.push(pod.clone());
                violations += u32::from(*violates);
            }
        }
        victims.sort_by_key(|pod| importance(pod));
        Candidate { node: node.name.clone(), victims, violations }
    });
    less.iter().for_each(|pod| trial.set_pod(pod.clone(), &node.name));
    result
}

/// Returns by what pods are sorted: the most important first, of equals the one that runs longest.
// Models pkg/scheduler/util/utils.go MoreImportantPod
fn importance(pod: &PodInfo) -> (Reverse<i64>, Time, Rc<str>) {
    (Reverse(pod.priority), started(pod), pod.key.clone())
}

fn started(pod: &PodInfo) -> Time {
    meta::time(&pod.pod["status"]["startTime"]).unwrap_or(Time::NEVER)
}

/// Returns by what candidates are compared: how many budgets keep whom, the highest priority that goes, the sum
/// of them, their number, and when the first of the most important ones started, the latest being best.
// Models pkg/scheduler/framework/preemption/preemption.go pickOneNodeForPreemption
fn cost(candidate: &Candidate) -> (u32, i64, i64, usize, Reverse<Time>, Rc<str>) {
    let victims = &candidate.victims;
    let highest = victims.first().map_or(i64::MIN, |pod| pod.priority);
    let sum = victims.iter().map(|pod| pod.priority + i64::from(i32::MAX) + 1).sum();
    let first = victims.iter().filter(|pod| pod.priority == highest).map(|pod| started(pod)).min();
    let first = Reverse(first.unwrap_or(Time::NEVER));
    (candidate.violations, highest, sum, victims.len(), first, candidate.node.clone())
}
