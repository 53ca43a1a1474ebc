use super::{Rejected, TAINT_TOLERATION};
use crate::node_info::NodeInfo;
use crate::pod_info::PodInfo;
use api::Value;
use std::rc::Rc;

/// A node's taint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taint {
    key: Rc<str>,
    value: Rc<str>,
    effect: Rc<str>,
}

impl Taint {
    /// Reads a taint.
    pub(crate) fn read(taint: &Value) -> Taint {
        Taint { key: taint["key"].text(), value: taint["value"].text(), effect: taint["effect"].text() }
    }

    /// Returns the taint that stands for `spec.unschedulable`.
    pub(crate) fn unschedulable() -> Taint {
        Taint {
            key: "node.kubernetes.io/unschedulable".into(),
            value: "".into(),
            effect: "NoSchedule".into(),
        }
    }
}

/// What a pod puts up with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toleration {
    key: Rc<str>,
    value: Rc<str>,
    effect: Rc<str>,
    exists: bool,
}

impl Toleration {
    /// Reads a toleration.
    pub(crate) fn read(toleration: &Value) -> Toleration {
        Toleration {
            key: toleration["key"].text(),
            value: toleration["value"].text(),
            effect: toleration["effect"].text(),
            exists: toleration["operator"].str() == "Exists",
        }
    }

    // Models staging/src/k8s.io/api/core/v1/toleration.go ToleratesTaint
    pub(crate) fn tolerates(&self, taint: &Taint) -> bool {
        (self.effect.is_empty() || self.effect == taint.effect)
            && (self.key.is_empty() || self.key == taint.key)
            && (self.exists || self.value == taint.value)
    }
}

// Models pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go Filter
pub(super) fn check(info: &PodInfo, node: &NodeInfo) -> Result<(), Rejected> {
    let keeps_away = |taint: &&Taint| matches!(&*taint.effect, "NoSchedule" | "NoExecute");
    if node.taints.iter().filter(keeps_away).all(|taint| info.tolerates(taint)) {
        return Ok(());
    }
    Err(Rejected::unresolvable(TAINT_TOLERATION, "node(s) had untolerated taint(s)"))
}

/// Returns how many PreferNoSchedule taints the pod doesn't tolerate.
// Models pkg/scheduler/framework/plugins/tainttoleration/taint_toleration.go Score
pub(super) fn score(info: &PodInfo, node: &NodeInfo) -> i64 {
    let soft = node.taints.iter().filter(|taint| &*taint.effect == "PreferNoSchedule");
    let applies = |one: &&Toleration| one.effect.is_empty() || &*one.effect == "PreferNoSchedule";
    let tolerated = |taint: &Taint| info.tolerations.iter().filter(applies).any(|one| one.tolerates(taint));
    soft.filter(|taint| !tolerated(taint)).count() as i64
}
