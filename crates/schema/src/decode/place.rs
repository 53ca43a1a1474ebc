use crate::definition::{Definition, Type};
use std::fmt::Write;

/// Where a value stands: a chain up to the object.
pub(super) struct Place<'a> {
    pub(super) up: Option<&'a Place<'a>>,
    pub(super) step: Step<'a>,
}

pub(super) enum Step<'a> {
    Root,
    Field { of: &'a Definition, name: &'a str },
    Index(usize),
    Key(&'a str),
}

impl Place<'_> {
    /// Returns the path of a field below, as the strict decoder writes it: with indexes.
    pub(super) fn path_to(&self, name: &str) -> String {
        let mut path = String::new();
        self.write(&mut path, true);
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        path
    }

    /// Returns what Go's json says where a value doesn't fit.
    // Models encoding/json decode.go UnmarshalTypeError
    pub(super) fn mismatch(&self, found: &str, go_type: &str) -> String {
        match self.owner() {
            None => format!("json: cannot unmarshal {found} into Go value of type {go_type}"),
            Some(owner) => {
                let mut path = String::new();
                self.write(&mut path, false);
                let owner = owner.short_name();
                format!(
                    "json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {go_type}"
                )
            }
        }
    }

    /// Returns the struct of the nearest field.
    fn owner(&self) -> Option<&Definition> {
        match self.step {
            Step::Field { of, .. } => Some(of),
            _ => self.up.and_then(Place::owner),
        }
    }

    fn write(&self, path: &mut String, with_items: bool) {
        if let Some(up) = self.up {
            up.write(path, with_items);
        }
        match self.step {
            Step::Field { name, .. } => dotted(path, name),
            Step::Key(name) if with_items => dotted(path, name),
            Step::Index(i) if with_items => {
                let _ = write!(path, "[{i}]");
            }
            _ => {}
        }
    }
}

fn dotted(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

/// Returns the name of a struct's Go type: `v1.Container`.
pub(super) fn struct_type(definition: &Definition) -> String {
    let mut parts = definition.name.rsplit('.');
    let name = parts.next().unwrap_or("");
    format!("{}.{name}", parts.next().unwrap_or(""))
}

/// Returns the name of a Go type; `known` is it where it isn't empty.
pub(super) fn go_type(ty: &Type, known: &str) -> String {
    if !known.is_empty() {
        return known.to_string();
    }
    match ty {
        Type::Str => "string".into(),
        Type::Int32 => "int32".into(),
        Type::Int64 => "int64".into(),
        Type::Float => "float64".into(),
        Type::Bool => "bool".into(),
        Type::Quantity => "resource.Quantity".into(),
        Type::IntOrString => "intstr.IntOrString".into(),
        Type::Time => "v1.Time".into(),
        Type::MicroTime => "v1.MicroTime".into(),
        Type::Bytes => "[]uint8".into(),
        Type::Map(values) => format!("map[string]{}", go_type(values, "")),
        Type::List(items) => format!("[]{}", go_type(items, "")),
        Type::Ref(id) => struct_type(id.get()),
        Type::Any(name) => (*name).into(),
    }
}

/// Returns the type of what is in a list or map, where its name tells.
pub(super) fn inner_go_type(known: &str) -> &str {
    known.strip_prefix("[]").or_else(|| known.strip_prefix("map[string]")).unwrap_or("")
}
