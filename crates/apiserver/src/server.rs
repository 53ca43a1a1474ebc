//! The server's state, and the one way into it.

use crate::admission::Shared;
use crate::aggregator::Aggregator;
use crate::authentication;
use crate::authorization::{self, Attributes, Rbac};
use crate::bootstrap;
use crate::custom::Customs;
use crate::discovery;
use crate::events::Leases;
use crate::flow_control;
use crate::handlers::Call;
use crate::health::{self, Health};
use crate::node_request::NodeRequest;
use crate::options::Options;
use crate::registry::service::Allocators;
use crate::request_info::RequestInfo;
use crate::resources::{self, Rest};
use crate::status;
use crate::watch_cache::Watches;
use api::{Method, Request, Response, Status, Value, WatchEvent};
use etcd::{Expect, Store, WriteError};
use schema::Served;
use sim::Time;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The API server and its store. A clone is a snapshot of the whole cluster's state as the API knows it.
#[derive(Clone, Debug)]
pub struct ApiServer {
    pub(crate) options: Options,
    pub(crate) store: Store,
    /// How many objects of each resource are stored, by its number.
    counts: Vec<u32>,
    pub(crate) watches: Watches,
    pub(crate) services: Allocators,
    pub(crate) rbac: Rc<Rbac>,
    /// Whether roles or bindings have changed since they were read.
    rbac_is_stale: bool,
    customs: Rc<Customs>,
    /// Whether CustomResourceDefinitions have changed since they were read.
    customs_are_stale: bool,
    /// The number of each custom resource that there has been.
    custom_numbers: BTreeMap<String, u16>,
    pub(crate) aggregator: Aggregator,
    pub(crate) health: Health,
    pub(crate) shared: Shared,
    pub(crate) node_requests: Vec<NodeRequest>,
    pub(crate) event_leases: Leases,
    /// How many objects the server wrote on its own behalf because of another's write.
    pub(crate) derived_writes: i64,
    set_up_writes: i64,
    next_stream: u64,
    /// When it is to be seen whether the server's own Service is in order.
    pub(crate) own_service_at: Time,
    pub(crate) now: Time,
}

impl ApiServer {
    /// Starts an API server over an empty store, and creates what every cluster has: the namespaces
    /// `default` and `kube-*`, and Service `default/kubernetes`.
    pub fn new(start: Time, mut options: Options) -> ApiServer {
        if options.token_key.is_empty() {
            options.token_key = authentication::key_of(options.chance);
        }
        let mut server = ApiServer {
            store: Store::new(options.first_revision - bootstrap::early_writes(&options), options.history),
            counts: Vec::new(),
            watches: Watches::default(),
            services: Allocators::new(options.chance, options.service_cidr, options.node_ports),
            rbac: Rc::default(),
            rbac_is_stale: true,
            customs: Rc::default(),
            customs_are_stale: false,
            custom_numbers: BTreeMap::new(),
            aggregator: Aggregator::default(),
            health: Health::default(),
            shared: Shared::default(),
            node_requests: Vec::new(),
            event_leases: Leases::new(),
            derived_writes: 0,
            set_up_writes: 0,
            next_stream: 1,
            own_service_at: Time::NEVER,
            now: start,
            options,
        };
        server.bootstrap(start);
        server
    }

    /// Answers a request. It takes effect at once; what watchers are to be told waits in
    /// [`ApiServer::take_watch_events`].
    pub fn handle(&mut self, now: Time, request: &Request) -> Response {
        self.now = now;
        // Reading changes nothing, so that it is a write that takes old events away.
        if request.method != Method::Get && !request.is_dry_run() {
            self.expire_events(now);
        }
        let response = self.serve(now, request).unwrap_or_else(Response::from);
        if request.method != Method::Get && request.path.starts_with(flow_control::PATH) {
            self.sync_flow_schemas();
        }
        response
    }

    fn serve(&mut self, now: Time, request: &Request) -> Result<Response, Status> {
        let info = RequestInfo::new(request);
        if !authorization::is_master(&request.user) {
            self.read_policy();
        }
        authorization::authorize(&self.rbac, &Attributes::new(request, &info))?;
        if let Some(response) = self.pass_on(now, request) {
            return Ok(response);
        }
        if !info.is_resource && request.path == "/metrics" && request.method == Method::Get {
            return Ok(Response::new(200, self.metrics()));
        }
        if health::is_asked(request) {
            return health::answer(request, self.health.etcd.is_none());
        }
        if !info.is_resource {
            let customs = self.customs().clone();
            let served = discovery::served(&self.options, &customs);
            return self.discover(now, request, &served);
        }
        let customs = self.customs().clone();
        let rest = match resources::find(info.group, info.version, info.resource) {
            Some(rest) => Some(rest).filter(|rest| self.is_served(rest)),
            None => customs.find(info.group, info.version, info.resource).map(|rest| &**rest),
        };
        let Some(rest) = rest else {
            return Err(status::no_such_path());
        };
        if !rest.kind.namespaced && !info.namespace.is_empty() && rest.kind.plural != "namespaces" {
            return Err(status::no_such_path());
        }
        let mut call = Call::new(now, request, &info, rest);
        let outcome = self.reach_etcd(&call).and_then(|()| self.handle_resource(&mut call));
        let mut response = outcome.unwrap_or_else(Response::from);
        response.warnings.append(&mut call.warnings);
        Ok(response)
    }

    /// Answers what is about no resource, with what other API servers serve.
    fn discover(&mut self, now: Time, request: &Request, served: &[Served]) -> Result<Response, Status> {
        let answer = discovery::answer(request, &self.options, served);
        match (request.path.trim_end_matches('/'), answer) {
            ("/apis", Ok(mut response)) => {
                self.add_passed(now, request, &mut response.body);
                Ok(response)
            }
            (path, Err(status)) => {
                let group = path.strip_prefix("/apis/").and_then(|group| self.passed_group(group));
                group.map(|group| Response::new(200, group)).ok_or(status)
            }
            (_, answer) => answer,
        }
    }

    /// Reads roles and bindings anew where they have changed.
    pub(crate) fn read_policy(&mut self) {
        if self.rbac_is_stale {
            self.rbac = Rc::new(Rbac::of(&self.store));
            self.rbac_is_stale = false;
        }
    }

    /// Returns the custom resources; they are read anew where definitions have changed.
    pub(crate) fn customs(&mut self) -> &Rc<Customs> {
        if std::mem::take(&mut self.customs_are_stale) {
            self.customs = Rc::new(Customs::of(&self.store, &mut self.custom_numbers));
        }
        &self.customs
    }

    /// Notes what is read again because of a write.
    fn note_write(&mut self, rest: &Rest) {
        self.rbac_is_stale |= authorization::is_policy(rest.kind.group);
        self.aggregator.note_write(rest);
        self.customs_are_stale |= rest.is_group("apiextensions.k8s.io", "customresourcedefinitions");
    }

    /// Takes what watchers are to be told since the last time: (stream, revision, event), in the order
    /// of the writes.
    pub fn take_watch_events(&mut self) -> Vec<(u64, i64, WatchEvent)> {
        self.watches.take()
    }

    /// Takes the requests that kubelets are to answer since the last time.
    pub fn take_node_requests(&mut self) -> Vec<NodeRequest> {
        std::mem::take(&mut self.node_requests)
    }

    /// Ends a stream that its reader has left.
    pub fn close_stream(&mut self, stream: u64) {
        self.watches.close(stream);
    }

    /// Tells the watchers who asked for bookmarks how far their watch is. Upstream does so about once
    /// a minute.
    pub fn send_bookmarks(&mut self) {
        self.watches.bookmark_all(self.store.revision());
    }

    /// Forgets the writes up to a revision, so that nothing older can be watched or listed.
    pub fn compact(&mut self, revision: i64) {
        self.store.compact(revision);
    }

    /// Sets how many objects the store holds at most.
    pub fn set_most_objects(&mut self, most: u32) {
        self.options.objects = most;
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the revision of the last write.
    pub fn revision(&self) -> i64 {
        self.store.revision()
    }

    /// Returns how many objects are stored.
    pub fn object_count(&self) -> usize {
        self.store.len()
    }

    /// Returns whether no object of a resource is stored.
    pub(crate) fn has_none_of(&self, rest: &Rest) -> bool {
        self.counts.get(usize::from(rest.number)).is_none_or(|count| *count == 0)
    }

    /// Returns how many watches are open.
    pub fn watch_count(&self) -> usize {
        self.watches.len()
    }

    /// Returns whether a resource is served.
    pub(crate) fn is_served(&self, rest: &Rest) -> bool {
        self.options.serves(rest.kind)
    }

    /// Returns the resource of namespaces.
    pub(crate) fn namespaces(&self) -> &'static Rest {
        resources::of(api::resources::NAMESPACES).unwrap_or_else(|| &resources::all()[0])
    }

    /// Returns the time of the request that is being answered.
    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// Returns the number of a new stream.
    pub fn new_stream(&mut self) -> u64 {
        let stream = self.next_stream;
        self.next_stream += 1;
        stream
    }

    /// Handles a request of whoever sets the cluster up, before anybody watches. What it writes doesn't count
    /// where draws are numbered, so that one more such object changes nothing else.
    pub fn set_up(&mut self, now: Time, request: &Request) -> Response {
        let response = self.set_up_watched(now, request);
        drop(self.take_watch_events());
        response
    }

    /// Does the same while there are watches, which are told.
    pub fn set_up_watched(&mut self, now: Time, request: &Request) -> Response {
        let (revision, derived) = (self.store.next_revision(), self.derived_writes);
        let response = self.handle(now, request);
        let writes = self.store.next_revision() - revision;
        self.derived_writes = derived + writes;
        self.set_up_writes += writes;
        response
    }

    /// Returns how many revisions setting the cluster up took.
    pub fn set_up_writes(&self) -> i64 {
        self.set_up_writes
    }

    /// Returns the number of the next draw for an object. It counts the writes that were asked for, not those
    /// that follow from them.
    pub(crate) fn draw_number(&self) -> i64 {
        self.store.next_revision() - self.derived_writes
    }

    /// Returns the uid of an object that is being created.
    pub(crate) fn new_uid(&self, key: &str) -> String {
        let number = self.draw_number().unsigned_abs();
        let high = self.options.chance.draw("uid", key, number);
        let low = self.options.chance.draw("uid-low", key, number);
        uuid(high, low)
    }

    /// Writes an object, tells the watchers, and returns it with its new resource version.
    pub(crate) fn write(
        &mut self,
        rest: &Rest,
        key: &str,
        mut object: Value,
        expect: Expect,
    ) -> Result<Value, WriteError> {
        let old = self.store.get(key).map_or(Value::Null, |entry| entry.value.clone());
        if rest.is_services() {
            self.sync_addresses(&old, &object);
        }
        let revision = self.store.next_revision();
        object.set(&["metadata", "resourceVersion"], revision.to_string());
        if let Some(custom) = &rest.custom {
            object = custom.store(object);
        }
        self.store.put(key, object.clone(), expect)?;
        if old.is_null() {
            let number = usize::from(rest.number);
            self.counts.resize(self.counts.len().max(number + 1), 0);
            self.counts[number] += 1;
        }
        self.note_write(rest);
        self.note_own_service(rest, key);
        self.watches.dispatch(rest.number, revision, &old, &object, self.now);
        if rest.kind.plural == "events" {
            self.lease_event(self.now, key, revision);
        }
        Ok(object)
    }

    /// Takes an object out, gives back what it had, tells the watchers, and returns it as it was last.
    pub(crate) fn erase(&mut self, rest: &Rest, key: &str, last: &Value) -> Value {
        let Ok(revision) = self.store.delete(key, Expect::Any) else {
            return last.clone();
        };
        if let Some(count) = self.counts.get_mut(usize::from(rest.number)) {
            *count = count.saturating_sub(1);
        }
        if rest.is_services() {
            self.services.release(last);
            self.sync_addresses(last, &Value::Null);
        }
        self.note_write(rest);
        self.note_own_service(rest, key);
        self.watches.dispatch(rest.number, revision, last, &Value::Null, self.now);
        last.clone()
    }
}

/// Returns a random UUID made of these numbers.
fn uuid(high: u64, low: u64) -> String {
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    let bytes = high.to_be_bytes().into_iter().chain(low.to_be_bytes());
    let mut text = String::with_capacity(36);
    for (i, byte) in bytes.enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn a_uid_is_a_random_uuid() {
        for (high, low) in [(0, 0), (u64::MAX, u64::MAX), (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210)] {
            let written = format!(
                "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
                high >> 32,
                high >> 16 & 0xffff,
                high & 0xfff,
                low >> 48 & 0x3fff | 0x8000,
                low & 0xffff_ffff_ffff
            );
            assert_eq!(uuid(high, low), written);
        }
    }
}
