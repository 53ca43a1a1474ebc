use crate::intstr::{Round, scaled};
use api::{Value, meta, tree};
use sim::{SECOND, Time};

pub(crate) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(crate) const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub(crate) const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
pub(crate) const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";
pub(crate) const HASH_LABEL: &str = "pod-template-hash";
/// The longest text of old revisions.
const MAX_HISTORY_LENGTH: usize = 2_000;
/// What a number that means "not set" is written as.
const NO_LIMIT: i64 = i32::MAX as i64;

pub(crate) fn replicas(object: &Value) -> i64 {
    object["spec"]["replicas"].int()
}

pub(crate) fn is_rolling_update(deployment: &Value) -> bool {
    deployment["spec"]["strategy"]["type"].str() == "RollingUpdate"
}

/// Returns (maxSurge, maxUnavailable) as numbers; both are never 0.
// Models pkg/controller/deployment/util/deployment_util.go ResolveFenceposts
fn fenceposts(deployment: &Value) -> (i64, i64) {
    let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
    let desired = replicas(deployment);
    let surge = scaled(&rolling["maxSurge"], desired, Round::Up).unwrap_or(0);
    let unavailable = scaled(&rolling["maxUnavailable"], desired, Round::Down).unwrap_or(0);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

pub(crate) fn max_surge(deployment: &Value) -> i64 {
    if is_rolling_update(deployment) { fenceposts(deployment).0 } else { 0 }
}

pub(crate) fn max_unavailable(deployment: &Value) -> i64 {
    if !is_rolling_update(deployment) || replicas(deployment) == 0 {
        return 0;
    }
    fenceposts(deployment).1.min(replicas(deployment))
}

/// Returns how many replicas the new ReplicaSet may have.
// Models pkg/controller/deployment/util/deployment_util.go NewRSNewReplicas
pub(crate) fn new_replicas(deployment: &Value, all: &[Value], new: &Value) -> i64 {
    if !is_rolling_update(deployment) {
        return replicas(deployment);
    }
    let max_total = replicas(deployment) + max_surge(deployment);
    let current: i64 = all.iter().map(replicas).sum();
    if current >= max_total {
        return replicas(new);
    }
    replicas(new) + (max_total - current).min(replicas(deployment) - replicas(new))
}

/// Returns by how much a ReplicaSet's size changes with the Deployment's, in proportion.
// Models pkg/controller/deployment/util/deployment_util.go GetReplicaSetProportion
pub(crate) fn proportion(rs: &Value, deployment: &Value, to_add: i64, added: i64) -> i64 {
    if replicas(rs) == 0 || to_add == 0 || to_add == added {
        return 0;
    }
    let fraction = fraction(rs, deployment);
    let allowed = to_add - added;
    if to_add > 0 { fraction.min(allowed) } else { fraction.max(allowed) }
}

fn fraction(rs: &Value, deployment: &Value) -> i64 {
    let size = replicas(rs);
    if replicas(deployment) == 0 {
        return -size;
    }
    let wanted = replicas(deployment) + max_surge(deployment);
    let annotated = match int_annotation(rs, MAX_REPLICAS) {
        None | Some(0) => deployment["status"]["replicas"].int(),
        Some(number) => number,
    };
    if annotated == 0 {
        return 0;
    }
    round_half_away(size * wanted, annotated) - size
}

fn round_half_away(numerator: i64, denominator: i64) -> i64 {
    (2 * numerator + denominator).div_euclid(2 * denominator)
}

pub(crate) fn int_annotation(object: &Value, name: &str) -> Option<i64> {
    meta::annotations(object)[name].as_str()?.parse().ok()
}

pub(crate) fn revision(object: &Value) -> i64 {
    int_annotation(object, REVISION).unwrap_or(0)
}

/// Sets an annotation; returns whether that changes the object.
pub(crate) fn set_annotation(object: &mut Value, name: &str, value: &str) -> bool {
    if meta::annotations(object)[name].as_str() == Some(value) {
        return false;
    }
    object.set(&["metadata", "annotations", name], value);
    true
}

/// Sets the annotations with the sizes; returns whether that changes the ReplicaSet.
pub(crate) fn set_replicas_annotations(rs: &mut Value, desired: i64, max: i64) -> bool {
    let desired = set_annotation(rs, DESIRED_REPLICAS, &desired.to_string());
    set_annotation(rs, MAX_REPLICAS, &max.to_string()) || desired
}

fn is_skipped(annotation: &str) -> bool {
    matches!(
        annotation,
        "kubectl.kubernetes.io/last-applied-configuration"
            | REVISION
            | REVISION_HISTORY
            | DESIRED_REPLICAS
            | MAX_REPLICAS
            | "deprecated.deployment.rollback.to"
    )
}

/// Copies the Deployment's annotations to its new ReplicaSet and sets the revision; returns whether
/// that changes the ReplicaSet.
// Models pkg/controller/deployment/util/deployment_util.go SetNewReplicaSetAnnotations
pub(crate) fn set_new_annotations(deployment: &Value, rs: &mut Value, new_revision: i64) -> bool {
    let mut changed = false;
    for (name, value) in meta::annotations(deployment).fields().iter() {
        if !is_skipped(name) {
            changed |= set_annotation(rs, name, value.str());
        }
    }
    let had = meta::annotations(rs)[REVISION].as_str().map(str::to_string);
    let old_revision = had.as_deref().map_or(Some(0), |text| text.parse().ok());
    let Some(old_revision) = old_revision.filter(|old: &i64| *old < new_revision) else {
        return changed;
    };
    set_annotation(rs, REVISION, &new_revision.to_string());
    if had.is_some() {
        let mut history = meta::annotation(rs, REVISION_HISTORY).to_string();
        if !history.is_empty() {
            history.push(',');
        }
        history.push_str(&old_revision.to_string());
        while history.len() > MAX_HISTORY_LENGTH
            && let Some((_, rest)) = history.split_once(',')
        {
            history = rest.to_string();
        }
        set_annotation(rs, REVISION_HISTORY, &history);
    }
    true
}

/// Returns whether two templates are equal but for the hash label.
pub(crate) fn equal_ignore_hash(one: &Value, other: &Value) -> bool {
    fn bare(template: &Value) -> Value {
        let mut template = template.clone();
        template.remove(&["metadata", "labels", HASH_LABEL]);
        if let Some(metadata) = template.get("metadata").and_then(Value::as_map) {
            let kept = metadata.iter().filter(|(_, value)| !value.is_empty());
            template.set(&["metadata"], kept.map(|(key, value)| (key, value.clone())).collect::<api::Map>());
        }
        template
    }
    bare(one) == bare(other)
}

/// Sorts by creation, the oldest first, then by name.
// Models pkg/controller/controller_utils.go ReplicaSetsByCreationTimestamp
pub(crate) fn sort_by_creation(sets: &mut [Value]) {
    sets.sort_by(|a, b| age(a).cmp(&age(b)));
}

pub(crate) fn age(rs: &Value) -> (Option<Time>, &str) {
    (meta::created(rs), meta::name(rs))
}

pub(crate) fn has_progress_deadline(deployment: &Value) -> bool {
    has_limit(&deployment["spec"]["progressDeadlineSeconds"])
}

pub(crate) fn has_history_limit(deployment: &Value) -> bool {
    has_limit(&deployment["spec"]["revisionHistoryLimit"])
}

fn has_limit(value: &Value) -> bool {
    value.as_int().is_some_and(|limit| limit != NO_LIMIT)
}

/// Makes a condition of a Deployment.
pub(crate) fn condition(now: Time, kind: &str, status: &str, reason: &str, message: &str) -> Value {
    let stamp = now.rfc3339();
    tree!({
        "type": kind,
        "status": status,
        "lastUpdateTime": (&stamp),
        "lastTransitionTime": (&stamp),
        "reason": reason,
        "message": message,
    })
}

/// Returns the condition of a type in a status.
pub(crate) fn get_condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status["conditions"].items().iter().find(|condition| condition["type"].str() == kind)
}

/// Sets a condition, which goes last, unless one with the same status and reason is there.
// Models pkg/controller/deployment/util/deployment_util.go SetDeploymentCondition
pub(crate) fn set_condition(status: &mut Value, mut condition: Value) {
    let kind = condition["type"].text();
    if let Some(current) = get_condition(status, &kind)
        && current["status"] == condition["status"]
    {
        if current["reason"] == condition["reason"] {
            return;
        }
        condition.set(&["lastTransitionTime"], &current["lastTransitionTime"]);
    }
    remove_condition(status, &kind);
    status.at_mut(&["conditions"]).list_mut().push(condition);
}

/// Removes the condition of a type.
pub(crate) fn remove_condition(status: &mut Value, kind: &str) {
    if get_condition(status, kind).is_some() {
        status.at_mut(&["conditions"]).list_mut().retain(|condition| condition["type"].str() != kind);
    }
}

/// Returns whether all replicas are of the new template and available.
// Models pkg/controller/deployment/util/deployment_util.go DeploymentComplete
pub(crate) fn is_complete(deployment: &Value, status: &Value) -> bool {
    let desired = replicas(deployment);
    ["updatedReplicas", "replicas", "availableReplicas"].iter().all(|count| status[*count].int() == desired)
        && status["observedGeneration"].int() >= meta::generation(deployment)
}

/// Returns whether the new status is further than the old one.
// Models pkg/controller/deployment/util/deployment_util.go DeploymentProgressing
pub(crate) fn is_progressing(deployment: &Value, new: &Value) -> bool {
    let old = &deployment["status"];
    let of_old = |status: &Value| status["replicas"].int() - status["updatedReplicas"].int();
    let more = |count: &str| new[count].int() > old[count].int();
    more("updatedReplicas") || of_old(new) < of_old(old) || more("readyReplicas") || more("availableReplicas")
}

/// Returns whether there was no progress for as long as the deadline says.
// Models pkg/controller/deployment/util/deployment_util.go DeploymentTimedOut
pub(crate) fn is_timed_out(deployment: &Value, status: &Value, now: Time) -> bool {
    let Some(progressing) =
        get_condition(status, "Progressing").filter(|_| has_progress_deadline(deployment))
    else {
        return false;
    };
    match progressing["reason"].str() {
        "NewReplicaSetAvailable" => false,
        "ProgressDeadlineExceeded" => true,
        _ => {
            let from = meta::time(&progressing["lastUpdateTime"]).unwrap_or(now);
            from + deployment["spec"]["progressDeadlineSeconds"].int() * SECOND < now
        }
    }
}
