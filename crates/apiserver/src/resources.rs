//! The resources that are served, each with what the request path needs of it at hand.

use crate::cel;
use crate::conversion;
use crate::custom::{Custom, Writing};
use crate::handlers::Scope;
use crate::printers::{self, Printer};
use crate::registry::{self, Strategy};
use api::text::is_same;
use api::{Resource, Value};
use schema::Kind;
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

/// One resource of one version.
#[derive(Clone)]
pub(crate) struct Rest {
    pub(crate) kind: &'static Kind,
    /// `v1`, `apps/v1`.
    pub(crate) api_version: String,
    /// `pods`, `deployments.apps`.
    pub(crate) group_resource: String,
    /// `Pod`, `Deployment.apps`.
    pub(crate) group_kind: String,
    /// `/registry/pods/`.
    pub(crate) prefix: String,
    /// The number of what is stored. Two versions of the same objects have one.
    pub(crate) number: u16,
    pub(crate) strategy: &'static Strategy,
    pub(crate) printer: &'static Printer,
    /// What whoever creates an object is told where nothing acts upon it yet; else nothing.
    pub(crate) unattended: &'static str,
    /// Whether objects have a status that is written apart from the rest.
    pub(crate) has_status: bool,
    /// What is stored of a status in which nothing is set: what is printed though it be zero.
    pub(crate) blank_status: Value,
    /// What is particular to a custom resource; `None` of a built-in one.
    pub(crate) custom: Option<Rc<Custom>>,
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest")
            .field("resource", &self.group_resource)
            .field("version", &self.api_version)
            .finish()
    }
}

impl Rest {
    /// Returns the key of an object in the store.
    pub(crate) fn key(&self, namespace: &str, name: &str) -> String {
        let mut key = String::with_capacity(self.prefix.len() + namespace.len() + name.len() + 1);
        key.push_str(&self.prefix);
        if self.kind.namespaced {
            key.push_str(namespace);
            key.push('/');
        }
        key.push_str(name);
        key
    }

    /// Returns the prefix of the keys of a collection. An empty namespace means all of them.
    pub(crate) fn range(&self, namespace: &str) -> String {
        if self.kind.namespaced && !namespace.is_empty() {
            self.key(namespace, "")
        } else {
            self.prefix.clone()
        }
    }

    /// Returns whether this is the core Event or that of `events.k8s.io`.
    pub(crate) fn is_group(&self, group: &str, plural: &str) -> bool {
        self.kind.plural == plural && self.kind.group == group
    }

    /// Returns a stored custom resource in this version; a built-in one stays as it is.
    pub(crate) fn read_custom(&self, object: Value) -> Value {
        match &self.custom {
            Some(custom) => custom.read(&self.api_version, object),
            None => object,
        }
    }

    /// Returns a write of a custom resource; `None` of a built-in one.
    pub(crate) fn writing<'a>(&'a self, scope: Scope, old: &'a Value) -> Option<Writing<'a>> {
        let custom = self.custom.as_deref()?;
        Some(Writing { rest: self, custom, scope, old })
    }

    /// Returns whether it is pods.
    pub(crate) fn is_pods(&self) -> bool {
        self.is_group("", "pods")
    }

    /// Returns whether it is services.
    pub(crate) fn is_services(&self) -> bool {
        self.is_group("", "services")
    }
}

/// Returns where upstream keeps a resource's objects.
// Models pkg/kubeapiserver/default_storage_factory_builder.go specialDefaultResourcePrefixes
fn place(plural: &str) -> &str {
    match plural {
        "services" => "services/specs",
        "endpoints" => "services/endpoints",
        "nodes" => "minions",
        "replicationcontrollers" => "controllers",
        "ingresses" => "ingress",
        "podsecuritypolicies" => "podsecuritypolicy",
        plural => plural,
    }
}

/// Returns what whoever creates an object is told, since nothing acts upon its kind.
fn unattended(kind: &Kind) -> &'static str {
    let row = unattended_rows().find(|row| row[..2] == [kind.group, kind.plural]);
    row.filter(|row| row[3] != "cel" || !cel::is_available()).map_or("", |row| row[2])
}

/// Returns the rows of the table of those kinds: group, plural, words, feature.
fn unattended_rows() -> impl Iterator<Item = [&'static str; 4]> {
    let rows = include_str!("../data/unattended.tsv").lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let mut cells = row.split('\t');
        [(); 4].map(|()| cells.next().unwrap_or(""))
    })
}

fn is_stored(kind: &Kind) -> bool {
    kind.verbs.contains(&"list") && kind.verbs.contains(&"create")
}

/// Returns every resource that can be served, sorted by plural, then by group and version.
pub(crate) fn all() -> &'static [Rest] {
    // Each thread has its own, because a custom resource's part is of one thread.
    thread_local! {
        static TABLE: &'static [Rest] = Vec::leak(table());
    }
    TABLE.with(|table| *table)
}

fn table() -> Vec<Rest> {
    let mut kinds: Vec<&'static Kind> = schema::kinds().iter().collect();
    kinds.sort_by_key(|kind| (kind.plural, kind.group, kind.version));
    let mut number = 0;
    let mut table: Vec<Rest> = Vec::with_capacity(kinds.len());
    for kind in kinds {
        let same = table.last().is_some_and(|last| {
            let events = last.kind.plural == "events" && kind.plural == "events";
            events || last.kind.plural == kind.plural && last.kind.group == kind.group
        });
        if !same {
            number += 1;
        }
        table.push(rest(kind, number));
    }
    table
}

fn rest(kind: &'static Kind, number: u16) -> Rest {
    Rest {
        kind,
        api_version: kind.api_version(),
        group_resource: kind.group_resource(),
        group_kind: kind.group_kind(),
        prefix: format!("/registry/{}/", place(kind.plural)),
        number,
        strategy: registry::find(kind.group, kind.plural, kind.namespaced),
        printer: printers::find(kind.group, kind.plural),
        unattended: unattended(kind),
        has_status: kind.subresource("status").is_some(),
        blank_status: schema::empty(conversion::stored_kind(kind))["status"].clone(),
        custom: None,
    }
}

/// Returns a resource.
pub(crate) fn find(group: &str, version: &str, plural: &str) -> Option<&'static Rest> {
    // Most are asked for again and again: where each was found is where it is looked for first.
    thread_local! {
        static FOUND: [Cell<u16>; PLACES] = const { [const { Cell::new(0) }; PLACES] };
    }
    let all = all();
    let is = |rest: &Rest| {
        let kind = rest.kind;
        is_same(kind.plural, plural) && is_same(kind.group, group) && is_same(kind.version, version)
    };
    let place =
        plural.bytes().fold(group.len(), |sum, byte| sum.wrapping_mul(31) + usize::from(byte)) % PLACES;
    FOUND.with(|found| {
        if let Some(rest) = all.get(usize::from(found[place].get())).filter(|rest| is(rest)) {
            return Some(rest);
        }
        let from = all.partition_point(|rest| rest.kind.plural < plural);
        let at = from + all.get(from..)?.iter().take_while(|rest| rest.kind.plural == plural).position(is)?;
        found[place].set(u16::try_from(at).unwrap_or(0));
        all.get(at)
    })
}

/// How many places are remembered.
const PLACES: usize = 128;

/// Returns the resource of which a built-in one is made.
pub(crate) fn of(resource: Resource) -> Option<&'static Rest> {
    find(resource.group, resource.version, resource.plural)
}

/// Returns the resources that are served and whose objects can be listed and deleted, in the order of
/// discovery. Where two versions show the same objects, the first is meant.
pub fn served_resources() -> Vec<Resource> {
    let mut served: Vec<Resource> = Vec::new();
    for kind in schema::kinds().iter().filter(|kind| kind.served && is_stored(kind)) {
        let events = kind.plural == "events" && !kind.group.is_empty();
        if events || served.iter().any(|other| other.plural == kind.plural && other.group == kind.group) {
            continue;
        }
        served.push(Resource {
            group: kind.group,
            version: kind.version,
            plural: kind.plural,
            kind: kind.kind,
            namespaced: kind.namespaced,
        });
    }
    served
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_of_kinds_that_are_served() {
        for [group, plural, words, feature] in unattended_rows() {
            assert!(!words.is_empty() && matches!(feature, "" | "cel"), "{plural}");
            let mut found = all().iter().filter(|rest| rest.is_group(group, plural) && rest.kind.served);
            let is_evaluated = cel::is_available() && feature == "cel";
            assert!(found.any(|rest| rest.unattended.is_empty() == is_evaluated), "{plural}");
        }
    }

    #[test]
    fn finds_resources_and_their_keys() {
        let pods = find("", "v1", "pods").unwrap();
        assert_eq!(pods.key("default", "x"), "/registry/pods/default/x");
        assert_eq!(pods.range(""), "/registry/pods/");
        assert_eq!(find("", "v1", "nodes").unwrap().key("", "n"), "/registry/minions/n");
        let deployments = find("apps", "v1", "deployments").unwrap();
        assert_eq!(
            (&*deployments.group_resource, &*deployments.group_kind),
            ("deployments.apps", "Deployment.apps")
        );
        assert!(find("apps", "v1beta1", "deployments").is_none());
        let events = [find("", "v1", "events").unwrap(), find("events.k8s.io", "v1", "events").unwrap()];
        assert_eq!(events[0].number, events[1].number);
        assert_ne!(pods.number, deployments.number);
        assert!(served_resources().iter().any(|resource| resource.plural == "pods"));
        assert_eq!(served_resources().iter().filter(|resource| resource.plural == "events").count(), 1);
    }
}
