//! Claims, and the volumes that are there for them.
// Models pkg/apis/core/validation/validation.go

use super::{affinity, volumes};
use crate::quantity;
use crate::validation::path::{Errors, Path};
use crate::validation::{meta, names, semantic_equal};
use api::Value;
use api::quantity::Quantity;

const ALONE: &str = "ReadWriteOncePod";
const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", ALONE];
const POLICIES: [&str; 3] = ["Delete", "Recycle", "Retain"];
const VOLUME_MODES: [&str; 2] = ["Block", "Filesystem"];
const NOT_POSITIVE: &str = "must be greater than zero";
/// What can be behind a volume, in the order in which upstream looks at it.
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

/// Checks a PersistentVolumeClaim.
// Models pkg/apis/core/validation/validation.go ValidatePersistentVolumeClaimSpec
pub(crate) fn validate_claim(claim: &Value, errors: &mut Errors) {
    meta::validate(claim, true, names::dns1123_subdomain, errors);
    validate_claim_spec(&claim["spec"], &Path::new("spec"), errors);
}

/// Checks a claim's spec.
// Models pkg/apis/core/validation/validation.go ValidatePersistentVolumeClaimSpec
pub(crate) fn validate_claim_spec(spec: &Value, path: &Path, errors: &mut Errors) {
    if spec["accessModes"].items().is_empty() {
        errors.required(path.child("accessModes"), "at least 1 access mode is required");
    }
    if !spec["selector"].is_null() {
        meta::validate_label_selector(&spec["selector"], &path.child("selector"), errors);
    }
    check_access_modes(spec, path, errors);
    let storage = &spec["resources"]["requests"]["storage"];
    let resources = path.child("resources");
    match quantity::nanos(storage) {
        _ if storage.is_null() => errors.required(resources.key("storage"), ""),
        None => errors.required(resources.key("storage"), ""),
        Some(nanos) if nanos <= 0 => {
            errors.invalid(resources.key("storage"), quantity::text(storage), NOT_POSITIVE);
        }
        Some(_) => {}
    }
    check_class_and_mode(spec, path, errors);
    for field in ["dataSource", "dataSourceRef"] {
        if !spec[field].is_null() {
            validate_source_ref(&spec[field], &path.child(field), errors);
        }
    }
    let (source, reference) = (&spec["dataSource"], &spec["dataSourceRef"]);
    let message = if source.is_null() || reference.is_null() {
        None
    } else if !reference["namespace"].str().is_empty() {
        Some("may not be specified when dataSourceRef.namespace is specified")
    } else {
        let same = |field: &str| source[field] == reference[field];
        let is_same = ["apiGroup", "kind", "name"].into_iter().all(same);
        (!is_same).then_some("must match dataSourceRef")
    };
    if let Some(message) = message {
        errors.invalid(path, String::from(path.child("dataSource")), message);
    }
    let class = spec["volumeAttributesClassName"].str();
    if !class.is_empty() {
        errors.check_text(&path.child("volumeAttributesClassName"), class, names::dns1123_subdomain);
    }
}

// Models pkg/apis/core/validation/validation.go validateDataSource, validateDataSourceRef
fn validate_source_ref(reference: &Value, path: &Path, errors: &mut Errors) {
    for field in ["name", "kind"] {
        if reference[field].str().is_empty() {
            errors.required(path.child(field), "");
        }
    }
    let (group, kind) = (reference["apiGroup"].str(), reference["kind"].str());
    if !group.is_empty() {
        errors.check_text(&path.child("apiGroup"), group, names::dns1123_subdomain);
    } else if kind != "PersistentVolumeClaim" {
        let message = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        errors.invalid(path, kind, message);
    }
    let namespace = reference["namespace"].str();
    if !namespace.is_empty() {
        errors.check_text(&path.child("namespace"), namespace, names::dns1123_label);
    }
}

fn check_access_modes(spec: &Value, path: &Path, errors: &mut Errors) {
    let path = path.child("accessModes");
    let modes = spec["accessModes"].items();
    for mode in modes {
        if !MODES.contains(&mode.str()) {
            errors.not_supported(path, mode, &MODES);
        }
    }
    let is_alone = |mode: &Value| mode.str() == ALONE;
    let is_other = |mode: &Value| mode.str() != ALONE && MODES.contains(&mode.str());
    if modes.iter().any(is_alone) && modes.iter().any(is_other) {
        errors.forbidden(path, "may not use ReadWriteOncePod with other access modes");
    }
}

fn check_class_and_mode(spec: &Value, path: &Path, errors: &mut Errors) {
    let class = spec["storageClassName"].str();
    if !class.is_empty() {
        errors.check_text(&path.child("storageClassName"), class, names::dns1123_subdomain);
    }
    let mode = &spec["volumeMode"];
    if !mode.is_null() && !VOLUME_MODES.contains(&mode.str()) {
        errors.not_supported(path.child("volumeMode"), mode, &VOLUME_MODES);
    }
}

/// Checks a changed PersistentVolumeClaim.
// Models pkg/apis/core/validation/validation.go ValidatePersistentVolumeClaimUpdate
pub(crate) fn validate_claim_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_claim(new, errors);
    let mut munged = new["spec"].clone();
    if old["spec"]["volumeName"].str().is_empty() {
        munged.remove(&["volumeName"]);
    }
    let bound = old["status"]["phase"].str() == "Bound";
    if bound {
        munged.set(&["resources", "requests"], &old["spec"]["resources"]["requests"]);
    }
    let class = &old["spec"]["volumeAttributesClassName"];
    if class.is_null() {
        munged.remove(&["volumeAttributesClassName"]);
    } else {
        munged.set(&["volumeAttributesClassName"], class);
    }
    let had_class = !old["spec"]["storageClassName"].is_null();
    if !had_class && old["spec"]["volumeName"].str().is_empty() {
        munged.remove(&["storageClassName"]); // it may get the default class later
    }
    if !semantic_equal(&munged, &old["spec"]) {
        let message = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        errors.forbidden("spec", message);
    }
    let asked = |claim: &Value| quantity::nanos(&claim["spec"]["resources"]["requests"]["storage"]);
    let has = quantity::nanos(&old["status"]["capacity"]["storage"]).unwrap_or(0);
    if asked(new) < asked(old) && asked(new).is_none_or(|asked| asked <= has) {
        errors.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity");
    }
}

/// Checks a PersistentVolume.
// Models pkg/apis/core/validation/validation.go ValidatePersistentVolume
pub(crate) fn validate_volume(volume: &Value, errors: &mut Errors) {
    meta::validate(volume, false, names::dns1123_subdomain, errors);
    validate_volume_spec(&volume["spec"], &Path::new("spec"), errors);
}

// Models pkg/apis/core/validation/validation.go ValidatePersistentVolumeSpec
fn validate_volume_spec(spec: &Value, path: &Path, errors: &mut Errors) {
    if spec["accessModes"].items().is_empty() {
        errors.required(path.child("accessModes"), "");
    }
    check_access_modes(spec, path, errors);
    let (capacity, amounts) = (path.child("capacity"), spec["capacity"].fields());
    if amounts.is_empty() {
        errors.required(capacity, "");
    }
    if amounts.get("storage").is_none() || amounts.len() > 1 {
        errors.not_supported(capacity, &spec["capacity"], &["storage"]);
    }
    for (name, amount) in amounts.iter() {
        let Ok(quantity) = Quantity::from_value(amount) else { continue };
        if quantity.value() < 0 {
            errors.invalid(capacity.key(name), quantity.value(), "must be a valid resource quantity");
        }
        if quantity.sign() <= 0 {
            errors.invalid(capacity.key(name), quantity::text(amount), NOT_POSITIVE);
        }
    }
    let policy = &spec["persistentVolumeReclaimPolicy"];
    let of_policy = path.child("persistentVolumeReclaimPolicy");
    if !policy.is_null() && !POLICIES.contains(&policy.str()) {
        errors.not_supported(of_policy, policy, &POLICIES);
    }
    let affinity = &spec["nodeAffinity"];
    if !affinity.is_null() {
        let path = path.child("nodeAffinity");
        let path = path.child("required");
        if affinity["required"].is_null() {
            errors.required(path, "must specify required node constraints");
        } else {
            affinity::validate_node_selector(&affinity["required"], &path, errors);
        }
    }
    validate_volume_sources(spec, path, errors);
    let host = spec["hostPath"]["path"].str();
    let is_root = host.starts_with('/') && host.split('/').all(|part| matches!(part, "" | "."));
    if is_root && policy.str() == "Recycle" {
        errors.forbidden(of_policy, "may not be 'recycle' for a hostPath mount of '/'");
    }
    check_class_and_mode(spec, path, errors);
    if let Some(class) = spec["volumeAttributesClassName"].as_str() {
        let of_class = path.child("volumeAttributesClassName");
        if class.is_empty() {
            errors.required(of_class, "an empty string is disallowed");
        } else {
            errors.check_text(&of_class, class, names::dns1123_subdomain);
        }
        if spec["csi"].is_null() {
            errors.required(path.child("csi"), "has to be specified when using volumeAttributesClassName");
        }
    }
}

fn validate_volume_sources(spec: &Value, path: &Path, errors: &mut Errors) {
    let mut given = SOURCES.into_iter().filter(|source| !spec[*source].is_null());
    let Some(name) = given.next() else {
        errors.required(path, "must specify a volume type");
        return;
    };
    let (source, at) = (&spec[name], path.child(name));
    match name {
        "local" => {
            let place = source["path"].str();
            if place.is_empty() {
                errors.required(at.child("path"), "");
            }
            if place.split('/').any(|part| part == "..") {
                errors.invalid(at.child("path"), place, "must not contain '..'");
            }
            if spec["nodeAffinity"].is_null() {
                errors.required(path.child("nodeAffinity"), "Local volume requires node affinity");
            }
        }
        "csi" => {
            let driver = source["driver"].str().to_ascii_lowercase();
            if driver.is_empty() {
                errors.required(at.child("driver"), "");
            } else {
                errors.check_text(&at.child("driver"), &driver, names::dns1123_subdomain);
            }
            if source["volumeHandle"].str().is_empty() {
                errors.required(at.child("volumeHandle"), "");
            }
        }
        _ => volumes::validate_one(name, source, &at, errors),
    }
    for other in given {
        errors.forbidden(path.child(other), "may not specify more than 1 volume type");
    }
}

/// Checks a changed PersistentVolume.
// Models pkg/apis/core/validation/validation.go ValidatePersistentVolumeUpdate
pub(crate) fn validate_volume_update(new: &Value, old: &Value, errors: &mut Errors) {
    const CHANGEABLE: [&str; 9] = [
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    ];
    meta::validate_update(new, old, errors);
    validate_volume(new, errors);
    let source = |volume: &Value| {
        let mut spec = volume["spec"].clone();
        for field in CHANGEABLE {
            spec.remove(&[field]);
        }
        spec
    };
    if !semantic_equal(&source(new), &source(old)) {
        errors.forbidden(
            "spec.persistentvolumesource",
            "spec.persistentvolumesource is immutable after creation",
        );
    }
    // Upstream's paths don't say here that the fields are the spec's.
    for field in ["volumeMode", "nodeAffinity"] {
        if field == "nodeAffinity" && old["spec"][field].is_null() {
            continue;
        }
        errors.check_immutable(&Path::new(field), &new["spec"][field], &old["spec"][field]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(check: fn(&Value, &Path, &mut Errors), spec: &str) -> String {
        let mut errors = Errors::default();
        check(&Value::from_json(spec).unwrap(), &Path::new("spec"), &mut errors);
        errors.0.iter().map(ToString::to_string).collect::<Vec<String>>().join("; ")
    }

    // Rows as in pkg/apis/core/validation/validation_test.go TestValidatePersistentVolumes and
    // TestValidateLocalVolumes.
    #[test]
    fn volumes_are_checked_as_upstream_s() {
        let good = r#""accessModes":["ReadWriteOnce"],"capacity":{"storage":"10G"}"#;
        let host = r#""hostPath":{"path":"/foo","type":"Directory"}"#;
        for (spec, expected) in [
            (format!("{{{good},{host}}}"), ""),
            (format!(r#"{{{host},"accessModes":["ReadWriteOncePod"],"capacity":{{"storage":"10G"}}}}"#), ""),
            (
                format!(
                    r#"{{{host},"accessModes":["ReadWriteOncePod","ReadWriteMany"],"capacity":{{"storage":"10G"}}}}"#
                ),
                "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
            ),
            (
                format!(r#"{{{host},"accessModes":["ReadWriteOnce"]}}"#),
                r#"spec.capacity: Required value; spec.capacity: Unsupported value: null: supported values: "storage""#,
            ),
            (
                format!(r#"{{{host},"accessModes":["ReadWriteOnce"],"capacity":{{"storage":"0"}}}}"#),
                r#"spec.capacity[storage]: Invalid value: "0": must be greater than zero"#,
            ),
            (
                format!(r#"{{{good},"hostPath":{{"path":"/foo/..","type":""}}}}"#),
                r#"spec.hostPath.path: Invalid value: "/foo/..": must not contain '..'"#,
            ),
            (
                format!(
                    r#"{{{good},"hostPath":{{"path":"/","type":""}},"persistentVolumeReclaimPolicy":"Recycle"}}"#
                ),
                "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
            ),
            (
                format!(
                    r#"{{{good},"hostPath":{{"path":"/a/.","type":""}},"persistentVolumeReclaimPolicy":"Recycle"}}"#
                ),
                "",
            ),
            (
                format!(r#"{{{good},{host},"volumeMode":"fakeVolumeMode"}}"#),
                r#"spec.volumeMode: Unsupported value: "fakeVolumeMode": supported values: "Block", "Filesystem""#,
            ),
            (
                format!(r#"{{{good},"local":{{"path":"/mnt"}}}}"#),
                "spec.nodeAffinity: Required value: Local volume requires node affinity",
            ),
            (
                format!(r#"{{{good},"local":{{"path":"/foo/.."}},"nodeAffinity":{{}}}}"#),
                r#"spec.nodeAffinity.required: Required value: must specify required node constraints; spec.local.path: Invalid value: "/foo/..": must not contain '..'"#,
            ),
            (
                format!(r#"{{{good},"nfs":{{"path":"a"}}}}"#),
                r#"spec.nfs.server: Required value; spec.nfs.path: Invalid value: "a": must be an absolute path"#,
            ),
            (format!(r#"{{{good},"csi":{{"driver":"a.b"}}}}"#), "spec.csi.volumeHandle: Required value"),
            (
                format!(r#"{{{good},{host},"nfs":{{"server":"a","path":"/"}}}}"#),
                "spec.nfs: Forbidden: may not specify more than 1 volume type",
            ),
            (format!("{{{good}}}"), "spec: Required value: must specify a volume type"),
        ] {
            assert_eq!(texts(validate_volume_spec, &spec), expected, "{spec}");
        }
    }

    // Rows as in pkg/apis/core/validation/validation_test.go testValidatePVC.
    #[test]
    fn claims_are_checked_as_upstream_s() {
        let good = r#""accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"10G"}}"#;
        for (more, expected) in [
            ("", ""),
            (r#","dataSource":{"kind":"PersistentVolumeClaim","name":"a"}"#, ""),
            (
                r#","dataSourceRef":{"kind":"ConfigMap","name":"a"}"#,
                r#"spec.dataSourceRef: Invalid value: "ConfigMap": must be 'PersistentVolumeClaim' when referencing the default apiGroup"#,
            ),
            (
                r#","dataSourceRef":{"apiGroup":"a.b","kind":"Sample","name":""}"#,
                "spec.dataSourceRef.name: Required value",
            ),
            (
                r#","dataSource":{"apiGroup":"a.b","kind":"A","name":"a"},"dataSourceRef":{"apiGroup":"a.b","kind":"A","name":"b"}"#,
                r#"spec: Invalid value: "spec.dataSource": must match dataSourceRef"#,
            ),
            (
                r#","volumeMode":"fakeVolumeMode""#,
                r#"spec.volumeMode: Unsupported value: "fakeVolumeMode": supported values: "Block", "Filesystem""#,
            ),
        ] {
            assert_eq!(texts(validate_claim_spec, &format!("{{{good}{more}}}")), expected, "{more}");
        }
    }
}
