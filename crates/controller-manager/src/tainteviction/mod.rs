//! Pods on nodes with NoExecute taints: those that don't tolerate them go, the others when their time
//! is over.
// Models pkg/controller/tainteviction

use api::placement::tolerates;
use api::resources::{NODES, PODS};
use api::{PatchType, Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, IndexBy, Informers, Reconcile};
use sim::{Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The taint-eviction controller.
#[derive(Clone)]
pub(crate) struct TaintEviction {
    recorder: EventRecorder,
    /// By pod: since when its time runs, and when it is over.
    scheduled: BTreeMap<Rc<str>, (Time, Time)>,
}

impl Default for TaintEviction {
    fn default() -> Self {
        TaintEviction {
            recorder: EventRecorder::new("taint-eviction-controller", ""),
            scheduled: BTreeMap::new(),
        }
    }
}

impl Reconcile for TaintEviction {
    fn identity(&self) -> Identity {
        Identity::controller("node-controller", "controller/taint-eviction")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![NODES, PODS]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(PODS, IndexBy::NodeName)]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == NODES {
            if no_execute(&change.old) != no_execute(&change.new) {
                let pods = informers.of(PODS).by_index(IndexBy::NodeName, meta::name(change.object()));
                pods.for_each(|pod| queue.add(meta::key(pod)));
            }
        } else if change.resource == PODS {
            let differs = |field: &str| change.old["spec"][field] != change.new["spec"][field];
            let node = informers.of(NODES).get(change.new["spec"]["nodeName"].str());
            let concerns = self.scheduled.contains_key(&change.key)
                || node.is_some_and(|node| !no_execute(node).is_empty());
            if concerns && (differs("nodeName") || differs("tolerations")) {
                queue.add(change.key.clone());
            }
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(pod) = informers.of(PODS).get(key).filter(|pod| !meta::is_deleting(pod)) else {
            self.scheduled.remove(key);
            return Ok(None);
        };
        let node = informers.of(NODES).get(pod["spec"]["nodeName"].str());
        let taints = node.map(no_execute).unwrap_or_default();
        let now = cx.at();
        let wanted = match patience(pod, &taints) {
            Patience::Endless => {
                if self.scheduled.remove(key).is_some() {
                    let message = format!("Cancelling deletion of Pod {key}");
                    self.recorder.event(cx, pod, "Normal", "TaintManagerEviction", &message);
                }
                return Ok(None);
            }
            Patience::None => now,
            Patience::Lasts(span) => {
                let (since, until) = self.scheduled.get(key).copied().unwrap_or((now, now + span));
                // An earlier end stays; a later one than was is counted from the beginning.
                if since + span < now + span { until.min(since + span) } else { now + span }
            }
        };
        if wanted > now {
            let since = self.scheduled.get(key).map_or(now, |(since, _)| *since);
            self.scheduled.insert(key.into(), (since, wanted));
            return Ok(Some(wanted - now));
        }
        self.evict(cx, pod)?;
        self.scheduled.remove(key);
        Ok(None)
    }
}

impl TaintEviction {
    // Models pkg/controller/tainteviction/taint_eviction.go deletePodHandler
    fn evict(&mut self, cx: &mut Cx, pod: &Value) -> Result<(), Failure> {
        let key = meta::key(pod);
        let message = format!("Marking for deletion Pod {key}");
        self.recorder.event(cx, pod, "Normal", "TaintManagerEviction", &message);
        let why = ("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint");
        delete_with_condition(cx, pod, why, Value::Null)
    }
}

/// Says in a pod's condition why it is deleted, and deletes it. That it is gone already is well.
pub(crate) fn delete_with_condition(
    cx: &mut Cx,
    pod: &Value,
    (reason, message): (&str, &str),
    options: Value,
) -> Result<(), Failure> {
    let name = (meta::namespace(pod), meta::name(pod));
    let condition = tree!({
        "type": "DisruptionTarget",
        "status": "True",
        "reason": reason,
        "message": message,
        "lastTransitionTime": (cx.at().rfc3339()),
    });
    let patch = tree!({"status": {"conditions": [(condition)]}});
    let result = cx
        .patch(PODS, name, "status", PatchType::StrategicMerge, &patch)
        .and_then(|_| cx.delete(PODS, name.0, name.1, options));
    match result {
        Err(failure) if !failure.is_not_found() => Err(failure),
        _ => Ok(()),
    }
}

fn no_execute(node: &Value) -> Vec<Value> {
    let taints = node["spec"]["taints"].items().iter();
    taints.filter(|taint| taint["effect"].str() == "NoExecute").cloned().collect()
}

/// For how long a pod bears a node's taints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    None,
    Lasts(Nanos),
    Endless,
}

// Models pkg/controller/tainteviction/taint_eviction.go processPodOnNode, getMinTolerationTime
fn patience(pod: &Value, taints: &[Value]) -> Patience {
    let tolerations = pod["spec"]["tolerations"].items();
    let mut used: Vec<&Value> = Vec::new();
    for taint in taints {
        match tolerations.iter().find(|toleration| tolerates(toleration, taint)) {
            Some(toleration) => used.push(toleration),
            None => return Patience::None,
        }
    }
    let seconds = used.iter().filter_map(|toleration| toleration["tolerationSeconds"].as_int());
    match seconds.min() {
        None => Patience::Endless,
        Some(seconds) if seconds <= 0 => Patience::None,
        Some(seconds) => Patience::Lasts(seconds.saturating_mul(SECOND)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_how_long_a_pod_stays() {
        let taint = |key: &str| tree!({"key": key, "effect": "NoExecute"});
        let bears = |key: &str, seconds: Value| {
            let mut toleration = tree!({"key": key, "operator": "Exists", "effect": "NoExecute"});
            if !seconds.is_null() {
                toleration.set(&["tolerationSeconds"], seconds);
            }
            toleration
        };
        for (taints, tolerations, wanted) in [
            (vec![], vec![], Patience::Endless),
            (vec![taint("a")], vec![], Patience::None),
            (vec![taint("a")], vec![bears("a", tree!(300))], Patience::Lasts(300 * SECOND)),
            (vec![taint("a")], vec![bears("a", tree!(0))], Patience::None),
            (vec![taint("a")], vec![bears("a", Value::Null)], Patience::Endless),
            (vec![taint("a"), taint("b")], vec![bears("a", tree!(300))], Patience::None),
            (
                vec![taint("a"), taint("b")],
                vec![bears("a", tree!(300)), bears("b", tree!(10))],
                Patience::Lasts(10 * SECOND),
            ),
            (vec![taint("a")], vec![bears("", Value::Null)], Patience::Endless),
        ] {
            let pod = tree!({"spec": {"tolerations": (tolerations)}});
            assert_eq!(patience(&pod, &taints), wanted, "{taints:?} {pod:?}");
        }
    }
}
