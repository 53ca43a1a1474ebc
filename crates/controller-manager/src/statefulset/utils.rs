//! What a StatefulSet's pods are called, and what makes them its own.
// Models pkg/controller/statefulset/stateful_set_utils.go

use crate::pod;
use crate::pod_control::pod_from_template;
use api::resources::STATEFULSETS;
use api::{Value, meta, tree};
use sim::Time;

pub(super) const REVISION_LABEL: &str = "controller-revision-hash";
const POD_NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX_LABEL: &str = "apps.kubernetes.io/pod-index";

/// Returns the set's name and the ordinal in a pod's name; `None` where it ends in no number.
// Models pkg/controller/statefulset/stateful_set_utils.go getParentNameAndOrdinal
pub(super) fn parent_and_ordinal(pod: &Value) -> Option<(&str, i64)> {
    let (parent, digits) = meta::name(pod).rsplit_once('-')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let ordinal = if is_number { digits.parse::<i32>().ok()? } else { return None };
    Some((parent, i64::from(ordinal)))
}

/// Returns a pod's ordinal, -1 for none.
pub(super) fn ordinal(pod: &Value) -> i64 {
    parent_and_ordinal(pod).map_or(-1, |(_, ordinal)| ordinal)
}

/// Returns whether a pod's name is one of the set's.
pub(super) fn is_member(set: &Value, pod: &Value) -> bool {
    parent_and_ordinal(pod).is_some_and(|(parent, _)| parent == meta::name(set))
}

/// Returns the first ordinal.
pub(super) fn start(set: &Value) -> i64 {
    set["spec"]["ordinals"]["start"].int()
}

/// Returns how many pods are wanted.
pub(super) fn replicas(set: &Value) -> i64 {
    set["spec"]["replicas"].as_int().unwrap_or(1).max(0)
}

/// Returns whether a pod is one of those wanted.
pub(super) fn is_in_range(set: &Value, pod: &Value) -> bool {
    (start(set)..start(set) + replicas(set)).contains(&ordinal(pod))
}

/// Returns the name of the revision that a pod is of.
pub(super) fn revision(pod: &Value) -> &str {
    meta::labels(pod)[REVISION_LABEL].str()
}

pub(super) fn is_created(pod: &Value) -> bool {
    !pod["status"]["phase"].str().is_empty()
}

pub(super) fn is_running_and_ready(pod: &Value) -> bool {
    pod["status"]["phase"].str() == "Running" && pod::is_ready(pod)
}

/// Returns whether a pod runs and has been ready for as long as the set asks.
pub(super) fn is_available(set: &Value, pod: &Value, now: Time) -> bool {
    is_running_and_ready(pod) && pod::is_available(pod, set["spec"]["minReadySeconds"].int(), now)
}

pub(super) fn is_unavailable(set: &Value, pod: &Value, now: Time) -> bool {
    !is_available(set, pod, now) || meta::is_deleting(pod)
}

/// Returns the claims that a pod with this ordinal needs, with the names of its volumes.
// Models pkg/controller/statefulset/stateful_set_utils.go getPersistentVolumeClaims
pub(super) fn claims(set: &Value, ordinal: i64) -> Vec<(&str, Value)> {
    let of_template = |template: &Value| {
        let mut claim = template.clone();
        let name = format!("{}-{}-{ordinal}", meta::name(template), meta::name(set));
        claim.set(&["apiVersion"], "v1");
        claim.set(&["kind"], "PersistentVolumeClaim");
        claim.set(&["metadata", "name"], name);
        claim.set(&["metadata", "namespace"], meta::namespace(set));
        claim.remove(&["status"]);
        for (label, value) in set["spec"]["selector"]["matchLabels"].fields().iter() {
            claim.set(&["metadata", "labels", label], value);
        }
        claim
    };
    let templates = set["spec"]["volumeClaimTemplates"].items();
    templates.iter().map(|template| (meta::name(template), of_template(template))).collect()
}

/// Returns whether a pod bears the name and the labels of its ordinal.
pub(super) fn identity_matches(set: &Value, pod: &Value) -> bool {
    let labels = meta::labels(pod);
    is_member(set, pod)
        && labels[POD_NAME_LABEL].str() == meta::name(pod)
        && labels[POD_INDEX_LABEL].str() == ordinal(pod).to_string()
}

pub(super) fn update_identity(set: &Value, pod: &mut Value) {
    let (ordinal, name) = (ordinal(pod), meta::name(pod).to_string());
    pod.set(&["metadata", "namespace"], meta::namespace(set));
    pod.set(&["metadata", "labels", POD_NAME_LABEL], name);
    pod.set(&["metadata", "labels", POD_INDEX_LABEL], ordinal.to_string());
}

/// Returns whether a pod mounts the claims of its ordinal.
pub(super) fn storage_matches(set: &Value, pod: &Value) -> bool {
    let volumes = pod["spec"]["volumes"].items();
    claims(set, ordinal(pod)).iter().all(|(name, claim)| {
        let volume = volumes.iter().find(|volume| volume["name"].str() == *name);
        volume.is_some_and(|volume| volume["persistentVolumeClaim"]["claimName"].str() == meta::name(claim))
    })
}

/// Makes a pod mount the claims of its ordinal.
pub(super) fn update_storage(set: &Value, pod: &mut Value) {
    let claims = claims(set, ordinal(pod));
    let mut volumes: Vec<Value> = claims
        .iter()
        .map(|(name, claim)| {
            tree!({"name": (*name), "persistentVolumeClaim": {"claimName": (meta::name(claim))}})
        })
        .collect();
    let is_claimed = |volume: &&Value| !claims.iter().any(|(name, _)| *name == volume["name"].str());
    volumes.extend(pod["spec"]["volumes"].items().iter().filter(is_claimed).cloned());
    if !volumes.is_empty() {
        pod.set(&["spec", "volumes"], volumes);
    }
}

fn new_pod(set: &Value, ordinal: i64, revision: &str) -> Value {
    let mut pod = pod_from_template(&set["spec"]["template"], STATEFULSETS, set);
    let name = format!("{}-{ordinal}", meta::name(set));
    pod.set(&["metadata", "generateName"], format!("{}-", meta::name(set)));
    pod.set(&["metadata", "name"], name.as_str());
    pod.set(&["metadata", "labels", REVISION_LABEL], revision);
    pod.set(&["spec", "hostname"], name);
    if !set["spec"]["serviceName"].str().is_empty() {
        pod.set(&["spec", "subdomain"], &set["spec"]["serviceName"]);
    }
    update_identity(set, &mut pod);
    update_storage(set, &mut pod);
    pod
}

/// Makes the pod of an ordinal at the revision that it should have: below a partition the current one.
/// Each pair is a set at a revision and that revision's name.
// Models pkg/controller/statefulset/stateful_set_utils.go newVersionedStatefulSetPod
pub(super) fn new_versioned_pod(current: (&Value, &str), update: (&Value, &str), ordinal: i64) -> Value {
    let set = current.0;
    let strategy = &set["spec"]["updateStrategy"];
    let rolling = &strategy["rollingUpdate"];
    let below = if rolling.is_null() {
        strategy["type"].str() == "RollingUpdate"
            && ordinal < start(set) + set["status"]["currentReplicas"].int()
    } else {
        ordinal < start(set) + rolling["partition"].int()
    };
    let (set, revision) = if below { current } else { update };
    new_pod(set, ordinal, revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ordinals() {
        for (name, wanted) in [
            ("web-0", Some(("web", 0))),
            ("web-a-12", Some(("web-a", 12))),
            ("web-", None),
            ("web", None),
            ("web-x1", None),
            ("web-99999999999", None),
        ] {
            let pod = tree!({"metadata": {"name": name}});
            assert_eq!(parent_and_ordinal(&pod), wanted, "{name}");
        }
    }
}
