//! Room for a more important pod: which less important ones go, and from which node.
// Models pkg/scheduler/framework/preemption, pkg/scheduler/framework/plugins/defaultpreemption
//
// Left out on purpose: PodDisruptionBudgets.

use crate::cache::Cache;
use crate::fit_error::FitError;
use crate::node_info::NodeInfo;
use crate::plugins::{Filters, Rejected};
use crate::pod_info::PodInfo;
use crate::schedule_one::Search;
use api::meta;
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
}

/// Returns the node on which a pod's going costs least, or the message why there is none.
///
/// # Errors
/// What the event tells after `preemption: `.
pub(crate) fn preempt(search: &Search, info: &PodInfo, error: &FitError) -> Result<Candidate, String> {
    let cache = search.cache;
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
        match select_victims(search, trial, info, node) {
            Ok(victims) => candidates.push(Candidate { node: name.clone(), victims }),
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
) -> Result<Vec<Rc<PodInfo>>, Rejected> {
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
    let result = fits(trial).map(|()| {
        let mut victims = Vec::new();
        for pod in &less {
            trial.set_pod(pod.clone(), &node.name);
            if fits(trial).is_err() {
                trial.remove_pod(&pod.key);
                victims.push(pod.clone());
            }
        }
        victims
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

/// Returns by what candidates are compared: the highest priority that goes, the sum of them, their
/// number, and when the first of the most important ones started, the latest being best.
// Models pkg/scheduler/framework/preemption/preemption.go pickOneNodeForPreemption
fn cost(candidate: &Candidate) -> (i64, i64, usize, Reverse<Time>, Rc<str>) {
    let victims = &candidate.victims;
    let highest = victims.first().map_or(i64::MIN, |pod| pod.priority);
    let sum = victims.iter().map(|pod| pod.priority + i64::from(i32::MAX) + 1).sum();
    let first = victims.iter().filter(|pod| pod.priority == highest).map(|pod| started(pod)).min();
    (highest, sum, victims.len(), Reverse(first.unwrap_or(Time::NEVER)), candidate.node.clone())
}
