//! The console's history: what was typed, to be had again by the arrow keys.

use serde::{Deserialize, Serialize};

/// The most lines that are kept.
const LINES: usize = 500;

/// What was typed, oldest first, and where in it the prompt stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History {
    lines: Vec<String>,
    /// How many lines back the prompt is; 0 at the line being typed.
    #[serde(skip)]
    back: usize,
    /// The line that was being typed.
    #[serde(skip)]
    draft: String,
}

impl History {
    /// Notes a line that was run.
    pub fn add(&mut self, line: &str) {
        self.back = 0;
        self.draft.clear();
        if line.trim().is_empty() || self.lines.last().is_some_and(|last| last == line) {
            return;
        }
        self.lines.push(line.to_owned());
        let surplus = self.lines.len().saturating_sub(LINES);
        self.lines.drain(..surplus);
    }

    /// Returns the line before; `typed` is what stands in the prompt.
    pub fn older(&mut self, typed: &str) -> Option<&str> {
        if self.back >= self.lines.len() {
            return None;
        }
        if self.back == 0 {
            self.draft = typed.to_owned();
        }
        self.back += 1;
        self.lines.get(self.lines.len() - self.back).map(String::as_str)
    }

    /// Returns the line after; at the end it is what was being typed.
    pub fn newer(&mut self) -> Option<&str> {
        match self.back {
            0 => None,
            1 => {
                self.back = 0;
                Some(&self.draft)
            }
            _ => {
                self.back -= 1;
                self.lines.get(self.lines.len() - self.back).map(String::as_str)
            }
        }
    }

    /// Returns whether nothing was typed yet.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_back_and_forth() {
        let mut history = History::default();
        for line in ["a", "b", "b", "  ", "c"] {
            history.add(line);
        }
        assert_eq!(history.older("dra"), Some("c"));
        assert_eq!(history.older("c"), Some("b"));
        assert_eq!(history.older("b"), Some("a"));
        assert_eq!(history.older("a"), None);
        assert_eq!(history.newer(), Some("b"));
        assert_eq!(history.newer(), Some("c"));
        assert_eq!(history.newer(), Some("dra"));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn is_bounded() {
        let mut history = History::default();
        for n in 0..2 * LINES {
            history.add(&n.to_string());
        }
        assert_eq!(history.lines.len(), LINES);
        assert_eq!(history.lines[0], LINES.to_string());
    }
}
