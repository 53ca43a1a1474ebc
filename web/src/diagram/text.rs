//! How much room a text takes, and what of it fits. Widths are summed by letter, as the page's
//! fonts measure; where nothing was measured, as letters usually are.

use std::sync::atomic::{AtomicU32, Ordering};

/// The sizes of type in the drawing's units; none is under 10 px on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Type {
    /// Verbs and addresses in small print.
    pub small: f64,
    /// Everything else.
    pub normal: f64,
    /// Names.
    pub head: f64,
}

impl Type {
    /// Returns the sizes for a drawing that is shown at this scale.
    pub fn at(scale: f64) -> Type {
        let least = 10.0 / scale.max(0.1);
        Type { small: least.max(10.0), normal: least.max(11.0), head: least.max(12.0) }
    }
}

/// Returns about how wide a letter of a proportional font of size 1 is.
fn char_em(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | '\'' | '|' | 'I' | '!' => 0.29,
        'f' | 't' | 'r' | ' ' | '(' | ')' | '-' | '/' => 0.37,
        'm' | 'w' | 'M' | 'W' | '…' | '≤' | '≥' => 0.88,
        c if c.is_ascii_uppercase() => 0.68,
        c if is_wide(c) => 0.95,
        _ => 0.55,
    }
}

/// Returns whether a character fills a square, as Korean does.
fn is_wide(c: char) -> bool {
    matches!(c as u32, 0x1100..=0x11ff | 0x2e80..)
}

/// A font of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Font {
    /// The proportional one.
    Sans,
    /// The proportional one, bold.
    Bold,
    /// The monospaced one.
    Mono,
}

/// The letters beside those of ASCII that are measured; the last stands for all that are wide.
const OTHERS: &str = "…→≤≥−–·⌈⌉⌊⌋×\u{a0}가";
/// Printable ASCII.
const ASCII: std::ops::RangeInclusive<char> = ' '..='~';
const ASCII_COUNT: usize = 95;
/// How many letters are measured.
const LETTERS: usize = ASCII_COUNT + 14;

/// The widths of a font's letters in thousandths of the size; 0 where they weren't measured.
struct Widths([AtomicU32; LETTERS]);

impl Widths {
    const fn new() -> Widths {
        Widths([const { AtomicU32::new(0) }; LETTERS])
    }

    fn take(&self, widths: &[f64]) {
        for (kept, width) in self.0.iter().zip(widths).filter(|(_, width)| (0.0..4.0).contains(*width)) {
            kept.store((width * 1_000.0).round() as u32, Ordering::Relaxed);
        }
    }

    fn of(&self, c: char, font: Font) -> f64 {
        let measured = place_of(c).and_then(|place| self.0.get(place));
        match (measured.map_or(0, |width| width.load(Ordering::Relaxed)), font) {
            (0, Font::Sans) => char_em(c),
            (0, Font::Bold) => char_em(c) * 1.07,
            (0, Font::Mono) if is_wide(c) || c == '…' => 1.0,
            (0, Font::Mono) => CELL,
            (measured, _) => f64::from(measured) / 1_000.0,
        }
    }
}

/// The fonts in which the page is shown.
static WIDTHS: [Widths; 3] = [const { Widths::new() }; 3];

/// Returns the letters whose widths [`calibrate`] takes.
pub fn letters() -> impl Iterator<Item = char> {
    ASCII.chain(OTHERS.chars())
}

fn place_of(c: char) -> Option<usize> {
    match c {
        c if ASCII.contains(&c) => Some(c as usize - ' ' as usize),
        c if is_wide(c) => Some(LETTERS - 1),
        c => OTHERS.chars().position(|other| other == c).map(|at| ASCII_COUNT + at),
    }
}

/// Takes in how wide [`letters`] are in a font of size 1.
pub fn calibrate(font: Font, widths: &[f64]) {
    WIDTHS[font as usize].take(widths);
}

/// Returns the width of a text in a font of size 1.
fn width(text: &str, font: Font) -> f64 {
    text.chars().map(|c| WIDTHS[font as usize].of(c, font)).sum()
}

/// Returns the width of a text in the page's proportional font.
pub fn sans(text: &str, size: f64) -> f64 {
    width(text, Font::Sans) * size
}

/// Returns the width of a text in the page's proportional font, bold.
pub fn bold(text: &str, size: f64) -> f64 {
    width(text, Font::Bold) * size
}

/// The width of a character of a monospaced font.
const CELL: f64 = 0.602;

/// Returns the width of a text in the page's monospaced font.
pub fn mono(text: &str, size: f64) -> f64 {
    width(text, Font::Mono) * size
}

/// Returns as much of a text as fits, with `…` where something is left out. The end of a generated
/// name tells it apart, so that names lose their beginning.
pub fn keep_end(text: &str, width: f64, measure: impl Fn(&str) -> f64) -> String {
    if measure(text) <= width {
        return text.to_owned();
    }
    let starts = text.char_indices().map(|(at, _)| at).skip(1);
    let shortened = starts.map(|at| format!("…{}", &text[at..])).find(|short| measure(short) <= width);
    shortened.unwrap_or_else(|| "…".to_owned())
}

/// Returns as much of a text as fits, with `…` at its end where something is left out.
pub fn keep_start(text: &str, width: f64, measure: impl Fn(&str) -> f64) -> String {
    if measure(text) <= width {
        return text.to_owned();
    }
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let shortened = ends.into_iter().rev().map(|at| format!("{}…", text[..at].trim_end()));
    shortened.into_iter().find(|short| measure(short) <= width).unwrap_or_default()
}

/// Returns a text's words in lines that fit.
pub fn wrap(text: &str, width: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if sans(&format!("{line} {word}"), size) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_is_never_under_ten_pixels() {
        for scale in [0.5, 0.8, 1.0, 2.0] {
            let sizes = Type::at(scale);
            for size in [sizes.small, sizes.normal, sizes.head] {
                assert!(size * scale >= 9.999, "{size} at {scale}");
            }
        }
        assert_eq!(Type::at(1.0), Type { small: 10.0, normal: 11.0, head: 12.0 });
    }

    #[test]
    fn every_letter_has_a_place() {
        assert_eq!(letters().count(), LETTERS);
        for (place, letter) in letters().enumerate() {
            assert_eq!(place_of(letter), Some(place), "{letter}");
        }
        assert_eq!((place_of('나'), place_of('é')), (Some(LETTERS - 1), None));
        let widths = Widths::new();
        assert_eq!((widths.of('가', Font::Mono), widths.of('x', Font::Mono)), (1.0, CELL));
        let measured: Vec<f64> = letters().map(|letter| if letter == 'x' { f64::NAN } else { 0.5 }).collect();
        widths.take(&measured);
        assert_eq!((widths.of('나', Font::Mono), widths.of('x', Font::Mono)), (0.5, CELL));
    }

    #[test]
    fn what_fits_is_kept() {
        let measure = |text: &str| text.chars().count() as f64;
        for (text, width, end, start) in [
            ("hello", 5.0, "hello", "hello"),
            ("hello-9wz2k", 6.0, "…9wz2k", "hello…"),
            ("안녕하세요", 3.0, "…세요", "안녕…"),
            ("ab", 0.0, "…", ""),
        ] {
            assert_eq!(keep_end(text, width, measure), end);
            assert_eq!(keep_start(text, width, measure), start);
        }
        assert_eq!(wrap("aaa bbb ccc", sans("aaa bbb", 10.0), 10.0), ["aaa bbb", "ccc"]);
    }
}
