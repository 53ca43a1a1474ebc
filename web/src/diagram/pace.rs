//! The clock between two frames: where virtual time stands at a moment of real time.

use view::Moment;

use crate::model::Model;

/// How far the clock may run ahead of the last frame, in real milliseconds.
const AHEAD_MS: f64 = 150.0;

/// Virtual time as the page draws it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// The last frame's moment, and when it came.
    told: Moment,
    told_ms: f64,
    /// Virtual microseconds a real millisecond; 0 while the clock stands.
    rate: f64,
    /// What was drawn last.
    shown: f64,
}

impl Pace {
    /// Takes a frame in that came at a moment of real time.
    pub fn take(&mut self, model: &Model, real_ms: f64) {
        let standing = model.paused || model.speed == 0.0;
        let rate = if standing || model.hurrying { 0.0 } else { model.speed * 1_000.0 };
        let back = model.now < self.told;
        if model.now != self.told || rate != self.rate {
            (self.told, self.told_ms, self.rate) = (model.now, real_ms, rate);
        }
        if back {
            self.shown = model.now as f64;
        }
    }

    /// Returns the moment to be drawn. It never goes back, and stands while the clock does.
    pub fn at(&mut self, real_ms: f64) -> f64 {
        let passed = (real_ms - self.told_ms).clamp(0.0, AHEAD_MS);
        self.shown = self.shown.max(self.told as f64 + passed * self.rate);
        self.shown
    }

    /// Returns whether the clock runs.
    pub fn runs(&self) -> bool {
        self.rate > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_between_frames_and_never_back() {
        let mut model = Model { now: 1_000_000, speed: 1.0, ..Model::default() };
        let mut pace = Pace::default();
        pace.take(&model, 0.0);
        assert_eq!((pace.at(0.0), pace.at(50.0)), (1_000_000.0, 1_050_000.0));
        // The frame tells of less than was drawn.
        model.now = 1_040_000;
        pace.take(&model, 50.0);
        assert_eq!((pace.at(50.0), pace.at(100.0)), (1_050_000.0, 1_090_000.0));
        // No frame comes: it waits.
        assert_eq!(pace.at(9_000.0), 1_190_000.0);
        model.paused = true;
        pace.take(&model, 9_000.0);
        assert_eq!((pace.at(9_100.0), pace.runs()), (1_190_000.0, false));
        // A step.
        model.now = 2_000_000;
        pace.take(&model, 9_200.0);
        assert_eq!(pace.at(9_999.0), 2_000_000.0);
        // Another cluster.
        model.now = 5;
        pace.take(&model, 10_000.0);
        assert_eq!(pace.at(10_000.0), 5.0);
    }
}
