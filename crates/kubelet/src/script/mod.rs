//! The programs that a pod's own command names: a shell and the small tools that go with it.

use crate::cri::{AppCx, Came, Effect, Image};
use sim::{SECOND, Time};
use std::rc::Rc;

/// A script that runs in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    argv: Vec<Rc<str>>,
    wakes: Time,
    started: bool,
}

impl Script {
    /// Returns whether this is a command that it can run.
    pub fn knows(name: &str) -> bool {
        matches!(name, "sleep" | "sh" | "echo")
    }

    /// Makes the script of a command.
    pub fn from_argv(argv: &[Rc<str>], _image: &Image) -> Script {
        Script { argv: argv.to_vec(), wakes: Time(0), started: false }
    }

    /// Returns when it goes on.
    pub fn next_at(&self) -> Time {
        self.wakes
    }

    /// Goes on.
    pub fn step(&mut self, cx: &mut AppCx) -> Vec<Effect> {
        if self.started {
            return vec![Effect::Exit(0)];
        }
        self.started = true;
        let seconds = self.argv.get(1).and_then(|word| word.parse::<i64>().ok()).unwrap_or(0);
        self.wakes = cx.now + seconds * SECOND;
        Vec::new()
    }

    /// Takes what came of a call.
    pub fn on_reply(&mut self, _cx: &mut AppCx, _tag: u64, _came: &Came) -> Vec<Effect> {
        Vec::new()
    }

    /// Takes SIGTERM: returns whether the script ends.
    pub fn on_term(&mut self, _cx: &mut AppCx) -> bool {
        false
    }
}
