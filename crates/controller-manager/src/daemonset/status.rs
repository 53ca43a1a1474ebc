use super::sync::is_updated;
use super::{NodePods, node};
use crate::pod;
use api::resources::DAEMONSETS;
use api::{Map, Value, meta};
use client::{Cx, Failure};
use sim::{Nanos, Time};

/// Writes the status, as of a generation, unless it is as it was; returns after which time the next pod becomes
/// available.
///
/// # Errors
/// What the API server refused.
// Models pkg/controller/daemon/daemon_controller.go updateDaemonSetStatus
pub(super) fn update(
    cx: &mut Cx,
    ds: &Value,
    nodes: &[Value],
    pods: &NodePods,
    hash: &str,
    generation: i64,
) -> Result<Option<Nanos>, Failure> {
    let status = calculate(cx.at(), ds, nodes, pods, hash, generation);
    if status != ds["status"] {
        let mut wanted = ds.clone();
        wanted.set(&["status"], &status);
        if let Err(failure) = cx.update(DAEMONSETS, &wanted, "status") {
            if !failure.is_conflict() {
                return Err(failure);
            }
            let mut fresh = cx.get(DAEMONSETS, meta::namespace(ds), meta::name(ds))?;
            fresh.set(&["status"], &status);
            cx.update(DAEMONSETS, &fresh, "status")?;
        }
    }
    let min_ready = ds["spec"]["minReadySeconds"].int();
    if min_ready == 0 {
        return Ok(None);
    }
    let left = pods.values().flatten().filter_map(|pod| pod::available_in(pod, min_ready, cx.at()));
    Ok(left.filter(|after| *after > 0).min())
}

fn calculate(now: Time, ds: &Value, nodes: &[Value], pods: &NodePods, hash: &str, generation: i64) -> Value {
    let min_ready = ds["spec"]["minReadySeconds"].int();
    let [mut desired, mut current, mut misscheduled, mut ready, mut available, mut updated] = [0_i64; 6];
    for node in nodes {
        let oldest =
            pods.get(meta::name(node)).and_then(|pods| pods.iter().min_by_key(|pod| meta::created(pod)));
        if !node::should_run(ds, node).0 {
            misscheduled += i64::from(oldest.is_some());
            continue;
        }
        desired += 1;
        let Some(pod) = oldest else { continue };
        current += 1;
        ready += i64::from(pod::is_ready(pod));
        available += i64::from(pod::is_available(pod, min_ready, now));
        updated += i64::from(is_updated(ds, pod, hash));
    }
    let mut status = Map::new();
    for (field, number) in [
        ("currentNumberScheduled", current),
        ("numberMisscheduled", misscheduled),
        ("desiredNumberScheduled", desired),
        ("numberReady", ready),
    ] {
        status.insert(field, number);
    }
    for (field, number) in [
        ("observedGeneration", generation),
        ("updatedNumberScheduled", updated),
        ("numberAvailable", available),
        ("numberUnavailable", desired - available),
    ] {
        if number != 0 {
            status.insert(field, number);
        }
    }
    for field in ["collisionCount", "conditions"] {
        if !ds["status"][field].is_null() {
            status.insert(field, &ds["status"][field]);
        }
    }
    status.into()
}
