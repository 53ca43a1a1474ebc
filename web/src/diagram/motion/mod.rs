//! What travels: which dots stand where at a moment, and how thick a line is that carries too much
//! for dots. Nothing moves without a message that was sent.

mod label;
mod sprite;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use view::{Traveller, TravellerKind};

use super::layout::Layout;
use super::pace::Pace;
use super::shape::{Anchor, point_along};
use crate::model::Model;
use crate::words::Lang;
use label::{Spot, dot_of, is_packet, line_class, line_of, route, say, say_count};
pub use sprite::{Mode, Sprite, hop_ms};

/// The most that is followed at once; the oldest are dropped.
const FLIGHTS: usize = 8_000;
/// How long a wire counts what it carried, in real milliseconds.
const LATELY_MS: f64 = 500.0;
/// How long a lost packet's cross stays, in real milliseconds.
const CROSS_MS: f64 = 900.0;
/// The most dots that have a label.
const LABELS: usize = 8;

/// The most packets that are drawn one by one; of more, those on the same leg are one flow.
const PACKETS: usize = 60;
/// The most flows that are drawn, the thickest.
const FLOWS: usize = 80;
/// The most packets of one flow that are drawn as dots, so that it is seen where they are.
const OF_FLOW: usize = 6;
/// From how many packets on a flow says how many it carries.
const COUNTED: usize = 20;

/// A traveller with the moments between which it is drawn.
#[derive(Clone, Debug)]
struct Flight {
    traveller: Rc<Traveller>,
    from: f64,
    until: f64,
    /// When it was first seen.
    seen_ms: f64,
}

impl Flight {
    /// Returns how much of its way it has behind it, from 0 to 1.
    fn part(&self, now: f64) -> f64 {
        if self.until > self.from { (now - self.from) / (self.until - self.from) } else { 1.0 }
    }
}

/// How the page is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Viewer {
    /// Whether nobody wants movement.
    pub reduced_motion: bool,
    /// The exchange that is selected.
    pub selected: Option<u64>,
    /// The language.
    pub lang: Lang,
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
    viewer: Viewer,
}

impl Motion {
    /// Takes a frame in that came at a moment of real time.
    pub fn take(&mut self, model: &Model, real_ms: f64, viewer: Viewer) {
        if model.frame < self.frame {
            *self = Motion::default();
        }
        self.frame = model.frame;
        self.viewer = viewer;
        if model.speed > 0.0 {
            self.speed = model.speed;
        }
        self.mode = Some(Mode::of(self.speed, model.hurrying, viewer.reduced_motion));
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
            // What comes back is told of when it is there: over a slow link its way is drawn from then on.
            if traveller.kind == TravellerKind::Reply {
                from = from.max(self.pace.at(real_ms));
            }
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

    /// Returns how many packets are under way at a moment of real time, drawn one by one or within a flow.
    pub fn packets(&mut self, real_ms: f64) -> usize {
        let now = self.pace.at(real_ms);
        let is_under_way = |flight: &&Flight| flight.from <= now && now <= flight.until;
        self.flights.iter().filter(|flight| is_packet(&flight.traveller)).filter(is_under_way).count()
    }

    fn dots(&self, layout: &Layout, now: f64, labels: bool) -> Vec<Sprite> {
        let mut sprites = Vec::new();
        let mut said: Vec<&str> = Vec::new();
        let flows = self.flows(now);
        self.draw_flows(layout, &flows, now, &mut sprites);
        let under_way = self.flights.iter().filter(|flight| flight.from <= now);
        for flight in under_way {
            let own = &flight.traveller;
            if !flows.is_empty() && self.joins_flow(flight, now) {
                continue;
            }
            let Some(route) = route(layout, own) else { continue };
            if now > flight.until {
                if let Some(end) = route.last().filter(|_| own.bad && is_packet(own)) {
                    sprites.push(Sprite::Cross(*end));
                }
                continue;
            }
            let part = flight.part(now);
            let Some(at) = point_along(&route, part) else { continue };
            let mine = own.exchange > 0 && self.viewer.selected == Some(own.exchange);
            let (class, radius) = dot_of(own, mine);
            sprites.push(Sprite::Dot { at, radius, class });
            if mine {
                let text = own.exchange.to_string();
                let at = (at.0 - 10.0, at.1 - 8.0);
                sprites.push(Sprite::Text { at, anchor: Anchor::End, text, class: "mine" });
                continue;
            }
            let line = line_of(own);
            let spot = Spot { route: &route, at, part };
            let open = labels && said.len() < LABELS && !said.contains(&line);
            if open && say(layout, own, &spot, self.viewer.lang, &mut sprites) {
                said.push(line);
            }
        }
        sprites
    }

    /// Returns whether a packet goes with the others on its leg where there are many: one that is selected, or
    /// that ends badly, is seen by itself.
    fn joins_flow(&self, flight: &Flight, now: f64) -> bool {
        let own = &flight.traveller;
        let is_mine = own.exchange > 0 && self.viewer.selected == Some(own.exchange);
        is_packet(own) && !own.bad && !is_mine && flight.from <= now && now <= flight.until
    }

    /// Returns the packets under way by leg, version and whether they return; none while they are few.
    fn flows(&self, now: f64) -> BTreeMap<(&str, &str, bool, u32), Vec<&Flight>> {
        let mut flows: BTreeMap<_, Vec<&Flight>> = BTreeMap::new();
        let packets = self.flights.iter().filter(|flight| self.joins_flow(flight, now));
        let mut count = 0;
        for flight in packets {
            let own = &flight.traveller;
            let leg = (own.from.as_str(), own.to.as_str(), own.kind == TravellerKind::Reply, own.version);
            flows.entry(leg).or_default().push(flight);
            count += 1;
        }
        if count > PACKETS { flows } else { BTreeMap::new() }
    }

    /// Draws flows as lines as thick as what they carry, each with dots that show where its packets are, and
    /// with their number where they are many.
    fn draw_flows(
        &self,
        layout: &Layout,
        flows: &BTreeMap<(&str, &str, bool, u32), Vec<&Flight>>,
        now: f64,
        sprites: &mut Vec<Sprite>,
    ) {
        let mut thickest: Vec<&Vec<&Flight>> = flows.values().collect();
        thickest.sort_by_key(|flights| std::cmp::Reverse(flights.len()));
        for flights in thickest.into_iter().take(FLOWS) {
            let Some(last) = flights.last() else { continue };
            let Some(points) = route(layout, &last.traveller) else { continue };
            let (class, radius) = dot_of(&last.traveller, false);
            let dots = flights.iter().step_by(flights.len().div_ceil(OF_FLOW));
            let places = dots.filter_map(|flight| point_along(&points, flight.part(now)));
            let dots: Vec<Sprite> =
                places.map(|at| Sprite::Dot { at, radius, class: class.clone() }).collect();
            let middle = point_along(&points, 0.5);
            let width = 1.0 + (1.0 + flights.len() as f64).log2();
            sprites.push(Sprite::Line { points, class: line_class(&last.traveller), width });
            sprites.extend(dots);
            if let Some(at) = middle.filter(|_| flights.len() >= COUNTED) {
                say_count(at, flights.len(), sprites);
            }
        }
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
                let spot = Spot { route: &points, at, part: 0.5 };
                say(layout, own, &spot, self.viewer.lang, &mut sprites);
            }
            sprites.push(Sprite::Line { points, class: line_class(own), width });
        }
        sprites
    }
}

#[cfg(test)]
mod tests;
