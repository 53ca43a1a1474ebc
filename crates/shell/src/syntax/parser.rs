use super::SyntaxError;
use super::ast::{Command, CommandKind, Item, Join, Pipeline, Redirect, RedirectKind, Script, Word};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How deep commands may be nested.
const MAX_DEPTH: u32 = 60;
/// Words that begin or end a construct where a command may begin.
const RESERVED: [&str; 16] = [
    "if", "then", "elif", "else", "fi", "while", "until", "do", "done", "for", "in", "case", "esac", "{",
    "}", "!",
];
/// Operators, longest first.
const OPERATORS: [&str; 18] =
    ["<<<", "<<-", "&>>", "&&", "||", ";;", ">>", "<<", ">&", "<&", "&>", ">|", ";", "&", "|", "<", ">", "("];

/// Reads commands from text.
pub(super) struct Parser {
    pub(super) text: Vec<char>,
    pub(super) at: usize,
    pub(super) depth: u32,
    /// Where a line ends after which documents stand, and where the text goes on.
    documents: BTreeMap<usize, usize>,
}

impl Parser {
    pub(super) fn new(text: &str) -> Parser {
        Parser { text: text.chars().collect(), at: 0, depth: 0, documents: BTreeMap::new() }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, character)| self.peek_at(i) == Some(character))
    }

    /// Reads all of it.
    pub(super) fn script(&mut self) -> Result<Script, SyntaxError> {
        let script = self.list(&[])?;
        match self.peek() {
            None => Ok(script),
            Some(_) => Err(self.unexpected()),
        }
    }

    pub(super) fn deeper(&mut self) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SyntaxError::Wrong("commands are nested too deeply".to_string()));
        }
        Ok(())
    }

    fn unexpected(&self) -> SyntaxError {
        if self.at >= self.text.len() {
            return SyntaxError::Incomplete("syntax error: unexpected end of file".to_string());
        }
        let token = match OPERATORS.iter().chain(&[")"]).find(|operator| self.starts_with(operator)) {
            Some(operator) => (*operator).to_string(),
            None if self.peek() == Some('\n') => "newline".to_string(),
            None => {
                let rest = self.text.get(self.at..).unwrap_or_default();
                rest.iter().take_while(|c| !is_word_end(**c)).collect()
            }
        };
        SyntaxError::Wrong(format!("syntax error near unexpected token `{token}'"))
    }

    /// Passes over blanks, comments and continued lines.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.peek_at(1) == Some('\n') => self.at += 2,
                Some('#') => {
                    while self.peek().is_some_and(|character| character != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn newline(&mut self) -> bool {
        if self.peek() != Some('\n') {
            return false;
        }
        self.at = self.documents.get(&self.at).copied().unwrap_or(self.at + 1);
        true
    }

    fn skip_lines(&mut self) {
        loop {
            self.skip_blanks();
            if !self.newline() {
                return;
            }
        }
    }

    fn operator(&mut self, operator: &str) -> bool {
        self.skip_blanks();
        let longest = OPERATORS.iter().chain(&[")"]).find(|operator| self.starts_with(operator));
        if longest == Some(&operator) {
            self.at += operator.len();
            return true;
        }
        false
    }

    /// Returns the reserved word that stands next.
    fn reserved(&mut self) -> Option<&'static str> {
        self.skip_blanks();
        RESERVED.into_iter().find(|word| {
            self.starts_with(word)
                && self.peek_at(word.len()).is_none_or(|next| is_word_end(next) || next == ')')
        })
    }

    fn take_reserved(&mut self, word: &str) -> bool {
        let found = self.reserved() == Some(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn expect_reserved(&mut self, word: &str) -> Result<(), SyntaxError> {
        self.skip_lines();
        if self.take_reserved(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Reads commands up to one of these reserved words, a closing parenthesis, `;;` or the end.
    pub(super) fn list(&mut self, ends: &[&str]) -> Result<Script, SyntaxError> {
        self.deeper()?;
        let mut script = Script::default();
        loop {
            self.skip_lines();
            let at_end = self.peek().is_none_or(|next| next == ')') || self.starts_with(";;");
            if at_end || self.reserved().is_some_and(|word| ends.contains(&word)) {
                break;
            }
            script.items.push(self.item()?);
        }
        self.depth -= 1;
        Ok(script)
    }

    /// Reads commands of which there must be some.
    fn body(&mut self, ends: &[&str]) -> Result<Rc<Script>, SyntaxError> {
        let script = self.list(ends)?;
        if script.items.is_empty() { Err(self.unexpected()) } else { Ok(Rc::new(script)) }
    }

    fn item(&mut self) -> Result<Item, SyntaxError> {
        self.skip_blanks();
        let start = self.at;
        let mut pipelines = vec![(Join::First, Rc::new(self.pipeline()?))];
        loop {
            let join = if self.operator("&&") {
                Join::And
            } else if self.operator("||") {
                Join::Or
            } else {
                break;
            };
            self.skip_lines();
            pipelines.push((join, Rc::new(self.pipeline()?)));
        }
        let text: String = self.text.get(start..self.at).unwrap_or_default().iter().collect();
        let background = self.operator("&");
        if !background && !self.operator(";") {
            let ends = self.peek().is_none_or(|next| matches!(next, '\n' | ')')) || self.starts_with(";;");
            if !ends {
                return Err(self.unexpected());
            }
        }
        Ok(Item { pipelines, background, text: text.trim().into() })
    }

    fn pipeline(&mut self) -> Result<Pipeline, SyntaxError> {
        let mut negated = false;
        while self.take_reserved("!") {
            negated = !negated;
        }
        let mut commands = vec![Rc::new(self.command()?)];
        loop {
            if self.starts_with("|&") {
                return Err(SyntaxError::Wrong("syntax error near unexpected token `|&'".to_string()));
            }
            if !self.operator("|") {
                return Ok(Pipeline { negated, commands });
            }
            self.skip_lines();
            commands.push(Rc::new(self.command()?));
        }
    }

    fn command(&mut self) -> Result<Command, SyntaxError> {
        self.deeper()?;
        let kind = match self.reserved() {
            Some("if") => self.conditional()?,
            Some(word @ ("while" | "until")) => {
                self.take_reserved(word);
                let condition = self.body(&["do"])?;
                let body = self.loop_body()?;
                CommandKind::While { until: word == "until", condition, body }
            }
            Some("for") => self.for_loop()?,
            Some("case") => self.case()?,
            Some("{") => {
                self.take_reserved("{");
                let script = self.body(&["}"])?;
                self.expect_reserved("}")?;
                CommandKind::Group(script)
            }
            Some(word) if word != "in" => return Err(self.unexpected_word(word)),
            _ if self.operator("(") => {
                let script = self.body(&[])?;
                self.expect_close()?;
                CommandKind::Subshell(script)
            }
            _ => {
                let command = self.simple()?;
                self.depth -= 1;
                return Ok(command);
            }
        };
        let mut redirects = Vec::new();
        while self.redirect(&mut redirects)? {}
        self.depth -= 1;
        Ok(Command { kind, redirects })
    }

    fn unexpected_word(&self, word: &str) -> SyntaxError {
        SyntaxError::Wrong(format!("syntax error near unexpected token `{word}'"))
    }

    pub(super) fn expect_close(&mut self) -> Result<(), SyntaxError> {
        self.skip_lines();
        if self.peek() == Some(')') {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected())
    }

    fn conditional(&mut self) -> Result<CommandKind, SyntaxError> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        self.take_reserved("if");
        loop {
            let condition = self.body(&["then"])?;
            self.expect_reserved("then")?;
            branches.push((condition, self.body(&["elif", "else", "fi"])?));
            if self.take_reserved("elif") {
                continue;
            }
            if self.take_reserved("else") {
                otherwise = Some(self.body(&["fi"])?);
            }
            self.expect_reserved("fi")?;
            return Ok(CommandKind::If { branches, otherwise });
        }
    }

    fn loop_body(&mut self) -> Result<Rc<Script>, SyntaxError> {
        self.expect_reserved("do")?;
        let body = self.body(&["done"])?;
        self.expect_reserved("done")?;
        Ok(body)
    }

    fn for_loop(&mut self) -> Result<CommandKind, SyntaxError> {
        self.take_reserved("for");
        self.skip_blanks();
        let name = self.name().ok_or_else(|| self.unexpected())?;
        self.skip_lines();
        let mut words = None;
        if self.take_reserved("in") {
            let mut list = Vec::new();
            while let Some(word) = self.word()? {
                list.push(word);
            }
            words = Some(list);
        }
        self.operator(";");
        let body = self.loop_body()?;
        Ok(CommandKind::For { name, words, body })
    }

    fn case(&mut self) -> Result<CommandKind, SyntaxError> {
        self.take_reserved("case");
        let word = self.word()?.ok_or_else(|| self.unexpected())?;
        self.expect_reserved("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_lines();
            if self.take_reserved("esac") {
                return Ok(CommandKind::Case { word, arms });
            }
            self.operator("(");
            let mut patterns = vec![self.word()?.ok_or_else(|| self.unexpected())?];
            while self.operator("|") {
                patterns.push(self.word()?.ok_or_else(|| self.unexpected())?);
            }
            self.expect_close()?;
            let body = Rc::new(self.list(&["esac"])?);
            arms.push((patterns, body));
            self.skip_lines();
            if !self.operator(";;") {
                self.expect_reserved("esac")?;
                return Ok(CommandKind::Case { word, arms });
            }
        }
    }

    fn simple(&mut self) -> Result<Command, SyntaxError> {
        let (mut assignments, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let in_test = words.first().and_then(Word::plain) == Some("[[")
                && words.last().and_then(Word::plain) != Some("]]");
            if !in_test && self.redirect(&mut redirects)? {
                continue;
            }
            self.skip_blanks();
            if in_test && self.peek() == Some('\n') {
                self.newline();
                continue;
            }
            if in_test
                && let Some(operator) =
                    ["&&", "||", "<", ">", "(", ")"].into_iter().find(|o| self.starts_with(o))
            {
                self.at += operator.len();
                words.push(Word::text(operator, true));
                continue;
            }
            if words.is_empty()
                && let Some(name) = self.assignment()
            {
                let value = self.word_now()?.unwrap_or_default();
                assignments.push((name, value));
                continue;
            }
            let Some(word) = self.word()? else { break };
            if words.is_empty() && assignments.is_empty() && redirects.is_empty() && self.starts_with("()") {
                self.at += 2;
                self.skip_lines();
                let Some(name) = word.plain().map(str::to_string) else { return Err(self.unexpected()) };
                let body = Rc::new(self.command()?);
                return Ok(Command { kind: CommandKind::Function { name, body }, redirects });
            }
            words.push(word);
        }
        if words.is_empty() && assignments.is_empty() && redirects.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Command { kind: CommandKind::Simple { assignments, words }, redirects })
    }

    /// Reads `NAME=`, after which the value stands.
    fn assignment(&mut self) -> Option<String> {
        let start = self.at;
        let name = self.name();
        if name.is_some() && self.peek() == Some('=') {
            self.at += 1;
            return name;
        }
        self.at = start;
        None
    }

    pub(super) fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        while let Some(next) = self.peek() {
            if next != '_' && !next.is_ascii_alphabetic() && (name.is_empty() || !next.is_ascii_digit()) {
                break;
            }
            name.push(next);
            self.at += 1;
        }
        (!name.is_empty()).then_some(name)
    }

    fn redirect(&mut self, redirects: &mut Vec<Redirect>) -> Result<bool, SyntaxError> {
        self.skip_blanks();
        let start = self.at;
        let number = self.peek().and_then(|digit| digit.to_digit(10));
        if number.is_some() {
            self.at += 1;
            if !matches!(self.peek(), Some('<' | '>')) {
                self.at = start;
                return Ok(false);
            }
        }
        let kinds = [
            ("<<<", RedirectKind::Here, 0),
            ("<<-", RedirectKind::Here, 0),
            ("<<", RedirectKind::Here, 0),
            ("&>>", RedirectKind::Both, 1),
            ("&>", RedirectKind::Both, 1),
            (">>", RedirectKind::Append, 1),
            (">&", RedirectKind::Duplicate, 1),
            ("<&", RedirectKind::Duplicate, 0),
            (">|", RedirectKind::Write, 1),
            ("<", RedirectKind::Read, 0),
            (">", RedirectKind::Write, 1),
        ];
        if self.starts_with("<(") {
            return Ok(false);
        }
        let Some((operator, kind, fd)) = kinds.into_iter().find(|(operator, ..)| self.starts_with(operator))
        else {
            self.at = start;
            return Ok(false);
        };
        self.at += operator.len();
        let fd = number.unwrap_or(fd);
        let Some(target) = self.word()? else { return Err(self.unexpected()) };
        let target = match operator {
            "<<" | "<<-" => self.document(&target, operator == "<<-")?,
            "<<<" => {
                let mut parts = target.parts;
                parts.push(super::Part::Text { text: "\n".to_string(), quoted: true });
                Word { parts }
            }
            _ => target,
        };
        redirects.push(Redirect { fd, kind, target });
        Ok(true)
    }

    /// Reads the document that begins after the present line.
    fn document(&mut self, delimiter: &Word, strip_tabs: bool) -> Result<Word, SyntaxError> {
        let (mut end, mut quoted) = (String::new(), false);
        for part in &delimiter.parts {
            if let super::Part::Text { text, quoted: is_quoted } = part {
                end.push_str(text);
                quoted |= is_quoted;
            }
        }
        let line_end = (self.at..self.text.len())
            .find(|at| self.text.get(*at) == Some(&'\n'))
            .unwrap_or(self.text.len());
        let mut at = self.documents.get(&line_end).copied().unwrap_or(line_end + 1);
        let mut body = String::new();
        loop {
            if at >= self.text.len() {
                let message = format!("warning: here-document delimited by end-of-file (wanted `{end}')");
                return Err(SyntaxError::Incomplete(message));
            }
            let stop =
                (at..self.text.len()).find(|at| self.text.get(*at) == Some(&'\n')).unwrap_or(self.text.len());
            let line: String = self.text.get(at..stop).unwrap_or_default().iter().collect();
            let line = if strip_tabs { line.trim_start_matches('\t') } else { &line };
            at = stop + 1;
            if line == end {
                break;
            }
            body.push_str(line);
            body.push('\n');
        }
        self.documents.insert(line_end, at);
        if quoted { Ok(Word::text(&body, true)) } else { super::word::document(&body, self.depth) }
    }
}

/// Returns whether the character ends a word.
pub(super) fn is_word_end(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
}
