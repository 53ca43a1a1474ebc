use super::grep::Grep;
use super::options::{Given, Known};
use super::sed::Sed;
use super::simple::Ended;
use super::text;
use super::{Io, Program, Progress};
use crate::job::{Pipe, Read};
use std::collections::VecDeque;

/// How many lines are gone through in one step.
const LINES: u32 = 500;
/// How many bytes are kept of what must be read to the end.
const MOST: usize = 8 << 20;

/// A program that reads files or its input, line by line.
#[derive(Clone, Debug)]
pub(crate) struct Filtering {
    name: &'static str,
    files: VecDeque<String>,
    /// The file that is being read: its name and what is left of it; without the latter, the input.
    open: Option<(String, Option<Pipe>)>,
    kind: Kind,
    failed: bool,
}

/// What is done with the lines.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Cat {
        numbers: Option<u64>,
        only_filled: bool,
    },
    Head {
        lines: i64,
        bytes: Option<usize>,
        left: i64,
        headers: bool,
    },
    Grep(Box<Grep>),
    Sed(Box<Sed>),
    Tee {
        paths: Vec<String>,
        texts: Vec<String>,
    },
    Awk(text::Awk),
    Cut(text::Cut),
    Tr(text::Tr),
    Uniq(text::Uniq),
    Wc(text::Wc),
    /// Reads everything, then prints it changed.
    Whole {
        text: String,
        how: text::Whole,
    },
    Rev,
}

impl Filtering {
    /// Makes a program that reads these files, or its input where there are none.
    pub(super) fn program(name: &'static str, files: Vec<String>, kind: Kind) -> Program {
        let files = if files.is_empty() { vec!["-".to_string()] } else { files };
        Program::Filter(Box::new(Filtering { name, files: files.into(), open: None, kind, failed: false }))
    }

    /// Goes on.
    pub fn step(&mut self, io: &mut Io) -> Progress {
        let mut out = String::new();
        for _ in 0..LINES {
            let Some((name, file)) = &mut self.open else {
                if !self.open_next(io, &mut out) {
                    io.out(&out);
                    return self.end(io);
                }
                continue;
            };
            let line = match file {
                Some(pipe) => pipe.line(),
                None => io.line(),
            };
            match line {
                Read::Text(line) => {
                    if !self.kind.line(name, &line, &mut out, io) {
                        io.out(&out);
                        self.files.clear();
                        self.open = None;
                        return self.end(io);
                    }
                }
                Read::End => {
                    let name = std::mem::take(name);
                    self.kind.file_end(&name, &mut out);
                    self.open = None;
                }
                Read::Wait => {
                    io.out(&out);
                    return io.wait();
                }
            }
        }
        io.out(&out);
        Progress::More
    }

    /// Opens the next file. Returns whether there was one left.
    fn open_next(&mut self, io: &mut Io, out: &mut String) -> bool {
        let Some(name) = self.files.pop_front() else { return false };
        if name == "-" || name == "/dev/stdin" {
            self.open = Some((name, None));
            return true;
        }
        match io.read(&name) {
            Ok(text) => {
                self.kind.file_start(&name, out);
                self.open = Some((name, Some(Pipe::of(&text))));
            }
            Err(error) => {
                io.out(&std::mem::take(out));
                let message = self.kind.cannot_open(self.name, &name, error.words());
                io.err(&message);
                self.failed = true;
            }
        }
        true
    }

    fn end(&mut self, io: &mut Io) -> Progress {
        let mut out = String::new();
        let status = self.kind.end(&mut out, io);
        io.out(&out);
        Progress::Done(if self.failed { self.kind.failure() } else { status })
    }
}

impl Kind {
    /// Takes a line, which has its end unless it is a file's last without one. Returns whether more is wanted.
    fn line(&mut self, file: &str, line: &str, out: &mut String, io: &mut Io) -> bool {
        match self {
            Kind::Cat { numbers: None, .. } => out.push_str(line),
            Kind::Cat { numbers: Some(number), only_filled } => {
                if !*only_filled || line != "\n" {
                    *number += 1;
                    out.push_str(&format!("{number:6}\t"));
                }
                out.push_str(line);
            }
            Kind::Head { bytes: Some(bytes), .. } => {
                let part = crate::text::cut(line, *bytes);
                out.push_str(part);
                *bytes -= part.len();
                return *bytes > 0;
            }
            Kind::Head { left, headers, .. } => {
                if *left > 0 {
                    out.push_str(line);
                    *left -= 1;
                }
                return *left > 0 || *headers;
            }
            Kind::Grep(grep) => return grep.line(file, line, out),
            Kind::Sed(sed) => return sed.line(line, out),
            Kind::Tee { paths, texts } => {
                out.push_str(line);
                for (path, text) in paths.iter().zip(texts) {
                    if text.len() + line.len() <= MOST {
                        text.push_str(line);
                    }
                    let _ = io.host.write_file(&io.state.place, path, text);
                }
            }
            Kind::Awk(awk) => awk.line(line, out),
            Kind::Cut(cut) => cut.line(line, out),
            Kind::Tr(tr) => tr.line(line, out),
            Kind::Uniq(uniq) => uniq.line(line, out),
            Kind::Wc(wc) => wc.line(line),
            Kind::Whole { text, .. } => {
                if text.len() + line.len() <= MOST {
                    text.push_str(line);
                }
            }
            Kind::Rev => {
                let end = if line.ends_with('\n') { "\n" } else { "" };
                out.extend(line.trim_end_matches('\n').chars().rev());
                out.push_str(end);
            }
        }
        true
    }

    fn file_start(&mut self, name: &str, out: &mut String) {
        match self {
            Kind::Head { lines, left, headers, .. } => {
                if *headers {
                    let blank = if *left == i64::MIN { "" } else { "\n" };
                    out.push_str(&format!("{blank}==> {name} <==\n"));
                }
                *left = *lines;
            }
            Kind::Sed(sed) => sed.file_start(name),
            _ => {}
        }
    }

    fn file_end(&mut self, name: &str, out: &mut String) {
        match self {
            Kind::Grep(grep) => grep.file_end(name, out),
            Kind::Wc(wc) => wc.file_end(name),
            Kind::Whole { text, how: text::Whole::Sort { .. } | text::Whole::Columns { .. } }
                if !text.is_empty() && !text.ends_with('\n') =>
            {
                text.push('\n');
            }
            _ => {}
        }
    }

    fn end(&mut self, out: &mut String, io: &mut Io) -> i32 {
        match self {
            Kind::Grep(grep) => return grep.status(),
            Kind::Sed(sed) => return sed.end(out, io),
            Kind::Uniq(uniq) => uniq.end(out),
            Kind::Wc(wc) => wc.end(out),
            Kind::Whole { text, how } => how.print(text, out),
            Kind::Tee { paths, texts } => {
                for (path, text) in paths.iter().zip(texts) {
                    if let Err(error) = io.host.write_file(&io.state.place, path, text) {
                        io.err(&format!("tee: {path}: {}\n", error.words()));
                    }
                }
            }
            _ => {}
        }
        0
    }

    fn failure(&self) -> i32 {
        if matches!(self, Kind::Grep(_) | Kind::Sed(_)) { 2 } else { 1 }
    }

    fn cannot_open(&self, program: &str, file: &str, words: &str) -> String {
        match self {
            Kind::Head { .. } | Kind::Whole { how: text::Whole::Tail { .. }, .. } => {
                format!("{program}: cannot open '{file}' for reading: {words}\n")
            }
            Kind::Sed(_) => format!("sed: can't read {file}: {words}\n"),
            Kind::Whole { how: text::Whole::Sort { .. }, .. } => {
                format!("sort: cannot read: {file}: {words}\n")
            }
            _ => format!("{program}: {file}: {words}\n"),
        }
    }
}

/// Reads flags; what is wrong with them becomes a program that says so.
pub(super) fn flags(known: &Known, argv: &[String]) -> Result<Given, Program> {
    let words = argv.get(1..).unwrap_or_default();
    known.read(words).map_err(|error| Ended::failed(&error, known.code))
}

macro_rules! given {
    ($known:expr, $argv:expr) => {
        match super::filter::flags(&$known, $argv) {
            Ok(given) => given,
            Err(program) => return program,
        }
    };
}
pub(super) use given;

const fn known(name: &'static str, plain: &'static str, valued: &'static str) -> Known {
    Known { name, plain, valued, long: &[], code: 1 }
}

/// `cat`
pub(super) fn cat(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(known("cat", "nbvetAEuTsRS", ""), argv);
    let numbers = (given.has('n') || given.has('b')).then_some(0);
    let only_filled = given.has('b');
    Filtering::program("cat", given.args, Kind::Cat { numbers, only_filled })
}

impl Given {
    /// Returns how many lines `head` and `tail` are to print: `-n 5`, `-5`.
    fn count(&self) -> Result<(i64, bool), String> {
        let text = self.value('n').unwrap_or("10");
        let from_start = text.starts_with('+');
        let number = text.trim_start_matches('+').parse();
        number
            .map(|number: i64| (number, from_start))
            .map_err(|_| format!("invalid number of lines: '{text}'"))
    }
}

/// Turns `-5` into `-n 5`.
fn with_count(argv: &[String]) -> Vec<String> {
    let is_count = |word: &str| {
        word.strip_prefix('-')
            .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut words: Vec<String> = Vec::new();
    for word in argv {
        let after_flag = words.last().is_some_and(|last| last == "-n" || last == "-c");
        if is_count(word) && !after_flag {
            words.push("-n".to_string());
            words.push(word.get(1..).unwrap_or("").to_string());
        } else {
            words.push(word.clone());
        }
    }
    words
}

const ENDS: Known = Known {
    name: "head",
    plain: "qvf",
    valued: "nc",
    long: &[("lines", 'n'), ("bytes", 'c'), ("follow", 'f')],
    code: 1,
};

/// `head`
pub(super) fn head(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(ENDS, &with_count(argv));
    let lines = match given.count() {
        Ok((lines, _)) => lines,
        Err(error) => return Ended::failed(&format!("head: {error}"), 1),
    };
    if lines < 0 {
        let how = text::Whole::AllBut { lines: lines.unsigned_abs() as usize };
        return Filtering::program("head", given.args, Kind::Whole { text: String::new(), how });
    }
    let bytes = given.value('c').and_then(|bytes| bytes.parse().ok());
    let headers = given.args.len() > 1;
    let left = if headers { i64::MIN } else { lines };
    if lines == 0 && !headers {
        return Ended::printed("");
    }
    Filtering::program("head", given.args, Kind::Head { lines, bytes, left, headers })
}

/// `tail`
pub(super) fn tail(argv: &[String], io: &mut Io) -> Program {
    let given = given!(Known { name: "tail", plain: "qvfF", ..ENDS }, &with_count(argv));
    let (lines, from_start) = match given.count() {
        Ok(count) => count,
        Err(error) => return Ended::failed(&format!("tail: {error}"), 1),
    };
    let lines = usize::try_from(lines.abs()).unwrap_or(usize::MAX);
    if (given.has('f') || given.has('F')) && given.args.len() == 1 {
        return super::waiting::Follow::program(io, given.args, lines);
    }
    let how = text::Whole::Tail { lines, from_start };
    Filtering::program("tail", given.args, Kind::Whole { text: String::new(), how })
}

/// `tee`
pub(super) fn tee(argv: &[String], io: &mut Io) -> Program {
    let given = given!(known("tee", "ai", ""), argv);
    let paths: Vec<String> = given.args.iter().map(|name| io.path(name)).collect();
    let old = |path: &String, io: &mut Io| io.host.read_file(&io.state.place, path).unwrap_or_default();
    let texts = paths.iter().map(|path| if given.has('a') { old(path, io) } else { String::new() }).collect();
    Filtering::program("tee", Vec::new(), Kind::Tee { paths, texts })
}

/// `rev`
pub(super) fn rev(argv: &[String], _io: &mut Io) -> Program {
    Filtering::program("rev", argv.get(1..).unwrap_or_default().to_vec(), Kind::Rev)
}

/// `tac`
pub(super) fn tac(argv: &[String], _io: &mut Io) -> Program {
    let files = argv.get(1..).unwrap_or_default().to_vec();
    Filtering::program("tac", files, Kind::Whole { text: String::new(), how: text::Whole::Tac })
}

/// `nl`
pub(super) fn nl(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(known("nl", "", "bw"), argv);
    Filtering::program("nl", given.args, Kind::Cat { numbers: Some(0), only_filled: true })
}

/// `wc`
pub(super) fn wc(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(
        Known {
            name: "wc",
            plain: "lwcm",
            valued: "",
            long: &[("lines", 'l'), ("words", 'w'), ("bytes", 'c')],
            code: 1
        },
        argv
    );
    let all = !"lwcm".chars().any(|flag| given.has(flag));
    let wc = text::Wc::new(
        all || given.has('l'),
        all || given.has('w'),
        all || given.has('c'),
        given.has('m'),
        given.args.len(),
    );
    Filtering::program("wc", given.args, Kind::Wc(wc))
}

/// `sort`
pub(super) fn sort(argv: &[String], _io: &mut Io) -> Program {
    let long =
        &[("reverse", 'r'), ("unique", 'u'), ("numeric-sort", 'n'), ("key", 'k'), ("field-separator", 't')];
    let given = given!(Known { name: "sort", plain: "rnufhVbs", valued: "kt", long, code: 2 }, argv);
    let key = given.value('k').unwrap_or("");
    let field =
        key.split([',', '.']).next().unwrap_or("").trim_end_matches(char::is_alphabetic).parse().unwrap_or(0);
    let how = text::Whole::Sort {
        reverse: given.has('r') || key.contains('r'),
        numeric: given.has('n') || given.has('h') || given.has('V') || key.contains('n'),
        unique: given.has('u'),
        fold: given.has('f'),
        field,
        separator: given.value('t').and_then(|text| text.chars().next()),
    };
    Filtering::program("sort", given.args, Kind::Whole { text: String::new(), how })
}

/// `uniq`
pub(super) fn uniq(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(known("uniq", "cdui", ""), argv);
    let uniq = text::Uniq::new(given.has('c'), given.has('d'), given.has('u'), given.has('i'));
    Filtering::program("uniq", given.args, Kind::Uniq(uniq))
}

/// `cut`
pub(super) fn cut(argv: &[String], _io: &mut Io) -> Program {
    let long = &[("delimiter", 'd'), ("fields", 'f'), ("characters", 'c'), ("output-delimiter", 'o')];
    let given = given!(Known { name: "cut", plain: "s", valued: "dfcbo", long, code: 1 }, argv);
    match text::Cut::new(
        given.value('f'),
        given.value('c').or(given.value('b')),
        given.value('d'),
        given.has('s'),
    ) {
        Ok(cut) => Filtering::program("cut", given.args, Kind::Cut(cut)),
        Err(error) => Ended::failed(&format!("cut: {error}\nTry 'cut --help' for more information."), 1),
    }
}

/// `tr`
pub(super) fn tr(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(known("tr", "dsc", ""), argv);
    match text::Tr::new(&given.args, given.has('d'), given.has('s'), given.has('c')) {
        Ok(tr) => Filtering::program("tr", Vec::new(), Kind::Tr(tr)),
        Err(error) => Ended::failed(&format!("tr: {error}\nTry 'tr --help' for more information."), 1),
    }
}

/// `awk`
pub(super) fn awk(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(known("awk", "", "Fv"), argv);
    let Some((program, files)) = given.args.split_first() else {
        return Ended::failed("usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]", 2);
    };
    match text::Awk::new(program, given.value('F')) {
        Ok(awk) => Filtering::program("awk", files.to_vec(), Kind::Awk(awk)),
        Err(error) => Ended::failed(&error, 2),
    }
}

/// `column -t`
pub(super) fn column(argv: &[String], _io: &mut Io) -> Program {
    let given = given!(known("column", "tx", "s"), argv);
    let separator = given.value('s').and_then(|text| text.chars().next());
    let how = text::Whole::Columns { separator };
    Filtering::program("column", given.args, Kind::Whole { text: String::new(), how })
}
