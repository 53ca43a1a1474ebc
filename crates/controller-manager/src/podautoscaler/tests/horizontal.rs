//! The whole controller: what it does to a target, and what it tells. The cases are those of upstream's
//! horizontal_test.go, whose names they bear.

use crate::{CONTROLLER_NAMES, ControllerManager};
use api::resources::{DEPLOYMENTS, EVENTS, HORIZONTALPODAUTOSCALERS, PODS};
use api::{Resource, Status, Value, meta, tree};
use client::testing::{Bench, Server};
use sim::{SECOND, Time};

const METRICS: Resource = Resource {
    group: "metrics.k8s.io",
    version: "v1beta1",
    plural: "pods",
    kind: "PodMetrics",
    namespaced: true,
};

fn cpu(percent: i64) -> Value {
    let target = tree!({"type": "Utilization", "averageUtilization": percent});
    tree!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
}

fn autoscaler(name: &str, min: i64, max: i64, metrics: Value) -> Value {
    tree!({
        "metadata": {"name": name, "namespace": "d"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": min, "maxReplicas": max, "metrics": metrics,
        },
        "status": {"currentReplicas": 0, "desiredReplicas": 0, "currentMetrics": null},
    })
}

/// Makes a Deployment of so many replicas with a pod for each, which use so much and ask for a whole processor.
fn server(replicas: i64, levels: &[i64], autoscaler: Value) -> Server {
    let mut server = Server::default();
    let mut deployment = tree!({"metadata": {"name": "web", "namespace": "d"}});
    deployment.set(&["spec", "replicas"], replicas);
    deployment.set(&["status", "selector"], "app=web");
    server.put(Time::EPOCH, DEPLOYMENTS, deployment);
    for i in 0..replicas {
        server.put(Time::EPOCH, PODS, pod(&format!("web-{i}")));
    }
    for (i, level) in levels.iter().enumerate() {
        server.put(Time::EPOCH, METRICS, metric(&format!("web-{i}"), *level));
    }
    server.put(Time::EPOCH, HORIZONTALPODAUTOSCALERS, autoscaler);
    server
}

fn pod(name: &str) -> Value {
    tree!({
        "metadata": {"name": name, "namespace": "d", "labels": {"app": "web"}},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]},
        "status": {
            "phase": "Running", "startTime": (Time(0).rfc3339()),
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": (Time(0).rfc3339())}],
        },
    })
}

fn metric(name: &str, milli: i64) -> Value {
    tree!({
        "metadata": {"name": name, "namespace": "d"},
        "timestamp": (Time::EPOCH.rfc3339()), "window": "15s",
        "containers": [{"name": "c", "usage": {"cpu": (format!("{milli}m")), "memory": "100Mi"}}],
    })
}

/// Starts the controller alone.
fn bench(server: Server) -> Bench<ControllerManager> {
    let mut bench = Bench::new(ControllerManager::new(&[]), server);
    for name in CONTROLLER_NAMES {
        if name != "horizontal-pod-autoscaler" {
            bench.component.stop(name);
        }
    }
    bench
}

fn events(bench: &Bench<ControllerManager>) -> Vec<String> {
    let mut events = bench.server.all(EVENTS);
    events.sort_by_key(meta::revision);
    events.iter().map(|event| format!("{}: {}", event["reason"].str(), event["message"].str())).collect()
}

fn condition(bench: &Bench<ControllerManager>, name: &str, kind: &str) -> String {
    let object = bench.server.object(HORIZONTALPODAUTOSCALERS, &format!("d/{name}"));
    let condition = meta::condition(&object, kind).cloned().unwrap_or_default();
    format!("{} {}", condition["status"].str(), condition["reason"].str())
}

fn replicas(bench: &Bench<ControllerManager>) -> i64 {
    bench.server.object(DEPLOYMENTS, "d/web")["spec"]["replicas"].int()
}

fn container(target: Value) -> Value {
    tree!([{"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "c", "target": target}}])
}

fn average(name: &str, value: &str) -> Value {
    let target = tree!({"type": "AverageValue", "averageValue": value});
    tree!({"type": "Resource", "resource": {"name": name, "target": target}})
}

#[test]
fn what_it_does_in_its_first_round() {
    const ABOVE: &str = "cpu resource utilization (percentage of request) above target";
    let percent = |percent: i64| tree!([(cpu(percent))]);
    let utilization = |percent: i64| tree!({"type": "Utilization", "averageUtilization": percent});
    // upstream's test; replicas; what pods use; limits; metrics; replicas after it, the event (none where
    // empty), and why it is limited
    type Row = (&'static str, i64, &'static [i64], (i64, i64), Value, i64, String, &'static str);
    let up = |replicas: i64| format!("SuccessfulRescale: New size: {replicas}; reason: {ABOVE}");
    let rows: Vec<Row> = vec![
        ("TestScaleUp", 3, &[300, 500, 700], (2, 6), percent(30), 5, up(5), "False DesiredWithinRange"),
        (
            "TestScaleUpContainer",
            3,
            &[300, 500, 700],
            (2, 6),
            container(utilization(30)),
            5,
            "SuccessfulRescale: New size: 5; reason: cpu container resource utilization (percentage of request) above target".to_string(),
            "False DesiredWithinRange",
        ),
        (
            "TestScaleUpCM, of a resource",
            3,
            &[300, 500, 700],
            (2, 6),
            tree!([(average("cpu", "250m"))]),
            6,
            "SuccessfulRescale: New size: 6; reason: cpu resource above target".to_string(),
            "False DesiredWithinRange",
        ),
        ("TestMinReplicas", 1, &[10], (2, 5), percent(90), 2, "SuccessfulRescale: New size: 2; reason: Current number of replicas below Spec.MinReplicas".to_string(), " "),
        ("TestMaxReplicas", 3, &[8_000, 9_500, 1_000], (2, 5), percent(90), 5, up(5), "True TooManyReplicas"),
        ("TestSuperfluousMetrics", 4, &[4_000, 9_500, 3_000, 7_000, 3_200, 2_000], (2, 6), percent(100), 6, up(6), "True TooManyReplicas"),
        ("TestMissingMetrics, held by its window", 4, &[400, 95], (2, 6), percent(100), 4, String::new(), "False DesiredWithinRange"),
        ("TestZeroReplicas", 0, &[], (3, 5), percent(90), 0, String::new(), " "),
        ("TestTooFewReplicas", 2, &[10, 10], (3, 5), percent(90), 3, "SuccessfulRescale: New size: 3; reason: Current number of replicas below Spec.MinReplicas".to_string(), " "),
        ("TestTooManyReplicas", 10, &[], (3, 5), percent(90), 5, "SuccessfulRescale: New size: 5; reason: Current number of replicas above Spec.MaxReplicas".to_string(), " "),
        ("TestEventNotCreated", 2, &[200, 200], (2, 6), percent(20), 2, String::new(), "False DesiredWithinRange"),
        ("TestTolerance", 3, &[1_010, 1_030, 1_020], (1, 5), percent(100), 3, String::new(), "False DesiredWithinRange"),
        ("TestUpscaleCap", 3, &[100, 200, 300, 400], (1, 100), percent(1), 6, up(6), "True ScaleUpLimit"),
        ("TestUpscaleCapGreaterThanMaxReplicas", 1, &[800], (1, 3), percent(1), 3, up(3), "True TooManyReplicas"),
        (
            "several metrics, the highest counts",
            2,
            &[100, 100],
            (1, 9),
            tree!([(cpu(50)), (average("memory", "25Mi"))]),
            4,
            "SuccessfulRescale: New size: 4; reason: memory resource above target".to_string(),
            "True ScaleUpLimit",
        ),
    ];
    for (name, before, levels, (min, max), metrics, after, event, limited) in rows {
        let mut bench = bench(server(before, levels, autoscaler("web", min, max, metrics)));
        bench.run(14 * SECOND);
        assert!(events(&bench).is_empty() && replicas(&bench) == before, "{name}: not at once");
        bench.run(2 * SECOND);
        assert_eq!(replicas(&bench), after, "{name}");
        let told: Vec<String> = if event.is_empty() { Vec::new() } else { vec![event] };
        assert_eq!(events(&bench), told, "{name}");
        assert_eq!(condition(&bench, "web", "ScalingLimited"), limited, "{name}");
        let status = bench.server.object(HORIZONTALPODAUTOSCALERS, "d/web")["status"].clone();
        assert_eq!(
            (status["currentReplicas"].int(), status["desiredReplicas"].int()),
            (before, after),
            "{name}"
        );
        assert_eq!(status["lastScaleTime"].is_null(), before == after, "{name}");
    }
}

#[test]
fn what_it_tells_where_it_can_not() {
    let get = "unable to get metrics for resource cpu";
    let nothing = "no metrics returned from resource metrics API";
    let pods = tree!({"metric": {"name": "qps"}, "target": {"type": "AverageValue", "averageValue": "1"}});
    let object = tree!({
        "metric": {"name": "qps"}, "describedObject": {"kind": "Ingress", "name": "main"},
        "target": {"type": "Value", "value": "1"},
    });
    let selector = tree!({"matchLabels": {"queue": "a"}});
    let external = tree!({
        "metric": {"name": "qps", "selector": selector}, "target": {"type": "AverageValue", "averageValue": "1"},
    });
    let custom = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";
    let outside = "unable to get external metric d/qps/&LabelSelector{MatchLabels:map[string]string{queue: a,},MatchExpressions:[]LabelSelectorRequirement{},}: unable to fetch metrics from external metrics API: the server could not find the requested resource (get qps.external.metrics.k8s.io)";
    let unavailable = Status::new(503, "ServiceUnavailable", "");
    let missing = Status::new(404, "NotFound", "");
    // metrics; what the server refuses; the reason, its event's words, and what stands before them in the other
    type Row = (Value, Vec<(&'static str, Status)>, &'static str, String, &'static str);
    let rows: Vec<Row> = vec![
        (
            tree!([(cpu(50))]),
            vec![],
            "FailedGetResourceMetric",
            format!("failed to get cpu utilization: {get}: {nothing}"),
            "failed to get cpu resource metric value: ",
        ),
        (
            tree!([(cpu(50))]),
            vec![("list pods.metrics.k8s.io", unavailable)],
            "FailedGetResourceMetric",
            format!(
                "failed to get cpu utilization: {get}: unable to fetch metrics from resource metrics API: the server is currently unable to handle the request (get pods.metrics.k8s.io)"
            ),
            "failed to get cpu resource metric value: ",
        ),
        (
            tree!([(cpu(50))]),
            vec![("list pods.metrics.k8s.io", missing.clone())],
            "FailedGetResourceMetric",
            format!(
                "failed to get cpu utilization: {get}: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
            ),
            "failed to get cpu resource metric value: ",
        ),
        (
            tree!([{"type": "Pods", "pods": pods}]),
            vec![("list .v1beta1", missing.clone())],
            "FailedGetPodsMetric",
            format!("unable to get metric qps: {custom}"),
            "failed to get pods metric value: ",
        ),
        (
            tree!([{"type": "Object", "object": object}]),
            vec![],
            "FailedGetObjectMetric",
            format!("unable to get metric qps: Ingress on d main/{custom}"),
            "failed to get object metric value: ",
        ),
        (
            tree!([{"type": "External", "external": external}]),
            vec![("list qps.external.metrics.k8s.io", missing)],
            "FailedGetExternalMetric",
            outside.to_string(),
            "failed to get qps external metric value: failed to get qps external metric: ",
        ),
    ];
    for (metrics, refused, reason, words, prefix) in rows {
        let mut server = server(2, &[], autoscaler("web", 1, 9, metrics));
        server.refuse.extend(refused.into_iter().map(|(what, status)| (what.to_string(), status)));
        let mut bench = bench(server);
        bench.run(16 * SECOND);
        let all = format!(
            "FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: {prefix}{words}"
        );
        assert_eq!(events(&bench), [format!("{reason}: {words}"), all]);
        let object = bench.server.object(HORIZONTALPODAUTOSCALERS, "d/web");
        let condition = meta::condition(&object, "ScalingActive").cloned().unwrap_or_default();
        assert_eq!(condition["reason"].str(), reason);
        let message = format!("the HPA was unable to compute the replica count: {words}");
        assert_eq!(condition["message"].str(), message);
        assert_eq!(object["status"]["currentReplicas"].int(), 2);
        assert_eq!(replicas(&bench), 2);
    }
}

#[test]
fn one_metric_that_fails_does_not_keep_others_from_scaling_up() {
    // TestScaleUpOneMetricInvalid, TestScaleDownOneMetricInvalid
    for (level, after, active) in [(900, 4, "True ValidMetricFound"), (10, 2, "False FailedGetPodsMetric")] {
        let pods =
            tree!({"metric": {"name": "qps"}, "target": {"type": "AverageValue", "averageValue": "1"}});
        let metrics = tree!([{"type": "Pods", "pods": pods}, (cpu(50))]);
        let mut bench = bench(server(2, &[level, level], autoscaler("web", 1, 9, metrics)));
        bench.run(16 * SECOND);
        assert_eq!(replicas(&bench), after);
        assert_eq!(condition(&bench, "web", "ScalingActive"), active);
    }
}

#[test]
fn replicas_go_after_five_quiet_minutes() {
    // TestScaleDown, TestScaleDownStabilizeInitialSize
    let mut bench = bench(server(5, &[100, 300, 500, 250, 250], autoscaler("web", 2, 6, tree!([(cpu(50))]))));
    bench.run(16 * SECOND);
    assert_eq!(replicas(&bench), 5);
    assert_eq!(condition(&bench, "web", "AbleToScale"), "True ScaleDownStabilized");
    bench.run(284 * SECOND);
    assert_eq!(replicas(&bench), 5);
    bench.run(32 * SECOND);
    assert_eq!(replicas(&bench), 3);
    assert_eq!(events(&bench), ["SuccessfulRescale: New size: 3; reason: All metrics below target"]);
}

#[test]
fn says_what_is_wrong_with_its_target() {
    // TestScaleTargetRefMissing…, TestConditionInvalidSelectorMissing, …Unparsable, TestConditionFailedGetScales
    let gone = "deployments.apps \"web\" not found";
    for (selector, remove, active, able, event) in [
        ("app=web", true, " ", "False FailedGetScale", format!("FailedGetScale: {gone}")),
        (
            "",
            false,
            "False InvalidSelector",
            "True SucceededGetScale",
            "SelectorRequired: selector is required".to_string(),
        ),
        (
            "cheddar cheese",
            false,
            "False InvalidSelector",
            "True SucceededGetScale",
            "InvalidSelector: couldn't convert selector into a corresponding internal selector object: "
                .to_string(),
        ),
    ] {
        let mut server = server(2, &[100, 100], autoscaler("web", 1, 9, tree!([(cpu(50))])));
        server.change(Time::EPOCH, DEPLOYMENTS, "d/web", |object| {
            object.set(&["status", "selector"], selector)
        });
        if remove {
            server.remove(DEPLOYMENTS, "d/web");
        }
        let mut bench = bench(server);
        bench.run(16 * SECOND);
        assert_eq!(condition(&bench, "web", "ScalingActive"), active, "{selector}");
        assert_eq!(condition(&bench, "web", "AbleToScale"), able, "{selector}");
        assert!(events(&bench)[0].starts_with(&event), "{:?}", events(&bench));
    }
    // A kind that there isn't: TestConditionFailedGetScales
    let mut other = autoscaler("web", 1, 9, tree!([(cpu(50))]));
    other.set(&["spec", "scaleTargetRef", "kind"], "Nothing");
    let mut bench = bench(server(2, &[], other));
    bench.run(16 * SECOND);
    assert_eq!(events(&bench), ["FailedGetScale: no matches for kind \"Nothing\" in group \"apps\""]);
}

#[test]
fn two_of_them_do_not_share_pods() {
    // TestMultipleHPAs
    let mut server = server(2, &[900, 900], autoscaler("a", 1, 9, tree!([(cpu(50))])));
    server.put(Time::EPOCH, HORIZONTALPODAUTOSCALERS, autoscaler("b", 1, 9, tree!([(cpu(50))])));
    let mut bench = bench(server);
    bench.run(31 * SECOND);
    assert_eq!(condition(&bench, "b", "ScalingActive"), "False AmbiguousSelector");
    let words = "pods by selector app=web are controlled by multiple HPAs: [d/a d/b]";
    assert!(events(&bench).contains(&format!("AmbiguousSelector: {words}")), "{:?}", events(&bench));
    // One of them goes: the other is free.
    bench.server.remove(HORIZONTALPODAUTOSCALERS, "d/a");
    bench.run(31 * SECOND);
    assert_eq!(condition(&bench, "b", "ScalingActive"), "True ValidMetricFound");
}

#[test]
fn a_write_that_fails_is_told() {
    // TestConditionFailedUpdateScale
    let mut server = server(3, &[900, 900, 900], autoscaler("web", 1, 9, tree!([(cpu(50))])));
    let status = Status::new(409, "Conflict", "no");
    server.refuse.push(("update deployments.apps/scale".to_string(), status));
    let mut bench = bench(server);
    bench.run(16 * SECOND);
    assert_eq!(condition(&bench, "web", "AbleToScale"), "False FailedUpdateScale");
    let reason = "cpu resource utilization (percentage of request) above target";
    assert_eq!(events(&bench), [format!("FailedRescale: New size: 6; reason: {reason}; error: no")]);
}

#[test]
fn behaviours_limit_it() {
    // TestScaleUpWithBehavior…, TestConfigurableTolerance
    let mut hpa = autoscaler("web", 1, 9, tree!([(cpu(50))]));
    let rules = |value: i64| {
        let policy = tree!({"type": "Pods", "value": value, "periodSeconds": 60});
        tree!({"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [policy]})
    };
    hpa.set(&["spec", "behavior"], tree!({"scaleUp": (rules(2)), "scaleDown": (rules(1))}));
    let mut bench = bench(server(2, &[1_500, 1_500], hpa.clone()));
    bench.run(16 * SECOND);
    assert_eq!(
        (replicas(&bench), condition(&bench, "web", "ScalingLimited")),
        (4, "True ScaleUpLimit".to_string())
    );
    bench.run(15 * SECOND);
    assert_eq!(replicas(&bench), 4, "two in a minute are used up");
    hpa.set(&["spec", "behavior", "scaleUp", "tolerance"], "20");
    let mut bench = super::horizontal::bench(server(2, &[1_500, 1_500], hpa));
    bench.run(16 * SECOND);
    assert_eq!(replicas(&bench), 2, "a tolerance of twenty times");
}
