//! Records that aren't workloads or Services, and the places of workloads that have some.

use super::View;
use ::view::{RecordRow, SlotRow};
use api::{Value, meta};

/// The most places that a row tells.
const SLOTS: i64 = 64;
/// The reasons for which a container waits that are failures.
const FAILING: [&str; 6] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "CreateContainerConfigError",
    "InvalidImageName",
    "RunContainerError",
];

impl View {
    /// Fills the row of what is neither a workload nor a Service.
    pub(super) fn fill_other(&self, resource: &str, object: &Value, row: &mut RecordRow) {
        let (spec, status) = (&object["spec"], &object["status"]);
        match resource {
            "horizontalpodautoscalers" => {
                let target = &spec["scaleTargetRef"];
                let plural = super::plural(target["kind"].str());
                row.owner = format!("{plural}/{}/{}", meta::namespace(object), target["name"].str());
                row.wanted = status["desiredReplicas"].int();
                row.current = status["currentReplicas"].int();
                let least = spec["minReplicas"].as_int().unwrap_or(1);
                row.detail = format!("{} · {least}–{}", targets(object), spec["maxReplicas"].int());
            }
            "ingresses" => {
                let hosts = spec["rules"].items().iter().map(|rule| match rule["host"].str() {
                    "" => "*",
                    host => host,
                });
                let mut hosts: Vec<&str> = hosts.collect();
                hosts.dedup();
                row.detail = if hosts.is_empty() { "*".to_string() } else { hosts.join(", ") };
                let balanced = status["loadBalancer"]["ingress"].items().iter();
                row.addresses.extend(balanced.map(|one| one["ip"].str().to_string()));
            }
            "networkpolicies" => {
                let labels = &spec["podSelector"]["matchLabels"];
                let about: Vec<String> =
                    labels.fields().iter().map(|(key, value)| format!("{key}={}", value.str())).collect();
                let about = match (about.is_empty(), spec["podSelector"]["matchExpressions"].items()) {
                    (true, []) => "*".to_string(),
                    (true, _) => "…".to_string(),
                    _ => about.join(","),
                };
                let types: Vec<&str> = spec["policyTypes"].items().iter().map(Value::str).collect();
                row.detail = format!("{about} · {}", types.join(", "));
            }
            "persistentvolumeclaims" => {
                let size = match status["capacity"]["storage"].str() {
                    "" => spec["resources"]["requests"]["storage"].str(),
                    size => size,
                };
                row.detail = format!("{} · {size}", status["phase"].str());
                row.owner = self.claims_owner(object);
                row.addresses.extend(
                    Some(spec["volumeName"].str()).filter(|name| !name.is_empty()).map(str::to_string),
                );
            }
            "persistentvolumes" => {
                row.detail = format!("{} · {}", status["phase"].str(), spec["capacity"]["storage"].str());
                let claim = &spec["claimRef"];
                if !claim.is_null() {
                    let (namespace, name) = (claim["namespace"].str(), claim["name"].str());
                    row.owner = format!("persistentvolumeclaims/{namespace}/{name}");
                }
            }
            _ => {}
        }
    }

    /// Returns the StatefulSet whose template a claim was made from.
    fn claims_owner(&self, claim: &Value) -> String {
        let namespace = meta::namespace(claim);
        let range = ("statefulsets", format!("{namespace}/"))..("statefulsets", format!("{namespace}0"));
        let made = |set: &&Value| {
            let templates = set["spec"]["volumeClaimTemplates"].items();
            templates.iter().any(|template| {
                let prefix = format!("{}-{}-", meta::name(template), meta::name(set));
                let ordinal = meta::name(claim).strip_prefix(&prefix).unwrap_or("");
                !ordinal.is_empty() && ordinal.bytes().all(|c| c.is_ascii_digit())
            })
        };
        let set = self.objects.range(range).map(|(_, set)| set).find(made);
        set.map_or(String::new(), |set| format!("statefulsets/{namespace}/{}", meta::name(set)))
    }

    /// Returns a workload's places and what is in each.
    pub(super) fn slots(&self, resource: &str, object: &Value) -> Vec<SlotRow> {
        match resource {
            "statefulsets" => self.ordinals(object),
            "daemonsets" => self.nodes_of(object),
            "jobs" if object["spec"]["completionMode"].str() == "Indexed" => self.indexes(object),
            _ => Vec::new(),
        }
    }

    fn pods_in<'a>(&'a self, namespace: &str) -> impl Iterator<Item = &'a Value> {
        let range = ("pods", format!("{namespace}/"))..("pods", format!("{namespace}0"));
        self.objects.range(range).map(|(_, pod)| pod)
    }

    fn ordinals(&self, set: &Value) -> Vec<SlotRow> {
        let (namespace, name) = (meta::namespace(set), meta::name(set));
        let first = set["spec"]["ordinals"]["start"].int().max(0);
        let most = set["spec"]["replicas"].int().max(set["status"]["replicas"].int()).clamp(0, SLOTS);
        let slot = |ordinal: i64| {
            let pod = self.objects.get(&("pods", format!("{namespace}/{name}-{ordinal}")));
            let pod = pod.filter(|pod| meta::is_controlled_by(pod, set));
            SlotRow { name: ordinal.to_string(), state: pod.map_or("none", state).to_string() }
        };
        (first..first.saturating_add(most)).map(slot).collect()
    }

    fn nodes_of(&self, set: &Value) -> Vec<SlotRow> {
        let nodes = self.objects.range(("nodes", String::new())..("nodes\0", String::new()));
        let mut slots: Vec<SlotRow> = nodes
            .take(SLOTS as usize)
            .map(|((_, name), _)| SlotRow { name: name.clone(), state: "none".to_string() })
            .collect();
        for pod in self.pods_in(meta::namespace(set)).filter(|pod| meta::is_controlled_by(pod, set)) {
            let node = pod["spec"]["nodeName"].str();
            if let Some(slot) = slots.iter_mut().find(|slot| slot.name == node) {
                slot.state = state(pod).to_string();
            }
        }
        slots
    }

    fn indexes(&self, job: &Value) -> Vec<SlotRow> {
        let (completions, status) = (job["spec"]["completions"].int().clamp(0, SLOTS), &job["status"]);
        let (done, failed) = (status["completedIndexes"].str(), status["failedIndexes"].str());
        let slot = |index: i64| {
            let state = match (holds(done, index), holds(failed, index)) {
                (true, _) => "done",
                (_, true) => "failed",
                _ => "none",
            };
            SlotRow { name: index.to_string(), state: state.to_string() }
        };
        let mut slots: Vec<SlotRow> = (0..completions).map(slot).collect();
        for pod in self.pods_in(meta::namespace(job)).filter(|pod| meta::is_controlled_by(pod, job)) {
            let index: usize = index_of(pod).parse().unwrap_or(usize::MAX);
            if let Some(slot) = slots.get_mut(index).filter(|slot| slot.state == "none") {
                slot.state = state(pod).to_string();
            }
        }
        slots
    }
}

/// Returns a pod's number among its owner's; empty where it has none.
pub(super) fn index_of(pod: &Value) -> &str {
    match meta::annotation(pod, "batch.kubernetes.io/job-completion-index") {
        "" => meta::labels(pod)["apps.kubernetes.io/pod-index"].str(),
        index => index,
    }
}

/// Returns the claims that a pod mounts.
pub(super) fn claims_of(pod: &Value) -> Vec<String> {
    let volumes = pod["spec"]["volumes"].items().iter();
    let names = volumes.map(|volume| volume["persistentVolumeClaim"]["claimName"].str());
    names.filter(|name| !name.is_empty()).map(str::to_string).collect()
}

/// Returns what is the case with a place's pod.
fn state(pod: &Value) -> &'static str {
    let waits = |status: &Value| FAILING.contains(&status["state"]["waiting"]["reason"].str());
    match pod["status"]["phase"].str() {
        "Succeeded" => "done",
        "Failed" => "failed",
        _ if meta::is_deleting(pod) => "ending",
        _ if meta::is_condition_true(pod, "Ready") => "ready",
        _ if pod["status"]["containerStatuses"].items().iter().any(waits) => "failed",
        _ if pod["spec"]["nodeName"].str().is_empty() => "pending",
        _ => "starting",
    }
}

/// Returns whether ranges as a Job's status has them (`0-2,5`) hold an index.
fn holds(ranges: &str, index: i64) -> bool {
    ranges.split(',').any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let within = |first: i64, last: i64| (first..=last).contains(&index);
        first.parse().ok().zip(last.parse().ok()).is_some_and(|(first, last)| within(first, last))
    })
}

/// Returns an autoscaler's metrics as `current/target`, as kubectl's column TARGETS has them.
fn targets(autoscaler: &Value) -> String {
    let current = autoscaler["status"]["currentMetrics"].items();
    let specs = autoscaler["spec"]["metrics"].items().iter().enumerate();
    let texts: Vec<String> = specs
        .map(|(i, metric)| {
            let source = match metric["type"].str() {
                "ContainerResource" => "containerResource",
                "Pods" => "pods",
                "Object" => "object",
                "External" => "external",
                _ => "resource",
            };
            let (spec, now) = (&metric[source], current.get(i).map(|metric| &metric[source]["current"]));
            let name = match spec["name"].str() {
                "" => spec["metric"]["name"].str(),
                name => name,
            };
            let value = |of: &Value| match of["averageUtilization"].as_int() {
                Some(percent) => format!("{percent}%"),
                None => [&of["averageValue"], &of["value"]].iter().map(|value| value.str()).collect(),
            };
            let now =
                now.map(value).filter(|text| !text.is_empty()).unwrap_or_else(|| "<unknown>".to_string());
            format!("{name} {now}/{}", value(&spec["target"]))
        })
        .collect();
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_read_from_ranges() {
        for (ranges, index, held) in [
            ("0-2,5", 1, true),
            ("0-2,5", 5, true),
            ("0-2,5", 4, false),
            ("", 0, false),
            ("3", 3, true),
            ("x-y", 0, false),
        ] {
            assert_eq!(holds(ranges, index), held, "{ranges} {index}");
        }
    }

    #[test]
    fn targets_read_as_kubectl_prints_them() {
        let text = r#"{"spec": {"metrics": [
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}},
            {"type": "Pods", "pods": {"metric": {"name": "hits"}, "target": {"averageValue": "10"}}}
        ]}, "status": {"currentMetrics": [
            {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 90, "averageValue": "45m"}}}
        ]}}"#;
        let autoscaler = Value::from_json(text).expect("it is JSON");
        assert_eq!(targets(&autoscaler), "cpu 90%/50%, hits <unknown>/10");
    }

    #[test]
    fn places_tell_what_their_pods_are() {
        for (text, wanted) in [
            (r#"{"status": {"phase": "Succeeded"}}"#, "done"),
            (r#"{"status": {"phase": "Failed"}}"#, "failed"),
            (
                r#"{"metadata": {"deletionTimestamp": "2026-01-05T09:00:00Z"}, "status": {"phase": "Running"}}"#,
                "ending",
            ),
            (
                r#"{"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}"#,
                "ready",
            ),
            (
                r#"{"spec": {"nodeName": "n"}, "status": {"containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}}"#,
                "failed",
            ),
            (r#"{"status": {"phase": "Pending"}}"#, "pending"),
            (r#"{"spec": {"nodeName": "n"}, "status": {"phase": "Pending"}}"#, "starting"),
        ] {
            assert_eq!(state(&Value::from_json(text).expect("it is JSON")), wanted, "{text}");
        }
    }
}
