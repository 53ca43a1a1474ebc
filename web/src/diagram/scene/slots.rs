//! A workload's places in its row: a StatefulSet's ordinals, a Job's indexes, a DaemonSet's nodes.

use view::{RecordRow, SlotRow};

use crate::diagram::shape::{Group, Rect};
use crate::diagram::text::Type;
use crate::traffic::version_class;
use crate::words::StageWords;

/// The most places that are drawn.
const MOST: usize = 12;
/// A place's width and height, and the gap between two.
const CELL: (f64, f64, f64) = (14.0, 12.0, 2.0);
/// What may be at a place, in the order of [`StageWords::slot_states`].
const STATES: [&str; 7] = ["none", "pending", "starting", "ready", "ending", "done", "failed"];

/// Returns how wide a row's places are; 0 where there are none, or too many.
pub fn width(record: &RecordRow, sizes: Type) -> f64 {
    let count = record.slots.len();
    if count == 0 || count > MOST {
        return 0.0;
    }
    let k = sizes.small / 10.0;
    (CELL.0 * k + CELL.2) * count as f64 - CELL.2
}

/// Draws a row's places, from a point on the words' line.
pub fn draw(into: &mut Group, record: &RecordRow, (x, base): (f64, f64), sizes: Type) {
    let k = sizes.small / 10.0;
    for (i, slot) in record.slots.iter().enumerate() {
        let rect = Rect::new(x + (CELL.0 * k + CELL.2) * i as f64, base - 9.5 * k, CELL.0 * k, CELL.1 * k);
        let colour = if record.version == 0 { "plain" } else { version_class(record.version) };
        let filled = matches!(slot.state.as_str(), "ready" | "done");
        let own = if filled { format!(" {colour}w") } else { String::new() };
        let stroke = if matches!(slot.state.as_str(), "none" | "failed") {
            String::new()
        } else {
            format!(" {colour}s")
        };
        into.rect(format!("slot {}{stroke}{own}", slot.state), rect, 2.0);
        let class = match slot.state.as_str() {
            "failed" => "m10 b bad",
            "none" => "m10 q3",
            _ => "m10 ink",
        };
        into.text_middle(class, rect.x + rect.w / 2.0, base - 0.3 * k, sign(slot));
    }
}

/// Returns what stands in a place: its number, of a node the number at its name's end, a check once done.
fn sign(slot: &SlotRow) -> String {
    if slot.state == "done" {
        return "✓".to_owned();
    }
    let end = slot.name.trim_start_matches(|c: char| !c.is_ascii_digit());
    if end.len() > 2 || !end.bytes().all(|c| c.is_ascii_digit()) { String::new() } else { end.to_owned() }
}

/// Returns what is at each place, in words: `0 ready, 1 starting`.
pub fn words(record: &RecordRow, words: &StageWords) -> String {
    let told = |slot: &SlotRow| {
        let state = STATES.iter().position(|state| *state == slot.state).unwrap_or(0);
        format!("{} {}", slot.name, words.slot_states[state])
    };
    record.slots.iter().map(told).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::sample;
    use crate::words::Lang;

    fn row(slots: &[(&str, &str)]) -> RecordRow {
        let slots =
            slots.iter().map(|(name, state)| SlotRow { name: (*name).into(), state: (*state).into() });
        RecordRow { version: 1, slots: slots.collect(), ..sample::record("StatefulSet") }
    }

    #[test]
    fn places_are_told_and_drawn() {
        let row = row(&[("0", "ready"), ("1", "starting"), ("2", "none")]);
        assert_eq!(words(&row, Lang::En.stage()), "0 ready, 1 starting, 2 no pod");
        let mut group = Group::default();
        draw(&mut group, &row, (0.0, 10.0), Type::at(1.0));
        assert_eq!(group.words(), "0\n1\n2\n");
        assert!(width(&row, Type::at(1.0)) > 40.0);
    }

    #[test]
    fn signs_are_short() {
        for (name, state, wanted) in [
            ("node-1", "ready", "1"),
            ("control-plane", "none", ""),
            ("ip-10-0-3-4", "ready", ""),
            ("w3-k8s", "ready", ""),
            ("7", "done", "✓"),
            ("12", "failed", "12"),
        ] {
            assert_eq!(sign(&SlotRow { name: name.into(), state: state.into() }), wanted, "{name}");
        }
    }

    #[test]
    fn too_many_have_no_place() {
        let many: Vec<(&str, &str)> = (0..13).map(|_| ("0", "ready")).collect();
        assert!(width(&row(&many), Type::at(1.0)) < 0.1);
    }
}
