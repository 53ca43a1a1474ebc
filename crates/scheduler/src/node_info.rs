use crate::plugins::Taint;
use crate::pod_info::{HostPort, PodInfo, Resources};
use api::{Value, meta};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many pods with a set of labels are on a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelCount {
    pub(crate) all: i64,
    pub(crate) staying: i64,
}

/// A node with what is on it, kept up to date with each pod that comes and goes.
// Models pkg/scheduler/framework/types.go NodeInfo
#[derive(Clone, Debug)]
pub(crate) struct NodeInfo {
    pub(crate) name: Rc<str>,
    pub(crate) node: Value,
    pub(crate) labels: Value,
    pub(crate) taints: Vec<Taint>,
    pub(crate) unschedulable: bool,
    pub(crate) allocatable: Resources,
    pub(crate) requested: Resources,
    pub(crate) non_zero: Resources,
    pub(crate) pods: BTreeMap<Rc<str>, Placed>,
    pub(crate) host_ports: BTreeMap<HostPort, u32>,
    pub(crate) label_sets: BTreeMap<u32, LabelCount>,
    pub(crate) with_affinity: u32,
    pub(crate) with_anti_affinity: u32,
    pub(crate) images: BTreeMap<Rc<str>, i64>,
}

/// A pod on a node, with the number of its set of labels.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) info: Rc<PodInfo>,
    pub(crate) label_set: u32,
}

impl NodeInfo {
    /// Reads a node, which has no pods yet.
    pub(crate) fn new(node: &Value) -> NodeInfo {
        let mut info = NodeInfo {
            name: meta::name(node).into(),
            node: Value::Null,
            labels: Value::Null,
            taints: Vec::new(),
            unschedulable: false,
            allocatable: Resources::default(),
            requested: Resources::default(),
            non_zero: Resources::default(),
            pods: BTreeMap::new(),
            host_ports: BTreeMap::new(),
            label_sets: BTreeMap::new(),
            with_affinity: 0,
            with_anti_affinity: 0,
            images: BTreeMap::new(),
        };
        info.update(node);
        info
    }

    /// Takes the node as it is now.
    pub(crate) fn update(&mut self, node: &Value) {
        let (spec, status) = (&node["spec"], &node["status"]);
        if self.node["status"]["images"] != status["images"] || self.node.is_null() {
            self.images = images(&status["images"]);
        }
        self.labels = meta::labels(node).clone();
        self.taints = spec["taints"].items().iter().map(Taint::read).collect();
        self.unschedulable = spec["unschedulable"].is_true();
        self.allocatable = Resources::read(&status["allocatable"]);
        self.node = node.clone();
    }

    /// Adds a pod.
    pub(crate) fn add(&mut self, placed: Placed) {
        self.count(&placed, 1);
        self.pods.insert(placed.info.key.clone(), placed);
    }

    /// Adds a pod that is expected, on a copy of the node: what it asks for counts, not its labels.
    pub(crate) fn expect(&mut self, info: Rc<PodInfo>) {
        self.add(Placed { info, label_set: u32::MAX });
        self.label_sets.remove(&u32::MAX);
    }

    /// Takes a pod away.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Placed> {
        let placed = self.pods.remove(key)?;
        self.count(&placed, -1);
        Some(placed)
    }

    fn count(&mut self, placed: &Placed, times: i64) {
        let info = &placed.info;
        self.requested.add(&info.requests, times);
        self.non_zero.add(&info.non_zero, times);
        let step = |count: u32| count.saturating_add_signed(times as i32);
        for port in &info.host_ports {
            let count = self.host_ports.entry(port.clone()).or_default();
            *count = step(*count);
            if *count == 0 {
                self.host_ports.remove(port);
            }
        }
        let count = self.label_sets.entry(placed.label_set).or_default();
        count.all += times;
        count.staying += if info.terminating { 0 } else { times };
        if count.all == 0 {
            self.label_sets.remove(&placed.label_set);
        }
        if !info.affinity.is_empty() {
            self.with_affinity = step(self.with_affinity);
        }
        if !info.affinity.required_anti.is_empty() {
            self.with_anti_affinity = step(self.with_anti_affinity);
        }
    }

    /// Returns the value of a label.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key)?.as_str()
    }
}

fn images(list: &Value) -> BTreeMap<Rc<str>, i64> {
    let mut images = BTreeMap::new();
    for image in list.items() {
        for name in image["names"].items() {
            images.insert(name.text(), image["sizeBytes"].int());
        }
    }
    images
}
