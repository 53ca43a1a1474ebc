//! The groups with few rules here: metadata, and what a newcomer gets wrong first.

use super::path::{Errors, Path};
use super::{meta, names};
use api::Value;

/// Checks the metadata alone, of what belongs to a namespace.
pub(crate) fn validate_namespaced(object: &Value, errors: &mut Errors) {
    meta::validate(object, true, names::dns1123_subdomain, errors);
}

/// Checks the metadata alone, of what belongs to the cluster.
pub(crate) fn validate_cluster_wide(object: &Value, errors: &mut Errors) {
    meta::validate(object, false, names::dns1123_subdomain, errors);
}

/// Checks a Role or RoleBinding's name and rules.
// Models pkg/apis/rbac/validation/validation.go ValidateRole
pub(crate) fn validate_role(role: &Value, errors: &mut Errors) {
    meta::validate(role, true, names::path_segment, errors);
    validate_rules(role, false, errors);
}

/// Checks a ClusterRole.
// Models pkg/apis/rbac/validation/validation.go ValidateClusterRole
pub(crate) fn validate_cluster_role(role: &Value, errors: &mut Errors) {
    meta::validate(role, false, names::path_segment, errors);
    validate_rules(role, true, errors);
}

// Models pkg/apis/rbac/validation/validation.go ValidatePolicyRule
fn validate_rules(role: &Value, cluster: bool, errors: &mut Errors) {
    let list = Path::new("rules");
    for (i, rule) in role["rules"].items().iter().enumerate() {
        let path = list.index(i);
        if rule["verbs"].items().is_empty() {
            errors.required(path.child("verbs"), "verbs must contain at least one value");
        }
        if !rule["nonResourceURLs"].items().is_empty() {
            if !cluster {
                let message = "namespaced rules cannot apply to non-resource URLs";
                errors.invalid(path.child("nonResourceURLs"), &rule["nonResourceURLs"], message);
            }
            if !rule["apiGroups"].items().is_empty() || !rule["resources"].items().is_empty() {
                let message = "rules cannot apply to both regular resources and non-resource URLs";
                errors.invalid(path.child("nonResourceURLs"), &rule["nonResourceURLs"], message);
            }
            continue;
        }
        if rule["apiGroups"].items().is_empty() {
            errors.required(path.child("apiGroups"), "resource rules must supply at least one api group");
        }
        if rule["resources"].items().is_empty() {
            errors.required(path.child("resources"), "resource rules must supply at least one resource");
        }
    }
}

/// Checks a RoleBinding.
// Models pkg/apis/rbac/validation/validation.go ValidateRoleBinding
pub(crate) fn validate_role_binding(binding: &Value, errors: &mut Errors) {
    meta::validate(binding, true, names::path_segment, errors);
    validate_role_ref(binding, &["Role", "ClusterRole"], errors);
    validate_subjects(binding, true, errors);
}

/// Checks a ClusterRoleBinding.
// Models pkg/apis/rbac/validation/validation.go ValidateClusterRoleBinding
pub(crate) fn validate_cluster_role_binding(binding: &Value, errors: &mut Errors) {
    meta::validate(binding, false, names::path_segment, errors);
    validate_role_ref(binding, &["ClusterRole"], errors);
    validate_subjects(binding, false, errors);
}

fn validate_role_ref(binding: &Value, kinds: &[&str], errors: &mut Errors) {
    let (reference, path) = (&binding["roleRef"], Path::new("roleRef"));
    if reference["apiGroup"].str() != "rbac.authorization.k8s.io" {
        let groups = ["rbac.authorization.k8s.io"];
        errors.not_supported(path.child("apiGroup"), reference["apiGroup"].str(), &groups);
    }
    if !kinds.contains(&reference["kind"].str()) {
        errors.not_supported(path.child("kind"), reference["kind"].str(), kinds);
    }
    if reference["name"].str().is_empty() {
        errors.required(path.child("name"), "");
    }
}

fn validate_subjects(binding: &Value, namespaced: bool, errors: &mut Errors) {
    let list = Path::new("subjects");
    for (i, subject) in binding["subjects"].items().iter().enumerate() {
        let path = list.index(i);
        if subject["name"].str().is_empty() {
            errors.required(path.child("name"), "");
        }
        match subject["kind"].str() {
            "ServiceAccount" => {
                if !namespaced && subject["namespace"].str().is_empty() {
                    errors.required(path.child("namespace"), "");
                }
            }
            "User" | "Group" => {}
            kind => errors.not_supported(path.child("kind"), kind, &["ServiceAccount", "User", "Group"]),
        }
    }
}

/// Checks a changed binding of a role.
// Models pkg/apis/rbac/validation/validation.go ValidateRoleBindingUpdate
pub(crate) fn validate_role_binding_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    if new["roleRef"] != old["roleRef"] {
        errors.invalid("roleRef", &new["roleRef"], "cannot change roleRef");
    }
}

/// Checks an Ingress.
// Models pkg/apis/networking/validation/validation.go ValidateIngressSpec
pub(crate) fn validate_ingress(ingress: &Value, errors: &mut Errors) {
    meta::validate(ingress, true, names::dns1123_subdomain, errors);
    let (spec, path) = (&ingress["spec"], Path::new("spec"));
    let rules = spec["rules"].items();
    if rules.is_empty() && spec["defaultBackend"].is_null() {
        errors.invalid(path, rules, "either `defaultBackend` or `rules` must be specified");
    }
    if !spec["defaultBackend"].is_null() {
        validate_backend(&spec["defaultBackend"], &path.child("defaultBackend"), errors);
    }
    let list = path.child("rules");
    for (i, rule) in rules.iter().enumerate() {
        let path = list.index(i);
        let host = rule["host"].str();
        if host.contains('*') {
            errors.check_text(&path.child("host"), host, names::wildcard_subdomain);
        } else if !host.is_empty() {
            errors.check_text(&path.child("host"), host, names::dns1123_subdomain);
        }
        let http = path.child("http");
        let paths = http.child("paths");
        if !rule["http"].is_null() && rule["http"]["paths"].items().is_empty() {
            errors.required(paths, "");
        }
        for (j, entry) in rule["http"]["paths"].items().iter().enumerate() {
            let path = paths.index(j);
            match entry["pathType"].as_str() {
                None => errors.required(path.child("pathType"), "pathType must be specified"),
                Some("Exact" | "Prefix") if !entry["path"].str().starts_with('/') => {
                    errors.invalid(path.child("path"), entry["path"].str(), "must be an absolute path");
                }
                Some("Exact" | "Prefix" | "ImplementationSpecific") => {}
                Some(kind) => {
                    let kinds = ["Exact", "ImplementationSpecific", "Prefix"];
                    errors.not_supported(path.child("pathType"), kind, &kinds);
                }
            }
            validate_backend(&entry["backend"], &path.child("backend"), errors);
        }
    }
}

// Models pkg/apis/networking/validation/validation.go validateIngressBackend
fn validate_backend(backend: &Value, path: &Path, errors: &mut Errors) {
    let (service, resource) = (&backend["service"], &backend["resource"]);
    match (service.is_null(), resource.is_null()) {
        (true, true) => {
            errors.required(path, "resource or service backend is required");
            return;
        }
        (false, false) => {
            errors.invalid(path, "", "cannot set both resource and service backends");
            return;
        }
        (true, false) => return,
        (false, true) => {}
    }
    let path = path.child("service");
    if service["name"].str().is_empty() {
        errors.required(path.child("name"), "");
    } else {
        errors.check_text(&path.child("name"), service["name"].str(), names::dns1123_label);
    }
    let (name, number) = (service["port"]["name"].str(), service["port"]["number"].int());
    let port = path.child("port");
    match (name.is_empty(), number) {
        (true, 0) => errors.required(path, "port name or number is required"),
        (false, 0) => errors.check_text(&port.child("name"), name, names::port_name),
        (true, number) => {
            errors.invalid_all(&port.child("number"), &Value::Int(number), names::port_number(number));
        }
        (false, _) => errors.invalid(path, "", "cannot set both port name & port number"),
    }
}

/// Checks a HorizontalPodAutoscaler.
// Models pkg/apis/autoscaling/validation/validation.go validateHorizontalPodAutoscalerSpec
pub(crate) fn validate_autoscaler(autoscaler: &Value, errors: &mut Errors) {
    meta::validate(autoscaler, true, names::dns1123_subdomain, errors);
    let (spec, path) = (&autoscaler["spec"], Path::new("spec"));
    let (low, high) = (&spec["minReplicas"], spec["maxReplicas"].int());
    if low.as_int().is_some_and(|low| low < 1) {
        errors.invalid(path.child("minReplicas"), low, "must be greater than or equal to 1");
    }
    if high < 1 {
        errors.invalid(path.child("maxReplicas"), high, "must be greater than 0");
    }
    if low.as_int().is_some_and(|low| high < low) {
        errors.invalid(path.child("maxReplicas"), high, "must be greater than or equal to `minReplicas`");
    }
    let target = path.child("scaleTargetRef");
    for field in ["kind", "name"] {
        if spec["scaleTargetRef"][field].str().is_empty() {
            errors.required(target.child(field), "");
        }
    }
}

/// Checks a PodDisruptionBudget.
// Models pkg/apis/policy/validation/validation.go ValidatePodDisruptionBudgetSpec
pub(crate) fn validate_disruption_budget(budget: &Value, errors: &mut Errors) {
    meta::validate(budget, true, names::dns1123_subdomain, errors);
    let (spec, path) = (&budget["spec"], Path::new("spec"));
    let (low, high) = (&spec["minAvailable"], &spec["maxUnavailable"]);
    if !low.is_null() && !high.is_null() {
        errors.invalid(path, spec, "minAvailable and maxUnavailable cannot be both set");
    }
    for (field, value) in [("minAvailable", low), ("maxUnavailable", high)] {
        if !value.is_null() {
            super::apps::check_int_or_percent(value, &path.child(field), errors);
        }
    }
    meta::validate_label_selector(&spec["selector"], &path.child("selector"), errors);
}

/// Checks a StorageClass.
// Models pkg/apis/storage/validation/validation.go ValidateStorageClass
pub(crate) fn validate_storage_class(class: &Value, errors: &mut Errors) {
    meta::validate(class, false, names::dns1123_subdomain, errors);
    if class["provisioner"].str().is_empty() {
        errors.required("provisioner", "");
    }
}

/// Checks a PriorityClass.
// Models pkg/apis/scheduling/validation/validation.go ValidatePriorityClass
pub(crate) fn validate_priority_class(class: &Value, errors: &mut Errors) {
    meta::validate(class, false, names::dns1123_subdomain, errors);
    let (name, value) = (class["metadata"]["name"].str(), class["value"].int());
    if name.starts_with("system-") {
        if !["system-node-critical", "system-cluster-critical"].contains(&name) {
            let message = "priority class names with 'system-' prefix are reserved for system use only. error: \
                           cannot use the reserved system- prefix";
            errors.forbidden("metadata.name", message);
        }
    } else if value > 1_000_000_000 {
        let message = "maximum allowed value of a user defined priority is 1000000000";
        errors.forbidden("value", message);
    }
}

/// Checks a Lease.
// Models pkg/apis/coordination/validation/validation.go ValidateLeaseSpec
pub(crate) fn validate_lease(lease: &Value, errors: &mut Errors) {
    meta::validate(lease, true, names::dns1123_subdomain, errors);
    let (spec, path) = (&lease["spec"], Path::new("spec"));
    let seconds = &spec["leaseDurationSeconds"];
    if seconds.as_int().is_some_and(|seconds| seconds <= 0) {
        errors.invalid(path.child("leaseDurationSeconds"), seconds, "must be greater than 0");
    }
    errors.check_not_negative(&path.child("leaseTransitions"), &spec["leaseTransitions"]);
}

/// Checks changed metadata alone.
pub(crate) fn validate_metadata_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
}
