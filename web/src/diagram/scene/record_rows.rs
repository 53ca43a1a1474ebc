//! Records inside the API server, and a rollout's arithmetic under them.

use view::{BudgetRow, RecordRow};

use super::{Cx, button, slots};
use crate::diagram::census::RECORDS;
use crate::diagram::records::{self, Line, Sum};
use crate::diagram::shape::{Anchor, Group, Rect, Span, Thing, number, span};
use crate::diagram::text::{bold, keep_end, keep_start, mono, sans};
use crate::selection::Selection;
use crate::traffic::version_class;
use crate::words::fill;

/// Draws the records' lines. Returns the height they took.
pub fn records(cx: &Cx, into: &mut Group, top: f64) -> f64 {
    let lines = records::lines(cx.model);
    let row = 17.0 * cx.sizes().normal / 11.0;
    let cut = lines.len() > RECORDS;
    let shown = if cut { RECORDS - 1 } else { lines.len() };
    for (i, line) in lines.iter().take(shown).enumerate() {
        if let Some(record) = cx.model.records.get(&line.key) {
            into.group(record_row(cx, line, record, top + row * i as f64, row));
        }
    }
    if cut {
        let words = fill(cx.lang.traces().more, &[&(lines.len() - shown).to_string()]);
        into.text("q3", cx.layout.api.x + 11.0, top + row * shown as f64 + row * 0.68, words);
    }
    row * (shown + usize::from(cut)) as f64
}

fn record_row(cx: &Cx, line: &Line, record: &RecordRow, y: f64, row: f64) -> Group {
    let (api, size) = (cx.layout.api, cx.sizes().normal);
    let selection = Selection::Object(line.key.clone());
    let place = Rect::new(api.x + 4.0, y, api.w - 8.0, row);
    let name = line.key.rsplit('/').next().unwrap_or_default();
    let mut right = right_side(cx, record, line);
    let right_words: String = right.iter().map(|span| span.text.as_str()).collect();
    let mut label = format!("{} {name}, {}", record.kind, right_words.replace('\u{a0}', " "));
    let places = slots::words(record, cx.words());
    if !places.is_empty() {
        label = format!("{label}: {places}");
    }
    let class = cx.class(if record.ending { "row ending" } else { "row" }, &selection);
    let thing =
        Thing { told: label.clone(), title: places, ..button(line.key.clone(), label, place, selection) };
    let mut group = Group::of(class, thing);
    group.rect("hit", place, 2.0);
    let base = y + row * 0.68;
    let mut x = api.x + 11.0;
    if line.owned {
        let stem = api.x + 15.5;
        let from = y - 3.0;
        let to = if line.last {
            format!("V{}", number(base - 4.0))
        } else {
            format!("V{}M{} {}", number(y + row - 3.0), number(stem), number(base - 4.0))
        };
        group.path("tree", format!("M{} {}{to}H{}", number(stem), number(from), number(stem + 8.5)));
        x += 14.0;
    }
    let service = record.kind == "Service";
    if matches!(record.kind.as_str(), "PersistentVolumeClaim" | "PersistentVolume") {
        group.path("icon", drum(Rect::new(x, base - 9.0, 9.0, 10.0)));
    } else if service {
        group.path("icon", pointed(Rect::new(x - 1.0, base - 8.5, 13.0, 9.0)));
    } else {
        group.path("icon", format!("M{} {}h6l3 3v7h-9z", number(x), number(base - 9.0)));
    }
    x += if service { 16.0 } else { 14.0 };
    let kind = short_kind(&record.kind);
    let kind_width = sans(kind, size) + 5.0;
    let end = api.right() - 10.0;
    // A row of places comes before words that say less.
    let places = slots::width(record, cx.sizes());
    let sum = |right: &[Span]| -> f64 { right.iter().map(|span| width_of(span, size)).sum() };
    let least = x + kind_width + bold(name, size).min(110.0) + places + 14.0;
    if places > 0.0 && least + sum(&right) > end {
        right = in_short(record);
    }
    if record.kind == "HorizontalPodAutoscaler" && least + sum(&right) > end {
        // The bounds are what can be done without.
        for part in &mut right {
            if let Some((targets, _)) = part.text.split_once(" · ") {
                part.text = format!("{targets}: ");
            }
        }
    }
    let right_width = sum(&right);
    let has_places = places > 0.0 && least + right_width <= end;
    // A name that is owned is called by its end only.
    let called = if line.owned { name.rsplit('-').next().unwrap_or(name) } else { name };
    let called_width = if line.owned {
        mono(called, size) + mono("…", size) + version_width(record.version, size)
    } else {
        bold(called, size).min(110.0)
    };
    if x + kind_width + called_width <= end - right_width - 6.0 {
        group.text("q3", x, base, kind);
        x += kind_width;
    }
    if has_places {
        slots::draw(&mut group, record, (end - right_width - 8.0 - places, base), cx.sizes());
    }
    let room = end - right_width - 6.0 - x - if has_places { places + 8.0 } else { 0.0 };
    if line.owned && record.version > 0 {
        let own = name.rsplit('-').next().unwrap_or(name);
        let version = version_class(record.version);
        let hash = keep_end(&format!("…{own}"), room - version_width(record.version, size), |text| {
            mono(text, size)
        });
        let width = mono(&hash, size);
        group.text(format!("m {version}"), x, base, hash);
        group.text(format!("b {version}"), x + width + 7.0, base, format!("v{}", record.version));
    } else {
        let short = keep_start(name, room, |text| bold(text, size));
        let width = bold(&short, size);
        group.text("b ink", x, base, short);
        let tagged = service || record.kind == "Ingress";
        if let Some(address) = record.addresses.first().filter(|_| tagged && !cx.layout.turned) {
            let w = mono(address, cx.sizes().small) + 16.0;
            if width + 8.0 + w < room {
                let tag = Rect::new(end - right_width - 10.0 - w, base - 10.5, w, 14.0);
                group.path("tagline", pointed(tag));
                group.text_middle("m10 q3", tag.x + w / 2.0, base - 0.2, address.clone());
            }
        }
    }
    group.anchored("", (end, base), Anchor::End, right);
    group
}

/// Returns a kind's name as it stands in a row: those that are too long as kubectl abbreviates them.
fn short_kind(kind: &str) -> &str {
    match kind {
        "PersistentVolumeClaim" => "PVC",
        "PersistentVolume" => "PV",
        "HorizontalPodAutoscaler" => "HPA",
        kind => kind,
    }
}

/// Returns how many of a workload's pods there are, in the fewest characters.
fn in_short(record: &RecordRow) -> Vec<Span> {
    let class = match record.version {
        0 => "b ink".to_owned(),
        version => format!("b {}", version_class(version)),
    };
    vec![span(class, format!("{}/{}", record.available, record.wanted))]
}

/// A drum: a volume.
pub fn drum(rect: Rect) -> String {
    let (n, w) = (number, rect.w);
    format!(
        "M{x} {y}c0 -2.7 {w} -2.7 {w} 0v{h}c0 2.7 {m} 2.7 {m} 0zM{x} {y}c0 2.7 {w} 2.7 {w} 0",
        x = n(rect.x),
        y = n(rect.y + 2.0),
        w = n(w),
        m = n(-w),
        h = n(rect.h - 4.0)
    )
}

/// A tag with two pointed ends.
pub fn pointed(rect: Rect) -> String {
    let p = rect.h * 0.42;
    let n = number;
    format!(
        "M{} {}H{}L{} {}L{} {}H{}L{} {}z",
        n(rect.x + p),
        n(rect.y),
        n(rect.right() - p),
        n(rect.right()),
        n(rect.y + rect.h / 2.0),
        n(rect.right() - p),
        n(rect.bottom()),
        n(rect.x + p),
        n(rect.x),
        n(rect.y + rect.h / 2.0)
    )
}

/// Returns the width of a version's name and the gap before it.
fn version_width(version: u32, size: f64) -> f64 {
    7.0 + bold(&format!("v{version}"), size)
}

fn width_of(span: &Span, size: f64) -> f64 {
    if span.class.starts_with("b ") { bold(&span.text, size) } else { sans(&span.text, size) }
}

fn right_side(cx: &Cx, record: &RecordRow, line: &Line) -> Vec<Span> {
    let words = cx.words();
    match record.kind.as_str() {
        "Service" if record.detail == "ExternalName" => vec![span("q3", "CNAME")],
        "Service" => {
            let count = record.ready;
            let text = if count == 1 {
                words.endpoint.to_owned()
            } else {
                fill(words.endpoints, &[&count.to_string()])
            };
            vec![span("q3", text)]
        }
        "Deployment" => {
            let before = cx
                .model
                .records
                .values()
                .filter(|row| row.kind == "ReplicaSet" && row.owner == line.key)
                .filter(|row| row.current > 0 && row.revision < record.revision)
                .map(|row| row.revision)
                .max();
            let revision = match before {
                Some(before) => format!("{before} → {}", record.revision),
                None => record.revision.to_string(),
            };
            vec![span("q3", fill(words.rev, &[&revision]))]
        }
        "Job" => {
            let (done, all) = (record.available.to_string(), record.wanted.to_string());
            vec![span("q3", fill(words.completed_of, &[&done, &all]))]
        }
        "CronJob" | "NetworkPolicy" | "Ingress" => vec![span("m10 q3", record.detail.clone())],
        "PersistentVolumeClaim" | "PersistentVolume" => vec![span("q3", record.detail.clone())],
        "HorizontalPodAutoscaler" => {
            let count = match (record.current, record.wanted) {
                // Nothing is wanted before a metric was seen.
                (now, wanted) if now == wanted || wanted == 0 => now.to_string(),
                (now, wanted) => format!("{now} → {wanted}"),
            };
            vec![span("q3", format!("{}: ", record.detail)), span("b ink", count)]
        }
        _ => {
            let class = if record.version > 0 {
                format!("b {}", version_class(record.version))
            } else {
                "b ink".to_owned()
            };
            vec![
                span("", format!("{} ", words.wants)),
                span(class.clone(), record.wanted.to_string()),
                span("", format!(", {} ", words.available_n)),
                span(class, record.available.to_string()),
            ]
        }
    }
}

/// Draws a rollout's arithmetic.
pub fn budget(cx: &Cx, into: &mut Group, top: f64) {
    let Some((_, budget)) = records::rolling(cx.model) else { return };
    let (api, sizes) = (cx.layout.api, cx.sizes());
    let row = 16.0 * sizes.normal / 11.0;
    into.path(
        "hair",
        format!("M{} {}H{}", number(api.x + 1.0), number(top + 0.5), number(api.right() - 1.0)),
    );
    let (pods, available) = records::sums(budget);
    let words = cx.words();
    let column = sans(words.pods, sizes.normal).max(sans(words.available, sizes.normal)) + 12.0;
    let notes = [
        note(words.surge, &budget.surge, budget, ('⌈', '⌉')),
        note(words.unavailable, &budget.unavailable, budget, ('⌊', '⌋')),
    ];
    let rows = [(words.pods, pods, '≤', '+'), (words.available, available, '≥', '−')];
    for (i, ((label, sum, sign, slack), note)) in rows.into_iter().zip(notes).enumerate() {
        let y = top + 2.0 + row * i as f64 + row * 0.82;
        into.text("q3", api.x + 10.0, y, label);
        let formula = formula(&sum, sign, slack);
        let width: f64 = formula.iter().map(|span| mono(&span.text, sizes.normal)).sum();
        let x = api.x + 10.0 + column;
        into.anchored("m", (x, y), Anchor::Start, formula);
        let note_width = sans(&note.0, sizes.normal) + mono(&note.1, sizes.normal) + 6.0;
        if x + width + 10.0 + note_width < api.right() - 10.0 {
            into.anchored(
                "q3",
                (api.right() - 10.0, y),
                Anchor::End,
                vec![span("", format!("{} ", note.0)), span("m", note.1)],
            );
        }
    }
}

fn note(
    word: &'static str,
    limit: &(String, i64),
    budget: &BudgetRow,
    (open, close): (char, char),
) -> (String, String) {
    let number = match records::share(&limit.0, budget.wanted) {
        Some(share) if share.contains('.') => format!("{open}{share}{close}"),
        Some(share) => share,
        None => limit.0.clone(),
    };
    (word.to_owned(), number)
}

/// `2 + 2 = 4 ≤ 3 + 1`, each number in its version's colour. The blanks don't break.
fn formula(sum: &Sum, sign: char, slack: char) -> Vec<Span> {
    let mut spans = Vec::new();
    for (i, (version, count)) in sum.parts.iter().enumerate() {
        if i > 0 {
            spans.push(span("", "\u{a0}+\u{a0}"));
        }
        spans.push(span(format!("b {}", version_class(*version)), count.to_string()));
    }
    if sum.parts.len() != 1 {
        if !sum.parts.is_empty() {
            spans.push(span("", "\u{a0}=\u{a0}"));
        }
        spans.push(span(if sum.kept { "b ink" } else { "b bad" }, sum.total.to_string()));
    }
    spans.push(span("", format!("\u{a0}{sign}\u{a0}{}\u{a0}{slack}\u{a0}", sum.wanted)));
    spans.push(span("b ink", sum.slack.to_string()));
    spans
}
