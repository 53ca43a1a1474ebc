use crate::Time;
use std::collections::VecDeque;
use std::rc::Rc;

/// One API request: when it was sent, took effect and was answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// When the caller sent it.
    pub sent: Time,
    /// When the API server acted on it.
    pub effect: Time,
    /// When the caller had the answer.
    pub answered: Time,
    /// Who asked, as the diagram names it: `scheduler`, `kubelet/node-1`, `controller/deployment`, `kubectl`.
    pub from: Rc<str>,
    /// get, list, watch, create, update, patch, delete, deletecollection.
    pub verb: Rc<str>,
    /// The resource, with `/subresource` where there is one: `pods/status`.
    pub resource: Rc<str>,
    /// `namespace/name`, or `name` for what has no namespace.
    pub object: Rc<str>,
    /// The HTTP status code.
    pub code: u16,
    /// The revision that a write made; 0 for none.
    pub revision: i64,
}

/// One watch event on its way to a watcher.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delivery {
    /// When the store changed.
    pub sent: Time,
    /// When the watcher was told.
    pub delivered: Time,
    /// The watcher, named as in [`Call::from`].
    pub to: Rc<str>,
    /// ADDED, MODIFIED or DELETED.
    pub event: Rc<str>,
    /// The resource.
    pub resource: Rc<str>,
    /// `namespace/name`.
    pub object: Rc<str>,
    /// The revision that is told of.
    pub revision: i64,
}

/// Something a component did by itself: an image pulled, a container started, a probe answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// When it began.
    pub began: Time,
    /// When it ended.
    pub ended: Time,
    /// Who did it, named as in [`Call::from`].
    pub by: Rc<str>,
    /// What was done, in Kubernetes' words: `Pulling`, `Started`, `Scheduled`, `Probe`, `Sync`.
    pub what: Rc<str>,
    /// What it was done to: `namespace/name`.
    pub object: Rc<str>,
    /// Anything more, for people.
    pub note: Rc<str>,
}

/// What a record tells of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// An API request.
    Call(Call),
    /// A watch event.
    Delivery(Delivery),
    /// A component's own step.
    Step(Step),
}

/// One record of the trace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Its number, counted from 1 since the cluster began.
    pub id: u64,
    /// The record that caused it; 0 for none.
    pub cause: u64,
    /// What it tells.
    pub kind: RecordKind,
}

/// The last records of what happened, in a bounded ring.
#[derive(Clone, Debug)]
pub struct Trace {
    records: VecDeque<Record>,
    capacity: u32,
    next: u64,
}

impl Trace {
    /// Makes an empty trace that keeps the last `capacity` records.
    pub fn new(capacity: u32) -> Trace {
        Trace { records: VecDeque::new(), capacity, next: 1 }
    }

    /// Adds a record and returns its number.
    pub fn add(&mut self, cause: u64, kind: RecordKind) -> u64 {
        let id = self.next;
        self.next += 1;
        if self.records.len() >= self.capacity as usize {
            self.records.pop_front();
        }
        self.records.push_back(Record { id, cause, kind });
        id
    }

    /// Returns the number that the next record will have.
    pub fn next_id(&self) -> u64 {
        self.next
    }

    /// Returns the records from number `id` on that are still kept.
    pub fn since(&self, id: u64) -> impl Iterator<Item = &Record> {
        let first = self.records.front().map_or(self.next, |record| record.id);
        let skip = id.saturating_sub(first) as usize;
        self.records.iter().skip(skip)
    }

    /// Returns the record with that number, where it is still kept.
    pub fn get(&self, id: u64) -> Option<&Record> {
        let first = self.records.front()?.id;
        self.records.get(id.checked_sub(first)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(what: &str) -> RecordKind {
        let text: Rc<str> = what.into();
        RecordKind::Step(Step {
            began: Time(0),
            ended: Time(0),
            by: text.clone(),
            what: text.clone(),
            object: text.clone(),
            note: text,
        })
    }

    #[test]
    fn keeps_the_last_records() {
        let mut trace = Trace::new(2);
        for what in ["a", "b", "c"] {
            trace.add(0, step(what));
        }
        assert_eq!(trace.get(1), None);
        assert_eq!(trace.get(3).map(|record| record.id), Some(3));
        assert_eq!(trace.since(0).map(|record| record.id).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(trace.since(3).count(), 1);
    }
}
