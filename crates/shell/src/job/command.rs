//! Simple commands, and what runs before a command does.

use super::frame::{Child, Frame};
use super::machine::{Flow, Machine};
use super::shared::Sink;
use super::thread::{Block, Thread};
use crate::builtin::{self, Came};
use crate::expand::{Expander, Results, substitutions};
use crate::program::{Program, Spawn};
use crate::syntax::{Command, CommandKind, Script};
use std::collections::VecDeque;
use std::rc::Rc;

/// How deep functions may call each other.
const MAX_CALLS: u32 = 100;

impl Machine<'_> {
    /// Begins a command: its command substitutions first.
    pub(super) fn begin(&mut self, thread: &mut Thread, command: Rc<Command>) {
        let mut pending = Vec::new();
        match &command.kind {
            CommandKind::Simple { assignments, words } => {
                words.iter().for_each(|word| substitutions(word, &mut pending));
                assignments.iter().for_each(|(_, word)| substitutions(word, &mut pending));
            }
            CommandKind::For { words, .. } => {
                words.iter().flatten().for_each(|word| substitutions(word, &mut pending));
            }
            CommandKind::Case { word, arms } => {
                substitutions(word, &mut pending);
                arms.iter()
                    .flat_map(|(patterns, _)| patterns)
                    .for_each(|word| substitutions(word, &mut pending));
            }
            _ => {}
        }
        command.redirects.iter().for_each(|redirect| substitutions(&redirect.target, &mut pending));
        if pending.is_empty() {
            return self.perform(thread, &command, &Vec::new());
        }
        let pending = pending.into();
        thread.frames.push(Frame::Expand { command, pending, results: Vec::new(), child: None });
    }

    pub(super) fn expand(
        &mut self,
        thread: &mut Thread,
        command: Rc<Command>,
        mut pending: VecDeque<Rc<Script>>,
        mut results: Results,
        child: Option<Child>,
    ) -> Flow {
        if let Some(child) = child {
            let Some(ended) = self.ended(child) else {
                thread.frames.push(Frame::Expand { command, pending, results, child: Some(child) });
                return Flow::Wait(Block::Inside);
            };
            thread.state.status = ended.status;
            if let Some(script) = pending.pop_front() {
                results.push((script, ended.output));
            }
        }
        let Some(script) = pending.front().cloned() else {
            self.perform(thread, &command, &results);
            return Flow::On;
        };
        let spawn =
            Spawn { script, state: None, captures: true, captures_errors: false, stdin: None, until: None };
        let child = self.spawn(thread, spawn);
        if child.is_some() {
            thread.frames.push(Frame::Expand { command, pending, results, child });
        }
        Flow::On
    }

    /// Runs a command once its substitutions have run.
    pub(super) fn perform(&mut self, thread: &mut Thread, command: &Rc<Command>, results: &Results) {
        if !command.redirects.is_empty() && !self.redirect(thread, command, results) {
            return;
        }
        match &command.kind {
            CommandKind::Simple { assignments, words } => {
                let mut expander = Expander { host: &mut *self.host, state: &mut thread.state, results };
                let argv = expander.words(words);
                let mut values = Vec::new();
                for (name, word) in assignments {
                    let value = argv.is_ok().then(|| expander.text(word));
                    values.push((name.clone(), value));
                }
                let argv = match argv {
                    Ok(argv) => argv,
                    Err(error) => return self.fail(thread, &error),
                };
                let mut pairs = Vec::new();
                for (name, value) in values {
                    match value {
                        Some(Ok(value)) => pairs.push((name, value)),
                        Some(Err(error)) => return self.fail(thread, &error),
                        None => {}
                    }
                }
                self.simple(thread, argv, pairs, !results.is_empty());
            }
            CommandKind::Group(script) => thread.frames.push(Frame::List { script: script.clone(), next: 0 }),
            CommandKind::Subshell(script) => {
                let frame = Frame::List { script: script.clone(), next: 0 };
                let child = Thread::new(thread.state.clone(), thread.fds, self.id, frame);
                match self.shared.spawn(child) {
                    Some(id) => thread.frames.push(Frame::Pipeline { children: vec![id], pipes: Vec::new() }),
                    None => self.no_more_processes(thread),
                }
            }
            CommandKind::If { .. } => {
                thread.state.status = 0;
                self.condition(thread, command.clone(), 0);
            }
            CommandKind::While { condition, .. } => {
                thread.frames.push(Frame::While { command: command.clone(), in_body: false, status: 0 });
                self.lenient(thread, condition.clone());
            }
            CommandKind::For { words, .. } => {
                let words = match words {
                    None => Ok(thread.state.parameters.clone()),
                    Some(words) => {
                        Expander { host: &mut *self.host, state: &mut thread.state, results }.words(words)
                    }
                };
                match words {
                    Ok(words) => {
                        thread.state.status = 0;
                        thread.frames.push(Frame::For { command: command.clone(), words: words.into() });
                    }
                    Err(error) => self.fail(thread, &error),
                }
            }
            CommandKind::Case { word, arms } => {
                let mut expander = Expander { host: &mut *self.host, state: &mut thread.state, results };
                let text: Vec<char> = match expander.text(word) {
                    Ok(text) => text.chars().collect(),
                    Err(error) => return self.fail(thread, &error),
                };
                let mut fits = |word| expander.pattern(word).is_ok_and(|pattern| pattern.fits(&text));
                let arm = arms.iter().find(|(patterns, _)| patterns.iter().any(&mut fits));
                thread.state.status = 0;
                if let Some((_, script)) = arm {
                    thread.frames.push(Frame::List { script: script.clone(), next: 0 });
                }
            }
            CommandKind::Function { name, body } => {
                let functions = Rc::make_mut(&mut thread.state.functions);
                if functions.len() < 1_000 {
                    functions.insert(name.clone(), body.clone());
                }
                thread.state.status = 0;
            }
        }
    }

    /// Ends the present line for an error in an expansion.
    pub(super) fn fail(&mut self, thread: &mut Thread, message: &str) {
        self.complain(thread, message);
        thread.state.status = 1;
        let interactive = thread.frames.iter().rposition(|frame| matches!(frame, Frame::Interactive { .. }));
        self.unwind(thread, interactive.map_or(0, |at| at + 1));
    }

    /// Runs a simple command: a function, a builtin or a program.
    pub(super) fn simple(
        &mut self,
        thread: &mut Thread,
        argv: Vec<String>,
        pairs: Vec<(String, String)>,
        substituted: bool,
    ) {
        let Some(name) = argv.first() else {
            for (name, value) in pairs {
                thread.state.set(&name, &value);
            }
            if !substituted {
                thread.state.status = 0;
            }
            return;
        };
        if thread.state.shows_commands {
            let line = format!("+ {}\n", argv.join(" "));
            self.shared.write(thread.fds.stderr, &line);
        }
        if !pairs.is_empty() {
            let mut variables = Vec::new();
            for (name, value) in pairs {
                variables.push((name.clone(), thread.state.variables.get(&name).cloned()));
                thread.state.export(&name, &value);
            }
            thread.frames.push(Frame::Restore { fds: thread.fds, opened: Vec::new(), variables });
        }
        if let Some(text) = self.alias(thread, &argv) {
            match crate::syntax::parse(&text) {
                Ok(script) => {
                    thread.state.calls += 1;
                    thread.frames.push(Frame::Call {
                        parameters: thread.state.parameters.clone(),
                        locals: Vec::new(),
                        is_function: true,
                    });
                    thread.frames.push(Frame::List { script: Rc::new(script), next: 0 });
                }
                Err(error) => self.fail(thread, error.message()),
            }
            return;
        }
        if let Some(body) = thread.state.functions.get(name).cloned() {
            return self.call(thread, body, &argv);
        }
        let mut io = self.io(thread, None);
        let came = builtin::run(&argv, &mut io);
        if io.is_broken {
            self.unwind(thread, 0);
            thread.state.status = 141;
            return;
        }
        match came {
            Some(came) => self.after_builtin(thread, came),
            None => {
                let mut io = self.io(thread, None);
                let program = Box::new(Program::new(argv, &mut io));
                thread.frames.push(Frame::Run { program, child: None });
            }
        }
    }

    /// Returns what an alias makes of a command; `None` where there is no alias, or it is its own.
    fn alias(&mut self, thread: &Thread, argv: &[String]) -> Option<String> {
        let (name, args) = argv.split_first()?;
        let text = thread.state.aliases.get(name)?;
        if thread.state.calls >= MAX_CALLS {
            return None;
        }
        // An alias that names itself means the command of that name.
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        let text = if first == name { format!("command {first} {rest}") } else { text.clone() };
        let quoted = args.iter().map(|word| format!(" '{}'", word.replace('\'', "'\\''")));
        Some(text + &quoted.collect::<String>())
    }

    pub(super) fn call(&mut self, thread: &mut Thread, body: Rc<Command>, argv: &[String]) {
        if thread.state.calls >= MAX_CALLS {
            let name = argv.first().map_or("", String::as_str);
            let message = format!("{name}: maximum function nesting level exceeded ({MAX_CALLS})");
            return self.fail(thread, &message);
        }
        thread.state.calls += 1;
        let own = argv.get(1..).unwrap_or_default().to_vec();
        let parameters = std::mem::replace(&mut thread.state.parameters, own);
        thread.frames.push(Frame::Call { parameters, locals: Vec::new(), is_function: true });
        self.begin(thread, body);
    }

    pub(super) fn after_builtin(&mut self, thread: &mut Thread, came: Came) {
        match came {
            Came::Status(status) => thread.state.status = status,
            Came::KeepFiles => {
                thread.state.status = 0;
                if matches!(thread.frames.last(), Some(Frame::Restore { .. })) {
                    thread.frames.pop();
                }
            }
            Came::Program(program) => thread.frames.push(Frame::Run { program, child: None }),
            Came::Exit(status) => {
                thread.state.status = status;
                let nested =
                    thread.frames.iter().rposition(|frame| matches!(frame, Frame::Interactive { .. }));
                // A login shell, as ssh's, says `logout` instead.
                if nested.is_some() && !self.shared.lacks_terminal && thread.state.name == "bash" {
                    self.shared.write(Sink::Out, "exit\n");
                }
                self.unwind(thread, nested.unwrap_or(0));
            }
            Came::Return(status) => {
                thread.state.status = status;
                let call = thread.frames.iter().rposition(|frame| matches!(frame, Frame::Call { .. }));
                match call {
                    Some(call) => self.unwind(thread, call),
                    None => {
                        self.complain(thread, "return: can only `return' from a function or sourced script")
                    }
                }
            }
            Came::Leave { loops, again } => self.leave_loops(thread, loops, again),
            Came::Local(name, value) => {
                let old = thread.state.variables.get(&name).cloned();
                let call = thread.frames.iter_mut().rev().find_map(|frame| match frame {
                    Frame::Call { locals, is_function: true, .. } => Some(locals),
                    _ => None,
                });
                match call {
                    Some(locals) => {
                        locals.push((name.clone(), old));
                        thread.state.set(&name, &value);
                        thread.state.status = 0;
                    }
                    None => {
                        self.complain(thread, "local: can only be used in a function");
                        thread.state.status = 1;
                    }
                }
            }
            Came::Script { text, is_source } => match crate::syntax::parse(&text) {
                Ok(script) => {
                    if is_source {
                        thread.frames.push(Frame::Call {
                            parameters: Vec::new(),
                            locals: Vec::new(),
                            is_function: false,
                        });
                    }
                    thread.state.status = 0;
                    thread.frames.push(Frame::List { script: Rc::new(script), next: 0 });
                }
                Err(error) => {
                    self.complain(thread, error.message());
                    thread.state.status = 2;
                }
            },
        }
    }
}
