//! Quotas and their scopes.
// Models pkg/apis/core/validation/validation.go

use super::resources;
use crate::validation::path::{Errors, Path};
use crate::validation::{meta, names};
use api::Value;

const SCOPES: [&str; 7] = [
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
];
/// The resources that pods compute with, which a scope of pods may limit beside their number.
const COMPUTE: [&str; 6] =
    ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
const CLAIMS: [&str; 2] = ["persistentvolumeclaims", "requests.storage"];
const OTHERS: [&str; 11] = [
    "ephemeral-storage",
    "requests.ephemeral-storage",
    "limits.ephemeral-storage",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
    "pods",
];
const OPPOSITES: [[&str; 2]; 2] = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]];

/// Checks a ResourceQuota.
// Models pkg/apis/core/validation/validation.go ValidateResourceQuota
pub(crate) fn validate(quota: &Value, errors: &mut Errors) {
    meta::validate(quota, true, names::dns1123_subdomain, errors);
    let spec = Path::new("spec");
    let hard = spec.child("hard");
    for (name, value) in quota["spec"]["hard"].fields().iter() {
        let path = hard.key(name);
        resources::validate_quota_name(name, &path, errors);
        resources::validate_quantity(name, value, &path, errors);
    }
    validate_scopes(&quota["spec"], &spec.child("scopes"), errors);
    validate_selector(&quota["spec"], &spec.child("scopeSelector"), errors);
}

/// Checks a changed ResourceQuota: what it is for stays.
// Models pkg/apis/core/validation/validation.go ValidateResourceQuotaUpdate
pub(crate) fn validate_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    let sorted = |quota: &Value| {
        let mut scopes: Vec<String> =
            quota["spec"]["scopes"].items().iter().map(|scope| scope.str().to_string()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    };
    if sorted(new) != sorted(old) {
        errors.invalid("spec.scopes", &new["spec"]["scopes"], "field is immutable");
    }
}

// Models pkg/apis/core/validation/validation.go validateResourceQuotaScopes
fn validate_scopes(spec: &Value, path: &Path, errors: &mut Errors) {
    let scopes: Vec<&str> = spec["scopes"].items().iter().map(Value::str).collect();
    for scope in &scopes {
        if !SCOPES.contains(scope) {
            errors.invalid(path, &spec["scopes"], "unsupported scope");
        }
        for _ in unfit(scope, spec) {
            errors.invalid(path, &spec["scopes"], "unsupported scope applied to resource");
        }
    }
    check_opposites(&scopes, spec, path, errors);
}

fn check_opposites(scopes: &[&str], spec: &Value, path: &Path, errors: &mut Errors) {
    for pair in OPPOSITES {
        if pair.iter().all(|scope| scopes.contains(scope)) {
            errors.invalid(path, &spec["scopes"], "conflicting scopes");
        }
    }
}

/// Returns the limited resources that a scope has nothing to do with.
// Models pkg/apis/core/helper/helpers.go IsResourceQuotaScopeValidForResource
fn unfit<'a>(scope: &'a str, spec: &'a Value) -> impl Iterator<Item = &'a str> {
    let is_standard =
        |name: &str| COMPUTE.contains(&name) || CLAIMS.contains(&name) || OTHERS.contains(&name);
    let fits = move |name: &str| match scope {
        "BestEffort" => name == "pods",
        "VolumeAttributesClass" => CLAIMS.contains(&name),
        _ if SCOPES.contains(&scope) => name == "pods" || COMPUTE.contains(&name),
        _ => true,
    };
    let names = spec["hard"].fields().iter().map(|(name, _)| name);
    names.filter(move |name| is_standard(name) && !fits(name))
}

// Models pkg/apis/core/validation/validation.go validateScopedResourceSelectorRequirement
fn validate_selector(spec: &Value, path: &Path, errors: &mut Errors) {
    let path = path.child("matchExpressions");
    let expressions = spec["scopeSelector"]["matchExpressions"].items();
    let mut scopes = Vec::with_capacity(expressions.len());
    for expression in expressions {
        let (scope, operator) = (expression["scopeName"].str(), expression["operator"].str());
        if !SCOPES.contains(&scope) {
            errors.invalid(path.child("scopeName"), scope, "unsupported scope");
        }
        for _ in unfit(scope, spec) {
            let detail = format!("{}: unsupported scope applied to resource", selector_struct(expressions));
            errors.invalid_without_value(path, &detail);
        }
        if !matches!(scope, "PriorityClass" | "VolumeAttributesClass")
            && SCOPES.contains(&scope)
            && operator != "Exists"
        {
            let detail = "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
            errors.invalid(path.child("operator"), operator, detail);
        }
        let (values, given) = (path.child("values"), &expression["values"]);
        match operator {
            "In" | "NotIn" if given.items().is_empty() => {
                let detail =
                    "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
                errors.required(values, detail);
            }
            "Exists" | "DoesNotExist" if !given.items().is_empty() => {
                let detail =
                    "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                errors.invalid(values, given, detail);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => errors.invalid(path.child("operator"), operator, "not a valid selector operator"),
        }
        scopes.push(scope);
    }
    check_opposites(&scopes, spec, &path, errors);
}

/// Returns the selector as upstream's internal struct prints.
fn selector_struct(expressions: &[Value]) -> String {
    let one = |expression: &Value| {
        let [scope, operator, values] =
            ["scopeName", "operator", "values"].map(|field| expression[field].to_json());
        format!(r#"{{"ScopeName":{scope},"Operator":{operator},"Values":{values}}}"#)
    };
    let all: Vec<String> = expressions.iter().map(one).collect();
    format!(r#"{{"MatchExpressions":[{}]}}"#, all.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows as in pkg/apis/core/validation/validation_test.go TestValidateResourceQuota.
    #[test]
    fn scopes_are_checked_as_upstream_s() {
        let apply = "unsupported scope applied to resource";
        for (spec, expected) in [
            (r#"{"hard":{"pods":"1","cpu":"1"},"scopes":["NotBestEffort","Terminating"]}"#, vec![]),
            (r#"{"hard":{"pods":"1","count/jobs.batch":"1"},"scopes":["BestEffort"]}"#, vec![]),
            (r#"{"hard":{"requests.nvidia.com/gpu":"1","requests.hugepages-2Mi":"1","count/jobs.batch":"1"}}"#, vec![]),
            (
                r#"{"hard":{"foo":"1","requests.foo":"1","storage":"1"}}"#,
                ["foo", "foo", "requests.foo", "requests.foo", "storage"]
                    .iter()
                    .zip([
                        "must be a standard resource type or fully qualified",
                        "must be a standard resource for quota",
                        "must be a standard resource type or fully qualified",
                        "must be a standard resource for quota",
                        "must be a standard resource for quota",
                    ])
                    .map(|(name, why)| format!("spec.hard[{name}]: Invalid value: {name:?}: {why}"))
                    .collect(),
            ),
            (
                r#"{"hard":{"pods":"1"},"scopes":["BestEffort","NotBestEffort"]}"#,
                vec![r#"spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes"#.to_string()],
            ),
            (
                r#"{"hard":{"pods":"1"},"scopes":["Terminating","NotTerminating"]}"#,
                vec![r#"spec.scopes: Invalid value: ["Terminating","NotTerminating"]: conflicting scopes"#.to_string()],
            ),
            (
                r#"{"hard":{"cpu":"1"},"scopes":["BestEffort"]}"#,
                vec![format!(r#"spec.scopes: Invalid value: ["BestEffort"]: {apply}"#)],
            ),
            (
                r#"{"hard":{"services":"1"},"scopes":["Terminating"]}"#,
                vec![format!(r#"spec.scopes: Invalid value: ["Terminating"]: {apply}"#)],
            ),
            (
                r#"{"hard":{"pods":"1"},"scopes":["FooBar"]}"#,
                vec![r#"spec.scopes: Invalid value: ["FooBar"]: unsupported scope"#.to_string()],
            ),
            (
                r#"{"hard":{"pods":"1"},"scopeSelector":{"matchExpressions":[{"scopeName":"PriorityClass","operator":"In"}]}}"#,
                vec!["spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector".to_string()],
            ),
            (
                r#"{"hard":{"pods":"1"},"scopeSelector":{"matchExpressions":[{"scopeName":"PriorityClass","operator":"Exists","values":["a"]}]}}"#,
                vec![r#"spec.scopeSelector.matchExpressions.values: Invalid value: ["a"]: must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"#.to_string()],
            ),
            (
                r#"{"hard":{"pods":"1"},"scopeSelector":{"matchExpressions":[{"scopeName":"PriorityClass","operator":"Exist"}]}}"#,
                vec![r#"spec.scopeSelector.matchExpressions.operator: Invalid value: "Exist": not a valid selector operator"#.to_string()],
            ),
            (
                r#"{"hard":{"cpu":"1"},"scopeSelector":{"matchExpressions":[{"scopeName":"BestEffort","operator":"Exists"}]}}"#,
                vec![format!(r#"spec.scopeSelector.matchExpressions: Invalid value: {{"MatchExpressions":[{{"ScopeName":"BestEffort","Operator":"Exists","Values":null}}]}}: {apply}"#)],
            ),
        ] {
            let quota = api::tree!({"metadata": {"name": "a", "namespace": "b"}, "spec": (Value::from_json(spec).unwrap())});
            let mut errors = Errors::default();
            validate(&quota, &mut errors);
            let found: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{spec}");
        }
    }
}
