//! Nodes.

use std::collections::BTreeMap;

use view::NodeRow;

use super::control::is_stopped;
use super::{Cx, button, marks, pod};
use crate::clock::moment_words;
use crate::diagram::census::Detail;
use crate::diagram::layout::NodeBox;
use crate::diagram::phase::Phase;
use crate::diagram::processes::shorter;
use crate::diagram::shape::{Group, Rect, Thing, number, path_along};
use crate::diagram::text::{bold, keep_start, mono, sans, wrap};
use crate::selection::Selection;
use crate::traffic::version_class;
use crate::words::fill;

/// Returns by what a packet is led on in a mode of kube-proxy, in the order in which it passes: chains of iptables
/// or nftables; IP sets and virtual servers. And what all of that is called.
fn chains_of(mode: &str) -> ([&'static str; 4], &'static str) {
    match mode {
        "ipvs" => (["SERVICES", "set", "virtual", "real"], "ipvs"),
        "nftables" => (["services", "external", "service", "endpoint"], "nftables"),
        _ => (["SERVICES", "EXT", "SVC", "SEP"], "iptables nat"),
    }
}

/// Draws a node with all that stands on it.
pub fn node(cx: &Cx, place: &NodeBox) -> Group {
    let Some(row) = cx.model.nodes.get(&place.name) else { return Group::default() };
    let selection = Selection::node(&place.name);
    let count = row.pods.to_string();
    let mut group = Group::of(
        "node",
        Thing {
            key: format!("node-{}", place.name),
            test_id: format!("node-{}", place.name),
            label: format!("{}, {}", place.name, fill(cx.lang.traces().pods_n, &[&count])),
            data: vec![("pods", count)],
            place: place.rect,
            // A click on the machine's ground means the machine; its name is the button for the keyboard.
            select: Some(selection.clone()),
            ..Thing::default()
        },
    );
    let down = !row.ready || !row.on;
    group.rect(cx.class(if down { "nodeb down" } else { "nodeb" }, &selection), place.rect, 10.0);
    // kube-proxy's word goes up the inner margin to the kubelet's wires.
    let (x, y) = (place.api_riser, place.proxy.y + 9.0);
    let edge = if x < place.proxy.x { place.proxy.x } else { place.proxy.right() };
    if !cx.layout.turned {
        group.path("wire faint", path_along(&[(edge, y), (x, y), (x, place.api_join.1), place.api_join]));
    }
    group.group(header(cx, place, row));
    let no_kubelet = !row.on || is_stopped(cx, &format!("{}/kubelet", place.name));
    group.group(agent(cx, "kubelet", place, place.kubelet, no_kubelet));
    for (name, rect) in &place.processes {
        group.group(process(cx, name, place, *rect, row.on));
    }
    match place.pods.is_empty() && cx.layout.detail == Detail::Count {
        true => counts(cx, &mut group, place),
        false => pods(cx, &mut group, place),
    }
    first_visit(cx, &mut group, place);
    for (key, rect) in &place.system {
        if let Some(row) = cx.model.pods.get(key) {
            group.group(pod::system(cx, key, row, *rect));
        }
    }
    if place.more_system > 0 {
        let x = place.rect.right() - 10.0;
        let y = place.system.last().map_or(place.proxy.y - 8.0, |(_, rect)| rect.bottom() - 4.0);
        group.text_end("q3", x, y, format!("+{}", place.more_system));
    }
    group.group(proxy(cx, place, row));
    group.rect("comp", place.port, 1.0);
    group
}

fn header(cx: &Cx, place: &NodeBox, row: &NodeRow) -> Group {
    let (rect, sizes, words) = (place.rect, cx.sizes(), cx.words());
    let turned = cx.layout.turned;
    let inset = if turned { 12.0 } else { 14.0 };
    let (x, y) = (rect.x + inset, rect.y + if turned { 20.0 } else { 23.0 });
    let mut trouble = Vec::new();
    if !row.on {
        trouble.push(words.power_off.to_owned());
    }
    if row.on && row.cut {
        trouble.push(words.cut_off.to_owned());
    }
    if !row.ready {
        let short = moment_words(row.since);
        trouble
            .push(format!("NotReady {}", fill(words.since, &[short.split('.').next().unwrap_or_default()])));
    }
    if row.unschedulable {
        trouble.push("SchedulingDisabled".to_owned());
    }
    let zone = if row.zone.is_empty() { String::new() } else { format!(" {}", row.zone) };
    let label = format!(
        "{} {}{zone} {}",
        place.name,
        row.address,
        if trouble.is_empty() { "Ready".to_owned() } else { trouble.join(", ") }
    );
    let area = Rect::new(rect.x + 4.0, rect.y + 6.0, rect.w - 8.0, 22.0);
    let mut group =
        Group::of("head", button(format!("nodes/{}", place.name), label, area, Selection::node(&place.name)));
    let name_w = bold(&place.name, sizes.head);
    group.text("h", x, y, place.name.clone());
    let end = if turned { place.kubelet.x - 8.0 } else { rect.right() - inset };
    let mut room = end - x - name_w - 8.0;
    if cx.layout.detail == Detail::Count {
        // Where pods can't be counted by looking, their number stands beside the name.
        let count = cx.model.pods_on(&place.name).filter(|(_, row)| !row.system).count();
        let count = fill(cx.lang.traces().pods_n, &[&count.to_string()]);
        let w = sans(&count, sizes.normal) + 8.0;
        if w < room && !turned {
            group.text("q3", x + name_w + 8.0, y, count);
            room -= w;
        }
    }
    if trouble.is_empty() {
        let zone_w = sans(&row.zone, sizes.normal) + 8.0;
        if !row.zone.is_empty() && !turned && zone_w + mono(&row.address, sizes.normal) <= room {
            group.text("q3", x + name_w + 8.0, y, row.zone.clone());
            room -= zone_w;
        }
        if mono(&row.address, sizes.normal) <= room {
            match turned {
                true => group.text("m q3", x + name_w + 6.0, y, row.address.clone()),
                false => group.text_end("m q3", end, y, row.address.clone()),
            }
        }
        return group;
    }
    // What is last matters least.
    while trouble.len() > 1 && bold(&trouble.join(", "), sizes.normal) > room {
        trouble.pop();
    }
    let text = keep_start(&trouble.join(", "), room, |text| bold(text, sizes.normal));
    let class = if row.ready && row.on { "b" } else { "b bad" };
    match turned {
        true => group.text(class, x + name_w + 6.0, y, text),
        false => group.text_end(class, end, y, text),
    }
    group
}

fn agent(cx: &Cx, name: &'static str, place: &NodeBox, rect: Rect, off: bool) -> Group {
    let selection = Selection::Place(format!("{name}/{}", place.name));
    let class = cx.class(if off { "comp off" } else { "comp" }, &selection);
    let thing = button(format!("{name}/{}", place.name), format!("{name}, {}", place.name), rect, selection);
    let mut group = Group::of("part", thing);
    group.rect(class, rect, 2.0);
    group.text_middle(
        if off { "q3" } else { "ink" },
        rect.x + rect.w / 2.0,
        rect.y + rect.h / 2.0 + 4.0,
        name,
    );
    group
}

/// A process of the control plane on its machine: which of several leads is marked.
fn process(cx: &Cx, name: &str, place: &NodeBox, rect: Rect, on: bool) -> Group {
    let (sizes, words) = (cx.sizes(), cx.words());
    let own = format!("{}/{name}", place.name);
    let off = !on || is_stopped(cx, &own) || is_stopped(cx, name);
    let leads = cx.model.cluster.as_ref().is_some_and(|cluster| {
        cluster.leaders.iter().any(|(process, machine)| process == name && *machine == place.name)
    });
    let selection = Selection::Place(format!("{name}/{}", place.name));
    let told = match (off, leads) {
        (true, _) => format!(", {}", words.stopped),
        (_, true) => format!(", {}", words.leads),
        _ => String::new(),
    };
    let mut thing = button(
        format!("{name}/{}", place.name),
        format!("{name}, {}{told}", place.name),
        rect,
        selection.clone(),
    );
    thing.title = thing.label.clone();
    let mut group = Group::of("part", thing);
    group.rect(cx.class(if off { "comp off" } else { "comp" }, &selection), rect, 2.0);
    let room = rect.w - if leads { 18.0 } else { 8.0 };
    let [short, shorter] = shorter(name);
    // A leader's name is heavier, where there is room for that.
    let is_bold = leads && bold(shorter, sizes.normal) <= room;
    let width = |text: &str| if is_bold { bold(text, sizes.normal) } else { sans(text, sizes.normal) };
    let fits = |text: &&str| width(text) <= room;
    let text = [name, short, shorter]
        .into_iter()
        .find(fits)
        .map_or_else(|| keep_start(shorter, room, width), str::to_owned);
    let middle = rect.x + rect.w / 2.0 + if leads { 5.0 } else { 0.0 };
    if leads {
        let x = middle - width(&text) / 2.0 - 8.0;
        group.circle("mark ink", (x, rect.y + rect.h / 2.0), 3.0);
    }
    let class = match (off, is_bold) {
        (true, _) => "q3",
        (_, true) => "b ink",
        _ => "ink",
    };
    group.text_middle(class, middle, rect.y + rect.h / 2.0 + 4.0, text);
    group
}

fn pods(cx: &Cx, group: &mut Group, place: &NodeBox) {
    for (key, rect) in &place.pods {
        let Some(row) = cx.model.pods.get(key) else { continue };
        group.group(match cx.layout.detail {
            Detail::Pill => pod::pill(cx, key, row, *rect),
            _ => pod::small(cx, key, row, *rect),
        });
    }
}

/// Beyond 300 pods: a mark for each, or where these have no room a bar of shares by version.
fn counts(cx: &Cx, group: &mut Group, place: &NodeBox) {
    let room = place.room;
    let own = || cx.model.pods_on(&place.name).map(|(_, row)| row).filter(|row| !row.system);
    if marks::have_room(own().count(), room) {
        return marks::marks(group, own(), room);
    }
    let mut by_version: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    let mut wrong = 0;
    for row in own() {
        let entry = by_version.entry(row.version).or_default();
        entry.0 += 1;
        match Phase::of(row) {
            Phase::Ready => entry.1 += 1,
            Phase::Crash | Phase::Failed => wrong += 1,
            _ => {}
        }
    }
    let total: u32 = by_version.values().map(|counts| counts.0).sum();
    let (mut x, bar) = (room.x, room.y + 6.0);
    for (version, (pods, ready)) in &by_version {
        let class = if *version == 0 { "plain" } else { version_class(*version) };
        let w = room.w * f64::from(*pods) / f64::from(total.max(1));
        let solid = w * f64::from(*ready) / f64::from((*pods).max(1));
        group.rect(format!("bare {class}s pill"), Rect::new(x, bar, w, 10.0), 1.0);
        group.rect(class, Rect::new(x, bar, solid, 10.0), 1.0);
        x += w;
    }
    if wrong > 0 {
        group.text_end("b bad", room.right(), room.y + 31.0, format!("◆ {wrong}"));
    }
    let words: Vec<String> =
        by_version.iter().map(|(version, (pods, ready))| format!("v{version} {ready}/{pods}")).collect();
    let text = keep_start(&words.join("  "), room.w - 40.0, |text| mono(text, cx.sizes().small));
    group.text("m10 q3", room.x, room.y + 31.0, text);
}

fn first_visit(cx: &Cx, group: &mut Group, place: &NodeBox) {
    let used = cx.model.cluster.as_ref().is_none_or(|cluster| cluster.used);
    let free = cx.layout.nodes.iter().find(|node| node.processes.is_empty());
    let first = free.is_some_and(|node| node.name == place.name);
    if used || !first || !place.pods.is_empty() {
        return;
    }
    let size = cx.sizes().normal;
    for (i, line) in wrap(cx.words().first_node, place.room.w, size).into_iter().take(3).enumerate() {
        group.text("", place.room.x + 4.0, place.room.y + 14.0 + (size + 4.0) * i as f64, line);
    }
}

fn proxy(cx: &Cx, place: &NodeBox, row: &NodeRow) -> Group {
    let (rect, sizes, words) = (place.proxy, cx.sizes(), cx.words());
    let name = format!("kube-proxy/{}", place.name);
    let selection = Selection::Place(name.clone());
    let count = row.endpoints.to_string();
    let endpoints =
        if row.endpoints == 1 { words.endpoint.to_owned() } else { fill(words.endpoints, &[&count]) };
    let (chains, mode) = chains_of(&row.proxy_mode);
    let label = format!("kube-proxy, {}, {mode}, {endpoints}", place.name);
    let mut group = Group::of("part", button(name, label, rect, selection.clone()));
    let lit = cx.accent.and_then(|accent| accent.lit.get(&place.name));
    if !cx.layout.turned {
        let class = if lit.is_some() {
            "comp lit".to_owned()
        } else {
            let is_off = !row.on || is_stopped(cx, &format!("{}/kube-proxy", place.name));
            cx.class(if is_off { "comp off" } else { "comp" }, &selection)
        };
        group.rect(class, rect, 2.0);
        group.text("ink", rect.x + 8.0, rect.y + 13.0, "kube-proxy");
        let used = cx.model.cluster.as_ref().is_none_or(|cluster| cluster.used);
        let second = cx.layout.nodes.get(1).is_some_and(|node| node.name == place.name);
        let wordings = match (used, second) {
            (false, true) => vec![words.first_proxy.to_owned()],
            (false, false) => vec![mode.to_owned()],
            (true, _) => vec![format!("{mode} · {endpoints}"), endpoints.clone(), count.clone()],
        };
        let room = rect.w - 16.0 - sans("kube-proxy", sizes.normal) - 8.0;
        if let Some(text) = wordings.into_iter().find(|text| sans(text, sizes.normal) <= room) {
            group.text_end("q3", rect.right() - 8.0, rect.y + 13.0, text);
        }
    }
    let single = place.chains.len() == 1;
    for (i, arrow) in place.chains.iter().enumerate() {
        let on = lit.is_some_and(|lit| if single { !lit.is_empty() } else { lit.contains(&i) });
        let notch = if i > 0 { "l6 -9" } else { "" };
        let w = arrow.w - if single { 0.0 } else { 2.0 };
        let shape = format!(
            "M{} {}h{}l6 9l-6 9h{}{notch}z",
            number(arrow.x),
            number(arrow.y),
            number(w - 6.0),
            number(6.0 - w)
        );
        group.path(if on { "chain on" } else { "chain" }, shape);
        let name = if single {
            mode.trim_start_matches("iptables ")
        } else {
            chains.get(i).copied().unwrap_or_default()
        };
        let name = keep_start(name, w - 8.0, |text| mono(text, sizes.small));
        let x = arrow.x + w / 2.0 + if i > 0 { 3.0 } else { 0.0 };
        group.text_middle(if on { "m10 on" } else { "m10 q3" }, x, arrow.y + 12.6, name);
    }
    group
}
