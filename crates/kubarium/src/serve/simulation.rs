//! The thread on which the cluster lives.

use super::protobuf;
use api::{Accept, Method, PatchType, Request, Status, User, Value};
use cluster::{Cluster, Preset, StreamRead};
use sim::Time;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{mpsc, oneshot};

/// How many pieces wait for a client that doesn't read; one more ends its stream.
const BACKLOG: usize = 20_000;
/// How many events happen before requests are looked at.
const SLICE: u32 = 2_000;
/// How long the cluster sleeps at most.
const NAP: Duration = Duration::from_millis(50);
/// How often watchers are told how far they are.
const BOOKMARKS: Duration = Duration::from_secs(60);

/// What the cluster's thread is asked for.
pub(super) enum Order {
    /// A request.
    Ask(Box<Ask>),
    /// Text for the standard input of the process behind a stream; empty where it ends.
    Write(u64, String),
    /// A stream's reader has gone.
    Close(u64),
}

/// A request that may go from thread to thread.
pub(super) struct Ask {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) accept: Accept,
    pub(super) patch: PatchType,
    pub(super) user: String,
    pub(super) groups: Vec<String>,
    pub(super) agent: String,
    /// The body; empty for none.
    pub(super) body: Vec<u8>,
    pub(super) form: Form,
    pub(super) reply: oneshot::Sender<Told>,
}

/// In which form a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Yaml,
    Protobuf,
}

/// An answer that may go from thread to thread.
pub(super) struct Told {
    pub(super) code: u16,
    pub(super) text: String,
    pub(super) is_json: bool,
    pub(super) warnings: Vec<String>,
    pub(super) stream: Option<(u64, mpsc::Receiver<Piece>)>,
    /// For how long the stream goes on at most.
    pub(super) patience: Option<Duration>,
}

/// A piece of what a stream brings.
pub(super) enum Piece {
    /// Text: a watch's event with its line's end, a log's lines, a process's output.
    Text(String),
    /// The process ended with this code.
    Exit(i32),
}

/// The cluster and those who listen to it.
pub(super) struct Simulation {
    cluster: Cluster,
    epoch: Time,
    speed: f64,
    began: Instant,
    told_bookmarks: Instant,
    outlets: BTreeMap<u64, mpsc::Sender<Piece>>,
}

impl Simulation {
    /// Makes a cluster whose first moment is now.
    pub(super) fn new(preset: &Preset, seed: u64, speed: f64) -> Simulation {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let epoch = Time(i64::try_from(since.as_secs()).unwrap_or(0) * sim::SECOND);
        let cluster = Cluster::beginning_at(preset, seed, epoch);
        let began = Instant::now();
        Simulation { cluster, epoch, speed, began, told_bookmarks: began, outlets: BTreeMap::new() }
    }

    /// Follows the clock and does what it is asked for, until nobody can ask any more.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let patience = self.catch_up();
            match orders.recv_timeout(patience) {
                Ok(order) => self.obey(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Returns the virtual time that belongs to the clock on the wall.
    fn present(&self) -> Time {
        let nanos = self.began.elapsed().as_secs_f64() * self.speed * 1e9;
        self.epoch + nanos as i64
    }

    /// Lets happen what is due, and returns how long nothing will.
    fn catch_up(&mut self) -> Duration {
        let present = self.present();
        let behind = (0..SLICE).all(|_| self.cluster.step(present));
        if self.told_bookmarks.elapsed() >= BOOKMARKS {
            self.told_bookmarks = Instant::now();
            self.cluster.send_bookmarks();
        }
        self.pour();
        if behind {
            return Duration::ZERO;
        }
        let wait = (self.cluster.next_at().0 - self.present().0).max(0) as f64 / self.speed;
        Duration::from_nanos(wait as u64).min(NAP)
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Ask(ask) => {
                let Ask { reply, .. } = *ask;
                let told = self.answer(Ask { reply: oneshot::channel().0, ..*ask });
                // Who has gone away in the meantime isn't told.
                if let Err(Told { stream: Some((stream, _)), .. }) = reply.send(told) {
                    self.close(stream);
                }
            }
            Order::Write(stream, text) => self.cluster.write_stream(stream, &text),
            Order::Close(stream) => self.close(stream),
        }
    }

    fn answer(&mut self, ask: Ask) -> Told {
        let body = match read(&ask) {
            Ok(body) => body,
            Err(status) => return refusal(&status),
        };
        let groups: Vec<&str> = ask.groups.iter().map(String::as_str).collect();
        let request = Request {
            method: ask.method,
            path: ask.path,
            query: ask.query,
            accept: ask.accept,
            patch: ask.patch,
            user: Rc::new(User::new(&ask.user, &groups)),
            agent: ask.agent.into(),
            cause: 0,
            body,
        };
        let response = self.cluster.request(&request);
        let stream = (response.stream != 0).then(|| {
            let (outlet, pieces) = mpsc::channel(BACKLOG);
            self.outlets.insert(response.stream, outlet);
            (response.stream, pieces)
        });
        let told = match response.body.as_str() {
            Some(text) => (text.to_string(), false),
            // What a watch brings is JSON; what a log or a process does is not.
            None if stream.is_some() => (String::new(), request.flag("watch")),
            None => (response.body.to_json(), true),
        };
        let (text, is_json) = told;
        let patience = request.flag("watch").then(|| patience(&request)).flatten();
        Told { code: response.code, text, is_json, warnings: response.warnings, stream, patience }
    }

    /// Hands on what the streams have brought. Who doesn't read loses the stream, as upstream's slow
    /// watchers do.
    fn pour(&mut self) {
        let streams: Vec<u64> = self.outlets.keys().copied().collect();
        for stream in streams {
            loop {
                let (piece, last) = match self.cluster.read_stream(stream) {
                    StreamRead::Event(event) => {
                        let last = event.event == api::EventType::Error;
                        let (word, object) = (event.event.as_str(), event.object.to_json());
                        let line = format!("{{\"type\":\"{word}\",\"object\":{object}}}\n");
                        (Some(Piece::Text(line)), last)
                    }
                    StreamRead::Bytes(text) => (Some(Piece::Text(text)), false),
                    StreamRead::Exit(code) => (Some(Piece::Exit(code)), true),
                    StreamRead::Empty => break,
                    StreamRead::Closed => (None, true),
                };
                let Some(outlet) = self.outlets.get(&stream) else { break };
                let lost = piece.is_some_and(|piece| outlet.try_send(piece).is_err());
                if lost || last {
                    self.close(stream);
                    break;
                }
            }
            if self.outlets.get(&stream).is_some_and(mpsc::Sender::is_closed) {
                self.close(stream);
            }
        }
    }

    fn close(&mut self, stream: u64) {
        if self.outlets.remove(&stream).is_some() {
            self.cluster.close_stream(stream);
        }
    }
}

/// Returns for how long a watch is wanted, on the clock on the wall.
fn patience(request: &Request) -> Option<Duration> {
    let seconds: u32 = request.param("timeoutSeconds").parse().ok().filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(u64::from(seconds)))
}

/// Reads the body.
fn read(ask: &Ask) -> Result<Value, Status> {
    if ask.body.is_empty() {
        return Ok(Value::Null);
    }
    if ask.form == Form::Protobuf {
        return protobuf::decode(&ask.body).map_err(Status::bad_request);
    }
    let text = std::str::from_utf8(&ask.body).map_err(|_| Status::bad_request("the body is not UTF-8"))?;
    if ask.form == Form::Yaml {
        return api::yaml::parse_one(text)
            .map_err(|error| Status::bad_request(format!("error converting YAML to JSON: {error}")));
    }
    Value::from_json(text)
        .map_err(|error| Status::bad_request(format!("couldn't get version/kind; json parse error: {error}")))
}

/// Makes a Status that says no.
pub(super) fn refusal(status: &Status) -> Told {
    let text = status.to_value().to_json();
    Told { code: status.code, text, is_json: true, warnings: Vec::new(), stream: None, patience: None }
}
