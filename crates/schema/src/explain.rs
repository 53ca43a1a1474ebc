//! What `kubectl explain` tells.

use crate::{Definition, Field, Kind};

/// What a path of fields leads to.
#[derive(Debug)]
pub struct Explained {
    /// The last field; `None` where the path is empty, which means the kind itself.
    pub field: Option<&'static Field>,
    /// What the field has for fields; `None` for a text, a number, and so on.
    pub definition: Option<&'static Definition>,
    /// The paragraphs of the description: the field's own, then its type's.
    pub description: Vec<&'static str>,
}

/// Finds what a path of names tells of; the error is the name that doesn't exist.
///
/// # Errors
/// The first name on the path that isn't there.
pub fn explain<'a>(kind: &Kind, path: &[&'a str]) -> Result<Explained, &'a str> {
    let mut definition = kind.definition();
    let mut field = None;
    for name in path {
        let next = definition.and_then(|definition| definition.field(name)).ok_or(*name)?;
        definition = next.ty.definition();
        field = Some(next);
    }
    let own = field.map(Field::doc);
    let description =
        own.into_iter().chain(definition.map(Definition::doc)).filter(|doc| !doc.is_empty()).collect();
    Ok(Explained { field, definition, description })
}
