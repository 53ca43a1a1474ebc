use sim::{MILLISECOND, Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

const BASE_DELAY: Nanos = 5 * MILLISECOND;
const MAX_DELAY: Nanos = 1_000 * SECOND;

/// Keys that wait for a worker: each at most once, in the order in which they came; some later.
// Models staging/src/k8s.io/client-go/util/workqueue
#[derive(Clone, Debug, Default)]
pub struct WorkQueue {
    ready: VecDeque<(Time, Rc<str>)>,
    is_ready: BTreeSet<Rc<str>>,
    later: BTreeSet<(Time, Rc<str>)>,
    due: BTreeMap<Rc<str>, Time>,
    failures: BTreeMap<Rc<str>, u32>,
}

impl WorkQueue {
    /// Adds a key, which is due at `now`.
    pub fn add(&mut self, now: Time, key: Rc<str>) {
        if self.is_ready.insert(key.clone()) {
            self.ready.push_back((now, key));
        }
    }

    /// Adds a key that is due later. Of several times the earliest counts.
    pub fn add_after(&mut self, now: Time, key: Rc<str>, delay: Nanos) {
        if delay <= 0 {
            return self.add(now, key);
        }
        let at = now + delay;
        match self.due.get(&key) {
            Some(due) if *due <= at => return,
            Some(due) => {
                self.later.remove(&(*due, key.clone()));
            }
            None => {}
        }
        self.due.insert(key.clone(), at);
        self.later.insert((at, key));
    }

    /// Adds a key whose work failed: 5 ms later the first time, twice as late each time after, at most 1,000 s.
    pub fn add_rate_limited(&mut self, now: Time, key: Rc<str>) {
        let failures = self.failures.entry(key.clone()).or_insert(0);
        let delay = BASE_DELAY.checked_shl(*failures).filter(|_| *failures < 30).unwrap_or(MAX_DELAY);
        *failures = failures.saturating_add(1);
        self.add_after(now, key, delay.min(MAX_DELAY));
    }

    /// Returns how often a key's work failed in a row.
    pub fn failures(&self, key: &str) -> u32 {
        self.failures.get(key).copied().unwrap_or(0)
    }

    /// Forgets a key's failures.
    pub fn forget(&mut self, key: &str) {
        self.failures.remove(key);
    }

    /// Returns when the next key is due.
    pub fn next_at(&self) -> Time {
        let ready = self.ready.front().map_or(Time::NEVER, |(at, _)| *at);
        let later = self.later.first().map_or(Time::NEVER, |(at, _)| *at);
        ready.min(later)
    }

    /// Takes out the next key that is due at `now`.
    pub fn pop(&mut self, now: Time) -> Option<Rc<str>> {
        while let Some((at, _)) = self.later.first()
            && *at <= now
            && let Some((at, key)) = self.later.pop_first()
        {
            self.due.remove(&key);
            self.add(at, key);
        }
        let (_, key) = self.ready.pop_front()?;
        self.is_ready.remove(&key);
        Some(key)
    }

    /// Returns how many keys wait, the later ones included.
    pub fn len(&self) -> usize {
        self.ready.len() + self.later.len()
    }

    /// Returns whether no key waits.
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.later.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_each_key_once_and_in_order() {
        let mut queue = WorkQueue::default();
        for key in ["b", "a", "b"] {
            queue.add(Time(1), key.into());
        }
        queue.add_after(Time(1), "c".into(), 10);
        queue.add_after(Time(1), "c".into(), 5);
        queue.add_after(Time(1), "c".into(), 20);
        assert_eq!(queue.pop(Time(1)).as_deref(), Some("b"));
        assert_eq!(queue.pop(Time(1)).as_deref(), Some("a"));
        assert_eq!(queue.pop(Time(1)), None);
        assert_eq!(queue.next_at(), Time(6));
        assert_eq!(queue.pop(Time(6)).as_deref(), Some("c"));
        assert_eq!(queue.next_at(), Time::NEVER);
    }

    #[test]
    fn waits_longer_with_each_failure() {
        let mut queue = WorkQueue::default();
        for delay in [5, 10, 20] {
            queue.add_rate_limited(Time(0), "a".into());
            assert_eq!(queue.next_at(), Time(delay * MILLISECOND));
            assert!(queue.pop(Time(SECOND)).is_some());
        }
        queue.forget("a");
        queue.add_rate_limited(Time(0), "a".into());
        assert_eq!(queue.next_at(), Time(5 * MILLISECOND));
    }
}
