//! Structural schemas, as CustomResourceDefinitions hold them: `openAPIV3Schema` as a tree.
//!
//! - [`prune`] takes out of an object what its schema doesn't know, [`default`] sets what it leaves out;
//! - [`validate`] checks an object, [`check`] a schema;
//! - [`describe`] makes the schema that `/openapi/v3` tells of.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/schema

mod check;
mod default;
mod describe;
mod format;
mod prune;
#[cfg(test)]
mod tests;
mod validate;

pub use check::check;
pub use default::default;
pub use describe::describe;
pub use prune::prune;
pub use validate::{validate, validate_lists};

use api::Value;

/// How deep a schema is followed; what is deeper stays as it is.
const DEPTH: usize = 64;

/// Returns whether a schema is an extension's: `x-kubernetes-int-or-string` and its like.
fn is_set(schema: &Value, extension: &str) -> bool {
    schema[extension].is_true()
}

/// Returns the schema of a field of a map; `None` where its schema doesn't know it.
fn field<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    if let Some(property) = schema["properties"].get(name) {
        return Some(property);
    }
    match &schema["additionalProperties"] {
        Value::Null | Value::Bool(false) => None,
        inner => Some(inner),
    }
}

/// Returns whether a field belongs to every object, whatever its schema says.
fn is_common(name: &str) -> bool {
    matches!(name, "apiVersion" | "kind" | "metadata")
}

fn child(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}
