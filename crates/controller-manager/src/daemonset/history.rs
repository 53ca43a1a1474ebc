use super::NodePods;
use crate::claim::{Claimant, controller_reference};
use crate::hash::pod_template_hash;
use crate::history;
use api::label::Selector;
use api::resources::{CONTROLLERREVISIONS, DAEMONSETS};
use api::{Value, meta, tree};
use client::{Cx, Failure, Informers};

pub(super) const HASH_LABEL: &str = "controller-revision-hash";

/// Returns the revision of the template as it is, and the old ones.
// Models pkg/controller/daemon/update.go constructHistory
pub(super) fn construct(
    cx: &mut Cx,
    informers: &Informers,
    ds: &Value,
) -> Result<(Value, Vec<Value>), Failure> {
    let selector = Selector::from_label_selector(&ds["spec"]["selector"]);
    let claimant = Claimant { resource: DAEMONSETS, owner: ds, selector: &selector };
    let mut revisions = history::list(cx, informers, &claimant)?;
    let data = history::template_patch(ds);
    let at = revisions.iter().rposition(|revision| revision["data"] == data);
    let current = at.map(|at| revisions.remove(at));
    let next = revisions.last().map_or(0, |revision| revision["revision"].int()) + 1;
    let current = match current {
        None => snapshot(cx, ds, data, next)?,
        Some(current) if current["revision"].int() < next => history::renumber(cx, &current, next)?,
        Some(current) => current,
    };
    Ok((current, revisions))
}

// Models pkg/controller/daemon/update.go snapshot
fn snapshot(cx: &mut Cx, ds: &Value, data: Value, number: i64) -> Result<Value, Failure> {
    let template = &ds["spec"]["template"];
    let hash = pod_template_hash(template, ds["status"]["collisionCount"].as_int());
    let mut labels = meta::labels(template).clone();
    labels.set(&[HASH_LABEL], hash.as_str());
    let mut revision = tree!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": (format!("{}-{hash}", meta::name(ds))),
            "namespace": (meta::namespace(ds)),
            "labels": (labels),
            "ownerReferences": [(controller_reference(DAEMONSETS, ds))],
        },
        "data": (data),
        "revision": number,
    });
    if !meta::annotations(ds).is_empty() {
        revision.set(&["metadata", "annotations"], meta::annotations(ds));
    }
    match cx.create(CONTROLLERREVISIONS, &revision) {
        Err(failure) if failure.is_already_exists() => {
            let there = cx.get(CONTROLLERREVISIONS, meta::namespace(ds), meta::name(&revision))?;
            if there["data"] == revision["data"] {
                return Ok(there);
            }
            let mut counted = cx.get(DAEMONSETS, meta::namespace(ds), meta::name(ds))?;
            counted.set(&["status", "collisionCount"], ds["status"]["collisionCount"].int() + 1);
            cx.update(DAEMONSETS, &counted, "status")?;
            Err(failure)
        }
        result => result,
    }
}

/// Deletes old revisions beyond the history's limit that no pod is of, the oldest first.
// Models pkg/controller/daemon/update.go cleanupHistory
pub(super) fn cleanup(
    cx: &mut Cx,
    ds: &Value,
    current: &Value,
    old: Vec<Value>,
    pods: &NodePods,
) -> Result<(), Failure> {
    let limit = ds["spec"]["revisionHistoryLimit"].as_int().unwrap_or(10).max(0) as usize;
    let hash = |object: &Value| meta::labels(object)[HASH_LABEL].text();
    let live: Vec<_> = pods.values().flatten().map(hash).collect();
    let excess = old.len().saturating_sub(limit);
    let unused =
        old.iter().filter(|revision| !live.contains(&hash(revision)) && hash(revision) != hash(current));
    history::delete(cx, unused.take(excess))
}
