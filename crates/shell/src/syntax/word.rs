use super::SyntaxError;
use super::ast::{Operation, Part, Word};
use super::parser::{Parser, is_word_end};
use std::rc::Rc;

/// Reads the parts of an unquoted document.
pub(super) fn document(text: &str, depth: u32) -> Result<Word, SyntaxError> {
    let mut parser = Parser::new(text);
    parser.depth = depth;
    let mut builder = Builder::default();
    while parser.peek().is_some() {
        parser.quoted_part(&mut builder, None)?;
    }
    Ok(builder.finish())
}

/// Parts as they are read; text that belongs together becomes one part.
#[derive(Default)]
struct Builder {
    parts: Vec<Part>,
}

impl Builder {
    fn push(&mut self, character: char, is_quoted: bool) {
        if let Some(Part::Text { text, quoted }) = self.parts.last_mut()
            && *quoted == is_quoted
        {
            text.push(character);
            return;
        }
        self.parts.push(Part::Text { text: character.to_string(), quoted: is_quoted });
    }

    fn finish(self) -> Word {
        Word { parts: self.parts }
    }
}

fn unterminated(quote: char) -> SyntaxError {
    SyntaxError::Incomplete(format!("unexpected EOF while looking for matching `{quote}'"))
}

impl Parser {
    /// Reads a word, if one stands next.
    pub(super) fn word(&mut self) -> Result<Option<Word>, SyntaxError> {
        self.skip_blanks();
        self.word_now()
    }

    /// Reads a word that stands right here.
    pub(super) fn word_now(&mut self) -> Result<Option<Word>, SyntaxError> {
        let mut builder = Builder::default();
        let start = self.at;
        while let Some(next) = self.peek() {
            match next {
                '<' if self.at == start && self.peek_at(1) == Some('(') => {
                    self.at += 2;
                    let script = Rc::new(self.list(&[])?);
                    self.expect_close()?;
                    builder.parts.push(Part::File { script });
                }
                _ if is_word_end(next) => break,
                '\\' => {
                    self.at += 1;
                    match self.peek() {
                        Some('\n') => self.at += 1,
                        Some(escaped) => {
                            self.at += 1;
                            builder.push(escaped, true);
                        }
                        None => return Err(SyntaxError::Incomplete("unexpected end of file".to_string())),
                    }
                }
                '\'' => self.single_quoted(&mut builder)?,
                '"' => self.double_quoted(&mut builder)?,
                '$' => self.dollar(&mut builder, false)?,
                '`' => self.backquoted(&mut builder, false)?,
                _ => {
                    self.at += 1;
                    builder.push(next, false);
                }
            }
        }
        Ok((self.at > start).then(|| builder.finish()))
    }

    fn single_quoted(&mut self, builder: &mut Builder) -> Result<(), SyntaxError> {
        self.at += 1;
        builder.parts.push(Part::Text { text: String::new(), quoted: true });
        loop {
            match self.peek() {
                Some('\'') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(character) => {
                    self.at += 1;
                    builder.push(character, true);
                }
                None => return Err(unterminated('\'')),
            }
        }
    }

    fn double_quoted(&mut self, builder: &mut Builder) -> Result<(), SyntaxError> {
        self.at += 1;
        builder.parts.push(Part::Text { text: String::new(), quoted: true });
        loop {
            match self.peek() {
                Some('"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => self.quoted_part(builder, Some('"'))?,
                None => return Err(unterminated('"')),
            }
        }
    }

    /// Reads one character or expansion of what is in double quotes or a document.
    fn quoted_part(&mut self, builder: &mut Builder, quote: Option<char>) -> Result<(), SyntaxError> {
        match (self.peek(), self.peek_at(1)) {
            (Some('\\'), Some('\n')) => self.at += 2,
            (Some('\\'), Some(escaped)) if matches!(escaped, '$' | '`' | '\\') || Some(escaped) == quote => {
                self.at += 2;
                builder.push(escaped, true);
            }
            (Some('$'), _) => self.dollar(builder, true)?,
            (Some('`'), _) => self.backquoted(builder, true)?,
            (Some(character), _) => {
                self.at += 1;
                builder.push(character, true);
            }
            (None, _) => {}
        }
        Ok(())
    }

    fn dollar(&mut self, builder: &mut Builder, quoted: bool) -> Result<(), SyntaxError> {
        self.at += 1;
        let part = match self.peek() {
            Some('(') if self.peek_at(1) == Some('(') => self.arithmetic()?,
            Some('(') => {
                self.at += 1;
                let script = Rc::new(self.list(&[])?);
                self.expect_close()?;
                Part::Command { script, quoted }
            }
            Some('{') => self.braced(quoted)?,
            Some('\'') if !quoted => return self.escaped_quote(builder),
            Some(special @ ('?' | '#' | '@' | '*' | '$' | '!' | '-' | '0'..='9')) => {
                self.at += 1;
                Part::Variable { name: special.to_string(), operation: Operation::Value, quoted }
            }
            _ => match self.name() {
                Some(name) => Part::Variable { name, operation: Operation::Value, quoted },
                None => {
                    builder.push('$', quoted);
                    return Ok(());
                }
            },
        };
        builder.parts.push(part);
        Ok(())
    }

    /// Reads `$'…'`, in which backslashes name characters.
    fn escaped_quote(&mut self, builder: &mut Builder) -> Result<(), SyntaxError> {
        self.at += 1;
        builder.parts.push(Part::Text { text: String::new(), quoted: true });
        let mut raw = String::new();
        loop {
            match (self.peek(), self.peek_at(1)) {
                (Some('\''), _) => break,
                (Some('\\'), Some(next)) => {
                    self.at += 2;
                    raw.push('\\');
                    raw.push(next);
                }
                (Some(character), _) => {
                    self.at += 1;
                    raw.push(character);
                }
                (None, _) => return Err(unterminated('\'')),
            }
        }
        self.at += 1;
        for character in crate::text::unescape(&raw).chars() {
            builder.push(character, true);
        }
        Ok(())
    }

    fn backquoted(&mut self, builder: &mut Builder, quoted: bool) -> Result<(), SyntaxError> {
        self.at += 1;
        let mut inner = String::new();
        loop {
            match (self.peek(), self.peek_at(1)) {
                (Some('`'), _) => break,
                (Some('\\'), Some(escaped @ ('`' | '$' | '\\'))) => {
                    self.at += 2;
                    inner.push(escaped);
                }
                (Some(character), _) => {
                    self.at += 1;
                    inner.push(character);
                }
                (None, _) => return Err(unterminated('`')),
            }
        }
        self.at += 1;
        let mut parser = Parser::new(&inner);
        parser.depth = self.depth;
        let script = Rc::new(parser.script()?);
        builder.parts.push(Part::Command { script, quoted });
        Ok(())
    }

    fn arithmetic(&mut self) -> Result<Part, SyntaxError> {
        self.deeper()?;
        self.at += 2;
        let mut builder = Builder::default();
        let mut open = 0_u32;
        loop {
            match (self.peek(), self.peek_at(1)) {
                (Some(')'), Some(')')) if open == 0 => break,
                (Some('('), _) => {
                    open += 1;
                    self.at += 1;
                    builder.push('(', false);
                }
                (Some(')'), _) => {
                    open = open.saturating_sub(1);
                    self.at += 1;
                    builder.push(')', false);
                }
                (Some(_), _) => self.quoted_part(&mut builder, None)?,
                (None, _) => return Err(unterminated(')')),
            }
        }
        self.at += 2;
        self.depth -= 1;
        Ok(Part::Arithmetic { expression: builder.finish() })
    }

    fn braced(&mut self, quoted: bool) -> Result<Part, SyntaxError> {
        self.deeper()?;
        self.at += 1;
        let is_length = self.peek() == Some('#') && self.peek_at(1).is_some_and(|next| next != '}');
        if is_length {
            self.at += 1;
        }
        let name = match self.peek() {
            Some(special @ ('?' | '#' | '@' | '*' | '$' | '!' | '0'..='9')) => {
                self.at += 1;
                special.to_string()
            }
            _ => self.name().ok_or_else(|| SyntaxError::Wrong("bad substitution".to_string()))?,
        };
        let operation = if is_length { Operation::Length } else { self.operation()? };
        if self.peek() != Some('}') {
            return Err(match self.peek() {
                None => unterminated('}'),
                Some(_) => SyntaxError::Wrong("bad substitution".to_string()),
            });
        }
        self.at += 1;
        self.depth -= 1;
        Ok(Part::Variable { name, operation, quoted })
    }

    fn operation(&mut self) -> Result<Operation, SyntaxError> {
        let or_empty = self.peek() == Some(':') && matches!(self.peek_at(1), Some('-' | '=' | '+' | '?'));
        if or_empty {
            self.at += 1;
        }
        let Some(operator @ ('-' | '=' | '+' | '?' | '#' | '%' | '/' | ':')) = self.peek() else {
            return Ok(Operation::Value);
        };
        self.at += 1;
        let is_double = matches!(operator, '#' | '%' | '/') && self.peek() == Some(operator);
        if is_double {
            self.at += 1;
        }
        Ok(match operator {
            '-' => Operation::Default { or_empty, word: self.until_brace(&[])? },
            '=' => Operation::Assign { or_empty, word: self.until_brace(&[])? },
            '+' => Operation::Alternative { or_empty, word: self.until_brace(&[])? },
            '?' => Operation::Required { or_empty, word: self.until_brace(&[])? },
            '/' => {
                let pattern = self.until_brace(&['/'])?;
                let has_text = self.peek() == Some('/');
                if has_text {
                    self.at += 1;
                }
                let with = if has_text { self.until_brace(&[])? } else { Word::default() };
                Operation::Replace { all: is_double, pattern, with }
            }
            ':' => {
                let offset = self.until_brace(&[':'])?;
                let has_length = self.peek() == Some(':');
                if has_length {
                    self.at += 1;
                }
                let length = if has_length { Some(self.until_brace(&[])?) } else { None };
                Operation::Slice { offset, length }
            }
            _ => Operation::Trim {
                suffix: operator == '%',
                longest: is_double,
                pattern: self.until_brace(&[])?,
            },
        })
    }

    /// Reads what stands in braces up to their end or one of these characters.
    fn until_brace(&mut self, ends: &[char]) -> Result<Word, SyntaxError> {
        let mut builder = Builder::default();
        loop {
            match self.peek() {
                None => return Err(unterminated('}')),
                Some('}') => return Ok(builder.finish()),
                Some(next) if ends.contains(&next) => return Ok(builder.finish()),
                Some('\'') => self.single_quoted(&mut builder)?,
                Some('"') => self.double_quoted(&mut builder)?,
                Some('\\') if self.peek_at(1).is_some() => {
                    builder.push(self.peek_at(1).unwrap_or('\\'), true);
                    self.at += 2;
                }
                Some('$') => self.dollar(&mut builder, false)?,
                Some('`') => self.backquoted(&mut builder, false)?,
                Some(character) => {
                    self.at += 1;
                    builder.push(character, false);
                }
            }
        }
    }
}
