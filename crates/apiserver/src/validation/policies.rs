//! The expressions of ValidatingAdmissionPolicies.
// Models pkg/apis/admissionregistration/validation/validation.go ValidateValidatingAdmissionPolicy

use super::path::{Errors, Path};
use super::{meta, names};
use crate::cel;
use api::Value;

/// What an expression may speak of.
struct Known<'a> {
    variables: bool,
    spec: &'a Value,
}

impl Known<'_> {
    fn names(&self) -> Vec<&'static str> {
        let mut names = vec!["object", "oldObject", "request", "namespaceObject", "authorizer"];
        if self.variables {
            names.push("variables");
        }
        if !self.spec["paramKind"].is_null() {
            names.push("params");
        }
        names
    }

    // Models pkg/apis/admissionregistration/validation/validation.go validateCELExpression
    fn check(&self, expression: &Value, at: &Path, errors: &mut Errors) {
        if let Err(why) = cel::check_with(expression.str(), &self.names()) {
            errors.invalid(at, expression, format!("compilation failed: {why}"));
        }
    }
}

/// Checks a new ValidatingAdmissionPolicy.
pub(crate) fn validate_policy(policy: &Value, errors: &mut Errors) {
    meta::validate(policy, false, names::dns1123_subdomain, errors);
    validate_spec(&policy["spec"], errors);
}

/// Checks a changed ValidatingAdmissionPolicy.
// Models pkg/apis/admissionregistration/validation/validation.go ValidateValidatingAdmissionPolicyUpdate
pub(crate) fn validate_policy_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    if new["spec"] != old["spec"] {
        validate_spec(&new["spec"], errors);
    }
}

// Models pkg/apis/admissionregistration/validation/validation.go validateValidatingAdmissionPolicySpec
fn validate_spec(spec: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    let known = Known { variables: true, spec };
    let without_variables = Known { variables: false, spec };
    let missing = "expression is not specified";
    for (field, missing, known) in [
        ("matchConditions", "", &without_variables),
        ("variables", missing, &known),
        ("validations", missing, &known),
    ] {
        let list = path.child(field);
        for (i, item) in spec[field].items().iter().enumerate() {
            let path = list.index(i);
            let at = path.child("expression");
            if item["expression"].str().trim().is_empty() {
                errors.required(at, missing);
            } else {
                known.check(&item["expression"], &at, errors);
            }
            let message = &item["messageExpression"];
            if !message.str().trim().is_empty() {
                known.check(message, &path.child("messageExpression"), errors);
            }
        }
    }
    let list = path.child("auditAnnotations");
    for (i, item) in spec["auditAnnotations"].items().iter().enumerate() {
        let path = list.index(i);
        let at = path.child("valueExpression");
        if item["valueExpression"].str().trim().is_empty() {
            errors.required(at, "valueExpression is not specified");
        } else {
            known.check(&item["valueExpression"], &at, errors);
        }
    }
    if spec["validations"].items().is_empty() && spec["auditAnnotations"].items().is_empty() {
        for field in ["validations", "auditAnnotations"] {
            errors.required(path.child(field), "validations or auditAnnotations must be non-empty");
        }
    }
}

#[cfg(all(test, feature = "cel"))]
mod tests {
    use super::*;

    #[test]
    fn expressions_speak_of_what_there_is() {
        for (spec, expected) in [
            (r#"{"validations":[{"expression":"object.spec.replicas <= 5"}]}"#, vec![]),
            (
                r#"{"validations":[{"expression":"object.spec.containers.all(c, c.image.startsWith('a/') && type(c.name) == string)"}]}"#,
                vec![],
            ),
            (
                r#"{"variables":[{"name":"a","expression":"1"}],"validations":[{"expression":"variables.a == 1 && has(object.x)"}]}"#,
                vec![],
            ),
            (r#"{"paramKind":{"kind":"A"},"validations":[{"expression":"params.a == 1"}]}"#, vec![]),
            (
                r#"{"validations":[{"expression":"params.a == 'params'"}]}"#,
                vec![
                    "spec.validations[0].expression: Invalid value: \"params.a == 'params'\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n | params.a == 'params'\n | ^",
                ],
            ),
            (
                r#"{"validations":[{"expression":"'objekt' == '' ||\n  objekt.spec == 1"}]}"#,
                vec![
                    "spec.validations[0].expression: Invalid value: \"'objekt' == '' ||\\n  objekt.spec == 1\": compilation failed: ERROR: <input>:2:3: undeclared reference to 'objekt' (in container '')\n |   objekt.spec == 1\n | ..^",
                ],
            ),
            (
                r#"{"matchConditions":[{"name":"a","expression":"variables.a == 1"}],"validations":[{"expression":"true","messageExpression":"x"}]}"#,
                vec![
                    "spec.matchConditions[0].expression: Invalid value: \"variables.a == 1\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'variables' (in container '')\n | variables.a == 1\n | ^",
                    "spec.validations[0].messageExpression: Invalid value: \"x\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'x' (in container '')\n | x\n | ^",
                ],
            ),
            (
                r#"{"validations":[{"expression":" "}]}"#,
                vec!["spec.validations[0].expression: Required value: expression is not specified"],
            ),
        ] {
            let mut errors = Errors::default();
            validate_spec(&Value::from_json(spec).unwrap(), &mut errors);
            let found: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{spec}");
        }
        let mut errors = Errors::default();
        let spec = api::tree!({"validations": [{"expression": "object.spec.replicas <= "}]});
        validate_spec(&spec, &mut errors);
        let start = "spec.validations[0].expression: Invalid value: \"object.spec.replicas <= \": compilation failed: ERROR: <input>:1:";
        assert!(errors.0.first().is_some_and(|error| error.to_string().starts_with(start)), "{:?}", errors.0);
    }
}
