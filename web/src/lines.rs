//! Which console tab a typed line goes to, and when.
//!
//! A line for a tab whose command still runs goes to the next prompt, which is opened beside; only
//! where the command reads what is typed the line is the command's.
//! Lines that were pasted together wait for each other.

use std::collections::{BTreeMap, VecDeque};

use view::{Input, TabRow};

/// The most lines that wait.
const WAITING: usize = 500;
/// How long a command may run before the next line is given to another prompt, in real milliseconds.
const GRACE_MS: f64 = 400.0;
/// When a line that nobody confirmed is taken for done, in real milliseconds.
const LOST_MS: f64 = 3_000.0;

/// The tab that opens with the first line.
const FIRST_TAB: u32 = 1;

/// How a line relates to what still runs in its tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It was typed: it goes to the next prompt.
    Next,
    /// It was pasted after others: it waits until they are done.
    After,
    /// It is a command that a button stands for: it goes to the next prompt, and never to what a command reads.
    Button,
}

#[derive(Clone, Debug)]
struct Waiting {
    tab: u32,
    turn: Turn,
    text: String,
}

#[derive(Clone, Copy, Debug)]
struct Flight {
    sent_ms: f64,
    /// The frame that was the last when the line took effect.
    logged_at: Option<u64>,
}

/// The lines that wait for a prompt.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    waiting: VecDeque<Waiting>,
    flights: BTreeMap<u32, Flight>,
    /// The tabs there were when another was asked for.
    opening: Option<usize>,
}

impl Lines {
    /// Adds a line. Returns whether there was room.
    pub fn push(&mut self, tab: u32, turn: Turn, text: &str) -> bool {
        let room = self.waiting.len() < WAITING;
        if room {
            self.waiting.push_back(Waiting { tab, turn, text: text.to_owned() });
        }
        room
    }

    /// Returns how many lines wait for a tab.
    pub fn waiting(&self, tab: u32) -> usize {
        self.waiting.iter().filter(|line| line.tab == tab).count()
    }

    /// Returns whether a line waits at all.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Drops the lines that wait for a tab: its command is interrupted.
    pub fn interrupt(&mut self, tab: u32) {
        self.waiting.retain(|line| line.tab != tab);
    }

    /// Notes that a line took effect in a tab; `frame` is the last frame's number.
    pub fn logged(&mut self, tab: u32, frame: u64) {
        if let Some(flight) = self.flights.get_mut(&tab) {
            flight.logged_at = Some(frame);
        }
    }

    /// Returns what is to be sent now.
    pub fn send(&mut self, tabs: &[TabRow], frame: u64, now_ms: f64) -> Vec<Input> {
        self.flights.retain(|_, flight| {
            flight.logged_at.is_none_or(|logged| frame <= logged) && now_ms - flight.sent_ms < LOST_MS
        });
        if self.opening.is_some_and(|count| tabs.len() > count) {
            self.opening = None;
        }
        let mut inputs = Vec::new();
        while let Some(line) = self.waiting.front() {
            match self.place(line, tabs, now_ms) {
                Place::Tab(tab) => {
                    self.flights.insert(tab, Flight { sent_ms: now_ms, logged_at: None });
                    let text = self.waiting.pop_front().map(|line| line.text).unwrap_or_default();
                    inputs.push(Input::Line { tab, text });
                }
                Place::NewTab if self.opening.is_none() => {
                    self.opening = Some(tabs.len());
                    inputs.push(Input::OpenTab);
                    break;
                }
                Place::NewTab | Place::Later => break,
            }
        }
        inputs
    }

    fn place(&self, line: &Waiting, tabs: &[TabRow], now_ms: f64) -> Place {
        if tabs.is_empty() {
            // The first tab opens with the first line.
            return if self.flights.is_empty() { Place::Tab(FIRST_TAB) } else { Place::Later };
        }
        let takes = |tab: &TabRow| takes_lines(tab) && !(tab.running && line.turn == Turn::Button);
        let free = |tab: &&TabRow| !self.flights.contains_key(&tab.id) && takes(tab);
        let wanted = tabs.iter().find(|tab| tab.id == line.tab);
        if let Some(tab) = wanted.filter(free) {
            return Place::Tab(tab.id);
        }
        let sent_ms = self.flights.get(&line.tab).map(|flight| flight.sent_ms);
        let fresh = sent_ms.is_some_and(|sent| now_ms - sent < GRACE_MS);
        if wanted.is_some() && (fresh || line.turn == Turn::After) {
            return Place::Later;
        }
        match tabs.iter().filter(|tab| !tab.running).find(free) {
            Some(tab) => Place::Tab(tab.id),
            None => Place::NewTab,
        }
    }
}

enum Place {
    Tab(u32),
    NewTab,
    Later,
}

/// Returns whether a line typed into a tab is taken now: by its shell, or by a command that asks for it.
pub fn takes_lines(tab: &TabRow) -> bool {
    !tab.running || tab.reads
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tab(id: u32, running: bool) -> TabRow {
        let prompt = if running { "" } else { "$ " }.to_owned();
        TabRow { id, title: String::new(), running, reads: false, prompt, editing: None, waiting: false }
    }

    fn line(tab: u32, text: &str) -> Input {
        Input::Line { tab, text: text.to_owned() }
    }

    #[test]
    fn one_line_after_the_other() {
        let mut lines = Lines::default();
        lines.push(1, Turn::Next, "a");
        lines.push(1, Turn::Next, "b");
        let idle = [tab(1, false)];
        assert_eq!(lines.send(&idle, 4, 0.0), [line(1, "a")]);
        assert_eq!(lines.send(&idle, 4, 10.0), [], "a isn't known to be done");
        lines.logged(1, 4);
        assert_eq!(lines.send(&idle, 4, 10.0), [], "nothing was seen of it yet");
        assert_eq!(lines.send(&idle, 5, 20.0), [line(1, "b")]);
        assert!(lines.is_empty());
    }

    #[test]
    fn the_next_prompt_opens_beside_a_running_command() {
        let mut lines = Lines::default();
        lines.push(1, Turn::Next, "loop");
        assert_eq!(lines.send(&[tab(1, false)], 1, 0.0), [line(1, "loop")]);
        lines.logged(1, 1);
        lines.push(1, Turn::Next, "get");
        let running = [tab(1, true)];
        assert_eq!(lines.send(&running, 2, 900.0), [Input::OpenTab]);
        assert_eq!(lines.send(&running, 3, 910.0), [], "one prompt is enough");
        let both = [tab(1, true), tab(2, false)];
        assert_eq!(lines.send(&both, 4, 920.0), [line(2, "get")]);
    }

    #[test]
    fn a_quick_command_gets_its_time() {
        let mut lines = Lines::default();
        lines.push(1, Turn::Next, "sleep 0");
        lines.send(&[tab(1, false)], 1, 0.0);
        lines.push(1, Turn::Next, "get");
        assert_eq!(lines.send(&[tab(1, true)], 2, 100.0), []);
        lines.logged(1, 2);
        assert_eq!(lines.send(&[tab(1, false)], 3, 200.0), [line(1, "get")]);
    }

    #[test]
    fn a_paste_waits_and_can_be_interrupted() {
        let mut lines = Lines::default();
        lines.push(1, Turn::Next, "rollout status");
        lines.push(1, Turn::After, "get");
        lines.send(&[tab(1, false)], 1, 0.0);
        lines.logged(1, 1);
        assert_eq!(lines.send(&[tab(1, true)], 2, 9_000.0), []);
        assert_eq!(lines.waiting(1), 1);
        assert_eq!(lines.clone().send(&[tab(1, false)], 3, 9_000.0), [line(1, "get")]);
        lines.interrupt(1);
        assert_eq!(lines.send(&[tab(1, false)], 3, 9_000.0), []);
    }

    #[test]
    fn a_command_that_asks_gets_its_input() {
        let mut lines = Lines::default();
        lines.push(1, Turn::Next, "ls");
        let shell = TabRow { reads: true, ..tab(1, true) };
        assert_eq!(lines.send(&[shell], 2, 9_000.0), [line(1, "ls")]);
    }

    #[test]
    fn a_button_is_no_input() {
        let mut lines = Lines::default();
        lines.push(1, Turn::Button, "kubectl apply -f x.yaml");
        let reading = TabRow { reads: true, ..tab(1, true) };
        assert_eq!(lines.clone().send(std::slice::from_ref(&reading), 2, 9_000.0), [Input::OpenTab]);
        let applied = line(2, "kubectl apply -f x.yaml");
        assert_eq!(lines.send(&[reading, tab(2, false)], 2, 9_000.0), [applied]);
    }

    #[test]
    fn a_tab_that_is_gone() {
        let mut lines = Lines::default();
        lines.push(7, Turn::After, "get");
        assert_eq!(lines.clone().send(&[], 1, 0.0), [line(1, "get")], "no tab is there yet");
        assert_eq!(lines.send(&[tab(1, false)], 1, 0.0), [line(1, "get")]);
    }
}
