//! When a Job has failed, and when it has succeeded early.

use crate::validation::names;
use crate::validation::path::{Errors, Path};
use api::Value;

const MAX_RULES: usize = 20;

fn too_many(path: Path, count: usize, limit: usize, errors: &mut Errors) {
    if count > limit {
        errors.too_many(path, count as i64, limit as i64);
    }
}

/// Checks what a pod's failure means for its Job.
// Models pkg/apis/batch/validation/validation.go validatePodFailurePolicy
pub(super) fn validate_failure(spec: &Value, path: &Path, errors: &mut Errors) {
    const ACTIONS: [&str; 4] = ["Count", "FailIndex", "FailJob", "Ignore"];
    let rules = spec["podFailurePolicy"]["rules"].items();
    let list = path.child("rules");
    too_many(list, rules.len(), MAX_RULES, errors);
    for (i, rule) in rules.iter().enumerate() {
        let path = list.index(i);
        let at = path.child("action");
        match rule["action"].str() {
            "" => errors.required(at, format!("valid values: {}", quoted(&ACTIONS))),
            "FailIndex" if spec["backoffLimitPerIndex"].is_null() => {
                errors.invalid(at, "FailIndex", "requires the backoffLimitPerIndex to be set");
            }
            action if !ACTIONS.contains(&action) => errors.not_supported(at, action, &ACTIONS),
            _ => {}
        }
        let (codes, conditions) = (&rule["onExitCodes"], rule["onPodConditions"].items());
        if !codes.is_null() {
            validate_exit_codes(codes, &spec["template"]["spec"], &path.child("onExitCodes"), errors);
        }
        validate_pod_conditions(conditions, &path.child("onPodConditions"), errors);
        match (codes.is_null(), conditions.is_empty()) {
            (false, false) => {
                let message = "specifying both OnExitCodes and OnPodConditions is not supported";
                errors.invalid_without_value(path, message);
            }
            (true, true) => {
                let message = "specifying one of OnExitCodes and OnPodConditions is required";
                errors.invalid_without_value(path, message);
            }
            _ => {}
        }
    }
}

/// Returns words as Go prints a list of them with `%q`.
fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    format!("[{}]", words.join(" "))
}

// Models pkg/apis/batch/validation/validation.go validatePodFailurePolicyRuleOnPodConditions
fn validate_pod_conditions(patterns: &[Value], path: &Path, errors: &mut Errors) {
    const STATUS: [&str; 3] = ["False", "True", "Unknown"];
    too_many(*path, patterns.len(), MAX_RULES, errors);
    for (i, pattern) in patterns.iter().enumerate() {
        let path = path.index(i);
        errors.check_text(&path.child("type"), pattern["type"].str(), names::qualified_name);
        match pattern["status"].str() {
            "" => errors.required(path.child("status"), format!("valid values: {}", quoted(&STATUS))),
            status if !STATUS.contains(&status) => {
                errors.not_supported(path.child("status"), status, &STATUS);
            }
            _ => {}
        }
    }
}

// Models pkg/apis/batch/validation/validation.go validatePodFailurePolicyRuleOnExitCodes
fn validate_exit_codes(codes: &Value, template: &Value, path: &Path, errors: &mut Errors) {
    const OPERATORS: [&str; 2] = ["In", "NotIn"];
    let operator = codes["operator"].str();
    match operator {
        "" => errors.required(path.child("operator"), format!("valid values: {}", quoted(&OPERATORS))),
        operator if !OPERATORS.contains(&operator) => {
            errors.not_supported(path.child("operator"), operator, &OPERATORS);
        }
        _ => {}
    }
    let mut containers = template["containers"].items().iter().chain(template["initContainers"].items());
    if let Some(name) = codes["containerName"].as_str()
        && !containers.any(|container| container["name"].str() == name)
    {
        let message = "must be one of the container or initContainer names in the pod template";
        errors.invalid(path.child("containerName"), name, message);
    }
    let (values, list) = (codes["values"].items(), path.child("values"));
    if values.is_empty() {
        errors.invalid(list, values, "at least one value is required");
    }
    too_many(list, values.len(), 255, errors);
    for (i, value) in values.iter().enumerate() {
        if operator == "In" && value.int() == 0 {
            errors.invalid(list.index(i), value, "must not be 0 for the In operator");
        }
        if values.iter().take(i).any(|other| other == value) {
            errors.duplicate(list.index(i), value);
        }
    }
    if !values.is_sorted_by_key(Value::int) {
        errors.invalid(list, values, "must be ordered");
    }
}

/// Refuses a policy of a Job that doesn't tell its pods apart.
pub(super) fn show_success(policy: &Value, path: Path, errors: &mut Errors) {
    let rules = policy["rules"].items().iter().map(|rule| {
        let (indexes, count) = (rule["succeededIndexes"].to_json(), rule["succeededCount"].to_json());
        format!("{{\"SucceededIndexes\":{indexes},\"SucceededCount\":{count}}}")
    });
    let rules = rules.collect::<Vec<_>>().join(",");
    errors.invalid_without_value(path, &format!("{{\"Rules\":[{rules}]}}: requires indexed completion mode"));
}

/// Checks when a Job has succeeded before all is done.
// Models pkg/apis/batch/validation/validation.go validateSuccessPolicy
pub(super) fn validate_success(spec: &Value, path: &Path, errors: &mut Errors) {
    let rules = spec["successPolicy"]["rules"].items();
    let list = path.child("rules");
    if rules.is_empty() {
        errors.required(list, "at least one rules must be specified when the successPolicy is specified");
    }
    too_many(list, rules.len(), MAX_RULES, errors);
    let completions = spec["completions"].int();
    for (i, rule) in rules.iter().enumerate() {
        let path = list.index(i);
        let (count, indexes) = (&rule["succeededCount"], rule["succeededIndexes"].as_str());
        if count.is_null() && indexes.is_none() {
            let message = "at least one of succeededCount or succeededIndexes must be specified";
            errors.required(path, message);
        }
        let found = indexes.map(|text| count_indexes(text, completions));
        if let (Some(Err(why)), Some(text)) = (&found, indexes) {
            let message = format!("error parsing succeededIndexes: {why}");
            errors.invalid(path.child("succeededIndexes"), text, message);
        }
        let at = path.child("succeededCount");
        errors.check_not_negative(&at, count);
        if count.int() > completions {
            let message =
                format!("must be less than or equal to {completions} (the number of specified completions)");
            errors.invalid(at, count, message);
        }
        let total = found.map(|found| found.unwrap_or(0));
        if let Some(total) = total.filter(|total| count.int() > *total) {
            let message = format!(
                "must be less than or equal to {total} (the number of indexes in the specified succeededIndexes field)"
            );
            errors.invalid(at, count, message);
        }
    }
}

/// Counts the indexes of a text such as `1,3-5`.
// Models pkg/apis/batch/validation/validation.go validateIndexesFormat
fn count_indexes(text: &str, completions: i64) -> Result<i64, String> {
    let (mut total, mut last) = (0, None);
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let limits: Vec<&str> = part.split('-').collect();
        if limits.len() > 2 {
            return Err(format!(
                "the fragment {part:?} violates the requirement that an index interval can have at most two parts separated by '-'"
            ));
        }
        let number = |text: &str| -> Result<i64, String> {
            let number = text
                .parse::<i64>()
                .map_err(|_| format!("cannot convert string to integer for index: {text:?}"))?;
            if number >= completions {
                return Err(format!("too large index: {text:?}"));
            }
            Ok(number)
        };
        let first = number(limits.first().unwrap_or(&""))?;
        if last.is_some_and(|last| last >= first) {
            return Err(format!("non-increasing order, previous: {}, current: {first}", last.unwrap_or(0)));
        }
        let end = limits.get(1).map_or(Ok(first), |text| number(text))?;
        if limits.len() > 1 && first >= end {
            return Err(format!("non-increasing order, previous: {first}, current: {end}"));
        }
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}
