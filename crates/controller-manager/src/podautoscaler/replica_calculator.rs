//! How many replicas a measurement asks for.
// Models pkg/controller/podautoscaler/replica_calculator.go

use super::metrics::{PodMetric, PodMetrics};
use api::quantity::Quantity;
use api::{Value, meta};
use sim::{MINUTE, Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// For how long after its start a pod's use of processors counts only once it is ready.
const CPU_INITIALIZATION: Nanos = 5 * MINUTE;
/// How soon after its start a pod that isn't ready was never ready.
const INITIAL_READINESS: Nanos = 30 * SECOND;

/// How far from its target a measurement may be without a consequence, downwards and upwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tolerances {
    pub down: f64,
    pub up: f64,
    /// See [`CPU_INITIALIZATION`] and [`INITIAL_READINESS`].
    pub initialization: Nanos,
    pub readiness: Nanos,
}

impl Default for Tolerances {
    fn default() -> Tolerances {
        Tolerances { down: 0.1, up: 0.1, initialization: CPU_INITIALIZATION, readiness: INITIAL_READINESS }
    }
}

impl Tolerances {
    /// Reads what an autoscaler's behaviour says.
    pub(super) fn of(behavior: &Value) -> Tolerances {
        let mut tolerances = Tolerances::default();
        let given = |direction: &str| {
            let tolerance = &behavior[direction]["tolerance"];
            let quantity = Quantity::from_value(tolerance).ok().filter(|_| !tolerance.is_null())?;
            Some(quantity.nanos() as f64 / 1e9)
        };
        tolerances.down = given("scaleDown").unwrap_or(tolerances.down);
        tolerances.up = given("scaleUp").unwrap_or(tolerances.up);
        tolerances
    }

    fn are_met(&self, ratio: f64) -> bool {
        (1.0 - self.down) <= ratio && ratio <= (1.0 + self.up)
    }
}

/// What a measurement asks for: replicas, the share of the requests in percent, and the average in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proposal {
    pub replicas: i64,
    pub utilization: i64,
    pub average: i64,
}

/// Pods as they count.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Groups {
    pub ready: i64,
    pub unready: BTreeSet<Rc<str>>,
    pub missing: BTreeSet<Rc<str>>,
    pub ignored: BTreeSet<Rc<str>>,
}

/// Tells pods apart by how their figures count.
// Models pkg/controller/podautoscaler/replica_calculator.go groupPods
pub(super) fn group_pods(
    pods: &[&Value],
    metrics: &PodMetrics,
    resource: &str,
    tolerances: &Tolerances,
    now: Time,
) -> Groups {
    let mut groups = Groups::default();
    for pod in pods {
        let (name, phase): (Rc<str>, &str) = (meta::name(pod).into(), pod["status"]["phase"].str());
        if meta::is_deleting(pod) || phase == "Failed" {
            groups.ignored.insert(name);
        } else if phase == "Pending" {
            groups.unready.insert(name);
        } else if let Some(metric) = metrics.get(&name) {
            if resource == "cpu" && is_unready(pod, metric, tolerances, now) {
                groups.unready.insert(name);
            } else {
                groups.ready += 1;
            }
        } else {
            groups.missing.insert(name);
        }
    }
    groups
}

fn is_unready(pod: &Value, metric: &PodMetric, tolerances: &Tolerances, now: Time) -> bool {
    let started = meta::time(&pod["status"]["startTime"]);
    let (Some(condition), Some(started)) = (meta::condition(pod, "Ready"), started) else { return true };
    let changed = meta::time(&condition["lastTransitionTime"]).unwrap_or_default();
    let is_false = condition["status"].str() == "False";
    if started + tolerances.initialization > now {
        // It may still warm up: a whole window must have been measured since it became ready.
        return is_false || metric.at < changed + metric.window;
    }
    is_false && started + tolerances.readiness > changed
}

/// Returns what each pod asks for, in thousandths.
///
/// # Errors
/// The words where a container asks for nothing.
// Models pkg/controller/podautoscaler/replica_calculator.go calculatePodRequests
fn requests(pods: &[&Value], resource: &str, container: &str) -> Result<BTreeMap<Rc<str>, i64>, String> {
    let amount = |resources: &Value| {
        let request = &resources["requests"][resource];
        Quantity::from_value(request).ok().filter(|_| !request.is_null()).map(Quantity::milli_value)
    };
    let mut requests = BTreeMap::new();
    for pod in pods {
        let name = meta::name(pod);
        let spec = &pod["spec"];
        if let Some(sum) = amount(&spec["resources"]).filter(|_| container.is_empty()) {
            requests.insert(name.into(), sum);
            continue;
        }
        let sidecars =
            spec["initContainers"].items().iter().filter(|one| one["restartPolicy"].str() == "Always");
        let mut sum = 0;
        for one in spec["containers"].items().iter().chain(sidecars) {
            let own = one["name"].str();
            if container.is_empty() || own == container {
                sum += amount(&one["resources"]).ok_or_else(|| {
                    format!("missing request for {resource} in container {own} of Pod {name}")
                })?;
            }
        }
        requests.insert(name.into(), sum);
    }
    Ok(requests)
}

/// The ratio to the target, the share in percent, and the average.
// Models pkg/controller/podautoscaler/metrics/utilization.go GetResourceUtilizationRatio
fn utilization_ratio(
    metrics: &PodMetrics,
    requests: &BTreeMap<Rc<str>, i64>,
    target: i64,
) -> Result<(f64, i64, i64), String> {
    let (mut used, mut asked, mut count) = (0_i64, 0_i64, 0_i64);
    for (name, metric) in metrics {
        let Some(request) = requests.get(name) else { continue };
        (used, asked, count) = (used.saturating_add(metric.value), asked.saturating_add(*request), count + 1);
    }
    if asked == 0 {
        return Err("no metrics returned matched known pods".to_string());
    }
    let share = used.saturating_mul(100) / asked;
    Ok((share as f64 / target as f64, share, used / count))
}

/// The ratio to the target, and the average.
// Models pkg/controller/podautoscaler/metrics/utilization.go GetMetricUsageRatio
fn usage_ratio(metrics: &PodMetrics, target: i64) -> (f64, i64) {
    let total = metrics.values().fold(0_i64, |sum, metric| sum.saturating_add(metric.value));
    let average = total / i64::try_from(metrics.len()).unwrap_or(1).max(1);
    (average as f64 / target as f64, average)
}

fn ceil(number: f64) -> i64 {
    // At most what a replica count may be.
    number.ceil().clamp(0.0, f64::from(i32::MAX)) as i64
}

/// What is measured of which pods.
pub(super) struct Measured<'a> {
    pub now: Time,
    pub current: i64,
    pub pods: &'a [&'a Value],
    pub metrics: PodMetrics,
    pub resource: &'a str,
    pub container: &'a str,
    pub tolerances: Tolerances,
}

impl Measured<'_> {
    fn groups(&mut self) -> Result<Groups, String> {
        if self.pods.is_empty() {
            return Err("no pods returned by selector while calculating replica count".to_string());
        }
        let groups = group_pods(self.pods, &self.metrics, self.resource, &self.tolerances, self.now);
        self.metrics.retain(|name, _| !groups.ignored.contains(name) && !groups.unready.contains(name));
        Ok(groups)
    }

    fn check(&self) -> Result<(), String> {
        match self.metrics.is_empty() {
            true => Err("did not receive metrics for targeted pods (pods might be unready)".to_string()),
            false => Ok(()),
        }
    }

    fn put(&mut self, names: &BTreeSet<Rc<str>>, value: impl Fn(&Rc<str>) -> i64) {
        for name in names {
            self.metrics.insert(name.clone(), PodMetric { value: value(name), ..PodMetric::default() });
        }
    }

    fn count(&self) -> f64 {
        self.metrics.len() as f64
    }

    /// Returns what a second look, with figures put in for those that lack them, leads to.
    fn second_look(&self, first: f64, second: f64) -> i64 {
        let turned = (first < 1.0 && second > 1.0) || (first > 1.0 && second < 1.0);
        if self.tolerances.are_met(second) || turned {
            return self.current;
        }
        let wanted = ceil(second * self.count());
        let against = (second < 1.0 && wanted > self.current) || (second > 1.0 && wanted < self.current);
        if against { self.current } else { wanted }
    }

    /// Returns how many replicas bring pods to a share of their requests, in percent.
    ///
    /// # Errors
    /// Why that can't be told.
    // Models pkg/controller/podautoscaler/replica_calculator.go GetResourceReplicas
    pub(super) fn for_utilization(mut self, target: i64) -> Result<Proposal, String> {
        let groups = self.groups()?;
        let requests = requests(self.pods, self.resource, self.container)?;
        self.check()?;
        let (ratio, utilization, average) = utilization_ratio(&self.metrics, &requests, target)?;
        let told = |replicas: i64| Proposal { replicas, utilization, average };
        let with_unready = !groups.unready.is_empty() && ratio > 1.0;
        if !with_unready && groups.missing.is_empty() {
            return Ok(told(match self.tolerances.are_met(ratio) {
                true => self.current,
                false => ceil(ratio * groups.ready as f64),
            }));
        }
        if ratio < 1.0 {
            // Those that nothing is known of are taken to use all that they may.
            let fallback = target.max(100);
            let of =
                |name: &Rc<str>| requests.get(name).map_or(0, |asked| asked.saturating_mul(fallback) / 100);
            self.put(&groups.missing, of);
        } else if ratio > 1.0 {
            self.put(&groups.missing, |_| 0);
        }
        if with_unready {
            self.put(&groups.unready, |_| 0);
        }
        let (second, ..) = utilization_ratio(&self.metrics, &requests, target)?;
        Ok(told(self.second_look(ratio, second)))
    }

    /// Returns how many replicas bring pods to an average, in thousandths.
    ///
    /// # Errors
    /// Why that can't be told.
    // Models pkg/controller/podautoscaler/replica_calculator.go calcPlainMetricReplicas
    pub(super) fn for_average(mut self, target: i64) -> Result<Proposal, String> {
        let groups = self.groups()?;
        self.check()?;
        let (ratio, average) = usage_ratio(&self.metrics, target);
        let told = |replicas: i64| Proposal { replicas, utilization: 0, average };
        let with_unready = !groups.unready.is_empty() && ratio > 1.0;
        if !with_unready && groups.missing.is_empty() {
            return Ok(told(match self.tolerances.are_met(ratio) {
                true => self.current,
                false => ceil(ratio * groups.ready as f64),
            }));
        }
        self.put(&groups.missing, |_| if ratio < 1.0 { target } else { 0 });
        if with_unready {
            self.put(&groups.unready, |_| 0);
        }
        let (second, _) = usage_ratio(&self.metrics, target);
        Ok(told(self.second_look(ratio, second)))
    }
}
