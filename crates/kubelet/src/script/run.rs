use super::code::{Code, Op, Redirect, Simple};
use super::connect::Connection;
use super::tail::Follow;
use super::words::Scope;
use super::{parse, tools};
use crate::cri::{AppCx, Came, Effect, Image, clean_path};
use sim::{MILLISECOND, Nanos, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many instructions a script takes at one moment before it lets others work.
const BUDGET: u32 = 400;
/// After how long it goes on then.
const BREATH: Nanos = 50 * MILLISECOND;
/// How many strands run beside one another.
const STRANDS: usize = 16;
/// How much output is kept for a pipe or a variable, in bytes.
pub(super) const KEPT: usize = 64 * 1024;

/// What a strand waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Blocked {
    No,
    Until(Time),
    ForEver,
    Burning,
    Others,
    Call(Connection),
    Follow(Follow),
}

/// What runs one after another within a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Strand {
    id: u64,
    at: u32,
    pub(super) status: i64,
    blocked: Blocked,
    loops: Vec<std::collections::VecDeque<String>>,
    pub(super) kept: Vec<String>,
    pub(super) input: Option<String>,
    pub(super) redirects: Vec<Vec<Redirect>>,
    /// The redirections of the command that waits.
    pub(super) own: Vec<Redirect>,
    done: bool,
}

impl Strand {
    fn new(id: u64, at: u32) -> Strand {
        Strand {
            id,
            at,
            status: 0,
            blocked: Blocked::No,
            loops: Vec::new(),
            kept: Vec::new(),
            input: None,
            redirects: Vec::new(),
            own: Vec::new(),
            done: false,
        }
    }
}

/// What a command did.
pub(crate) enum Outcome {
    /// It ended with this code.
    Done(i64),
    /// It ends with 0 at that moment.
    Sleep(Time),
    /// It waits until it is told to stop.
    ForEver,
    /// It works until it is told to stop.
    Burning,
    /// It waits for what runs beside.
    Others,
    /// It ends the script.
    Exit(i64),
    /// It asks the network.
    Connect(Connection),
    /// It waits for what is written to files.
    Follow(Follow),
    /// It becomes the image's own program.
    Become(Vec<Rc<str>>),
}

/// Where a script writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sink {
    Log,
    Text(String),
}

/// A script that runs in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    code: Rc<Code>,
    pub(super) image: Rc<Image>,
    pub(super) variables: BTreeMap<Rc<str>, Rc<str>>,
    pub(super) slots: Vec<Rc<str>>,
    pub(crate) directory: Rc<str>,
    pub(super) strands: Vec<Strand>,
    next_id: u64,
    next_tag: u64,
    pub(super) traps: BTreeMap<Rc<str>, Rc<str>>,
    pub(super) partial: String,
    pub(super) sink: Sink,
    started: bool,
    wakes: Time,
    busy: bool,
    problem: Option<String>,
}

impl Script {
    /// Returns whether this is a command that it can run.
    pub fn knows(name: &str) -> bool {
        matches!(name, "sh" | "bash" | "ash" | "dash") || tools::knows(name)
    }

    /// Makes the script of a command.
    pub fn from_argv(argv: &[Rc<str>], image: &Rc<Image>) -> Script {
        let first = argv.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
        let option = argv.get(1).map_or("", |word| &**word);
        let is_shell = matches!(first, "sh" | "bash" | "ash" | "dash");
        let (text, problem) = if is_shell && option.starts_with('-') && option.contains('c') {
            (argv.get(2).map_or_else(String::new, |text| text.to_string()), None)
        } else if is_shell && argv.len() > 1 {
            (format!(". {}", quote(option)), None)
        } else if is_shell {
            (String::new(), None)
        } else {
            (argv.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "), None)
        };
        let (code, problem) = match parse::compile(&text) {
            Ok(code) => (code, problem),
            Err(why) => (Code { ops: vec![Op::End], slots: 0 }, Some(format!("{first}: {why}"))),
        };
        Script {
            slots: vec!["".into(); usize::try_from(code.slots).unwrap_or(0)],
            code: Rc::new(code),
            image: image.clone(),
            variables: BTreeMap::new(),
            directory: if image.workdir.is_empty() { "/".into() } else { image.workdir.as_str().into() },
            strands: vec![Strand::new(0, 0)],
            next_id: 1,
            next_tag: 1,
            traps: BTreeMap::new(),
            partial: String::new(),
            sink: Sink::Log,
            started: false,
            wakes: Time(0),
            busy: false,
            problem,
        }
    }

    /// Keeps the output instead of writing it to the log.
    pub fn capturing(mut self) -> Script {
        self.sink = Sink::Text(String::new());
        self
    }

    /// Begins in a directory.
    pub fn in_directory(mut self, directory: &str) -> Script {
        if !directory.is_empty() {
            self.directory = directory.into();
        }
        self
    }

    /// Returns the output that was kept.
    pub fn output(&self) -> &str {
        match &self.sink {
            Sink::Text(text) => text,
            Sink::Log => "",
        }
    }

    /// Returns when it goes on.
    pub fn next_at(&self) -> Time {
        self.wakes
    }

    /// Returns whether it never rests: a loop without a pause, or a program that only burns time.
    pub fn is_busy(&self) -> bool {
        self.busy || self.strands.iter().any(|strand| strand.blocked == Blocked::Burning)
    }

    /// Goes on.
    pub fn step(&mut self, cx: &mut AppCx) -> Vec<Effect> {
        if !self.started {
            self.started = true;
            self.variables.extend(cx.env.iter().cloned());
            if let Some(problem) = self.problem.take() {
                self.write(cx, &format!("{problem}\n"), true);
                return vec![Effect::Exit(2)];
            }
        }
        let mut effects = Vec::new();
        let mut budget = BUDGET;
        let mut i = 0;
        while i < self.strands.len() {
            while budget > 0 && self.strands.get(i).is_some_and(|strand| !strand.done) {
                self.look(cx, i);
                if !self.is_free(cx.now, i) {
                    break;
                }
                budget -= 1;
                if let Some(end) = self.one(cx, i, &mut effects) {
                    self.flush(cx);
                    effects.push(end);
                    return effects;
                }
            }
            i += 1;
        }
        let code = self.strands.first().filter(|strand| strand.done).map(|strand| strand.status);
        self.strands.retain(|strand| !strand.done || strand.id == 0);
        if let Some(code) = code {
            self.flush(cx);
            effects.push(Effect::Exit(code));
            return effects;
        }
        self.busy = budget == 0;
        self.wakes = if budget == 0 { cx.now + BREATH } else { self.next_wake(cx.now) };
        effects
    }

    fn next_wake(&self, now: Time) -> Time {
        let alone = self.strands.len() == 1;
        let of = |strand: &Strand| match strand.blocked {
            Blocked::Until(at) => at,
            Blocked::Follow(ref follow) => follow.at,
            Blocked::Others if alone => now,
            Blocked::No => now,
            Blocked::Others | Blocked::ForEver | Blocked::Burning | Blocked::Call(_) => Time::NEVER,
        };
        self.strands.iter().filter(|strand| !strand.done).map(of).min().unwrap_or(Time::NEVER)
    }

    /// Lets a strand that follows files write what has come to them.
    fn look(&mut self, cx: &mut AppCx, i: usize) {
        let Some(Strand { blocked: Blocked::Follow(follow), .. }) = self.strands.get(i) else { return };
        if follow.at > cx.now {
            return;
        }
        let mut follow = follow.clone();
        follow.look(self, cx, i);
        if let Some(strand) = self.strands.get_mut(i) {
            strand.blocked = Blocked::Follow(follow);
        }
    }

    fn is_free(&mut self, now: Time, i: usize) -> bool {
        let others =
            self.strands.iter().enumerate().any(|(j, strand)| j != i && strand.id != 0 && !strand.done);
        let Some(strand) = self.strands.get_mut(i) else { return false };
        match strand.blocked {
            Blocked::No => return true,
            Blocked::Until(at) if at <= now => strand.status = 0,
            Blocked::Others if !others => strand.status = 0,
            _ => return false,
        }
        strand.blocked = Blocked::No;
        true
    }

    /// Takes one instruction of a strand; returns what ends the script, where it does.
    fn one(&mut self, cx: &mut AppCx, i: usize, effects: &mut Vec<Effect>) -> Option<Effect> {
        let code = self.code.clone();
        let scope_status = self.strands.get(i)?.status;
        let strand = self.strands.get_mut(i)?;
        let op = usize::try_from(strand.at).ok().and_then(|at| code.ops.get(at)).unwrap_or(&Op::End);
        strand.at += 1;
        match op {
            Op::Run(command) => return self.run(cx, i, command, effects),
            Op::Jump(to) => strand.at = *to,
            Op::JumpIfFailed(to) if strand.status != 0 => strand.at = *to,
            Op::JumpIfDone(to) if strand.status == 0 => strand.at = *to,
            Op::JumpIfFailed(_) | Op::JumpIfDone(_) => {}
            Op::Not => strand.status = i64::from(strand.status == 0),
            Op::Succeed => strand.status = 0,
            Op::For { words } => {
                let scope = Scope { variables: &self.variables, slots: &self.slots, status: scope_status };
                let words = scope.words(words).into();
                strand.loops.push(words);
            }
            Op::Next { name, end } => match strand.loops.last_mut().and_then(|words| words.pop_front()) {
                Some(word) => drop(self.variables.insert(name.clone(), word.into())),
                None => strand.at = *end,
            },
            Op::EndFor => drop(strand.loops.pop()),
            Op::Keep => strand.kept.push(String::new()),
            Op::Store(slot) => {
                let kept = strand.kept.pop().unwrap_or_default();
                if let Some(text) = usize::try_from(*slot).ok().and_then(|slot| self.slots.get_mut(slot)) {
                    *text = kept.trim_end_matches('\n').into();
                }
            }
            Op::Pipe => strand.input = strand.kept.pop(),
            Op::Redirect(redirects) => {
                strand.redirects.push(redirects.clone());
                if let Err(why) = self.open_outputs(cx, redirects) {
                    if let Some(strand) = self.strands.get_mut(i) {
                        strand.at = code.after_restore(strand.at);
                        strand.redirects.pop();
                    }
                    self.write_strand(cx, i, &format!("sh: {why}\n"), true);
                    self.set_status(i, 1);
                }
            }
            Op::Restore => drop(strand.redirects.pop()),
            Op::Beside(to) => {
                let (here, to) = (strand.at, *to);
                strand.at = to;
                strand.status = 0;
                if self.strands.len() < STRANDS {
                    self.strands.push(Strand::new(self.next_id, here));
                    self.next_id += 1;
                }
            }
            Op::End => strand.done = true,
        }
        None
    }

    fn run(
        &mut self,
        cx: &mut AppCx,
        i: usize,
        command: &Simple,
        effects: &mut Vec<Effect>,
    ) -> Option<Effect> {
        let status = self.strands.get(i).map_or(0, |strand| strand.status);
        let scope = Scope { variables: &self.variables, slots: &self.slots, status };
        let words = scope.words(&command.words);
        let assigned: Vec<(Rc<str>, Rc<str>)> =
            command.assignments.iter().map(|(name, word)| (name.clone(), scope.text(word).into())).collect();
        let before: Vec<(Rc<str>, Option<Rc<str>>)> =
            assigned.iter().map(|(name, _)| (name.clone(), self.variables.get(name).cloned())).collect();
        self.variables.extend(assigned);
        if let Some(strand) = self.strands.get_mut(i) {
            strand.own = command.redirects.clone();
        }
        let opened = self.open_input(cx, i).and_then(|()| self.open_outputs(cx, &command.redirects));
        if let Err(why) = opened {
            if let Some(strand) = self.strands.get_mut(i) {
                strand.own.clear();
            }
            self.write_strand(cx, i, &format!("sh: {why}\n"), true);
            self.set_status(i, 1);
            return None;
        }
        let outcome = if words.is_empty() { Outcome::Done(0) } else { tools::run(self, cx, i, &words) };
        if !words.is_empty() {
            for (name, value) in before {
                match value {
                    Some(value) => drop(self.variables.insert(name, value)),
                    None => drop(self.variables.remove(&name)),
                }
            }
        }
        self.settle(cx, i, outcome, effects)
    }

    fn settle(
        &mut self,
        cx: &mut AppCx,
        i: usize,
        outcome: Outcome,
        effects: &mut Vec<Effect>,
    ) -> Option<Effect> {
        let tag = self.next_tag;
        let strand = self.strands.get_mut(i)?;
        match outcome {
            Outcome::Done(code) => strand.status = code,
            Outcome::Sleep(until) => strand.blocked = Blocked::Until(until),
            Outcome::ForEver => strand.blocked = Blocked::ForEver,
            Outcome::Burning => strand.blocked = Blocked::Burning,
            Outcome::Others => strand.blocked = Blocked::Others,
            Outcome::Follow(follow) => strand.blocked = Blocked::Follow(follow),
            Outcome::Exit(code) if strand.id == 0 => return Some(Effect::Exit(code)),
            Outcome::Exit(_) => strand.done = true,
            Outcome::Become(argv) => return Some(Effect::Become(argv)),
            Outcome::Connect(mut connection) => {
                connection.tag = tag;
                self.next_tag += 1;
                effects.push(connection.begin(cx, &self.image));
                strand.blocked = Blocked::Call(connection);
            }
        }
        None
    }

    /// Takes what came of a call.
    pub fn on_reply(&mut self, cx: &mut AppCx, tag: u64, came: &Came) -> Vec<Effect> {
        let waits =
            |strand: &Strand| matches!(&strand.blocked, Blocked::Call(connection) if connection.tag == tag);
        let Some(i) = self.strands.iter().position(waits) else { return Vec::new() };
        let Some(strand) = self.strands.get_mut(i) else { return Vec::new() };
        let Blocked::Call(mut connection) = std::mem::replace(&mut strand.blocked, Blocked::No) else {
            return Vec::new();
        };
        let result = connection.end(cx, came);
        let next = connection.next();
        strand.status = result.code;
        if next.is_some() {
            strand.blocked = Blocked::Call(connection);
        }
        self.write_strand(cx, i, &result.stdout, false);
        self.write_strand(cx, i, &result.stderr, true);
        if let Some(next) = next {
            return vec![next];
        }
        if let Some((path, content)) = &result.file {
            let path = clean_path(&self.directory, path);
            if let Err(why) = cx.files.write(&path, content) {
                self.write_strand(cx, i, &format!("wget: can't open '{path}': {why}\n"), true);
                self.set_status(i, 1);
            }
        }
        self.wakes = cx.now;
        self.step(cx)
    }

    /// Takes SIGTERM: returns the exit code, where a trap ends the script. What runs beside goes on.
    pub fn on_term(&mut self, cx: &mut AppCx) -> Option<i64> {
        let text = self.traps.get("TERM").or(self.traps.get("EXIT"))?.clone();
        if text.is_empty() {
            return None; // it is ignored
        }
        let mut handler = Script::from_argv(&["sh".into(), "-c".into(), text], &self.image);
        handler.sink = self.sink.clone();
        handler.started = true;
        handler.variables = self.variables.clone();
        let effects = handler.step(cx);
        self.sink = handler.sink;
        effects.iter().find_map(|effect| match effect {
            Effect::Exit(code) => Some(*code),
            _ => None,
        })
    }

    /// Lets a strand go through another text, then on where it was.
    pub(crate) fn enter(&mut self, i: usize, text: &str) -> Result<(), String> {
        let more = parse::compile(text)?;
        let Some(strand) = self.strands.get_mut(i) else { return Ok(()) };
        if self.code.ops.len() + more.ops.len() > 40_000 {
            return Err("too long".to_string());
        }
        let code = Rc::make_mut(&mut self.code);
        let (base, slots) = (code.ops.len() as u32, code.slots);
        let back = strand.at;
        let last = more.ops.len().saturating_sub(1);
        for (n, mut op) in more.ops.into_iter().enumerate() {
            op.move_by(base, slots);
            code.ops.push(if n == last { Op::Jump(back) } else { op });
        }
        code.slots += more.slots;
        self.slots.resize(usize::try_from(code.slots).unwrap_or(0), "".into());
        strand.at = base;
        Ok(())
    }
}

/// Returns a word in single quotes.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
