//! A pod's life as a bar: the pieces that it is drawn of.

use view::{Moment, PodBar};

use super::scale::Scale;

/// What a piece of a bar tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its record is there, its containers don't run yet: dashed.
    Creating,
    /// It runs and isn't ready: half as high.
    Unready,
    /// It is ready: solid.
    Ready,
    /// It ends: tapering.
    Ending,
}

/// A piece of a bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// What it tells.
    pub stage: Stage,
    /// Where it begins, in px.
    pub x: f64,
    /// How wide it is, in px.
    pub width: f64,
}

/// Returns when each stage of a pod's life began, and when the last ended.
fn stages(bar: &PodBar, now: Moment) -> ([(Stage, Option<Moment>); 4], Moment) {
    let end = bar.gone.unwrap_or(now).max(bar.created);
    let stages = [
        (Stage::Creating, Some(bar.created)),
        (Stage::Unready, bar.running),
        (Stage::Ready, bar.ready),
        (Stage::Ending, bar.ending),
    ];
    (stages, end)
}

/// Returns the pieces of a bar that are seen, in order.
pub fn pieces(bar: &PodBar, scale: &Scale, now: Moment) -> Vec<Piece> {
    let (stages, end) = stages(bar, now);
    let began = |place: usize| stages.get(place..)?.iter().find_map(|(_, began)| *began);
    let seen = stages.iter().enumerate().filter_map(|(place, (stage, from))| {
        let from = (*from)?;
        let until = began(place + 1).unwrap_or(end).min(end);
        if until <= from || !scale.shows(from, until) {
            return None;
        }
        let x = scale.within(from);
        Some(Piece { stage: *stage, x, width: (scale.within(until) - x).max(1.0) })
    });
    seen.collect()
}

/// Returns the lane of each bar, and how many lanes there are: one is free again when its pod is gone.
/// The bars come in the order of their beginnings.
pub fn lanes(bars: &[&PodBar]) -> (Vec<usize>, usize) {
    let mut free_from: Vec<Option<Moment>> = Vec::new();
    let places = bars.iter().map(|bar| {
        let free = free_from.iter().position(|free| free.is_some_and(|free| free <= bar.created));
        let lane = free.unwrap_or(free_from.len());
        match free_from.get_mut(lane) {
            Some(free) => *free = bar.gone,
            None => free_from.push(bar.gone),
        }
        lane
    });
    let places = places.collect();
    (places, free_from.len())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::clock::SECOND;

    pub(in crate::timeline) fn bar(owner: &str, times: [Option<i64>; 5]) -> PodBar {
        let [created, running, ready, ending, gone] = times.map(|at| at.map(|at| at * SECOND));
        let created = created.unwrap_or_default();
        PodBar {
            pod: "default/x".into(),
            owner: owner.into(),
            version: 1,
            created,
            running,
            ready,
            ending,
            gone,
        }
    }

    #[test]
    fn a_life_has_pieces() {
        let scale = Scale { from: 0, to: 100 * SECOND, width: 100.0 };
        use Stage::{Creating, Ending, Ready, Unready};
        for (times, now, wanted) in [
            ([Some(1), None, None, None, None], 5, vec![(Creating, 1.0, 4.0)]),
            ([Some(1), Some(3), None, None, None], 5, vec![(Creating, 1.0, 2.0), (Unready, 3.0, 2.0)]),
            // Ready in the moment it runs.
            ([Some(1), Some(3), Some(3), None, None], 9, vec![(Creating, 1.0, 2.0), (Ready, 3.0, 6.0)]),
            (
                [Some(1), Some(3), Some(4), Some(50), Some(80)],
                90,
                vec![(Creating, 1.0, 2.0), (Unready, 3.0, 1.0), (Ready, 4.0, 46.0), (Ending, 50.0, 30.0)],
            ),
            // Deleted before it ran.
            ([Some(10), None, None, Some(20), None], 30, vec![(Creating, 10.0, 10.0), (Ending, 20.0, 10.0)]),
        ] {
            let found = pieces(&bar("", times), &scale, now * SECOND);
            let found: Vec<_> = found.iter().map(|piece| (piece.stage, piece.x, piece.width)).collect();
            assert_eq!(found, wanted, "{times:?}");
        }
    }

    #[test]
    fn what_is_out_of_sight_is_left_out() {
        let scale = Scale { from: 50 * SECOND, to: 100 * SECOND, width: 100.0 };
        let found = pieces(&bar("", [Some(1), Some(3), Some(4), None, None]), &scale, 60 * SECOND);
        assert_eq!(found, [Piece { stage: Stage::Ready, x: 0.0, width: 20.0 }]);
    }

    #[test]
    fn lanes_are_used_again() {
        let bars = [
            bar("", [Some(1), None, None, None, Some(5)]),
            bar("", [Some(2), None, None, None, None]),
            bar("", [Some(6), None, None, None, None]),
            bar("", [Some(7), None, None, None, None]),
        ];
        assert_eq!(lanes(&bars.iter().collect::<Vec<_>>()), (vec![0, 1, 0, 2], 3));
        assert_eq!(lanes(&[]), (vec![], 0));
    }
}
