//! Nodes, namespaces, ConfigMaps, Secrets, endpoints and what else the core group holds.
// Models pkg/apis/core/validation/validation.go

use super::{affinity, resources};
use crate::validation::path::{Errors, Path};
use crate::validation::{meta, names, semantic_equal};
use api::Value;

const DATA_LIMIT: i64 = 1024 * 1024;

/// Checks a node.
// Models pkg/apis/core/validation/validation.go ValidateNode
pub(crate) fn validate_node(node: &Value, errors: &mut Errors) {
    meta::validate(node, false, names::dns1123_subdomain, errors);
    let (metadata, spec) = (Path::new("metadata"), Path::new("spec"));
    affinity::validate_taints(&node["spec"]["taints"], &metadata.child("taints"), errors);
    validate_node_resources(node, errors);
    let list = spec.child("podCIDRs");
    for (i, cidr) in node["spec"]["podCIDRs"].items().iter().enumerate() {
        errors.check_text(&list.index(i), cidr.str(), names::cidr);
    }
}

fn validate_node_resources(node: &Value, errors: &mut Errors) {
    let status = Path::new("status");
    for field in ["capacity", "allocatable"] {
        let path = status.child(field);
        for (name, value) in node["status"][field].fields().iter() {
            resources::validate_quantity(name, value, &path.child(name), errors);
        }
    }
}

/// Checks a changed node.
// Models pkg/apis/core/validation/validation.go ValidateNodeUpdate
pub(crate) fn validate_node_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_node_resources(new, errors);
    let (spec, status, metadata) = (Path::new("spec"), Path::new("status"), Path::new("metadata"));
    let list = status.child("addresses");
    let addresses = new["status"]["addresses"].items();
    for (i, address) in addresses.iter().enumerate() {
        if addresses.iter().take(i).any(|other| other == address) {
            errors.duplicate(list.index(i), address);
        }
    }
    let (cidrs, was) = (&new["spec"]["podCIDRs"], &old["spec"]["podCIDRs"]);
    if !was.items().is_empty() && cidrs != was {
        let message = "node updates may not change podCIDR except from \"\" to valid";
        errors.forbidden(spec.child("podCIDRs"), message);
    }
    let (id, was) = (new["spec"]["providerID"].str(), old["spec"]["providerID"].str());
    if !was.is_empty() && id != was {
        let message = "node updates may not change providerID except from \"\" to valid";
        errors.forbidden(spec.child("providerID"), message);
    }
    affinity::validate_taints(&new["spec"]["taints"], &metadata.child("taints"), errors);
}

/// Checks a namespace.
// Models pkg/apis/core/validation/validation.go ValidateNamespace
pub(crate) fn validate_namespace(namespace: &Value, errors: &mut Errors) {
    meta::validate(namespace, false, names::dns1123_label, errors);
    let spec = Path::new("spec");
    let list = spec.child("finalizers");
    for (i, finalizer) in namespace["spec"]["finalizers"].items().iter().enumerate() {
        errors.check_text(&list.index(i), finalizer.str(), names::qualified_name);
    }
}

/// Checks a changed namespace.
pub(crate) fn validate_namespace_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
}

fn validate_keys(data: &Value, path: &Path, errors: &mut Errors) -> i64 {
    let mut size = 0;
    for (key, value) in data.fields().iter() {
        for message in names::config_map_key(key) {
            errors.invalid(path.key(key), key, message);
        }
        size += value.str().len() as i64;
    }
    size
}

/// Checks a ConfigMap.
// Models pkg/apis/core/validation/validation.go ValidateConfigMap
pub(crate) fn validate_config_map(map: &Value, errors: &mut Errors) {
    meta::validate(map, true, names::dns1123_subdomain, errors);
    let data = Path::new("data");
    let binary = Path::new("binaryData");
    for (key, _) in map["data"].fields().iter() {
        if map["binaryData"].get(key).is_some() {
            let message = "duplicate of key present in binaryData";
            errors.invalid(data.key(key), key, message);
        }
    }
    let size = validate_keys(&map["data"], &data, errors)
        + validate_keys(&map["binaryData"], &binary, errors) / 4 * 3;
    if size > DATA_LIMIT {
        errors.too_long("", DATA_LIMIT);
    }
}

/// Checks a changed ConfigMap.
// Models pkg/apis/core/validation/validation.go ValidateConfigMapUpdate
pub(crate) fn validate_config_map_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    check_immutable_data(new, old, &["data", "binaryData"], errors);
    validate_config_map(new, errors);
}

fn check_immutable_data(new: &Value, old: &Value, fields: &[&str], errors: &mut Errors) {
    const MESSAGE: &str = "field is immutable when `immutable` is set";
    if !old["immutable"].is_true() {
        return;
    }
    if !new["immutable"].is_true() {
        errors.forbidden("immutable", MESSAGE);
    }
    for field in fields {
        if !semantic_equal(&new[*field], &old[*field]) {
            errors.forbidden(*field, MESSAGE);
        }
    }
}

/// Checks a Secret.
// Models pkg/apis/core/validation/validation.go ValidateSecret
pub(crate) fn validate_secret(secret: &Value, errors: &mut Errors) {
    meta::validate(secret, true, names::dns1123_subdomain, errors);
    let data = Path::new("data");
    let size = validate_keys(&secret["data"], &data, errors) / 4 * 3;
    if size > DATA_LIMIT {
        errors.too_long("data", DATA_LIMIT);
    }
    let needed: &[&str] = match secret["type"].str() {
        "kubernetes.io/service-account-token" => {
            let name = "kubernetes.io/service-account.name";
            if api::meta::annotation(secret, name).is_empty() {
                errors.required(format!("metadata.annotations[{name}]"), "");
            }
            &[]
        }
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/basic-auth" => {
            let data = &secret["data"];
            if data.get("username").is_none() && data.get("password").is_none() {
                errors.required("data[username]", "");
                errors.required("data[password]", "");
            }
            &[]
        }
        _ => &[],
    };
    for key in needed {
        if secret["data"].get(key).is_none() {
            errors.required(data.key(key), "");
        }
    }
}

/// Checks a changed Secret.
// Models pkg/apis/core/validation/validation.go ValidateSecretUpdate
pub(crate) fn validate_secret_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    errors.check_immutable(&Path::new("type"), &new["type"], &old["type"]);
    check_immutable_data(new, old, &["data"], errors);
    validate_secret(new, errors);
}

/// Checks a ServiceAccount.
pub(crate) fn validate_service_account(account: &Value, errors: &mut Errors) {
    meta::validate(account, true, names::dns1123_subdomain, errors);
}

/// Checks Endpoints.
// Models pkg/apis/core/validation/validation.go ValidateEndpoints
pub(crate) fn validate_endpoints(endpoints: &Value, errors: &mut Errors) {
    meta::validate(endpoints, true, names::dns1123_subdomain, errors);
    let subsets = Path::new("subsets");
    for (i, subset) in endpoints["subsets"].items().iter().enumerate() {
        let path = subsets.index(i);
        let (ready, not_ready) = (subset["addresses"].items(), subset["notReadyAddresses"].items());
        if ready.is_empty() && not_ready.is_empty() {
            errors.required(path, "must specify `addresses` or `notReadyAddresses`");
        }
        for (field, addresses) in [("addresses", ready), ("notReadyAddresses", not_ready)] {
            let list = path.child(field);
            for (j, address) in addresses.iter().enumerate() {
                errors.check_text(&list.index(j).child("ip"), address["ip"].str(), names::ip);
            }
        }
        let list = path.child("ports");
        let ports = subset["ports"].items();
        for (j, port) in ports.iter().enumerate() {
            let path = list.index(j);
            let name = port["name"].str();
            if name.is_empty() {
                if ports.len() > 1 {
                    errors.required(path.child("name"), "");
                }
            } else {
                errors.check_text(&path.child("name"), name, names::dns1123_label);
            }
            let number = port["port"].int();
            errors.invalid_all(&path.child("port"), &Value::Int(number), names::port_number(number));
            errors.check_enum(&path.child("protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"]);
        }
    }
}

/// Checks an EndpointSlice.
// Models pkg/apis/discovery/validation/validation.go ValidateEndpointSlice
pub(crate) fn validate_endpoint_slice(slice: &Value, errors: &mut Errors) {
    const TYPES: [&str; 3] = ["FQDN", "IPv4", "IPv6"];
    meta::validate(slice, true, names::dns1123_subdomain, errors);
    let kind = slice["addressType"].str();
    errors.check_enum(&Path::new("addressType"), &slice["addressType"], &TYPES);
    let list = Path::new("endpoints");
    let endpoints = slice["endpoints"].items();
    if endpoints.len() > 1000 {
        errors.too_many(list, endpoints.len().try_into().unwrap_or(i64::MAX), 1000);
        return;
    }
    for (i, endpoint) in endpoints.iter().enumerate() {
        let path = list.index(i);
        let addresses = path.child("addresses");
        if endpoint["addresses"].items().is_empty() {
            errors.required(addresses, "must contain at least 1 address");
        }
        let count = endpoint["addresses"].items().len();
        if count > 100 {
            errors.too_many(addresses, count.try_into().unwrap_or(i64::MAX), 100);
        }
        for (j, address) in endpoint["addresses"].items().iter().enumerate() {
            let (at, text) = (addresses.index(j), address.str());
            match kind {
                "IPv4" | "IPv6" => {
                    let family =
                        text.parse().map(|ip: std::net::IpAddr| if ip.is_ipv4() { "IPv4" } else { "IPv6" });
                    if family != Ok(kind) {
                        errors.invalid(at, text, format!("must be a valid {kind} address"));
                    }
                    super::service::validate_non_special_ip(text, &at, errors);
                }
                "FQDN" => validate_domain_name(text, &at, errors),
                _ => {}
            }
        }
        if let Some(name) = endpoint["hostname"].as_str() {
            errors.check_text(&path.child("hostname"), name, names::dns1123_label);
        }
    }
    let list = Path::new("ports");
    let ports = slice["ports"].items();
    if ports.len() > 100 {
        errors.too_many(list, ports.len().try_into().unwrap_or(i64::MAX), 100);
        return;
    }
    for (i, port) in ports.iter().enumerate() {
        let path = list.index(i);
        let name = port["name"].str();
        if !name.is_empty() {
            errors.check_text(&path.child("name"), name, names::dns1123_label);
        }
        if ports.iter().take(i).any(|other| other["name"].str() == name) {
            errors.duplicate(path.child("name"), name);
        }
        errors.check_enum(&path.child("protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"]);
    }
}

// Models staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go IsFullyQualifiedDomainName
fn validate_domain_name(name: &str, path: &Path, errors: &mut Errors) {
    if name.is_empty() {
        errors.required(path, "");
        return;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let messages = names::dns1123_subdomain(name);
    if !messages.is_empty() {
        errors.invalid(path, name, messages.join(","));
    } else if !name.contains('.') {
        errors.invalid(path, name, "should be a domain with at least two segments separated by dots");
    } else {
        for label in name.split('.') {
            let messages = names::dns1123_label(label);
            if !messages.is_empty() {
                errors.invalid(path, label, messages.join(","));
            }
        }
    }
}

/// Checks a changed EndpointSlice.
pub(crate) fn validate_endpoint_slice_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_endpoint_slice(new, errors);
    errors.check_immutable(&Path::new("addressType"), &new["addressType"], &old["addressType"]);
}

/// Checks a ReplicationController.
// Models pkg/apis/core/validation/validation.go ValidateReplicationController
pub(crate) fn validate_replication_controller(controller: &Value, errors: &mut Errors) {
    meta::validate(controller, true, names::dns1123_subdomain, errors);
    validate_replication_controller_spec(&controller["spec"], errors);
}

/// Checks a changed ReplicationController.
// Models pkg/apis/core/validation/validation.go ValidateReplicationControllerUpdate
pub(crate) fn validate_replication_controller_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_replication_controller_spec(&new["spec"], errors);
}

// Models pkg/apis/core/validation/validation.go ValidateReplicationControllerSpec
fn validate_replication_controller_spec(spec: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    errors.check_not_negative(&path.child("minReadySeconds"), &spec["minReadySeconds"]);
    if spec["selector"].is_empty() {
        errors.required(path.child("selector"), "");
    }
    errors.check_not_negative(&path.child("replicas"), &spec["replicas"]);
    let template_path = path.child("template");
    if spec["template"].is_null() {
        errors.required(template_path, "");
        return;
    }
    let selector = api::label::Selector::from_map(&spec["selector"]);
    crate::validation::apps::check_template(spec, &selector, "ReplicationController", &template_path, errors);
}

/// Checks a PodTemplate.
// Models pkg/apis/core/validation/validation.go ValidatePodTemplate
pub(crate) fn validate_pod_template(template: &Value, errors: &mut Errors) {
    meta::validate(template, true, names::dns1123_subdomain, errors);
    super::pod::validate_template(&template["template"], &Path::new("template"), errors);
}

/// Checks a changed PodTemplate.
pub(crate) fn validate_pod_template_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    super::pod::validate_template(&new["template"], &Path::new("template"), errors);
}

/// Checks a core Event.
// Models pkg/apis/core/validation/events.go legacyValidateEvent
pub(crate) fn validate_event(event: &Value, errors: &mut Errors) {
    let (namespace, of) = (event["metadata"]["namespace"].str(), event["involvedObject"]["namespace"].str());
    let path = Path::new("involvedObject");
    let at = path.child("namespace");
    if of.is_empty() {
        if namespace != "default" && namespace != "kube-system" {
            errors.invalid(at, of, "does not match event.namespace");
        }
    } else if namespace != of {
        errors.invalid(at, of, "does not match event.namespace");
    }
}
