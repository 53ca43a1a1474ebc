//! What the small programs for text do with lines.

/// How many columns or fields are told apart.
const MAX_FIELD: usize = 10_000;

pub(super) fn split_end(line: &str) -> (&str, &str) {
    line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"))
}

/// `wc`
#[derive(Clone, Debug)]
pub(crate) struct Wc {
    shows: [bool; 4],
    now: [u64; 4],
    rows: Vec<([u64; 4], String)>,
    files: usize,
}

impl Wc {
    pub fn new(lines: bool, words: bool, bytes: bool, characters: bool, files: usize) -> Wc {
        Wc { shows: [lines, words, characters, bytes], now: [0; 4], rows: Vec::new(), files }
    }

    pub fn line(&mut self, line: &str) {
        let words = line.split_whitespace().count() as u64;
        let counts = [u64::from(line.ends_with('\n')), words, line.chars().count() as u64, line.len() as u64];
        for (now, count) in self.now.iter_mut().zip(counts) {
            *now += count;
        }
    }

    pub fn file_end(&mut self, name: &str) {
        self.rows.push((std::mem::take(&mut self.now), name.to_string()));
    }

    pub fn end(&mut self, out: &mut String) {
        let mut total = [0; 4];
        for (counts, _) in &self.rows {
            for (total, count) in total.iter_mut().zip(counts) {
                *total += count;
            }
        }
        if self.files > 1 {
            self.rows.push((total, "total".to_string()));
        }
        // Columns are as wide as the files' sizes ask for, which of a pipe nobody knows beforehand.
        let alone = self.shows.iter().filter(|shown| **shown).count() == 1 && self.rows.len() <= 1;
        let from_pipe = self.rows.iter().any(|(_, name)| name == "-");
        let size = total.last().copied().unwrap_or(0).to_string().len();
        let width = if alone {
            1
        } else if from_pipe {
            7
        } else {
            size
        };
        for (counts, name) in &self.rows {
            let shown = counts.iter().zip(self.shows).filter(|(_, shown)| *shown);
            let numbers: Vec<String> = shown.map(|(count, _)| format!("{count:width$}")).collect();
            out.push_str(&numbers.join(" "));
            if name != "-" {
                out.push(' ');
                out.push_str(name);
            }
            out.push('\n');
        }
    }
}

/// `uniq`
#[derive(Clone, Debug)]
pub(crate) struct Uniq {
    counts: bool,
    only_repeated: bool,
    only_single: bool,
    folds: bool,
    last: Option<(String, u64)>,
}

impl Uniq {
    pub fn new(counts: bool, only_repeated: bool, only_single: bool, folds: bool) -> Uniq {
        Uniq { counts, only_repeated, only_single, folds, last: None }
    }

    pub fn line(&mut self, line: &str, out: &mut String) {
        let (text, _) = split_end(line);
        let same = |last: &str| if self.folds { last.eq_ignore_ascii_case(text) } else { last == text };
        match &mut self.last {
            Some((last, count)) if same(last) => *count += 1,
            _ => {
                self.end(out);
                self.last = Some((text.to_string(), 1));
            }
        }
    }

    pub fn end(&mut self, out: &mut String) {
        let Some((text, count)) = self.last.take() else { return };
        if self.only_repeated && count < 2 || self.only_single && count > 1 {
            return;
        }
        if self.counts {
            out.push_str(&format!("{count:7} "));
        }
        out.push_str(&text);
        out.push('\n');
    }
}

/// `cut`
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    ranges: Vec<(usize, usize)>,
    by_field: bool,
    delimiter: char,
    only_delimited: bool,
}

impl Cut {
    pub fn new(
        fields: Option<&str>,
        characters: Option<&str>,
        delimiter: Option<&str>,
        only_delimited: bool,
    ) -> Result<Cut, String> {
        let Some(list) = fields.or(characters) else {
            return Err("you must specify a list of bytes, characters, or fields".to_string());
        };
        let mut delimiters = delimiter.unwrap_or("\t").chars();
        let delimiter = match (delimiters.next(), delimiters.next()) {
            (Some(delimiter), None) => delimiter,
            _ => return Err("the delimiter must be a single character".to_string()),
        };
        let what = if fields.is_some() { "field" } else { "byte/character position" };
        let mut ranges = Vec::new();
        for part in list.split(',').take(MAX_FIELD) {
            let number =
                |text: &str, default: usize| if text.is_empty() { Ok(default) } else { text.parse() };
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            match (number(from, 1), number(to, usize::MAX)) {
                (Ok(0), _) => return Err(format!("{what}s are numbered from 1")),
                (Ok(from), Ok(to)) if !part.is_empty() && part != "-" => ranges.push((from, to)),
                _ => return Err(format!("invalid {what} value '{part}'")),
            }
        }
        Ok(Cut { ranges, by_field: fields.is_some(), delimiter, only_delimited })
    }

    fn wants(&self, number: usize) -> bool {
        self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&number))
    }

    pub fn line(&self, line: &str, out: &mut String) {
        let (text, _) = split_end(line);
        if !self.by_field {
            out.extend(
                text.chars().enumerate().filter(|(i, _)| self.wants(i + 1)).map(|(_, character)| character),
            );
        } else if !text.contains(self.delimiter) {
            if self.only_delimited {
                return;
            }
            out.push_str(text);
        } else {
            let fields = text.split(self.delimiter).enumerate().filter(|(i, _)| self.wants(i + 1));
            let fields: Vec<&str> = fields.map(|(_, field)| field).collect();
            out.push_str(&fields.join(&self.delimiter.to_string()));
        }
        out.push('\n');
    }
}

/// `tr`
#[derive(Clone, Debug)]
pub(crate) struct Tr {
    from: Vec<char>,
    to: Vec<char>,
    deletes: bool,
    squeezes: bool,
    complement: bool,
    last: Option<char>,
}

impl Tr {
    pub fn new(args: &[String], deletes: bool, squeezes: bool, complement: bool) -> Result<Tr, String> {
        let set = |i: usize| args.get(i).map(|text| character_set(text)).unwrap_or_default();
        if args.is_empty() {
            return Err("missing operand".to_string());
        }
        if args.len() == 1 && !deletes && !squeezes {
            return Err(format!("missing operand after '{}'", args.concat()));
        }
        Ok(Tr { from: set(0), to: set(1), deletes, squeezes, complement, last: None })
    }

    pub fn line(&mut self, line: &str, out: &mut String) {
        for character in line.chars() {
            let found = self.from.iter().position(|own| *own == character);
            let fits = found.is_some() != self.complement;
            if fits && self.deletes {
                continue;
            }
            let at = if self.complement { usize::MAX } else { found.unwrap_or(0) };
            let changed = match self.to.get(at).or(self.to.last()) {
                Some(changed) if fits => *changed,
                _ => character,
            };
            let squeezed =
                self.squeezes && (fits || self.to.contains(&changed)) && self.last == Some(changed);
            self.last = fits.then_some(changed);
            if !squeezed {
                out.push(changed);
            }
        }
    }
}

/// Returns the characters of a set: `a-z`, `[:upper:]`, `\n`.
fn character_set(text: &str) -> Vec<char> {
    let classes = [
        ("[:upper:]", "A-Z"),
        ("[:lower:]", "a-z"),
        ("[:digit:]", "0-9"),
        ("[:alpha:]", "A-Za-z"),
        ("[:alnum:]", "A-Za-z0-9"),
        ("[:space:]", " \\t\\n\\r\\f\\v"),
        ("[:blank:]", " \\t"),
        ("[:punct:]", "!-/:-@[-`{-~"),
    ];
    let mut text = text.to_string();
    for (class, range) in classes {
        text = text.replace(class, range);
    }
    let characters: Vec<char> = crate::text::unescape(&text).chars().collect();
    let mut set = Vec::new();
    let mut at = 0;
    while let Some(from) = characters.get(at) {
        match (characters.get(at + 1), characters.get(at + 2)) {
            (Some('-'), Some(to)) if to >= from => {
                set.extend((*from..=*to).take(MAX_FIELD));
                at += 3;
            }
            _ => {
                set.push(*from);
                at += 1;
            }
        }
    }
    set
}
