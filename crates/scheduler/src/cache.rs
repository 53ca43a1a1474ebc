use crate::node_info::{LabelCount, NodeInfo, Placed};
use crate::pod_info::PodInfo;
use api::{Value, meta};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A namespace and the labels that some pods have in common.
#[derive(Clone, Debug)]
pub(crate) struct LabelSet {
    pub(crate) namespace: Rc<str>,
    pub(crate) labels: Value,
    text: Rc<str>,
    users: u32,
}

/// All sets of labels that pods have, numbered: a selector is tried once a set, not once a pod.
#[derive(Clone, Debug, Default)]
pub(crate) struct LabelSets {
    sets: Vec<LabelSet>,
    numbers: BTreeMap<Rc<str>, u32>,
    free: Vec<u32>,
}

impl LabelSets {
    fn acquire(&mut self, info: &PodInfo) -> u32 {
        let text: Rc<str> = format!("{}\n{}", info.namespace, info.labels.to_json()).into();
        if let Some(number) = self.numbers.get(&text) {
            self.sets[*number as usize].users += 1;
            return *number;
        }
        let (namespace, labels) = (info.namespace.clone(), info.labels.clone());
        let set = LabelSet { namespace, labels, text: text.clone(), users: 1 };
        let number = match self.free.pop() {
            Some(number) => {
                self.sets[number as usize] = set;
                number
            }
            None => {
                self.sets.push(set);
                (self.sets.len() - 1) as u32
            }
        };
        self.numbers.insert(text, number);
        number
    }

    fn release(&mut self, number: u32) {
        let set = &mut self.sets[number as usize];
        set.users -= 1;
        if set.users == 0 {
            self.numbers.remove(&set.text);
            self.free.push(number);
        }
    }

    /// Starts trying something on sets of labels.
    pub(crate) fn matcher<F: Fn(&LabelSet) -> bool>(&self, matches: F) -> Matcher<'_, F> {
        Matcher { sets: self, matches, known: vec![None; self.sets.len()] }
    }
}

/// Remembers which sets of labels match.
pub(crate) struct Matcher<'a, F> {
    sets: &'a LabelSets,
    matches: F,
    known: Vec<Option<bool>>,
}

impl<F: Fn(&LabelSet) -> bool> Matcher<'_, F> {
    fn is_match(&mut self, number: u32) -> bool {
        let (sets, matches) = (&self.sets.sets, &self.matches);
        let known = &mut self.known[number as usize];
        *known.get_or_insert_with(|| matches(&sets[number as usize]))
    }

    /// Returns how many pods of a node match.
    pub(crate) fn count(&mut self, node: &NodeInfo) -> LabelCount {
        let mut sum = LabelCount::default();
        for (number, count) in &node.label_sets {
            if self.is_match(*number) {
                sum.all += count.all;
                sum.staying += count.staying;
            }
        }
        sum
    }
}

#[derive(Clone, Debug)]
struct Known {
    info: Rc<PodInfo>,
    node: Rc<str>,
    assumed: bool,
}

/// The scheduler's picture of the cluster: nodes, the pods on them, and those it has just placed.
// Models pkg/scheduler/backend/cache/cache.go
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache {
    nodes: Vec<NodeInfo>,
    numbers: BTreeMap<Rc<str>, u32>,
    pods: BTreeMap<Rc<str>, Known>,
    label_sets: LabelSets,
    image_nodes: BTreeMap<Rc<str>, i64>,
}

impl Cache {
    /// Returns all nodes in the order in which they are looked at.
    pub(crate) fn nodes(&self) -> &[NodeInfo] {
        &self.nodes
    }

    /// Returns a node.
    pub(crate) fn node(&self, name: &str) -> Option<&NodeInfo> {
        self.nodes.get(*self.numbers.get(name)? as usize)
    }

    /// Returns the sets of labels that the pods have.
    pub(crate) fn label_sets(&self) -> &LabelSets {
        &self.label_sets
    }

    /// Returns on how many nodes an image is.
    pub(crate) fn nodes_with_image(&self, image: &str) -> i64 {
        self.image_nodes.get(image).copied().unwrap_or(0)
    }

    /// Takes a node as it is now.
    pub(crate) fn set_node(&mut self, node: &Value) {
        let name = meta::name(node);
        let Some(number) = self.numbers.get(name).copied() else {
            let info = NodeInfo::new(node);
            count_images(&mut self.image_nodes, &info, 1);
            self.nodes.push(info);
            self.sort_nodes();
            let here: Vec<Rc<PodInfo>> = self
                .pods
                .values()
                .filter(|known| &*known.node == name)
                .map(|known| known.info.clone())
                .collect();
            here.iter().for_each(|info| self.attach(info, name));
            return;
        };
        let info = &mut self.nodes[number as usize];
        let before = info.labels.clone();
        if info.node["status"]["images"] != node["status"]["images"] {
            count_images(&mut self.image_nodes, info, -1);
            info.update(node);
            count_images(&mut self.image_nodes, info, 1);
        } else {
            info.update(node);
        }
        if zone(&before) != zone(meta::labels(node)) {
            self.sort_nodes();
        }
    }

    /// Takes a node away.
    pub(crate) fn remove_node(&mut self, name: &str) {
        let Some(number) = self.numbers.get(name).copied() else { return };
        let info = self.nodes.remove(number as usize);
        count_images(&mut self.image_nodes, &info, -1);
        for placed in info.pods.values() {
            self.label_sets.release(placed.label_set);
        }
        self.sort_nodes();
    }

    /// Puts the nodes in order: one of each zone in turn, by name within a zone.
    // Models pkg/scheduler/backend/cache/node_tree.go
    fn sort_nodes(&mut self) {
        self.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let mut turns: BTreeMap<String, u32> = BTreeMap::new();
        let mut keyed: Vec<(u32, String, NodeInfo)> = Vec::with_capacity(self.nodes.len());
        for node in std::mem::take(&mut self.nodes) {
            let zone = zone(&node.labels);
            let turn = turns.entry(zone.clone()).or_default();
            keyed.push((*turn, zone, node));
            *turn += 1;
        }
        keyed.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        self.nodes = keyed.into_iter().map(|(_, _, node)| node).collect();
        self.numbers = self.nodes.iter().zip(0..).map(|(node, number)| (node.name.clone(), number)).collect();
    }

    /// Takes a pod that is on a node.
    pub(crate) fn set_pod(&mut self, info: Rc<PodInfo>, node: &str) {
        self.place(info, node, false);
    }

    /// Assumes that a pod will be on a node, before the API server says so.
    pub(crate) fn assume(&mut self, info: Rc<PodInfo>, node: &str) {
        self.place(info, node, true);
    }

    fn place(&mut self, info: Rc<PodInfo>, node: &str, assumed: bool) {
        self.remove_pod(&info.key.clone());
        self.attach(&info, node);
        self.pods.insert(info.key.clone(), Known { info, node: node.into(), assumed });
    }

    fn attach(&mut self, info: &Rc<PodInfo>, node: &str) {
        let number = self.numbers.get(node);
        if let Some(node) = number.and_then(|number| self.nodes.get_mut(*number as usize)) {
            node.add(Placed { info: info.clone(), label_set: self.label_sets.acquire(info) });
        }
    }

    /// Takes a pod away and returns the node on which it was.
    pub(crate) fn remove_pod(&mut self, key: &str) -> Option<Rc<str>> {
        let known = self.pods.remove(key)?;
        let number = self.numbers.get(&known.node);
        let node = number.and_then(|number| self.nodes.get_mut(*number as usize));
        if let Some(placed) = node.and_then(|node| node.remove(key)) {
            self.label_sets.release(placed.label_set);
        }
        Some(known.node)
    }

    /// Returns whether a pod was placed and the API server hasn't confirmed it yet.
    pub(crate) fn is_assumed(&self, key: &str) -> bool {
        self.pods.get(key).is_some_and(|known| known.assumed)
    }

    /// Returns a pod that is on a node, or assumed to be.
    pub(crate) fn pod(&self, key: &str) -> Option<&Rc<PodInfo>> {
        self.pods.get(key).map(|known| &known.info)
    }
}

fn count_images(image_nodes: &mut BTreeMap<Rc<str>, i64>, info: &NodeInfo, times: i64) {
    for image in info.images.keys() {
        let count = image_nodes.entry(image.clone()).or_default();
        *count += times;
        if *count <= 0 {
            image_nodes.remove(image);
        }
    }
}

fn zone(labels: &Value) -> String {
    let (region, zone) =
        (labels["topology.kubernetes.io/region"].str(), labels["topology.kubernetes.io/zone"].str());
    format!("{region}:{zone}")
}
