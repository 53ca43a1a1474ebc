//! Whether containers are started again.

use crate::Value;

/// Returns whether a container is started again after its process ended so: by the first of its own rules that
/// matches, its own policy, or the pod's.
// Models pkg/api/v1/pod/util.go ContainerShouldRestart
pub fn restarts(pod: &Value, container: &Value, code: i64) -> bool {
    let by_policy = |policy: &Value| match policy.str() {
        "Never" => false,
        "OnFailure" => code != 0,
        _ => true,
    };
    let own = &container["restartPolicy"];
    if own.is_null() {
        return by_policy(&pod["spec"]["restartPolicy"]);
    }
    match matching_rule(container, code).map(|rule| rule["action"].str()) {
        Some("Restart" | "RestartAllContainers") => true,
        _ => by_policy(own),
    }
}

/// Returns the first of a container's rules that is for this exit code.
// Models pkg/api/v1/pod/util.go FindMatchingContainerRestartRule
fn matching_rule(container: &Value, code: i64) -> Option<&Value> {
    container["restartPolicyRules"].items().iter().find(|rule| {
        let codes = &rule["exitCodes"];
        let is_listed = codes["values"].items().iter().any(|value| value.as_int() == Some(code));
        match codes["operator"].str() {
            "In" => is_listed,
            "NotIn" => !is_listed,
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn a_containers_rules_go_before_its_policy_and_that_before_the_pods() {
        let rule = |operator: &str, codes: &[i64]| {
            let values: Vec<Value> = codes.iter().map(|code| Value::Int(*code)).collect();
            tree!({"action": "Restart", "exitCodes": {"operator": operator, "values": (values)}})
        };
        // the pod's policy, the container's, its rules → the exit codes after which it is started again
        for (pod, own, rules, again) in [
            ("Always", "", vec![], vec![0, 1, 42]),
            ("OnFailure", "", vec![], vec![1, 42]),
            ("Never", "", vec![], vec![]),
            ("Never", "Always", vec![], vec![0, 1, 42]),
            ("Always", "Never", vec![], vec![]),
            ("Always", "OnFailure", vec![], vec![1, 42]),
            ("Never", "Never", vec![rule("In", &[42, 43])], vec![42]),
            ("Never", "Never", vec![rule("NotIn", &[0, 1])], vec![42]),
            ("Always", "OnFailure", vec![rule("In", &[0])], vec![0, 1, 42]),
            ("Never", "Never", vec![rule("In", &[1]), rule("In", &[42])], vec![1, 42]),
            ("Never", "", vec![rule("In", &[1])], vec![]),
        ] {
            let pod = tree!({"spec": {"restartPolicy": pod}});
            let mut container = tree!({"restartPolicyRules": (rules.clone())});
            if !own.is_empty() {
                container.set(&["restartPolicy"], own);
            }
            let found: Vec<i64> =
                [0, 1, 42].into_iter().filter(|code| restarts(&pod, &container, *code)).collect();
            assert_eq!(found, again, "{pod:?} {container:?}");
        }
    }
}
