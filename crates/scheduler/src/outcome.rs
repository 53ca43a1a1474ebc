//! What follows from a decision: the binding, the events, the conditions, and the room made for others.

use crate::pod_info::PodInfo;
use crate::preemption::Candidate;
use crate::queue::Queued;
use crate::scheduler::{Scheduler, scheduler_name};
use api::resources::PODS;
use api::{PatchType, Value, meta, tree};
use client::{Cx, Failure};
use std::rc::Rc;

/// The longest text that an event may carry.
const MAX_NOTE: usize = 1_024;

impl Scheduler {
    /// Binds a pod to a node and tells of it.
    ///
    /// # Errors
    /// What the API server refused.
    pub(crate) fn bind(&mut self, cx: &mut Cx, info: &PodInfo, node: &str) -> Result<(), Failure> {
        let (namespace, name) = meta::split_key(&info.key);
        let binding = tree!({
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace, "uid": (meta::uid(&info.pod))},
            "target": {"kind": "Node", "name": node},
        });
        cx.post(PODS, (namespace, name), "binding", &binding)?;
        let note = format!("Successfully assigned {namespace}/{name} to {node}");
        self.events.event(cx, &info.pod, ["Normal", "Scheduled", "Binding"], &note);
        Ok(())
    }

    /// Takes back a pod that could not be bound.
    pub(crate) fn binding_failed(&mut self, cx: &mut Cx, queued: Queued, failure: &Failure) {
        let info = queued.info.clone();
        if failure.is_not_found() || failure.is_conflict() {
            // It is gone, or bound already: the watch will tell. Should it not, it is tried again.
        } else {
            let message = format!("running Bind plugin \"DefaultBinder\": {failure}");
            cx.in_background(|cx| self.tell_failure(cx, &info, "SchedulerError", &message, None));
        }
        self.queue.add_failed(cx.at(), queued);
    }

    /// Tells why a pod waits, in an event and in its condition.
    // Models pkg/scheduler/schedule_one.go handleSchedulingFailure
    pub(crate) fn tell_failure(
        &mut self,
        cx: &mut Cx,
        info: &PodInfo,
        reason: &str,
        message: &str,
        nominated: Option<&str>,
    ) {
        let mut note = message.to_string();
        if note.len() > MAX_NOTE {
            note.truncate(note.floor_char_boundary(MAX_NOTE - 4));
            note.push_str(" ...");
        }
        self.events.event(cx, &info.pod, ["Warning", "FailedScheduling", "Scheduling"], &note);
        let known = meta::condition(&info.pod, "PodScheduled").cloned().unwrap_or_default();
        let mut condition = tree!({
            "type": "PodScheduled",
            "status": "False",
            "reason": reason,
            "message": message,
            "lastProbeTime": null,
        });
        if meta::generation(&info.pod) != 0 {
            condition.set(&["observedGeneration"], meta::generation(&info.pod));
        }
        let is_known = ["status", "reason", "message"].iter().all(|field| known[*field] == condition[*field]);
        if is_known && nominated.is_none() {
            return;
        }
        if known["status"] != condition["status"] {
            condition.set(&["lastTransitionTime"], cx.at().rfc3339());
        }
        let mut patch = tree!({"status": {"conditions": [(condition)]}});
        if let Some(node) = nominated {
            patch.set(&["status", "nominatedNodeName"], node);
        }
        let name = meta::split_key(&info.key);
        let _ = cx.patch(PODS, name, "status", PatchType::StrategicMerge, &patch); // the next attempt tells it again
    }

    /// Deletes the victims on the node where a pod is to have room.
    // Models pkg/scheduler/framework/preemption/executor.go prepareCandidate
    pub(crate) fn make_room(&mut self, cx: &mut Cx, info: &PodInfo, candidate: &Candidate) {
        let less = self.nominated.on(&candidate.node).filter(|pod| pod.priority < info.priority);
        let freed: Vec<Rc<str>> = less.map(|pod| pod.key.clone()).collect();
        for key in freed {
            self.nominated.remove(&key);
            let patch = tree!({"status": {"nominatedNodeName": null}});
            let name = meta::split_key(&key);
            let _ = cx.patch(PODS, name, "status", PatchType::Merge, &patch); // it is told again when it is tried
        }
        cx.parallel(&candidate.victims, |cx, victim| {
            let name = meta::split_key(&victim.key);
            let condition = tree!({
                "type": "DisruptionTarget",
                "status": "True",
                "reason": "PreemptionByScheduler",
                "message": (format!("{}: preempting to accommodate a higher priority pod", scheduler_name(&info.pod))),
                "lastTransitionTime": (cx.at().rfc3339()),
            });
            let patch = tree!({"status": {"conditions": [(condition)]}});
            let gone = cx
                .patch(PODS, name, "status", PatchType::StrategicMerge, &patch)
                .and_then(|_| cx.delete(PODS, name.0, name.1, Value::Null));
            if gone.is_ok() {
                let note = format!("Preempted by pod {} on node {}", meta::uid(&info.pod), candidate.node);
                self.events.event(cx, &victim.pod, ["Normal", "Preempted", "Preempting"], &note);
            }
        });
    }
}
