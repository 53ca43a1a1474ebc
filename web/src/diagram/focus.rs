//! The keyboard's way through the diagram: from a thing to its neighbour in a direction.

use super::shape::{Group, Point, Rect, Thing};

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// Up.
    Up,
    /// Down.
    Down,
}

impl Direction {
    /// Returns the direction of an arrow key.
    pub fn of_key(key: &str) -> Option<Direction> {
        match key {
            "ArrowLeft" => Some(Direction::Left),
            "ArrowRight" => Some(Direction::Right),
            "ArrowUp" => Some(Direction::Up),
            "ArrowDown" => Some(Direction::Down),
            _ => None,
        }
    }
}

/// Returns all buttons, in reading order.
pub fn buttons<'a>(groups: impl IntoIterator<Item = &'a Group>) -> Vec<&'a Thing> {
    groups.into_iter().flat_map(Group::things).filter(|thing| thing.button).collect()
}

/// Returns the neighbour of a button in a direction: the nearest, where being aside counts twice.
pub fn neighbour<'a>(buttons: &[&'a Thing], key: &str, direction: Direction) -> Option<&'a Thing> {
    let own = buttons.iter().find(|thing| thing.key == key)?;
    let from = own.place.centre();
    let others =
        buttons.iter().filter(|thing| thing.key != key && !encloses(&own.place, &thing.place, direction));
    let ranked =
        others.filter_map(|thing| Some((distance(from, own.place, thing.place, direction)?, *thing)));
    ranked.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, thing)| thing)
}

/// A part whose rows stand inside it leads down into them, not sideways.
fn encloses(outer: &Rect, inner: &Rect, direction: Direction) -> bool {
    let within = inner.x >= outer.x
        && inner.right() <= outer.right()
        && inner.y >= outer.y
        && inner.bottom() <= outer.bottom();
    within && direction != Direction::Down
}

fn distance(from: Point, own: Rect, to: Rect, direction: Direction) -> Option<f64> {
    let inside = to.y >= own.y && to.bottom() <= own.bottom() && to.x >= own.x && to.right() <= own.right();
    let within = own.y >= to.y && own.bottom() <= to.bottom() && own.x >= to.x && own.right() <= to.right();
    let aside_y = gap((own.y, own.bottom()), (to.y, to.bottom()));
    let aside_x = gap((own.x, own.right()), (to.x, to.right()));
    let (ahead, aside) = match direction {
        Direction::Left => (own.x - to.right(), aside_y),
        Direction::Right => (to.x - own.right(), aside_y),
        // A part's own rows come first, the uppermost before all; and from them back to it.
        Direction::Down if inside => (to.y - own.y, 0.0),
        Direction::Up if within => (own.y - to.y, 0.0),
        Direction::Up => (own.y - to.bottom(), aside_x),
        Direction::Down => (to.y - own.bottom(), aside_x),
    };
    let offset = (from.0 - to.centre().0).abs() + (from.1 - to.centre().1).abs();
    (ahead > -2.5).then_some(ahead + 8.0 * aside + 0.02 * offset)
}

/// Returns how far two stretches are apart; 0 where they overlap.
fn gap(a: (f64, f64), b: (f64, f64)) -> f64 {
    (b.0 - a.1).max(a.0 - b.1).max(0.0)
}

/// Returns the button nearest to a point, if one is within a distance.
pub fn nearest<'a>(buttons: &[&'a Thing], at: Point, within: f64) -> Option<&'a Thing> {
    let away = |thing: &Thing| {
        gap((at.0, at.0), (thing.place.x, thing.place.right()))
            .hypot(gap((at.1, at.1), (thing.place.y, thing.place.bottom())))
    };
    let ranked = buttons.iter().map(|thing| (away(thing), *thing)).filter(|(away, _)| *away <= within);
    ranked.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, thing)| thing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::census::Census;
    use crate::diagram::layout::Layout;
    use crate::diagram::sample;
    use crate::diagram::scene::{Cx, scene};
    use crate::diagram::slots::Slots;
    use crate::words::Lang;

    #[test]
    fn arrows_reach_every_button() {
        let model = sample::rollout();
        let mut slots = Slots::default();
        slots.update(&model);
        for (width, height) in [(800.0, 532.0), (390.0, 600.0)] {
            let layout = Layout::fit(&Census::of(&model, &slots), width, height);
            let groups =
                scene(&Cx { model: &model, layout: &layout, selected: None, accent: None, lang: Lang::En });
            let all = buttons(&groups);
            let mut reached = vec![all[0].key.as_str()];
            let mut i = 0;
            while let Some(key) = reached.get(i).copied() {
                for direction in [Direction::Left, Direction::Right, Direction::Up, Direction::Down] {
                    if let Some(next) =
                        neighbour(&all, key, direction).filter(|next| !reached.contains(&next.key.as_str()))
                    {
                        reached.push(&next.key);
                    }
                }
                i += 1;
            }
            let missed: Vec<&str> =
                all.iter().map(|thing| thing.key.as_str()).filter(|key| !reached.contains(key)).collect();
            assert!(missed.is_empty(), "{missed:?} at {width}");
        }
    }

    #[test]
    fn arrows_go_to_what_stands_there() {
        let model = sample::rollout();
        let mut slots = Slots::default();
        slots.update(&model);
        let layout = Layout::fit(&Census::of(&model, &slots), 800.0, 532.0);
        let groups =
            scene(&Cx { model: &model, layout: &layout, selected: None, accent: None, lang: Lang::En });
        let all = buttons(&groups);
        let pod = |name: &str| format!("pods/default/hello-deployment-{name}");
        for (from, direction, to) in [
            (pod("6d4cf56db6-xkq7p"), Direction::Right, pod("7c9d8f5b5c-m8vhd")),
            (pod("7c9d8f5b5c-m8vhd"), Direction::Right, pod("6d4cf56db6-4tqzn")),
            (pod("6d4cf56db6-4tqzn"), Direction::Down, "pods/kube-system/coredns-5c4d-m2m4q".into()),
            ("kubelet/node-2".into(), Direction::Up, "apiserver".into()),
            ("kube-controller-manager".into(), Direction::Down, "controller/deployment".into()),
            ("controller/deployment".into(), Direction::Down, "controller/replicaset".into()),
        ] {
            assert_eq!(
                neighbour(&all, &from, direction).map(|thing| &thing.key),
                Some(&to),
                "{from} {direction:?}"
            );
        }
        let at = all.iter().find(|thing| thing.key == pod("6d4cf56db6-4tqzn")).expect("it is there").place;
        assert_eq!(
            nearest(&all, (at.x - 3.0, at.y + 9.0), 24.0).map(|thing| &thing.key),
            Some(&pod("6d4cf56db6-4tqzn"))
        );
        assert!(nearest(&all, (-200.0, -200.0), 24.0).is_none());
    }
}
