//! Programs that run a command.

use super::filter::given;
use super::options::Known;
use super::shells::{script_of, spawn};
use super::simple::{Ended, environment, format_time};
use super::waiting::span;
use super::{Io, Program, Progress, Spawn};
use crate::job::{Block, Read, Sink};
use crate::output::Chunk;
use crate::state::ShellState;
use crate::syntax::{self, Script};
use sim::{Nanos, SECOND, Time};
use std::collections::VecDeque;
use std::rc::Rc;

/// A command that something is done around.
#[derive(Clone, Debug)]
pub(crate) struct Wrapped {
    script: Rc<Script>,
    state: Option<Box<ShellState>>,
    started: Option<Time>,
    /// After how long it is ended.
    limit: Option<Nanos>,
    /// Whether it is said how long it took.
    shows_time: bool,
}

impl Wrapped {
    fn make(argv: &[String]) -> Wrapped {
        Wrapped { script: script_of(argv), state: None, started: None, limit: None, shows_time: false }
    }

    /// Runs the command and waits for its end.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let now = io.host.now();
        let Some(started) = self.started else {
            self.started = Some(now);
            let until = self.limit.map(|limit| now + limit);
            return Progress::Spawn(Spawn { state: self.state.take(), until, ..spawn(self.script.clone()) });
        };
        if self.shows_time {
            let millis = (now - started) / sim::MILLISECOND;
            let real = format!("{}m{}.{:03}s", millis / 60_000, millis / 1_000 % 60, millis % 1_000);
            io.err(&format!("\nreal\t{real}\nuser\t0m0.000s\nsys\t0m0.000s\n"));
        }
        Progress::Done(io.child.take().map_or(0, |child| child.status))
    }
}

/// `time`
pub(super) fn time(argv: &[String], _io: &mut Io) -> Program {
    let mut wrapped = Wrapped::make(argv.get(1..).unwrap_or_default());
    wrapped.shows_time = true;
    if argv.len() < 2 {
        return Ended::with("", "\nreal\t0m0.000s\nuser\t0m0.000s\nsys\t0m0.000s\n", 0);
    }
    Program::Wrapped(wrapped)
}

/// `timeout`
pub(super) fn timeout(argv: &[String], _io: &mut Io) -> Program {
    let words: Vec<String> = argv.iter().skip(1).skip_while(|word| word.starts_with('-')).cloned().collect();
    let Some((limit, command)) = words.split_first().filter(|(_, command)| !command.is_empty()) else {
        return Ended::failed("timeout: missing operand\nTry 'timeout --help' for more information.", 125);
    };
    let Some(limit) = span(limit) else {
        return Ended::failed(&format!("timeout: invalid time interval '{limit}'"), 125);
    };
    let mut wrapped = Wrapped::make(command);
    wrapped.limit = Some(limit);
    Program::Wrapped(wrapped)
}

/// `sudo`
pub(super) fn sudo(argv: &[String], _io: &mut Io) -> Program {
    let words: Vec<String> = argv.iter().skip(1).skip_while(|word| word.starts_with('-')).cloned().collect();
    if words.is_empty() {
        return Ended::failed("usage: sudo command", 1);
    }
    Program::Wrapped(Wrapped::make(&words))
}

/// `env`
pub(super) fn env(argv: &[String], io: &mut Io) -> Program {
    let mut state = io.state.clone();
    let mut words = argv.iter().skip(1).skip_while(|word| *word == "-").peekable();
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
        state.export(name, value);
        words.next();
    }
    let command: Vec<String> = words.cloned().collect();
    if command.is_empty() {
        let own = std::mem::replace(io.state, state);
        let text = environment(io);
        *io.state = own;
        return Ended::printed(&text);
    }
    let mut wrapped = Wrapped::make(&command);
    wrapped.state = Some(Box::new(state));
    Program::Wrapped(wrapped)
}

/// `watch`
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    script: Rc<Script>,
    title: String,
    interval: Nanos,
    shows_title: bool,
    next: Time,
}

/// `watch`
pub(super) fn watch(argv: &[String], _io: &mut Io) -> Program {
    // The first word that is no flag begins the command, whose own flags are not ours.
    let (mut interval, mut shows_title, mut command) = (2 * SECOND, true, Vec::new());
    let mut words = argv.iter().skip(1);
    while let Some(word) = words.next() {
        let value = |words: &mut dyn Iterator<Item = &String>, attached: &str| {
            if attached.is_empty() { words.next().cloned().unwrap_or_default() } else { attached.to_string() }
        };
        match word.as_str() {
            flag if flag.starts_with("-n") || flag.starts_with("--interval") => {
                let attached =
                    flag.trim_start_matches("--interval").trim_start_matches("-n").trim_start_matches('=');
                let text = value(&mut words, attached);
                match span(&text) {
                    Some(span) => interval = span.max(SECOND / 10),
                    None => return Ended::failed(&format!("watch: failed to parse argument: '{text}'"), 1),
                }
            }
            "-t" | "--no-title" => shows_title = false,
            flag if flag.starts_with('-') => {}
            first => {
                command.push(first.to_string());
                command.extend(words.by_ref().cloned());
            }
        }
    }
    if command.is_empty() {
        return Ended::failed("Usage:\n watch [options] command", 1);
    }
    let text = command.join(" ");
    match syntax::parse(&text) {
        Ok(script) => Program::Watch(Watch {
            script: Rc::new(script),
            title: text,
            interval,
            shows_title,
            next: Time(0),
        }),
        Err(error) => Ended::failed(&format!("sh: 1: {}", error.message()), 2),
    }
}

impl Watch {
    /// Runs the command, shows what it printed, and waits.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let now = io.host.now();
        if let Some(child) = io.child.take() {
            let seconds = self.interval as f64 / SECOND as f64;
            let date = format_time(now, "%a %b %e %H:%M:%S %Y");
            let host = &io.state.hostname;
            let title = if self.shows_title {
                format!("Every {seconds:.1}s: {}    {host}: {date}\n\n", self.title)
            } else {
                String::new()
            };
            let text = format!("{title}{}", child.output);
            if io.fds.stdout == Sink::Out {
                io.shared.output.push(Chunk { text, clears: true, ..Chunk::default() });
            } else {
                io.out(&text);
            }
            self.next = now + self.interval;
        }
        if now < self.next {
            return Progress::Wait(Block::Time(self.next));
        }
        Progress::Spawn(Spawn { captures: true, captures_errors: true, ..spawn(self.script.clone()) })
    }
}

/// `xargs`
#[derive(Clone, Debug)]
pub(crate) struct Xargs {
    command: Vec<String>,
    /// How many arguments a command gets.
    most: usize,
    /// What stands for a line; then each line makes a command.
    replaces: Option<String>,
    delimiter: Option<char>,
    skips_empty: bool,
    left: Option<VecDeque<Vec<String>>>,
    status: i32,
}

/// `xargs`
pub(super) fn xargs(argv: &[String], _io: &mut Io) -> Program {
    // Flags after the command's name are the command's.
    let mut own = 1;
    while let Some(word) = argv.get(own).filter(|word| word.starts_with('-')) {
        own += if matches!(word.as_str(), "-n" | "-I" | "-P" | "-d" | "-L") { 2 } else { 1 };
    }
    let known =
        Known { name: "xargs", plain: "rt0", valued: "nIPdL", long: &[("no-run-if-empty", 'r')], code: 1 };
    let given = given!(known, argv.get(..own.min(argv.len())).unwrap_or_default());
    let mut command = argv.get(own..).unwrap_or_default().to_vec();
    if command.is_empty() {
        command.push("echo".to_string());
    }
    let number = given.value('n').or(given.value('L')).and_then(|text| text.parse().ok());
    Program::Xargs(Box::new(Xargs {
        command,
        most: number.unwrap_or(5_000).max(1),
        replaces: given.value('I').map(str::to_string),
        delimiter: given.value('d').and_then(|text| crate::text::unescape(text).chars().next()),
        skips_empty: given.has('r'),
        left: None,
        status: 0,
    }))
}

impl Xargs {
    fn commands(&self, text: &str) -> VecDeque<Vec<String>> {
        if let Some(mark) = &self.replaces {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let replaced =
                |line: &str| self.command.iter().map(|word| word.replace(mark.as_str(), line)).collect();
            return lines.map(replaced).collect();
        }
        let words: Vec<String> = match self.delimiter {
            Some(delimiter) => text.trim_end_matches('\n').split(delimiter).map(str::to_string).collect(),
            None => text.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_string()).collect(),
        };
        if words.is_empty() {
            return if self.skips_empty { VecDeque::new() } else { [self.command.clone()].into() };
        }
        let with = |words: &[String]| self.command.iter().chain(words).cloned().collect();
        words.chunks(self.most).map(with).collect()
    }

    /// Runs the commands one after the other.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if let Some(child) = io.child.take()
            && child.status != 0
        {
            self.status = if child.status == 127 { 127 } else { 123 };
        }
        let Some(left) = &mut self.left else {
            match io.all() {
                Read::Text(text) => self.left = Some(self.commands(&text)),
                _ => return io.wait(),
            }
            return Progress::More;
        };
        match left.pop_front() {
            Some(argv) => Progress::Spawn(Spawn { stdin: Some(String::new()), ..spawn(script_of(&argv)) }),
            None => Progress::Done(self.status),
        }
    }
}
