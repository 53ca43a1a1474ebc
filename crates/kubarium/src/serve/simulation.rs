//! The thread on which the cluster lives.

use super::identity::{Claim, Credential, unauthorized};
use super::protobuf;
use api::{Accept, Method, PatchType, Request, Status, User, Value};
use cluster::{Cluster, Goal, NetAnswer, NetProtocol, Preset, StreamRead};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{mpsc, oneshot, watch};

/// How many new things wait in the cluster for a client that has stalled; one more ends its stream, as
/// upstream's slow watchers lose theirs. The history of the store keeps as many.
const BACKLOG: u64 = 4_096;
/// How many things wait for any client.
const MOST: u64 = 60_000;
/// After how long without reading a client has stalled.
const STALLED: Duration = Duration::from_secs(5);
/// How many pieces wait to be written to a client.
const PIECES: usize = 1_024;
/// How many bytes of them, about: no more are written before some were sent.
const WAITING_BYTES: usize = 1024 * 1024;
/// How many orders are obeyed before things happen again.
const BATCH: usize = 256;
/// How often node ports are looked at.
const NODE_PORTS: Duration = Duration::from_millis(200);
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
    /// Text for the standard input of the process behind a stream, empty where it ends; and whom to tell that
    /// it was taken.
    Write(u64, String, oneshot::Sender<()>),
    /// Something for what listens in the cluster, and who waits for what comes of it.
    Reach(Goal, NetProtocol, oneshot::Sender<NetAnswer>),
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
    pub(super) claim: Claim,
    pub(super) agent: String,
    /// The headers, where the request goes on to something else.
    pub(super) headers: Vec<(String, String)>,
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
    /// Whatever it is: what goes on to something else.
    Raw,
}

/// An answer that may go from thread to thread.
pub(super) struct Told {
    pub(super) code: u16,
    pub(super) text: String,
    pub(super) is_json: bool,
    pub(super) warnings: Vec<String>,
    pub(super) stream: Option<(u64, Pieces)>,
    /// For how long the stream goes on at most.
    pub(super) patience: Option<Duration>,
}

/// A piece of what a stream brings.
pub(super) enum Piece {
    /// The status code and the headers of an answer that came from something else; its body follows.
    Head(u16, Vec<(String, String)>),
    /// Text: a watch's event with its line's end, a log's lines, a process's output.
    Text(String),
    /// Text of a process's standard error.
    Errors(String),
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
    outlets: BTreeMap<u64, Outlet>,
    /// Who waits for what comes of something sent into the cluster.
    reaching: BTreeMap<u64, oneshot::Sender<NetAnswer>>,
    node_ports: watch::Sender<BTreeSet<u16>>,
    told_node_ports: Instant,
}

/// Where a stream's pieces go.
struct Outlet {
    pieces: mpsc::Sender<Piece>,
    /// How many bytes wait to be sent.
    waiting: Arc<AtomicUsize>,
    /// How many things may wait in the cluster: what was there at the start, and more for what is new.
    most: u64,
    /// Until when its client was seen to read.
    read_at: Instant,
    /// How many bytes waited then.
    seen_waiting: usize,
}

impl Outlet {
    /// Sees whether the client has read since the last time.
    fn look(&mut self) {
        let waiting = self.waiting.load(Ordering::Relaxed);
        if waiting != self.seen_waiting || waiting == 0 {
            (self.seen_waiting, self.read_at) = (waiting, Instant::now());
        }
    }

    fn is_stalled(&self) -> bool {
        self.read_at.elapsed() >= STALLED
    }

    fn is_full(&self) -> bool {
        self.pieces.capacity() == 0 || self.waiting.load(Ordering::Relaxed) > WAITING_BYTES
    }

    /// Puts a piece in. Returns whether somebody will take it.
    fn put(&self, piece: Piece) -> bool {
        if let Piece::Text(text) | Piece::Errors(text) = &piece {
            self.waiting.fetch_add(text.len(), Ordering::Relaxed);
        }
        self.pieces.try_send(piece).is_ok()
    }
}

/// What a stream brings, where it is written to its client.
pub(super) struct Pieces {
    pieces: mpsc::Receiver<Piece>,
    waiting: Arc<AtomicUsize>,
}

impl Pieces {
    /// Takes the next piece, once there is one; `None` is the end.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        self.pieces.poll_recv(cx).map(|piece| {
            if let Some(Piece::Text(text) | Piece::Errors(text)) = &piece {
                self.waiting.fetch_sub(text.len(), Ordering::Relaxed);
            }
            piece
        })
    }

    /// Takes the next piece; `None` is the end.
    pub(super) async fn next(&mut self) -> Option<Piece> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }
}

impl Simulation {
    /// Makes a cluster whose first moment is now.
    ///
    /// Its tokens are signed with `key`, since who knows the seed would know a key that came of it.
    pub(super) fn new(
        preset: &Preset,
        seed: u64,
        speed: f64,
        key: &[u8],
        node_ports: watch::Sender<BTreeSet<u16>>,
    ) -> Simulation {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let epoch = Time(i64::try_from(since.as_secs()).unwrap_or(0) * sim::SECOND);
        let mut cluster = Cluster::beginning_at(preset, seed, epoch);
        cluster.set_token_key(key);
        let began = Instant::now();
        Simulation {
            cluster,
            epoch,
            speed,
            began,
            told_bookmarks: began,
            outlets: BTreeMap::new(),
            reaching: BTreeMap::new(),
            node_ports,
            told_node_ports: began,
        }
    }

    /// Follows the clock and does what it is asked for, until nobody can ask any more.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let patience = self.catch_up();
            match orders.recv_timeout(patience) {
                Ok(order) => {
                    self.obey(order);
                    for order in orders.try_iter().take(BATCH) {
                        self.obey(order);
                    }
                }
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
        if self.told_node_ports.elapsed() >= NODE_PORTS {
            self.told_node_ports = Instant::now();
            let ports = self.cluster.node_ports();
            self.node_ports.send_if_modified(|told| {
                let is_new = *told != ports;
                *told = ports;
                is_new
            });
        }
        // Why a forwarded port was refused goes to its stream, which comes first.
        let answers = self.take_answers();
        self.pour();
        for (reply, answer) in answers {
            // Who has gone away in the meantime isn't told.
            let _ = reply.send(answer);
        }
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
            Order::Write(stream, text, taken) => {
                self.cluster.write_stream(stream, &text);
                // Who has gone away in the meantime isn't told.
                let _ = taken.send(());
            }
            Order::Reach(goal, protocol, reply) => {
                let id = self.cluster.reach(goal, protocol);
                self.reaching.insert(id, reply);
            }
            Order::Close(stream) => self.close(stream),
        }
    }

    fn answer(&mut self, ask: Ask) -> Told {
        let body = match read(&ask) {
            Ok(body) => body,
            Err(status) => return refusal(&status),
        };
        let user = match self.user(ask.claim) {
            Ok(user) => user,
            Err(status) => return refusal(&status),
        };
        let request = Request {
            method: ask.method,
            path: ask.path,
            query: ask.query,
            accept: ask.accept,
            patch: ask.patch,
            user: Rc::new(user),
            agent: ask.agent.into(),
            cause: 0,
            headers: ask.headers,
            body,
        };
        let response = self.cluster.request(&request);
        let stream = (response.stream != 0).then(|| {
            let (sender, receiver) = mpsc::channel(PIECES);
            let waiting = Arc::new(AtomicUsize::new(0));
            let pieces = Pieces { pieces: receiver, waiting: waiting.clone() };
            let most = self.cluster.waiting_in(response.stream) + BACKLOG;
            let read_at = Instant::now();
            let outlet = Outlet { pieces: sender, waiting, most, read_at, seen_waiting: 0 };
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

    /// Returns who asks.
    fn user(&mut self, claim: Claim) -> Result<User, Status> {
        let user = match claim.credential {
            Credential::User((name, groups)) => {
                let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
                User::new(&name, &groups)
            }
            Credential::Token(token) => self.cluster.authenticate(&token).ok_or_else(unauthorized)?,
        };
        match claim.acting_as {
            Some((name, groups)) => self.cluster.impersonate(&user, &name, &groups),
            None => Ok(user),
        }
    }

    /// Takes what came of what was sent into the cluster, and who waits for it.
    fn take_answers(&mut self) -> Vec<(oneshot::Sender<NetAnswer>, NetAnswer)> {
        let cluster = &mut self.cluster;
        let done = self.reaching.extract_if(.., |id, reply| reply.is_closed() || cluster.has_answer(*id));
        let mut told = Vec::new();
        for (id, reply) in done.collect::<Vec<_>>() {
            match self.cluster.answer_to(id) {
                Some(answer) => told.push((reply, answer)),
                None => self.cluster.give_up(id),
            }
        }
        told
    }

    /// Hands on what the streams have brought, as far as it is being sent. Who doesn't read loses the stream
    /// in the end.
    fn pour(&mut self) {
        let streams: Vec<u64> = self.outlets.keys().copied().collect();
        for stream in streams {
            if !self.pour_one(stream) {
                self.close(stream);
            }
        }
    }

    /// Hands on what a stream has brought. Returns whether it goes on.
    fn pour_one(&mut self, stream: u64) -> bool {
        let Some(outlet) = self.outlets.get_mut(&stream) else { return false };
        outlet.look();
        while !outlet.is_full() {
            let piece = match self.cluster.read_stream(stream) {
                StreamRead::Event(event) => {
                    let (word, object) = (event.event.as_str(), event.object.to_json());
                    let line = format!("{{\"type\":\"{word}\",\"object\":{object}}}\n");
                    // Nothing follows what went wrong.
                    if event.event == api::EventType::Error {
                        outlet.put(Piece::Text(line));
                        return false;
                    }
                    Piece::Text(line)
                }
                StreamRead::Bytes(text) => Piece::Text(text),
                StreamRead::Errors(text) => Piece::Errors(text),
                StreamRead::Exit(code) => {
                    outlet.put(Piece::Exit(code));
                    return false;
                }
                StreamRead::Head { status, headers } => Piece::Head(status, headers),
                StreamRead::Empty => break,
                StreamRead::Closed => return false,
            };
            if !outlet.put(piece) {
                return false;
            }
        }
        let backlog = self.cluster.waiting_in(stream);
        !outlet.pieces.is_closed() && backlog < MOST && (backlog <= outlet.most || !outlet.is_stalled())
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
    if ask.form == Form::Raw {
        return Ok(String::from_utf8_lossy(&ask.body).into_owned().into());
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

#[cfg(test)]
mod tests;
