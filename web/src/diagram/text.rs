//! How much room a text takes, and what of it fits. Widths are planned by letter, and corrected by
//! what the page's fonts measure.

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

/// Returns the width of a text in a proportional font of size 1.
fn em(text: &str) -> f64 {
    text.chars().map(char_em).sum()
}

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

/// How much wider than planned the fonts are in which the page is shown, in thousandths: the
/// proportional one, its bold, and the monospaced one.
static WIDER: [AtomicU32; 3] = [AtomicU32::new(1_000), AtomicU32::new(1_070), AtomicU32::new(1_000)];
/// A text of which a font's width is told.
pub const SAMPLE: &str = "kube-controller-manager wants 3, available 2 endpoints";

fn wider(font: usize) -> f64 {
    WIDER.get(font).map_or(1.0, |wider| f64::from(wider.load(Ordering::Relaxed)) / 1_000.0)
}

/// Takes in how wide [`SAMPLE`] is, in fonts of size 1: the page's own, its bold, and its monospaced one.
pub fn calibrate(widths: [f64; 3]) {
    let planned = [em(SAMPLE), em(SAMPLE), SAMPLE.chars().count() as f64 * CELL];
    for ((wider, width), planned) in WIDER.iter().zip(widths).zip(planned) {
        let factor = width / planned;
        if (0.5..2.0).contains(&factor) {
            wider.store((factor * 1_000.0) as u32, Ordering::Relaxed);
        }
    }
}

/// Returns the width of a text in the page's proportional font.
pub fn sans(text: &str, size: f64) -> f64 {
    em(text) * size * wider(0)
}

/// Returns the width of a text in the page's proportional font, bold.
pub fn bold(text: &str, size: f64) -> f64 {
    em(text) * size * wider(1)
}

/// The width of a character of a monospaced font.
const CELL: f64 = 0.602;

/// Returns the width of a text in the page's monospaced font.
pub fn mono(text: &str, size: f64) -> f64 {
    let cells: f64 = text.chars().map(|c| if is_wide(c) || c == '…' { 1.0 } else { CELL }).sum();
    cells * size * wider(2)
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
