use super::history::HASH_LABEL;
use super::{DaemonSets, NodePods, node};
use crate::pod;
use crate::pod_control::{create_pod, delete_pod, is_namespace_terminating, pod_from_template};
use api::resources::DAEMONSETS;
use api::{Value, meta};
use client::{Cx, Failure};
use sim::{Nanos, Time};
use std::rc::Rc;

/// How many pods one sync creates or deletes at most.
const BURST_REPLICAS: usize = 250;
const GENERATION_LABEL: &str = "pod-template-generation";
const GENERATION_ANNOTATION: &str = "deprecated.daemonset.template.generation";

/// What is to be done.
#[derive(Default)]
struct Plan {
    nodes: Vec<Rc<str>>,
    delete: Vec<Value>,
    wait: Option<Nanos>,
}

impl DaemonSets {
    /// Creates pods where they are missing and deletes those that shouldn't be; returns when to look
    /// again.
    // Models pkg/controller/daemon/daemon_controller.go manage
    pub(super) fn manage(
        &mut self,
        cx: &mut Cx,
        ds: &Value,
        nodes: &[Value],
        pods: &NodePods,
        hash: &str,
    ) -> Result<Option<Nanos>, Failure> {
        let mut plan = Plan::default();
        for node in nodes {
            let on_node = pods.get(meta::name(node)).map_or(&[][..], Vec::as_slice);
            self.plan_node(cx, ds, node, on_node, hash, &mut plan);
        }
        let is_gone = |pod: &&Value| {
            let name = node::target(pod);
            pod["spec"]["nodeName"].str().is_empty() && !nodes.iter().any(|node| meta::name(node) == &*name)
        };
        plan.delete.extend(pods.values().flatten().filter(is_gone).cloned());
        self.sync_nodes(cx, ds, plan.delete, plan.nodes, hash)?;
        Ok(plan.wait)
    }

    // Models pkg/controller/daemon/daemon_controller.go podsShouldBeOnNode
    fn plan_node(
        &mut self,
        cx: &mut Cx,
        ds: &Value,
        node: &Value,
        pods: &[Value],
        hash: &str,
        plan: &mut Plan,
    ) {
        let (should_run, should_stay) = node::should_run(ds, node);
        let staying = pods.iter().filter(|pod| !meta::is_deleting(pod));
        if should_run && pods.is_empty() {
            return plan.nodes.push(meta::name(node).into());
        }
        if !should_stay {
            return plan.delete.extend(staying.cloned());
        }
        let mut running = Vec::new();
        for pod in staying {
            let place = format!("{} on node {}", meta::key(pod), meta::name(node));
            match pod["status"]["phase"].str() {
                "Failed" => {
                    if let Some(wait) = self.back_off(cx.at(), ds, meta::name(node)) {
                        plan.wait = Some(plan.wait.map_or(wait, |known| known.min(wait)));
                        continue;
                    }
                    let message = format!("Found failed daemon pod {place}, will try to kill it");
                    self.recorder.event(cx, ds, "Warning", "FailedDaemonPod", &message);
                    plan.delete.push(pod.clone());
                }
                "Succeeded" => {
                    let message = format!("Found succeeded daemon pod {place}, will try to delete it");
                    self.recorder.event(cx, ds, "Normal", "SucceededDaemonPod", &message);
                    plan.delete.push(pod.clone());
                }
                _ => running.push(pod.clone()),
            }
        }
        plan.delete.extend(excess(cx.at(), ds, running, hash));
    }

    /// Deletes pods and creates pods on nodes.
    // Models pkg/controller/daemon/daemon_controller.go syncNodes
    pub(super) fn sync_nodes(
        &mut self,
        cx: &mut Cx,
        ds: &Value,
        mut delete: Vec<Value>,
        mut nodes: Vec<Rc<str>>,
        hash: &str,
    ) -> Result<(), Failure> {
        nodes.truncate(BURST_REPLICAS);
        delete.truncate(BURST_REPLICAS);
        if nodes.is_empty() && delete.is_empty() {
            return Ok(());
        }
        let key = meta::key(ds);
        self.expectations.expect(cx.at(), &key, nodes.len() as i64, delete.len() as i64);
        let pod = new_pod(ds, hash);
        let mut failed = None;
        let (mut rest, mut size) = (nodes.as_slice(), 1);
        while !rest.is_empty() && failed.is_none() {
            let (batch, after) = rest.split_at(size.min(rest.len()));
            (rest, size) = (after, 2 * size);
            cx.parallel(batch, |cx, node| {
                let mut pod = pod.clone();
                node::set_target(pod.at_mut(&["spec"]), node);
                match create_pod(cx, &mut self.recorder, ds, &pod) {
                    Err(failure) if !is_namespace_terminating(&failure) => {
                        self.expectations.creation_observed(&key);
                        failed.get_or_insert(failure);
                    }
                    _ => {}
                }
            });
        }
        rest.iter().for_each(|_| self.expectations.creation_observed(&key));
        cx.parallel(&delete, |cx, pod| {
            if let Err(failure) = delete_pod(cx, &mut self.recorder, ds, pod) {
                self.expectations.deletion_observed(&key);
                if !failure.is_not_found() {
                    failed.get_or_insert(failure);
                }
            }
        });
        failed.map_or(Ok(()), Err)
    }
}

/// Returns the pods too many on a node: all but the oldest, and during an update with surge all but
/// the oldest old one and the oldest new one.
fn excess(now: Time, ds: &Value, mut running: Vec<Value>, hash: &str) -> Vec<Value> {
    if running.len() <= 1 {
        return Vec::new();
    }
    let rank = |pod: &Value| {
        let scheduled = pod["spec"]["nodeName"].str().is_empty();
        (scheduled, meta::created(pod), meta::name(pod).to_string())
    };
    running.sort_by_key(rank);
    if super::update::max_surge(ds, 1) == 0 {
        return running.split_off(1);
    }
    let (mut new, mut old) = (None, None);
    let mut excess = Vec::new();
    for pod in running {
        let place = if is_updated(ds, &pod, hash) { &mut new } else { &mut old };
        match place {
            None => *place = Some(pod),
            Some(_) => excess.push(pod),
        }
    }
    if let (Some(new), Some(old)) = (new, old) {
        let min_ready = ds["spec"]["minReadySeconds"].int();
        if !pod::is_ready(&old) || pod::is_available(&new, min_ready, now) {
            excess.push(old);
        }
    }
    excess
}

/// Returns whether a pod is of the template as it is.
// Models pkg/controller/daemon/util/daemonset_util.go IsPodUpdated
pub(super) fn is_updated(ds: &Value, pod: &Value, hash: &str) -> bool {
    let generation = meta::annotation(ds, GENERATION_ANNOTATION);
    let labels = meta::labels(pod);
    (!generation.is_empty() && labels[GENERATION_LABEL].str() == generation)
        || (!hash.is_empty() && labels[HASH_LABEL].str() == hash)
}

// Models pkg/controller/daemon/util/daemonset_util.go CreatePodTemplate
fn new_pod(ds: &Value, hash: &str) -> Value {
    let mut pod = pod_from_template(&ds["spec"]["template"], DAEMONSETS, ds);
    node::add_tolerations(pod.at_mut(&["spec"]));
    let generation = meta::annotation(ds, GENERATION_ANNOTATION);
    if !generation.is_empty() {
        pod.set(&["metadata", "labels", GENERATION_LABEL], generation);
    }
    if !hash.is_empty() {
        pod.set(&["metadata", "labels", HASH_LABEL], hash);
    }
    pod
}
