use crate::admit::amount;
use crate::disk::over_limit;
use crate::kubelet::Kubelet;
use crate::net::PodNetwork;
use crate::shared::Turn;
use crate::stats::SYSTEM;
use crate::worker::{PodFailure, PodWorker, Stage, Termination};
use api::quantity::{Format, Quantity};
use api::{Value, tree};
use client::Cx;
use sim::{MINUTE, Nanos, Time};
use std::rc::Rc;

/// With less memory than this, pods are evicted, in bytes.
const THRESHOLD: i64 = 100 << 20;
/// Why a pod is over that was evicted.
pub(crate) const EVICTED: &str = "Evicted";
/// For how long a node is said to lack memory after it did.
pub(crate) const TRANSITION: Nanos = 5 * MINUTE;
/// Pods of this priority and above are critical (`system-cluster-critical`).
pub(crate) const CRITICAL: i64 = 2_000_000_000;

/// Whom to evict: those first that take more than they asked for, then by priority, then by how much more.
type Rank = (bool, i64, i64);

impl Kubelet {
    /// Evicts a pod where the machine has too little memory left. At most one each time it looks.
    // Models pkg/kubelet/eviction/eviction_manager.go synchronize
    pub(crate) fn check_memory(&mut self, cx: &mut Cx, net: &mut dyn PodNetwork) {
        let now = cx.now;
        let config = self.shared.config.clone();
        if !config.tells_events() {
            return;
        }
        let taken = match self.workers.tally(now).memory {
            Some(pods) => SYSTEM.1.saturating_add(pods),
            None => self.memory_taken(now),
        };
        let available = self.shared.capacity.memory - taken;
        if available >= THRESHOLD {
            if self.agent.pressure_until.is_some_and(|until| until <= now) {
                self.agent.pressure_until = None;
                self.agent.status_at = now;
            }
            return;
        }
        // One that was evicted is waited for.
        let goes = |worker: &PodWorker| {
            worker.termination.is_some() && worker.containers.iter().any(|container| container.is_running())
        };
        if self.workers.iter().any(goes) {
            return;
        }
        let is_new = self.agent.pressure_until.is_none();
        self.agent.pressure_until = Some(now + TRANSITION);
        let name = config.name.as_str();
        let reference = tree!({"kind": "Node", "name": name, "uid": name});
        let recorder = &mut self.shared.recorder;
        recorder.event_about(
            cx,
            &reference,
            "Warning",
            "EvictionThresholdMet",
            "Attempting to reclaim memory",
        );
        if is_new {
            self.agent.status_at = now;
            let message = format!("Node {name} status is now: NodeHasInsufficientMemory");
            recorder.event_about(cx, &reference, "Normal", "NodeHasInsufficientMemory", &message);
        }
        let victim = self.workers.iter().filter_map(|worker| Some((rank(worker, now)?, worker.uid.clone())));
        let Some((_, uid)) = victim.min_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(&b.1))) else { return };
        self.with_worker(&uid, cx, net, |worker, turn| {
            let message = message(worker, now, available);
            evict(worker, turn, message);
        });
    }

    /// Evicts the pods that have written more on the node than they may.
    // Models pkg/kubelet/eviction/eviction_manager.go localStorageEviction
    pub(crate) fn check_volumes(&mut self, cx: &mut Cx, net: &mut dyn PodNetwork) {
        if !self.shared.config.tells_events() || !self.workers.tally(cx.now).is_limited {
            return;
        }
        let full = self.workers.iter().filter(|worker| {
            worker.local.is_limited()
                && worker.stage == Stage::Up
                && worker.termination.is_none()
                && !worker.is_critical()
        });
        let full = full.filter_map(|worker| Some((worker.uid.clone(), over_limit(worker)?)));
        for (uid, message) in full.collect::<Vec<(Rc<str>, String)>>() {
            self.with_worker(&uid, cx, net, |worker, turn| evict(worker, turn, message.as_str().into()));
        }
    }
}

/// Ends a pod for good, at once.
// Models pkg/kubelet/eviction/eviction_manager.go evictPod
fn evict(worker: &mut PodWorker, turn: &mut Turn, message: Rc<str>) {
    let now = turn.cx.now;
    let reference = worker.reference(None);
    turn.event(&reference, "Warning", EVICTED, &message);
    let failure = PodFailure { reason: EVICTED, message, at: now };
    worker.termination = Some(Termination { grace: 0, forgotten: false, failure: Some(failure) });
    worker.due = now;
}

impl PodWorker {
    /// Returns whether no pressure evicts it.
    // Models pkg/kubelet/types/pod_update.go IsCriticalPod
    pub(crate) fn is_critical(&self) -> bool {
        self.is_static() || self.pod["spec"]["priority"].int() >= CRITICAL
    }
}

/// Returns a pod's place among those to be evicted; `None` for one that stays.
// Models pkg/kubelet/eviction/helpers.go rankMemoryPressure
fn rank(worker: &PodWorker, now: Time) -> Option<Rank> {
    let priority = worker.pod["spec"]["priority"].int();
    if worker.stage != Stage::Up || worker.termination.is_some() || worker.is_critical() {
        return None;
    }
    let used = worker.containers.iter().filter(|container| container.is_running());
    let used: i64 = used.map(|container| container.memory(now)).sum();
    let over = used - worker.asks.amounts.get("memory").copied().unwrap_or(0);
    Some((over <= 0, priority, -over))
}

/// Tells why a pod goes.
// Models pkg/kubelet/eviction/helpers.go evictionMessage
fn message(worker: &PodWorker, now: Time, available: i64) -> Rc<str> {
    let written = |bytes: i64| Quantity::new(bytes, Format::BinarySi).to_string();
    let available = written(available.max(0) / 1_024 * 1_024);
    let mut text = format!(
        "The node was low on resource: memory. Threshold quantity: {}, available: {available}. ",
        written(THRESHOLD)
    );
    for container in worker.containers.iter().filter(|container| container.is_running()) {
        let request = &container.spec["resources"]["requests"]["memory"];
        let (used, asked) = (container.memory(now), amount("memory", request));
        if used > asked {
            let asked = if request.is_null() { "0".into() } else { Value::text(request) };
            let (name, used) = (&container.name, written(used / 1_024 * 1_024));
            text += &format!(
                "Container {name} was using {used}, request is {asked}, has larger consumption of memory. "
            );
        }
    }
    text.into()
}
