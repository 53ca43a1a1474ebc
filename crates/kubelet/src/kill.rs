use crate::container::{Kill, Kind, Phase};
use crate::cri::Signal;
use crate::shared::Turn;
use crate::worker::{PodWorker, Stage};
use sim::{Nanos, SECOND, Time};

/// A container has at least this long after its preStop hook, or after others that it waits for.
const LEAST_GRACE: Nanos = 2 * SECOND;

impl PodWorker {
    /// Ends the pod's containers, then its sandbox.
    // Models pkg/kubelet/kubelet.go SyncTerminatingPod, SyncTerminatedPod
    pub(crate) fn sync_terminating(&mut self, turn: &mut Turn) -> bool {
        let now = turn.cx.now;
        match self.stage {
            Stage::Gone | Stage::Rejected { .. } => {
                if api::meta::is_deleting(&self.pod) && !self.deleted && self.report_at.is_none() {
                    self.report_at = Some(now);
                    return true;
                }
                false
            }
            Stage::New | Stage::Mounting { .. } | Stage::Sandbox { .. } => {
                self.stage = Stage::Gone;
                self.touch(turn);
                true
            }
            Stage::Stopping { until } if until <= now => {
                self.tear_down(turn);
                self.stage = Stage::Gone;
                self.touch(turn);
                true
            }
            Stage::Stopping { .. } => false,
            Stage::Up => self.stop_containers(turn),
        }
    }

    fn stop_containers(&mut self, turn: &mut Turn) -> bool {
        let now = turn.cx.now;
        let grace = self.termination.as_ref().map_or(0, |termination| termination.grace);
        let moved = self.stop_all(turn, grace);
        if self.containers.iter().all(|container| container.phase == Phase::Idle) {
            self.look_at = Time::NEVER;
            let takes = self.draw(turn, turn.cx.timing.sandbox, "stop") / 2;
            self.stage = Stage::Stopping { until: now + takes };
            return true;
        }
        self.look_at = Time::NEVER;
        moved
    }

    /// Begins to stop all containers: the regular ones, then the sidecars in reverse order, each of which gets SIGTERM
    /// once its turn comes.
    // Models pkg/kubelet/kuberuntime/kuberuntime_container.go killContainersWithSyncResult
    pub(crate) fn stop_all(&mut self, turn: &mut Turn, grace: Nanos) -> bool {
        let mut moved = false;
        let is_sidecar =
            |i: &usize| self.containers.get(*i).is_some_and(|container| container.kind == Kind::Sidecar);
        let (last, first): (Vec<usize>, Vec<usize>) = (0..self.containers.len()).partition(is_sidecar);
        for i in first.into_iter().chain(last.into_iter().rev()) {
            let Some(container) = self.containers.get_mut(i) else { break };
            if matches!(container.phase, Phase::Pulling { .. } | Phase::Starting { .. }) {
                container.phase = Phase::Idle;
                moved = true;
            }
            if container.is_running() && container.kill.is_none() {
                let message = format!("Stopping container {}", container.name);
                self.kill(turn, i, grace, &message);
                moved = true;
            }
            // What is being stopped for another reason takes its turn, too, where it wasn't asked yet.
            if let Some(kill) = self.containers.get_mut(i).and_then(|container| container.kill.as_mut()) {
                kill.in_turn = true;
            }
        }
        moved
    }

    /// Returns whether a sidecar's turn to end hasn't come: a regular container or a later sidecar runs.
    // Models pkg/kubelet/kuberuntime/kuberuntime_termination_order.go newTerminationOrdering
    fn awaits_others(&self, i: usize) -> bool {
        let is_sidecar = self.containers.get(i).is_some_and(|container| container.kind == Kind::Sidecar);
        is_sidecar
            && self.containers.iter().enumerate().any(|(j, other)| {
                other.is_running() && (other.kind == Kind::Regular || other.kind == Kind::Sidecar && j > i)
            })
    }

    /// Begins to stop a container: its preStop hook first, then SIGTERM, then SIGKILL.
    // Models pkg/kubelet/kuberuntime/kuberuntime_container.go killContainer
    pub(crate) fn kill(&mut self, turn: &mut Turn, i: usize, grace: Nanos, message: &str) {
        let now = turn.cx.now;
        self.tell(turn, i, "Normal", "Killing", message);
        let hook = self.pre_stop(turn, i, grace);
        let Some(container) = self.containers.get_mut(i) else { return };
        let hook_until = hook.then_some(now + grace);
        container.kill =
            Some(Kill { hook_until, in_turn: false, waited: false, asked: false, deadline: now + grace });
    }

    /// Goes on with stopping a container.
    pub(crate) fn run_kill(&mut self, turn: &mut Turn, i: usize) -> bool {
        let now = turn.cx.now;
        let waits = self.awaits_others(i);
        let Some(container) = self.containers.get_mut(i) else { return false };
        let Some(kill) = &mut container.kill else { return false };
        if kill.hook_until.is_some_and(|until| until > now) {
            return false;
        }
        let ended_hook = kill.hook_until.take().is_some();
        if ended_hook {
            // What the hook has used is gone, but for the least grace.
            kill.deadline = kill.deadline.max(now + LEAST_GRACE);
        }
        if !kill.asked {
            if kill.in_turn && waits && kill.deadline > now {
                kill.waited = true;
                return ended_hook;
            }
            if kill.waited {
                kill.deadline = kill.deadline.max(now + LEAST_GRACE);
            }
            kill.asked = true;
            self.signal(turn, i, Signal::Term);
            return true;
        }
        if kill.deadline <= now {
            kill.deadline = Time::NEVER;
            self.signal(turn, i, Signal::Kill);
            return true;
        }
        ended_hook
    }
}
