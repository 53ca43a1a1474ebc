//! Upstream's cases: replica_calculator_test.go (TestReplicaCalc…, TestGroupPods). The names are upstream's.

use crate::podautoscaler::metrics::{PodMetric, PodMetrics};
use crate::podautoscaler::replica_calculator::{Groups, Measured, Tolerances, group_pods};
use api::{Value, tree};
use sim::{MINUTE, SECOND, Time};
use std::rc::Rc;

fn now() -> Time {
    Time::EPOCH
}

/// What upstream's tests set.
fn tolerances() -> Tolerances {
    Tolerances { initialization: 2 * MINUTE, readiness: 10 * SECOND, ..Tolerances::default() }
}

/// A case: two containers a pod, which ask for and use as much each.
struct Case {
    name: &'static str,
    current: i64,
    /// What each container asks for, in thousandths; fewer than pods leave the rest without requests.
    requests: &'static [i64],
    levels: &'static [i64],
    target: i64,
    /// For each pod: `-` ready, `u` unready, `h` just started, `x` both, `f` failed, `d` being deleted, `p`
    /// pending; the rest is ready.
    pods: &'static str,
    /// Replicas, percent, average of a container; or the error.
    expected: Result<(i64, i64, i64), &'static str>,
}

fn pod(i: usize, mark: char, request: Option<i64>) -> Value {
    let ready = if matches!(mark, 'u' | 'x' | 'f' | 'd' | 'p') { "False" } else { "True" };
    let started = if matches!(mark, 'h' | 'x') { now() } else { Time(0) };
    let phase = match mark {
        'f' => "Failed",
        'p' => "Pending",
        _ => "Running",
    };
    let mut container = tree!({"name": "c"});
    if let Some(request) = request {
        container.set(&["resources", "requests", "cpu"], format!("{request}m"));
    }
    let mut pod = tree!({
        "metadata": {"name": (format!("test-pod-{i}"))},
        "spec": {"containers": [(&container), (&container)]},
        "status": {
            "phase": phase,
            "startTime": (started.rfc3339()),
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": (Time(0).rfc3339())}],
        },
    });
    if mark == 'd' {
        pod.set(&["metadata", "deletionTimestamp"], now().rfc3339());
    }
    pod
}

fn metrics(levels: &[i64], times: i64, window: i64) -> PodMetrics {
    let metric = |level: &i64| PodMetric { value: level * times, at: Time(0), window };
    levels.iter().enumerate().map(|(i, level)| (format!("test-pod-{i}").into(), metric(level))).collect()
}

fn pods(case: &Case) -> Vec<Value> {
    let marks: Vec<char> = case.pods.chars().collect();
    let count = usize::try_from(case.current).unwrap().max(marks.len());
    (0..count).map(|i| pod(i, marks.get(i).copied().unwrap_or('-'), case.requests.get(i).copied())).collect()
}

const ONE: [i64; 7] = [1_000; 7];

#[test]
fn shares_of_requests() {
    let ones = |count: usize| -> &'static [i64] { ONE.get(..count).unwrap() };
    let case = |name, current, requests, levels, target, pods, expected| Case {
        name,
        current,
        requests,
        levels,
        target,
        pods,
        expected,
    };
    for case in [
        case("ScaleUp", 3, ones(3), &[300, 500, 700][..], 30, "", Ok((5, 50, 500))),
        case("ScaleUpUnreadyLessScale", 3, ones(3), &[300, 500, 700], 30, "u--", Ok((4, 60, 600))),
        case("ScaleUpHotCpuLessScale", 3, ones(3), &[300, 500, 700], 30, "h--", Ok((4, 60, 600))),
        case("ScaleUpUnreadyNoScale", 3, ones(3), &[400, 500, 700], 30, "-uu", Ok((3, 40, 400))),
        case("ScaleHotCpuNoScale", 3, ones(3), &[400, 500, 700], 30, "-xx", Ok((3, 40, 400))),
        case("ScaleUpIgnoresFailedPods", 2, ones(4), &[500, 700], 30, "--ff", Ok((4, 60, 600))),
        case("ScaleUpIgnoresDeletionPods", 2, ones(4), &[500, 700], 30, "--dd", Ok((4, 60, 600))),
        case("ScaleDown", 5, ones(5), &[100, 300, 500, 250, 250], 50, "", Ok((3, 28, 280))),
        case(
            "ScaleDownIncludeUnreadyPods",
            5,
            ones(5),
            &[100, 300, 500, 250, 250],
            50,
            "---uu",
            Ok((2, 30, 300)),
        ),
        case("ScaleDownExcludeUnscheduledPods", 5, ones(5), &[100], 50, "-pppp", Ok((1, 10, 100))),
        case(
            "ScaleDownIgnoreHotCpuPods",
            5,
            ones(5),
            &[100, 300, 500, 250, 250],
            50,
            "---hh",
            Ok((2, 30, 300)),
        ),
        case(
            "ScaleDownIgnoresFailedPods",
            5,
            ones(7),
            &[100, 300, 500, 250, 250],
            50,
            "-----ff",
            Ok((3, 28, 280)),
        ),
        case(
            "ScaleDownIgnoresDeletionPods",
            5,
            ones(7),
            &[100, 300, 500, 250, 250],
            50,
            "-----dd",
            Ok((3, 28, 280)),
        ),
        case("Tolerance", 3, &[900, 1_000, 1_100], &[1_010, 1_030, 1_020], 100, "", Ok((3, 102, 1_020))),
        case(
            "SuperfluousMetrics",
            4,
            ones(4),
            &[4_000, 9_500, 3_000, 7_000, 3_200, 2_000],
            100,
            "",
            Ok((24, 587, 5_875)),
        ),
        case("MissingMetrics", 4, ones(4), &[400, 95], 100, "", Ok((3, 24, 247))),
        case(
            "EmptyCPURequest",
            1,
            &[],
            &[200],
            100,
            "",
            Err("missing request for cpu in container c of Pod test-pod-0"),
        ),
        case(
            "no pods",
            0,
            &[],
            &[200],
            100,
            "",
            Err("no pods returned by selector while calculating replica count"),
        ),
        case(
            "only unready pods",
            1,
            ones(1),
            &[200],
            100,
            "u",
            Err("did not receive metrics for targeted pods (pods might be unready)"),
        ),
        case("MissingMetricsNoChangeEq", 2, ones(2), &[1_000], 100, "", Ok((2, 100, 1_000))),
        case("MissingMetricsNoChangeGt", 2, ones(2), &[1_900], 100, "", Ok((2, 190, 1_900))),
        case("MissingMetricsNoChangeLt", 2, ones(2), &[600], 100, "", Ok((2, 60, 600))),
        case("MissingMetricsUnreadyChange", 3, ones(3), &[100, 450], 50, "u--", Ok((3, 45, 450))),
        case("MissingMetricsHotCpuNoChange", 3, ones(3), &[100, 450], 50, "h--", Ok((3, 45, 450))),
        case("MissingMetricsUnreadyScaleUp", 3, ones(3), &[100, 2_000], 50, "u--", Ok((4, 200, 2_000))),
        case("MissingMetricsHotCpuScaleUp", 3, ones(3), &[100, 2_000], 50, "x--", Ok((4, 200, 2_000))),
        case("MissingMetricsUnreadyScaleDown", 4, ones(4), &[100, 100, 100], 50, "u---", Ok((3, 10, 100))),
        case("DuringRollingUpdateWithMaxSurge", 2, ones(3), &[100, 100], 50, "---", Ok((2, 10, 100))),
        case(
            "ComputedToleranceAlgImplementation, scaling",
            10,
            &[400, 200, 310, 290, 302, 298, 301, 299, 300, 300],
            &[150; 10],
            56,
            "",
            Ok((9, 50, 150)),
        ),
        case(
            "ComputedToleranceAlgImplementation, no scaling",
            10,
            &[400, 200, 310, 290, 302, 298, 301, 299, 300, 300],
            &[150; 10],
            55,
            "",
            Ok((10, 50, 150)),
        ),
    ] {
        let pods = pods(&case);
        let measured = Measured {
            now: now(),
            current: case.current,
            pods: &pods.iter().collect::<Vec<_>>(),
            metrics: metrics(case.levels, 2, MINUTE),
            resource: "cpu",
            container: "",
            tolerances: tolerances(),
        };
        let found = measured.for_utilization(case.target);
        let found = found.map(|found| (found.replicas, found.utilization, found.average / 2));
        assert_eq!(found, case.expected.map_err(str::to_string), "{}", case.name);
    }
}

#[test]
fn figures_of_pods_that_nobody_knows() {
    // TestReplicaCalcDisjointResourcesMetrics
    let pods = [pod(0, '-', Some(1_000))];
    let metric = PodMetric { value: 100, ..PodMetric::default() };
    let measured = Measured {
        now: now(),
        current: 1,
        pods: &pods.iter().collect::<Vec<_>>(),
        metrics: [("an-older-pod-name".into(), metric)].into(),
        resource: "cpu",
        container: "",
        tolerances: tolerances(),
    };
    assert_eq!(measured.for_utilization(100).unwrap_err(), "no metrics returned matched known pods");
}

#[test]
fn averages() {
    // name, current, levels, target, pods, expected replicas and average
    for (name, current, levels, target, marks, expected) in [
        ("ScaleUpCM", 3, &[20_000, 10_000, 30_000][..], 15_000, "", (4, 20_000)),
        ("ScaleUpCMUnreadyHotCpuNoLessScale", 3, &[50_000, 10_000, 30_000], 15_000, "--x", (6, 30_000)),
        (
            "ScaleUpCMUnreadyHotCpuScaleWouldScaleDown",
            3,
            &[50_000, 15_000, 30_000],
            15_000,
            "x-x",
            (7, 31_666),
        ),
        ("ScaleUpCMExternalNoLabels", 1, &[8_600], 4_400, "", (2, 8_600)),
        ("ScaleDownCM", 5, &[12_000; 5], 20_000, "", (3, 12_000)),
        ("ToleranceCM", 3, &[20_000, 21_000, 21_000], 20_000, "", (3, 20_666)),
    ] {
        let case = Case { name, current, requests: &[], levels, target, pods: marks, expected: Err("") };
        let pods = pods(&case);
        let measured = Measured {
            now: now(),
            current,
            pods: &pods.iter().collect::<Vec<_>>(),
            metrics: metrics(levels, 1, MINUTE),
            resource: "",
            container: "",
            tolerances: tolerances(),
        };
        let found = measured.for_average(target).unwrap();
        assert_eq!((found.replicas, found.average), expected, "{name}");
    }
}

#[test]
fn how_pods_count() {
    let at = |seconds: i64| (now() + -seconds * SECOND).rfc3339();
    // phase; seconds since the start; the Ready condition and the seconds since it changed
    let pod = |name: &str, phase: &str, started: Option<i64>, ready: Option<(&str, i64)>| {
        let mut pod = tree!({"metadata": {"name": name}, "status": {"phase": phase}});
        if let Some(started) = started {
            pod.set(&["status", "startTime"], at(started));
        }
        if let Some((status, changed)) = ready {
            let condition = tree!({"type": "Ready", "status": status, "lastTransitionTime": (at(changed))});
            pod.set(&["status", "conditions"], vec![condition]);
        }
        pod
    };
    let fresh = |window: i64| Some((0, window));
    // name, pod, seconds since its metric and window where there is one, resource; ready, unready, missing
    type Row = (&'static str, Value, Option<(i64, i64)>, &'static str, [i64; 3]);
    let rows: Vec<Row> = vec![
        ("count in a ready pod - memory", pod("p", "Succeeded", None, None), fresh(60), "memory", [1, 0, 0]),
        (
            "ignore a pod without ready condition - CPU",
            pod("p", "Succeeded", Some(0), None),
            fresh(0),
            "cpu",
            [0, 1, 0],
        ),
        (
            "count in a ready pod with fresh metrics during initialization period - CPU",
            pod("p", "Succeeded", Some(60), Some(("True", 30))),
            fresh(30),
            "cpu",
            [1, 0, 0],
        ),
        (
            "ignore a ready pod without fresh metrics during initialization period - CPU",
            pod("p", "Succeeded", Some(60), Some(("True", 30))),
            fresh(60),
            "cpu",
            [0, 1, 0],
        ),
        (
            "ignore an unready pod during initialization period - CPU",
            pod("p", "Succeeded", Some(600), Some(("False", 594))),
            fresh(0),
            "cpu",
            [0, 1, 0],
        ),
        (
            "count in a ready pod without fresh metrics after initialization period - CPU",
            pod("p", "Succeeded", Some(180), Some(("True", 180))),
            Some((120, 60)),
            "cpu",
            [1, 0, 0],
        ),
        (
            "count in an unready pod that was ready after initialization period - CPU",
            pod("p", "Succeeded", Some(600), Some(("False", 540))),
            fresh(0),
            "cpu",
            [1, 0, 0],
        ),
        (
            "ignore pod that has never been ready after initialization period - CPU",
            pod("p", "Succeeded", Some(600), Some(("False", 590))),
            fresh(0),
            "cpu",
            [1, 0, 0],
        ),
        ("a missing pod", pod("p", "Succeeded", Some(180), None), None, "cpu", [0, 0, 1]),
        ("pending pods are ignored", pod("p", "Pending", None, None), None, "cpu", [0, 1, 0]),
    ];
    for (name, pod, metric, resource, [ready, unready, missing]) in rows {
        let mut metrics = PodMetrics::new();
        if let Some((age, window)) = metric {
            let at = now() + -age * SECOND;
            metrics.insert("p".into(), PodMetric { value: 1, at, window: window * SECOND });
        }
        let found = group_pods(&[&pod], &metrics, resource, &tolerances(), now());
        let counts = [found.ready, found.unready.len() as i64, found.missing.len() as i64];
        assert_eq!(counts, [ready, unready, missing], "{name}");
    }
    // "void", and "several pods"
    assert_eq!(group_pods(&[], &PodMetrics::new(), "cpu", &tolerances(), now()), Groups::default());
    let several = [
        pod("lucretius", "Succeeded", Some(0), None),
        pod("niccolo", "Succeeded", Some(180), Some(("True", 180))),
        pod("epicurus", "Succeeded", Some(180), None),
    ];
    let one = PodMetric { value: 1, ..PodMetric::default() };
    let metrics: PodMetrics = [("lucretius".into(), one), ("niccolo".into(), one)].into();
    let found = group_pods(&several.iter().collect::<Vec<_>>(), &metrics, "cpu", &tolerances(), now());
    let names = |names: &[&str]| names.iter().map(|name| Rc::from(*name)).collect();
    let expected = Groups {
        ready: 1,
        unready: names(&["lucretius"]),
        missing: names(&["epicurus"]),
        ignored: names(&[]),
    };
    assert_eq!(found, expected);
}
