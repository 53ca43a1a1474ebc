//! The Services that routes name, and their endpoints.

use crate::config::Backend;
use crate::graph::{Cond, Objects, group, is_granted};
use api::go::quote;
use api::resources::{ENDPOINTSLICES, SERVICES};
use api::{Value, meta};
use client::IndexBy;
use network::Socket;
use std::collections::BTreeSet;

/// The index by which a Service's slices are found.
pub(crate) const SERVICE_NAME: IndexBy = IndexBy::Label("kubernetes.io/service-name");

/// Reads a reference to a Service.
///
/// # Errors
/// The condition that says why it can't be used.
// Models github.com/nginx/nginx-gateway-fabric internal/controller/state/graph/backend_refs.go
pub(crate) fn backend(
    objects: &Objects,
    route: &Value,
    reference: &Value,
    path: &str,
) -> Result<Backend, Cond> {
    let refused = |reason, message: String| Err(Cond::new("ResolvedRefs", false, reason, &message));
    let own = meta::namespace(route);
    let (kind, name) = (reference["kind"].as_str().unwrap_or("Service"), reference["name"].str());
    let of = reference["group"].str();
    if !matches!(of, "" | "core") {
        let value = quote(of);
        let message = format!("{path}.group: Unsupported value: {value}: supported values: \"core\", \"\"");
        return refused("InvalidKind", message);
    }
    if kind != "Service" {
        let value = quote(kind);
        return refused(
            "InvalidKind",
            format!("{path}.kind: Unsupported value: {value}: supported values: \"Service\""),
        );
    }
    let namespace = reference["namespace"].as_str().unwrap_or(own);
    let key = meta::object_key(namespace, name);
    if namespace != own && !is_granted(objects, (group(), "HTTPRoute", own), ("", "Service", namespace, name))
    {
        let message = format!("Backend ref to Service {key} not permitted by any ReferenceGrant");
        return refused("RefNotPermitted", message);
    }
    let Ok(port @ 1..) = u16::try_from(reference["port"].int()) else {
        return refused("UnsupportedValue", format!("{path}.port: Required value: port cannot be nil"));
    };
    if objects.informers.of(SERVICES).get(&key).is_none() {
        return refused("BackendNotFound", format!("{path}.name: Not found: {}", quote(name)));
    }
    let backend = Backend { namespace: namespace.into(), service: name.into(), port };
    match port_of(objects, &backend) {
        Some(_) => Ok(backend),
        None => refused("BackendNotFound", format!("{path}.port: Not found: {}", quote(&port.to_string()))),
    }
}

/// Returns the Service's port that a reference means.
pub(crate) fn port_of<'a>(objects: &Objects<'a>, backend: &Backend) -> Option<&'a Value> {
    let key = meta::object_key(&backend.namespace, &backend.service);
    let ports = objects.informers.of(SERVICES).get(&key)?["spec"]["ports"].items();
    ports.iter().find(|port| port["port"].int() == i64::from(backend.port))
}

/// Returns the endpoints that are ready.
pub(crate) fn endpoints(objects: &Objects, backend: &Backend, port: &Value) -> Vec<Socket> {
    let key = meta::object_key(&backend.namespace, &backend.service);
    let mut ready = BTreeSet::new();
    for slice in objects.informers.of(ENDPOINTSLICES).by_index(SERVICE_NAME, &key) {
        let of_port = slice["ports"].items().iter().find(|one| one["name"].str() == port["name"].str());
        let Some(number) = of_port.and_then(|one| u16::try_from(one["port"].int()).ok()) else { continue };
        let endpoints = slice["endpoints"].items().iter();
        for endpoint in endpoints.filter(|one| one["conditions"]["ready"].as_bool() != Some(false)) {
            let addresses = endpoint["addresses"].items().iter();
            ready.extend(addresses.filter_map(|a| Some(Socket::new(a.str().parse().ok()?, number))));
        }
    }
    ready.into_iter().collect()
}
