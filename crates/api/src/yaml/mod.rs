//! YAML as kubectl reads and prints it: YAML 1.1, as go-yaml v2 below sigs.k8s.io/yaml has it.
//!
//! The scanner is libyaml's (`libyaml-safer`), as go-yaml's is: with it come the same messages at
//! the same lines, which a YAML 1.2 reader would only resemble.

mod compose;
mod decode;
mod emit;
mod error;
mod resolve;
mod scalar;
mod split;

pub use error::YamlError;

use crate::Value;
use std::collections::BTreeMap;

/// How deep lists and maps may be nested.
pub const MAX_DEPTH: u32 = 127;
/// How deep upstream's reader goes, which is what its message says.
// Models go.yaml.in/yaml/v3 parserc.go max_flow_level
pub(crate) const UPSTREAM_DEPTH: u32 = 10_000;
/// The longest text that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 20;

/// A place in the text that was read: line and column, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// A key that a map has more than once. The last one won.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Duplicate {
    /// The field's path: `spec.replicas`.
    pub path: String,
    /// Where the later one stands.
    pub position: Position,
}

/// Where each field of a document stands, by its path: `spec.template.spec.containers[0].image`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LineMap(BTreeMap<String, Position>);

impl LineMap {
    /// Returns where a field stands, or the nearest one around it that is there.
    pub fn nearest(&self, path: &str) -> Option<Position> {
        let mut path = path;
        loop {
            if let Some(position) = self.0.get(path) {
                return Some(*position);
            }
            if path.is_empty() {
                return None;
            }
            path = path.rfind(['.', '[']).and_then(|end| path.get(..end)).unwrap_or("");
        }
    }

    /// Returns where exactly this field stands.
    pub fn get(&self, path: &str) -> Option<Position> {
        self.0.get(path).copied()
    }

    /// Returns all fields with their places, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Position)> {
        self.0.iter().map(|(path, position)| (path.as_str(), *position))
    }
}

/// One document of a YAML text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Document {
    /// What it says.
    pub value: Value,
    /// The line of the text, counted from 1, at which its first field stands.
    pub line: u32,
    /// Where its fields stand in the text.
    pub lines: LineMap,
    /// Keys that stand there more than once.
    pub duplicates: Vec<Duplicate>,
}

/// Reads the documents of a text as `kubectl apply -f` does. Empty ones are left out.
///
/// # Errors
/// The first document's trouble in kubectl's words.
pub fn parse(text: &str) -> Result<Vec<Document>, YamlError> {
    let (documents, error) = parse_all(text);
    error.map_or(Ok(documents), Err)
}

/// Reads documents until one is wrong: those before it are good, and kubectl has acted on them by then.
pub fn parse_all(text: &str) -> (Vec<Document>, Option<YamlError>) {
    if text.len() > MAX_BYTES {
        let message = format!("yaml: the input is longer than {MAX_BYTES} bytes");
        return (Vec::new(), Some(YamlError::at(1, 1, message)));
    }
    let mut documents = Vec::new();
    for chunk in split::chunks(text) {
        match read(chunk) {
            Ok(Some(document)) => documents.push(document),
            Ok(None) => {}
            Err(error) => return (documents, Some(error)),
        }
    }
    (documents, None)
}

/// Reads one document, as `sigs.k8s.io/yaml` does where a command takes one (a patch, a `--from-file`).
///
/// # Errors
/// The trouble in kubectl's words.
pub fn parse_one(text: &str) -> Result<Value, YamlError> {
    if text.len() > MAX_BYTES {
        let message = format!("yaml: the input is longer than {MAX_BYTES} bytes");
        return Err(YamlError::at(1, 1, message));
    }
    read(split::Chunk { text, line: 1, json: false })
        .map(|document| document.map_or(Value::Null, |d| d.value))
}

/// Prints as `kubectl -o yaml` does: sorted keys, lists not indented under their key, lines folded
/// after 80 columns.
pub fn print(value: &Value) -> String {
    emit::print(value)
}

fn read(chunk: split::Chunk) -> Result<Option<Document>, YamlError> {
    if chunk.json {
        return read_json(chunk).map(Some);
    }
    let Some(root) = compose::compose(&lines_of(chunk.text), chunk.line)? else {
        return Ok(None);
    };
    let document = decode::decode(&root)?;
    Ok((!document.value.is_null()).then_some(document))
}

/// Returns the text as kubectl reads it, by lines each of which it ends itself.
fn lines_of(text: &str) -> String {
    let mut lines = text.replace("\r\n", "\n");
    if !lines.ends_with('\n') {
        lines.push('\n');
    }
    lines
}

/// Reads JSON by JSON's own rules. The places of its fields are found as in YAML, where it is that too.
fn read_json(chunk: split::Chunk) -> Result<Document, YamlError> {
    match serde_json::from_str::<Value>(chunk.text) {
        Ok(value) => {
            let root = compose::compose(&lines_of(chunk.text), chunk.line).ok().flatten();
            let document = root.and_then(|root| decode::decode(&root).ok()).unwrap_or_default();
            Ok(Document { value, line: chunk.line, ..document })
        }
        Err(error) => {
            let (line, column) = (error.line() as u32, error.column() as u32);
            let line = chunk.line + line.saturating_sub(1);
            let message = error::json_words(chunk.text, &error);
            Err(YamlError { line, column: column.max(1), message, json: true })
        }
    }
}

#[cfg(test)]
mod tests;
