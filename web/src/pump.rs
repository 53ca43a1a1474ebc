//! The worker's loop without the browser: the mailbox, the slices, and the pace of the views.

use std::collections::VecDeque;

use crate::engine::Engine;
use crate::protocol::{ToPage, ToWorker};

/// The longest slice, in milliseconds: messages wait no longer, whatever the simulation does.
pub const SLICE_MS: f64 = 8.0;
/// The shortest time between two views, in milliseconds.
pub const FRAME_MS: f64 = 16.0;
/// The most messages that wait.
pub const MAILBOX: usize = 1024;

/// When the next turn is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    /// As soon as waiting messages were taken in.
    Now,
    /// After so many milliseconds, or when a message comes.
    After(f64),
    /// When a message comes.
    Message,
}

/// The state of the loop.
#[derive(Debug)]
pub struct Pump<E> {
    engine: E,
    mailbox: VecDeque<String>,
    /// When the last view was made; `None` before the first.
    viewed_ms: Option<f64>,
    /// Whether the page has still to draw the last view.
    drawing: bool,
}

impl<E: Engine> Pump<E> {
    /// Returns a loop that has not begun.
    pub fn new(engine: E) -> Self {
        Pump { engine, mailbox: VecDeque::new(), viewed_ms: None, drawing: false }
    }

    /// Takes a message in. Returns what answers it without the engine.
    pub fn receive(&mut self, text: String) -> Option<ToPage> {
        match ToWorker::parse(text) {
            ToWorker::Ping => return Some(ToPage::Pong),
            ToWorker::Acknowledge => self.drawing = false,
            ToWorker::Message(_) if self.mailbox.len() >= MAILBOX => return Some(ToPage::Refused),
            ToWorker::Message(text) => self.mailbox.push_back(text),
        }
        None
    }

    /// Hands the waiting messages to the engine, runs one slice, and makes a view if one is due.
    /// Returns what is to be sent, in order, and when to come again.
    pub fn turn(&mut self, now_ms: f64) -> (Vec<ToPage>, Next) {
        let mut sent = Vec::new();
        while let Some(text) = self.mailbox.pop_front() {
            sent.extend(self.engine.message(&text).into_iter().map(ToPage::Message));
        }
        let more = self.engine.slice(SLICE_MS);
        let due = !self.drawing && self.viewed_ms.is_none_or(|then| now_ms - then >= FRAME_MS);
        let view = if due { self.engine.frame() } else { None };
        let nothing_to_show = due && view.is_none();
        if let Some(view) = view {
            self.drawing = true;
            self.viewed_ms = Some(now_ms);
            sent.push(ToPage::View(view));
        }
        let next = if more {
            Next::Now
        } else if self.engine.idle() && (nothing_to_show || self.drawing) {
            Next::Message
        } else {
            Next::After(FRAME_MS)
        };
        (sent, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has so many slices to do and shows each number once.
    #[derive(Default)]
    struct Counter {
        slices: u32,
        shown: Option<u32>,
        heard: usize,
        running: bool,
    }

    impl Engine for Counter {
        fn message(&mut self, text: &str) -> Vec<String> {
            self.heard += 1;
            vec![format!("heard {text}")]
        }

        fn slice(&mut self, budget_ms: f64) -> bool {
            assert!(budget_ms <= 8.0);
            self.slices = self.slices.saturating_sub(1);
            self.slices > 0
        }

        fn frame(&mut self) -> Option<String> {
            let changed = self.shown != Some(self.slices);
            self.shown = Some(self.slices);
            changed.then(|| self.slices.to_string())
        }

        fn idle(&self) -> bool {
            !self.running
        }
    }

    fn texts(sent: Vec<ToPage>) -> Vec<String> {
        sent.into_iter().map(ToPage::into_text).collect()
    }

    #[test]
    fn one_view_a_frame_and_none_before_the_last_was_drawn() {
        let mut pump = Pump::new(Counter { slices: 9, ..Counter::default() });
        let mut views = Vec::new();
        // (now, acknowledged before, the views and what comes next)
        for (now_ms, acknowledged, view, next) in [
            (0.0, false, Some("#8"), Next::Now),
            (20.0, false, None, Next::Now),
            (25.0, true, Some("#6"), Next::Now),
            (30.0, true, None, Next::Now),
            (41.0, false, Some("#4"), Next::Now),
        ] {
            if acknowledged {
                assert_eq!(pump.receive("!ack".to_owned()), None);
            }
            let (sent, then) = pump.turn(now_ms);
            assert_eq!(texts(sent), Vec::from_iter(view), "at {now_ms}");
            assert_eq!(then, next, "at {now_ms}");
            views.extend(view);
        }
        assert_eq!(views.len(), 3);
    }

    #[test]
    fn sleeps_only_when_idle_with_nothing_to_show() {
        let mut pump = Pump::new(Counter { slices: 2, running: true, ..Counter::default() });
        assert_eq!(pump.turn(0.0).1, Next::Now);
        pump.receive("!ack".to_owned());
        assert_eq!(pump.turn(1.0).1, Next::After(FRAME_MS), "the clock runs");
        pump.engine.running = false;
        assert_eq!(pump.turn(2.0).1, Next::After(FRAME_MS), "a view is due later");
        let (sent, next) = pump.turn(20.0);
        assert_eq!((texts(sent), next), (vec!["#0".to_owned()], Next::Message));
        pump.receive("!ack".to_owned());
        assert_eq!(pump.turn(40.0), (vec![], Next::Message));
    }

    #[test]
    fn the_mailbox_is_read_in_order_and_bounded() {
        let mut pump = Pump::new(Counter::default());
        assert_eq!(pump.receive("!ping".to_owned()), Some(ToPage::Pong));
        for n in 0..MAILBOX {
            assert_eq!(pump.receive(n.to_string()), None);
        }
        assert_eq!(pump.receive("one more".to_owned()), Some(ToPage::Refused));
        assert_eq!(pump.receive("!ping".to_owned()), Some(ToPage::Pong));
        let (sent, _) = pump.turn(0.0);
        assert_eq!(pump.engine.heard, MAILBOX);
        let texts = texts(sent);
        assert_eq!(texts[0], "heard 0");
        assert_eq!(texts[MAILBOX - 1], format!("heard {}", MAILBOX - 1));
    }
}
