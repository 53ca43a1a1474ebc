use super::run::{Outcome, Script};
use super::tools::path;
use crate::cri::AppCx;
use sim::{SECOND, Time};

/// Where of a file `tail` begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// At the last so many lines or bytes.
    Last(usize),
    /// At the line or byte of that number, counted from 1.
    At(usize),
}

/// What `tail` was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked<'a> {
    begin: Begin,
    counts_bytes: bool,
    follows: bool,
    retries: bool,
    names: Vec<&'a str>,
}

/// A file that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Followed {
    name: String,
    path: String,
    /// How many bytes of it were written; `None` where it isn't there.
    read: Option<usize>,
}

/// Files whose ends are waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Follow {
    files: Vec<Followed>,
    retries: bool,
    /// Whose lines came last, where there are several.
    last: Option<usize>,
    /// When it looks next.
    pub(super) at: Time,
}

fn parse<'a>(args: &[&'a str]) -> Asked<'a> {
    let mut asked = Asked {
        begin: Begin::Last(10),
        counts_bytes: false,
        follows: false,
        retries: false,
        names: Vec::new(),
    };
    let mut rest = args.iter().copied();
    while let Some(arg) = rest.next() {
        match arg.strip_prefix("--") {
            Some("") => asked.names.extend(rest.by_ref()),
            Some("retry") => asked.retries = true,
            Some(long) => match long.split_once('=').unwrap_or((long, "")) {
                ("follow", _) => asked.follows = true,
                ("lines", value) => asked.begin = begin(value),
                ("bytes", value) => (asked.begin, asked.counts_bytes) = (begin(value), true),
                _ => {}
            },
            None if arg.len() > 1 && arg.starts_with('-') => {
                let mut letters = arg.get(1..).unwrap_or("");
                if letters.starts_with(|letter: char| letter.is_ascii_digit()) {
                    asked.begin = begin(letters.trim_end_matches('f'));
                    asked.follows |= letters.ends_with('f');
                    continue;
                }
                while let Some(letter) = letters.chars().next() {
                    letters = letters.get(letter.len_utf8()..).unwrap_or("");
                    match letter {
                        'f' => asked.follows = true,
                        'F' => (asked.follows, asked.retries) = (true, true),
                        'n' | 'c' | 's' => {
                            let value = if letters.is_empty() { rest.next().unwrap_or("") } else { letters };
                            if letter != 's' {
                                (asked.begin, asked.counts_bytes) = (begin(value), letter == 'c');
                            }
                            break;
                        }
                        _ => {}
                    }
                }
            }
            None => asked.names.push(arg),
        }
    }
    asked
}

fn begin(value: &str) -> Begin {
    match value.strip_prefix('+') {
        Some(number) => Begin::At(number.parse().unwrap_or(1)),
        None => Begin::Last(value.trim_start_matches('-').parse().unwrap_or(10)),
    }
}

impl Asked<'_> {
    /// Returns the part of a text that is wanted.
    fn part<'t>(&self, text: &'t str) -> &'t str {
        let mut from = match (self.begin, self.counts_bytes) {
            (Begin::Last(count), true) => text.len().saturating_sub(count),
            (Begin::At(number), true) => number.saturating_sub(1).min(text.len()),
            (Begin::Last(0), false) => text.len(),
            (Begin::Last(count), false) => {
                let body = text.strip_suffix('\n').unwrap_or(text);
                body.rmatch_indices('\n').nth(count - 1).map_or(0, |(at, _)| at + 1)
            }
            (Begin::At(0 | 1), false) => 0,
            (Begin::At(number), false) => {
                text.match_indices('\n').nth(number - 2).map_or(text.len(), |(at, _)| at + 1)
            }
        };
        while !text.is_char_boundary(from) {
            from += 1;
        }
        text.get(from..).unwrap_or("")
    }
}

/// `tail`
// Models busybox's coreutils/tail.c and GNU's src/tail.c
pub(crate) fn tail(script: &mut Script, cx: &mut AppCx, i: usize, args: &[&str]) -> Outcome {
    let asked = parse(args);
    if asked.names.is_empty() {
        let input = script.take_input(i);
        if let Some(text) = &input {
            script.write_strand(cx, i, asked.part(text), false);
        }
        return if asked.follows && input.is_none() { Outcome::ForEver } else { Outcome::Done(0) };
    }
    let mut follow = Follow { files: Vec::new(), retries: asked.retries, last: None, at: cx.now + SECOND };
    let mut code = 0;
    for name in &asked.names {
        let path = path(script, name);
        let text = if path == "/dev/null" { Some("".into()) } else { cx.files.read(&path) };
        match &text {
            Some(text) => {
                if asked.names.len() > 1 {
                    let blank = if follow.last.is_some() { "\n" } else { "" };
                    script.write_strand(cx, i, &format!("{blank}==> {name} <==\n"), false);
                }
                script.write_strand(cx, i, asked.part(text), false);
                follow.last = Some(follow.files.len());
            }
            None => {
                code = 1;
                let words = match script.image().is_busybox() {
                    true => format!("tail: can't open '{name}': No such file or directory\n"),
                    false => format!("tail: cannot open '{name}' for reading: No such file or directory\n"),
                };
                script.write_strand(cx, i, &words, true);
            }
        }
        if text.is_some() || asked.retries {
            let read = text.map(|text| text.len());
            follow.files.push(Followed { name: (*name).to_string(), path, read });
        }
    }
    match (asked.follows, follow.files.as_slice()) {
        (false, _) => Outcome::Done(code),
        (true, []) => {
            let words = if script.image().is_busybox() { "no files" } else { "no files remaining" };
            script.write_strand(cx, i, &format!("tail: {words}\n"), true);
            Outcome::Done(1)
        }
        // What can't grow isn't looked at again.
        (true, files) if files.iter().all(|file| file.path == "/dev/null") => Outcome::ForEver,
        (true, _) => Outcome::Follow(follow),
    }
}

impl Follow {
    /// Writes what has come since it looked last.
    pub(super) fn look(&mut self, script: &mut Script, cx: &mut AppCx, i: usize) {
        let is_small = script.image().is_busybox();
        let several = self.files.len() > 1;
        for (n, file) in self.files.iter_mut().enumerate() {
            let Some(text) = cx.files.read(&file.path) else {
                if self.retries && file.read.take().is_some() {
                    let name = &file.name;
                    let words = match is_small {
                        true => format!("tail: {name} has become inaccessible: No such file or directory\n"),
                        false => {
                            format!("tail: '{name}' has become inaccessible: No such file or directory\n")
                        }
                    };
                    script.write_strand(cx, i, &words, true);
                }
                continue;
            };
            let name = &file.name;
            let words = match (file.read, is_small) {
                (None, true) => format!("tail: {name} has appeared; following end of new file\n"),
                (None, false) => format!("tail: '{name}' has appeared;  following new file\n"),
                (Some(read), false) if text.len() < read => format!("tail: {name}: file truncated\n"),
                (Some(_), _) => String::new(),
            };
            script.write_strand(cx, i, &words, true);
            let from = file.read.filter(|read| *read <= text.len()).unwrap_or(0);
            file.read = Some(text.len());
            let Some(more) = text.get(from..).filter(|more| !more.is_empty()) else { continue };
            if several && self.last != Some(n) {
                script.write_strand(cx, i, &format!("\n==> {name} <==\n"), false);
            }
            self.last = Some(n);
            script.write_strand(cx, i, more, false);
        }
        self.at = cx.now + SECOND;
    }
}
