use crate::worker::PodWorker;
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The workers of a node's pods by uid, and in the order in which they are due. A copy shares those that
/// neither side changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workers {
    workers: BTreeMap<Rc<str>, Rc<PodWorker>>,
    due: BTreeSet<(Time, Rc<str>)>,
    by_key: BTreeSet<(Rc<str>, Rc<str>)>,
}

impl Workers {
    /// Returns a pod's worker.
    pub(crate) fn get(&self, uid: &str) -> Option<&PodWorker> {
        self.workers.get(uid).map(|worker| &**worker)
    }

    /// Returns all workers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &PodWorker> {
        self.workers.values().map(|worker| &**worker)
    }

    /// Returns the workers of pods with this `namespace/name`; there may be an old and a new one.
    pub(crate) fn with_key(&self, key: Rc<str>) -> impl Iterator<Item = &PodWorker> {
        let from: (Rc<str>, Rc<str>) = (key.clone(), "".into());
        let pairs = self.by_key.range(from..).take_while(move |(known, _)| *known == key);
        pairs.filter_map(|(_, uid)| self.get(uid))
    }

    /// Returns how many there are.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.workers.len()
    }

    /// Returns when the next is due, and which it is.
    pub(crate) fn next(&self) -> Option<(Time, &Rc<str>)> {
        self.due.first().map(|(at, uid)| (*at, uid))
    }

    /// Returns the uids of all.
    pub(crate) fn uids(&self) -> Vec<Rc<str>> {
        self.workers.keys().cloned().collect()
    }

    /// Adds a worker.
    pub(crate) fn insert(&mut self, worker: PodWorker) {
        self.due.insert((worker.due, worker.uid.clone()));
        self.by_key.insert((worker.key.clone(), worker.uid.clone()));
        self.workers.insert(worker.uid.clone(), Rc::new(worker));
    }

    /// Changes a worker, and drops it once it is over.
    pub(crate) fn change<T>(&mut self, uid: &str, work: impl FnOnce(&mut PodWorker) -> T) -> Option<T> {
        let shared = self.workers.get_mut(uid)?;
        let before = shared.due;
        let worker = Rc::make_mut(shared);
        let result = work(worker);
        let (after, uid, key, is_over) =
            (worker.due, worker.uid.clone(), worker.key.clone(), worker.is_over());
        if is_over {
            self.workers.remove(&uid);
            self.by_key.remove(&(key, uid.clone()));
        }
        if is_over || before != after {
            self.due.remove(&(before, uid.clone()));
        }
        if !is_over && before != after {
            self.due.insert((after, uid));
        }
        Some(result)
    }
}
