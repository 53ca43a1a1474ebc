//! Volumes, claims and classes.

use super::duration::age;
use super::{name, or_else};
use crate::quantity;
use api::Value;
use api::volume::access_modes;
use sim::Time;

fn phase(object: &Value) -> Value {
    if api::meta::is_deleting(object) { "Terminating".into() } else { object["status"]["phase"].str().into() }
}

fn class_of(object: &Value) -> Value {
    let annotated = api::meta::annotation(object, "volume.beta.kubernetes.io/storage-class");
    if annotated.is_empty() { object["spec"]["storageClassName"].str().into() } else { annotated.into() }
}

/// Returns a PersistentVolume's cells.
pub(crate) fn volume(object: &Value, now: Time) -> Vec<Value> {
    let spec = &object["spec"];
    let claim = &spec["claimRef"];
    let claim = if claim.is_null() {
        String::new()
    } else {
        format!("{}/{}", claim["namespace"].str(), claim["name"].str())
    };
    let size = &spec["capacity"]["storage"];
    vec![
        name(object),
        if size.is_null() { "0".into() } else { quantity::text(size).into() },
        access_modes(&spec["accessModes"]).into(),
        spec["persistentVolumeReclaimPolicy"].str().into(),
        phase(object),
        claim.into(),
        class_of(object),
        or_else(&spec["volumeAttributesClassName"], "<unset>"),
        object["status"]["reason"].str().into(),
        age(now, object),
        or_else(&spec["volumeMode"], "<unset>"),
    ]
}

/// Returns a PersistentVolumeClaim's cells.
pub(crate) fn claim(object: &Value, now: Time) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let bound = !spec["volumeName"].str().is_empty();
    let size = &status["capacity"]["storage"];
    let capacity = match (bound, size.is_null()) {
        (true, false) => quantity::text(size),
        (true, true) => "0".to_string(),
        (false, _) => String::new(),
    };
    vec![
        name(object),
        phase(object),
        spec["volumeName"].str().into(),
        capacity.into(),
        if bound { access_modes(&status["accessModes"]).into() } else { "".into() },
        class_of(object),
        or_else(&spec["volumeAttributesClassName"], "<unset>"),
        age(now, object),
        or_else(&spec["volumeMode"], "<unset>"),
    ]
}

fn marked_default(object: &Value, annotation: &str) -> Value {
    let is_default = api::meta::annotation(object, annotation) == "true";
    if is_default { format!("{} (default)", api::meta::name(object)).into() } else { name(object) }
}

/// Returns a StorageClass' cells.
pub(crate) fn class(object: &Value, now: Time) -> Vec<Value> {
    vec![
        marked_default(object, "storageclass.kubernetes.io/is-default-class"),
        object["provisioner"].clone(),
        or_else(&object["reclaimPolicy"], "Delete"),
        or_else(&object["volumeBindingMode"], "Immediate"),
        object["allowVolumeExpansion"].is_true().into(),
        age(now, object),
    ]
}

/// Returns a VolumeAttributesClass' cells.
pub(crate) fn attributes_class(object: &Value, now: Time) -> Vec<Value> {
    let name = marked_default(object, "volumeattributesclass.kubernetes.io/is-default-class");
    vec![name, object["driverName"].clone(), age(now, object)]
}

/// Returns a VolumeAttachment's cells.
pub(crate) fn attachment(object: &Value, now: Time) -> Vec<Value> {
    let spec = &object["spec"];
    vec![
        name(object),
        spec["attacher"].clone(),
        spec["source"]["persistentVolumeName"].str().into(),
        spec["nodeName"].clone(),
        object["status"]["attached"].is_true().into(),
        age(now, object),
    ]
}

/// Returns a CSINode's cells.
pub(crate) fn csi_node(object: &Value, now: Time) -> Vec<Value> {
    vec![name(object), object["spec"]["drivers"].items().len().into(), age(now, object)]
}

/// Returns a CSIDriver's cells.
pub(crate) fn csi_driver(object: &Value, now: Time) -> Vec<Value> {
    let spec = &object["spec"];
    let modes: Vec<&str> = spec["volumeLifecycleModes"].items().iter().map(Value::str).collect();
    let tokens: Vec<&str> =
        spec["tokenRequests"].items().iter().map(|token| token["audience"].str()).collect();
    let tokens = if spec["tokenRequests"].is_null() { "<unset>".to_string() } else { tokens.join(",") };
    vec![
        name(object),
        spec["attachRequired"].as_bool().unwrap_or(true).into(),
        spec["podInfoOnMount"].is_true().into(),
        spec["storageCapacity"].is_true().into(),
        tokens.into(),
        spec["requiresRepublish"].is_true().into(),
        or_else(&modes.join(",").into(), "<none>"),
        age(now, object),
    ]
}
