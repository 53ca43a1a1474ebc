use crate::container::{Kind, Phase};
use crate::images::{go_duration, hex64};
use crate::net::{PodEndpoint, PodNetwork};
use crate::node::NETWORK_NOT_READY;
use crate::pod_network::kernel_name;
use crate::portmap::{self, Sandbox};
use crate::shared::Turn;
use crate::volumes::FIRST_WAIT;
use crate::worker::{PodWorker, Stage};
use sim::{Nanos, SECOND, Time};

/// After a failure a pod is looked at again so much later, and up to half as much more.
const RETRY: Nanos = 10 * SECOND;
/// The same where the network isn't ready, which may change soon.
// Models pkg/kubelet/pod_workers.go backOffOnTransientErrorPeriod
const RETRY_NETWORK: Nanos = SECOND;

impl PodWorker {
    /// Takes the pod one step on. Returns whether anything moved.
    // Models pkg/kubelet/kubelet.go SyncPod, pkg/kubelet/kuberuntime/kuberuntime_manager.go SyncPod
    pub(crate) fn sync(&mut self, turn: &mut Turn) -> bool {
        let now = turn.cx.now;
        if self.termination.is_some() {
            return self.sync_terminating(turn);
        }
        match self.stage.clone() {
            Stage::New => {
                self.started = now;
                self.stage = match self.admit(turn) {
                    Ok(()) => Stage::Mounting { retry: now, wait: FIRST_WAIT },
                    Err((reason, message)) => {
                        let reference = self.reference(None);
                        turn.event(&reference, "Warning", &reason, &message);
                        Stage::Rejected { reason: reason.into(), message: message.into() }
                    }
                };
                self.touch(turn);
                true
            }
            Stage::Mounting { retry, wait } if retry <= now && self.lacks_network(turn) => {
                let message = format!("network is not ready: {NETWORK_NOT_READY}");
                let reference = self.reference(None);
                turn.event(&reference, "Warning", "NetworkNotReady", &message);
                self.draws += 1;
                let more = turn.cx.chance.span("network", &self.uid, self.draws, 0, RETRY_NETWORK / 2);
                self.stage = Stage::Mounting { retry: now + RETRY_NETWORK + more, wait };
                true
            }
            Stage::Mounting { retry, wait } if retry <= now => {
                self.stage = match self.mount_volumes(turn) {
                    true => {
                        let takes = self.draw(turn, turn.cx.timing.sandbox, "sandbox");
                        Stage::Sandbox { until: now + takes }
                    }
                    false => Stage::Mounting { retry: now + wait, wait: (wait * 2).min(122 * SECOND) },
                };
                true
            }
            Stage::Sandbox { until } if until <= now => self.set_up_sandbox(turn),
            Stage::Up => self.exceed_deadline(turn) || self.sync_containers(turn),
            Stage::Stopping { until } if until <= now => {
                self.tear_down(turn);
                self.stage = Stage::Gone;
                self.touch(turn);
                true
            }
            _ => false,
        }
    }

    /// Returns whether the pod needs a network that isn't there yet.
    fn lacks_network(&self, turn: &Turn) -> bool {
        !turn.shared.has_network() && !self.pod["spec"]["hostNetwork"].is_true()
    }

    fn set_up_sandbox(&mut self, turn: &mut Turn) -> bool {
        let now = turn.cx.now;
        if let Err(why) = kernel_name(&self.pod, &turn.shared.node) {
            let message = format!("Failed to create pod sandbox: {why}");
            let reference = self.reference(None);
            turn.event(&reference, "Warning", "FailedCreatePodSandBox", &message);
            self.stage = Stage::Sandbox { until: now + RETRY };
            return true;
        }
        let ip = if self.pod["spec"]["hostNetwork"].is_true() {
            Some(turn.shared.address)
        } else {
            turn.shared.ipam.take()
        };
        let Some(ip) = ip else {
            let message = format!(
                "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \
                 \"{}\": plugin type=\"host-local\" failed (add): failed to allocate for range 0: no IP addresses \
                 available in range set",
                hex64(turn.cx.chance, "sandbox-id", &self.uid, self.sandboxes)
            );
            let reference = self.reference(None);
            turn.event(&reference, "Warning", "FailedCreatePodSandBox", &message);
            self.stage = Stage::Sandbox { until: now + RETRY };
            return true;
        };
        self.ip = Some(ip);
        self.sandboxes += 1;
        if let Some(endpoint) = self.endpoint(turn) {
            turn.net.set_up(now, &endpoint);
            self.map_ports(turn, &endpoint, portmap::add);
        }
        turn.cx.note(now, "Sandbox", &self.key, &ip.to_string());
        self.stage = Stage::Up;
        true
    }

    /// Calls the plug-in that leads ports of the node to the pod, where the pod has any.
    fn map_ports(&self, turn: &mut Turn, pod: &PodEndpoint, plugin: fn(&mut dyn PodNetwork, &Sandbox)) {
        let ports = portmap::mappings(&self.pod);
        if ports.is_empty() || pod.host_network {
            return;
        }
        let id = hex64(turn.cx.chance, "sandbox-id", &self.uid, self.sandboxes.saturating_sub(1));
        let (at, prefix) = (turn.cx.now, turn.shared.ipam.prefix());
        plugin(turn.net, &Sandbox { at, pod, id: &id, prefix, ports: &ports });
    }

    /// Takes the pod off the network.
    pub(crate) fn tear_down(&mut self, turn: &mut Turn) {
        let Some(endpoint) = self.endpoint(turn).filter(|_| self.sandboxes > 0) else { return };
        self.map_ports(turn, &endpoint, portmap::remove);
        turn.net.tear_down(turn.cx.now, &endpoint);
        if !endpoint.host_network {
            turn.shared.ipam.release(endpoint.ip);
        }
        for container in &mut self.containers {
            container.open.clear();
        }
    }

    /// Starts what is to run and isn't: init containers one after another, then the others. Once these have ended for
    /// good nothing is started any more, and what still runs is stopped.
    // Models pkg/kubelet/kuberuntime/kuberuntime_manager.go computePodActions
    fn sync_containers(&mut self, turn: &mut Turn) -> bool {
        let now = turn.cx.now;
        if self.is_finished() {
            self.look_at = Time::NEVER;
            let grace = self.pod["spec"]["terminationGracePeriodSeconds"].as_int().unwrap_or(30);
            let moved = self.stop_all(turn, grace.clamp(0, 86_400) * SECOND);
            if self.containers.iter().any(|container| container.is_running()) {
                return moved;
            }
            self.stage = Stage::Stopping { until: now };
            self.touch(turn);
            return true;
        }
        if let Some(i) = self.containers.iter().position(|container| container.is_beginning()) {
            self.look_at = Time::NEVER;
            return self.go_on(turn, i);
        }
        let mut moved = false;
        let mut look_at = Time::NEVER;
        for i in self.in_order() {
            match self.consider(turn, i) {
                Next::Begun => {
                    self.look_at = Time::NEVER;
                    return true;
                }
                Next::Wait(at) => look_at = look_at.min(at),
                Next::Fine => {}
                Next::Told(at) => {
                    moved = true;
                    look_at = look_at.min(at);
                }
            }
            let Some(container) = self.containers.get(i) else { break };
            let blocks = match container.kind {
                Kind::Init => !container.has_succeeded(),
                Kind::Sidecar => !container.is_started(),
                Kind::Regular | Kind::Ephemeral => false,
            };
            if blocks && !self.is_initialized() {
                break;
            }
        }
        self.look_at = look_at;
        moved
    }

    /// Returns the containers' positions in the order in which they are started: ephemeral ones don't wait for
    /// init containers.
    fn in_order(&self) -> Vec<usize> {
        let is_ephemeral = |i: &usize| self.containers.get(*i).is_some_and(|one| one.kind == Kind::Ephemeral);
        let (first, then): (Vec<usize>, Vec<usize>) = (0..self.containers.len()).partition(is_ephemeral);
        [first, then].concat()
    }

    /// Returns whether a regular container has ever begun, so that init containers are done with.
    pub(crate) fn is_initialized(&self) -> bool {
        self.containers.iter().any(|container| {
            container.kind == Kind::Regular && (container.attempt > 0 || container.exit.is_some())
        })
    }

    /// Decides what one container needs now.
    fn consider(&mut self, turn: &mut Turn, i: usize) -> Next {
        let now = turn.cx.now;
        let initialized = self.is_initialized();
        let Some(container) = self.containers.get_mut(i) else { return Next::Fine };
        if container.changed && container.is_running() && container.kill.is_none() {
            container.changed = false;
            let message = format!("Container {} definition changed, will be restarted", container.name);
            let grace = self.pod["spec"]["terminationGracePeriodSeconds"].as_int().unwrap_or(30);
            self.kill(turn, i, grace.clamp(0, 86_400) * SECOND, &message);
            return Next::Told(Time::NEVER);
        }
        let Some(container) = self.containers.get(i) else { return Next::Fine };
        if container.phase != Phase::Idle {
            return Next::Fine;
        }
        if container.retry_at > now {
            return Next::Wait(container.retry_at);
        }
        if let Some(exit) = &container.exit {
            let again = self.restarts(container, exit.code) && !(initialized && container.kind == Kind::Init);
            if !again {
                return Next::Fine;
            }
            if let Some(until) = container.crash.until_since(exit.finished).filter(|until| *until > now) {
                return self.crash_loop(turn, i, until);
            }
        }
        if container.pull.until().is_some_and(|until| until > now) {
            return self.pull_back_off(turn, i);
        }
        self.begin(turn, i);
        Next::Begun
    }

    // Models pkg/kubelet/kuberuntime/kuberuntime_manager.go doBackOff
    fn crash_loop(&mut self, turn: &mut Turn, i: usize, until: Time) -> Next {
        let format = self.format();
        let retry_at = until.min(self.retry_at(turn));
        let Some(container) = self.containers.get_mut(i) else { return Next::Fine };
        let delay = container.crash.delay();
        let name = container.name.clone();
        let message =
            format!("back-off {} restarting failed container={name} pod={format}", go_duration(delay));
        container.waiting = Some(("CrashLoopBackOff".into(), message.into()));
        container.retry_at = retry_at;
        let message = format!("Back-off restarting failed container {name} in pod {format}");
        self.tell(turn, i, "Warning", "BackOff", &message);
        self.touch(turn);
        Next::Told(retry_at)
    }

    /// Returns when a pod that failed is looked at again.
    pub(crate) fn retry_at(&mut self, turn: &Turn) -> Time {
        self.draws += 1;
        let more = turn.cx.chance.span("retry", &self.uid, self.draws, 0, RETRY / 2);
        turn.cx.now + RETRY + more
    }

    fn pull_back_off(&mut self, turn: &mut Turn, i: usize) -> Next {
        let retry_at = self.retry_at(turn);
        let Some(container) = self.containers.get_mut(i) else { return Next::Fine };
        let image = container.spec["image"].text();
        let words = format!("Back-off pulling image \"{image}\"");
        let message = format!("{words}: {}", container.pull_error);
        container.waiting = Some(("ImagePullBackOff".into(), message.into()));
        container.retry_at = retry_at;
        self.tell(turn, i, "Normal", "BackOff", &words);
        self.tell(turn, i, "Warning", "Failed", "Error: ImagePullBackOff");
        self.touch(turn);
        Next::Told(retry_at)
    }
}

/// What a container needs.
enum Next {
    /// It is being started.
    Begun,
    /// Nothing before this moment.
    Wait(Time),
    /// Nothing before this moment; something was told.
    Told(Time),
    /// Nothing.
    Fine,
}
