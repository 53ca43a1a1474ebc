use super::error::YamlError;
use super::{MAX_DEPTH, Position, UPSTREAM_DEPTH};
use libyaml_safer::{EventData, Mark, Parser};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A node of the text, with its place in it.
#[derive(Debug)]
pub(super) struct Node {
    pub kind: NodeKind,
    pub tag: Option<String>,
    pub position: Position,
}

/// The entries of a map, in the text's order.
pub(super) type Entries = Vec<(Rc<Node>, Rc<Node>)>;

#[derive(Debug)]
pub(super) enum NodeKind {
    /// `plain` says that the text decides the type.
    Scalar {
        value: String,
        plain: bool,
    },
    List(Vec<Rc<Node>>),
    Map(Entries),
    Alias(Rc<Node>),
}

/// Reads the first document of a text as nodes; `None` where there is none.
pub(super) fn compose(text: &str, first_line: u32) -> Result<Option<Rc<Node>>, YamlError> {
    let mut bytes = text.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut bytes);
    let mut composer = Composer { parser, anchors: BTreeMap::new(), open: Vec::new(), first_line };
    loop {
        match composer.event()? {
            (EventData::StreamEnd, _) => return Ok(None),
            (EventData::StreamStart { .. } | EventData::DocumentStart { .. }, _) => {}
            (event, mark) => {
                let root = composer.node(event, mark, 0)?;
                // What follows may be wrong, which is seen only when it is asked for.
                composer.event()?;
                return Ok(Some(root));
            }
        }
    }
}

struct Composer<'a> {
    parser: Parser<&'a mut &'a [u8]>,
    anchors: BTreeMap<String, Rc<Node>>,
    /// The anchors of lists and maps that are still being read.
    open: Vec<String>,
    first_line: u32,
}

impl Composer<'_> {
    fn event(&mut self) -> Result<(EventData, Mark), YamlError> {
        match self.parser.next() {
            Some(Ok(event)) => Ok((event.data, event.start_mark)),
            Some(Err(error)) => Err(self.error(&error)),
            None => Ok((EventData::StreamEnd, Mark::default())),
        }
    }

    // Models sigs.k8s.io/yaml/goyaml.v2/decode.go parser.fail
    fn error(&self, error: &libyaml_safer::Error) -> YamlError {
        let in_scanner = error.kind() == libyaml_safer::ErrorKind::Scanner;
        let marks = [error.problem_mark(), error.context_mark()];
        let mark = marks.into_iter().flatten().find(|mark| mark.line != 0);
        let told = mark.map(|mark| mark.line + u64::from(in_scanner));
        let message = match told {
            Some(line) => format!("yaml: line {line}: {}", error.problem()),
            None => format!("yaml: {}", error.problem()),
        };
        let position = self.position(error.problem_mark().unwrap_or_default());
        YamlError::at(position.line, position.column, message)
    }

    fn position(&self, mark: Mark) -> Position {
        let line = u32::try_from(mark.line).unwrap_or(u32::MAX);
        let column = u32::try_from(mark.column).unwrap_or(u32::MAX);
        Position { line: self.first_line.saturating_add(line), column: column.saturating_add(1) }
    }

    fn node(&mut self, event: EventData, mark: Mark, depth: u32) -> Result<Rc<Node>, YamlError> {
        let position = self.position(mark);
        let fail = |message: String| YamlError::at(position.line, position.column, message);
        if depth > MAX_DEPTH {
            return Err(fail(format!("yaml: exceeded max depth of {UPSTREAM_DEPTH}")));
        }
        let (kind, anchor, tag) = match event {
            EventData::Alias { anchor } if self.open.contains(&anchor) => {
                return Err(fail(format!("yaml: anchor '{anchor}' value contains itself")));
            }
            EventData::Alias { anchor } => match self.anchors.get(&anchor) {
                Some(node) => (NodeKind::Alias(node.clone()), None, None),
                None => return Err(fail(format!("yaml: unknown anchor '{anchor}' referenced"))),
            },
            EventData::Scalar { anchor, tag, value, plain_implicit, .. } => {
                (NodeKind::Scalar { value, plain: plain_implicit }, anchor, tag)
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                self.open(&anchor);
                let items = self.list(depth)?;
                self.close(&anchor);
                (NodeKind::List(items), anchor, tag)
            }
            EventData::MappingStart { anchor, tag, .. } => {
                self.open(&anchor);
                let entries = self.map(depth)?;
                self.close(&anchor);
                (NodeKind::Map(entries), anchor, tag)
            }
            _ => (NodeKind::Scalar { value: String::new(), plain: true }, None, None),
        };
        let node = Rc::new(Node { kind, tag, position });
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn open(&mut self, anchor: &Option<String>) {
        self.open.extend(anchor.clone());
    }

    fn close(&mut self, anchor: &Option<String>) {
        if anchor.is_some() {
            self.open.pop();
        }
    }

    fn list(&mut self, depth: u32) -> Result<Vec<Rc<Node>>, YamlError> {
        let mut items = Vec::new();
        loop {
            let (event, mark) = self.event()?;
            if matches!(event, EventData::SequenceEnd | EventData::StreamEnd) {
                return Ok(items);
            }
            items.push(self.node(event, mark, depth + 1)?);
        }
    }

    fn map(&mut self, depth: u32) -> Result<Entries, YamlError> {
        let mut entries = Vec::new();
        loop {
            let (event, mark) = self.event()?;
            if matches!(event, EventData::MappingEnd | EventData::StreamEnd) {
                return Ok(entries);
            }
            let key = self.node(event, mark, depth + 1)?;
            let (event, mark) = self.event()?;
            let value = self.node(event, mark, depth + 1)?;
            entries.push((key, value));
        }
    }
}
