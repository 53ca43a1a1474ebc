//! Classes of storage, and what CSI drivers tell of themselves.
// Models pkg/apis/storage/validation/validation.go

use super::path::{Errors, Path};
use super::{meta, names, semantic_equal};
use api::Value;

/// How many parameters a class may have.
const MAX_PARAMETERS: usize = 512;
/// How many bytes the parameters may be together.
const MAX_PARAMETER_BYTES: usize = 256 * 1024;

/// Checks a StorageClass.
// Models pkg/apis/storage/validation/validation.go ValidateStorageClass
pub(crate) fn validate_storage_class(class: &Value, errors: &mut Errors) {
    meta::validate(class, false, names::dns1123_subdomain, errors);
    validate_provisioner(&class["provisioner"], &Path::new("provisioner"), errors);
    validate_parameters(&class["parameters"], &Path::new("parameters"), errors);
    let policy = class["reclaimPolicy"].str();
    if !matches!(policy, "" | "Delete" | "Retain") {
        errors.not_supported("reclaimPolicy", policy, &["Delete", "Retain"]);
    }
    match class["volumeBindingMode"].as_str() {
        None => errors.required("volumeBindingMode", ""),
        Some("Immediate" | "WaitForFirstConsumer") => {}
        Some(mode) => {
            errors.not_supported("volumeBindingMode", mode, &["Immediate", "WaitForFirstConsumer"]);
        }
    }
}

fn validate_provisioner(provisioner: &Value, path: &Path, errors: &mut Errors) {
    let name = provisioner.str();
    if name.is_empty() {
        return errors.required(path, "");
    }
    for message in names::qualified_name(&name.to_lowercase()) {
        errors.invalid(path, name, message);
    }
}

fn validate_parameters(parameters: &Value, path: &Path, errors: &mut Errors) {
    let count = parameters.fields().iter().count();
    if count > MAX_PARAMETERS {
        return errors.too_long(path, MAX_PARAMETERS as i64);
    }
    let mut bytes = 0;
    for (key, value) in parameters.fields().iter() {
        if key.is_empty() {
            errors.invalid(path, key, "field can not be empty.");
        }
        bytes += key.len() + value.str().len();
    }
    if bytes > MAX_PARAMETER_BYTES {
        errors.too_long(path, MAX_PARAMETER_BYTES as i64);
    }
}

/// Forbids changes of fields.
fn forbid_changes(fields: &[&str], new: &Value, old: &Value, errors: &mut Errors) {
    for field in fields.iter().filter(|field| !semantic_equal(&new[**field], &old[**field])) {
        errors.forbidden(*field, format!("updates to {field} are forbidden."));
    }
}

/// Checks a changed StorageClass.
// Models pkg/apis/storage/validation/validation.go ValidateStorageClassUpdate
pub(crate) fn validate_storage_class_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    forbid_changes(&["parameters", "provisioner", "reclaimPolicy"], new, old, errors);
    let mode = "volumeBindingMode";
    errors.check_immutable(&Path::new(mode), &new[mode], &old[mode]);
}

/// Checks a VolumeAttributesClass.
// Models pkg/apis/storage/validation/validation.go ValidateVolumeAttributesClass
pub(crate) fn validate_attributes_class(class: &Value, errors: &mut Errors) {
    meta::validate(class, false, names::dns1123_subdomain, errors);
    validate_provisioner(&class["driverName"], &Path::new("driverName"), errors);
    let path = Path::new("parameters");
    if class["parameters"].is_empty() {
        errors.required(path, "must contain at least one key/value pair");
    }
    validate_parameters(&class["parameters"], &path, errors);
}

/// Checks a changed VolumeAttributesClass.
// Models pkg/apis/storage/validation/validation.go ValidateVolumeAttributesClassUpdate
pub(crate) fn validate_attributes_class_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    forbid_changes(&["driverName", "parameters"], new, old, errors);
}

/// Checks a CSI driver's name.
// Models pkg/apis/storage/validation/validation.go validateCSIDriverName
fn validate_driver_name(name: &str, path: &Path, errors: &mut Errors) {
    if name.is_empty() {
        errors.required(path, "");
    }
    if name.len() > 63 {
        errors.too_long(path, 63);
    }
    for message in names::dns1123_subdomain(&name.to_lowercase()) {
        errors.invalid(path, name, message);
    }
}

/// Checks a CSIDriver.
// Models pkg/apis/storage/validation/validation.go ValidateCSIDriver
pub(crate) fn validate_csi_driver(driver: &Value, errors: &mut Errors) {
    const POLICIES: [&str; 3] = ["ReadWriteOnceWithFSType", "File", "None"];
    const MODES: [&str; 2] = ["Ephemeral", "Persistent"];
    meta::validate(driver, false, names::dns1123_subdomain, errors);
    let name = driver["metadata"]["name"].str();
    if name.len() > 63 {
        errors.too_long("metadata.name", 63);
    }
    let (spec, path) = (&driver["spec"], Path::new("spec"));
    for field in ["attachRequired", "podInfoOnMount", "storageCapacity"] {
        if spec[field].is_null() {
            errors.required(path.child(field), "");
        }
    }
    let policy = spec["fsGroupPolicy"].str();
    if !POLICIES.contains(&policy) {
        errors.not_supported(path.child("fsGroupPolicy"), policy, &POLICIES);
    }
    let list = path.child("tokenRequests");
    let mut audiences: Vec<&str> = Vec::new();
    for (i, request) in spec["tokenRequests"].items().iter().enumerate() {
        let audience = request["audience"].str();
        if audiences.contains(&audience) {
            errors.duplicate(list.index(i).child("audience"), audience);
        }
        audiences.push(audience);
    }
    for mode in spec["volumeLifecycleModes"].items().iter().filter(|mode| !MODES.contains(&mode.str())) {
        errors.not_supported(path.child("volumeLifecycleModes"), mode, &["Persistent", "Ephemeral"]);
    }
}

/// Checks a changed CSIDriver.
// Models pkg/apis/storage/validation/validation.go ValidateCSIDriverUpdate
pub(crate) fn validate_csi_driver_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    let path = Path::new("spec");
    for field in ["attachRequired", "volumeLifecycleModes"] {
        errors.check_immutable(&path.child(field), &new["spec"][field], &old["spec"][field]);
    }
}

/// Checks a CSINode.
// Models pkg/apis/storage/validation/validation.go ValidateCSINode
pub(crate) fn validate_csi_node(node: &Value, errors: &mut Errors) {
    meta::validate(node, false, names::dns1123_subdomain, errors);
    let path = Path::new("spec");
    let list = path.child("drivers");
    let mut known: Vec<&str> = Vec::new();
    for (i, driver) in node["spec"]["drivers"].items().iter().enumerate() {
        let path = list.index(i);
        let name = driver["name"].str();
        validate_driver_name(name, &path.child("name"), errors);
        if driver["nodeID"].str().is_empty() {
            errors.required(path.child("nodeID"), "");
        }
        if known.contains(&name) {
            errors.duplicate(path.child("name"), name);
        }
        known.push(name);
    }
}

/// Checks a CSIStorageCapacity.
// Models pkg/apis/storage/validation/validation.go ValidateCSIStorageCapacity
pub(crate) fn validate_storage_capacity(capacity: &Value, errors: &mut Errors) {
    meta::validate(capacity, true, names::dns1123_subdomain, errors);
    let class = "storageClassName";
    errors.check_text(&Path::new(class), capacity[class].str(), names::dns1123_subdomain);
}

/// Checks a VolumeAttachment.
// Models pkg/apis/storage/validation/validation.go ValidateVolumeAttachment
pub(crate) fn validate_attachment(attachment: &Value, errors: &mut Errors) {
    meta::validate(attachment, false, names::dns1123_subdomain, errors);
    let (spec, path) = (&attachment["spec"], Path::new("spec"));
    validate_driver_name(spec["attacher"].str(), &path.child("attacher"), errors);
    let (source, at) = (&spec["source"], path.child("source"));
    let (inline, name) = (&source["inlineVolumeSpec"], &source["persistentVolumeName"]);
    match (inline.is_null(), name.is_null()) {
        (true, true) => {
            errors.required(at, "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
        }
        (false, false) => {
            errors.forbidden(at, "must specify exactly one of inlineVolumeSpec and persistentVolumeName");
        }
        (true, false) if name.str().is_empty() => {
            errors.required(at.child("persistentVolumeName"), "must specify non empty persistentVolumeName");
        }
        _ => {}
    }
    errors.check_text(&path.child("nodeName"), spec["nodeName"].str(), names::dns1123_subdomain);
}

/// Checks a changed VolumeAttachment.
// Models pkg/apis/storage/validation/validation.go ValidateVolumeAttachmentUpdate
pub(crate) fn validate_attachment_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    errors.check_immutable(&Path::new("spec"), &new["spec"], &old["spec"]);
}
