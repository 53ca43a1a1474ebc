use api::Value;
use std::collections::VecDeque;
use std::rc::Rc;

/// What a write did to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The key was not there before.
    Create,
    /// The key was there before.
    Update,
    /// The key is gone.
    Delete,
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// The revision that the write made.
    pub revision: i64,
    /// What it did.
    pub kind: EventKind,
    /// The key.
    pub key: Rc<str>,
    /// The value after the write; null for [`EventKind::Delete`].
    pub value: Value,
    /// The value before the write; null for [`EventKind::Create`].
    pub previous: Value,
    /// The revision at which the key had been written before; 0 for [`EventKind::Create`].
    pub previous_revision: i64,
}

/// The last writes, oldest first, in a bounded ring.
#[derive(Clone, Debug)]
pub(crate) struct History {
    events: VecDeque<Event>,
    capacity: u32,
}

impl History {
    pub(crate) fn new(capacity: u32) -> History {
        History { events: VecDeque::new(), capacity }
    }

    /// Adds a write. Returns the revision of one that had to go for it.
    pub(crate) fn push(&mut self, event: Event) -> Option<i64> {
        let gone = if self.events.len() >= self.capacity as usize { self.events.pop_front() } else { None };
        self.events.push_back(event);
        gone.map(|event| event.revision)
    }

    /// Drops the writes up to a revision, which is included.
    pub(crate) fn compact(&mut self, revision: i64) {
        while self.events.front().is_some_and(|event| event.revision <= revision) {
            self.events.pop_front();
        }
    }

    /// Returns the writes after a revision, oldest first.
    pub(crate) fn since(&self, revision: i64) -> impl DoubleEndedIterator<Item = &Event> {
        let start = self.events.partition_point(|event| event.revision <= revision);
        self.events.range(start..)
    }
}
