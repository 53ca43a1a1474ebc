//! The answers as ticks: height and colour by version, a cross below the line when lost.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use view::AnswerRow;

use super::scale::Scale;

/// The most columns that ticks are drawn in.
const COLUMNS: f64 = 600.0;

/// The ticks as paths, so that a thousand answers are four elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ticks {
    /// For each version's colour (0: none; 1, 2, 3) the path; the highest first, so that lower ones stay seen.
    pub paths: Vec<(u32, String)>,
    /// The crosses of what was lost.
    pub lost: String,
}

/// Returns a version's place among the three colours; 0 stays 0.
fn colour(version: u32) -> u32 {
    if version == 0 { 0 } else { (version - 1) % 3 + 1 }
}

/// Returns how high a version's tick is, as parts of the highest.
fn height(colour: u32) -> f64 {
    match colour {
        0 | 1 => 0.55,
        2 => 1.0,
        _ => 0.78,
    }
}

/// Returns the ticks that are seen, standing on `base`, the highest `highest` px high. Answers that share
/// a column of pixels share a tick, one for each version.
pub fn ticks<'a>(
    answers: impl IntoIterator<Item = &'a AnswerRow>,
    scale: &Scale,
    base: f64,
    highest: f64,
) -> Ticks {
    let column = (scale.width / COLUMNS).max(2.0);
    let mut stand: BTreeSet<(u32, i64)> = BTreeSet::new();
    let mut crosses: BTreeSet<i64> = BTreeSet::new();
    for answer in answers {
        let Some(at) = answer.ended.filter(|at| scale.shows(*at, *at)) else { continue };
        let place = (scale.x(at) / column).floor() as i64;
        if answer.lost {
            // A cross is wider than a tick.
            crosses.insert(place.div_euclid(2) * 2);
        } else {
            stand.insert((colour(answer.version), place));
        }
    }
    let wide = (column * 0.8).max(1.5);
    let mut paths: Vec<(u32, String)> = Vec::new();
    for colour in [2, 3, 1, 0] {
        let mut path = String::new();
        for (_, place) in stand.range((colour, i64::MIN)..=(colour, i64::MAX)) {
            tick(&mut path, *place as f64 * column, base, highest * height(colour), wide, colour == 3);
        }
        if !path.is_empty() {
            paths.push((colour, path));
        }
    }
    let mut lost = String::new();
    for place in crosses {
        let (x, y) = (place as f64 * column, base + 1.5);
        let _ = write!(lost, "M{x:.1} {y:.1}l4 4m0 -4l-4 4");
    }
    Ticks { paths, lost }
}

/// Returns a number as prose has it: `1,250`.
pub fn separated(number: u64) -> String {
    let digits = number.to_string();
    let mut words = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

fn tick(path: &mut String, x: f64, base: f64, high: f64, wide: f64, split: bool) {
    let mut piece = |from: f64, high: f64| {
        let _ = write!(path, "M{x:.1} {from:.1}h{wide:.1}v{:.1}h{:.1}z", -high, -wide);
    };
    if split {
        piece(base, high * 0.4);
        piece(base - high * 0.55, high * 0.45);
    } else {
        piece(base, high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND;
    use crate::diagram::sample::answer;

    fn count(paths: &str) -> usize {
        paths.matches('M').count()
    }

    #[test]
    fn versions_have_ticks_of_their_own() {
        let scale = Scale { from: 0, to: 100 * SECOND, width: 100.0 };
        let at = |second: i64, version, lost| {
            answer(second * SECOND, version, if lost { "timeout" } else { "200" })
        };
        let answers =
            [at(10, 1, false), at(20, 2, false), at(30, 4, false), at(40, 3, false), at(50, 0, true)];
        let ticks = ticks(&answers, &scale, 50.0, 20.0);
        let counts: Vec<_> = ticks.paths.iter().map(|(colour, path)| (*colour, count(path))).collect();
        // The third version's tick is split in two.
        assert_eq!(counts, [(2, 1), (3, 2), (1, 2)]);
        assert_eq!(ticks.paths[0].1, "M20.0 50.0h1.6v-20.0h-1.6z");
        assert_eq!(ticks.lost, "M48.0 51.5l4 4m0 -4l-4 4");
    }

    #[test]
    fn numbers_have_separators() {
        for (number, words) in [(0, "0"), (999, "999"), (1_250, "1,250"), (28_800_000, "28,800,000")] {
            assert_eq!(separated(number), words);
        }
    }

    #[test]
    fn what_is_not_seen_is_left_out() {
        let scale = Scale { from: 10 * SECOND, to: 20 * SECOND, width: 100.0 };
        let mut travels = answer(15 * SECOND, 1, "200");
        travels.ended = None;
        let answers = [answer(5 * SECOND, 1, "200"), answer(25 * SECOND, 1, "timeout"), travels];
        assert_eq!(ticks(&answers, &scale, 50.0, 20.0), Ticks::default());
    }

    #[test]
    fn ticks_are_bounded() {
        let scale = Scale { from: 0, to: 100 * SECOND, width: 2_560.0 };
        let many: Vec<_> = (0..2_000).map(|at| answer(at * SECOND / 20, 1, "200")).collect();
        assert!(count(&ticks(&many, &scale, 50.0, 20.0).paths[0].1) <= 600);
    }
}
