//! Deletes the objects of a definition that is being deleted, and then lets it go.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/finalizer/crd_finalizer.go

use crate::condition;
use api::resources::CUSTOMRESOURCEDEFINITIONS;
use api::{Method, Request, Resource, Value, meta};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::{Nanos, SECOND};
use std::collections::BTreeSet;

const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";
/// How long objects that stay are waited for, before they are looked for again.
const POLL: Nanos = 5 * SECOND;

/// The controller that cleans up.
#[derive(Clone, Debug)]
pub(crate) struct Finalizer;

impl Reconcile for Finalizer {
    fn identity(&self) -> Identity {
        crate::identity()
    }

    fn resources(&self) -> Vec<Resource> {
        vec![CUSTOMRESOURCEDEFINITIONS]
    }

    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/finalizer/crd_finalizer.go
    // updateCustomResourceDefinition
    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if waits(&change.new) && plain(&change.old) != plain(&change.new) {
            queue.add(change.key.clone());
        }
    }

    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/finalizer/crd_finalizer.go sync
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        if !informers.of(CUSTOMRESOURCEDEFINITIONS).get(key).is_some_and(waits) {
            return Ok(None);
        }
        let mut definition = match cx.get(CUSTOMRESOURCEDEFINITIONS, "", key) {
            Err(failure) if failure.is_not_found() => return Ok(None),
            result => result?,
        };
        let words =
            ["Terminating", "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress"];
        let before = definition.clone();
        condition::set(&mut definition, cx.at(), words);
        if definition != before {
            definition = match cx.update(CUSTOMRESOURCEDEFINITIONS, &definition, "status") {
                Err(failure) if failure.is_not_found() || failure.is_conflict() => return Ok(Some(0)),
                result => result?,
            };
        }
        if !meta::is_condition_true(&definition, "Established") {
            let words = ["Terminating", "False", "NeverEstablished", "resource was never established"];
            condition::set(&mut definition, cx.at(), words);
        } else {
            if !delete_instances(cx, &definition)? {
                return Ok(Some(POLL));
            }
            let words = ["Terminating", "False", "InstanceDeletionCompleted", "removed all instances"];
            condition::set(&mut definition, cx.at(), words);
        }
        let finalizers = definition["metadata"]["finalizers"].items().iter();
        let kept: Value = finalizers.filter(|name| name.str() != FINALIZER).cloned().collect();
        definition.set(&["metadata", "finalizers"], kept);
        crate::establish::write(cx, &definition)
    }
}

/// Returns whether a definition is being deleted and its objects are still to go.
fn waits(definition: &Value) -> bool {
    let finalizers = definition["metadata"]["finalizers"].items();
    meta::is_deleting(definition) && finalizers.iter().any(|name| name.str() == FINALIZER)
}

/// Returns a definition without what this controller itself changes.
fn plain(definition: &Value) -> Value {
    let mut plain = definition.clone();
    plain.remove(&["metadata", "resourceVersion"]);
    condition::remove(&mut plain, "Terminating");
    plain
}

/// Deletes all objects; returns whether none is left.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/finalizer/crd_finalizer.go deleteInstances
fn delete_instances(cx: &mut Cx, definition: &Value) -> Result<bool, Failure> {
    let Some(resource) = Resource::of_definition(definition) else { return Ok(true) };
    let objects = cx.list(resource, "", "", "")?;
    let namespaces: BTreeSet<&str> = objects.iter().map(meta::namespace).collect();
    for namespace in namespaces {
        cx.send(Request::new(Method::Delete, resource.collection(namespace)))?;
    }
    Ok(objects.is_empty() || cx.list(resource, "", "", "")?.is_empty())
}
