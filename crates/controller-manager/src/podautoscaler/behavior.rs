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
mod tests;
