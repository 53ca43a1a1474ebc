use super::draft::{Draft, within};
use api::{Value, tree};

/// Scales by the share of the CPU where nothing is said.
// Models pkg/apis/autoscaling/v2/defaults.go SetDefaults_HorizontalPodAutoscaler
pub(super) fn metrics(spec: &mut Draft) {
    if spec.lacks("metrics") {
        let target = tree!({"type": "Utilization", "averageUtilization": 80});
        let metric = tree!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
        spec.set("metrics", tree!([metric]));
    }
}

/// Says how to scale in both directions where one is said.
// Models pkg/apis/autoscaling/v2/defaults.go SetDefaults_HorizontalPodAutoscalerBehavior
pub(super) fn behavior(behavior: &mut Draft) {
    let policy = |kind: &str, value: i64| tree!({"type": kind, "value": value, "periodSeconds": 15});
    let up =
        tree!({"stabilizationWindowSeconds": 0, "policies": [(policy("Pods", 4)), (policy("Percent", 100))]});
    let down = tree!({"policies": [(policy("Percent", 100))]});
    for (field, rules) in [("scaleUp", up), ("scaleDown", down)] {
        if behavior.get(field).is_null() {
            behavior.set(field, rules);
            continue;
        }
        behavior.update(field, |given| within(given, |given| complete(given, &rules)));
    }
}

fn complete(given: &mut Draft, rules: &Value) {
    for (field, value) in rules.fields().iter() {
        if given.get(field).is_null() {
            given.set(field, value);
        }
    }
}

/// Takes the policy that changes most.
// Models pkg/apis/autoscaling/v2/defaults.go GenerateHPAScaleUpRules
pub(super) fn scaling_rules(rules: &mut Draft) {
    if rules.get("selectPolicy").is_null() {
        rules.set("selectPolicy", "Max");
    }
}
