use crate::node_info::NodeInfo;
use crate::plugins::{Filters, Rejected};
use crate::pod_info::PodInfo;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The pods for which room is being made, and where.
// Models pkg/scheduler/backend/queue/nominator.go
#[derive(Clone, Debug, Default)]
pub(crate) struct Nominated {
    pods: BTreeMap<Rc<str>, (Rc<str>, Rc<PodInfo>)>,
}

impl Nominated {
    /// Says that a pod is to have room on a node.
    pub(crate) fn set(&mut self, node: Rc<str>, info: Rc<PodInfo>) {
        self.pods.insert(info.key.clone(), (node, info));
    }

    /// Forgets a pod.
    pub(crate) fn remove(&mut self, pod: &str) {
        self.pods.remove(pod);
    }

    /// Returns the node where a pod is to have room.
    pub(crate) fn node_of(&self, pod: &str) -> Option<&Rc<str>> {
        self.pods.get(pod).map(|(node, _)| node)
    }

    /// Returns the pods that are to have room on a node.
    pub(crate) fn on<'a>(&'a self, node: &'a str) -> impl Iterator<Item = &'a Rc<PodInfo>> {
        self.pods.values().filter(move |(name, _)| **name == *node).map(|(_, info)| info)
    }

    /// Checks a node, both as it is and with the pods that are as important and to have room there.
    // Models pkg/scheduler/framework/runtime/framework.go RunFilterPluginsWithNominatedPods
    pub(crate) fn check(&self, filters: &Filters, info: &PodInfo, node: &NodeInfo) -> Result<(), Rejected> {
        if !self.pods.is_empty() {
            let counts = |pod: &&Rc<PodInfo>| pod.priority >= info.priority && pod.key != info.key;
            let mut expected = self.on(&node.name).filter(counts).peekable();
            if expected.peek().is_some() {
                let mut with_them = node.clone();
                expected.for_each(|pod| with_them.expect(pod.clone()));
                filters.check(info, &with_them)?;
            }
        }
        filters.check(info, node)
    }
}
