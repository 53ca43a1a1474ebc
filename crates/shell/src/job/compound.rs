//! Conditions and loops.

use super::frame::Frame;
use super::machine::{Flow, Machine};
use super::thread::{Block, Thread};
use crate::syntax::{Command, CommandKind, Script};
use sim::MILLISECOND;
use std::collections::VecDeque;
use std::rc::Rc;

/// How often a loop goes round before it is charged virtual time.
const FREE_ROUNDS: u32 = 200;
/// The virtual time that it is charged then.
const ROUND_COST: sim::Nanos = 10 * MILLISECOND;

impl Machine<'_> {
    /// Runs commands whose failure is looked at and so doesn't end the shell.
    pub(super) fn lenient(&mut self, thread: &mut Thread, script: Rc<Script>) {
        thread.frames.push(Frame::Lenient { was: thread.state.exits_on_error });
        thread.state.exits_on_error = false;
        thread.frames.push(Frame::List { script, next: 0 });
    }

    pub(super) fn condition(&mut self, thread: &mut Thread, command: Rc<Command>, branch: usize) {
        let CommandKind::If { branches, otherwise } = &command.kind else { return };
        match (branches.get(branch), otherwise) {
            (Some((condition, _)), _) => {
                let condition = condition.clone();
                thread.frames.push(Frame::If { command, branch });
                self.lenient(thread, condition);
            }
            (None, Some(script)) => thread.frames.push(Frame::List { script: script.clone(), next: 0 }),
            (None, None) => thread.state.status = 0,
        }
    }

    pub(super) fn after_condition(&mut self, thread: &mut Thread, command: Rc<Command>, branch: usize) {
        let CommandKind::If { branches, .. } = &command.kind else { return };
        match branches.get(branch) {
            Some((_, body)) if thread.state.status == 0 => {
                thread.frames.push(Frame::List { script: body.clone(), next: 0 });
            }
            _ => self.condition(thread, command, branch + 1),
        }
    }

    pub(super) fn after_round(
        &mut self,
        thread: &mut Thread,
        command: Rc<Command>,
        in_body: bool,
        status: i32,
    ) -> Flow {
        let CommandKind::While { until, condition, body } = &command.kind else { return Flow::On };
        if !in_body {
            if (thread.state.status == 0) == *until {
                thread.state.status = status;
                return Flow::On;
            }
            let body = body.clone();
            thread.frames.push(Frame::While { command, in_body: true, status });
            thread.frames.push(Frame::List { script: body, next: 0 });
            return Flow::On;
        }
        // A loop that never waits would stop the clock: it is charged for going round.
        let now = self.host.now();
        let (rounds, since) = self.shared.rounds;
        if now > since {
            self.shared.rounds = (1, now);
        } else if rounds >= FREE_ROUNDS {
            thread.frames.push(Frame::While { command, in_body, status });
            return Flow::Wait(Block::Time(since + ROUND_COST));
        } else {
            self.shared.rounds = (rounds + 1, since);
        }
        let condition = condition.clone();
        let status = thread.state.status;
        thread.frames.push(Frame::While { command, in_body: false, status });
        self.lenient(thread, condition);
        Flow::On
    }

    pub(super) fn next_word(
        &mut self,
        thread: &mut Thread,
        command: Rc<Command>,
        mut words: VecDeque<String>,
    ) {
        let CommandKind::For { name, body, .. } = &command.kind else { return };
        let Some(word) = words.pop_front() else { return };
        thread.state.set(name, &word);
        let body = body.clone();
        thread.frames.push(Frame::For { command, words });
        thread.frames.push(Frame::List { script: body, next: 0 });
    }

    pub(super) fn leave_loops(&mut self, thread: &mut Thread, loops: u32, again: bool) {
        let mut left = loops.max(1);
        let floor =
            thread.frames.iter().rposition(|frame| matches!(frame, Frame::Call { is_function: true, .. }));
        let floor = floor.map_or(0, |at| at + 1);
        thread.state.status = 0;
        let is_loop = |frame: &Frame| matches!(frame, Frame::While { .. } | Frame::For { .. });
        while let Some(at) = thread.frames.iter().rposition(is_loop).filter(|at| *at >= floor) {
            left -= 1;
            if left == 0 && again {
                return self.unwind(thread, at + 1);
            }
            self.unwind(thread, at);
            if left == 0 {
                return;
            }
        }
    }
}
