use crate::{Delivery, WatchSpec};
use api::{EventType, KeyMap, Resource, Value, meta};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::rc::Rc;

/// By what else than its key an object is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexBy {
    /// The uid of its controller.
    ControllerUid,
    /// `spec.nodeName`.
    NodeName,
    /// The value of a label, within its namespace: `namespace/value`.
    Label(&'static str),
    /// `spec.volumeName`; claims that name no volume are found by the empty name.
    VolumeName,
}

impl IndexBy {
    /// Returns whether two objects share what is asked of them, so that it is the same.
    fn is_same(self, one: &Value, other: &Value) -> bool {
        let (above, field) = match self {
            IndexBy::ControllerUid => ("metadata", "ownerReferences"),
            IndexBy::NodeName => ("spec", "nodeName"),
            IndexBy::Label(_) => ("metadata", "labels"),
            IndexBy::VolumeName => ("spec", "volumeName"),
        };
        let (one, other) = (&one[above], &other[above]);
        one.same(other) || one[field].same(&other[field])
    }

    fn value(self, object: &Value) -> Option<String> {
        let text = match self {
            IndexBy::ControllerUid => meta::controller(object)?["uid"].str().to_string(),
            IndexBy::NodeName => object["spec"]["nodeName"].str().to_string(),
            IndexBy::VolumeName => object["spec"]["volumeName"].str().to_string(),
            IndexBy::Label(label) => {
                let value = meta::labels(object)[label].as_str()?;
                format!("{}/{value}", meta::namespace(object))
            }
        };
        (!text.is_empty() || self == IndexBy::VolumeName && !object.is_null()).then_some(text)
    }
}

/// A change that a watch brought: null before where the object is new, null after where it is gone.
#[derive(Clone, Debug)]
pub struct Change {
    /// The resource.
    pub resource: Resource,
    /// The object's key.
    pub key: Rc<str>,
    /// As it was.
    pub old: Value,
    /// As it is.
    pub new: Value,
}

impl Change {
    /// Returns the object as it is, or as it was last.
    pub fn object(&self) -> &Value {
        if self.new.is_null() { &self.old } else { &self.new }
    }

    /// Returns whether the object shares its owners with what it was, so that they are surely the same.
    pub fn keeps_owners(&self) -> bool {
        IndexBy::ControllerUid.is_same(&self.old, &self.new)
    }

    /// Returns whether somebody may want to adopt the object now: it has no controller, and has come, has lost one or
    /// has other labels.
    // Models pkg/controller/replicaset/replica_set.go addPod, updatePod
    pub fn is_up_for_adoption(&self) -> bool {
        !self.new.is_null()
            && api::meta::controller(&self.new).is_none()
            && (self.old.is_null()
                || api::meta::controller(&self.old).is_some()
                || api::meta::labels(&self.old) != api::meta::labels(&self.new))
    }
}

#[derive(Clone, Debug)]
struct Index {
    by: IndexBy,
    keys: BTreeMap<String, BTreeSet<Rc<str>>>,
}

/// The cache of one watch. It is late: what it holds may have changed in the store.
#[derive(Clone, Debug)]
pub struct Informer {
    resource: Resource,
    objects: KeyMap<Value>,
    indices: Vec<Index>,
    synced: bool,
}

impl Informer {
    /// Makes an empty cache.
    pub fn new(resource: Resource) -> Informer {
        Informer { resource, objects: KeyMap::new(), indices: Vec::new(), synced: false }
    }

    /// Adds an index, unless it is there.
    pub fn add_index(&mut self, by: IndexBy) {
        if self.indices.iter().any(|index| index.by == by) {
            return;
        }
        let mut index = Index { by, keys: BTreeMap::new() };
        for (key, object) in self.objects.iter() {
            if let Some(value) = by.value(object) {
                index.keys.entry(value).or_default().insert(key.clone());
            }
        }
        self.indices.push(index);
    }

    /// Returns whether the first list has come.
    pub fn is_synced(&self) -> bool {
        self.synced
    }

    /// Returns the object with this key (`namespace/name`).
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.objects.get(key)
    }

    /// Returns all objects in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        self.objects.values()
    }

    /// Returns a namespace's objects in the order of their names.
    pub fn in_namespace<'a>(&'a self, namespace: &str) -> impl Iterator<Item = &'a Value> {
        let (from, to) = ([namespace, "/"].concat(), [namespace, "0"].concat());
        self.objects.range(&from, Bound::Excluded(to.as_str())).map(|(_, object)| object)
    }

    /// Returns the objects that an index finds, in the order of their keys; none without that index.
    pub fn by_index<'a>(&'a self, by: IndexBy, value: &str) -> impl Iterator<Item = &'a Value> {
        let index = self.indices.iter().find(|index| index.by == by);
        let keys = index.and_then(|index| index.keys.get(value));
        keys.into_iter().flatten().filter_map(|key| self.objects.get(key))
    }

    /// Returns by which values an index finds objects, in order; none without that index.
    pub fn index_values(&self, by: IndexBy) -> impl Iterator<Item = &str> {
        let index = self.indices.iter().find(|index| index.by == by);
        index.into_iter().flat_map(|index| index.keys.keys().map(String::as_str))
    }

    /// Returns how many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Returns whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Puts an object in the place of the one with its key.
    fn put(&mut self, new: Value) -> Change {
        // Most are there already, with their keys.
        let known = meta::with_key(&new, |key| {
            let (key, value) = self.objects.get_entry(key)?;
            Some((key.clone(), std::mem::replace(value, new.clone())))
        });
        let (key, old) = known.unwrap_or_else(|| {
            let key = meta::key(&new);
            self.objects.insert(&key, new.clone());
            (key, Value::Null)
        });
        self.index(key, old, new)
    }

    /// Takes the object with a key out.
    fn take(&mut self, key: &str) -> Change {
        let (key, old) = self.objects.remove(key).unwrap_or_else(|| (key.into(), Value::Null));
        self.index(key, old, Value::Null)
    }

    /// Follows a change in the indices.
    fn index(&mut self, key: Rc<str>, old: Value, new: Value) -> Change {
        for index in &mut self.indices {
            if index.by.is_same(&old, &new) {
                continue;
            }
            let (before, after) = (index.by.value(&old), index.by.value(&new));
            if before == after {
                continue;
            }
            if let Some(value) = before
                && let Some(keys) = index.keys.get_mut(&value)
            {
                keys.remove(&key);
                if keys.is_empty() {
                    index.keys.remove(&value);
                }
            }
            if let Some(value) = after {
                index.keys.entry(value).or_default().insert(key.clone());
            }
        }
        Change { resource: self.resource, key, old, new }
    }

    /// Takes what the watch brought and returns the changes it makes, in order.
    pub fn deliver(&mut self, delivery: Delivery) -> Vec<Change> {
        match delivery {
            Delivery::Event(event) => match event.event {
                EventType::Added | EventType::Modified => vec![self.put(event.object)],
                EventType::Deleted => {
                    let mut change = meta::with_key(&event.object, |key| self.take(key));
                    change.old = event.object; // its last state, which the cache may not have had
                    vec![change]
                }
                EventType::Bookmark | EventType::Error => Vec::new(),
            },
            Delivery::Listed(objects) => {
                self.synced = true;
                let there: BTreeSet<Rc<str>> = objects.iter().map(meta::key).collect();
                let gone: Vec<Rc<str>> =
                    self.objects.keys().filter(|key| !there.contains(*key)).cloned().collect();
                let mut changes: Vec<Change> = gone.iter().map(|key| self.take(key)).collect();
                for object in objects {
                    let change = self.put(object);
                    if change.old != change.new {
                        changes.push(change);
                    }
                }
                changes
            }
        }
    }
}

/// The caches of a component, one for each of its watches.
#[derive(Clone, Debug, Default)]
pub struct Informers {
    informers: Vec<Informer>,
    /// The resources' signs, in the same order.
    signs: Vec<u32>,
    /// How many of them wait for their first list.
    unsynced: usize,
}

impl Informers {
    /// Makes the caches for a list of watches, in its order.
    pub fn new(watches: &[WatchSpec]) -> Informers {
        let mut informers = Informers::default();
        watches.iter().for_each(|watch| informers.add(watch));
        informers
    }

    /// Adds the cache of one more watch, at the end.
    pub fn add(&mut self, watch: &WatchSpec) {
        self.informers.push(Informer::new(watch.resource));
        self.signs.push(watch.resource.sign());
        self.unsynced += 1;
    }

    /// Returns the cache of a resource; an empty one where it isn't watched.
    pub fn of(&self, resource: Resource) -> &Informer {
        const NOTHING: &Informer = &Informer {
            resource: api::resources::PODS,
            objects: KeyMap::new(),
            indices: Vec::new(),
            synced: false,
        };
        let sign = resource.sign();
        let mut same = self.signs.iter().zip(&self.informers).filter(|(known, _)| **known == sign);
        same.find(|(_, informer)| informer.resource.is(resource)).map_or(NOTHING, |(_, informer)| informer)
    }

    /// Adds an index to the cache of a resource.
    pub fn add_index(&mut self, resource: Resource, by: IndexBy) {
        if let Some(informer) = self.informers.iter_mut().find(|informer| informer.resource == resource) {
            informer.add_index(by);
        }
    }

    /// Returns whether all first lists have come.
    pub fn are_synced(&self) -> bool {
        self.unsynced == 0
    }

    /// Takes what watch number `watch` brought and returns the changes it makes.
    pub fn deliver(&mut self, watch: u32, delivery: Delivery) -> Vec<Change> {
        match self.informers.get_mut(watch as usize) {
            Some(informer) => {
                let was_synced = informer.is_synced();
                let changes = informer.deliver(delivery);
                self.unsynced -= usize::from(!was_synced && informer.is_synced());
                changes
            }
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::{WatchEvent, resources::PODS, tree};

    fn pod(name: &str, owner: &str) -> Value {
        tree!({"metadata": {"namespace": "default", "name": name,
            "ownerReferences": [{"uid": owner, "controller": true}]}})
    }

    fn keys(informer: &Informer, owner: &str) -> Vec<String> {
        informer.by_index(IndexBy::ControllerUid, owner).map(|pod| meta::name(pod).to_string()).collect()
    }

    #[test]
    fn claims_are_found_by_their_volume() {
        let claim = |name: &str, volume: &str| tree!({"metadata": {"namespace": "d", "name": name}, "spec": {"volumeName": volume}});
        let mut informer = Informer::new(api::resources::PERSISTENTVOLUMECLAIMS);
        informer.add_index(IndexBy::VolumeName);
        informer.deliver(Delivery::Listed(vec![claim("a", "v"), claim("b", ""), claim("c", "v")]));
        let find = |informer: &Informer, volume: &str| {
            informer.by_index(IndexBy::VolumeName, volume).map(meta::name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!((find(&informer, "v"), find(&informer, "")), ("a c".into(), "b".into()));
        let event = |event, object| Delivery::Event(WatchEvent { event, object });
        informer.deliver(event(EventType::Modified, claim("b", "w")));
        informer.deliver(event(EventType::Deleted, claim("a", "v")));
        let found = ["v", "w", ""].map(|volume| find(&informer, volume));
        assert_eq!(found, ["c", "b", ""], "what is gone is found by no name");
    }

    #[test]
    fn follows_its_watch() {
        let mut informer = Informer::new(PODS);
        informer.add_index(IndexBy::ControllerUid);
        let changes = informer.deliver(Delivery::Listed(vec![pod("a", "1"), pod("b", "1")]));
        assert_eq!(changes.len(), 2);
        assert_eq!(keys(&informer, "1"), ["a", "b"]);
        let event = |event, object| Delivery::Event(WatchEvent { event, object });
        informer.deliver(event(EventType::Modified, pod("b", "2")));
        assert_eq!((keys(&informer, "1"), keys(&informer, "2")), (vec!["a".into()], vec!["b".into()]));
        informer.deliver(event(EventType::Deleted, pod("a", "1")));
        assert!(keys(&informer, "1").is_empty());
        assert_eq!(informer.in_namespace("default").count(), 1);
        assert_eq!(informer.in_namespace("defaul").count(), 0);
        let changes = informer.deliver(Delivery::Listed(vec![pod("c", "3")]));
        assert_eq!(changes.iter().map(|change| &*change.key).collect::<Vec<_>>(), ["default/b", "default/c"]);
    }
}
