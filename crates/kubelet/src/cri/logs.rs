use sim::{Nanos, Time};
use std::collections::VecDeque;
use std::rc::Rc;

/// How many lines a container's log keeps.
const LINES: usize = 2_000;
/// How much they are together, in bytes.
const BYTES: u64 = 512 * 1024;
/// The longest line, in bytes.
const LINE: usize = 8_192;

/// One line of a container's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogLine {
    /// Its number, counted from 0 since the container was made.
    pub number: u64,
    /// When it was written.
    pub at: Time,
    /// Whether it came on standard error.
    pub stderr: bool,
    /// The text, without the line's end.
    pub text: Rc<str>,
}

/// The last lines of a container's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogRing {
    lines: VecDeque<LogLine>,
    next: u64,
    bytes: u64,
}

/// Which lines are asked for, as in PodLogOptions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogOptions {
    /// The container; empty for the only one or the default one.
    pub container: String,
    /// Whether the log of the container before the last restart is meant.
    pub previous: bool,
    /// Only lines from this moment on.
    pub since: Option<Time>,
    /// Only the last so many lines.
    pub tail: Option<u64>,
    /// Whether each line begins with its moment.
    pub timestamps: bool,
    /// Only lines from this number on: what a follower hasn't seen yet.
    pub from: u64,
}

impl LogRing {
    /// Adds what was written; several lines become several rows.
    pub fn add(&mut self, at: Time, text: &str, stderr: bool) {
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            let mut end = line.len().min(LINE);
            while !line.is_char_boundary(end) {
                end -= 1;
            }
            self.bytes += end as u64;
            while self.lines.len() >= LINES || (self.bytes > BYTES && !self.lines.is_empty()) {
                let dropped = self.lines.pop_front().map_or(0, |line| line.text.len() as u64);
                self.bytes = self.bytes.saturating_sub(dropped);
            }
            let text: Rc<str> = line.get(..end).unwrap_or("").into();
            self.lines.push_back(LogLine { number: self.next, at, stderr, text });
            self.next += 1;
        }
    }

    /// Returns how much it holds, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the number that the next line will have.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Returns the lines that are asked for.
    pub fn select(&self, options: &LogOptions) -> Vec<LogLine> {
        let wanted = |line: &&LogLine| {
            line.number >= options.from && options.since.is_none_or(|since| line.at >= since)
        };
        let lines: Vec<&LogLine> = self.lines.iter().filter(wanted).collect();
        let skip = options.tail.map_or(0, |tail| (lines.len() as u64).saturating_sub(tail)) as usize;
        lines.into_iter().skip(skip).cloned().collect()
    }
}

impl LogLine {
    /// Returns the line as the kubelet serves it.
    pub fn print(&self, timestamps: bool) -> String {
        if timestamps {
            format!("{} {}\n", rfc3339_nano(self.at), self.text)
        } else {
            format!("{}\n", self.text)
        }
    }
}

/// Returns a moment as the container runtime stamps its log: `2026-01-05T09:00:00.123456789Z`.
pub(crate) fn rfc3339_nano(at: Time) -> String {
    let text = at.rfc3339();
    let nanos: Nanos = at.0.rem_euclid(sim::SECOND);
    format!("{}.{nanos:09}Z", text.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_lines_and_selects() {
        let mut ring = LogRing::default();
        for i in 0..LINES + 5 {
            ring.add(Time(i as i64), &format!("line {i}\n"), false);
        }
        ring.add(Time(9_000), "a\nb\n", true);
        let texts = |options: &LogOptions| -> Vec<String> {
            ring.select(options).iter().map(|line| line.text.to_string()).collect()
        };
        assert_eq!(texts(&LogOptions::default()).first().map(String::as_str), Some("line 7"));
        assert_eq!(texts(&LogOptions { tail: Some(2), ..LogOptions::default() }), ["a", "b"]);
        assert_eq!(texts(&LogOptions { since: Some(Time(9_000)), ..LogOptions::default() }), ["a", "b"]);
        assert_eq!(texts(&LogOptions { from: ring.next() - 1, ..LogOptions::default() }), ["b"]);
        let line = LogLine { number: 0, at: Time(1), stderr: false, text: "x".into() };
        assert_eq!(line.print(true), "1970-01-01T00:00:00.000000001Z x\n");
    }
}
