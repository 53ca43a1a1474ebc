//! What containers and volumes are told of their own pod.
// Models pkg/apis/core/validation/validation.go

use super::volumes::{check_local_descending, check_mode};
use crate::validation::names;
use crate::validation::path::{Errors, Path};
use api::Value;

/// The fields that a container's environment may show.
pub(crate) const ENV_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const VOLUME_FIELDS: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
/// The fields that have a label at all.
const LABELS: [&str; 14] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// Checks a reference to one of `fields` of the pod.
// Models pkg/apis/core/validation/validation.go validateObjectFieldSelector
pub(crate) fn validate_field_ref(reference: &Value, fields: &[&str], path: &Path, errors: &mut Errors) {
    let (version, field) = (reference["apiVersion"].str(), reference["fieldPath"].str());
    if version.is_empty() {
        errors.required(path.child("apiVersion"), "");
        return;
    }
    let of_field = path.child("fieldPath");
    if field.is_empty() {
        errors.required(of_field, "");
        return;
    }
    match (convert(version, field), subscripted(field)) {
        (Err(why), _) => errors.invalid(of_field, field, format!("error converting fieldPath: {why}")),
        (Ok(_), Some((of, key))) => {
            let key = if of == "metadata.annotations" { key.to_lowercase() } else { key.to_string() };
            errors.check_text(path, &key, names::qualified_name);
        }
        (Ok(field), None) if !fields.contains(&field) => errors.not_supported(of_field, field, fields),
        (Ok(_), None) => {}
    }
}

/// Splits `metadata.labels['a']` into the field and the key.
// Models pkg/fieldpath/fieldpath.go SplitMaybeSubscriptedPath
fn subscripted(field: &str) -> Option<(&str, &str)> {
    let (of, key) = field.strip_suffix("']")?.split_once("['")?;
    if of.is_empty() { None } else { Some((of, key)) }
}

// Models pkg/apis/core/pods/helpers.go ConvertDownwardAPIFieldLabel
fn convert<'a>(version: &str, field: &'a str) -> Result<&'a str, String> {
    if version != "v1" {
        return Err(format!("unsupported pod version: {version}"));
    }
    match (subscripted(field), field) {
        (Some(("metadata.annotations" | "metadata.labels", _)), _) => Ok(field),
        (Some(_), _) => Err(format!("field label does not support subscript: {field}")),
        (None, "spec.host") => Ok("spec.nodeName"),
        (None, _) if LABELS.contains(&field) => Ok(field),
        (None, _) => Err(format!("field label not supported: {field}")),
    }
}

/// Whose reference it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefOf {
    Container,
    Volume,
}

/// Checks a reference to what a container asks for.
// Models pkg/apis/core/validation/validation.go validateContainerResourceFieldSelector
pub(crate) fn validate_resource_ref(reference: &Value, of: RefOf, path: &Path, errors: &mut Errors) {
    let resource = reference["resource"].str();
    let is_huge_page =
        |list: &str| resource.strip_prefix(list).is_some_and(|of| of.starts_with("hugepages-"));
    if of == RefOf::Volume && reference["containerName"].str().is_empty() {
        errors.required(path.child("containerName"), "");
    } else if resource.is_empty() {
        errors.required(path.child("resource"), "");
    } else if !RESOURCES.contains(&resource) && !is_huge_page("limits.") && !is_huge_page("requests.") {
        errors.not_supported(path.child("resource"), resource, &RESOURCES);
    }
}

/// Checks the files of a volume about the pod; upstream's path doesn't say which of them is wrong.
// Models pkg/apis/core/validation/validation.go validateDownwardAPIVolumeFile
pub(crate) fn validate_files(items: &Value, path: &Path, errors: &mut Errors) {
    for item in items.items() {
        let place = item["path"].str();
        if place.is_empty() {
            errors.required(path.child("path"), "");
        }
        check_local_descending(place, &path.child("path"), errors);
        if place.starts_with("..") && !place.starts_with("../") && place != ".." {
            errors.invalid(path.child("path"), place, "must not start with '..'");
        }
        let (field, resource) = (&item["fieldRef"], &item["resourceFieldRef"]);
        if !field.is_null() {
            validate_field_ref(field, &VOLUME_FIELDS, &path.child("fieldRef"), errors);
            if !resource.is_null() {
                let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
                errors.invalid(path, "resource", detail);
            }
        } else if !resource.is_null() {
            validate_resource_ref(resource, RefOf::Volume, &path.child("resourceFieldRef"), errors);
        } else {
            errors.required(path, "fieldRef or resourceFieldRef required");
        }
        check_mode(&item["mode"], &path.child("mode"), errors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(check: impl FnOnce(&mut Errors)) -> Vec<String> {
        let mut errors = Errors::default();
        check(&mut errors);
        errors.0.iter().map(ToString::to_string).collect()
    }

    // Rows as in pkg/apis/core/validation/validation_test.go TestValidateEnv.
    #[test]
    fn references_of_containers() {
        let supported = r#"supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs""#;
        for (field, expected) in [
            ("metadata.name", String::new()),
            ("spec.host", String::new()),
            ("metadata.annotations['key']", String::new()),
            ("metadata.labels['key']", String::new()),
            ("", "f.fieldPath: Required value".into()),
            ("status.foo", r#"f.fieldPath: Invalid value: "status.foo": error converting fieldPath: field label not supported: status.foo"#.into()),
            ("metadata.name['key']", r#"f.fieldPath: Invalid value: "metadata.name['key']": error converting fieldPath: field label does not support subscript: metadata.name['key']"#.into()),
            ("metadata.labels", format!(r#"f.fieldPath: Unsupported value: "metadata.labels": {supported}"#)),
            ("status.phase", format!(r#"f.fieldPath: Unsupported value: "status.phase": {supported}"#)),
        ] {
            let reference = api::tree!({"apiVersion": "v1", "fieldPath": field});
            let path = Path::new("f");
            let texts = found(|errors| validate_field_ref(&reference, &ENV_FIELDS, &path, errors));
            assert_eq!(texts.join("; "), expected, "{field}");
        }
        for (resource, expected) in [
            ("limits.cpu", ""),
            ("requests.hugepages-2Mi", ""),
            ("", "r.resource: Required value"),
            (
                "cpu",
                r#"r.resource: Unsupported value: "cpu": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory""#,
            ),
        ] {
            let reference = api::tree!({"resource": resource});
            let path = Path::new("r");
            let texts = found(|errors| validate_resource_ref(&reference, RefOf::Container, &path, errors));
            assert_eq!(texts.join("; "), expected, "{resource}");
        }
    }

    // Rows as in pkg/apis/core/validation/validation_test.go TestValidateVolumes.
    #[test]
    fn files_of_volumes() {
        let labels = r#""fieldRef":{"apiVersion":"v1","fieldPath":"metadata.labels"}"#;
        for (item, expected) in [
            (format!(r#"{{"path":"labels",{labels}}}"#), ""),
            (
                format!(r#"{{"path":"..names",{labels}}}"#),
                r#"d.path: Invalid value: "..names": must not start with '..'"#,
            ),
            (
                format!(r#"{{"path":"a/../b",{labels}}}"#),
                r#"d.path: Invalid value: "a/../b": must not contain '..'"#,
            ),
            (r#"{"path":"a"}"#.into(), "d: Required value: fieldRef or resourceFieldRef required"),
            (
                r#"{"path":"a","fieldRef":{"apiVersion":"v1","fieldPath":"spec.nodeName"}}"#.into(),
                r#"d.fieldRef.fieldPath: Unsupported value: "spec.nodeName": supported values: "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid""#,
            ),
            (
                format!(
                    r#"{{"path":"a",{labels},"resourceFieldRef":{{"containerName":"c","resource":"limits.cpu"}}}}"#
                ),
                r#"d: Invalid value: "resource": fieldRef and resourceFieldRef can not be specified simultaneously"#,
            ),
            (
                r#"{"path":"a","resourceFieldRef":{"resource":"limits.cpu"}}"#.into(),
                "d.resourceFieldRef.containerName: Required value",
            ),
        ] {
            let items: Value = [Value::from_json(&item).unwrap()].into_iter().collect();
            let texts = found(|errors| validate_files(&items, &Path::new("d"), errors));
            assert_eq!(texts.join("; "), expected, "{item}");
        }
    }
}
