use crate::pod_info::PodInfo;
use sim::{MINUTE, Nanos, SECOND, Time};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

const INITIAL_BACKOFF: Nanos = SECOND;
const MAX_BACKOFF: Nanos = 10 * SECOND;
/// After this long an unschedulable pod is tried again though nothing happened.
const MAX_IN_UNSCHEDULABLE: Nanos = 5 * MINUTE;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Waits for its turn.
    Active(ActiveKey),
    /// Waits until then; earlier if nothing else is to do, unless an error brought it here.
    Backoff { until: Time, after_error: bool },
    /// Waits for an event that may help.
    Unschedulable { until: Time },
}

type ActiveKey = (Reverse<i64>, Time, u64, Rc<str>);

/// A pod that waits for a node.
#[derive(Clone, Debug)]
pub(crate) struct Queued {
    pub(crate) info: Rc<PodInfo>,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// The plugins that rejected it at the last attempt.
    pub(crate) rejected_by: BTreeSet<&'static str>,
    since: Time,
    place: Place,
}

/// The pods that wait: to be tried, for their back-off to end, or for something to change.
// Models pkg/scheduler/backend/queue/scheduling_queue.go
#[derive(Clone, Debug, Default)]
pub(crate) struct SchedulingQueue {
    pods: BTreeMap<Rc<str>, Queued>,
    active: BTreeSet<ActiveKey>,
    backoff: BTreeSet<(Time, Rc<str>)>,
    unschedulable: BTreeSet<(Time, Rc<str>)>,
    sequence: u64,
}

impl SchedulingQueue {
    /// Adds a new pod, or takes the new state of one that waits.
    pub(crate) fn set(&mut self, now: Time, info: Rc<PodInfo>) {
        let key = info.key.clone();
        let Some(queued) = self.pods.get_mut(&key) else {
            let (attempts, rejected_by) = (0, BTreeSet::new());
            let place = Place::Unschedulable { until: Time::NEVER };
            self.pods.insert(key.clone(), Queued { info, attempts, rejected_by, since: now, place });
            return self.activate(now, &key);
        };
        let old = std::mem::replace(&mut queued.info, info);
        let new = &queued.info.pod;
        let may_help = old.pod["spec"] != new["spec"] || old.labels != queued.info.labels;
        let waits = matches!(queued.place, Place::Unschedulable { .. });
        if may_help && waits {
            self.wake(now, &key);
        } else if old.priority != queued.info.priority && matches!(queued.place, Place::Active(_)) {
            self.activate(now, &key);
        }
    }

    /// Forgets a pod.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Queued> {
        self.leave(key);
        self.pods.remove(key)
    }

    fn leave(&mut self, key: &str) {
        match self.pods.get(key).map(|queued| queued.place.clone()) {
            Some(Place::Active(place)) => drop(self.active.remove(&place)),
            Some(Place::Backoff { until, .. }) => drop(self.backoff.remove(&(until, key.into()))),
            Some(Place::Unschedulable { until }) => drop(self.unschedulable.remove(&(until, key.into()))),
            None => {}
        }
    }

    fn activate(&mut self, now: Time, key: &str) {
        self.leave(key);
        if let Some(queued) = self.pods.get_mut(key) {
            self.sequence += 1;
            let place = (Reverse(queued.info.priority), now, self.sequence, Rc::from(key));
            queued.place = Place::Active(place.clone());
            self.active.insert(place);
        }
    }

    /// Puts a pod that waited for a change where it can be tried: at once, or after its back-off.
    pub(crate) fn wake(&mut self, now: Time, key: &str) {
        let Some(queued) = self.pods.get(key) else { return };
        let until = queued.since + backoff(queued.attempts);
        if until <= now {
            return self.activate(now, key);
        }
        self.wait(key, until, Place::Backoff { until, after_error: false });
    }

    fn wait(&mut self, key: &str, until: Time, place: Place) {
        self.leave(key);
        let Some(queued) = self.pods.get_mut(key) else { return };
        let list =
            if matches!(place, Place::Backoff { .. }) { &mut self.backoff } else { &mut self.unschedulable };
        queued.place = place;
        list.insert((until, key.into()));
    }

    /// Takes back a pod that no node suits: it waits for a change.
    pub(crate) fn add_unschedulable(&mut self, now: Time, mut queued: Queued, by: BTreeSet<&'static str>) {
        queued.since = now;
        queued.rejected_by = by;
        let (key, until) = (queued.info.key.clone(), now + MAX_IN_UNSCHEDULABLE);
        self.pods.insert(key.clone(), queued);
        self.wait(&key, until, Place::Unschedulable { until });
    }

    /// Takes back a pod that could not be bound: it is tried again after its back-off.
    pub(crate) fn add_failed(&mut self, now: Time, mut queued: Queued) {
        queued.since = now;
        let (key, until) = (queued.info.key.clone(), now + backoff(queued.attempts));
        self.pods.insert(key.clone(), queued);
        self.wait(&key, until, Place::Backoff { until, after_error: true });
    }

    /// Returns the pods that wait for a change, with the plugins that rejected them.
    pub(crate) fn unschedulable(&self) -> impl Iterator<Item = &Queued> {
        self.unschedulable.iter().filter_map(|(_, key)| self.pods.get(key))
    }

    /// Returns when the next pod can be tried.
    pub(crate) fn next_at(&self) -> Time {
        if let Some((_, at, _, _)) = self.active.first() {
            return *at;
        }
        let early =
            self.early().and_then(|key| self.pods.get(&key)).map_or(Time::NEVER, |queued| queued.since);
        let first = |list: &BTreeSet<(Time, Rc<str>)>| list.first().map_or(Time::NEVER, |(at, _)| *at);
        early.min(first(&self.backoff)).min(first(&self.unschedulable))
    }

    /// Returns a pod whose back-off may be cut short.
    // Models pkg/scheduler/backend/queue/scheduling_queue.go popFromBackoffQEnabled
    fn early(&self) -> Option<Rc<str>> {
        let is_early = |key: &Rc<str>| {
            let place = self.pods.get(key).map(|queued| &queued.place);
            matches!(place, Some(Place::Backoff { after_error: false, .. }))
        };
        self.backoff.iter().map(|(_, key)| key).find(|key| is_early(key)).cloned()
    }

    /// Takes out the next pod that can be tried and counts the attempt.
    pub(crate) fn pop(&mut self, now: Time) -> Option<Queued> {
        let waiting = [&self.backoff, &self.unschedulable].into_iter();
        let due = waiting.flat_map(|list| list.iter().take_while(|(at, _)| *at <= now));
        for key in due.map(|(_, key)| key.clone()).collect::<Vec<Rc<str>>>() {
            self.activate(now, &key);
        }
        let key = self.active.first().map(|(_, _, _, key)| key.clone()).or_else(|| self.early())?;
        let mut queued = self.remove(&key)?;
        queued.attempts += 1;
        Some(queued)
    }

    /// Returns how many pods wait: (to be tried, for their back-off, for a change).
    pub(crate) fn lengths(&self) -> (u32, u32, u32) {
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        (length(self.active.len()), length(self.backoff.len()), length(self.unschedulable.len()))
    }
}

/// Returns the back-off after so many attempts: 1 s, 2 s, 4 s, 8 s, then 10 s.
// Models pkg/scheduler/backend/queue/backoff_queue.go calculateBackoffDuration
fn backoff(attempts: u32) -> Nanos {
    let doubled = INITIAL_BACKOFF.checked_shl(attempts.saturating_sub(1)).filter(|_| attempts < 20);
    if attempts == 0 { 0 } else { doubled.unwrap_or(MAX_BACKOFF).min(MAX_BACKOFF) }
}
