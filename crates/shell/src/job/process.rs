//! Programs, their processes, and interactive shells.

use super::frame::{Child, Frame};
use super::machine::{Flow, Machine};
use super::pipe::{Pipe, Read};
use super::shared::{Input, Sink};
use super::thread::{Block, Thread};
use crate::place::Place;
use crate::program::{ChildResult, Program, Progress, Spawn};
use crate::syntax::SyntaxError;
use std::rc::Rc;

impl Machine<'_> {
    /// Begins a process that the present one waits for.
    pub(super) fn spawn(&mut self, thread: &mut Thread, spawn: Spawn) -> Option<Child> {
        let mut fds = thread.fds;
        let mut captured = None;
        if spawn.captures {
            let pipe = self.shared.pipe(Pipe::default());
            fds.stdout = Sink::Pipe(pipe);
            captured = Some(pipe);
            if spawn.captures_errors {
                fds.stderr = Sink::Pipe(pipe);
            }
        }
        if let Some(text) = spawn.stdin {
            fds.stdin = Input::Pipe(self.shared.pipe(Pipe::of(&text)));
        }
        let state = spawn.state.map_or_else(|| thread.state.clone(), |state| *state);
        let frame = Frame::List { script: spawn.script, next: 0 };
        let mut child = Thread::new(state, fds, self.id, frame);
        if let (Input::Pipe(pipe), true) = (fds.stdin, fds.stdin != thread.fds.stdin) {
            child.reads = Some(pipe);
        }
        child.state.status = 0;
        match self.shared.spawn(child) {
            Some(thread) => Some(Child { thread, captured, until: spawn.until }),
            None => {
                self.no_more_processes(thread);
                None
            }
        }
    }

    /// Returns how a child ended, once it has.
    pub(super) fn ended(&mut self, child: Child) -> Option<ChildResult> {
        let status = self.shared.finished.remove(&child.thread)?;
        let mut pipe = child.captured.and_then(|pipe| self.shared.pipes.remove(&pipe)).unwrap_or_default();
        pipe.ended = true;
        let output = match pipe.all() {
            Read::Text(output) => output,
            _ => String::new(),
        };
        Some(ChildResult { status, output })
    }

    pub(super) fn end_child(&mut self, child: Option<Child>) {
        if let Some(pipe) = child.and_then(|child| child.captured) {
            self.shared.pipes.remove(&pipe);
        }
    }

    pub(super) fn run(
        &mut self,
        thread: &mut Thread,
        mut program: Box<Program>,
        child: Option<Child>,
    ) -> Flow {
        let mut result = None;
        if let Some(child) = child {
            result = self.ended(child);
            if result.is_none() {
                return self.wait_for_child(thread, program, child);
            }
        }
        let mut io = self.io(thread, result);
        let progress = program.step(&mut io);
        if io.is_broken {
            program.interrupt(&mut io);
            self.unwind(thread, 0);
            thread.state.status = 141;
            return Flow::Done;
        }
        match progress {
            Progress::Done(status) => thread.state.status = status,
            Progress::More => thread.frames.push(Frame::Run { program, child: None }),
            Progress::Wait(block) => {
                thread.frames.push(Frame::Run { program, child: None });
                return Flow::Wait(block);
            }
            Progress::Spawn(spawn) => match self.spawn(thread, spawn) {
                Some(child) => thread.frames.push(Frame::Run { program, child: Some(child) }),
                None => thread.state.status = 254,
            },
            Progress::Shell(state) => {
                let child = Thread::new(
                    *state,
                    thread.fds,
                    self.id,
                    Frame::Interactive { unfinished: String::new(), prompted: false },
                );
                match self.shared.spawn(child) {
                    Some(id) => {
                        thread.frames.push(Frame::Run {
                            program,
                            child: Some(Child { thread: id, captured: None, until: None }),
                        });
                    }
                    None => self.no_more_processes(thread),
                }
            }
        }
        Flow::On
    }

    pub(super) fn wait_for_child(
        &mut self,
        thread: &mut Thread,
        program: Box<Program>,
        mut child: Child,
    ) -> Flow {
        let mut block = child.until.map_or(Block::Inside, Block::Time);
        if child.until.is_some_and(|until| self.host.now() >= until) {
            self.shared.to_kill.push((child.thread, 124));
            child.until = None;
            block = Block::Inside;
        }
        thread.frames.push(Frame::Run { program, child: Some(child) });
        Flow::Wait(block)
    }

    pub(super) fn interact(&mut self, thread: &mut Thread, mut unfinished: String, prompted: bool) -> Flow {
        if matches!(thread.state.place, Place::Node(_)) && !self.host.is_up(&thread.state.place) {
            return Flow::On;
        }
        if !prompted {
            if unfinished.is_empty() {
                let ended = self.shared.report_ended();
                self.shared.write(thread.fds.stderr, &ended);
            }
            let prompt = if unfinished.is_empty() { thread.state.prompt() } else { "> ".to_string() };
            if thread.fds.stdin == Input::Terminal && !self.shared.lacks_terminal {
                self.shared.write(Sink::Out, &prompt);
            }
        }
        match self.shared.line(thread.fds.stdin) {
            Read::Wait => {
                thread.frames.push(Frame::Interactive { unfinished, prompted: true });
                let block = if thread.fds.stdin == Input::Terminal { Block::Typed } else { Block::Inside };
                Flow::Wait(block)
            }
            Read::End => {
                if thread.fds.stdin == Input::Terminal && !self.shared.lacks_terminal {
                    // A login shell's end is told by ssh.
                    let words = if thread.state.name == "bash" { "exit\n" } else { "\n" };
                    self.shared.write(Sink::Out, words);
                }
                Flow::On
            }
            Read::Text(line) => {
                unfinished.push_str(&line);
                let parsed = crate::syntax::parse(&unfinished);
                if matches!(parsed, Err(SyntaxError::Incomplete(_))) {
                    thread.frames.push(Frame::Interactive { unfinished, prompted: false });
                    return Flow::On;
                }
                thread.frames.push(Frame::Interactive { unfinished: String::new(), prompted: false });
                match parsed {
                    Ok(script) => thread.frames.push(Frame::List { script: Rc::new(script), next: 0 }),
                    Err(error) => {
                        self.complain(thread, error.message());
                        thread.state.status = 2;
                    }
                }
                Flow::On
            }
        }
    }

    pub(super) fn no_more_processes(&mut self, thread: &mut Thread) {
        self.complain(thread, "fork: retry: Resource temporarily unavailable");
        thread.state.status = 254;
    }
}
