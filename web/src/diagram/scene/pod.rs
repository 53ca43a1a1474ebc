//! Pods: as pills, as glyphs, and the cluster's own as glyphs with a name.

use view::PodRow;

use super::control::own_name;
use super::record_rows::drum;
use super::{Cx, button};
use crate::diagram::phase::{Phase, glyph, outlines};
use crate::diagram::shape::{Group, Rect, Thing, number};
use crate::diagram::text::{bold, keep_end, keep_start, mono, sans};
use crate::selection::Selection;
use crate::traffic::{short_pod, version_class};
use crate::words::fill;

/// Returns the colour class of a pod.
fn colour(row: &PodRow) -> &'static str {
    if row.version == 0 || row.system { "plain" } else { version_class(row.version) }
}

fn thing(cx: &Cx, key: &str, row: &PodRow, place: Rect) -> Thing {
    let words = cx.words();
    let name = key.rsplit('/').next().unwrap_or(key);
    let mut label = vec![format!("Pod {name}"), row.status.clone()];
    label.push(if row.ready { words.pod_ready } else { words.pod_unready }.to_owned());
    if row.version > 0 && !row.system {
        label.push(fill(words.pod_version, &[&row.version.to_string()]));
    }
    label.push(if row.node.is_empty() {
        words.pod_nowhere.to_owned()
    } else {
        fill(words.pod_on, &[&row.node])
    });
    if !row.claims.is_empty() {
        label.push(fill(words.volume, &[&row.claims.join(", ")]));
    }
    let ready = row.ready && Phase::of(row) != Phase::Terminating;
    Thing {
        test_id: format!("pod-{name}"),
        title: format!("{key} · {} · {}", row.status, row.containers),
        data: vec![
            ("phase", row.status.clone()),
            ("ready", ready.to_string()),
            ("version", row.version.to_string()),
        ],
        ..button(format!("pods/{key}"), label.join(", "), place, Selection::pod(key))
    }
}

/// Returns by what a pill calls its pod: the generated end of its name, or all of a name that was given.
fn pill_name(key: &str, row: &PodRow) -> String {
    let generated = ["replicasets/", "daemonsets/", "jobs/"].iter().any(|owner| row.owner.starts_with(owner));
    let name = key.rsplit('/').next().unwrap_or(key);
    match (generated, row.index.as_str()) {
        (true, "") => short_pod(key).to_owned(),
        (true, index) => format!("{index}-{}", short_pod(key)),
        _ => name.to_owned(),
    }
}

/// Draws a pod as a pill.
pub fn pill(cx: &Cx, key: &str, row: &PodRow, rect: Rect) -> Group {
    let (phase, colour, sizes) = (Phase::of(row), colour(row), cx.sizes());
    let selection = Selection::pod(key);
    let mut group = Group::of(cx.class("pod enters", &selection), thing(cx, key, row, rect));
    outlines(&mut group, rect, 14.0, if row.system { 0 } else { row.version }, phase, colour);
    group.rect("ring", rect.inset(-3.0), 17.0);
    let tight = rect.w < 104.0;
    let (gx, tx) = if tight { (rect.x + 15.0, rect.x + 26.0) } else { (rect.x + 18.0, rect.x + 31.0) };
    glyph(&mut group, phase, (gx, rect.y + 17.0), colour, 14.0);
    let version = if row.version > 0 && !row.system { format!("v{}", row.version) } else { String::new() };
    let version_w = if version.is_empty() { 0.0 } else { bold(&version, sizes.normal) + 6.0 };
    let end = rect.right() - 12.0;
    let drum_w = if row.claims.is_empty() { 0.0 } else { 14.0 };
    if drum_w > 0.0 {
        let place = Rect::new(end - version_w - 10.0, rect.y + 12.0, 9.0, 10.0);
        group.path(format!("drum {colour}s"), drum(place));
    }
    let name = keep_end(&pill_name(key, row), end - tx - version_w - drum_w, |text| mono(text, sizes.normal));
    group.text("m b ink", tx, rect.y + 21.0, name);
    if !version.is_empty() {
        group.text_end(format!("b {colour}"), end + 1.0, rect.y + 21.0, version);
    }
    let room = rect.right() - 8.0 - tx;
    let (class, sub) = sub_line(cx, row, phase);
    let measure = |text: &str| {
        if class.starts_with("m10") { mono(text, sizes.small) } else { sans(text, sizes.normal) }
    };
    group.text(class, tx, rect.y + 36.0, keep_start(&sub, room, measure));
    if phase == Phase::Terminating {
        grace(cx, &mut group, row, rect, tx, colour);
    }
    group
}

fn sub_line(cx: &Cx, row: &PodRow, phase: Phase) -> (&'static str, String) {
    let words = cx.words();
    match (phase, row.back_off) {
        (Phase::Crash, Some(until)) if until > cx.now() => {
            let left = (until - cx.now()) / 1_000_000 + 1;
            ("bad", fill(words.again_in, &[&format!("{left} s")]))
        }
        (Phase::Crash | Phase::Failed, _) => ("bad", row.status.clone()),
        (Phase::Completed, _) => ("q3", row.status.clone()),
        _ if row.ip.is_empty() => ("q3", words.no_ip.to_owned()),
        _ => ("m10 q3", row.ip.clone()),
    }
}

/// The grace period that is left, as a line under the address.
fn grace(cx: &Cx, group: &mut Group, row: &PodRow, rect: Rect, x: f64, colour: &str) {
    let Some((began, killed)) = row.ending else { return };
    let whole = (killed - began).max(1) as f64;
    let left = ((killed - cx.now()) as f64 / whole).clamp(0.0, 1.0);
    let width = rect.right() - 15.0 - x;
    let y = number(rect.y + 40.5);
    group.path("grace", format!("M{} {y}h{}", number(x), number(width)));
    group.path(format!("grace {colour}s"), format!("M{} {y}h{}", number(x), number((width * left).round())));
}

/// Draws a pod as a glyph with its version's tick beneath.
pub fn small(cx: &Cx, key: &str, row: &PodRow, rect: Rect) -> Group {
    let (phase, colour) = (Phase::of(row), colour(row));
    let selection = Selection::pod(key);
    let mut group = Group::of(cx.class("pod enters", &selection), thing(cx, key, row, rect));
    group.rect("hit", rect, 4.0);
    group.rect("ring", rect, 6.0);
    let (x, y) = rect.centre();
    glyph(&mut group, phase, (x, y - 1.5), colour, 14.0);
    let ticks = if row.version == 0 || row.system { 0 } else { (row.version - 1) % 3 + 1 };
    for i in 0..ticks {
        let from = x - 3.0 * f64::from(ticks) + 6.0 * f64::from(i) + 0.5;
        group.path(format!("tick {colour}s"), format!("M{} {}h5", number(from), number(rect.bottom() - 2.5)));
    }
    group
}

/// Draws one of the cluster's own pods: a glyph and a name.
pub fn system(cx: &Cx, key: &str, row: &PodRow, rect: Rect) -> Group {
    let selection = Selection::pod(key);
    let mut thing = thing(cx, key, row, rect);
    let called = own_name(cx, key);
    if !thing.label.contains(&called) {
        thing.label = format!("{called}, {}", thing.label);
    }
    let mut group = Group::of(cx.class("pod row", &selection), thing);
    group.rect("hit", Rect::new(rect.x - 2.0, rect.y, rect.w + 2.0, rect.h), 4.0);
    let y = rect.y + rect.h / 2.0;
    glyph(&mut group, Phase::of(row), (rect.x + 6.0, y), "plain", 11.0);
    let name = keep_start(&called, rect.w - 14.0, |text| sans(text, cx.sizes().normal));
    group.text("q3", rect.x + 16.0, y + 4.0, name);
    group
}
