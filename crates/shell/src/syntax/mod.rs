//! The grammar of the shell: POSIX sh with what people use of bash.
//!
//! It is written here because the parser that exists as a package makes the page a third larger,
//! brings a random source of its own, and bounds neither nesting nor time.

mod ast;
mod parser;
mod word;

pub use ast::{
    Command, CommandKind, Item, Join, Operation, Part, Pipeline, Redirect, RedirectKind, Script, Word,
};

/// Why a text is no script.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SyntaxError {
    /// It isn't finished: an open quote, a `do` without `done`, a line that ends in `|`.
    Incomplete(String),
    /// It is wrong; bash's words after `bash: `.
    Wrong(String),
}

impl SyntaxError {
    /// Returns bash's words.
    pub fn message(&self) -> &str {
        match self {
            SyntaxError::Incomplete(message) | SyntaxError::Wrong(message) => message,
        }
    }
}

/// Reads a script.
///
/// # Errors
/// Where the text isn't finished or wrong.
pub fn parse(text: &str) -> Result<Script, SyntaxError> {
    let script = parser::Parser::new(text).script()?;
    // The last line is to go on.
    let line = text.strip_suffix('\n').unwrap_or("");
    let backslashes = line.len() - line.trim_end_matches('\\').len();
    if backslashes % 2 == 1 {
        return Err(SyntaxError::Incomplete("syntax error: unexpected end of file".to_string()));
    }
    Ok(script)
}

#[cfg(test)]
mod tests;
