//! How the timeline's height is shared out.

/// The height of the marks and the axis, in px.
pub const HEAD: f64 = 31.0;
/// The height of the answers, in px.
pub const FOOT: f64 = 29.0;
/// The least height of a group's row, in px.
const ROW: f64 = 24.0;
/// The distance and the height of bars, where there is room, in px.
const PITCH: f64 = 6.5;
const BAR: f64 = 4.0;

/// The timeline's rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// The height, in px.
    pub height: f64,
    /// How many groups there is room for; none in a strip of marks and answers only.
    pub rows: usize,
    /// A row's height, in px.
    pub row: f64,
}

impl Plan {
    /// Returns the plan for a height.
    pub fn new(height: f64) -> Plan {
        let height = height.max(1.0);
        let room = height - HEAD - FOOT;
        let rows = if room < ROW { 0 } else { (room / ROW).floor() as usize };
        Plan { height, rows, row: if rows == 0 { 0.0 } else { room / rows as f64 } }
    }

    /// Returns whether only marks and answers have room.
    pub fn is_strip(&self) -> bool {
        self.rows == 0
    }

    /// Returns where a row begins.
    pub fn row_top(&self, row: usize) -> f64 {
        HEAD + self.row * row as f64
    }

    /// Returns the line that answers stand on, and how high the highest is.
    pub fn answers(&self) -> (f64, f64) {
        (self.height - 7.0, 20f64.min(self.height - 24.0).max(1.0))
    }

    /// Returns a bar's place in a row of so many lanes: where it begins below the row's beginning, and its height.
    pub fn bar(&self, lane: usize, lanes: usize) -> (f64, f64) {
        let pitch = PITCH.min((self.row - 5.0) / lanes.max(1) as f64);
        (3.5 + pitch * lane as f64, BAR.min(pitch * 0.65).max(0.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_shared_out() {
        for (height, rows, row) in
            [(46.0, 0, 0.0), (83.0, 0, 0.0), (84.0, 1, 24.0), (110.0, 2, 25.0), (200.0, 5, 28.0)]
        {
            let plan = Plan::new(height);
            assert_eq!((plan.rows, plan.row), (rows, row), "{height}");
            assert_eq!(plan.row_top(plan.rows), if rows == 0 { HEAD } else { height - FOOT });
        }
    }

    #[test]
    fn bars_stay_in_their_row() {
        let plan = Plan::new(110.0);
        assert_eq!(plan.bar(2, 3), (16.5, 4.0));
        for lanes in [1, 3, 10, 300] {
            let (top, height) = plan.bar(lanes - 1, lanes);
            assert!(top + height <= plan.row && height > 0.0, "{lanes}");
        }
    }
}
