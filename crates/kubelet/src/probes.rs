use crate::container::Container;
use crate::jobs::{Finish, Purpose};
use crate::shared::Turn;
use crate::worker::PodWorker;
use api::Value;
use sim::{Nanos, SECOND, Time};

/// What a probe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeKind {
    Startup,
    Liveness,
    Readiness,
}

impl ProbeKind {
    fn name(self) -> &'static str {
        match self {
            ProbeKind::Startup => "Startup",
            ProbeKind::Liveness => "Liveness",
            ProbeKind::Readiness => "Readiness",
        }
    }
}

/// A container's probe and what it has found.
// Models pkg/kubelet/prober/worker.go worker
#[derive(Clone, Debug)]
pub(crate) struct Probe {
    pub kind: ProbeKind,
    pub spec: Value,
    /// When it is made next.
    pub at: Time,
    /// Whether one is under way.
    busy: bool,
    last: Option<bool>,
    run: i64,
    /// What counts: nothing before the first result that counts.
    pub result: Option<bool>,
    /// Whether it waits for the container to be started anew.
    held: bool,
}

impl Probe {
    /// Returns a container's probes.
    pub(crate) fn of(container: &Value) -> Vec<Probe> {
        let rows = [
            ("startupProbe", ProbeKind::Startup),
            ("livenessProbe", ProbeKind::Liveness),
            ("readinessProbe", ProbeKind::Readiness),
        ];
        let there = rows.into_iter().filter(|(field, _)| !container[*field].is_null());
        there
            .map(|(field, kind)| Probe {
                kind,
                spec: container[field].clone(),
                at: Time::NEVER,
                busy: false,
                last: None,
                run: 0,
                result: None,
                held: false,
            })
            .collect()
    }

    fn number(&self, field: &str, otherwise: i64) -> i64 {
        self.spec[field].as_int().filter(|number| *number > 0).unwrap_or(otherwise).min(1_000_000)
    }

    fn period(&self) -> Nanos {
        self.number("periodSeconds", 10) * SECOND
    }

    /// Begins anew with a container that has started. Readiness is asked at once; the others keep to the
    /// beat that began with the pod.
    fn reset(&mut self, now: Time, base: Time) {
        (self.busy, self.last, self.run, self.result, self.held) = (false, None, 0, None, false);
        let period = self.period();
        let late = (now - base).rem_euclid(period);
        self.at = match self.kind {
            ProbeKind::Readiness => now,
            _ if late == 0 => now,
            _ => now + (period - late),
        };
    }

    /// Is made no more: what it asks is known.
    pub(crate) fn rest(&mut self) {
        self.at = Time::NEVER;
    }

    /// Takes a result in and returns whether it counts.
    fn take(&mut self, well: bool) -> bool {
        if self.last == Some(well) {
            self.run += 1;
        } else {
            (self.last, self.run) = (Some(well), 1);
        }
        let threshold =
            if well { self.number("successThreshold", 1) } else { self.number("failureThreshold", 3) };
        self.run >= threshold
    }
}

impl PodWorker {
    /// Begins a container's probes, once its process has started.
    pub(crate) fn start_probes(&mut self, turn: &Turn, i: usize) {
        let (now, base) = (turn.cx.now, self.started);
        if turn.is_bare() {
            return;
        }
        if let Some(container) = self.containers.get_mut(i) {
            container.jobs.clear();
            container.probes.iter_mut().for_each(|probe| probe.reset(now, base));
            // A process of the machine is well as long as it runs; all that shows is how long it starts.
            let is_process = container.is_process();
            let rests = |probe: &&mut Probe| is_process && probe.kind != ProbeKind::Startup;
            container.probes.iter_mut().filter(rests).for_each(Probe::rest);
        }
    }

    /// Makes the probes that are due.
    // Models pkg/kubelet/prober/worker.go doProbe
    pub(crate) fn run_probes(&mut self, turn: &mut Turn, i: usize) -> bool {
        let now = turn.cx.now;
        let Some(container) = self.containers.get_mut(i) else { return false };
        let crate::container::Phase::Running { since } = container.phase else { return false };
        let (started, stops) = (container.is_started(), container.kill.is_some());
        let mut due = Vec::new();
        let mut moved = false;
        for (n, probe) in container.probes.iter_mut().enumerate() {
            if probe.at > now {
                continue;
            }
            probe.at = probe.at + probe.period();
            if probe.at <= now {
                probe.at = now + probe.period();
            }
            moved = true;
            let skips = match probe.kind {
                ProbeKind::Startup => started || stops,
                ProbeKind::Liveness => !started || stops,
                ProbeKind::Readiness => !started,
            };
            let early = now - since < probe.spec["initialDelaySeconds"].int().clamp(0, 1_000_000) * SECOND;
            if skips || early || probe.busy || probe.held {
                continue;
            }
            probe.busy = true;
            due.push((n, probe.spec.clone(), probe.number("timeoutSeconds", 1) * SECOND));
        }
        let is_process = self.containers.get(i).is_some_and(Container::is_process);
        for (n, spec, timeout) in due {
            if is_process {
                self.probed(turn, i, n as u32, Finish::Well);
                self.containers[i].probes[n].rest();
                continue;
            }
            self.begin_job(turn, i, &spec, Purpose::Probe(n as u32), timeout);
        }
        moved
    }

    /// Takes what came of a probe.
    pub(crate) fn probed(&mut self, turn: &mut Turn, i: usize, n: u32, finish: Finish) {
        let now = turn.cx.now;
        let Some(container) = self.containers.get_mut(i) else { return };
        let stops = container.kill.is_some();
        let Some(probe) = usize::try_from(n).ok().and_then(|n| container.probes.get_mut(n)) else { return };
        probe.busy = false;
        let (kind, name) = (probe.kind, probe.kind.name());
        let well = match finish {
            Finish::Well => true,
            Finish::Failed(words) => {
                self.tell(turn, i, "Warning", "Unhealthy", &format!("{name} probe failed: {words}"));
                false
            }
            Finish::Errored(words) => {
                let message = format!("{name} probe errored and resulted in unknown state: {words}");
                return self.tell(turn, i, "Warning", "Unhealthy", &message);
            }
        };
        let Some(container) = self.containers.get_mut(i) else { return };
        let Some(probe) = container.probes.iter_mut().find(|probe| probe.kind == kind) else { return };
        if !probe.take(well) {
            return;
        }
        let changed = probe.result != Some(well);
        probe.result = Some(well);
        if !well && kind != ProbeKind::Readiness {
            probe.held = true;
            let grace = probe.spec["terminationGracePeriodSeconds"].as_int();
            if !stops {
                self.kill_unhealthy(turn, i, name, grace);
            }
            return;
        }
        if changed && kind == ProbeKind::Startup {
            // Who has started is asked at once whether it is ready.
            let readiness = container.probes.iter_mut().find(|probe| probe.kind == ProbeKind::Readiness);
            readiness.into_iter().for_each(|probe| probe.at = now);
        }
        if changed {
            self.touch(turn);
        }
    }

    fn kill_unhealthy(&mut self, turn: &mut Turn, i: usize, probe: &str, grace: Option<i64>) {
        let Some(container) = self.containers.get(i) else { return };
        let mut message = format!("Container {} failed {} probe", container.name, probe.to_lowercase());
        if self.restarts_when_killed(container) {
            message.push_str(", will be restarted");
        }
        let grace = grace.or(self.pod["spec"]["terminationGracePeriodSeconds"].as_int()).unwrap_or(30);
        self.kill(turn, i, grace.clamp(0, 86_400) * SECOND, &message);
    }
}
