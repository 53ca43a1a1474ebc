//! What kube-proxy keeps of EndpointSlices.

use crate::ServicePortName;
use crate::chains::endpoint_chain;
use api::{Value, meta};
use network::{Protocol, Socket};
use std::collections::BTreeMap;
use std::rc::Rc;

/// One endpoint of a Service's port.
// Models pkg/proxy/endpoint.go BaseEndpointInfo
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Address and port.
    pub socket: Socket,
    /// The same as text, by which endpoints are ordered.
    pub text: Rc<str>,
    /// Whether it is on this node.
    pub is_local: bool,
    /// Whether it takes new connections.
    pub is_ready: bool,
    /// Whether it answers, even while it ends.
    pub is_serving: bool,
    /// Whether it is about to end.
    pub is_terminating: bool,
    /// The zones that it should serve.
    pub zone_hints: Vec<Rc<str>>,
    /// The nodes that it should serve.
    pub node_hints: Vec<Rc<str>>,
    pub(crate) chain: Rc<str>,
}

/// The endpoints of all Services' ports, each list in the order of the texts.
pub type EndpointsMap = BTreeMap<ServicePortName, Vec<Endpoint>>;

/// Returns the Service that a slice belongs to.
pub(crate) fn service_of(slice: &Value) -> Option<Rc<str>> {
    let name = meta::labels(slice)["kubernetes.io/service-name"].as_str()?;
    Some(meta::object_key(meta::namespace(slice), name))
}

/// Returns the endpoints of one Service, seen from a node, given all its slices.
// Models pkg/proxy/endpointslicecache.go endpointInfoByServicePort
pub fn endpoints_of<'a>(
    service: &Rc<str>,
    slices: impl Iterator<Item = &'a Value>,
    node: &str,
) -> Vec<(ServicePortName, Vec<Endpoint>)> {
    let mut ports: BTreeMap<ServicePortName, BTreeMap<Rc<str>, Endpoint>> = BTreeMap::new();
    for slice in slices.filter(|slice| slice["addressType"].str() == "IPv4") {
        for port in slice["ports"].items() {
            let protocol = match port["protocol"].str() {
                "" => Some(Protocol::Tcp),
                name => Protocol::parse(name),
            };
            let number = u16::try_from(port["port"].int()).unwrap_or(0);
            let Some(protocol) = protocol.filter(|_| number != 0) else { continue };
            let name = ServicePortName { service: service.clone(), port: port["name"].text(), protocol };
            let list = ports.entry(name.clone()).or_default();
            let name = name.text();
            for endpoint in slice["endpoints"].items() {
                let Some(mut new) = one_endpoint(&name, protocol, number, endpoint, node) else { continue };
                // The same endpoint may be in two slices while it moves from one to the other.
                new.is_local |= list.get(&new.text).is_some_and(|old| old.is_local);
                list.insert(new.text.clone(), new);
            }
        }
    }
    ports.into_iter().map(|(name, list)| (name, list.into_values().collect())).collect()
}

fn one_endpoint(name: &str, protocol: Protocol, port: u16, endpoint: &Value, node: &str) -> Option<Endpoint> {
    let address = endpoint["addresses"][0].str().parse().ok()?;
    let socket = Socket::new(address, port);
    let text: Rc<str> = socket.to_string().into();
    let conditions = &endpoint["conditions"];
    let is_ready = conditions["ready"].as_bool().unwrap_or(true);
    let hints = |field: &str| {
        let hints = endpoint["hints"][field].items().iter();
        hints.map(|hint| hint["name"].text()).collect()
    };
    Some(Endpoint {
        socket,
        is_local: !node.is_empty() && endpoint["nodeName"].str() == node,
        is_ready,
        is_serving: conditions["serving"].as_bool().unwrap_or(is_ready),
        is_terminating: conditions["terminating"].is_true(),
        zone_hints: hints("forZones"),
        node_hints: hints("forNodes"),
        chain: endpoint_chain(name, protocol.name(), &text),
        text,
    })
}
