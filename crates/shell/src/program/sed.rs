use super::filter::{Filtering, Kind, given};
use super::grep::Dialect;
use super::options::Known;
use super::sed_script::Reader;
use super::simple::Ended;
use super::{Io, Program};
use regex_lite::Regex;

/// `sed`
#[derive(Clone, Debug)]
pub(crate) struct Sed {
    commands: Vec<Command>,
    quiet: bool,
    in_place: bool,
    /// Whether a command asks for the last line, so that one line is held back.
    wants_last: bool,
    held: Option<String>,
    line: u64,
    /// The file that is changed in place, and its new text.
    file: Option<(String, String)>,
    done_files: Vec<(String, String)>,
    quit: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) from: Option<Address>,
    pub(super) to: Option<Address>,
    pub(super) negated: bool,
    pub(super) in_range: bool,
    pub(super) range_end: u64,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum Address {
    Line(u64),
    Last,
    Fits(Regex),
    After(u64),
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Substitute { regex: Regex, with: Vec<Piece>, all: bool, nth: usize, prints: bool },
    Translate(Vec<(char, char)>),
    Print,
    Delete,
    Quit,
    Number,
    Append(String),
    Insert(String),
    Change(String),
    Group(Vec<Command>),
}

/// A piece of what is put in.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    Text(String),
    Group(usize),
}

/// What becomes of a line.
enum Fate {
    Prints,
    Deleted,
}

/// `sed`
pub(super) fn sed(argv: &[String], _io: &mut Io) -> Program {
    let long =
        &[("quiet", 'n'), ("silent", 'n'), ("regexp-extended", 'E'), ("in-place", 'i'), ("expression", 'e')];
    // `-i.bak` names a copy, which isn't made.
    let words: Vec<String> = argv
        .iter()
        .map(|word| {
            if word.starts_with("-i") && !word.contains('E') && !word.contains('n') {
                "-i".to_string()
            } else {
                word.clone()
            }
        })
        .collect();
    let known = Known { name: "sed", plain: "nEris", valued: "ef", long, code: 1 };
    let given = given!(known, &words);
    let mut files = given.args.clone();
    let mut script = given.values('e').collect::<Vec<_>>().join("\n");
    if script.is_empty() {
        if files.is_empty() {
            return Ended::failed(
                "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...",
                1,
            );
        }
        script = files.remove(0);
    }
    let dialect = if given.has('E') || given.has('r') { Dialect::Extended } else { Dialect::Basic };
    let mut reader = Reader { text: script.chars().collect(), at: 0, dialect, count: 0, wants_last: false };
    let commands = match reader.commands(0) {
        Ok(commands) => commands,
        Err(error) => {
            return Ended::failed(&format!("sed: -e expression #1, char {}: {error}", reader.at), 1);
        }
    };
    if given.has('i') && files.is_empty() {
        return Ended::failed("sed: no input files", 1);
    }
    let sed = Sed {
        commands,
        quiet: given.has('n'),
        in_place: given.has('i'),
        wants_last: reader.wants_last,
        held: None,
        line: 0,
        file: None,
        done_files: Vec::new(),
        quit: false,
    };
    Filtering::program("sed", files, Kind::Sed(Box::new(sed)))
}

impl Sed {
    /// Begins a file.
    pub fn file_start(&mut self, name: &str) {
        if self.in_place {
            let mut own = String::new();
            self.flush(&mut own);
            self.end_file(own);
            self.file = Some((name.to_string(), String::new()));
            self.line = 0;
        }
    }

    fn end_file(&mut self, rest: String) {
        if let Some((name, mut text)) = self.file.take() {
            text.push_str(&rest);
            self.done_files.push((name, text));
        }
    }

    /// Takes a line. Returns whether more is wanted.
    pub fn line(&mut self, line: &str, out: &mut String) -> bool {
        let mut own = String::new();
        if self.wants_last {
            let held = self.held.replace(line.to_string());
            if let Some(held) = held {
                self.one(&held, false, &mut own);
            }
        } else {
            self.one(line, false, &mut own);
        }
        match &mut self.file {
            Some((_, text)) => text.push_str(&own),
            None => out.push_str(&own),
        }
        !self.quit || self.in_place
    }

    fn flush(&mut self, out: &mut String) {
        if let Some(held) = self.held.take() {
            self.one(&held, true, out);
        }
    }

    /// Ends the input, and writes the files that were changed in place.
    pub fn end(&mut self, out: &mut String, io: &mut Io) -> i32 {
        let mut own = String::new();
        if !self.quit {
            self.flush(&mut own);
        }
        if self.in_place {
            self.end_file(own);
        } else {
            out.push_str(&own);
        }
        let mut status = 0;
        for (name, text) in std::mem::take(&mut self.done_files) {
            let path = io.path(&name);
            if let Err(error) = io.host.write_file(&io.state.place, &path, &text) {
                io.err(&format!("sed: couldn't write {name}: {}\n", error.words()));
                status = 4;
            }
        }
        status
    }

    fn one(&mut self, line: &str, is_last: bool, out: &mut String) {
        if self.quit {
            if self.in_place {
                out.push_str(line);
            }
            return;
        }
        self.line += 1;
        let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
        let mut space = text.to_string();
        let mut after = String::new();
        let mut commands = std::mem::take(&mut self.commands);
        let mut run =
            Run { line: self.line, is_last, space: &mut space, out, after: &mut after, quit: false };
        let fate = run.all(&mut commands);
        self.quit = run.quit;
        self.commands = commands;
        if matches!(fate, Fate::Prints) && !self.quiet {
            out.push_str(&space);
            out.push_str(if after.is_empty() { end } else { "\n" });
        }
        out.push_str(&after);
    }
}

struct Run<'a> {
    line: u64,
    is_last: bool,
    space: &'a mut String,
    out: &'a mut String,
    after: &'a mut String,
    quit: bool,
}

impl Run<'_> {
    fn all(&mut self, commands: &mut [Command]) -> Fate {
        for command in commands {
            if self.selects(command) == command.negated {
                continue;
            }
            match &mut command.what {
                What::Substitute { regex, with, all, nth, prints } => {
                    if let Some(changed) = substituted(self.space, regex, with, *all, *nth) {
                        *self.space = changed;
                        if *prints {
                            self.print();
                        }
                    }
                }
                What::Translate(pairs) => {
                    let other = |c: char| pairs.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to);
                    *self.space = self.space.chars().map(other).collect();
                }
                What::Print => self.print(),
                What::Delete => return Fate::Deleted,
                What::Quit => {
                    self.quit = true;
                    return Fate::Prints;
                }
                What::Number => self.out.push_str(&format!("{}\n", self.line)),
                What::Append(text) => self.after.push_str(&format!("{text}\n")),
                What::Insert(text) => self.out.push_str(&format!("{text}\n")),
                What::Change(text) => {
                    self.out.push_str(&format!("{text}\n"));
                    return Fate::Deleted;
                }
                What::Group(commands) => {
                    if matches!(self.all(commands), Fate::Deleted) {
                        return Fate::Deleted;
                    }
                    if self.quit {
                        return Fate::Prints;
                    }
                }
            }
        }
        Fate::Prints
    }

    fn print(&mut self) {
        self.out.push_str(self.space);
        self.out.push('\n');
    }

    fn fits(&self, address: &Address) -> bool {
        match address {
            Address::Line(line) => *line == self.line,
            Address::Last => self.is_last,
            Address::Fits(regex) => regex.is_match(self.space),
            Address::After(_) => false,
        }
    }

    fn selects(&self, command: &mut Command) -> bool {
        let Some(from) = &command.from else { return true };
        let Some(to) = &command.to else { return self.fits(from) };
        if command.in_range {
            let ends = match to {
                Address::Line(line) => self.line >= *line,
                Address::After(_) => self.line >= command.range_end,
                other => self.fits(other),
            };
            command.in_range = !ends;
            return !matches!(to, Address::Line(line) if self.line > *line);
        }
        if !self.fits(from) {
            return false;
        }
        command.in_range = match to {
            Address::Line(line) => *line > self.line,
            Address::After(lines) => {
                command.range_end = self.line.saturating_add(*lines);
                *lines > 0
            }
            Address::Last => !self.is_last,
            Address::Fits(_) => true,
        };
        true
    }
}

fn substituted(text: &str, regex: &Regex, with: &[Piece], all: bool, nth: usize) -> Option<String> {
    let mut out = String::new();
    let mut from = 0;
    let mut changed = false;
    for (i, captures) in regex.captures_iter(text).enumerate() {
        if i + 1 < nth {
            continue;
        }
        let Some(whole) = captures.get(0) else { break };
        out.push_str(text.get(from..whole.start()).unwrap_or(""));
        for piece in with {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(number) => {
                    out.push_str(captures.get(*number).map_or("", |group| group.as_str()))
                }
            }
        }
        from = whole.end();
        changed = true;
        if !all {
            break;
        }
    }
    out.push_str(text.get(from..).unwrap_or(""));
    changed.then_some(out)
}
