//! Nodes: whether their kubelets are heard of, and the taints that follow.
// Models pkg/controller/nodelifecycle
//
// Left out on purpose: the labels' older names.

pub(crate) use health::node_reference;

mod health;
#[cfg(test)]
mod tests;
mod zones;

use crate::taints::{self, NOT_READY, UNREACHABLE, UNSCHEDULABLE, taint};
use api::resources::{LEASES, NODES, PODS};
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, IndexBy, Informers, Reconcile};
use health::Health;
use sim::{Nanos, SECOND};
use std::collections::BTreeMap;
use std::rc::Rc;
use zones::Zone;

/// How often the nodes' health is looked at.
const MONITOR_PERIOD: Nanos = 5 * SECOND;
/// The key under which all nodes' health is looked at; no node can be named so.
const MONITOR: &str = "*";

/// The node-lifecycle controller.
#[derive(Clone)]
pub(crate) struct NodeLifecycle {
    recorder: EventRecorder,
    monitoring: bool,
    nodes: BTreeMap<Rc<str>, Health>,
    zones: BTreeMap<String, Zone>,
}

impl Default for NodeLifecycle {
    fn default() -> Self {
        NodeLifecycle {
            recorder: EventRecorder::new("node-controller", ""),
            monitoring: false,
            nodes: BTreeMap::new(),
            zones: BTreeMap::new(),
        }
    }
}

impl Reconcile for NodeLifecycle {
    fn identity(&self) -> Identity {
        Identity::controller("node-controller", "controller/node-lifecycle")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![NODES, LEASES, PODS]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(PODS, IndexBy::NodeName)]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if change.resource != NODES {
            return;
        }
        if !std::mem::replace(&mut self.monitoring, true) {
            queue.add(MONITOR);
        }
        if !change.new.is_null() {
            queue.add(change.key.clone());
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        if key == MONITOR {
            self.monitor_node_health(cx, informers);
            return Ok(Some(MONITOR_PERIOD));
        }
        if let Some(node) = informers.of(NODES).get(key) {
            no_schedule_tainting(cx, node)?;
        }
        Ok(None)
    }
}

/// Which condition with which status stands for which taint.
const CONDITION_TAINTS: [(&str, &str, &str); 6] = [
    ("Ready", "False", NOT_READY),
    ("Ready", "Unknown", UNREACHABLE),
    ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
    ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
];

/// Makes the NoSchedule taints fit the conditions and `spec.unschedulable`.
// Models pkg/controller/nodelifecycle/node_lifecycle_controller.go doNoScheduleTaintingPass
fn no_schedule_tainting(cx: &mut Cx, node: &Value) -> Result<(), Failure> {
    let holds = |(kind, status, _): &&(&str, &str, &str)| {
        meta::condition(node, kind).is_some_and(|condition| condition["status"].str() == *status)
    };
    let mut wanted: Vec<&str> = CONDITION_TAINTS.iter().filter(holds).map(|row| row.2).collect();
    if node["spec"]["unschedulable"].is_true() {
        wanted.push(UNSCHEDULABLE);
    }
    let mut all: Vec<&str> = CONDITION_TAINTS.iter().map(|row| row.2).collect();
    all.push(UNSCHEDULABLE);
    let no_schedule = |key: &&str| taint(key, "NoSchedule");
    let has = |key: &&str| taints::has(node, &no_schedule(key));
    let add: Vec<Value> = wanted.iter().filter(|key| !has(key)).map(no_schedule).collect();
    let gone = all.iter().filter(|key| !wanted.contains(key) && has(key));
    let remove: Vec<Value> = gone.map(no_schedule).collect();
    if add.is_empty() && remove.is_empty() {
        return Ok(());
    }
    taints::swap(cx, meta::name(node), &add, &remove)
}
