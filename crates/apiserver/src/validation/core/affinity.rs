//! Affinity, tolerations, taints and topology spread.
// Models pkg/apis/core/validation/validation.go

use crate::validation::path::{Errors, Path};
use crate::validation::{meta, names};
use api::Value;

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Checks a pod's affinity.
// Models pkg/apis/core/validation/validation.go validateAffinity
pub(crate) fn validate(affinity: &Value, path: &Path, errors: &mut Errors) {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    let node = &affinity["nodeAffinity"];
    let node_path = path.child("nodeAffinity");
    if !node[REQUIRED].is_null() {
        validate_node_selector(&node[REQUIRED], &node_path.child(REQUIRED), errors);
    }
    let list = node_path.child(PREFERRED);
    for (i, term) in node[PREFERRED].items().iter().enumerate() {
        let path = list.index(i);
        check_weight(&term["weight"], &path.child("weight"), errors);
        validate_node_selector_term(&term["preference"], &path.child("preference"), errors);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let pods = &affinity[kind];
        let path = path.child(kind);
        let list = path.child(REQUIRED);
        for (i, term) in pods[REQUIRED].items().iter().enumerate() {
            validate_pod_term(term, &list.index(i), errors);
        }
        let list = path.child(PREFERRED);
        for (i, term) in pods[PREFERRED].items().iter().enumerate() {
            let path = list.index(i);
            check_weight(&term["weight"], &path.child("weight"), errors);
            validate_pod_term(&term["podAffinityTerm"], &path.child("podAffinityTerm"), errors);
        }
    }
}

fn check_weight(weight: &Value, path: &Path, errors: &mut Errors) {
    if !(1..=100).contains(&weight.int()) {
        errors.invalid(path, weight.int(), "must be in the range 1-100");
    }
}

/// Checks a selector of nodes.
// Models pkg/apis/core/validation/validation.go ValidateNodeSelector
pub(crate) fn validate_node_selector(selector: &Value, path: &Path, errors: &mut Errors) {
    let terms = selector["nodeSelectorTerms"].items();
    let list = path.child("nodeSelectorTerms");
    if terms.is_empty() {
        errors.required(list, "must have at least one node selector term");
    }
    for (i, term) in terms.iter().enumerate() {
        validate_node_selector_term(term, &list.index(i), errors);
    }
}

fn validate_node_selector_term(term: &Value, path: &Path, errors: &mut Errors) {
    let list = path.child("matchExpressions");
    for (i, requirement) in term["matchExpressions"].items().iter().enumerate() {
        validate_node_requirement(requirement, &list.index(i), errors);
    }
}

// Models pkg/apis/core/validation/validation.go ValidateNodeSelectorRequirement
fn validate_node_requirement(requirement: &Value, path: &Path, errors: &mut Errors) {
    let values = requirement["values"].items();
    let at = path.child("values");
    match requirement["operator"].str() {
        "In" | "NotIn" if values.is_empty() => {
            errors.required(at, "must be specified when `operator` is 'In' or 'NotIn'");
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            errors.forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        "Gt" | "Lt" if values.len() != 1 => {
            errors.required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'");
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        operator => errors.invalid(path.child("operator"), operator, "not a valid selector operator"),
    }
    errors.check_text(&path.child("key"), requirement["key"].str(), names::qualified_name);
}

// Models pkg/apis/core/validation/validation.go validatePodAffinityTerm
fn validate_pod_term(term: &Value, path: &Path, errors: &mut Errors) {
    meta::validate_label_selector(&term["labelSelector"], &path.child("labelSelector"), errors);
    meta::validate_label_selector(&term["namespaceSelector"], &path.child("namespaceSelector"), errors);
    for namespace in term["namespaces"].items() {
        errors.check_text(&path.child("namespace"), namespace.str(), names::dns1123_label);
    }
    let key = term["topologyKey"].str();
    if key.is_empty() {
        errors.required(path.child("topologyKey"), "can not be empty");
    }
    errors.check_text(&path.child("topologyKey"), key, names::qualified_name);
}

/// Checks tolerations.
// Models pkg/apis/core/validation/validation.go ValidateTolerations
pub(crate) fn validate_tolerations(tolerations: &Value, path: &Path, errors: &mut Errors) {
    for (i, toleration) in tolerations.items().iter().enumerate() {
        let path = path.index(i);
        let (key, operator) = (toleration["key"].str(), toleration["operator"].str());
        let (value, effect) = (toleration["value"].str(), toleration["effect"].str());
        if !key.is_empty() {
            errors.check_text(&path.child("key"), key, names::qualified_name);
        } else if operator != "Exists" {
            let message =
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            errors.invalid(path.child("operator"), operator, message);
        }
        if !toleration["tolerationSeconds"].is_null() && effect != "NoExecute" {
            let message = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            errors.invalid(path.child("effect"), effect, message);
        }
        match operator {
            "Equal" | "" => {
                let messages = names::label_value(value);
                if !messages.is_empty() {
                    errors.invalid(path.child("operator"), value, messages.join(";"));
                }
            }
            "Exists" if !value.is_empty() => {
                let message = "value must be empty when `operator` is 'Exists'";
                errors.invalid(path.child("operator"), value, message);
            }
            "Exists" => {}
            _ => errors.not_supported(path.child("operator"), operator, &["Equal", "Exists"]),
        }
        if !effect.is_empty() && !EFFECTS.contains(&effect) {
            errors.not_supported(path.child("effect"), effect, &EFFECTS);
        }
    }
}

/// Checks a node's taints.
// Models pkg/apis/core/validation/validation.go validateNodeTaints
pub(crate) fn validate_taints(taints: &Value, path: &Path, errors: &mut Errors) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (i, taint) in taints.items().iter().enumerate() {
        let path = path.index(i);
        let (key, effect) = (taint["key"].str(), taint["effect"].str());
        errors.check_text(&path.child("key"), key, names::qualified_name);
        let messages = names::label_value(taint["value"].str());
        if !messages.is_empty() {
            errors.invalid(path.child("value"), taint["value"].str(), messages.join(";"));
        }
        errors.check_enum(&path.child("effect"), &taint["effect"], &EFFECTS);
        if seen.contains(&(key, effect)) {
            errors.duplicate(path, taint);
            if let Some(error) = errors.0.last_mut() {
                error.detail = "taints must be unique by key and effect pair".to_string();
            }
            continue;
        }
        seen.push((key, effect));
    }
}

/// Checks topology spread constraints.
// Models pkg/apis/core/validation/validation.go validateTopologySpreadConstraints
pub(crate) fn validate_topology_spread(constraints: &Value, path: &Path, errors: &mut Errors) {
    const ACTIONS: [&str; 2] = ["DoNotSchedule", "ScheduleAnyway"];
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (i, constraint) in constraints.items().iter().enumerate() {
        let path = path.index(i);
        if constraint["maxSkew"].int() <= 0 {
            errors.invalid(path.child("maxSkew"), constraint["maxSkew"].int(), "must be greater than zero");
        }
        let (key, action) = (constraint["topologyKey"].str(), constraint["whenUnsatisfiable"].str());
        if key.is_empty() {
            errors.required(path.child("topologyKey"), "can not be empty");
        } else {
            errors.check_text(&path.child("topologyKey"), key, names::qualified_name);
        }
        if !ACTIONS.contains(&action) {
            errors.not_supported(path.child("whenUnsatisfiable"), action, &ACTIONS);
        }
        if seen.contains(&(key, action)) {
            let pair = format!("{{{key}, {action}}}");
            errors.duplicate(path.child("{topologyKey, whenUnsatisfiable}"), pair);
        }
        seen.push((key, action));
        meta::validate_label_selector(&constraint["labelSelector"], &path.child("labelSelector"), errors);
    }
}
