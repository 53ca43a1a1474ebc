use super::code::{Code, Op, Piece, Redirect, Simple, Target, Word};
use std::rc::Rc;

/// How deep a script nests.
const DEPTH: u32 = 64;
/// How many instructions a script has.
const OPS: usize = 20_000;

/// A token of a script.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(Word, bool),
    /// `;` `&&` `||` `|` `&` `(` `)` `;;` or a line's end as `\n`.
    Sign(&'static str),
    /// `>`, `>>`, `<` with the stream before it; and `>&N`.
    Redirect(u8, &'static str),
}

/// Turns a script's text into instructions.
///
/// # Errors
/// The shell's words: `Syntax error: "done" unexpected`.
pub(crate) fn compile(text: &str) -> Result<Code, String> {
    let mut parser = Parser { code: Code::default(), tokens: Vec::new(), at: 0, depth: 0, loops: Vec::new() };
    parser.program(text)?;
    parser.code.ops.push(Op::End);
    Ok(parser.code)
}

struct Loop {
    breaks: Vec<usize>,
    start: usize,
}

struct Parser {
    code: Code,
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    loops: Vec<Loop>,
}

impl Parser {
    /// Compiles a text where it stands: the script itself, or what is in `$(…)`.
    fn program(&mut self, text: &str) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("Syntax error: nested too deeply".to_string());
        }
        let tokens = self.tokenize(text)?;
        let outer = (std::mem::replace(&mut self.tokens, tokens), std::mem::replace(&mut self.at, 0));
        let result = self.list(&[]);
        let rest = self.tokens.get(self.at).cloned();
        (self.tokens, self.at) = outer;
        self.depth -= 1;
        result?;
        match rest {
            Some(token) => Err(unexpected(&token)),
            None => Ok(()),
        }
    }

    fn emit(&mut self, op: Op) -> usize {
        if self.code.ops.len() < OPS {
            self.code.ops.push(op);
        }
        self.code.ops.len() - 1
    }

    fn here(&self) -> u32 {
        self.code.ops.len() as u32
    }

    fn land(&mut self, at: usize) {
        let here = self.here();
        if let Some(
            Op::Jump(to)
            | Op::JumpIfFailed(to)
            | Op::JumpIfDone(to)
            | Op::Beside(to)
            | Op::Next { end: to, .. },
        ) = self.code.ops.get_mut(at)
        {
            *to = here;
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let hit = matches!(self.peek(), Some(Token::Sign(known)) if *known == sign);
        self.at += usize::from(hit);
        hit
    }

    fn keyword(&self) -> &str {
        match self.peek() {
            Some(Token::Word(word, false)) => match word.as_slice() {
                [Piece::Text(text)] => text,
                _ => "",
            },
            _ => "",
        }
    }

    fn expect(&mut self, keyword: &str) -> Result<(), String> {
        while self.sign("\n") || self.sign(";") {}
        if self.keyword() == keyword {
            self.at += 1;
            return Ok(());
        }
        match self.peek() {
            Some(token) => Err(unexpected(token)),
            None => Err(format!("Syntax error: end of file unexpected (expecting \"{keyword}\")")),
        }
    }

    /// Compiles commands up to one of the words that end the list, or to the end.
    fn list(&mut self, ends: &[&str]) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("Syntax error: nested too deeply".to_string());
        }
        loop {
            while self.sign("\n") || self.sign(";") {}
            if self.peek().is_none() || ends.contains(&self.keyword()) {
                break;
            }
            if matches!(self.peek(), Some(Token::Sign(")" | ";;"))) {
                break;
            }
            let beside = self.emit(Op::Beside(0));
            self.and_or()?;
            if self.sign("&") {
                self.emit(Op::End);
                self.land(beside);
            } else if let Some(op) = self.code.ops.get_mut(beside) {
                *op = Op::Jump(beside as u32 + 1);
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn and_or(&mut self) -> Result<(), String> {
        self.pipeline()?;
        loop {
            let op = if self.sign("&&") {
                Op::JumpIfFailed(0)
            } else if self.sign("||") {
                Op::JumpIfDone(0)
            } else {
                return Ok(());
            };
            let jump = self.emit(op);
            while self.sign("\n") {}
            self.pipeline()?;
            self.land(jump);
        }
    }

    fn pipeline(&mut self) -> Result<(), String> {
        let not = self.keyword() == "!";
        self.at += usize::from(not);
        let start = self.emit(Op::Jump(0));
        self.land(start);
        self.command()?;
        let mut first = start;
        while self.sign("|") {
            while self.sign("\n") {}
            if let Some(op) = self.code.ops.get_mut(first) {
                *op = Op::Keep;
            }
            self.emit(Op::Pipe);
            first = self.emit(Op::Jump(0));
            self.land(first);
            self.command()?;
        }
        if not {
            self.emit(Op::Not);
        }
        Ok(())
    }

    fn command(&mut self) -> Result<(), String> {
        let redirected = self.emit(Op::Jump(0));
        self.land(redirected);
        match self.keyword().to_string().as_str() {
            "if" => self.conditional()?,
            word @ ("while" | "until") => self.repeat(word == "until")?,
            "for" => self.for_each()?,
            "case" => return Err("Syntax error: \"case\" is not known here".to_string()),
            "{" => {
                self.at += 1;
                self.list(&["}"])?;
                self.expect("}")?;
            }
            word @ ("then" | "do" | "done" | "fi" | "else" | "elif" | "esac" | "}") => {
                return Err(format!("Syntax error: \"{word}\" unexpected"));
            }
            _ if self.sign("(") => {
                self.list(&[])?;
                if !self.sign(")") {
                    return Err("Syntax error: end of file unexpected (expecting \")\")".to_string());
                }
            }
            _ => return self.simple(),
        }
        let redirects = self.redirects()?;
        if !redirects.is_empty() {
            if let Some(op) = self.code.ops.get_mut(redirected) {
                *op = Op::Redirect(redirects);
            }
            self.emit(Op::Restore);
        }
        Ok(())
    }

    fn conditional(&mut self) -> Result<(), String> {
        let mut ends = Vec::new();
        self.at += 1;
        loop {
            self.list(&["then"])?;
            self.expect("then")?;
            let jump = self.emit(Op::JumpIfFailed(0));
            self.list(&["elif", "else", "fi"])?;
            ends.push(self.emit(Op::Jump(0)));
            self.land(jump);
            match self.keyword() {
                "elif" => self.at += 1,
                "else" => {
                    self.at += 1;
                    self.list(&["fi"])?;
                    break;
                }
                _ => {
                    self.emit(Op::Succeed);
                    break;
                }
            }
        }
        self.expect("fi")?;
        ends.into_iter().for_each(|end| self.land(end));
        Ok(())
    }

    fn repeat(&mut self, until: bool) -> Result<(), String> {
        self.at += 1;
        let start = self.code.ops.len();
        self.list(&["do"])?;
        self.expect("do")?;
        let jump = self.emit(if until { Op::JumpIfDone(0) } else { Op::JumpIfFailed(0) });
        self.loops.push(Loop { breaks: Vec::new(), start });
        self.list(&["done"])?;
        self.expect("done")?;
        self.emit(Op::Jump(start as u32));
        self.land(jump);
        self.end_loop();
        self.emit(Op::Succeed);
        Ok(())
    }

    fn for_each(&mut self) -> Result<(), String> {
        self.at += 1;
        let name: Rc<str> = self.keyword().into();
        if name.is_empty() {
            return Err("Syntax error: Bad for loop variable".to_string());
        }
        self.at += 1;
        let mut words = Vec::new();
        if self.keyword() == "in" {
            self.at += 1;
            while let Some(Token::Word(word, _)) = self.peek().cloned() {
                self.at += 1;
                words.push(self.outputs(word)?);
            }
        }
        self.emit(Op::For { words });
        self.expect("do")?;
        let start = self.code.ops.len();
        let next = self.emit(Op::Next { name, end: 0 });
        self.loops.push(Loop { breaks: Vec::new(), start });
        self.list(&["done"])?;
        self.expect("done")?;
        self.emit(Op::Jump(start as u32));
        self.end_loop();
        self.land(next);
        self.emit(Op::EndFor);
        Ok(())
    }

    fn end_loop(&mut self) {
        if let Some(ended) = self.loops.pop() {
            ended.breaks.into_iter().for_each(|jump| self.land(jump));
        }
    }

    fn redirects(&mut self) -> Result<Vec<Redirect>, String> {
        let mut redirects = Vec::new();
        while let Some(Token::Redirect(stream, sign)) = self.peek().cloned() {
            self.at += 1;
            if sign == ">&" {
                redirects.push(Redirect { stream, target: Target::Other });
                continue;
            }
            let Some(Token::Word(path, _)) = self.peek().cloned() else {
                return Err("Syntax error: newline unexpected".to_string());
            };
            self.at += 1;
            let path = self.outputs(path)?;
            let stream = if sign == "<" { 0 } else { stream };
            redirects.push(Redirect { stream, target: Target::File { path, append: sign == ">>" } });
        }
        Ok(redirects)
    }

    fn simple(&mut self) -> Result<(), String> {
        let mut command = Simple::default();
        loop {
            match self.peek().cloned() {
                Some(Token::Word(word, _)) => {
                    self.at += 1;
                    let word = self.outputs(word)?;
                    match assignment(&word).filter(|_| command.words.is_empty()) {
                        Some(assignment) => command.assignments.push(assignment),
                        None => command.words.push(word),
                    }
                }
                Some(Token::Redirect(..)) => command.redirects.extend(self.redirects()?),
                Some(Token::Sign("(")) => return Err("Syntax error: \"(\" unexpected".to_string()),
                _ => break,
            }
        }
        if command.words.is_empty() && command.assignments.is_empty() && command.redirects.is_empty() {
            return match self.peek() {
                Some(token) => Err(unexpected(token)),
                None => Err("Syntax error: end of file unexpected".to_string()),
            };
        }
        let first = command.words.first().and_then(|word| match word.as_slice() {
            [Piece::Text(text)] => Some(text.clone()),
            _ => None,
        });
        match (first.as_deref(), self.loops.last_mut()) {
            (Some("break"), Some(_)) => {
                let jump = self.emit(Op::Jump(0));
                if let Some(inner) = self.loops.last_mut() {
                    inner.breaks.push(jump);
                }
            }
            (Some("continue"), Some(inner)) => {
                let start = inner.start as u32;
                self.emit(Op::Jump(start));
            }
            _ => drop(self.emit(Op::Run(command))),
        }
        Ok(())
    }

    /// Emits what runs the `$(…)` in a word before the command, and puts their slots in.
    fn outputs(&mut self, word: Word) -> Result<Word, String> {
        let mut whole = Word::new();
        for piece in word {
            match piece {
                Piece::Variable { name, operation, quoted } if &*operation == "(" => {
                    self.emit(Op::Keep);
                    self.program(&name)?;
                    let slot = self.code.slots;
                    self.code.slots += 1;
                    self.emit(Op::Store(slot));
                    whole.push(Piece::Output { slot, quoted });
                }
                piece => whole.push(piece),
            }
        }
        Ok(whole)
    }

    fn tokenize(&mut self, text: &str) -> Result<Vec<Token>, String> {
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
                    if matches!(next, Some('>' | '<'))
                        && !matches!(tokens.last(), Some(Token::Redirect(..))) =>
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

fn unexpected(token: &Token) -> String {
    match token {
        Token::Sign("\n") => "Syntax error: newline unexpected".to_string(),
        Token::Sign(sign) => format!("Syntax error: \"{sign}\" unexpected"),
        Token::Redirect(_, sign) => format!("Syntax error: \"{sign}\" unexpected"),
        Token::Word(word, _) => match word.first() {
            Some(Piece::Text(text)) => format!("Syntax error: \"{text}\" unexpected"),
            _ => "Syntax error: word unexpected".to_string(),
        },
    }
}

fn assignment(word: &Word) -> Option<(Rc<str>, Word)> {
    let Some(Piece::Text(text)) = word.first() else { return None };
    let (name, rest) = text.split_once('=')?;
    let is_name = !name.is_empty()
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !name.starts_with(|letter: char| letter.is_ascii_digit());
    if !is_name {
        return None;
    }
    let mut value = vec![Piece::Text(rest.into())];
    value.extend(word.iter().skip(1).cloned());
    Some((name.into(), value))
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
