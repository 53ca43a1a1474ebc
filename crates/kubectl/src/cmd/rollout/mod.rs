//! `kubectl rollout`
// Models staging/src/k8s.io/kubectl/pkg/cmd/rollout

pub(crate) mod history;
pub(crate) mod pause;
pub(crate) mod status;
pub(crate) mod undo;

use crate::builder::{self, Info, Take};
use crate::cmd::create::mapping;
use crate::cx::Cx;
use crate::failure::{Failure, Outcome, error};
use crate::files;
use api::{Value, meta};

/// The annotation that numbers a ReplicaSet.
pub(crate) const REVISION: &str = "deployment.kubernetes.io/revision";
/// The annotation that tells why a revision was made.
pub(crate) const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";

/// Returns the objects that the arguments name, with the failures.
fn infos(cx: &mut Cx) -> Outcome<(Vec<Info>, Vec<Failure>)> {
    let flags = cx.args();
    if flags.args.is_empty() && !files::are_named(cx) {
        return error("required resource not specified");
    }
    let targets = builder::targets(cx, &flags.args, Take { all: true })?;
    Ok(builder::fetch(cx, targets))
}

/// Returns the revision that an annotation numbers; `None` where there is none.
fn revision(object: &Value) -> Option<i64> {
    meta::annotation(object, REVISION).parse().ok()
}

/// Returns the ReplicaSets that a Deployment controls.
// Models staging/src/k8s.io/kubectl/pkg/util/deployment/deployment.go ListReplicaSets
pub(crate) fn replica_sets(cx: &mut Cx, deployment: &Value) -> Outcome<Vec<Value>> {
    let mapping = mapping("apps", "v1", "ReplicaSet")?;
    owned(cx, &mapping, deployment)
}

/// Returns the ControllerRevisions that a DaemonSet or StatefulSet controls, oldest first.
fn controller_revisions(cx: &mut Cx, owner: &Value) -> Outcome<Vec<Value>> {
    let mapping = mapping("apps", "v1", "ControllerRevision")?;
    let mut revisions = owned(cx, &mapping, owner)?;
    revisions.sort_by_key(|revision| revision["revision"].int());
    Ok(revisions)
}

fn owned(cx: &mut Cx, mapping: &crate::mapper::Mapping, owner: &Value) -> Outcome<Vec<Value>> {
    let selector = api::label::Selector::from_label_selector(&owner["spec"]["selector"]).to_string();
    let mut items = cx.list(mapping, meta::namespace(owner), &selector, "")?;
    items.retain(|item| meta::is_controlled_by(item, owner));
    Ok(items)
}
