//! Requests and limits.
// Models pkg/apis/core/validation/validation.go

use crate::quantity;
use crate::validation::names;
use crate::validation::path::{Errors, Path};
use api::quantity::Quantity;
use api::{Value, pod_resources};
use std::cmp::Ordering;

const CONTAINER_RESOURCES: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
const STANDARD_RESOURCES: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "storage",
    "requests.storage",
    "services.nodeports",
    "services.loadbalancers",
];

fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-")
}

fn is_overcommit_allowed(name: &str) -> bool {
    !name.contains('/') && !is_huge_page(name) || name.starts_with("kubernetes.io/")
}

/// Checks a resource's name.
// Models pkg/apis/core/validation/validation.go validateResourceName
pub(crate) fn validate_name(name: &str, path: &Path, errors: &mut Errors) -> bool {
    let messages = names::qualified_name(name);
    if !messages.is_empty() {
        errors.invalid_all(path, &name.into(), messages);
        return false;
    }
    let standard = name.contains('/')
        || STANDARD_RESOURCES.contains(&name)
        || is_huge_page(name.strip_prefix("requests.").unwrap_or(name));
    if !standard {
        errors.invalid(path, name, "must be a standard resource type or fully qualified");
    }
    standard
}

/// Checks the name of what a quota is about.
// Models pkg/apis/core/validation/validation.go ValidateResourceQuotaResourceName
pub(crate) fn validate_quota_name(name: &str, path: &Path, errors: &mut Errors) {
    validate_name(name, path, errors);
    let standard = name != "storage" && STANDARD_RESOURCES.contains(&name)
        || is_huge_page(name.strip_prefix("requests.").unwrap_or(name));
    if !name.contains('/') && !standard {
        errors.invalid(path, name, "must be a standard resource for quota");
    }
}

// Models pkg/apis/core/validation/validation.go validateContainerResourceName
fn validate_container_name(name: &str, path: &Path, errors: &mut Errors) {
    if CONTAINER_RESOURCES.contains(&name) {
        return;
    }
    validate_name(name, path, errors);
    if name.contains('/') {
        let native = name.starts_with("kubernetes.io/")
            || name.split('/').next().is_some_and(|p| p.ends_with(".kubernetes.io"));
        if !native && name.starts_with("requests.") {
            errors.invalid(path, name, "doesn't follow extended resource name standard");
        }
    } else if !is_huge_page(name) {
        errors.invalid(path, name, "must be a standard resource for containers");
    }
}

/// Checks one quantity.
// Models pkg/apis/core/validation/validation.go ValidateResourceQuantityValue
pub(crate) fn validate_quantity(name: &str, value: &Value, path: &Path, errors: &mut Errors) {
    let Some(nanos) = quantity::nanos(value) else {
        return;
    };
    if nanos < 0 {
        errors.invalid(path, quantity::text(value), "must be greater than or equal to 0");
    }
    let is_integer = name.contains('/') || matches!(name, "pods" | "services" | "secrets" | "configmaps");
    if is_integer && nanos % 1_000_000_000 != 0 {
        errors.invalid(path, quantity::text(value), "must be an integer");
    }
}

/// Checks a container's requests and limits.
// Models pkg/apis/core/validation/validation.go validateResourceRequirements
pub(crate) fn validate_requirements(resources: &Value, path: &Path, errors: &mut Errors) {
    let (limits, requests) = (&resources["limits"], &resources["requests"]);
    let (limits_path, requests_path) = (path.child("limits"), path.child("requests"));
    for (name, value) in limits.fields().iter() {
        let path = limits_path.key(name);
        validate_container_name(name, &path, errors);
        validate_quantity(name, value, &path, errors);
    }
    for (name, value) in requests.fields().iter() {
        let path = requests_path.key(name);
        validate_container_name(name, &path, errors);
        validate_quantity(name, value, &path, errors);
        let limit = &limits[name];
        if limit.is_null() {
            if !is_overcommit_allowed(name) {
                errors.required(limits_path, "Limit must be set for non overcommitable resources");
            }
            continue;
        }
        let order = quantity::compare(value, limit);
        let (request, limit) = (quantity::text(value), quantity::text(limit));
        if order != Ordering::Equal && !is_overcommit_allowed(name) {
            errors.invalid(requests_path, request, format!("must be equal to {name} limit of {limit}"));
        } else if order == Ordering::Greater {
            let message = format!("must be less than or equal to {name} limit of {limit}");
            errors.invalid(requests_path, request, message);
        }
    }
}

/// Checks a pod's own requests and limits against those of its containers.
// Models pkg/apis/core/validation/validation.go validatePodResourceConsistency
pub(crate) fn validate_consistency(spec: &Value, path: &Path, errors: &mut Errors) {
    for (list, only_huge_pages) in [("requests", false), ("limits", true)] {
        let (list_path, all) = (path.child(list), pod_resources::of_containers(spec, list, &[]));
        for (name, value) in spec["resources"][list].fields().iter() {
            let all = all.get(name).copied().unwrap_or(Quantity::ZERO);
            if (is_huge_page(name) || !only_huge_pages)
                && quantity::nanos(value).is_some_and(|own| own < all.nanos())
            {
                let detail = format!("must be greater than or equal to aggregate container {list} of {all}");
                errors.invalid(list_path.key(name), quantity::text(value), detail);
            }
        }
    }
    let containers = path.child("containers");
    for (i, container) in spec["containers"].items().iter().enumerate() {
        for (name, limit) in container["resources"]["limits"].fields().iter() {
            let most = &spec["resources"]["limits"][name];
            if !most.is_null() && quantity::compare(limit, most) == Ordering::Greater {
                let detail = format!("must be less than or equal to pod limits of {}", quantity::text(most));
                let path = containers.index(i);
                errors.invalid(path.key(name).child("limits"), quantity::text(limit), detail);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows as in pkg/apis/core/validation/validation_test.go TestValidatePodResourceConsistency.
    #[test]
    fn a_pod_s_resources_hold_its_containers() {
        for (own, containers, expected) in [
            (
                r#"{"requests":{"cpu":"200m"}}"#,
                r#"[{"resources":{"requests":{"cpu":"100m"}}},{"resources":{"requests":{"cpu":"100m"}}}]"#,
                "",
            ),
            (
                r#"{"requests":{"cpu":"100m"}}"#,
                r#"[{"resources":{"requests":{"cpu":"100m"}}},{"resources":{"requests":{"cpu":"100m"}}}]"#,
                r#"r.requests[cpu]: Invalid value: "100m": must be greater than or equal to aggregate container requests of 200m"#,
            ),
            (
                r#"{"limits":{"cpu":"100m"}}"#,
                r#"[{"resources":{"limits":{"cpu":"100m"}}},{"resources":{"limits":{"cpu":"100m"}}}]"#,
                "",
            ),
            (
                r#"{"limits":{"memory":"1Gi"}}"#,
                r#"[{"resources":{"limits":{"memory":"2Gi"}}}]"#,
                r#"r.containers[0][memory].limits: Invalid value: "2Gi": must be less than or equal to pod limits of 1Gi"#,
            ),
        ] {
            let (own, containers) = (Value::from_json(own).unwrap(), Value::from_json(containers).unwrap());
            let spec = api::tree!({"resources": own, "containers": containers});
            let mut errors = Errors::default();
            validate_consistency(&spec, &Path::new("r"), &mut errors);
            let found: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
            assert_eq!(found.join("; "), expected, "{}", spec.to_json());
        }
    }
}
