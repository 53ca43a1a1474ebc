//! The ports at which load balancers ask whether a node has endpoints of its own.

use crate::{EndpointsMap, ServiceMap};
use network::HttpResponse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Returns the health check ports, with the Service that each tells of.
pub(crate) fn ports(services: &ServiceMap) -> BTreeMap<u16, Rc<str>> {
    let ports = services.iter().filter(|(_, port)| port.health_check_node_port != 0);
    ports.map(|(name, port)| (port.health_check_node_port, name.service.clone())).collect()
}

/// Answers for a Service.
// Models pkg/proxy/healthcheck/service_health.go hcHandler.ServeHTTP
pub(crate) fn answer(service: &str, endpoints: &EndpointsMap) -> HttpResponse {
    let ready: BTreeSet<_> = endpoints
        .iter()
        .filter(|(name, _)| *name.service == *service)
        .flat_map(|(_, list)| list)
        .filter(|endpoint| endpoint.is_local && endpoint.is_ready)
        .map(|endpoint| endpoint.socket.address)
        .collect();
    let (namespace, name) = api::meta::split_key(service);
    let count = ready.len();
    let body = format!(
        "{{\n\t\"service\": {{\n\t\t\"namespace\": \"{namespace}\",\n\t\t\"name\": \"{name}\"\n\t}},\n\
         \t\"localEndpoints\": {count},\n\t\"serviceProxyHealthy\": true\n}}"
    );
    let header = |name: &str, value: String| (Rc::from(name), Rc::from(value));
    HttpResponse {
        status: if count > 0 { 200 } else { 503 },
        headers: vec![
            header("Content-Type", "application/json".to_string()),
            header("X-Content-Type-Options", "nosniff".to_string()),
            header("X-Load-Balancing-Endpoint-Weight", count.to_string()),
        ],
        body: body.into(),
    }
}
