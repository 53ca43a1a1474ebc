//! The core group's strategies.

use crate::validation::semantic_equal;
use api::{Value, tree};
use sim::Time;

/// Returns a new pod's status.
// Models pkg/registry/core/pod/strategy.go PrepareForCreate
pub(crate) fn new_pod_status(pod: &Value) -> Value {
    tree!({"phase": "Pending", "qosClass": (api::qos::class(&pod["spec"]))})
}

/// Sets what the server sets in a new pod.
// Models pkg/registry/core/pod/strategy.go applySchedulingGatedCondition
pub(crate) fn prepare_pod(pod: &mut Value, _: Time) {
    if pod["spec"]["schedulingGates"].items().is_empty() {
        return;
    }
    let condition = tree!({
        "type": "PodScheduled",
        "status": "False",
        "reason": "SchedulingGated",
        "message": "Scheduling is blocked due to non-empty scheduling gates",
        "lastProbeTime": null,
        "lastTransitionTime": null,
    });
    pod.set(&["status", "conditions"], tree!([condition]));
}

/// Makes a new claim say in both of its fields what its volume begins with.
// Models pkg/api/persistentvolumeclaim/util.go DropDisabledFields, NormalizeDataSources
pub(crate) fn prepare_claim(claim: &mut Value, _: Time) {
    let (source, reference) = (claim["spec"]["dataSource"].clone(), claim["spec"]["dataSourceRef"].clone());
    let is_claim = |source: &Value| {
        source["kind"].str() == "PersistentVolumeClaim" && source["apiGroup"].str().is_empty()
    };
    let is_snapshot = |source: &Value| {
        source["kind"].str() == "VolumeSnapshot" && source["apiGroup"].str() == "snapshot.storage.k8s.io"
    };
    if !source.is_null() && !is_claim(&source) && !is_snapshot(&source) {
        claim.remove(&["spec", "dataSource"]);
    } else if !source.is_null() && reference.is_null() {
        claim.set(&["spec", "dataSourceRef"], source);
    } else if source.is_null() && (is_claim(&reference) || is_snapshot(&reference)) {
        let mut source = reference;
        source.remove(&["namespace"]);
        claim.set(&["spec", "dataSource"], source);
    }
}

/// Sets what the server sets in a changed pod.
pub(crate) fn update_pod(_: &mut Value, _: &Value) {}

/// Sets what the server sets in a pod whose status is written.
// Models pkg/registry/core/pod/strategy.go podStatusStrategy.PrepareForUpdate
pub(crate) fn update_pod_status(new: &mut Value, old: &Value) {
    if new["status"]["qosClass"].str().is_empty() {
        let class = match old["status"]["qosClass"].str() {
            "" => api::qos::class(&old["spec"]),
            class => class,
        };
        let class: Value = class.into();
        new.set(&["status", "qosClass"], class);
    }
    keep(new, old, "ownerReferences");
}

fn keep(new: &mut Value, old: &Value, field: &str) {
    let before = &old["metadata"][field];
    if new["metadata"][field] == *before {
        return;
    }
    if before.is_null() {
        new.remove(&["metadata", field]);
    } else {
        new.set(&["metadata", field], before);
    }
}

/// Sets what the server sets in a new namespace.
// Models pkg/registry/core/namespace/strategy.go PrepareForCreate
pub(crate) fn prepare_namespace(namespace: &mut Value, _: Time) {
    let finalizers = namespace["spec"]["finalizers"].clone();
    if !finalizers.items().iter().any(|finalizer| finalizer.str() == "kubernetes") {
        namespace.at_mut(&["spec", "finalizers"]).list_mut().push("kubernetes".into());
    }
}

/// Keeps a namespace's finalizers, which only its own subresource changes.
// Models pkg/registry/core/namespace/strategy.go PrepareForUpdate
pub(crate) fn update_namespace(new: &mut Value, old: &Value) {
    new.set(&["spec"], &old["spec"]);
}

/// Writes `stringData` into `data`.
// Models pkg/apis/core/v1/conversion.go Convert_v1_Secret_To_core_Secret
pub(crate) fn prepare_secret(secret: &mut Value, _: Time) {
    let Some(plain) = secret.remove(&["stringData"]) else {
        return;
    };
    for (key, value) in plain.fields().iter() {
        secret.set(&["data", key], base64(value.str().as_bytes()));
    }
}

/// Writes `stringData` into `data`.
pub(crate) fn update_secret(new: &mut Value, old: &Value) {
    prepare_secret(new, Time::EPOCH);
    if new["type"].str().is_empty() {
        new.set(&["type"], &old["type"]);
    }
}

/// Counts the changes of an EndpointSlice, which has no spec.
// Models pkg/registry/discovery/endpointslice/strategy.go PrepareForUpdate
pub(crate) fn update_endpoint_slice(new: &mut Value, old: &Value) {
    let same =
        ["addressType", "endpoints", "ports"].iter().all(|field| semantic_equal(&new[*field], &old[*field]));
    if !same || !semantic_equal(api::meta::labels(new), api::meta::labels(old)) {
        new.set(&["metadata", "generation"], api::meta::generation(old) + 1);
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= chunk.len() { digit as char } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_base64() {
        for (text, coded) in
            [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("qwerty", "cXdlcnR5")]
        {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }
}
