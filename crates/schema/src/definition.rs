use crate::{Kind, table};

/// The number of a definition in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefinitionId(pub(crate) u16);

impl DefinitionId {
    /// Returns the definition.
    pub fn get(self) -> &'static Definition {
        &table::definitions()[usize::from(self.0)]
    }
}

/// A type that has fields, such as `io.k8s.api.core.v1.PodSpec`.
#[derive(Debug)]
pub struct Definition {
    /// The number in the table.
    pub id: DefinitionId,
    /// The full name.
    pub name: &'static str,
    /// The fields in the order of their names.
    pub fields: Vec<Field>,
    /// The places of the fields that are always printed.
    pub(crate) printed: Vec<u16>,
    pub(crate) doc: u16,
    /// Whether it has one owner as a whole in server-side apply.
    pub atomic: bool,
}

/// A field of a definition.
#[derive(Debug)]
pub struct Field {
    /// The name as in JSON.
    pub name: &'static str,
    /// What it holds.
    pub ty: Type,
    /// Whether the definition requires it.
    pub required: bool,
    /// How upstream's Go struct holds it, which decides whether it is printed when empty.
    pub presence: Presence,
    /// The values it may have, where they are few; in upstream's order.
    pub enums: Vec<&'static str>,
    /// `atomic`, `set`, `map` or nothing.
    pub list_type: &'static str,
    /// What tells the items of a list of type `map` apart.
    pub map_keys: Vec<&'static str>,
    /// `merge`, `replace`, `retainKeys`, `merge,retainKeys` or nothing.
    pub patch_strategy: &'static str,
    /// What tells the items of a list apart in a strategic merge patch; or nothing.
    pub merge_key: &'static str,
    /// `atomic`, `granular` or nothing, of a map.
    pub map_type: &'static str,
    /// The name of the Go type where the type alone doesn't tell it.
    pub(crate) go_type: &'static str,
    pub(crate) doc: u16,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A text.
    Str,
    /// A whole number of 32 bits.
    Int32,
    /// A whole number of 64 bits.
    Int64,
    /// A number.
    Float,
    /// A truth value.
    Bool,
    /// A quantity: `500m`, `1Gi`.
    Quantity,
    /// A whole number of 32 bits or a text: `25%`.
    IntOrString,
    /// A time, to the second.
    Time,
    /// A time, to the microsecond.
    MicroTime,
    /// Bytes, in base64.
    Bytes,
    /// A map from texts.
    Map(Box<Type>),
    /// A list.
    List(Box<Type>),
    /// What has fields of its own.
    Ref(DefinitionId),
    /// Anything; with the name of its type, which may be empty.
    Any(&'static str),
}

/// How a Go struct holds a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Behind a pointer: printed if it is there, though it be empty.
    Pointer,
    /// Behind a pointer: printed always, as null if it isn't there.
    NullPointer,
    /// By value, left out when empty; but a struct is always printed.
    OmitEmpty,
    /// By value, left out when all within is empty.
    OmitZero,
    /// By value, always printed.
    Always,
}

impl Presence {
    /// Returns whether a field is printed even where it isn't set.
    pub(crate) fn is_printed(self) -> bool {
        matches!(self, Presence::Always | Presence::NullPointer)
    }
}

impl Definition {
    /// Returns the field of a name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        let i = self.fields.binary_search_by(|field| field.name.cmp(name)).ok()?;
        self.fields.get(i)
    }

    /// Returns the place in the table.
    pub(crate) fn index(&self) -> usize {
        usize::from(self.id.0)
    }

    /// Returns the fields that are printed even where they aren't set.
    pub(crate) fn printed(&self) -> impl Iterator<Item = &Field> {
        self.printed.iter().filter_map(|i| self.fields.get(usize::from(*i)))
    }

    /// Returns the last part of the name: `PodSpec`.
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or("")
    }

    /// Returns upstream's documentation, unwrapped.
    pub fn doc(&self) -> &'static str {
        table::doc(self.doc)
    }
}

impl Field {
    /// Returns upstream's documentation, unwrapped.
    pub fn doc(&self) -> &'static str {
        table::doc(self.doc)
    }
}

impl Type {
    /// Returns the definition of what is within: of a list's items, of a map's values.
    pub fn definition(&self) -> Option<&'static Definition> {
        match self {
            Type::Ref(id) => Some(id.get()),
            Type::List(inner) | Type::Map(inner) => inner.definition(),
            _ => None,
        }
    }

    /// Returns the type as `explain` prints it between `<` and `>`: `[]Container`.
    pub fn name(&self) -> String {
        match self {
            Type::Str | Type::Time | Type::MicroTime | Type::Bytes => "string".to_string(),
            Type::Int32 | Type::Int64 => "integer".to_string(),
            Type::Float => "number".to_string(),
            Type::Bool => "boolean".to_string(),
            Type::Quantity => "Quantity".to_string(),
            Type::IntOrString => "IntOrString".to_string(),
            Type::Map(values) => format!("map[string]{}", values.name()),
            Type::List(items) => format!("[]{}", items.name()),
            Type::Ref(id) => id.get().short_name().to_string(),
            Type::Any("") => "Object".to_string(),
            Type::Any(name) => (*name).to_string(),
        }
    }
}

/// Returns the definition of a full name.
pub fn definition(name: &str) -> Option<&'static Definition> {
    let all = table::definitions();
    let i = all.binary_search_by(|definition| definition.name.cmp(name)).ok()?;
    all.get(i)
}

/// Returns the field at a path of names with dots between: `spec.template.spec.containers`.
pub fn field_at(kind: &Kind, path: &str) -> Option<&'static Field> {
    let mut definition = kind.definition();
    let mut found = None;
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let field = definition?.field(name)?;
        definition = field.ty.definition();
        found = Some(field);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find_kind;

    #[test]
    fn finds_fields_by_path() {
        let deployment = find_kind("apps", "v1", "Deployment").unwrap();
        for (path, ty) in [
            ("spec", "DeploymentSpec"),
            ("spec.template.spec.containers", "[]Container"),
            ("spec.template.spec.containers.resources.limits", "map[string]Quantity"),
            ("spec.strategy.rollingUpdate.maxSurge", "IntOrString"),
            ("metadata.creationTimestamp", "string"),
            ("metadata.labels", "map[string]string"),
            ("spec.replicas", "integer"),
            ("spec.nope", ""),
            ("spec.replicas.nope", ""),
        ] {
            let found = field_at(deployment, path).map(|field| field.ty.name());
            assert_eq!(found.unwrap_or_default(), ty, "{path}");
        }
    }
}
