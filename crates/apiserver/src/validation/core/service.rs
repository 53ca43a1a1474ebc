//! Services.
// Models pkg/apis/core/validation/validation.go

use super::probe::validate_port;
use crate::validation::path::{Errors, Path};
use crate::validation::{meta, names, semantic_equal};
use api::{Value, tree};

const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const POLICIES: [&str; 2] = ["Cluster", "Local"];
const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];
const FAMILY_POLICIES: [&str; 3] = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const DISTRIBUTIONS: [&str; 3] = ["PreferClose", "PreferSameNode", "PreferSameZone"];

/// Returns whether a Service has no address of its own by intent.
pub(crate) fn is_headless(spec: &Value) -> bool {
    spec["clusterIPs"].items().len() == 1 && spec["clusterIPs"][0].str() == "None"
}

/// Returns whether a Service can be reached from outside.
// Models pkg/api/service/util.go ExternallyAccessible
pub(crate) fn is_externally_accessible(spec: &Value) -> bool {
    match spec["type"].str() {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !spec["externalIPs"].items().is_empty(),
        _ => false,
    }
}

/// Returns whether a Service needs a port for its load balancer's health checks.
// Models pkg/api/service/util.go NeedsHealthCheck
pub(crate) fn needs_health_check(spec: &Value) -> bool {
    spec["type"].str() == "LoadBalancer" && spec["externalTrafficPolicy"].str() == "Local"
}

/// Checks a Service.
// Models pkg/apis/core/validation/validation.go ValidateService
pub(crate) fn validate(service: &Value, errors: &mut Errors) {
    meta::validate(service, true, names::dns1123_label, errors);
    let (spec, path) = (&service["spec"], Path::new("spec"));
    let kind = spec["type"].str();
    let ports = spec["ports"].items();
    if ports.is_empty() && !is_headless(spec) && kind != "ExternalName" {
        errors.required(path.child("ports"), "");
    }
    validate_by_type(spec, kind, &path, errors);
    let mut seen: Vec<&str> = Vec::new();
    for (i, port) in ports.iter().enumerate() {
        validate_service_port(port, ports.len() > 1, &mut seen, &path.child("ports").index(i), errors);
    }
    meta::validate_labels(&spec["selector"], &path.child("selector"), errors);
    validate_affinity(spec, &path, errors);
    if kind != "ExternalName" {
        validate_cluster_ips(spec, &path, errors);
    }
    let ips = path.child("externalIPs");
    for (i, ip) in spec["externalIPs"].items().iter().enumerate() {
        let path = ips.index(i);
        let before = errors.0.len();
        errors.check_text(&path, ip.str(), names::ip);
        if errors.0.len() == before {
            validate_non_special_ip(ip.str(), &path, errors);
        }
    }
    errors.check_enum(&path.child("type"), &spec["type"], &TYPES);
    validate_port_uniqueness(spec, kind, &path, errors);
    validate_load_balancer(spec, kind, &path, errors);
    validate_traffic(spec, kind, &path, errors);
}

fn validate_by_type(spec: &Value, kind: &str, path: &Path, errors: &mut Errors) {
    match kind {
        "LoadBalancer" | "NodePort" if is_headless(spec) => {
            let message = format!("may not be set to 'None' for {kind} services");
            errors.invalid(path.child("clusterIPs").index(0), "None", message);
        }
        "ExternalName" => {
            for (field, set) in [
                ("clusterIPs", !spec["clusterIPs"].items().is_empty()),
                ("ipFamilies", !spec["ipFamilies"].items().is_empty()),
                ("ipFamilyPolicy", !spec["ipFamilyPolicy"].is_null()),
            ] {
                if set {
                    errors.forbidden(path.child(field), "may not be set for ExternalName services");
                }
            }
            let name = spec["externalName"].str();
            let name = name.strip_suffix('.').unwrap_or(name);
            if name.is_empty() {
                errors.required(path.child("externalName"), "");
            } else {
                errors.check_text(&path.child("externalName"), name, names::dns1123_subdomain);
            }
        }
        _ => {}
    }
}

// Models pkg/apis/core/validation/validation.go validateServicePort
fn validate_service_port<'a>(
    port: &'a Value,
    needs_name: bool,
    seen: &mut Vec<&'a str>,
    path: &Path,
    errors: &mut Errors,
) {
    let name = port["name"].str();
    if name.is_empty() {
        if needs_name {
            errors.required(path.child("name"), "");
        }
    } else {
        errors.check_text(&path.child("name"), name, names::dns1123_label);
        if seen.contains(&name) {
            errors.duplicate(path.child("name"), name);
        } else {
            seen.push(name);
        }
    }
    let number = port["port"].int();
    errors.invalid_all(&path.child("port"), &Value::Int(number), names::port_number(number));
    errors.check_enum(&path.child("protocol"), &port["protocol"], &PROTOCOLS);
    validate_port(&port["targetPort"], &path.child("targetPort"), errors);
    if let Some(protocol) = port["appProtocol"].as_str() {
        errors.check_text(&path.child("appProtocol"), protocol, names::qualified_name);
    }
}

fn validate_affinity(spec: &Value, path: &Path, errors: &mut Errors) {
    errors.check_enum(&path.child("sessionAffinity"), &spec["sessionAffinity"], &["ClientIP", "None"]);
    let (config, path) = (&spec["sessionAffinityConfig"], path.child("sessionAffinityConfig"));
    match spec["sessionAffinity"].str() {
        "ClientIP" => {
            const WHEN: &str = "when session affinity type is ClientIP";
            let timeout = &config["clientIP"]["timeoutSeconds"];
            let client = path.child("clientIP");
            if config.is_null() {
                errors.required(path, WHEN);
            } else if config["clientIP"].is_null() {
                errors.required(client, WHEN);
            } else if timeout.is_null() {
                errors.required(client.child("timeoutSeconds"), WHEN);
            } else if !(1..=86_400).contains(&timeout.int()) {
                let message = "must be greater than 0 and less than 86400";
                errors.invalid(client.child("timeoutSeconds"), timeout, message);
            }
        }
        "None" if !config.is_null() => {
            errors.forbidden(path, "must not be set when session affinity is None");
        }
        _ => {}
    }
}

// Models pkg/apis/core/validation/validation.go ValidateServiceClusterIPsRelatedFields
fn validate_cluster_ips(spec: &Value, path: &Path, errors: &mut Errors) {
    let (ip, ips) = (spec["clusterIP"].str(), &spec["clusterIPs"]);
    let (ips_path, families_path) = (path.child("clusterIPs"), path.child("ipFamilies"));
    let policy_path = path.child("ipFamilyPolicy");
    let list = ips.items();
    if ip.is_empty() {
        if !list.is_empty() {
            errors.invalid(ips_path, ips, "must be empty when `clusterIP` is not specified");
        }
    } else if list.is_empty() {
        errors.required(ips_path, "");
    } else if list[0].str() != ip {
        errors.invalid(ips_path, ips, "first value must match `clusterIP`");
    }
    let families = spec["ipFamilies"].items();
    for (i, family) in families.iter().enumerate() {
        if !FAMILIES.contains(&family.str()) {
            errors.not_supported(families_path.index(i), family, &FAMILIES);
        } else if families.iter().take(i).any(|other| other == family) {
            errors.duplicate(families_path.index(i), family);
        }
    }
    let policy = spec["ipFamilyPolicy"].str();
    if !policy.is_empty() && !FAMILY_POLICIES.contains(&policy) {
        errors.not_supported(policy_path, policy, &FAMILY_POLICIES);
    }
    let mut wrong = false;
    for (i, ip) in list.iter().enumerate() {
        if i == 0 && ip.str() == "None" {
            if list.len() > 1 {
                wrong = true;
                errors.invalid(ips_path, ips, "'None' must be the first and only value");
            }
            continue;
        }
        let before = errors.0.len();
        errors.check_text(&ips_path.index(i), ip.str(), names::ip);
        wrong |= errors.0.len() > before;
    }
    if list.len() > 2 {
        errors.invalid(ips_path, ips, "may only hold up to 2 values");
    }
    if wrong {
        return;
    }
    for (i, (ip, family)) in list.iter().zip(families).enumerate() {
        let is_v6 = ip.str().contains(':');
        if ip.str() != "None" && is_v6 != (family.str() == "IPv6") {
            let message = format!("expected an {} value as indicated by `ipFamilies[{i}]`", family.str());
            errors.invalid(ips_path.index(i), ip, message);
        }
    }
}

// Models pkg/apis/core/validation/validation.go ValidateNonSpecialIP
pub(super) fn validate_non_special_ip(ip: &str, path: &Path, errors: &mut Errors) {
    let Ok(address) = ip.parse::<std::net::IpAddr>() else {
        return;
    };
    let link_local = match address {
        std::net::IpAddr::V4(address) => address.is_link_local(),
        std::net::IpAddr::V6(address) => address.segments()[0] & 0xffc0 == 0xfe80,
    };
    if address.is_unspecified() {
        errors.invalid(path, ip, format!("may not be unspecified ({ip})"));
    }
    if address.is_loopback() {
        errors.invalid(path, ip, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    if link_local {
        errors.invalid(path, ip, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if address.is_multicast() {
        errors.invalid(path, ip, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
}

fn validate_port_uniqueness(spec: &Value, kind: &str, path: &Path, errors: &mut Errors) {
    let ports = spec["ports"].items();
    let list = path.child("ports");
    if kind == "ClusterIP" {
        for (i, port) in ports.iter().enumerate() {
            if port["nodePort"].int() != 0 {
                let message = "may not be used when `type` is 'ClusterIP'";
                errors.forbidden(list.index(i).child("nodePort"), message);
            }
        }
    }
    let taken = |i: usize, field: &str| {
        let port = &ports[i];
        ports.iter().take(i).any(|other| other[field] == port[field] && other["protocol"] == port["protocol"])
    };
    for (i, port) in ports.iter().enumerate() {
        if port["nodePort"].int() != 0 && taken(i, "nodePort") {
            errors.duplicate(list.index(i).child("nodePort"), &port["nodePort"]);
        }
    }
    for (i, port) in ports.iter().enumerate() {
        if taken(i, "port") {
            // What is compared is shown with the names of upstream's own fields.
            let key = tree!({
                "Name": "", "Protocol": (&port["protocol"]), "AppProtocol": null, "Port": (&port["port"]),
                "TargetPort": 0, "NodePort": 0,
            });
            errors.duplicate(list.index(i), key);
        }
    }
}

fn validate_load_balancer(spec: &Value, kind: &str, path: &Path, errors: &mut Errors) {
    const ONLY: &str = "may only be used when `type` is 'LoadBalancer'";
    let ranges = spec["loadBalancerSourceRanges"].items();
    if !ranges.is_empty() {
        let path = path.child("LoadBalancerSourceRanges");
        if kind != "LoadBalancer" {
            errors.forbidden(path, ONLY);
        }
        for (i, range) in ranges.iter().enumerate() {
            errors.check_text(&path.index(i), range.str().trim(), names::cidr);
        }
    }
    if !spec["allocateLoadBalancerNodePorts"].is_null() && kind != "LoadBalancer" {
        errors.forbidden(path.child("allocateLoadBalancerNodePorts"), ONLY);
    }
    let class = &spec["loadBalancerClass"];
    if !class.is_null() {
        if kind == "LoadBalancer" {
            errors.check_text(&path.child("loadBalancerClass"), class.str(), names::qualified_name);
        } else {
            errors.forbidden(path.child("loadBalancerClass"), ONLY);
        }
    }
}

fn validate_traffic(spec: &Value, kind: &str, path: &Path, errors: &mut Errors) {
    let (policy, at) = (&spec["externalTrafficPolicy"], path.child("externalTrafficPolicy"));
    if is_externally_accessible(spec) {
        errors.check_enum(&at, policy, &POLICIES);
    } else if !policy.str().is_empty() {
        errors.invalid(at, policy, "may only be set for externally-accessible services");
    }
    let (port, at) = (spec["healthCheckNodePort"].int(), path.child("healthCheckNodePort"));
    if !needs_health_check(spec) {
        if port != 0 {
            let message =
                "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
            errors.invalid(at, port, message);
        }
    } else if port == 0 {
        errors.required(at, "");
    } else {
        errors.invalid_all(&at, &Value::Int(port), names::port_number(port));
    }
    let (policy, at) = (&spec["internalTrafficPolicy"], path.child("internalTrafficPolicy"));
    if policy.is_null() {
        if ["NodePort", "LoadBalancer", "ClusterIP"].contains(&kind) {
            errors.required(at, "");
        }
    } else if !POLICIES.contains(&policy.str()) {
        errors.not_supported(at, policy, &POLICIES);
    }
    let distribution = &spec["trafficDistribution"];
    if !distribution.is_null() && !DISTRIBUTIONS.contains(&distribution.str()) {
        errors.not_supported(path.child("trafficDistribution"), distribution, &DISTRIBUTIONS);
    }
}

/// Checks a changed Service.
// Models pkg/apis/core/validation/validation.go ValidateServiceUpdate
pub(crate) fn validate_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    let (path, spec, before) = (Path::new("spec"), &new["spec"], &old["spec"]);
    let external = |spec: &Value| spec["type"].str() == "ExternalName";
    if !external(spec) && !external(before) {
        let (ips, was) = (spec["clusterIPs"].items(), before["clusterIPs"].items());
        if let (Some(ip), Some(was)) = (ips.first(), was.first())
            && ip != was
        {
            let message = "may not change once set";
            errors.invalid(path.child("clusterIPs").index(0), &spec["clusterIPs"], message);
        }
        if ips.is_empty() && !was.is_empty() {
            let message = "primary clusterIP can not be unset";
            errors.invalid(path.child("clusterIPs").index(0), &spec["clusterIPs"], message);
        }
        let (family, was) = (&spec["ipFamilies"][0], &before["ipFamilies"][0]);
        if !family.is_null() && !was.is_null() && family != was {
            errors.invalid(path.child("ipFamilies").index(0), &spec["ipFamilies"], "may not change once set");
        }
    }
    let class_path = path.child("loadBalancerClass");
    let balancer = |spec: &Value| spec["type"].str() == "LoadBalancer";
    if balancer(spec) && balancer(before) {
        let (class, was) = (&spec["loadBalancerClass"], &before["loadBalancerClass"]);
        if !semantic_equal(class, was) {
            errors.invalid(class_path, class, "may not change once set");
        }
    }
    if needs_health_check(spec)
        && needs_health_check(before)
        && spec["healthCheckNodePort"] != before["healthCheckNodePort"]
    {
        errors.forbidden(path.child("healthCheckNodePort"), "field is immutable");
    }
    validate(new, errors);
}

/// Checks a Service's changed status.
// Models pkg/apis/core/validation/validation.go ValidateLoadBalancerStatus
pub(crate) fn validate_status_update(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    let status = Path::new("status");
    let balancer = status.child("loadBalancer");
    let list = balancer.child("ingress");
    let ingress = new["status"]["loadBalancer"]["ingress"].items();
    if !ingress.is_empty() && new["spec"]["type"].str() != "LoadBalancer" {
        errors.forbidden(list, "may only be used when `spec.type` is \"LoadBalancer\"");
        return;
    }
    for (i, point) in ingress.iter().enumerate() {
        let path = list.index(i);
        let (ip, mode, host) = (point["ip"].str(), &point["ipMode"], point["hostname"].str());
        if !ip.is_empty() {
            errors.check_text(&path.child("ip"), ip, names::ip);
        }
        if !ip.is_empty() && mode.is_null() {
            errors.required(path.child("ipMode"), "must be specified when `ip` is set");
        } else if ip.is_empty() && !mode.is_null() {
            errors.forbidden(path.child("ipMode"), "may not be specified when `ip` is not set");
        } else if !mode.is_null() && !["Proxy", "VIP"].contains(&mode.str()) {
            errors.not_supported(path.child("ipMode"), mode, &["Proxy", "VIP"]);
        }
        if !host.is_empty() {
            errors.check_text(&path.child("hostname"), host, names::dns1123_subdomain);
            if host.parse::<std::net::IpAddr>().is_ok() {
                errors.invalid(path.child("hostname"), host, "must be a DNS name, not an IP address");
            }
        }
    }
}
