//! Pods stay five minutes on a node that is not ready or can't be reached.

use super::Shared;
use api::{Value, tree};

const KEYS: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const SECONDS: i64 = 300;

/// Returns the two tolerations.
pub(super) fn tolerations() -> Value {
    let toleration = |key: &str| tree!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS});
    KEYS.into_iter().map(toleration).collect()
}

// Models plugin/pkg/admission/defaulttolerationseconds/admission.go Admit
pub(super) fn admit(shared: &Shared, pod: &mut Value) {
    if pod["spec"]["tolerations"].items().is_empty() {
        pod.set(&["spec", "tolerations"], &shared.tolerations);
        return;
    }
    for (key, toleration) in KEYS.iter().zip(shared.tolerations.items()) {
        let tolerates = |toleration: &Value| {
            let of = toleration["key"].str();
            (of.is_empty() || of == *key) && matches!(toleration["effect"].str(), "" | "NoExecute")
        };
        if !pod["spec"]["tolerations"].items().iter().any(tolerates) {
            pod.at_mut(&["spec", "tolerations"]).list_mut().push(toleration.clone());
        }
    }
}
