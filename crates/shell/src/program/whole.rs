//! What is done with a whole text.

use std::cmp::Ordering;

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
