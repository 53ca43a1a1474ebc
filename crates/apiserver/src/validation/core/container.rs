//! Containers.
// Models pkg/apis/core/validation/validation.go

use super::downward::{self, ENV_FIELDS, RefOf};
use super::pod::{Scope, Volumes};
use super::{probe, resources, restart, security};
use crate::validation::names;
use crate::validation::path::{Errors, Path};
use api::Value;

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const PULL_POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];
const MESSAGE_POLICIES: [&str; 2] = ["File", "FallbackToLogsOnError"];
const PROPAGATIONS: [&str; 3] = ["Bidirectional", "HostToContainer", "None"];
const RECURSIVE_READ_ONLY: [&str; 3] = ["Disabled", "Enabled", "IfPossible"];

/// Checks a pod's containers.
// Models pkg/apis/core/validation/validation.go validateContainers
pub(crate) fn validate_containers(scope: &Scope, path: &Path, errors: &mut Errors) {
    let containers = scope.spec["containers"].items();
    if containers.is_empty() {
        errors.required(path, "");
        return;
    }
    let mut seen: Vec<&str> = Vec::with_capacity(containers.len());
    for (i, container) in containers.iter().enumerate() {
        let path = path.index(i);
        validate_common(container, scope, &path, errors);
        let name = container["name"].str();
        if seen.contains(&name) {
            errors.duplicate(path.child("name"), name);
        } else {
            seen.push(name);
        }
        probe::validate_lifecycle_and_probes(container, scope.grace_period, &path, errors);
        restart::validate(container, &path, errors);
    }
    check_host_ports(containers, path, errors);
}

/// Checks a pod's init containers.
// Models pkg/apis/core/validation/validation.go validateInitContainers
pub(crate) fn validate_init_containers(scope: &Scope, path: &Path, errors: &mut Errors) {
    let mut seen: Vec<&str> = scope.spec["containers"].items().iter().map(|c| c["name"].str()).collect();
    for (i, container) in scope.spec["initContainers"].items().iter().enumerate() {
        let index = path.index(i);
        validate_common(container, scope, &index, errors);
        let policy = &container["restartPolicy"];
        restart::validate(container, &index, errors);
        let name = container["name"].str();
        if seen.contains(&name) {
            errors.duplicate(index.child("name"), name);
        } else if !name.is_empty() {
            seen.push(name);
        }
        check_host_ports(std::slice::from_ref(container), path, errors);
        if policy.str() == "Always" {
            probe::validate_lifecycle_and_probes(container, scope.grace_period, &index, errors);
            continue;
        }
        for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
            if !container[field].is_null() {
                let message = "may not be set for init containers without restartPolicy=Always";
                errors.forbidden(index.child(field), message);
            }
        }
    }
}

/// Checks a pod's ephemeral containers.
// Models pkg/apis/core/validation/validation.go validateEphemeralContainers
pub(crate) fn validate_ephemeral_containers(scope: &Scope, path: &Path, errors: &mut Errors) {
    const FORBIDDEN: [&str; 6] =
        ["ports", "resources", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"];
    let others = scope.spec["containers"].items().iter().chain(scope.spec["initContainers"].items());
    let others: Vec<&str> = others.map(|container| container["name"].str()).collect();
    let mut seen = others.clone();
    for (i, container) in scope.spec["ephemeralContainers"].items().iter().enumerate() {
        let path = path.index(i);
        validate_common(container, scope, &path, errors);
        validate_only_for_pod(container, &path, errors);
        let name = container["name"].str();
        if seen.contains(&name) {
            errors.duplicate(path.child("name"), name);
        } else {
            seen.push(name);
        }
        let target = container["targetContainerName"].str();
        if !target.is_empty() && !others.contains(&target) {
            errors.not_found(path.child("targetContainerName"), target);
        }
        for field in FORBIDDEN {
            if !container[field].is_empty() {
                errors.forbidden(path.child(field), "cannot be set for an Ephemeral Container");
            }
        }
    }
}

// Models pkg/apis/core/validation/validation.go validateContainerCommon
fn validate_common(container: &Value, scope: &Scope, path: &Path, errors: &mut Errors) {
    let name = container["name"].str();
    if name.is_empty() {
        errors.required(path.child("name"), "");
    } else {
        errors.check_text(&path.child("name"), name, names::dns1123_label);
    }
    if container["image"].str().is_empty() {
        errors.required(path.child("image"), "");
    }
    let policy = &container["terminationMessagePolicy"];
    errors.check_enum(&path.child("terminationMessagePolicy"), policy, &MESSAGE_POLICIES);
    validate_ports(&container["ports"], &path.child("ports"), errors);
    validate_env(&container["env"], &path.child("env"), errors);
    validate_env_from(&container["envFrom"], &path.child("envFrom"), errors);
    validate_mounts(container, scope.volumes, &path.child("volumeMounts"), errors);
    validate_devices(container, scope.volumes, &path.child("volumeDevices"), errors);
    let policy = &container["imagePullPolicy"];
    errors.check_enum(&path.child("imagePullPolicy"), policy, &PULL_POLICIES);
    resources::validate_requirements(&container["resources"], &path.child("resources"), errors);
    security::validate_container(&container["securityContext"], &path.child("securityContext"), errors);
}

/// Checks what holds for a pod's containers, but not for a template's.
// Models pkg/apis/core/validation/validation.go validateContainerOnlyForPod
pub(crate) fn validate_only_for_pod(container: &Value, path: &Path, errors: &mut Errors) {
    let image = container["image"].str();
    if image.trim() != image {
        errors.invalid(path.child("image"), image, "must not have leading or trailing whitespace");
    }
}

// Models pkg/apis/core/validation/validation.go validateContainerPorts
fn validate_ports(ports: &Value, path: &Path, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for (i, port) in ports.items().iter().enumerate() {
        let path = path.index(i);
        let name = port["name"].str();
        if !name.is_empty() {
            let messages = names::port_name(name);
            if !messages.is_empty() {
                errors.invalid_all(&path.child("name"), &port["name"], messages);
            } else if seen.contains(&name) {
                errors.duplicate(path.child("name"), name);
            } else {
                seen.push(name);
            }
        }
        let number = port["containerPort"].int();
        if number == 0 {
            errors.required(path.child("containerPort"), "");
        } else {
            let messages = names::port_number(number);
            errors.invalid_all(&path.child("containerPort"), &port["containerPort"], messages);
        }
        let host = port["hostPort"].int();
        if host != 0 {
            errors.invalid_all(&path.child("hostPort"), &port["hostPort"], names::port_number(host));
        }
        errors.check_enum(&path.child("protocol"), &port["protocol"], &PROTOCOLS);
    }
}

// Models pkg/apis/core/validation/validation.go AccumulateUniqueHostPorts
fn check_host_ports(containers: &[Value], path: &Path, errors: &mut Errors) {
    let mut seen: Vec<String> = Vec::new();
    for (i, container) in containers.iter().enumerate() {
        for (j, port) in container["ports"].items().iter().enumerate() {
            let host = port["hostPort"].int();
            if host == 0 {
                continue;
            }
            let key = format!("{}/{}/{host}", port["protocol"].str(), port["hostIP"].str());
            if seen.contains(&key) {
                errors.duplicate(path.index(i).child("ports").index(j).child("hostPort"), key);
            } else {
                seen.push(key);
            }
        }
    }
}

// Models pkg/apis/core/validation/validation.go ValidateEnv
fn validate_env(env: &Value, path: &Path, errors: &mut Errors) {
    for (i, variable) in env.items().iter().enumerate() {
        let path = path.index(i);
        let name = variable["name"].str();
        if name.is_empty() {
            errors.required(path.child("name"), "");
        } else {
            errors.check_text(&path.child("name"), name, names::env_name);
        }
        if !variable["valueFrom"].is_null() {
            validate_value_from(variable, &path.child("valueFrom"), errors);
        }
    }
}

// Models pkg/apis/core/validation/validation.go validateEnvVarValueFrom
fn validate_value_from(variable: &Value, path: &Path, errors: &mut Errors) {
    let from = &variable["valueFrom"];
    let mut sources = 0;
    if !from["fieldRef"].is_null() {
        sources += 1;
        downward::validate_field_ref(&from["fieldRef"], &ENV_FIELDS, &path.child("fieldRef"), errors);
    }
    if !from["resourceFieldRef"].is_null() {
        sources += 1;
        let path = path.child("resourceFieldRef");
        downward::validate_resource_ref(&from["resourceFieldRef"], RefOf::Container, &path, errors);
    }
    for field in ["configMapKeyRef", "secretKeyRef"] {
        let reference = &from[field];
        if reference.is_null() {
            continue;
        }
        sources += 1;
        let path = path.child(field);
        errors.check_text(&path.child("name"), reference["name"].str(), names::dns1123_subdomain);
        if reference["key"].str().is_empty() {
            errors.required(path.child("key"), "");
        } else {
            errors.check_text(&path.child("key"), reference["key"].str(), names::config_map_key);
        }
    }
    if !from["fileKeyRef"].is_null() {
        sources += 1;
    }
    if sources == 0 {
        let message = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        errors.invalid(path, "", message);
    } else if !variable["value"].str().is_empty() {
        errors.invalid(path, "", "may not be specified when `value` is not empty");
    } else if sources > 1 {
        errors.invalid(path, "", "may not have more than one field specified at a time");
    }
}

// Models pkg/apis/core/validation/validation.go ValidateEnvFrom
fn validate_env_from(from: &Value, path: &Path, errors: &mut Errors) {
    for (i, source) in from.items().iter().enumerate() {
        let path = path.index(i);
        if !source["prefix"].str().is_empty() {
            errors.check_text(&path.child("prefix"), source["prefix"].str(), names::env_name);
        }
        let mut sources = 0;
        for field in ["configMapRef", "secretRef"] {
            if !source[field].is_null() {
                sources += 1;
                let name = source[field]["name"].str();
                let path = path.child(field);
                if name.is_empty() {
                    errors.required(path.child("name"), "");
                } else {
                    errors.check_text(&path.child("name"), name, names::dns1123_subdomain);
                }
            }
        }
        if sources == 0 {
            errors.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`");
        } else if sources > 1 {
            errors.invalid(path, "", "may not have more than one field specified at a time");
        }
    }
}

// Models pkg/apis/core/validation/validation.go ValidateVolumeMounts
fn validate_mounts(container: &Value, volumes: &Volumes, path: &Path, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for (i, mount) in container["volumeMounts"].items().iter().enumerate() {
        let path = path.index(i);
        let (name, place) = (mount["name"].str(), mount["mountPath"].str());
        if name.is_empty() {
            errors.required(path.child("name"), "");
        }
        if !volumes.has(name) {
            errors.not_found(path.child("name"), name);
        }
        if place.is_empty() {
            errors.required(path.child("mountPath"), "");
        }
        if seen.contains(&place) {
            errors.invalid(path.child("mountPath"), place, "must be unique");
        }
        seen.push(place);
        let is_device = |field: &str, text: &str| {
            container["volumeDevices"].items().iter().any(|device| device[field].str() == text)
        };
        if is_device("name", name) {
            errors.invalid(path.child("name"), name, "must not already exist in volumeDevices");
        }
        if is_device("devicePath", place) {
            let message = "must not already exist as a path in volumeDevices";
            errors.invalid(path.child("mountPath"), place, message);
        }
        for field in ["subPath", "subPathExpr"] {
            super::volumes::check_local_descending(mount[field].str(), &path.child(field), errors);
        }
        if !mount["subPath"].str().is_empty() && !mount["subPathExpr"].str().is_empty() {
            let message = "subPathExpr and subPath are mutually exclusive";
            errors.invalid(path.child("subPathExpr"), mount["subPathExpr"].str(), message);
        }
        let privileged = container["securityContext"]["privileged"].is_true();
        validate_propagation(mount, privileged, &path, errors);
    }
}

// Models pkg/apis/core/validation/validation.go validateMountPropagation, validateMountRecursiveReadOnly
fn validate_propagation(mount: &Value, privileged: bool, path: &Path, errors: &mut Errors) {
    let propagation = mount["mountPropagation"].as_str();
    if let Some(way) = propagation {
        let path = path.child("mountPropagation");
        if !PROPAGATIONS.contains(&way) {
            errors.not_supported(path, way, &PROPAGATIONS);
        }
        if way == "Bidirectional" && !privileged {
            let message = "Bidirectional mount propagation is available only to privileged containers";
            errors.forbidden(path, message);
        }
    }
    let path = path.child("recursiveReadOnly");
    match mount["recursiveReadOnly"].as_str() {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if !mount["readOnly"].is_true() {
                errors.forbidden(path, "may only be specified when readOnly is true");
            }
            if propagation.is_some_and(|way| way != "None") {
                let message = "may only be specified when mountPropagation is None or not specified";
                errors.forbidden(path, message);
            }
        }
        Some(other) => errors.not_supported(path, other, &RECURSIVE_READ_ONLY),
    }
}

// Models pkg/apis/core/validation/validation.go ValidateVolumeDevices
fn validate_devices(container: &Value, volumes: &Volumes, path: &Path, errors: &mut Errors) {
    let (mut names, mut places): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let is_mounted = |field: &str, text: &str| {
        container["volumeMounts"].items().iter().any(|mount| mount[field].str() == text)
    };
    for (i, device) in container["volumeDevices"].items().iter().enumerate() {
        let path = path.index(i);
        let (name, place) = (device["name"].str(), device["devicePath"].str());
        let (of_name, of_place) = (path.child("name"), path.child("devicePath"));
        if name.is_empty() {
            errors.required(of_name, "");
        }
        if names.contains(&name) {
            errors.invalid(of_name, name, "must be unique");
        }
        if !volumes.has(name) {
            errors.not_found(of_name, name);
        } else if !volumes.is_claim(name) {
            let message =
                "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
            errors.invalid(of_name, name, message);
        }
        if place.is_empty() {
            errors.required(of_place, "");
        }
        if places.contains(&place) {
            errors.invalid(of_place, place, "must be unique");
        }
        if place.split('/').any(|part| part == "..") {
            errors.invalid(of_place, place, "can not contain backsteps ('..')");
        } else {
            places.push(place);
        }
        if is_mounted("name", name) {
            errors.invalid(of_name, name, "must not already exist in volumeMounts");
        }
        if is_mounted("mountPath", place) {
            errors.invalid(of_place, place, "must not already exist as a path in volumeMounts");
        }
        names.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows as in pkg/apis/core/validation/validation_test.go TestValidateMountPropagation and
    // TestValidateVolumeMounts.
    #[test]
    fn mounts_go_only_the_ways_that_upstream_lets_them() {
        for (mount, privileged, expected) in [
            (r#"{"mountPropagation":"HostToContainer"}"#, false, ""),
            (r#"{"mountPropagation":"Bidirectional"}"#, true, ""),
            (
                r#"{"mountPropagation":"Bidirectional"}"#,
                false,
                "m.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers",
            ),
            (
                r#"{"mountPropagation":"foo"}"#,
                true,
                r#"m.mountPropagation: Unsupported value: "foo": supported values: "Bidirectional", "HostToContainer", "None""#,
            ),
            (r#"{"readOnly":true,"recursiveReadOnly":"Enabled","mountPropagation":"None"}"#, false, ""),
            (
                r#"{"recursiveReadOnly":"IfPossible"}"#,
                false,
                "m.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
            ),
            (
                r#"{"readOnly":true,"recursiveReadOnly":"Enabled","mountPropagation":"HostToContainer"}"#,
                false,
                "m.recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not specified",
            ),
        ] {
            let mut errors = Errors::default();
            let mount = Value::from_json(mount).unwrap();
            validate_propagation(&mount, privileged, &Path::new("m"), &mut errors);
            let found: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
            assert_eq!(found.join("; "), expected, "{}", mount.to_json());
        }
    }
}
