//! Pods that nobody else would remove: too many that have ended, those on nodes that are gone, those
//! deleted before they had a node.
// Models pkg/controller/podgc

use crate::pod;
use crate::tainteviction::delete_with_condition;
use crate::taints::OUT_OF_SERVICE;
use api::resources::{NODES, PODS};
use api::{Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, Failure, Identity, IndexBy, Informers, Reconcile};
use sim::{Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How often it looks.
const PERIOD: Nanos = 20 * SECOND;
/// How long a node must be gone before its pods go too.
const QUARANTINE: Nanos = 40 * SECOND;
/// How many pods that have ended may lie about.
const TERMINATED_THRESHOLD: usize = 12_500;

/// The pod garbage collector.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodGc {
    looking: bool,
    missing: BTreeMap<Rc<str>, Time>,
    /// The pods that have ended, and those that are being deleted: each look would go through all pods for them.
    ended: BTreeSet<Rc<str>>,
    deleting: BTreeSet<Rc<str>>,
}

impl Reconcile for PodGc {
    fn identity(&self) -> Identity {
        Identity::controller("pod-garbage-collector", "controller/pod-garbage-collector")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![PODS, NODES]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(PODS, IndexBy::NodeName)]
    }

    /// Its first look is so long after whatever comes first.
    fn hears_of_everything(&self) -> bool {
        true
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if change.resource == PODS {
            note(&mut self.ended, &change.key, pod::is_terminal(&change.new));
            note(&mut self.deleting, &change.key, meta::is_deleting(&change.new));
        }
        if !std::mem::replace(&mut self.looking, true) {
            queue.add_after("gc", PERIOD);
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, _: &str) -> Result<Option<Nanos>, Failure> {
        self.collect_terminated(cx, informers);
        self.collect_orphaned(cx, informers);
        self.collect_terminating(cx, informers);
        Ok(Some(PERIOD))
    }
}

/// Notes whether a pod is one of some.
fn note(pods: &mut BTreeSet<Rc<str>>, key: &Rc<str>, is_one: bool) {
    if is_one {
        pods.insert(key.clone());
    } else {
        pods.remove(key);
    }
}

fn at_once() -> Value {
    tree!({"gracePeriodSeconds": 0})
}

impl PodGc {
    fn collect_terminated(&self, cx: &mut Cx, informers: &Informers) {
        let excess = self.ended.len().saturating_sub(TERMINATED_THRESHOLD);
        if excess == 0 {
            return;
        }
        let pods = informers.of(PODS);
        let mut ended: Vec<&Value> = self.ended.iter().filter_map(|key| pods.get(key)).collect();
        ended.sort_by_key(|pod| (meta::created(pod), meta::name(pod).to_string()));
        for pod in ended.into_iter().take(excess) {
            let _ = cx.delete(PODS, meta::namespace(pod), meta::name(pod), at_once()); // the next round tries again
        }
    }

    fn collect_orphaned(&mut self, cx: &mut Cx, informers: &Informers) {
        let (nodes, pods) = (informers.of(NODES), informers.of(PODS));
        let missing: BTreeSet<Rc<str>> = pods
            .index_values(IndexBy::NodeName)
            .filter(|name| nodes.get(name).is_none())
            .map(Rc::from)
            .collect();
        self.missing.retain(|name, _| missing.contains(name));
        for name in missing {
            let since = *self.missing.entry(name.clone()).or_insert(cx.at());
            let is_gone = since + QUARANTINE <= cx.at()
                && cx.get(NODES, "", &name).is_err_and(|failure| failure.is_not_found());
            for pod in pods.by_index(IndexBy::NodeName, &name).filter(|_| is_gone) {
                let why = ("DeletionByPodGC", "PodGC: node no longer exists");
                let _ = delete_with_condition(cx, pod, why, at_once()); // the next round tries again
            }
        }
    }

    fn collect_terminating(&self, cx: &mut Cx, informers: &Informers) {
        for pod in self.deleting.iter().filter_map(|key| informers.of(PODS).get(key)) {
            let node = pod["spec"]["nodeName"].str();
            let is_out = |node: &Value| {
                let taints = node["spec"]["taints"].items();
                !meta::is_condition_true(node, "Ready")
                    && taints.iter().any(|taint| taint["key"].str() == OUT_OF_SERVICE)
            };
            if node.is_empty() {
                let _ = cx.delete(PODS, meta::namespace(pod), meta::name(pod), at_once()); // the next round tries again
            } else if informers.of(NODES).get(node).is_some_and(is_out) {
                let why = ("DeletionByPodGC", "PodGC: node is out-of-service");
                let _ = delete_with_condition(cx, pod, why, at_once());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ControllerManager;
    use api::resources::{NODES, PODS};
    use api::tree;
    use client::testing::{Bench, Server};
    use sim::{MINUTE, Time};

    #[test]
    fn removes_what_nobody_else_would() {
        let mut server = Server::default();
        server.put(
            Time::EPOCH,
            NODES,
            tree!({"metadata": {"name": "n1"},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
        );
        for (name, node, deleted) in [("kept", "n1", false), ("lost", "n2", false), ("early", "", true)] {
            let mut pod = tree!({"metadata": {"name": name, "namespace": "d"}, "spec": {"nodeName": node}});
            if deleted {
                pod.set(&["metadata", "deletionTimestamp"], "2026-01-05T09:00:00Z");
            }
            server.put(Time::EPOCH, PODS, pod);
        }
        let mut bench = Bench::new(ControllerManager::new(&[]), server);
        bench.run(2 * MINUTE);
        let names: Vec<String> =
            bench.server.all(PODS).iter().map(|pod| api::meta::name(pod).to_string()).collect();
        assert_eq!(names, ["kept"]);
    }
}
