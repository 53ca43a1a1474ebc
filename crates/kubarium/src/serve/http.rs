//! HTTP: what comes in is made a request, and the answer is written.

use super::body::{Answer, Stream};
use super::identity::{self, Claim, Peer, text};
use super::negotiation::{accept_of, body_form, not_acceptable, unsupported};
use super::simulation::{Ask, Form, Order, Piece, Told, refusal};
use super::tls::Acceptor;
use super::upgrade;
use api::{Accept, Method, PatchType, Status};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// How long a body may be.
// Models staging/src/k8s.io/apiserver/pkg/server/config.go MaxRequestBodyBytes
const MAX_BODY: usize = 3 * 1024 * 1024;
/// How many connections there may be at once.
const MAX_CONNECTIONS: usize = 2_000;
/// For how long a client may keep silent where it is its turn to speak.
const PATIENCE: Duration = Duration::from_secs(30);
/// For how long a body may take to come.
// Models staging/src/k8s.io/apiserver/pkg/server/config.go RequestTimeout
const BODY_PATIENCE: Duration = Duration::from_secs(60);
/// How the first byte of a TLS connection reads.
const HANDSHAKE: u8 = 0x16;
/// What Go's server answers to HTTP where it expects TLS.
const NOT_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// The way to the cluster.
pub(super) struct Door {
    pub(super) orders: mpsc::Sender<Order>,
    /// The administrator's token.
    pub(super) token: String,
}

/// Takes connections for ever, with TLS and, where only this machine is listened to, without.
pub(super) async fn accept(listener: TcpListener, door: Arc<Door>, tls: Arc<Acceptor>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let is_own = listener.local_addr().is_ok_and(|address| address.ip().is_loopback());
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((connection, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Small answers are not to wait for more.
        let _ = connection.set_nodelay(true);
        let (door, tls) = (door.clone(), tls.clone());
        tokio::spawn(async move {
            welcome(connection, door, &tls, is_own).await;
            drop(place);
        });
    }
}

async fn welcome(mut connection: TcpStream, door: Arc<Door>, tls: &Acceptor, is_own: bool) {
    let mut first = [0];
    match timeout(PATIENCE, connection.peek(&mut first)).await {
        Ok(Ok(1)) if first[0] == HANDSHAKE => {
            if let Ok(Ok((stream, peer))) = timeout(PATIENCE, tls.accept(connection)).await {
                converse(TokioIo::new(stream), peer, door).await;
            }
        }
        Ok(Ok(1)) if is_own => converse(TokioIo::new(connection), Peer::Neighbour, door).await,
        // How a connection ends is its client's affair.
        Ok(Ok(1)) => drop(timeout(PATIENCE, refuse_plain(&mut connection)).await),
        _ => {}
    }
}

/// Says that TLS is wanted, and waits for the client to have heard it: what it sent and nobody read would
/// take the answer away.
async fn refuse_plain(connection: &mut TcpStream) -> std::io::Result<()> {
    connection.write_all(NOT_TLS).await?;
    connection.shutdown().await?;
    let mut rest = [0; 4_096];
    for _ in 0..256 {
        if connection.read(&mut rest).await? == 0 {
            break;
        }
    }
    Ok(())
}

async fn converse<C: Read + Write + Unpin + Send + 'static>(connection: C, peer: Peer, door: Arc<Door>) {
    let peer = Arc::new(peer);
    let service = service_fn(|request| answer(request, peer.clone(), door.clone()));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE * 4)
        .serve_connection(connection, service)
        .with_upgrades();
    let _ = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    peer: Arc<Peer>,
    door: Arc<Door>,
) -> Result<Response<Answer>, Infallible> {
    let claim = match identity::claim(request.headers(), &peer, &door) {
        Ok(claim) => claim,
        Err(status) => return Ok(respond(refusal(&status), &door)),
    };
    let is_proxied = cluster::is_proxied(&path_of(request.uri()));
    let told = match method(request.method()) {
        None => refusal(&not_allowed()),
        Some(method) if is_proxied => {
            let told = ask(request, method, claim, &door).await;
            return Ok(passed_on(told, &door).await);
        }
        Some(Method::Options) => refusal(&not_allowed()),
        Some(Method::Head) => ask(request, Method::Get, claim, &door).await,
        Some(method) if upgrade::is_wanted(&request) => {
            return Ok(upgrade::answer(request, method, claim, door).await);
        }
        Some(method) => ask(request, method, claim, &door).await,
    };
    Ok(respond(told, &door))
}

fn not_allowed() -> Status {
    Status::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
}

fn method(method: &hyper::Method) -> Option<Method> {
    Some(match *method {
        hyper::Method::GET => Method::Get,
        hyper::Method::HEAD => Method::Head,
        hyper::Method::OPTIONS => Method::Options,
        hyper::Method::POST => Method::Post,
        hyper::Method::PUT => Method::Put,
        hyper::Method::PATCH => Method::Patch,
        hyper::Method::DELETE => Method::Delete,
        _ => return None,
    })
}

fn path_of(uri: &hyper::Uri) -> String {
    percent_encoding::percent_decode_str(uri.path()).decode_utf8_lossy().into_owned()
}

/// Returns the query's parameters, decoded.
pub(super) fn query(uri: &hyper::Uri) -> Vec<(String, String)> {
    form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()).into_owned().collect()
}

/// Makes of what came in what the cluster is asked, and waits for the answer.
pub(super) async fn ask(request: Request<Incoming>, method: Method, claim: Claim, door: &Door) -> Told {
    let (head, body) = request.into_parts();
    let path = path_of(&head.uri);
    let is_proxied = cluster::is_proxied(&path);
    let content_type = text(&head.headers, "content-type").split(';').next().unwrap_or("").trim().to_string();
    let form =
        if is_proxied { Some((Form::Raw, PatchType::default())) } else { body_form(&content_type, method) };
    let Some((form, patch)) = form else {
        return refusal(&unsupported(method));
    };
    let body = match timeout(BODY_PATIENCE, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes().to_vec(),
        Err(_) => {
            let message = "request did not complete within the allotted timeout";
            return refusal(&Status::new(504, "Timeout", message));
        }
        Ok(Err(_)) => {
            let message = format!("Request entity too large: limit is {MAX_BODY}");
            return refusal(&Status::new(413, "RequestEntityTooLarge", message));
        }
    };
    let query = query(&head.uri);
    let agent = text(&head.headers, "user-agent").split(['/', ' ']).next().unwrap_or("");
    let agent = if agent.is_empty() { "client" } else { agent }.to_string();
    let accept = accept_of(text(&head.headers, "accept"), &path, &query);
    let Some(accept) = accept.or(is_proxied.then_some(Accept::Object)) else {
        return refusal(&not_acceptable());
    };
    let headers = if is_proxied { passed_headers(&head.headers) } else { Vec::new() };
    let (reply, told) = oneshot::channel();
    let ask = Ask { method, path, query, accept, patch, claim, agent, headers, body, form, reply };
    let gone = || refusal(&Status::new(503, "ServiceUnavailable", "the cluster has ended"));
    if door.orders.send(Order::Ask(Box::new(ask))).is_err() {
        return gone();
    }
    told.await.unwrap_or_else(|_| gone())
}

/// Returns the headers that go on to something else: not those that prove to us who asks, nor those that are
/// about the connection.
// Models net/http/httputil/reverseproxy.go removeHopByHopHeaders
fn passed_headers(headers: &header::HeaderMap) -> Vec<(String, String)> {
    let is_ours = |name: &str| {
        name.starts_with("impersonate-")
            || matches!(
                name,
                "authorization"
                    | "connection"
                    | "keep-alive"
                    | "proxy-authorization"
                    | "te"
                    | "trailer"
                    | "transfer-encoding"
                    | "upgrade"
            )
    };
    let passed = headers.iter().filter(|(name, _)| !is_ours(name.as_str()));
    passed
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

/// Writes an answer that came from something else, once its beginning is there.
async fn passed_on(mut told: Told, door: &Door) -> Response<Answer> {
    let Some((_, pieces)) = &mut told.stream else { return respond(told, door) };
    let (code, headers) = match pieces.next().await {
        Some(Piece::Head(code, headers)) => (code, headers),
        _ => (502, Vec::new()),
    };
    told.code = code;
    let mut response = respond(told, door);
    response.headers_mut().remove(header::CONTENT_TYPE);
    response.headers_mut().remove(header::CACHE_CONTROL);
    super::tunnel::put_headers(headers, response.headers_mut());
    response
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
