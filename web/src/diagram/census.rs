//! What there is to draw, counted: all that the drawing's geometry depends on.

use view::{NodeRow, PodRow};

use crate::model::Model;

use super::records;
use super::slots::Slots;

/// How much is drawn of a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// A pill with name, address and version.
    #[default]
    Pill,
    /// A glyph.
    Glyph,
    /// A node's pods as counts.
    Count,
}

/// The most pods that are pills.
const PILLS: usize = 40;
/// The most pods that are glyphs.
const GLYPHS: usize = 300;
/// The most records that have a line; the rest are counted.
pub const RECORDS: usize = 9;
/// The controllers that come first, in this order; the second half only once they did something.
const CONTROLLERS: [(&str, bool); 8] = [
    ("deployment", true),
    ("replicaset", true),
    ("endpointslice", true),
    ("statefulset", false),
    ("daemonset", false),
    ("job", false),
    ("node-lifecycle", true),
    ("garbage-collector", true),
];

/// What stands on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeCensus {
    /// The node's name.
    pub name: String,
    /// Its pods by place; free places are empty.
    pub pods: Vec<Option<String>>,
    /// The cluster's own pods on it.
    pub system: Vec<String>,
    /// How many addresses it announces.
    pub announces: usize,
    /// The processes of the control plane that are drawn on it.
    pub processes: Vec<String>,
}

/// What there is to draw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// The level of detail.
    pub detail: Detail,
    /// The control plane's machine: name and address.
    pub control: Option<(String, String)>,
    /// The cluster's own pods on the control plane's machine.
    pub control_pods: Vec<String>,
    /// Whether there is a router outside of the cluster.
    pub router: bool,
    /// Whether the control plane's machine is a node.
    pub control_is_node: bool,
    /// The nodes in order, without the control plane's machine.
    pub nodes: Vec<NodeCensus>,
    /// Pods without a node, the oldest first.
    pub waiting: Vec<String>,
    /// Controllers, those to be shown first.
    pub controllers: Vec<String>,
    /// How many records have a line.
    pub records: usize,
    /// How many more there are.
    pub more_records: usize,
    /// Whether a rollout's arithmetic is shown.
    pub budget: bool,
    /// Whether something was made yet.
    pub used: bool,
}

impl Census {
    /// Counts.
    pub fn of(model: &Model, slots: &Slots) -> Census {
        let control = model.cluster.as_ref().and_then(|cluster| cluster.control_plane.clone());
        let control_name = control.as_ref().map(|(name, _)| name.clone()).unwrap_or_default();
        let others = model.nodes.iter().filter(|(name, _)| **name != control_name);
        let mut nodes: Vec<(u32, &String, &NodeRow)> =
            others.map(|(name, node)| (node.order, name, node)).collect();
        nodes.sort_by_key(|(order, name, _)| (*order, *name));
        let drawn = model.pods.values().filter(|pod| !pod.system).count();
        let detail = match drawn {
            0..=PILLS => Detail::Pill,
            _ if drawn <= GLYPHS => Detail::Glyph,
            _ => Detail::Count,
        };
        let lines = records::lines(model).len();
        let more_records = if lines > RECORDS { lines - (RECORDS - 1) } else { 0 };
        Census {
            detail,
            control_pods: pods_of(model, &control_name, |_| true),
            router: model.cluster.as_ref().is_some_and(|cluster| cluster.router.is_some()),
            control_is_node: model.nodes.contains_key(&control_name),
            control,
            nodes: nodes
                .into_iter()
                .map(|(_, name, node)| NodeCensus {
                    name: name.clone(),
                    pods: slots.of(name).to_vec(),
                    system: pods_of(model, name, |pod| pod.system),
                    announces: node.announces.len(),
                    processes: node.processes.clone(),
                })
                .collect(),
            waiting: waiting(model),
            controllers: controllers(model),
            records: if more_records > 0 { RECORDS - 1 } else { lines },
            more_records,
            budget: records::rolling(model).is_some(),
            used: model.cluster.as_ref().is_some_and(|cluster| cluster.used),
        }
    }
}

fn pods_of(model: &Model, node: &str, wanted: impl Fn(&PodRow) -> bool) -> Vec<String> {
    let here = model.pods.iter().filter(|(_, pod)| wanted(pod) && pod.node == node && !node.is_empty());
    let mut found: Vec<(i64, &String)> = here.map(|(key, pod)| (pod.created, key)).collect();
    found.sort();
    found.into_iter().map(|(_, key)| key.clone()).collect()
}

fn waiting(model: &Model) -> Vec<String> {
    let mut found: Vec<(i64, &String)> = model
        .pods
        .iter()
        .filter(|(_, pod)| pod.node.is_empty())
        .map(|(key, pod)| (pod.created, key))
        .collect();
    found.sort();
    found.into_iter().map(|(_, key)| key.clone()).collect()
}

fn controllers(model: &Model) -> Vec<String> {
    let busy = |name: &str| {
        model.controllers.get(name).is_some_and(|row| row.acted.is_some() && !row.key.contains("-system/"))
    };
    let first = CONTROLLERS
        .iter()
        .filter(|(name, always)| *always && model.controllers.contains_key(*name) || busy(name));
    let mut names: Vec<String> = first.map(|(name, _)| (*name).to_owned()).collect();
    let mut rest: Vec<(u32, &String)> =
        model.controllers.iter().map(|(name, row)| (row.order, name)).collect();
    rest.sort();
    for (_, name) in rest {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// Returns the name by which one of the cluster's own pods is called: its workload's.
pub fn system_name(key: &str, owner: &str) -> String {
    let name = key.rsplit('/').next().unwrap_or(key);
    let namespace = key.split('/').next().unwrap_or_default();
    let mut parts = owner.split('/');
    let (resource, own) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
    let workload = match resource {
        "replicasets" => own.rsplit_once('-').map_or(own, |(workload, _)| workload),
        "" => name,
        _ => own,
    };
    match (namespace, workload) {
        ("metallb-system", "controller") => "metallb-controller".to_owned(),
        _ => workload.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::sample;

    #[test]
    fn counts_what_there_is() {
        let model = sample::rollout();
        let mut slots = Slots::default();
        slots.update(&model);
        let census = Census::of(&model, &slots);
        assert_eq!(census.detail, Detail::Pill);
        assert_eq!(census.nodes.iter().map(|node| node.pods.len()).collect::<Vec<_>>(), [2, 1, 2]);
        assert_eq!(
            census.controllers[..5],
            ["deployment", "replicaset", "endpointslice", "node-lifecycle", "garbage-collector"]
        );
        assert_eq!((census.records, census.more_records, census.budget), (4, 0, true));
        assert_eq!(census.nodes[1].announces, 1);
        assert!(!Census::of(&sample::empty(), &slots).used);
    }

    #[test]
    fn many_pods_have_less_detail() {
        for (count, detail) in
            [(40, Detail::Pill), (41, Detail::Glyph), (300, Detail::Glyph), (301, Detail::Count)]
        {
            let mut model = sample::empty();
            for i in 0..count {
                model.pods.insert(format!("default/{i}"), sample::pod());
            }
            assert_eq!(Census::of(&model, &Slots::default()).detail, detail, "{count}");
        }
    }

    #[test]
    fn system_pods_go_by_their_workload() {
        for (key, owner, name) in [
            ("kube-system/coredns-5c4d-x7x2p", "replicasets/kube-system/coredns-5c4d", "coredns"),
            ("metallb-system/speaker-x7x2p", "daemonsets/metallb-system/speaker", "speaker"),
            (
                "metallb-system/controller-6c-x",
                "replicasets/metallb-system/controller-6c",
                "metallb-controller",
            ),
            ("kube-system/bare", "", "bare"),
        ] {
            assert_eq!(system_name(key, owner), name);
        }
    }
}
