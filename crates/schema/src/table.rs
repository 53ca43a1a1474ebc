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
                None => table.push(definition(line)),
                Some(row) => table.extend_last(field(row)),
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

trait ExtendLast {
    fn extend_last(&mut self, field: Field);
}

impl ExtendLast for Vec<Definition> {
    fn extend_last(&mut self, field: Field) {
        if let Some(last) = self.last_mut() {
            last.fields.push(field);
        }
    }
}

fn definition(line: &'static str) -> Definition {
    let (name, doc) = line.split_once('\t').unwrap_or((line, ""));
    Definition { name, fields: Vec::new(), doc: doc.parse().unwrap_or(0) }
}

fn field(row: &'static str) -> Field {
    let mut cells = row.split('\t');
    let mut cell = || cells.next().unwrap_or("");
    let (name, ty, flags, doc, enums) = (cell(), cell(), cell(), cell(), cell());
    let (list_type, map_keys, patch_strategy, merge_key) = (cell(), cell(), cell(), cell());
    Field {
        name,
        ty: type_of(ty),
        required: flags.ends_with('!'),
        presence: match flags.chars().next() {
            Some('p') => Presence::Pointer,
            Some('a') => Presence::Always,
            Some('z') => Presence::OmitZero,
            _ => Presence::OmitEmpty,
        },
        enums: words(enums),
        list_type,
        map_keys: words(map_keys),
        patch_strategy,
        merge_key,
        doc: doc.parse().unwrap_or(0),
    }
}

/// Splits at commas; nothing makes no word.
pub(crate) fn words(text: &'static str) -> Vec<&'static str> {
    text.split(',').filter(|word| !word.is_empty()).collect()
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
