use super::filter::{Filtering, Kind, given};
use super::grep::{Dialect, compile, translate};
use super::options::Known;
use super::simple::Ended;
use super::{Io, Program};
use regex_lite::Regex;

/// How many commands a script has at most, and how deep they are nested.
const MAX_COMMANDS: usize = 500;

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
struct Command {
    from: Option<Address>,
    to: Option<Address>,
    negated: bool,
    in_range: bool,
    range_end: u64,
    what: What,
}

#[derive(Clone, Debug)]
enum Address {
    Line(u64),
    Last,
    Fits(Regex),
    After(u64),
}

#[derive(Clone, Debug)]
enum What {
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
enum Piece {
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

struct Reader {
    text: Vec<char>,
    at: usize,
    dialect: Dialect,
    count: usize,
    wants_last: bool,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, character: char) -> bool {
        let found = self.peek() == Some(character);
        self.at += usize::from(found);
        found
    }

    fn blanks(&mut self, and_ends: bool) {
        while self.peek().is_some_and(|c| c.is_whitespace() || and_ends && c == ';') {
            self.at += 1;
        }
    }

    fn commands(&mut self, depth: u32) -> Result<Vec<Command>, String> {
        let mut commands = Vec::new();
        loop {
            self.blanks(true);
            match self.peek() {
                None if depth > 0 => return Err("unmatched `{'".to_string()),
                None => return Ok(commands),
                Some('}') if depth > 0 => {
                    self.at += 1;
                    return Ok(commands);
                }
                Some('}') => return Err("unexpected `}'".to_string()),
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                Some(_) => commands.push(self.command(depth)?),
            }
            self.count += 1;
            if self.count > MAX_COMMANDS || depth > 20 {
                return Err("too many commands".to_string());
            }
        }
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        Ok(match self.peek() {
            Some('0'..='9') => Some(Address::Line(self.number())),
            Some('$') => {
                self.at += 1;
                self.wants_last = true;
                Some(Address::Last)
            }
            Some('+') => {
                self.at += 1;
                Some(Address::After(self.number()))
            }
            Some('/') => {
                self.at += 1;
                let pattern = self.until('/').ok_or("unterminated address regex")?;
                let ignores_case = self.take('I');
                Some(Address::Fits(compile(&translate(&pattern, self.dialect), ignores_case)?))
            }
            _ => None,
        })
    }

    fn number(&mut self) -> u64 {
        let mut number = 0_u64;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(digit.into());
            self.at += 1;
        }
        number
    }

    /// Reads up to a delimiter that no backslash precedes.
    fn until(&mut self, delimiter: char) -> Option<String> {
        let mut text = String::new();
        loop {
            let next = self.peek()?;
            self.at += 1;
            match next {
                '\\' => {
                    let escaped = self.peek()?;
                    self.at += 1;
                    if escaped != delimiter || "|()".contains(delimiter) {
                        text.push('\\');
                    }
                    text.push(escaped);
                    continue;
                }
                _ if next == delimiter => return Some(text),
                _ => {}
            }
            text.push(next);
        }
    }

    fn command(&mut self, depth: u32) -> Result<Command, String> {
        let from = self.address()?;
        let mut to = None;
        if from.is_some() && self.take(',') {
            to = Some(self.address()?.ok_or("unexpected `,'")?);
        }
        self.blanks(false);
        let negated = self.take('!');
        self.blanks(false);
        let Some(name) = self.peek() else { return Err("missing command".to_string()) };
        self.at += 1;
        let what = match name {
            's' => self.substitute()?,
            'y' => {
                let delimiter = self.peek().ok_or("unterminated `y' command")?;
                self.at += 1;
                let from = self.until(delimiter).ok_or("unterminated `y' command")?;
                let to = self.until(delimiter).ok_or("unterminated `y' command")?;
                if from.chars().count() != to.chars().count() {
                    return Err("strings for `y' command are different lengths".to_string());
                }
                What::Translate(from.chars().zip(to.chars()).collect())
            }
            'p' => What::Print,
            'd' => What::Delete,
            'q' => What::Quit,
            '=' => What::Number,
            'a' => What::Append(self.rest_of_line()),
            'i' => What::Insert(self.rest_of_line()),
            'c' => What::Change(self.rest_of_line()),
            '{' => What::Group(self.commands(depth + 1)?),
            other => return Err(format!("unknown command: `{other}'")),
        };
        if !matches!(what, What::Append(_) | What::Insert(_) | What::Change(_) | What::Group(_)) {
            self.blanks(false);
            if self.peek().is_some_and(|c| !matches!(c, ';' | '}' | '#'))
                && self.text.get(self.at - 1) != Some(&'\n')
            {
                return Err("extra characters after command".to_string());
            }
        }
        Ok(Command { from, to, negated, in_range: false, range_end: 0, what })
    }

    fn rest_of_line(&mut self) -> String {
        self.take('\\');
        self.blanks(false);
        let mut text = String::new();
        while let Some(next) = self.peek().filter(|c| *c != '\n') {
            self.at += 1;
            text.push(next);
        }
        crate::text::unescape(&text)
    }

    fn substitute(&mut self) -> Result<What, String> {
        let unterminated = || "unterminated `s' command".to_string();
        let delimiter = self.peek().filter(|c| *c != '\n' && *c != '\\').ok_or_else(unterminated)?;
        self.at += 1;
        let pattern = self.until(delimiter).ok_or_else(unterminated)?;
        let with = self.until(delimiter).ok_or_else(unterminated)?;
        let (mut all, mut prints, mut ignores_case, mut nth) = (false, false, false, 1);
        loop {
            match self.peek() {
                Some('g') => all = true,
                Some('p') => prints = true,
                Some('i' | 'I') => ignores_case = true,
                Some('0'..='9') => {
                    nth = usize::try_from(self.number()).unwrap_or(usize::MAX);
                    continue;
                }
                None | Some(';' | '}' | ' ' | '\n' | '#' | '\t') => break,
                Some(_) => {
                    self.at += 1;
                    return Err("unknown option to `s'".to_string());
                }
            }
            self.at += 1;
        }
        let regex = compile(&translate(&pattern, self.dialect), ignores_case)?;
        let groups = regex.captures_len();
        let with = pieces(&with);
        for piece in &with {
            if let Piece::Group(number) = piece
                && *number >= groups
            {
                return Err(format!("invalid reference \\{number} on `s' command's RHS"));
            }
        }
        Ok(What::Substitute { regex, with, all, nth: nth.max(1), prints })
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let group = match character {
            '&' => Some(0),
            '\\' => match characters.next() {
                Some(digit @ '0'..='9') => digit.to_digit(10).map(|digit| digit as usize),
                Some('n') => {
                    plain.push('\n');
                    None
                }
                Some('t') => {
                    plain.push('\t');
                    None
                }
                other => {
                    plain.extend(other);
                    None
                }
            },
            other => {
                plain.push(other);
                None
            }
        };
        if let Some(group) = group {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Group(group));
        }
    }
    pieces.push(Piece::Text(plain));
    pieces
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
