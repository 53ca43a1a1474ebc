//! HorizontalPodAutoscalers.

use super::Events;
use super::writer::{Writer, date};
use crate::text::{go_text, quote};
use api::{Value, meta};

/// Describes a HorizontalPodAutoscaler.
// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go describeHorizontalPodAutoscalerV2
pub(super) fn autoscaler(w: &mut Writer, scaler: &Value) -> Events {
    let (spec, status) = (&scaler["spec"], &scaler["status"]);
    let target = &spec["scaleTargetRef"];
    w.name(scaler);
    w.labels("Labels", meta::labels(scaler));
    w.annotations("Annotations", meta::annotations(scaler));
    w.row(0, "CreationTimestamp", date(&scaler["metadata"]["creationTimestamp"]));
    w.row(0, "Reference", format!("{}/{}", target["kind"].str(), target["name"].str()));
    w.row(0, "Metrics", "( current / target )");
    for (i, metric) in spec["metrics"].items().iter().enumerate() {
        w.line(1, metric_text(metric, &status["currentMetrics"][i]));
    }
    w.row(0, "Min replicas", super::batch::number_or_unset(&spec["minReplicas"]));
    w.row(0, "Max replicas", spec["maxReplicas"].int().to_string());
    if !spec["behavior"].is_null() {
        w.line(0, "Behavior:");
        direction(w, "Scale Up", &spec["behavior"]["scaleUp"]);
        direction(w, "Scale Down", &spec["behavior"]["scaleDown"]);
    }
    let (there, wanted) = (status["currentReplicas"].int(), status["desiredReplicas"].int());
    w.row(0, &format!("{} pods", target["kind"].str()), format!("{there} current / {wanted} desired"));
    let conditions = status["conditions"].items();
    if !conditions.is_empty() {
        w.line(0, "Conditions:");
        w.line(1, "Type\tStatus\tReason\tMessage");
        w.line(1, "----\t------\t------\t-------");
        for condition in conditions {
            let cells = ["type", "status", "reason", "message"].map(|field| condition[field].str());
            w.line(1, cells.join("\t"));
        }
    }
    Events::Shown
}

// Models staging/src/k8s.io/kubectl/pkg/describe/describe.go printDirectionBehavior
fn direction(w: &mut Writer, title: &str, rules: &Value) {
    if rules.is_null() {
        return;
    }
    w.line(1, format!("{title}:"));
    if let Some(seconds) = rules["stabilizationWindowSeconds"].as_int() {
        w.line(2, format!("Stabilization Window: {seconds} seconds"));
    }
    let policies = rules["policies"].items();
    if policies.is_empty() {
        return;
    }
    w.line(2, format!("Select Policy: {}", rules["selectPolicy"].as_str().unwrap_or("Max")));
    w.line(2, "Policies:");
    for policy in policies {
        let (kind, value, period) =
            (policy["type"].str(), policy["value"].int(), policy["periodSeconds"].int());
        w.line(3, format!("- Type: {kind}\tValue: {value}\tPeriod: {period} seconds"));
    }
}

fn metric_text(metric: &Value, status: &Value) -> String {
    let kind = metric["type"].str();
    let field = match kind {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        kind => return format!("<unknown metric type {}>", quote(kind)),
    };
    let source = &metric[field];
    let (target, now) = (&source["target"], &status[field]["current"]);
    let text = |value: &Value| go_text(value, "<unknown>");
    let both = |name: &str| format!("{} / {}", text(&now[name]), text(&target[name]));
    let name = quote(source["metric"]["name"].str());
    let by_average = !target["averageValue"].is_null();
    let (words, value) =
        if by_average { ("target average value", "averageValue") } else { ("target value", "value") };
    match kind {
        "External" => format!("{name} ({words}):\t{}", both(value)),
        "Pods" => format!("{name} on pods:\t{}", both("averageValue")),
        "Object" => {
            let object = &source["describedObject"];
            let (of, named) = (object["kind"].str(), object["name"].str());
            format!("{name} on {of}/{named} ({words}):\t{}", both(value))
        }
        _ => {
            let container = match source["container"].str() {
                "" => String::new(),
                container => format!(" of container {}", quote(container)),
            };
            let what = format!("resource {}{container} on pods", source["name"].str());
            if by_average {
                return format!("{what}:\t{}", both("averageValue"));
            }
            let percent = |value: &Value| value.as_int().map(|percent| format!("{percent}%"));
            let there = match percent(&now["averageUtilization"]) {
                Some(percent) => format!("{percent} ({})", text(&now["averageValue"])),
                None => "<unknown>".to_string(),
            };
            let wanted = percent(&target["averageUtilization"]).unwrap_or_else(|| "<auto>".to_string());
            format!("{what}  (as a percentage of request):\t{there} / {wanted}")
        }
    }
}
