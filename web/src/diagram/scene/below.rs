//! What lies below the nodes: the network, announced addresses, the client, and the key.

use view::Moment;

use super::record_rows::pointed;
use super::{Cx, button};
use crate::clock::SECOND;
use crate::diagram::phase::{Phase, glyph, outlines};
use crate::diagram::shape::{Anchor, Group, Rect, number, path_along, span};
use crate::diagram::text::{bold, keep_start, mono, sans, wrap};
use crate::selection::Selection;
use crate::traffic::version_class;
use crate::words::fill;

/// How far back the client's rate is counted.
const LATELY: i64 = 4 * SECOND;

/// Draws the node network and the cables, on which everything stands.
pub fn network(cx: &Cx) -> Group {
    let layout = cx.layout;
    let mut group = Group { class: "network".into(), ..Group::default() };
    for (from, to) in &layout.network {
        group.path("net", path_along(&[*from, *to]));
    }
    for joint in &layout.joints {
        group.path("cable thin", path_along(joint));
    }
    for node in &layout.nodes {
        group.path("cable", path_along(&[node.port.centre(), node.tap]));
    }
    let (from, to) = layout.client_cable;
    group.path("cable", path_along(&[from, to]));
    if layout.has_router() {
        let (from, to) = layout.router_cable;
        group.path("cable", path_along(&[from, to]));
    }
    let name = cx.model.cluster.as_ref().map(|cluster| cluster.network.clone()).unwrap_or_default();
    if layout.turned {
        return group;
    }
    if let Some((_, (x, y))) = layout.network.last() {
        let spans = vec![span("", format!("{} ", cx.words().network)), span("m10", name)];
        group.anchored("q3", (*x, y + 20.0), Anchor::End, spans);
    }
    for (i, node) in layout.nodes.iter().enumerate() {
        let (x, y) = (node.port.centre().0, node.port.bottom() + 14.0);
        let announces = cx.model.nodes.get(&node.name).is_some_and(|row| !row.announces.is_empty());
        let before = i > 0
            && layout
                .nodes
                .get(i - 1)
                .and_then(|node| cx.model.nodes.get(&node.name))
                .is_some_and(|row| !row.announces.is_empty());
        // The label gives way to an address's tag, its own or its neighbour's, and to the accent's line.
        match (announces, before) {
            (false, true) => group.text("m10 q3", x + 12.0, y, "eth0"),
            _ => group.text_end("m10 q3", x - 12.0, y, "eth0"),
        }
    }
    group
}

/// Draws the addresses that nodes announce, as tags at their eth0.
pub fn tags(cx: &Cx) -> Group {
    let (layout, sizes, words) = (cx.layout, cx.sizes(), cx.words());
    let mut group = Group::default();
    for node in &layout.nodes {
        let Some(row) = cx.model.nodes.get(&node.name) else { continue };
        for (i, address) in row.announces.iter().take(3).enumerate() {
            let step = if layout.turned { 24.0 } else { 20.0 };
            // In small print where the drawing ends soon.
            let (wide, edge) = (mono(address, sizes.normal) + 22.0, layout.size.0 - 6.0);
            let small = !layout.turned && node.tag.0 + wide > edge;
            let w = if small { mono(address, sizes.small) + 16.0 } else { wide };
            let tag = Rect::new(node.tag.0, node.tag.1 + step * i as f64, w, 17.0);
            let service = service_of(cx, address);
            let selection = Selection::Object(service.unwrap_or_else(|| format!("nodes/{}", node.name)));
            let label = format!("{address}, {} ({})", words.announced, node.name);
            let key = format!("tag/{}/{address}", node.name);
            let mut own = Group::of("part", button(key, label, tag, selection.clone()));
            own.path(cx.class("tagline ground", &selection), pointed(tag));
            own.text_middle(
                if small { "m10 ink" } else { "m ink" },
                tag.x + w / 2.0,
                tag.y + 12.4,
                address.clone(),
            );
            if !layout.turned {
                own.path(
                    "hair dark",
                    format!(
                        "M{} {}H{}",
                        number(tag.x - 2.0),
                        number(tag.y + 8.5),
                        number(node.port.centre().0 + 4.5)
                    ),
                );
            }
            let next = layout
                .nodes
                .iter()
                .map(|node| node.port.x)
                .filter(|x| *x > tag.right())
                .fold(layout.size.0 - 8.0, f64::min);
            let limit = if layout.turned { node.rect.right() } else { next - 4.0 };
            if tag.right() + 8.0 + sans(words.announced, sizes.normal) < limit {
                own.text("q3", tag.right() + 6.0, tag.y + 12.4, words.announced);
            }
            group.group(own);
        }
        let more = row.announces.len().saturating_sub(3);
        if more > 0 {
            group.text("q3", node.tag.0, node.tag.1 + 72.0, format!("+{more}"));
        }
    }
    group
}

/// Returns the Service that has an address.
fn service_of(cx: &Cx, address: &str) -> Option<String> {
    let services = cx.model.records.iter().filter(|(_, row)| row.kind == "Service");
    let mut having = services.filter(|(_, row)| row.addresses.iter().any(|own| own == address));
    having.next().map(|(key, _)| key.clone())
}

/// Draws the client.
pub fn client(cx: &Cx) -> Group {
    let (rect, sizes, name) = (cx.layout.client, cx.sizes(), cx.lang.words().client);
    let n = number;
    let selection = Selection::Place("client".to_owned());
    let class = cx.class("comp", &selection);
    let address = cx.model.cluster.as_ref().map(|cluster| cluster.client.clone()).unwrap_or_default();
    let mut outer = Group::default();
    let mut group =
        Group::of("part", button("client".to_owned(), format!("{name} {address}"), rect, selection));
    let (w, h) = (rect.w, rect.h);
    group.path(
        class,
        format!(
            "M{} {}h{}v{}a4 4 0 0 1-4 4h{}a4 4 0 0 1-4-4z",
            n(rect.x),
            n(rect.y),
            n(w),
            n(h - 4.0),
            n(8.0 - w)
        ),
    );
    let base = rect.y + 23.0;
    group.path("prompt", format!("M{} {}l5 4.5l-5 4.5", n(rect.x + 10.0), n(base - 9.0)));
    group.text("h", rect.x + 22.0, base, name);
    let doing = doing(cx);
    if cx.layout.turned {
        let x = rect.x + 22.0 + bold(name, sizes.head) + 8.0;
        let room = rect.right() - 8.0 - x;
        let text = if doing.is_empty() { address } else { doing };
        group.text("q3", x, base, keep_start(&text, room, |text| sans(text, sizes.normal)));
        outer.group(group);
        counts(cx, &mut outer);
        return outer;
    }
    if mono(&address, sizes.normal) < w - 36.0 - bold(name, sizes.head) {
        group.text_end("m q3", rect.right() - 8.0, base, address);
    }
    group.text(
        "q3",
        rect.x + 10.0,
        rect.y + 42.0,
        keep_start(&doing, w - 18.0, |text| sans(text, sizes.normal)),
    );
    outer.group(group);
    outer
}

/// Draws what passes packets on outside of the cluster.
pub fn router(cx: &Cx) -> Group {
    let Some((name, address)) = cx.model.cluster.as_ref().and_then(|cluster| cluster.router.as_ref()) else {
        return Group::default();
    };
    let (rect, sizes) = (cx.layout.router, cx.sizes());
    let selection = Selection::Place(format!("router/{name}"));
    let thing = button(format!("router/{name}"), format!("{name} {address}"), rect, selection.clone());
    let mut group = Group::of("part", thing);
    group.rect(cx.class("nodeb", &selection), rect, 10.0);
    let (x, base) = (rect.x + 12.0, if cx.layout.turned { rect.y + 19.0 } else { rect.y + 22.0 });
    let short = keep_start(name, rect.w - 20.0, |text| bold(text, sizes.head));
    let beside = x + bold(&short, sizes.head) + 8.0;
    group.text("h", x, base, short);
    match cx.layout.turned {
        true => group.text("m q3", beside, base, address.clone()),
        false => group.text("m q3", x, rect.y + 40.0, address.clone()),
    }
    group
}

/// Returns what the client does: the commands that run, or what it asked last.
fn doing(cx: &Cx) -> String {
    let tabs = cx.model.tabs.iter().filter(|tab| tab.running);
    let running: Vec<String> =
        tabs.map(|tab| repeated(cx, &tab.title).unwrap_or_else(|| tab.title.clone())).collect();
    if !running.is_empty() {
        return running.join(", ");
    }
    let last = cx
        .model
        .answers
        .iter()
        .next_back()
        .map(|(_, answer)| answer)
        .filter(|answer| answer.from == "client");
    let used = cx.model.cluster.as_ref().is_none_or(|cluster| cluster.used);
    match last {
        Some(answer) => format!("{} {}", answer.what, answer.to),
        None if used || cx.layout.turned => String::new(),
        None => cx.words().first_client.to_owned(),
    }
}

/// Returns what a loop of curl is called, and how often it asks: as often as it did lately.
fn repeated(cx: &Cx, title: &str) -> Option<String> {
    let first = title.split_whitespace().next()?;
    if !matches!(first, "while" | "until" | "for" | "watch") || !title.contains("curl") {
        return None;
    }
    let words = cx.words();
    let since = cx.now() - LATELY;
    let answers = cx.model.answers.values().rev().take_while(|answer| answer.began > since);
    let begun: Vec<Moment> =
        answers.filter(|answer| answer.from == "client").map(|answer| answer.began).collect();
    let (Some(last), Some(first)) = (begun.first(), begun.last()) else {
        return Some(words.curl_loop.to_owned());
    };
    let (asked, span) = ((begun.len() - 1) as f64, (last - first) as f64 / SECOND as f64);
    if asked < 2.0 || span <= 0.0 {
        return Some(words.curl_loop.to_owned());
    }
    let rate = asked / span;
    let told = if rate < 1.0 { format!("{rate:.1}") } else { format!("{}", rate.round()) };
    Some(fill(words.each_second, &[words.curl_loop, &told]))
}

fn counts(cx: &Cx, into: &mut Group) {
    let Some(cluster) = cx.model.cluster.as_ref().filter(|cluster| cluster.answered + cluster.lost > 0)
    else {
        return;
    };
    let (x, y) = (cx.layout.size.0 - 30.0, cx.layout.client.y);
    into.text_end("ink", x, y + 23.0, fill(cx.words().answered, &[&cluster.answered.to_string()]));
    let class = if cluster.lost > 0 { "b bad" } else { "q3" };
    into.text_end(class, x, y + 37.0, fill(cx.words().lost, &[&cluster.lost.to_string()]));
}

/// Draws a sign at a point.
type Sign = Box<dyn Fn(&mut Group, f64, f64)>;

/// An entry of the key: its sign, as wide as given, and its words.
struct Entry {
    width: f64,
    words: String,
    draw: Sign,
}

/// Draws the key: what the glyphs and lines mean. On a first visit, one sentence stands there.
pub fn key(cx: &Cx) -> Group {
    let (rect, size) = (cx.layout.key, cx.sizes().normal);
    let mut group = Group { class: "key".into(), ..Group::default() };
    if rect.w < 120.0 {
        return group;
    }
    if !cx.model.cluster.as_ref().is_some_and(|cluster| cluster.used) {
        for (i, line) in wrap(cx.words().first_wires, rect.w, size).into_iter().enumerate() {
            group.text("q3", rect.x, rect.y + 14.0 + (size + 5.0) * i as f64, line);
        }
        return group;
    }
    let rows = if cx.layout.turned { 3 } else { 2 };
    let entries = entries(cx);
    let widths: Vec<f64> = entries.iter().map(|entry| entry.width + sans(&entry.words, size)).collect();
    // In as few rows as can be, and there as wide apart as there is room for.
    let count = |places: &[(usize, f64)]| places.last().map_or(0, |(row, _)| row + 1);
    let tightest = set(&widths, rect.w, GAPS[GAPS.len() - 1]);
    let fewest = count(&tightest);
    let wider = GAPS.iter().map(|gap| set(&widths, rect.w, *gap)).find(|places| count(places) == fewest);
    let places = wider.unwrap_or(tightest);
    for (entry, (row, x)) in entries.into_iter().zip(places).filter(|(_, (row, _))| *row < rows) {
        let (x, y) = (rect.x + x, rect.y + 10.0 + 22.0 * row as f64);
        (entry.draw)(&mut group, x, y);
        group.text("", x + entry.width, y + 4.0, entry.words);
    }
    group
}

/// The distances of entries that are tried.
const GAPS: [f64; 7] = [18.0, 16.0, 14.0, 12.0, 10.0, 9.0, 8.0];

/// Sets entries of these widths in rows: the row and the beginning of each.
fn set(widths: &[f64], room: f64, gap: f64) -> Vec<(usize, f64)> {
    let (mut x, mut row) = (0.0, 0);
    let place = |width: &f64| {
        if x + width > room && x > 0.0 {
            (x, row) = (0.0, row + 1);
        }
        let at = (row, x);
        x += width + gap;
        at
    };
    widths.iter().map(place).collect()
}

fn entries(cx: &Cx) -> Vec<Entry> {
    let words = cx.words();
    let phase = |phase: Phase, name: &str| Entry {
        width: 18.0,
        words: name.to_owned(),
        draw: Box::new(move |group, x, y| glyph(group, phase, (x + 6.0, y), "plain", 14.0)),
    };
    let mut entries = vec![
        phase(Phase::Pending, "Pending"),
        phase(Phase::Creating, "ContainerCreating"),
        phase(Phase::NotReady, words.key_unready),
        phase(Phase::Ready, "Ready"),
        phase(Phase::Terminating, "Terminating"),
        phase(Phase::Crash, "CrashLoopBackOff"),
    ];
    let newest = cx
        .model
        .pods
        .values()
        .filter(|pod| !pod.system)
        .map(|pod| pod.version)
        .max()
        .unwrap_or(1)
        .clamp(1, 3);
    for version in 1..=newest {
        entries.push(Entry {
            width: 22.0,
            words: format!("v{version}"),
            draw: Box::new(move |group, x, y| {
                outlines(
                    group,
                    Rect::new(x, y - 6.0, 18.0, 12.0),
                    5.0,
                    version,
                    Phase::NotReady,
                    version_class(version),
                );
            }),
        });
    }
    entries.push(Entry {
        width: 26.0,
        words: words.key_answer.to_owned(),
        draw: Box::new(move |group, x, y| {
            for version in 1..=2 {
                group.circle(version_class(version), (x + 5.0 + 12.0 * f64::from(version - 1), y), 4.0);
            }
        }),
    });
    entries.push(Entry {
        width: 16.0,
        words: words.key_lost.to_owned(),
        draw: Box::new(|group, x, y| {
            group.path(
                "cross",
                format!(
                    "M{} {}l8 8M{} {}l-8 8",
                    number(x + 1.0),
                    number(y - 4.0),
                    number(x + 9.0),
                    number(y - 4.0)
                ),
            );
        }),
    });
    // What there is no room for is the last.
    entries.push(line_entry("wire", "dot", words.key_request));
    entries.push(line_entry("watch", "dot hollow", words.key_watch));
    entries
}

fn line_entry(line: &'static str, dot: &'static str, words: &str) -> Entry {
    Entry {
        width: 28.0,
        words: words.to_owned(),
        draw: Box::new(move |group, x, y| {
            group.path(line, format!("M{} {}h22", number(x), number(y)));
            group.circle(dot, (x + 12.0, y), 3.4);
        }),
    }
}
