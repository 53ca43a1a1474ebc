//! The data plane: nginx in a pod of a Gateway's Deployment.

use crate::config::{Backend, Config, Match};
use api::{Value, meta};
use client::{Component, Cx, Identity};
use network::{Answer, HttpRequest, HttpResponse, Outcome, Payload, Socket};
use nginx::{Ask, Balance, Came, Edits, LogFormat, Plan, Proxy, Served, header, page, redirect};
use sim::{Chance, Time};
use std::rc::Rc;

/// The port on which the pod says whether it is ready.
const READY_PORT: u16 = 8_081;
/// The label that names the Gateway.
const GATEWAY: &str = "gateway.networking.k8s.io/gateway-name";

/// nginx of one pod.
#[derive(Clone, Debug)]
pub struct DataPlane {
    identity: Identity,
    pod: Rc<str>,
    gateway: Rc<str>,
    config: Option<Rc<Config>>,
    proxy: Proxy<Backend>,
    mirrors: Vec<Served>,
}

impl DataPlane {
    /// Makes nginx of a pod, as it is when its process starts.
    pub fn new(pod: &Value) -> DataPlane {
        DataPlane {
            identity: Identity::new("nginx-agent", &[], "nginx-agent"),
            pod: meta::key(pod),
            gateway: meta::object_key(meta::namespace(pod), meta::labels(pod)[GATEWAY].str()),
            config: None,
            proxy: Proxy::new(LogFormat::Combined, Balance::Random),
            mirrors: Vec::new(),
        }
    }

    /// Returns its pod, as `namespace/name`.
    pub fn pod(&self) -> &Rc<str> {
        &self.pod
    }

    /// Returns its Gateway, as `namespace/name`.
    pub fn gateway(&self) -> &Rc<str> {
        &self.gateway
    }

    /// Returns what it is configured with, once it is.
    pub fn config(&self) -> Option<&Rc<Config>> {
        self.config.as_ref()
    }

    /// Takes a configuration, as the control plane sends it to the agent beside nginx.
    pub fn configure(&mut self, config: Rc<Config>) {
        self.config = Some(config);
    }

    /// Returns the Secret with the certificate that is shown on a port to who means a host; `None` where no TLS
    /// is spoken.
    pub fn secret_of(&self, port: u16, host: &str) -> Option<&str> {
        self.config.as_ref()?.server(port, host)?.certificate.as_deref()
    }

    /// Takes the lines that its container has written since the last call.
    pub fn take_log(&mut self) -> Vec<String> {
        self.proxy.take_log()
    }

    /// Takes the copies of the last request that go to mirrors.
    pub fn take_mirrors(&mut self) -> Vec<Served> {
        std::mem::take(&mut self.mirrors)
    }

    /// Takes a request that came to one of its ports.
    pub fn serve(
        &mut self,
        now: Time,
        chance: Chance,
        exchange: u64,
        (port, client): (u16, Socket),
        payload: &Payload,
    ) -> Served {
        let Payload::Http(request) = payload else {
            return Served::Answer { exchange, answer: Answer::Connected };
        };
        if port == READY_PORT {
            let (code, body) = match (&*request.path, &self.config) {
                ("/readyz", Some(_)) => (200, "OK"),
                ("/readyz", None) => (503, "Service Unavailable"),
                _ => (404, "404 page not found\n"),
            };
            return Served::Answer { exchange, answer: Answer::Http(HttpResponse::new(code, body)) };
        }
        let pod = self.pod.clone();
        let came = Came { now, exchange, client, request, chance, pod: &pod };
        let config = self.config.clone().unwrap_or_default();
        let server = config.server(port, &request.host);
        let certificate = server.and_then(|server| server.certificate.clone());
        let number = self.proxy.count();
        let found = server.and_then(|server| server.find(request));
        let (plan, edits) = match found {
            _ if certificate.is_some() && !request.is_tls => (own(400), Edits::default()),
            Some(found) => {
                (self.plan(&came, &config, found, port, number), found.action.filters.response.clone())
            }
            None => (own(404), Edits::default()),
        };
        named(self.proxy.serve(&came, plan, edits))
    }

    /// Decides who answers.
    fn plan(&mut self, came: &Came, config: &Config, found: &Match, port: u16, number: u64) -> Plan<Backend> {
        let (request, action) = (came.request, &found.action);
        if let Some(to) = &action.filters.redirect {
            let location = to.location(request, port, &found.path);
            return Plan::Own(redirect(to.code, &location), "-".to_string());
        }
        let forwarded = forwarded(came, found, port);
        for mirror in &action.filters.mirrors {
            let ready = config.upstreams.get(mirror).map_or(&[][..], Vec::as_slice);
            let draw = came.chance.draw("mirror", came.pod, number) % (ready.len() as u64).max(1);
            if let Some(to) = ready.get(draw as usize) {
                let served = self.proxy.mirror(*to, forwarded.clone());
                self.mirrors.push(served);
            }
        }
        let total: u64 = action.backends.iter().map(|(weight, _)| u64::from(*weight)).sum();
        if total == 0 {
            return own(500);
        }
        let mut drawn = came.chance.draw("split", came.pod, number) % total;
        let chosen = action.backends.iter().find(|(weight, _)| {
            let is_it = drawn < u64::from(*weight);
            drawn = drawn.saturating_sub(u64::from(*weight));
            is_it
        });
        let Some((_, Some(backend))) = chosen else { return own(500) };
        let ready = config.upstreams.get(backend).cloned().unwrap_or_default();
        Plan::Ask(Ask { name: backend.name(), backend: backend.clone(), ready, request: forwarded })
    }

    /// Takes what came of asking an endpoint.
    pub fn reply(&mut self, now: Time, id: u64, outcome: &Outcome) -> Served {
        let config = self.config.clone();
        let endpoints = |backend: &Backend| {
            config.and_then(|config| config.upstreams.get(backend).cloned()).unwrap_or_default()
        };
        named(self.proxy.reply(now, id, outcome, endpoints))
    }
}

/// It asks the API server for nothing.
impl Component for DataPlane {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn next_at(&self) -> Time {
        Time::NEVER
    }

    fn step(&mut self, _cx: &mut Cx) {}
}

fn own(code: u16) -> Plan<Backend> {
    Plan::Own(page(code), "-".to_string())
}

/// Adds the name that nginx gives itself.
fn named(served: Served) -> Served {
    match served {
        Served::Answer { exchange, answer: Answer::Http(mut response) } => {
            response.headers.insert(0, ("Server".into(), "nginx".into()));
            Served::Answer { exchange, answer: Answer::Http(response) }
        }
        other => other,
    }
}

/// Returns the request as the endpoint gets it.
// Models github.com/nginx/nginx-gateway-fabric internal/controller/nginx/config/servers.go httpBaseHeaders
fn forwarded(came: &Came, found: &Match, port: u16) -> HttpRequest {
    let request = came.request;
    let client = came.client.address.to_string();
    let through = match header(&request.headers, "x-forwarded-for") {
        Some(before) => format!("{before}, {client}"),
        None => client.clone(),
    };
    let host = request.host.split(':').next().unwrap_or("");
    let scheme = if request.is_tls { "https" } else { "http" };
    let port = port.to_string();
    let own = [
        ("X-Forwarded-For", through.as_str()),
        ("X-Real-IP", &client),
        ("X-Forwarded-Proto", scheme),
        ("X-Forwarded-Host", host),
        ("X-Forwarded-Port", &port),
    ];
    let is_own = |name: &str| own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let mut headers: network::Headers =
        own.iter().map(|(name, value)| (Rc::from(*name), Rc::from(*value))).collect();
    headers.extend(request.headers.iter().filter(|(name, _)| !is_own(name)).cloned());
    let mut forwarded = HttpRequest { headers, is_tls: false, ..request.clone() };
    if let Some(rewrite) = &found.action.filters.rewrite {
        rewrite.apply(&mut forwarded, &found.path);
    }
    found.action.filters.request.apply(&mut forwarded.headers);
    forwarded
}
