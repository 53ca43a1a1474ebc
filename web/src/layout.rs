//! Which layout a window gets, and how large the regions may be.

use serde::{Deserialize, Serialize};

/// A layout, by the window's width in CSS pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// From 1360 on: five regions.
    #[default]
    Wide,
    /// From 1024 on: the inspector lies over the stage's right edge.
    Medium,
    /// From 720 on: left is a drawer.
    Narrow,
    /// Below 720: four tabs at the bottom.
    Phone,
}

impl Layout {
    /// Returns the layout for a width.
    pub fn of(width: f64) -> Layout {
        match width {
            width if width >= 1360.0 => Layout::Wide,
            width if width >= 1024.0 => Layout::Medium,
            width if width >= 720.0 => Layout::Narrow,
            _ => Layout::Phone,
        }
    }

    /// Returns its name, for the style sheet.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Wide => "wide",
            Layout::Medium => "medium",
            Layout::Narrow => "narrow",
            Layout::Phone => "phone",
        }
    }
}

/// A divider between two regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divider {
    /// Between left and stage.
    Left,
    /// Between stage and dock.
    Dock,
    /// Between stage and inspector.
    Inspector,
    /// Above the timeline.
    Timeline,
    /// Between lesson and editor.
    Lesson,
}

/// The sizes of the regions, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sizes {
    /// The left panel's width.
    pub left: u32,
    /// The dock's height.
    pub dock: u32,
    /// The inspector's width.
    pub inspector: u32,
    /// The timeline's height.
    pub timeline: u32,
    /// The lesson's greatest height.
    pub lesson: u32,
}

impl Default for Sizes {
    fn default() -> Self {
        Sizes { left: 320, dock: 178, inspector: 320, timeline: 110, lesson: 440 }
    }
}

/// The stage's least width in the wide layout.
const STAGE: u32 = 660;

impl Sizes {
    /// Returns a size.
    pub fn get(&self, divider: Divider) -> u32 {
        match divider {
            Divider::Left => self.left,
            Divider::Dock => self.dock,
            Divider::Inspector => self.inspector,
            Divider::Timeline => self.timeline,
            Divider::Lesson => self.lesson,
        }
    }

    /// Sets a size, kept within its bounds in a window of this size.
    pub fn set(&mut self, divider: Divider, size: f64, window: (f64, f64)) {
        let (least, most) = self.bounds(divider, window);
        let size = size.clamp(f64::from(least), f64::from(most)).round() as u32;
        match divider {
            Divider::Left => self.left = size,
            Divider::Dock => self.dock = size,
            Divider::Inspector => self.inspector = size,
            Divider::Timeline => self.timeline = size,
            Divider::Lesson => self.lesson = size,
        }
    }

    /// Returns a size's bounds in a window of this width and height.
    pub fn bounds(&self, divider: Divider, (width, height): (f64, f64)) -> (u32, u32) {
        let beside = |own: (u32, u32), other: u32| {
            let room = (width as u32).saturating_sub(STAGE + other);
            (own.0, own.1.min(room).max(own.0))
        };
        match divider {
            Divider::Left => beside((260, 560), if width >= 1360.0 { self.inspector } else { 0 }),
            Divider::Inspector if width >= 1360.0 => beside((280, 520), self.left),
            Divider::Inspector => (280, 520),
            Divider::Dock => (80, (height * 0.6).max(80.0) as u32),
            Divider::Timeline => (44, 200),
            Divider::Lesson => (80, (height * 0.7).max(80.0) as u32),
        }
    }

    /// Sets a size to what it is at first.
    pub fn reset(&mut self, divider: Divider) {
        let first = Sizes::default();
        match divider {
            Divider::Left => self.left = first.left,
            Divider::Dock => self.dock = first.dock,
            Divider::Inspector => self.inspector = first.inspector,
            Divider::Timeline => self.timeline = first.timeline,
            Divider::Lesson => self.lesson = first.lesson,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts() {
        for (width, name) in [(2560.0, "wide"), (1360.0, "wide"), (1359.0, "medium"), (1024.0, "medium")] {
            assert_eq!(Layout::of(width).name(), name);
        }
        for (width, name) in [(1023.0, "narrow"), (720.0, "narrow"), (719.0, "phone"), (360.0, "phone")] {
            assert_eq!(Layout::of(width).name(), name);
        }
    }

    #[test]
    fn sizes_keep_to_their_bounds() {
        let mut sizes = Sizes::default();
        for (divider, size, kept) in [
            (Divider::Left, 100.0, 260),
            (Divider::Left, 900.0, 460),
            (Divider::Dock, 9_000.0, 540),
            (Divider::Timeline, 10.0, 44),
            (Divider::Inspector, 300.4, 300),
        ] {
            sizes.set(divider, size, (1440.0, 900.0));
            assert_eq!(sizes.get(divider), kept, "{divider:?}");
            sizes.reset(divider);
            assert_eq!(sizes, Sizes::default());
        }
    }
}
