//! Reading sed's scripts.

use super::grep::{Dialect, compile, translate};
use super::sed::{Address, Command, Piece, What};

/// How many commands a script has at most.
const MAX_COMMANDS: usize = 500;

pub(super) struct Reader {
    pub(super) text: Vec<char>,
    pub(super) at: usize,
    pub(super) dialect: Dialect,
    pub(super) count: usize,
    pub(super) wants_last: bool,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, character: char) -> bool {
        let found = self.peek() == Some(character);
        self.at += usize::from(found);
        found
    }

    fn blanks(&mut self, and_ends: bool) {
        while self.peek().is_some_and(|c| c.is_whitespace() || and_ends && c == ';') {
            self.at += 1;
        }
    }

    pub(super) fn commands(&mut self, depth: u32) -> Result<Vec<Command>, String> {
        let mut commands = Vec::new();
        loop {
            self.blanks(true);
            match self.peek() {
                None if depth > 0 => return Err("unmatched `{'".to_string()),
                None => return Ok(commands),
                Some('}') if depth > 0 => {
                    self.at += 1;
                    return Ok(commands);
                }
                Some('}') => return Err("unexpected `}'".to_string()),
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                Some(_) => commands.push(self.command(depth)?),
            }
            self.count += 1;
            if self.count > MAX_COMMANDS || depth > 20 {
                return Err("too many commands".to_string());
            }
        }
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        Ok(match self.peek() {
            Some('0'..='9') => Some(Address::Line(self.number())),
            Some('$') => {
                self.at += 1;
                self.wants_last = true;
                Some(Address::Last)
            }
            Some('+') => {
                self.at += 1;
                Some(Address::After(self.number()))
            }
            Some('/') => {
                self.at += 1;
                let pattern = self.until('/').ok_or("unterminated address regex")?;
                let ignores_case = self.take('I');
                Some(Address::Fits(compile(&translate(&pattern, self.dialect), ignores_case)?))
            }
            _ => None,
        })
    }

    fn number(&mut self) -> u64 {
        let mut number = 0_u64;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            number = number.saturating_mul(10).saturating_add(digit.into());
            self.at += 1;
        }
        number
    }

    /// Reads up to a delimiter that no backslash precedes.
    fn until(&mut self, delimiter: char) -> Option<String> {
        let mut text = String::new();
        loop {
            let next = self.peek()?;
            self.at += 1;
            match next {
                '\\' => {
                    let escaped = self.peek()?;
                    self.at += 1;
                    if escaped != delimiter || "|()".contains(delimiter) {
                        text.push('\\');
                    }
                    text.push(escaped);
                    continue;
                }
                _ if next == delimiter => return Some(text),
                _ => {}
            }
            text.push(next);
        }
    }

    fn command(&mut self, depth: u32) -> Result<Command, String> {
        let from = self.address()?;
        let mut to = None;
        if from.is_some() && self.take(',') {
            to = Some(self.address()?.ok_or("unexpected `,'")?);
        }
        self.blanks(false);
        let negated = self.take('!');
        self.blanks(false);
        let Some(name) = self.peek() else { return Err("missing command".to_string()) };
        self.at += 1;
        let what = match name {
            's' => self.substitute()?,
            'y' => {
                let delimiter = self.peek().ok_or("unterminated `y' command")?;
                self.at += 1;
                let from = self.until(delimiter).ok_or("unterminated `y' command")?;
                let to = self.until(delimiter).ok_or("unterminated `y' command")?;
                if from.chars().count() != to.chars().count() {
                    return Err("strings for `y' command are different lengths".to_string());
                }
                What::Translate(from.chars().zip(to.chars()).collect())
            }
            'p' => What::Print,
            'd' => What::Delete,
            'q' => What::Quit,
            '=' => What::Number,
            'a' => What::Append(self.rest_of_line()),
            'i' => What::Insert(self.rest_of_line()),
            'c' => What::Change(self.rest_of_line()),
            '{' => What::Group(self.commands(depth + 1)?),
            other => return Err(format!("unknown command: `{other}'")),
        };
        if !matches!(what, What::Append(_) | What::Insert(_) | What::Change(_) | What::Group(_)) {
            self.blanks(false);
            if self.peek().is_some_and(|c| !matches!(c, ';' | '}' | '#'))
                && self.text.get(self.at - 1) != Some(&'\n')
            {
                return Err("extra characters after command".to_string());
            }
        }
        Ok(Command { from, to, negated, in_range: false, range_end: 0, what })
    }

    fn rest_of_line(&mut self) -> String {
        self.take('\\');
        self.blanks(false);
        let mut text = String::new();
        while let Some(next) = self.peek().filter(|c| *c != '\n') {
            self.at += 1;
            text.push(next);
        }
        crate::text::unescape(&text)
    }

    fn substitute(&mut self) -> Result<What, String> {
        let unterminated = || "unterminated `s' command".to_string();
        let delimiter = self.peek().filter(|c| *c != '\n' && *c != '\\').ok_or_else(unterminated)?;
        self.at += 1;
        let pattern = self.until(delimiter).ok_or_else(unterminated)?;
        let with = self.until(delimiter).ok_or_else(unterminated)?;
        let (mut all, mut prints, mut ignores_case, mut nth) = (false, false, false, 1);
        loop {
            match self.peek() {
                Some('g') => all = true,
                Some('p') => prints = true,
                Some('i' | 'I') => ignores_case = true,
                Some('0'..='9') => {
                    nth = usize::try_from(self.number()).unwrap_or(usize::MAX);
                    continue;
                }
                None | Some(';' | '}' | ' ' | '\n' | '#' | '\t') => break,
                Some(_) => {
                    self.at += 1;
                    return Err("unknown option to `s'".to_string());
                }
            }
            self.at += 1;
        }
        let regex = compile(&translate(&pattern, self.dialect), ignores_case)?;
        let groups = regex.captures_len();
        let with = pieces(&with);
        for piece in &with {
            if let Piece::Group(number) = piece
                && *number >= groups
            {
                return Err(format!("invalid reference \\{number} on `s' command's RHS"));
            }
        }
        Ok(What::Substitute { regex, with, all, nth: nth.max(1), prints })
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let group = match character {
            '&' => Some(0),
            '\\' => match characters.next() {
                Some(digit @ '0'..='9') => digit.to_digit(10).map(|digit| digit as usize),
                Some('n') => {
                    plain.push('\n');
                    None
                }
                Some('t') => {
                    plain.push('\t');
                    None
                }
                Some('x') => {
                    let text = super::grep::bytes(&mut characters);
                    plain.push_str(if text.is_empty() { "x" } else { &text });
                    None
                }
                other => {
                    plain.extend(other);
                    None
                }
            },
            other => {
                plain.push(other);
                None
            }
        };
        if let Some(group) = group {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Group(group));
        }
    }
    pieces.push(Piece::Text(plain));
    pieces
}
