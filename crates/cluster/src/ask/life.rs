//! A pod's life as a row of states with their reasons.

use crate::Cluster;
use ::view::LifeRow;
use api::{Value, meta};

/// The most rows that are told, the latest.
const MOST: usize = 40;

/// Returns what happened in a pod's life so far, the oldest first: from its object's times and its events.
pub(super) fn life(cluster: &Cluster, pod: &Value) -> Vec<LifeRow> {
    let mut rows: Vec<(u8, LifeRow)> = Vec::new();
    let moment = |value: &Value| meta::time(value).map(|at| cluster.view.moment(at));
    let mut add = |rank: u8, at: Option<i64>, state: &str, reason: &str, message: String, bad: bool| {
        if let Some(at) = at {
            rows.push((rank, LifeRow { at, state: state.into(), reason: reason.into(), message, bad }));
        }
    };
    let owner = meta::controller(pod).map(|owner| format!("{} {}", owner["kind"].str(), owner["name"].str()));
    let created = moment(&pod["metadata"]["creationTimestamp"]);
    add(0, created, "Pending", "Created", owner.unwrap_or_default(), false);
    if let Some(scheduled) = meta::condition(pod, "PodScheduled") {
        let at = moment(&scheduled["lastTransitionTime"]);
        match scheduled["status"].str() {
            "True" => {
                add(
                    1,
                    at,
                    "ContainerCreating",
                    "Scheduled",
                    pod["spec"]["nodeName"].str().to_string(),
                    false,
                );
            }
            _ => add(1, at, "", scheduled["reason"].str(), scheduled["message"].str().to_string(), true),
        }
    }
    let statuses = pod["status"]["initContainerStatuses"].items().iter();
    for status in statuses.chain(pod["status"]["containerStatuses"].items()) {
        let name = status["name"].str();
        for state in [&status["lastState"], &status["state"]] {
            let (running, ended) = (&state["running"], &state["terminated"]);
            let started = moment(&running["startedAt"]).or_else(|| moment(&ended["startedAt"]));
            add(4, started, "Running", "Started", name.to_string(), false);
            let code = ended["exitCode"].int();
            let message = format!("{name}, exit code {code}");
            let reason = ended["reason"].str();
            add(6, moment(&ended["finishedAt"]), reason, reason, message, code != 0);
        }
    }
    if let Some(ready) = meta::condition(pod, "Ready") {
        let at = moment(&ready["lastTransitionTime"]);
        let on_a_node = !pod["spec"]["nodeName"].str().is_empty();
        match ready["status"].str() {
            "True" => add(5, at, "Running", "Ready", String::new(), false),
            _ if on_a_node && at > created => {
                let reason = ready["reason"].str();
                let over = reason == "PodCompleted";
                add(
                    7,
                    at,
                    "",
                    if over { reason } else { "NotReady" },
                    ready["message"].str().to_string(),
                    !over,
                );
            }
            _ => {}
        }
    }
    if let Some(until) = moment(&pod["metadata"]["deletionTimestamp"]) {
        let seconds = pod["metadata"]["deletionGracePeriodSeconds"].int();
        let message = format!("SIGTERM; SIGKILL after {seconds} s at the latest");
        add(8, Some(until - seconds * 1_000_000), "Terminating", "Deleted", message, false);
    }
    rows.extend(events(cluster, pod));
    rows.sort_by_key(|(rank, row)| (row.at, *rank));
    let first = rows.len().saturating_sub(MOST);
    rows.into_iter().skip(first).map(|(_, row)| row).collect()
}

/// Returns the pod's events that its object doesn't tell by itself.
fn events(cluster: &Cluster, pod: &Value) -> Vec<(u8, LifeRow)> {
    let namespace = meta::namespace(pod);
    let range = ("events", format!("{namespace}/"))..("events", format!("{namespace}0"));
    let own = cluster.view.objects.range(range).map(|(_, event)| event).filter(|event| {
        let about = &event["involvedObject"];
        about["kind"].str() == "Pod" && about["uid"].str() == meta::uid(pod)
    });
    let waiting = pod["status"]["containerStatuses"].items().iter();
    let waits =
        waiting.map(|status| status["state"]["waiting"]["reason"].str()).find(|reason| !reason.is_empty());
    let waits = waits.unwrap_or("");
    let row = |event: &Value| {
        let reason = event["reason"].str();
        let rank = match reason {
            "Scheduled" | "Started" | "FailedScheduling" => return None,
            "Pulling" => 2,
            "Pulled" | "Created" => 3,
            _ => 6,
        };
        let first = [&event["firstTimestamp"], &event["eventTime"], &event["metadata"]["creationTimestamp"]];
        let at = cluster.view.moment(first.iter().find_map(|time| meta::time(time))?);
        let count = event["count"].as_int().unwrap_or(1);
        let message = match count {
            1 => event["message"].str().to_string(),
            _ => format!("{} (×{count})", event["message"].str()),
        };
        let bad = event["type"].str() == "Warning";
        let state = if reason == "BackOff" { waits.to_string() } else { String::new() };
        Some((rank, LifeRow { at, state, reason: reason.to_string(), message, bad }))
    };
    own.filter_map(row).collect()
}
