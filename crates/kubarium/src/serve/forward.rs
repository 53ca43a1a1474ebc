//! port-forward over WebSocket, as kube-rs and Python's client ask for it: for each port a channel of data and
//! one of errors, each of which begins with the port.
// Models staging/src/k8s.io/kubelet/pkg/cri/streaming/portforward/websocket.go

use super::http::Door;
use super::simulation::{Order, Piece, Pieces};
use super::tunnel;
use super::upgrade::{Socket, on_channel};
use cluster::Goal;
use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

/// How much of a forwarded connection waits between its two ends, in bytes.
const BUFFER: usize = 64 * 1024;

/// What comes out of one of the ports: its number and some bytes; none is its end.
type Flow = (u8, Vec<u8>);

/// Carries what goes through the ports until the client goes or the pod ends.
pub(super) async fn converse(
    socket: Socket,
    stream: u64,
    ports: Vec<u16>,
    mut pieces: Pieces,
    door: Arc<Door>,
) {
    let (mut out, mut typed) = socket.split();
    let (flow, mut flows) = mpsc::channel(8);
    let mut ends: Vec<Option<WriteHalf<DuplexStream>>> = Vec::new();
    for (i, port) in (0u8..).zip(&ports) {
        for channel in [2 * i, 2 * i + 1] {
            if out.send(on_channel(channel, &port.to_le_bytes())).await.is_err() {
                return;
            }
        }
        let (near, far) = tokio::io::duplex(BUFFER);
        let (reader, writer) = tokio::io::split(near);
        tokio::spawn(tunnel::carry(far, Goal::Forwarded { stream, port: *port }, door.clone()));
        tokio::spawn(pump(i, reader, flow.clone()));
        ends.push(Some(writer));
    }
    drop(flow);
    loop {
        tokio::select! {
            // Why a connection ends comes before its end.
            biased;
            piece = pieces.next() => match piece {
                Some(Piece::Text(line)) => {
                    if !tell_refusal(&line, &ports, &mut out).await {
                        break;
                    }
                }
                Some(_) => {}
                None => break,
            },
            some = flows.recv() => match some {
                Some((port, bytes)) if !bytes.is_empty() => {
                    if out.send(on_channel(2 * port, &bytes)).await.is_err() {
                        break;
                    }
                }
                Some(_) => {}
                // All connections have ended.
                None => break,
            },
            message = typed.next() => match message {
                Some(Ok(Message::Binary(bytes))) => hear(&bytes, &mut ends).await,
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
    let _ = out.send(Message::Close(None)).await;
    // Where nobody takes orders any more there is no stream either.
    let _ = door.orders.send(Order::Close(stream));
}

async fn hear(bytes: &[u8], ends: &mut [Option<WriteHalf<DuplexStream>>]) {
    let Some((channel, bytes)) = bytes.split_first() else { return };
    let end = ends.get_mut(usize::from(channel / 2)).filter(|_| channel % 2 == 0);
    if let Some(end) = end
        && let Some(writer) = end
        && writer.write_all(bytes).await.is_err()
    {
        *end = None;
    }
}

/// Hands on what comes out of a port.
async fn pump(port: u8, mut reader: ReadHalf<DuplexStream>, flow: mpsc::Sender<Flow>) {
    let mut chunk = vec![0; BUFFER / 4];
    while let Ok(length @ 1..) = reader.read(&mut chunk).await {
        if flow.send((port, chunk[..length].to_vec())).await.is_err() {
            return;
        }
    }
}

/// Tells on a port's channel of errors why the pod refused a connection. Returns whether the client is there.
async fn tell_refusal(line: &str, ports: &[u16], out: &mut SplitSink<Socket, Message>) -> bool {
    for (i, port) in (0u8..).zip(ports) {
        let told = line.split_once(&format!(" -> {port}: ")).map(|(_, why)| why);
        if let Some(why) = told {
            let why = why.trim_end().trim_end_matches('"').replace("\\\"", "\"");
            if out.send(on_channel(2 * i + 1, why.trim_end().as_bytes())).await.is_err() {
                return false;
            }
        }
    }
    true
}
