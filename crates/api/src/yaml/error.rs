use std::fmt;

/// Why a text is no YAML.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct YamlError {
    /// The line of the whole text, counted from 1, at which to look. kubectl's own number, in the
    /// message, counts from the document's start and is off by one where go-yaml's is.
    pub line: u32,
    /// The column, counted from 1.
    pub column: u32,
    /// What kubectl says after `error converting YAML to JSON: `, or after `error parsing FILE: `
    /// where [`YamlError::json`] says so.
    pub message: String,
    /// Whether the text was taken for JSON.
    pub json: bool,
}

impl YamlError {
    pub(super) fn at(line: u32, column: u32, message: impl Into<String>) -> YamlError {
        YamlError { line, column, message: message.into(), json: false }
    }

    /// Returns what kubectl says after `error parsing FILE: `.
    pub fn in_kubectl_words(&self) -> String {
        if self.json {
            self.message.clone()
        } else {
            format!("error converting YAML to JSON: {}", self.message)
        }
    }
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for YamlError {}

/// Says what is wrong with JSON as kubectl does.
pub(super) fn json_words(text: &str, error: &serde_json::Error) -> String {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let offset = (before + error.column()).min(text.len());
    let trouble = match text.get(offset.saturating_sub(1)..).and_then(|rest| rest.chars().next()) {
        _ if error.is_eof() => return "unexpected EOF".to_string(),
        Some(character) => format!("invalid character {}", go_quote(character)),
        None => "unexpected end of JSON input".to_string(),
    };
    let words = error.to_string();
    if words.starts_with("expected ident")
        && let Some(context) = in_literal(text, offset)
    {
        return format!("json: offset {offset}: {trouble}{context}");
    }
    let context = if words.starts_with("key must be a string") || words.starts_with("trailing comma") {
        " looking for beginning of object key string"
    } else if words.starts_with("expected `:`") {
        " after object key"
    } else if words.starts_with("expected `,` or `}`") || words.starts_with("invalid number") {
        " after object key:value pair"
    } else if words.starts_with("expected `,` or `]`") {
        " after array element"
    } else if words.starts_with("trailing characters") {
        " after top-level value"
    } else if words.starts_with("control character") {
        " in string literal"
    } else if words.starts_with("invalid escape") {
        " in string escape code"
    } else {
        " looking for beginning of value"
    };
    format!("json: offset {offset}: {trouble}{context}")
}

/// Says within which word a character is wrong: ` in literal true (expecting 'e')`.
fn in_literal(text: &str, offset: usize) -> Option<String> {
    let before = text.get(..offset.saturating_sub(1))?;
    let start = before.rfind(|character: char| !character.is_ascii_lowercase()).map_or(0, |at| at + 1);
    let begun = before.get(start..)?;
    let word =
        ["true", "false", "null"].into_iter().find(|word| !begun.is_empty() && word.starts_with(begun))?;
    let expected = word.get(begun.len()..)?.chars().next()?;
    Some(format!(" in literal {word} (expecting {})", go_quote(expected)))
}

fn go_quote(character: char) -> String {
    match character {
        '\'' => "'\\''".to_string(),
        '"' => "'\"'".to_string(),
        '\n' => "'\\n'".to_string(),
        '\t' => "'\\t'".to_string(),
        '\r' => "'\\r'".to_string(),
        other => format!("'{other}'"),
    }
}
