//! When a container is started anew, where it says so itself.
// Models pkg/apis/core/validation/validation.go

use crate::validation::path::{Errors, Path};
use api::Value;

const POLICIES: [&str; 3] = ["Always", "Never", "OnFailure"];
const ACTIONS: [&str; 2] = ["Restart", "RestartAllContainers"];
const OPERATORS: [&str; 2] = ["In", "NotIn"];

/// Checks a container's own restart policy and its rules.
// Models pkg/apis/core/validation/validation.go validateContainerRestartPolicy
pub(crate) fn validate(container: &Value, path: &Path, errors: &mut Errors) {
    let (policy, rules) = (&container["restartPolicy"], container["restartPolicyRules"].items());
    if !policy.is_null() {
        errors.check_enum(&path.child("restartPolicy"), policy, &POLICIES);
    } else if !rules.is_empty() {
        let detail = "must specify restartPolicy when restart rules are used";
        errors.required(path.child("restartPolicy"), detail);
    }
    let list = path.child("restartPolicyRules");
    for (i, rule) in rules.iter().enumerate() {
        let path = list.index(i);
        if !ACTIONS.contains(&rule["action"].str()) {
            errors.not_supported(path.child("action"), rule["action"].str(), &ACTIONS);
        }
        let codes = &rule["exitCodes"];
        if codes.is_null() {
            errors.required(path.child("exitCodes"), "must be specified");
        } else if !OPERATORS.contains(&codes["operator"].str()) {
            let path = path.child("exitCodes");
            errors.not_supported(path.child("operator"), codes["operator"].str(), &OPERATORS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows as in pkg/apis/core/validation/validation_test.go TestValidateContainerRestartPolicy.
    #[test]
    fn rules_are_checked_as_upstream_s() {
        let codes = r#""exitCodes":{"operator":"In","values":[42]}"#;
        for (container, expected) in [
            ("{}".to_string(), ""),
            (r#"{"restartPolicy":"OnFailure"}"#.into(), ""),
            (format!(r#"{{"restartPolicy":"Never","restartPolicyRules":[{{"action":"Restart",{codes}}}]}}"#), ""),
            (
                format!(r#"{{"restartPolicyRules":[{{"action":"RestartAllContainers",{codes}}}]}}"#),
                "c.restartPolicy: Required value: must specify restartPolicy when restart rules are used",
            ),
            (
                format!(r#"{{"restartPolicy":"Never","restartPolicyRules":[{{"action":"DoNotRestart",{codes}}}]}}"#),
                r#"c.restartPolicyRules[0].action: Unsupported value: "DoNotRestart": supported values: "Restart", "RestartAllContainers""#,
            ),
            (
                r#"{"restartPolicy":"Never","restartPolicyRules":[{"action":"Restart","exitCodes":{"operator":"Equals","values":[3]}}]}"#.into(),
                r#"c.restartPolicyRules[0].exitCodes.operator: Unsupported value: "Equals": supported values: "In", "NotIn""#,
            ),
            (
                r#"{"restartPolicy":"Sometimes"}"#.into(),
                r#"c.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure""#,
            ),
        ] {
            let mut errors = Errors::default();
            validate(&Value::from_json(&container).unwrap(), &Path::new("c"), &mut errors);
            let found: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
            assert_eq!(found.join("; "), expected, "{container}");
        }
    }
}
