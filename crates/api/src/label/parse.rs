use super::{Operator, Requirement, Selector, check_key, check_value};

/// What the words of a selector are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Error,
    End,
    Close,
    Comma,
    Not,
    Equals,
    Greater,
    Identifier,
    In,
    Less,
    NotEquals,
    NotIn,
    Open,
}

const BINARY_OPERATORS: &str = "in, notin, =, ==, !=, gt, lt";

/// Reads a label selector: `app=web,tier in (a,b),!old`.
///
/// # Errors
/// Upstream's words on what is wrong.
// Models staging/src/k8s.io/apimachinery/pkg/labels/selector.go Parse
pub fn parse(text: &str) -> Result<Selector, String> {
    let mut parser = Parser { tokens: scan(text), at: 0 };
    let mut requirements = Vec::new();
    loop {
        let (token, literal) = parser.look();
        match token {
            Token::Identifier | Token::Not => {
                let requirement =
                    parser.requirement().map_err(|error| format!("unable to parse requirement: {error}"))?;
                requirements.push(requirement);
                let (token, literal) = parser.take();
                match token {
                    Token::End => break,
                    Token::Comma => {}
                    _ => return Err(format!("found '{literal}', expected: ',' or 'end of string'")),
                }
                let (token, literal) = parser.look();
                if !matches!(token, Token::Identifier | Token::Not) {
                    return Err(format!("found '{literal}', expected: identifier after ','"));
                }
            }
            Token::End => break,
            _ => return Err(format!("found '{literal}', expected: !, identifier, or 'end of string'")),
        }
    }
    requirements.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(Selector { requirements, nothing: false })
}

// Models staging/src/k8s.io/apimachinery/pkg/labels/selector.go Lexer.Lex
fn scan(text: &str) -> Vec<(Token, String)> {
    let is_symbol = |character: char| "=!(),><".contains(character);
    let is_space = |character: char| matches!(character, ' ' | '\t' | '\r' | '\n');
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while let Some(first) = rest.chars().next() {
        let (token, length) = if is_symbol(first) {
            symbol(rest)
        } else {
            let length = rest.find(|c| is_symbol(c) || is_space(c)).unwrap_or(rest.len());
            let token = match rest.get(..length) {
                Some("in") => Token::In,
                Some("notin") => Token::NotIn,
                _ => Token::Identifier,
            };
            (token, length)
        };
        let (word, after) = rest.split_at(length);
        tokens.push((token, word.to_string()));
        rest = after.trim_start_matches(is_space);
    }
    tokens
}

fn symbol(text: &str) -> (Token, usize) {
    let two = match text.get(..2) {
        Some("==") => Token::Equals,
        Some("!=") => Token::NotEquals,
        _ => Token::Error,
    };
    if two != Token::Error {
        return (two, 2);
    }
    let one = match text.chars().next() {
        Some(')') => Token::Close,
        Some(',') => Token::Comma,
        Some('!') => Token::Not,
        Some('=') => Token::Equals,
        Some('>') => Token::Greater,
        Some('<') => Token::Less,
        Some('(') => Token::Open,
        _ => Token::Error,
    };
    (one, 1)
}

struct Parser {
    tokens: Vec<(Token, String)>,
    at: usize,
}

impl Parser {
    /// Returns the next word where `in` and `notin` are names like any other.
    fn look(&self) -> (Token, String) {
        let (token, literal) = self.look_for_operator();
        let token = if matches!(token, Token::In | Token::NotIn) { Token::Identifier } else { token };
        (token, literal)
    }

    fn look_for_operator(&self) -> (Token, String) {
        self.tokens.get(self.at).cloned().unwrap_or((Token::End, String::new()))
    }

    fn take(&mut self) -> (Token, String) {
        let taken = self.look();
        self.at += 1;
        taken
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let (mut token, mut key) = self.take();
        let is_negated = token == Token::Not;
        if is_negated {
            (token, key) = self.take();
        }
        if token != Token::Identifier {
            return Err(format!("found '{key}', expected: identifier"));
        }
        check_key(&key).map_err(|error| format!("<nil>: Invalid value: {key:?}: {error}"))?;
        let ends = matches!(self.look().0, Token::End | Token::Comma);
        if is_negated || ends {
            let operator = if is_negated { Operator::DoesNotExist } else { Operator::Exists };
            return Ok(Requirement { key, operator, values: Vec::new() });
        }
        let (token, literal) = self.look_for_operator();
        self.at += 1;
        let operator = match token {
            Token::In | Token::Equals => Operator::In,
            Token::NotIn | Token::NotEquals => Operator::NotIn,
            Token::Greater => Operator::GreaterThan,
            Token::Less => Operator::LessThan,
            _ => return Err(format!("found '{literal}', expected: {BINARY_OPERATORS}")),
        };
        let mut values = match token {
            Token::In | Token::NotIn => self.values()?,
            _ => vec![self.exact_value()?],
        };
        values.sort();
        values.dedup();
        check(&key, operator, &values)?;
        Ok(Requirement { key, operator, values })
    }

    fn exact_value(&mut self) -> Result<String, String> {
        if matches!(self.look().0, Token::End | Token::Comma) {
            return Ok(String::new());
        }
        match self.take() {
            (Token::Identifier, value) => Ok(value),
            (_, literal) => Err(format!("found '{literal}', expected: identifier")),
        }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        let (token, literal) = self.take();
        if token != Token::Open {
            return Err(format!("found '{literal}' expected: '('"));
        }
        let (token, literal) = self.look();
        match token {
            Token::Identifier | Token::Comma => {
                let values = self.identifiers()?;
                match self.take().0 {
                    Token::Close => Ok(values),
                    _ => Err(format!("found '{literal}', expected: ')'")),
                }
            }
            Token::Close => {
                self.at += 1;
                Ok(vec![String::new()])
            }
            _ => Err(format!("found '{literal}', expected: ',', ')' or identifier")),
        }
    }

    // Models staging/src/k8s.io/apimachinery/pkg/labels/selector.go Parser.parseIdentifiersList
    fn identifiers(&mut self) -> Result<Vec<String>, String> {
        let mut values = Vec::new();
        loop {
            match self.take() {
                (Token::Identifier, value) => {
                    values.push(value);
                    match self.look() {
                        (Token::Comma, _) => {}
                        (Token::Close, _) => return Ok(values),
                        (_, literal) => return Err(format!("found '{literal}', expected: ',' or ')'")),
                    }
                }
                (Token::Comma, _) => {
                    if values.is_empty() {
                        values.push(String::new());
                    }
                    match self.look().0 {
                        Token::Close => {
                            values.push(String::new());
                            return Ok(values);
                        }
                        Token::Comma => {
                            self.at += 1;
                            values.push(String::new());
                        }
                        _ => {}
                    }
                }
                (_, literal) => return Err(format!("found '{literal}', expected: ',', or identifier")),
            }
        }
    }
}

// Models staging/src/k8s.io/apimachinery/pkg/labels/selector.go NewRequirement
fn check(key: &str, operator: Operator, values: &[String]) -> Result<(), String> {
    let mut errors = Vec::new();
    if matches!(operator, Operator::GreaterThan | Operator::LessThan) {
        for (i, value) in values.iter().enumerate().filter(|(_, value)| value.parse::<i64>().is_err()) {
            errors.push(format!(
                "values[{i}]: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer"
            ));
        }
    }
    for (i, value) in values.iter().enumerate() {
        if let Err(error) = check_value(value) {
            errors.push(format!("values[{i}][{key}]: Invalid value: {value:?}: {error}"));
        }
    }
    match errors.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        all => Err(format!("[{}]", all.join(", "))),
    }
}

/// One term of a field selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldRequirement {
    /// The field: `spec.nodeName`.
    pub field: String,
    /// Whether the value must be this one, or must not.
    pub equals: bool,
    /// The value.
    pub value: String,
}

/// Reads a field selector: `status.phase!=Running,spec.nodeName=node-1`.
///
/// # Errors
/// Upstream's words on what is wrong.
// Models staging/src/k8s.io/apimachinery/pkg/fields/selector.go ParseSelector
pub fn parse_fields(text: &str) -> Result<Vec<FieldRequirement>, String> {
    let mut requirements = Vec::new();
    for part in terms(text) {
        if part.is_empty() {
            continue;
        }
        let Some((field, operator, value)) = split_term(&part) else {
            return Err(format!("invalid selector: '{text}'; can't understand '{part}'"));
        };
        let value = unescape(value)?;
        requirements.push(FieldRequirement { field: field.to_string(), equals: operator != "!=", value });
    }
    requirements.sort_by(|a, b| a.field.cmp(&b.field));
    Ok(requirements)
}

/// Splits at commas that no backslash precedes.
fn terms(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut escaped = false;
    for character in text.chars() {
        if character == ',' && !escaped {
            terms.push(String::new());
            continue;
        }
        escaped = character == '\\' && !escaped;
        if let Some(term) = terms.last_mut() {
            term.push(character);
        }
    }
    terms
}

fn split_term(term: &str) -> Option<(&str, &str, &str)> {
    term.char_indices().find_map(|(at, _)| {
        let (field, rest) = term.split_at(at);
        let operator = ["!=", "==", "="].into_iter().find(|operator| rest.starts_with(operator))?;
        Some((field, operator, rest.get(operator.len()..)?))
    })
}

fn unescape(value: &str) -> Result<String, String> {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(special @ ('\\' | ',' | '=')) => text.push(special),
                Some(other) => {
                    return Err(format!("invalid field selector: invalid escape sequence: \\{other}"));
                }
                None => return Err("invalid field selector: invalid escape sequence: \\".to_string()),
            },
            ',' | '=' => {
                return Err(format!("invalid field selector: unescaped character in value: {character}"));
            }
            other => text.push(other),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn reads_label_selectors() {
        for (text, printed) in [
            ("", ""),
            (" a = b , c ", "a=b,c"),
            ("x!=y,a==b", "a=b,x!=y"),
            ("b,!a", "!a,b"),
            ("env in (prod, dev), tier notin(a,b)", "env in (dev,prod),tier notin (a,b)"),
            ("a>1,b<2", "a>1,b<2"),
            ("a=", "a="),
            ("in in (in,notin)", "in in (in,notin)"),
            ("a in ()", "a="),
            ("a in (,)", "a="),
            ("example.com/a=b", "example.com/a=b"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), printed, "{text}");
        }
        let selector = parse("env in (prod,dev),app!=redis,!team").unwrap();
        assert!(selector.matches(&tree!({"env": "dev", "app": "nginx"})));
        assert!(!selector.matches(&tree!({"env": "dev", "team": "x"})));
    }

    #[test]
    fn refuses_label_selectors_in_upstreams_words() {
        for (text, error) in [
            ("=b", "found '=', expected: !, identifier, or 'end of string'"),
            ("!=b", "found '!=', expected: !, identifier, or 'end of string'"),
            ("!,a", "unable to parse requirement: found ',', expected: identifier"),
            ("a,", "found '', expected: identifier after ','"),
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("a=b c", "found 'c', expected: ',' or 'end of string'"),
            ("a in b", "unable to parse requirement: found 'b' expected: '('"),
            ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("a==(", "unable to parse requirement: found '(', expected: identifier"),
            ("a===b", "unable to parse requirement: found '=', expected: identifier"),
            (
                "a=@",
                "unable to parse requirement: values[0][a]: Invalid value: \"@\": a valid label must be an empty \
                 string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                 alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
                 '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            ),
            (
                "a>b",
                "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value \
                 must be an integer",
            ),
            (
                "-a",
                "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of alphanumeric \
                 characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  \
                 or 'my.name',  or '123-abc', regex used for validation is \
                 '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn reads_field_selectors() {
        let show = |requirements: Vec<FieldRequirement>| {
            let show = |r: &FieldRequirement| format!("{}|{}|{}", r.field, r.equals, r.value);
            requirements.iter().map(show).collect::<Vec<_>>().join(" ")
        };
        for (text, shown) in
            [("", ""), ("a=b,c!=d,b==", "a|true|b b|true| c|false|d"), ("a=x\\,y\\=z\\\\", "a|true|x,y=z\\")]
        {
            assert_eq!(show(parse_fields(text).unwrap()), shown, "{text}");
        }
        for (text, error) in [
            ("a", "invalid selector: 'a'; can't understand 'a'"),
            ("a=b,c", "invalid selector: 'a=b,c'; can't understand 'c'"),
            ("a=\\x", "invalid field selector: invalid escape sequence: \\x"),
        ] {
            assert_eq!(parse_fields(text).unwrap_err(), error, "{text}");
        }
    }
}
