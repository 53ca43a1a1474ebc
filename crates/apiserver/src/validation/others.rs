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
        let reference = &new["roleRef"];
        let fields = [
            ("APIGroup", &reference["apiGroup"]),
            ("Kind", &reference["kind"]),
            ("Name", &reference["name"]),
        ];
        errors.invalid_struct("roleRef", &fields, "cannot change roleRef");
    }
}

/// Checks a PodDisruptionBudget.
// Models pkg/apis/policy/validation/validation.go ValidatePodDisruptionBudget
pub(crate) fn validate_disruption_budget(budget: &Value, errors: &mut Errors) {
    meta::validate(budget, true, names::dns1123_subdomain, errors);
    validate_disruption_budget_spec(&budget["spec"], errors);
}

/// Checks a changed PodDisruptionBudget.
pub(crate) fn validate_disruption_budget_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_disruption_budget_spec(&new["spec"], errors);
}

// Models pkg/apis/policy/validation/validation.go ValidatePodDisruptionBudgetSpec
fn validate_disruption_budget_spec(spec: &Value, errors: &mut Errors) {
    const POLICIES: [&str; 2] = ["AlwaysAllow", "IfHealthyBudget"];
    let path = Path::new("spec");
    let (low, high) = (&spec["minAvailable"], &spec["maxUnavailable"]);
    if !low.is_null() && !high.is_null() {
        let fields = [
            ("MinAvailable", low),
            ("Selector", &spec["selector"]),
            ("MaxUnavailable", high),
            ("UnhealthyPodEvictionPolicy", &spec["unhealthyPodEvictionPolicy"]),
        ];
        errors.invalid_struct(path, &fields, "minAvailable and maxUnavailable cannot be both set");
    }
    for (field, value) in [("minAvailable", low), ("maxUnavailable", high)] {
        if !value.is_null() {
            super::apps::check_int_or_percent(value, &path.child(field), errors);
            super::apps::check_at_most_all(value, &path.child(field), errors);
        }
    }
    meta::validate_label_selector(&spec["selector"], &path.child("selector"), errors);
    let policy = spec["unhealthyPodEvictionPolicy"].as_str();
    if let Some(policy) = policy.filter(|policy| !POLICIES.contains(policy)) {
        errors.not_supported(path.child("unhealthyPodEvictionPolicy"), policy, &POLICIES);
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
    let policy = class["preemptionPolicy"].as_str();
    if let Some(policy) = policy.filter(|policy| !matches!(*policy, "PreemptLowerPriority" | "Never")) {
        errors.not_supported("preemptionPolicy", policy, &["PreemptLowerPriority", "Never"]);
    }
}

/// Checks a changed PriorityClass.
// Models pkg/apis/scheduling/validation/validation.go ValidatePriorityClassUpdate
pub(crate) fn validate_priority_class_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    if new["value"].int() != old["value"].int() {
        errors.forbidden("value", "may not be changed in an update.");
    }
    let field = "preemptionPolicy";
    errors.check_immutable(&Path::new(field), &new[field], &old[field]);
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
