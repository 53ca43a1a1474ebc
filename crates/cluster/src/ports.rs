//! What listens on the machines themselves: the API server's port, and kube-proxy's health.

use crate::Cluster;
use crate::wires::{Wires, proxy_application};
use api::{Method, Request, Response, Status, User, Value, meta};
use network::{Answer, Application, Arrival, HostId, HttpRequest, HttpResponse, Network, Payload, Protocol};
use sim::Time;
use std::rc::Rc;

/// The API server's port.
const SECURE_PORT: u16 = 6_443;
/// kube-proxy's port for its own health.
const PROXY_HEALTH: u16 = 10_256;
/// The API server's number as an application.
pub(crate) const APISERVER: Application = Application((1 << 42) - 1);
/// The taint by which an autoscaler marks a node that it takes away.
const TO_BE_DELETED: &str = "ToBeDeletedByClusterAutoscaler";

/// Opens a machine's own ports, as its processes do when they start.
pub(crate) fn open(network: &mut Network, host: HostId, number: u32, is_control_plane: bool) {
    network.listen(host, Protocol::Tcp, PROXY_HEALTH, proxy_application(number));
    if is_control_plane {
        network.listen(host, Protocol::Tcp, SECURE_PORT, APISERVER);
    }
}

/// Answers what came to one of these ports. Returns whether it was one.
pub(crate) fn arrive(cluster: &mut Cluster, arrival: &Arrival) -> bool {
    let answer = match &*arrival.payload {
        _ if arrival.application != APISERVER => return proxy_health(cluster, arrival),
        Payload::Http(http) => Answer::Http(api_answer(cluster, http)),
        Payload::Text(_) => return false,
        _ => Answer::Connected,
    };
    reply(cluster, arrival, answer);
    true
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

/// Answers a request that came over the network: who has no token is anonymous.
fn api_answer(cluster: &mut Cluster, http: &HttpRequest) -> HttpResponse {
    if !http.is_tls {
        return text(400, "Client sent an HTTP request to an HTTPS server.\n");
    }
    let Some(user) = user_of(&cluster.wires, cluster, http) else {
        return json(&Status::new(401, "Unauthorized", "Unauthorized").into());
    };
    let (path, query) = http.path.split_once('?').unwrap_or((&http.path, ""));
    let agent = http.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
    let agent = agent.map_or_else(|| "curl".into(), |(_, agent)| agent.clone());
    let mut request = Request::new(method_of(&http.method), path).by(&Rc::new(user), &agent);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        // What goes on and on has no place in one answer.
        if !matches!(name, "watch" | "follow") {
            request = request.query(name, value);
        }
    }
    if let Ok(body) = Value::from_json(&http.body) {
        request = request.body(body);
    }
    let response = cluster.world.call_now(&request);
    if response.body.as_str().is_some() {
        return text(response.code, response.body.str());
    }
    json(&response)
}

/// Returns who asks; `None` for a token that is none.
fn user_of(wires: &Wires, cluster: &Cluster, http: &HttpRequest) -> Option<User> {
    let header = http.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let Some((_, value)) = header else {
        return Some(User::new("system:anonymous", &["system:unauthenticated"]));
    };
    let pod = wires.pods.get(value.strip_prefix("Bearer ")?.rsplit('.').next()?)?;
    let object = cluster.view.objects.get(&("pods", pod.key.to_string()))?;
    let namespace = meta::namespace(object);
    let name = object["spec"]["serviceAccountName"].as_str().unwrap_or("default");
    let all = format!("system:serviceaccounts:{namespace}");
    let groups = ["system:serviceaccounts", &all, "system:authenticated"];
    Some(User::new(&format!("system:serviceaccount:{namespace}:{name}"), &groups))
}

fn method_of(name: &str) -> Method {
    match name {
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => Method::Get,
    }
}

fn text(code: u16, body: &str) -> HttpResponse {
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

fn with_type(code: u16, kind: &str, body: String) -> HttpResponse {
    let headers =
        vec![("Content-Type".into(), kind.into()), ("Content-Length".into(), body.len().to_string().into())];
    HttpResponse { status: code, headers, body: body.into() }
}
