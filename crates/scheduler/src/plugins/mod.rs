//! The plugins of the default profile that look at nodes, in upstream's order.

mod image_locality;
mod inter_pod_affinity;
mod node_affinity;
mod node_resources;
mod pod_topology_spread;
mod taint_toleration;
#[cfg(test)]
mod tests;

pub(crate) use inter_pod_affinity::AffinityTerms;
pub(crate) use node_affinity::NodeAffinity;
pub(crate) use pod_topology_spread::SpreadConstraint;
pub(crate) use taint_toleration::{Taint, Toleration};

use crate::cache::Cache;
use crate::node_info::NodeInfo;
use crate::pod_info::PodInfo;
use crate::profile::{Profile, Strategy};
use crate::volumes::PodVolumes;
use api::label::Selector;
use api::{Value, meta};
use inter_pod_affinity::{AffinityFilter, AffinityScore};
use pod_topology_spread::{SpreadFilter, SpreadScore};
use std::rc::Rc;

/// The best that a plugin can say of a node.
pub(crate) const MAX_NODE_SCORE: i64 = 100;

pub(crate) const NODE_UNSCHEDULABLE: &str = "NodeUnschedulable";
pub(crate) const TAINT_TOLERATION: &str = "TaintToleration";
pub(crate) const NODE_AFFINITY: &str = "NodeAffinity";
pub(crate) const NODE_PORTS: &str = "NodePorts";
pub(crate) const VOLUME_RESTRICTIONS: &str = "VolumeRestrictions";
pub(crate) const NODE_RESOURCES_FIT: &str = "NodeResourcesFit";
pub(crate) const POD_TOPOLOGY_SPREAD: &str = "PodTopologySpread";
pub(crate) const INTER_POD_AFFINITY: &str = "InterPodAffinity";

/// The plugins that score, with their weights, in the order in which a [`crate::Verdict`] tells scores.
pub const SCORE_PLUGINS: [(&str, i64); 7] = [
    ("TaintToleration", 3),
    ("NodeAffinity", 2),
    ("NodeResourcesFit", 1),
    ("PodTopologySpread", 2),
    ("InterPodAffinity", 2),
    ("NodeResourcesBalancedAllocation", 1),
    ("ImageLocality", 1),
];

/// Why a plugin rejects a node for a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) plugin: &'static str,
    pub(crate) reasons: Vec<Rc<str>>,
    /// Whether taking other pods away would not help.
    pub(crate) unresolvable: bool,
}

impl Rejected {
    pub(crate) fn new(plugin: &'static str, reason: &str) -> Rejected {
        Rejected { plugin, reasons: vec![reason.into()], unresolvable: false }
    }

    pub(crate) fn unresolvable(plugin: &'static str, reason: &str) -> Rejected {
        Rejected { unresolvable: true, ..Rejected::new(plugin, reason) }
    }
}

/// What a cycle knows besides nodes and pods.
pub(crate) struct Surroundings<'a> {
    /// The labels of a namespace.
    pub(crate) namespaces: &'a dyn Fn(&str) -> Value,
    /// What chooses the pods that belong together with this one: its services' and its owner's selector.
    pub(crate) default_selector: Selector,
    /// What the pod's volumes ask of its node.
    pub(crate) volumes: Rc<PodVolumes>,
}

/// What the filter plugins prepare once for a pod.
pub(crate) struct Filters {
    spread: Option<SpreadFilter>,
    affinity: Option<AffinityFilter>,
    volumes: Rc<PodVolumes>,
    /// Whether another pod has a volume that only one may have.
    is_taken: bool,
}

impl Filters {
    /// Prepares the filters for a pod.
    pub(crate) fn new(cache: &Cache, info: &PodInfo, surroundings: &Surroundings) -> Filters {
        Filters {
            spread: SpreadFilter::new(cache, info),
            affinity: AffinityFilter::new(cache, info, surroundings),
            volumes: surroundings.volumes.clone(),
            is_taken: surroundings.volumes.are_taken(cache.nodes(), meta::namespace(&info.pod)),
        }
    }

    /// Returns why a node doesn't suit the pod; the first plugin that rejects it decides.
    pub(crate) fn check(&self, info: &PodInfo, node: &NodeInfo) -> Result<(), Rejected> {
        check_unschedulable(info, node)?;
        taint_toleration::check(info, node)?;
        node_affinity::check(info, node)?;
        check_ports(info, node)?;
        node_resources::check(info, node)?;
        if self.is_taken {
            let reason = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode";
            return Err(Rejected::new(VOLUME_RESTRICTIONS, reason));
        }
        self.volumes.check(node)?;
        if let Some(spread) = &self.spread {
            spread.check(node)?;
        }
        if let Some(affinity) = &self.affinity {
            affinity.check(info, node)?;
        }
        Ok(())
    }
}

/// Returns whether a plugin, which rejected the pod everywhere, may let it pass on this node now.
pub(crate) fn may_pass(plugin: &str, info: &PodInfo, node: &NodeInfo) -> bool {
    match plugin {
        NODE_UNSCHEDULABLE => check_unschedulable(info, node).is_ok(),
        TAINT_TOLERATION => taint_toleration::check(info, node).is_ok(),
        NODE_AFFINITY => node_affinity::check(info, node).is_ok(),
        NODE_PORTS => check_ports(info, node).is_ok(),
        NODE_RESOURCES_FIT => node_resources::check(info, node).is_ok(),
        _ => true,
    }
}

// Models pkg/scheduler/framework/plugins/nodeunschedulable/node_unschedulable.go
fn check_unschedulable(info: &PodInfo, node: &NodeInfo) -> Result<(), Rejected> {
    if node.unschedulable && !info.tolerates(&Taint::unschedulable()) {
        return Err(Rejected::unresolvable(NODE_UNSCHEDULABLE, "node(s) were unschedulable"));
    }
    Ok(())
}

// Models pkg/scheduler/framework/plugins/nodeports/node_ports.go
fn check_ports(info: &PodInfo, node: &NodeInfo) -> Result<(), Rejected> {
    let taken = |wanted| node.host_ports.keys().any(|port| port.conflicts(wanted));
    if info.host_ports.iter().any(taken) {
        let reason = "node(s) didn't have free ports for the requested pod ports";
        return Err(Rejected::new(NODE_PORTS, reason));
    }
    Ok(())
}

/// Returns each node's score by each plugin, normalised and weighted, in the order of [`SCORE_PLUGINS`].
pub(crate) fn score(
    cache: &Cache,
    info: &PodInfo,
    nodes: &[&NodeInfo],
    surroundings: &Surroundings,
    profile: &Profile,
) -> Vec<[i64; SCORE_PLUGINS.len()]> {
    let each = |score: &dyn Fn(&NodeInfo) -> i64| nodes.iter().map(|node| score(node)).collect::<Vec<i64>>();
    let none = || vec![0; nodes.len()];
    let mut taints = none();
    if nodes.iter().any(|node| !node.taints.is_empty()) {
        taints = each(&|node| taint_toleration::score(info, node));
    }
    default_normalize(&mut taints, Best::Lowest);
    let mut affinity = none();
    if info.node_affinity.has_preferred() {
        affinity = each(&|node| info.node_affinity.score(node));
        default_normalize(&mut affinity, Best::Highest);
    }
    let fit = match profile.strategy {
        Strategy::LeastAllocated => each(&|node| node_resources::least_allocated(info, node)),
        Strategy::MostAllocated => each(&|node| node_resources::most_allocated(info, node)),
    };
    let spread =
        SpreadScore::new(cache, info, nodes, surroundings).map_or_else(none, |spread| spread.scores(nodes));
    let pods =
        AffinityScore::new(cache, info, surroundings).map_or_else(none, |affinity| affinity.scores(nodes));
    let balanced = match info.requests.is_zero() {
        true => none(),
        false => each(&|node| node_resources::balanced_allocation(info, node)),
    };
    let images = each(&|node| image_locality::score(cache, info, node));
    let columns = [taints, affinity, fit, spread, pods, balanced, images];
    (0..nodes.len())
        .map(|i| std::array::from_fn(|plugin| columns[plugin][i] * profile.weights[plugin]))
        .collect()
}

/// Which raw score is the best.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Best {
    Highest,
    Lowest,
}

/// Stretches scores so that the highest becomes 100, or turns them round so that the lowest is best.
// Models pkg/scheduler/framework/plugins/helper/normalize_score.go DefaultNormalizeScore
fn default_normalize(scores: &mut [i64], best: Best) {
    let max = scores.iter().copied().max().unwrap_or(0);
    for score in scores {
        let share = if max == 0 { 0 } else { MAX_NODE_SCORE * *score / max };
        *score = if best == Best::Lowest { MAX_NODE_SCORE - share } else { share };
    }
}
