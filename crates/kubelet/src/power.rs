use crate::back_off::BackOff;
use crate::container::{Exit, Phase};
use crate::kubelet::Kubelet;
use crate::net::PodNetwork;
use crate::shared::{ProgramChange, Turn};
use crate::static_pods::StaticPods;
use crate::worker::{PodWorker, Stage};
use crate::workers::Workers;
use client::Cx;
use sim::Time;

impl Kubelet {
    /// Stops the machine: nothing on it runs any more, and nobody is told.
    pub fn stop(&mut self, now: Time) {
        self.stopped = true;
        self.shared.calls.clear();
        self.shutdown = None;
        self.shared.is_shutting_down = false;
        self.shared.images.reset();
        self.shared.drivers.clear();
        for uid in self.workers.uids() {
            let played = self.workers.change(&uid, |worker| worker.lose_power(now));
            if played == Some(true) {
                self.shared.programs.push(ProgramChange::Ended { uid });
            }
        }
    }

    /// Takes what has changed, since the last call, of the programs that the cluster plays.
    pub fn take_programs(&mut self) -> Vec<ProgramChange> {
        std::mem::take(&mut self.shared.programs)
    }

    /// Starts the machine again. Its pods begin anew once the first watch has brought its list: whoever
    /// carries the watches must list all of them again.
    pub fn start(&mut self, cx: &mut Cx, net: &mut dyn PodNetwork) {
        if !self.stopped {
            return;
        }
        self.stopped = false;
        self.listed = false;
        self.agent.restart(cx.now);
        (self.booted, self.shared.ended_cpu) = (cx.now, 0);
        for uid in self.workers.uids() {
            let ended = |worker: &PodWorker| worker.is_static() && worker.termination.is_some();
            if self.workers.get(&uid).is_some_and(ended) {
                // The pod of a file that is still there begins anew.
                self.with_worker(&uid, cx, net, |worker, turn| worker.drop_off(turn));
                self.statics.at = cx.now;
                continue;
            }
            self.with_worker(&uid, cx, net, |worker, turn| worker.come_back(turn));
        }
    }

    /// Begins anew after its process was stopped; what runs on the machine went on meanwhile. The watches must
    /// be listed again.
    pub fn restart(&mut self, now: Time) {
        self.listed = false;
        self.agent.begin_anew(now);
        for uid in self.workers.uids() {
            self.workers.change(&uid, |worker| {
                for container in &mut worker.containers {
                    // The back-offs were kept in memory.
                    container.crash = BackOff::default();
                    container.pull = BackOff::default();
                }
                worker.due = now;
            });
        }
    }

    /// Ends all that runs here and forgets it, as when Kubernetes is taken off the machine.
    pub fn clear(&mut self, cx: &mut Cx, net: &mut dyn PodNetwork) {
        for uid in self.workers.uids() {
            let now = cx.now;
            let played = self.with_worker(&uid, cx, net, |worker, turn| {
                let played = worker.lose_power(now);
                worker.tear_down(turn);
                played
            });
            if played == Some(true) {
                self.shared.programs.push(ProgramChange::Ended { uid });
            }
        }
        self.workers = Workers::default();
        self.statics = StaticPods::default();
        self.listed = false;
        self.agent.begin_anew(cx.now);
    }

    /// Returns whether the machine is stopped.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }
}

impl PodWorker {
    /// Ends all processes at once. Returns whether one of them was a program that the cluster plays.
    fn lose_power(&mut self, now: Time) -> bool {
        let mut played = false;
        for container in &mut self.containers {
            if let Phase::Running { since } = container.phase {
                container.exit = Some(Exit {
                    code: 255,
                    reason: "Unknown".into(),
                    message: "".into(),
                    started: since,
                    finished: now,
                    id: container.id.clone(),
                });
            }
            container.phase = Phase::Idle;
            played |= container.app.take().is_some_and(|app| app.builtin().is_some());
            container.kill = None;
            container.waiting = None;
            container.jobs.clear();
            container.hooking = false;
            // The kubelet kept its back-offs in memory.
            container.crash = BackOff::default();
            container.pull = BackOff::default();
        }
        played
    }

    /// Leaves nothing of it on the node.
    fn drop_off(&mut self, turn: &mut Turn) {
        self.tear_down(turn);
        self.stage = Stage::Gone;
        if let Some(termination) = &mut self.termination {
            termination.forgotten = true;
        }
    }

    /// Finds the sandbox gone after the machine stood still: it is made anew.
    fn come_back(&mut self, turn: &mut Turn) {
        let now = turn.cx.now;
        for container in &mut self.containers {
            if let Some(exit) = &mut container.exit
                && &*exit.reason == "Unknown"
            {
                exit.finished = now;
            }
        }
        self.due = now;
        self.report_at = Some(now);
        self.reported_long_ago = true;
        match self.stage {
            Stage::Up | Stage::Sandbox { .. } if self.sandboxes > 0 => {
                self.tear_down(turn);
                self.ip = None;
                let reference = self.reference(None);
                let message = "Pod sandbox changed, it will be killed and re-created.";
                turn.event(&reference, "Normal", "SandboxChanged", message);
                let takes = self.draw(turn, turn.cx.timing.sandbox, "sandbox");
                self.stage = Stage::Sandbox { until: now + takes };
            }
            _ => {}
        }
    }
}
