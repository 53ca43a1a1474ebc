//! Graceful shutdown of the node: its pods end before it does, those that the cluster needs last.
// Models pkg/kubelet/nodeshutdown/nodeshutdown_manager_linux.go, nodeshutdown_manager.go

use crate::eviction::CRITICAL;
use crate::kubelet::Kubelet;
use crate::shared::Turn;
use crate::worker::{PodFailure, PodWorker, Termination};
use api::tree;
use client::Cx;
use sim::{Nanos, SECOND, Time};

/// Why a pod is over that the shutdown has ended.
pub(crate) const TERMINATED: &str = "Terminated";
const MESSAGE: &str = "Pod was terminated in response to imminent node shutdown.";

/// How long a machine that is shut down waits for its pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownGrace {
    /// For all pods together (`shutdownGracePeriod`), in nanoseconds.
    pub all: Nanos,
    /// What of that is for critical pods (`shutdownGracePeriodCriticalPods`), in nanoseconds.
    pub critical: Nanos,
}

/// A shutdown that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    grace: ShutdownGrace,
    /// When critical pods are ended at the latest; [`Time::NEVER`] once they are.
    critical_at: Time,
    /// When it is looked at again.
    pub at: Time,
    until: Time,
}

impl Kubelet {
    /// Sets how long the machine waits for its pods when it is shut down; nothing for not at all, as kubeadm has it.
    pub fn set_shutdown_grace(&mut self, grace: ShutdownGrace) {
        self.shutdown_grace = grace;
    }

    /// Begins to shut the machine down. Returns whether it waits for its pods.
    pub fn shut_down(&mut self, cx: &mut Cx) -> bool {
        let (now, grace) = (cx.now, self.shutdown_grace);
        if grace.all <= 0 || self.stopped {
            return false;
        }
        if self.shutdown.is_none() {
            let critical_at = now + (grace.all - grace.critical).max(0);
            let shutdown = Shutdown { grace, critical_at, at: now, until: now + grace.all };
            self.shutdown = Some(shutdown);
            self.agent.is_shutting_down = true;
            self.shared.is_shutting_down = true;
            self.agent.status_at = now;
            let name = &self.shared.config.name;
            let reference = tree!({"kind": "Node", "name": name, "uid": name});
            let words = "Shutdown manager detected shutdown event";
            self.shared.recorder.event_about(cx, &reference, "Normal", "NodeShutdown", words);
        }
        true
    }

    /// Returns whether nothing keeps the machine from going off.
    pub fn is_shut_down(&self, now: Time) -> bool {
        let runs = self.workers.iter().any(|worker| worker.containers.iter().any(|one| one.is_running()));
        self.shutdown.as_ref().is_none_or(|shutdown| shutdown.until <= now) || !runs
    }

    /// Ends the pods whose turn it is.
    pub(crate) fn step_shutdown(&mut self, now: Time) {
        let Some(mut shutdown) = self.shutdown.take() else { return };
        let is_critical = |worker: &PodWorker| worker.pod["spec"]["priority"].int() >= CRITICAL;
        let others_run = self.workers.iter().any(|worker| {
            !is_critical(worker) && worker.containers.iter().any(|container| container.is_running())
        });
        let critical_too = shutdown.critical_at <= now || !others_run;
        let chosen: Vec<_> = self
            .workers
            .iter()
            .filter(|worker| worker.termination.is_none() && (critical_too || !is_critical(worker)))
            .map(|worker| (worker.uid.clone(), is_critical(worker)))
            .collect();
        for (uid, is_critical) in chosen {
            let most = if is_critical {
                shutdown.grace.critical
            } else {
                shutdown.grace.all - shutdown.grace.critical
            };
            self.workers.change(&uid, |worker| {
                let own = worker.pod["spec"]["terminationGracePeriodSeconds"].as_int().unwrap_or(30);
                let grace = (own.clamp(0, 86_400) * SECOND).min(most);
                let failure = PodFailure { reason: TERMINATED, message: MESSAGE.into(), at: now };
                worker.termination = Some(Termination { grace, forgotten: false, failure: Some(failure) });
                worker.due = now;
            });
        }
        if critical_too {
            shutdown.critical_at = Time::NEVER;
        }
        shutdown.at = now + SECOND;
        self.shutdown = Some(shutdown);
    }
}

impl PodWorker {
    /// Refuses a pod that comes while the node is being shut down.
    pub(crate) fn refuse_in_shutdown(&self, turn: &Turn) -> Result<(), (String, String)> {
        match turn.shared.is_shutting_down {
            true => Err(("NodeShutdown".into(), "Pod was rejected as the node is shutting down.".into())),
            false => Ok(()),
        }
    }
}
