//! HTTP: what comes in is made a request, and the answer is written.

use super::body::{Answer, Stream};
use super::exec;
use super::simulation::{Ask, Form, Order, Told, refusal};
use api::{Accept, Method, PatchType, Status};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

/// How long a body may be.
// Models staging/src/k8s.io/apiserver/pkg/server/config.go MaxRequestBodyBytes
const MAX_BODY: usize = 3 * 1024 * 1024;
/// How many connections there may be at once.
const MAX_CONNECTIONS: usize = 2_000;

/// The way to the cluster.
pub(super) struct Door {
    pub(super) orders: mpsc::Sender<Order>,
    /// The administrator's token.
    pub(super) token: String,
}

/// Takes connections for ever.
pub(super) async fn accept(listener: TcpListener, door: Arc<Door>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((connection, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Small answers are not to wait for more.
        let _ = connection.set_nodelay(true);
        let door = door.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, door.clone()));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(connection), service)
                .with_upgrades();
            // How a connection ends is its client's affair.
            let _ = connection.await;
            drop(place);
        });
    }
}

async fn answer(request: Request<Incoming>, door: Arc<Door>) -> Result<Response<Answer>, Infallible> {
    let user = match identity(request.headers(), &door) {
        Ok(user) => user,
        Err(status) => return Ok(respond(refusal(&status), &door)),
    };
    let told = match method(request.method()) {
        None => refusal(&not_allowed()),
        Some(method) if exec::is_upgrade(&request) => {
            return Ok(exec::answer(request, method, user, door).await);
        }
        Some(method) => ask(request, method, user, &door).await,
    };
    Ok(respond(told, &door))
}

fn not_allowed() -> Status {
    Status::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
}

fn method(method: &hyper::Method) -> Option<Method> {
    Some(match *method {
        hyper::Method::GET | hyper::Method::HEAD => Method::Get,
        hyper::Method::POST => Method::Post,
        hyper::Method::PUT => Method::Put,
        hyper::Method::PATCH => Method::Patch,
        hyper::Method::DELETE => Method::Delete,
        _ => return None,
    })
}

/// A user's name and groups.
pub(super) type Identity = (String, Vec<String>);

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Returns who asks.
fn identity(headers: &HeaderMap, door: &Door) -> Result<Identity, Status> {
    let host = text(headers, "host");
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host).trim_matches(['[', ']']);
    let is_own = |host: &str| {
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    };
    let origin = text(headers, "origin");
    let origin_host =
        origin.split("://").nth(1).map(|rest| rest.rsplit_once(':').map_or(rest, |(host, _)| host));
    // A page of somewhere else, which a browser on this machine shows, is not the administrator.
    if !host.is_empty() && !is_own(host) || origin_host.is_some_and(|host| !is_own(host)) {
        return Err(Status::new(403, "Forbidden", "requests of other hosts' pages are refused"));
    }
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        let given = given.to_str().ok().and_then(|given| given.strip_prefix("Bearer "));
        if given.map(str::trim) != Some(door.token.as_str()) {
            return Err(Status::new(401, "Unauthorized", "Unauthorized"));
        }
    }
    let impersonated = text(headers, "impersonate-user");
    if impersonated.is_empty() {
        return Ok(("kubernetes-admin".into(), vec!["system:masters".into(), "system:authenticated".into()]));
    }
    let groups = headers.get_all("impersonate-group").iter().filter_map(|value| value.to_str().ok());
    Ok((impersonated.to_string(), impersonated_groups(impersonated, groups.map(str::to_string).collect())))
}

// Models staging/src/k8s.io/apiserver/pkg/endpoints/filters/impersonation.go WithImpersonation
fn impersonated_groups(name: &str, mut groups: Vec<String>) -> Vec<String> {
    if groups.is_empty()
        && let Some(account) = name.strip_prefix("system:serviceaccount:")
    {
        groups.push("system:serviceaccounts".to_string());
        groups.push(format!("system:serviceaccounts:{}", account.split(':').next().unwrap_or("")));
    }
    let common = if name == "system:anonymous" { "system:unauthenticated" } else { "system:authenticated" };
    if !groups.iter().any(|group| group == common) {
        groups.push(common.to_string());
    }
    groups
}

/// Makes of what came in what the cluster is asked, and waits for the answer.
pub(super) async fn ask(
    request: Request<Incoming>,
    method: Method,
    (user, groups): Identity,
    door: &Door,
) -> Told {
    let (head, body) = request.into_parts();
    let content_type = text(&head.headers, "content-type").split(';').next().unwrap_or("").trim().to_string();
    let Some((form, patch)) = body_form(&content_type, method) else {
        return refusal(&unsupported(method));
    };
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(_) => {
            let message = format!("Request entity too large: limit is {MAX_BODY}");
            return refusal(&Status::new(413, "RequestEntityTooLarge", message));
        }
    };
    let path = percent_encoding::percent_decode_str(head.uri.path()).decode_utf8_lossy().into_owned();
    let query: Vec<(String, String)> =
        form_urlencoded::parse(head.uri.query().unwrap_or("").as_bytes()).into_owned().collect();
    let agent = text(&head.headers, "user-agent").split(['/', ' ']).next().unwrap_or("");
    let agent = if agent.is_empty() { "client" } else { agent }.to_string();
    let accept = accept_of(text(&head.headers, "accept"), &path, &query);
    let Some(accept) = accept else {
        return refusal(&not_acceptable());
    };
    let (reply, told) = oneshot::channel();
    let ask = Ask { method, path, query, accept, patch, user, groups, agent, body, form, reply };
    let gone = || refusal(&Status::new(503, "ServiceUnavailable", "the cluster has ended"));
    if door.orders.send(Order::Ask(Box::new(ask))).is_err() {
        return gone();
    }
    told.await.unwrap_or_else(|_| gone())
}

/// Returns in which form a body is, and what kind of patch; `None` for a form that isn't known.
fn body_form(content_type: &str, method: Method) -> Option<(Form, PatchType)> {
    if method == Method::Patch {
        return Some(match content_type {
            "application/json-patch+json" => (Form::Json, PatchType::Json),
            "application/merge-patch+json" => (Form::Json, PatchType::Merge),
            "application/strategic-merge-patch+json" => (Form::Json, PatchType::StrategicMerge),
            "application/apply-patch+yaml" => (Form::Yaml, PatchType::Apply),
            _ => return None,
        });
    }
    let form = match content_type {
        "" | "application/json" | "*/*" => Form::Json,
        "application/yaml" => Form::Yaml,
        "application/vnd.kubernetes.protobuf" => Form::Protobuf,
        // A GET has no body, whatever it says.
        _ if method == Method::Get => Form::Json,
        _ => return None,
    };
    Some((form, PatchType::default()))
}

// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/negotiation/errors.go NewUnsupportedMediaTypeError
fn unsupported(method: Method) -> Status {
    let accepted = if method == Method::Patch {
        "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, \
         application/apply-patch+yaml"
    } else {
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    };
    let message = format!(
        "the body of the request was in an unknown format - accepted media types include: {accepted}"
    );
    Status::new(415, "UnsupportedMediaType", message)
}

// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/negotiation/errors.go NewNotAcceptableError
fn not_acceptable() -> Status {
    let message = "only the following media types are accepted: application/json, application/yaml";
    Status::new(406, "NotAcceptable", message)
}

/// Returns the form that is wanted of those that a header names; `None` where it names none that is known.
fn accept_of(header: &str, path: &str, query: &[(String, String)]) -> Option<Accept> {
    if header.trim().is_empty() {
        return Some(Accept::Object);
    }
    let is_root = matches!(path.trim_end_matches('/'), "/api" | "/apis");
    // Logs and metrics are text whatever is asked for.
    let is_text = !path.starts_with("/api") && !path.starts_with("/openapi") || path.ends_with("/log");
    for part in header.split(',') {
        let mut words = part.split(';').map(str::trim);
        let form = words.next().unwrap_or("");
        let parameters: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
        let parameter =
            |name: &str| parameters.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| *value);
        if !matches!(form, "application/json" | "*/*" | "application/*") {
            continue;
        }
        match parameter("as") {
            "" => return Some(Accept::Object),
            "Table" if parameter("g") == "meta.k8s.io" && parameter("v") == "v1" => {
                let whole = query.iter().any(|(name, value)| name == "includeObject" && value == "Object");
                return Some(if whole { Accept::TableWithObjects } else { Accept::Table });
            }
            "PartialObjectMetadata" | "PartialObjectMetadataList" if parameter("v") == "v1" => {
                return Some(Accept::Metadata);
            }
            "APIGroupDiscoveryList" if is_root && parameter("v") == "v2" => return Some(Accept::Discovery),
            _ => {}
        }
    }
    is_text.then_some(Accept::Object)
}

/// Writes an answer.
pub(super) fn respond(told: Told, door: &Door) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(None));
    *response.status_mut() =
        hyper::StatusCode::from_u16(told.code).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    let is_discovery = told.is_json && told.text.contains("\"kind\":\"APIGroupDiscoveryList\"");
    let form = match told.is_json {
        _ if is_discovery => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        true => "application/json",
        false => "text/plain; charset=utf-8",
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    for warning in &told.warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            headers.append(header::WARNING, value);
        }
    }
    *response.body_mut() = match told.stream {
        Some((number, pieces)) => {
            let end = told.patience.map(|patience| Box::pin(tokio::time::sleep(patience)));
            Answer::Stream(Stream { number, pieces, orders: door.orders.clone(), end })
        }
        None => Answer::whole(told.text),
    };
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_accepted() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        let discovery =
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        let protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
        let pods = "/api/v1/pods";
        for (header, path, found) in [
            ("", pods, Some(Accept::Object)),
            ("*/*", pods, Some(Accept::Object)),
            (table, pods, Some(Accept::Table)),
            (discovery, "/apis", Some(Accept::Discovery)),
            (discovery, pods, Some(Accept::Object)),
            ("application/vnd.kubernetes.protobuf, application/json", pods, Some(Accept::Object)),
            (
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                pods,
                Some(Accept::Metadata),
            ),
            (protobuf, "/openapi/v2", None),
            ("text/html", pods, None),
            ("text/plain", "/metrics", Some(Accept::Object)),
        ] {
            assert_eq!(accept_of(header, path, &[]), found, "{header} {path}");
        }
    }

    #[test]
    fn other_hosts_pages_are_refused() {
        let door = Door { orders: mpsc::channel().0, token: "t".to_string() };
        for (name, value, code) in [
            ("host", "127.0.0.1:8001", 0),
            ("host", "localhost", 0),
            ("host", "evil.example:8001", 403),
            ("origin", "http://evil.example", 403),
            ("origin", "http://localhost:8080", 0),
            ("authorization", "Bearer t", 0),
            ("authorization", "Bearer other", 401),
            ("authorization", "Basic dDp0", 401),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            let found = identity(&headers, &door).err().map_or(0, |status| status.code);
            assert_eq!(found, code, "{name}: {value}");
        }
    }
}
