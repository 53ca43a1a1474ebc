use super::frame::{Child, Frame};
use super::pipe::{Pipe, Read};
use super::shared::{Fds, Input, Shared, Sink};
use super::thread::{Block, Thread};
use crate::builtin::{self, Came};
use crate::expand::{Expander, Results, substitutions};
use crate::files::absolute;
use crate::host::Host;
use crate::place::Place;
use crate::program::{ChildResult, Io, Program, Progress, Spawn};
use crate::syntax::{Command, CommandKind, Join, Pipeline, RedirectKind, Script, SyntaxError};
use sim::MILLISECOND;
use std::collections::VecDeque;
use std::rc::Rc;

/// How often a loop goes round before it is charged virtual time.
const FREE_ROUNDS: u32 = 200;
/// The virtual time that it is charged then.
const ROUND_COST: sim::Nanos = 10 * MILLISECOND;
/// How deep functions may call each other.
const MAX_CALLS: u32 = 100;
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

    fn complain(&mut self, thread: &Thread, message: &str) {
        let text = format!(
            "{}: {message}\n",
            if thread.state.name.is_empty() { "bash" } else { &thread.state.name }
        );
        self.shared.write(thread.fds.stderr, &text);
    }

    /// Undoes what a frame did for what ran above it.
    fn leave(&mut self, thread: &mut Thread, frame: Frame) {
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

    fn end_child(&mut self, child: Option<Child>) {
        if let Some(pipe) = child.and_then(|child| child.captured) {
            self.shared.pipes.remove(&pipe);
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

    fn io<'b>(&'b mut self, thread: &'b mut Thread, child: Option<ChildResult>) -> Io<'b> {
        Io {
            host: &mut *self.host,
            shared: &mut *self.shared,
            fds: thread.fds,
            state: &mut thread.state,
            child,
            is_broken: false,
        }
    }

    fn list(&mut self, thread: &mut Thread, script: Rc<Script>, next: usize) {
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

    fn begin_item(&mut self, thread: &mut Thread, script: Rc<Script>, item: usize) {
        let Some(found) = script.items.get(item) else { return };
        if !found.background {
            thread.frames.push(Frame::Item { script, item, next: 0 });
            return;
        }
        let text = found.text.to_string();
        let fds = Fds { stdin: Input::Null, ..thread.fds };
        let child = Thread::new(thread.state.clone(), fds, 0, Frame::Item { script, item, next: 0 });
        match self.shared.spawn(child) {
            Some(id) => {
                self.shared.background.push((id, text));
                let number = self.shared.background.len();
                thread.state.set("!", &id.to_string());
                thread.state.status = 0;
                self.shared.write(thread.fds.stderr, &format!("[{number}] {id}\n"));
            }
            None => self.no_more_processes(thread),
        }
    }

    fn no_more_processes(&mut self, thread: &mut Thread) {
        self.complain(thread, "fork: retry: Resource temporarily unavailable");
        thread.state.status = 254;
    }

    fn item(&mut self, thread: &mut Thread, script: Rc<Script>, item: usize, next: usize) {
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

    fn pipeline(&mut self, thread: &mut Thread, pipeline: &Rc<Pipeline>) {
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

    fn wait_for_all(&mut self, thread: &mut Thread, children: Vec<u32>, pipes: Vec<u32>) -> Flow {
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

    /// Begins a command: its command substitutions first.
    fn begin(&mut self, thread: &mut Thread, command: Rc<Command>) {
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

    fn expand(
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

    /// Begins a process that the present one waits for.
    fn spawn(&mut self, thread: &mut Thread, spawn: Spawn) -> Option<Child> {
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
    fn ended(&mut self, child: Child) -> Option<ChildResult> {
        let status = self.shared.finished.remove(&child.thread)?;
        let mut pipe = child.captured.and_then(|pipe| self.shared.pipes.remove(&pipe)).unwrap_or_default();
        pipe.ended = true;
        let output = match pipe.all() {
            Read::Text(output) => output,
            _ => String::new(),
        };
        Some(ChildResult { status, output })
    }

    /// Runs a command once its substitutions have run.
    fn perform(&mut self, thread: &mut Thread, command: &Rc<Command>, results: &Results) {
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
    fn fail(&mut self, thread: &mut Thread, message: &str) {
        self.complain(thread, message);
        thread.state.status = 1;
        let interactive = thread.frames.iter().rposition(|frame| matches!(frame, Frame::Interactive { .. }));
        self.unwind(thread, interactive.map_or(0, |at| at + 1));
    }

    fn redirect(&mut self, thread: &mut Thread, command: &Rc<Command>, results: &Results) -> bool {
        let before = thread.fds;
        let mut opened = Vec::new();
        let mut failed = None;
        for redirect in &command.redirects {
            let target =
                Expander { host: &mut *self.host, state: &mut thread.state, results }.text(&redirect.target);
            let target = match target {
                Ok(target) => target,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            if let Err(error) = self.redirect_one(thread, redirect.fd, redirect.kind, &target, &mut opened) {
                failed = Some(error);
                break;
            }
        }
        if let Some(error) = failed {
            self.complain(thread, &error);
            thread.fds = before;
            for id in opened {
                self.shared.close(self.host, id);
            }
            thread.state.status = 1;
            return false;
        }
        thread.frames.push(Frame::Restore { fds: before, opened, variables: Vec::new() });
        true
    }

    fn redirect_one(
        &mut self,
        thread: &mut Thread,
        fd: u32,
        kind: RedirectKind,
        target: &str,
        opened: &mut Vec<u32>,
    ) -> Result<(), String> {
        let path = absolute(&thread.state.cwd, target);
        let place = thread.state.place.clone();
        match kind {
            RedirectKind::Here => {
                let pipe = self.shared.pipe(Pipe::of(target));
                opened.push(pipe);
                thread.fds.stdin = Input::Pipe(pipe);
            }
            RedirectKind::Read if matches!(target, "/dev/null") => thread.fds.stdin = Input::Null,
            RedirectKind::Read if matches!(target, "/dev/stdin" | "/dev/tty") => {}
            RedirectKind::Read => {
                let text =
                    self.host.read_file(&place, &path).map_err(|e| format!("{target}: {}", e.words()))?;
                let pipe = self.shared.pipe(Pipe::of(&text));
                opened.push(pipe);
                thread.fds.stdin = Input::Pipe(pipe);
            }
            RedirectKind::Duplicate => {
                let sink = match target {
                    "1" => thread.fds.stdout,
                    "2" => thread.fds.stderr,
                    "-" => Sink::Null,
                    "0" if fd == 0 => return Ok(()),
                    _ if !target.chars().all(|digit| digit.is_ascii_digit()) && fd == 1 => {
                        return self.redirect_one(thread, 1, RedirectKind::Both, target, opened);
                    }
                    _ => return Err(format!("{target}: Bad file descriptor")),
                };
                set_sink(&mut thread.fds, fd, sink);
            }
            RedirectKind::Write | RedirectKind::Append | RedirectKind::Both => {
                let sink = match target {
                    "/dev/null" => Sink::Null,
                    "/dev/stdout" => thread.fds.stdout,
                    "/dev/stderr" => thread.fds.stderr,
                    "/dev/tty" => Sink::Out,
                    "" => return Err(": No such file or directory".to_string()),
                    _ => {
                        let append = kind == RedirectKind::Append;
                        let open = self.shared.open(self.host, &place, &path, append);
                        open.map_err(|error| format!("{target}: {}", error.words()))?
                    }
                };
                if let Sink::File(id) = sink {
                    opened.push(id);
                }
                set_sink(&mut thread.fds, fd, sink);
                if kind == RedirectKind::Both {
                    thread.fds.stderr = sink;
                }
            }
        }
        Ok(())
    }

    /// Runs a simple command: a function, a builtin or a program.
    fn simple(
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

    fn call(&mut self, thread: &mut Thread, body: Rc<Command>, argv: &[String]) {
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

    fn after_builtin(&mut self, thread: &mut Thread, came: Came) {
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
                if nested.is_some()
                    && thread.state.name == "bash"
                    && !matches!(thread.state.place, Place::Node(_))
                {
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

    fn leave_loops(&mut self, thread: &mut Thread, loops: u32, again: bool) {
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

    /// Runs commands whose failure is looked at and so doesn't end the shell.
    fn lenient(&mut self, thread: &mut Thread, script: Rc<Script>) {
        thread.frames.push(Frame::Lenient { was: thread.state.exits_on_error });
        thread.state.exits_on_error = false;
        thread.frames.push(Frame::List { script, next: 0 });
    }

    fn condition(&mut self, thread: &mut Thread, command: Rc<Command>, branch: usize) {
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

    fn after_condition(&mut self, thread: &mut Thread, command: Rc<Command>, branch: usize) {
        let CommandKind::If { branches, .. } = &command.kind else { return };
        match branches.get(branch) {
            Some((_, body)) if thread.state.status == 0 => {
                thread.frames.push(Frame::List { script: body.clone(), next: 0 });
            }
            _ => self.condition(thread, command, branch + 1),
        }
    }

    fn after_round(&mut self, thread: &mut Thread, command: Rc<Command>, in_body: bool, status: i32) -> Flow {
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

    fn next_word(&mut self, thread: &mut Thread, command: Rc<Command>, mut words: VecDeque<String>) {
        let CommandKind::For { name, body, .. } = &command.kind else { return };
        let Some(word) = words.pop_front() else { return };
        thread.state.set(name, &word);
        let body = body.clone();
        thread.frames.push(Frame::For { command, words });
        thread.frames.push(Frame::List { script: body, next: 0 });
    }

    fn run(&mut self, thread: &mut Thread, mut program: Box<Program>, child: Option<Child>) -> Flow {
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

    fn wait_for_child(&mut self, thread: &mut Thread, program: Box<Program>, mut child: Child) -> Flow {
        let mut block = child.until.map_or(Block::Inside, Block::Time);
        if child.until.is_some_and(|until| self.host.now() >= until) {
            self.shared.to_kill.push((child.thread, 124));
            child.until = None;
            block = Block::Inside;
        }
        thread.frames.push(Frame::Run { program, child: Some(child) });
        Flow::Wait(block)
    }

    fn interact(&mut self, thread: &mut Thread, mut unfinished: String, prompted: bool) -> Flow {
        if !prompted {
            let prompt = if unfinished.is_empty() { thread.state.prompt() } else { "> ".to_string() };
            if thread.fds.stdin == Input::Terminal {
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
                if thread.fds.stdin == Input::Terminal {
                    self.shared.write(Sink::Out, "exit\n");
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
}

fn restore(thread: &mut Thread, variables: super::frame::Saved) {
    for (name, old) in variables.into_iter().rev() {
        match old {
            Some(old) => drop(thread.state.variables.insert(name, old)),
            None => drop(thread.state.variables.remove(&name)),
        }
    }
}

fn set_sink(fds: &mut Fds, fd: u32, sink: Sink) {
    match fd {
        1 => fds.stdout = sink,
        2 => fds.stderr = sink,
        _ => {}
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
