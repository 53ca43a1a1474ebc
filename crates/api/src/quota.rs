//! How much of a namespace's quota an object uses, as the API server charges it and the quota's controller
//! counts it.
//!
//! Counted are objects, requests and limits of pods, and the storage that claims ask for.
// Models pkg/quota/v1/evaluator/core

use crate::quantity::{Format, Quantity};
use crate::{Value, pod_resources, qos};

/// Returns how much of a resource of quotas (`pods`, `limits.cpu`, `count/deployments.apps`) an object of
/// `group` and `plural` uses; `None` where it doesn't count.
pub fn usage(name: &str, group: &str, plural: &str, object: &Value) -> Option<Quantity> {
    let one = Some(Quantity::new(1, Format::DecimalSi));
    if let Some(counted) = name.strip_prefix("count/") {
        let (of, in_group) = counted.split_once('.').unwrap_or((counted, ""));
        return if of == plural && in_group == group { one } else { None };
    }
    if !group.is_empty() {
        return None;
    }
    match (plural, name) {
        ("pods", _) if !counts(object) => None,
        (plural, name) if plural == name => one,
        ("services", "services.nodeports") => {
            let ports = object["spec"]["ports"].items().iter().filter(|port| port["nodePort"].int() != 0);
            Some(Quantity::new(i64::try_from(ports.count()).unwrap_or(i64::MAX), Format::DecimalSi))
        }
        ("services", "services.loadbalancers") if object["spec"]["type"].str() == "LoadBalancer" => one,
        ("persistentvolumeclaims", name) => claim_amount(name, object),
        ("pods", name) => pod_resource(name).map(|(list, resource)| pod_amount(object, list, resource)),
        _ => None,
    }
}

/// Returns whether objects of `group` and `plural` may use a resource of quotas at all.
// Models staging/src/k8s.io/apiserver/pkg/quota/v1/interfaces.go Evaluator.MatchingResources
pub fn concerns(name: &str, group: &str, plural: &str) -> bool {
    if let Some(counted) = name.strip_prefix("count/") {
        return counted.split_once('.').unwrap_or((counted, "")) == (plural, group);
    }
    let of_claims = |name: &str| matches!(name, "requests.storage" | "persistentvolumeclaims");
    group.is_empty()
        && match plural {
            "pods" => name == plural || pod_resource(name).is_some(),
            "services" => matches!(name, "services" | "services.nodeports" | "services.loadbalancers"),
            "persistentvolumeclaims" => of_claims(of_class(name).map_or(name, |(_, of)| of)),
            _ => name == plural,
        }
}

/// Splits `gold.storageclass.storage.k8s.io/requests.storage` into the class and what is counted of it.
fn of_class(name: &str) -> Option<(&str, &str)> {
    let (class, counted) = name.split_once('/')?;
    Some((class.strip_suffix(".storageclass.storage.k8s.io")?, counted))
}

// Models pkg/quota/v1/evaluator/core/persistent_volume_claims.go Usage
fn claim_amount(name: &str, claim: &Value) -> Option<Quantity> {
    let counted = match of_class(name) {
        Some((class, counted)) if class == claim["spec"]["storageClassName"].str() => counted,
        Some(_) => return None,
        None => name,
    };
    match counted {
        "persistentvolumeclaims" => Some(Quantity::new(1, Format::DecimalSi)),
        "requests.storage" => Quantity::from_value(&claim["spec"]["resources"]["requests"]["storage"]).ok(),
        _ => None,
    }
}

/// Returns whether an object is in all scopes of a quota. Quotas without any are for all objects.
// Models staging/src/k8s.io/apiserver/pkg/quota/v1/generic/evaluator.go Matches
pub fn is_in_scope(quota: &Value, group: &str, plural: &str, object: &Value) -> bool {
    let spec = &quota["spec"];
    let (scopes, selected) = (spec["scopes"].items(), spec["scopeSelector"]["matchExpressions"].items());
    if scopes.is_empty() && selected.is_empty() {
        return true;
    }
    let is_in = |scope: &str, operator: &str, values: &Value| match (group, plural) {
        ("", "pods") => is_pod_in(scope, operator, values, object),
        ("", "persistentvolumeclaims") => is_claim_in(scope, operator, values, object),
        _ => false,
    };
    scopes.iter().all(|scope| is_in(scope.str(), "Exists", &Value::Null))
        && selected.iter().all(|expression| {
            is_in(expression["scopeName"].str(), expression["operator"].str(), &expression["values"])
        })
}

// Models pkg/quota/v1/evaluator/core/pods.go podMatchesScopeFunc
fn is_pod_in(scope: &str, operator: &str, values: &Value, pod: &Value) -> bool {
    let spec = &pod["spec"];
    let has_deadline = spec["activeDeadlineSeconds"].as_int().is_some_and(|seconds| seconds >= 0);
    let is_best_effort = || match pod["status"]["qosClass"].str() {
        "" => qos::class(spec) == "BestEffort",
        class => class == "BestEffort",
    };
    match scope {
        "Terminating" => has_deadline,
        "NotTerminating" => !has_deadline,
        "BestEffort" => is_best_effort(),
        "NotBestEffort" => !is_best_effort(),
        "PriorityClass" => selects(operator, values, &[&spec["priorityClassName"]]),
        "CrossNamespacePodAffinity" => looks_beyond_its_namespace(&spec["affinity"]),
        _ => false,
    }
}

// Models pkg/quota/v1/evaluator/core/persistent_volume_claims.go pvcMatchesScopeFunc
fn is_claim_in(scope: &str, operator: &str, values: &Value, claim: &Value) -> bool {
    let (spec, status) = (&claim["spec"], &claim["status"]);
    let names = [
        &spec["volumeAttributesClassName"],
        &status["currentVolumeAttributesClassName"],
        &status["modifyVolumeStatus"]["targetVolumeAttributesClassName"],
    ];
    scope == "VolumeAttributesClass" && selects(operator, values, &names)
}

/// Returns whether a scope's operator and values are right for one of the names that are given, or for none.
fn selects(operator: &str, values: &Value, names: &[&Value]) -> bool {
    let mut given = names.iter().filter(|name| !name.str().is_empty()).peekable();
    let is_named = |name: &&&Value| values.items().contains(name);
    let none = given.peek().is_none();
    match operator {
        "In" => given.any(|name| is_named(&name)),
        "NotIn" => none || given.any(|name| !is_named(&name)),
        "Exists" => !none,
        "DoesNotExist" => none,
        _ => false,
    }
}

// Models pkg/quota/v1/evaluator/core/pods.go usesCrossNamespacePodAffinity
fn looks_beyond_its_namespace(affinity: &Value) -> bool {
    let beyond = |term: &Value| !term["namespaces"].is_empty() || !term["namespaceSelector"].is_null();
    ["podAffinity", "podAntiAffinity"].iter().any(|field| {
        let lists = &affinity[*field];
        lists["requiredDuringSchedulingIgnoredDuringExecution"].items().iter().any(beyond)
            || lists["preferredDuringSchedulingIgnoredDuringExecution"]
                .items()
                .iter()
                .any(|weighted| beyond(&weighted["podAffinityTerm"]))
    })
}

/// Returns whether a pod still uses anything.
// Models pkg/quota/v1/evaluator/core/pods.go QuotaV1Pod
fn counts(pod: &Value) -> bool {
    !matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed")
}

/// Returns which list of a container's resources, and which of them, a quota's resource is about.
// Models pkg/quota/v1/evaluator/core/pods.go podResources, isExtendedResourceNameForQuota
pub fn pod_resource(name: &str) -> Option<(&'static str, &str)> {
    let is_native = |name: &str| matches!(name, "cpu" | "memory" | "ephemeral-storage");
    let is_huge_page = |name: &str| name.starts_with("hugepages-");
    match name.split_once('.') {
        _ if is_native(name) || is_huge_page(name) => Some(("requests", name)),
        Some(("requests", of)) if is_native(of) || is_huge_page(of) || of.contains('/') => {
            Some(("requests", of))
        }
        Some(("limits", of)) if is_native(of) => Some(("limits", of)),
        _ => None,
    }
}

/// Returns how much of a resource a pod asks for, or may use.
pub fn pod_amount(pod: &Value, list: &str, resource: &str) -> Quantity {
    let spec = &pod["spec"];
    let amounts =
        if list == "limits" { pod_resources::limits(spec) } else { pod_resources::requests(spec, &[]) };
    amounts.get(resource).copied().unwrap_or(Quantity::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn counts_what_upstream_counts() {
        let pod = tree!({"spec": {
            "containers": [
                {"resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}}},
                {"resources": {"requests": {"cpu": "1"}}},
            ],
            "initContainers": [{"resources": {"requests": {"cpu": "3"}}}],
        }});
        let mut done = pod.clone();
        done.set(&["status", "phase"], "Succeeded");
        let ports = tree!([{"nodePort": 30000}, {"port": 80}]);
        let service = tree!({"spec": {"type": "LoadBalancer", "ports": ports}});
        let claim =
            tree!({"spec": {"storageClassName": "gold", "resources": {"requests": {"storage": "10Gi"}}}});
        let gold = "gold.storageclass.storage.k8s.io";
        let (gold, gold_claims) =
            (format!("{gold}/requests.storage"), format!("{gold}/persistentvolumeclaims"));
        for (name, group, plural, object, used) in [
            ("requests.storage", "", "persistentvolumeclaims", &claim, Some("10Gi")),
            (&gold, "", "persistentvolumeclaims", &claim, Some("10Gi")),
            (&gold_claims, "", "persistentvolumeclaims", &claim, Some("1")),
            (&gold[1..], "", "persistentvolumeclaims", &claim, None),
            ("requests.storage", "", "pods", &pod, None),
            ("requests.nvidia.com/gpu", "", "pods", &pod, Some("0")),
            ("limits.nvidia.com/gpu", "", "pods", &pod, None),
            ("pods", "", "pods", &pod, Some("1")),
            ("pods", "", "pods", &done, None),
            ("count/pods", "", "pods", &done, Some("1")),
            ("cpu", "", "pods", &pod, Some("3")),
            ("requests.cpu", "", "pods", &pod, Some("3")),
            ("limits.memory", "", "pods", &pod, Some("1Gi")),
            ("limits.cpu", "", "pods", &pod, Some("0")),
            ("services", "", "pods", &pod, None),
            ("services", "", "services", &service, Some("1")),
            ("services.nodeports", "", "services", &service, Some("1")),
            ("services.loadbalancers", "", "services", &service, Some("1")),
            ("count/deployments.apps", "apps", "deployments", &service, Some("1")),
            ("count/deployments.apps", "", "deployments", &service, None),
        ] {
            let found = usage(name, group, plural, object).map(|amount| amount.to_string());
            assert_eq!(found.as_deref(), used, "{name} of {plural}");
            assert!(used.is_none() || concerns(name, group, plural), "{name} concerns {plural}");
        }
    }
    // Rows as in pkg/quota/v1/evaluator/core/pods_test.go TestPodEvaluatorMatchingScopes.
    #[test]
    fn scopes_hold_what_upstream_s_hold() {
        let pod = tree!({"spec": {"containers": [{}]}});
        let mut ends = tree!({"spec": {"containers": [{"resources": {"requests": {"cpu": "1"}}}]}});
        ends.set(&["spec", "activeDeadlineSeconds"], 30);
        let classed = tree!({"spec": {"priorityClassName": "class1"}});
        let term = tree!([{"namespaces": ["ns1"]}]);
        let anti = tree!([{"podAffinityTerm": {"namespaceSelector": {}}}]);
        let far = tree!({"spec": {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": term}}}});
        let far_too = tree!({"spec": {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": anti}}}});
        let scoped = |names: &[&str]| {
            let names: Value = names.iter().map(|name| Value::from(*name)).collect();
            tree!({"spec": {"scopes": names}})
        };
        let selecting = |scope: &str, operator: &str, values: &[&str]| {
            let values: Value = values.iter().map(|value| Value::from(*value)).collect();
            let expressions = tree!([{"scopeName": scope, "operator": operator, "values": values}]);
            tree!({"spec": {"scopeSelector": {"matchExpressions": expressions}}})
        };
        for (quota, kind, object, expected) in [
            (tree!({"spec": {}}), "services", &pod, true),
            (scoped(&["BestEffort"]), "services", &pod, false),
            (scoped(&["BestEffort"]), "pods", &pod, true),
            (scoped(&["BestEffort"]), "pods", &ends, false),
            (scoped(&["NotBestEffort"]), "pods", &ends, true),
            (scoped(&["NotBestEffort", "NotTerminating"]), "pods", &ends, false),
            (scoped(&["NotBestEffort", "Terminating"]), "pods", &ends, true),
            (scoped(&["Terminating"]), "pods", &pod, false),
            (scoped(&["NotTerminating"]), "pods", &pod, true),
            (scoped(&["PriorityClass"]), "pods", &pod, false),
            (scoped(&["PriorityClass"]), "pods", &classed, true),
            (scoped(&["CrossNamespacePodAffinity"]), "pods", &pod, false),
            (scoped(&["CrossNamespacePodAffinity"]), "pods", &far, true),
            (scoped(&["CrossNamespacePodAffinity"]), "pods", &far_too, true),
            (selecting("PriorityClass", "In", &["class1"]), "pods", &classed, true),
            (selecting("PriorityClass", "In", &["class2"]), "pods", &classed, false),
            (selecting("PriorityClass", "NotIn", &["class1"]), "pods", &classed, false),
            (selecting("PriorityClass", "NotIn", &["class1"]), "pods", &pod, true),
            (selecting("PriorityClass", "DoesNotExist", &[]), "pods", &pod, true),
            (selecting("PriorityClass", "Exists", &[]), "pods", &pod, false),
            (selecting("VolumeAttributesClass", "Exists", &[]), "pods", &pod, false),
            (selecting("VolumeAttributesClass", "DoesNotExist", &[]), "persistentvolumeclaims", &pod, true),
        ] {
            assert_eq!(is_in_scope(&quota, "", kind, object), expected, "{}", quota.to_json());
        }
    }
}
