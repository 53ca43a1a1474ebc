use api::{KeyMap, Resource, Value, meta};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

pub(super) const FOREGROUND: &str = "foregroundDeletion";
pub(super) const ORPHAN: &str = "orphan";

/// An object of the graph.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Its resource; `None` where an owner reference names a kind that isn't served.
    pub(super) resource: Option<Resource>,
    pub(super) key: Rc<str>,
    /// Its owners' uids, and whether it keeps each of them from being deleted in the foreground.
    pub(super) owners: BTreeMap<Rc<str>, bool>,
    pub(super) dependents: BTreeSet<Rc<str>>,
    /// Whether it was never seen, but is named as an owner.
    pub(super) is_virtual: bool,
    pub(super) is_deleting: bool,
    /// Whether it waits for its dependents to go.
    pub(super) deletes_dependents: bool,
    orphans_dependents: bool,
}

impl Node {
    fn has_owners(&self, references: &[Value]) -> bool {
        let known = |reference: &Value| self.owners.get(reference["uid"].str()).copied();
        self.owners.len() == references.len()
            && references.iter().all(|one| known(one) == Some(one["blockOwnerDeletion"].is_true()))
    }
}

/// What a change makes necessary: the uids of objects to look at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tasks {
    pub(super) delete: Vec<Rc<str>>,
    pub(super) orphan: Vec<Rc<str>>,
}

/// Whom an object's going concerns, by uid.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) dependents: Vec<Rc<str>>,
    /// Those of its owners that wait for it to go.
    pub(super) waiting_owners: Vec<Rc<str>>,
}

/// Who owns whom, by uid.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    nodes: KeyMap<Node>,
}

/// Returns whether an object has a finalizer.
pub(super) fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    object["metadata"]["finalizers"].items().iter().any(|known| known.str() == finalizer)
}

impl Graph {
    /// Returns an object.
    pub(super) fn get(&self, uid: &str) -> Option<&Node> {
        self.nodes.get(uid)
    }

    /// Returns an object's key for people; its uid where it isn't known.
    pub(super) fn key_of(&self, uid: &str) -> Rc<str> {
        self.nodes.get(uid).map_or(uid.into(), |node| node.key.clone())
    }

    /// Takes an object as it is now.
    // Models pkg/controller/garbagecollector/graph_builder.go processGraphChanges
    pub(super) fn set(&mut self, resource: Resource, object: &Value, served: &[Resource]) -> Tasks {
        let mut tasks = Tasks::default();
        let uid = meta::uid(object);
        if uid.is_empty() {
            return tasks;
        }
        let is_deleting = meta::is_deleting(object);
        let [waits, orphans] = [FOREGROUND, ORPHAN].map(|name| is_deleting && has_finalizer(object, name));
        let references = object["metadata"]["ownerReferences"].items();
        let same = self.nodes.get(uid).is_some_and(|node| {
            let traits =
                [node.is_virtual, node.is_deleting, node.deletes_dependents, node.orphans_dependents];
            traits == [false, is_deleting, waits, orphans] && node.has_owners(references)
        });
        if same {
            return tasks;
        }
        let owners: BTreeMap<Rc<str>, bool> = references
            .iter()
            .map(|reference| (reference["uid"].text(), reference["blockOwnerDeletion"].is_true()))
            .collect();
        let known = self.nodes.remove(uid).map(|(_, node)| node);
        let before = known.as_ref().map(|node| node.owners.clone()).unwrap_or_default();
        let [waited, orphaned] =
            known.as_ref().map_or([false; 2], |node| [node.deletes_dependents, node.orphans_dependents]);
        let node = Node {
            resource: Some(resource),
            key: meta::key(object),
            owners: owners.clone(),
            dependents: known.map(|node| node.dependents).unwrap_or_default(),
            is_virtual: false,
            is_deleting,
            deletes_dependents: waits,
            orphans_dependents: orphans,
        };
        if waits && !waited {
            tasks.delete.extend(node.dependents.iter().cloned());
            tasks.delete.push(uid.into());
        }
        if orphans && !orphaned {
            tasks.orphan.push(uid.into());
        }
        self.nodes.insert(&uid.into(), node);
        for reference in references.iter().filter(|one| !before.contains_key(one["uid"].str())) {
            if self.add_dependent(reference, meta::namespace(object), uid, served) {
                tasks.delete.push(reference["uid"].text());
            }
        }
        for (owner, blocked) in before {
            let gone = !owners.contains_key(&owner);
            let unblocked = blocked && !owners.get(&owner).copied().unwrap_or(false);
            let waits = self.nodes.get(&owner).is_some_and(|node| node.deletes_dependents);
            if gone {
                self.remove_dependent(&owner, uid);
            }
            if unblocked && waits {
                tasks.delete.push(owner);
            }
        }
        tasks
    }

    /// Takes a dependent from an owner; one that was only named is forgotten with its last dependent.
    fn remove_dependent(&mut self, owner: &str, uid: &str) {
        let Some((_, node)) = self.nodes.get_entry(owner) else { return };
        node.dependents.remove(uid);
        if node.is_virtual && node.dependents.is_empty() {
            self.nodes.remove(owner);
        }
    }

    /// Adds a dependent to an owner; returns whether the owner wasn't known.
    fn add_dependent(&mut self, reference: &Value, namespace: &str, uid: &str, served: &[Resource]) -> bool {
        if let Some((_, owner)) = self.nodes.get_entry(reference["uid"].str()) {
            owner.dependents.insert(uid.into());
            return false;
        }
        let resource = resource_of(reference, served);
        let namespace = if resource.is_some_and(|resource| resource.namespaced) { namespace } else { "" };
        let owner = Node {
            resource,
            key: meta::object_key(namespace, reference["name"].str()),
            owners: BTreeMap::new(),
            dependents: BTreeSet::from([uid.into()]),
            is_virtual: true,
            is_deleting: false,
            deletes_dependents: false,
            orphans_dependents: false,
        };
        self.nodes.insert(&reference["uid"].text(), owner);
        true
    }

    /// Takes an object away; returns whom that concerns.
    pub(super) fn remove(&mut self, uid: &str) -> Option<Left> {
        let (_, node) = self.nodes.remove(uid)?;
        let mut waiting = Vec::new();
        for owner in node.owners.into_keys() {
            self.remove_dependent(&owner, uid);
            if self.nodes.get(&owner).is_some_and(|known| known.deletes_dependents) {
                waiting.push(owner);
            }
        }
        Some(Left { dependents: node.dependents.into_iter().collect(), waiting_owners: waiting })
    }

    /// Returns the dependents that keep an object from being deleted in the foreground.
    pub(super) fn blocking_dependents(&self, uid: &str) -> Vec<(Rc<str>, &Node)> {
        let dependents = self.nodes.get(uid).into_iter().flat_map(|node| &node.dependents);
        let known = dependents.filter_map(|uid| Some((uid.clone(), self.nodes.get(uid)?)));
        known.filter(|(_, node)| node.owners.get(uid).copied().unwrap_or(false)).collect()
    }
}

/// Returns the resource that an owner reference names.
pub(super) fn resource_of(reference: &Value, served: &[Resource]) -> Option<Resource> {
    let (version, kind) = (reference["apiVersion"].str(), reference["kind"].str());
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let same_kind = |resource: &&Resource| resource.kind == kind && resource.group == group;
    let exact = served.iter().filter(same_kind).find(|resource| resource.api_version() == version);
    exact.or_else(|| served.iter().find(same_kind)).copied()
}
