use sim::{MINUTE, Nanos, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// After this long an expectation that wasn't met counts as met.
const TIMEOUT: Nanos = 5 * MINUTE;

/// What a controller has asked for and not yet seen in its cache.
// Models pkg/controller/controller_utils.go ControllerExpectations
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    rows: BTreeMap<Rc<str>, (i64, i64, Time)>,
}

impl Expectations {
    /// Expects so many creations and deletions for a key.
    pub fn expect(&mut self, now: Time, key: &str, creations: i64, deletions: i64) {
        self.rows.insert(key.into(), (creations, deletions, now));
    }

    /// Says that a creation was seen, or will never be.
    pub fn creation_observed(&mut self, key: &str) {
        if let Some((creations, _, _)) = self.rows.get_mut(key) {
            *creations -= 1;
        }
    }

    /// Says that a deletion was seen, or will never be.
    pub fn deletion_observed(&mut self, key: &str) {
        if let Some((_, deletions, _)) = self.rows.get_mut(key) {
            *deletions -= 1;
        }
    }

    /// Returns whether the cache is as far as the controller, or the wait was too long.
    pub fn are_satisfied(&self, now: Time, key: &str) -> bool {
        self.rows.get(key).is_none_or(|(creations, deletions, since)| {
            (*creations <= 0 && *deletions <= 0) || now - *since > TIMEOUT
        })
    }

    /// Forgets a key.
    pub fn forget(&mut self, key: &str) {
        self.rows.remove(key);
    }
}

/// Expectations that know which objects' deletion they wait for.
// Models pkg/controller/controller_utils.go UIDTrackingControllerExpectations
#[derive(Clone, Debug, Default)]
pub struct UidExpectations {
    counts: Expectations,
    deleted: BTreeMap<Rc<str>, BTreeSet<Rc<str>>>,
}

impl UidExpectations {
    /// Expects so many creations for a key.
    pub fn expect_creations(&mut self, now: Time, key: &str, count: i64) {
        self.counts.expect(now, key, count, 0);
    }

    /// Expects that these objects go.
    pub fn expect_deletions(&mut self, now: Time, key: &str, objects: impl IntoIterator<Item = Rc<str>>) {
        let objects: BTreeSet<Rc<str>> = objects.into_iter().collect();
        self.counts.expect(now, key, 0, objects.len() as i64);
        self.deleted.insert(key.into(), objects);
    }

    /// Says that a creation was seen, or will never be.
    pub fn creation_observed(&mut self, key: &str) {
        self.counts.creation_observed(key);
    }

    /// Says that an object's deletion was seen, or will never be.
    pub fn deletion_observed(&mut self, key: &str, object: &str) {
        if self.deleted.get_mut(key).is_some_and(|objects| objects.remove(object)) {
            self.counts.deletion_observed(key);
        }
    }

    /// Returns whether the cache is as far as the controller, or the wait was too long.
    pub fn are_satisfied(&self, now: Time, key: &str) -> bool {
        self.counts.are_satisfied(now, key)
    }

    /// Forgets a key.
    pub fn forget(&mut self, key: &str) {
        self.counts.forget(key);
        self.deleted.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_what_was_asked() {
        let mut expectations = UidExpectations::default();
        assert!(expectations.are_satisfied(Time(0), "rs"));
        expectations.expect_creations(Time(0), "rs", 2);
        expectations.creation_observed("rs");
        assert!(!expectations.are_satisfied(Time(0), "rs"));
        assert!(expectations.are_satisfied(Time(0) + 6 * MINUTE, "rs"));
        expectations.creation_observed("rs");
        assert!(expectations.are_satisfied(Time(0), "rs"));
        expectations.expect_deletions(Time(0), "rs", ["a".into()]);
        expectations.deletion_observed("rs", "b");
        assert!(!expectations.are_satisfied(Time(0), "rs"));
        expectations.deletion_observed("rs", "a");
        assert!(expectations.are_satisfied(Time(0), "rs"));
    }
}
