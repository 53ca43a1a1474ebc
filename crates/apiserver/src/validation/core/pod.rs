//! Pods and their templates.
// Models pkg/apis/core/validation/validation.go

use super::{affinity, container, resources, security, volumes};
use crate::validation::path::{Errors, Path};
use crate::validation::{meta, names, semantic_equal};
use api::Value;

/// The names of a pod's volumes that are right.
pub(crate) struct Volumes<'a>(pub(crate) Vec<&'a Value>);

impl Volumes<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|volume| volume["name"].str() == name).copied()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Returns whether a claim is behind a volume, which may then be a block device.
    pub(crate) fn is_claim(&self, name: &str) -> bool {
        let is_set = |volume: &Value, source: &str| !volume[source].is_null();
        self.get(name)
            .is_some_and(|volume| is_set(volume, "persistentVolumeClaim") || is_set(volume, "ephemeral"))
    }
}

/// What the checks of containers need of their pod.
pub(crate) struct Scope<'a> {
    pub(crate) spec: &'a Value,
    pub(crate) volumes: &'a Volumes<'a>,
    pub(crate) grace_period: Option<i64>,
}

/// Whose the spec is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpecOf {
    Pod,
    Template,
}

/// Checks a new pod.
// Models pkg/apis/core/validation/validation.go ValidatePodCreate
pub(crate) fn validate(pod: &Value, errors: &mut Errors) {
    validate_metadata_and_spec(pod, errors);
    let (spec, path) = (&pod["spec"], Path::new("spec"));
    if !spec["ephemeralContainers"].items().is_empty() {
        errors.forbidden(path.child("ephemeralContainers"), "cannot be set on create");
    }
    if !spec["nodeName"].str().is_empty() && !spec["schedulingGates"].items().is_empty() {
        errors.forbidden(path.child("nodeName"), "cannot be set until all schedulingGates have been cleared");
    }
}

// Models pkg/apis/core/validation/validation.go validatePodMetadataAndSpec
pub(crate) fn validate_metadata_and_spec(pod: &Value, errors: &mut Errors) {
    meta::validate(pod, true, names::dns1123_subdomain, errors);
    let (spec, path) = (&pod["spec"], Path::new("spec"));
    validate_spec(spec, SpecOf::Pod, &path, errors);
    for list in ["containers", "initContainers"] {
        let path = path.child(list);
        for (i, container) in spec[list].items().iter().enumerate() {
            container::validate_only_for_pod(container, &path.index(i), errors);
        }
    }
}

/// Checks a pod's template.
// Models pkg/apis/core/validation/validation.go ValidatePodTemplateSpec
pub(crate) fn validate_template(template: &Value, path: &Path, errors: &mut Errors) {
    let metadata = &template["metadata"];
    meta::validate_labels(&metadata["labels"], &path.child("labels"), errors);
    meta::validate_annotations(&metadata["annotations"], &path.child("annotations"), errors);
    let spec_path = path.child("spec");
    validate_spec(&template["spec"], SpecOf::Template, &spec_path, errors);
    if !template["spec"]["ephemeralContainers"].items().is_empty() {
        let message = "ephemeral containers not allowed in pod template";
        errors.forbidden(spec_path.child("ephemeralContainers"), message);
    }
}

/// Checks a pod's spec.
// Models pkg/apis/core/validation/validation.go ValidatePodSpec
pub(crate) fn validate_spec(spec: &Value, of: SpecOf, path: &Path, errors: &mut Errors) {
    if spec["terminationGracePeriodSeconds"].is_null() {
        errors.required(path.child("terminationGracePeriodSeconds"), "");
    }
    let volumes = volumes::validate(&spec["volumes"], &path.child("volumes"), errors);
    let grace_period = spec["terminationGracePeriodSeconds"].as_int();
    let scope = Scope { spec, volumes: &volumes, grace_period };
    container::validate_containers(&scope, &path.child("containers"), errors);
    container::validate_init_containers(&scope, &path.child("initContainers"), errors);
    container::validate_ephemeral_containers(&scope, &path.child("ephemeralContainers"), errors);
    if !spec["resources"].is_null() {
        let path = path.child("resources");
        resources::validate_requirements(&spec["resources"], &path, errors);
        resources::validate_consistency(spec, &path, errors);
    }
    check_host_network(spec, of, path, errors);
    errors.check_enum(
        &path.child("restartPolicy"),
        &spec["restartPolicy"],
        &["Always", "OnFailure", "Never"],
    );
    errors.check_enum(
        &path.child("dnsPolicy"),
        &spec["dnsPolicy"],
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
    );
    meta::validate_labels(&spec["nodeSelector"], &path.child("nodeSelector"), errors);
    security::validate_pod(spec, &path.child("securityContext"), errors);
    affinity::validate(&spec["affinity"], &path.child("affinity"), errors);
    validate_dns_config(spec, &path.child("dnsConfig"), errors);
    validate_gates(spec, path, errors);
    let constraints = &spec["topologySpreadConstraints"];
    affinity::validate_topology_spread(constraints, &path.child("topologySpreadConstraints"), errors);
    validate_scalars(spec, path, errors);
}

fn validate_scalars(spec: &Value, path: &Path, errors: &mut Errors) {
    for field in ["serviceAccountName", "nodeName"] {
        if !spec[field].str().is_empty() {
            errors.check_text(&path.child(field), spec[field].str(), names::dns1123_subdomain);
        }
    }
    let deadline = &spec["activeDeadlineSeconds"];
    if deadline.as_int().is_some_and(|seconds| !(1..=i64::from(i32::MAX)).contains(&seconds)) {
        let message = names::in_range(1, i64::from(i32::MAX));
        errors.invalid(path.child("activeDeadlineSeconds"), deadline, message);
    }
    for field in ["hostname", "subdomain"] {
        if !spec[field].str().is_empty() {
            errors.check_text(&path.child(field), spec[field].str(), names::dns1123_label);
        }
    }
    affinity::validate_tolerations(&spec["tolerations"], &path.child("tolerations"), errors);
    let aliases = path.child("hostAliases");
    for (i, alias) in spec["hostAliases"].items().iter().enumerate() {
        let path = aliases.index(i);
        errors.check_text(&path.child("ip"), alias["ip"].str(), names::ip);
        let list = path.child("hostnames");
        for (j, hostname) in alias["hostnames"].items().iter().enumerate() {
            errors.check_text(&list.index(j), hostname.str(), names::dns1123_subdomain);
        }
    }
    for field in ["priorityClassName", "runtimeClassName"] {
        if !spec[field].str().is_empty() {
            errors.check_text(&path.child(field), spec[field].str(), names::dns1123_subdomain);
        }
    }
    if !spec["preemptionPolicy"].is_null() {
        let policies = ["PreemptLowerPriority", "Never"];
        errors.check_enum(&path.child("preemptionPolicy"), &spec["preemptionPolicy"], &policies);
    }
}

// Models pkg/apis/core/validation/validation.go validatePodHostNetworkDeps
fn check_host_network(spec: &Value, of: SpecOf, path: &Path, errors: &mut Errors) {
    if !spec["hostNetwork"].is_true() {
        return;
    }
    let containers = path.child("containers");
    for (i, container) in spec["containers"].items().iter().enumerate() {
        for (j, port) in container["ports"].items().iter().enumerate() {
            let (host, own) = (port["hostPort"].int(), port["containerPort"].int());
            if (of == SpecOf::Pod || host != 0) && host != own {
                let message = "must match `containerPort` when `hostNetwork` is true";
                errors.invalid(containers.index(i).child("ports").index(j).child("hostPort"), host, message);
            }
        }
    }
}

// Models pkg/apis/core/validation/validation.go validatePodDNSConfig
fn validate_dns_config(spec: &Value, path: &Path, errors: &mut Errors) {
    let config = &spec["dnsConfig"];
    let servers = config["nameservers"].items();
    if spec["dnsPolicy"].str() == "None" {
        if config.is_null() {
            errors.required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
            return;
        }
        if servers.is_empty() {
            let message = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            errors.required(path.child("nameservers"), message);
            return;
        }
    }
    let list = path.child("nameservers");
    if servers.len() > 3 {
        errors.invalid(list, &config["nameservers"], "must not have more than 3 nameservers");
    }
    for (i, server) in servers.iter().enumerate() {
        errors.check_text(&list.index(i), server.str(), names::ip);
    }
    if config["searches"].items().len() > 32 {
        let message = "must not have more than 32 search paths";
        errors.invalid(path.child("searches"), &config["searches"], message);
    }
    let options = path.child("options");
    for (i, option) in config["options"].items().iter().enumerate() {
        if option["name"].str().is_empty() {
            errors.required(options.index(i), "must not be empty");
        }
    }
}

fn validate_gates(spec: &Value, path: &Path, errors: &mut Errors) {
    let list = path.child("readinessGates");
    for (i, gate) in spec["readinessGates"].items().iter().enumerate() {
        let at = list.index(i);
        errors.check_text(&at.child("conditionType"), gate["conditionType"].str(), names::qualified_name);
    }
    let list = path.child("schedulingGates");
    let mut seen: Vec<&str> = Vec::new();
    for (i, gate) in spec["schedulingGates"].items().iter().enumerate() {
        let name = gate["name"].str();
        errors.check_text(&list.index(i), name, names::qualified_name);
        if seen.contains(&name) {
            errors.duplicate(list.index(i), name);
        }
        seen.push(name);
    }
}

const UPDATABLE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
                         `spec.tolerations` (only additions to existing tolerations),\
                         `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Checks a change of a pod's ephemeral containers: those that are there stay as they are.
// Models pkg/apis/core/validation/validation.go ValidatePodEphemeralContainersUpdate
pub(crate) fn validate_ephemeral_update(new: &Value, old: &Value, errors: &mut Errors) {
    crate::validation::others::validate_metadata_update(new, old, errors);
    validate_metadata_and_spec(new, errors);
    let spec = Path::new("spec");
    for before in old["spec"]["ephemeralContainers"].items() {
        let name = &before["name"];
        let after = new["spec"]["ephemeralContainers"].items().iter().find(|after| after["name"] == *name);
        let what = match after {
            None => "removed",
            Some(after) if after != before => "changed",
            Some(_) => continue,
        };
        errors.forbidden(
            spec.child("ephemeralContainers"),
            format!("existing ephemeral containers {:?} may not be {what}\n", name.str()),
        );
    }
}

/// Checks a changed pod.
// Models pkg/apis/core/validation/validation.go ValidatePodUpdate
pub(crate) fn validate_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_metadata_and_spec(new, errors);
    let (path, spec, old_spec) = (Path::new("spec"), &new["spec"], &old["spec"]);
    for list in ["containers", "initContainers"] {
        if spec[list].items().len() != old_spec[list].items().len() {
            errors.forbidden(path.child(list), "pod updates may not add or remove containers");
            return;
        }
    }
    if !check_deadline(spec, old_spec, &path.child("activeDeadlineSeconds"), errors) {
        return;
    }
    check_tolerations_added(spec, old_spec, &path.child("tolerations"), errors);
    check_gates_deleted(spec, old_spec, &path.child("schedulingGates"), errors);
    if semantic_equal(spec, old_spec) {
        return;
    }
    let mut munged = spec.clone();
    for list in ["containers", "initContainers"] {
        if munged[list].items().is_empty() {
            continue;
        }
        for (i, container) in munged.at_mut(&[list]).list_mut().iter_mut().enumerate() {
            container.set(&["image"], &old_spec[list][i]["image"]);
        }
    }
    for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        restore(&mut munged, old_spec, field);
    }
    let grace = "terminationGracePeriodSeconds";
    if old_spec[grace].int() < 0 && munged[grace].int() == 1 {
        restore(&mut munged, old_spec, grace);
    }
    if !old_spec["schedulingGates"].items().is_empty() {
        restore(&mut munged, old_spec, "nodeSelector");
        restore(&mut munged, old_spec, "affinity");
    }
    if !semantic_equal(&munged, old_spec) {
        let diff = difference(old_spec, &munged);
        let message = format!("pod updates may not change fields other than {UPDATABLE}\n{diff}");
        errors.forbidden(path, message);
    }
}

fn restore(spec: &mut Value, old: &Value, field: &str) {
    if old[field].is_null() {
        spec.remove(&[field]);
    } else {
        spec.set(&[field], &old[field]);
    }
}

fn check_deadline(spec: &Value, old: &Value, path: &Path, errors: &mut Errors) -> bool {
    let (new, old) = (&spec["activeDeadlineSeconds"], &old["activeDeadlineSeconds"]);
    match (new.as_int(), old.as_int()) {
        (Some(seconds), _) if !(0..=i64::from(i32::MAX)).contains(&seconds) => {
            errors.invalid(path, new, names::in_range(0, i64::from(i32::MAX)));
            false
        }
        (Some(seconds), Some(before)) if before < seconds => {
            errors.invalid(path, new, "must be less than or equal to previous value");
            false
        }
        (None, Some(_)) => {
            errors.invalid(path, Value::Null, "must not update from a positive integer to nil value");
            true
        }
        _ => true,
    }
}

// Models pkg/apis/core/validation/validation.go validateOnlyAddedTolerations
fn check_tolerations_added(spec: &Value, old: &Value, path: &Path, errors: &mut Errors) {
    let without_seconds = |toleration: &Value| {
        let mut toleration = toleration.clone();
        toleration.remove(&["tolerationSeconds"]);
        toleration
    };
    if semantic_equal(&spec["tolerations"], &old["tolerations"]) {
        return;
    }
    for before in old["tolerations"].items() {
        let before = without_seconds(before);
        if !spec["tolerations"].items().iter().any(|now| without_seconds(now) == before) {
            let message = "existing toleration can not be modified except its tolerationSeconds";
            errors.forbidden(path, message);
            return;
        }
    }
}

// Models pkg/apis/core/validation/validation.go validateOnlyDeletedSchedulingGates
fn check_gates_deleted(spec: &Value, old: &Value, path: &Path, errors: &mut Errors) {
    for (i, gate) in spec["schedulingGates"].items().iter().enumerate() {
        let name = gate["name"].str();
        if !old["schedulingGates"].items().iter().any(|old| old["name"].str() == name) {
            let message = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            errors.forbidden(path.index(i).child("name"), message);
        }
    }
}

/// Tells which fields differ. Upstream prints Go structs here (`cmp.Diff`); this prints the trees' fields.
fn difference(old: &Value, new: &Value) -> String {
    let mut lines = String::from("  core.PodSpec{\n");
    let keys = old.fields().iter().chain(new.fields().iter());
    let mut seen: Vec<&str> = Vec::new();
    for (key, _) in keys {
        if seen.contains(&key) || semantic_equal(&old[key], &new[key]) {
            continue;
        }
        seen.push(key);
        lines.push_str(&format!("- \t{key}: {},\n+ \t{key}: {},\n", old[key].to_json(), new[key].to_json()));
    }
    lines.push_str("  }\n");
    lines
}

/// Checks a pod's changed status.
// Models pkg/apis/core/validation/validation.go ValidatePodStatusUpdate
pub(crate) fn validate_status_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    let path = Path::new("status");
    let nominated = new["status"]["nominatedNodeName"].str();
    if !nominated.is_empty() && nominated != old["status"]["nominatedNodeName"].str() {
        errors.check_text(&path.child("nominatedNodeName"), nominated, names::dns1123_subdomain);
    }
    errors.check_immutable(&path.child("qosClass"), &new["status"]["qosClass"], &old["status"]["qosClass"]);
    check_terminated_stay(new, old, &path.child("containerStatuses"), errors);
    let ips = path.child("podIPs");
    for (i, ip) in new["status"]["podIPs"].items().iter().enumerate() {
        errors.check_text(&ips.index(i), ip["ip"].str(), names::ip);
    }
}

// Models pkg/apis/core/validation/validation.go ValidateContainerStateTransition
fn check_terminated_stay(new: &Value, old: &Value, path: &Path, errors: &mut Errors) {
    let list = |pod: &Value| pod["status"]["containerStatuses"].clone();
    let (news, olds) = (list(new), list(old));
    for (i, before) in olds.items().iter().enumerate() {
        let terminated = &before["state"]["terminated"];
        let mut containers = old["spec"]["containers"].items().iter();
        let container = containers.find(|one| one["name"] == before["name"]);
        let restarts = |one: &Value| api::restart::restarts(old, one, terminated["exitCode"].int());
        if terminated.is_null() || container.is_none_or(restarts) {
            continue;
        }
        let restarted = news
            .items()
            .iter()
            .any(|now| now["name"] == before["name"] && now["state"]["terminated"].is_null());
        if restarted {
            let message = "may not be transitioned to non-terminated state";
            errors.forbidden(path.index(i).child("state"), message);
        }
    }
}
