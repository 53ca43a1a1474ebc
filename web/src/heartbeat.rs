//! Tells a worker that works from one that hangs or never came up.
//!
//! Time is counted in ticks of the page's own timer, so that a computer that slept, or a tab whose
//! timers the browser slows down, is not mistaken for a worker that hangs.

/// How often the page's timer ticks, in milliseconds.
pub const TICK_MS: u32 = 1_000;
/// How many ticks a worker has to come up. Its WebAssembly may have to come over a slow network.
pub const START_TICKS: u32 = 120;
/// How many ticks in a row a worker that is up may leave unanswered.
pub const HANG_TICKS: u32 = 10;

/// What to do at a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Wait for the worker to come up.
    Wait,
    /// Send a ping.
    Ping,
    /// Give the worker up.
    GiveUp,
}

/// What is known of one worker.
#[derive(Clone, Debug, Default)]
pub struct Heartbeat {
    ready: bool,
    silent_ticks: u32,
}

impl Heartbeat {
    /// Notes that the worker came up, or answered.
    pub fn heard(&mut self) {
        self.ready = true;
        self.silent_ticks = 0;
    }

    /// Returns whether the worker has come up.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Counts a tick and returns what to do.
    pub fn tick(&mut self) -> Beat {
        self.silent_ticks = self.silent_ticks.saturating_add(1);
        match (self.ready, self.silent_ticks) {
            (false, ticks) if ticks > START_TICKS => Beat::GiveUp,
            (false, _) => Beat::Wait,
            (true, ticks) if ticks > HANG_TICKS => Beat::GiveUp,
            (true, _) => Beat::Ping,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_never_comes_up_is_given_up() {
        let mut heartbeat = Heartbeat::default();
        for _ in 0..START_TICKS {
            assert_eq!(heartbeat.tick(), Beat::Wait);
        }
        assert_eq!(heartbeat.tick(), Beat::GiveUp);
    }

    #[test]
    fn a_worker_that_answers_lives_and_one_that_stops_is_given_up() {
        let mut heartbeat = Heartbeat::default();
        heartbeat.heard();
        for _ in 0..10 * HANG_TICKS {
            assert_eq!(heartbeat.tick(), Beat::Ping);
            heartbeat.heard();
        }
        for _ in 0..HANG_TICKS {
            assert_eq!(heartbeat.tick(), Beat::Ping);
        }
        assert_eq!(heartbeat.tick(), Beat::GiveUp);
    }
}
