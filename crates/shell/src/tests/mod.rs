mod cases;
mod host;
mod jobs;

use crate::{Console, Host, Step};
use host::World;
use sim::{SECOND, Time};

/// How much virtual time a command of a test may take.
const LIMIT: i64 = 400 * SECOND;

/// A console with its world.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    world: World,
    pub console: Console,
    pub out: String,
}

impl Session {
    pub fn new() -> Session {
        let mut world = World::new();
        let console = Console::new(&mut world);
        Session { world, console, out: String::new() }
    }

    fn take(&mut self) {
        for chunk in self.console.take_output().into_iter().filter(|chunk| !chunk.chunk.is_echo) {
            if chunk.chunk.clears {
                self.out.push_str("[clear]\n");
            }
            self.out.push_str(&chunk.chunk.text);
        }
    }

    /// Goes on until nothing runs, until what runs reads typed text, or until a moment.
    pub fn run_until(&mut self, limit: Time) {
        self.run(limit, |_| false);
    }

    fn run(&mut self, limit: Time, is_enough: impl Fn(&Console) -> bool) {
        for _ in 0..100_000 {
            if is_enough(&self.console) {
                break;
            }
            match self.console.step(&mut self.world, 1_000) {
                Step::Ready => {}
                Step::Done(_) => break,
                Step::Blocked(wait) => {
                    let next = [wait.until, self.world.next_at(&wait.streams)].into_iter().flatten().min();
                    match next {
                        Some(at) if at <= limit => self.world.now = at.max(self.world.now),
                        _ => break,
                    }
                }
            }
            self.take();
        }
        self.take();
    }

    /// Types a line and goes on until it is done; what it leaves in the background waits.
    pub fn line(&mut self, text: &str) {
        let tab = self.console.tabs()[0].id();
        self.console.line(tab, text);
        let limit = self.world.now() + LIMIT;
        self.run(limit, |console| !console.tabs()[0].is_running());
    }

    /// Types a line and returns what was printed, with the exit code where it isn't 0.
    pub fn answer(&mut self, text: &str) -> String {
        for line in text.split('\n') {
            self.line(line);
        }
        let mut out = std::mem::take(&mut self.out);
        if !out.is_empty() && !out.ends_with('\n') {
            out.push_str("\n[no end of line]\n");
        }
        let tab = &self.console.tabs()[0];
        match tab.status() {
            _ if tab.is_running() => out.push_str("[runs]\n"),
            0 => {}
            status => out.push_str(&format!("[exit {status}]\n")),
        }
        out
    }
}
