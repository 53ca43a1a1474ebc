use super::Deployments;
use super::util::*;
use crate::claim::controller_reference;
use crate::hash::pod_template_hash;
use crate::pod_control::is_namespace_terminating;
use api::resources::{DEPLOYMENTS, REPLICASETS};
use api::{Map, Value, meta, tree};
use client::{Cx, Failure};
use sim::{Nanos, Time};

/// The new ReplicaSet, where there is one, and the old ones.
pub(super) struct Sets {
    pub(super) new: Option<Value>,
    pub(super) old: Vec<Value>,
}

impl Sets {
    /// Returns the old ones and then the new one.
    pub(super) fn all(&self) -> Vec<Value> {
        self.old.iter().chain(&self.new).cloned().collect()
    }
}

/// Returns those with replicas.
pub(super) fn active(sets: &[Value]) -> Vec<Value> {
    sets.iter().filter(|rs| replicas(rs) > 0).cloned().collect()
}

impl Deployments {
    pub(super) fn sync_status_only(
        &mut self,
        cx: &mut Cx,
        deployment: &mut Value,
        sets: Vec<Value>,
    ) -> Result<Option<Nanos>, Failure> {
        let sets = self.all_sets(cx, deployment, sets, Missing::Leave)?;
        sync_status(cx, deployment, &sets)
    }

    /// Makes a paused Deployment's, or a scaled one's, ReplicaSets as large as they should be.
    pub(super) fn sync(
        &mut self,
        cx: &mut Cx,
        deployment: &mut Value,
        sets: Vec<Value>,
    ) -> Result<Option<Nanos>, Failure> {
        let mut sets = self.all_sets(cx, deployment, sets, Missing::Leave)?;
        self.scale(cx, deployment, &mut sets)?;
        if deployment["spec"]["paused"].is_true() {
            cleanup(cx, deployment, &sets.old)?;
        }
        sync_status(cx, deployment, &sets)
    }

    // Models pkg/controller/deployment/sync.go checkPausedConditions
    pub(super) fn check_paused_conditions(
        &mut self,
        cx: &mut Cx,
        deployment: &mut Value,
    ) -> Result<(), Failure> {
        if !has_progress_deadline(deployment) {
            return Ok(());
        }
        let current = get_condition(&deployment["status"], "Progressing");
        let reason = current.map_or("", |current| current["reason"].str());
        let paused = deployment["spec"]["paused"].is_true();
        let (reason, message) = match (reason, paused) {
            ("ProgressDeadlineExceeded", _) => return Ok(()),
            ("DeploymentPaused", false) => ("DeploymentResumed", "Deployment is resumed"),
            ("DeploymentPaused", true) | (_, false) => return Ok(()),
            (_, true) => ("DeploymentPaused", "Deployment is paused"),
        };
        let condition = condition(cx.at(), "Progressing", "Unknown", reason, message);
        set_condition(deployment.at_mut(&["status"]), condition);
        cx.update(DEPLOYMENTS, deployment, "status").map(|_| ())
    }

    /// Tells the new ReplicaSet from the old ones and brings revisions up to date.
    // Models pkg/controller/deployment/sync.go getAllReplicaSetsAndSyncRevision
    pub(super) fn all_sets(
        &mut self,
        cx: &mut Cx,
        deployment: &mut Value,
        mut sets: Vec<Value>,
        missing: Missing,
    ) -> Result<Sets, Failure> {
        sort_by_creation(&mut sets);
        let template = &deployment["spec"]["template"];
        let at = sets.iter().position(|rs| equal_ignore_hash(&rs["spec"]["template"], template));
        let new = at.map(|at| sets.remove(at));
        let revision = sets.iter().map(revision).max().unwrap_or(0).max(0) + 1;
        let new = match (new, missing) {
            (Some(new), _) => Some(update_new_set(cx, deployment, new, revision)?),
            (None, Missing::Create) => Some(self.create_new_set(cx, deployment, &sets, revision)?),
            (None, Missing::Leave) => None,
        };
        Ok(Sets { new, old: sets })
    }

    fn create_new_set(
        &mut self,
        cx: &mut Cx,
        deployment: &mut Value,
        old: &[Value],
        revision: i64,
    ) -> Result<Value, Failure> {
        let new = new_set(deployment, old, revision);
        let mut is_new = true;
        let created = match cx.create(REPLICASETS, &new) {
            Ok(created) => created,
            Err(failure) if failure.is_already_exists() => {
                is_new = false;
                same_set_or_collision(cx, deployment, &new, failure)?
            }
            Err(failure) if is_namespace_terminating(&failure) => return Err(failure),
            Err(failure) => return self.tell_failed_create(cx, deployment, &new, failure),
        };
        let (name, size) = (meta::name(&created), replicas(&created));
        if is_new && size > 0 {
            let message = format!("Scaled up replica set {name} from 0 to {size}");
            self.recorder.event(cx, deployment, "Normal", "ScalingReplicaSet", &message);
        }
        let mut changed = set_annotation(deployment, REVISION, &revision.to_string());
        if is_new && has_progress_deadline(deployment) {
            let message = format!("Created new replica set {name:?}");
            let condition = condition(cx.at(), "Progressing", "True", "NewReplicaSetCreated", &message);
            set_condition(deployment.at_mut(&["status"]), condition);
            changed = true;
        }
        if changed {
            cx.update(DEPLOYMENTS, deployment, "status")?;
        }
        Ok(created)
    }

    fn tell_failed_create(
        &mut self,
        cx: &mut Cx,
        deployment: &mut Value,
        new: &Value,
        failure: Failure,
    ) -> Result<Value, Failure> {
        let message = format!("Failed to create new replica set {:?}: {failure}", meta::name(new));
        if has_progress_deadline(deployment) {
            let condition = condition(cx.at(), "Progressing", "False", "ReplicaSetCreateError", &message);
            set_condition(deployment.at_mut(&["status"]), condition);
            let _ = cx.update(DEPLOYMENTS, deployment, "status"); // the first failure is the worse one
        }
        self.recorder.event(cx, deployment, "Warning", "ReplicaSetCreateError", &message);
        Err(failure)
    }

    /// Returns whether somebody changed the Deployment's size.
    // Models pkg/controller/deployment/sync.go isScalingEvent
    pub(super) fn is_scaling_event(
        &mut self,
        cx: &mut Cx,
        deployment: &mut Value,
        sets: &[Value],
    ) -> Result<bool, Failure> {
        let sets = self.all_sets(cx, deployment, sets.to_vec(), Missing::Leave)?;
        let desired = replicas(deployment);
        let differs = |rs: &Value| int_annotation(rs, DESIRED_REPLICAS).is_some_and(|known| known != desired);
        Ok(active(&sets.all()).iter().any(differs))
    }

    /// Makes the ReplicaSets' sizes fit the Deployment's, in proportion where several are active.
    // Models pkg/controller/deployment/sync.go scale
    pub(super) fn scale(&mut self, cx: &mut Cx, deployment: &Value, sets: &mut Sets) -> Result<(), Failure> {
        if let Some(one) = active_or_latest(sets) {
            let scaled = self.scale_set(cx, &one, replicas(deployment), deployment)?;
            sets.replace(scaled);
            return Ok(());
        }
        if sets.new.as_ref().is_some_and(|new| is_saturated(deployment, new)) {
            for old in active(&sets.old) {
                let scaled = self.scale_set(cx, &old, 0, deployment)?;
                sets.replace(scaled);
            }
            return Ok(());
        }
        if is_rolling_update(deployment) {
            for (rs, size) in proportional_sizes(deployment, active(&sets.all())) {
                let scaled = self.scale_set_always(cx, &rs, size, deployment)?;
                sets.replace(scaled);
            }
        }
        Ok(())
    }

    /// Scales a ReplicaSet unless it is as large already, and returns it as it is then.
    // Models pkg/controller/deployment/sync.go scaleReplicaSetAndRecordEvent
    pub(super) fn scale_set(
        &mut self,
        cx: &mut Cx,
        rs: &Value,
        size: i64,
        deployment: &Value,
    ) -> Result<Value, Failure> {
        if replicas(rs) == size { Ok(rs.clone()) } else { self.scale_set_always(cx, rs, size, deployment) }
    }

    // Models pkg/controller/deployment/sync.go scaleReplicaSet
    fn scale_set_always(
        &mut self,
        cx: &mut Cx,
        rs: &Value,
        size: i64,
        deployment: &Value,
    ) -> Result<Value, Failure> {
        let mut wanted = rs.clone();
        let (before, desired) = (replicas(rs), replicas(deployment));
        let annotated = set_replicas_annotations(&mut wanted, desired, desired + max_surge(deployment));
        if before == size && !annotated {
            return Ok(wanted);
        }
        wanted.set(&["spec", "replicas"], size);
        let updated = cx.update(REPLICASETS, &wanted, "")?;
        if before != size {
            let way = if before < size { "up" } else { "down" };
            let message = format!("Scaled {way} replica set {} from {before} to {size}", meta::name(rs));
            self.recorder.event(cx, deployment, "Normal", "ScalingReplicaSet", &message);
        }
        Ok(updated)
    }
}

impl Sets {
    /// Puts a ReplicaSet in the place of the one it was.
    pub(super) fn replace(&mut self, rs: Value) {
        let all = self.old.iter_mut().chain(self.new.as_mut());
        if let Some(place) = all.into_iter().find(|known| meta::uid(known) == meta::uid(&rs)) {
            *place = rs;
        }
    }
}

/// What to do where the new ReplicaSet isn't there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Create,
    Leave,
}

/// Brings the new ReplicaSet's annotations up to date, or the Deployment's revision.
// Models pkg/controller/deployment/sync.go getNewReplicaSet
fn update_new_set(cx: &mut Cx, deployment: &mut Value, new: Value, revision: i64) -> Result<Value, Failure> {
    let mut wanted = new;
    let annotated = set_new_annotations(deployment, &mut wanted, revision);
    let min_ready = deployment["spec"]["minReadySeconds"].int();
    if annotated || wanted["spec"]["minReadySeconds"].int() != min_ready {
        match min_ready {
            0 => drop(wanted.remove(&["spec", "minReadySeconds"])),
            seconds => wanted.set(&["spec", "minReadySeconds"], seconds),
        }
        return cx.update(REPLICASETS, &wanted, "");
    }
    let mut changed = set_annotation(deployment, REVISION, meta::annotation(&wanted, REVISION));
    if has_progress_deadline(deployment) && get_condition(&deployment["status"], "Progressing").is_none() {
        let message = format!("Found new replica set {:?}", meta::name(&wanted));
        let condition = condition(cx.at(), "Progressing", "True", "FoundNewReplicaSet", &message);
        set_condition(deployment.at_mut(&["status"]), condition);
        changed = true;
    }
    if changed {
        cx.update(DEPLOYMENTS, deployment, "status")?;
    }
    Ok(wanted)
}

fn new_set(deployment: &Value, old: &[Value], revision: i64) -> Value {
    let spec = &deployment["spec"];
    let hash = pod_template_hash(&spec["template"], deployment["status"]["collisionCount"].as_int());
    let mut template = spec["template"].clone();
    template.set(&["metadata", "labels", HASH_LABEL], hash.as_str());
    let mut selector = spec["selector"].clone();
    selector.set(&["matchLabels", HASH_LABEL], hash.as_str());
    let mut new = tree!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": (format!("{}-{hash}", meta::name(deployment))),
            "namespace": (meta::namespace(deployment)),
            "labels": (meta::labels(&template)),
            "ownerReferences": [(controller_reference(DEPLOYMENTS, deployment))],
        },
        "spec": {"replicas": 0, "selector": (selector), "template": (template)},
    });
    if spec["minReadySeconds"].int() != 0 {
        new.set(&["spec", "minReadySeconds"], spec["minReadySeconds"].int());
    }
    let size = new_replicas(deployment, old, &new);
    new.set(&["spec", "replicas"], size);
    set_new_annotations(deployment, &mut new, revision);
    let desired = replicas(deployment);
    set_replicas_annotations(&mut new, desired, desired + max_surge(deployment));
    new
}

/// Returns the ReplicaSet of that name if it is the wanted one, which the cache hasn't shown yet.
/// Otherwise the Deployment's next try takes another hash.
fn same_set_or_collision(
    cx: &mut Cx,
    deployment: &mut Value,
    new: &Value,
    failure: Failure,
) -> Result<Value, Failure> {
    let there = cx.get(REPLICASETS, meta::namespace(new), meta::name(new))?;
    let template = &deployment["spec"]["template"];
    if meta::is_controlled_by(&there, deployment) && equal_ignore_hash(&there["spec"]["template"], template) {
        return Ok(there);
    }
    let count = deployment["status"]["collisionCount"].int() + 1;
    deployment.set(&["status", "collisionCount"], count);
    cx.update(DEPLOYMENTS, deployment, "status")?;
    Err(failure)
}

/// Returns the only active ReplicaSet, or the latest where none is; `None` where several are.
// Models pkg/controller/deployment/util/deployment_util.go FindActiveOrLatest
fn active_or_latest(sets: &Sets) -> Option<Value> {
    let mut active = active(&sets.all());
    match active.len() {
        0 => sets.new.clone().or_else(|| sets.old.iter().max_by_key(|rs| age(rs)).cloned()),
        1 => active.pop(),
        _ => None,
    }
}

// Models pkg/controller/deployment/util/deployment_util.go IsSaturated
fn is_saturated(deployment: &Value, new: &Value) -> bool {
    let desired = replicas(deployment);
    replicas(new) == desired
        && int_annotation(new, DESIRED_REPLICAS) == Some(desired)
        && new["status"]["availableReplicas"].int() == desired
}

/// Returns the size that each active ReplicaSet should have, the largest first.
fn proportional_sizes(deployment: &Value, mut active: Vec<Value>) -> Vec<(Value, i64)> {
    let desired = replicas(deployment);
    let allowed = if desired > 0 { desired + max_surge(deployment) } else { 0 };
    let to_add = allowed - active.iter().map(replicas).sum::<i64>();
    active.sort_by(|a, b| {
        let by_age = if to_add > 0 { age(b).cmp(&age(a)) } else { age(a).cmp(&age(b)) };
        replicas(b).cmp(&replicas(a)).then(by_age)
    });
    let mut added = 0;
    let mut sizes: Vec<(Value, i64)> = Vec::new();
    for rs in active {
        let proportion = proportion(&rs, deployment, to_add, added);
        added += proportion;
        let size = replicas(&rs) + proportion;
        sizes.push((rs, size));
    }
    if let Some((_, size)) = sizes.first_mut().filter(|_| to_add != 0) {
        *size = (*size + to_add - added).max(0); // what rounding left over
    }
    sizes
}

/// Deletes old ReplicaSets beyond the history's limit, the oldest revision first.
// Models pkg/controller/deployment/sync.go cleanupDeployment
pub(super) fn cleanup(cx: &mut Cx, deployment: &Value, old: &[Value]) -> Result<(), Failure> {
    if !has_history_limit(deployment) {
        return Ok(());
    }
    let mut old: Vec<&Value> = old.iter().filter(|rs| !meta::is_deleting(rs)).collect();
    let limit = deployment["spec"]["revisionHistoryLimit"].int().max(0) as usize;
    let excess = old.len().saturating_sub(limit);
    old.sort_by_key(|rs| (revision(rs), age(rs)));
    for rs in old.into_iter().take(excess) {
        let status = &rs["status"];
        let is_used = status["replicas"].int() != 0
            || replicas(rs) != 0
            || meta::generation(rs) > status["observedGeneration"].int();
        if is_used {
            continue;
        }
        match cx.delete(REPLICASETS, meta::namespace(rs), meta::name(rs), Value::Null) {
            Err(failure) if !failure.is_not_found() => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}

fn sync_status(cx: &mut Cx, deployment: &mut Value, sets: &Sets) -> Result<Option<Nanos>, Failure> {
    let status = calculate_status(cx.at(), deployment, sets);
    if status != deployment["status"] {
        deployment.set(&["status"], status);
        cx.update(DEPLOYMENTS, deployment, "status")?;
    }
    Ok(None)
}

/// Returns the status that the ReplicaSets make.
// Models pkg/controller/deployment/sync.go calculateStatus
pub(super) fn calculate_status(now: Time, deployment: &Value, sets: &Sets) -> Value {
    let all = sets.all();
    let sum = |count: &str| all.iter().map(|rs| rs["status"][count].int()).sum::<i64>();
    let total: i64 = all.iter().map(replicas).sum();
    let available = sum("availableReplicas");
    let updated = sets.new.as_ref().map_or(0, |new| new["status"]["replicas"].int());
    let mut status = Map::new();
    for (field, number) in [
        ("observedGeneration", meta::generation(deployment)),
        ("replicas", sum("replicas")),
        ("updatedReplicas", updated),
        ("readyReplicas", sum("readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (total - available).max(0)),
    ] {
        if number != 0 {
            status.insert(field, number);
        }
    }
    let terminating = |rs: &Value| rs["status"]["terminatingReplicas"].as_int();
    if all.iter().any(|rs| terminating(rs).is_some()) {
        status.insert("terminatingReplicas", all.iter().filter_map(terminating).sum::<i64>());
    }
    let old = &deployment["status"];
    for field in ["collisionCount", "conditions"] {
        if !old[field].is_null() {
            status.insert(field, &old[field]);
        }
    }
    let mut status = Value::from(status);
    let (truth, reason, message) = if available >= replicas(deployment) - max_unavailable(deployment) {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    set_condition(&mut status, condition(now, "Available", truth, reason, message));
    status
}
