//! What a traveller looks like, which way it goes, and what is said beside it.

use view::{Traveller, TravellerKind};

use super::sprite::Sprite;
use crate::diagram::census::Detail;
use crate::diagram::layout::Layout;
use crate::diagram::routes::Half;
use crate::diagram::shape::{Anchor, Point, point_along};
use crate::diagram::text::{keep_end, mono, sans};
use crate::traffic::version_class;
use crate::words::{Lang, fill};

/// How far from the network's middle a packet is on it, in units of the drawing.
const ON_NETWORK: f64 = 1.5;

pub(super) fn is_packet(traveller: &Traveller) -> bool {
    matches!(traveller.kind, TravellerKind::Packet | TravellerKind::Reply)
}

/// Returns of what one label at a time is enough: a component's wires, or what the network carries there or back.
pub(super) fn line_of(traveller: &Traveller) -> &str {
    let place = match traveller.kind {
        TravellerKind::Packet => "packets",
        TravellerKind::Reply => "replies",
        TravellerKind::Watch => &traveller.to,
        TravellerKind::Request | TravellerKind::Step => &traveller.from,
    };
    // Controllers share the manager's wires, and what is on a node the kubelet's.
    match place.split_once('/') {
        Some(("controller", _)) => "kube-controller-manager",
        Some(("kubelet" | "kube-proxy" | "proxy", node)) => node,
        _ => place,
    }
}

/// Returns the way of a traveller; none where an end of it isn't drawn.
pub(super) fn route(layout: &Layout, traveller: &Traveller) -> Option<Vec<Point>> {
    match traveller.kind {
        TravellerKind::Request => layout.api_route(&traveller.from, Half::Request),
        TravellerKind::Watch => layout.api_route(&traveller.to, Half::Watch),
        TravellerKind::Packet | TravellerKind::Reply => layout.packet_route(&traveller.from, &traveller.to),
        TravellerKind::Step => layout.step_route(&traveller.from, &traveller.object),
    }
}

/// Returns the classes and the radius of a traveller's dot.
pub(super) fn dot_of(traveller: &Traveller, mine: bool) -> (String, f64) {
    let colour = match traveller.kind {
        _ if mine => return ("dot mine".to_owned(), 6.0),
        _ if traveller.bad && !is_packet(traveller) => "bad",
        TravellerKind::Watch => "hollow",
        TravellerKind::Reply if traveller.version > 0 => version_class(traveller.version),
        _ => "",
    };
    let radius = if is_packet(traveller) { 4.5 } else { 3.6 };
    (format!("dot {colour}").trim_end().to_owned(), radius)
}

/// Returns the classes of a line that carries travellers such as this one.
pub(super) fn line_class(traveller: &Traveller) -> String {
    let kind = match traveller.kind {
        TravellerKind::Watch => "watching",
        TravellerKind::Reply if traveller.version > 0 => version_class(traveller.version),
        _ if traveller.bad => "bad",
        _ => "",
    };
    format!("hot {kind}").trim_end().to_owned()
}

/// Where a traveller is, for its label.
pub(super) struct Spot<'a> {
    /// Its way.
    pub route: &'a [Point],
    /// Where it is.
    pub at: Point,
    /// How much of its way is gone, from 0 to 1.
    pub part: f64,
}

/// Puts a label beside a dot. Returns whether there was room for one.
pub(super) fn say(layout: &Layout, own: &Traveller, spot: &Spot, lang: Lang, into: &mut Vec<Sprite>) -> bool {
    // Among glyphs there is no room for words.
    if own.kind == TravellerKind::Step && layout.detail != Detail::Pill {
        return false;
    }
    match is_packet(own) {
        true => say_packet(layout, own, spot.at, lang, into),
        false => say_call(layout, own, spot, into),
    }
}

/// A packet's label stands under the network while the packet is on it: `GET /`, `206 answers: v1`.
fn say_packet(layout: &Layout, own: &Traveller, at: Point, lang: Lang, into: &mut Vec<Sprite>) -> bool {
    let on_network = layout.network.iter().any(|bar| (bar.0.1 - at.1).abs() < ON_NETWORK);
    if layout.turned || !on_network {
        return false;
    }
    let (text, class) = match own.kind {
        TravellerKind::Reply => {
            let who = if own.version > 0 { format!("v{}", own.version) } else { own.label.clone() };
            let words = fill(lang.stage().answers, &[&own.exchange.to_string(), &who]);
            (words, version_class(own.version))
        }
        _ => (own.label.clone(), ""),
    };
    let width = mono(&text, layout.type_sizes().small);
    let x = (at.0 + 9.0).min(layout.size.0 - width - 6.0);
    // The network's name stands at its end, and the client's cable between a packet and the client.
    let size = layout.type_sizes();
    let name = sans(lang.stage().network, size.normal) + mono(" 10.64.140.0/24", size.small);
    let is_at_end = x + width > layout.size.0 - 30.0 - name;
    if text.is_empty() || is_at_end || (x - layout.client_cable.0.0).abs() < 16.0 {
        return false;
    }
    let y = at.1 + 19.0;
    let is_taken = into.iter().any(|other| match other {
        Sprite::Text { at, text, .. } => {
            let end = at.0 + mono(text, layout.type_sizes().small);
            (at.1 - y).abs() < 8.0 && at.0 < x + width + 6.0 && x < end + 6.0
        }
        _ => false,
    });
    if !is_taken {
        into.push(Sprite::Text { at: (x, y), anchor: Anchor::Start, text, class });
    }
    !is_taken
}

/// Puts the number of a flow's packets beside the middle of its way, where there is room: `×312`.
pub(super) fn say_count(at: Point, count: usize, into: &mut Vec<Sprite>) {
    const ROOM: Point = (40.0, 13.0);
    let at = (at.0 + 7.0, at.1 + 17.0);
    let is_taken = into.iter().any(|other| match other {
        Sprite::Text { at: own, .. } => (own.0 - at.0).abs() < ROOM.0 && (own.1 - at.1).abs() < ROOM.1,
        _ => false,
    });
    if !is_taken {
        into.push(Sprite::Text { at, anchor: Anchor::Start, text: format!("×{count}"), class: "" });
    }
}

/// The label of a request or a watch event: above a level stretch, right of an upright one; between two
/// parts that stand close to each other it has two short lines.
fn say_call(layout: &Layout, own: &Traveller, spot: &Spot, into: &mut Vec<Sprite>) -> bool {
    let Spot { route, at, part } = *spot;
    let length: f64 =
        route.windows(2).map(|pair| (pair[1].0 - pair[0].0).abs() + (pair[1].1 - pair[0].1).abs()).sum();
    if own.label.is_empty() || length < 30.0 {
        return false;
    }
    let ends = route.first().zip(route.last());
    if let Some((a, b)) = ends.filter(|(a, b)| length < 90.0 && (a.1 - b.1).abs() < 40.0) {
        say_between(layout, own, (*a, *b), into);
        return true;
    }
    let size = layout.type_sizes().small;
    let whole = mono(&own.label, size);
    let near = |part: f64| point_along(route, part).unwrap_or(at);
    let (before, after) = (near(part - 0.02), near(part + 0.02));
    let upright = (after.1 - before.1).abs() > (after.0 - before.0).abs();
    let width = layout.size.0;
    let (at, anchor, text) = if upright && at.0 + 8.0 + whole < width {
        ((at.0 + 8.0, at.1 + 3.5), Anchor::Start, own.label.clone())
    } else if upright {
        let text = keep_end(&own.label, at.0 - 12.0, |text| mono(text, size));
        ((at.0 - 8.0, at.1 + 3.5), Anchor::End, text)
    } else {
        let (least, most) = (whole / 2.0 + 4.0, width - whole / 2.0 - 4.0);
        let x = at.0.clamp(least.min(width / 2.0), most.max(width / 2.0));
        ((x, at.1 - 7.0), Anchor::Middle, own.label.clone())
    };
    into.push(Sprite::Text { at, anchor, text, class: "" });
    true
}

/// Two short lines under the wires between two parts.
fn say_between(layout: &Layout, own: &Traveller, (a, b): (Point, Point), into: &mut Vec<Sprite>) {
    let size = layout.type_sizes().small;
    let (first, rest) = own.label.split_once(' ').unwrap_or((&own.label, ""));
    let is_right = a.0.min(b.0) >= layout.api.right() - 1.0;
    let (from, to) = match is_right {
        true => (layout.api.right(), layout.scheduler.x),
        false => (a.0.min(b.0).max(layout.manager.right()), layout.api.x.min(a.0.max(b.0))),
    };
    let y = a.1.max(b.1) + 13.0;
    for (i, line) in [first, rest].into_iter().filter(|line| !line.is_empty()).enumerate() {
        let text = keep_end(line, 66.0, |text| mono(text, size));
        let at = ((from + to) / 2.0, y + (size + 1.0) * i as f64);
        into.push(Sprite::Text { at, anchor: Anchor::Middle, text, class: "" });
    }
}
