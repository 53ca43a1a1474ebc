use crate::jobs::{Finish, Purpose};
use crate::shared::Turn;
use crate::worker::PodWorker;
use sim::{HOUR, Nanos, SECOND};

impl PodWorker {
    /// Runs a container's postStart hook, and lets its probes begin.
    pub(crate) fn after_start(&mut self, turn: &mut Turn, i: usize) {
        self.start_probes(turn, i);
        let Some(container) = self.containers.get_mut(i) else { return };
        let handler = container.spec["lifecycle"]["postStart"].clone();
        if handler.is_null() || turn.is_bare() {
            return;
        }
        container.hooking = true;
        if self.begin_job(turn, i, &handler, Purpose::PostStart, HOUR).is_none() {
            self.post_started(turn, i, Finish::Well);
        }
    }

    /// Takes what came of a postStart hook: where it failed, the container is ended.
    pub(crate) fn post_started(&mut self, turn: &mut Turn, i: usize, finish: Finish) {
        let Some(container) = self.containers.get_mut(i) else { return };
        container.hooking = false;
        if finish != Finish::Well {
            self.tell(turn, i, "Warning", "FailedPostStartHook", "PostStartHook failed");
            let grace = self.pod["spec"]["terminationGracePeriodSeconds"].as_int().unwrap_or(30);
            self.kill(turn, i, grace.clamp(0, 86_400) * SECOND, "FailedPostStartHook");
        }
        self.touch(turn);
    }

    /// Begins a container's preStop hook. Returns whether there is one to wait for.
    // Models pkg/kubelet/kuberuntime/kuberuntime_container.go executePreStopHook
    pub(crate) fn pre_stop(&mut self, turn: &mut Turn, i: usize, grace: Nanos) -> bool {
        let Some(container) = self.containers.get(i) else { return false };
        let handler = container.spec["lifecycle"]["preStop"].clone();
        if handler.is_null() || grace <= 0 || turn.is_bare() {
            return false;
        }
        self.begin_job(turn, i, &handler, Purpose::PreStop, grace).is_some()
    }

    /// Takes what came of a preStop hook: SIGTERM follows either way.
    pub(crate) fn pre_stopped(&mut self, turn: &mut Turn, i: usize, finish: Finish) {
        if finish != Finish::Well {
            self.tell(turn, i, "Warning", "FailedPreStopHook", "PreStopHook failed");
        }
        let now = turn.cx.now;
        let kill = self.containers.get_mut(i).and_then(|container| container.kill.as_mut());
        if let Some(kill) = kill.filter(|kill| kill.hook_until.is_some()) {
            kill.hook_until = Some(now);
        }
    }
}
