use super::sync::is_updated;
use super::{DaemonSets, NodePods, node};
use crate::intstr::{Round, scaled};
use crate::pod;
use api::{Value, meta};
use client::{Cx, Failure};
use std::rc::Rc;

/// Returns how many nodes may have two pods, of so many nodes.
pub(super) fn max_surge(ds: &Value, nodes: i64) -> i64 {
    let strategy = &ds["spec"]["updateStrategy"];
    if strategy["type"].str() != "RollingUpdate" {
        return 0;
    }
    scaled(&strategy["rollingUpdate"]["maxSurge"], nodes, Round::Up).unwrap_or(0)
}

/// Returns how many nodes may be without an available pod; never 0 with no surge.
fn max_unavailable(ds: &Value, nodes: i64) -> i64 {
    let rolling = &ds["spec"]["updateStrategy"]["rollingUpdate"];
    let number = match rolling["maxUnavailable"].is_null() {
        true => 1,
        false => scaled(&rolling["maxUnavailable"], nodes, Round::Up).unwrap_or(0),
    };
    if number == 0 && max_surge(ds, nodes) == 0 { 1 } else { number }
}

/// What is on a node: the new pod and the old one; `None` for the pair where there are several of one.
type OnNode<'a> = Option<(Option<&'a Value>, Option<&'a Value>)>;

// Models pkg/controller/daemon/update.go findUpdatedPodsOnNode
fn on_node<'a>(ds: &Value, pods: &'a [Value], hash: &str) -> OnNode<'a> {
    let (mut new, mut old) = (None, None);
    for pod in pods.iter().filter(|pod| !meta::is_deleting(pod)) {
        let place = if is_updated(ds, pod, hash) { &mut new } else { &mut old };
        if place.replace(pod).is_some() {
            return None;
        }
    }
    Some((new, old))
}

impl DaemonSets {
    /// Replaces as many old pods as may be missing, or be two on a node, at once.
    // Models pkg/controller/daemon/update.go rollingUpdate
    pub(super) fn rolling_update(
        &mut self,
        cx: &mut Cx,
        ds: &Value,
        nodes: &[Value],
        pods: &NodePods,
        hash: &str,
    ) -> Result<(), Failure> {
        let running = nodes.iter().filter(|node| node::should_run(ds, node).0);
        let names: Vec<Rc<str>> = running.map(|node| meta::name(node).into()).collect();
        let count = names.len() as i64;
        let mut all = pods.clone();
        for name in names {
            all.entry(name).or_default();
        }
        let (delete, create) = match max_surge(ds, count) {
            0 => (self.replaced(cx, ds, &all, hash, max_unavailable(ds, count)), Vec::new()),
            surge => self.surged(cx, ds, &all, hash, surge),
        };
        self.sync_nodes(cx, ds, delete, create, hash)
    }

    /// Returns the old pods to delete; the next syncs create the new ones.
    fn replaced(&self, cx: &Cx, ds: &Value, all: &NodePods, hash: &str, max_unavailable: i64) -> Vec<Value> {
        let min_ready = ds["spec"]["minReadySeconds"].int();
        let is_available = |pod: &Value| pod::is_available(pod, min_ready, cx.at());
        let mut unavailable = 0;
        let (mut replaced, mut candidates) = (Vec::new(), Vec::new());
        for pods in all.values() {
            match on_node(ds, pods, hash) {
                Some((Some(new), None)) => unavailable += i64::from(!is_available(new)),
                Some((None, Some(old))) if is_available(old) => candidates.push(old.clone()),
                Some((None, Some(old))) => {
                    replaced.push(old.clone());
                    unavailable += 1;
                }
                _ => unavailable += 1,
            }
        }
        let room = (max_unavailable - unavailable).max(0) as usize;
        replaced.extend(candidates.into_iter().take(room));
        replaced
    }

    /// Returns the old pods to delete, as the new one on their node is available, and the nodes that
    /// get a second pod.
    fn surged(
        &self,
        cx: &Cx,
        ds: &Value,
        all: &NodePods,
        hash: &str,
        max_surge: i64,
    ) -> (Vec<Value>, Vec<Rc<str>>) {
        let min_ready = ds["spec"]["minReadySeconds"].int();
        let is_available = |pod: &Value| pod::is_available(pod, min_ready, cx.at());
        let mut surge = 0;
        let (mut delete, mut create, mut candidates) = (Vec::new(), Vec::new(), Vec::new());
        for (node, pods) in all {
            match on_node(ds, pods, hash) {
                None => surge += 1,
                Some((_, None)) => {}
                Some((None, Some(old))) if is_available(old) => candidates.push(node.clone()),
                Some((None, Some(_))) => create.push(node.clone()),
                Some((Some(new), Some(_))) if !is_available(new) => surge += 1,
                Some((Some(_), Some(old))) => delete.push(old.clone()),
            }
        }
        create.extend(candidates.into_iter().take((max_surge - surge).max(0) as usize));
        (delete, create)
    }
}
