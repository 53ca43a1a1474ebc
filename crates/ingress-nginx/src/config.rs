//! Ingresses to what nginx is configured with: servers by host, and their locations.

use crate::options::{Canary, Options};
use api::{Value, int_or_string, meta};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The name of the server for all hosts that no other server has.
pub(crate) const DEFAULT_SERVER: &str = "_";
/// The annotation that named a class before there was a field for it.
const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";

/// A Service's port, as an Ingress names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Backend {
    /// The namespace.
    pub namespace: Rc<str>,
    /// The Service.
    pub service: Rc<str>,
    /// The port's name or number.
    pub port: Rc<str>,
}

impl Backend {
    fn of(namespace: &str, backend: &Value) -> Option<Backend> {
        let service = &backend["service"];
        let port = match service["port"]["name"].str() {
            "" => int_or_string::text(&service["port"]["number"]),
            name => name.to_string(),
        };
        let name = service["name"].text();
        (!name.is_empty()).then(|| Backend { namespace: namespace.into(), service: name, port: port.into() })
    }

    /// Returns its name in logs: `default-web-80`.
    pub fn name(&self) -> String {
        format!("{}-{}-{}", self.namespace, self.service, self.port)
    }
}

/// How a location's path is compared with a request's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// The whole path.
    Exact,
    /// Its first elements.
    Prefix,
    /// Its beginning, as letters.
    Beginning,
    /// An expression at its beginning, whatever the case.
    Regex,
}

/// A place in a server: which paths it is for, and who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The path or expression.
    pub path: Rc<str>,
    /// How it is compared.
    pub kind: PathKind,
    /// Who answers; `None` for the controller's own 404.
    pub backend: Option<Backend>,
    /// The Ingress that it is from, as `namespace/name`.
    pub ingress: Rc<str>,
    /// What that one's annotations ask for.
    pub options: Options,
    /// Who may answer instead.
    pub canaries: Vec<(Canary, Backend)>,
    /// Whether its Ingress has TLS for the host.
    pub has_tls: bool,
}

/// What a server shows who asks by TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The Secret, as `namespace/name`; empty for the controller's own, which nobody trusts.
    pub secret: Rc<str>,
}

/// A virtual server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// Its places, those that are looked at first in front.
    pub locations: Vec<Location>,
    /// Its certificate.
    pub certificate: Certificate,
}

/// What nginx is configured with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The servers by host; `_` is the one for all others.
    pub servers: BTreeMap<Rc<str>, Server>,
}

/// What Ingresses are this controller's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    /// `--controller-class`.
    pub(crate) controller: Rc<str>,
    /// `--ingress-class`, for the old annotation.
    pub(crate) class: Rc<str>,
    /// `--watch-ingress-without-class`.
    pub(crate) takes_classless: bool,
}

impl Scope {
    /// Returns whether an Ingress is this controller's, given the IngressClasses there are.
    // Models github.com/kubernetes/ingress-nginx internal/ingress/controller/store/store.go GetIngressClass
    pub(crate) fn has<'a>(&self, ingress: &Value, mut classes: impl Iterator<Item = &'a Value>) -> bool {
        let noted = meta::annotation(ingress, CLASS_ANNOTATION);
        if !noted.is_empty() {
            return *noted == *self.class;
        }
        match ingress["spec"]["ingressClassName"].str() {
            "" => self.takes_classless,
            name => classes.any(|class| {
                meta::name(class) == name && *class["spec"]["controller"].str() == *self.controller
            }),
        }
    }
}

impl Config {
    /// Makes the configuration of Ingresses; of two with the same host and path the older one has it.
    /// `has_secret` tells whether a Secret holds a certificate.
    // Models github.com/kubernetes/ingress-nginx internal/ingress/controller/controller.go getBackendServers
    pub fn new(ingresses: &[&Value], has_secret: impl Fn(&str) -> bool) -> Config {
        let mut ordered: Vec<&Value> = ingresses.to_vec();
        ordered.sort_by_key(|ingress| {
            (meta::created(ingress), meta::namespace(ingress).to_string(), meta::name(ingress).to_string())
        });
        let mut config = Config::default();
        config.servers.insert(DEFAULT_SERVER.into(), Server::default());
        let (canaries, usual): (Vec<&Value>, Vec<&Value>) =
            ordered.into_iter().partition(|ingress| Canary::of(ingress).is_some());
        for ingress in usual {
            config.add(ingress, &has_secret);
        }
        for ingress in canaries {
            config.add_canary(ingress);
        }
        for server in config.servers.values_mut() {
            server.finish();
        }
        config
    }

    fn add(&mut self, ingress: &Value, has_secret: &impl Fn(&str) -> bool) {
        let (namespace, spec) = (meta::namespace(ingress), &ingress["spec"]);
        let options = Options::of(ingress);
        let key = meta::key(ingress);
        let place = |path: &str, kind, backend, has_tls| Location {
            path: path.into(),
            kind,
            backend,
            ingress: key.clone(),
            options: options.clone(),
            canaries: Vec::new(),
            has_tls,
        };
        for rule in spec["rules"].items() {
            let host = match rule["host"].str() {
                "" => DEFAULT_SERVER,
                host => host,
            };
            let secret = tls_of(spec, host);
            let server = self.servers.entry(host.into()).or_default();
            if let Some(secret) = secret {
                let named = format!("{namespace}/{secret}");
                if !secret.is_empty() && server.certificate.secret.is_empty() && has_secret(&named) {
                    server.certificate.secret = named.into();
                }
            }
            for path in rule["http"]["paths"].items() {
                let Some(backend) = Backend::of(namespace, &path["backend"]) else { continue };
                let kind = match path["pathType"].str() {
                    "Exact" => PathKind::Exact,
                    "Prefix" => PathKind::Prefix,
                    _ => PathKind::Beginning,
                };
                let text = match path["path"].str() {
                    "" => "/",
                    text => text,
                };
                server.add(place(text, kind, Some(backend), secret.is_some()));
            }
            if let Some(backend) = Backend::of(namespace, &spec["defaultBackend"]) {
                server.add(place("/", PathKind::Prefix, Some(backend), secret.is_some()));
            }
        }
        if spec["rules"].is_empty()
            && let Some(backend) = Backend::of(namespace, &spec["defaultBackend"])
        {
            let server = self.servers.entry(DEFAULT_SERVER.into()).or_default();
            server.add(place("/", PathKind::Prefix, Some(backend), false));
        }
    }

    /// Adds a canary's backends to the places that have its hosts and paths; a canary alone does nothing.
    // Models github.com/kubernetes/ingress-nginx internal/ingress/controller/controller.go mergeAlternativeBackends
    fn add_canary(&mut self, ingress: &Value) {
        let Some(canary) = Canary::of(ingress) else { return };
        for rule in ingress["spec"]["rules"].items() {
            let host = if rule["host"].str().is_empty() { DEFAULT_SERVER } else { rule["host"].str() };
            let Some(server) = self.servers.get_mut(host) else { continue };
            for path in rule["http"]["paths"].items() {
                let Some(backend) = Backend::of(meta::namespace(ingress), &path["backend"]) else { continue };
                let text = if path["path"].str().is_empty() { "/" } else { path["path"].str() };
                for location in server.locations.iter_mut().filter(|location| *location.path == *text) {
                    location.canaries.push((canary.clone(), backend.clone()));
                }
            }
        }
    }
}

/// Returns the Secret that an Ingress names for a host, maybe an empty name; `None` without TLS.
fn tls_of<'a>(spec: &'a Value, host: &str) -> Option<&'a str> {
    let is_for = |tls: &&Value| {
        let mut hosts = tls["hosts"].items().iter();
        tls["hosts"].is_empty() || hosts.any(|one| one.str() == host)
    };
    spec["tls"].items().iter().find(is_for).map(|tls| tls["secretName"].str())
}

impl Server {
    fn add(&mut self, location: Location) {
        let is_same = |other: &Location| other.path == location.path && other.kind == location.kind;
        if !self.locations.iter().any(is_same) {
            self.locations.push(location);
        }
    }

    /// Puts the locations in the order in which nginx looks at them.
    // Models github.com/kubernetes/ingress-nginx internal/ingress/controller/template/template.go buildLocation
    fn finish(&mut self) {
        if self.locations.iter().any(|location| location.options.wants_regex()) {
            for location in &mut self.locations {
                location.kind = PathKind::Regex;
            }
        }
        let rank = |location: &Location| {
            let is_exact = location.kind == PathKind::Exact;
            (!is_exact, std::cmp::Reverse(location.path.trim_end_matches('/').len()), location.path.clone())
        };
        self.locations.sort_by_key(rank);
    }
}
