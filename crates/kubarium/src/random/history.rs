//! What the store's history tells: that it leads to the present, and what a rollout did at each write.

use super::invariants::Violation;
use api::{Value, int_or_string, meta};
use cluster::{Cluster, Write, WriteKind};
use sim::{Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::rc::Rc;

/// For how long a controller may still act upon what was the case: its caches are late, and it looks at
/// several of them one after the other.
const LATE: Nanos = 2 * SECOND;

/// The store as its history says it is, and what has been.
#[derive(Clone, Default)]
pub struct History {
    revision: i64,
    objects: BTreeMap<Rc<str>, Value>,
    /// The uids of all that there has been.
    pub existed: Rc<BTreeSet<Rc<str>>>,
    /// By Deployment's uid: what it wanted and what was available of it, with the moments.
    past: BTreeMap<Rc<str>, VecDeque<(Time, Bounds, i64)>>,
}

/// Between what numbers of pods a Deployment's rollout keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    least: i64,
    most: i64,
}

/// Returns the uids by which an object is told of: its own, and of a mirror that of the pod on the node.
fn uids(object: &Value) -> [Rc<str>; 2] {
    let on_node = meta::annotation(object, "kubernetes.io/config.mirror");
    [object["metadata"]["uid"].text(), on_node.into()]
}

impl Bounds {
    fn of(deployment: &Value) -> Bounds {
        let replicas = deployment["spec"]["replicas"].as_int().unwrap_or(1);
        let strategy = &deployment["spec"]["strategy"];
        if strategy["type"].str() == "Recreate" {
            return Bounds { least: 0, most: replicas };
        }
        let rolling = &strategy["rollingUpdate"];
        let posts = int_or_string::fenceposts(&rolling["maxSurge"], &rolling["maxUnavailable"], replicas);
        let (surge, unavailable) = posts.unwrap_or((0, replicas));
        Bounds { least: replicas - unavailable, most: replicas + surge }
    }
}

impl History {
    /// Begins with what a cluster has now.
    pub fn of(cluster: &Cluster) -> History {
        let mut history = History::default();
        history.take_over(cluster);
        history
    }

    fn take_over(&mut self, cluster: &Cluster) {
        let store = cluster.store();
        self.revision = store.revision();
        self.objects = store.range("").map(|(key, entry)| (key.clone(), entry.value.clone())).collect();
        Rc::make_mut(&mut self.existed).extend(self.objects.values().flat_map(uids));
        self.past.clear();
    }

    /// Goes through what was written since the last time, and tells what it breaks.
    pub fn follow(&mut self, cluster: &Cluster) -> Vec<Violation> {
        let mut broken = Vec::new();
        let store = cluster.store();
        let Ok(writes) = store.since(self.revision) else {
            self.take_over(cluster);
            return broken;
        };
        for write in writes {
            self.note(write, &mut broken);
        }
        let holds = |(key, value): (&Rc<str>, &Value)| {
            let now = store.get(key).map(|entry| &entry.value);
            now.is_some_and(|now| now.same(value) || now == value)
        };
        if self.objects.len() != store.len() || !self.objects.iter().all(holds) {
            broken.push(Violation {
                invariant: "the_history_leads_to_the_present",
                object: "etcd".to_string(),
                how: format!("played to revision {}, the store holds something else", self.revision),
            });
        }
        broken
    }

    fn note(&mut self, write: &Write, broken: &mut Vec<Violation>) {
        if write.revision != self.revision + 1 {
            broken.push(Violation {
                invariant: "every_write_makes_the_next_revision",
                object: write.key.to_string(),
                how: format!("{} comes after {}", write.revision, self.revision),
            });
        }
        self.revision = write.revision;
        let before = match write.kind {
            WriteKind::Delete => self.objects.remove(&write.key),
            _ => self.objects.insert(write.key.clone(), write.value.clone()),
        };
        if write.kind == WriteKind::Create {
            Rc::make_mut(&mut self.existed).extend(uids(&write.value));
        }
        if write.key.starts_with("/registry/replicasets/") || write.key.starts_with("/registry/deployments/")
        {
            self.note_rollout(before.as_ref(), &write.value, broken);
        }
    }

    /// Looks at a write of a Deployment or of one of its ReplicaSets.
    fn note_rollout(&mut self, before: Option<&Value>, now: &Value, broken: &mut Vec<Violation>) {
        let uid = match now["kind"].str() {
            "Deployment" => meta::uid(now),
            _ => meta::controller(now).map_or("", |owner| owner["uid"].str()),
        };
        let is_it = |object: &&Value| meta::uid(object) == uid;
        let of_kind = |prefix: &'static str| {
            let bounds = (Bound::Included(prefix), Bound::Unbounded);
            let from = self.objects.range::<str, _>(bounds);
            from.map_while(move |(key, value)| key.starts_with(prefix).then_some(value))
        };
        let Some(deployment) = of_kind("/registry/deployments/").find(is_it) else { return };
        let sets: Vec<&Value> =
            of_kind("/registry/replicasets/").filter(|rs| meta::is_controlled_by(rs, deployment)).collect();
        let at = last_moment(now);
        let available = sets.iter().map(|rs| rs["status"]["availableReplicas"].int()).sum();
        let past = self.past.entry(uid.into()).or_default();
        past.push_back((at, Bounds::of(deployment), available));
        while past.len() > 2 && past[1].0 + LATE < at {
            past.pop_front();
        }
        let told = before.filter(|before| {
            now["kind"].str() == "ReplicaSet"
                && replicas(before) != replicas(now)
                // A change of the Deployment's own count is spread over all, whatever is available.
                && desired(before) == desired(now)
        });
        let Some(before) = told else { return };
        let how = judge(past, before, now, &sets);
        broken.extend(how.map(|(invariant, how)| Violation {
            invariant,
            object: format!("Deployment {}", meta::key(deployment)),
            how,
        }));
    }
}

fn replicas(rs: &Value) -> i64 {
    rs["spec"]["replicas"].int()
}

fn desired(rs: &Value) -> &str {
    meta::annotation(rs, "deployment.kubernetes.io/desired-replicas")
}

/// Returns when an object was written last, by what its managed fields say, to the second.
fn last_moment(object: &Value) -> Time {
    let managed = object["metadata"]["managedFields"].items().iter();
    managed.filter_map(|one| meta::time(&one["time"])).max().unwrap_or(Time::EPOCH)
}

/// Returns what the change of a ReplicaSet's count breaks: a rollout adds up to the ceiling, and takes away
/// what is available down to the floor.
fn judge(
    past: &VecDeque<(Time, Bounds, i64)>,
    before: &Value,
    now: &Value,
    sets: &[&Value],
) -> Option<(&'static str, String)> {
    let sum: i64 = sets.iter().map(|rs| replicas(rs)).sum();
    let most = past.iter().map(|(_, bounds, _)| bounds.most).max()?;
    let least = past.iter().map(|(_, bounds, _)| bounds.least).min()?;
    let name = meta::name(now);
    let (from, to) = (replicas(before), replicas(now));
    if to > from && sum > most {
        let how = format!("{name} from {from} to {to} makes {sum} of at most {most}");
        return Some(("a_rollout_keeps_below_its_ceiling", how));
    }
    // What the controller could have seen to be available, at best, and what is left of it. A status that is behind
    // counts pods, too, that were taken before, as by a change of the Deployment's own count.
    let best = past.iter().map(|(.., available)| *available).max()?;
    let taken = (now["status"]["availableReplicas"].int().min(from) - to).max(0);
    if to < from && taken > 0 && best - taken < least {
        let how = format!("{name} from {from} to {to} leaves {} available of at least {least}", best - taken);
        return Some(("a_rollout_keeps_above_its_floor", how));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    fn deployment() -> Value {
        tree!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "d", "uid": "1"},
            "spec": {"replicas": 4, "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}}})
    }

    fn set(name: &str, replicas: i64, available: i64) -> Value {
        tree!({"kind": "ReplicaSet", "metadata": {"name": name, "namespace": "d", "uid": name,
            "ownerReferences": [{"uid": "1", "controller": true}]},
            "spec": {"replicas": replicas}, "status": {"availableReplicas": available}})
    }

    fn write(history: &mut History, value: Value) -> Vec<&'static str> {
        let kind = if value["kind"].str() == "Deployment" { "deployments" } else { "replicasets" };
        let key: Rc<str> = format!("/registry/{kind}/{}", meta::key(&value)).into();
        let (revision, kind) = (history.revision + 1, WriteKind::Update);
        let write = Write { revision, kind, key, value, previous: Value::Null, previous_revision: 0 };
        let mut broken = Vec::new();
        history.note(&write, &mut broken);
        broken.into_iter().map(|one| one.invariant).collect()
    }

    #[test]
    fn a_rollout_beyond_its_bounds_is_told() {
        for (changes, wanted) in [
            (vec![set("new", 1, 0), set("old", 3, 4)], None),
            (vec![set("new", 2, 0)], Some("a_rollout_keeps_below_its_ceiling")),
            (vec![set("new", 1, 0), set("old", 2, 4)], Some("a_rollout_keeps_above_its_floor")),
        ] {
            let mut history = History::default();
            for object in [deployment(), set("old", 4, 4), set("new", 0, 0)] {
                assert!(write(&mut history, object).is_empty());
            }
            let told: Vec<_> = changes.into_iter().flat_map(|rs| write(&mut history, rs)).collect();
            assert_eq!(told.first().copied(), wanted, "{told:?}");
        }
    }

    #[test]
    fn a_history_with_a_gap_is_told() {
        let mut history = History::default();
        let key: Rc<str> = "/registry/x".into();
        let (value, previous) = (Value::Null, Value::Null);
        let write =
            Write { revision: 3, kind: WriteKind::Create, key, value, previous, previous_revision: 0 };
        let mut broken = Vec::new();
        history.note(&write, &mut broken);
        assert_eq!(broken[0].invariant, "every_write_makes_the_next_revision");
    }

    #[test]
    fn a_history_that_leads_elsewhere_is_told() {
        let mut cluster = Cluster::new(&cluster::Preset::named("bare").unwrap(), 1);
        let mut history = History::of(&cluster);
        cluster.run_line("kubectl create configmap a");
        assert_eq!(history.follow(&cluster), []);
        history.objects.insert("/registry/x".into(), tree!({"metadata": {"uid": "1"}}));
        cluster.run_line("kubectl create configmap b");
        assert_eq!(history.follow(&cluster)[0].invariant, "the_history_leads_to_the_present");
    }
}
