use super::frame::Frame;
use super::pipe::Pipe;
use super::shared::{Fds, Input, Shared, Sink};
use super::thread::{Block, Thread};
use super::{NOBODY, ROOT};
use crate::host::Host;
use crate::program::{ChildResult, Io};
use crate::syntax::{Join, Pipeline, Script};
use std::rc::Rc;

/// How many frames a process has at most.
const MAX_FRAMES: usize = 2_000;

/// What came of one step of a process.
pub(super) enum Flow {
    /// It goes on.
    On,
    /// It waits.
    Wait(Block),
    /// It ended.
    Done,
}

/// One step of a process.
pub(super) struct Machine<'a> {
    pub host: &'a mut dyn Host,
    pub shared: &'a mut Shared,
    pub id: u32,
}

impl Machine<'_> {
    /// Does one step.
    pub fn step(&mut self, thread: &mut Thread) -> Flow {
        let Some(frame) = thread.frames.pop() else { return Flow::Done };
        if thread.frames.len() > MAX_FRAMES {
            self.complain(thread, "commands are nested too deeply");
            self.unwind(thread, 0);
            thread.state.status = 2;
            return Flow::Done;
        }
        match frame {
            Frame::List { script, next } => self.list(thread, script, next),
            Frame::Item { script, item, next } => self.item(thread, script, item, next),
            Frame::Start { pipeline } => self.pipeline(thread, &pipeline),
            Frame::Pipeline { children, pipes } => return self.wait_for_all(thread, children, pipes),
            Frame::Negate => thread.state.status = i32::from(thread.state.status == 0),
            Frame::Lenient { was } => thread.state.exits_on_error = was,
            Frame::Expand { command, pending, results, child } => {
                return self.expand(thread, command, pending, results, child);
            }
            Frame::If { command, branch } => self.after_condition(thread, command, branch),
            Frame::While { command, in_body, status } => {
                return self.after_round(thread, command, in_body, status);
            }
            Frame::For { command, words } => self.next_word(thread, command, words),
            restored @ (Frame::Restore { .. } | Frame::Call { .. }) => self.leave(thread, restored),
            Frame::Run { program, child } => return self.run(thread, program, child),
            Frame::Interactive { unfinished, prompted } => {
                return self.interact(thread, unfinished, prompted);
            }
        }
        Flow::On
    }

    pub(super) fn complain(&mut self, thread: &Thread, message: &str) {
        let text = format!(
            "{}: {message}\n",
            if thread.state.name.is_empty() { "bash" } else { &thread.state.name }
        );
        self.shared.write(thread.fds.stderr, &text);
    }

    /// Undoes what a frame did for what ran above it.
    pub(super) fn leave(&mut self, thread: &mut Thread, frame: Frame) {
        match frame {
            Frame::Restore { fds, opened, variables } => {
                thread.fds = fds;
                for id in opened {
                    self.shared.close(self.host, id);
                }
                restore(thread, variables);
            }
            Frame::Call { parameters, locals, is_function } => {
                if is_function {
                    thread.state.calls = thread.state.calls.saturating_sub(1);
                    thread.state.parameters = parameters;
                }
                restore(thread, locals);
            }
            Frame::Lenient { was } => thread.state.exits_on_error = was,
            Frame::Run { mut program, child } => {
                self.end_child(child);
                let mut io = self.io(thread, None);
                program.interrupt(&mut io);
            }
            Frame::Expand { child, .. } => self.end_child(child),
            _ => {}
        }
    }

    /// Passes Ctrl-C on to the process that a program is attached to, where there is one.
    pub fn pass_interrupt(&mut self, thread: &mut Thread) -> bool {
        let Some(Frame::Run { mut program, child }) =
            thread.frames.pop_if(|frame| matches!(frame, Frame::Run { .. }))
        else {
            return false;
        };
        let mut io = self.io(thread, None);
        let passed = program.pass_interrupt(&mut io);
        thread.frames.push(Frame::Run { program, child });
        passed
    }

    /// Leaves frames until only so many are left.
    pub fn unwind(&mut self, thread: &mut Thread, kept: usize) {
        while thread.frames.len() > kept {
            if let Some(frame) = thread.frames.pop() {
                self.leave(thread, frame);
            }
        }
    }

    pub(super) fn io<'b>(&'b mut self, thread: &'b mut Thread, child: Option<ChildResult>) -> Io<'b> {
        Io {
            host: &mut *self.host,
            shared: &mut *self.shared,
            fds: thread.fds,
            state: &mut thread.state,
            child,
            is_broken: false,
        }
    }

    pub(super) fn list(&mut self, thread: &mut Thread, script: Rc<Script>, next: usize) {
        let ends = next > 0 && thread.state.status != 0 && thread.state.exits_on_error;
        if ends && ends_on_error(&script, next - 1) {
            self.unwind(thread, 0);
            return;
        }
        if next >= script.items.len() {
            return;
        }
        thread.frames.push(Frame::List { script: script.clone(), next: next + 1 });
        self.begin_item(thread, script, next);
    }

    pub(super) fn begin_item(&mut self, thread: &mut Thread, script: Rc<Script>, item: usize) {
        let Some(found) = script.items.get(item) else { return };
        if !found.background {
            thread.frames.push(Frame::Item { script, item, next: 0 });
            return;
        }
        let text = found.text.to_string();
        let fds = Fds { stdin: Input::Null, ..thread.fds };
        let child = Thread::new(thread.state.clone(), fds, NOBODY, Frame::Item { script, item, next: 0 });
        match self.shared.spawn(child) {
            Some(id) => {
                let is_at_prompt = self.is_at_prompt(thread);
                let job = self.shared.put_in_background(id, text, !is_at_prompt);
                thread.state.set("!", &job.pid().to_string());
                thread.state.status = 0;
                if is_at_prompt {
                    self.shared.write(thread.fds.stderr, &format!("[{}] {}\n", job.number, job.pid()));
                }
            }
            None => self.no_more_processes(thread),
        }
    }

    /// Returns whether a process is a shell at whose prompt a person sits.
    fn is_at_prompt(&self, thread: &Thread) -> bool {
        let is_prompt = |frame: &Frame| matches!(frame, Frame::Interactive { .. });
        self.id == ROOT && self.shared.is_interactive || thread.frames.iter().any(is_prompt)
    }

    pub(super) fn item(&mut self, thread: &mut Thread, script: Rc<Script>, item: usize, next: usize) {
        let Some((join, pipeline)) = script.items.get(item).and_then(|item| item.pipelines.get(next)) else {
            return;
        };
        let pipeline = pipeline.clone();
        let runs = match join {
            Join::First => true,
            Join::And => thread.state.status == 0,
            Join::Or => thread.state.status != 0,
        };
        thread.frames.push(Frame::Item { script, item, next: next + 1 });
        if runs {
            thread.frames.push(Frame::Start { pipeline });
        }
    }

    pub(super) fn pipeline(&mut self, thread: &mut Thread, pipeline: &Rc<Pipeline>) {
        if pipeline.negated {
            thread.frames.push(Frame::Negate);
        }
        if let [command] = pipeline.commands.as_slice() {
            return self.begin(thread, command.clone());
        }
        let (mut children, mut pipes, mut stdin) = (Vec::new(), Vec::new(), thread.fds.stdin);
        let mut reads = None;
        let last = pipeline.commands.len().saturating_sub(1);
        for (i, command) in pipeline.commands.iter().enumerate() {
            let mut fds = Fds { stdin, ..thread.fds };
            let mut writes = None;
            if i < last {
                let pipe = self.shared.pipe(Pipe::default());
                pipes.push(pipe);
                fds.stdout = Sink::Pipe(pipe);
                writes = Some(pipe);
                stdin = Input::Pipe(pipe);
            }
            let part = Pipeline { negated: false, commands: vec![command.clone()] };
            let frame = Frame::Start { pipeline: Rc::new(part) };
            let mut child = Thread::new(thread.state.clone(), fds, self.id, frame);
            (child.writes, child.reads) = (writes, reads);
            reads = writes;
            match self.shared.spawn(child) {
                Some(id) => children.push(id),
                None => {
                    self.no_more_processes(thread);
                    break;
                }
            }
        }
        thread.frames.push(Frame::Pipeline { children, pipes });
    }

    pub(super) fn wait_for_all(&mut self, thread: &mut Thread, children: Vec<u32>, pipes: Vec<u32>) -> Flow {
        if !children.iter().all(|child| self.shared.finished.contains_key(child)) {
            thread.frames.push(Frame::Pipeline { children, pipes });
            return Flow::Wait(Block::Inside);
        }
        for child in &children {
            if let Some(status) = self.shared.finished.remove(child) {
                thread.state.status = status;
            }
        }
        for pipe in pipes {
            self.shared.pipes.remove(&pipe);
        }
        Flow::On
    }
}

fn restore(thread: &mut Thread, variables: super::frame::Saved) {
    for (name, old) in variables.into_iter().rev() {
        match old {
            Some(old) => drop(thread.state.variables.insert(name, old)),
            None => drop(thread.state.variables.remove(&name)),
        }
    }
}

/// Returns whether a failure of this item ends a shell with `set -e`: that of the last pipeline of a
/// chain, unless it is negated.
fn ends_on_error(script: &Script, item: usize) -> bool {
    let Some(item) = script.items.get(item) else { return false };
    !item.background
        && match item.pipelines.as_slice() {
            [(_, only)] => !only.negated,
            _ => false,
        }
}
