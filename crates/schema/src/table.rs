//! Reads what `build.rs` wrote.

use crate::definition::{Definition, DefinitionId, Field, Presence, Type};
use std::sync::OnceLock;

const STRUCTURE: &str = include_str!(concat!(env!("OUT_DIR"), "/structure.txt"));
const DOCS: &str = include_str!(concat!(env!("OUT_DIR"), "/docs.txt"));

/// Returns all definitions in the order of their names.
pub(crate) fn definitions() -> &'static [Definition] {
    static TABLE: OnceLock<Vec<Definition>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table: Vec<Definition> = Vec::new();
        for line in STRUCTURE.lines() {
            match line.strip_prefix('\t') {
                None => {
                    let id = u16::try_from(table.len()).unwrap_or(u16::MAX);
                    table.push(definition(DefinitionId(id), line));
                }
                Some(row) => {
                    if let Some(last) = table.last_mut() {
                        last.add(field(row));
                    }
                }
            }
        }
        table
    })
}

/// Returns a text of the documentation.
pub(crate) fn doc(number: u16) -> &'static str {
    static TABLE: OnceLock<Vec<&'static str>> = OnceLock::new();
    TABLE.get_or_init(|| DOCS.split('\0').collect()).get(usize::from(number)).unwrap_or(&"")
}

fn definition(id: DefinitionId, line: &'static str) -> Definition {
    let mut cells = line.split('\t');
    let name = cells.next().unwrap_or("");
    let doc = cells.next().and_then(|doc| doc.parse().ok()).unwrap_or(0);
    Definition {
        id,
        name,
        fields: Vec::new(),
        printed: Vec::new(),
        doc,
        atomic: cells.next() == Some("atomic"),
    }
}

impl Definition {
    fn add(&mut self, field: Field) {
        if field.presence.is_printed() {
            self.printed.push(u16::try_from(self.fields.len()).unwrap_or(u16::MAX));
        }
        self.fields.push(field);
    }
}

fn field(row: &'static str) -> Field {
    let mut cells = row.split('\t');
    let mut cell = || cells.next().unwrap_or("");
    Field {
        name: cell(),
        ty: type_of(cell()),
        presence: match cell() {
            "p" => Presence::Pointer,
            "P" => Presence::NullPointer,
            "a" => Presence::Always,
            "z" => Presence::OmitZero,
            _ => Presence::OmitEmpty,
        },
        required: cell() == "!",
        doc: cell().parse().unwrap_or(0),
        enums: words(cell()),
        list_type: cell(),
        map_keys: words(cell()),
        patch_strategy: cell(),
        merge_key: cell(),
        go_type: cell(),
        map_type: cell(),
    }
}

/// Splits at commas; nothing makes no word.
pub(crate) fn words(text: &'static str) -> Vec<&'static str> {
    let words = text.split(',').filter(|word| !word.is_empty());
    words.map(|word| word.trim_matches('"')).collect()
}

fn type_of(text: &'static str) -> Type {
    let rest = text.get(1..).unwrap_or("");
    match text.chars().next() {
        Some('s') => Type::Str,
        Some('i') => Type::Int32,
        Some('l') => Type::Int64,
        Some('f') => Type::Float,
        Some('b') => Type::Bool,
        Some('q') => Type::Quantity,
        Some('n') => Type::IntOrString,
        Some('t') => Type::Time,
        Some('m') => Type::MicroTime,
        Some('y') => Type::Bytes,
        Some('[') => Type::List(Box::new(type_of(rest))),
        Some('{') => Type::Map(Box::new(type_of(rest))),
        Some('#') => rest.parse().map_or(Type::Any(""), |id| Type::Ref(DefinitionId(id))),
        _ => Type::Any(rest),
    }
}
