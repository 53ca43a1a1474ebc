//! What kube-proxy keeps of a Service: one row for each of its ports.

use crate::chains::ServiceChains;
use api::{Value, meta};
use network::{Cidr, Protocol};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How long `sessionAffinity: ClientIP` holds where the Service doesn't say.
const STICKY_SECONDS: i64 = 10_800;

/// A Service's port: by this its endpoints are found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServicePortName {
    /// The Service: `namespace/name`.
    pub service: Rc<str>,
    /// The port's name; empty for a Service with one port.
    pub port: Rc<str>,
    /// The protocol.
    pub protocol: Protocol,
}

impl ServicePortName {
    /// Returns `namespace/name:port`, as the rules' comments have it.
    // Models pkg/proxy/types.go ServicePortName.String
    pub fn text(&self) -> String {
        if self.port.is_empty() {
            self.service.to_string()
        } else {
            format!("{}:{}", self.service, self.port)
        }
    }
}

/// One port of a Service.
// Models pkg/proxy/serviceport.go BaseServicePortInfo
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServicePort {
    /// `namespace/name:port`.
    pub name: Rc<str>,
    /// The protocol.
    pub protocol: Protocol,
    /// The cluster IP.
    pub cluster_ip: Ipv4Addr,
    /// The port.
    pub port: u16,
    /// The node port; 0 for none.
    pub node_port: u16,
    /// `externalIPs`.
    pub external_ips: Vec<Ipv4Addr>,
    /// The load balancer's addresses that packets keep as their destination.
    pub load_balancer_ips: Vec<Ipv4Addr>,
    /// `loadBalancerSourceRanges`.
    pub source_ranges: Vec<Cidr>,
    /// How long a client stays with its endpoint, in seconds; 0 where it doesn't.
    pub sticky_seconds: i64,
    /// Whether traffic from outside goes to the node's own endpoints only.
    pub is_external_local: bool,
    /// Whether traffic from inside goes to the node's own endpoints only.
    pub is_internal_local: bool,
    /// The port at which load balancers ask whether the node has endpoints; 0 for none.
    pub health_check_node_port: u16,
    pub(crate) chains: ServiceChains,
}

impl ServicePort {
    /// Returns whether it can be reached from outside the cluster.
    pub fn is_externally_accessible(&self) -> bool {
        self.node_port != 0 || !self.load_balancer_ips.is_empty() || !self.external_ips.is_empty()
    }

    /// Returns whether `loadBalancerSourceRanges` keep somebody away from its load balancer's addresses.
    pub(crate) fn is_fenced(&self) -> bool {
        !self.load_balancer_ips.is_empty() && !self.source_ranges.is_empty()
    }

    /// Returns whether endpoints on all nodes are used. Even where outside traffic keeps to its node,
    /// traffic from inside to the outside address doesn't.
    pub fn uses_cluster_endpoints(&self) -> bool {
        !self.is_internal_local || self.is_externally_accessible()
    }

    /// Returns whether the node's own endpoints are used apart.
    pub fn uses_local_endpoints(&self) -> bool {
        self.is_internal_local || (self.is_external_local && self.is_externally_accessible())
    }
}

/// All ports of all Services.
pub type ServiceMap = BTreeMap<ServicePortName, ServicePort>;

fn addresses<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Ipv4Addr> {
    texts.filter_map(|text| text.parse().ok()).collect()
}

/// Returns the ports of a Service; none for one that kube-proxy doesn't serve: headless, ExternalName,
/// or served by another proxy.
// Models pkg/proxy/serviceport.go newBaseServiceInfo
pub fn ports_of(service: &Value) -> Vec<(ServicePortName, ServicePort)> {
    let spec = &service["spec"];
    let is_other = !meta::labels(service)["service.kubernetes.io/service-proxy-name"].is_null();
    let Ok(cluster_ip) = spec["clusterIP"].str().parse::<Ipv4Addr>() else { return Vec::new() };
    if is_other || spec["type"].str() == "ExternalName" {
        return Vec::new();
    }
    spec["ports"].items().iter().filter_map(|port| one_port(service, cluster_ip, port)).collect()
}

fn one_port(service: &Value, cluster_ip: Ipv4Addr, port: &Value) -> Option<(ServicePortName, ServicePort)> {
    let spec = &service["spec"];
    let number = |value: &Value| u16::try_from(value.int()).unwrap_or(0);
    let protocol = match port["protocol"].str() {
        "" => Protocol::Tcp,
        name => Protocol::parse(name)?,
    };
    let name = ServicePortName { service: meta::key(service), port: port["name"].text(), protocol };
    let text = name.text();
    let external_ips = addresses(spec["externalIPs"].items().iter().map(Value::str));
    let ingress = service["status"]["loadBalancer"]["ingress"].items().iter();
    let is_load_balancer = spec["type"].str() == "LoadBalancer";
    let is_open = matches!(spec["type"].str(), "NodePort" | "LoadBalancer") || !external_ips.is_empty();
    let is_external_local = is_open && spec["externalTrafficPolicy"].str() == "Local";
    let ranges = spec["loadBalancerSourceRanges"].items().iter();
    let sticky = match spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].int() {
        0 => STICKY_SECONDS,
        seconds => seconds,
    };
    let health = if is_load_balancer && is_external_local { number(&spec["healthCheckNodePort"]) } else { 0 };
    let info = ServicePort {
        protocol,
        cluster_ip,
        port: number(&port["port"]),
        node_port: number(&port["nodePort"]),
        load_balancer_ips: addresses(
            ingress.filter(|one| matches!(one["ipMode"].str(), "" | "VIP")).map(|one| one["ip"].str()),
        ),
        source_ranges: ranges.filter_map(|range| Cidr::parse(range.str().trim())).collect(),
        sticky_seconds: if spec["sessionAffinity"].str() == "ClientIP" { sticky } else { 0 },
        is_external_local,
        is_internal_local: spec["internalTrafficPolicy"].str() == "Local",
        health_check_node_port: health,
        chains: ServiceChains::new(&text, protocol.name()),
        name: text.into(),
        external_ips,
    };
    Some((name, info))
}
