//! The selected packet's way through the drawing: the accent's line, dotted where it has still to go,
//! with the numbers that the inspector and the rules have, too.

use std::collections::{BTreeMap, BTreeSet};

use view::{Moment, PacketStep};

use super::layout::{Layout, NodeBox};
use super::shape::{Point, point_along};
use crate::way::ends_badly;

/// The way, laid out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accent {
    /// What was gone so far.
    pub done: Vec<Vec<Point>>,
    /// What is still to go.
    pub todo: Vec<Vec<Point>>,
    /// The numbers of steps, and where they stand.
    pub pills: Vec<(Point, String)>,
    /// The chains that were entered, by node: places in `SERVICES, EXT, SVC, SEP`, or what stands for them in other
    /// modes of kube-proxy.
    pub lit: BTreeMap<String, BTreeSet<usize>>,
    /// Where the packet was refused or lost.
    pub end: Option<Point>,
}

/// Steps at one place.
struct Stop<'a> {
    place: String,
    /// The steps' numbers, from 1.
    first: usize,
    steps: &'a [PacketStep],
}

impl Stop<'_> {
    /// How many steps belong to the way in: the rest are after the routing decision.
    fn inward(&self) -> usize {
        let out = |step: &PacketStep| {
            step.hook.contains("FORWARD")
                || step.hook.contains("POSTROUTING")
                || step.hook.starts_with("filter")
        };
        self.steps.iter().position(out).unwrap_or(self.steps.len())
    }

    fn began(&self) -> Moment {
        self.steps.first().map_or(0, |step| step.at)
    }
}

/// Returns the place of the arrow that stands for a chain.
fn arrow_of(chain: &str) -> Option<usize> {
    let Some(name) = chain.strip_prefix("KUBE-") else {
        // The chains of nftables, and the virtual servers of ipvs: `TCP 10.96.0.10:53`.
        return match chain.split(['-', ' ']).next()? {
            "services" => Some(0),
            "external" => Some(1),
            "service" => Some(2),
            "endpoint" => Some(3),
            "TCP" | "UDP" | "SCTP" => Some(2),
            _ => None,
        };
    };
    match name.split('-').next()? {
        "NODE" | "LOAD" => Some(1),
        "SERVICES" | "NODEPORTS" => Some(0),
        "EXT" => Some(1),
        "SVC" | "SVL" => Some(2),
        "SEP" => Some(3),
        _ => None,
    }
}

fn stops(steps: &[PacketStep]) -> Vec<(usize, usize, String)> {
    let mut stops: Vec<(usize, usize, String)> = Vec::new();
    for (i, step) in steps.iter().enumerate() {
        let place = place_of(&step.place);
        match stops.last_mut() {
            Some((_, end, last)) if *last == place => *end = i + 1,
            _ => stops.push((i, i + 1, place)),
        }
    }
    stops
}

/// Returns a step's place as travellers call it.
fn place_of(place: &str) -> String {
    match place {
        "client" => "client".to_owned(),
        // What passes packets on outside of the cluster.
        "router" | "load-balancer" => format!("router/{place}"),
        _ if place.contains('/') && !place.starts_with("node/") && !place.starts_with("pod/") => {
            format!("pod/{place}")
        }
        _ if place.contains('/') => place.to_owned(),
        _ => format!("node/{place}"),
    }
}

fn range(first: usize, count: usize) -> String {
    if count > 1 { format!("{first}–{}", first + count - 1) } else { first.to_string() }
}

impl Accent {
    /// Lays the way out of a packet of a sender: `client`, a pod's `namespace/name`, or a node. Steps after
    /// `now` are still to go.
    pub fn of(steps: &[PacketStep], layout: &Layout, now: Moment, from: &str) -> Accent {
        let mut accent = Accent::default();
        let mut stops: Vec<Stop> = stops(steps)
            .into_iter()
            .map(|(from, to, place)| Stop { place, first: from + 1, steps: &steps[from..to] })
            .collect();
        // The first step may be at the sender's node: the way begins at the sender all the same.
        let sender = place_of(from);
        if !from.is_empty() && stops.first().is_some_and(|first| first.place != sender) {
            stops.insert(0, Stop { place: sender, first: 0, steps: &[] });
        }
        for (i, stop) in stops.iter().enumerate() {
            let before = i.checked_sub(1).and_then(|before| stops.get(before));
            let inside = before.and_then(|before| bridged(layout, before, stop));
            if let (Some(before), None) = (before, &inside) {
                accent.hop(layout, before, stop, i, now);
            }
            accent.stop(layout, stop, stops.get(i + 1), inside, now);
        }
        if steps.iter().any(|step| step.at <= now && ends_badly(&step.what)) {
            accent.end = accent.done.last().and_then(|line| line.last()).copied();
        }
        accent
    }

    fn line(&mut self, points: Vec<Point>, done: bool) {
        if points.len() > 1 {
            if done { self.done.push(points) } else { self.todo.push(points) }
        }
    }

    fn pill(&mut self, points: &[Point], part: f64, text: String) {
        if let Some(at) = point_along(points, part) {
            self.pills.push((at, text));
        }
    }

    /// The way between two places, beside the one before so that both are seen.
    fn hop(&mut self, layout: &Layout, from: &Stop, to: &Stop, number: usize, now: Moment) {
        let done = to.began() <= now;
        let Some(mut points) = layout.packet_route(&from.place, &to.place) else { return };
        let through = |stop: &Stop| stop.lights(layout).is_some();
        if let (Some(node), false) =
            (to.place.strip_prefix("pod/").and_then(|key| layout.pod(key)), through(to))
        {
            // After the chains, the packet is on the riser already.
            if through(from) && from.place == format!("node/{}", node.0.name) && !layout.turned {
                points =
                    vec![(node.0.riser, node.0.chains.last().map_or(node.0.floor, |arrow| arrow.centre().1))];
                points.extend(layout.from_riser(node.0, node.1));
            }
        }
        if layout.turned && through(from) && points.len() > 2 {
            // The way out of the chains has come to the rail by itself.
            let under = from.lights(layout).map_or(0.0, |(node, _)| node.proxy.bottom() + 4.0);
            points.splice(..2, [(points[1].0, under)]);
        }
        let shift = if number % 2 == 1 { -3.0 } else { 3.5 };
        let shifted: Vec<Point> =
            points.iter().map(|point| shift_on_network(layout, *point, shift)).collect();
        if !through(to) {
            let part = if to.place.starts_with("pod/") { 0.72 } else { 0.5 };
            self.pill(&shifted, part, range(to.first, to.steps.len()));
        }
        self.line(shifted, done);
    }

    /// The way through a place's chains. It comes in by eth0, or by what is given: from a pod of the machine.
    fn stop(
        &mut self,
        layout: &Layout,
        stop: &Stop,
        next: Option<&Stop>,
        inside: Option<Vec<Point>>,
        now: Moment,
    ) {
        let done = stop.began() <= now;
        if stop.place == "client" && stop.first == 1 {
            let (out, tap) = layout.client_cable;
            self.pills.push((((out.0 + tap.0) / 2.0, (out.1 + tap.1) / 2.0), range(1, stop.steps.len())));
            return;
        }
        let Some((node, lit)) = stop.lights(layout) else { return };
        let inward = stop.inward();
        self.lit.insert(node.name.clone(), lit);
        let (enter, leave) = detour(layout, node);
        self.pill(&enter, if layout.turned { 0.6 } else { 0.62 }, range(stop.first, inward));
        self.line(inside.unwrap_or(enter), done);
        let stays = next.is_some_and(|next| {
            next.place
                .strip_prefix("pod/")
                .and_then(|key| layout.pod(key))
                .is_some_and(|(own, _)| own.name == node.name)
        });
        let out = stop.steps.len() - inward;
        if stays && !layout.turned {
            let short = vec![leave[0], leave[1]];
            if out > 0 {
                // Above the rules' box, where the riser is free.
                self.pills.push(((leave[1].0, node.proxy.y - 8.0), range(stop.first + inward, out)));
            }
            return self.line(short, done);
        }
        if out > 0 {
            self.pill(&leave, 0.5, range(stop.first + inward, out));
        }
        self.line(leave, done);
    }
}

impl Stop<'_> {
    /// Returns the node and its arrows that this stop's chains light; none where no service's chain was entered.
    fn lights<'l>(&self, layout: &'l Layout) -> Option<(&'l NodeBox, BTreeSet<usize>)> {
        let node = layout.node(self.place.strip_prefix("node/")?)?;
        let mut lit: BTreeSet<usize> = self.steps.iter().filter_map(|step| arrow_of(&step.chain)).collect();
        if self.steps.iter().any(|step| step.what == "schedule") {
            lit.insert(3);
        }
        // A packet that only passed through SERVICES took none of its rules.
        if lit.iter().any(|arrow| *arrow > 0) { Some((node, lit)) } else { None }
    }
}

/// Returns the way from a pod over its machine's bridge into the chains, where that is how a stop is reached.
fn bridged(layout: &Layout, from: &Stop, to: &Stop) -> Option<Vec<Point>> {
    let (node, _) = to.lights(layout)?;
    let (own, pod) = layout.pod(from.place.strip_prefix("pod/")?)?;
    let first = node.chains.first()?;
    if own.name != node.name || layout.turned {
        return None;
    }
    // Beside the way out, which takes the same margin and floor.
    let (left, floor, middle) = (node.rect.x + 4.5, node.floor - 3.0, first.centre().1);
    let mut points: Vec<Point> = layout.from_riser(node, pod).into_iter().rev().collect();
    points.extend([(node.riser, floor), (left, floor), (left, middle), (first.x, middle)]);
    Some(points)
}

/// The way from eth0 through the chains, and from the chains back to eth0.
fn detour(layout: &Layout, node: &NodeBox) -> (Vec<Point>, Vec<Point>) {
    let (first, last) = match (node.chains.first(), node.chains.last()) {
        (Some(first), Some(last)) => (first, last),
        _ => return (Vec::new(), Vec::new()),
    };
    let (x, y) = node.port.centre();
    let middle = first.centre().1;
    let left = node.rect.x + 4.5;
    let right = node.rect.right() - 5.0;
    if layout.turned {
        let under = node.proxy.bottom() + 4.0;
        return (
            vec![(x, middle - 4.0), (first.x, middle - 4.0)],
            vec![(last.right(), middle), (right, middle), (right, under), (node.tap.0 + 3.5, under)],
        );
    }
    (
        vec![(x - 6.0, y), (x - 6.0, node.floor), (left, node.floor), (left, middle), (first.x, middle)],
        vec![
            (last.right(), middle),
            (right, middle),
            (right, node.floor),
            (x + 5.5, node.floor),
            (x + 5.5, y),
        ],
    )
}

/// Moves a point aside where it lies on the network or in a port, so that two hops don't cover each other.
fn shift_on_network(layout: &Layout, point: Point, by: f64) -> Point {
    let (mut x, mut y) = point;
    if layout.turned {
        if layout.network.iter().any(|bar| (bar.0.0 - x).abs() < 0.5) {
            x += by;
        }
        return (x, y);
    }
    if layout.network.iter().any(|bar| (bar.0.1 - y).abs() < 0.5) {
        y += by;
    }
    if layout.nodes.iter().any(|node| (node.port.centre().0 - x).abs() < 0.5 && y >= node.floor - 0.5) {
        x += if by < 0.0 { -6.0 } else { 5.5 };
    }
    (x, y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::census::Census;
    use crate::diagram::sample;
    use crate::diagram::slots::Slots;

    #[test]
    fn the_way_of_a_packet_through_two_nodes() {
        let model = sample::rollout();
        let mut slots = Slots::default();
        slots.update(&model);
        let census = Census::of(&model, &slots);
        let steps = sample::way();
        for (width, height) in [(800.0, 532.0), (390.0, 600.0)] {
            let layout = Layout::fit(&census, width, height);
            let accent = Accent::of(&steps, &layout, 72_250_000, "client");
            let numbers: Vec<&str> = accent.pills.iter().map(|pill| pill.1.as_str()).collect();
            assert_eq!(numbers, ["1", "2–6", "7–8", "9", "10"]);
            assert_eq!(accent.lit["node-2"], BTreeSet::from([0, 1, 2, 3]));
            assert!(!accent.done.is_empty() && accent.todo.len() == 1, "{:?}", accent.todo);
            assert_eq!(Accent::of(&steps, &layout, i64::MAX, "client").todo, Vec::<Vec<Point>>::new());
        }
    }

    #[test]
    fn the_way_begins_at_the_sender() {
        let model = sample::rollout();
        let mut slots = Slots::default();
        slots.update(&model);
        let layout = Layout::fit(&Census::of(&model, &slots), 800.0, 532.0);
        let pod = model.pods_on("node-2").map(|(key, _)| key.to_owned()).next().expect("there is one");
        let (_, rect) = layout.pod(&pod).expect("it is drawn");
        // Without the client's own step, as where a pod of node-2 asks.
        let steps: Vec<PacketStep> = sample::way().into_iter().skip(1).collect();
        let accent = Accent::of(&steps, &layout, i64::MAX, &pod);
        let begins = accent.done.first().and_then(|line| line.first()).copied().expect("there is a line");
        assert!(begins.0 >= rect.x && begins.0 <= rect.right() && begins.1 <= rect.bottom(), "{begins:?}");
        let steps: Vec<PacketStep> = sample::way().into_iter().skip(1).collect();
        let from_client = Accent::of(&steps, &layout, i64::MAX, "client");
        assert!(from_client.done.len() > Accent::of(&steps, &layout, i64::MAX, "").done.len());
    }
}
