use crate::definition::{Definition, Type};

/// How the fields of a value merge: what is known of its type.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// A struct's.
    Struct(&'static Definition),
    /// A map's; its values may be structs.
    Map(Option<&'static Definition>),
    /// Nothing is known.
    Unknown,
}

/// How one field merges.
pub(super) struct Meta {
    pub(super) shape: Shape,
    /// `merge`, `replace` or nothing.
    pub(super) strategy: &'static str,
    pub(super) retain_keys: bool,
    pub(super) key: &'static str,
}

impl Shape {
    /// Returns how a field merges.
    ///
    /// # Errors
    /// Upstream's words where there is no such field.
    // Models staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/meta.go PatchMetaFromStruct
    pub(super) fn lookup(self, name: &str) -> Result<Meta, String> {
        let plain = |shape| Meta { shape, strategy: "", retain_keys: false, key: "" };
        let definition = match self {
            Shape::Unknown => return Ok(plain(Shape::Unknown)),
            Shape::Map(values) => {
                return Ok(plain(values.map_or(Shape::Unknown, Shape::Struct)));
            }
            Shape::Struct(definition) => definition,
        };
        let field = definition.field(name).ok_or_else(|| {
            let owner = definition.short_name();
            format!("unable to find api field in struct {owner} for the json field {name:?}")
        })?;
        let mut retain_keys = false;
        let mut strategy = "";
        for word in field.patch_strategy.split(',') {
            match word {
                "retainKeys" => retain_keys = true,
                word => strategy = word,
            }
        }
        Ok(Meta { shape: shape_of(&field.ty), strategy, retain_keys, key: field.merge_key })
    }
}

fn shape_of(ty: &Type) -> Shape {
    match ty {
        Type::Ref(id) => Shape::Struct(id.get()),
        Type::List(items) => shape_of(items),
        Type::Map(values) => Shape::Map(match values.as_ref() {
            Type::Ref(id) => Some(id.get()),
            _ => None,
        }),
        _ => Shape::Unknown,
    }
}
