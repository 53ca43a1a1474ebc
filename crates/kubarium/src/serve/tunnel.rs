//! Connections from outside to what listens in the cluster: forwarded ports and node ports.
//!
//! What travels in the simulated network is whole requests and answers. So HTTP is read from the connection
//! and written to it here; of other protocols each piece that comes is a request.

use super::http::Door;
use super::simulation::Order;
use cluster::{Goal, NetAnswer, NetProtocol};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::oneshot;

/// How long the body of a request may be.
const MAX_BODY: usize = 1024 * 1024;
/// How much is read at once.
const CHUNK: usize = 16 * 1024;
/// For how long a connection may be silent before anything is sent.
const PATIENCE: Duration = Duration::from_secs(300);
/// With what requests of HTTP begin.
const METHODS: [&str; 7] = ["GET ", "HEAD ", "POST ", "PUT ", "PATCH ", "DELETE ", "OPTIONS "];

/// Why a connection ends without an answer.
#[derive(Debug)]
struct Unanswered;

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no answer")
    }
}

impl std::error::Error for Unanswered {}

/// Carries a connection until one side ends it.
pub(super) async fn carry<C>(connection: C, goal: Goal, door: Arc<Door>)
where
    C: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut reader, mut writer) = tokio::io::split(connection);
    let mut chunk = vec![0; CHUNK];
    let Ok(Ok(length)) = tokio::time::timeout(PATIENCE, reader.read(&mut chunk)).await else { return };
    chunk.truncate(length);
    if METHODS.iter().any(|method| chunk.starts_with(method.as_bytes())) {
        let whole = tokio::io::join(std::io::Cursor::new(chunk).chain(reader), writer);
        let service = service_fn(|request| exchange(request, goal, door.clone()));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(TokioIo::new(Box::pin(whole)), service);
        // How a connection ends is its client's affair.
        let _ = connection.await;
        return;
    }
    while !chunk.is_empty() {
        let payload = String::from_utf8_lossy(&chunk).into_owned();
        match reach(goal, NetProtocol::Tcp { payload }, &door).await {
            Some(NetAnswer::Text(text)) if !text.is_empty() => {
                if writer.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Some(NetAnswer::Connected) => {}
            _ => return,
        }
        chunk.resize(CHUNK, 0);
        let Ok(Ok(length)) = tokio::time::timeout(PATIENCE, reader.read(&mut chunk)).await else { return };
        chunk.truncate(length);
    }
}

/// Sends something into the cluster and waits for what comes of it.
async fn reach(goal: Goal, protocol: NetProtocol, door: &Door) -> Option<NetAnswer> {
    let (reply, told) = oneshot::channel();
    door.orders.send(Order::Reach(goal, protocol, reply)).ok()?;
    told.await.ok()
}

/// Hands a request over HTTP on. Where the cluster brings no answer the connection ends without one.
async fn exchange(
    request: Request<Incoming>,
    goal: Goal,
    door: Arc<Door>,
) -> Result<Response<Full<Bytes>>, Unanswered> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(response);
    };
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let host = head.headers.get(header::HOST).map(text).unwrap_or_default();
    let others = head.headers.iter().filter(|(name, _)| *name != header::HOST);
    let protocol = NetProtocol::Http {
        method: head.method.to_string(),
        host,
        path: head.uri.path_and_query().map_or("/", |path| path.as_str()).to_string(),
        headers: others.map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        tls: false,
    };
    let Some(NetAnswer::Http { status, headers, body }) = reach(goal, protocol, &door).await else {
        return Err(Unanswered);
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Unanswered)?;
    put_headers(headers, response.headers_mut());
    Ok(response)
}

/// Puts an application's headers into an answer. How long an answer is and how it is sent is told by who sends
/// it here.
pub(super) fn put_headers(headers: Vec<(String, String)>, to: &mut HeaderMap) {
    for (name, value) in headers {
        let is_framing = ["content-length", "transfer-encoding", "connection"]
            .iter()
            .any(|framing| name.eq_ignore_ascii_case(framing));
        if let (Ok(name), Ok(value), false) =
            (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value), is_framing)
        {
            to.append(name, value);
        }
    }
}
