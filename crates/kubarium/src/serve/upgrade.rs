//! exec, attach and port-forward over WebSocket, in the channel protocols v4 and v5.
// Models staging/src/k8s.io/streaming/pkg/httpstream/wsstream/conn.go

use super::body::Answer;
use super::forward;
use super::http::{self, Door};
use super::identity::Claim;
use super::simulation::{Order, Piece, Pieces, refusal};
use api::{Method, Status, Value, tree};
use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message};

/// How long a message of a client's may be, in bytes.
const MAX_MESSAGE: usize = 1024 * 1024;
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;
/// In v5, what tells that a channel is at its end.
const CLOSE: u8 = 255;
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

/// A connection that speaks WebSocket.
pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Returns whether a connection is to become something other than HTTP.
pub(super) fn is_wanted(request: &Request<Incoming>) -> bool {
    let upgrades = request.headers().contains_key(header::UPGRADE);
    upgrades && ["/exec", "/attach", "/portforward"].iter().any(|end| request.uri().path().ends_with(end))
}

/// Answers such a request: with what the cluster refuses it for, or with the streams.
pub(super) async fn answer(
    mut request: Request<Incoming>,
    method: Method,
    claim: Claim,
    door: Arc<Door>,
) -> Response<Answer> {
    let header = |name: &str| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("").to_string()
    };
    let (wanted, key) = (header("upgrade"), header("sec-websocket-key"));
    let offered = header("sec-websocket-protocol");
    let protocol = PROTOCOLS.iter().find(|known| offered.split(',').any(|one| one.trim() == **known));
    let upgrade = hyper::upgrade::on(&mut request);
    let path = request.uri().path().to_string();
    let query = http::query(request.uri());
    let mut told = http::ask(request, method, claim, &door).await;
    if told.code != 101 {
        return http::respond(told, &door);
    }
    let Some((number, pieces)) = told.stream.take() else {
        return http::respond(refusal(&Status::new(500, "InternalError", "no stream")), &door);
    };
    let Some(protocol) = protocol.filter(|_| wanted.eq_ignore_ascii_case("websocket") && !key.is_empty())
    else {
        let _ = door.orders.send(Order::Close(number));
        let message =
            "unable to upgrade: only WebSocket with v4.channel.k8s.io or v5.channel.k8s.io is served";
        return http::respond(refusal(&Status::bad_request(message)), &door);
    };
    let is_forward = path.ends_with("/portforward");
    let (door_there, ports) = (door.clone(), cluster::forwarded_ports(&query));
    tokio::spawn(async move {
        // Where the client has gone in the meantime the stream is closed.
        let Ok(connection) = upgrade.await else {
            return drop(door_there.orders.send(Order::Close(number)));
        };
        let config = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE));
        let connection = TokioIo::new(connection);
        let socket = WebSocketStream::from_raw_socket(connection, Role::Server, Some(config)).await;
        if is_forward {
            forward::converse(socket, number, ports, pieces, door_there).await;
        } else {
            converse(socket, number, pieces, &door_there).await;
        }
    });
    let mut response = Response::new(Answer::Whole(None));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(key) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    }
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    response
}

/// Carries what is typed and what is printed, until the process ends or the client goes.
async fn converse(socket: Socket, number: u64, mut pieces: Pieces, door: &Door) {
    {
        let (mut out, mut typed) = socket.split();
        loop {
            tokio::select! {
                piece = pieces.next() => match piece {
                    Some(Piece::Text(text)) => {
                        if out.send(on_channel(STDOUT, text.as_bytes())).await.is_err() {
                            break;
                        }
                    }
                    Some(Piece::Errors(text)) => {
                        if out.send(on_channel(STDERR, text.as_bytes())).await.is_err() {
                            break;
                        }
                    }
                    end => {
                        let code = if let Some(Piece::Exit(code)) = end { code } else { 0 };
                        let last = on_channel(ERROR, ended(code).to_json().as_bytes());
                        let _ = out.send(last).await;
                        let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
                        let _ = out.send(Message::Close(Some(close))).await;
                        break;
                    }
                },
                message = typed.next() => match message {
                    Some(Ok(Message::Binary(bytes))) => hear(&bytes, number, door).await,
                    Some(Ok(Message::Text(text))) => hear(text.as_bytes(), number, door).await,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(_)) => {}
                },
            }
        }
    }
    let _ = door.orders.send(Order::Close(number));
}

/// Hands on what was typed, and waits until the cluster has taken it: nobody fills its inbox.
async fn hear(bytes: &[u8], number: u64, door: &Door) {
    let text = match bytes {
        [STDIN, text @ ..] if !text.is_empty() => String::from_utf8_lossy(text).into_owned(),
        [CLOSE, STDIN] => String::new(),
        _ => return,
    };
    let (taken, is_taken) = oneshot::channel();
    if door.orders.send(Order::Write(number, text, taken)).is_ok() {
        let _ = is_taken.await;
    }
}

/// Puts a channel's number before what is sent on it.
pub(super) fn on_channel(channel: u8, bytes: &[u8]) -> Message {
    let mut message = Vec::with_capacity(bytes.len() + 1);
    message.push(channel);
    message.extend_from_slice(bytes);
    Message::Binary(Bytes::from(message))
}

/// Returns how a process ended, as the channel of errors tells it.
// Models staging/src/k8s.io/kubelet/pkg/cri/streaming/remotecommand/exec.go ServeExec
fn ended(code: i32) -> Value {
    if code == 0 {
        return tree!({"metadata": {}, "status": "Success"});
    }
    tree!({
        "metadata": {},
        "status": "Failure",
        "message": (format!("command terminated with non-zero exit code: command terminated with exit code {code}")),
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": (code.to_string())}]},
    })
}
