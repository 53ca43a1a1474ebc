//! `{a,b}` and `{1..3}`.

use super::MAX_WORDS;
use crate::syntax::{Part, Word};

/// How many braces of a word are expanded.
const MAX_BRACES: u32 = 10;

/// Expands `{a,b}` and `{1..3}` where they stand in unquoted text.
pub(super) fn braces(word: &Word, depth: u32) -> Vec<Word> {
    if depth > MAX_BRACES {
        return vec![word.clone()];
    }
    for (i, part) in word.parts.iter().enumerate() {
        let Part::Text { text, quoted: false } = part else { continue };
        let Some((before, choices, after)) = brace(text) else { continue };
        let mut all = Vec::new();
        for choice in choices.into_iter().take(MAX_WORDS) {
            let mut parts = word.parts.clone();
            if let Some(part) = parts.get_mut(i) {
                *part = Part::Text { text: format!("{before}{choice}{after}"), quoted: false };
            }
            all.extend(braces(&Word { parts }, depth + 1));
            if all.len() > MAX_WORDS {
                break;
            }
        }
        return all;
    }
    vec![word.clone()]
}

/// Finds the first brace that has choices: what stands before it, the choices, what stands after.
fn brace(text: &str) -> Option<(&str, Vec<String>, &str)> {
    let starts = text.match_indices('{').map(|(start, _)| start);
    for start in starts.take(8) {
        let mut depth = 0_u32;
        let mut commas = Vec::new();
        let mut end = None;
        for (at, character) in text.char_indices().skip_while(|(at, _)| *at < start) {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => commas.push(at),
                _ => {}
            }
            if depth == 0 {
                end = Some(at);
                break;
            }
        }
        let Some(end) = end else { continue };
        let (before, inner, after) = (text.get(..start)?, text.get(start + 1..end)?, text.get(end + 1..)?);
        if !commas.is_empty() {
            let mut choices = Vec::new();
            let mut from = start + 1;
            for comma in commas.into_iter().chain([end]) {
                choices.push(text.get(from..comma)?.to_string());
                from = comma + 1;
            }
            return Some((before, choices, after));
        }
        if let Some(choices) = range(inner) {
            return Some((before, choices, after));
        }
    }
    None
}

fn range(text: &str) -> Option<Vec<String>> {
    let parts: Vec<&str> = text.split("..").collect();
    let (from, to, step) = match parts.as_slice() {
        [from, to] => (*from, *to, 1),
        [from, to, step] => (*from, *to, step.parse::<i64>().ok()?.unsigned_abs().clamp(1, 1 << 40)),
        _ => return None,
    };
    let step = usize::try_from(step).ok()?;
    if let (Ok(from_number), Ok(to_number)) = (from.parse::<i64>(), to.parse::<i64>()) {
        let is_padded = |text: &str| {
            text.trim_start_matches('-').starts_with('0') && text.trim_start_matches('-').len() > 1
        };
        let width = if is_padded(from) || is_padded(to) { from.len().max(to.len()) } else { 0 };
        let show = |number: i64| format!("{number:0width$}");
        return Some(if from_number <= to_number {
            (from_number..=to_number).step_by(step).take(MAX_WORDS).map(show).collect()
        } else {
            (to_number..=from_number).rev().step_by(step).take(MAX_WORDS).map(show).collect()
        });
    }
    let one = |text: &str| text.chars().next().filter(|c| c.is_ascii_alphabetic() && text.len() == 1);
    let (from, to) = (one(from)?, one(to)?);
    Some(if from <= to {
        (from..=to).step_by(step).map(String::from).collect()
    } else {
        (to..=from).rev().step_by(step).map(String::from).collect()
    })
}
