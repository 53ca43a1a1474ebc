use crate::pod;
use crate::service_pods::{Terminating, find_port, hostname, is_headless, is_published};
use api::{Map, Value, meta, tree};
use client::Informer;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{CONTROLLER_NAME, MANAGED_BY, SERVICE_NAME};

const HEADLESS: &str = "service.kubernetes.io/headless";

/// What tells an endpoint from others: its address and its pod's uid.
pub(super) type EndpointKey = (Rc<str>, Rc<str>);

/// The endpoints that are still to be put into slices.
pub(super) type EndpointSet = BTreeMap<EndpointKey, Value>;

/// What a service publishes of a pod in one family of addresses.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) family: Rc<str>,
    pub(super) node: Rc<str>,
    pub(super) key: EndpointKey,
    pub(super) ports: Value,
    /// The ports as a text, by which endpoints are put together.
    pub(super) ports_key: Rc<str>,
    pub(super) endpoint: Value,
}

/// Returns the families of a service's addresses.
pub(super) fn families(service: &Value) -> Vec<&str> {
    match service["spec"]["ipFamilies"].items() {
        [] => vec!["IPv4"],
        families => families.iter().map(Value::str).collect(),
    }
}

/// Returns what a service publishes of a pod; `None` for nothing.
pub(super) fn members(service: &Value, pod: &Value) -> Option<Vec<Member>> {
    if !is_published(pod, Terminating::Include) {
        return None;
    }
    let ports = endpoint_ports(service, pod);
    let ports_key: Rc<str> = ports_key(&ports).into();
    let ports: Value = ports.into();
    let of_family = |family: &&str| {
        let endpoint = pod_to_endpoint(pod, service, family)?;
        Some(Member {
            family: (*family).into(),
            node: pod["spec"]["nodeName"].text(),
            key: endpoint_key(&endpoint),
            ports: ports.clone(),
            ports_key: ports_key.clone(),
            endpoint,
        })
    };
    Some(families(service).iter().filter_map(of_family).collect())
}

/// Returns a text that is the same for the same ports in any order.
pub(super) fn ports_key(ports: &[Value]) -> String {
    let mut texts: Vec<String> = ports.iter().map(Value::to_json).collect();
    texts.sort();
    texts.join(",")
}

/// Returns what tells an endpoint from others.
pub(super) fn endpoint_key(endpoint: &Value) -> EndpointKey {
    (endpoint["addresses"][0].text(), endpoint["targetRef"]["uid"].text())
}

/// Makes the endpoint of a pod, as yet without its zone; `None` where it has no address of the family.
// Models staging/src/k8s.io/endpointslice/utils.go podToEndpoint
fn pod_to_endpoint(pod: &Value, service: &Value, family: &str) -> Option<Value> {
    let addresses = addresses(pod, family);
    if addresses.is_empty() {
        return None;
    }
    let (serving, terminating) = (pod::is_ready(pod), meta::is_deleting(pod));
    let ready = service["spec"]["publishNotReadyAddresses"].is_true() || (serving && !terminating);
    let mut endpoint = tree!({
        "addresses": (addresses),
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": {
            "kind": "Pod",
            "namespace": (meta::namespace(pod)),
            "name": (meta::name(pod)),
            "uid": (meta::uid(pod)),
        },
    });
    for (field, text) in [("nodeName", pod["spec"]["nodeName"].str()), ("hostname", hostname(pod, service))] {
        if !text.is_empty() {
            endpoint.set(&[field], text);
        }
    }
    Some(endpoint)
}

impl Member {
    /// Returns the endpoint with the zone that its node is in now.
    pub(super) fn endpoint_in_zone(&self, nodes: &Informer) -> Value {
        let mut endpoint = self.endpoint.clone();
        let node = nodes.get(&self.node);
        let zone = node.map_or("", |node| meta::labels(node)["topology.kubernetes.io/zone"].str());
        if !zone.is_empty() {
            endpoint.set(&["zone"], zone);
        }
        endpoint
    }
}

fn addresses(pod: &Value, family: &str) -> Vec<Value> {
    let status = &pod["status"];
    let of_family = |ip: &&str| !ip.is_empty() && ip.contains(':') == (family == "IPv6");
    let several = status["podIPs"].items().iter().map(|one| one["ip"].str());
    let mut found: Vec<&str> = several.filter(of_family).collect();
    if found.is_empty() {
        found.extend(Some(status["podIP"].str()).filter(of_family));
    }
    found.into_iter().map(Value::from).collect()
}

/// Returns the ports at which a pod answers for a service.
// Models staging/src/k8s.io/endpointslice/utils.go getEndpointPorts
fn endpoint_ports(service: &Value, pod: &Value) -> Vec<Value> {
    let mut ports = Vec::new();
    for port in service["spec"]["ports"].items() {
        let Some(number) = find_port(pod, port) else { continue };
        let protocol = if port["protocol"].is_null() { "TCP".into() } else { port["protocol"].clone() };
        let mut one = tree!({"name": (port["name"].str()), "port": number, "protocol": (protocol)});
        if !port["appProtocol"].is_null() {
            one.set(&["appProtocol"], &port["appProtocol"]);
        }
        ports.push(one);
    }
    ports
}

/// Returns the labels that a service's slices carry.
// Models staging/src/k8s.io/endpointslice/utils.go setEndpointSliceLabels
pub(super) fn slice_labels(service: &Value) -> Value {
    let mut labels: Map = meta::labels(service).fields().clone();
    labels.insert(SERVICE_NAME, meta::name(service));
    labels.insert(MANAGED_BY, CONTROLLER_NAME);
    labels.remove(HEADLESS);
    if is_headless(service) {
        labels.insert(HEADLESS, "");
    }
    labels.into()
}
