//! What is plugged into the API server: webhooks, other API servers; and into nodes: runtime classes.

use super::path::{Errors, Path};
use super::{meta, names};
use api::Value;

/// Checks a ValidatingWebhookConfiguration or a MutatingWebhookConfiguration.
// Models pkg/apis/admissionregistration/validation/validation.go ValidateValidatingWebhookConfiguration
pub(crate) fn validate_webhooks(configuration: &Value, errors: &mut Errors) {
    meta::validate(configuration, false, names::dns1123_subdomain, errors);
    let list = Path::new("webhooks");
    let hooks = configuration["webhooks"].items();
    for (i, hook) in hooks.iter().enumerate() {
        let path = list.index(i);
        validate_webhook(hook, &path, errors);
        validate_review_versions(&hook["admissionReviewVersions"], &path, errors);
        let name = hook["name"].str();
        if !name.is_empty() && hooks.iter().take(i).any(|other| other["name"].str() == name) {
            errors.duplicate(path.child("name"), name);
        }
    }
}

/// Checks changed webhooks.
pub(crate) fn validate_webhooks_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_webhooks(new, errors);
}

// Models pkg/apis/admissionregistration/validation/validation.go validateAdmissionReviewVersions
fn validate_review_versions(versions: &Value, path: &Path, errors: &mut Errors) {
    let at = path.child("admissionReviewVersions");
    if versions.items().is_empty() {
        errors.required(at, "must specify one of v1, v1beta1");
    } else if !versions.items().iter().any(|version| matches!(version.str(), "v1" | "v1beta1")) {
        errors.invalid(at, versions, "must include at least one of v1, v1beta1");
    }
}

// Models pkg/apis/admissionregistration/validation/validation.go validateValidatingWebhook
fn validate_webhook(hook: &Value, path: &Path, errors: &mut Errors) {
    validate_qualified_domain(hook["name"].str(), &path.child("name"), errors);
    let list = path.child("rules");
    for (i, rule) in hook["rules"].items().iter().enumerate() {
        validate_rule(rule, &list.index(i), errors);
    }
    let enums: [(&str, &[&str]); 3] = [
        ("failurePolicy", &["Fail", "Ignore"]),
        ("matchPolicy", &["Equivalent", "Exact"]),
        ("sideEffects", &["None", "NoneOnDryRun"]),
    ];
    for (field, supported) in enums {
        match hook[field].as_str() {
            None if field == "sideEffects" => {
                errors.required(path.child(field), "must specify one of None, NoneOnDryRun");
            }
            Some(value) if !supported.contains(&value) => {
                errors.not_supported(path.child(field), value, supported);
            }
            _ => {}
        }
    }
    let seconds = &hook["timeoutSeconds"];
    if seconds.as_int().is_some_and(|seconds| !(1..=30).contains(&seconds)) {
        let message = "the timeout value must be between 1 and 30 seconds";
        errors.invalid(path.child("timeoutSeconds"), seconds, message);
    }
    for field in ["namespaceSelector", "objectSelector"] {
        meta::validate_label_selector(&hook[field], &path.child(field), errors);
    }
    validate_client(&hook["clientConfig"], &path.child("clientConfig"), errors);
}

// Models staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go IsFullyQualifiedName
fn validate_qualified_domain(name: &str, path: &Path, errors: &mut Errors) {
    if name.is_empty() {
        return errors.required(path, "");
    }
    let messages = names::dns1123_subdomain(name);
    if messages.is_empty() && name.split('.').count() < 3 {
        errors.invalid(path, name, "should be a domain with at least three segments separated by dots");
    }
    errors.invalid_all(path, &name.into(), messages);
}

// Models pkg/apis/admissionregistration/validation/validation.go validateRuleWithOperations
fn validate_rule(rule: &Value, path: &Path, errors: &mut Errors) {
    const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
    let lists = [
        ("operations", "operations"),
        ("apiGroups", "API groups"),
        ("apiVersions", "API versions"),
        ("resources", "resources"),
    ];
    for (field, others) in lists {
        let (items, at) = (rule[field].items(), path.child(field));
        let star = items.iter().any(|item| item.str() == "*");
        if items.is_empty() {
            errors.required(at, "");
        } else if field != "resources" && items.len() > 1 && star {
            errors.invalid(at, items, format!("if '*' is present, must not specify other {others}"));
        }
        if field == "operations" {
            for (i, item) in items.iter().enumerate().filter(|(_, item)| !OPERATIONS.contains(&item.str())) {
                errors.not_supported(at.index(i), item, &OPERATIONS);
            }
        }
    }
    let scope = rule["scope"].str();
    if !matches!(scope, "" | "*" | "Cluster" | "Namespaced") {
        errors.not_supported(path.child("scope"), scope, &["*", "Cluster", "Namespaced"]);
    }
}

fn validate_client(client: &Value, path: &Path, errors: &mut Errors) {
    let (url, service) = (&client["url"], &client["service"]);
    if url.is_null() == service.is_null() {
        return errors.required(path, "exactly one of url or service is required");
    }
    if let Some(url) = url.as_str() {
        if !url.starts_with("https://") {
            let at = path.child("url");
            let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
            let message = "'https' is the only allowed URL scheme; desired format: https://host[/path]";
            errors.invalid(at, scheme, message);
        }
        return;
    }
    let at = path.child("service");
    for (field, message) in
        [("name", "service name is required"), ("namespace", "service namespace is required")]
    {
        if service[field].str().is_empty() {
            errors.required(at.child(field), message);
        }
    }
    let port = &service["port"];
    for message in port.as_int().map(names::port_number).unwrap_or_default() {
        errors.invalid(at.child("port"), port, format!("port is not valid: {message}"));
    }
}

/// Checks an APIService.
// Models staging/src/k8s.io/kube-aggregator/pkg/apis/apiregistration/validation/validation.go ValidateAPIService
pub(crate) fn validate_api_service(service: &Value, errors: &mut Errors) {
    meta::validate(service, false, names::path_segment, errors);
    let (spec, path) = (&service["spec"], Path::new("spec"));
    let (group, version) = (spec["group"].str(), spec["version"].str());
    let (name, wanted) = (service["metadata"]["name"].str(), format!("{version}.{group}"));
    if name != wanted {
        let message = format!("must be `spec.version+\".\"+spec.group`: {wanted:?}");
        errors.invalid("metadata.name", name, message);
    }
    if group.is_empty() {
        if version != "v1" {
            let message = "only v1 may have an empty group and it better be legacy kube";
            errors.required(path.child("group"), message);
        }
    } else {
        errors.check_text(&path.child("group"), group, names::dns1123_subdomain);
    }
    errors.check_text(&path.child("version"), version, names::dns1123_label);
    for (field, limit) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1_000)] {
        if !(1..=limit).contains(&spec[field].int()) {
            let message = format!("must be positive and less than {limit}");
            errors.invalid(path.child(field), &spec[field], message);
        }
    }
    let insecure = spec["insecureSkipTLSVerify"].is_true();
    let (remote, at) = (&spec["service"], path.child("service"));
    if remote.is_null() {
        if !spec["caBundle"].str().is_empty() {
            errors.invalid(
                path.child("caBundle"),
                &spec["caBundle"],
                "local APIServices may not have a caBundle",
            );
        }
        if insecure {
            let message = "local APIServices may not have insecureSkipTLSVerify";
            errors.invalid(path.child("insecureSkipTLSVerify"), true, message);
        }
        return;
    }
    for field in ["namespace", "name"] {
        if remote[field].str().is_empty() {
            errors.required(at.child(field), "");
        }
    }
    for message in remote["port"].as_int().map(names::port_number).unwrap_or_default() {
        errors.invalid(at.child("port"), &remote["port"], format!("port is not valid: {message}"));
    }
    if insecure && !spec["caBundle"].str().is_empty() {
        let message = "may not be true if caBundle is present";
        errors.invalid(path.child("insecureSkipTLSVerify"), true, message);
    }
}

/// Checks a changed APIService.
pub(crate) fn validate_api_service_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_api_service(new, errors);
}

/// Checks a RuntimeClass.
// Models pkg/apis/node/validation/validation.go ValidateRuntimeClass
pub(crate) fn validate_runtime_class(class: &Value, errors: &mut Errors) {
    meta::validate(class, false, names::dns1123_subdomain, errors);
    errors.check_text(&Path::new("handler"), class["handler"].str(), names::dns1123_label);
    let path = Path::new("scheduling");
    let selector = path.child("nodeSelector");
    meta::validate_labels(&class["scheduling"]["nodeSelector"], &selector, errors);
    super::core::validate_tolerations(
        &class["scheduling"]["tolerations"],
        &path.child("tolerations"),
        errors,
    );
}

/// Checks a changed RuntimeClass.
// Models pkg/apis/node/validation/validation.go ValidateRuntimeClassUpdate
pub(crate) fn validate_runtime_class_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    errors.check_immutable(&Path::new("handler"), &new["handler"], &old["handler"]);
}
