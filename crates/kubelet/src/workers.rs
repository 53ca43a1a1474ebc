use crate::disk::written;
use crate::worker::{PodWorker, Stage};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What all pods of a node take together, which each look at the node asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// The names of the volumes that pods have mounted, or wait for.
    // Models pkg/kubelet/volumemanager/volume_manager.go GetVolumesInUse
    pub volumes: BTreeSet<Rc<str>>,
    /// The memory of all processes, in bytes; `None` where that of one grows by itself.
    pub memory: Option<i64>,
    /// What they have written on the disk, in bytes.
    pub written: i64,
    /// Whether there is a limit of what one of them may write.
    pub is_limited: bool,
}

/// The workers of a node's pods by uid, and in the order in which they are due. A copy shares those that
/// neither side changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workers {
    workers: BTreeMap<Rc<str>, Rc<PodWorker>>,
    due: BTreeSet<(Time, Rc<str>)>,
    by_key: BTreeSet<(Rc<str>, Rc<str>)>,
    /// What they take together, where none has changed since it was reckoned.
    tally: Option<Rc<Tally>>,
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

    /// Returns what all take together. Most looks find that nothing has changed since the last one.
    pub(crate) fn tally(&mut self, now: Time) -> Rc<Tally> {
        if let Some(tally) = &self.tally {
            debug_assert_eq!(**tally, self.reckon(now));
            return tally.clone();
        }
        let tally = Rc::new(self.reckon(now));
        self.tally = Some(tally.clone());
        tally
    }

    fn reckon(&self, now: Time) -> Tally {
        let containers = self.iter().flat_map(|worker| &worker.containers);
        let mut running = containers.filter(|container| container.is_running());
        let add = |sum: i64, container: &crate::container::Container| {
            (!container.memory_grows()).then(|| sum.saturating_add(container.memory(now)))
        };
        let there = self.iter().filter(|worker| worker.stage != Stage::Gone);
        Tally {
            memory: running.try_fold(0, add),
            volumes: there.flat_map(|worker| worker.attachable.iter().cloned()).collect(),
            written: self.iter().map(written).fold(0, i64::saturating_add),
            is_limited: self.iter().any(|worker| worker.local.is_limited()),
        }
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
        self.tally = None;
        self.due.insert((worker.due, worker.uid.clone()));
        self.by_key.insert((worker.key.clone(), worker.uid.clone()));
        self.workers.insert(worker.uid.clone(), Rc::new(worker));
    }

    /// Changes a worker, and drops it once it is over.
    pub(crate) fn change<T>(&mut self, uid: &str, work: impl FnOnce(&mut PodWorker) -> T) -> Option<T> {
        let shared = self.workers.get_mut(uid)?;
        self.tally = None;
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
