//! What a StatefulSet does at one look: pods in order, one at a time or all at once, then its update.
// Models pkg/controller/statefulset/stateful_set_control.go

use super::{StatefulSets, claims, utils};
use crate::history;
use crate::intstr::{Round, scaled};
use api::resources::{PERSISTENTVOLUMECLAIMS, STATEFULSETS};
use api::{Map, Value, meta};
use client::{Cx, Failure, Informers};
use sim::Time;

/// How often a status update is tried anew with the object as it is now.
const STATUS_UPDATE_RETRIES: u32 = 1;

/// The revisions between which a set may be: the one it has and the one it is to have.
struct Revisions {
    current: Value,
    update: Value,
    collisions: i64,
}

/// A set at one look.
struct Look<'a> {
    informers: &'a Informers,
    set: &'a Value,
    /// The set as it is to be.
    update_set: Value,
    /// Whether one pod follows the other.
    monotonic: bool,
}

/// Whether the look goes on after a step.
#[derive(PartialEq, Eq)]
enum Then {
    GoOn,
    Stop,
}

/// The pods of a set: those in its range, some of them not created yet, and those beyond.
struct Pods {
    replicas: Vec<Value>,
    /// By falling ordinals.
    condemned: Vec<Value>,
}

impl Pods {
    fn all(&self) -> impl Iterator<Item = &Value> {
        self.replicas.iter().chain(&self.condemned)
    }
}

impl StatefulSets {
    /// Takes the next steps for a set and writes its status, which is returned.
    // Models pkg/controller/statefulset/stateful_set_control.go UpdateStatefulSet
    pub(super) fn update(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        set: &Value,
        pods: &[Value],
        known: Vec<Value>,
    ) -> Result<Value, Failure> {
        let revisions = find_revisions(cx, set, &known)?;
        let (mut status, result) = self.update_set(cx, informers, set, &revisions, pods);
        complete_rolling_update(set, &mut status);
        let status = Value::from(status);
        let written = write_status(cx, set, &status);
        let truncated = truncate_history(cx, set, pods, &known, &revisions);
        result?;
        written?;
        truncated?;
        Ok(status)
    }

    // Models pkg/controller/statefulset/stateful_set_control.go updateStatefulSet
    fn update_set(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        set: &Value,
        revisions: &Revisions,
        pods: &[Value],
    ) -> (Map, Result<(), Failure>) {
        let current_set = history::apply(set, &revisions.current);
        let update_set = history::apply(set, &revisions.update);
        if meta::is_deleting(set) {
            return (status(cx.at(), set, revisions, pods.iter()), Ok(()));
        }
        let monotonic = set["spec"]["podManagementPolicy"].str() != "Parallel";
        let pods = sort_out(set, (&current_set, &update_set), revisions, pods);
        let look = Look { informers, set, update_set, monotonic };
        let mut order = || -> Result<Then, Failure> {
            let count = pods.replicas.len();
            if run_for_all(cx, monotonic, count, |cx, i| self.replica(cx, &look, &pods.replicas[i]))?
                == Then::Stop
            {
                return Ok(Then::Stop);
            }
            let first_unavailable = pods.replicas.iter().chain(pods.condemned.iter().rev());
            let first_unavailable = first_unavailable
                .filter(|pod| utils::is_unavailable(set, pod, cx.at()))
                .map(meta::name)
                .next();
            let condemned = &pods.condemned;
            for pod in condemned {
                self.update_claims(cx, informers, &look.update_set, pod)?;
            }
            run_for_all(cx, monotonic, condemned.len(), |cx, i| {
                self.condemned(cx, &look, first_unavailable, &condemned[i])
            })
        };
        let result = order();
        let mut status = status(cx.at(), set, revisions, pods.all());
        match result {
            Ok(Then::GoOn) => {}
            Ok(Then::Stop) => return (status, Ok(())),
            Err(failure) => return (status, Err(failure)),
        }
        if set["spec"]["updateStrategy"]["type"].str() == "OnDelete" {
            return (status, Ok(()));
        }
        let (deleted, result) = self.roll(cx, set, &pods.replicas, meta::name(&revisions.update));
        let current = status.get("currentReplicas").map_or(0, Value::int) - deleted;
        set_count(&mut status, "currentReplicas", current);
        (status, result)
    }

    /// Takes the next step for a pod in the set's range.
    // Models pkg/controller/statefulset/stateful_set_control.go processReplica
    fn replica(&mut self, cx: &mut Cx, look: &Look, pod: &Value) -> Result<Then, Failure> {
        let set = look.set;
        if matches!(pod["status"]["phase"].str(), "Failed" | "Succeeded") {
            if !meta::is_deleting(pod) {
                self.delete_pod(cx, set, pod)?;
            }
            return Ok(Then::Stop);
        }
        if !utils::is_created(pod) {
            let known = look.informers.of(PERSISTENTVOLUMECLAIMS);
            let claims = utils::claims(set, utils::ordinal(pod));
            let mut there = claims.iter().filter_map(|(_, claim)| known.get(&meta::key(claim)));
            if there.any(|claim| claims::is_stale(claim, pod)) {
                return Ok(Then::Stop);
            }
            self.create_pod(cx, look.informers, set, pod)?;
            if look.monotonic {
                return Ok(Then::Stop);
            }
        }
        if pod["status"]["phase"].str() == "Pending" {
            self.create_claims(cx, look.informers, set, pod)?;
        }
        let waits = meta::is_deleting(pod) || !utils::is_available(set, pod, cx.at());
        if waits && look.monotonic {
            return Ok(Then::Stop);
        }
        if utils::is_created(pod) {
            self.update_pod(cx, look.informers, &look.update_set, pod)?;
        }
        Ok(Then::GoOn)
    }

    /// Takes the next step for a pod beyond the set's range.
    // Models pkg/controller/statefulset/stateful_set_control.go processCondemned
    fn condemned(
        &mut self,
        cx: &mut Cx,
        look: &Look,
        first_unavailable: Option<&str>,
        pod: &Value,
    ) -> Result<Then, Failure> {
        if meta::is_deleting(pod) {
            return Ok(if look.monotonic { Then::Stop } else { Then::GoOn });
        }
        let waits =
            !utils::is_available(look.set, pod, cx.at()) && first_unavailable != Some(meta::name(pod));
        if !(waits && look.monotonic) {
            self.delete_pod(cx, look.set, pod)?;
        }
        Ok(Then::Stop)
    }

    /// Deletes as many outdated pods as may be unavailable at once, those with the highest ordinals
    /// first; they come again as they are to be. Returns how many were deleted.
    // Models pkg/controller/statefulset/stateful_set_control.go updateStatefulSetAfterInvariantEstablished
    fn roll(
        &mut self,
        cx: &mut Cx,
        set: &Value,
        replicas: &[Value],
        update: &str,
    ) -> (i64, Result<(), Failure>) {
        let rolling = &set["spec"]["updateStrategy"]["rollingUpdate"];
        let max_unavailable = max_unavailable(rolling, replicas.len() as i64);
        let is_outdated = |pod: &Value| utils::revision(pod) != update && !meta::is_deleting(pod);
        let unavailable = replicas
            .iter()
            .filter(|pod| !is_outdated(pod) && utils::is_unavailable(set, pod, cx.at()))
            .count();
        let room = usize::try_from(max_unavailable).unwrap_or(0).saturating_sub(unavailable);
        let partition = usize::try_from(rolling["partition"].int()).unwrap_or(0);
        let outdated: Vec<&Value> =
            replicas.iter().skip(partition).rev().filter(|pod| is_outdated(pod)).collect();
        let mut deleted = 0;
        for pod in outdated.into_iter().take(room) {
            match self.delete_pod(cx, set, pod) {
                Err(failure) if !failure.is_not_found() => return (deleted, Err(failure)),
                _ => deleted += 1,
            }
        }
        (deleted, Ok(()))
    }
}

/// Returns how many pods may be unavailable during an update, at least one.
// Models pkg/controller/statefulset/stateful_set_utils.go getStatefulSetMaxUnavailable
fn max_unavailable(rolling: &Value, replicas: i64) -> i64 {
    scaled(&rolling["maxUnavailable"], replicas, Round::Down).unwrap_or(1).max(1)
}

/// Takes a step for each pod: in order until one says stop, or all at once.
fn run_for_all(
    cx: &mut Cx,
    monotonic: bool,
    count: usize,
    mut step: impl FnMut(&mut Cx, usize) -> Result<Then, Failure>,
) -> Result<Then, Failure> {
    if monotonic {
        for i in 0..count {
            if step(cx, i)? == Then::Stop {
                return Ok(Then::Stop);
            }
        }
        return Ok(Then::GoOn);
    }
    let mut failed = None;
    let mut next = 0;
    let mut size = 1;
    while next < count && failed.is_none() {
        let end = (next + size).min(count);
        cx.parallel(next..end, |cx, i| {
            if let Err(failure) = step(cx, i) {
                failed.get_or_insert(failure);
            }
        });
        (next, size) = (end, (2 * size).min(MAX_BATCH));
    }
    failed.map_or(Ok(Then::GoOn), Err)
}

/// How many pods are handled at once.
const MAX_BATCH: usize = 500;

/// Puts the pods into the places of their ordinals; a place that is empty gets a pod to be created.
fn sort_out(set: &Value, sets: (&Value, &Value), revisions: &Revisions, pods: &[Value]) -> Pods {
    let start = utils::start(set);
    let count = usize::try_from(utils::replicas(set)).unwrap_or(0);
    let mut places: Vec<Option<Value>> = vec![None; count];
    let mut condemned = Vec::new();
    for pod in pods {
        let place = usize::try_from(utils::ordinal(pod) - start).ok();
        match place.and_then(|place| places.get_mut(place)) {
            Some(place) => *place = Some(pod.clone()),
            None if utils::ordinal(pod) >= 0 => condemned.push(pod.clone()),
            None => {}
        }
    }
    condemned.sort_by_key(|pod| -utils::ordinal(pod));
    let current = (sets.0, meta::name(&revisions.current));
    let update = (sets.1, meta::name(&revisions.update));
    let filled = places.into_iter().zip(start..);
    let replicas = filled
        .map(|(pod, ordinal)| pod.unwrap_or_else(|| utils::new_versioned_pod(current, update, ordinal)))
        .collect();
    Pods { replicas, condemned }
}

/// Returns the revision that a set has and the one that it is to have, which may be new.
// Models pkg/controller/statefulset/stateful_set_control.go getStatefulSetRevisions
fn find_revisions(cx: &mut Cx, set: &Value, known: &[Value]) -> Result<Revisions, Failure> {
    let collisions = set["status"]["collisionCount"].int();
    let data = history::template_patch(set);
    let next = known.last().map_or(0, |revision| revision["revision"].int()) + 1;
    let equal = known.iter().rposition(|revision| revision["data"] == data);
    let (update, collisions) = match equal {
        Some(at) if at + 1 == known.len() => (known[at].clone(), collisions),
        Some(at) => (history::renumber(cx, &known[at], next)?, collisions),
        None => history::create(cx, STATEFULSETS, set, next, collisions)?,
    };
    let name = set["status"]["currentRevision"].str();
    let current = known.iter().find(|revision| meta::name(revision) == name);
    let current = current.unwrap_or(&update).clone();
    Ok(Revisions { current, update, collisions })
}

fn set_count(status: &mut Map, field: &str, count: i64) {
    if count == 0 {
        status.remove(field);
    } else {
        status.insert(field, count);
    }
}

// Models pkg/controller/statefulset/stateful_set_control.go updateStatus
fn status<'a>(now: Time, set: &Value, revisions: &Revisions, pods: impl Iterator<Item = &'a Value>) -> Map {
    let (current, update) = (meta::name(&revisions.current), meta::name(&revisions.update));
    let [mut created, mut ready, mut available, mut currents, mut updated] = [0_i64; 5];
    for pod in pods {
        created += i64::from(utils::is_created(pod));
        ready += i64::from(utils::is_running_and_ready(pod));
        available += i64::from(utils::is_available(set, pod, now));
        if utils::is_created(pod) && !meta::is_deleting(pod) {
            currents += i64::from(utils::revision(pod) == current);
            updated += i64::from(utils::revision(pod) == update);
        }
    }
    let mut status = Map::new();
    status.insert("observedGeneration", meta::generation(set));
    status.insert("replicas", created);
    status.insert("availableReplicas", available);
    status.insert("currentRevision", current);
    status.insert("updateRevision", update);
    status.insert("collisionCount", revisions.collisions);
    set_count(&mut status, "readyReplicas", ready);
    set_count(&mut status, "currentReplicas", currents);
    set_count(&mut status, "updatedReplicas", updated);
    status
}

// Models pkg/controller/statefulset/stateful_set_utils.go completeRollingUpdate
fn complete_rolling_update(set: &Value, status: &mut Map) {
    let is_all = |field: &str| status.get(field).map_or(0, Value::int) == utils::replicas(set);
    let is_rolling = set["spec"]["updateStrategy"]["type"].str() == "RollingUpdate";
    if is_rolling && ["updatedReplicas", "readyReplicas", "replicas"].into_iter().all(is_all) {
        set_count(status, "currentReplicas", utils::replicas(set));
        let update = status.get("updateRevision").cloned().unwrap_or_default();
        status.insert("currentRevision", update);
    }
}

fn write_status(cx: &mut Cx, set: &Value, status: &Value) -> Result<(), Failure> {
    if set["status"] == *status {
        return Ok(());
    }
    let mut set = set.clone();
    for attempt in 0.. {
        set.set(&["status"], status);
        match cx.update(STATEFULSETS, &set, "status") {
            Err(failure) if failure.is_conflict() && attempt < STATUS_UPDATE_RETRIES => {
                set = cx.get(STATEFULSETS, meta::namespace(&set), meta::name(&set))?;
            }
            result => return result.map(|_| ()),
        }
    }
    Ok(())
}

/// Deletes the oldest revisions beyond the history's limit that no pod is of.
// Models pkg/controller/statefulset/stateful_set_control.go truncateHistory
fn truncate_history(
    cx: &mut Cx,
    set: &Value,
    pods: &[Value],
    known: &[Value],
    revisions: &Revisions,
) -> Result<(), Failure> {
    let is_live = |revision: &Value| {
        let name = meta::name(revision);
        name == meta::name(&revisions.current)
            || name == meta::name(&revisions.update)
            || pods.iter().any(|pod| utils::revision(pod) == name)
    };
    let old: Vec<&Value> = known.iter().filter(|revision| !is_live(revision)).collect();
    let limit = usize::try_from(set["spec"]["revisionHistoryLimit"].as_int().unwrap_or(10)).unwrap_or(0);
    let excess = old.len().saturating_sub(limit);
    history::delete(cx, old.into_iter().take(excess))
}
