//! What a Job's policies make of a pod that failed and of indexes that succeeded.
// Models pkg/controller/job/pod_failure_policy.go, pkg/controller/job/success_policy.go

use super::indexes::Indexes;
use api::{Value, meta};

/// What becomes of a failed pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// It counts towards the limit.
    Counts,
    /// It doesn't count.
    Ignored,
    /// It counts, and no more is made of its index.
    FailsIndex,
    /// The whole Job fails, for this reason.
    FailsJob(String),
}

/// Returns what a Job's policy says of a failed pod.
// Models pkg/controller/job/pod_failure_policy.go matchPodFailurePolicy
pub(super) fn on_failure(job: &Value, pod: &Value) -> Failed {
    for (i, rule) in job["spec"]["podFailurePolicy"]["rules"].items().iter().enumerate() {
        let action = rule["action"].str();
        let matched = if rule["onExitCodes"].is_null() {
            condition(rule, pod).map(|kind| format!("has condition {kind}"))
        } else {
            exit_code(&rule["onExitCodes"], pod)
        };
        let Some(what) = matched else { continue };
        return match action {
            "Ignore" => Failed::Ignored,
            "FailJob" => {
                let key = meta::key(pod);
                let tail = format!("matching {action} rule at index {i}");
                Failed::FailsJob(match what.split_once('|') {
                    Some((container, code)) => {
                        format!("Container {container} for pod {key} failed with exit code {code} {tail}")
                    }
                    None => format!("Pod {key} {what} {tail}"),
                })
            }
            "FailIndex" => Failed::FailsIndex,
            _ => Failed::Counts,
        };
    }
    Failed::Counts
}

/// Returns `container|code` of the first container whose exit code a rule is about.
fn exit_code(rule: &Value, pod: &Value) -> Option<String> {
    let values = rule["values"].items();
    let lists = ["containerStatuses", "initContainerStatuses"];
    let statuses = lists.iter().flat_map(|list| pod["status"][*list].items());
    for status in statuses {
        let Some(code) = status["state"]["terminated"]["exitCode"].as_int() else { continue };
        let is_named = rule["containerName"].as_str().is_none_or(|name| name == status["name"].str());
        let is_value = values.iter().any(|value| value.int() == code);
        if code != 0 && is_named && is_value == (rule["operator"].str() == "In") {
            return Some(format!("{}|{code}", status["name"].str()));
        }
    }
    None
}

fn condition<'a>(rule: &Value, pod: &'a Value) -> Option<&'a str> {
    rule["onPodConditions"].items().iter().find_map(|pattern| {
        let found = meta::condition(pod, pattern["type"].str())?;
        let wanted = pattern["status"].as_str().unwrap_or("True");
        (found["status"].str() == wanted).then(|| found["type"].str())
    })
}

/// Returns why a Job with a success policy has succeeded, once it has.
// Models pkg/controller/job/success_policy.go matchSuccessPolicy
pub(super) fn on_success(job: &Value, succeeded: &Indexes) -> Option<String> {
    let completions = job["spec"]["completions"].int();
    for (i, rule) in job["spec"]["successPolicy"]["rules"].items().iter().enumerate() {
        let among = match rule["succeededIndexes"].as_str() {
            Some(text) => Indexes::parse(text, completions),
            None => Indexes::parse(&format!("0-{}", completions - 1), completions),
        };
        let count = (0..completions).filter(|index| among.has(*index) && succeeded.has(*index)).count();
        let wanted = rule["succeededCount"].as_int().unwrap_or_else(|| among.len());
        if count as i64 >= wanted {
            return Some(format!("Matched rules at index {i}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;

    #[test]
    fn failed_pods_meet_the_first_rule() {
        let codes = |operator: &str, values: Value| tree!({"operator": operator, "values": (values)});
        let rules = tree!([
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
            {"action": "FailJob", "onExitCodes": (codes("In", tree!([42])))},
            {"action": "Count", "onExitCodes": (codes("NotIn", tree!([1])))},
            {"action": "FailJob", "onExitCodes": (codes("In", tree!([1])))},
        ]);
        let job = tree!({"spec": {"podFailurePolicy": {"rules": (rules)}}});
        let fails = |code: i64, rule: i64| {
            Failed::FailsJob(format!(
                "Container c for pod d/p failed with exit code {code} matching FailJob rule at index {rule}"
            ))
        };
        for (code, disrupted, wanted) in [
            (42, true, Failed::Ignored),
            (42, false, fails(42, 1)),
            (7, false, Failed::Counts),
            (1, false, fails(1, 3)),
            (0, false, Failed::Counts),
        ] {
            let status = if disrupted { "True" } else { "False" };
            let pod = tree!({
                "metadata": {"name": "p", "namespace": "d"},
                "status": {
                    "conditions": [{"type": "DisruptionTarget", "status": status}],
                    "containerStatuses": [{"name": "c", "state": {"terminated": {"exitCode": code}}}],
                },
            });
            assert_eq!(on_failure(&job, &pod), wanted, "{code} {disrupted}");
        }
    }

    #[test]
    fn success_needs_the_indexes_of_a_rule() {
        let job = |rule: Value| tree!({"spec": {"completions": 5, "successPolicy": {"rules": [(rule)]}}});
        for (rule, succeeded, met) in [
            (tree!({"succeededIndexes": "0,2-3"}), "0,2", false),
            (tree!({"succeededIndexes": "0,2-3"}), "0,2,3", true),
            (tree!({"succeededIndexes": "0,2-3", "succeededCount": 1}), "1,4", false),
            (tree!({"succeededIndexes": "0,2-3", "succeededCount": 1}), "2", true),
            (tree!({"succeededCount": 2}), "1,4", true),
        ] {
            let found = on_success(&job(rule.clone()), &Indexes::parse(succeeded, 5));
            assert_eq!(found.is_some(), met, "{rule:?} {succeeded}");
        }
    }
}
