//! The control plane.

use super::record_rows::{budget, records};
use super::{Cx, ago, button, pod};
use crate::clock::SECOND;
use crate::diagram::census::system_name;
use crate::diagram::shape::{Anchor, Group, Rect, Thing, number, path_along, span};
use crate::diagram::text::{bold, keep_end, keep_start, mono, sans, wrap};
use crate::selection::Selection;
use crate::traffic::short_pod;
use crate::words::fill;

/// How long a controller is shown as having acted.
const ACTED: i64 = 2 * SECOND;

/// Draws the control plane with its parts and wires.
pub fn control_plane(cx: &Cx) -> Group {
    let layout = cx.layout;
    let cluster = cx.model.cluster.as_ref();
    let (name, address) = cluster.and_then(|cluster| cluster.control_plane.clone()).unwrap_or_default();
    let mut group = Group::of(
        "control",
        Thing {
            key: "control-plane".to_owned(),
            label: "control-plane".to_owned(),
            place: layout.control,
            ..Thing::default()
        },
    );
    wires(cx, &mut group);
    machine(cx, &mut group, &name, &address);
    group.group(manager(cx));
    group.group(api_server(cx));
    group.group(scheduler(cx));
    group.group(etcd(cx));
    if let Some(port) = layout.control_port {
        group.rect("comp", port, 1.0);
    }
    if layout.more_control_pods > 0 {
        let place = (layout.control.right() - 10.0, layout.control.y + 18.0);
        group.text_end("q3", place.0, place.1, format!("+{}", layout.more_control_pods));
    }
    for (key, rect) in &layout.control_pods {
        if let Some(row) = cx.model.pods.get(key) {
            group.group(pod::system(cx, key, row, *rect));
        }
    }
    group
}

fn machine(cx: &Cx, into: &mut Group, name: &str, address: &str) {
    let (layout, sizes) = (cx.layout, cx.sizes());
    let selection = Selection::node(name);
    let row = cx.model.nodes.get(name);
    let down = row.is_some_and(|row| !row.ready || !row.on);
    let class = cx.class(if down { "nodeb down" } else { "nodeb" }, &selection);
    // The wires lie over the machine, and the parts over the wires.
    into.items.insert(
        0,
        crate::diagram::shape::Item::Shape(
            class.into(),
            crate::diagram::shape::Shape::Rect(layout.control, 10.0),
        ),
    );
    let title = if name.is_empty() { "control-plane" } else { name };
    let own = cx.model.cluster.as_ref().filter(|_| address.is_empty()).map(|cluster| cluster.api.clone());
    let address = own.as_deref().unwrap_or(address);
    if layout.turned {
        let end = layout.control.right() - 10.0;
        let room = end - layout.etcd.right() - 8.0;
        let short = keep_start(title, room, |text| sans(text, sizes.normal));
        into.text_end("q3", end, layout.etcd.y + 16.0, short);
        return;
    }
    let (x, y) = (layout.control.x + 14.0, layout.control.y + 20.0);
    let width = bold(title, sizes.head);
    let place = Rect::new(x - 4.0, y - 14.0, width + 12.0 + mono(address, sizes.normal), 20.0);
    let mut header = match row {
        Some(_) => {
            Group::of("head", button(format!("nodes/{name}"), format!("{name} {address}"), place, selection))
        }
        None => Group::default(),
    };
    header.text("h", x, y, title);
    header.text("m q3", x + width + 12.0, y, address);
    into.group(header);
    for (agent, rect) in &layout.agents {
        let off = row.is_some_and(|row| !row.on) || is_stopped(cx, &format!("{name}/{agent}"));
        let selection = Selection::Place(format!("{agent}/{name}"));
        let class = cx.class(if off { "comp off" } else { "comp" }, &selection);
        let mut part = Group::of(
            "part",
            button(format!("{agent}/{name}"), format!("{agent}, {name}"), *rect, selection),
        );
        part.rect(class, *rect, 2.0);
        part.text_middle(if off { "q3" } else { "ink" }, rect.x + rect.w / 2.0, rect.y + 13.0, *agent);
        into.group(part);
    }
}

fn wires(cx: &Cx, into: &mut Group) {
    for wire in &cx.layout.wires {
        into.path("wire", path_along(&wire.request));
        let class = if wire.place == "etcd" { "wire" } else { "watch" };
        into.path(class, path_along(&wire.watch));
    }
}

/// Returns whether a process was stopped: one of the control plane, or a node's, `node-1/kubelet`.
pub(super) fn is_stopped(cx: &Cx, process: &str) -> bool {
    cx.model.cluster.as_ref().is_some_and(|cluster| cluster.stopped.iter().any(|name| name == process))
}

/// A part of the control plane: its box and its name.
fn part(cx: &Cx, place: &str, name: &str, rect: Rect, class: &str) -> Group {
    let selection = Selection::Place(place.to_owned());
    // The others say themselves that they are stopped, where there is room for it.
    let is_off = matches!(place, "etcd" | "apiserver") && is_stopped(cx, name);
    let boxed = cx.class(if is_off { "comp off" } else { class }, &selection);
    let mut group = Group::of("part", button(place.to_owned(), name.to_owned(), rect, selection));
    group.rect(boxed, rect, 2.0);
    if cx.layout.turned && place != "apiserver" {
        let short = name.strip_prefix("kube-").unwrap_or(name);
        group.text_middle("ink", rect.x + rect.w / 2.0, rect.y + rect.h / 2.0 + 4.0, short);
    } else {
        let size = cx.sizes().head;
        // Such names are set tight, as the style has it.
        let measure = |text: &str| bold(text, size) - 0.018 * size * text.chars().count() as f64;
        let room = rect.w - 14.0;
        let name = if measure(name) > room { name.strip_prefix("kube-").unwrap_or(name) } else { name };
        let short = keep_start(name, room, measure);
        if is_off {
            group.text("b bad", rect.x + 18.0 + measure(&short), rect.y + 18.0, cx.words().stopped);
        }
        group.text("h tight", rect.x + 10.0, rect.y + 18.0, short);
    }
    group
}

fn lines(into: &mut Group, words: &str, rect: Rect, size: f64) {
    for (i, line) in wrap(words, rect.w, size).into_iter().enumerate() {
        into.text("", rect.x, rect.y + (size + 5.0) * i as f64, line);
    }
}

fn manager(cx: &Cx) -> Group {
    let (layout, sizes) = (cx.layout, cx.sizes());
    let rect = layout.manager;
    let stopped = is_stopped(cx, "kube-controller-manager");
    let class = if stopped { "comp off" } else { "comp" };
    let mut frame = part(cx, "kube-controller-manager", "kube-controller-manager", rect, class);
    if layout.turned {
        return frame;
    }
    if stopped {
        // Beside its name there isn't always room.
        frame.text_end("b bad", rect.right() - 9.0, rect.bottom() - 12.0, cx.words().stopped);
    }
    if !cx.model.cluster.as_ref().is_some_and(|cluster| cluster.used) {
        let room = Rect::new(rect.x + 10.0, rect.y + 40.0, rect.w - 20.0, 0.0);
        lines(&mut frame, cx.words().first_manager, room, sizes.normal);
        return frame;
    }
    let row = 17.0 * sizes.normal / 11.0;
    if layout.more_controllers > 0 {
        let y = layout.controllers.last().map_or(rect.y + 36.0, |(_, y)| y + row);
        let words = fill(cx.lang.traces().more, &[&layout.more_controllers.to_string()]);
        frame.text("q3", rect.x + 24.0, y + 4.0, words);
    }
    // The frame is a button beside its controllers' buttons, not around them.
    let mut group = Group::default();
    group.group(frame);
    for (name, y) in &layout.controllers {
        group.group(controller(cx, name, *y, row));
    }
    group
}

fn controller(cx: &Cx, name: &str, y: f64, row: f64) -> Group {
    let rect = cx.layout.manager;
    let selection = Selection::Place(format!("controller/{name}"));
    let acted = cx.model.controllers.get(name).and_then(|row| row.acted);
    let since = acted.map(|at| ago(cx.now(), at));
    let label = match &since {
        Some(since) => format!("{name}, {}", fill(cx.words().acted_ago, &[since])),
        None => format!("{name}, {}", cx.words().idle),
    };
    let place = Rect::new(rect.x + 3.0, y - row / 2.0, rect.w - 6.0, row);
    let class = cx.class("row", &selection);
    let told = acted.map_or(String::new(), |at| at.to_string());
    let thing = Thing { told, ..button(format!("controller/{name}"), label, place, selection) };
    let mut group = Group::of(class, thing);
    group.rect("hit", place, 2.0);
    let active = acted.is_some_and(|at| cx.now() - at < ACTED);
    group.circle(if active { "mark ink" } else { "mark idle" }, (rect.x + 14.0, y), 3.0);
    let room = rect.w - 24.0 - 8.0 - since.as_ref().map_or(0.0, |since| sans(since, cx.sizes().normal) + 4.0);
    let short = keep_start(name, room, |text| sans(text, cx.sizes().normal));
    group.text(if active { "ink" } else { "" }, rect.x + 24.0, y + 4.0, short);
    if let Some(since) = since {
        group.text_end("q3 num", rect.right() - 9.0, y + 4.0, since);
    }
    group
}

fn api_server(cx: &Cx) -> Group {
    let (rect, sizes, words) = (cx.layout.api, cx.sizes(), cx.words());
    let mut group = Group::default();
    let mut box_ = part(cx, "apiserver", "kube-apiserver", rect, "comp api");
    if let Some(cluster) = &cx.model.cluster {
        let spans = vec![span("", format!("{} ", words.revision)), span("m", cluster.revision.to_string())];
        box_.anchored("q3", (rect.right() - 10.0, rect.y + 18.0), Anchor::End, spans);
    }
    group.group(box_);
    if cx.model.cluster.as_ref().is_some_and(|cluster| cluster.used) {
        let top = rect.y + 26.0;
        let height = records(cx, &mut group, top);
        budget(cx, &mut group, top + height + 6.0);
        return group;
    }
    let base = rect.y + 40.0;
    let short = keep_start(words.first_api, rect.w - 20.0, |text| sans(text, sizes.normal));
    let dashed =
        Rect::new(rect.x + 10.5, base + 12.0, rect.w - 21.0, (rect.bottom() - base - 12.0 - 14.0).max(20.0));
    let (x, middle) = dashed.centre();
    if cx.layout.turned {
        group.text_middle("b ink", x, rect.y + 40.0, words.first_nothing);
        group.text_middle("q3", x, rect.y + 58.0, words.first_appear);
        return group;
    }
    group.text("", rect.x + 10.0, base, short);
    group.rect("dashed", dashed, 2.0);
    group.text_middle("b ink", x, middle - 4.0, words.first_nothing);
    group.text_middle("q3", x, middle + 14.0, words.first_appear);
    group
}

fn scheduler(cx: &Cx) -> Group {
    let (layout, rect, sizes, words) = (cx.layout, cx.layout.scheduler, cx.sizes(), cx.words());
    let mut outer = Group::default();
    let stopped = is_stopped(cx, "kube-scheduler");
    let mut group = part(cx, "scheduler", "kube-scheduler", rect, if stopped { "comp off" } else { "comp" });
    if stopped && !layout.turned {
        group.text("b bad", rect.x + 10.0, rect.y + 37.0, words.stopped);
    } else if !layout.turned {
        let base = rect.y + 37.0;
        let used = cx.model.cluster.as_ref().is_some_and(|cluster| cluster.used);
        match cx.model.scheduler.as_ref().filter(|_| used) {
            Some(last) if last.node.is_empty() => {
                let text = fill(words.fits_nowhere, &[short_pod(&last.pod)]);
                group.text(
                    "bad",
                    rect.x + 10.0,
                    base,
                    keep_start(&text, rect.w - 18.0, |text| sans(text, sizes.normal)),
                );
            }
            Some(last) => {
                let pod = short_pod(&last.pod).to_owned();
                let before = sans(words.last, sizes.normal) + 4.0 + mono(&pod, sizes.normal);
                let room = rect.w - 18.0 - before;
                let to = keep_end(&last.node, room - sans(words.to, sizes.normal) - 8.0, |text| {
                    sans(text, sizes.normal)
                });
                let spans = vec![
                    span("", format!("{} ", words.last)),
                    span("m ink", pod),
                    span("", format!(" {} {to}", words.to)),
                ];
                group.anchored("", (rect.x + 10.0, base), Anchor::Start, spans);
            }
            None => {
                let room = Rect::new(rect.x + 10.0, base, rect.w - 16.0, 0.0);
                if !used {
                    lines(&mut group, words.first_scheduler, room, sizes.normal);
                }
            }
        }
    }
    let more =
        cx.model.pods.values().filter(|pod| pod.node.is_empty()).count().saturating_sub(layout.waiting.len());
    if more > 0 && !layout.turned {
        group.text_end("q3", rect.right() - 10.0, rect.y + 18.0, format!("+{more}"));
    }
    outer.group(group);
    for (key, place) in &layout.waiting {
        if let Some(row) = cx.model.pods.get(key) {
            outer.group(pod::small(cx, key, row, *place));
        }
    }
    outer
}

fn etcd(cx: &Cx) -> Group {
    let (rect, sizes) = (cx.layout.etcd, cx.sizes());
    let mut group = part(cx, "etcd", "etcd", rect, "comp");
    if cx.layout.turned {
        return group;
    }
    quorum(cx, &mut group);
    if !cx.model.cluster.as_ref().is_some_and(|cluster| cluster.used) {
        let room = Rect::new(rect.x + 10.0, rect.y + 38.0, rect.w - 16.0, 0.0);
        lines(&mut group, cx.words().first_etcd, room, sizes.normal);
        return group;
    }
    let row = 15.0 * sizes.small / 10.0;
    let rows = (((rect.h - 26.0) / row).floor() as usize).min(6);
    let writes = &cx.model.etcd[cx.model.etcd.len().saturating_sub(rows)..];
    let column = mono(&writes.last().map_or(String::new(), |write| write.0.to_string()), sizes.small);
    let line = rect.x + 10.0 + column + 6.5;
    for (i, (revision, key)) in writes.iter().enumerate() {
        let y = rect.y + 24.0 + row * i as f64 + row * 0.72;
        group.text("m10 q3", rect.x + 10.0, y, revision.to_string());
        let short = short_key(key, rect.right() - 8.0 - line - 6.0, sizes.small);
        group.text("m10", line + 6.0, y, short);
    }
    if !writes.is_empty() {
        let bottom = rect.y + 26.0 + row * writes.len() as f64;
        group.path("hair", format!("M{} {}V{}", number(line), number(rect.y + 25.0), number(bottom - 2.0)));
    }
    group
}

/// Of several members of etcd: who leads, or that nobody can.
fn quorum(cx: &Cx, into: &mut Group) {
    let Some(cluster) = &cx.model.cluster else { return };
    let Some((running, all)) = cluster.members else { return };
    let (rect, sizes, words) = (cx.layout.etcd, cx.sizes(), cx.words());
    let leader = cluster.leaders.iter().find(|(process, _)| process == "etcd").map(|(_, machine)| machine);
    let (class, text) = match leader {
        Some(machine) => ("q3", fill(words.leader, &[machine])),
        None if running * 2 > all => ("b bad", words.electing.to_owned()),
        None => ("b bad", fill(words.no_quorum, &[&running.to_string(), &all.to_string()])),
    };
    let room = rect.w - 20.0 - bold("etcd", sizes.head) - 8.0;
    if is_stopped(cx, "etcd") {
        return;
    }
    let measure =
        |text: &str| if class == "q3" { sans(text, sizes.normal) } else { bold(text, sizes.normal) };
    // Where there is little room, the numbers alone.
    let text = if leader.is_none() && measure(&text) > room { format!("{running}/{all}") } else { text };
    let short = match leader {
        Some(machine) if sans(&text, sizes.normal) > room => {
            keep_end(machine, room, |text| sans(text, sizes.normal))
        }
        _ => keep_start(&text, room, measure),
    };
    into.text_end(class, rect.right() - 9.0, rect.y + 18.0, short);
}

/// `pods/…-m8vhd`: the resource, and of the name what tells it apart.
fn short_key(key: &str, width: f64, size: f64) -> String {
    let mut parts = key.splitn(3, '/');
    let resource = parts.next().unwrap_or_default();
    let name = parts.last().unwrap_or_default();
    let fits = |text: &str| mono(text, size) <= width;
    let whole = format!("{resource}/{name}");
    if fits(&whole) {
        return whole;
    }
    // Names without a number in their end were given, and begin with what tells them apart.
    let suffix = name.rsplit('-').next().unwrap_or(name);
    if suffix == name || !suffix.chars().any(|c| c.is_ascii_digit()) && suffix.len() != 5 {
        return keep_start(&whole, width, |text| mono(text, size));
    }
    let short = format!("{resource}/…-{suffix}");
    if fits(&short) {
        short
    } else {
        format!(
            "{resource}/{}",
            keep_end(suffix, width - mono(resource, size) - mono("/", size), |text| mono(text, size))
        )
    }
}

/// Returns what one of the cluster's own pods is called, for places where its row is at hand.
pub fn own_name(cx: &Cx, key: &str) -> String {
    let owner = cx.model.pods.get(key).map_or("", |row| row.owner.as_str());
    system_name(key, owner)
}
