use super::compose::{Node, NodeKind};
use super::error::YamlError;
use super::resolve::{Resolved, resolve};
use super::{Document, Duplicate, LineMap, Position};
use crate::number;
use crate::{Map, Value};
use std::rc::Rc;

/// How many places of fields are kept for a document.
const MAX_PLACES: usize = 200_000;
/// The longest path of which the place is kept, in bytes.
const MAX_PATH: usize = 1_024;

/// Makes a tree of nodes, as go-yaml decodes into `interface{}` and sigs.k8s.io/yaml into JSON.
pub(super) fn decode(root: &Rc<Node>) -> Result<Document, YamlError> {
    let mut decoder = Decoder::default();
    let decoded = decoder.node(root)?;
    let value = decoded.into_value(root.position)?;
    let Decoder { lines, duplicates, .. } = decoder;
    Ok(Document { value, line: root.position.line, lines, duplicates })
}

/// What a node decodes to. Numbers that JSON can't carry are refused only once they are part of
/// the result, as the conversion to JSON comes after the decoding.
#[derive(Clone)]
enum Decoded {
    Value(Value),
    Unsupported(&'static str),
}

impl Decoded {
    fn into_value(self, position: Position) -> Result<Value, YamlError> {
        match self {
            Decoded::Value(value) => Ok(value),
            Decoded::Unsupported(number) => {
                Err(fail_plainly(position, format!("json: unsupported value: {number}")))
            }
        }
    }
}

#[derive(Default)]
struct Decoder {
    lines: LineMap,
    duplicates: Vec<Duplicate>,
    path: String,
    alias_depth: u32,
    alias_count: u64,
    decode_count: u64,
}

fn fail(position: Position, message: impl AsRef<str>) -> YamlError {
    YamlError::at(position.line, position.column, format!("yaml: {}", message.as_ref()))
}

fn fail_plainly(position: Position, message: String) -> YamlError {
    YamlError::at(position.line, position.column, message)
}

impl Decoder {
    // Models sigs.k8s.io/yaml/goyaml.v2/decode.go decoder.unmarshal
    fn node(&mut self, node: &Rc<Node>) -> Result<Decoded, YamlError> {
        self.count(node.position)?;
        match &node.kind {
            NodeKind::Alias(target) => {
                self.alias_depth += 1;
                let decoded = self.node(target);
                self.alias_depth -= 1;
                decoded
            }
            NodeKind::Scalar { value, plain } => scalar(node, value, *plain),
            NodeKind::List(items) => self.list(items),
            NodeKind::Map(entries) => {
                let mut map = Map::new();
                self.map(entries, &mut map)?;
                Ok(Decoded::Value(map.into()))
            }
        }
    }

    fn count(&mut self, position: Position) -> Result<(), YamlError> {
        self.decode_count += 1;
        if self.alias_depth > 0 {
            self.alias_count += 1;
        }
        let ratio = self.alias_count as f64 / self.decode_count as f64;
        if self.alias_count > 100
            && self.decode_count > 1_000
            && ratio > allowed_alias_ratio(self.decode_count)
        {
            return Err(fail(position, "document contains excessive aliasing"));
        }
        Ok(())
    }

    fn list(&mut self, items: &[Rc<Node>]) -> Result<Decoded, YamlError> {
        let mut values = Vec::with_capacity(items.len().min(1_024));
        for (i, item) in items.iter().enumerate() {
            let length = self.path.len();
            self.path.push_str(&format!("[{i}]"));
            self.keep_place(item.position);
            let decoded = self.node(item);
            self.path.truncate(length);
            values.push(decoded?.into_value(item.position)?);
        }
        Ok(Decoded::Value(values.into()))
    }

    fn map(&mut self, entries: &[(Rc<Node>, Rc<Node>)], map: &mut Map) -> Result<(), YamlError> {
        let mut own_keys = std::collections::BTreeSet::new();
        for (key, value) in entries {
            if is_merge(key) {
                self.merge(value, map)?;
                continue;
            }
            let name = self.key(key, value)?;
            let length = self.path.len();
            push_key(&mut self.path, &name);
            self.keep_place(key.position);
            if self.alias_depth == 0 && !own_keys.insert(name.clone()) {
                self.duplicates.push(Duplicate { path: self.path.clone(), position: key.position });
            }
            let decoded = self.node(value);
            self.path.truncate(length);
            map.insert(&name, decoded?.into_value(value.position)?);
        }
        Ok(())
    }

    fn keep_place(&mut self, position: Position) {
        if self.alias_depth == 0 && self.lines.0.len() < MAX_PLACES && self.path.len() <= MAX_PATH {
            self.lines.0.insert(self.path.clone(), position);
        }
    }

    // Models sigs.k8s.io/yaml/yaml.go convertToJSONableObject
    fn key(&mut self, key: &Rc<Node>, value: &Rc<Node>) -> Result<String, YamlError> {
        let node = target(key);
        let NodeKind::Scalar { value: text, plain } = &node.kind else {
            return Err(fail(key.position, format!("invalid map key: {}", go_syntax(node, 0))));
        };
        self.count(key.position)?;
        Ok(match scalar_meaning(node, text, *plain)? {
            Meaning::Text(text) => text,
            Meaning::Other(Resolved::Bool(truth)) => truth.to_string(),
            Meaning::Other(Resolved::Int(number)) => number.to_string(),
            Meaning::Other(Resolved::Float(number)) => number::shortest(number),
            Meaning::Other(Resolved::Uint(number)) => {
                let value = go_value(target(value));
                let message =
                    format!("unsupported map key of type: uint64, key: {number:#x}, value: {value}");
                return Err(fail_plainly(key.position, message));
            }
            Meaning::Other(_) => {
                let value = go_value(target(value));
                let message = format!("unsupported map key of type: %!s(<nil>), key: <nil>, value: {value}");
                return Err(fail_plainly(key.position, message));
            }
        })
    }

    // Models sigs.k8s.io/yaml/goyaml.v2/decode.go decoder.merge
    fn merge(&mut self, node: &Rc<Node>, map: &mut Map) -> Result<(), YamlError> {
        self.alias_depth += 1;
        let merged = match &target(node).kind {
            NodeKind::Map(entries) => self.count(node.position).and_then(|()| self.map(entries, map)),
            NodeKind::List(items) if !matches!(node.kind, NodeKind::Alias(_)) => {
                // Backwards, since earlier ones take precedence.
                items.iter().rev().try_for_each(|item| match &target(item).kind {
                    NodeKind::Map(entries) => self.count(item.position).and_then(|()| self.map(entries, map)),
                    _ => Err(want_map(item.position)),
                })
            }
            _ => Err(want_map(node.position)),
        };
        self.alias_depth -= 1;
        merged
    }
}

fn want_map(position: Position) -> YamlError {
    fail(position, "map merge requires map or sequence of maps as the value")
}

fn target(node: &Node) -> &Node {
    let mut node = node;
    while let NodeKind::Alias(target) = &node.kind {
        node = target;
    }
    node
}

fn is_merge(key: &Node) -> bool {
    let NodeKind::Scalar { value, plain } = &key.kind else {
        return false;
    };
    value == "<<" && (*plain || key.tag.as_deref() == Some("tag:yaml.org,2002:merge"))
}

fn push_key(path: &mut String, key: &str) {
    if key.contains(['.', '/', '[', ']']) {
        path.push('[');
        path.push_str(key);
        path.push(']');
    } else {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
    }
}

// Models sigs.k8s.io/yaml/goyaml.v2/decode.go allowedAliasRatio
fn allowed_alias_ratio(decode_count: u64) -> f64 {
    const LOW: u64 = 400_000;
    const HIGH: u64 = 4_000_000;
    match decode_count {
        0..=LOW => 0.99,
        HIGH.. => 0.10,
        count => 0.99 - 0.89 * ((count - LOW) as f64 / (HIGH - LOW) as f64),
    }
}

enum Meaning {
    Text(String),
    Other(Resolved),
}

fn scalar(node: &Node, text: &str, plain: bool) -> Result<Decoded, YamlError> {
    Ok(Decoded::Value(match scalar_meaning(node, text, plain)? {
        Meaning::Text(text) => text.into(),
        Meaning::Other(Resolved::Bool(truth)) => truth.into(),
        Meaning::Other(Resolved::Int(number)) => number.into(),
        Meaning::Other(Resolved::Uint(number)) => Value::Float(number as f64),
        Meaning::Other(Resolved::Float(number)) if number.is_nan() => return Ok(Decoded::Unsupported("NaN")),
        Meaning::Other(Resolved::Float(f64::INFINITY)) => return Ok(Decoded::Unsupported("+Inf")),
        Meaning::Other(Resolved::Float(f64::NEG_INFINITY)) => return Ok(Decoded::Unsupported("-Inf")),
        Meaning::Other(Resolved::Float(number)) => number::through_json(number),
        Meaning::Other(_) => Value::Null,
    }))
}

fn scalar_meaning(node: &Node, text: &str, plain: bool) -> Result<Meaning, YamlError> {
    let tag = node.tag.as_deref().unwrap_or("");
    let text_meaning = || Meaning::Text(text.to_string());
    let Some(tag) = tag.strip_prefix("tag:yaml.org,2002:").or(tag.is_empty().then_some("")) else {
        return Ok(text_meaning());
    };
    let resolved = match tag {
        "" if !plain => return Ok(text_meaning()),
        "" => resolve(text),
        "binary" => return binary(node, text),
        "bool" | "int" | "float" | "null" | "timestamp" => resolve(text),
        _ => return Ok(text_meaning()),
    };
    let resolved = match (tag, resolved) {
        // Only an explicit tag or none at all makes a moment of digits.
        ("bool" | "int" | "float" | "null", Resolved::Timestamp) => Resolved::Str,
        ("float", Resolved::Int(number)) => Resolved::Float(number as f64),
        ("float", Resolved::Uint(number)) => Resolved::Float(number as f64),
        (_, resolved) => resolved,
    };
    let wanted = format!("!!{tag}");
    if !tag.is_empty() && resolved.short_tag() != wanted {
        let message = format!("cannot decode {} `{text}` as a {wanted}", resolved.short_tag());
        return Err(fail(node.position, message));
    }
    Ok(match resolved {
        Resolved::Str | Resolved::Timestamp => text_meaning(),
        other => Meaning::Other(other),
    })
}

fn binary(node: &Node, text: &str) -> Result<Meaning, YamlError> {
    let wrong = || fail(node.position, "!!binary value contains invalid base64 data");
    let bytes = number::from_base64(text).ok_or_else(wrong)?;
    Ok(Meaning::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Writes a node as Go's `%#v` does, for the message about `{{ .Values.x }}`.
fn go_syntax(node: &Node, depth: u32) -> String {
    const MOST: usize = 20;
    match &node.kind {
        _ if depth > 8 => "...".to_string(),
        NodeKind::Alias(target) => go_syntax(target, depth),
        NodeKind::Scalar { .. } => go_value(node),
        NodeKind::List(items) => {
            let items: Vec<String> = items.iter().take(MOST).map(|item| go_syntax(item, depth + 1)).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        NodeKind::Map(entries) => {
            let mut entries: Vec<String> = entries
                .iter()
                .take(MOST)
                .map(|(key, value)| format!("{}:{}", go_syntax(key, depth + 1), go_syntax(value, depth + 1)))
                .collect();
            entries.sort();
            format!("map[interface {{}}]interface {{}}{{{}}}", entries.join(", "))
        }
    }
}

fn go_value(node: &Node) -> String {
    let NodeKind::Scalar { value: text, plain } = &node.kind else {
        return go_syntax(node, 0);
    };
    match scalar_meaning(node, text, *plain) {
        Ok(Meaning::Other(Resolved::Bool(truth))) => truth.to_string(),
        Ok(Meaning::Other(Resolved::Int(number))) => number.to_string(),
        Ok(Meaning::Other(Resolved::Uint(number))) => format!("{number:#x}"),
        Ok(Meaning::Other(Resolved::Float(number))) => number::shortest(number),
        Ok(Meaning::Other(_)) => "interface {}(nil)".to_string(),
        _ => format!("{text:?}"),
    }
}
