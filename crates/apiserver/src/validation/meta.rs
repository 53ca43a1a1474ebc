//! What holds for every object's metadata.
// Models staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go

use super::names;
use super::path::{Errors, Path};
use api::Value;

/// How a kind's names must be.
pub(crate) type NameRule = fn(&str) -> Vec<String>;

const ANNOTATIONS_LIMIT: usize = 256 * 1024;
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// Checks the metadata of a new object of a built-in kind.
// Models pkg/apis/core/validation/validation.go ValidateObjectMeta
pub(crate) fn validate(object: &Value, namespaced: bool, rule: NameRule, errors: &mut Errors) {
    validate_any(object, namespaced, rule, errors);
    validate_kube_finalizers(&object["metadata"], errors);
}

/// Checks the metadata of a new object.
// Models staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go ValidateObjectMetaAccessor
pub(crate) fn validate_any(object: &Value, namespaced: bool, rule: NameRule, errors: &mut Errors) {
    let meta = &object["metadata"];
    let path = Path::new("metadata");
    let generate = meta["generateName"].str();
    if !generate.is_empty() {
        for message in rule(&names::mask_trailing_dash(generate)) {
            errors.invalid(path.child("generateName"), generate, message);
        }
    }
    if meta["name"].str().is_empty() {
        errors.required(path.child("name"), "name or generateName is required");
    } else {
        errors.check_text(&path.child("name"), meta["name"].str(), rule);
    }
    match (namespaced, meta["namespace"].str()) {
        (true, "") => errors.required(path.child("namespace"), ""),
        (true, namespace) => errors.check_text(&path.child("namespace"), namespace, names::dns1123_label),
        (false, "") => {}
        (false, _) => errors.forbidden(path.child("namespace"), "not allowed on this type"),
    }
    validate_common(meta, &Value::Null, &path, errors);
}

/// Checks metadata by itself, of what isn't the same memory as in the metadata before, which was checked then.
fn validate_common(meta: &Value, old: &Value, path: &Path, errors: &mut Errors) {
    errors.check_not_negative(&path.child("generation"), &meta["generation"]);
    let is_new = |field: &str| !meta[field].is_null() && !meta[field].same(&old[field]);
    if is_new("labels") {
        validate_labels(&meta["labels"], &path.child("labels"), errors);
    }
    if is_new("annotations") {
        validate_annotations(&meta["annotations"], &path.child("annotations"), errors);
    }
    if is_new("ownerReferences") {
        validate_owner_references(&meta["ownerReferences"], &path.child("ownerReferences"), errors);
    }
    if !is_new("finalizers") {
        return;
    }
    let finalizers = path.child("finalizers");
    for (i, finalizer) in meta["finalizers"].items().iter().enumerate() {
        let path = finalizers.index(i);
        let text = finalizer.str();
        errors.check_text(&path, text, names::qualified_name);
    }
}

// Models pkg/apis/core/validation/validation.go validateKubeFinalizerName
fn validate_kube_finalizers(meta: &Value, errors: &mut Errors) {
    let finalizers = Path::new("metadata");
    let finalizers = finalizers.child("finalizers");
    for (i, finalizer) in meta["finalizers"].items().iter().enumerate() {
        let text = finalizer.str();
        if !text.contains('/') && !STANDARD_FINALIZERS.contains(&text) {
            let message = "name is neither a standard finalizer name nor is it fully qualified";
            errors.invalid(finalizers.index(i), text, message);
        }
    }
}

/// Checks the metadata of a changed object of a built-in kind against what it was.
// Models pkg/apis/core/validation/validation.go ValidateObjectMetaUpdate
pub(crate) fn validate_update(new: &Value, old: &Value, errors: &mut Errors) {
    validate_any_update(new, old, errors);
    validate_kube_finalizers(&new["metadata"], errors);
}

/// Checks the metadata of a changed object against what it was.
// Models staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go ValidateObjectMetaAccessorUpdate
pub(crate) fn validate_any_update(new: &Value, old: &Value, errors: &mut Errors) {
    let (new, old) = (&new["metadata"], &old["metadata"]);
    let path = Path::new("metadata");
    if new["generation"].int() < old["generation"].int() {
        errors.invalid(path.child("generation"), &new["generation"], "must not be decremented");
    }
    for field in
        ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"]
    {
        errors.check_immutable(&path.child(field), &new[field], &old[field]);
    }
    let deleting = !old["deletionTimestamp"].is_null();
    if deleting {
        let added: Vec<String> = new["finalizers"]
            .items()
            .iter()
            .filter(|finalizer| !old["finalizers"].items().contains(finalizer))
            .map(|finalizer| finalizer.str().to_string())
            .collect();
        if !added.is_empty() {
            let set =
                added.iter().map(|name| format!("{name:?}:sets.Empty{{}}")).collect::<Vec<_>>().join(", ");
            let message = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers sets.Set[string]{{{set}}}"
            );
            errors.forbidden(path.child("finalizers"), message);
        }
    }
    validate_common(new, old, &path, errors);
}

/// Checks labels.
// Models staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go ValidateLabels
pub(crate) fn validate_labels(labels: &Value, path: &Path, errors: &mut Errors) {
    for (key, value) in labels.fields().iter() {
        errors.check_text(path, key, names::qualified_name);
        errors.check_text(path, value.str(), names::label_value);
    }
}

/// Checks annotations.
// Models staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go ValidateAnnotations
pub(crate) fn validate_annotations(annotations: &Value, path: &Path, errors: &mut Errors) {
    let mut size = 0;
    for (key, value) in annotations.fields().iter() {
        // The rule is for any case; the error shows the key as it was written.
        for message in names::qualified_name(&key.to_lowercase()) {
            errors.invalid(path, key, message);
        }
        size += key.len() + value.str().len();
    }
    if size > ANNOTATIONS_LIMIT {
        errors.too_long(path, ANNOTATIONS_LIMIT as i64);
    }
}

fn validate_owner_references(owners: &Value, path: &Path, errors: &mut Errors) {
    let mut controller = String::new();
    for (i, owner) in owners.items().iter().enumerate() {
        let path = path.index(i);
        if owner["apiVersion"].str().is_empty() {
            errors.invalid(path.child("apiVersion"), &owner["apiVersion"], "version must not be empty");
        }
        for field in ["kind", "name", "uid"] {
            if owner[field].str().is_empty() {
                errors.invalid(path.child(field), owner[field].str(), "must not be empty");
            }
        }
        if owner["controller"].is_true() {
            let this = owner["name"].str();
            if !controller.is_empty() {
                let message = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {controller} and {this}"
                );
                errors.invalid(path, owner, message);
            }
            controller = this.to_string();
        }
    }
}

/// Checks a LabelSelector.
// Models staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go ValidateLabelSelector
pub(crate) fn validate_label_selector(selector: &Value, path: &Path, errors: &mut Errors) {
    validate_labels(&selector["matchLabels"], &path.child("matchLabels"), errors);
    let expressions = path.child("matchExpressions");
    for (i, expression) in selector["matchExpressions"].items().iter().enumerate() {
        let path = expressions.index(i);
        let values = expression["values"].items();
        match expression["operator"].str() {
            "In" | "NotIn" => {
                if values.is_empty() {
                    let message = "must be specified when `operator` is 'In' or 'NotIn'";
                    errors.required(path.child("values"), message);
                }
            }
            "Exists" | "DoesNotExist" => {
                if !values.is_empty() {
                    let message = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                    errors.forbidden(path.child("values"), message);
                }
            }
            operator => errors.invalid(path.child("operator"), operator, "not a valid selector operator"),
        }
        errors.check_text(&path.child("key"), expression["key"].str(), names::qualified_name);
        let list = path.child("values");
        for (j, value) in values.iter().enumerate() {
            errors.check_text(&list.index(j), value.str(), names::label_value);
        }
    }
}

/// Returns whether a LabelSelector can be read.
pub(crate) fn is_selector_readable(selector: &Value) -> bool {
    selector["matchExpressions"].items().iter().all(|expression| {
        let (values, key) = (expression["values"].items(), expression["key"].str());
        let fits = match expression["operator"].str() {
            "In" | "NotIn" => !values.is_empty(),
            "Exists" | "DoesNotExist" => values.is_empty(),
            _ => false,
        };
        fits && names::qualified_name(key).is_empty()
    }) && selector["matchLabels"].fields().iter().all(|(key, value)| {
        names::qualified_name(key).is_empty() && names::label_value(value.str()).is_empty()
    })
}
