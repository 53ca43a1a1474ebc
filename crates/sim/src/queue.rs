use crate::Time;
use std::collections::BTreeMap;

/// Events in the order of (time, sequence): of two at the same moment, the one put in first comes
/// out first.
#[derive(Clone, Debug)]
pub struct EventQueue<E> {
    events: BTreeMap<(Time, u64), E>,
    sequence: u64,
}

impl<E> Default for EventQueue<E> {
    fn default() -> Self {
        EventQueue { events: BTreeMap::new(), sequence: 0 }
    }
}

impl<E> EventQueue<E> {
    /// Puts in an event that happens at `at`.
    pub fn push(&mut self, at: Time, event: E) {
        self.events.insert((at, self.sequence), event);
        self.sequence += 1;
    }

    /// Returns the moment of the next event.
    pub fn next_at(&self) -> Option<Time> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes out the next event.
    pub fn pop(&mut self) -> Option<(Time, E)> {
        self.events.pop_first().map(|((at, _), event)| (at, event))
    }

    /// Returns how many events wait.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Returns whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_out_by_time_then_by_order() {
        let mut queue = EventQueue::default();
        for (at, name) in [(2, "c"), (1, "a"), (2, "d"), (1, "b")] {
            queue.push(Time(at), name);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(_, name)| name).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }
}
