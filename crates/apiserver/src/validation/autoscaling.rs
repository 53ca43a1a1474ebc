//! HorizontalPodAutoscalers, in the form of v2.
// Models pkg/apis/autoscaling/validation/validation.go

use super::path::{Errors, Path};
use super::{meta, names};
use crate::quantity;
use api::Value;

const MAX_WINDOW_SECONDS: i64 = 3_600;
const MAX_PERIOD_SECONDS: i64 = 1_800;

/// Checks a HorizontalPodAutoscaler.
// Models pkg/apis/autoscaling/validation/validation.go ValidateHorizontalPodAutoscaler
pub(crate) fn validate_autoscaler(autoscaler: &Value, errors: &mut Errors) {
    meta::validate(autoscaler, true, names::dns1123_subdomain, errors);
    validate_spec(&autoscaler["spec"], errors);
}

/// Checks a changed HorizontalPodAutoscaler.
// Models pkg/apis/autoscaling/validation/validation.go ValidateHorizontalPodAutoscalerUpdate
pub(crate) fn validate_autoscaler_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_spec(&new["spec"], errors);
}

fn validate_spec(spec: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
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
    validate_reference(&spec["scaleTargetRef"], &path.child("scaleTargetRef"), errors);
    let list = path.child("metrics");
    for (i, metric) in spec["metrics"].items().iter().enumerate() {
        validate_metric(metric, &list.index(i), errors);
    }
    let behavior = path.child("behavior");
    for direction in ["scaleUp", "scaleDown"] {
        let rules = &spec["behavior"][direction];
        if !rules.is_null() {
            validate_rules(rules, &behavior.child(direction), errors);
        }
    }
}

fn validate_reference(reference: &Value, path: &Path, errors: &mut Errors) {
    for field in ["kind", "name"] {
        errors.check_segment(&path.child(field), &reference[field]);
    }
}

// Models pkg/apis/autoscaling/validation/validation.go validateScalingRules
fn validate_rules(rules: &Value, path: &Path, errors: &mut Errors) {
    const SELECT: [&str; 3] = ["Disabled", "Max", "Min"];
    let (window, at) = (&rules["stabilizationWindowSeconds"], path.child("stabilizationWindowSeconds"));
    if window.int() < 0 {
        errors.invalid(at, window, "must be greater than or equal to zero");
    }
    if window.int() > MAX_WINDOW_SECONDS {
        errors.invalid(at, window, format!("must be less than or equal to {MAX_WINDOW_SECONDS}"));
    }
    if let Some(select) = rules["selectPolicy"].as_str().filter(|select| !SELECT.contains(select)) {
        errors.not_supported(path.child("selectPolicy"), select, &SELECT);
    }
    let list = path.child("policies");
    if rules["policies"].items().is_empty() {
        errors.required(list, "must specify at least one Policy");
    }
    for (i, policy) in rules["policies"].items().iter().enumerate() {
        let path = list.index(i);
        if !matches!(policy["type"].str(), "Pods" | "Percent") {
            errors.not_supported(path.child("type"), policy["type"].str(), &["Percent", "Pods"]);
        }
        for field in ["value", "periodSeconds"] {
            if policy[field].int() <= 0 {
                errors.invalid(path.child(field), &policy[field], "must be greater than zero");
            }
        }
        if policy["periodSeconds"].int() > MAX_PERIOD_SECONDS {
            let message = format!("must be less than or equal to {MAX_PERIOD_SECONDS}");
            errors.invalid(path.child("periodSeconds"), &policy["periodSeconds"], message);
        }
    }
}

/// The kinds of metrics and the fields that tell more of them, in the order in which they are looked at.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];

// Models pkg/apis/autoscaling/validation/validation.go validateMetricSpec
fn validate_metric(metric: &Value, path: &Path, errors: &mut Errors) {
    const TYPES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];
    let kind = metric["type"].str();
    if kind.is_empty() {
        errors.required(path.child("type"), "must specify a metric source type");
    }
    if !TYPES.contains(&kind) {
        errors.not_supported(path.child("type"), kind, &TYPES);
    }
    let mut present = SOURCES.iter().map(|(_, field)| *field).filter(|field| !metric[*field].is_null());
    if let Some(field) = present.next() {
        validate_source(&metric[field], field, &path.child(field), errors);
    }
    let several = present.next().is_some();
    let wanted = SOURCES.iter().find(|(name, _)| *name == kind).map(|(_, field)| *field);
    if let Some(field) = wanted.filter(|field| metric[*field].is_null()) {
        errors.required(path.child(field), "must populate information for the given metric source");
    }
    let others = SOURCES.iter().map(|(_, field)| *field).filter(|field| Some(*field) != wanted);
    for field in others.filter(|field| several && !metric[*field].is_null()) {
        errors.forbidden(path.child(field), "must populate the given metric source only");
    }
}

fn validate_source(source: &Value, field: &str, path: &Path, errors: &mut Errors) {
    let (target, at) = (&source["target"], path.child("target"));
    let (value, average) = (&target["value"], &target["averageValue"]);
    match field {
        "object" => validate_reference(&source["describedObject"], &path.child("describedObject"), errors),
        "resource" if source["name"].str().is_empty() => {
            errors.required(path.child("name"), "must specify a resource name");
        }
        "containerResource" => {
            if source["name"].str().is_empty() {
                errors.required(path.child("name"), "must specify a resource name");
            }
            if source["container"].str().is_empty() {
                errors.required(path.child("container"), "must specify a container");
            }
        }
        _ => {}
    }
    if matches!(field, "object" | "external" | "pods") {
        let at = path.child("metric");
        match source["metric"]["name"].str() {
            "" => errors.required(at.child("name"), "must specify a metric name"),
            name => errors.check_text(&at.child("name"), name, names::path_segment),
        }
    }
    validate_target(target, &at, errors);
    let neither = value.is_null() && average.is_null();
    match field {
        "object" if neither => {
            errors.required(at.child("averageValue"), "must set either a target value or averageValue");
        }
        "external" if neither => {
            let message = "must set either a target value for metric or a per-pod target";
            errors.required(at.child("averageValue"), message);
        }
        "external" if !value.is_null() && !average.is_null() => {
            let message = "may not set both a target value for metric and a per-pod target";
            errors.forbidden(at.child("value"), message);
        }
        "pods" if average.is_null() => {
            errors.required(at.child("averageValue"), "must specify a positive target averageValue");
        }
        "resource" | "containerResource" => {
            let share = &target["averageUtilization"];
            if share.is_null() && average.is_null() {
                let message = "must set either a target raw value or a target utilization";
                errors.required(at.child("averageUtilization"), message);
            }
            if !share.is_null() && !average.is_null() {
                let message = "may not set both a target raw value and a target utilization";
                errors.forbidden(at.child("averageValue"), message);
            }
        }
        _ => {}
    }
}

// Models pkg/apis/autoscaling/validation/validation.go validateMetricTarget
fn validate_target(target: &Value, path: &Path, errors: &mut Errors) {
    let kind = target["type"].str();
    if kind.is_empty() {
        errors.required(path.child("type"), "must specify a metric target type");
    }
    if !matches!(kind, "Utilization" | "Value" | "AverageValue") {
        errors.invalid(path.child("type"), kind, "must be either Utilization, Value, or AverageValue");
    }
    for field in ["value", "averageValue"] {
        let amount = &target[field];
        if !amount.is_null() && quantity::nanos(amount).is_none_or(|nanos| nanos <= 0) {
            errors.invalid(path.child(field), amount, "must be positive");
        }
    }
    let share = &target["averageUtilization"];
    if share.as_int().is_some_and(|share| share < 1) {
        errors.invalid(path.child("averageUtilization"), share, "must be greater than 0");
    }
}
