use super::{INTER_POD_AFFINITY, MAX_NODE_SCORE, Rejected, Surroundings};
use crate::cache::Cache;
use crate::node_info::{NodeInfo, Placed};
use crate::pod_info::PodInfo;
use api::label::Selector;
use api::{Value, meta};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What an existing pod's required affinity to the new one counts for.
const HARD_POD_AFFINITY_WEIGHT: i64 = 1;

/// One term of affinity or anti-affinity to other pods.
#[derive(Clone, Debug)]
pub(crate) struct AffinityTerm {
    selector: Selector,
    namespaces: Vec<Rc<str>>,
    namespace_selector: Selector,
    key: Rc<str>,
    weight: i64,
}

impl AffinityTerm {
    // Models pkg/scheduler/framework/types.go newAffinityTerm
    fn read(term: &Value, namespace: &str, weight: i64) -> AffinityTerm {
        let mut namespaces: Vec<Rc<str>> = term["namespaces"].items().iter().map(Value::text).collect();
        if namespaces.is_empty() && term["namespaceSelector"].is_null() {
            namespaces.push(namespace.into());
        }
        AffinityTerm {
            selector: Selector::from_label_selector(&term["labelSelector"]),
            namespaces,
            namespace_selector: Selector::from_label_selector(&term["namespaceSelector"]),
            key: term["topologyKey"].text(),
            weight,
        }
    }

    fn matches(&self, surroundings: &Surroundings, namespace: &Rc<str>, labels: &Value) -> bool {
        let here = self.namespaces.contains(namespace)
            || (!self.namespace_selector.nothing
                && self.namespace_selector.matches(&(surroundings.namespaces)(namespace)));
        here && self.selector.matches(labels)
    }
}

/// A pod's affinity and anti-affinity to other pods.
#[derive(Clone, Debug, Default)]
pub(crate) struct AffinityTerms {
    required: Vec<AffinityTerm>,
    pub(crate) required_anti: Vec<AffinityTerm>,
    preferred: Vec<AffinityTerm>,
    preferred_anti: Vec<AffinityTerm>,
}

impl AffinityTerms {
    /// Reads a pod's terms.
    pub(crate) fn of(pod: &Value) -> AffinityTerms {
        let namespace = meta::namespace(pod);
        let affinity = &pod["spec"]["affinity"];
        let required = |kind: &str| {
            let terms = affinity[kind]["requiredDuringSchedulingIgnoredDuringExecution"].items().iter();
            terms.map(|term| AffinityTerm::read(term, namespace, 0)).collect()
        };
        let preferred = |kind: &str| {
            let terms = affinity[kind]["preferredDuringSchedulingIgnoredDuringExecution"].items().iter();
            terms
                .map(|term| AffinityTerm::read(&term["podAffinityTerm"], namespace, term["weight"].int()))
                .collect()
        };
        AffinityTerms {
            required: required("podAffinity"),
            required_anti: required("podAntiAffinity"),
            preferred: preferred("podAffinity"),
            preferred_anti: preferred("podAntiAffinity"),
        }
    }

    /// Returns whether there is no term.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.required, &self.required_anti, &self.preferred, &self.preferred_anti]
            .iter()
            .all(|terms| terms.is_empty())
    }
}

/// How many pods count in a domain, by topology key and value.
type Pairs = BTreeMap<(Rc<str>, Rc<str>), i64>;

fn add(pairs: &mut Pairs, node: &NodeInfo, key: &Rc<str>, count: i64) {
    if count != 0
        && let Some(value) = node.label(key)
    {
        *pairs.entry((key.clone(), value.into())).or_default() += count;
    }
}

fn at(pairs: &Pairs, node: &NodeInfo, key: &Rc<str>) -> Option<i64> {
    let value = node.label(key)?;
    Some(pairs.get(&(key.clone(), value.into())).copied().unwrap_or(0))
}

/// What is counted once to tell nodes near pods that the pod must be, or must not be, near.
pub(super) struct AffinityFilter {
    wanted: Pairs,
    unwanted: Pairs,
    refused: Pairs,
    fits_itself: bool,
}

impl AffinityFilter {
    /// Counts; `None` where neither the pod nor any other requires anything.
    // Models pkg/scheduler/framework/plugins/interpodaffinity/filtering.go PreFilter
    pub(super) fn new(cache: &Cache, info: &PodInfo, surroundings: &Surroundings) -> Option<AffinityFilter> {
        let terms = &info.affinity;
        let mut refused = Pairs::new();
        for node in cache.nodes().iter().filter(|node| node.with_anti_affinity > 0) {
            for placed in node.pods.values() {
                for term in &placed.info.affinity.required_anti {
                    let matches = term.matches(surroundings, &info.namespace, &info.labels);
                    add(&mut refused, node, &term.key, i64::from(matches));
                }
            }
        }
        if refused.is_empty() && terms.required.is_empty() && terms.required_anti.is_empty() {
            return None;
        }
        let (mut wanted, mut unwanted) = (Pairs::new(), Pairs::new());
        if !terms.required.is_empty() {
            let mut all = cache.label_sets().matcher(|set| {
                terms.required.iter().all(|term| term.matches(surroundings, &set.namespace, &set.labels))
            });
            for node in cache.nodes() {
                let count = all.count(node).all;
                terms.required.iter().for_each(|term| add(&mut wanted, node, &term.key, count));
            }
        }
        for term in &terms.required_anti {
            let mut one =
                cache.label_sets().matcher(|set| term.matches(surroundings, &set.namespace, &set.labels));
            for node in cache.nodes() {
                let count = one.count(node).all;
                add(&mut unwanted, node, &term.key, count);
            }
        }
        let fits_itself =
            terms.required.iter().all(|term| term.matches(surroundings, &info.namespace, &info.labels));
        Some(AffinityFilter { wanted, unwanted, refused, fits_itself })
    }

    // Models pkg/scheduler/framework/plugins/interpodaffinity/filtering.go Filter
    pub(super) fn check(&self, info: &PodInfo, node: &NodeInfo) -> Result<(), Rejected> {
        if !self.is_near_wanted(info, node) {
            let reason = "node(s) didn't match pod affinity rules";
            return Err(Rejected::unresolvable(INTER_POD_AFFINITY, reason));
        }
        let near = |term: &AffinityTerm| at(&self.unwanted, node, &term.key).unwrap_or(0) > 0;
        if info.affinity.required_anti.iter().any(near) {
            return Err(Rejected::new(INTER_POD_AFFINITY, "node(s) didn't match pod anti-affinity rules"));
        }
        let is_refused = |(key, value): &(Rc<str>, Rc<str>)| node.label(key) == Some(value);
        if self.refused.keys().any(is_refused) {
            let reason = "node(s) didn't satisfy existing pods anti-affinity rules";
            return Err(Rejected::new(INTER_POD_AFFINITY, reason));
        }
        Ok(())
    }

    /// The first pod of a group that wants to be together may go anywhere.
    fn is_near_wanted(&self, info: &PodInfo, node: &NodeInfo) -> bool {
        let mut near_all = true;
        for term in &info.affinity.required {
            match at(&self.wanted, node, &term.key) {
                None => return false,
                Some(count) => near_all &= count > 0,
            }
        }
        near_all || (self.wanted.is_empty() && self.fits_itself)
    }
}

/// What is counted once to score nodes by the pods near them.
pub(super) struct AffinityScore {
    pairs: Pairs,
}

impl AffinityScore {
    /// Weighs the domains; `None` where nobody prefers anything.
    // Models pkg/scheduler/framework/plugins/interpodaffinity/scoring.go PreScore
    pub(super) fn new(cache: &Cache, info: &PodInfo, surroundings: &Surroundings) -> Option<AffinityScore> {
        let own = &info.affinity;
        let mut pairs = Pairs::new();
        for (terms, sign) in [(&own.preferred, 1), (&own.preferred_anti, -1)] {
            for term in terms {
                let matches =
                    |set: &crate::cache::LabelSet| term.matches(surroundings, &set.namespace, &set.labels);
                let mut matcher = cache.label_sets().matcher(matches);
                for node in cache.nodes() {
                    let count = matcher.count(node).all;
                    add(&mut pairs, node, &term.key, sign * term.weight * count);
                }
            }
        }
        for node in cache.nodes().iter().filter(|node| node.with_affinity > 0) {
            node.pods.values().for_each(|placed| weigh(&mut pairs, node, placed, info, surroundings));
        }
        (!pairs.is_empty()).then_some(AffinityScore { pairs })
    }

    /// Returns the nodes' scores, stretched from 0 to 100.
    // Models pkg/scheduler/framework/plugins/interpodaffinity/scoring.go NormalizeScore
    pub(super) fn scores(&self, nodes: &[&NodeInfo]) -> Vec<i64> {
        let raw = |node: &&NodeInfo| {
            let here = |((key, value), _): &(&(Rc<str>, Rc<str>), &i64)| node.label(key) == Some(value);
            self.pairs.iter().filter(here).map(|(_, weight)| *weight).sum::<i64>()
        };
        let raw: Vec<i64> = nodes.iter().map(raw).collect();
        let least = raw.iter().copied().min().unwrap_or(0);
        let range = raw.iter().copied().max().unwrap_or(0) - least;
        let score = |raw: i64| (MAX_NODE_SCORE as f64 * ((raw - least) as f64 / range as f64)) as i64;
        raw.into_iter().map(|raw| if range > 0 { score(raw) } else { 0 }).collect()
    }
}

/// Adds what a pod on a node thinks of the new one.
fn weigh(pairs: &mut Pairs, node: &NodeInfo, placed: &Placed, info: &PodInfo, surroundings: &Surroundings) {
    let terms = &placed.info.affinity;
    let likes = |term: &AffinityTerm| term.matches(surroundings, &info.namespace, &info.labels);
    for term in terms.required.iter().filter(|term| likes(term)) {
        add(pairs, node, &term.key, HARD_POD_AFFINITY_WEIGHT);
    }
    for (terms, sign) in [(&terms.preferred, 1), (&terms.preferred_anti, -1)] {
        for term in terms.iter().filter(|term| likes(term)) {
            add(pairs, node, &term.key, sign * term.weight);
        }
    }
}
