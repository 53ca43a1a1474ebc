//! The engine that the worker runs: a cluster, the pace of its clock, and the page's messages.

use std::collections::VecDeque;

use cluster::{Cluster, Preset};
use sim::{MICROSECOND, MILLISECOND, SECOND, Time};
use view::{FromWorker, LoggedInput, Session, ToWorker};

use crate::engine::Engine;

/// How many events happen between two looks at the clock on the wall.
const BATCH: u32 = 64;
/// How much real time a slice may make up for, in milliseconds: after a pause of the page, the
/// cluster does not rush.
const CATCH_UP_MS: f64 = 100.0;
/// How long "until ready" goes on at most, in virtual time.
const HURRY: i64 = 900 * SECOND;

/// A cluster that is being brought to the moment at which a session stopped.
struct Replay {
    inputs: VecDeque<LoggedInput>,
    until: Time,
}

/// The worker's engine.
pub struct Simulation {
    /// Returns milliseconds of the clock on the wall.
    clock_ms: fn() -> f64,
    cluster: Option<Cluster>,
    replay: Option<Replay>,
    speed: f64,
    last_ms: Option<f64>,
    hurry_until: Option<Time>,
    /// Whether something changed that a frame has to tell.
    stale: bool,
}

impl Simulation {
    /// Returns an engine without a cluster.
    pub fn new(clock_ms: fn() -> f64) -> Self {
        let (cluster, replay, last_ms, hurry_until) = (None, None, None, None);
        Simulation { clock_ms, cluster, replay, speed: 1.0, last_ms, hurry_until, stale: false }
    }

    fn start(&mut self, session: Session) -> Vec<FromWorker> {
        let name = if session.preset.is_empty() { "lesson" } else { &session.preset };
        let preset = match Preset::named(name) {
            Ok(preset) => preset,
            Err(message) => return vec![FromWorker::Failed { message }],
        };
        let cluster = Cluster::new(&preset, session.seed);
        let until = Time::EPOCH + session.until.saturating_mul(MICROSECOND);
        self.replay = Some(Replay { inputs: session.inputs.into(), until });
        self.cluster = Some(cluster);
        self.last_ms = None;
        self.hurry_until = None;
        Vec::new()
    }

    fn take(&mut self, message: ToWorker) -> Vec<FromWorker> {
        if let ToWorker::Start { session } = message {
            return self.start(session);
        }
        let Some(cluster) = &mut self.cluster else { return Vec::new() };
        self.stale = true;
        match message {
            ToWorker::Start { .. } => {}
            ToWorker::Input { input } => return vec![FromWorker::Logged { input: cluster.input(input) }],
            ToWorker::Speed { factor } => {
                self.speed = if factor.is_finite() { factor.clamp(0.0, 1_000.0) } else { 1.0 };
                self.last_ms = None;
                if factor == 0.0 {
                    self.hurry_until = None;
                }
            }
            ToWorker::Step => {
                cluster.step(Time::NEVER);
            }
            ToWorker::UntilReady => self.hurry_until = Some(cluster.now() + HURRY),
            ToWorker::Ask { id, ask } => return vec![FromWorker::Answer { id, answer: cluster.ask(&ask) }],
        }
        Vec::new()
    }

    /// Goes on with a replay. Returns whether it is not over.
    fn replay(&mut self, end_ms: f64) -> bool {
        let (Some(replay), Some(cluster)) = (&mut self.replay, &mut self.cluster) else { return false };
        loop {
            for _ in 0..BATCH {
                let next = replay
                    .inputs
                    .front()
                    .map_or(replay.until, |logged| Time::EPOCH + logged.at.saturating_mul(MICROSECOND));
                if cluster.step(next) {
                    continue;
                }
                match replay.inputs.pop_front() {
                    Some(logged) => drop(cluster.input(logged.input)),
                    None => {
                        cluster.begin_frames();
                        self.replay = None;
                        self.stale = true;
                        return false;
                    }
                }
            }
            if (self.clock_ms)() >= end_ms {
                return true;
            }
        }
    }

    /// Lets the cluster run as far as the clock on the wall has gone. Returns whether it is behind: then
    /// it goes on at once, as what it can't make up for in time is lost.
    fn run(&mut self, end_ms: f64) -> bool {
        let now_ms = (self.clock_ms)();
        let passed_ms = self.last_ms.map_or(0.0, |last| (now_ms - last).clamp(0.0, CATCH_UP_MS));
        self.last_ms = Some(now_ms);
        let Some(cluster) = &mut self.cluster else { return false };
        let hurrying = self.hurry_until.is_some();
        let until = match self.hurry_until {
            Some(until) => until,
            None if self.speed == 0.0 => return false,
            None => cluster.now() + (passed_ms * self.speed * MILLISECOND as f64) as i64,
        };
        self.stale = true;
        loop {
            for _ in 0..BATCH {
                if !cluster.step(until) {
                    self.hurry_until = None;
                    return false;
                }
            }
            if hurrying && cluster.is_ready() {
                self.hurry_until = None;
                return false;
            }
            if (self.clock_ms)() >= end_ms {
                return true;
            }
        }
    }
}

impl Engine for Simulation {
    fn message(&mut self, text: &str) -> Vec<String> {
        let answers = match serde_json::from_str(text) {
            Ok(message) => self.take(message),
            Err(error) => vec![FromWorker::Failed { message: format!("not a message: {error}") }],
        };
        answers.iter().filter_map(|answer| serde_json::to_string(answer).ok()).collect()
    }

    fn slice(&mut self, budget_ms: f64) -> bool {
        let end_ms = (self.clock_ms)() + budget_ms;
        if self.replay.is_some() && self.replay(end_ms) {
            return true;
        }
        self.run(end_ms)
    }

    fn frame(&mut self) -> Option<String> {
        if self.replay.is_some() || !std::mem::take(&mut self.stale) {
            return None;
        }
        let cluster = self.cluster.as_mut()?;
        let mut frame = cluster.frame();
        frame.speed = self.speed;
        frame.paused = self.speed == 0.0 && self.hurry_until.is_none();
        frame.hurrying = self.hurry_until.is_some();
        serde_json::to_string(&FromWorker::Frame { frame: Box::new(frame) }).ok()
    }

    fn idle(&self) -> bool {
        self.replay.is_none() && self.speed == 0.0 && self.hurry_until.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static CLOCK: Cell<f64> = const { Cell::new(0.0) };
    }

    /// Returns a clock that goes on by four milliseconds whenever somebody looks at it.
    fn slow_ms() -> f64 {
        CLOCK.with(|clock| {
            clock.set(clock.get() + 4.0);
            clock.get()
        })
    }

    #[test]
    fn goes_on_at_once_while_it_is_behind() {
        let mut simulation = Simulation::new(slow_ms);
        simulation.start(Session { preset: "bare".into(), seed: 1, ..Session::default() });
        while simulation.replay.is_some() {
            simulation.slice(8.0);
        }
        let cluster = simulation.cluster.as_mut().expect("it was started");
        cluster.type_line("kubectl create deployment web --image=nginx --replicas=60");
        simulation.take(ToWorker::Speed { factor: 1_000.0 });
        let slices: Vec<bool> = (0..200).map(|_| simulation.slice(8.0)).collect();
        assert!(slices.contains(&true), "sixty pods are more than a slice's work");
        assert_eq!(simulation.cluster.as_ref().map(Cluster::ready_pods), Some(60));
    }
}
