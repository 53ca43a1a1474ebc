use crate::plugins::Rejected;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Why no node suits a pod.
// Models pkg/scheduler/framework/types.go FitError
#[derive(Clone, Debug, Default)]
pub(crate) struct FitError {
    /// How many nodes there are.
    pub(crate) all_nodes: usize,
    /// Why a plugin gave up before it looked at nodes; empty for no such plugin.
    pub(crate) pre_filter: String,
    /// Why each node that was looked at was rejected.
    pub(crate) rejected: BTreeMap<Rc<str>, Rejected>,
    /// Why the other nodes weren't looked at.
    pub(crate) absent: Option<String>,
    /// What preemption has to say.
    pub(crate) post_filter: String,
}

impl FitError {
    /// Returns the message that the event and the pod's condition carry.
    pub(crate) fn message(&self) -> String {
        let mut text = format!("0/{} nodes are available", self.all_nodes);
        if !self.pre_filter.is_empty() {
            text.push_str(&format!(": {}.", self.pre_filter));
        } else {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for reason in self.rejected.values().flat_map(|rejected| &rejected.reasons) {
                *counts.entry(reason).or_default() += 1;
            }
            let missing = self.all_nodes.saturating_sub(self.rejected.len());
            if let Some(absent) = self.absent.as_deref().filter(|_| missing > 0) {
                *counts.entry(absent).or_default() += missing;
            }
            text.push_str(&list(counts));
        }
        if !self.post_filter.is_empty() {
            text.push(' ');
            text.push_str(&self.post_filter);
        }
        text
    }

    /// Returns the nodes that other pods' going might make suit.
    pub(crate) fn resolvable(&self) -> impl Iterator<Item = &Rc<str>> {
        self.rejected.iter().filter(|(_, rejected)| !rejected.unresolvable).map(|(node, _)| node)
    }
}

fn list(counts: BTreeMap<&str, usize>) -> String {
    let mut reasons: Vec<String> =
        counts.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    reasons.sort();
    if reasons.is_empty() { String::new() } else { format!(": {}.", reasons.join(", ")) }
}
