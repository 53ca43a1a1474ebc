use super::*;
use api::tree;

fn now() -> Time {
    Time::EPOCH + 10_000 * SECOND
}

fn ago(seconds: i64) -> Time {
    now() + -seconds * SECOND
}

fn rows(rows: &[(i64, i64)]) -> Vec<Stamped> {
    rows.iter().map(|(replicas, seconds)| (*replicas, ago(*seconds))).collect()
}

/// Upstream's TestNormalizeDesiredReplicas (horizontal_test.go): the window is five minutes here.
#[test]
fn stabilizes_downwards() {
    for (name, before, desired, expected, left) in [
        ("empty log", vec![], 5, 5, 1),
        ("stabilize", vec![(4, 120), (5, 30)], 3, 5, 3),
        ("no stabilize", vec![(1, 120), (2, 30)], 3, 3, 3),
        ("no stabilize - old recommendations", vec![(10, 600), (9, 540)], 3, 3, 2),
        ("stabilize - old recommendations", vec![(10, 600), (4, 60), (5, 30), (9, 540)], 3, 5, 4),
    ] {
        let mut history = History { recommendations: rows(&before), ..History::default() };
        assert_eq!(history.stabilize(now(), desired), expected, "{name}");
        assert_eq!(history.recommendations.len(), left, "{name}");
    }
}

/// Upstream's TestConvertDesiredReplicasWithRules.
#[test]
fn limits_without_a_behaviour() {
    for (current, desired, min, max, expected, reason) in [
        (5, 0, 0, 10, 0, "DesiredWithinRange"),
        (5, 1, 0, 10, 1, "DesiredWithinRange"),
        (5, 1, 1, 10, 1, "DesiredWithinRange"),
        (5, 0, 1, 10, 1, "TooFewReplicas"),
        (5, -1, 1, 10, 1, "TooFewReplicas"),
        (9, 10, 0, 10, 10, "DesiredWithinRange"),
        (9, 11, 0, 10, 10, "TooManyReplicas"),
        (3, 1_000, 1, 1_000, 6, "ScaleUpLimit"),
        (1, 1_000, 1, 1_000, 4, "ScaleUpLimit"),
        (500, 1_000, 1, 10_000, 1_000, "DesiredWithinRange"),
    ] {
        let (replicas, told) = by_rules(current, desired, min, max);
        assert_eq!((replicas, told.0), (expected, reason), "{current} {desired} {min} {max}");
    }
}

fn policy(kind: &str, value: i64, period: i64) -> Value {
    tree!({"type": kind, "value": value, "periodSeconds": period})
}

/// Upstream's TestScalingWithRules: what policies allow.
#[test]
fn policies_limit_the_rate() {
    let both = |a: Value, b: Value| tree!([a, b]);
    let one = |a: Value| tree!([a]);
    let pods = |value: i64| policy("Pods", value, 60);
    let percent = |value: i64| policy("Percent", value, 60);
    // name; policies; which counts; current; events as (change, seconds ago) upwards and downwards;
    // wanted; what comes of it and why. The limits are 1 and 1,000.
    type Case =
        (&'static str, Value, &'static str, i64, Vec<(i64, i64)>, Vec<(i64, i64)>, i64, i64, &'static str);
    let cases: Vec<Case> = vec![
        (
            "scaleUp with default behavior",
            both(pods(4), percent(100)),
            "Max",
            10,
            vec![],
            vec![],
            1_000,
            20,
            "ScaleUpLimit",
        ),
        (
            "scaleUp with Percent policy",
            one(percent(100)),
            "Max",
            1,
            vec![],
            vec![],
            1_000,
            2,
            "ScaleUpLimit",
        ),
        (
            "scaleUp with Percent policy, rounded up",
            one(percent(25)),
            "Max",
            2,
            vec![],
            vec![],
            1_000,
            3,
            "ScaleUpLimit",
        ),
        ("scaleUp with Pod policy", one(pods(2)), "Max", 1, vec![], vec![], 1_000, 3, "ScaleUpLimit"),
        (
            "scaleUp with Min of both",
            both(percent(200), pods(2)),
            "Min",
            5,
            vec![],
            vec![],
            1_000,
            7,
            "ScaleUpLimit",
        ),
        (
            "scaleUp with Max of both",
            both(percent(200), pods(2)),
            "Max",
            5,
            vec![],
            vec![],
            1_000,
            15,
            "ScaleUpLimit",
        ),
        ("scaleUp disabled", one(percent(200)), "Disabled", 5, vec![], vec![], 1_000, 5, "ScaleUpLimit"),
        (
            "scaleUp with events in the period",
            one(pods(4)),
            "Max",
            7,
            vec![(3, 10)],
            vec![],
            1_000,
            8,
            "ScaleUpLimit",
        ),
        (
            "scaleUp with events before the period",
            one(pods(4)),
            "Max",
            7,
            vec![(3, 70)],
            vec![],
            1_000,
            11,
            "ScaleUpLimit",
        ),
        (
            "scaleUp when all is used up",
            one(pods(4)),
            "Max",
            10,
            vec![(9, 10)],
            vec![],
            1_000,
            10,
            "ScaleUpLimit",
        ),
        (
            "scaleUp with a downscale between",
            one(pods(4)),
            "Max",
            4,
            vec![(6, 30)],
            vec![(6, 10)],
            1_000,
            8,
            "ScaleUpLimit",
        ),
        ("scaleUp within the limits", one(pods(40)), "Max", 4, vec![], vec![], 40, 40, "DesiredWithinRange"),
        (
            "scaleUp over the maximum",
            one(percent(2_000)),
            "Max",
            500,
            vec![],
            vec![],
            2_000,
            1_000,
            "TooManyReplicas",
        ),
        (
            "scaleDown with default policy",
            one(percent(100)),
            "Max",
            5,
            vec![],
            vec![],
            0,
            1,
            "TooFewReplicas",
        ),
        (
            "scaleDown with Percent policy",
            one(percent(20)),
            "Max",
            100,
            vec![],
            vec![],
            1,
            80,
            "ScaleDownLimit",
        ),
        ("scaleDown with Pods policy", one(pods(5)), "Max", 10, vec![], vec![], 1, 5, "ScaleDownLimit"),
        (
            "scaleDown with Min of both",
            both(percent(60), pods(2)),
            "Min",
            10,
            vec![],
            vec![],
            1,
            8,
            "ScaleDownLimit",
        ),
        (
            "scaleDown with Max of both",
            both(percent(60), pods(2)),
            "Max",
            10,
            vec![],
            vec![],
            1,
            4,
            "ScaleDownLimit",
        ),
        ("scaleDown disabled", one(percent(60)), "Disabled", 10, vec![], vec![], 1, 10, "ScaleDownLimit"),
        (
            "scaleDown with events in the period",
            one(pods(5)),
            "Max",
            8,
            vec![],
            vec![(2, 20)],
            1,
            5,
            "ScaleDownLimit",
        ),
        (
            "scaleDown when all is used up",
            one(pods(5)),
            "Max",
            5,
            vec![],
            vec![(9, 20)],
            1,
            5,
            "ScaleDownLimit",
        ),
        ("scaleDown within the limits", one(pods(5)), "Max", 8, vec![], vec![], 6, 6, "DesiredWithinRange"),
        ("no change", one(pods(5)), "Max", 8, vec![], vec![], 8, 8, "DesiredWithinRange"),
    ];
    for (name, policies, select, current, ups, downs, desired, expected, reason) in cases {
        let rules = tree!({"policies": policies, "selectPolicy": select});
        let behavior = tree!({"scaleUp": (&rules), "scaleDown": (&rules)});
        let history = History { ups: rows(&ups), downs: rows(&downs), ..History::default() };
        let (replicas, told) = history.by_rate(now(), &behavior, (current, desired, 1, 1_000));
        assert_eq!((replicas, told.0), (expected, reason), "{name}");
    }
}

/// Upstream's TestNormalizeDesiredReplicasWithBehavior.
#[test]
fn windows_hold_recommendations() {
    for (name, before, current, desired, expected, up, down) in [
        ("empty log", vec![], 100, 5, 5, 60, 60),
        ("stabilize down", vec![(4, 120), (5, 30)], 100, 3, 5, 60, 60),
        ("no stabilize down", vec![(1, 120), (2, 30)], 100, 3, 3, 60, 60),
        ("stabilize up", vec![(4, 120), (5, 30)], 1, 6, 5, 60, 60),
        ("no window up", vec![(4, 120), (5, 30)], 1, 6, 6, 0, 60),
        ("old recommendations down", vec![(10, 120), (9, 90)], 10, 3, 3, 60, 60),
        ("up and down at once", vec![(5, 30), (3, 20)], 4, 4, 4, 60, 60),
    ] {
        let behavior = tree!({
            "scaleUp": {"stabilizationWindowSeconds": up}, "scaleDown": {"stabilizationWindowSeconds": down},
        });
        let mut history = History { recommendations: rows(&before), ..History::default() };
        assert_eq!(history.stabilize_by(now(), &behavior, current, desired).0, expected, "{name}");
    }
}

/// Upstream's TestStoreScaleEvents: what is too old for any policy is replaced.
#[test]
fn remembers_what_policies_need() {
    let behavior = tree!({"scaleUp": {"policies": [(policy("Pods", 1, 60)), (policy("Percent", 1, 120))]}});
    for (before, left) in
        [(vec![], 1), (vec![(1, 100)], 2), (vec![(1, 150)], 1), (vec![(1, 150), (2, 10)], 2)]
    {
        let mut history = History { ups: rows(&before), ..History::default() };
        history.note_scaling(now(), &behavior, 5, 7);
        assert_eq!(history.ups.len(), left, "{before:?}");
        assert!(history.ups.contains(&(2, now())), "{before:?}");
    }
    let mut history = History::default();
    history.note_scaling(now(), &Value::Null, 5, 7);
    assert_eq!(history, History::default(), "without a behaviour nobody asks");
}
