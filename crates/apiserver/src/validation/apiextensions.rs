//! CustomResourceDefinitions.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go

use super::path::{Errors, Path};
use super::{meta, names};
use crate::custom;
use api::Value;

/// The annotation without which nobody defines kinds in Kubernetes' own groups.
const APPROVED: &str = "api-approved.kubernetes.io";

/// Checks a new definition.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
// ValidateCustomResourceDefinition
pub(crate) fn validate(definition: &Value, errors: &mut Errors) {
    validate_cluster_wide(definition, errors);
    let spec = &definition["spec"];
    let name = definition["metadata"]["name"].str();
    if name != format!("{}.{}", spec["names"]["plural"].str(), spec["group"].str()) {
        errors.invalid("metadata.name", name, "must be spec.names.plural+\".\"+spec.group");
    }
    validate_spec(spec, errors);
    validate_approval(definition, errors);
}

/// Checks a changed definition.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
// ValidateCustomResourceDefinitionUpdate
pub(crate) fn validate_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_any_update(new, old, errors);
    validate_spec(&new["spec"], errors);
    let (spec, before) = (&new["spec"], &old["spec"]);
    let path = Path::new("spec");
    let names = path.child("names");
    if api::meta::is_condition_true(old, "Established") {
        errors.check_immutable(&path.child("scope"), &spec["scope"], &before["scope"]);
        errors.check_immutable(&names.child("kind"), &spec["names"]["kind"], &before["names"]["kind"]);
    }
    errors.check_immutable(&path.child("group"), &spec["group"], &before["group"]);
    errors.check_immutable(&names.child("plural"), &spec["names"]["plural"], &before["names"]["plural"]);
    for (i, stored) in new["status"]["storedVersions"].items().iter().enumerate() {
        if !spec["versions"].items().iter().any(|version| version["name"] == *stored) {
            errors.invalid(format!("status.storedVersions[{i}]"), stored, "must appear in spec.versions");
        }
    }
}

/// Checks the metadata of a custom resource that belongs to a namespace.
pub(crate) fn validate_namespaced(object: &Value, errors: &mut Errors) {
    meta::validate_any(object, true, names::dns1123_subdomain, errors);
}

/// Checks the metadata of a definition, or of a custom resource that belongs to the cluster.
pub(crate) fn validate_cluster_wide(object: &Value, errors: &mut Errors) {
    meta::validate_any(object, false, names::dns1123_subdomain, errors);
}

fn validate_spec(spec: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    let group = spec["group"].str();
    let wrong = names::dns1123_subdomain(group);
    if group.is_empty() {
        errors.required(path.child("group"), "");
    } else if !wrong.is_empty() {
        errors.invalid(path.child("group"), group, wrong.join(","));
    } else if !group.contains('.') {
        errors.invalid(path.child("group"), group, "should be a domain with at least one dot");
    }
    errors.check_enum(&path.child("scope"), &spec["scope"], &["Cluster", "Namespaced"]);
    validate_versions(spec, errors);
    if spec["preserveUnknownFields"].is_true() {
        let why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in \
                   spec.versions[*].schema instead";
        errors.invalid(path.child("preserveUnknownFields"), true, why);
    }
    for name in ["plural", "singular", "kind", "listKind"] {
        if spec["names"][name].str().is_empty() {
            errors.required(path.child("names").child(name), "");
        }
    }
    validate_names(&spec["names"], &path.child("names"), errors);
    validate_schemas(spec, errors);
    if !matches!(spec["conversion"]["strategy"].str(), "" | "None" | "Webhook") {
        let path = "spec.conversion.strategy";
        errors.not_supported(path, &spec["conversion"]["strategy"], &["None", "Webhook"]);
    }
}

fn validate_versions(spec: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    let path = path.child("versions");
    let versions = spec["versions"].items();
    let mut seen: Vec<&str> = Vec::new();
    let mut unique = true;
    for (i, version) in versions.iter().enumerate() {
        let name = version["name"].str();
        unique &= !seen.contains(&name);
        seen.push(name);
        let wrong = names::dns1035_label(name);
        if !wrong.is_empty() {
            errors.invalid(path.index(i).child("name"), name, wrong.join(","));
        }
        for (j, field) in version["selectableFields"].items().iter().enumerate() {
            if field["jsonPath"].str().is_empty() {
                errors.required(format!("spec.versions[{i}].selectableFields[{j}].jsonPath"), "");
            }
        }
    }
    if !unique {
        errors.invalid(path, &spec["versions"], "must contain unique version names");
    }
    if versions.iter().filter(|version| version["storage"].is_true()).count() != 1 {
        let why = "must have exactly one version marked as storage version";
        errors.invalid(path, &spec["versions"], why);
    }
}

fn validate_names(all: &Value, path: &Path, errors: &mut Errors) {
    for name in ["plural", "singular"] {
        check_label(&path.child(name), &all[name], "", errors);
    }
    for name in ["kind", "listKind"] {
        check_label(
            &path.child(name),
            &all[name],
            "may have mixed case, but should otherwise match: ",
            errors,
        );
    }
    for list in ["shortNames", "categories"] {
        let path = path.child(list);
        for (i, word) in all[list].items().iter().enumerate() {
            check_label(&path.index(i), word, "", errors);
        }
    }
    if !all["kind"].str().is_empty() && all["kind"] == all["listKind"] {
        let why = "kind and listKind may not be the same";
        errors.invalid(path.child("listKind"), &all["listKind"], why);
    }
}

/// Checks a name; one that may have capitals comes with the words for that.
fn check_label(path: &Path, name: &Value, mixed: &str, errors: &mut Errors) {
    let text = if mixed.is_empty() { name.str().to_string() } else { name.str().to_lowercase() };
    let wrong = names::dns1035_label(&text);
    if !text.is_empty() && !wrong.is_empty() {
        errors.invalid(path, name, format!("{mixed}{}", wrong.join(",")));
    }
}

/// Checks the schemas. Where all versions have the same, upstream tells of it as of one of the definition.
// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/conversion.go
// Convert_v1_CustomResourceDefinitionSpec_To_apiextensions_CustomResourceDefinitionSpec
fn validate_schemas(spec: &Value, errors: &mut Errors) {
    let versions = spec["versions"].items();
    let schemas: Vec<&Value> = versions.iter().map(|version| &version["schema"]["openAPIV3Schema"]).collect();
    let missing = || schemas.iter().enumerate().filter(|(_, schema)| schema.is_null());
    for (i, _) in missing() {
        let path = format!("spec.versions[{i}].schema.openAPIV3Schema");
        errors.required(path, "schemas are required");
    }
    let same = schemas.windows(2).all(|pair| pair[0] == pair[1]);
    let checked = if same { 1 } else { schemas.len() };
    for (i, schema) in schemas.iter().enumerate().take(checked).filter(|(_, schema)| !schema.is_null()) {
        let path = if same {
            "spec.validation.openAPIV3Schema".to_string()
        } else {
            format!("spec.versions[{i}].schema.openAPIV3Schema")
        };
        errors.0.extend(schema::structural::check(schema, &path));
        custom::check_rules(schema, &path, errors);
    }
    for (i, version) in versions.iter().enumerate() {
        let same = versions
            .iter()
            .all(|other| other["additionalPrinterColumns"] == version["additionalPrinterColumns"]);
        let root = if same { "spec".to_string() } else { format!("spec.versions[{i}]") };
        if i == 0 || !same {
            validate_columns(&version["additionalPrinterColumns"], &root, errors);
        }
    }
}

// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
// ValidateCustomResourceColumnDefinition
fn validate_columns(columns: &Value, root: &str, errors: &mut Errors) {
    const TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
    for (i, column) in columns.items().iter().enumerate() {
        let at = |field: &str| format!("{root}.additionalPrinterColumns[{i}].{field}");
        if column["name"].str().is_empty() {
            errors.required(at("name"), "");
        }
        match column["type"].str() {
            "" => {
                errors.required(at("type"), format!("must be one of {}", TYPES.join(",")));
            }
            kind if !TYPES.contains(&kind) => {
                errors.invalid(at("type"), kind, format!("must be one of {}", TYPES.join(",")));
            }
            _ => {}
        }
        let path = column["jsonPath"].str();
        if path.is_empty() {
            errors.required(at("JSONPath"), "");
        } else if !path.starts_with('.') {
            errors.invalid(at("JSONPath"), path, "must be a simple json path starting with .");
        }
    }
}

// Models staging/src/k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go
// validateAPIApproval
fn validate_approval(definition: &Value, errors: &mut Errors) {
    let group = definition["spec"]["group"].str();
    let is_protected = ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|suffix| group == *suffix || group.ends_with(&format!(".{suffix}")));
    let approval = api::meta::annotation(definition, APPROVED);
    if !is_protected || approval.starts_with("https://") || approval.starts_with("unapproved") {
        return;
    }
    let path = format!("metadata.annotations[{APPROVED}]");
    if approval.is_empty() {
        let why = format!(
            "protected groups must have approval annotation {APPROVED:?}, see \
             https://github.com/kubernetes/enhancements/pull/1111"
        );
        errors.required(path, why);
    } else {
        let why = "protected groups must have approval annotation \"api-approved.kubernetes.io\" with either a URL \
                   or a reason starting with \"unapproved\", see \
                   https://github.com/kubernetes/enhancements/pull/1111";
        errors.invalid(path, approval, why);
    }
}
