//! What Gateways, routes and what they name make together.

use crate::attach::attach;
use crate::backends::{endpoints, port_of};
use crate::config::{Backend, Config, Match, Server};
use crate::control::{GROUP, HTTPROUTES, REFERENCEGRANTS};
use crate::listener::{Listener, listeners};
use crate::route::{Route, read};
use api::{Value, meta};
use client::Informers;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The objects that there are.
pub(crate) struct Objects<'a> {
    pub(crate) informers: &'a Informers,
}

/// A condition of a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cond {
    pub(crate) kind: &'static str,
    pub(crate) is_true: bool,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Cond {
    pub(crate) fn new(kind: &'static str, is_true: bool, reason: &'static str, message: &str) -> Cond {
        Cond { kind, is_true, reason, message: message.to_string() }
    }
}

/// A Gateway with its listeners and what its nginx is configured with.
pub(crate) struct Site {
    pub(crate) gateway: Value,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) config: Config,
}

/// A route's answer to one of its parents.
pub(crate) struct Parent {
    pub(crate) reference: Value,
    pub(crate) conditions: Vec<Cond>,
}

/// All of it.
pub(crate) struct Graph {
    pub(crate) sites: BTreeMap<Rc<str>, Site>,
    pub(crate) routes: Vec<(Value, Vec<Parent>)>,
}

impl Graph {
    /// Makes it of these Gateways and all routes.
    // Models github.com/nginx/nginx-gateway-fabric internal/controller/state/graph/graph.go BuildGraph
    pub(crate) fn new(gateways: &[&Value], objects: &Objects) -> Graph {
        let site = |gateway: &Value| Site {
            listeners: listeners(gateway, objects),
            gateway: gateway.clone(),
            config: Config::default(),
        };
        let mut sites: BTreeMap<Rc<str>, Site> =
            gateways.iter().map(|gateway| (meta::key(gateway), site(gateway))).collect();
        for site in sites.values_mut() {
            site.open();
        }
        let mut routes = Vec::new();
        for object in objects.informers.of(HTTPROUTES).iter() {
            let route = read(object, objects);
            let mut parents = Vec::new();
            for reference in object["spec"]["parentRefs"].items() {
                let kind = reference["kind"].as_str().unwrap_or("Gateway");
                let namespace = reference["namespace"].as_str().unwrap_or(meta::namespace(object));
                let key = meta::object_key(namespace, reference["name"].str());
                let Some(site) = sites.get_mut(&key).filter(|_| kind == "Gateway") else { continue };
                let mut conditions = vec![site.take(&route, reference, objects)];
                conditions.extend(route.conditions.iter().cloned());
                parents.push(Parent { reference: reference.clone(), conditions });
            }
            routes.push((object.clone(), parents));
        }
        for site in sites.values_mut() {
            site.config.finish();
            site.resolve(objects);
        }
        Graph { sites, routes }
    }
}

impl Site {
    /// Opens the good listeners' ports, with a server for each host.
    fn open(&mut self) {
        for one in self.listeners.iter().filter(|one| one.faults.is_empty()) {
            self.config.ports.insert(one.port);
            let server = Server { certificate: one.certificate.clone(), matches: Vec::new() };
            self.config.servers.entry((one.port, one.hostname.clone())).or_insert(server);
        }
    }

    /// Takes a route in where its parent reference leads, and says what came of it.
    fn take(&mut self, route: &Route, reference: &Value, objects: &Objects) -> Cond {
        if !self.listeners.iter().any(|one| one.faults.is_empty()) {
            return Cond::new("Accepted", false, "InvalidGateway", "Gateway is invalid");
        }
        let attached = match attach(&self.gateway, &self.listeners, &route.object, reference, objects) {
            Ok(attached) => attached,
            Err(refused) => return refused,
        };
        if let Some(fault) = &route.fault {
            return fault.clone();
        }
        for (place, hosts) in attached {
            let Some(listener) = self.listeners.get_mut(place) else { continue };
            listener.attached += 1;
            for host in hosts {
                let server = Server { certificate: listener.certificate.clone(), matches: Vec::new() };
                let server = self.config.servers.entry((listener.port, host)).or_insert(server);
                let is_new = |one: &&Match| !server.matches.iter().any(|known| known.rank == one.rank);
                let new: Vec<Match> = route.matches.iter().filter(is_new).cloned().collect();
                server.matches.extend(new);
            }
        }
        Cond::new("Accepted", true, "Accepted", "The route is accepted")
    }

    /// Finds who is ready to answer.
    fn resolve(&mut self, objects: &Objects) {
        let actions = self.config.servers.values().flat_map(|server| &server.matches).map(|one| &one.action);
        let backends: Vec<Backend> = actions
            .flat_map(|action| {
                let usual = action.backends.iter().filter_map(|(_, backend)| backend.clone());
                usual.chain(action.filters.mirrors.iter().cloned()).collect::<Vec<_>>()
            })
            .collect();
        for backend in backends {
            self.config.upstreams.entry(backend).or_insert_with_key(|backend| {
                port_of(objects, backend).map_or(Vec::new(), |port| endpoints(objects, backend, port))
            });
        }
    }

    /// Returns the Gateway's conditions.
    pub(crate) fn conditions(&self) -> Vec<Cond> {
        let good = self.listeners.iter().filter(|one| one.faults.is_empty()).count();
        if good == 0 {
            let message = "Gateway has no valid listeners";
            return vec![
                Cond::new("Accepted", false, "ListenersNotValid", message),
                Cond::new("Programmed", false, "Invalid", message),
            ];
        }
        let accepted = match good == self.listeners.len() {
            true => Cond::new("Accepted", true, "Accepted", "Gateway is accepted"),
            false => {
                Cond::new("Accepted", true, "ListenersNotValid", "Gateway has at least one valid listener")
            }
        };
        vec![accepted, Cond::new("Programmed", true, "Programmed", "Gateway is programmed")]
    }
}

/// Returns whether a ReferenceGrant lets (group, kind, namespace) name (group, kind, namespace, name).
// Models sigs.k8s.io/gateway-api apis/v1beta1/referencegrant_types.go
pub(crate) fn is_granted(objects: &Objects, from: (&str, &str, &str), to: (&str, &str, &str, &str)) -> bool {
    let is_from = |one: &Value| (one["group"].str(), one["kind"].str(), one["namespace"].str()) == from;
    let is_to = |one: &Value| {
        let name = one["name"].str();
        (one["group"].str(), one["kind"].str()) == (to.0, to.1) && (name.is_empty() || name == to.3)
    };
    let grants = objects.informers.of(REFERENCEGRANTS).in_namespace(to.2);
    grants.into_iter().any(|grant| {
        let spec = &grant["spec"];
        spec["from"].items().iter().any(is_from) && spec["to"].items().iter().any(is_to)
    })
}

/// Returns the group of the Gateway API.
pub(crate) fn group() -> &'static str {
    GROUP
}
