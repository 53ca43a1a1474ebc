//! What must hold where nobody does anything. A cluster never rests for good: CronJobs go on, containers
//! crash again and again. So it is looked at several times, and what is broken each time is broken.

use super::history::History;
use super::invariants::{Violation, When, violations};
use super::play::look;
use super::scene::{Scene, title};
use api::{Value, meta};
use cluster::{Cluster, Process};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The seconds between the looks. Together they are longer than any back-off, toleration and deadline that
/// scenarios have, and no look meets the same moment of what repeats.
const LOOKS: [i64; 7] = [67, 193, 131, 251, 59, 173, 97];
/// How long a part that has started anew has until all is as before, in seconds.
const RESTARTED: i64 = 45;
/// How long a key whose work failed waits for the next try at most, and some more, in seconds: 1,000 s of upstream's
/// work queue. How often it failed is in a controller's memory alone, so one that started anew tries at once.
pub(super) const RETRIED: i64 = 1_100;
/// How long kube-proxies that have started anew have until all rules are there, in seconds.
const WRITTEN: i64 = 5;
/// How often rules may differ because endpoints have just changed.
const TRIES: usize = 4;

/// Lets time pass and returns what stays broken all the while.
pub(super) fn violations_at_rest(cluster: &mut Cluster, history: &mut History) -> Vec<Violation> {
    let mut lasting: Option<BTreeMap<(&'static str, String), String>> = None;
    for seconds in LOOKS {
        cluster.sleep(seconds);
        let broken = look(cluster, history);
        if !broken.is_empty() {
            return broken;
        }
        if lasting.as_ref().is_some_and(BTreeMap::is_empty) {
            continue;
        }
        let scene = Scene::of_cluster(cluster, history.existed.clone());
        let mut found: BTreeMap<_, _> = violations(&scene, When::AtRest)
            .into_iter()
            .map(|one| ((one.invariant, one.object), one.how))
            .collect();
        if let Some(before) = &lasting {
            found.retain(|key, _| before.contains_key(key));
        }
        lasting = Some(found);
    }
    let lasting = lasting.unwrap_or_default().into_iter();
    let mut broken: Vec<Violation> =
        lasting.map(|((invariant, object), how)| Violation { invariant, object, how }).collect();
    if broken.is_empty() {
        broken.extend(stale_caches(cluster));
        broken.extend(other_rules(cluster));
        broken.extend(changed_by_restart(cluster));
    }
    broken
}

/// Watches give what lists give: once all that is under way has arrived, caches hold what a list gives.
pub(super) fn stale_caches(cluster: &Cluster) -> Vec<Violation> {
    let mut clone = cluster.clone();
    if !clone.run_until_told() {
        return Vec::new();
    }
    let violation = |object| Violation {
        invariant: "watches_give_what_lists_give",
        object,
        how: "differs in a cache".to_string(),
    };
    clone.stale_caches().into_iter().map(violation).collect()
}

/// The rules of every node are those that its kube-proxy would make from nothing.
fn other_rules(cluster: &Cluster) -> Vec<Violation> {
    let mut clone = cluster.clone();
    let mut lasting: Option<BTreeSet<Rc<str>>> = None;
    let mut how = String::new();
    for _ in 0..TRIES {
        let mut anew = clone.clone();
        clone.sleep(WRITTEN);
        anew.write_rules_anew();
        anew.sleep(WRITTEN);
        let (told, found) = differing(&clone.proxy_rules(), &anew.proxy_rules());
        how = told;
        lasting =
            Some(lasting.map_or(found.clone(), |before| before.intersection(&found).cloned().collect()));
        if lasting.as_ref().is_some_and(BTreeSet::is_empty) {
            return Vec::new();
        }
        clone.sleep(13);
    }
    let nodes = lasting.unwrap_or_default().into_iter();
    let violation = |node: Rc<str>| Violation {
        invariant: "rules_are_those_made_from_scratch",
        object: format!("Node {node}"),
        how: how.clone(),
    };
    nodes.map(violation).collect()
}

type Rules = BTreeMap<Rc<str>, Vec<String>>;

/// Returns on which nodes rules differ, and the first rule that does.
fn differing(kept: &Rules, made: &Rules) -> (String, BTreeSet<Rc<str>>) {
    let mut how = String::new();
    let mut nodes = BTreeSet::new();
    for (node, kept) in kept {
        let made = made.get(node).map_or(&[][..], Vec::as_slice);
        let (before, after): (BTreeSet<&String>, BTreeSet<&String>) =
            (kept.iter().collect(), made.iter().collect());
        if let Some(rule) = before.symmetric_difference(&after).next() {
            let side = if before.contains(rule) { "kept" } else { "missing" };
            how = format!("{side}: {rule}");
            nodes.insert(node.clone());
        } else if kept != made {
            how = "the rules stand in another order".to_string();
            nodes.insert(node.clone());
        }
    }
    (how, nodes)
}

/// What nothing else moves isn't moved either by controllers, scheduler and kubelets that start anew.
fn changed_by_restart(cluster: &Cluster) -> Vec<Violation> {
    // How long a Job waits after failures is in its controller's memory alone, as upstream's podBackoffStore.
    let jobs = cluster.store().range("/registry/jobs/");
    if jobs.into_iter().any(|(_, job)| goes_on(&job.value)) {
        return Vec::new();
    }
    let (mut calm, mut anew) = (cluster.clone(), cluster.clone());
    for process in [Process::ControllerManager, Process::Scheduler, Process::KubeletWatches] {
        anew.restart(process);
    }
    let stored = |cluster: &Cluster| -> BTreeMap<Rc<str>, (i64, Value)> {
        let entries = cluster.store().range("/registry/");
        entries.map(|(key, entry)| (key.clone(), (entry.mod_revision, entry.value.clone()))).collect()
    };
    let past = stored(cluster);
    let mut broken = Vec::new();
    for seconds in [RESTARTED, RETRIED] {
        calm.sleep(seconds);
        anew.sleep(seconds);
        broken = moved(&past, &stored(&calm), &stored(&anew));
        if broken.is_empty() {
            break;
        }
    }
    broken
}

fn goes_on(job: &Value) -> bool {
    let is_over = |condition: &str| meta::is_condition_true(job, condition);
    !(is_over("Complete") || is_over("Failed") || is_over("Suspended"))
}

type Stored = BTreeMap<Rc<str>, (i64, Value)>;

/// Returns what is otherwise in the second present than in the past, though it isn't in the first.
fn moved(past: &Stored, calm: &Stored, anew: &Stored) -> Vec<Violation> {
    let counts = |value: &Value| !matches!(value["kind"].str(), "Event" | "Lease" | "Node");
    let violation = |object: &Value, how: &str| Violation {
        invariant: "a_restart_changes_nothing_at_rest",
        object: title(object),
        how: how.to_string(),
    };
    let mut broken = Vec::new();
    for (key, (revision, value)) in past.iter().filter(|(_, (_, value))| counts(value)) {
        if calm.get(key).is_none_or(|(now, _)| now != revision) || goes_with_its_owner(past, value) {
            continue;
        }
        match anew.get(key) {
            None => broken.push(violation(value, "is gone after a restart")),
            Some((now, after)) if now != revision && !is_alike(value, after) => {
                broken.push(violation(value, &difference(value, after)));
            }
            Some(_) => {}
        }
    }
    for (key, (_, value)) in anew.iter().filter(|(_, (_, value))| counts(value)) {
        let is_new = !past.contains_key(key) && !calm.contains_key(key);
        if is_new && rests(past, calm, value) && !goes_with_its_owner(past, value) {
            broken.push(violation(value, "is there after a restart alone"));
        }
    }
    broken
}

/// Returns whether the object is being deleted, or its controller is and waits for it to be gone: what is made
/// meanwhile is collected once the garbage collector looks again, when something else goes or when it starts anew. The
/// status of what is being deleted isn't kept up with what goes before it, as a StatefulSet's revisions do.
fn goes_with_its_owner(past: &Stored, object: &Value) -> bool {
    if meta::is_deleting(object) {
        return true;
    }
    let Some(owner) = meta::controller(object) else { return false };
    past.values().any(|(_, value)| meta::uid(value) == owner["uid"].str() && meta::is_deleting(value))
}

/// Returns whether an object's controller rests: what a moving one makes has other names at other moments.
fn rests(past: &Stored, calm: &Stored, object: &Value) -> bool {
    let Some(owner) = meta::controller(object) else { return true };
    let is_owner = |(_, (_, value)): &(&Rc<str>, &(i64, Value))| meta::uid(value) == owner["uid"].str();
    let revision = |stored: &Stored| stored.iter().find(is_owner).map(|(_, (revision, _))| *revision);
    // A Service's slices come and go with its pods, whoever moves those.
    let siblings = |stored: &Stored| -> BTreeSet<Rc<str>> {
        let is_sibling = |(_, value): &(i64, Value)| {
            value["kind"] == object["kind"]
                && meta::controller(value).is_some_and(|one| one["uid"] == owner["uid"])
        };
        stored.iter().filter(|(_, entry)| is_sibling(entry)).map(|(key, _)| key.clone()).collect()
    };
    if siblings(past) != siblings(calm) {
        return false;
    }
    // Who was made meanwhile has another uid each time.
    revision(past).is_some_and(|before| revision(calm) == Some(before))
}

/// Returns an object without what tells of its writes, and a budget without what follows from its pods' scale: its controller
/// hears of pods, and not that a ReplicaSet whose pods stay as they are has another controller.
// Models pkg/controller/disruption/disruption.go NewDisruptionController
fn without_trace(value: &Value) -> Value {
    let mut value = value.clone();
    for field in ["resourceVersion", "managedFields"] {
        value.remove(&["metadata", field]);
    }
    if value["kind"].str() == "PodDisruptionBudget" {
        for field in ["expectedPods", "desiredHealthy", "disruptionsAllowed", "conditions"] {
            value.remove(&["status", field]);
        }
    }
    value
}

fn is_alike(one: &Value, other: &Value) -> bool {
    without_trace(one) == without_trace(other)
}

/// Returns the first field of status, spec or metadata that differs.
fn difference(one: &Value, other: &Value) -> String {
    for part in ["spec", "status", "metadata", "endpoints", "data"] {
        let (one, other) = (without_trace(one), without_trace(other));
        let names: Vec<&str> =
            one[part].fields().iter().chain(other[part].fields().iter()).map(|(k, _)| k).collect();
        if let Some(name) = names.into_iter().find(|name| one[part][*name] != other[part][*name]) {
            let (a, b) = (one[part][name].to_json(), other[part][name].to_json());
            return format!("{part}.{name} was {a:.300}, and is {b:.300} after a restart");
        }
    }
    "differs after a restart".to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    fn stored(rows: &[(&str, i64, i64)]) -> Stored {
        let object = |name: &str, count: i64| tree!({"kind": "ConfigMap", "metadata": {"name": name, "uid": name}, "spec": {"count": count}});
        rows.iter()
            .map(|(name, revision, count)| ((*name).into(), (*revision, object(name, *count))))
            .collect()
    }

    #[test]
    fn what_a_restart_moves_is_told() {
        let past = stored(&[("a", 1, 5), ("b", 2, 5)]);
        for (calm, anew, wanted) in [
            (stored(&[("a", 1, 5), ("b", 2, 5)]), stored(&[("a", 1, 5), ("b", 2, 5)]), 0),
            // Written again, with the same words; and what moves by itself.
            (stored(&[("a", 1, 5), ("b", 9, 6)]), stored(&[("a", 7, 5), ("b", 9, 8)]), 0),
            (stored(&[("a", 1, 5), ("b", 2, 5)]), stored(&[("a", 3, 6), ("b", 2, 5)]), 1),
            (stored(&[("a", 1, 5), ("b", 2, 5)]), stored(&[("a", 1, 5)]), 1),
            (stored(&[("a", 1, 5), ("b", 2, 5)]), stored(&[("a", 1, 5), ("b", 2, 5), ("c", 3, 1)]), 1),
        ] {
            let broken = moved(&past, &calm, &anew);
            assert_eq!(broken.len(), wanted, "{broken:?}");
        }
    }

    #[test]
    fn other_rules_are_told() {
        let rules = |lines: &[&str]| -> Rules {
            [("n".into(), lines.iter().map(|line| line.to_string()).collect())].into_iter().collect()
        };
        for (kept, made, wanted) in [
            (rules(&["a", "b"]), rules(&["a", "b"]), ""),
            (rules(&["a", "b"]), rules(&["a"]), "kept: b"),
            (rules(&["a"]), rules(&["a", "b"]), "missing: b"),
            (rules(&["b", "a"]), rules(&["a", "b"]), "the rules stand in another order"),
        ] {
            let (how, nodes) = differing(&kept, &made);
            assert_eq!((how.as_str(), nodes.is_empty()), (wanted, wanted.is_empty()));
        }
    }
}
