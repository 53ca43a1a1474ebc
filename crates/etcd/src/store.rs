use crate::history::{Event, EventKind, History};
use api::{KeyMap, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::rc::Rc;

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The value.
    pub value: Value,
    /// The revision at which the key came into being.
    pub create_revision: i64,
    /// The revision of its last write.
    pub mod_revision: i64,
}

/// What a write expects of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expect {
    /// Nothing.
    Any,
    /// That it isn't there.
    Absent,
    /// That its last write made this revision.
    ModRevision(i64),
}

/// Why a write was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteError {
    /// The key is there already.
    Exists,
    /// The key isn't there.
    Missing,
    /// The key was written since.
    Changed,
}

/// The revision asked for is no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Compacted {
    /// The revision that was asked for.
    pub requested: i64,
    /// The oldest revision that may still be asked for.
    pub oldest: i64,
}

impl fmt::Display for Compacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "too old resource version: {} ({})", self.requested, self.oldest)
    }
}

/// The revisioned store. A clone is a snapshot.
#[derive(Clone, Debug)]
pub struct Store {
    entries: KeyMap<Entry>,
    history: History,
    revision: i64,
    compacted: i64,
}

impl Store {
    /// Makes an empty store whose last revision is `revision` and that keeps the last
    /// `history_capacity` writes for watches.
    pub fn new(revision: i64, history_capacity: u32) -> Store {
        Store {
            entries: KeyMap::new(),
            history: History::new(history_capacity),
            revision,
            compacted: revision,
        }
    }

    /// Returns the revision of the last write.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// Returns the revision that the next write will make.
    pub fn next_revision(&self) -> i64 {
        self.revision + 1
    }

    /// Returns the oldest revision after which the history is whole.
    pub fn compacted(&self) -> i64 {
        self.compacted
    }

    /// Returns how many keys there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns what a key holds.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Returns the keys that begin with `prefix`, in order, with what they hold.
    pub fn range<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a Rc<str>, &'a Entry)> {
        self.range_from(prefix, prefix)
    }

    /// Returns the keys that begin with `prefix` and are not before `from`, in order.
    pub fn range_from<'a>(
        &'a self,
        prefix: &'a str,
        from: &'a str,
    ) -> impl Iterator<Item = (&'a Rc<str>, &'a Entry)> {
        let from = from.max(prefix);
        self.entries.range(from, Bound::Unbounded).take_while(move |(key, _)| key.starts_with(prefix))
    }

    /// Returns the keys that began with `prefix` when `revision` was the last one, in order.
    ///
    /// # Errors
    /// [`Compacted`] where the history doesn't reach back that far.
    pub fn range_at(&self, prefix: &str, revision: i64) -> Result<BTreeMap<Rc<str>, Value>, Compacted> {
        let mut then: BTreeMap<Rc<str>, Value> =
            self.range(prefix).map(|(key, entry)| (key.clone(), entry.value.clone())).collect();
        for event in self.since(revision)?.rev().filter(|event| event.key.starts_with(prefix)) {
            match event.kind {
                EventKind::Create => then.remove(&event.key),
                EventKind::Update | EventKind::Delete => {
                    then.insert(event.key.clone(), event.previous.clone())
                }
            };
        }
        Ok(then)
    }

    /// Writes a value and returns the revision that this makes.
    ///
    /// # Errors
    /// [`WriteError`] where the key isn't as expected. Nothing is changed then.
    pub fn put(&mut self, key: &str, value: Value, expect: Expect) -> Result<i64, WriteError> {
        if expect == Expect::Absent {
            return self.create(key, value);
        }
        let revision = self.revision + 1;
        let Some((key, entry)) = self.entries.get_entry(key) else {
            return if expect == Expect::Any { self.create(key, value) } else { Err(WriteError::Missing) };
        };
        check_present(entry, expect)?;
        let previous = std::mem::replace(&mut entry.value, value.clone());
        let previous_revision = std::mem::replace(&mut entry.mod_revision, revision);
        let key = key.clone();
        self.record(Event { revision, kind: EventKind::Update, key, value, previous, previous_revision });
        Ok(revision)
    }

    /// Writes a value under a key that isn't there yet.
    fn create(&mut self, key: &str, value: Value) -> Result<i64, WriteError> {
        if self.entries.contains_key(key) {
            return Err(WriteError::Exists);
        }
        let revision = self.revision + 1;
        let key: Rc<str> = key.into();
        let entry = Entry { value: value.clone(), create_revision: revision, mod_revision: revision };
        self.entries.insert(&key, entry);
        let (kind, previous, previous_revision) = (EventKind::Create, Value::Null, 0);
        self.record(Event { revision, kind, key, value, previous, previous_revision });
        Ok(revision)
    }

    /// Takes a key out and returns the revision that this makes.
    ///
    /// # Errors
    /// [`WriteError`] where the key isn't there or isn't as expected. Nothing is changed then.
    pub fn delete(&mut self, key: &str, expect: Expect) -> Result<i64, WriteError> {
        check_present(self.entries.get(key).ok_or(WriteError::Missing)?, expect)?;
        let (key, entry) = self.entries.remove(key).ok_or(WriteError::Missing)?;
        let revision = self.revision + 1;
        self.record(Event {
            revision,
            kind: EventKind::Delete,
            key,
            value: Value::Null,
            previous: entry.value,
            previous_revision: entry.mod_revision,
        });
        Ok(revision)
    }

    fn record(&mut self, event: Event) {
        self.revision = event.revision;
        if let Some(gone) = self.history.push(event) {
            self.compacted = gone;
        }
    }

    /// Returns the writes after `revision`, oldest first.
    ///
    /// # Errors
    /// [`Compacted`] where some of them are no longer kept.
    pub fn since(&self, revision: i64) -> Result<impl DoubleEndedIterator<Item = &Event>, Compacted> {
        if revision < self.compacted {
            return Err(Compacted { requested: revision, oldest: self.compacted });
        }
        Ok(self.history.since(revision))
    }

    /// Forgets the history up to `revision`, which is included.
    pub fn compact(&mut self, revision: i64) {
        let revision = revision.min(self.revision);
        if revision > self.compacted {
            self.compacted = revision;
            self.history.compact(revision);
        }
    }
}

fn check_present(entry: &Entry, expect: Expect) -> Result<(), WriteError> {
    match expect {
        Expect::Any => Ok(()),
        Expect::Absent => Err(WriteError::Exists),
        Expect::ModRevision(revision) if revision == entry.mod_revision => Ok(()),
        Expect::ModRevision(_) => Err(WriteError::Changed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    fn store() -> Store {
        Store::new(100, 4)
    }

    #[test]
    fn every_write_makes_the_next_revision() {
        let mut store = store();
        assert_eq!(store.put("/a", tree!(1), Expect::Absent), Ok(101));
        assert_eq!(store.put("/a", tree!(2), Expect::ModRevision(101)), Ok(102));
        assert_eq!(store.delete("/a", Expect::ModRevision(102)), Ok(103));
        assert_eq!(store.revision(), 103);
        assert!(store.is_empty());
    }

    #[test]
    fn refuses_what_is_not_as_expected() {
        let mut store = store();
        assert_eq!(store.put("/a", tree!(1), Expect::ModRevision(5)), Err(WriteError::Missing));
        assert_eq!(store.delete("/a", Expect::Any), Err(WriteError::Missing));
        store.put("/a", tree!(1), Expect::Any).unwrap();
        assert_eq!(store.put("/a", tree!(2), Expect::Absent), Err(WriteError::Exists));
        assert_eq!(store.put("/a", tree!(2), Expect::ModRevision(7)), Err(WriteError::Changed));
        assert_eq!(store.delete("/a", Expect::ModRevision(7)), Err(WriteError::Changed));
        assert_eq!(store.revision(), 101);
        assert_eq!(store.get("/a").map(|entry| entry.value.clone()), Some(tree!(1)));
    }

    #[test]
    fn ranges_by_prefix() {
        let mut store = store();
        for key in ["/pods/a/x", "/pods/ab/y", "/pods/a/z", "/nodes/n"] {
            store.put(key, tree!(key), Expect::Any).unwrap();
        }
        let keys = |prefix: &str, from: &str| -> Vec<String> {
            store.range_from(prefix, from).map(|(key, _)| key.to_string()).collect()
        };
        assert_eq!(keys("/pods/a/", ""), ["/pods/a/x", "/pods/a/z"]);
        assert_eq!(keys("/pods/", "/pods/a/y"), ["/pods/a/z", "/pods/ab/y"]);
        assert_eq!(keys("/none/", "").len(), 0);
    }

    #[test]
    fn remembers_the_past_until_compacted() {
        let mut store = store();
        store.put("/p/a", tree!(1), Expect::Any).unwrap();
        store.put("/p/b", tree!(2), Expect::Any).unwrap();
        store.put("/p/a", tree!(3), Expect::Any).unwrap();
        store.delete("/p/b", Expect::Any).unwrap();
        let at = |store: &Store, revision: i64| -> Result<Vec<String>, Compacted> {
            let then = store.range_at("/p/", revision)?;
            Ok(then.iter().map(|(key, value)| format!("{key}={}", value.int())).collect())
        };
        assert_eq!(at(&store, 102).unwrap(), ["/p/a=1", "/p/b=2"]);
        assert_eq!(at(&store, 103).unwrap(), ["/p/a=3", "/p/b=2"]);
        assert_eq!(at(&store, 104).unwrap(), ["/p/a=3"]);
        let kinds: Vec<EventKind> = store.since(102).unwrap().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::Update, EventKind::Delete]);
        store.put("/p/c", tree!(4), Expect::Any).unwrap();
        assert_eq!(at(&store, 100), Err(Compacted { requested: 100, oldest: 101 }), "the ring is full");
        store.compact(103);
        assert_eq!(at(&store, 102).unwrap_err().to_string(), "too old resource version: 102 (103)");
        assert_eq!(store.since(103).unwrap().count(), 2);
    }
}
