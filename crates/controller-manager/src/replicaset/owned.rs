use crate::pod;
use api::label::Selector;
use api::{Value, meta};
use client::Change;
use sim::{Nanos, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a ReplicaSet's status depends on of a pod, read once for all looks at it.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    active: bool,
    terminating: bool,
    ready: bool,
    ready_since: Option<Time>,
    labels: Value,
}

impl Facts {
    pub(super) fn of(pod: &Value) -> Facts {
        Facts {
            active: pod::is_active(pod),
            terminating: pod::is_terminating(pod),
            ready: pod::is_ready(pod),
            ready_since: pod::ready_since(pod),
            labels: meta::labels(pod).clone(),
        }
    }
}

/// The pods of each owner, by its uid, so that one pod's change costs little where there are thousands.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnedPods {
    by_owner: BTreeMap<Rc<str>, BTreeMap<Rc<str>, Facts>>,
}

fn owner(pod: &Value) -> Option<Rc<str>> {
    meta::controller(pod).map(|owner| owner["uid"].text())
}

impl OwnedPods {
    /// Takes a change of a pod.
    pub(super) fn observe(&mut self, change: &Change) {
        let (before, after) = (owner(&change.old), owner(&change.new));
        if let Some(owner) = before.filter(|before| Some(before) != after.as_ref())
            && let Some(pods) = self.by_owner.get_mut(&owner)
        {
            pods.remove(&change.key);
            if pods.is_empty() {
                self.by_owner.remove(&owner);
            }
        }
        if let Some(owner) = after {
            self.by_owner.entry(owner).or_default().insert(change.key.clone(), Facts::of(&change.new));
        }
    }

    /// Returns the pods of an owner, with their keys.
    pub(super) fn of(&self, owner: &str) -> impl Iterator<Item = (&Rc<str>, &Facts)> {
        self.by_owner.get(owner).into_iter().flatten()
    }
}

/// Tells labels that match; the same labels, which pods of one template share, are tried once.
pub(super) struct Matcher<'a> {
    selector: &'a Selector,
    last: Value,
    matches: bool,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(selector: &'a Selector) -> Matcher<'a> {
        Matcher { selector, last: Value::Null, matches: selector.matches(&Value::Null) }
    }

    pub(super) fn matches(&mut self, facts: &Facts) -> bool {
        if !self.last.same(&facts.labels) {
            self.matches = self.selector.matches(&facts.labels);
            self.last = facts.labels.clone();
        }
        self.matches
    }
}

/// How many pods there are of what kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) active: usize,
    pub(super) terminating: usize,
    pub(super) fully_labeled: usize,
    pub(super) ready: usize,
    pub(super) available: usize,
    /// After which time the next ready pod becomes available.
    pub(super) next_available: Option<Nanos>,
}

impl Counts {
    /// Counts a ReplicaSet's pods.
    pub(super) fn of<'a>(now: Time, rs: &Value, pods: impl Iterator<Item = &'a Facts>) -> Counts {
        let template = Selector::from_map(meta::labels(&rs["spec"]["template"]));
        let mut template = Matcher::new(&template);
        let min_ready = rs["spec"]["minReadySeconds"].int();
        let mut counts = Counts::default();
        for pod in pods {
            counts.terminating += usize::from(pod.terminating);
            if !pod.active {
                continue;
            }
            counts.active += 1;
            counts.fully_labeled += usize::from(template.matches(pod));
            if !pod.ready {
                continue;
            }
            counts.ready += 1;
            let left = match (min_ready, pod.ready_since) {
                (0, _) => 0,
                (_, Some(since)) => pod::available_in_since(since, min_ready, now),
                (_, None) => continue,
            };
            if left == 0 {
                counts.available += 1;
            } else {
                counts.next_available = Some(counts.next_available.map_or(left, |known| known.min(left)));
            }
        }
        counts
    }
}

impl Facts {
    /// Returns whether the pod runs or may yet run.
    pub(super) fn is_active(&self) -> bool {
        self.active
    }
}
