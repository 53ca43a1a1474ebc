use super::{NODE_AFFINITY, Rejected};
use crate::node_info::NodeInfo;
use crate::pod_info::PodInfo;
use api::Value;
use api::label::{Requirement, Selector};
use std::collections::BTreeSet;
use std::rc::Rc;

/// One term: all its requirements on labels and on the name must be met.
#[derive(Clone, Debug)]
struct Term {
    labels: Selector,
    /// (whether the name must be among these, the names).
    names: Vec<(bool, Vec<Rc<str>>)>,
    weight: i64,
}

impl Term {
    /// Reads a NodeSelectorTerm. One without any requirement matches nothing.
    fn read(term: &Value, weight: i64) -> Term {
        let requirements: Vec<Requirement> =
            term["matchExpressions"].items().iter().filter_map(Requirement::of_expression).collect();
        let fields = term["matchFields"].items();
        let is_field = |field: &&Value| field["key"].str() == "metadata.name";
        let names = |field: &Value| field["values"].items().iter().map(Value::text).collect();
        let nothing = requirements.len() < term["matchExpressions"].items().len()
            || (requirements.is_empty() && fields.is_empty());
        Term {
            labels: Selector { requirements, nothing },
            names: fields
                .iter()
                .filter(is_field)
                .map(|one| (one["operator"].str() == "In", names(one)))
                .collect(),
            weight,
        }
    }

    fn matches(&self, node: &NodeInfo) -> bool {
        let names = self.names.iter();
        names.clone().all(|(is_in, names)| names.contains(&node.name) == *is_in)
            && self.labels.matches(&node.labels)
    }

    /// Returns the names to which the term limits itself; `None` where to none.
    fn only(&self) -> Option<BTreeSet<Rc<str>>> {
        let mut sets =
            self.names.iter().filter(|(is_in, _)| *is_in).map(|(_, names)| names.iter().cloned().collect());
        let first: BTreeSet<Rc<str>> = sets.next()?;
        Some(sets.fold(first, |all, set: BTreeSet<Rc<str>>| all.intersection(&set).cloned().collect()))
    }
}

/// A pod's nodeSelector and node affinity.
#[derive(Clone, Debug)]
pub(crate) struct NodeAffinity {
    selector: Selector,
    /// Of these at least one must match; `None` where nothing is required.
    required: Option<Vec<Term>>,
    preferred: Vec<Term>,
}

impl NodeAffinity {
    /// Reads a pod's spec.
    pub(crate) fn of(spec: &Value) -> NodeAffinity {
        let affinity = &spec["affinity"]["nodeAffinity"];
        let required = &affinity["requiredDuringSchedulingIgnoredDuringExecution"];
        let terms = required["nodeSelectorTerms"].items().iter().map(|term| Term::read(term, 0));
        let preferred = affinity["preferredDuringSchedulingIgnoredDuringExecution"].items().iter();
        NodeAffinity {
            selector: Selector::from_map(&spec["nodeSelector"]),
            required: (!required.is_null()).then(|| terms.collect()),
            preferred: preferred
                .map(|term| Term::read(&term["preference"], term["weight"].int()))
                .filter(|term| term.weight != 0)
                .collect(),
        }
    }

    /// Returns whether a node is as required.
    // Models staging/src/k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go RequiredNodeAffinity
    pub(crate) fn matches(&self, node: &NodeInfo) -> bool {
        self.selector.matches(&node.labels)
            && self.required.as_ref().is_none_or(|terms| terms.iter().any(|term| term.matches(node)))
    }

    /// Returns the nodes' names to which the pod limits itself, as a DaemonSet's pods do; `None` where
    /// it may be any.
    // Models pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go PreFilter
    pub(crate) fn only(&self) -> Option<BTreeSet<Rc<str>>> {
        let terms = self.required.as_ref()?;
        let mut all = BTreeSet::new();
        for term in terms {
            all.extend(term.only()?);
        }
        (!terms.is_empty()).then_some(all)
    }

    pub(super) fn has_preferred(&self) -> bool {
        !self.preferred.is_empty()
    }

    /// Returns the sum of the weights of the preferences that a node meets.
    pub(super) fn score(&self, node: &NodeInfo) -> i64 {
        self.preferred.iter().filter(|term| term.matches(node)).map(|term| term.weight).sum()
    }
}

// Models pkg/scheduler/framework/plugins/nodeaffinity/node_affinity.go Filter
pub(super) fn check(info: &PodInfo, node: &NodeInfo) -> Result<(), Rejected> {
    if info.node_affinity.matches(node) {
        return Ok(());
    }
    Err(Rejected::unresolvable(NODE_AFFINITY, "node(s) didn't match Pod's node affinity/selector"))
}
