//! CustomResourceDefinitions.

use crate::{cel, custom};
use api::{Value, tree};

/// Returns the status of a new definition: no names are accepted yet.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go PrepareForCreate
pub(super) fn new_status(definition: &Value) -> Value {
    tree!({
        "acceptedNames": {"kind": "", "plural": ""},
        "conditions": null,
        "storedVersions": (stored(definition).into_iter().collect::<Value>()),
    })
}

/// Notes the version in which objects are stored from now on.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go PrepareForUpdate
pub(super) fn update_definition(new: &mut Value, _: &Value) {
    if let Some(version) = stored(new)
        && !new["status"]["storedVersions"].items().contains(&version)
    {
        new.at_mut(&["status", "storedVersions"]).list_mut().push(version);
    }
}

fn stored(definition: &Value) -> Option<Value> {
    let versions = definition["spec"]["versions"].items();
    versions.iter().find(|version| version["storage"].is_true()).map(|version| version["name"].clone())
}

/// Warns of rules that nothing evaluates. The line is ours.
pub(super) fn warnings(definition: &Value, _: &Value, warnings: &mut Vec<String>) {
    let versions = definition["spec"]["versions"].items();
    let has_rules = |version: &Value| custom::has_rules(&version["schema"]["openAPIV3Schema"]);
    if !cel::is_available() && versions.iter().any(has_rules) {
        let text = "# kubarium: x-kubernetes-validations are kept, but not evaluated in the page";
        warnings.push(text.to_string());
    }
}
