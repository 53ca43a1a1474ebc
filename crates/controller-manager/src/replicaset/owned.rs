use crate::pod;
use api::label::Selector;
use api::{Resource, Value, meta};
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
    /// When it became ready, as it is written; null where it isn't.
    ready_since: Value,
    labels: Value,
}

impl Facts {
    pub(super) fn of(pod: &Value) -> Facts {
        let (is_terminal, is_deleting) = (pod::is_terminal(pod), meta::is_deleting(pod));
        let ready = meta::condition(pod, "Ready").filter(|ready| ready["status"].str() == "True");
        Facts {
            active: !is_terminal && !is_deleting,
            terminating: !is_terminal && is_deleting,
            ready: ready.is_some(),
            ready_since: ready.map_or(Value::Null, |ready| ready["lastTransitionTime"].clone()),
            labels: meta::labels(pod).clone(),
        }
    }
}

/// The pods of one owner, and how many of them are of what kind: one pod's change costs little where there
/// are thousands.
#[derive(Clone, Debug, Default)]
pub(super) struct Pods {
    facts: BTreeMap<Rc<str>, Facts>,
    active: u32,
    terminating: u32,
    /// How many of the active ones are ready.
    ready: u32,
    /// The active ones' labels, which those of one template share, and how many have them.
    labels: Vec<(Value, u32)>,
}

impl Pods {
    /// Takes a pod in, or what became of it.
    pub(super) fn insert(&mut self, key: Rc<str>, facts: Facts) {
        self.add(&facts);
        if let Some(before) = self.facts.insert(key, facts) {
            self.subtract(&before);
        }
    }

    fn remove(&mut self, key: &str) {
        if let Some(before) = self.facts.remove(key) {
            self.subtract(&before);
        }
    }

    fn add(&mut self, facts: &Facts) {
        self.terminating += u32::from(facts.terminating);
        if !facts.active {
            return;
        }
        self.active += 1;
        self.ready += u32::from(facts.ready);
        match self.place(&facts.labels) {
            Some(place) => self.labels[place].1 += 1,
            None => self.labels.push((facts.labels.clone(), 1)),
        }
    }

    fn subtract(&mut self, facts: &Facts) {
        self.terminating -= u32::from(facts.terminating);
        if !facts.active {
            return;
        }
        self.active -= 1;
        self.ready -= u32::from(facts.ready);
        if let Some(place) = self.place(&facts.labels) {
            self.labels[place].1 -= 1;
            if self.labels[place].1 == 0 {
                self.labels.swap_remove(place);
            }
        }
    }

    fn place(&self, labels: &Value) -> Option<usize> {
        let place = self.labels.iter().position(|(known, _)| known.same(labels));
        place.or_else(|| self.labels.iter().position(|(known, _)| known == labels))
    }

    /// Returns how many of the active pods have labels of which this holds.
    fn active_with(&self, holds: impl Fn(&Value) -> bool) -> u32 {
        self.labels.iter().filter(|(labels, _)| holds(labels)).map(|(_, count)| count).sum()
    }

    /// Returns whether the labels of an active pod don't match.
    pub(super) fn is_any_leaving(&self, selector: &Selector) -> bool {
        self.labels.iter().any(|(labels, _)| !selector.matches(labels))
    }

    /// Returns the keys of the active pods.
    pub(super) fn active(&self) -> impl Iterator<Item = &Rc<str>> {
        self.facts.iter().filter(|(_, facts)| facts.active).map(|(key, _)| key)
    }
}

/// The pods of each owner, by its uid.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnedPods {
    by_owner: BTreeMap<Rc<str>, Pods>,
    none: Pods,
}

fn owner(resource: Resource, pod: &Value) -> Option<Rc<str>> {
    let owner = meta::controller(pod)?;
    let kind = owner["kind"].str();
    let is_others = kind != resource.kind && matches!(kind, "ReplicaSet" | "ReplicationController");
    (!is_others).then(|| owner["uid"].text())
}

impl OwnedPods {
    /// Takes a change of a pod; `resource` is the owners'.
    pub(super) fn observe(&mut self, resource: Resource, change: &Change) {
        let before = owner(resource, &change.old);
        let after = if change.keeps_owners() { before.clone() } else { owner(resource, &change.new) };
        if let Some(owner) = before.filter(|before| Some(before) != after.as_ref())
            && let Some(pods) = self.by_owner.get_mut(&owner)
        {
            pods.remove(&change.key);
            if pods.facts.is_empty() {
                self.by_owner.remove(&owner);
            }
        }
        if let Some(owner) = after {
            self.by_owner.entry(owner).or_default().insert(change.key.clone(), Facts::of(&change.new));
        }
    }

    /// Returns the pods of an owner.
    pub(super) fn of(&self, owner: &str) -> &Pods {
        self.by_owner.get(owner).unwrap_or(&self.none)
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
    pub(super) fn of(now: Time, rs: &Value, pods: &Pods) -> Counts {
        let template = Selector::from_map(meta::labels(&rs["spec"]["template"]));
        let mut counts = Counts {
            active: pods.active as usize,
            terminating: pods.terminating as usize,
            fully_labeled: pods.active_with(|labels| template.matches(labels)) as usize,
            ready: pods.ready as usize,
            available: pods.ready as usize,
            next_available: None,
        };
        let min_ready = rs["spec"]["minReadySeconds"].int();
        if min_ready == 0 {
            return counts;
        }
        // What is left to each pod differs from moment to moment.
        counts.available = 0;
        let ready = pods.facts.values().filter(|pod| pod.active && pod.ready);
        for since in ready.filter_map(|pod| meta::time(&pod.ready_since)) {
            match pod::available_in_since(since, min_ready, now) {
                0 => counts.available += 1,
                left => {
                    counts.next_available = Some(counts.next_available.map_or(left, |known| known.min(left)));
                }
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    fn pod(phase: &str, app: &str, ready: &str) -> Value {
        tree!({
            "metadata": {"name": "p", "labels": {"app": app}},
            "status": {
                "phase": phase,
                "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2024-01-01T00:00:00Z"}],
            },
        })
    }

    /// The running totals are what counting anew gives, whatever came and went before.
    #[test]
    fn running_totals_are_those_of_the_pods_that_are_left() {
        let states = [
            ("Pending", "a", "False"),
            ("Running", "a", "True"),
            ("Running", "b", "True"),
            ("Failed", "a", "False"),
        ];
        let rs = tree!({"spec": {"template": {"metadata": {"labels": {"app": "a"}}}}});
        let mut pods = Pods::default();
        let mut now: BTreeMap<Rc<str>, usize> = BTreeMap::new();
        for step in 0..200_usize {
            let key: Rc<str> = format!("d/p{}", step * 7 % 11).into();
            if step % 5 == 4 {
                pods.remove(&key);
                now.remove(&key);
            } else {
                let place = step * 3 % states.len();
                let (phase, app, ready) = states[place];
                pods.insert(key.clone(), Facts::of(&pod(phase, app, ready)));
                now.insert(key, place);
            }
            let of = |places: &[usize]| now.values().filter(|place| places.contains(place)).count();
            let counts = Counts::of(Time(0), &rs, &pods);
            let expected = [of(&[0, 1, 2]), of(&[0, 1]), of(&[1, 2]), of(&[1, 2])];
            assert_eq!([counts.active, counts.fully_labeled, counts.ready, counts.available], expected);
            let selector = Selector::from_map(&tree!({"app": "a"}));
            assert_eq!(pods.is_any_leaving(&selector), of(&[2]) > 0);
            assert_eq!(pods.active().count(), of(&[0, 1, 2]));
            assert!(pods.labels.len() <= 2, "labels that nobody has are forgotten");
        }
    }
}
