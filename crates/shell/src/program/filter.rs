use super::grep::Grep;
use super::options::{Given, Known};
use super::sed::Sed;
use super::simple::Ended;
use super::text;
use super::whole::Whole;
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
    Awk(super::awk::Awk),
    Cut(text::Cut),
    Tr(text::Tr),
    Uniq(text::Uniq),
    Wc(text::Wc),
    /// Reads everything, then prints it changed.
    Whole {
        text: String,
        how: Whole,
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
            Kind::Whole { text, how: Whole::Sort { .. } | Whole::Columns { .. } }
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
            Kind::Head { .. } | Kind::Whole { how: Whole::Tail { .. }, .. } => {
                format!("{program}: cannot open '{file}' for reading: {words}\n")
            }
            Kind::Sed(_) => format!("sed: can't read {file}: {words}\n"),
            Kind::Whole { how: Whole::Sort { .. }, .. } => {
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
