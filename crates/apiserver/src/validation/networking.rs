//! Ingresses, network policies, and the ranges and addresses of Services.
// Models pkg/apis/networking/validation/validation.go

use super::path::{Errors, Path};
use super::{meta, names};
use api::Value;
use std::net::IpAddr;

/// What may not be in a path that is matched as it is written.
const BAD_IN_PATHS: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
const BAD_PATH_ENDS: [&str; 2] = ["/..", "/."];

/// Checks a new Ingress.
// Models pkg/apis/networking/validation/validation.go ValidateIngressCreate
pub(crate) fn validate_ingress(ingress: &Value, errors: &mut Errors) {
    const CLASS: &str = "kubernetes.io/ingress.class";
    meta::validate(ingress, true, names::dns1123_subdomain, errors);
    validate_ingress_spec(&ingress["spec"], errors);
    let annotated = &ingress["metadata"]["annotations"][CLASS];
    let class = &ingress["spec"]["ingressClassName"];
    if !annotated.is_null() && !class.is_null() && annotated != class {
        let message = "must match `ingressClassName` when both are specified";
        errors.invalid(Path::new("annotations").child(CLASS), annotated, message);
    }
}

/// Checks a changed Ingress.
// Models pkg/apis/networking/validation/validation.go ValidateIngressUpdate
pub(crate) fn validate_ingress_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_ingress_spec(&new["spec"], errors);
}

// Models pkg/apis/networking/validation/validation.go ValidateIngressSpec
fn validate_ingress_spec(spec: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    let rules = spec["rules"].items();
    if rules.is_empty() && spec["defaultBackend"].is_null() {
        errors.invalid(path, &spec["rules"], "either `defaultBackend` or `rules` must be specified");
    }
    if !spec["defaultBackend"].is_null() {
        validate_backend(&spec["defaultBackend"], &path.child("defaultBackend"), errors);
    }
    let list = path.child("rules");
    for (i, rule) in rules.iter().enumerate() {
        validate_ingress_rule(rule, &list.index(i), errors);
    }
    let list = path.child("tls");
    for (i, tls) in spec["tls"].items().iter().enumerate() {
        let path = list.index(i);
        let hosts = path.child("hosts");
        for (j, host) in tls["hosts"].items().iter().enumerate() {
            check_host(host.str(), &hosts.index(j), errors);
        }
        if !tls["secretName"].str().is_empty() {
            errors.check_text(&path.child("secretName"), tls["secretName"].str(), names::dns1123_subdomain);
        }
    }
    if let Some(class) = spec["ingressClassName"].as_str() {
        errors.check_text(&path.child("ingressClassName"), class, names::dns1123_subdomain);
    }
}

fn check_host(host: &str, path: &Path, errors: &mut Errors) {
    let rule = if host.contains('*') { names::wildcard_subdomain } else { names::dns1123_subdomain };
    errors.check_text(path, host, rule);
}

fn validate_ingress_rule(rule: &Value, path: &Path, errors: &mut Errors) {
    let host = rule["host"].str();
    if host.parse::<IpAddr>().is_ok() {
        errors.invalid(path.child("host"), host, "must be a DNS name, not an IP address");
    }
    if !host.is_empty() {
        check_host(host, &path.child("host"), errors);
    }
    let http = path.child("http");
    let paths = http.child("paths");
    if !rule["http"].is_null() && rule["http"]["paths"].items().is_empty() {
        errors.required(paths, "");
    }
    for (j, entry) in rule["http"]["paths"].items().iter().enumerate() {
        validate_ingress_path(entry, &paths.index(j), errors);
    }
}

// Models pkg/apis/networking/validation/validation.go validateHTTPIngressPath
fn validate_ingress_path(entry: &Value, path: &Path, errors: &mut Errors) {
    const KINDS: [&str; 3] = ["Exact", "ImplementationSpecific", "Prefix"];
    let text = entry["path"].str();
    let at = path.child("path");
    let kind = match entry["pathType"].as_str() {
        None => return errors.required(path.child("pathType"), "pathType must be specified"),
        Some(kind) if !KINDS.contains(&kind) => {
            errors.not_supported(path.child("pathType"), kind, &KINDS);
            return validate_backend(&entry["backend"], &path.child("backend"), errors);
        }
        Some(kind) => kind,
    };
    let literal = kind != "ImplementationSpecific";
    if !text.starts_with('/') && (literal || !text.is_empty()) {
        errors.invalid(at, text, "must be an absolute path");
    }
    if literal {
        for part in BAD_IN_PATHS.iter().filter(|part| text.contains(**part)) {
            errors.invalid(at, text, format!("must not contain '{part}'"));
        }
        for end in BAD_PATH_ENDS.iter().filter(|end| text.ends_with(**end)) {
            errors.invalid(at, text, format!("cannot end with '{end}'"));
        }
    }
    validate_backend(&entry["backend"], &path.child("backend"), errors);
}

// Models pkg/apis/networking/validation/validation.go validateIngressBackend
fn validate_backend(backend: &Value, path: &Path, errors: &mut Errors) {
    let (service, resource) = (&backend["service"], &backend["resource"]);
    match (service.is_null(), resource.is_null()) {
        (true, true) => return errors.invalid(path, "", "resource or service backend is required"),
        (false, false) => return errors.invalid(path, "", "cannot set both resource and service backends"),
        (true, false) => return validate_reference(resource, &path.child("resource"), errors),
        (false, true) => {}
    }
    let at = path.child("service");
    if service["name"].str().is_empty() {
        errors.required(at.child("name"), "");
    } else {
        errors.check_text(&at.child("name"), service["name"].str(), names::dns1123_label);
    }
    let (name, number) = (service["port"]["name"].str(), service["port"]["number"].int());
    let port = at.child("port");
    match (name.is_empty(), number) {
        (true, 0) => errors.required(path, "port name or number is required"),
        (false, 0) => errors.check_text(&port.child("name"), name, names::port_name),
        (true, number) => {
            errors.invalid_all(&port.child("number"), &Value::Int(number), names::port_number(number));
        }
        (false, _) => errors.invalid(path, "", "cannot set both port name & port number"),
    }
}

/// Checks a reference to an object of any group.
// Models pkg/apis/networking/validation/validation.go validateIngressTypedLocalObjectReference
fn validate_reference(reference: &Value, path: &Path, errors: &mut Errors) {
    if let Some(group) = reference["apiGroup"].as_str() {
        errors.check_text(&path.child("apiGroup"), group, names::dns1123_subdomain);
    }
    for field in ["kind", "name"] {
        errors.check_segment(&path.child(field), &reference[field]);
    }
}

/// Checks an IngressClass.
// Models pkg/apis/networking/validation/validation.go ValidateIngressClass
pub(crate) fn validate_ingress_class(class: &Value, errors: &mut Errors) {
    meta::validate(class, false, names::dns1123_subdomain, errors);
    let (spec, path) = (&class["spec"], Path::new("spec"));
    let controller = spec["controller"].str();
    if controller.is_empty() {
        errors.required(path.child("controller"), "");
    } else {
        if controller.len() > 250 {
            errors.too_long(path.child("controller"), 250);
        }
        errors.check_text(&path.child("controller"), controller, names::domain_prefixed_path);
    }
    let (parameters, path) = (&spec["parameters"], path.child("parameters"));
    if parameters.is_null() {
        return;
    }
    validate_reference(parameters, &path, errors);
    let namespace = &parameters["namespace"];
    match parameters["scope"].str() {
        "Namespace" => match namespace.as_str() {
            None => errors.required(path.child("namespace"), "`parameters.scope` is set to 'Namespace'"),
            Some(name) => errors.check_text(&path.child("namespace"), name, names::dns1123_label),
        },
        "Cluster" if !namespace.is_null() => {
            errors.forbidden(path.child("namespace"), "`parameters.scope` is set to 'Cluster'");
        }
        "Cluster" => {}
        scope => errors.not_supported(path.child("scope"), scope, &["Cluster", "Namespace"]),
    }
}

/// Checks a changed IngressClass.
// Models pkg/apis/networking/validation/validation.go ValidateIngressClassUpdate
pub(crate) fn validate_ingress_class_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    let spec = Path::new("spec");
    errors.check_immutable(&spec.child("controller"), &new["spec"]["controller"], &old["spec"]["controller"]);
    validate_ingress_class(new, errors);
}

/// Checks a NetworkPolicy.
// Models pkg/apis/networking/validation/validation.go ValidateNetworkPolicy
pub(crate) fn validate_network_policy(policy: &Value, errors: &mut Errors) {
    meta::validate(policy, true, names::dns1123_subdomain, errors);
    validate_network_policy_spec(&policy["spec"], errors);
}

/// Checks a changed NetworkPolicy.
// Models pkg/apis/networking/validation/validation.go ValidateNetworkPolicyUpdate
pub(crate) fn validate_network_policy_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_network_policy_spec(&new["spec"], errors);
}

// Models pkg/apis/networking/validation/validation.go ValidateNetworkPolicySpec
fn validate_network_policy_spec(spec: &Value, errors: &mut Errors) {
    const TYPES: [&str; 2] = ["Ingress", "Egress"];
    let path = Path::new("spec");
    meta::validate_label_selector(&spec["podSelector"], &path.child("podSelector"), errors);
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        let list = path.child(direction);
        for (i, rule) in spec[direction].items().iter().enumerate() {
            let path = list.index(i);
            let list = path.child("ports");
            for (j, port) in rule["ports"].items().iter().enumerate() {
                validate_policy_port(port, &list.index(j), errors);
            }
            let list = path.child(peers);
            for (j, peer) in rule[peers].items().iter().enumerate() {
                validate_policy_peer(peer, &list.index(j), errors);
            }
        }
    }
    let list = path.child("policyTypes");
    let types = spec["policyTypes"].items();
    if types.len() > TYPES.len() {
        return errors.invalid(list, types, "may not specify more than two policyTypes");
    }
    for (i, kind) in types.iter().enumerate().filter(|(_, kind)| !TYPES.contains(&kind.str())) {
        errors.not_supported(list.index(i), kind, &TYPES);
    }
}

// Models pkg/apis/networking/validation/validation.go ValidateNetworkPolicyPort
fn validate_policy_port(port: &Value, path: &Path, errors: &mut Errors) {
    const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
    if let Some(protocol) = port["protocol"].as_str().filter(|protocol| !PROTOCOLS.contains(protocol)) {
        errors.not_supported(path.child("protocol"), protocol, &PROTOCOLS);
    }
    let (first, last) = (&port["port"], &port["endPort"]);
    let at = path.child("endPort");
    if let Some(number) = first.as_int() {
        errors.invalid_all(&path.child("port"), first, names::port_number(number));
        if let Some(end) = last.as_int() {
            if end < number {
                errors.invalid(at, last, "must be greater than or equal to `port`");
            }
            errors.invalid_all(&at, last, names::port_number(end));
        }
    } else if let Some(name) = first.as_str() {
        if !last.is_null() {
            errors.invalid(at, last, "may not be specified when `port` is non-numeric");
        }
        errors.check_text(&path.child("port"), name, names::port_name);
    } else if !last.is_null() {
        errors.invalid(at, last, "may not be specified when `port` is not specified");
    }
}

// Models pkg/apis/networking/validation/validation.go ValidateNetworkPolicyPeer
fn validate_policy_peer(peer: &Value, path: &Path, errors: &mut Errors) {
    let mut selectors = 0;
    for field in ["podSelector", "namespaceSelector"] {
        if !peer[field].is_null() {
            selectors += 1;
            meta::validate_label_selector(&peer[field], &path.child(field), errors);
        }
    }
    let block = &peer["ipBlock"];
    match (selectors, block.is_null()) {
        (0, true) => errors.required(path, "must specify a peer"),
        (_, true) => {}
        (selectors, false) => {
            validate_ip_block(block, &path.child("ipBlock"), errors);
            if selectors > 0 {
                errors.forbidden(path, "may not specify both ipBlock and another peer");
            }
        }
    }
}

// Models pkg/apis/networking/validation/validation.go ValidateIPBlock
fn validate_ip_block(block: &Value, path: &Path, errors: &mut Errors) {
    let cidr = block["cidr"].str();
    if cidr.is_empty() {
        return errors.required(path.child("cidr"), "");
    }
    errors.check_text(&path.child("cidr"), cidr, names::cidr);
    let Some(whole) = range(cidr) else {
        return;
    };
    let list = path.child("except");
    for (i, except) in block["except"].items().iter().enumerate() {
        let at = list.index(i);
        errors.check_text(&at, except.str(), names::cidr);
        if range(except.str()).is_some_and(|part| !is_strictly_within(part, whole)) {
            errors.invalid(at, except, "must be a strict subset of `cidr`");
        }
    }
}

/// Returns a range's first address as bits, its length, and how many bits an address has.
fn range(cidr: &str) -> Option<(u128, u32, u32)> {
    let (address, length) = cidr.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    let (bits, width) = match address.parse().ok()? {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    (length <= width).then_some((bits, length, width))
}

fn is_strictly_within(part: (u128, u32, u32), whole: (u128, u32, u32)) -> bool {
    let network = |bits: u128| bits.checked_shr(whole.2 - whole.1).unwrap_or(0);
    part.2 == whole.2 && part.1 > whole.1 && network(part.0) == network(whole.0)
}

/// Checks an IPAddress.
// Models pkg/apis/networking/validation/validation.go ValidateIPAddress
pub(crate) fn validate_ip_address(address: &Value, errors: &mut Errors) {
    meta::validate(address, false, names::ip, errors);
    let (parent, path) = (&address["spec"]["parentRef"], Path::new("spec"));
    let path = path.child("parentRef");
    if parent.is_null() {
        return errors.required(path, "");
    }
    if !parent["group"].str().is_empty() {
        errors.check_text(&path.child("group"), parent["group"].str(), names::dns1123_subdomain);
    }
    for field in ["resource", "name"] {
        errors.check_segment(&path.child(field), &parent[field]);
    }
    errors.check_text(&path.child("namespace"), parent["namespace"].str(), names::path_segment);
}

/// Checks a changed IPAddress.
// Models pkg/apis/networking/validation/validation.go ValidateIPAddressUpdate
pub(crate) fn validate_ip_address_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    let spec = Path::new("spec");
    errors.check_immutable(&spec.child("parentRef"), &new["spec"]["parentRef"], &old["spec"]["parentRef"]);
}

/// Checks a ServiceCIDR.
// Models pkg/apis/networking/validation/validation.go ValidateServiceCIDR
pub(crate) fn validate_service_cidr(cidr: &Value, errors: &mut Errors) {
    meta::validate(cidr, false, names::dns1123_subdomain, errors);
    validate_service_cidrs(&cidr["spec"], errors);
}

fn validate_service_cidrs(spec: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    let list = path.child("cidrs");
    let cidrs = spec["cidrs"].items();
    if cidrs.is_empty() {
        return errors.required(list, "at least one CIDR required");
    }
    if cidrs.len() > 2 {
        return errors.invalid(list, spec, "may only hold up to 2 values");
    }
    for (i, cidr) in cidrs.iter().enumerate() {
        errors.check_text(&list.index(i), cidr.str(), names::cidr);
    }
    let families: Vec<u32> =
        cidrs.iter().filter_map(|cidr| range(cidr.str())).map(|(_, _, width)| width).collect();
    if families.len() == 2 && families.first() == families.last() {
        let message =
            "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
        errors.invalid(list, cidrs, message);
    }
}

/// Checks a changed ServiceCIDR.
// Models pkg/apis/networking/validation/validation.go ValidateServiceCIDRUpdate
pub(crate) fn validate_service_cidr_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    let (now, before) = (new["spec"]["cidrs"].items(), old["spec"]["cidrs"].items());
    let path = Path::new("spec");
    let list = path.child("cidrs");
    match (before.len(), now.len()) {
        (1, 2) => {
            if now.first() != before.first() {
                errors.invalid(list.index(0), &now[0], "field is immutable");
            }
            validate_service_cidrs(&new["spec"], errors);
        }
        (before_count, count) if before_count == count => {
            for (i, cidr) in now.iter().enumerate().filter(|(i, cidr)| before.get(*i) != Some(cidr)) {
                errors.invalid(list.index(i), cidr, "field is immutable");
            }
        }
        _ => errors.invalid(list, now, "field is immutable"),
    }
}
