//! What travels: which dots stand where at a moment, and how thick a line is that carries too much
//! for dots. Nothing moves without a message that was sent.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use view::{Traveller, TravellerKind};

use super::layout::Layout;
use super::pace::Pace;
use super::routes::Half;
use super::shape::{Anchor, Point, point_along};
use super::text::{keep_end, mono};
use crate::model::Model;
use crate::traffic::version_class;

/// The most that is followed at once; the oldest are dropped.
const FLIGHTS: usize = 1_200;
/// How long a wire counts what it carried, in real milliseconds.
const LATELY_MS: f64 = 500.0;
/// How long a lost packet's cross stays, in real milliseconds.
const CROSS_MS: f64 = 500.0;
/// The most dots that have a label.
const LABELS: usize = 8;

/// How travel is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dots with labels.
    Labels,
    /// Dots.
    Dots,
    /// Lines as thick as what they carry.
    Rates,
    /// Nobody wants movement: what carried something lately is thick, with its label.
    Flash,
    /// States change; nothing travels.
    Still,
}

impl Mode {
    /// Returns the mode for a speed.
    pub fn of(speed: f64, hurrying: bool, reduced_motion: bool) -> Mode {
        match speed {
            _ if hurrying => Mode::Rates,
            speed if speed >= 1_000.0 => Mode::Still,
            speed if speed >= 100.0 => Mode::Rates,
            _ if reduced_motion => Mode::Flash,
            speed if speed >= 10.0 => Mode::Dots,
            _ => Mode::Labels,
        }
    }
}

/// Returns for how long a hop is drawn at least, in real milliseconds: longer in slow motion, where
/// there is time to read.
pub fn hop_ms(speed: f64) -> f64 {
    match speed {
        speed if speed <= 0.2 => 480.0,
        speed if speed <= 1.0 => 240.0,
        _ => 120.0,
    }
}

/// Something that is drawn between frames.
#[derive(Clone, Debug, PartialEq)]
pub enum Sprite {
    /// A dot.
    Dot {
        /// Where.
        at: Point,
        /// Its radius.
        radius: f64,
        /// Its classes.
        class: String,
    },
    /// A cross where something was lost.
    Cross(Point),
    /// A line that carries something.
    Line {
        /// Along which points.
        points: Vec<Point>,
        /// Its classes.
        class: String,
        /// How thick.
        width: f64,
    },
    /// What is said beside a dot.
    Text {
        /// Where.
        at: Point,
        /// Which point of it.
        anchor: Anchor,
        /// The words.
        text: String,
    },
}

/// A traveller with the moments between which it is drawn.
#[derive(Clone, Debug)]
struct Flight {
    traveller: Rc<Traveller>,
    from: f64,
    until: f64,
    /// When it was first seen.
    seen_ms: f64,
}

/// What travels, and the clock by which it does.
#[derive(Clone, Debug, Default)]
pub struct Motion {
    pace: Pace,
    flights: VecDeque<Flight>,
    /// Until when the last hop of an exchange is drawn.
    chained: BTreeMap<u64, f64>,
    last: Option<Rc<Traveller>>,
    frame: u64,
    mode: Option<Mode>,
    speed: f64,
    selected: Option<u64>,
}

impl Motion {
    /// Takes a frame in that came at a moment of real time.
    pub fn take(&mut self, model: &Model, real_ms: f64, reduced_motion: bool, selected: Option<u64>) {
        if model.frame < self.frame {
            *self = Motion::default();
        }
        self.frame = model.frame;
        self.selected = selected;
        if model.speed > 0.0 {
            self.speed = model.speed;
        }
        self.mode = Some(Mode::of(self.speed, model.hurrying, reduced_motion));
        self.pace.take(model, real_ms);
        let newer = model
            .travellers
            .iter()
            .rev()
            .take_while(|own| self.last.as_ref().is_none_or(|last| !Rc::ptr_eq(last, own)));
        let newer: Vec<Rc<Traveller>> = newer.cloned().collect();
        // While the clock stands, a step is drawn as long as it takes.
        let hop = if self.pace.runs() { hop_ms(self.speed) * self.speed * 1_000.0 } else { 0.0 };
        for traveller in newer.into_iter().rev() {
            self.last = Some(traveller.clone());
            self.add(traveller, hop, real_ms);
        }
        while self.flights.len() > FLIGHTS {
            self.flights.pop_front();
        }
        self.forget(real_ms);
    }

    fn add(&mut self, traveller: Rc<Traveller>, hop: f64, real_ms: f64) {
        let (began, ended) = (traveller.began as f64, traveller.ended as f64);
        let mut from = began;
        if traveller.exchange > 0 {
            from = from.max(self.chained.get(&traveller.exchange).copied().unwrap_or(began));
        }
        let until = from + (ended - began).max(hop);
        if traveller.exchange > 0 {
            self.chained.insert(traveller.exchange, until);
            while self.chained.len() > FLIGHTS {
                self.chained.pop_first();
            }
        }
        self.flights.push_back(Flight { traveller, from, until, seen_ms: real_ms });
    }

    fn forget(&mut self, real_ms: f64) {
        let now = self.pace.at(real_ms);
        let cross = CROSS_MS * self.speed * 1_000.0;
        self.flights.retain(|flight| {
            let linger = if flight.traveller.bad { cross } else { 0.0 };
            now <= flight.until + linger || real_ms - flight.seen_ms < LATELY_MS
        });
    }

    /// Returns whether anything will look otherwise a moment later.
    pub fn moves(&self) -> bool {
        let lingering = matches!(self.mode, Some(Mode::Flash | Mode::Rates));
        !self.flights.is_empty() && (self.pace.runs() || lingering)
    }

    /// Returns the virtual time at a moment of real time.
    pub fn now(&mut self, real_ms: f64) -> f64 {
        self.pace.at(real_ms)
    }

    /// Returns what is to be drawn at a moment of real time.
    pub fn sprites(&mut self, layout: &Layout, real_ms: f64) -> Vec<Sprite> {
        self.forget(real_ms);
        let now = self.pace.at(real_ms);
        match self.mode {
            Some(mode @ (Mode::Labels | Mode::Dots)) => self.dots(layout, now, mode == Mode::Labels),
            Some(Mode::Rates) => self.lines(layout, real_ms, false),
            Some(Mode::Flash) => self.lines(layout, real_ms, true),
            Some(Mode::Still) | None => Vec::new(),
        }
    }

    fn dots(&self, layout: &Layout, now: f64, labels: bool) -> Vec<Sprite> {
        let mut sprites = Vec::new();
        let mut said: Vec<(String, Half)> = Vec::new();
        let under_way = self.flights.iter().filter(|flight| flight.from <= now);
        for flight in under_way {
            let Some(route) = route(layout, &flight.traveller) else { continue };
            let own = &flight.traveller;
            if now > flight.until {
                if let Some(end) = route.last().filter(|_| own.bad && is_packet(own)) {
                    sprites.push(Sprite::Cross(*end));
                }
                continue;
            }
            let part = if flight.until > flight.from {
                (now - flight.from) / (flight.until - flight.from)
            } else {
                1.0
            };
            let Some(at) = point_along(&route, part) else { continue };
            let mine = own.exchange > 0 && self.selected == Some(own.exchange);
            let (class, radius) = dot_of(own, mine);
            sprites.push(Sprite::Dot { at, radius, class });
            let wire =
                (if is_packet(own) { "network".to_owned() } else { wire_of(own).to_owned() }, half_of(own));
            if mine {
                sprites.push(Sprite::Text {
                    at: (at.0 - 10.0, at.1 - 8.0),
                    anchor: Anchor::End,
                    text: own.exchange.to_string(),
                });
            } else if labels && said.len() < LABELS && !said.contains(&wire) {
                said.push(wire);
                say(layout, own, &route, at, part, &mut sprites);
            }
        }
        sprites
    }

    fn lines(&self, layout: &Layout, real_ms: f64, labels: bool) -> Vec<Sprite> {
        let mut carried: BTreeMap<(String, String, bool), (usize, &Flight)> = BTreeMap::new();
        for flight in self.flights.iter().filter(|flight| real_ms - flight.seen_ms < LATELY_MS) {
            let own = &flight.traveller;
            let key = (own.from.clone(), own.to.clone(), own.kind == TravellerKind::Watch);
            let entry = carried.entry(key).or_insert((0, flight));
            *entry = (entry.0 + 1, flight);
        }
        let mut sprites = Vec::new();
        for (count, flight) in carried.values() {
            let own = &flight.traveller;
            let Some(points) = route(layout, own) else { continue };
            let width = if labels { 3.0 } else { 1.0 + (1.0 + *count as f64).log2() };
            if labels
                && !own.label.is_empty()
                && sprites.len() < 2 * LABELS
                && let Some(at) = point_along(&points, 0.5)
            {
                say(layout, own, &points, at, 0.5, &mut sprites);
            }
            sprites.push(Sprite::Line { points, class: line_class(own), width });
        }
        sprites
    }
}

fn is_packet(traveller: &Traveller) -> bool {
    matches!(traveller.kind, TravellerKind::Packet | TravellerKind::Reply)
}

fn half_of(traveller: &Traveller) -> Half {
    if traveller.kind == TravellerKind::Watch { Half::Watch } else { Half::Request }
}

/// The component at whose wire something travels.
fn wire_of(traveller: &Traveller) -> &str {
    if traveller.kind == TravellerKind::Watch { &traveller.to } else { &traveller.from }
}

/// Returns the way of a traveller; none where an end of it isn't drawn.
fn route(layout: &Layout, traveller: &Traveller) -> Option<Vec<Point>> {
    match traveller.kind {
        TravellerKind::Request => layout.api_route(&traveller.from, Half::Request),
        TravellerKind::Watch => layout.api_route(&traveller.to, Half::Watch),
        TravellerKind::Packet | TravellerKind::Reply => layout.packet_route(&traveller.from, &traveller.to),
        TravellerKind::Step => layout.step_route(&traveller.from, &traveller.object),
    }
}

fn dot_of(traveller: &Traveller, mine: bool) -> (String, f64) {
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

fn line_class(traveller: &Traveller) -> String {
    let kind = match traveller.kind {
        TravellerKind::Watch => "watching",
        TravellerKind::Reply if traveller.version > 0 => version_class(traveller.version),
        _ if traveller.bad => "bad",
        _ => "",
    };
    format!("hot {kind}").trim_end().to_owned()
}

/// Puts a label beside a dot: above a level stretch, right of an upright one; between two parts that
/// stand close to each other it has two short lines.
fn say(layout: &Layout, own: &Traveller, route: &[Point], at: Point, part: f64, sprites: &mut Vec<Sprite>) {
    if own.label.is_empty() {
        return;
    }
    let size = layout.type_sizes().small;
    let length: f64 =
        route.windows(2).map(|pair| (pair[1].0 - pair[0].0).abs() + (pair[1].1 - pair[0].1).abs()).sum();
    let whole = mono(&own.label, size);
    if length < 30.0 {
        return;
    }
    let ends = route.first().zip(route.last());
    if let Some((a, b)) = ends.filter(|(a, b)| length < 90.0 && (a.1 - b.1).abs() < 40.0) {
        let (first, rest) = own.label.split_once(' ').unwrap_or((&own.label, ""));
        let middle = (layout.api.x.min(a.0.max(b.0)) + a.0.min(b.0).max(layout.manager.right())) / 2.0;
        let middle = if a.0.min(b.0) >= layout.api.right() - 1.0 {
            (layout.api.right() + layout.scheduler.x) / 2.0
        } else {
            middle
        };
        let y = a.1.max(b.1) + 13.0;
        for (i, line) in [first, rest].into_iter().filter(|line| !line.is_empty()).enumerate() {
            let short = keep_end(line, 66.0, |text| mono(text, size));
            sprites.push(Sprite::Text {
                at: (middle, y + (size + 1.0) * i as f64),
                anchor: Anchor::Middle,
                text: short,
            });
        }
        return;
    }
    let near = |part: f64| point_along(route, part).unwrap_or(at);
    let (before, after) = (near(part - 0.02), near(part + 0.02));
    let upright = (after.1 - before.1).abs() > (after.0 - before.0).abs();
    let width = layout.size.0;
    if upright && at.0 + 8.0 + whole < width {
        sprites.push(Sprite::Text {
            at: (at.0 + 8.0, at.1 + 3.5),
            anchor: Anchor::Start,
            text: own.label.clone(),
        });
    } else if upright {
        let text = keep_end(&own.label, at.0 - 12.0, |text| mono(text, size));
        sprites.push(Sprite::Text { at: (at.0 - 8.0, at.1 + 3.5), anchor: Anchor::End, text });
    } else {
        let x =
            at.0.clamp((whole / 2.0 + 4.0).min(width / 2.0), (width - whole / 2.0 - 4.0).max(width / 2.0));
        sprites.push(Sprite::Text { at: (x, at.1 - 7.0), anchor: Anchor::Middle, text: own.label.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagram::census::Census;
    use crate::diagram::sample;
    use crate::diagram::slots::Slots;

    fn traveller(
        id: u64,
        kind: TravellerKind,
        from: &str,
        to: &str,
        began: i64,
        ended: i64,
    ) -> Rc<Traveller> {
        Rc::new(Traveller {
            id,
            kind,
            from: from.into(),
            to: to.into(),
            began,
            ended,
            label: "PATCH pods/x/status".into(),
            object: String::new(),
            exchange: 0,
            version: 0,
            bad: false,
        })
    }

    fn packet(id: u64, from: &str, to: &str, began: i64) -> Rc<Traveller> {
        let own = Rc::unwrap_or_clone(traveller(id, TravellerKind::Packet, from, to, began, began + 1_000));
        Rc::new(Traveller { exchange: 9, ..own })
    }

    fn set() -> (Model, Layout) {
        let mut model = sample::rollout();
        model.speed = 1.0;
        let mut slots = Slots::default();
        slots.update(&model);
        let layout = Layout::fit(&Census::of(&model, &slots), 800.0, 532.0);
        (model, layout)
    }

    fn dots(sprites: &[Sprite]) -> Vec<Point> {
        let dot = |sprite: &Sprite| if let Sprite::Dot { at, .. } = sprite { Some(*at) } else { None };
        sprites.iter().filter_map(dot).collect()
    }

    #[test]
    fn a_request_goes_from_its_caller_to_the_api_server_and_is_gone() {
        let (mut model, layout) = set();
        let now = model.now;
        model.travellers.push_back(traveller(
            1,
            TravellerKind::Request,
            "kubelet/node-1",
            "apiserver",
            now,
            now + 1_000,
        ));
        let mut motion = Motion::default();
        motion.take(&model, 1_000.0, false, None);
        let wire = layout.wire("kubelet/node-1").expect("it has a wire").clone();
        let first = motion.sprites(&layout, 1_000.0);
        assert_eq!(dots(&first), [wire.request[0]]);
        assert!(first.iter().any(|sprite| matches!(sprite, Sprite::Text { .. })));
        // It is drawn for a hop's time at least, though it took a millisecond.
        assert_eq!(dots(&motion.sprites(&layout, 1_100.0)).len(), 1);
        model.now += 300_000;
        motion.take(&model, 1_300.0, false, None);
        assert!(motion.sprites(&layout, 1_300.0).is_empty());
        motion.take(&model, 9_000.0, false, None);
        assert!(!motion.moves());
    }

    #[test]
    fn hops_of_an_exchange_follow_each_other() {
        let (mut model, layout) = set();
        let now = model.now;
        model.travellers.push_back(packet(1, "client", "node/node-2", now));
        model.travellers.push_back(packet(2, "node/node-2", "node/node-3", now + 1_000));
        let mut motion = Motion::default();
        motion.take(&model, 0.0, false, Some(9));
        for (real_ms, count) in [(0.0, 1), (100.0, 1)] {
            assert_eq!(dots(&motion.sprites(&layout, real_ms)).len(), count, "{real_ms}");
        }
        assert!(
            matches!(&motion.sprites(&layout, 100.0)[0], Sprite::Dot { class, .. } if class == "dot mine")
        );
        model.now += 400_000;
        motion.take(&model, 400.0, false, Some(9));
        let at = dots(&motion.sprites(&layout, 400.0));
        assert_eq!(at.len(), 1);
        assert!(at[0].0 >= layout.nodes[1].tap.0 - 0.1, "it is past node-2: {at:?}");
    }

    #[test]
    fn a_paused_cluster_is_perfectly_still() {
        let (mut model, layout) = set();
        model.paused = true;
        let now = model.now;
        model.travellers.push_back(traveller(
            1,
            TravellerKind::Watch,
            "apiserver",
            "scheduler",
            now - 500,
            now + 500,
        ));
        let mut motion = Motion::default();
        motion.take(&model, 0.0, false, None);
        let first = motion.sprites(&layout, 0.0);
        assert_eq!(dots(&first).len(), 1);
        assert_eq!(motion.sprites(&layout, 5_000.0), first);
        assert!(!motion.moves());
    }

    #[test]
    fn the_faster_the_clock_the_less_travels() {
        for (speed, reduced, mode) in [
            (1.0, false, Mode::Labels),
            (9.9, false, Mode::Labels),
            (10.0, false, Mode::Dots),
            (100.0, false, Mode::Rates),
            (1_000.0, false, Mode::Still),
            (1.0, true, Mode::Flash),
            (1_000.0, true, Mode::Still),
        ] {
            assert_eq!(Mode::of(speed, false, reduced), mode);
            let (mut model, layout) = set();
            model.speed = speed;
            let now = model.now;
            for id in 0..5 {
                model.travellers.push_back(traveller(
                    id,
                    TravellerKind::Request,
                    "scheduler",
                    "apiserver",
                    now,
                    now + 10,
                ));
            }
            let mut motion = Motion::default();
            motion.take(&model, 0.0, reduced, None);
            let sprites = motion.sprites(&layout, 1.0);
            let count = |of: fn(&Sprite) -> bool| sprites.iter().filter(|sprite| of(sprite)).count();
            let (lines, texts) =
                (count(|s| matches!(s, Sprite::Line { .. })), count(|s| matches!(s, Sprite::Text { .. })));
            let wanted = match mode {
                Mode::Labels => (5, 0, true),
                Mode::Dots => (5, 0, false),
                Mode::Rates => (0, 1, false),
                Mode::Flash => (0, 1, true),
                Mode::Still => (0, 0, false),
            };
            assert_eq!((dots(&sprites).len(), lines, texts > 0), wanted, "{mode:?}");
        }
    }
}
