//! Deployments, ReplicaSets, StatefulSets and DaemonSets.
// Models pkg/apis/apps/validation/validation.go

use super::core::pod;
use super::path::{Errors, Path};
use super::{meta, names, semantic_equal};
use api::Value;
use api::label::Selector;

/// Checks a whole number or percentage that may not be negative.
// Models pkg/apis/apps/validation/validation.go ValidatePositiveIntOrPercent
pub(crate) fn check_int_or_percent(value: &Value, path: &Path, errors: &mut Errors) {
    match value.as_str() {
        Some(text) => errors.check_text(path, text, names::percent),
        None => errors.check_not_negative(path, value),
    }
}

/// Returns a percentage, or the number.
fn amount(value: &Value) -> i64 {
    value.as_str().map_or(value.int(), |text| text.trim_end_matches('%').parse().unwrap_or(0))
}

pub(crate) fn check_at_most_all(value: &Value, path: &Path, errors: &mut Errors) {
    if value.as_str().is_some() && amount(value) > 100 {
        errors.invalid(path, value, "must not be greater than 100%");
    }
}

/// Checks that a template fits its selector and may run in a controller of a kind.
// Models pkg/apis/apps/validation/validation.go ValidatePodTemplateSpecForReplicaSet
pub(crate) fn check_template(
    spec: &Value,
    selector: &Selector,
    kind: &str,
    path: &Path,
    errors: &mut Errors,
) {
    let template = &spec["template"];
    let labels = &template["metadata"]["labels"];
    if !selector.is_empty() && !selector.matches(labels) {
        let message = "`selector` does not match template `labels`";
        errors.invalid(path.child("metadata").child("labels"), labels, message);
    }
    if kind == "StatefulSet" {
        // Its pods mount claims that the template doesn't name: upstream looks at the spec no further.
        meta::validate_labels(labels, &path.child("labels"), errors);
        meta::validate_annotations(&template["metadata"]["annotations"], &path.child("annotations"), errors);
    } else {
        pod::validate_template(template, path, errors);
    }
    check_runs_always(template, kind, &path.child("spec"), errors);
}

fn check_runs_always(template: &Value, kind: &str, path: &Path, errors: &mut Errors) {
    let policy = &template["spec"]["restartPolicy"];
    if policy.str() != "Always" {
        errors.not_supported(path.child("restartPolicy"), policy, &["Always"]);
    }
    if !template["spec"]["activeDeadlineSeconds"].is_null() {
        let message = format!("activeDeadlineSeconds in {kind} is not Supported");
        errors.forbidden(path.child("activeDeadlineSeconds"), message);
    }
}

/// Checks a selector that must choose something, and the template with it.
fn check_selector_and_template(spec: &Value, kind: &str, empty: &str, path: &Path, errors: &mut Errors) {
    let (selector, at) = (&spec["selector"], path.child("selector"));
    if selector.is_null() {
        errors.required(at, "");
    } else {
        meta::validate_label_selector(selector, &at, errors);
        if selector["matchLabels"].is_empty() && selector["matchExpressions"].is_empty() {
            errors.invalid(at, selector, empty);
        }
    }
    if !meta::is_selector_readable(selector) {
        errors.invalid(at, selector, "invalid label selector");
        return;
    }
    // One that isn't there matches nothing, not even a template.
    let selector = Selector::from_label_selector(selector);
    check_template(spec, &selector, kind, &path.child("template"), errors);
}

/// Checks a Deployment.
// Models pkg/apis/apps/validation/validation.go ValidateDeployment
pub(crate) fn validate_deployment(deployment: &Value, errors: &mut Errors) {
    meta::validate(deployment, true, names::dns1123_subdomain, errors);
    validate_deployment_spec(&deployment["spec"], errors);
}

fn validate_deployment_spec(spec: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    errors.check_not_negative(&path.child("replicas"), &spec["replicas"]);
    check_selector_and_template(
        spec,
        "ReplicaSet",
        "empty selector is invalid for deployment",
        &path,
        errors,
    );
    validate_strategy(&spec["strategy"], &path.child("strategy"), errors);
    errors.check_not_negative(&path.child("minReadySeconds"), &spec["minReadySeconds"]);
    errors.check_not_negative(&path.child("revisionHistoryLimit"), &spec["revisionHistoryLimit"]);
    let (deadline, at) = (&spec["progressDeadlineSeconds"], path.child("progressDeadlineSeconds"));
    if let Some(seconds) = deadline.as_int() {
        errors.check_not_negative(&at, deadline);
        if seconds <= spec["minReadySeconds"].int() {
            errors.invalid(at, deadline, "must be greater than minReadySeconds");
        }
    }
}

// Models pkg/apis/apps/validation/validation.go ValidateDeploymentStrategy
fn validate_strategy(strategy: &Value, path: &Path, errors: &mut Errors) {
    let (rolling, at) = (&strategy["rollingUpdate"], path.child("rollingUpdate"));
    match strategy["type"].str() {
        "Recreate" if !rolling.is_null() => {
            errors.forbidden(at, "may not be specified when strategy `type` is 'Recreate'");
        }
        "Recreate" => {}
        "RollingUpdate" if rolling.is_null() => {
            errors.required(at, "this should be defaulted and never be nil");
        }
        "RollingUpdate" => {
            let (unavailable, surge) = (&rolling["maxUnavailable"], &rolling["maxSurge"]);
            let unavailable_path = at.child("maxUnavailable");
            check_int_or_percent(unavailable, &unavailable_path, errors);
            check_int_or_percent(surge, &at.child("maxSurge"), errors);
            if amount(unavailable) == 0 && amount(surge) == 0 {
                errors.invalid(unavailable_path, unavailable, "may not be 0 when `maxSurge` is 0");
            }
            check_at_most_all(unavailable, &unavailable_path, errors);
        }
        _ => errors.not_supported(path, strategy, &["Recreate", "RollingUpdate"]),
    }
}

/// Checks a changed Deployment.
// Models pkg/apis/apps/validation/validation.go ValidateDeploymentUpdate
pub(crate) fn validate_deployment_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_deployment_spec(&new["spec"], errors);
    check_selector_unchanged(new, old, errors);
}

fn check_selector_unchanged(new: &Value, old: &Value, errors: &mut Errors) {
    let spec = Path::new("spec");
    errors.check_immutable(&spec.child("selector"), &new["spec"]["selector"], &old["spec"]["selector"]);
}

/// Checks a Deployment's changed status.
// Models pkg/apis/apps/validation/validation.go ValidateDeploymentStatusUpdate
pub(crate) fn validate_deployment_status_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    let (status, path) = (&new["status"], Path::new("status"));
    let fields = [
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
    ];
    for field in fields {
        errors.check_not_negative(&path.child(field), &status[field]);
    }
    let replicas = status["replicas"].int();
    for field in ["updatedReplicas", "readyReplicas", "availableReplicas"] {
        if status[field].int() > replicas {
            errors.invalid(path.child(field), &status[field], "cannot be greater than status.replicas");
        }
    }
    if status["availableReplicas"].int() > status["readyReplicas"].int() {
        let message = "cannot be greater than readyReplicas";
        errors.invalid(path.child("availableReplicas"), &status["availableReplicas"], message);
    }
    check_collisions(new, old, &path, errors);
}

fn check_collisions(new: &Value, old: &Value, path: &Path, errors: &mut Errors) {
    let (count, was) = (&new["status"]["collisionCount"], &old["status"]["collisionCount"]);
    if was.as_int().is_some_and(|was| count.int() < was) {
        errors.invalid(path.child("collisionCount"), count, "cannot be decremented");
    }
}

/// Checks a ReplicaSet.
// Models pkg/apis/apps/validation/validation.go ValidateReplicaSet
pub(crate) fn validate_replica_set(set: &Value, errors: &mut Errors) {
    meta::validate(set, true, names::dns1123_subdomain, errors);
    validate_replica_set_spec(&set["spec"], errors);
}

fn validate_replica_set_spec(spec: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    errors.check_not_negative(&path.child("replicas"), &spec["replicas"]);
    errors.check_not_negative(&path.child("minReadySeconds"), &spec["minReadySeconds"]);
    check_selector_and_template(
        spec,
        "ReplicaSet",
        "empty selector is invalid for deployment",
        &path,
        errors,
    );
}

/// Checks a changed ReplicaSet.
// Models pkg/apis/apps/validation/validation.go ValidateReplicaSetUpdate
pub(crate) fn validate_replica_set_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_replica_set_spec(&new["spec"], errors);
    check_selector_unchanged(new, old, errors);
}

/// Checks a ReplicaSet's changed status.
// Models pkg/apis/apps/validation/validation.go ValidateReplicaSetStatus
pub(crate) fn validate_replica_set_status_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    let (status, path) = (&new["status"], Path::new("status"));
    for field in
        ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"]
    {
        errors.check_not_negative(&path.child(field), &status[field]);
    }
    for field in ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] {
        if status[field].int() > status["replicas"].int() {
            errors.invalid(path.child(field), &status[field], "cannot be greater than status.replicas");
        }
    }
    if status["availableReplicas"].int() > status["readyReplicas"].int() {
        let message = "cannot be greater than readyReplicas";
        errors.invalid(path.child("availableReplicas"), &status["availableReplicas"], message);
    }
}

/// Checks a DaemonSet.
// Models pkg/apis/apps/validation/validation.go ValidateDaemonSet
pub(crate) fn validate_daemon_set(set: &Value, errors: &mut Errors) {
    meta::validate(set, true, names::dns1123_subdomain, errors);
    validate_daemon_set_spec(&set["spec"], errors);
}

fn validate_daemon_set_spec(spec: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    let (selector, at) = (&spec["selector"], path.child("selector"));
    if selector.is_null() {
        errors.required(at, "");
    } else {
        meta::validate_label_selector(selector, &at, errors);
    }
    let template_path = path.child("template");
    let labels = &spec["template"]["metadata"]["labels"];
    if meta::is_selector_readable(selector) && !Selector::from_label_selector(selector).matches(labels) {
        let message = "`selector` does not match template `labels`";
        errors.invalid(template_path.child("metadata").child("labels"), labels, message);
    }
    if !selector.is_null() && selector["matchLabels"].is_empty() && selector["matchExpressions"].is_empty() {
        errors.invalid(at, selector, "empty selector is invalid for daemonset");
    }
    pod::validate_template(&spec["template"], &template_path, errors);
    check_runs_always(&spec["template"], "DaemonSet", &template_path.child("spec"), errors);
    errors.check_not_negative(&path.child("minReadySeconds"), &spec["minReadySeconds"]);
    validate_daemon_strategy(&spec["updateStrategy"], &path.child("updateStrategy"), errors);
    errors.check_not_negative(&path.child("revisionHistoryLimit"), &spec["revisionHistoryLimit"]);
}

// Models pkg/apis/apps/validation/validation.go ValidateDaemonSetUpdateStrategy
fn validate_daemon_strategy(strategy: &Value, path: &Path, errors: &mut Errors) {
    let (rolling, at) = (&strategy["rollingUpdate"], path.child("rollingUpdate"));
    match strategy["type"].str() {
        "OnDelete" => {}
        "RollingUpdate" if rolling.is_null() => errors.required(at, ""),
        "RollingUpdate" => {
            let (unavailable, surge) = (&rolling["maxUnavailable"], &rolling["maxSurge"]);
            check_int_or_percent(unavailable, &at.child("maxUnavailable"), errors);
            check_at_most_all(unavailable, &at.child("maxUnavailable"), errors);
            check_int_or_percent(surge, &at.child("maxSurge"), errors);
            check_at_most_all(surge, &at.child("maxSurge"), errors);
            match (amount(unavailable) != 0, amount(surge) != 0) {
                (true, true) => {
                    let message = "may not be set when maxUnavailable is non-zero";
                    errors.invalid(at.child("maxSurge"), surge, message);
                }
                (false, false) => {
                    errors.required(at.child("maxUnavailable"), "cannot be 0 when maxSurge is 0");
                }
                _ => {}
            }
        }
        _ => errors.not_supported(path, strategy, &["RollingUpdate", "OnDelete"]),
    }
}

/// Checks a changed DaemonSet.
// Models pkg/apis/apps/validation/validation.go ValidateDaemonSetUpdate
pub(crate) fn validate_daemon_set_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_daemon_set_spec(&new["spec"], errors);
    check_selector_unchanged(new, old, errors);
}

/// Checks a StatefulSet.
// Models pkg/apis/apps/validation/validation.go ValidateStatefulSet
pub(crate) fn validate_stateful_set(set: &Value, errors: &mut Errors) {
    meta::validate(set, true, names::dns1123_subdomain, errors);
    validate_stateful_set_spec(&set["spec"], errors);
}

fn validate_stateful_set_spec(spec: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    match spec["podManagementPolicy"].str() {
        "" => errors.required(path.child("podManagementPolicy"), ""),
        "OrderedReady" | "Parallel" => {}
        policy => {
            let message = "must be 'OrderedReady' or 'Parallel'";
            errors.invalid(path.child("podManagementPolicy"), policy, message);
        }
    }
    let (strategy, at) = (&spec["updateStrategy"], path.child("updateStrategy"));
    let rolling = &strategy["rollingUpdate"];
    match strategy["type"].str() {
        "" => errors.required(at, ""),
        "OnDelete" if !rolling.is_null() => {
            let message = "only allowed for updateStrategy 'RollingUpdate'";
            errors.invalid(at.child("rollingUpdate"), rolling, message);
        }
        "OnDelete" => {}
        "RollingUpdate" => {
            let rolling_path = at.child("rollingUpdate");
            errors.check_not_negative(&rolling_path.child("partition"), &rolling["partition"]);
            if !rolling["maxUnavailable"].is_null() {
                let at = rolling_path.child("maxUnavailable");
                check_int_or_percent(&rolling["maxUnavailable"], &at, errors);
                if amount(&rolling["maxUnavailable"]) == 0 {
                    errors.invalid(at, &rolling["maxUnavailable"], "cannot be 0");
                }
            }
        }
        _ => errors.invalid(at, strategy, "must be 'RollingUpdate' or 'OnDelete'"),
    }
    errors.check_not_negative(&path.child("replicas"), &spec["replicas"]);
    errors.check_not_negative(&path.child("minReadySeconds"), &spec["minReadySeconds"]);
    check_selector_and_template(
        spec,
        "StatefulSet",
        "empty selector is invalid for statefulset",
        &path,
        errors,
    );
    if !spec["serviceName"].str().is_empty() {
        errors.check_text(&path.child("serviceName"), spec["serviceName"].str(), names::dns1123_subdomain);
    }
}

/// Checks a changed StatefulSet.
// Models pkg/apis/apps/validation/validation.go ValidateStatefulSetUpdate
pub(crate) fn validate_stateful_set_update(new: &Value, old: &Value, errors: &mut Errors) {
    const CHANGEABLE: [&str; 7] = [
        "replicas",
        "template",
        "updateStrategy",
        "minReadySeconds",
        "ordinals",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
    ];
    meta::validate_update(new, old, errors);
    validate_stateful_set_spec(&new["spec"], errors);
    let mut spec = new["spec"].clone();
    for field in CHANGEABLE {
        match old["spec"].get(field) {
            Some(value) => spec.set(&[field], value),
            None => drop(spec.remove(&[field])),
        }
    }
    if !semantic_equal(&spec, &old["spec"]) {
        let message = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                       'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                       'minReadySeconds' are forbidden";
        errors.forbidden("spec", message);
    }
}

/// Checks a ControllerRevision.
// Models pkg/apis/apps/validation/validation.go ValidateControllerRevisionCreate
pub(crate) fn validate_controller_revision(revision: &Value, errors: &mut Errors) {
    meta::validate(revision, true, names::dns1123_subdomain, errors);
    if revision["data"].is_null() {
        errors.required("data", "data is mandatory");
    }
    errors.check_not_negative(&Path::new("revision"), &revision["revision"]);
}

/// Checks a changed ControllerRevision.
pub(crate) fn validate_controller_revision_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_controller_revision(new, errors);
    errors.check_immutable(&Path::new("data"), &new["data"], &old["data"]);
}
