//! Pods.

use super::duration::{age, human};
use api::Value;
use sim::Time;

/// A pod's state as tables show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodStatus {
    /// STATUS: `Running`, `CrashLoopBackOff`, `Init:0/1`, `Terminating`.
    pub reason: String,
    /// How many containers are ready.
    pub ready: u32,
    /// How many containers there are, sidecars included.
    pub total: u32,
    /// How often containers were started anew.
    pub restarts: u32,
    /// When a container ended last, before it was started anew.
    pub last_restart: Option<Time>,
}

/// Returns a pod's state as its row in a table shows it at a moment.
// Models pkg/printers/internalversion/printers.go printPod
pub fn pod_status(pod: &Value, _now: Time) -> PodStatus {
    summarise(pod)
}

fn count(value: &Value) -> u32 {
    u32::try_from(value.int()).unwrap_or(0)
}

/// Returns a pod's cells.
// Models pkg/printers/internalversion/printers.go printPod
pub(crate) fn cells(pod: &Value, now: Time) -> Vec<Value> {
    let summary = summarise(pod);
    let restarts = match summary.last_restart {
        Some(last) if summary.restarts != 0 => format!("{} ({} ago)", summary.restarts, human(now - last)),
        _ => summary.restarts.to_string(),
    };
    let or_none =
        |value: &Value| -> Value { if value.str().is_empty() { "<none>".into() } else { value.clone() } };
    vec![
        super::name(pod),
        format!("{}/{}", summary.ready, summary.total).into(),
        summary.reason.into(),
        restarts.into(),
        age(now, pod),
        or_none(&pod["status"]["podIPs"][0]["ip"]),
        or_none(&pod["spec"]["nodeName"]),
        or_none(&pod["status"]["nominatedNodeName"]),
        readiness_gates(pod).into(),
    ]
}

fn is_sidecar(pod: &Value, name: &str) -> bool {
    let containers = pod["spec"]["initContainers"].items();
    containers.iter().any(|c| c["name"].str() == name && c["restartPolicy"].str() == "Always")
}

fn finished(status: &Value) -> Option<Time> {
    api::meta::time(&status["lastState"]["terminated"]["finishedAt"])
}

fn summarise(pod: &Value) -> PodStatus {
    let status = &pod["status"];
    let spec = &pod["spec"];
    let phase = status["phase"].str();
    let mut reason = phase.to_string();
    if !status["reason"].str().is_empty() {
        reason = status["reason"].str().to_string();
    }
    let gated = |c: &Value| c["type"].str() == "PodScheduled" && c["reason"].str() == "SchedulingGated";
    if status["conditions"].items().iter().any(gated) {
        reason = "SchedulingGated".to_string();
    }
    let sidecars = spec["initContainers"].items().iter().filter(|c| c["restartPolicy"].str() == "Always");
    let total = (spec["containers"].items().len() + sidecars.count()) as u32;
    let mut summary = PodStatus { reason, restarts: 0, ready: 0, total, last_restart: None };
    let (initializing, sidecar_restarts, sidecar_last) = add_init_containers(pod, &mut summary);
    let initialized = api::meta::is_condition_true(pod, "Initialized");
    if !initializing || initialized {
        summary.restarts = sidecar_restarts;
        summary.last_restart = sidecar_last;
        add_containers(pod, &mut summary);
    }
    if api::meta::is_deleting(pod) {
        if status["reason"].str() == "NodeLost" {
            summary.reason = "Unknown".to_string();
        } else if phase != "Succeeded" && phase != "Failed" {
            summary.reason = "Terminating".to_string();
        }
    }
    summary
}

/// Adds what the init containers tell. Returns whether they still work, and the sidecars' restarts.
fn add_init_containers(pod: &Value, summary: &mut PodStatus) -> (bool, u32, Option<Time>) {
    let (mut restarts, mut last) = (0, None);
    let all = pod["spec"]["initContainers"].items().len();
    for (i, container) in pod["status"]["initContainerStatuses"].items().iter().enumerate() {
        let sidecar = is_sidecar(pod, container["name"].str());
        summary.restarts += count(&container["restartCount"]);
        summary.last_restart = summary.last_restart.max(finished(container));
        if sidecar {
            restarts += count(&container["restartCount"]);
            last = last.max(finished(container));
        }
        let (terminated, waiting) = (&container["state"]["terminated"], &container["state"]["waiting"]);
        if !terminated.is_null() && terminated["exitCode"].int() == 0 {
            continue;
        }
        if sidecar && container["started"].is_true() {
            summary.ready += u32::from(container["ready"].is_true());
            continue;
        }
        let why = waiting["reason"].str();
        summary.reason = if !terminated.is_null() {
            format!("Init:{}", terminated_reason(terminated))
        } else if !why.is_empty() && why != "PodInitializing" {
            format!("Init:{why}")
        } else {
            format!("Init:{i}/{all}")
        };
        return (true, restarts, last);
    }
    (false, restarts, last)
}

fn terminated_reason(terminated: &Value) -> String {
    if !terminated["reason"].str().is_empty() {
        terminated["reason"].str().to_string()
    } else if terminated["signal"].int() != 0 {
        format!("Signal:{}", terminated["signal"].int())
    } else {
        format!("ExitCode:{}", terminated["exitCode"].int())
    }
}

fn add_containers(pod: &Value, summary: &mut PodStatus) {
    let mut running = false;
    for container in pod["status"]["containerStatuses"].items().iter().rev() {
        summary.restarts += count(&container["restartCount"]);
        summary.last_restart = summary.last_restart.max(finished(container));
        let state = &container["state"];
        if !state["waiting"]["reason"].str().is_empty() {
            summary.reason = state["waiting"]["reason"].str().to_string();
        } else if !state["terminated"].is_null() {
            summary.reason = terminated_reason(&state["terminated"]);
        } else if container["ready"].is_true() && !state["running"].is_null() {
            running = true;
            summary.ready += 1;
        }
    }
    if summary.reason == "Completed" && running {
        let ready = api::meta::is_condition_true(pod, "Ready");
        summary.reason = if ready { "Running" } else { "NotReady" }.to_string();
    }
}

fn readiness_gates(pod: &Value) -> String {
    let gates = pod["spec"]["readinessGates"].items();
    if gates.is_empty() {
        return "<none>".to_string();
    }
    let met = gates.iter().filter(|gate| api::meta::is_condition_true(pod, gate["conditionType"].str()));
    format!("{}/{}", met.count(), gates.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::tree;
    use sim::SECOND;

    fn row(pod: &Value) -> String {
        let cells = cells(pod, Time::EPOCH + 100 * SECOND);
        cells[1..4].iter().map(Value::str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn tells_a_pod_s_state_as_upstream() {
        let running = tree!({"running": {"startedAt": "x"}});
        let exited = |code: i64| tree!({"terminated": {"exitCode": code}});
        let one = tree!([{"name": "c"}]);
        let status = |state: &Value, ready: bool, restarts: i64| tree!([{"name": "c", "state": state, "ready": ready, "restartCount": restarts}]);
        let crash = tree!({"waiting": {"reason": "CrashLoopBackOff"}});
        let at = "2026-01-05T09:01:35Z";
        for (pod, text) in [
            (tree!({"spec": {"containers": (&one)}, "status": {"phase": "Pending"}}), "0/1 Pending 0"),
            (
                tree!({
                    "spec": {"containers": (&one)},
                    "status": {"phase": "Running", "containerStatuses": (status(&running, true, 0))},
                }),
                "1/1 Running 0",
            ),
            (
                tree!({
                    "metadata": {"deletionTimestamp": "x"},
                    "spec": {"containers": (&one)},
                    "status": {"phase": "Running", "containerStatuses": (status(&running, true, 0))},
                }),
                "1/1 Terminating 0",
            ),
            (
                tree!({
                    "spec": {"containers": (&one)},
                    "status": {"phase": "Running", "containerStatuses": [{
                        "name": "c", "state": (&crash), "ready": false, "restartCount": 2,
                        "lastState": {"terminated": {"finishedAt": at}},
                    }]},
                }),
                "0/1 CrashLoopBackOff 2 (5s ago)",
            ),
            (
                tree!({
                    "spec": {"containers": (&one)},
                    "status": {"phase": "Failed", "containerStatuses": (status(&exited(3), false, 0))},
                }),
                "0/1 ExitCode:3 0",
            ),
            (
                tree!({
                    "spec": {"containers": (&one), "initContainers": [{"name": "i"}, {"name": "j"}]},
                    "status": {"phase": "Pending", "initContainerStatuses": [
                        {"name": "i", "state": (exited(0)), "restartCount": 1},
                        {"name": "j", "state": {"waiting": {"reason": "PodInitializing"}}, "restartCount": 0},
                    ]},
                }),
                "0/1 Init:1/2 1",
            ),
            (
                tree!({
                    "spec": {"containers": (&one), "initContainers": [{"name": "i"}]},
                    "status": {"phase": "Pending", "initContainerStatuses": [
                        {"name": "i", "state": (exited(2)), "restartCount": 0},
                    ]},
                }),
                "0/1 Init:ExitCode:2 0",
            ),
            (
                tree!({
                    "spec": {"containers": (&one), "initContainers": [{"name": "s", "restartPolicy": "Always"}]},
                    "status": {
                        "phase": "Running",
                        "initContainerStatuses": [
                            {"name": "s", "state": (&running), "started": true, "ready": true, "restartCount": 1},
                        ],
                        "containerStatuses": (status(&running, true, 1)),
                    },
                }),
                "2/2 Running 2",
            ),
            (
                tree!({
                    "spec": {"containers": (&one)},
                    "status": {"phase": "Failed", "reason": "Evicted"},
                }),
                "0/1 Evicted 0",
            ),
        ] {
            assert_eq!(row(&pod), text);
        }
    }
}
