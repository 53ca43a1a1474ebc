//! PodDisruptionBudgets: how many pods may be evicted just now.
// Models pkg/controller/disruption/disruption.go

mod scale;
#[cfg(test)]
mod tests;

use crate::intstr::{Round, scaled};
use crate::pod;
use api::label::Selector;
use api::resources::{
    DEPLOYMENTS, PODDISRUPTIONBUDGETS, PODS, REPLICASETS, REPLICATIONCONTROLLERS, STATEFULSETS,
};
use api::{Map, Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, Informers, Reconcile};
use sim::{MINUTE, Nanos, Time};

/// After this long a pod that was to be evicted counts as there again.
const DELETION_TIMEOUT: Nanos = 2 * MINUTE;

/// The disruption controller.
#[derive(Clone)]
pub(crate) struct Disruption {
    recorder: EventRecorder,
}

impl Default for Disruption {
    fn default() -> Self {
        Disruption { recorder: EventRecorder::new("controllermanager", "") }
    }
}

fn selects(budget: &Value, pod: &Value) -> bool {
    Selector::from_label_selector(&budget["spec"]["selector"]).matches(meta::labels(pod))
}

impl Reconcile for Disruption {
    fn identity(&self) -> Identity {
        Identity::controller("disruption-controller", "controller/disruption")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![PODDISRUPTIONBUDGETS, PODS, REPLICASETS, DEPLOYMENTS, STATEFULSETS, REPLICATIONCONTROLLERS]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == PODDISRUPTIONBUDGETS {
            return queue.add(change.key.clone());
        }
        let object = change.object();
        // What scales pods changes what is expected of them.
        let is_scale =
            change.resource != PODS && change.old["spec"]["replicas"] != change.new["spec"]["replicas"];
        for budget in informers.of(PODDISRUPTIONBUDGETS).in_namespace(meta::namespace(object)) {
            let concerns = change.resource == PODS
                && [&change.old, &change.new].iter().any(|pod| !pod.is_null() && selects(budget, pod));
            if is_scale || concerns {
                queue.add(meta::key(budget));
            }
        }
    }

    // Models pkg/controller/disruption/disruption.go trySync
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(budget) = informers.of(PODDISRUPTIONBUDGETS).get(key) else { return Ok(None) };
        if meta::is_deleting(budget) {
            return Ok(None);
        }
        let pods = informers.of(PODS).in_namespace(meta::namespace(budget));
        let pods: Vec<&Value> = pods.filter(|pod| selects(budget, pod)).collect();
        if pods.is_empty() {
            self.recorder.event(cx, budget, "Normal", "NoPods", "No matching pods found");
        }
        let now = cx.at();
        let (expected, desired, unmanaged) = expected(informers, budget, &pods);
        if unmanaged {
            let message = format!(
                "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the \
                 status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account \
                 for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.",
                Selector::from_label_selector(&budget["spec"]["selector"])
            );
            self.recorder.event(cx, budget, "Warning", "UnmanagedPods", &message);
        }
        let (disrupted, recheck) = disrupted(now, budget, &pods);
        let is_healthy = |pod: &&&Value| {
            pod::is_ready(pod) && !meta::is_deleting(pod) && !disrupted.contains(meta::name(pod))
        };
        let healthy = pods.iter().filter(is_healthy).count() as i64;
        let status = status(now, budget, disrupted.clone(), [healthy, desired, expected]);
        if status != budget["status"] {
            let mut wanted = budget.clone();
            wanted.set(&["status"], status);
            cx.update(PODDISRUPTIONBUDGETS, &wanted, "status")?;
        }
        Ok(recheck)
    }
}

/// Returns how many pods there should be, how many of them healthy, and whether some have no owner
/// that says so.
// Models pkg/controller/disruption/disruption.go getExpectedPodCount
fn expected(informers: &Informers, budget: &Value, pods: &[&Value]) -> (i64, i64, bool) {
    let spec = &budget["spec"];
    if !spec["maxUnavailable"].is_null() {
        let (expected, unmanaged) = scale::of_pods(informers, pods);
        let unavailable = scaled(&spec["maxUnavailable"], expected, Round::Up).unwrap_or(0);
        return (expected, (expected - unavailable).max(0), unmanaged);
    }
    match spec["minAvailable"].as_int() {
        Some(desired) => (pods.len() as i64, desired, false),
        None if spec["minAvailable"].is_null() => (pods.len() as i64, 0, false),
        None => {
            let (expected, unmanaged) = scale::of_pods(informers, pods);
            (expected, scaled(&spec["minAvailable"], expected, Round::Up).unwrap_or(0), unmanaged)
        }
    }
}

/// Returns the pods that were evicted and haven't gone yet, and when the first of them is given up.
// Models pkg/controller/disruption/disruption.go buildDisruptedPodMap
fn disrupted(now: Time, budget: &Value, pods: &[&Value]) -> (Map, Option<Nanos>) {
    let mut kept = Map::new();
    let mut recheck: Option<Nanos> = None;
    for (name, since) in budget["status"]["disruptedPods"].fields().iter() {
        let pod = pods.iter().find(|pod| meta::name(pod) == name);
        let left = meta::time(since).map_or(0, |since| since + DELETION_TIMEOUT - now);
        if pod.is_some_and(|pod| !meta::is_deleting(pod)) && left > 0 {
            kept.insert(name, since);
            recheck = Some(recheck.map_or(left, |known| known.min(left)));
        }
    }
    (kept, recheck)
}

// Models pkg/controller/disruption/disruption.go updatePdbStatus
fn status(now: Time, budget: &Value, disrupted: Map, [healthy, desired, expected]: [i64; 3]) -> Value {
    let allowed = if expected <= 0 { 0 } else { (healthy - desired).max(0) };
    let generation = meta::generation(budget);
    let (truth, reason) =
        if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let known = meta::condition(budget, "DisruptionAllowed");
    let known = known.filter(|known| known["status"].str() == truth);
    let since = known.map_or_else(|| now.rfc3339().into(), |known| known["lastTransitionTime"].clone());
    let mut status = tree!({
        "conditions": [{
            "type": "DisruptionAllowed", "status": truth, "reason": reason, "message": "",
            "lastTransitionTime": (since), "observedGeneration": generation,
        }],
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": allowed,
        "expectedPods": expected,
        "observedGeneration": generation,
    });
    if !disrupted.is_empty() {
        status.set(&["disruptedPods"], disrupted);
    }
    status
}
