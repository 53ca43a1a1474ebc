use super::{MAX_NODE_SCORE, POD_TOPOLOGY_SPREAD, Rejected, Surroundings};
use crate::cache::{Cache, LabelSet};
use crate::node_info::NodeInfo;
use crate::pod_info::PodInfo;
use api::label::{Operator, Requirement, Selector};
use api::{Value, meta};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// A topologySpreadConstraint.
#[derive(Clone, Debug)]
pub(crate) struct SpreadConstraint {
    max_skew: i64,
    key: Rc<str>,
    selector: Selector,
    min_domains: i64,
    is_hard: bool,
    honors_affinity: bool,
    honors_taints: bool,
}

impl SpreadConstraint {
    /// Reads a pod's constraints.
    // Models pkg/scheduler/framework/plugins/podtopologyspread/common.go newTopologySpreadConstraint
    pub(crate) fn of(pod: &Value) -> Vec<SpreadConstraint> {
        let read = |one: &Value| {
            let mut selector = Selector::from_label_selector(&one["labelSelector"]);
            for key in one["matchLabelKeys"].items() {
                if let Some(value) = meta::labels(pod)[key.str()].as_str() {
                    let (key, values) = (key.str().to_string(), vec![value.to_string()]);
                    selector.requirements.push(Requirement { key, operator: Operator::In, values });
                }
            }
            SpreadConstraint {
                max_skew: one["maxSkew"].int(),
                key: one["topologyKey"].text(),
                selector,
                min_domains: one["minDomains"].as_int().unwrap_or(1),
                is_hard: one["whenUnsatisfiable"].str() != "ScheduleAnyway",
                honors_affinity: one["nodeAffinityPolicy"].str() != "Ignore",
                honors_taints: one["nodeTaintsPolicy"].str() == "Honor",
            }
        };
        pod["spec"]["topologySpreadConstraints"].items().iter().map(read).collect()
    }

    /// The constraints that hold where a pod has none: spread over hosts, a little over zones.
    // Models pkg/scheduler/framework/plugins/podtopologyspread/plugin.go systemDefaultConstraints
    fn defaults(selector: &Selector) -> Vec<SpreadConstraint> {
        let soft = |key: &str, max_skew| SpreadConstraint {
            max_skew,
            key: key.into(),
            selector: selector.clone(),
            min_domains: 1,
            is_hard: false,
            honors_affinity: true,
            honors_taints: false,
        };
        if selector.is_empty() || selector.nothing {
            Vec::new()
        } else {
            vec![soft(HOSTNAME, 3), soft(ZONE, 5)]
        }
    }

    // Models pkg/scheduler/framework/plugins/podtopologyspread/common.go matchNodeInclusionPolicies
    fn includes(&self, info: &PodInfo, node: &NodeInfo) -> bool {
        (!self.honors_affinity || info.node_affinity.matches(node))
            && (!self.honors_taints || super::taint_toleration::check(info, node).is_ok())
    }

    fn matches(&self, info: &PodInfo, set: &LabelSet) -> bool {
        set.namespace == info.namespace && self.selector.matches(&set.labels)
    }
}

struct Counted {
    constraint: SpreadConstraint,
    counts: BTreeMap<Rc<str>, i64>,
    least: i64,
    itself: i64,
}

/// What is counted once to tell nodes that would make the spread too uneven.
pub(super) struct SpreadFilter {
    constraints: Vec<Counted>,
}

impl SpreadFilter {
    /// Counts the pods in each domain; `None` where the pod requires no spread.
    // Models pkg/scheduler/framework/plugins/podtopologyspread/filtering.go calPreFilterState
    pub(super) fn new(cache: &Cache, info: &PodInfo) -> Option<SpreadFilter> {
        let hard: Vec<&SpreadConstraint> = info.spread.iter().filter(|one| one.is_hard).collect();
        if hard.is_empty() {
            return None;
        }
        let has_all = |node: &&NodeInfo| hard.iter().all(|one| node.label(&one.key).is_some());
        let nodes: Vec<&NodeInfo> = cache.nodes().iter().filter(has_all).collect();
        let count = |constraint: &SpreadConstraint| {
            let mut matcher = cache.label_sets().matcher(|set| constraint.matches(info, set));
            let mut counts: BTreeMap<Rc<str>, i64> = BTreeMap::new();
            for node in nodes.iter().filter(|node| constraint.includes(info, node)) {
                let domain = node.label(&constraint.key).unwrap_or_default();
                *counts.entry(domain.into()).or_default() += matcher.count(node).staying;
            }
            let enough = counts.len() as i64 >= constraint.min_domains;
            let least = counts.values().copied().min().filter(|_| enough);
            let itself = i64::from(constraint.selector.matches(&info.labels));
            // Without any domain nothing is too many, as upstream's minimum is then the greatest number.
            let least = least.unwrap_or(if enough { i64::from(i32::MAX) } else { 0 });
            Counted { constraint: constraint.clone(), counts, least, itself }
        };
        Some(SpreadFilter { constraints: hard.into_iter().map(count).collect() })
    }

    // Models pkg/scheduler/framework/plugins/podtopologyspread/filtering.go Filter
    pub(super) fn check(&self, node: &NodeInfo) -> Result<(), Rejected> {
        for counted in &self.constraints {
            let Some(domain) = node.label(&counted.constraint.key) else {
                let reason = "node(s) didn't match pod topology spread constraints (missing required label)";
                return Err(Rejected::unresolvable(POD_TOPOLOGY_SPREAD, reason));
            };
            let there = counted.counts.get(domain).copied().unwrap_or(0);
            if there + counted.itself - counted.least > counted.constraint.max_skew {
                let reason = "node(s) didn't match pod topology spread constraints";
                return Err(Rejected::new(POD_TOPOLOGY_SPREAD, reason));
            }
        }
        Ok(())
    }
}

/// What is counted once to score nodes by how even they make the spread.
pub(super) struct SpreadScore {
    raw: Vec<Option<i64>>,
}

impl SpreadScore {
    /// Counts the pods in each domain; `None` where there is nothing to spread.
    // Models pkg/scheduler/framework/plugins/podtopologyspread/scoring.go PreScore, Score
    pub(super) fn new(
        cache: &Cache,
        info: &PodInfo,
        nodes: &[&NodeInfo],
        surroundings: &Surroundings,
    ) -> Option<SpreadScore> {
        let of_pod = !info.spread.is_empty();
        let constraints: Vec<SpreadConstraint> = match of_pod {
            true => info.spread.iter().filter(|one| !one.is_hard).cloned().collect(),
            false => SpreadConstraint::defaults(&surroundings.default_selector),
        };
        if constraints.is_empty() {
            return None;
        }
        let has_all = |node: &NodeInfo| constraints.iter().all(|one| node.label(&one.key).is_some());
        let is_scored = |node: &NodeInfo| !of_pod || has_all(node);
        let mut raw: Vec<Option<f64>> = nodes.iter().map(|node| is_scored(node).then_some(0.0)).collect();
        for constraint in &constraints {
            let mut matcher = cache.label_sets().matcher(|set| constraint.matches(info, set));
            let scored = nodes.iter().zip(&mut raw).filter_map(|(node, raw)| Some((*node, raw.as_mut()?)));
            if &*constraint.key == HOSTNAME {
                let scored: Vec<(&NodeInfo, &mut f64)> = scored.collect();
                let weight = domain_weight(scored.len());
                for (node, raw) in scored.into_iter().filter(|(node, _)| node.label(HOSTNAME).is_some()) {
                    *raw += constraint.score(matcher.count(node).staying, weight);
                }
                continue;
            }
            if nodes.iter().all(|node| node.label(&constraint.key).is_none()) {
                continue; // no node is in a domain, so none is better
            }
            let scored: Vec<(&NodeInfo, &mut f64)> = scored.collect();
            let domains: BTreeSet<&str> =
                scored.iter().map(|(node, _)| node.label(&constraint.key).unwrap_or_default()).collect();
            let mut counts: BTreeMap<&str, i64> = domains.iter().map(|domain| (*domain, 0)).collect();
            let counted = cache.nodes().iter().filter(|node| !of_pod || has_all(node));
            for node in counted.filter(|node| constraint.includes(info, node)) {
                if let Some(count) = counts.get_mut(node.label(&constraint.key).unwrap_or_default()) {
                    *count += matcher.count(node).staying;
                }
            }
            let weight = domain_weight(domains.len());
            for (node, raw) in scored {
                if let Some(domain) = node.label(&constraint.key) {
                    *raw += constraint.score(counts.get(domain).copied().unwrap_or(0), weight);
                }
            }
        }
        Some(SpreadScore { raw: raw.into_iter().map(|raw| raw.map(|raw| raw.round() as i64)).collect() })
    }

    /// Returns the nodes' scores: the fewer pods, the better; nodes out of any domain get 0.
    // Models pkg/scheduler/framework/plugins/podtopologyspread/scoring.go NormalizeScore
    pub(super) fn scores(&self, nodes: &[&NodeInfo]) -> Vec<i64> {
        let known = self.raw.iter().flatten().copied();
        let (least, most) = (known.clone().min().unwrap_or(0), known.max().unwrap_or(0));
        let score = |raw: &Option<i64>| match raw {
            None => 0,
            Some(_) if most == 0 => MAX_NODE_SCORE,
            Some(raw) => MAX_NODE_SCORE * (most + least - raw) / most,
        };
        self.raw.iter().map(score).take(nodes.len()).collect()
    }
}

impl SpreadConstraint {
    fn score(&self, count: i64, weight: f64) -> f64 {
        count as f64 * weight + (self.max_skew - 1) as f64
    }
}

fn domain_weight(domains: usize) -> f64 {
    libm::log((domains + 2) as f64)
}
