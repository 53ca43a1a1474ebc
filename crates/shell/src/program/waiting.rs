//! Programs that wait.

use super::simple::Ended;
use super::{Io, Program, Progress};
use crate::job::{Block, Read};
use sim::{Nanos, SECOND, Time};

/// `sleep`
#[derive(Clone, Debug)]
pub(crate) struct Sleep {
    until: Time,
}

impl Sleep {
    /// Waits.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if io.host.now() >= self.until { Progress::Done(0) } else { Progress::Wait(Block::Time(self.until)) }
    }
}

/// Reads a span of time: `1`, `0.5`, `2m`.
pub(super) fn span(text: &str) -> Option<Nanos> {
    let (number, unit) = match text.char_indices().next_back()? {
        (at, 's') => (text.get(..at)?, 1.0),
        (at, 'm') => (text.get(..at)?, 60.0),
        (at, 'h') => (text.get(..at)?, 3_600.0),
        (at, 'd') => (text.get(..at)?, 86_400.0),
        _ => (text, 1.0),
    };
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds: f64 = number.parse().ok().filter(|_| plain)?;
    Some((seconds * unit).min(1e9).mul_add(SECOND as f64, 0.0) as Nanos)
}

/// `sleep`
pub(super) fn sleep(argv: &[String], io: &mut Io) -> Program {
    let words = argv.get(1..).unwrap_or_default();
    if words.is_empty() {
        return Ended::failed("sleep: missing operand\nTry 'sleep --help' for more information.", 1);
    }
    let mut until = io.host.now();
    for word in words {
        match span(word) {
            Some(span) => until = until + span,
            None if matches!(word.as_str(), "infinity" | "inf") => until = Time::NEVER,
            None => {
                let message = format!(
                    "sleep: invalid time interval '{word}'\nTry 'sleep --help' for more information."
                );
                return Ended::failed(&message, 1);
            }
        }
    }
    Program::Sleep(Sleep { until })
}

/// `read`
#[derive(Clone, Debug)]
pub(crate) struct ReadLine {
    prompt: Option<String>,
    names: Vec<String>,
    raw: bool,
}

/// Makes `read` of its arguments.
pub(crate) fn read_line(args: &[String]) -> Program {
    let (mut prompt, mut names, mut raw) = (None, Vec::new(), false);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-r" => raw = true,
            "-p" => prompt = words.next().cloned(),
            "-t" | "-n" | "-d" => drop(words.next()),
            "-rp" => {
                raw = true;
                prompt = words.next().cloned();
            }
            flag if flag.starts_with('-') => {}
            name => names.push(name.to_string()),
        }
    }
    if names.is_empty() {
        names.push("REPLY".to_string());
    }
    Program::ReadLine(ReadLine { prompt, names, raw })
}

impl ReadLine {
    /// Waits for a line and sets the variables.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        if let Some(prompt) = self.prompt.take()
            && io.fds.stdin == crate::job::Input::Terminal
        {
            io.err(&prompt);
        }
        let (line, status) = match io.line() {
            Read::Wait => return io.wait(),
            Read::End => (String::new(), 1),
            Read::Text(line) => {
                let status = i32::from(!line.ends_with('\n'));
                (line.trim_end_matches('\n').to_string(), status)
            }
        };
        let line = if self.raw { line } else { line.replace('\\', "") };
        let separators = io.state.get("IFS").unwrap_or(" \t\n").to_string();
        let is_separator = |character: char| separators.contains(character);
        let is_blank = |character: char| is_separator(character) && character.is_whitespace();
        let mut rest = line.trim_matches(is_blank);
        for (i, name) in self.names.iter().enumerate() {
            if i + 1 == self.names.len() {
                io.state.set(name, rest);
                break;
            }
            let (word, after) = match rest.find(is_separator) {
                Some(at) => rest.split_at(at),
                None => (rest, ""),
            };
            io.state.set(name, word);
            let after = after.trim_start_matches(is_blank);
            rest = after.strip_prefix(is_separator).unwrap_or(after).trim_start_matches(is_blank);
        }
        Progress::Done(status)
    }
}

/// `wait`: for jobs in the background.
#[derive(Clone, Debug)]
pub(crate) struct WaitFor {
    words: Vec<String>,
}

/// Makes `wait`.
pub(crate) fn wait_for(words: &[String]) -> Program {
    let words = words.iter().filter(|word| !word.starts_with('-')).cloned().collect();
    Program::WaitFor(WaitFor { words })
}

impl WaitFor {
    /// Waits for the jobs that are named, or for all.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let mut status = 0;
        for word in &self.words {
            let job = io.shared.background_job(word).map(|job| job.id);
            let Some(id) = job else {
                let why = match word.starts_with('%') {
                    true => format!("{word}: no such job"),
                    false if word.bytes().all(|byte| byte.is_ascii_digit()) => {
                        format!("pid {word} is not a child of this shell")
                    }
                    false => format!("`{word}': not a pid or valid job spec"),
                };
                return io.fail(&format!("bash: wait: {why}"), 127);
            };
            match io.shared.finished.get(&id) {
                Some(ended) => status = *ended,
                None => return Progress::Wait(Block::Inside),
            }
        }
        let has_ended = |id: &u32| io.shared.finished.contains_key(id);
        if self.words.is_empty() && !io.shared.background.iter().all(|job| has_ended(&job.id)) {
            return Progress::Wait(Block::Inside);
        }
        Progress::Done(status)
    }
}

/// `fg`: a job of the background that the prompt waits for again.
#[derive(Clone, Debug)]
pub(crate) struct Foreground {
    id: u32,
}

/// Makes `fg`.
pub(crate) fn foreground(word: &str, io: &mut Io) -> Program {
    let Some(job) = io.shared.background_job(word).cloned() else {
        let word = if word.is_empty() { "current" } else { word };
        return Ended::failed(&format!("bash: fg: {word}: no such job"), 1);
    };
    io.out(&format!("{}\n", job.text));
    Program::Foreground(Foreground { id: job.id })
}

impl Foreground {
    /// Waits for the job's end.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        match io.shared.finished.get(&self.id).copied() {
            Some(status) => {
                io.shared.forget(self.id);
                Progress::Done(status)
            }
            None => Progress::Wait(Block::Inside),
        }
    }

    /// Ends the job with it, as Ctrl-C does.
    pub fn interrupt(&mut self, io: &mut Io) {
        io.shared.to_kill.push((self.id, 130));
        io.shared.forget(self.id);
    }
}

/// `tail -f`
#[derive(Clone, Debug)]
pub(crate) struct Follow {
    path: String,
    seen: usize,
    next: Time,
}

impl Follow {
    /// Prints a file's last lines and makes the program that prints what is added.
    pub fn program(io: &mut Io, files: Vec<String>, lines: usize) -> Program {
        let name = files.into_iter().next().unwrap_or_default();
        match io.read(&name) {
            Ok(text) => {
                let all: Vec<&str> = text.split_inclusive('\n').collect();
                let skipped = all.len().saturating_sub(lines);
                io.out(&all.get(skipped..).unwrap_or_default().concat());
                let next = io.host.now() + SECOND;
                Program::Tail(Follow { path: io.path(&name), seen: text.len(), next })
            }
            Err(error) => Ended::failed(
                &format!(
                    "tail: cannot open '{name}' for reading: {}\ntail: no files remaining",
                    error.words()
                ),
                1,
            ),
        }
    }

    /// Looks once a second.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let now = io.host.now();
        if now >= self.next {
            self.next = now + SECOND;
            let text = io.host.read_file(&io.state.place, &self.path).unwrap_or_default();
            if text.len() < self.seen {
                io.err(&format!("tail: {}: file truncated\n", self.path));
                self.seen = 0;
            }
            io.out(text.get(self.seen..).unwrap_or(""));
            self.seen = text.len();
        }
        Progress::Wait(Block::Time(self.next))
    }
}
