//! In-place resizes: what a pod's containers ask for changes while it runs, where its node has room for that.
// Models pkg/kubelet/allocation/allocation_manager.go, handlers.go, pkg/kubelet/events/pod_resize.go

use crate::admit::{Asks, allocatable, short_of};
use crate::kubelet::Kubelet;
use crate::shared::Turn;
use crate::worker::PodWorker;
use api::{Value, meta, tree};
use sim::{MINUTE, Nanos, SECOND, Time};
use std::rc::Rc;

/// After how long one that was put off is looked at again, though nothing has happened.
const RETRY: Nanos = 3 * MINUTE;
/// After how long the kubelet has seen that the runtime did it.
const SEEN: Nanos = SECOND;

/// The conditions that tell of a resize, as long as there is something to tell.
pub(crate) const CONDITIONS: [&str; 2] = ["PodResizePending", "PodResizeInProgress"];

/// Why a resize can't be: never on this node, or not now.
const INFEASIBLE: &str = "Infeasible";
const DEFERRED: &str = "Deferred";

/// How a pod's resize stands.
#[derive(Clone, Debug)]
pub(crate) struct Resize {
    /// Why what is asked for wasn't given.
    pending: Option<Pending>,
    /// What was given, and isn't seen to be in effect yet.
    progress: Option<Progress>,
    /// When what is asked for is compared with what was given; [`Time::NEVER`] where both are the same.
    pub at: Time,
}

#[derive(Clone, Debug)]
struct Pending {
    reason: &'static str,
    message: String,
    generation: i64,
    since: Time,
    looked_at: Time,
}

#[derive(Clone, Debug)]
struct Progress {
    generation: i64,
    since: Time,
    /// When it is looked at again.
    at: Time,
}

impl Default for Resize {
    fn default() -> Resize {
        Resize { pending: None, progress: None, at: Time::NEVER }
    }
}

impl Resize {
    /// Returns when there is something to do.
    pub(crate) fn next_at(&self) -> Time {
        self.at.min(self.progress.as_ref().map_or(Time::NEVER, |progress| progress.at))
    }

    /// Returns whether something was put off that a pod asks for no longer.
    pub(crate) fn is_of_before(&self, pod: &Value) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.generation != meta::generation(pod))
    }

    /// Returns the conditions by which a pod's status tells of it.
    // Models pkg/kubelet/status/status_manager.go GetPodResizeConditions
    pub(crate) fn conditions(&self) -> Vec<Value> {
        let condition = |kind: &str, generation: i64, since: Time, probed: Time| {
            tree!({
                "type": kind, "status": "True", "lastProbeTime": (probed.rfc3339()),
                "lastTransitionTime": (since.rfc3339()), "observedGeneration": generation,
            })
        };
        let pending = self.pending.as_ref().map(|pending| {
            let mut told = condition(CONDITIONS[0], pending.generation, pending.since, pending.looked_at);
            told.set(&["reason"], pending.reason);
            told.set(&["message"], &pending.message);
            told
        });
        let progress = self
            .progress
            .as_ref()
            .map(|progress| condition(CONDITIONS[1], progress.generation, progress.since, progress.since));
        pending.into_iter().chain(progress).collect()
    }
}

impl PodWorker {
    /// Compares what the containers ask for now with what they were given.
    pub(crate) fn sync_resize(&mut self, turn: &mut Turn) {
        let now = turn.cx.now;
        if self.termination.is_some() || !self.takes_room() {
            self.resize = Resize::default();
            return;
        }
        if self.resize.at <= now {
            self.resize.at = Time::NEVER;
            let pending = self.resize.pending.take();
            let told = pending.as_ref().map(|pending| (pending.reason, pending.message.clone()));
            match self.refusal(turn) {
                None => self.give(turn),
                Some((reason, message)) => self.put_off(turn, pending, reason, message),
            }
            let tells = self.resize.pending.as_ref().map(|pending| (pending.reason, pending.message.clone()));
            if told != tells {
                self.touch(turn);
            }
        }
        if self.resize.progress.as_ref().is_some_and(|progress| progress.at <= now) {
            self.look_for_end(turn);
        }
    }

    /// Returns why what is asked for can't be given: `Infeasible` or `Deferred`, and upstream's words.
    // Models pkg/kubelet/allocation/allocation_manager.go canAdmitPod, handlers.go podResizesAdmitHandler
    fn refusal(&self, turn: &Turn) -> Option<(&'static str, String)> {
        let asks = Asks::of(&self.pod);
        let beyond = ["memory", "cpu"].into_iter().find_map(|name| {
            let (asked, capacity) =
                (asks.amounts.get(name).copied().unwrap_or(0), allocatable(turn.shared, name));
            (asked > capacity).then(|| format!("{name}, requested: {asked}, capacity: {capacity}"))
        });
        if let Some(beyond) = beyond {
            return Some((INFEASIBLE, format!("Node didn't have enough capacity: {beyond}")));
        }
        short_of(turn.shared, &asks).map(|(_, words)| (DEFERRED, words))
    }

    fn put_off(&mut self, turn: &mut Turn, before: Option<Pending>, reason: &'static str, message: String) {
        let (now, generation) = (turn.cx.now, meta::generation(&self.pod));
        let is_known = before.as_ref().is_some_and(|before| {
            (before.reason, &before.message, before.generation) == (reason, &message, generation)
        });
        if !is_known {
            let summary = self.summary(&message);
            let kind = if reason == INFEASIBLE { "ResizeInfeasible" } else { "ResizeDeferred" };
            let reference = self.reference(None);
            turn.event(&reference, "Warning", kind, &format!("Pod resize {reason}: {summary}"));
        }
        let since = before.filter(|before| before.reason == reason).map_or(now, |before| before.since);
        if reason == DEFERRED {
            self.resize.at = now + RETRY;
        }
        self.resize.pending = Some(Pending { reason, message, generation, since, looked_at: now });
    }

    /// Gives the containers what they ask for.
    // Models pkg/kubelet/allocation/allocation_manager.go handlePodResourcesResize
    fn give(&mut self, turn: &mut Turn) {
        let (now, most) = (turn.cx.now, turn.shared.capacity.cpu_milli);
        let mut given = false;
        let spec = self.pod["spec"].clone();
        for wanted in spec["initContainers"].items().iter().chain(spec["containers"].items()) {
            let known = self.containers.iter_mut().find(|known| *known.name == *wanted["name"].str());
            let Some(known) = known.filter(|known| known.spec["resources"] != wanted["resources"]) else {
                continue;
            };
            let before = known.spec["resources"].clone();
            known.spec.set(&["resources"], &wanted["resources"]);
            if known.is_running() {
                known.changed |= known.resize(now, &before, most);
            }
            given = true;
        }
        if !given {
            return;
        }
        self.asks = Rc::new(Asks::of(&self.pod));
        let at = if turn.is_bare() { now } else { now + SEEN };
        self.resize.progress = Some(Progress { generation: meta::generation(&self.pod), since: now, at });
        let (reference, summary) = (self.reference(None), self.summary(""));
        turn.event(&reference, "Normal", "ResizeStarted", &format!("Pod resize started: {summary}"));
        self.look_at = now;
        self.touch(turn);
    }

    /// Says that a resize is over, once no container waits for another process because of it.
    fn look_for_end(&mut self, turn: &mut Turn) {
        let waits = self.containers.iter().any(|container| container.changed);
        if let Some(progress) = self.resize.progress.as_mut().filter(|_| waits) {
            progress.at = turn.cx.now + SEEN;
            return;
        }
        self.resize.progress = None;
        let (reference, summary) = (self.reference(None), self.summary(""));
        turn.event(&reference, "Normal", "ResizeCompleted", &format!("Pod resize completed: {summary}"));
        self.touch(turn);
    }

    /// Tells what the containers ask for, as events do.
    // Models pkg/kubelet/events/pod_resize.go makeResourceSummaryFromSpec
    fn summary(&self, error: &str) -> String {
        let mut summary = String::from("{");
        for list in ["initContainers", "containers"] {
            let containers = self.pod["spec"][list].items().iter();
            let told = containers.map(|container| {
                let mut resources = Value::map();
                for field in ["limits", "requests", "claims"] {
                    if !container["resources"][field].is_empty() {
                        resources.set(&[field], &container["resources"][field]);
                    }
                }
                tree!({"name": (&container["name"]), "resources": (resources)})
            });
            let told: Vec<Value> = told.collect();
            if !told.is_empty() {
                summary.push_str(&format!("\"{list}\":{},", Value::from(told).to_json()));
            }
        }
        summary.push_str(&format!("\"generation\":{}", meta::generation(&self.pod)));
        if !error.is_empty() {
            summary.push_str(&format!(",\"error\":{}", Value::from(error).to_json()));
        }
        summary + "}"
    }
}

impl Kubelet {
    /// Looks again at the resizes that wait for room, where a pod takes less than before.
    pub(crate) fn retry_resizes(&mut self, now: Time) {
        let is_deferred =
            |worker: &&PodWorker| worker.resize.pending.as_ref().is_some_and(|one| one.reason == DEFERRED);
        let waiting: Vec<Rc<str>> =
            self.workers.iter().filter(is_deferred).map(|worker| worker.uid.clone()).collect();
        for uid in waiting {
            self.workers.change(&uid, |worker| {
                worker.resize.at = now;
                worker.due = worker.due.min(now);
            });
        }
    }
}
