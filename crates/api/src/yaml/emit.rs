use super::MAX_DEPTH;
use super::scalar::{Style, escape, is_break, is_printable, style};
use crate::number;
use crate::{Map, Value};
use std::cmp::Ordering;

/// After how many columns a line is folded at the next blank.
const WIDTH: usize = 80;
/// By how much what is inside is indented.
const INDENT: usize = 2;
/// The longest key that stands on a line with its value, in bytes.
const SIMPLE_KEY: usize = 128;

/// Prints a value.
pub(super) fn print(value: &Value) -> String {
    let mut emitter = Emitter::default();
    emitter.value(value, 0, 0, Place::Start);
    emitter.line_end();
    emitter.out
}

/// Where a list or map begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the start of a line that is indented already, or of the text.
    Start,
    /// After a key.
    AfterKey,
}

#[derive(Default)]
struct Emitter {
    out: String,
    /// How many characters stand on the line.
    column: usize,
}

impl Emitter {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn put_char(&mut self, character: char) {
        self.out.push(character);
        self.column += 1;
    }

    fn line_end(&mut self) {
        if self.column > 0 {
            self.out.push('\n');
            self.column = 0;
        }
    }

    fn line(&mut self, indent: usize) {
        self.line_end();
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// Writes a value. `indent` is where a map's keys stand; a list's dashes after a key stand at
    /// the key's own indent, which is `outer`.
    fn value(&mut self, value: &Value, indent: usize, depth: u32, place: Place) {
        let blank = if place == Place::AfterKey { " " } else { "" };
        match value {
            _ if depth > 4 * MAX_DEPTH => self.put("null"),
            Value::Map(map) if !map.is_empty() => self.map(map, indent, depth, place),
            Value::List(items) if !items.is_empty() => {
                let indent = if place == Place::AfterKey { indent.saturating_sub(INDENT) } else { indent };
                for (i, item) in items.iter().enumerate() {
                    if i > 0 || place == Place::AfterKey {
                        self.line(indent);
                    }
                    self.put("- ");
                    self.value(item, indent + INDENT, depth + 1, Place::Start);
                }
            }
            Value::Str(text) => {
                self.put(blank);
                self.text(text, indent.max(INDENT));
            }
            scalar => {
                self.put(blank);
                self.put(&plain(scalar));
            }
        }
    }

    fn map(&mut self, map: &Map, indent: usize, depth: u32, place: Place) {
        let mut entries: Vec<(&str, &Value)> = map.iter().collect();
        entries.sort_by(|(a, _), (b, _)| key_order(a, b));
        for (i, (key, value)) in entries.into_iter().enumerate() {
            if i > 0 || place == Place::AfterKey {
                self.line(indent);
            }
            if key.len() > SIMPLE_KEY || key.contains(is_break) {
                self.put("? ");
                self.text(key, indent + INDENT);
                self.line(indent);
                self.put(": ");
                self.value(value, indent + INDENT, depth + 1, Place::Start);
            } else {
                self.key(key);
                self.put(":");
                self.value(value, indent + INDENT, depth + 1, Place::AfterKey);
            }
        }
    }

    fn key(&mut self, key: &str) {
        match style(key, true) {
            Style::Plain if !key.is_empty() => self.put(key),
            Style::DoubleQuoted | Style::Literal => self.double_quoted(key, None),
            Style::SingleQuoted | Style::Plain => self.single_quoted(key, None),
        }
    }

    fn text(&mut self, text: &str, indent: usize) {
        match style(text, false) {
            Style::Plain => self.folded(text, indent),
            Style::SingleQuoted => self.single_quoted(text, Some(indent)),
            Style::DoubleQuoted => self.double_quoted(text, Some(indent)),
            Style::Literal => self.literal(text, indent),
        }
    }

    // Models sigs.k8s.io/yaml/goyaml.v2/emitterc.go yaml_emitter_write_plain_scalar
    fn folded(&mut self, text: &str, indent: usize) {
        let mut spaces = false;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let folds = character == ' ' && !spaces && self.column > WIDTH && characters.peek() != Some(&' ');
            if folds {
                self.line(indent);
            } else {
                self.put_char(character);
            }
            spaces = character == ' ';
        }
    }

    // Models sigs.k8s.io/yaml/goyaml.v2/emitterc.go yaml_emitter_write_single_quoted_scalar
    fn single_quoted(&mut self, text: &str, indent: Option<usize>) {
        self.put("'");
        let (mut spaces, mut breaks, mut is_first) = (false, false, true);
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let next = characters.peek().copied();
            let folds = character == ' ' && !spaces && self.column > WIDTH && !is_first;
            match indent {
                Some(indent) if folds && next.is_some_and(|next| next != ' ') => self.line(indent),
                Some(indent) if breaks && !is_break(character) && character != ' ' => {
                    self.out.extend(std::iter::repeat_n(' ', indent));
                    self.column = indent;
                    self.quoted_character(character);
                }
                _ => self.quoted_character(character),
            }
            if is_break(character) {
                self.column = 0;
            }
            (spaces, breaks, is_first) = (character == ' ', is_break(character), false);
        }
        self.put("'");
    }

    fn quoted_character(&mut self, character: char) {
        if character == '\'' {
            self.put_char('\'');
        }
        self.put_char(character);
    }

    // Models sigs.k8s.io/yaml/goyaml.v2/emitterc.go yaml_emitter_write_double_quoted_scalar
    fn double_quoted(&mut self, text: &str, indent: Option<usize>) {
        self.put("\"");
        // go-yaml looks for a byte order mark at the text's start, whichever character it is at.
        let all = text.starts_with('\u{feff}');
        let (mut spaces, mut is_first) = (false, true);
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let next = characters.peek().copied();
            if all || !is_printable(character) || is_break(character) || matches!(character, '"' | '\\') {
                let length = self.out.len();
                escape(&mut self.out, character);
                self.column += self.out.len() - length;
                spaces = false;
            } else if character == ' ' {
                let folds = !spaces && self.column > WIDTH && !is_first && next.is_some();
                match indent {
                    Some(indent) if folds => {
                        self.line(indent);
                        if next == Some(' ') {
                            self.put_char('\\');
                        }
                    }
                    _ => self.put_char(' '),
                }
                spaces = true;
            } else {
                self.put_char(character);
                spaces = false;
            }
            is_first = false;
        }
        self.put("\"");
    }

    // Models sigs.k8s.io/yaml/goyaml.v2/emitterc.go yaml_emitter_write_literal_scalar
    fn literal(&mut self, text: &str, indent: usize) {
        self.put("|");
        if text.starts_with([' ', '\n', '\u{2028}', '\u{2029}']) {
            self.put(&INDENT.to_string());
        }
        let mut from_end = text.chars().rev();
        match (from_end.next().is_some_and(is_break), from_end.next().is_none_or(is_break)) {
            (false, _) => self.put("-"),
            (true, true) => self.put("+"),
            (true, false) => {}
        }
        self.line_end();
        let mut at_start = true;
        for character in text.chars() {
            if is_break(character) {
                self.out.push(character);
                self.column = 0;
                at_start = true;
                continue;
            }
            if at_start {
                self.out.extend(std::iter::repeat_n(' ', indent));
                self.column = indent;
            }
            self.put_char(character);
            at_start = false;
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "null".to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => float(*number),
        Value::Map(_) => "{}".to_string(),
        Value::List(_) | Value::Str(_) => "[]".to_string(),
    }
}

/// Writes a number that has gone through JSON: digits alone are read back as a whole number.
fn float(number: f64) -> String {
    let text = number::json(number);
    match text.parse::<u64>() {
        Ok(whole) => whole.to_string(),
        Err(_) => number::shortest(number),
    }
}

/// The order of keys: letters by code, anything else before letters, digits by their number.
// Models sigs.k8s.io/yaml/goyaml.v2/sorter.go keyList.Less
pub(super) fn key_order(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(i) = a.iter().zip(&b).position(|(a, b)| a != b) else {
        return a.len().cmp(&b.len());
    };
    let (Some(&left), Some(&right)) = (a.get(i), b.get(i)) else {
        return a.len().cmp(&b.len());
    };
    match (left.is_alphabetic(), right.is_alphabetic()) {
        (true, true) => return left.cmp(&right),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let digits_before =
        a.get(..i).unwrap_or_default().iter().rev().take_while(|digit| digit.is_ascii_digit());
    let leads = (left == '0' || right == '0') && digits_before.into_iter().any(|digit| *digit != '0');
    let (left_number, left_end) = number_at(&a, i, leads);
    let (right_number, right_end) = number_at(&b, i, leads);
    left_number.cmp(&right_number).then(left_end.cmp(&right_end)).then(left.cmp(&right))
}

fn number_at(text: &[char], start: usize, leads: bool) -> (u64, usize) {
    let mut number = u64::from(leads);
    let mut end = start;
    while let Some(digit) = text.get(end).and_then(|digit| digit.to_digit(10)) {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        end += 1;
    }
    (number, end)
}
