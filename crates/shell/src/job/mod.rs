//! A running command line: processes that are stepped. All of it is a value.

mod background;
mod command;
mod compound;
mod frame;
mod machine;
mod pipe;
mod process;
mod redirect;
mod shared;
mod thread;

pub(crate) use pipe::{END_OF_INPUT, Pipe, Read};
pub(crate) use shared::{Editing, Fds, Input, Shared, Sink};
pub(crate) use thread::Block;

use crate::host::Host;
use crate::output::{Chunk, Output};
use crate::state::ShellState;
use crate::syntax::{self, Script};
use frame::Frame;
use machine::{Flow, Machine};
use sim::Time;
use std::collections::BTreeMap;
use std::rc::Rc;
use thread::Thread;

/// The number of the first process of a job.
const ROOT: u32 = 0;
/// Who waits for a process in the background.
const NOBODY: u32 = u32::MAX;
/// How many steps a job takes without any time passing, before it waits for some.
const FREE_STEPS: u32 = 200_000;
/// How long it waits then.
const STEPS_COST: sim::Nanos = 10 * sim::MILLISECOND;

/// What a blocked job waits for. It goes on when any of it comes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wait {
    /// The moment at which to step it at the latest.
    pub until: Option<Time>,
    /// Streams that may have something for it.
    pub streams: Vec<u64>,
    /// Network exchanges that it awaits.
    pub exchanges: Vec<u64>,
    /// Whether it reads what is typed.
    pub input: bool,
    /// Whether it waits for the editor.
    pub editor: bool,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// It ended with this status.
    Done(i32),
    /// It has more to do at once.
    Ready,
    /// It waits.
    Blocked(Wait),
}

/// A running command line.
#[derive(Clone, Debug)]
pub struct Job {
    threads: BTreeMap<u32, Thread>,
    shared: Shared,
    /// The state that the first process left, once it has ended.
    left: Option<ShellState>,
    /// Whether it was said that the first process has ended; then the others go on.
    told: bool,
    /// How many steps it has taken since the time last passed, and when that was.
    spent: (u32, Time),
}

impl Job {
    fn begin(state: ShellState, frame: Frame) -> Job {
        let mut job = Job {
            threads: BTreeMap::new(),
            shared: Shared::default(),
            left: None,
            told: false,
            spent: (0, Time(i64::MIN)),
        };
        job.shared.typed = Pipe::typed();
        job.shared.threads = 1;
        job.threads.insert(ROOT, Thread::new(state, Fds::default(), ROOT, frame));
        job
    }

    /// Makes the job of a script.
    pub fn new(state: ShellState, script: Rc<Script>) -> Job {
        Job::begin(state, Frame::List { script, next: 0 })
    }

    /// Makes the job of a script that a person typed at a prompt.
    pub(crate) fn typed(state: ShellState, script: Rc<Script>) -> Job {
        let mut job = Job::new(state, script);
        job.shared.is_interactive = true;
        job
    }

    /// Takes the next line at the prompt, beside what runs in the background.
    pub(crate) fn next_line(&mut self, state: ShellState, script: Rc<Script>) {
        self.left = None;
        self.told = false;
        self.shared.typed = Pipe::typed();
        self.shared.editing = None;
        self.shared.tidy();
        self.shared.threads += 1;
        self.threads.insert(ROOT, Thread::new(state, Fds::default(), ROOT, Frame::List { script, next: 0 }));
    }

    /// Says that input and output aren't a terminal.
    #[must_use]
    pub fn without_terminal(mut self) -> Job {
        self.shared.lacks_terminal = true;
        self
    }

    /// Makes the job of a text; one that is no script says so when it is stepped.
    pub fn of_text(state: ShellState, text: &str) -> Job {
        let argv = vec!["eval".to_string(), text.to_string()];
        match syntax::parse(text) {
            Ok(script) => Job::new(state, Rc::new(script)),
            Err(_) => Job::exec(state, &argv),
        }
    }

    /// Makes the job of a program with its arguments, as `kubectl exec POD -- ARGV` runs it.
    pub fn exec(state: ShellState, argv: &[String]) -> Job {
        let words = argv.iter().map(|word| syntax::Word::text(word, true)).collect();
        let kind = syntax::CommandKind::Simple { assignments: Vec::new(), words };
        let command = Rc::new(syntax::Command { kind, redirects: Vec::new() });
        let pipeline = Rc::new(syntax::Pipeline { negated: false, commands: vec![command] });
        Job::begin(state, Frame::Start { pipeline })
    }

    /// Makes an interactive shell, which reads and runs lines until `exit`.
    pub fn interactive(state: ShellState) -> Job {
        Job::begin(state, Frame::Interactive { unfinished: String::new(), prompted: false })
    }

    /// Goes on for at most `budget` steps. It is done with its first process; stepped again, it goes on
    /// with those in the background until there are none.
    pub fn step(&mut self, host: &mut dyn Host, mut budget: u32) -> Step {
        let now = host.now();
        if now > self.spent.1 {
            self.spent = (0, now);
        }
        loop {
            if self.spent.0 >= FREE_STEPS {
                let until = Some(self.spent.1 + STEPS_COST);
                return Step::Blocked(Wait { until, ..Wait::default() });
            }
            let mut moved = false;
            for id in self.threads.keys().copied().collect::<Vec<_>>() {
                moved |= self.step_thread(host, id, &mut budget);
                self.adopt();
                for (killed, status) in std::mem::take(&mut self.shared.to_kill) {
                    self.end_all(host, status, |job, id| job.descends(id, killed));
                    moved = true;
                }
                if budget == 0 {
                    self.shared.flush(host);
                    return Step::Ready;
                }
            }
            self.shared.flush(host);
            if let Some(state) = self.left.as_ref().filter(|_| !self.told || self.threads.is_empty()) {
                self.told = true;
                return Step::Done(state.status);
            }
            if !moved {
                return Step::Blocked(self.wait());
            }
        }
    }

    fn adopt(&mut self) {
        for (id, thread) in self.shared.spawned.drain(..) {
            self.threads.insert(id, thread);
        }
    }

    /// Steps one process until it waits. Returns whether it came further.
    fn step_thread(&mut self, host: &mut dyn Host, id: u32, budget: &mut u32) -> bool {
        let Some(mut thread) = self.threads.remove(&id) else { return false };
        let mut moved = false;
        loop {
            let is_full = |sink: Sink| match sink {
                Sink::Pipe(pipe) => {
                    Some(pipe) == thread.writes && self.shared.pipes.get(&pipe).is_some_and(Pipe::is_full)
                }
                _ => false,
            };
            if *budget == 0 || self.spent.0 >= FREE_STEPS || is_full(thread.fds.stdout) {
                thread.block = Block::Inside;
                break;
            }
            *budget -= 1;
            self.spent.0 += 1;
            let flow = Machine { host, shared: &mut self.shared, id }.step(&mut thread);
            match flow {
                Flow::On => moved = true,
                Flow::Wait(block) => {
                    thread.block = block;
                    break;
                }
                Flow::Done => {
                    self.end(id, thread);
                    return true;
                }
            }
            if !self.shared.spawned.is_empty() {
                thread.block = Block::Inside;
                break;
            }
        }
        self.threads.insert(id, thread);
        moved
    }

    /// Notes that a process has ended.
    fn end(&mut self, id: u32, thread: Thread) {
        self.shared.threads = self.shared.threads.saturating_sub(1);
        if let Some(pipe) = thread.writes.and_then(|pipe| self.shared.pipes.get_mut(&pipe)) {
            pipe.ended = true;
        }
        if let Some(pipe) = thread.reads.and_then(|pipe| self.shared.pipes.get_mut(&pipe)) {
            pipe.broken = true;
        }
        if id == ROOT {
            self.left = Some(thread.state);
            return;
        }
        self.shared.finished.insert(id, thread.state.status);
    }

    fn wait(&self) -> Wait {
        let mut wait = Wait::default();
        let mut until = |time: Option<Time>| {
            wait.until = match (wait.until, time) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        };
        for thread in self.threads.values() {
            match thread.block {
                Block::None | Block::Inside => {}
                Block::Time(time) => until(Some(time)),
                Block::Stream(stream, time, input) => {
                    until(time);
                    if stream != 0 {
                        wait.streams.push(stream);
                    }
                    wait.input |= input;
                }
                Block::Exchange(id) => wait.exchanges.push(id),
                Block::Typed => wait.input = true,
                Block::Editor => wait.editor = true,
            }
        }
        wait
    }

    /// Returns the status, once the first process has ended.
    pub fn status(&self) -> Option<i32> {
        self.left.as_ref().map(|state| state.status)
    }

    /// Returns whether processes in the background still run.
    pub fn has_background(&self) -> bool {
        self.left.is_some() && !self.threads.is_empty()
    }

    /// Returns whether the next prompt has something to say of the background.
    pub(crate) fn has_news(&self) -> bool {
        self.shared.has_news()
    }

    /// Prints what has ended in the background since the last prompt.
    pub(crate) fn report_ended(&mut self) {
        let lines = self.shared.report_ended();
        if !lines.is_empty() {
            self.shared.output.print(&lines, true);
        }
    }

    /// Gives typed text, with its line's end. A `\u{4}` is Ctrl-D: an end, for whoever reads then.
    pub fn input(&mut self, text: &str) {
        if self.shared.typed.ended {
            return;
        }
        self.shared.typed.write(text);
    }

    /// Says that nothing more will be typed: there is no keyboard, or its pipe has ended.
    pub fn end_input(&mut self) {
        self.shared.typed.ended = true;
    }

    /// Interrupts it as Ctrl-C does: a nested shell prompts again, anything else ends with 130.
    pub fn interrupt(&mut self, host: &mut dyn Host) {
        if self.pass_interrupt(host) {
            return;
        }
        self.shared.output.print("^C\n", false);
        let nested = self.threads.iter().rev().find_map(|(id, thread)| {
            let at = thread.frames.iter().rposition(|frame| matches!(frame, Frame::Interactive { .. }))?;
            Some((*id, at))
        });
        let Some((shell, at)) = nested else {
            self.end_all(host, 130, |job, id| job.descends(id, ROOT));
            self.shared.flush(host);
            return;
        };
        let Some(mut thread) = self.threads.remove(&shell) else { return };
        self.end_all(host, 130, |job, id| job.descends(id, shell));
        let mut machine = Machine { host, shared: &mut self.shared, id: shell };
        machine.unwind(&mut thread, at);
        thread.frames.push(Frame::Interactive { unfinished: String::new(), prompted: false });
        thread.state.status = 130;
        thread.state.calls = 0;
        self.threads.insert(shell, thread);
    }

    /// Passes Ctrl-C on to the process that a command is attached to with a terminal.
    fn pass_interrupt(&mut self, host: &mut dyn Host) -> bool {
        for (id, thread) in &mut self.threads {
            let mut machine = Machine { host: &mut *host, shared: &mut self.shared, id: *id };
            if machine.pass_interrupt(thread) {
                return true;
            }
        }
        false
    }

    fn descends(&self, id: u32, from: u32) -> bool {
        let mut id = id;
        for _ in 0..shared::MAX_THREADS {
            match self.threads.get(&id) {
                _ if id == from => return true,
                Some(thread) if id != ROOT => id = thread.parent,
                _ => return id == from,
            }
        }
        false
    }

    fn end_all(&mut self, host: &mut dyn Host, status: i32, ends: impl Fn(&Job, u32) -> bool) {
        for id in self.threads.keys().copied().filter(|id| ends(self, *id)).collect::<Vec<_>>() {
            if let Some(mut thread) = self.threads.remove(&id) {
                let mut machine = Machine { host, shared: &mut self.shared, id };
                machine.unwind(&mut thread, 0);
                thread.state.status = status;
                self.end(id, thread);
            }
        }
        self.shared.editing = None;
    }

    /// Ends it at once with this status.
    pub fn kill(&mut self, host: &mut dyn Host, status: i32) {
        self.end_all(host, status, |_, _| true);
        if let Some(state) = &mut self.left {
            state.status = status;
        }
        self.shared.flush(host);
    }

    /// Returns the file that an editor is to be opened with: its name and text.
    pub fn editing(&self) -> Option<(&str, &str)> {
        let editing = self.shared.editing.as_ref().filter(|editing| editing.saved.is_none())?;
        Some((&editing.path, &editing.text))
    }

    /// Takes what the editor left; `None` where nothing was saved.
    pub fn edited(&mut self, text: Option<String>) {
        if let Some(editing) = &mut self.shared.editing {
            editing.saved = Some(text);
        }
    }

    /// Returns the prompt of a nested shell that waits for a line.
    pub fn prompt(&self) -> Option<String> {
        let thread = self.threads.values().rev().find(|thread| thread.block == Block::Typed)?;
        match thread.frames.last() {
            Some(Frame::Interactive { unfinished, .. }) if unfinished.is_empty() => {
                Some(thread.state.prompt())
            }
            Some(Frame::Interactive { .. }) => Some("> ".to_string()),
            _ => None,
        }
    }

    /// Takes what was printed.
    pub fn take_output(&mut self) -> Vec<Chunk> {
        self.shared.output.take()
    }

    /// Returns what was printed and not yet taken.
    pub fn output(&mut self) -> &mut Output {
        &mut self.shared.output
    }

    /// Gives the lines that `history` prints.
    pub fn set_history(&mut self, history: Vec<String>) {
        self.shared.history = history;
    }

    /// Returns the state that the shell has now, for the next line.
    pub fn state(&self) -> Option<&ShellState> {
        self.left.as_ref().or_else(|| self.threads.get(&ROOT).map(|thread| &thread.state))
    }
}
