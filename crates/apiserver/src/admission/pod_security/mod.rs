//! What the labels of a namespace allow its pods.
// Models staging/src/k8s.io/pod-security-admission/admission/admission.go

mod checks;

use crate::handlers::Call;
use crate::resources;
use crate::server::ApiServer;
use crate::status;
use crate::validation::Errors;
use api::{Status, Value, meta};
use checks::Violation;

const PREFIX: &str = "pod-security.kubernetes.io/";
/// How many pods of a namespace are looked at when its labels change.
// Models staging/src/k8s.io/pod-security-admission/admission/admission.go defaultNamespaceMaxPodsToCheck
const MAX_PODS: usize = 3_000;

/// How much pods are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Privileged,
    Baseline,
    Restricted,
}

impl Level {
    fn of(text: &str) -> Option<Level> {
        match text {
            "privileged" => Some(Level::Privileged),
            "baseline" => Some(Level::Baseline),
            "restricted" => Some(Level::Restricted),
            _ => None,
        }
    }
}

/// Returns the level and what it is called, of a mode: `enforce` or `warn`. What can't be read is taken
/// for the strictest, as upstream does.
fn policy(labels: &Value, mode: &str) -> (Level, String) {
    let text = labels[format!("{PREFIX}{mode}").as_str()].str();
    let version = match labels[format!("{PREFIX}{mode}-version").as_str()].str() {
        "" => "latest",
        version => version,
    };
    let level = if text.is_empty() { Some(Level::Privileged) } else { Level::of(text) };
    let name = if text.is_empty() { "privileged" } else { text };
    (level.unwrap_or(Level::Restricted), format!("{name}:{version}"))
}

fn details(violations: &[Violation]) -> String {
    let list: Vec<String> = violations.iter().map(|one| format!("{} ({})", one.reason, one.detail)).collect();
    list.join(", ")
}

fn namespace_labels(server: &ApiServer, namespace: &str) -> Value {
    let key = server.namespaces().key("", namespace);
    server.store.get(&key).map_or(Value::Null, |entry| meta::labels(&entry.value).clone())
}

/// Returns a template's place in an object of a kind.
// Models staging/src/k8s.io/pod-security-admission/admission/admission.go DefaultPodSpecExtractor
fn pod_spec<'a>(call: &Call, object: &'a Value) -> Option<&'a Value> {
    let path: &[&str] = match (call.rest.kind.group, call.rest.kind.plural) {
        ("", "podtemplates") => &["template", "spec"],
        ("", "replicationcontrollers")
        | ("apps", "deployments" | "replicasets" | "statefulsets" | "daemonsets")
        | ("batch", "jobs") => &["spec", "template", "spec"],
        ("batch", "cronjobs") => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => return None,
    };
    Some(object.at(path))
}

/// Checks a new pod, and warns of a new template.
///
/// # Errors
/// Forbidden where the namespace's labels don't allow the pod.
// Models staging/src/k8s.io/pod-security-admission/admission/admission.go EvaluatePod
pub(super) fn check(server: &ApiServer, call: &mut Call, object: &Value) -> Result<(), Status> {
    let spec = match pod_spec(call, object) {
        None if call.rest.is_group("", "namespaces") => return check_labels(call, object),
        None if call.rest.is_pods() => &object["spec"],
        None => return Ok(()),
        Some(spec) => spec,
    };
    let labels = namespace_labels(server, call.namespace);
    if call.rest.is_pods() {
        let (level, name) = policy(&labels, "enforce");
        let violations = checks::violations(spec, level);
        if !violations.is_empty() {
            let why = format!("violates PodSecurity {name:?}: {}", details(&violations));
            return Err(Status::forbidden("pods", meta::name(object), &why));
        }
    }
    let (level, name) = policy(&labels, "warn");
    let violations = checks::violations(spec, level);
    if !violations.is_empty() {
        call.warnings.push(format!("would violate PodSecurity {name:?}: {}", details(&violations)));
    }
    Ok(())
}

/// Warns of a changed template, and of pods that a namespace's new labels wouldn't allow.
// Models staging/src/k8s.io/pod-security-admission/admission/admission.go ValidateNamespace
pub(super) fn check_update(
    server: &ApiServer,
    call: &mut Call,
    new: &Value,
    old: &Value,
) -> Result<(), Status> {
    if !call.rest.is_group("", "namespaces") {
        let changed = pod_spec(call, new).is_some_and(|spec| Some(spec) != pod_spec(call, old));
        return if changed { check(server, call, new) } else { Ok(()) };
    }
    check_labels(call, new)?;
    let (level, name) = policy(meta::labels(new), "enforce");
    let (before, name_before) = policy(meta::labels(old), "enforce");
    if name == name_before || level <= before {
        return Ok(());
    }
    let Some(pods) = resources::of(api::resources::PODS) else {
        return Ok(());
    };
    let namespace = meta::name(new);
    let mut found: Vec<(String, String, usize)> = Vec::new();
    for (_, entry) in server.store.range(&pods.range(namespace)).take(MAX_PODS) {
        let violations = checks::violations(&entry.value["spec"], level);
        let reasons: Vec<&str> = violations.iter().map(|one| one.reason).collect();
        let reasons = reasons.join(", ");
        match found.iter_mut().find(|(known, _, _)| *known == reasons) {
            _ if reasons.is_empty() => {}
            Some((_, _, others)) => *others += 1,
            None => found.push((reasons, meta::name(&entry.value).to_string(), 0)),
        }
    }
    if !found.is_empty() {
        call.warnings.push(format!(
            "existing pods in namespace {namespace:?} violate the new PodSecurity enforce level {name:?}"
        ));
    }
    for (reasons, pod, others) in found {
        let more = match others {
            0 => String::new(),
            1 => " (and 1 other pod)".to_string(),
            others => format!(" (and {others} other pods)"),
        };
        call.warnings.push(format!("{pod}{more}: {reasons}"));
    }
    Ok(())
}

/// Checks a namespace's labels about its pods.
// Models staging/src/k8s.io/pod-security-admission/api/helpers.go PolicyToEvaluate
fn check_labels(call: &Call, namespace: &Value) -> Result<(), Status> {
    let mut errors = Errors::default();
    let labels = meta::labels(namespace);
    for mode in ["enforce", "audit", "warn"] {
        let (key, version) = (format!("{PREFIX}{mode}"), format!("{PREFIX}{mode}-version"));
        if let Some(text) = labels.get(&key).map(Value::str)
            && Level::of(text).is_none()
        {
            let message = "must be one of privileged, baseline, restricted";
            errors.invalid(format!("metadata.labels[{key}]"), text, message);
        }
        if let Some(text) = labels.get(&version).map(Value::str)
            && !is_version(text)
        {
            let message = "must be \"latest\" or \"v1.x\"";
            errors.invalid(format!("metadata.labels[{version}]"), text, message);
        }
    }
    status::check(call.rest, meta::name(namespace), errors)
}

fn is_version(text: &str) -> bool {
    let minor = text.strip_prefix("v1.").unwrap_or("");
    text == "latest" || minor == "0" || !minor.starts_with('0') && minor.parse::<u16>().is_ok()
}
