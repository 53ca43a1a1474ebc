use super::filter::{Filtering, Kind, given};
use super::options::Known;
use super::simple::Ended;
use super::{Io, Program};
use regex_lite::{Regex, RegexBuilder};
use std::collections::VecDeque;

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 4_096;
/// How much a compiled pattern may take, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// `grep`
#[derive(Clone, Debug)]
pub(crate) struct Grep {
    regex: Regex,
    inverts: bool,
    counts: bool,
    numbers: bool,
    only_matches: bool,
    is_quiet: bool,
    only_names: bool,
    shows_names: bool,
    most: u64,
    after: u64,
    before: usize,
    line: u64,
    found: u64,
    any: bool,
    left_after: u64,
    recent: VecDeque<(u64, String)>,
    last_printed: u64,
}

const LONG: &[(&str, char)] = &[
    ("ignore-case", 'i'),
    ("invert-match", 'v'),
    ("count", 'c'),
    ("line-number", 'n'),
    ("only-matching", 'o'),
    ("word-regexp", 'w'),
    ("line-regexp", 'x'),
    ("extended-regexp", 'E'),
    ("fixed-strings", 'F'),
    ("quiet", 'q'),
    ("silent", 'q'),
    ("regexp", 'e'),
    ("max-count", 'm'),
    ("after-context", 'A'),
    ("before-context", 'B'),
    ("context", 'C'),
    ("color", 'z'),
    ("colour", 'z'),
    ("line-buffered", 'z'),
    ("no-filename", 'h'),
    ("with-filename", 'H'),
    ("files-with-matches", 'l'),
];

/// `grep`
pub(super) fn grep(argv: &[String], _io: &mut Io) -> Program {
    make(argv, false)
}

/// `egrep`
pub(super) fn egrep(argv: &[String], _io: &mut Io) -> Program {
    make(argv, true)
}

fn make(argv: &[String], extended: bool) -> Program {
    let known = Known { name: "grep", plain: "ivcnowxEFGPqzhHlrRsa", valued: "emABC", long: LONG, code: 2 };
    let given = given!(known, argv);
    let mut args = given.args.clone();
    let mut patterns: Vec<String> = given.values('e').map(str::to_string).collect();
    if patterns.is_empty() {
        if args.is_empty() {
            let usage = "Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.";
            return Ended::failed(usage, 2);
        }
        patterns = args.remove(0).split('\n').map(str::to_string).collect();
    }
    let dialect = if given.has('F') {
        Dialect::Fixed
    } else if extended || given.has('E') || given.has('P') {
        Dialect::Extended
    } else {
        Dialect::Basic
    };
    let mut pattern = patterns.iter().map(|text| translate(text, dialect)).collect::<Vec<_>>().join("|");
    if given.has('w') {
        pattern = format!(r"\b(?:{pattern})\b");
    }
    if given.has('x') {
        pattern = format!("^(?:{pattern})$");
    }
    let regex = match compile(&pattern, given.has('i')) {
        Ok(regex) => regex,
        Err(error) => return Ended::failed(&format!("grep: {error}"), 2),
    };
    let number = |flag: char| given.value(flag).and_then(|text| text.parse::<u64>().ok());
    let context = number('C').unwrap_or(0);
    let grep = Grep {
        regex,
        inverts: given.has('v'),
        counts: given.has('c'),
        numbers: given.has('n'),
        only_matches: given.has('o'),
        is_quiet: given.has('q'),
        only_names: given.has('l'),
        shows_names: (args.len() > 1 || given.has('H')) && !given.has('h'),
        most: number('m').unwrap_or(u64::MAX),
        after: number('A').unwrap_or(context),
        before: usize::try_from(number('B').unwrap_or(context)).unwrap_or(0).min(1_000),
        line: 0,
        found: 0,
        any: false,
        left_after: 0,
        recent: VecDeque::new(),
        last_printed: 0,
    };
    Filtering::program("grep", args, Kind::Grep(Box::new(grep)))
}

impl Grep {
    /// Takes a line. Returns whether more is wanted.
    pub fn line(&mut self, file: &str, line: &str, out: &mut String) -> bool {
        self.line += 1;
        let text = line.strip_suffix('\n').unwrap_or(line);
        let fits = self.regex.is_match(text) != self.inverts && self.found < self.most;
        if fits {
            self.found += 1;
            self.any = true;
            if self.is_quiet {
                return false;
            }
            self.print(file, text, out);
        } else if self.left_after > 0 && !self.counts && !self.only_names {
            self.left_after -= 1;
            let prefix = self.prefix(file, self.line, '-');
            out.push_str(&format!("{prefix}{text}\n"));
            self.last_printed = self.line;
        } else if self.before > 0 {
            if self.recent.len() >= self.before {
                self.recent.pop_front();
            }
            self.recent.push_back((self.line, text.to_string()));
        }
        self.found < self.most || self.left_after > 0
    }

    fn prefix(&self, file: &str, line: u64, mark: char) -> String {
        let file = if file == "-" { "(standard input)" } else { file };
        let name = if self.shows_names { format!("{file}{mark}") } else { String::new() };
        if self.numbers { format!("{name}{line}{mark}") } else { name }
    }

    fn print(&mut self, file: &str, text: &str, out: &mut String) {
        if self.counts || self.only_names {
            return;
        }
        let first = self.recent.front().map_or(self.line, |(line, _)| *line);
        if (self.before > 0 || self.after > 0) && self.last_printed > 0 && first > self.last_printed + 1 {
            out.push_str("--\n");
        }
        for (line, before) in std::mem::take(&mut self.recent) {
            out.push_str(&format!("{}{before}\n", self.prefix(file, line, '-')));
        }
        let prefix = self.prefix(file, self.line, ':');
        if self.only_matches && !self.inverts {
            for found in self.regex.find_iter(text).filter(|found| !found.is_empty()) {
                out.push_str(&format!("{prefix}{}\n", found.as_str()));
            }
        } else if !self.only_matches {
            out.push_str(&format!("{prefix}{text}\n"));
        }
        self.last_printed = self.line;
        self.left_after = self.after;
    }

    /// Ends a file.
    pub fn file_end(&mut self, file: &str, out: &mut String) {
        if self.only_names && self.found > 0 {
            out.push_str(&format!("{}\n", if file == "-" { "(standard input)" } else { file }));
        } else if self.counts {
            let prefix = if self.shows_names { format!("{file}:") } else { String::new() };
            out.push_str(&format!("{prefix}{}\n", self.found));
        }
        (self.line, self.found, self.left_after, self.last_printed) = (0, 0, 0, 0);
        self.recent.clear();
    }

    /// Returns the exit code.
    pub fn status(&self) -> i32 {
        i32::from(!self.any)
    }
}

/// How a pattern is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Fixed,
    Basic,
    Extended,
}

/// Compiles a pattern.
pub(super) fn compile(pattern: &str, ignores_case: bool) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN {
        return Err("regular expression too big".to_string());
    }
    RegexBuilder::new(pattern).case_insensitive(ignores_case).size_limit(MAX_SIZE).build().map_err(|error| {
        let error = error.to_string();
        let words = if error.contains("group") {
            "Unmatched ( or \\("
        } else if error.contains("class") {
            "Unmatched [, [^, [:, [., or [="
        } else if error.contains("repetition") {
            "Invalid preceding regular expression"
        } else {
            "Invalid regular expression"
        };
        words.to_string()
    })
}

/// Writes a POSIX pattern in the words of the library.
pub(super) fn translate(pattern: &str, dialect: Dialect) -> String {
    let mut out = String::new();
    let mut characters = pattern.chars().peekable();
    let mut at_start = true;
    while let Some(character) = characters.next() {
        let was_at_start = std::mem::replace(&mut at_start, false);
        match (character, dialect) {
            (_, Dialect::Fixed) => escape(character, &mut out),
            ('\\', _) => match characters.next() {
                Some(special @ ('(' | ')' | '|' | '{' | '}' | '+' | '?')) if dialect == Dialect::Basic => {
                    out.push(special);
                    at_start = matches!(special, '(' | '|');
                }
                Some('x') => match bytes(&mut characters).as_str() {
                    "" => out.push('x'),
                    text => text.chars().for_each(|character| escape(character, &mut out)),
                },
                Some('<' | '>') => out.push_str(r"\b"),
                Some(class @ ('w' | 'W' | 's' | 'S' | 'b' | 'B' | 'd' | 'n' | 't')) => {
                    out.extend(['\\', class])
                }
                Some(other) => escape(other, &mut out),
                None => out.push_str(r"\\"),
            },
            ('(' | ')' | '|' | '{' | '}' | '+' | '?', Dialect::Basic) => escape(character, &mut out),
            ('*', Dialect::Basic) if was_at_start => escape('*', &mut out),
            ('^', Dialect::Basic) if !was_at_start => escape('^', &mut out),
            ('$', Dialect::Basic) if !matches!(characters.peek(), None | Some('\\')) => escape('$', &mut out),
            ('{', _) if !characters.peek().is_some_and(char::is_ascii_digit) => out.push_str(r"\{"),
            ('[', _) => {
                bracket(&mut characters, &mut out);
            }
            _ => {
                out.push(character);
                at_start = character == '^' && dialect == Dialect::Basic;
            }
        }
    }
    out
}

/// Reads what follows the `\x` of bytes, and the `\xHH` right after: `\xc2\xa0` is one character.
/// Returns an empty text where no digits follow.
pub(super) fn bytes(characters: &mut std::iter::Peekable<std::str::Chars>) -> String {
    let mut found = Vec::new();
    loop {
        let mut rest = characters.clone();
        if !found.is_empty() && (rest.next() != Some('\\') || rest.next() != Some('x')) {
            break;
        }
        let digits: String = rest.clone().take(2).take_while(char::is_ascii_hexdigit).collect();
        let Ok(byte) = u8::from_str_radix(&digits, 16) else { break };
        found.push(byte);
        rest.nth(digits.len() - 1);
        *characters = rest;
    }
    String::from_utf8(found).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

/// Copies a bracket expression, in which a backslash means itself.
fn bracket(characters: &mut std::iter::Peekable<std::str::Chars>, out: &mut String) {
    out.push('[');
    if let Some(negation) = characters.next_if_eq(&'^') {
        out.push(negation);
    }
    if characters.next_if_eq(&']').is_some() {
        out.push_str(r"\]");
    }
    while let Some(character) = characters.next() {
        match character {
            ']' => {
                out.push(']');
                return;
            }
            '[' if characters.peek() == Some(&':') => {
                out.push('[');
                for inner in characters.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '\\' | '[' | '&' | '~' => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
}

fn escape(character: char, out: &mut String) {
    if r"\.+*?()|[]{}^$".contains(character) {
        out.push('\\');
    }
    out.push(character);
}
