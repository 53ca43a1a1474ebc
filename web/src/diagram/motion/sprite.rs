//! What is drawn between frames, and how much of it.

use crate::diagram::shape::{Anchor, Point};

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
        /// Its classes, beside those of all labels.
        class: &'static str,
    },
}
