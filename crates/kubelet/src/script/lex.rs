use super::code::{Piece, Word};
use std::rc::Rc;

/// A token of a script.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Word(Word, bool),
    /// `;` `&&` `||` `|` `&` `(` `)` `;;` or a line's end as `\n`.
    Sign(&'static str),
    /// `>`, `>>`, `<` with the stream before it; and `>&N`.
    Redirect(u8, &'static str),
}

/// Parts a script's text into tokens.
pub(crate) fn tokenize(text: &str) -> Result<Vec<Token>, String> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(letter) = chars.get(at).copied() {
        let next = chars.get(at + 1).copied();
        match letter {
            ' ' | '\t' | '\r' => at += 1,
            '\\' if next == Some('\n') => at += 2,
            '#' => {
                while chars.get(at).is_some_and(|letter| *letter != '\n') {
                    at += 1;
                }
            }
            '\n' => {
                tokens.push(Token::Sign("\n"));
                at += 1;
            }
            '&' if next == Some('>') => {
                tokens.push(Token::Redirect(3, ">"));
                at += 2;
            }
            '&' | '|' | ';' if next == Some(letter) => {
                tokens.push(Token::Sign(match letter {
                    '&' => "&&",
                    '|' => "||",
                    _ => ";;",
                }));
                at += 2;
            }
            '&' | '|' | ';' | '(' | ')' => {
                tokens.push(Token::Sign(match letter {
                    '&' => "&",
                    '|' => "|",
                    ';' => ";",
                    '(' => "(",
                    _ => ")",
                }));
                at += 1;
            }
            '0'..='2'
                if matches!(next, Some('>' | '<')) && !matches!(tokens.last(), Some(Token::Redirect(..))) =>
            {
                at = redirect(&chars, at + 1, letter as u8 - b'0', &mut tokens);
            }
            '>' | '<' => at = redirect(&chars, at, 1, &mut tokens),
            _ => {
                let (word, quoted, end) = word(&chars, at)?;
                tokens.push(Token::Word(word, quoted));
                at = end;
            }
        }
    }
    Ok(tokens)
}

fn redirect(chars: &[char], at: usize, stream: u8, tokens: &mut Vec<Token>) -> usize {
    match (chars.get(at), chars.get(at + 1)) {
        (Some('>'), Some('&')) => {
            tokens.push(Token::Redirect(stream, ">&"));
            at + 3
        }
        (Some('>'), Some('>')) => {
            tokens.push(Token::Redirect(stream, ">>"));
            at + 2
        }
        (Some('>'), _) => {
            tokens.push(Token::Redirect(stream, ">"));
            at + 1
        }
        _ => {
            tokens.push(Token::Redirect(0, "<"));
            at + 1
        }
    }
}

/// Reads a word; returns whether any of it was quoted, and where it ends.
fn word(chars: &[char], start: usize) -> Result<(Word, bool, usize), String> {
    let (mut word, mut text, mut quoted, mut at) = (Word::new(), String::new(), false, start);
    let flush = |text: &mut String, word: &mut Word| {
        if !text.is_empty() {
            word.push(Piece::Text(std::mem::take(text).into()));
        }
    };
    while let Some(letter) = chars.get(at).copied() {
        match letter {
            ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
            '\\' => {
                text.extend(chars.get(at + 1).filter(|letter| **letter != '\n'));
                at += 2;
                quoted = true;
            }
            '\'' => {
                quoted = true;
                at += 1;
                while chars.get(at).is_some_and(|letter| *letter != '\'') {
                    text.extend(chars.get(at));
                    at += 1;
                }
                if at >= chars.len() {
                    return Err("Syntax error: Unterminated quoted string".to_string());
                }
                at += 1;
                if text.is_empty() {
                    word.push(Piece::Text("".into()));
                }
            }
            '"' => {
                quoted = true;
                flush(&mut text, &mut word);
                at = double_quoted(chars, at + 1, &mut word)?;
            }
            '$' | '`' => {
                flush(&mut text, &mut word);
                at = dollar(chars, at, false, &mut word)?;
            }
            letter => {
                text.push(letter);
                at += 1;
            }
        }
    }
    flush(&mut text, &mut word);
    Ok((word, quoted, at))
}

fn double_quoted(chars: &[char], mut at: usize, word: &mut Word) -> Result<usize, String> {
    let mut text = String::new();
    let begins = word.len();
    loop {
        match chars.get(at).copied() {
            None => return Err("Syntax error: Unterminated quoted string".to_string()),
            Some('"') => break,
            Some('\\') => {
                match chars.get(at + 1).copied() {
                    Some(letter @ ('$' | '"' | '\\' | '`')) => text.push(letter),
                    Some('\n') | None => {}
                    Some(letter) => text.extend(['\\', letter]),
                }
                at += 2;
            }
            Some('$' | '`') => {
                word.push(Piece::Text(std::mem::take(&mut text).into()));
                at = dollar(chars, at, true, word)?;
            }
            Some(letter) => {
                text.push(letter);
                at += 1;
            }
        }
    }
    if !text.is_empty() || word.len() == begins {
        word.push(Piece::Text(text.into()));
    }
    Ok(at + 1)
}

/// Reads what begins with `$` or a backquote.
fn dollar(chars: &[char], at: usize, quoted: bool, word: &mut Word) -> Result<usize, String> {
    let missing = || "Syntax error: end of file unexpected (expecting \")\")".to_string();
    let text = |from: usize, to: usize| -> Rc<str> {
        chars.get(from..to).unwrap_or(&[]).iter().collect::<String>().into()
    };
    if chars.get(at) == Some(&'`') {
        let end = (at + 1..chars.len()).find(|i| chars.get(*i) == Some(&'`')).ok_or_else(missing)?;
        word.push(Piece::Variable { name: text(at + 1, end), operation: "(".into(), quoted });
        return Ok(end + 1);
    }
    match chars.get(at + 1).copied() {
        Some('(') if chars.get(at + 2) == Some(&'(') => {
            let end =
                closing(chars, at + 2).filter(|end| chars.get(end + 1) == Some(&')')).ok_or_else(missing)?;
            word.push(Piece::Arithmetic(text(at + 3, end)));
            Ok(end + 2)
        }
        Some('(') => {
            let end = closing(chars, at + 1).ok_or_else(missing)?;
            word.push(Piece::Variable { name: text(at + 2, end), operation: "(".into(), quoted });
            Ok(end + 1)
        }
        Some('{') => {
            let end = (at..chars.len()).find(|i| chars.get(*i) == Some(&'}')).ok_or_else(missing)?;
            let inner = text(at + 2, end);
            let length = inner.strip_prefix('#').filter(|name| !name.is_empty());
            let split =
                inner.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '@');
            let (name, operation) = match (length, split) {
                (Some(name), _) => (name, "#"),
                (None, Some(split)) if split > 0 => inner.split_at(split),
                _ => (&*inner, ""),
            };
            word.push(Piece::Variable { name: name.into(), operation: operation.into(), quoted });
            Ok(end + 1)
        }
        Some(letter) if letter.is_ascii_alphabetic() || letter == '_' => {
            let mut end = at + 1;
            while chars.get(end).is_some_and(|letter| letter.is_ascii_alphanumeric() || *letter == '_') {
                end += 1;
            }
            word.push(Piece::Variable { name: text(at + 1, end), operation: "".into(), quoted });
            Ok(end)
        }
        Some(letter) if letter.is_ascii_digit() || "?$!@*#".contains(letter) => {
            word.push(Piece::Variable { name: text(at + 1, at + 2), operation: "".into(), quoted });
            Ok(at + 2)
        }
        _ => {
            word.push(Piece::Text("$".into()));
            Ok(at + 1)
        }
    }
}

/// Returns where the bracket closes that opens at `open`, quotes minded.
fn closing(chars: &[char], open: usize) -> Option<usize> {
    let (mut depth, mut quote, mut at) = (0_u32, None, open);
    while let Some(letter) = chars.get(at).copied() {
        match (quote, letter) {
            (Some(known), letter) if known == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '\\') => at += 1,
            (None, '(') => depth += 1,
            (None, ')') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}
