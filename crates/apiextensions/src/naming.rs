//! Reserves a kind's names: nobody else in its group may have them.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/status/naming_controller.go

use crate::condition;
use api::resources::CUSTOMRESOURCEDEFINITIONS;
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::Nanos;
use std::collections::BTreeSet;

/// The controller of names.
#[derive(Clone, Debug)]
pub(crate) struct Naming;

impl Reconcile for Naming {
    fn identity(&self) -> Identity {
        crate::identity()
    }

    fn resources(&self) -> Vec<Resource> {
        vec![CUSTOMRESOURCEDEFINITIONS]
    }

    /// A definition that goes, or whose names change, may free names that others of its group wait for.
    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        queue.add(change.key.clone());
        let names = |definition: &Value| definition["status"]["acceptedNames"].clone();
        if names(&change.old) != names(&change.new) {
            let group = &change.object()["spec"]["group"];
            let others = informers.of(CUSTOMRESOURCEDEFINITIONS).iter();
            for other in others.filter(|other| other["spec"]["group"] == *group) {
                queue.add(meta::key(other));
            }
        }
    }

    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/status/naming_controller.go sync
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let definitions = informers.of(CUSTOMRESOURCEDEFINITIONS);
        let Some(definition) = definitions.get(key) else { return Ok(None) };
        if definition["spec"]["names"] == definition["status"]["acceptedNames"] {
            return Ok(None);
        }
        let group = &definition["spec"]["group"];
        let used = Used::of(definitions.iter().filter(|other| other["spec"]["group"] == *group));
        let (names, trouble) = used.accept(definition);
        let mut new = definition.clone();
        new.set(&["status", "acceptedNames"], names);
        match &trouble {
            None => condition::set(
                &mut new,
                cx.at(),
                ["NamesAccepted", "True", "NoConflicts", "no conflicts found"],
            ),
            Some((reason, message)) => {
                condition::set(&mut new, cx.at(), ["NamesAccepted", "False", reason, message])
            }
        }
        if !meta::is_condition_true(definition, "Established") {
            let (reason, message) = match trouble {
                None => ("Installing", "the initial names have been accepted"),
                Some(_) => ("NotAccepted", "not all names are accepted"),
            };
            condition::set(&mut new, cx.at(), ["Established", "False", reason, message]);
        }
        if new["status"] == definition["status"] {
            return Ok(None);
        }
        crate::establish::write(cx, &new)
    }
}

/// The names that a group's definitions have.
struct Used {
    resources: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

impl Used {
    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/status/naming_controller.go getAcceptedNamesForGroup
    fn of<'a>(definitions: impl Iterator<Item = &'a Value>) -> Used {
        let mut used = Used { resources: BTreeSet::new(), kinds: BTreeSet::new() };
        for definition in definitions {
            let names = &definition["status"]["acceptedNames"];
            let short = names["shortNames"].items().iter();
            let all = [&names["plural"], &names["singular"]].into_iter().chain(short);
            used.resources.extend(all.map(|name| name.str().to_string()));
            used.kinds.extend([&names["kind"], &names["listKind"]].map(|name| name.str().to_string()));
        }
        used
    }

    /// Returns a definition's names as far as they can be accepted, and the last reason against one.
    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/status/naming_controller.go calculateNamesAndConditions
    fn accept(&self, definition: &Value) -> (Value, Option<(&'static str, String)>) {
        let wanted = &definition["spec"]["names"];
        let accepted = &definition["status"]["acceptedNames"];
        let mut names = accepted.clone();
        let mut trouble = None;
        for (field, reason) in [("plural", "PluralConflict"), ("singular", "SingularConflict")] {
            match is_free(&wanted[field], &accepted[field], &self.resources) {
                Ok(()) => names.set(&[field], &wanted[field]),
                Err(error) => trouble = Some((reason, error)),
            }
        }
        let own = |name: &Value| {
            accepted["shortNames"].items().contains(name)
                || *name == accepted["plural"]
                || *name == accepted["singular"]
        };
        let short = wanted["shortNames"].items();
        let taken = short
            .iter()
            .filter(|name| !own(name))
            .filter_map(|name| is_free(name, &Value::Null, &self.resources).err());
        let taken: Vec<String> = taken.collect();
        match taken.as_slice() {
            [] if wanted["shortNames"].is_null() => drop(names.remove(&["shortNames"])),
            [] => names.set(&["shortNames"], &wanted["shortNames"]),
            [one] => trouble = Some(("ShortNamesConflict", one.clone())),
            all => trouble = Some(("ShortNamesConflict", format!("[{}]", all.join(", ")))),
        }
        for (field, reason) in [("kind", "KindConflict"), ("listKind", "ListKindConflict")] {
            match is_free(&wanted[field], &accepted[field], &self.kinds) {
                Ok(()) => names.set(&[field], &wanted[field]),
                Err(error) => trouble = Some((reason, error)),
            }
        }
        match &wanted["categories"] {
            Value::Null => drop(names.remove(&["categories"])),
            categories => names.set(&["categories"], categories),
        }
        (names, trouble)
    }
}

// Models staging/src/k8s.io/apiextensions-apiserver/pkg/controller/status/naming_controller.go equalToAcceptedOrFresh
fn is_free(wanted: &Value, accepted: &Value, used: &BTreeSet<String>) -> Result<(), String> {
    if wanted.str() == accepted.str() || !used.contains(wanted.str()) {
        return Ok(());
    }
    Err(format!("{:?} is already in use", wanted.str()))
}
