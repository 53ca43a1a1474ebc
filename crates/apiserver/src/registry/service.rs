//! Addresses and ports of Services.
// Models pkg/registry/core/service/storage/alloc.go

use crate::validation::core::service::{is_headless, needs_health_check};
use api::{FieldError, Status, Value, tree};
use sim::Chance;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Which addresses and ports are taken.
#[derive(Clone, Debug)]
pub(crate) struct Allocators {
    chance: Chance,
    first: u32,
    size: u32,
    ports: (u16, u16),
    taken_ips: BTreeSet<u32>,
    taken_ports: BTreeSet<u16>,
}

/// For whom something is drawn.
pub(crate) struct For<'a> {
    pub(crate) key: &'a str,
    pub(crate) name: &'a str,
    pub(crate) revision: i64,
}

fn needs_cluster_ip(spec: &Value) -> bool {
    matches!(spec["type"].str(), "ClusterIP" | "NodePort" | "LoadBalancer")
}

fn needs_node_port(spec: &Value) -> bool {
    match spec["type"].str() {
        "NodePort" => true,
        "LoadBalancer" => spec["allocateLoadBalancerNodePorts"].as_bool() != Some(false),
        _ => false,
    }
}

impl Allocators {
    pub(crate) fn new(chance: Chance, cidr: (Ipv4Addr, u8), ports: (u16, u16)) -> Allocators {
        let bits = u32::from(cidr.1.min(30));
        let (size, network) = (1_u32 << (32 - bits), u32::from(cidr.0));
        let first = network & !(size - 1);
        Allocators { chance, first, size, ports, taken_ips: BTreeSet::new(), taken_ports: BTreeSet::new() }
    }

    /// Returns the first address of the range, which the API server's own Service has.
    pub(crate) fn first_ip(&self) -> String {
        Ipv4Addr::from(self.first + 1).to_string()
    }

    fn take_ip(&mut self, ip: &str, of: &For) -> Result<(), Status> {
        let why = match ip.parse::<Ipv4Addr>().map(u32::from) {
            // The first and the last address of the range are nobody's.
            Ok(number) if number > self.first && number - self.first < self.size - 1 => {
                if self.taken_ips.insert(number) {
                    return Ok(());
                }
                "provided IP is already allocated"
            }
            _ => "the provided network does not match the current range",
        };
        let message = format!("failed to allocate IP {ip}: {why}");
        Err(invalid(of, vec![FieldError::invalid("spec.clusterIPs", tree!([ip]), message)]))
    }

    /// Takes a free address, of the upper part of the range as long as there is one.
    // Models pkg/registry/core/service/ipallocator/ipallocator.go AllocateNext
    fn take_next_ip(&mut self, of: &For) -> Result<String, Status> {
        let (low, high) = (self.first + 1, self.first + self.size - 2);
        let offset = (self.size / 16).clamp(16, 256).min(self.size / 2);
        let upper = (self.first + offset).max(low);
        let start =
            self.chance.between("clusterIP", of.key, draw_number(of), i64::from(upper), i64::from(high))
                as u32;
        let found =
            (start..=high).chain(upper..start).chain(low..upper).find(|ip| !self.taken_ips.contains(ip));
        let Some(ip) = found else {
            let message = "failed to allocate a serviceIP: range is full";
            return Err(Status::new(500, "InternalError", format!("Internal error occurred: {message}")));
        };
        self.taken_ips.insert(ip);
        Ok(Ipv4Addr::from(ip).to_string())
    }

    // Models pkg/registry/core/service/portallocator/allocator.go Allocate
    fn take_port(&mut self, port: i64) -> Result<u16, String> {
        let (low, high) = self.ports;
        match u16::try_from(port) {
            Ok(port) if (low..=high).contains(&port) => {
                if self.taken_ports.insert(port) {
                    Ok(port)
                } else {
                    Err("provided port is already allocated".to_string())
                }
            }
            _ => Err(format!(
                "provided port is not in the valid range. The range of valid ports is {low}-{high}"
            )),
        }
    }

    /// Takes a free port, of the upper part of the range as long as there is one.
    // Models pkg/registry/core/service/portallocator/allocator.go AllocateNext
    fn take_next_port(&mut self, of: &For, n: u64) -> Result<u16, String> {
        let (low, high) = self.ports;
        let count = u32::from(high.saturating_sub(low)) + 1;
        let offset = (count / 32).clamp(16, 128).min(count / 2) as u16;
        let upper = low + offset;
        let number = draw_number(of).wrapping_mul(64).wrapping_add(n);
        let start = self.chance.between("nodePort", of.key, number, i64::from(upper), i64::from(high)) as u16;
        let found = (start..=high)
            .chain(upper..start)
            .chain(low..upper)
            .find(|port| !self.taken_ports.contains(port));
        let port = found.ok_or_else(|| "range is full".to_string())?;
        self.taken_ports.insert(port);
        Ok(port)
    }

    /// Gives back what a Service has.
    pub(crate) fn release(&mut self, service: &Value) {
        let spec = &service["spec"];
        for ip in spec["clusterIPs"].items() {
            if let Ok(ip) = ip.str().parse::<Ipv4Addr>() {
                self.taken_ips.remove(&u32::from(ip));
            }
        }
        for port in spec["ports"].items() {
            self.release_port(port["nodePort"].int());
        }
        self.release_port(spec["healthCheckNodePort"].int());
    }

    fn release_port(&mut self, port: i64) {
        if let Ok(port) = u16::try_from(port) {
            self.taken_ports.remove(&port);
        }
    }

    /// Gives a new Service what it needs.
    ///
    /// # Errors
    /// Invalid, in upstream's words. Something may be taken then: work on a copy.
    // Models pkg/registry/core/service/storage/alloc.go allocateCreate
    pub(crate) fn allocate(&mut self, service: &mut Value, of: &For) -> Result<(), Status> {
        if service["spec"]["clusterIPs"].items().is_empty() && !service["spec"]["clusterIP"].str().is_empty()
        {
            let ip = service["spec"]["clusterIP"].clone();
            service.set(&["spec", "clusterIPs"], tree!([ip]));
        }
        init_families(service, of)?;
        self.allocate_ips(service, of)?;
        self.allocate_ports(service, of)
    }

    /// Gives a changed Service what it needs more and takes back what it needs no more.
    ///
    /// # Errors
    /// Invalid, in upstream's words. Something may be taken then: work on a copy.
    // Models pkg/registry/core/service/storage/alloc.go allocateUpdate
    pub(crate) fn reallocate(&mut self, new: &mut Value, old: &Value, of: &For) -> Result<(), Status> {
        normalise_cluster_ips(new, old);
        patch_allocated(new, old);
        self.release(old);
        self.allocate(new, of)
    }

    fn allocate_ips(&mut self, service: &mut Value, of: &For) -> Result<(), Status> {
        let spec = &service["spec"];
        if !needs_cluster_ip(spec) || is_headless(spec) {
            return Ok(());
        }
        let wanted: Vec<Value> = spec["clusterIPs"].items().to_vec();
        if wanted.iter().any(|ip| ip.str().parse::<std::net::IpAddr>().is_err()) {
            // Validation says what is wrong with it.
            return Ok(());
        }
        for ip in &wanted {
            self.take_ip(ip.str(), of)?;
        }
        if wanted.is_empty() {
            let ip = self.take_next_ip(of)?;
            service.set(&["spec", "clusterIPs"], tree!([(ip.as_str())]));
            service.set(&["spec", "clusterIP"], ip);
        }
        Ok(())
    }

    // Models pkg/registry/core/service/storage/alloc.go allocNodePorts
    fn allocate_ports(&mut self, service: &mut Value, of: &For) -> Result<(), Status> {
        if needs_node_port(&service["spec"]) {
            let ports = service["spec"]["ports"].clone();
            // One number serves several protocols of the same port.
            let mut given: Vec<(i64, i64)> = Vec::new();
            let mut errors = Vec::new();
            for (i, port) in ports.items().iter().enumerate() {
                let (number, wanted) = (port["port"].int(), port["nodePort"].int());
                let field = || format!("spec.ports[{i}].nodePort");
                let shared =
                    given.iter().find(|(port, node)| *port == number && (wanted == 0 || wanted == *node));
                let outcome = match shared {
                    Some((_, node)) => Ok(*node),
                    None if wanted != 0 => self.take_port(wanted).map(i64::from),
                    None => self.take_next_port(of, i as u64).map(i64::from),
                };
                match outcome {
                    Ok(node) => {
                        given.push((number, node));
                        if wanted == 0
                            && let Some(port) = service.at_mut(&["spec", "ports"]).list_mut().get_mut(i)
                        {
                            port.set(&["nodePort"], node);
                        }
                    }
                    Err(why) => errors.push(FieldError::invalid(field(), wanted, why)),
                }
            }
            if !errors.is_empty() {
                return Err(invalid(of, errors));
            }
        } else {
            // Ports that were asked for though the type has none are for validation to refuse.
        }
        self.allocate_health_check(service, of)
    }

    fn allocate_health_check(&mut self, service: &mut Value, of: &For) -> Result<(), Status> {
        if !needs_health_check(&service["spec"]) {
            return Ok(());
        }
        let wanted = service["spec"]["healthCheckNodePort"].int();
        let outcome = if wanted == 0 { self.take_next_port(of, 63) } else { self.take_port(wanted) };
        match outcome {
            Ok(port) => {
                service.set(&["spec", "healthCheckNodePort"], i64::from(port));
                Ok(())
            }
            Err(why) => {
                let message = format!(
                    "Internal error occurred: failed to allocate requested HealthCheck NodePort {wanted}: {why}"
                );
                Err(Status::new(500, "InternalError", message))
            }
        }
    }
}

fn draw_number(of: &For) -> u64 {
    of.revision.unsigned_abs()
}

fn invalid(of: &For, errors: Vec<FieldError>) -> Status {
    Status::invalid("Service", of.name, &errors)
}

// Models pkg/registry/core/service/storage/alloc.go initIPFamilyFields
fn init_families(service: &mut Value, of: &For) -> Result<(), Status> {
    const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];
    let spec = &service["spec"];
    if spec["type"].str() == "ExternalName" {
        return Ok(());
    }
    let (policy, families) = (spec["ipFamilyPolicy"].str().to_string(), spec["ipFamilies"].clone());
    if policy == "RequireDualStack" && !(is_headless(spec) && spec["selector"].is_empty()) {
        let message = "this cluster is not configured for dual-stack services";
        return Err(invalid(of, vec![FieldError::invalid("spec.ipFamilyPolicy", policy, message)]));
    }
    for (i, family) in families.items().iter().enumerate() {
        let headless = is_headless(spec) && spec["selector"].is_empty();
        if family.str() == "IPv6" && !headless {
            let field = format!("spec.ipFamilies[{i}]");
            return Err(invalid(
                of,
                vec![FieldError::invalid(field, family, "not configured on this cluster")],
            ));
        }
    }
    // Whoever makes the endpoints of a headless Service without selector may use both families.
    let free = is_headless(spec) && spec["selector"].is_empty();
    if policy.is_empty() {
        let policy = if free || families.items().len() == 2 { "RequireDualStack" } else { "SingleStack" };
        service.set(&["spec", "ipFamilyPolicy"], policy);
    }
    if free && service["spec"]["ipFamilyPolicy"].str() != "SingleStack" && families.items().len() < 2 {
        let first = if families.items().is_empty() { "IPv4" } else { families[0].str() };
        let second = FAMILIES.into_iter().find(|family| *family != first).unwrap_or("IPv6");
        service.set(&["spec", "ipFamilies"], tree!([first, second]));
    } else if families.items().is_empty() {
        service.set(&["spec", "ipFamilies"], tree!(["IPv4"]));
    }
    Ok(())
}

// Models pkg/registry/core/service/storage/storage.go normalizeClusterIPs
fn normalise_cluster_ips(new: &mut Value, old: &Value) {
    let (ip, ips) = (new["spec"]["clusterIP"].clone(), new["spec"]["clusterIPs"].clone());
    let (old_ip, old_ips) = (&old["spec"]["clusterIP"], &old["spec"]["clusterIPs"]);
    let (same_ip, same_ips) = (ip.str() == old_ip.str(), ips.items() == old_ips.items());
    if !same_ip && same_ips {
        if ip.str().is_empty() {
            new.remove(&["spec", "clusterIPs"]);
        } else if let Some(first) = new.at_mut(&["spec", "clusterIPs"]).list_mut().first_mut() {
            *first = ip;
        } else {
            new.set(&["spec", "clusterIPs"], tree!([ip]));
        }
    } else if same_ip && !same_ips && ips.items().is_empty() {
        new.remove(&["spec", "clusterIP"]);
    }
}

/// Keeps what the old Service was given where the new one says nothing.
// Models pkg/registry/core/service/storage/storage.go patchAllocatedValues
fn patch_allocated(new: &mut Value, old: &Value) {
    let (after, before) = (new["spec"].clone(), &old["spec"]);
    if needs_cluster_ip(before) && needs_cluster_ip(&after) {
        for field in ["clusterIP", "clusterIPs"] {
            if after[field].is_empty() && !before[field].is_empty() && after["clusterIP"].str().is_empty() {
                new.set(&["spec", field], &before[field]);
            }
        }
    }
    if needs_node_port(before) && needs_node_port(&after) {
        let has =
            |spec: &Value, node: i64| spec["ports"].items().iter().any(|port| port["nodePort"].int() == node);
        let mut given: Vec<i64> = Vec::new();
        for (i, port) in after["ports"].items().iter().enumerate() {
            let same = before["ports"].items().iter().find(|old| old["name"].str() == port["name"].str());
            let node = same.map_or(0, |old| old["nodePort"].int());
            if port["nodePort"].int() == 0 && node != 0 && !has(&after, node) && !given.contains(&node) {
                given.push(node);
                if let Some(port) = new.at_mut(&["spec", "ports"]).list_mut().get_mut(i) {
                    port.set(&["nodePort"], node);
                }
            }
        }
    }
    if needs_health_check(before) && needs_health_check(&after) && after["healthCheckNodePort"].int() == 0 {
        new.set(&["spec", "healthCheckNodePort"], &before["healthCheckNodePort"]);
    }
}

/// Drops what a Service's new type has no use for, where the user left it as it was.
// Models pkg/registry/core/service/strategy.go dropTypeDependentFields
pub(crate) fn prepare_update(new: &mut Value, old: &Value) {
    let (after, before) = (new["spec"].clone(), &old["spec"]);
    let same = |field: &str| after[field] == before[field];
    let mut drop = |field: &str| drop(new.remove(&["spec", field]));
    if needs_cluster_ip(before) && !needs_cluster_ip(&after) {
        if same("clusterIP") && same("clusterIPs") {
            drop("clusterIP");
            drop("clusterIPs");
        }
        for field in ["ipFamilies", "ipFamilyPolicy"] {
            if same(field) {
                drop(field);
            }
        }
    }
    if needs_health_check(before) && !needs_health_check(&after) && same("healthCheckNodePort") {
        drop("healthCheckNodePort");
    }
    let balancer = |spec: &Value| spec["type"].str() == "LoadBalancer";
    if balancer(before) && !balancer(&after) {
        for field in ["allocateLoadBalancerNodePorts", "loadBalancerClass"] {
            if same(field) {
                drop(field);
            }
        }
    }
    let external = crate::validation::core::service::is_externally_accessible;
    if external(before) && !external(&after) && same("externalTrafficPolicy") {
        drop("externalTrafficPolicy");
    }
    if balancer(before) && !balancer(&after) {
        new.set(&["status"], tree!({"loadBalancer": {}}));
    }
    let node_ports = |spec: &Value| -> Vec<i64> {
        spec["ports"].items().iter().map(|port| port["nodePort"].int()).collect()
    };
    if needs_node_port(before) && !needs_node_port(&after) && node_ports(&after) == node_ports(before) {
        for port in new.at_mut(&["spec", "ports"]).list_mut() {
            port.remove(&["nodePort"]);
        }
    }
}
