//! The HorizontalPodAutoscaler controller: every 15 s it reads what the pods of a target use, and sets how many
//! there are.
//!
//! Left out on purpose: values of the custom and external metrics APIs, which no server here serves.
// Models pkg/controller/podautoscaler/horizontal.go

mod behavior;
mod compute;
mod metrics;
mod replica_calculator;
mod status;
#[cfg(test)]
mod tests;

use api::label::Selector;
use api::resources::{HORIZONTALPODAUTOSCALERS, PODS};
use api::{Method, Request, Resource, Value, group_version, meta};
use behavior::History;
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, Informers, Reconcile};
use compute::Computed;
use sim::{Nanos, SECOND};
use status::set_condition;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How often an autoscaler is looked at, and how soon after a change.
const SYNC_PERIOD: Nanos = 15 * SECOND;
/// How many versions of a group are asked for a kind.
const VERSIONS: usize = 16;

/// The HorizontalPodAutoscaler controller.
#[derive(Clone)]
pub(crate) struct PodAutoscalers {
    recorder: EventRecorder,
    history: BTreeMap<Rc<str>, History>,
    /// Which pods each autoscaler is about, by the autoscaler's key.
    selectors: BTreeMap<Rc<str>, Selector>,
}

impl Default for PodAutoscalers {
    fn default() -> Self {
        PodAutoscalers {
            recorder: EventRecorder::new("horizontal-pod-autoscaler", ""),
            history: BTreeMap::new(),
            selectors: BTreeMap::new(),
        }
    }
}

impl Reconcile for PodAutoscalers {
    fn identity(&self) -> Identity {
        Identity::controller("horizontal-pod-autoscaler", "controller/horizontal-pod-autoscaler")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![HORIZONTALPODAUTOSCALERS, PODS]
    }

    // Models pkg/controller/podautoscaler/horizontal.go enqueueHPA, deleteHPA
    fn enqueue(&mut self, change: &Change, _informers: &Informers, queue: &mut Enqueue) {
        if change.resource != HORIZONTALPODAUTOSCALERS {
            return;
        }
        if change.new.is_null() {
            self.history.remove(&change.key);
            self.selectors.remove(&change.key);
        } else {
            queue.add_after(change.key.clone(), SYNC_PERIOD);
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(autoscaler) = informers.of(HORIZONTALPODAUTOSCALERS).get(key) else { return Ok(None) };
        let mut changed = autoscaler.clone();
        self.reconcile_autoscaler(cx, informers, key, &mut changed);
        if changed["status"] != autoscaler["status"]
            && let Err(failure) = cx.update(HORIZONTALPODAUTOSCALERS, &changed, "status")
        {
            self.recorder.event(cx, autoscaler, "Warning", "FailedUpdateStatus", &failure.to_string());
        }
        // Whatever came of it, it is looked at again in the same time.
        Ok(Some(SYNC_PERIOD))
    }
}

/// How many are wanted, why, whether that is to be written, and what was measured.
struct Decision {
    replicas: i64,
    reason: String,
    rescale: bool,
    metrics: Option<Vec<Value>>,
}

impl PodAutoscalers {
    // Models pkg/controller/podautoscaler/horizontal.go reconcileAutoscaler
    fn reconcile_autoscaler(&mut self, cx: &mut Cx, informers: &Informers, key: &str, hpa: &mut Value) {
        let (path, scale) = match scale_of(cx, hpa) {
            Ok(found) => found,
            Err(why) => {
                self.recorder.event(cx, hpa, "Warning", "FailedGetScale", &why);
                let message =
                    format!("the HPA controller was unable to get the target's current scale: {why}");
                return set_condition(cx, hpa, "AbleToScale", "False", "FailedGetScale", &message);
            }
        };
        let message = "the HPA controller was able to get the target's current scale";
        set_condition(cx, hpa, "AbleToScale", "True", "SucceededGetScale", message);
        let current = scale["spec"]["replicas"].int();
        let now = cx.at();
        self.history.entry(key.into()).or_default().begin(now, current);
        let decision = match self.decide(cx, informers, key, hpa, &scale) {
            Ok(decision) => decision,
            Err((statuses, why)) => {
                status::set_current(hpa, current, statuses);
                return self.recorder.event(cx, hpa, "Warning", "FailedComputeMetricsReplicas", &why);
            }
        };
        let Decision { replicas, reason, rescale, metrics } = decision;
        if !rescale {
            return status::set(cx, hpa, current, current, metrics, rescale);
        }
        let mut wanted = scale;
        wanted.set(&["spec", "replicas"], replicas);
        if let Err(failure) = cx.send(Request::new(Method::Put, path).body(&wanted)) {
            let message = format!("New size: {replicas}; reason: {reason}; error: {failure}");
            self.recorder.event(cx, hpa, "Warning", "FailedRescale", &message);
            let message = format!("the HPA controller was unable to update the target scale: {failure}");
            set_condition(cx, hpa, "AbleToScale", "False", "FailedUpdateScale", &message);
            return status::set_current(hpa, current, metrics.unwrap_or_default());
        }
        let message = format!("the HPA controller was able to update the target scale to {replicas}");
        set_condition(cx, hpa, "AbleToScale", "True", "SucceededRescale", &message);
        let message = format!("New size: {replicas}; reason: {reason}");
        self.recorder.event(cx, hpa, "Normal", "SuccessfulRescale", &message);
        let now = cx.at();
        if let Some(history) = self.history.get_mut(key) {
            history.note_scaling(now, &hpa["spec"]["behavior"], current, replicas);
        }
        status::set(cx, hpa, current, replicas, metrics, rescale);
    }

    /// Decides how many there should be. Fails with what was measured, and why that isn't enough.
    fn decide(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        key: &str,
        hpa: &mut Value,
        scale: &Value,
    ) -> Result<Decision, (Vec<Value>, String)> {
        let current = scale["spec"]["replicas"].int();
        let max = hpa["spec"]["maxReplicas"].int();
        let min = hpa["spec"]["minReplicas"].as_int().unwrap_or(1);
        let forced = |replicas: i64, reason: &str| {
            Ok(Decision { replicas, reason: reason.to_string(), rescale: true, metrics: None })
        };
        if current == 0 && min != 0 {
            let message = "scaling is disabled since the replica count of the target is zero";
            set_condition(cx, hpa, "ScalingActive", "False", "ScalingDisabled", message);
            return Ok(Decision { replicas: 0, reason: String::new(), rescale: false, metrics: None });
        }
        if current > max {
            return forced(max, "Current number of replicas above Spec.MaxReplicas");
        }
        if current < min {
            return forced(min, "Current number of replicas below Spec.MinReplicas");
        }
        let Computed { replicas, metric, statuses } = self.compute(cx, informers, key, hpa, scale)?;
        let reason = match replicas {
            wanted if wanted > current => format!("{metric} above target"),
            wanted if wanted < current => "All metrics below target".to_string(),
            _ => String::new(),
        };
        let now = cx.at();
        let history = self.history.entry(key.into()).or_default();
        let limited = history.normalize(now, &hpa["spec"], (current, replicas));
        for (kind, status, reason, message) in limited.conditions {
            set_condition(cx, hpa, kind, status, reason, message);
        }
        let replicas = limited.replicas;
        Ok(Decision { replicas, reason, rescale: replicas != current, metrics: Some(statuses) })
    }
}

/// Returns the path of a target's scale, and the scale.
///
/// # Errors
/// The words of events and conditions.
// Models pkg/controller/podautoscaler/horizontal.go scaleForResourceMappings
fn scale_of(cx: &mut Cx, hpa: &Value) -> Result<(String, Value), String> {
    let target = &hpa["spec"]["scaleTargetRef"];
    let (version, kind, name) = (target["apiVersion"].str(), target["kind"].str(), target["name"].str());
    if version.matches('/').count() > 1 {
        return Err(format!("unexpected GroupVersion string: {version}"));
    }
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let (version, plural) = resource(cx, group, version, kind)
        .ok_or_else(|| format!("no matches for kind {kind:?} in group {group:?}"))?;
    let root = if group.is_empty() { "/api/" } else { "/apis/" };
    let (place, namespace) = (group_version(group, &version), meta::namespace(hpa));
    let path = format!("{root}{place}/namespaces/{namespace}/{plural}/{name}/scale");
    let answer = cx.send(Request::new(Method::Get, path.as_str())).map_err(|failure| failure.to_string())?;
    Ok((path, answer.body))
}

/// Returns the version and the plural of a kind that can be scaled.
fn resource(cx: &mut Cx, group: &str, version: &str, kind: &str) -> Option<(String, String)> {
    let known = match (group, kind) {
        ("apps", "Deployment") => "deployments",
        ("apps", "ReplicaSet") => "replicasets",
        ("apps", "StatefulSet") => "statefulsets",
        ("", "ReplicationController") => "replicationcontrollers",
        _ => "",
    };
    if !known.is_empty() {
        return Some(("v1".to_string(), known.to_string()));
    }
    if group.is_empty() {
        return None;
    }
    let found = cx.send(Request::new(Method::Get, format!("/apis/{group}"))).ok()?.body;
    let mut versions: Vec<&str> =
        found["versions"].items().iter().map(|found| found["version"].str()).take(VERSIONS).collect();
    versions.sort_by_key(|found| *found != version);
    for version in versions {
        let list = cx.send(Request::new(Method::Get, format!("/apis/{group}/{version}"))).ok()?.body;
        let mut entries = list["resources"].items().iter();
        let entry = entries.find(|entry| entry["kind"].str() == kind && !entry["name"].str().contains('/'));
        if let Some(entry) = entry {
            return Some((version.to_string(), entry["name"].str().to_string()));
        }
    }
    None
}
