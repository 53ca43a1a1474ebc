//! Which pod's bar a click means. Bars are a few pixels high and move with the clock, so that the nearest
//! one is meant.

use view::{Moment, PodBar};

use super::bars::{lanes, pieces};
use super::groups::Group;
use super::plan::Plan;
use super::scale::Scale;

/// How far from a bar a click may be, in px.
const NEAR: f64 = 12.0;

/// Returns the bar that is nearest to a place of the axis, if one is near.
pub fn pick<'a>(
    groups: &[Group<'a>],
    (plan, scale): (&Plan, &Scale),
    now: Moment,
    (x, y): (f64, f64),
) -> Option<&'a PodBar> {
    let mut nearest: Option<(f64, &PodBar)> = None;
    for (row, group) in groups.iter().enumerate() {
        let bars: Vec<&PodBar> = group.bars.iter().map(|(_, bar)| *bar).collect();
        let (places, count) = lanes(&bars);
        for (bar, lane) in bars.into_iter().zip(places) {
            let (top, height) = plan.bar(lane, count);
            let top = plan.row_top(row) + top;
            for piece in pieces(bar, scale, now) {
                let aside = beyond(x, piece.x, piece.x + piece.width);
                let away = aside.hypot(beyond(y, top, top + height));
                if away <= NEAR && nearest.is_none_or(|(least, _)| away < least) {
                    nearest = Some((away, bar));
                }
            }
        }
    }
    nearest.map(|(_, bar)| bar)
}

/// Returns how far a place is outside a stretch.
fn beyond(at: f64, from: f64, to: f64) -> f64 {
    (from - at).max(at - to).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::bars::tests::bar;
    use super::super::groups::groups;
    use super::*;
    use crate::clock::SECOND;

    #[test]
    fn a_click_means_the_nearest_bar() {
        let own = |name: &str, times| PodBar { pod: name.into(), ..bar("replicasets/default/web-1", times) };
        let bars = [
            ("1".to_owned(), own("first", [Some(10), Some(20), Some(20), None, None])),
            ("2".to_owned(), own("second", [Some(10), Some(20), Some(30), None, None])),
        ];
        let bars = bars.into_iter().collect();
        let (plan, scale) = (Plan::new(110.0), Scale { from: 0, to: 100 * SECOND, width: 100.0 });
        let (groups, _) = groups(&bars, 0, plan.rows);
        let (first, second) = (plan.row_top(0) + plan.bar(0, 2).0, plan.row_top(0) + plan.bar(1, 2).0);
        for (at, meant) in [
            ((40.0, first + 1.0), Some("first")),
            ((40.0, second + 1.0), Some("second")),
            ((15.0, second), Some("second")),
            ((40.0, first - 5.0), Some("first")),
            ((40.0, second + 12.0), Some("second")),
            ((70.0, first), Some("first")),
            ((40.0, first - 13.0), None),
            ((80.0, first), None),
        ] {
            let found = pick(&groups, (&plan, &scale), 60 * SECOND, at).map(|bar| bar.pod.as_str());
            assert_eq!(found, meant, "{at:?}");
        }
    }
}
