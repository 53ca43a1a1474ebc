//! How much of a namespace's quota an object uses, as the API server charges it and the quota's controller
//! counts it.
//!
//! Counted are objects, and requests and limits of pods. Scopes and storage classes are left out.
// Models pkg/quota/v1/evaluator/core

use crate::Value;
use crate::quantity::{Format, Quantity};

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
        ("persistentvolumeclaims", "requests.storage") => {
            Quantity::from_value(&object["spec"]["resources"]["requests"]["storage"]).ok()
        }
        ("pods", name) => pod_resource(name).map(|(list, resource)| pod_amount(object, list, resource)),
        _ => None,
    }
}

/// Returns whether a pod still uses anything.
// Models pkg/quota/v1/evaluator/core/pods.go QuotaV1Pod
fn counts(pod: &Value) -> bool {
    !matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed")
}

/// Returns which list of a container's resources, and which of them, a quota's resource is about.
pub fn pod_resource(name: &str) -> Option<(&'static str, &str)> {
    match name.split_once('.') {
        None if matches!(name, "cpu" | "memory" | "ephemeral-storage") => Some(("requests", name)),
        Some(("requests", resource)) => Some(("requests", resource)),
        Some(("limits", resource)) => Some(("limits", resource)),
        _ => None,
    }
}

/// Returns what a pod's containers ask for together, or an initial one alone where that is more.
// Models staging/src/k8s.io/component-helpers/resource/helpers.go PodRequests
pub fn pod_amount(pod: &Value, list: &str, resource: &str) -> Quantity {
    let of = |container: &Value| {
        let amount = Quantity::from_value(&container["resources"][list][resource]);
        amount.unwrap_or(Quantity::ZERO)
    };
    let sum: Quantity = pod["spec"]["containers"].items().iter().map(of).sum();
    let most = pod["spec"]["initContainers"].items().iter().map(of).max_by_key(|amount| amount.nanos());
    match most {
        Some(most) if most.nanos() > sum.nanos() => most,
        _ => sum,
    }
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
        for (name, group, plural, object, used) in [
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
        }
    }
}
