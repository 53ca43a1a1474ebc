//! Which nodes a pod may be on.

use crate::label::{Requirement, Selector};
use crate::{Value, meta};

/// Returns whether a node is one of those that a pod's spec asks for, by its selector and its required affinity.
// Models staging/src/k8s.io/component-helpers/scheduling/corev1/nodeaffinity/nodeaffinity.go GetRequiredNodeAffinity
pub fn matches_affinity(spec: &Value, node: &Value) -> bool {
    let labels = meta::labels(node);
    if !Selector::from_map(&spec["nodeSelector"]).matches(labels) {
        return false;
    }
    let required = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    required.is_null() || required["nodeSelectorTerms"].items().iter().any(|term| matches_term(term, node))
}

fn matches_term(term: &Value, node: &Value) -> bool {
    let (expressions, fields) = (term["matchExpressions"].items(), term["matchFields"].items());
    let requirements: Option<Vec<Requirement>> = expressions.iter().map(Requirement::of_expression).collect();
    let Some(requirements) = requirements else { return false };
    let by_name = |field: &Value| {
        let is_named = field["values"].items().iter().any(|name| name.str() == meta::name(node));
        field["key"].str() == "metadata.name" && is_named == (field["operator"].str() == "In")
    };
    !(expressions.is_empty() && fields.is_empty())
        && Selector { requirements, nothing: false }.matches(meta::labels(node))
        && fields.iter().all(by_name)
}

/// Returns whether a toleration tolerates a taint.
// Models staging/src/k8s.io/api/core/v1/toleration.go ToleratesTaint
pub fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let any_or_same = |field: &str| toleration[field].is_empty() || toleration[field] == taint[field];
    any_or_same("effect")
        && any_or_same("key")
        && (toleration["operator"].str() == "Exists" || toleration["value"].str() == taint["value"].str())
}

/// Returns whether a node has a taint with one of these effects that a pod's spec doesn't tolerate.
// Models staging/src/k8s.io/component-helpers/scheduling/corev1/helpers.go FindMatchingUntoleratedTaint
pub fn has_untolerated(spec: &Value, node: &Value, effects: &[&str]) -> bool {
    let tolerations = spec["tolerations"].items();
    let bad = |taint: &&Value| effects.contains(&taint["effect"].str());
    let mut taints = node["spec"]["taints"].items().iter().filter(bad);
    taints.any(|taint| !tolerations.iter().any(|toleration| tolerates(toleration, taint)))
}
