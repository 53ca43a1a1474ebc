//! Garbage: what an owner leaves behind goes after it (background), before it (foreground), or stays
//! (orphan).
// Models pkg/controller/garbagecollector

mod collector;
mod graph;
#[cfg(test)]
mod tests;

use api::resources::{CUSTOMRESOURCEDEFINITIONS, EVENTS};
use api::{Resource, Value};
use client::{Change, Controller, Cx, Identity, IndexBy, Informers, WatchSpec, WorkLoop};
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
    served: Rc<[Resource]>,
    graph: Graph,
    work: WorkLoop,
    absent: BTreeSet<Rc<str>>,
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
            served: served.iter().filter(|resource| **resource != EVENTS).copied().collect(),
            graph: Graph::default(),
            work: WorkLoop::new(Identity::controller(
                "generic-garbage-collector",
                "controller/garbage-collector",
            )),
            absent: BTreeSet::new(),
        }
    }

    fn add(&mut self, now: Time, task: Task, uids: impl IntoIterator<Item = Rc<str>>) {
        for uid in uids {
            self.work.enqueue(now).add(task.key(&uid));
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
        self.work.identity()
    }

    fn watches(&self) -> Vec<WatchSpec> {
        self.served.iter().copied().map(WatchSpec::all).collect()
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        Vec::new()
    }

    // Models pkg/controller/garbagecollector/graph_builder.go processGraphChanges
    fn observe(&mut self, now: Time, change: &Change, _: &Informers) {
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
        self.work.next_at()
    }

    fn step(&mut self, cx: &mut Cx, _: &Informers) {
        let Some(begun) = self.work.begin(cx) else { return };
        let (task, uid) = Task::of(&begun.0);
        let result = match task {
            Task::Delete => self.attempt_to_delete(cx, uid),
            Task::Orphan => self.attempt_to_orphan(cx, uid),
        };
        let shown = self.graph.key_of(uid);
        self.work.end(cx, begun, shown, result.map(|()| None));
    }

    fn state(&self) -> (u32, Option<Time>, Rc<str>) {
        self.work.state()
    }

    fn boxed(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
