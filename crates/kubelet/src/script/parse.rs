use super::code::{Code, Op, Piece, Redirect, Simple, Target, Word};
use super::lex::{Token, tokenize};
use std::rc::Rc;

/// How deep a script nests.
const DEPTH: u32 = 64;
/// How many instructions a script has.
const OPS: usize = 20_000;

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
        let tokens = tokenize(text)?;
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
