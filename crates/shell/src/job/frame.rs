use super::shared::Fds;
use crate::expand::Results;
use crate::program::Program;
use crate::state::Variable;
use crate::syntax::{Command, Pipeline, Script};
use sim::Time;
use std::collections::VecDeque;
use std::rc::Rc;

/// A process that another one waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child {
    pub thread: u32,
    /// The pipe with its output, where that is wanted.
    pub captured: Option<u32>,
    /// When it is ended.
    pub until: Option<Time>,
}

/// Variables with what they held before.
pub(crate) type Saved = Vec<(String, Option<Variable>)>;

/// One thing that a process is doing.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// Commands one after the other.
    List { script: Rc<Script>, next: usize },
    /// Pipelines joined by `&&` and `||`.
    Item { script: Rc<Script>, item: usize, next: usize },
    /// The processes of a pipeline are waited for.
    Pipeline { children: Vec<u32>, pipes: Vec<u32> },
    /// The status is turned round.
    Negate,
    /// Command substitutions run before the command does.
    Expand { command: Rc<Command>, pending: VecDeque<Rc<Script>>, results: Results, child: Option<Child> },
    /// `if`: the condition of a branch has run.
    If { command: Rc<Command>, branch: usize },
    /// `while` and `until`.
    While { command: Rc<Command>, in_body: bool, status: i32 },
    /// `for`: the words that are left.
    For { command: Rc<Command>, words: VecDeque<String> },
    /// Files and variables go back to what they were.
    Restore { fds: Fds, opened: Vec<u32>, variables: Saved },
    /// A function, or a script that is read in: `return` ends it.
    Call { parameters: Vec<String>, locals: Saved, is_function: bool },
    /// A program runs.
    Run { program: Box<Program>, child: Option<Child> },
    /// An interactive shell: lines are read and run.
    Interactive { unfinished: String, prompted: bool },
    /// What `&&`, `||`, `!` and conditions look at doesn't end a shell with `set -e`.
    Lenient { was: bool },
    /// A pipeline that is about to begin.
    Start { pipeline: Rc<Pipeline> },
}
