//! Pods stay five minutes on a node that is not ready or can't be reached.

use api::{Value, tree};

const SECONDS: i64 = 300;

// Models plugin/pkg/admission/defaulttolerationseconds/admission.go Admit
pub(super) fn admit(pod: &mut Value) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerates = |toleration: &Value| {
            matches!(
                toleration["key"].str(),
                "" | "node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable"
            ) && (toleration["key"].str().is_empty() || toleration["key"].str() == key)
                && matches!(toleration["effect"].str(), "" | "NoExecute")
        };
        if pod["spec"]["tolerations"].items().iter().any(tolerates) {
            continue;
        }
        let toleration =
            tree!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS});
        pod.at_mut(&["spec", "tolerations"]).list_mut().push(toleration);
    }
}
