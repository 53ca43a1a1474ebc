//! How fast, and how soon, an autoscaler follows what its metrics ask for.

use api::Value;
use sim::{Nanos, SECOND, Time};

/// For how long the highest recommendation counts when replicas are taken away.
const DOWNSCALE_STABILISATION: Nanos = 300 * SECOND;
/// Without a behaviour, replicas are doubled at most at a time, or brought to four.
const SCALE_UP: (i64, i64) = (2, 4);

const UP_LIMIT: (&str, &str) =
    ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate");
const DOWN_LIMIT: (&str, &str) =
    ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate");
const TOO_MANY: (&str, &str) =
    ("TooManyReplicas", "the desired replica count is more than the maximum replica count");
const TOO_FEW: (&str, &str) =
    ("TooFewReplicas", "the desired replica count is less than the minimum replica count");
const WITHIN: (&str, &str) = ("DesiredWithinRange", "the desired count is within the acceptable range");
const READY: (&str, &str) = ("ReadyForNewScale", "recommended size matches current size");
const UP_STABILISED: (&str, &str) = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
);
const DOWN_STABILISED: (&str, &str) = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
);

/// A number of replicas, and when it was recommended or changed by that.
type Stamped = (i64, Time);

/// What an autoscaler has recommended and done lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    pub recommendations: Vec<Stamped>,
    pub ups: Vec<Stamped>,
    pub downs: Vec<Stamped>,
}

/// A number of replicas within the limits, and what conditions tell of that: type, status, reason, message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limited {
    pub replicas: i64,
    pub conditions: [(&'static str, &'static str, &'static str, &'static str); 2],
}

/// Adds a row, in the place of one that is too old where there is one.
fn put(rows: &mut Vec<Stamped>, row: Stamped, is_old: impl Fn(Time) -> bool) {
    match rows.iter().rposition(|(_, at)| is_old(*at)) {
        Some(at) => rows[at] = row,
        None => rows.push(row),
    }
}

impl History {
    /// Notes how many there are when an autoscaler is looked at first.
    // Models pkg/controller/podautoscaler/horizontal.go recordInitialRecommendation
    pub(super) fn begin(&mut self, now: Time, current: i64) {
        if self.recommendations.is_empty() {
            self.recommendations.push((current, now));
        }
    }

    /// Brings what is recommended within the limits: `(current, recommended)`.
    // Models pkg/controller/podautoscaler/horizontal.go normalizeDesiredReplicas, normalizeDesiredReplicasWithBehaviors
    pub(super) fn normalize(&mut self, now: Time, spec: &Value, (current, desired): (i64, i64)) -> Limited {
        let (min, max) = (spec["minReplicas"].as_int().unwrap_or(1), spec["maxReplicas"].int());
        let behavior = &spec["behavior"];
        let (stable, stabilised, limited);
        if behavior.is_null() {
            stable = self.stabilize(now, desired);
            stabilised = DOWN_STABILISED;
            limited = by_rules(current, stable, min, max);
        } else {
            (stable, stabilised) = self.stabilize_by(now, behavior, current, desired);
            limited = self.by_rate(now, behavior, (current, stable, min, max));
        }
        let (replicas, limit) = limited;
        let able = if stable == desired { READY } else { stabilised };
        let is_limited = if replicas == stable { "False" } else { "True" };
        Limited {
            replicas,
            conditions: [
                ("AbleToScale", "True", able.0, able.1),
                ("ScalingLimited", is_limited, limit.0, limit.1),
            ],
        }
    }

    /// Returns the highest of the recommendations of the last minutes.
    // Models pkg/controller/podautoscaler/horizontal.go stabilizeRecommendation
    fn stabilize(&mut self, now: Time, desired: i64) -> i64 {
        let cutoff = now + -DOWNSCALE_STABILISATION;
        let recent = self.recommendations.iter().filter(|(_, at)| *at >= cutoff);
        let highest = recent.map(|(replicas, _)| *replicas).fold(desired, i64::max);
        put(&mut self.recommendations, (desired, now), |at| at < cutoff);
        highest
    }

    // Models pkg/controller/podautoscaler/horizontal.go stabilizeRecommendationWithBehaviors
    fn stabilize_by(
        &mut self,
        now: Time,
        behavior: &Value,
        current: i64,
        desired: i64,
    ) -> (i64, (&'static str, &'static str)) {
        let window = |direction: &str, default: Nanos| {
            let seconds = behavior[direction]["stabilizationWindowSeconds"].as_int();
            now + -seconds.map_or(default, |seconds| seconds.clamp(0, 3_600) * SECOND)
        };
        let up_cutoff = window("scaleUp", 0);
        let down_cutoff = window("scaleDown", DOWNSCALE_STABILISATION);
        let (mut up, mut down) = (desired, desired);
        for (replicas, at) in &self.recommendations {
            if *at > up_cutoff {
                up = up.min(*replicas);
            }
            if *at > down_cutoff {
                down = down.max(*replicas);
            }
        }
        put(&mut self.recommendations, (desired, now), |at| at < up_cutoff && at < down_cutoff);
        let told = if desired >= current { UP_STABILISED } else { DOWN_STABILISED };
        (current.max(up).min(down), told)
    }

    // Models pkg/controller/podautoscaler/horizontal.go convertDesiredReplicasWithBehaviorRate
    fn by_rate(
        &self,
        now: Time,
        behavior: &Value,
        (current, desired, min, max): (i64, i64, i64, i64),
    ) -> (i64, (&'static str, &'static str)) {
        if desired > current {
            let limit = self.up_limit(now, &behavior["scaleUp"], current).max(current);
            let (most, told) = if max > limit { (limit, UP_LIMIT) } else { (max, TOO_MANY) };
            if desired > most {
                return (most, told);
            }
        } else if desired < current {
            let limit = self.down_limit(now, &behavior["scaleDown"], current).min(current);
            let (least, told) = if min < limit { (limit, DOWN_LIMIT) } else { (min, TOO_FEW) };
            if desired < least {
                return (least, told);
            }
        }
        (desired, WITHIN)
    }

    /// Returns how many there were a policy's period ago.
    fn at_start(&self, now: Time, policy: &Value, current: i64) -> i64 {
        let cutoff = now + -(policy["periodSeconds"].int().clamp(0, 1_800) * SECOND);
        let sum = |rows: &[Stamped]| -> i64 {
            rows.iter().filter(|(_, at)| *at > cutoff).map(|(replicas, _)| *replicas).sum()
        };
        current - sum(&self.ups) + sum(&self.downs)
    }

    // Models pkg/controller/podautoscaler/horizontal.go calculateScaleUpLimitWithScalingRules
    fn up_limit(&self, now: Time, rules: &Value, current: i64) -> i64 {
        let proposals = rules["policies"].items().iter().map(|policy| {
            let (start, value) = (self.at_start(now, policy, current), policy["value"].int());
            match policy["type"].str() {
                "Percent" => (start as f64 * (1.0 + value as f64 / 100.0)).ceil() as i64,
                _ => start.saturating_add(value),
            }
        });
        match rules["selectPolicy"].str() {
            "Disabled" => current,
            "Min" => proposals.min().unwrap_or(i64::from(i32::MAX)),
            _ => proposals.max().unwrap_or(i64::from(i32::MIN)),
        }
    }

    // Models pkg/controller/podautoscaler/horizontal.go calculateScaleDownLimitWithBehaviors
    fn down_limit(&self, now: Time, rules: &Value, current: i64) -> i64 {
        let proposals = rules["policies"].items().iter().map(|policy| {
            let (start, value) = (self.at_start(now, policy, current), policy["value"].int());
            match policy["type"].str() {
                "Percent" => (start as f64 * (1.0 - value as f64 / 100.0)) as i64,
                _ => start.saturating_sub(value),
            }
        });
        match rules["selectPolicy"].str() {
            "Disabled" => current,
            "Min" => proposals.max().unwrap_or(i64::from(i32::MIN)),
            _ => proposals.min().unwrap_or(i64::from(i32::MAX)),
        }
    }

    /// Notes that the number was changed.
    // Models pkg/controller/podautoscaler/horizontal.go storeScaleEvent
    pub(super) fn note_scaling(&mut self, now: Time, behavior: &Value, before: i64, after: i64) {
        if behavior.is_null() {
            return;
        }
        let (direction, rows) = match after > before {
            true => ("scaleUp", &mut self.ups),
            false => ("scaleDown", &mut self.downs),
        };
        let periods = behavior[direction]["policies"].items().iter();
        let longest = periods.map(|policy| policy["periodSeconds"].int()).max().unwrap_or(0);
        let cutoff = now + -(longest.clamp(0, 1_800) * SECOND);
        put(rows, ((after - before).abs(), now), |at| at < cutoff);
    }
}

// Models pkg/controller/podautoscaler/horizontal.go convertDesiredReplicasWithRules
fn by_rules(current: i64, desired: i64, min: i64, max: i64) -> (i64, (&'static str, &'static str)) {
    let limit = (current * SCALE_UP.0).max(SCALE_UP.1);
    let (most, told) = if max > limit { (limit, UP_LIMIT) } else { (max, TOO_MANY) };
    if desired < min {
        (min, TOO_FEW)
    } else if desired > most {
        (most, told)
    } else {
        (desired, WITHIN)
    }
}

#[cfg(test)]
mod tests {
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
        type Case = (
            &'static str,
            Value,
            &'static str,
            i64,
            Vec<(i64, i64)>,
            Vec<(i64, i64)>,
            i64,
            i64,
            &'static str,
        );
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
            (
                "scaleUp within the limits",
                one(pods(40)),
                "Max",
                4,
                vec![],
                vec![],
                40,
                40,
                "DesiredWithinRange",
            ),
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
            (
                "scaleDown within the limits",
                one(pods(5)),
                "Max",
                8,
                vec![],
                vec![],
                6,
                6,
                "DesiredWithinRange",
            ),
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
        let behavior =
            tree!({"scaleUp": {"policies": [(policy("Pods", 1, 60)), (policy("Percent", 1, 120))]}});
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
}
