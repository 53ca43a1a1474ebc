//! Tells the watchers of each write. Streams are found by what they watch, so that a write costs
//! what its watchers cost: a pod's change is told to the kubelet of its node, not to all of them.
// Models staging/src/k8s.io/apiserver/pkg/storage/cacher/cacher.go Cacher

use crate::conversion;
use crate::fields::Selection;
use crate::printers;
use crate::resources::Rest;
use api::{Accept, EventType, Status, Value, WatchEvent, tree};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// One open watch.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    number: u16,
    namespace: Rc<str>,
    selection: Selection,
    form: Form,
    bookmarks: bool,
}

/// In which form a watcher wants the objects.
#[derive(Clone)]
struct Form {
    rest: Rc<Rest>,
    accept: Accept,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Form")
            .field("resource", &self.rest.group_resource)
            .field("accept", &self.accept)
            .finish()
    }
}

/// The streams that watch one resource.
#[derive(Clone, Debug, Default)]
struct Watched {
    everywhere: BTreeSet<u64>,
    by_namespace: BTreeMap<Rc<str>, BTreeSet<u64>>,
    by_node: BTreeMap<Rc<str>, BTreeSet<u64>>,
    by_name: BTreeMap<Rc<str>, BTreeSet<u64>>,
}

/// Where a stream is found.
enum Place {
    Everywhere,
    Namespace(Rc<str>),
    Node(Rc<str>),
    Name(Rc<str>),
}

impl Watched {
    fn set(&mut self, place: Place) -> &mut BTreeSet<u64> {
        match place {
            Place::Everywhere => &mut self.everywhere,
            Place::Namespace(namespace) => self.by_namespace.entry(namespace).or_default(),
            Place::Node(node) => self.by_node.entry(node).or_default(),
            Place::Name(name) => self.by_name.entry(name).or_default(),
        }
    }

    fn forget_empty(&mut self) {
        for sets in [&mut self.by_namespace, &mut self.by_node, &mut self.by_name] {
            sets.retain(|_, streams| !streams.is_empty());
        }
    }

    /// Returns the streams that a write may concern, in order.
    fn candidates(&self, old: &Value, new: &Value) -> Vec<u64> {
        let mut found: Vec<u64> = self.everywhere.iter().copied().collect();
        let object = if new.is_null() { old } else { new };
        let mut add = |sets: &BTreeMap<Rc<str>, BTreeSet<u64>>, key: &str| {
            if let Some(streams) = sets.get(key) {
                found.extend(streams);
            }
        };
        add(&self.by_namespace, api::meta::namespace(object));
        add(&self.by_name, api::meta::name(object));
        if !self.by_node.is_empty() {
            let (before, after) = (old["spec"]["nodeName"].str(), new["spec"]["nodeName"].str());
            add(&self.by_node, before);
            if after != before {
                add(&self.by_node, after);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// All open watches, and what is to be told to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watches {
    streams: BTreeMap<u64, Stream>,
    watched: BTreeMap<u16, Watched>,
    pending: Vec<(u64, i64, WatchEvent)>,
}

fn place(stream: &Stream) -> Place {
    if let Some(node) = stream.selection.required("spec.nodeName") {
        Place::Node(node)
    } else if let Some(name) = stream.selection.required("metadata.name") {
        Place::Name(name)
    } else if !stream.namespace.is_empty() {
        Place::Namespace(stream.namespace.clone())
    } else {
        Place::Everywhere
    }
}

impl Stream {
    pub(crate) fn new(
        rest: &Rest,
        namespace: &str,
        selection: Selection,
        accept: Accept,
        bookmarks: bool,
    ) -> Stream {
        let form = Form { rest: Rc::new(rest.clone()), accept };
        Stream { number: rest.number, namespace: namespace.into(), selection, form, bookmarks }
    }

    fn selects(&self, object: &Value) -> bool {
        (self.namespace.is_empty() || api::meta::namespace(object) == &*self.namespace)
            && self.selection.matches(object)
    }
}

impl Watches {
    /// Opens a watch.
    pub(crate) fn open(&mut self, id: u64, stream: Stream) {
        self.watched.entry(stream.number).or_default().set(place(&stream)).insert(id);
        self.streams.insert(id, stream);
    }

    /// Ends a watch. What was to be told to it isn't told any more.
    pub(crate) fn close(&mut self, id: u64) {
        if let Some(stream) = self.streams.remove(&id) {
            let watched = self.watched.entry(stream.number).or_default();
            watched.set(place(&stream)).remove(&id);
            watched.forget_empty();
        }
        self.pending.retain(|(stream, _, _)| *stream != id);
    }

    /// Takes what is to be told, in order.
    pub(crate) fn take(&mut self) -> Vec<(u64, i64, WatchEvent)> {
        std::mem::take(&mut self.pending)
    }

    /// Tells the watchers of a write; `old` is null for a new object, `new` for one that is gone.
    pub(crate) fn dispatch(&mut self, number: u16, revision: i64, old: &Value, new: &Value, now: Time) {
        let Some(watched) = self.watched.get(&number) else {
            return;
        };
        // What a watcher loses it sees once more as it was, with the revision that took it.
        let mut last: Option<Value> = None;
        for id in watched.candidates(old, new) {
            let Some(stream) = self.streams.get(&id) else {
                continue;
            };
            let event = match (stream.selects(old), stream.selects(new)) {
                (false, false) => continue,
                (false, true) => EventType::Added,
                (true, true) => EventType::Modified,
                (true, false) => EventType::Deleted,
            };
            let object = if event == EventType::Deleted {
                last.get_or_insert_with(|| with_revision(old, revision)).clone()
            } else {
                new.clone()
            };
            let object = shape(&stream.form, object, now);
            self.pending.push((id, revision, WatchEvent { event, object }));
        }
    }

    /// Tells a watcher of one write of the past.
    pub(crate) fn replay(&mut self, id: u64, revision: i64, old: &Value, new: &Value, now: Time) {
        let Some(stream) = self.streams.get(&id) else {
            return;
        };
        let (event, object) = match (stream.selects(old), stream.selects(new)) {
            (false, false) => return,
            (false, true) => (EventType::Added, new.clone()),
            (true, true) => (EventType::Modified, new.clone()),
            (true, false) => (EventType::Deleted, with_revision(old, revision)),
        };
        let object = shape(&stream.form, object, now);
        self.pending.push((id, revision, WatchEvent { event, object }));
    }

    /// Tells a watcher that the objects it was told of so far are all there are.
    pub(crate) fn end_of_initial(&mut self, id: u64, revision: i64) {
        let Some(stream) = self.streams.get(&id) else {
            return;
        };
        let mut object = bookmark(&stream.form.rest, revision);
        object.set(&["metadata", "annotations"], tree!({"k8s.io/initial-events-end": "true"}));
        self.pending.push((id, revision, WatchEvent { event: EventType::Bookmark, object }));
    }

    /// Tells a watcher why its watch ends, and ends it.
    pub(crate) fn fail(&mut self, id: u64, status: &Status) {
        self.close(id);
        let event = WatchEvent { event: EventType::Error, object: status.to_value() };
        self.pending.push((id, 0, event));
    }

    /// Tells those who asked for bookmarks how far their watch is.
    pub(crate) fn bookmark_all(&mut self, revision: i64) {
        for (id, stream) in &self.streams {
            if stream.bookmarks {
                let object = bookmark(&stream.form.rest, revision);
                self.pending.push((*id, revision, WatchEvent { event: EventType::Bookmark, object }));
            }
        }
    }

    /// Returns how many watches are open.
    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }
}

fn bookmark(rest: &Rest, revision: i64) -> Value {
    tree!({
        "kind": (rest.kind.kind),
        "apiVersion": (rest.api_version.as_str()),
        "metadata": {"resourceVersion": (revision.to_string())},
    })
}

fn with_revision(object: &Value, revision: i64) -> Value {
    let mut object = object.clone();
    object.set(&["metadata", "resourceVersion"], revision.to_string());
    object
}

fn shape(form: &Form, object: Value, now: Time) -> Value {
    let object = conversion::from_stored(&form.rest, object);
    match form.accept {
        Accept::Object | Accept::Discovery => object,
        Accept::Metadata => printers::partial_metadata(&object),
        accept => {
            let metadata = tree!({"resourceVersion": (&object["metadata"]["resourceVersion"])});
            printers::table(&form.rest, std::iter::once(object), metadata, accept, now)
        }
    }
}
