//! Who owns a pod's claims: nobody where they are retained, the set where they go with it, the pod
//! where they go when the set is scaled down.
// Models pkg/controller/statefulset/stateful_set_utils.go

use super::utils;
use crate::claim::controller_reference;
use api::resources::{PODS, STATEFULSETS};
use api::{Value, meta};

/// Returns whether the set and whether the pod should own the pod's claims.
fn wanted_owners(set: &Value, pod: &Value) -> (bool, bool) {
    let policy = &set["spec"]["persistentVolumeClaimRetentionPolicy"];
    let goes = |field: &str| policy[field].str() == "Delete";
    let is_scaled_down = !utils::is_in_range(set, pod);
    match (goes("whenScaled"), goes("whenDeleted")) {
        (false, deleted) => (deleted, false),
        (true, false) => (false, is_scaled_down),
        (true, true) => (!is_scaled_down, is_scaled_down),
    }
}

fn has_owner(claim: &Value, owner: &Value) -> bool {
    claim["metadata"]["ownerReferences"].items().iter().any(|known| known["uid"].str() == meta::uid(owner))
}

/// Returns whether a claim has the owners that the retention policy asks for.
// Models pkg/controller/statefulset/stateful_set_utils.go isClaimOwnerUpToDate
pub(super) fn is_owner_up_to_date(set: &Value, pod: &Value, claim: &Value) -> bool {
    let (by_set, by_pod) = wanted_owners(set, pod);
    has_owner(claim, set) == by_set && (meta::uid(pod).is_empty() || has_owner(claim, pod) == by_pod)
}

/// Returns a claim with the owners that the retention policy asks for.
// Models pkg/controller/statefulset/stateful_set_utils.go updateClaimOwnerRefForSetAndPod
pub(super) fn with_owners(set: &Value, pod: &Value, claim: &Value) -> Value {
    let (by_set, by_pod) = wanted_owners(set, pod);
    let mut owners = claim["metadata"]["ownerReferences"].items().to_vec();
    owners.retain(|known| ![meta::uid(set), meta::uid(pod)].contains(&known["uid"].str()));
    if by_set {
        owners.push(controller_reference(STATEFULSETS, set));
    }
    if by_pod && !meta::uid(pod).is_empty() {
        owners.push(controller_reference(PODS, pod));
    }
    let mut claim = claim.clone();
    claim.set(&["metadata", "ownerReferences"], owners);
    claim
}

/// Returns whether one of the claims of a pod's ordinal still belongs to a pod of that name that is gone.
// Models pkg/controller/statefulset/stateful_set_utils.go hasStaleOwnerRef
pub(super) fn is_stale(claim: &Value, pod: &Value) -> bool {
    claim["metadata"]["ownerReferences"].items().iter().any(|owner| {
        owner["kind"].str() == "Pod"
            && owner["name"].str() == meta::name(pod)
            && owner["uid"].str() != meta::uid(pod)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn owners_follow_the_policy() {
        for (scaled, deleted, ordinal, wanted) in [
            ("Retain", "Retain", 0, (false, false)),
            ("Retain", "Delete", 0, (true, false)),
            ("Retain", "Delete", 5, (true, false)),
            ("Delete", "Retain", 0, (false, false)),
            ("Delete", "Retain", 5, (false, true)),
            ("Delete", "Delete", 0, (true, false)),
            ("Delete", "Delete", 5, (false, true)),
        ] {
            let policy = tree!({"whenScaled": scaled, "whenDeleted": deleted});
            let spec = tree!({"replicas": 2, "persistentVolumeClaimRetentionPolicy": (policy)});
            let set = tree!({"metadata": {"name": "web", "uid": "s"}, "spec": (spec)});
            let pod = tree!({"metadata": {"name": (format!("web-{ordinal}")), "uid": "p"}});
            let claim = with_owners(&set, &pod, &tree!({"metadata": {"name": "www"}}));
            let case = format!("{scaled} {deleted} {ordinal}");
            assert_eq!((has_owner(&claim, &set), has_owner(&claim, &pod)), wanted, "{case}");
            assert!(is_owner_up_to_date(&set, &pod, &claim), "{case}");
        }
    }
}
