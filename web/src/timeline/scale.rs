//! The timeline's scale: which moments are shown, and where.

use view::Moment;

use crate::clock::SECOND;

/// The shortest span that is shown.
const SHORTEST: Moment = 5 * SECOND;
/// The span that is shown at first.
const FIRST: Moment = 60 * SECOND;
/// The steps that ticks may stand apart, in seconds.
const STEPS: [i64; 22] = [
    1, 2, 3, 6, 12, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400,
    172_800, 604_800, 2_592_000,
];

/// Which moments are shown on which width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The first moment.
    pub from: Moment,
    /// The last moment.
    pub to: Moment,
    /// The width in px.
    pub width: f64,
}

impl Scale {
    /// Returns the scale that shows the last `window` microseconds (all since the beginning, where there is
    /// none or so much hasn't passed) with some space after now.
    pub fn following(now: Moment, window: Option<Moment>, width: f64) -> Scale {
        let now = now.max(0);
        let shown = window.unwrap_or(now).min(now).max(SHORTEST);
        let from = (now - shown).max(0);
        let to = match window {
            // The whole grows by steps, so that it doesn't shift with each frame.
            None => grown(now),
            Some(_) => from + shown + shown / 7,
        };
        Scale { from, to, width: width.max(1.0) }
    }

    /// Returns where a moment is, in px.
    pub fn x(&self, at: Moment) -> f64 {
        (at - self.from) as f64 / (self.to - self.from).max(1) as f64 * self.width
    }

    /// Returns where a moment is, kept within the width.
    pub fn within(&self, at: Moment) -> f64 {
        self.x(at).clamp(0.0, self.width)
    }

    /// Returns the moment at a place.
    pub fn at(&self, x: f64) -> Moment {
        self.from + ((self.to - self.from) as f64 * (x / self.width)).round() as Moment
    }

    /// Returns whether a time from `began` to `ended` is seen.
    pub fn shows(&self, began: Moment, ended: Moment) -> bool {
        began <= self.to && ended >= self.from
    }

    /// Returns the moments of the ticks, at least `apart` px from each other.
    pub fn ticks(&self, apart: f64) -> Vec<Moment> {
        let least = (self.to - self.from) as f64 * apart / self.width;
        let step = STEPS.into_iter().map(|step| step * SECOND).find(|step| *step as f64 >= least);
        let Some(step) = step else { return vec![self.from] };
        let first = self.from.div_euclid(step) + i64::from(self.from.rem_euclid(step) != 0);
        (first..).map(|n| n * step).take_while(|at| *at <= self.to).take(200).collect()
    }
}

/// Returns the end of the scale that shows everything until `now`.
fn grown(now: Moment) -> Moment {
    let wanted = now + now / 7;
    let mut end = FIRST;
    while end < wanted && end < Moment::MAX / 4 {
        end += end / 4;
    }
    end
}

/// Returns the window after a turn of the wheel: `turn` below 0 shows less, above 0 more; none is everything.
pub fn zoomed(now: Moment, window: Option<Moment>, turn: f64) -> Option<Moment> {
    let shown = window.unwrap_or(now).clamp(SHORTEST, now.max(SHORTEST)) as f64;
    let shown = shown * (turn.clamp(-500.0, 500.0) / 400.0).exp();
    let next = (shown as Moment).max(SHORTEST);
    (next < now).then_some(next)
}

/// Returns a tick's words: `00:12`, or `1:00:12` from the first hour on.
pub fn clock(at: Moment) -> String {
    let seconds = at.max(0) / SECOND;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_now() {
        for (now, window, from, to) in [
            (0, None, 0, 60),
            (50, None, 0, 60),
            (60, None, 0, 75),
            (100, Some(70), 30, 110),
            (3, Some(70), 0, 5),
        ] {
            let scale = Scale::following(now * SECOND, window.map(|window| window * SECOND), 1_000.0);
            assert_eq!((scale.from / SECOND, scale.to / SECOND), (from, to), "{now} {window:?}");
            assert!(scale.x(now * SECOND) < 1_000.0);
        }
    }

    #[test]
    fn places() {
        let scale = Scale { from: 10 * SECOND, to: 20 * SECOND, width: 100.0 };
        for (at, x, within) in [(10, 0.0, 0.0), (15, 50.0, 50.0), (25, 150.0, 100.0), (5, -50.0, 0.0)] {
            assert_eq!((scale.x(at * SECOND), scale.within(at * SECOND)), (x, within));
            assert_eq!(scale.at(x), at * SECOND);
        }
        assert!(
            scale.shows(0, 10 * SECOND)
                && !scale.shows(0, 9 * SECOND)
                && !scale.shows(21 * SECOND, 30 * SECOND)
        );
    }

    #[test]
    fn ticks_are_nice_and_few() {
        for (from, to, width, first, second) in [
            (0, 84, 1_000.0, 0, 12),
            (5, 10, 1_000.0, 5, 6),
            (61, 7_200, 1_000.0, 900, 1_800),
            (0, 60, 300.0, 0, 30),
        ] {
            let scale = Scale { from: from * SECOND, to: to * SECOND, width };
            let ticks = scale.ticks(110.0);
            assert_eq!((ticks[0] / SECOND, ticks[1] / SECOND), (first, second), "{from} to {to}");
            assert!(ticks.windows(2).all(|pair| scale.x(pair[1]) - scale.x(pair[0]) >= 110.0));
        }
    }

    #[test]
    fn zooms() {
        let now = 100 * SECOND;
        let closer = zoomed(now, None, -100.0).expect("a window");
        assert!(closer < now);
        assert!(zoomed(now, Some(closer), -100.0).expect("a window") < closer);
        assert_eq!(zoomed(now, Some(closer), 500.0), None);
        assert_eq!(zoomed(now, Some(SHORTEST), -500.0), Some(SHORTEST));
        assert_eq!(zoomed(0, None, -500.0), None);
    }

    #[test]
    fn words_of_time() {
        for (at, words) in [(0, "00:00"), (72_345_678, "01:12"), (3_612_000_000, "1:00:12"), (-5, "00:00")] {
            assert_eq!(clock(at), words);
        }
    }
}
