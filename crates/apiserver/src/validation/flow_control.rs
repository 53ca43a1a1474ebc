//! Flow schemas and priority levels.
// Models pkg/apis/flowcontrol/validation/validation.go

use super::path::{Errors, Path};
use super::{meta, names};
use api::Value;

const VERBS: [&str; 9] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const MAX_PRECEDENCE: i64 = 10_000;
const MAX_QUEUES: i64 = 10_000_000;

/// Checks a FlowSchema.
// Models pkg/apis/flowcontrol/validation/validation.go ValidateFlowSchema
pub(crate) fn validate_flow_schema(schema: &Value, errors: &mut Errors) {
    meta::validate(schema, false, names::dns1123_subdomain, errors);
    let (spec, path) = (&schema["spec"], Path::new("spec"));
    let (precedence, at) = (&spec["matchingPrecedence"], path.child("matchingPrecedence"));
    if precedence.int() <= 0 {
        errors.invalid(at, precedence, "must be a positive value");
    }
    if precedence.int() > MAX_PRECEDENCE {
        errors.invalid(at, precedence, format!("must not be greater than {MAX_PRECEDENCE}"));
    }
    if precedence.int() == 1 && schema["metadata"]["name"].str() != "exempt" {
        errors.invalid(at, precedence, "only the schema named 'exempt' may have matchingPrecedence 1");
    }
    let method = spec["distinguisherMethod"]["type"].as_str();
    if let Some(method) = method.filter(|method| !matches!(*method, "ByNamespace" | "ByUser")) {
        let at = path.child("distinguisherMethod");
        errors.not_supported(at.child("type"), method, &["ByNamespace", "ByUser"]);
    }
    let level = spec["priorityLevelConfiguration"]["name"].str();
    let at = path.child("priorityLevelConfiguration");
    if level.is_empty() {
        errors.required(at.child("name"), "must reference a priority level");
    } else {
        errors.check_text(&at.child("name"), level, names::dns1123_subdomain);
    }
    let list = path.child("rules");
    for (i, rule) in spec["rules"].items().iter().enumerate() {
        validate_rule(rule, &list.index(i), errors);
    }
}

// Models pkg/apis/flowcontrol/validation/validation.go ValidateFlowSchemaPolicyRulesWithSubjects
fn validate_rule(rule: &Value, path: &Path, errors: &mut Errors) {
    let list = path.child("subjects");
    if rule["subjects"].items().is_empty() {
        errors.required(list, "subjects must contain at least one value");
    }
    for (i, subject) in rule["subjects"].items().iter().enumerate() {
        validate_subject(subject, &list.index(i), errors);
    }
    if rule["resourceRules"].items().is_empty() && rule["nonResourceRules"].items().is_empty() {
        errors.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty");
    }
    let list = path.child("resourceRules");
    for (i, rule) in rule["resourceRules"].items().iter().enumerate() {
        validate_resource_rule(rule, &list.index(i), errors);
    }
    let list = path.child("nonResourceRules");
    for (i, rule) in rule["nonResourceRules"].items().iter().enumerate() {
        let path = list.index(i);
        validate_verbs(rule, &path, errors);
        let missing = "nonResourceURLs must contain at least one value";
        check_list(rule, "nonResourceURLs", missing, "non-resource URLs", &path, errors);
    }
}

fn has_star(list: &Value) -> bool {
    list.items().iter().any(|item| item.str() == "*")
}

/// Checks a list that may not be empty, and that has nothing beside a star.
fn check_list(rule: &Value, field: &str, missing: &str, others: &str, path: &Path, errors: &mut Errors) {
    let (list, at) = (&rule[field], path.child(field));
    if list.items().is_empty() {
        errors.required(at, missing);
    } else if list.items().len() > 1 && has_star(list) {
        errors.invalid(at, list, format!("if '*' is present, must not specify other {others}"));
    }
}

fn validate_verbs(rule: &Value, path: &Path, errors: &mut Errors) {
    let verbs = &rule["verbs"];
    check_list(rule, "verbs", "verbs must contain at least one value", "verbs", path, errors);
    if !has_star(verbs) && verbs.items().iter().any(|verb| !VERBS.contains(&verb.str())) {
        errors.not_supported(path.child("verbs"), verbs, &VERBS);
    }
}

// Models pkg/apis/flowcontrol/validation/validation.go ValidateFlowSchemaResourcePolicyRule
fn validate_resource_rule(rule: &Value, path: &Path, errors: &mut Errors) {
    validate_verbs(rule, path, errors);
    let missing = "resource rules must supply at least one api group";
    check_list(rule, "apiGroups", missing, "api groups", path, errors);
    let missing = "resource rules must supply at least one resource";
    check_list(rule, "resources", missing, "resources", path, errors);
    let (namespaces, list) = (&rule["namespaces"], path.child("namespaces"));
    if namespaces.items().is_empty() && !rule["clusterScope"].is_true() {
        let message = "resource rules that are not cluster scoped must supply at least one namespace";
        errors.required(list, message);
    } else if has_star(namespaces) {
        check_list(rule, "namespaces", "", "namespaces", path, errors);
    } else {
        for (i, namespace) in namespaces.items().iter().enumerate() {
            for message in names::dns1123_label(namespace.str()) {
                let message = format!("each member of this list must be '*' or a DNS-1123 label; {message}");
                errors.invalid(list.index(i), namespace, message);
            }
        }
    }
}

// Models pkg/apis/flowcontrol/validation/validation.go ValidateFlowSchemaSubject
fn validate_subject(subject: &Value, path: &Path, errors: &mut Errors) {
    const KINDS: [(&str, &str); 3] =
        [("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")];
    let kind = subject["kind"].str();
    let Some((_, own)) = KINDS.iter().find(|(name, _)| *name == kind) else {
        return errors.not_supported(path.child("kind"), kind, &["Group", "ServiceAccount", "User"]);
    };
    let (given, at) = (&subject[*own], path.child(own));
    if given.is_null() {
        errors.required(at, format!("{own} is required when subject kind is '{kind}'"));
    } else {
        let name = given["name"].str();
        if name.is_empty() {
            errors.required(at.child("name"), "");
        } else if kind == "ServiceAccount" && name != "*" {
            errors.check_text(&at.child("name"), name, names::dns1123_subdomain);
        }
        if kind == "ServiceAccount" {
            match given["namespace"].str() {
                "" => errors.required(at.child("namespace"), "must specify namespace for service account"),
                namespace => errors.check_text(&at.child("namespace"), namespace, names::dns1123_label),
            }
        }
    }
    for (other, field) in KINDS.iter().filter(|(other, field)| *other != kind && !subject[*field].is_null()) {
        errors
            .forbidden(path.child(field), format!("{field} is forbidden when subject kind is not '{other}'"));
    }
}

/// Checks a PriorityLevelConfiguration.
// Models pkg/apis/flowcontrol/validation/validation.go ValidatePriorityLevelConfiguration
pub(crate) fn validate_priority_level(level: &Value, errors: &mut Errors) {
    meta::validate(level, false, names::dns1123_subdomain, errors);
    let (spec, path) = (&level["spec"], Path::new("spec"));
    let kind = spec["type"].str();
    if (level["metadata"]["name"].str() == "exempt") != (kind == "Exempt") {
        let message = "type must be 'Exempt' if and only if name is 'exempt'";
        errors.invalid(path.child("type"), kind, message);
    }
    let (limited, exempt) = (&spec["limited"], &spec["exempt"]);
    match kind {
        "Exempt" => {
            if !limited.is_null() {
                errors.forbidden(path.child("limited"), "must be nil if the type is not Limited");
            }
            check_shares(exempt, &path.child("exempt"), errors);
        }
        "Limited" => {
            if !exempt.is_null() {
                errors.forbidden(path.child("exempt"), "must be nil if the type is Limited");
            }
            if limited.is_null() {
                errors.required(path.child("limited"), "must not be empty when type is Limited");
            } else {
                validate_limited(limited, &path.child("limited"), errors);
            }
        }
        _ => errors.not_supported(path.child("type"), kind, &["Exempt", "Limited"]),
    }
}

fn check_shares(level: &Value, path: &Path, errors: &mut Errors) {
    let shares = &level["nominalConcurrencyShares"];
    if shares.int() < 0 {
        errors.invalid(path.child("nominalConcurrencyShares"), shares, "must be a non-negative integer");
    }
    let lendable = &level["lendablePercent"];
    if !(0..=100).contains(&lendable.int()) {
        errors.invalid(path.child("lendablePercent"), lendable, names::in_range(0, 100));
    }
}

fn validate_limited(limited: &Value, path: &Path, errors: &mut Errors) {
    check_shares(limited, path, errors);
    let borrowing = &limited["borrowingLimitPercent"];
    if borrowing.int() < 0 {
        let message = "if specified, must be a non-negative integer";
        errors.invalid(path.child("borrowingLimitPercent"), borrowing, message);
    }
    let (response, path) = (&limited["limitResponse"], path.child("limitResponse"));
    let (queuing, at) = (&response["queuing"], path.child("queuing"));
    match response["type"].str() {
        "Reject" if !queuing.is_null() => {
            errors.forbidden(at, "must be nil if limited.limitResponse.type is not Limited");
        }
        "Reject" => {}
        "Queue" if queuing.is_null() => {
            errors.required(at, "must not be empty if limited.limitResponse.type is Limited");
        }
        "Queue" => validate_queuing(queuing, &at, errors),
        kind => errors.not_supported(path.child("type"), kind, &["Queue", "Reject"]),
    }
}

/// Checks queues. Whether a hand of so many can be dealt from so many by a hash is left out.
// Models pkg/apis/flowcontrol/validation/validation.go ValidatePriorityLevelQueuingConfiguration
fn validate_queuing(queuing: &Value, path: &Path, errors: &mut Errors) {
    let (queues, hand) = (queuing["queues"].int(), queuing["handSize"].int());
    for field in ["queueLengthLimit", "queues", "handSize"] {
        if queuing[field].int() <= 0 {
            errors.invalid(path.child(field), &queuing[field], "must be positive");
        }
    }
    if queues > MAX_QUEUES {
        errors.invalid(path.child("queues"), queues, format!("must not be greater than {MAX_QUEUES}"));
    }
    if hand > queues {
        errors.invalid(path.child("handSize"), hand, format!("should not be greater than queues ({queues})"));
    }
}
