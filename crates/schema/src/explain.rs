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

#[cfg(test)]
mod tests {
    use super::explain;
    use crate::find_kind;

    #[test]
    fn tells_of_fields() {
        let deployment = find_kind("apps", "v1", "Deployment").unwrap();
        let told = explain(deployment, &["spec", "strategy"]).unwrap();
        assert_eq!(told.field.unwrap().ty.name(), "DeploymentStrategy");
        assert_eq!(
            told.description,
            [
                "The deployment strategy to use to replace existing pods with new ones.",
                "DeploymentStrategy describes how to replace existing pods with new ones.",
            ]
        );
        let kind = told.definition.unwrap().field("type").unwrap();
        assert_eq!(kind.enums, ["Recreate", "RollingUpdate"]);
        assert_eq!(
            kind.doc(),
            "Type of deployment. Can be \"Recreate\" or \"RollingUpdate\". Default is RollingUpdate.\n\n\
             Possible enum values:\n \
             - `\"Recreate\"` Kill all existing pods before creating new ones.\n \
             - `\"RollingUpdate\"` Replace the old ReplicaSets by new one using rolling update i.e \
             gradually scale down the old ReplicaSets and scale up the new one."
        );
        let whole = explain(deployment, &[]).unwrap();
        assert!(whole.field.is_none());
        assert_eq!(whole.description, ["Deployment enables declarative updates for Pods and ReplicaSets."]);
        let replicas = explain(deployment, &["spec", "replicas"]).unwrap();
        assert!(replicas.definition.is_none());
        assert_eq!(explain(deployment, &["spec", "nope", "x"]).unwrap_err(), "nope");
        assert_eq!(explain(deployment, &["spec", "replicas", "x"]).unwrap_err(), "x");
    }
}
