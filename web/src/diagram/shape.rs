//! What is drawn, as data: shapes in groups. It is made without the browser, compared cheaply, and
//! rendered by a thin component.

use std::borrow::Cow;

use crate::selection::Selection;

/// A rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
}

/// A point.
pub type Point = (f64, f64);

impl Rect {
    /// Returns a rectangle.
    pub const fn new(x: f64, y: f64, w: f64, h: f64) -> Rect {
        Rect { x, y, w, h }
    }

    /// Returns the right edge.
    pub fn right(&self) -> f64 {
        self.x + self.w
    }

    /// Returns the lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.h
    }

    /// Returns the centre.
    pub fn centre(&self) -> Point {
        (self.x + self.w / 2.0, self.y + self.h / 2.0)
    }

    /// Returns it made smaller on all sides.
    pub fn inset(&self, by: f64) -> Rect {
        Rect::new(self.x + by, self.y + by, (self.w - 2.0 * by).max(0.0), (self.h - 2.0 * by).max(0.0))
    }
}

/// Which point of a text stands at its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    #[default]
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A piece of a text with a class of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The classes.
    pub class: Cow<'static, str>,
    /// The text.
    pub text: String,
}

/// Returns a piece of a text.
pub fn span(class: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Span {
    Span { class: class.into(), text: text.into() }
}

/// A shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A rectangle with rounded corners.
    Rect(Rect, f64),
    /// A circle with its radius.
    Circle(Point, f64),
    /// A path, as SVG writes it.
    Path(String),
    /// A text.
    Text(Point, Anchor, Vec<Span>),
}

/// A group, a shape with its classes, or a group that is drawn apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A shape.
    Shape(Cow<'static, str>, Shape),
    /// A group.
    Group(Group),
}

/// What assistive technology is told of a group, and what a click on it selects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thing {
    /// What tells it from others.
    pub key: String,
    /// The test id; may be empty.
    pub test_id: String,
    /// Whether it is a button that can be focused; otherwise it is a group.
    pub button: bool,
    /// Its accessible name.
    pub label: String,
    /// Its tooltip; may be empty.
    pub title: String,
    /// Data attributes.
    pub data: Vec<(&'static str, String)>,
    /// What a click on it selects.
    pub select: Option<Selection>,
    /// What its row tells: when that changes, the row is washed for a moment. Empty for things that aren't rows.
    pub told: String,
    /// Where it stands, for the arrow keys and the focus ring.
    pub place: Rect,
}

/// Shapes that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Its classes.
    pub class: Cow<'static, str>,
    /// What it is; none where it is only drawn.
    pub thing: Option<Box<Thing>>,
    /// What it holds, the last on top.
    pub items: Vec<Item>,
}

impl Group {
    /// Returns a group of a thing.
    pub fn of(class: impl Into<Cow<'static, str>>, thing: Thing) -> Group {
        Group { class: class.into(), thing: Some(Box::new(thing)), items: Vec::new() }
    }

    /// Adds a rectangle.
    pub fn rect(&mut self, class: impl Into<Cow<'static, str>>, rect: Rect, radius: f64) {
        self.items.push(Item::Shape(class.into(), Shape::Rect(rect, radius)));
    }

    /// Adds a circle.
    pub fn circle(&mut self, class: impl Into<Cow<'static, str>>, at: Point, radius: f64) {
        self.items.push(Item::Shape(class.into(), Shape::Circle(at, radius)));
    }

    /// Adds a path.
    pub fn path(&mut self, class: impl Into<Cow<'static, str>>, path: impl Into<String>) {
        self.items.push(Item::Shape(class.into(), Shape::Path(path.into())));
    }

    /// Adds a text that begins at a place.
    pub fn text(&mut self, class: impl Into<Cow<'static, str>>, x: f64, y: f64, text: impl Into<String>) {
        self.anchored(class, (x, y), Anchor::Start, vec![span("", text)]);
    }

    /// Adds a text that ends at a place.
    pub fn text_end(&mut self, class: impl Into<Cow<'static, str>>, x: f64, y: f64, text: impl Into<String>) {
        self.anchored(class, (x, y), Anchor::End, vec![span("", text)]);
    }

    /// Adds a text around a place.
    pub fn text_middle(
        &mut self,
        class: impl Into<Cow<'static, str>>,
        x: f64,
        y: f64,
        text: impl Into<String>,
    ) {
        self.anchored(class, (x, y), Anchor::Middle, vec![span("", text)]);
    }

    /// Adds a text of several pieces.
    pub fn anchored(
        &mut self,
        class: impl Into<Cow<'static, str>>,
        at: Point,
        anchor: Anchor,
        spans: Vec<Span>,
    ) {
        self.items.push(Item::Shape(class.into(), Shape::Text(at, anchor, spans)));
    }

    /// Adds a group.
    pub fn group(&mut self, group: Group) {
        self.items.push(Item::Group(group));
    }

    /// Returns every thing in it, in reading order.
    pub fn things(&self) -> Vec<&Thing> {
        let mut found: Vec<&Thing> = self.thing.as_deref().into_iter().collect();
        for item in &self.items {
            if let Item::Group(group) = item {
                found.extend(group.things());
            }
        }
        found
    }

    /// Returns every text in it, joined by line ends.
    pub fn words(&self) -> String {
        let mut words = String::new();
        for item in &self.items {
            match item {
                Item::Group(group) => words.push_str(&group.words()),
                Item::Shape(_, Shape::Text(_, _, spans)) => {
                    spans.iter().for_each(|span| words.push_str(&span.text));
                    words.push('\n');
                }
                Item::Shape(..) => {}
            }
        }
        words
    }
}

/// Returns a number as SVG writes it: with one decimal at most, two where it is small.
pub fn number(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    if rounded == 0.0 { "0".to_owned() } else { rounded.to_string() }
}

/// Returns the path along points.
pub fn path_along(points: &[Point]) -> String {
    let mut path = String::new();
    for (i, (x, y)) in points.iter().enumerate() {
        path.push_str(if i == 0 { "M" } else { "L" });
        path.push_str(&number(*x));
        path.push(' ');
        path.push_str(&number(*y));
    }
    path
}

/// Returns the place at a part (0 to 1) of the length of a polyline.
pub fn point_along(points: &[Point], part: f64) -> Option<Point> {
    let lengths = points.windows(2).map(|pair| (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1));
    let mut left = lengths.sum::<f64>() * part.clamp(0.0, 1.0);
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        if left <= length && length > 0.0 {
            let part = left / length;
            return Some((from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part));
        }
        left -= length;
    }
    points.last().copied()
}

/// Returns the two parts of a polyline before and after a part (0 to 1) of its length.
pub fn split_along(points: &[Point], part: f64) -> (Vec<Point>, Vec<Point>) {
    let total: f64 = points.windows(2).map(|pair| (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1)).sum();
    let Some(cut) = point_along(points, part) else { return (Vec::new(), Vec::new()) };
    let (mut before, mut after) = (Vec::new(), vec![cut]);
    let mut gone = 0.0;
    for (i, point) in points.iter().enumerate() {
        if i > 0 {
            gone += (point.0 - points[i - 1].0).hypot(point.1 - points[i - 1].1);
        }
        if gone < total * part { before.push(*point) } else { after.push(*point) }
    }
    before.push(cut);
    (before, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [(0.0, "0"), (-0.001, "0"), (12.0, "12"), (12.345, "12.35"), (-0.5, "-0.5")] {
            assert_eq!(number(value), text);
        }
        assert_eq!(path_along(&[(0.0, 1.0), (2.5, 1.0)]), "M0 1L2.5 1");
    }

    #[test]
    fn polylines_are_measured() {
        let line = [(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)];
        for (part, point) in [(0.0, (0.0, 0.0)), (0.25, (5.0, 0.0)), (0.75, (10.0, 5.0)), (2.0, (10.0, 10.0))]
        {
            assert_eq!(point_along(&line, part), Some(point));
        }
        assert_eq!(point_along(&[], 0.5), None);
        let (before, after) = split_along(&line, 0.75);
        assert_eq!(before, [(0.0, 0.0), (10.0, 0.0), (10.0, 5.0)]);
        assert_eq!(after, [(10.0, 5.0), (10.0, 10.0)]);
    }
}
