//! Garbage: what an owner leaves behind goes after it (background), before it (foreground), or stays
//! (orphan).
// Models pkg/controller/garbagecollector

mod collector;
mod graph;
#[cfg(test)]
mod tests;

use api::resources::{CUSTOMRESOURCEDEFINITIONS, EVENTS};
use api::{Resource, Value};
use client::{Change, Controller, Cx, Identity, IndexBy, Informers, WatchSpec, WorkQueue};
use graph::Graph;
use sim::Time;
use std::collections::BTreeSet;
use std::rc::Rc;

/// How many owners are remembered to be gone.
const ABSENT_OWNERS: usize = 500;
/// How many resources are watched at most.
const RESOURCES: usize = 1_000;

/// The garbage collector.
#[derive(Clone)]
pub(crate) struct GarbageCollector {
    identity: Identity,
    served: Rc<[Resource]>,
    graph: Graph,
    queue: WorkQueue,
    absent: BTreeSet<Rc<str>>,
    busy_until: Time,
    done: u64,
    last: Option<(Time, Rc<str>)>,
}

/// What is to be done with an object, by its uid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Delete,
    Orphan,
}

impl Task {
    fn key(self, uid: &str) -> Rc<str> {
        match self {
            Task::Delete => format!("delete {uid}").into(),
            Task::Orphan => format!("orphan {uid}").into(),
        }
    }

    fn of(key: &str) -> (Task, &str) {
        match key.split_once(' ') {
            Some(("orphan", uid)) => (Task::Orphan, uid),
            Some((_, uid)) => (Task::Delete, uid),
            None => (Task::Delete, key),
        }
    }
}

impl GarbageCollector {
    /// Makes the collector; `served` are the resources that can be watched and deleted.
    pub(crate) fn new(served: &[Resource]) -> GarbageCollector {
        GarbageCollector {
            identity: Identity::controller("generic-garbage-collector", "controller/garbage-collector"),
            served: served.iter().filter(|resource| **resource != EVENTS).copied().collect(),
            graph: Graph::default(),
            queue: WorkQueue::default(),
            absent: BTreeSet::new(),
            busy_until: Time(i64::MIN),
            done: 0,
            last: None,
        }
    }

    fn add(&mut self, now: Time, task: Task, uids: impl IntoIterator<Item = Rc<str>>) {
        for uid in uids {
            self.queue.add(now, task.key(&uid));
        }
    }

    /// Begins to work on what a CustomResourceDefinition defines, from its objects' first list on. What is no
    /// longer defined stays: nothing comes from it.
    // Models pkg/controller/garbagecollector/garbagecollector.go Sync
    fn learn(&mut self, definition: &Value) {
        let is_known = |resource: &Resource| {
            self.served.iter().any(|known| known.group == resource.group && known.plural == resource.plural)
        };
        if api::meta::is_condition_true(definition, "Established")
            && let Some(resource) = Resource::of_definition(definition).filter(|resource| !is_known(resource))
            && self.served.len() < RESOURCES
        {
            self.served = self.served.iter().copied().chain([resource]).collect();
        }
    }

    fn note_absent(&mut self, uid: Rc<str>) {
        if self.absent.len() >= ABSENT_OWNERS {
            self.absent.pop_first();
        }
        self.absent.insert(uid);
    }

    /// Takes an object out of the graph; what it owned is looked at, and what waits for it to go.
    fn forget(&mut self, now: Time, uid: &str) {
        let Some(left) = self.graph.remove(uid) else { return };
        if !left.dependents.is_empty() {
            self.note_absent(uid.into());
        }
        self.add(now, Task::Delete, left.dependents);
        self.add(now, Task::Delete, left.waiting_owners);
    }
}

impl Controller for GarbageCollector {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn watches(&self) -> Vec<WatchSpec> {
        self.served.iter().copied().map(WatchSpec::all).collect()
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        Vec::new()
    }

    // Models pkg/controller/garbagecollector/graph_builder.go processGraphChanges
    fn observe(&mut self, now: Time, change: &Change, _: &Informers) {
        if !self.served.iter().any(|served| served.is(change.resource)) {
            return;
        }
        let replaced = api::meta::uid(&change.old) != api::meta::uid(&change.new);
        if !change.old.is_null() && replaced {
            self.forget(now, api::meta::uid(&change.old));
        }
        if change.new.is_null() {
            return;
        }
        if change.resource == CUSTOMRESOURCEDEFINITIONS {
            self.learn(&change.new);
        }
        let served = self.served.clone();
        let tasks = self.graph.set(change.resource, &change.new, &served);
        self.add(now, Task::Delete, tasks.delete);
        self.add(now, Task::Orphan, tasks.orphan);
    }

    fn next_at(&self) -> Time {
        match self.queue.next_at() {
            Time::NEVER => Time::NEVER,
            at => at.max(self.busy_until),
        }
    }

    fn step(&mut self, cx: &mut Cx, _: &Informers) {
        let Some(key) = self.queue.pop(cx.now) else { return };
        let before = cx.act_as(self.identity.clone());
        self.done += 1;
        cx.spend(cx.timing.reconcile.draw(cx.chance, &self.identity.agent, &key, self.done));
        let result = match Task::of(&key) {
            (Task::Delete, uid) => self.attempt_to_delete(cx, uid),
            (Task::Orphan, uid) => self.attempt_to_orphan(cx, uid),
        };
        self.busy_until = cx.at();
        self.last = Some((cx.at(), self.graph.key_of(Task::of(&key).1)));
        match result {
            Ok(()) => self.queue.forget(&key),
            Err(_) => self.queue.add_rate_limited(cx.at(), key),
        }
        cx.act_as(before);
    }

    fn state(&self) -> (u32, Option<Time>, Rc<str>) {
        let (at, key) = match &self.last {
            Some((at, key)) => (Some(*at), key.clone()),
            None => (None, "".into()),
        };
        (u32::try_from(self.queue.len()).unwrap_or(u32::MAX), at, key)
    }

    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
