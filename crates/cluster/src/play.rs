//! Plays a script: types its lines, waits as it says, and writes down what was answered.

use crate::script::{Key, Step};
use crate::{Cluster, Preset};
use ::view::Input;
use sim::{MILLISECOND, Nanos, SECOND};

/// How long a typed command takes a person, as when the recordings were made.
const TYPING: Nanos = 100 * MILLISECOND;
/// How long `@settle` waits at most.
const SETTLE: Nanos = 40 * SECOND;
/// How long a command may run before it is interrupted, and how much may happen meanwhile.
const PATIENCE: Nanos = 10 * 60 * SECOND;
const EVENTS: u64 = 5_000_000;

/// Plays the steps on a new cluster and hands over the transcript piece by piece.
pub fn play(preset: &Preset, seed: u64, steps: &[Step], write: &mut dyn FnMut(&str)) {
    let mut cluster = Cluster::new(preset, seed);
    for step in steps {
        write(&step.to_text());
        play_step(&mut cluster, step, write);
    }
}

/// Plays one step.
pub fn play_step(cluster: &mut Cluster, step: &Step, write: &mut dyn FnMut(&str)) {
    match step {
        Step::File { name, text } => {
            let (name, text) = (name.clone(), text.clone());
            cluster.input(Input::WriteFile { name, text });
        }
        Step::Line(line) => write(&cluster.run_line(line)),
        Step::Key(key) => write(&cluster.press(*key)),
        Step::Restart(process) => cluster.restart(*process),
        Step::Settle => cluster.run_until_settled(SETTLE),
        Step::Sleep(ms) => {
            let until = cluster.now() + ms * MILLISECOND;
            cluster.run_until(until);
        }
        Step::Power { name, on } => {
            cluster.input(Input::Power { node: name.clone(), on: *on });
        }
        Step::Link { a, b, up } => {
            cluster.input(Input::Link { a: a.clone(), b: b.clone(), up: *up });
        }
    }
}

impl Cluster {
    /// Types a line into the first console and lets the command run to its end, or until it wants the
    /// next line typed. Returns what it printed, with `[exit N]` last where it failed.
    pub fn run_line(&mut self, line: &str) -> String {
        let tab = self.terminal.first_idle_tab();
        let text = self.finish_input(tab, Input::Line { tab, text: line.to_string() });
        // A comment leaves the code as it was.
        if line.trim_start().starts_with('#') { text } else { text + &self.code_line(tab) }
    }

    /// Presses a key in the first console, as [`Cluster::run_line`] types a line.
    pub fn press(&mut self, key: Key) -> String {
        let tab = self.terminal.first_idle_tab();
        let input = match key {
            Key::Interrupt => Input::Interrupt { tab },
            Key::EndInput => Input::EndInput { tab },
        };
        self.finish_input(tab, input) + &self.code_line(tab)
    }

    fn code_line(&self, tab: u32) -> String {
        let code = if self.terminal.is_running(tab) { 0 } else { self.terminal.exit_code(tab) };
        if code == 0 { String::new() } else { format!("[exit {code}]\n") }
    }

    fn finish_input(&mut self, tab: u32, input: Input) -> String {
        self.terminal.take_output(tab);
        self.input(input);
        let end = self.now() + PATIENCE;
        let last = self.events() + EVENTS;
        let mut patient = true;
        while self.terminal.is_running(tab) && !self.terminal.wants_typing(tab) {
            if self.events() >= last || !self.step(end) {
                if !patient {
                    break;
                }
                patient = false;
                self.input(Input::Interrupt { tab });
            }
        }
        let mut text = self.terminal.take_output(tab);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let until = self.now() + TYPING;
        self.run_until(until);
        text
    }

    /// Types a line into the first console without waiting for its end.
    pub fn type_line(&mut self, line: &str) {
        let tab = self.terminal.first_idle_tab();
        self.input(Input::Line { tab, text: line.to_string() });
    }
}
