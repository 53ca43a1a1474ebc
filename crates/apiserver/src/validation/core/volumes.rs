//! Volumes.
// Models pkg/apis/core/validation/validation.go

use super::pod::Volumes;
use super::{downward, persistent};
use crate::validation::names;
use crate::validation::path::{Errors, Path};
use api::Value;

/// What each source must name: (source, its fields that may not be empty).
const SOURCES: [(&str, &[&str]); 30] = [
    ("emptyDir", &[]),
    ("hostPath", &["path"]),
    ("gitRepo", &["repository"]),
    ("gcePersistentDisk", &["pdName"]),
    ("awsElasticBlockStore", &["volumeID"]),
    ("secret", &["secretName"]),
    ("nfs", &["server", "path"]),
    ("iscsi", &["targetPortal", "iqn"]),
    ("glusterfs", &["endpoints", "path"]),
    ("flocker", &[]),
    ("persistentVolumeClaim", &["claimName"]),
    ("rbd", &["monitors", "image"]),
    ("cinder", &["volumeID"]),
    ("cephfs", &["monitors"]),
    ("quobyte", &["registry", "volume"]),
    ("downwardAPI", &[]),
    ("fc", &[]),
    ("flexVolume", &["driver"]),
    ("configMap", &["name"]),
    ("azureFile", &["secretName", "shareName"]),
    ("vsphereVolume", &["volumePath"]),
    ("photonPersistentDisk", &["pdID"]),
    ("portworxVolume", &["volumeID"]),
    ("azureDisk", &["diskName", "diskURI"]),
    ("storageos", &["volumeName"]),
    ("projected", &[]),
    ("scaleIO", &["gateway", "system", "volumeName"]),
    ("csi", &["driver"]),
    ("ephemeral", &[]),
    ("image", &[]),
];
const HOST_PATH_TYPES: [&str; 8] =
    ["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"];

/// Checks a pod's volumes and returns those that are right.
// Models pkg/apis/core/validation/validation.go ValidateVolumes
pub(crate) fn validate<'a>(volumes: &'a Value, path: &Path, errors: &mut Errors) -> Volumes<'a> {
    let mut good = Volumes(Vec::new());
    for (i, volume) in volumes.items().iter().enumerate() {
        let path = path.index(i);
        let name = volume["name"].str();
        let before = errors.0.len();
        validate_source(volume, &path, errors);
        if name.is_empty() {
            errors.required(path.child("name"), "");
        } else {
            errors.check_text(&path.child("name"), name, names::dns1123_label);
        }
        if good.has(name) {
            errors.duplicate(path.child("name"), name);
        }
        if errors.0.len() == before {
            good.0.push(volume);
        }
    }
    good
}

// Models pkg/apis/core/validation/validation.go validateVolumeSource
fn validate_source(volume: &Value, path: &Path, errors: &mut Errors) {
    let place = |name: &str| SOURCES.iter().position(|(source, _)| *source == name);
    let sources = volume.fields().iter().filter(|(name, source)| *name != "name" && !source.is_null());
    let mut sources: Vec<(usize, &Value)> =
        sources.filter_map(|(name, source)| Some((place(name)?, source))).collect();
    if sources.is_empty() {
        errors.required(path, "must specify a volume type");
    }
    sources.sort_by_key(|(place, _)| *place);
    for (i, (place, source)) in sources.into_iter().enumerate() {
        let (name, _) = SOURCES[place];
        let path = path.child(name);
        if i > 0 {
            errors.forbidden(path, "may not specify more than 1 volume type");
            continue;
        }
        validate_one(name, source, &path, errors);
    }
}

/// Checks one source of a volume, by its name.
pub(crate) fn validate_one(name: &str, source: &Value, path: &Path, errors: &mut Errors) {
    let needed = SOURCES.iter().find(|(source, _)| *source == name).map_or(&[][..], |(_, needed)| needed);
    for field in needed {
        if source[*field].is_empty() {
            errors.required(path.child(field), "");
        }
    }
    validate_details(name, source, path, errors);
}

fn validate_details(name: &str, source: &Value, path: &Path, errors: &mut Errors) {
    match name {
        "hostPath" => {
            let place = source["path"].str();
            if place.split('/').any(|part| part == "..") {
                errors.invalid(path.child("path"), place, "must not contain '..'");
            }
            let kind = source["type"].str();
            if !HOST_PATH_TYPES.contains(&kind) {
                errors.not_supported(path.child("type"), kind, &HOST_PATH_TYPES);
            }
        }
        "secret" | "configMap" => {
            check_mode(&source["defaultMode"], &path.child("defaultMode"), errors);
            validate_items(&source["items"], &path.child("items"), errors);
        }
        "nfs" if !source["path"].str().starts_with('/') => {
            errors.invalid(path.child("path"), source["path"].str(), "must be an absolute path");
        }
        "downwardAPI" => {
            check_mode(&source["defaultMode"], &path.child("defaultMode"), errors);
            downward::validate_files(&source["items"], path, errors);
        }
        "projected" => validate_projected(source, path, errors),
        "ephemeral" if source["volumeClaimTemplate"].is_null() => {
            errors.required(path.child("volumeClaimTemplate"), "");
        }
        "ephemeral" => {
            let path = path.child("volumeClaimTemplate");
            let spec = &source["volumeClaimTemplate"]["spec"];
            persistent::validate_claim_spec(spec, &path.child("spec"), errors);
        }
        _ => {}
    }
}

fn validate_projected(source: &Value, path: &Path, errors: &mut Errors) {
    const KINDS: [&str; 6] =
        ["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"];
    check_mode(&source["defaultMode"], &path.child("defaultMode"), errors);
    let list = path.child("sources");
    for (i, part) in source["sources"].items().iter().enumerate() {
        let path = list.index(i);
        let named: Vec<&str> = KINDS.into_iter().filter(|kind| !part[*kind].is_null()).collect();
        for (n, kind) in named.iter().enumerate() {
            if n > 0 {
                errors.forbidden(path, "may not specify more than 1 volume type per source");
            }
            if matches!(*kind, "secret" | "configMap") && part[*kind]["name"].str().is_empty() {
                errors.required(path.child(kind).child("name"), "");
            }
            if *kind == "downwardAPI" {
                downward::validate_files(&part["downwardAPI"]["items"], &path.child(kind), errors);
            }
        }
        if named.is_empty() {
            errors.required(path, "must specify a volume type");
        }
    }
}

fn validate_items(items: &Value, path: &Path, errors: &mut Errors) {
    for (i, item) in items.items().iter().enumerate() {
        let path = path.index(i);
        if item["key"].str().is_empty() {
            errors.required(path.child("key"), "");
        }
        if item["path"].str().is_empty() {
            errors.required(path.child("path"), "");
        }
        check_local_descending(item["path"].str(), &path.child("path"), errors);
        check_mode(&item["mode"], &path.child("mode"), errors);
    }
}

/// Checks the mode of a file.
pub(crate) fn check_mode(mode: &Value, path: &Path, errors: &mut Errors) {
    if mode.as_int().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
        errors.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive");
    }
}

/// Checks that a path is relative and stays below where it starts.
// Models pkg/apis/core/validation/validation.go validateLocalDescendingPath
pub(crate) fn check_local_descending(place: &str, path: &Path, errors: &mut Errors) {
    if place.starts_with('/') {
        errors.invalid(path, place, "must be a relative path");
    }
    if place.split('/').any(|part| part == "..") {
        errors.invalid(path, place, "must not contain '..'");
    }
}
