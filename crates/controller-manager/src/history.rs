//! ControllerRevisions: the templates that a DaemonSet or a StatefulSet has had.
// Models pkg/controller/history/controller_history.go

use crate::claim::{Claimant, controller_reference};
use crate::hash::pod_template_hash;
use api::resources::CONTROLLERREVISIONS;
use api::{Resource, Value, meta, tree};
use client::{Cx, Failure, Informers};

/// The label of a revision that tells its hash.
pub(crate) const HASH_LABEL: &str = "controller.kubernetes.io/hash";

/// How often a name that is taken is tried anew with another hash.
const COLLISIONS: i64 = 16;

/// Returns what a revision keeps: the template, as a patch that puts it back.
// Models pkg/controller/statefulset/stateful_set_utils.go getPatch
pub(crate) fn template_patch(owner: &Value) -> Value {
    let mut template = owner["spec"]["template"].clone();
    template.set(&["$patch"], "replace");
    tree!({"spec": {"template": (template)}})
}

/// Returns an owner as it was at a revision.
// Models pkg/controller/statefulset/stateful_set_utils.go ApplyRevision
pub(crate) fn apply(owner: &Value, revision: &Value) -> Value {
    let mut template = revision["data"]["spec"]["template"].clone();
    template.remove(&["$patch"]);
    let mut owner = owner.clone();
    owner.set(&["spec", "template"], template);
    owner
}

/// Returns an owner's revisions, the oldest first; it adopts those that nobody controls.
///
/// # Errors
/// What the API server refused.
pub(crate) fn list(cx: &mut Cx, informers: &Informers, claimant: &Claimant) -> Result<Vec<Value>, Failure> {
    let all = informers.of(CONTROLLERREVISIONS).in_namespace(meta::namespace(claimant.owner));
    let all: Vec<Value> = all.cloned().collect();
    let mut revisions = claimant.claim(cx, CONTROLLERREVISIONS, all)?;
    revisions.sort_by_key(|revision| (revision["revision"].int(), meta::name(revision).to_string()));
    Ok(revisions)
}

/// Creates the revision of an owner's template as it is, under a name that is still free. Returns it,
/// and how many names were taken so far.
///
/// # Errors
/// What the API server refused.
// Models pkg/controller/history/controller_history.go CreateControllerRevision
pub(crate) fn create(
    cx: &mut Cx,
    resource: Resource,
    owner: &Value,
    number: i64,
    collisions: i64,
) -> Result<(Value, i64), Failure> {
    let template = &owner["spec"]["template"];
    let mut labels = meta::labels(template).clone();
    let mut revision = tree!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "namespace": (meta::namespace(owner)),
            "ownerReferences": [(controller_reference(resource, owner))],
        },
        "data": (template_patch(owner)),
        "revision": number,
    });
    if !meta::annotations(owner).is_empty() {
        revision.set(&["metadata", "annotations"], meta::annotations(owner));
    }
    let mut collisions = collisions;
    loop {
        let hash = pod_template_hash(template, Some(collisions));
        labels.set(&[HASH_LABEL], hash.as_str());
        revision.set(&["metadata", "labels"], &labels);
        revision.set(&["metadata", "name"], format!("{}-{hash}", meta::name(owner)));
        match cx.create(CONTROLLERREVISIONS, &revision) {
            Err(failure) if failure.is_already_exists() && collisions < COLLISIONS => {
                let there = cx.get(CONTROLLERREVISIONS, meta::namespace(owner), meta::name(&revision))?;
                if there["data"] == revision["data"] {
                    return Ok((there, collisions));
                }
                collisions += 1;
            }
            result => return result.map(|created| (created, collisions)),
        }
    }
}

/// Makes an old revision the newest.
///
/// # Errors
/// What the API server refused.
pub(crate) fn renumber(cx: &mut Cx, revision: &Value, number: i64) -> Result<Value, Failure> {
    let mut wanted = revision.clone();
    wanted.set(&["revision"], number);
    cx.update(CONTROLLERREVISIONS, &wanted, "")
}

/// Deletes revisions; those that are gone already are no failure.
///
/// # Errors
/// What the API server refused.
pub(crate) fn delete<'a>(cx: &mut Cx, revisions: impl Iterator<Item = &'a Value>) -> Result<(), Failure> {
    for revision in revisions {
        let name = meta::name(revision);
        match cx.delete(CONTROLLERREVISIONS, meta::namespace(revision), name, Value::Null) {
            Err(failure) if !failure.is_not_found() => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}
