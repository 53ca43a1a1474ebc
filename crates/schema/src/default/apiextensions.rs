use super::draft::{Draft, within};
use api::tree;

// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go
// SetDefaults_CustomResourceDefinitionSpec
pub(super) fn definition_spec(spec: &mut Draft) {
    spec.update("names", |names| {
        within(names, |names| {
            let kind = names.text("kind").to_string();
            if names.lacks("singular") {
                names.set("singular", kind.to_lowercase());
            }
            if names.lacks("listKind") && !kind.is_empty() {
                names.set("listKind", format!("{kind}List"));
            }
        })
    });
    if spec.lacks("conversion") {
        spec.set("conversion", tree!({"strategy": "None"}));
    }
}
