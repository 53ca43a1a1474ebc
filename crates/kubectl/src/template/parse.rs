use api::Value;

/// How deep a template may be nested.
const MAX_DEPTH: u32 = 64;

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// Text.
    Text(String),
    /// `{{pipeline}}`, or `{{$x := pipeline}}`, which prints nothing.
    Action(Pipeline),
    /// `if`, `with`.
    If { with: bool, condition: Pipeline, then: Vec<Node>, otherwise: Vec<Node> },
    /// `range`.
    Range { over: Pipeline, body: Vec<Node>, otherwise: Vec<Node> },
}

/// Commands, each of which gets the result of the one before as its last argument.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pipeline {
    /// Variables that get the result.
    pub variables: Vec<String>,
    /// The commands.
    pub commands: Vec<Vec<Operand>>,
}

/// A word of a command.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    /// `.a.b`; the dot itself without names.
    Field(Vec<String>),
    /// `$x.a.b`.
    Variable(String, Vec<String>),
    /// A literal.
    Literal(Value),
    /// A function's name.
    Function(String),
    /// `(pipeline).a.b`.
    Group(Pipeline, Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
    Assign,
    Space,
}

enum Piece {
    Text(String),
    Action(Vec<Token>),
}

/// Reads a template.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, String> {
    let mut pieces = pieces(text)?.into_iter();
    let (nodes, end) = block(&mut pieces, 0)?;
    match end {
        None => Ok(nodes),
        Some(tokens) => Err(format!("template: output:1: unexpected {{{{{}}}}}", first_word(&tokens))),
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut trim = false;
    while let Some((before, after)) = rest.split_once("{{") {
        let mut before = if trim { before.trim_start() } else { before };
        let mut after = after;
        if after.starts_with("- ") {
            before = before.trim_end();
            after = after.get(1..).unwrap_or("");
        }
        pieces.push(Piece::Text(before.to_string()));
        let end = action_end(after).ok_or("template: output:1: unclosed action")?;
        let mut action = after.get(..end).unwrap_or("");
        trim = action.ends_with(" -");
        if trim {
            action = action.strip_suffix('-').unwrap_or(action);
        }
        let is_comment = action.trim().starts_with("/*") && action.trim().ends_with("*/");
        if !is_comment {
            pieces.push(Piece::Action(tokens(action)?));
        }
        rest = after.get(end + 2..).unwrap_or("");
    }
    pieces.push(Piece::Text(if trim { rest.trim_start() } else { rest }.to_string()));
    Ok(pieces)
}

/// Returns where `}}` stands outside quotes.
fn action_end(text: &str) -> Option<usize> {
    let mut quoted = None;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match quoted {
            Some(_) if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(mark) if c == mark => quoted = None,
            Some(_) => {}
            None if c == '"' || c == '`' => quoted = Some(c),
            None if text.get(i..).is_some_and(|rest| rest.starts_with("}}")) => return Some(i),
            None => {}
        }
    }
    None
}

fn tokens(action: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = action.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {
                if tokens.last() != Some(&Token::Space) {
                    tokens.push(Token::Space);
                }
            }
            '"' => tokens.push(Token::Text(quoted(&mut chars)?)),
            '`' => tokens.push(Token::Text(chars.by_ref().take_while(|c| *c != '`').collect())),
            ':' if chars.peek() == Some(&'=') => {
                chars.next();
                tokens.push(Token::Assign);
            }
            '=' => tokens.push(Token::Assign),
            '|' | '(' | ')' | ',' => tokens.push(Token::Mark(c)),
            c if c == '.' || c == '$' || c == '_' || c == '-' || c == '+' || c.is_alphanumeric() => {
                let mut word = c.to_string();
                while let Some(c) = chars.next_if(|c| *c == '.' || *c == '_' || c.is_alphanumeric()) {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            c => return Err(format!("template: output:1: unexpected {c:?} in command")),
        }
    }
    Ok(tokens)
}

fn quoted(chars: &mut std::iter::Peekable<std::str::Chars>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            None => return Err("template: output:1: unterminated quoted string".to_string()),
            Some('"') => return Ok(text),
            Some('\\') => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some(c) => text.push(c),
                None => {}
            },
            Some(c) => text.push(c),
        }
    }
}

fn first_word(tokens: &[Token]) -> String {
    tokens
        .iter()
        .find_map(|token| match token {
            Token::Word(word) => Some(word.clone()),
            _ => None,
        })
        .unwrap_or_default()
}

/// What ends a block: `end` or `else …`.
type End = Option<Vec<Token>>;

fn block(pieces: &mut std::vec::IntoIter<Piece>, depth: u32) -> Result<(Vec<Node>, End), String> {
    if depth > MAX_DEPTH {
        return Err("template: output:1: too deeply nested".to_string());
    }
    let mut nodes = Vec::new();
    while let Some(piece) = pieces.next() {
        let tokens = match piece {
            Piece::Text(text) => {
                if !text.is_empty() {
                    nodes.push(Node::Text(text));
                }
                continue;
            }
            Piece::Action(tokens) => tokens,
        };
        match first_word(&tokens).as_str() {
            "end" | "else" => return Ok((nodes, Some(tokens))),
            word @ ("if" | "with" | "range") => {
                nodes.push(control(pieces, word, after_word(&tokens), depth)?);
            }
            word @ ("define" | "template" | "block" | "break" | "continue") => {
                return Err(format!("template: output:1: {word} is not supported"));
            }
            _ => nodes.push(Node::Action(pipeline(&tokens)?)),
        }
    }
    Ok((nodes, None))
}

fn after_word(tokens: &[Token]) -> Vec<Token> {
    let at = tokens.iter().position(|token| matches!(token, Token::Word(_))).unwrap_or(0);
    tokens.get(at + 1..).unwrap_or(&[]).to_vec()
}

fn control(
    pieces: &mut std::vec::IntoIter<Piece>,
    word: &str,
    head: Vec<Token>,
    depth: u32,
) -> Result<Node, String> {
    let condition = pipeline(&head)?;
    let unclosed = || "template: output:1: unexpected EOF".to_string();
    let (then, end) = block(pieces, depth + 1)?;
    let end = end.ok_or_else(unclosed)?;
    let mut otherwise = Vec::new();
    if first_word(&end) == "else" {
        let rest = after_word(&end);
        match first_word(&rest).as_str() {
            "" => {
                let (nodes, end) = block(pieces, depth + 1)?;
                end.ok_or_else(unclosed)?;
                otherwise = nodes;
            }
            inner @ ("if" | "with") => {
                otherwise.push(control(pieces, inner, after_word(&rest), depth + 1)?);
            }
            other => return Err(format!("template: output:1: unexpected {other} in else")),
        }
    }
    Ok(match word {
        "range" => Node::Range { over: condition, body: then, otherwise },
        _ => Node::If { with: word == "with", condition, then, otherwise },
    })
}

fn pipeline(tokens: &[Token]) -> Result<Pipeline, String> {
    let mut pipeline = Pipeline::default();
    let mut tokens = tokens;
    if let Some(at) = tokens.iter().position(|token| *token == Token::Assign) {
        for token in tokens.get(..at).unwrap_or(&[]) {
            if let Token::Word(name) = token {
                pipeline.variables.push(name.trim_start_matches('$').to_string());
            }
        }
        tokens = tokens.get(at + 1..).unwrap_or(&[]);
    }
    let mut at = 0;
    pipeline.commands = commands(tokens, &mut at, 0)?;
    if at < tokens.len() {
        return Err("template: output:1: unexpected right paren".to_string());
    }
    Ok(pipeline)
}

fn commands(tokens: &[Token], at: &mut usize, depth: u32) -> Result<Vec<Vec<Operand>>, String> {
    if depth > MAX_DEPTH {
        return Err("template: output:1: too deeply nested".to_string());
    }
    let mut commands = vec![Vec::new()];
    while let Some(token) = tokens.get(*at) {
        *at += 1;
        let operand = match token {
            Token::Space | Token::Assign | Token::Mark(',') => continue,
            Token::Mark('|') => {
                commands.push(Vec::new());
                continue;
            }
            Token::Mark('(') => {
                let inner =
                    Pipeline { variables: Vec::new(), commands: self::commands(tokens, at, depth + 1)? };
                if tokens.get(*at) != Some(&Token::Mark(')')) {
                    return Err("template: output:1: unclosed left paren".to_string());
                }
                *at += 1;
                let mut names = Vec::new();
                if let Some(Token::Word(word)) = tokens.get(*at)
                    && word.starts_with('.')
                {
                    names = path(word);
                    *at += 1;
                }
                Operand::Group(inner, names)
            }
            Token::Mark(_) => {
                *at -= 1;
                break;
            }
            Token::Text(text) => Operand::Literal(text.into()),
            Token::Word(word) => operand(word)?,
        };
        if let Some(command) = commands.last_mut() {
            command.push(operand);
        }
    }
    if commands.iter().any(Vec::is_empty) {
        return Err("template: output:1: missing value for command".to_string());
    }
    Ok(commands)
}

fn path(word: &str) -> Vec<String> {
    word.split('.').filter(|name| !name.is_empty()).map(str::to_string).collect()
}

fn operand(word: &str) -> Result<Operand, String> {
    if word.starts_with('.') {
        return Ok(Operand::Field(path(word)));
    }
    if let Some(rest) = word.strip_prefix('$') {
        let (name, rest) = rest.split_once('.').unwrap_or((rest, ""));
        return Ok(Operand::Variable(name.to_string(), path(rest)));
    }
    Ok(match word {
        "true" => Operand::Literal(true.into()),
        "false" => Operand::Literal(false.into()),
        "nil" => Operand::Literal(Value::Null),
        _ => match word.parse::<i64>() {
            Ok(number) => Operand::Literal(number.into()),
            Err(_) if super::functions::is_known(word) => Operand::Function(word.to_string()),
            Err(_) => match word.parse::<f64>() {
                Ok(number) if number.is_finite() => Operand::Literal(number.into()),
                _ => return Err(format!("template: output:1: function {word:?} not defined")),
            },
        },
    })
}
