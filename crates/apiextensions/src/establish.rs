//! Says that a kind whose names were accepted is served.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/establish/establishing_controller.go

use crate::condition;
use api::resources::CUSTOMRESOURCEDEFINITIONS;
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::Nanos;

/// The establishing controller.
#[derive(Clone, Debug)]
pub(crate) struct Establish;

impl Reconcile for Establish {
    fn identity(&self) -> Identity {
        crate::identity()
    }

    fn resources(&self) -> Vec<Resource> {
        vec![CUSTOMRESOURCEDEFINITIONS]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if meta::is_condition_true(&change.new, "NamesAccepted") {
            queue.add(change.key.clone());
        }
    }

    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/establish/establishing_controller.go sync
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(definition) = informers.of(CUSTOMRESOURCEDEFINITIONS).get(key) else { return Ok(None) };
        let is_true = |kind: &str| meta::is_condition_true(definition, kind);
        if !is_true("NamesAccepted") || is_true("Established") {
            return Ok(None);
        }
        let mut new = definition.clone();
        let words = ["Established", "True", "InitialNamesAccepted", "the initial names have been accepted"];
        condition::set(&mut new, cx.at(), words);
        write(cx, &new)
    }
}

/// Writes a definition's status; one that has changed or gone meanwhile comes again by the watch.
pub(crate) fn write(cx: &mut Cx, definition: &Value) -> Result<Option<Nanos>, Failure> {
    match cx.update(CUSTOMRESOURCEDEFINITIONS, definition, "status") {
        Err(failure) if !failure.is_not_found() && !failure.is_conflict() => Err(failure),
        _ => Ok(None),
    }
}
