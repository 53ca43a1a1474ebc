//! What commands do with text.

mod pattern;

pub(crate) use pattern::{Pattern, has_wildcard};

/// Resolves backslashes as `echo -e`, `printf` and `$'…'` do.
pub(crate) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        let digits = |characters: &mut std::iter::Peekable<std::str::Chars>, radix: u32, most: u32| {
            let mut code = None;
            for _ in 0..most {
                let Some(digit) = characters.peek().and_then(|digit| digit.to_digit(radix)) else { break };
                code = Some(code.unwrap_or(0) * radix + digit);
                characters.next();
            }
            code
        };
        match characters.next() {
            None => out.push('\\'),
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('e' | 'E') => out.push('\u{1b}'),
            Some('f') => out.push('\u{c}'),
            Some('v') => out.push('\u{b}'),
            Some('\\') => out.push('\\'),
            Some('\'') => out.push('\''),
            Some('"') => out.push('"'),
            Some('0') => out.push(digits(&mut characters, 8, 3).and_then(char::from_u32).unwrap_or('\0')),
            Some(kind @ ('x' | 'u' | 'U')) => {
                let most = if kind == 'x' {
                    2
                } else if kind == 'u' {
                    4
                } else {
                    8
                };
                match digits(&mut characters, 16, most).and_then(char::from_u32) {
                    Some(character) => out.push(character),
                    None => out.extend(['\\', kind]),
                }
            }
            Some(other) => out.extend(['\\', other]),
        }
    }
    out
}

/// Cuts a text to so many bytes, at a character's boundary.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

/// Returns by how many changes two words differ.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().take(64).enumerate() {
        let mut next = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let (Some(diagonal), Some(above), Some(beside)) = (row.get(j), row.get(j + 1), next.get(j))
            else {
                break;
            };
            next.push((diagonal + usize::from(left != *right)).min(above + 1).min(beside + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
