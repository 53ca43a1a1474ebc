//! Many pods: a mark each, sorted by version and phase, so that a node's share is seen at a glance.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use view::PodRow;

use crate::diagram::phase::Phase;
use crate::diagram::shape::{Group, Point, Rect, number};
use crate::traffic::version_class;

/// The distance of marks.
const CELL: f64 = 9.0;
/// A mark's radius.
const R: f64 = 3.2;

/// Returns whether so many marks have room.
pub fn have_room(count: usize, room: Rect) -> bool {
    let (across, down) = ((room.w / CELL).floor() as usize, (room.h / CELL).floor() as usize);
    count <= across * down
}

/// Draws a mark for each pod. Marks that look alike are one path, so that hundreds cost little.
pub fn marks<'a>(into: &mut Group, pods: impl Iterator<Item = &'a PodRow>, room: Rect) {
    let mut sorted: Vec<(u32, Phase)> = pods.map(|row| (row.version, Phase::of(row))).collect();
    sorted.sort();
    let across = ((room.w / CELL).floor() as usize).max(1);
    let mut paths: BTreeMap<(u32, Phase, bool), String> = BTreeMap::new();
    for (i, (version, phase)) in sorted.into_iter().enumerate() {
        let at = (
            room.x + CELL * (i % across) as f64 + CELL / 2.0,
            room.y + CELL * (i / across) as f64 + CELL / 2.0,
        );
        let mut path = |filled: bool| {
            let path = paths.entry((version, phase, filled)).or_default();
            mark(path, version, phase, filled, at);
        };
        path(true);
        path(false);
    }
    for ((version, phase, filled), path) in paths.into_iter().filter(|(_, path)| !path.is_empty()) {
        let colour = if version == 0 { "plain" } else { version_class(version) };
        let class = match (phase, filled) {
            (Phase::Crash | Phase::Failed, _) => "bad".to_owned(),
            (_, true) => colour.to_owned(),
            (Phase::Pending, false) => format!("mk {colour}s gl-dash"),
            (_, false) => format!("mk {colour}s"),
        };
        into.path(class, path);
    }
}

/// Adds the filled or the drawn part of a mark to a path.
fn mark(path: &mut String, version: u32, phase: Phase, filled: bool, (x, y): Point) {
    match (phase, filled) {
        (Phase::Ready | Phase::Completed, true) => {
            disc(path, (x, y), R + 0.3, 1);
            // The second version has a hole, the third a dot in it: the other way round is not filled.
            match (version.max(1) - 1) % 3 {
                0 => {}
                1 => disc(path, (x, y), 1.3, 0),
                _ => {
                    disc(path, (x, y), 2.2, 0);
                    disc(path, (x, y), 1.1, 1);
                }
            }
        }
        (Phase::NotReady, true) => {
            let _ = write!(path, "M{} {}a{R} {R} 0 0 0 0 {}z", number(x), number(y - R), number(2.0 * R));
        }
        (Phase::NotReady | Phase::Pending, false) => disc(path, (x, y), R - 0.2, 1),
        (Phase::Creating, false) => {
            let _ = write!(path, "M{} {}a{R} {R} 0 1 1 -{R} {R}", number(x), number(y - R));
        }
        (Phase::Terminating, false) => {
            let (left, top) = (number(x - R), number(y - R * 0.8));
            let _ = write!(path, "M{left} {top}h{}l-{R} {}z", number(2.0 * R), number(R * 1.8));
        }
        (Phase::Crash | Phase::Failed, true) => {
            let _ = write!(path, "M{} {}l{R} {R}l-{R} {R}l-{R} -{R}z", number(x), number(y - R));
        }
        _ => {}
    }
}

fn disc(path: &mut String, (x, y): Point, r: f64, sweep: u8) {
    let (x, y, r, d) = (number(x - r), number(y), number(r), number(2.0 * r));
    let _ = write!(path, "M{x} {y}a{r} {r} 0 1 {sweep} {d} 0a{r} {r} 0 1 {sweep} -{d} 0z");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::sample;
    use crate::diagram::shape::{Item, Shape};

    #[test]
    fn marks_that_look_alike_are_one_path() {
        let room = Rect::new(0.0, 0.0, 90.0, 46.0);
        assert!(have_room(50, room) && !have_room(51, room));
        let ready = PodRow { version: 1, status: "Running".into(), ready: true, ..sample::pod() };
        let second = PodRow { version: 2, ..ready.clone() };
        let creating = PodRow { status: "ContainerCreating".into(), ready: false, ..second.clone() };
        let crash = PodRow { status: "CrashLoopBackOff".into(), ready: false, ..ready.clone() };
        let pods: Vec<&PodRow> = [&second, &creating, &ready, &crash].into_iter().cycle().take(40).collect();
        let mut group = Group::default();
        marks(&mut group, pods.into_iter(), room);
        let drawn: Vec<(&str, usize)> = group
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Shape(class, Shape::Path(path)) => Some((&**class, path.matches('M').count())),
                _ => None,
            })
            .collect();
        // A disc with a hole is two.
        assert_eq!(drawn, [("v1", 10), ("bad", 10), ("v2", 20), ("mk v2s", 10)]);
    }
}
