use crate::Value;

/// How deep lists of a template may be nested.
const MAX_DEPTH: u32 = 32;

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// Text.
    Text(String),
    /// What stands between braces.
    List(Vec<Node>),
    /// `range` or `end`.
    Identifier(String),
    /// A field.
    Field(String),
    /// A number or a truth value.
    Literal(Value),
    /// `[0]`, `[1:3]`, `[::2]`.
    Array([Bound; 3]),
    /// `[?(@.a == "b")]`.
    Filter {
        /// Left of the operator.
        left: Vec<Node>,
        /// Right of it.
        right: Vec<Node>,
        /// The operator; `exists` for none.
        operator: String,
    },
    /// `[0, 2]`, `['a', 'b']`.
    Union(Vec<Vec<Node>>),
    /// `*`.
    Wildcard,
    /// `..`.
    Recursive,
}

/// A number in an array's brackets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The number.
    pub value: i64,
    /// Whether it was given.
    pub known: bool,
    /// Whether it is the one after the first.
    pub derived: bool,
}

/// Reads a template.
///
/// # Errors
/// Upstream's words.
pub(crate) fn parse(template: &str) -> Result<Vec<Node>, String> {
    Parser::new(template, 0).text()
}

fn parse_action(text: &str, depth: u32) -> Result<Vec<Node>, String> {
    if depth > MAX_DEPTH {
        return Err("too deeply nested".to_string());
    }
    let nodes = Parser::new(&format!("{{{text}}}"), depth).text()?;
    match nodes.into_iter().next() {
        Some(Node::List(nodes)) => Ok(nodes),
        _ => Ok(Vec::new()),
    }
}

struct Parser {
    input: Vec<char>,
    pos: usize,
    start: usize,
    depth: u32,
}

fn ends_word(c: Option<char>) -> bool {
    matches!(c, None | Some(' ' | '\n' | '\r' | '\t' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}'))
}

impl Parser {
    fn new(text: &str, depth: u32) -> Parser {
        Parser { input: text.chars().collect(), pos: 0, start: 0, depth }
    }

    fn peek(&self) -> Option<char> {
        self.input.get(self.pos).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.pos += 1;
        c
    }

    fn consume(&mut self) -> String {
        let end = self.pos.min(self.input.len());
        let text = self.input.get(self.start..end).unwrap_or(&[]).iter().collect();
        self.start = self.pos;
        text
    }

    fn starts_with(&self, prefix: &str) -> bool {
        prefix.chars().enumerate().all(|(i, c)| self.input.get(self.pos + i) == Some(&c))
    }

    fn text(&mut self) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        while let Some(c) = self.peek() {
            if c != '{' {
                self.pos += 1;
                continue;
            }
            if self.pos > self.start {
                nodes.push(Node::Text(self.consume()));
            }
            self.pos += 1;
            self.consume();
            nodes.push(Node::List(self.action()?));
        }
        if self.pos > self.start {
            nodes.push(Node::Text(self.consume()));
        }
        Ok(nodes)
    }

    fn action(&mut self) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        loop {
            if self.starts_with("}") {
                self.pos += 1;
                self.consume();
                return Ok(nodes);
            } else if self.starts_with("[?(") {
                nodes.push(self.filter()?);
                continue;
            } else if self.starts_with("..") {
                self.recursive(&mut nodes)?;
                continue;
            }
            match self.next() {
                None | Some('\n' | '\r') => return Err("unclosed action".to_string()),
                Some(' ' | '@' | '$') => {
                    self.consume();
                }
                Some('[') => self.array(&mut nodes)?,
                Some(mark @ ('"' | '\'')) => nodes.push(self.quote(mark)?),
                Some('.') => nodes.push(self.field()),
                Some(c) if c == '+' || c == '-' || c.is_numeric() => {
                    self.pos -= 1;
                    nodes.push(self.number()?);
                }
                Some(c) if c == '_' || c.is_alphanumeric() => {
                    self.pos -= 1;
                    nodes.push(self.identifier());
                }
                Some(c) => {
                    return Err(format!("unrecognized character in action: U+{:04X} '{c}'", c as u32));
                }
            }
        }
    }

    fn identifier(&mut self) -> Node {
        while !ends_word(self.peek()) {
            self.pos += 1;
        }
        let word = self.consume();
        match word.as_str() {
            "true" => Node::Literal(true.into()),
            "false" => Node::Literal(false.into()),
            _ => Node::Identifier(word),
        }
    }

    fn recursive(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        if nodes.last() == Some(&Node::Recursive) {
            return Err("invalid multiple recursive descent".to_string());
        }
        self.pos += 2;
        self.consume();
        nodes.push(Node::Recursive);
        if self.peek().is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            nodes.push(self.field());
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Node, String> {
        if matches!(self.peek(), Some('+' | '-')) {
            self.pos += 1;
        }
        while self.peek().is_some_and(|c| c == '.' || c.is_numeric()) {
            self.pos += 1;
        }
        let text = self.consume();
        if let Ok(number) = text.parse::<i64>() {
            return Ok(Node::Literal(number.into()));
        }
        match text.parse::<f64>() {
            Ok(number) => Ok(Node::Literal(Value::Float(number))),
            Err(_) => Err(format!("cannot parse number {text}")),
        }
    }

    fn field(&mut self) -> Node {
        self.consume();
        loop {
            if self.peek() == Some('\\') {
                self.pos += 2;
            } else if ends_word(self.peek()) {
                break;
            } else {
                self.pos += 1;
            }
        }
        let name = self.consume();
        if name == "*" { Node::Wildcard } else { Node::Field(name.replace('\\', "")) }
    }

    fn quote(&mut self, mark: char) -> Result<Node, String> {
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated quoted string".to_string()),
                Some(c) if c == mark && self.input.get(self.pos.wrapping_sub(2)) != Some(&'\\') => break,
                Some(_) => {}
            }
        }
        let text = self.consume();
        unquote(&text).map(Node::Text).ok_or_else(|| format!("unquote string {text} error invalid syntax"))
    }

    fn array(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated array".to_string()),
                Some(']') => break,
                Some(_) => {}
            }
        }
        let text = self.consume();
        let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or("");
        let text = if text == "*" { ":" } else { text };
        let parts: Vec<&str> = text.split(',').collect();
        if parts.len() > 1 {
            let mut union = Vec::new();
            for part in parts {
                union.push(parse_action(&format!("[{}]", part.trim_matches(' ')), self.depth + 1)?);
            }
            nodes.push(Node::Union(union));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        if let Some(key) = key.filter(|key| !key.contains('\'')) {
            nodes.extend(parse_action(&format!(".{key}"), self.depth + 1)?);
            return Ok(());
        }
        nodes.push(Node::Array(bounds(text)?));
        Ok(())
    }

    fn filter(&mut self) -> Result<Node, String> {
        self.pos += 3;
        self.consume();
        let (mut begin, mut end, mut pair) = (false, false, ' ');
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated filter".to_string()),
                Some(c @ ('"' | '\'')) => {
                    if !begin {
                        (begin, pair) = (true, c);
                    } else if self.input.get(self.pos.wrapping_sub(2)) != Some(&'\\') && c == pair {
                        end = true;
                    }
                }
                Some(')') if begin == end => break,
                Some(_) => {}
            }
        }
        if self.next() != Some(']') {
            return Err("unclosed array expect ]".to_string());
        }
        let text = self.consume();
        let text = text.strip_suffix(")]").unwrap_or(&text);
        let is_operator = |c: char| matches!(c, '!' | '<' | '>' | '=');
        let from = text.find(is_operator).filter(|from| *from > 0);
        let split = from.and_then(|from| {
            let (left, rest) = text.split_at_checked(from)?;
            let length = rest.find(|c| !is_operator(c))?;
            let (operator, right) = rest.split_at_checked(length)?;
            Some((left, operator, right))
        });
        let depth = self.depth + 1;
        Ok(match split {
            Some((left, operator, right)) => Node::Filter {
                left: parse_action(left, depth)?,
                right: parse_action(right, depth)?,
                operator: operator.to_string(),
            },
            None => Node::Filter {
                left: parse_action(text, depth)?,
                right: Vec::new(),
                operator: "exists".to_string(),
            },
        })
    }
}

fn bounds(text: &str) -> Result<[Bound; 3], String> {
    let parts: Vec<&str> = text.split(':').collect();
    let is_number = |part: &str| {
        let digits = part.strip_prefix('-').unwrap_or(part);
        digits.chars().all(|c| c.is_ascii_digit())
    };
    if parts.len() > 3 || !parts.iter().all(|part| is_number(part)) {
        return Err(format!("invalid array index {text}"));
    }
    let mut bounds = [Bound::default(); 3];
    for (i, part) in parts.iter().enumerate() {
        if part.is_empty() {
            continue;
        }
        let value = part.parse().map_err(|_| format!("array index {part} is not a number"))?;
        if let Some(bound) = bounds.get_mut(i) {
            *bound = Bound { value, known: true, derived: false };
        }
    }
    if parts.len() == 1 {
        bounds[1] = Bound { value: bounds[0].value.saturating_add(1), known: true, derived: true };
    }
    Ok(bounds)
}

/// Takes off the quotes, single ones included, and reads Go's escapes.
// Models staging/src/k8s.io/client-go/util/jsonpath/parser.go UnquoteExtend
fn unquote(text: &str) -> Option<String> {
    let mark = text.chars().next()?;
    let inner = text.strip_prefix(mark)?.strip_suffix(mark)?;
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'v' => out.push('\x0b'),
            '\\' => out.push('\\'),
            c @ ('"' | '\'') => out.push(c),
            kind @ ('x' | 'u') => {
                let length = if kind == 'x' { 2 } else { 4 };
                let digits: String = chars.by_ref().take(length).collect();
                out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
            }
            _ => return None,
        }
    }
    Some(out)
}
