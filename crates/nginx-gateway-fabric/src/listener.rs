//! A Gateway's listeners: whether each is good, and which hosts and namespaces it takes.

use crate::control::GROUP;
use crate::graph::{Cond, Objects, is_granted};
use api::go::quote;
use api::label::Selector;
use api::resources::SECRETS;
use api::{Value, meta};
use std::rc::Rc;

/// A listener.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) name: Rc<str>,
    pub(crate) port: u16,
    pub(crate) hostname: Rc<str>,
    pub(crate) is_tls: bool,
    pub(crate) certificate: Option<Rc<str>>,
    /// What is wrong with it; nothing of a good one.
    pub(crate) faults: Vec<Cond>,
    pub(crate) attached: u32,
    spec: Value,
}

const KINDS: [&str; 2] = ["HTTPRoute", "GRPCRoute"];

/// Reads a Gateway's listeners.
// Models github.com/nginx/nginx-gateway-fabric internal/controller/state/graph/gateway_listener.go
pub(crate) fn listeners(gateway: &Value, objects: &Objects) -> Vec<Listener> {
    let all = gateway["spec"]["listeners"].items();
    let mut listeners: Vec<Listener> = all.iter().map(|spec| listener(gateway, spec, objects)).collect();
    let ports: Vec<(u16, bool)> = listeners.iter().map(|one| (one.port, one.is_tls)).collect();
    for one in &mut listeners {
        if ports.iter().any(|(port, is_tls)| *port == one.port && *is_tls != one.is_tls) {
            let message = format!(
                "Multiple listeners for the same port {} specify incompatible protocols; ensure only one protocol per port",
                one.port
            );
            one.faults = vec![
                Cond::new("Accepted", false, "ProtocolConflict", &message),
                Cond::new("Conflicted", true, "ProtocolConflict", &message),
                Cond::new("Programmed", false, "Invalid", &message),
            ];
        }
    }
    listeners
}

fn listener(gateway: &Value, spec: &Value, objects: &Objects) -> Listener {
    let protocol = spec["protocol"].str();
    let is_tls = protocol == "HTTPS";
    let mut listener = Listener {
        name: spec["name"].text(),
        port: u16::try_from(spec["port"].int()).unwrap_or(0),
        hostname: spec["hostname"].text(),
        is_tls,
        certificate: None,
        faults: Vec::new(),
        attached: 0,
        spec: spec.clone(),
    };
    if !matches!(protocol, "HTTP" | "HTTPS") {
        let message = format!(
            "protocol: Unsupported value: {}: supported values: \"HTTP\", \"HTTPS\"",
            quote(protocol)
        );
        listener.refuse("Accepted", "UnsupportedProtocol", &message);
        return listener;
    }
    for (n, kind) in spec["allowedRoutes"]["kinds"].items().iter().enumerate() {
        let group = kind["group"].as_str().unwrap_or(GROUP);
        if group != GROUP || !KINDS.contains(&kind["kind"].str()) {
            let value = quote(&format!("{group}/{}", kind["kind"].str()));
            let message = format!(
                "allowedRoutes.kinds[{n}]: Unsupported value: {value}: supported values: \"HTTPRoute\", \"GRPCRoute\""
            );
            listener.refuse("ResolvedRefs", "InvalidRouteKinds", &message);
            return listener;
        }
    }
    if is_tls {
        listener.certify(gateway, objects);
    }
    listener
}

impl Listener {
    fn refuse(&mut self, kind: &'static str, reason: &'static str, message: &str) {
        self.faults =
            vec![Cond::new(kind, false, reason, message), Cond::new("Programmed", false, "Invalid", message)];
    }

    /// Finds the certificate of a listener that speaks TLS.
    fn certify(&mut self, gateway: &Value, objects: &Objects) {
        let reference = self.spec["tls"]["certificateRefs"][0].clone();
        let own = meta::namespace(gateway);
        let namespace = reference["namespace"].as_str().unwrap_or(own);
        let name = reference["name"].str();
        let key = meta::object_key(namespace, name);
        let from = (GROUP, "Gateway", own);
        if namespace != own && !is_granted(objects, from, ("", "Secret", namespace, name)) {
            let message = format!("Certificate ref to secret {key} not permitted by any ReferenceGrant");
            self.refuse("Accepted", "RefNotPermitted", &message);
            self.faults.push(Cond::new("ResolvedRefs", false, "RefNotPermitted", &message));
            return;
        }
        let secret = objects.informers.of(SECRETS).get(&key);
        let is_whole = |secret: &Value| ["tls.crt", "tls.key"].iter().all(|k| !secret["data"][*k].is_empty());
        let why = match secret {
            Some(secret) if is_whole(secret) => {
                self.certificate = Some(key);
                return;
            }
            Some(_) => "TLS secret is invalid",
            None => "secret does not exist",
        };
        let message = format!("tls.certificateRefs[0]: Invalid value: {}: {why}", quote(&key));
        self.refuse("Accepted", "InvalidCertificateRef", &message);
        self.faults.push(Cond::new("ResolvedRefs", false, "InvalidCertificateRef", &message));
    }

    /// Returns whether routes of a namespace may use it.
    pub(crate) fn allows(&self, gateway: &Value, namespace: &str, objects: &Objects) -> bool {
        let allowed = &self.spec["allowedRoutes"];
        let kinds = allowed["kinds"].items();
        if !kinds.is_empty() && !kinds.iter().any(|kind| kind["kind"].str() == "HTTPRoute") {
            return false;
        }
        match allowed["namespaces"]["from"].as_str().unwrap_or("Same") {
            "All" => true,
            "Selector" => {
                let selector = Selector::from_label_selector(&allowed["namespaces"]["selector"]);
                let object = objects.informers.of(api::resources::NAMESPACES).get(namespace);
                object.is_some_and(|object| selector.matches(meta::labels(object)))
            }
            "None" => false,
            _ => meta::namespace(gateway) == namespace,
        }
    }

    /// Returns the hosts that a route has of this listener's.
    pub(crate) fn hosts(&self, route: &Value) -> Vec<Rc<str>> {
        let wanted = route["spec"]["hostnames"].items();
        if wanted.is_empty() {
            return vec![self.hostname.clone()];
        }
        wanted.iter().filter_map(|one| common(&self.hostname, one.str())).map(Rc::from).collect()
    }

    /// Returns the kinds of routes that it supports.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        let wanted = self.spec["allowedRoutes"]["kinds"].items();
        let is_wanted =
            |kind: &&str| wanted.is_empty() || wanted.iter().any(|one| one["kind"].str() == *kind);
        KINDS.into_iter().filter(is_wanted).collect()
    }
}

/// Returns what is narrower of two hosts that have something in common.
// Models sigs.k8s.io/gateway-api apis/v1/httproute_types.go HTTPRouteSpec.Hostnames
fn common<'a>(listener: &'a str, route: &'a str) -> Option<&'a str> {
    let covers = |wide: &str, narrow: &str| {
        wide.strip_prefix('*')
            .is_some_and(|tail| narrow.trim_start_matches('*').ends_with(tail) && narrow != tail)
    };
    if listener.is_empty() || listener == route || covers(listener, route) {
        return Some(route);
    }
    covers(route, listener).then_some(listener)
}

#[cfg(test)]
mod tests {
    use super::common;

    #[test]
    fn the_narrower_host_counts() {
        for (listener, route, expected) in [
            ("", "a.com", Some("a.com")),
            ("a.com", "a.com", Some("a.com")),
            ("a.com", "b.com", None),
            ("*.a.com", "x.a.com", Some("x.a.com")),
            ("*.a.com", "x.y.a.com", Some("x.y.a.com")),
            ("*.a.com", "a.com", None),
            ("x.a.com", "*.a.com", Some("x.a.com")),
            ("*.a.com", "*.a.com", Some("*.a.com")),
            ("*.a.com", "*.x.a.com", Some("*.x.a.com")),
            ("*.x.a.com", "*.a.com", Some("*.x.a.com")),
            ("*.a.com", "*.b.com", None),
        ] {
            assert_eq!(common(listener, route), expected, "{listener} {route}");
        }
    }
}
