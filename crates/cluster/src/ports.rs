//! What listens on the machines themselves: the API server's port, the kubelet's, and kube-proxy's health.

use crate::Cluster;
use crate::control_plane::Unit;
use crate::kubelet_server::{self, Inner};
use crate::wires::proxy_application;
use api::{Method, Request, Response, Status, User, Value, meta};
use kubectl::StreamRead;
use network::{
    Answer, Application, Arrival, ExchangeId, HostId, HttpRequest, HttpResponse, Network, Payload, Protocol,
};
use shell::{Host, Place};
use sim::Time;
use std::rc::Rc;

/// The API server's port.
const SECURE_PORT: u16 = 6_443;
/// kube-proxy's port for its own health.
const PROXY_HEALTH: u16 = 10_256;
/// The API server's number as an application.
pub(crate) const APISERVER: Application = Application((1 << 42) - 1);
/// Where the kubelets' numbers as applications begin.
pub(crate) const KUBELETS: u64 = 1 << 43;
/// How many answers that come as streams are waited for.
const INNER: usize = 256;
/// The taint by which an autoscaler marks a node that it takes away.
const TO_BE_DELETED: &str = "ToBeDeletedByClusterAutoscaler";

/// Opens a machine's own ports, as its processes do when they start.
pub(crate) fn open(network: &mut Network, host: HostId, number: u32, is_control_plane: bool) {
    network.listen(host, Protocol::Tcp, PROXY_HEALTH, proxy_application(number));
    network.listen(host, Protocol::Tcp, kubelet_server::PORT, Application(KUBELETS + u64::from(number)));
    if is_control_plane {
        network.listen(host, Protocol::Tcp, SECURE_PORT, APISERVER);
    }
}

/// Opens or closes the port of one of a machine's processes, as it starts or ends.
pub(crate) fn set_open(network: &mut Network, host: HostId, number: u32, unit: Unit, on: bool) {
    let (port, application) = match unit {
        Unit::ApiServer => (SECURE_PORT, APISERVER),
        Unit::Kubelet => (kubelet_server::PORT, Application(KUBELETS + u64::from(number))),
        Unit::KubeProxy => (PROXY_HEALTH, proxy_application(number)),
        Unit::Etcd | Unit::Manager | Unit::Scheduler => return,
    };
    if !on {
        network.close(host, Protocol::Tcp, port);
    } else if network.listener(host, Protocol::Tcp, port).is_none() {
        network.listen(host, Protocol::Tcp, port, application);
    }
}

/// Answers what came to one of these ports. Returns whether it was one.
pub(crate) fn arrive(cluster: &mut Cluster, arrival: &Arrival) -> bool {
    let kubelet = arrival.application.0.checked_sub(KUBELETS).and_then(|number| u32::try_from(number).ok());
    let answer = match (&*arrival.payload, kubelet) {
        (Payload::Http(http), Some(node)) => {
            Answer::Http(kubelet_server::answer(cluster, node, http, arrival.exchange))
        }
        (_, Some(_)) => Answer::Connected,
        _ if arrival.application != APISERVER => return proxy_health(cluster, arrival),
        (Payload::Http(http), None) => match api_answer(cluster, http, arrival.exchange) {
            Some(answer) => Answer::Http(answer),
            // It comes later.
            None => return true,
        },
        (Payload::Text(_), None) => return false,
        _ => Answer::Connected,
    };
    reply(cluster, arrival, answer);
    true
}

/// Passes on what has come as a stream for processes in the cluster, once it is whole.
pub(crate) fn answer_inner(cluster: &mut Cluster) {
    for (stream, mut inner) in std::mem::take(&mut cluster.terminal.machines.inner) {
        let is_whole = loop {
            match cluster.terminal.machines.mail.get_mut(&stream).map(|mail| mail.pop_front()) {
                Some(Some(StreamRead::Head { status, headers })) => {
                    (inner.status, inner.headers) = (status, headers);
                }
                Some(Some(StreamRead::Bytes(text) | StreamRead::Errors(text))) => inner.add(&text),
                Some(Some(StreamRead::Closed)) | None => break true,
                Some(Some(_)) => {}
                Some(None) => break false,
            }
        };
        if !is_whole {
            cluster.terminal.machines.inner.insert(stream, inner);
            continue;
        }
        cluster.with_ground(|ground| ground.stream_close(stream));
        let headers = inner.headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let answer = HttpResponse { status: inner.status, headers, body: inner.body.into() };
        cluster.wires.network.reply(cluster.world.now, inner.exchange, Answer::Http(answer));
    }
}

fn reply(cluster: &mut Cluster, arrival: &Arrival, answer: Answer) {
    let span = cluster.world.timing.answer;
    let takes = span.draw(cluster.world.chance, "door", "", arrival.exchange.0) / 2;
    cluster.wires.network.reply(arrival.at + takes, arrival.exchange, answer);
}

// Models pkg/proxy/healthcheck/proxy_health.go ServeHTTP
fn proxy_health(cluster: &mut Cluster, arrival: &Arrival) -> bool {
    let node = crate::wires::proxy_of(arrival.application).filter(|_| arrival.local.port == PROXY_HEALTH);
    let Some(node) = node.and_then(|node| cluster.parts.nodes.get(node as usize)) else { return false };
    let answer = match &*arrival.payload {
        Payload::Http(http) => {
            let object = cluster.view.objects.get(&("nodes", node.name.to_string()));
            Answer::Http(health(http, object, node.proxy.syncs().1.unwrap_or(Time::EPOCH), cluster.now()))
        }
        _ => Answer::Connected,
    };
    reply(cluster, arrival, answer);
    true
}

fn health(http: &HttpRequest, node: Option<&Value>, synced: Time, now: Time) -> HttpResponse {
    let path = http.path.split('?').next().unwrap_or("");
    if !matches!(path, "/healthz" | "/livez") {
        return text(404, "404 page not found\n");
    }
    let is_eligible = node.is_some_and(|node| {
        let taints = node["spec"]["taints"].items();
        !meta::is_deleting(node) && !taints.iter().any(|taint| taint["key"].str() == TO_BE_DELETED)
    });
    let is_well = path == "/livez" || is_eligible;
    let updated = if is_well { now } else { synced };
    let eligible =
        if path == "/healthz" { format!("\"nodeEligible\":{is_eligible},") } else { String::new() };
    let (updated, now, synced) = (updated.rfc3339_nano(), now.rfc3339_nano(), synced.rfc3339_nano());
    let body = format!(
        "{{\"lastUpdated\":\"{updated}\",\"currentTime\":\"{now}\",{eligible}\"healthy\":true,\
         \"status\":{{\"IPv4\":{{\"lastUpdated\":\"{synced}\",\"healthy\":true}}}}}}"
    );
    let code = if is_well { 200 } else { 503 };
    with_type(code, "application/json", body)
}

/// Answers a request that came over the network: who has no token is anonymous. `None` where the answer comes
/// later.
fn api_answer(cluster: &mut Cluster, http: &HttpRequest, exchange: ExchangeId) -> Option<HttpResponse> {
    if !http.is_tls {
        return Some(text(400, "Client sent an HTTP request to an HTTPS server.\n"));
    }
    let Some(user) = user_of(cluster, http) else {
        return Some(json(&Status::new(401, "Unauthorized", "Unauthorized").into()));
    };
    let (path, query) = http.path.split_once('?').unwrap_or((&http.path, ""));
    let agent = http.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
    let agent = agent.map_or_else(|| "curl".into(), |(_, agent)| agent.clone());
    let is_proxied = apiserver::is_proxied(path);
    let method = match method_of(&http.method) {
        Method::Head | Method::Options if !is_proxied => Method::Get,
        method => method,
    };
    let mut request = Request::new(method, path).by(&Rc::new(user), &agent);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        // What goes on and on has no place in one answer.
        if !matches!(name, "watch" | "follow") {
            request = request.query(name, value);
        }
    }
    if is_proxied {
        let passed = http.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        request.headers = passed.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        request.headers.push(("Host".to_string(), http.host.to_string()));
        request = request.body(&*http.body);
    } else if let Ok(body) = Value::from_json(&http.body) {
        request = request.body(body);
    }
    let response = match cluster.with_ground(|ground| ground.request(&Place::Client, request)) {
        Ok(response) => response,
        Err(why) => Response::new(503, why),
    };
    if response.stream != 0 && response.code == 200 && cluster.terminal.machines.inner.len() < INNER {
        cluster.terminal.machines.inner.insert(response.stream, Inner::new(exchange, &response));
        return None;
    }
    if response.stream != 0 {
        cluster.with_ground(|ground| ground.stream_close(response.stream));
        return Some(json(&Status::bad_request("Upgrade request required").into()));
    }
    if response.body.as_str().is_some() {
        return Some(text(response.code, response.body.str()));
    }
    Some(json(&response))
}

/// Returns who asks; `None` for a token that is none.
fn user_of(cluster: &mut Cluster, http: &HttpRequest) -> Option<User> {
    if !http.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
        return Some(User::new("system:anonymous", &["system:unauthenticated"]));
    }
    cluster.authenticate(bearer(http)?)
}

/// Returns the token with which a request comes.
pub(crate) fn bearer(http: &HttpRequest) -> Option<&str> {
    let header = http.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    header.and_then(|(_, value)| value.strip_prefix("Bearer "))
}

pub(crate) fn method_of(name: &str) -> Method {
    match name {
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "HEAD" => Method::Head,
        "OPTIONS" => Method::Options,
        _ => Method::Get,
    }
}

pub(crate) fn text(code: u16, body: &str) -> HttpResponse {
    with_type(code, "text/plain; charset=utf-8", body.to_string())
}

fn json(response: &Response) -> HttpResponse {
    let body = match Status::from_value(&response.body) {
        Some(status) => in_order(&status),
        None => response.body.to_json_pretty(),
    };
    // As for whoever asks by hand: two blanks a level.
    let lines = body.lines().map(|line| {
        let rest = line.trim_start();
        format!("{}{rest}", " ".repeat((line.len() - rest.len()) / 2))
    });
    with_type(response.code, "application/json", lines.collect::<Vec<_>>().join("\n"))
}

/// Writes a Status with its fields in the order in which the server has them.
fn in_order(status: &Status) -> String {
    let quoted = |text: &str| Value::from(text).to_json();
    let mut text = String::from(
        "{\n    \"kind\": \"Status\",\n    \"apiVersion\": \"v1\",\n    \"metadata\": {},\n    \"status\": \"Failure\",\n",
    );
    let (message, reason) = (quoted(&status.message), quoted(&status.reason));
    text += &format!("    \"message\": {message},\n    \"reason\": {reason},\n");
    // A refusal always has details, if only empty ones.
    if !status.details.is_null() || status.code == 403 {
        let fields = ["name", "group", "kind"].into_iter().filter(|field| !status.details[*field].is_null());
        let lines: Vec<String> = fields
            .map(|field| format!("        \"{field}\": {}", quoted(status.details[field].str())))
            .collect();
        text += &match lines.is_empty() {
            true => "    \"details\": {},\n".to_string(),
            false => format!("    \"details\": {{\n{}\n    }},\n", lines.join(",\n")),
        };
    }
    text + &format!("    \"code\": {}\n}}", status.code)
}

pub(crate) fn with_type(code: u16, kind: &str, body: String) -> HttpResponse {
    let headers =
        vec![("Content-Type".into(), kind.into()), ("Content-Length".into(), body.len().to_string().into())];
    HttpResponse { status: code, headers, body: body.into() }
}
