//! The ground that the components stand on: clock, API server, trace, and events that are under way.

use crate::control_plane::Door;
use api::{KeyMap, Method, Request, Value, WatchEvent};
use apiserver::ApiServer;
use client::{Answer, Api, Identity, Reflector, WatchSpec};
use sim::{Call, Chance, Delivery, EventQueue, Nanos, RecordKind, Time, Timing, Trace};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many records the trace keeps.
const TRACE: u32 = 20_000;
/// How many of the store's last writes are shown.
const WRITES: usize = 8;

/// Who is told what a stream brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A component's watch: the component's number and the watch's.
    Part(u32, u32),
    /// A process of the console, which reads its mailbox.
    Mailbox,
    /// The view, which is told at once and outside of time.
    View,
}

/// A stream's reader: who, and when it was told last.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub owner: Owner,
    pub name: Rc<str>,
    /// How far a component's watch is.
    pub reflector: Option<Reflector>,
    last: Time,
}

/// Something that happens at a moment.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// A watch's event reaches its reader.
    Watch { stream: u64, event: WatchEvent },
}

/// Clock, API server, trace, and events that are under way.
#[derive(Clone)]
pub(crate) struct World {
    pub now: Time,
    pub chance: Chance,
    pub timing: Rc<Timing>,
    pub apiserver: ApiServer,
    pub queue: EventQueue<Happening>,
    pub readers: BTreeMap<u64, Reader>,
    pub trace: Trace,
    pub requests: u64,
    /// The part that is at work.
    pub acting: Option<u32>,
    /// Whether a link is cut between the machine of the part that is at work and the API server's.
    pub is_cut_off: bool,
    /// How the way to the API server is.
    pub door: Door,
    /// The API server's address, for those who are told that nobody listens there.
    pub address: Ipv4Addr,
    /// What changed that the view has still to look at.
    pub seen: Vec<WatchEvent>,
    /// The last writes: (revision, resource, object).
    pub writes: std::collections::VecDeque<(i64, Rc<str>, Rc<str>)>,
    /// Words that the trace's records share.
    words: Words,
}

/// Texts that come again and again, each kept once.
#[derive(Clone, Default)]
struct Words(KeyMap<()>);

impl Words {
    /// How many are kept.
    const MOST: usize = 1_024;

    fn get(&mut self, text: &str) -> Rc<str> {
        if let Some((word, ())) = self.0.get_entry(text) {
            return word.clone();
        }
        let word: Rc<str> = text.into();
        if self.0.len() < Words::MOST {
            self.0.insert(&word, ());
        }
        word
    }
}

impl World {
    pub(crate) fn new(now: Time, seed: u64, timing: Timing, apiserver: ApiServer) -> World {
        World {
            now,
            chance: Chance::new(seed),
            timing: Rc::new(timing),
            apiserver,
            queue: EventQueue::default(),
            readers: BTreeMap::new(),
            trace: Trace::new(TRACE),
            requests: 0,
            acting: None,
            is_cut_off: false,
            door: Door::Open,
            address: Ipv4Addr::UNSPECIFIED,
            seen: Vec::new(),
            writes: std::collections::VecDeque::new(),
            words: Words::default(),
        }
    }

    /// Says who reads a stream from now on.
    pub(crate) fn read_stream(&mut self, stream: u64, owner: Owner, name: Rc<str>) {
        self.readers.insert(stream, Reader { owner, name, reflector: None, last: self.now });
    }

    /// Lists what a component watches, and opens the watch from there on.
    pub(crate) fn list_and_watch(
        &mut self,
        identity: &Identity,
        watch: &WatchSpec,
        owner: Owner,
    ) -> (Vec<Value>, u64) {
        let mut reflector = Reflector::new(watch.clone());
        // Any state that the cache has will do, so that it also comes while etcd doesn't answer.
        let list = reflector.list().query("resourceVersion", "0");
        let list = self.apiserver.handle(self.now, &list.by(&identity.user, &identity.agent));
        let items = list.body["items"].items().to_vec();
        reflector.listed(&list.body);
        let watch = reflector.watch().map(|request| request.by(&identity.user, &identity.agent));
        let stream = watch.map_or(0, |request| self.apiserver.handle(self.now, &request).stream);
        if stream != 0 {
            self.read_stream(stream, owner, identity.agent.clone());
            if let Some(reader) = self.readers.get_mut(&stream) {
                reader.reflector = Some(reflector);
            }
        }
        (items, stream)
    }

    /// Ends a stream.
    pub(crate) fn close_stream(&mut self, stream: u64) {
        self.readers.remove(&stream);
        self.apiserver.close_stream(stream);
    }

    /// Ends the streams of some parts: their machine is off.
    pub(crate) fn close_streams_of(&mut self, is_gone: impl Fn(u32) -> bool) {
        let streams: Vec<u64> = self
            .readers
            .iter()
            .filter(|(_, reader)| matches!(reader.owner, Owner::Part(part, _) if is_gone(part)))
            .map(|(stream, _)| *stream)
            .collect();
        for stream in streams {
            self.close_stream(stream);
        }
    }

    /// Puts under way what the last request made the watches bring.
    fn dispatch(&mut self, effect: Time, answered: Time, cause: u64) {
        let set_up = self.apiserver.set_up_writes();
        // One write is told to several.
        let mut told: (Value, Rc<str>) = (Value::Null, "".into());
        for (stream, revision, event) in self.apiserver.take_watch_events() {
            let number = (revision - set_up).unsigned_abs();
            let Some(reader) = self.readers.get_mut(&stream) else { continue };
            if reader.owner == Owner::View {
                self.seen.push(event);
                continue;
            }
            let delay = self.timing.watch_delivery.draw(self.chance, "watch", &reader.name, number);
            // The etcd commit that answers a writer tells the watches too: who has written sees it in its
            // caches by the time it has the answer.
            let wrote = matches!(reader.owner, Owner::Part(part, _) if Some(part) == self.acting);
            let due = if wrote { (effect + delay).min(answered) } else { effect + delay };
            // A stream keeps its order: nothing overtakes what was sent before it.
            let delivered = due.max(reader.last);
            reader.last = delivered;
            if reader.owner != Owner::Mailbox {
                let object = &event.object;
                if !told.0.same(object) {
                    told = (object.clone(), api::meta::key(object));
                }
                self.trace.add(
                    cause,
                    RecordKind::Delivery(Delivery {
                        sent: effect,
                        delivered,
                        to: reader.name.clone(),
                        event: self.words.get(event.event.as_str()),
                        resource: object["kind"].text(),
                        object: told.1.clone(),
                        revision,
                    }),
                );
            }
            self.queue.push(delivered, Happening::Watch { stream, event });
        }
    }

    /// Draws letters and digits, as tokens and names have them, at most 16.
    pub(crate) fn word(&self, purpose: &str, length: u64) -> String {
        const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let draw = |i: u64| self.chance.draw(purpose, "", self.requests * 16 + i);
        (0..length).map(|i| LETTERS[(draw(i) % 36) as usize] as char).collect()
    }

    /// Handles a request of the console, which costs no virtual time.
    pub(crate) fn call_now(&mut self, request: &Request) -> api::Response {
        let response = self.apiserver.handle(self.now, request);
        // A watch's first events come with its answer, so that its reader is there before them.
        if response.stream != 0 {
            self.read_stream(response.stream, Owner::Mailbox, request.agent.clone());
        }
        self.record(request, &response, [self.now; 3]);
        response
    }

    /// Handles a request of whoever sets the cluster up, of which those hear who watch already.
    pub(crate) fn set_up(&mut self, at: Time, request: &Request) -> api::Response {
        let response = self.apiserver.set_up_watched(at, request);
        self.dispatch(self.now, self.now, 0);
        response
    }

    /// Lets the API server look after its own Service, if it runs.
    pub(crate) fn mend_own_service(&mut self) {
        let requests = self.apiserver.mend_own_service(self.now);
        if self.door.dial(self.address).is_none() {
            requests.iter().for_each(|request| drop(self.call_now(request)));
        }
    }

    /// Tells the watchers who asked for bookmarks how far their watch is.
    pub(crate) fn send_bookmarks(&mut self) {
        self.apiserver.send_bookmarks();
        self.dispatch(self.now, self.now, 0);
    }

    fn record(&mut self, request: &Request, response: &api::Response, at: [Time; 3]) {
        let [sent, effect, answered] = at;
        if request.is_dry_run() {
            return;
        }
        self.requests += 1;
        let (verb, resource, object) = describe(&mut self.words, request, response);
        let revision = if verb == "get" || verb == "list" { 0 } else { api::meta::revision(&response.body) };
        let call = Call {
            sent,
            effect,
            answered,
            from: request.agent.clone(),
            verb: self.words.get(verb),
            resource,
            object,
            code: response.code,
            revision,
        };
        if revision > 0 && response.is_success() {
            self.writes.push_back((revision, call.resource.clone(), call.object.clone()));
            if self.writes.len() > WRITES {
                self.writes.pop_front();
            }
        }
        let id = self.trace.add(request.cause, RecordKind::Call(call));
        self.dispatch(effect, answered, id);
    }
}

impl Api for World {
    fn call(&mut self, at: Time, request: Request) -> Result<Answer, String> {
        if self.is_cut_off {
            // What a client waits for such an answer isn't told: it does other things meanwhile.
            return Err("context deadline exceeded".to_string());
        }
        if let Some(why) = self.door.dial(self.address) {
            return Err(why);
        }
        let writes = request.method != Method::Get;
        let span = if writes { self.timing.api_write } else { self.timing.api_read };
        let took = span.draw(self.chance, &request.agent, &request.path, at.0.unsigned_abs());
        let effect = at + took / 2;
        let response = self.apiserver.handle(effect, &request);
        self.record(&request, &response, [at, effect, at + took]);
        Ok(Answer { response, took: took.max(1 as Nanos) })
    }

    fn note(&mut self, step: sim::Step) {
        self.trace.add(0, RecordKind::Step(step));
    }
}

/// Returns a request's verb, resource with subresource, and object, as the diagram names them.
fn describe(
    words: &mut Words,
    request: &Request,
    response: &api::Response,
) -> (&'static str, Rc<str>, Rc<str>) {
    let mut parts = request.path.split('/').filter(|part| !part.is_empty());
    match parts.next() {
        Some("api") => drop(parts.next()),
        Some("apis") => drop((parts.next(), parts.next())),
        _ => return ("get", request.path.as_str().into(), "".into()),
    }
    let mut namespace = "";
    let [first, second, third] = [(); 3].map(|()| parts.next());
    let rest = match (first, second, third) {
        (Some("namespaces"), Some(of), Some(third)) if !matches!(third, "status" | "finalize") => {
            namespace = of;
            [Some(third), parts.next(), parts.next()]
        }
        (first, second, third) => [first, second, third],
    };
    let [resource, name, subresource] = rest;
    let (resource, name) = (resource.unwrap_or(""), name.unwrap_or(""));
    let verb = match request.method {
        Method::Get if request.flag("watch") => "watch",
        Method::Get if name.is_empty() => "list",
        Method::Get | Method::Head => "get",
        Method::Options => "options",
        Method::Post => "create",
        Method::Put => "update",
        Method::Patch => "patch",
        Method::Delete if name.is_empty() => "deletecollection",
        Method::Delete => "delete",
    };
    let name = if name.is_empty() && verb == "create" { api::meta::name(&response.body) } else { name };
    let resource = match subresource {
        Some(subresource) => words.get(&format!("{resource}/{subresource}")),
        None => words.get(resource),
    };
    (verb, resource, api::meta::object_key(namespace, name))
}
