//! What the small programs for text do with lines.

use std::cmp::Ordering;

/// How many columns or fields are told apart.
const MAX_FIELD: usize = 10_000;

fn split_end(line: &str) -> (&str, &str) {
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

/// `awk '/TEXT/ {print $1, "x" $NF}'`: patterns of text or a comparison, and `print` alone.
#[derive(Clone, Debug)]
pub(crate) struct Awk {
    separator: Option<String>,
    condition: Option<Condition>,
    /// What is printed; with nothing, the whole line. Each has whether a blank stands before it.
    prints: Vec<(bool, Term)>,
    number: u64,
}

#[derive(Clone, Debug)]
enum Condition {
    Contains(regex_lite::Regex, bool),
    Compares(Term, String, Term),
}

#[derive(Clone, Debug)]
enum Term {
    Text(String),
    Field(usize),
    LastField(usize),
    Number,
    Fields,
}

impl Awk {
    pub fn new(program: &str, separator: Option<&str>) -> Result<Awk, String> {
        let ours = || {
            format!(
                "awk: {program}\n# kubarium: of awk there is only '{{print $1, $NF}}', with /TEXT/ or NR>1 or $2==\"x\" before it"
            )
        };
        let program = program.trim();
        let (condition, body) = match program.find('{') {
            Some(at) if program.ends_with('}') => {
                (program.get(..at).unwrap_or(""), program.get(at + 1..program.len() - 1).unwrap_or(""))
            }
            Some(_) => return Err(ours()),
            None => (program, "print"),
        };
        let condition = condition.trim();
        let condition = if condition.is_empty() {
            None
        } else if let Some(pattern) =
            condition.trim_start_matches('!').strip_prefix('/').and_then(|p| p.strip_suffix('/'))
        {
            let regex = regex_lite::Regex::new(pattern).map_err(|_| ours())?;
            Some(Condition::Contains(regex, !condition.starts_with('!')))
        } else {
            Some(comparison(condition).ok_or_else(ours)?)
        };
        let body = body.trim().trim_end_matches(';').trim();
        let Some(list) = body.strip_prefix("print") else { return Err(ours()) };
        let prints = terms(list).ok_or_else(ours)?;
        let separator = separator.map(|text| if text == "\\t" { "\t".to_string() } else { text.to_string() });
        Ok(Awk { separator, condition, prints, number: 0 })
    }

    pub fn line(&mut self, line: &str, out: &mut String) {
        let (text, _) = split_end(line);
        self.number += 1;
        let fields: Vec<&str> = match &self.separator {
            Some(separator) if separator != " " => text.split(separator.as_str()).collect(),
            _ => text.split_whitespace().collect(),
        };
        let value = |term: &Term| match term {
            Term::Text(text) => text.clone(),
            Term::Field(0) => text.to_string(),
            Term::Field(number) => fields.get(number - 1).map_or(String::new(), |field| (*field).to_string()),
            Term::LastField(back) => fields
                .len()
                .checked_sub(1 + back)
                .and_then(|at| fields.get(at))
                .map_or(String::new(), |f| (*f).to_string()),
            Term::Number => self.number.to_string(),
            Term::Fields => fields.len().to_string(),
        };
        let fits = match &self.condition {
            None => true,
            Some(Condition::Contains(regex, wanted)) => regex.is_match(text) == *wanted,
            Some(Condition::Compares(left, operator, right)) => {
                compares(&value(left), operator, &value(right))
            }
        };
        if !fits {
            return;
        }
        if self.prints.is_empty() {
            out.push_str(text);
        }
        for (i, (blank, term)) in self.prints.iter().enumerate() {
            if *blank && i > 0 {
                out.push(' ');
            }
            out.push_str(&value(term));
        }
        out.push('\n');
    }
}

fn compares(left: &str, operator: &str, right: &str) -> bool {
    let order = match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
        _ => left.cmp(right),
    };
    match operator {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        ">" => order.is_gt(),
        "<" => order.is_lt(),
        ">=" => order.is_ge(),
        _ => order.is_le(),
    }
}

fn comparison(text: &str) -> Option<Condition> {
    let operator = ["==", "!=", ">=", "<=", ">", "<"].into_iter().find(|operator| text.contains(operator))?;
    let (left, right) = text.split_once(operator)?;
    let one = |text: &str| match terms(text)?.as_slice() {
        [(_, term)] => Some(term.clone()),
        _ => None,
    };
    Some(Condition::Compares(one(left)?, operator.to_string(), one(right)?))
}

fn terms(list: &str) -> Option<Vec<(bool, Term)>> {
    let mut terms = Vec::new();
    let mut blank = false;
    let mut rest = list.trim();
    while let Some(first) = rest.chars().next() {
        let length;
        if first == ',' {
            blank = true;
            rest = rest.get(1..)?.trim_start();
            continue;
        } else if first == '"' {
            let end = rest.get(1..)?.find('"')? + 1;
            terms.push((blank, Term::Text(crate::text::unescape(rest.get(1..end)?))));
            length = end + 1;
        } else {
            length = rest.find([',', '"', ' ', '\t']).unwrap_or(rest.len());
            let word = rest.get(..length)?;
            let term = match word {
                "NR" => Term::Number,
                "NF" => Term::Fields,
                "$NF" => Term::LastField(0),
                _ => match (
                    word.strip_prefix('$'),
                    word.strip_prefix("$(NF-").and_then(|w| w.strip_suffix(')')),
                ) {
                    (_, Some(back)) => Term::LastField(back.parse().ok()?),
                    (Some(number), _) => Term::Field(number.parse().ok()?),
                    (None, _) => Term::Text(word.parse::<f64>().ok().map(|_| word.to_string())?),
                },
            };
            terms.push((blank, term));
        }
        blank = false;
        rest = rest.get(length..)?.trim_start();
    }
    Some(terms)
}

/// What is done with a whole text.
#[derive(Clone, Debug)]
pub(crate) enum Whole {
    Tail { lines: usize, from_start: bool },
    AllBut { lines: usize },
    Tac,
    Sort { reverse: bool, numeric: bool, unique: bool, fold: bool, field: usize, separator: Option<char> },
    Columns { separator: Option<char> },
    Base64 { decodes: bool, width: usize },
}

impl Whole {
    pub fn print(&self, text: &str, out: &mut String) {
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        match self {
            Whole::Tail { lines: count, from_start: true } => {
                out.extend(lines.into_iter().skip(count.saturating_sub(1)));
            }
            Whole::Tail { lines: count, .. } => {
                let skipped = lines.len().saturating_sub(*count);
                out.extend(lines.into_iter().skip(skipped));
            }
            Whole::AllBut { lines: count } => {
                let kept = lines.len().saturating_sub(*count);
                out.extend(lines.into_iter().take(kept));
            }
            Whole::Tac => out.extend(lines.into_iter().rev()),
            Whole::Sort { reverse, numeric, unique, fold, field, separator } => {
                let key = |line: &str| -> String {
                    let line = line.trim_end_matches('\n');
                    let key = match (field, separator) {
                        (0, _) => line,
                        (field, Some(separator)) => line.split(*separator).nth(field - 1).unwrap_or(""),
                        (field, None) => line.split_whitespace().nth(field - 1).unwrap_or(""),
                    };
                    if *fold { key.to_lowercase() } else { key.to_string() }
                };
                let order = |a: &str, b: &str| {
                    let (left, right) = (key(a), key(b));
                    let by_key = if *numeric {
                        leading_number(&left).total_cmp(&leading_number(&right))
                    } else {
                        left.cmp(&right)
                    };
                    if *reverse { by_key.reverse() } else { by_key }
                };
                let last = |a: &str, b: &str| if *reverse { b.cmp(a) } else { a.cmp(b) };
                lines.sort_by(|a, b| {
                    order(a, b).then_with(|| if *unique { Ordering::Equal } else { last(a, b) })
                });
                if *unique {
                    lines.dedup_by(|a, b| order(a, b).is_eq());
                }
                out.extend(lines);
            }
            Whole::Columns { separator } => columns(&lines, *separator, out),
            Whole::Base64 { decodes: true, .. } => match api::number::from_base64(text) {
                Some(bytes) => out.push_str(&String::from_utf8_lossy(&bytes)),
                None => out.push_str("base64: invalid input\n"),
            },
            Whole::Base64 { width, .. } => {
                let encoded: Vec<char> = api::number::to_base64(text.as_bytes()).chars().collect();
                if *width == 0 {
                    out.extend(&encoded);
                } else {
                    for line in encoded.chunks(*width) {
                        out.extend(line);
                        out.push('\n');
                    }
                }
            }
        }
    }
}

fn leading_number(text: &str) -> f64 {
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || *at == 0 && *c == '-'))
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).and_then(|number| number.parse().ok()).unwrap_or(0.0)
}

fn columns(lines: &[&str], separator: Option<char>, out: &mut String) {
    let split = |line: &str| -> Vec<String> {
        let line = line.trim_end_matches('\n');
        match separator {
            Some(separator) => line.split(separator).map(str::to_string).collect(),
            None => line.split_whitespace().map(str::to_string).collect(),
        }
    };
    let rows: Vec<Vec<String>> = lines.iter().map(|line| split(line)).collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        for (i, cell) in row.iter().enumerate() {
            if i >= widths.len() {
                widths.push(0);
            }
            if let Some(width) = widths.get_mut(i) {
                *width = (*width).max(cell.chars().count());
            }
        }
    }
    for row in rows {
        let last = row.len().saturating_sub(1);
        for (i, cell) in row.iter().enumerate() {
            let width = if i < last { widths.get(i).copied().unwrap_or(0) + 2 } else { 0 };
            out.push_str(&format!("{cell:width$}"));
        }
        out.push('\n');
    }
}
