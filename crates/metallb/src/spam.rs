//! The gratuitous ARPs by which a node tells everybody, for a while, that an address is its own.

use sim::{MILLISECOND, Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// For how long it is told.
const LASTS: Nanos = 5 * SECOND;
/// How often.
const EVERY: Nanos = 1_100 * MILLISECOND;

/// The addresses that are being told of.
// Models go.universe.tf/metallb internal/layer2/announcer.go spamLoop
#[derive(Clone, Debug, Default)]
pub(crate) struct Spam {
    until: BTreeMap<Ipv4Addr, Time>,
    due: BTreeSet<Ipv4Addr>,
    tick_at: Option<Time>,
}

impl Spam {
    /// Begins to tell of an address, or goes on for longer.
    pub(crate) fn begin(&mut self, address: Ipv4Addr, now: Time) {
        if self.until.is_empty() {
            self.tick_at = Some(now + EVERY);
        }
        if self.until.insert(address, now + LASTS).is_none() {
            self.due.insert(address);
        }
    }

    /// Returns when it tells next.
    pub(crate) fn next_at(&self) -> Time {
        self.tick_at.unwrap_or(Time::NEVER)
    }

    /// Notes what is to be told now.
    pub(crate) fn tick(&mut self, now: Time) {
        if self.next_at() > now {
            return;
        }
        self.until.retain(|_, until| *until >= now);
        self.due.extend(self.until.keys());
        self.tick_at = (!self.until.is_empty()).then_some(now + EVERY);
    }

    /// Takes the addresses that are to be told of now.
    pub(crate) fn take_due(&mut self) -> BTreeSet<Ipv4Addr> {
        std::mem::take(&mut self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_at_once_and_for_five_seconds() {
        let address = Ipv4Addr::new(10, 0, 0, 1);
        let mut spam = Spam::default();
        let mut told = Vec::new();
        spam.begin(address, Time(0));
        for ms in (0..10_000).step_by(100) {
            spam.tick(Time(0) + ms * MILLISECOND);
            told.extend(spam.take_due().into_iter().map(|_| ms));
        }
        assert_eq!(told, [0, 1_100, 2_200, 3_300, 4_400]);
        assert_eq!(spam.next_at(), Time::NEVER);
    }
}
