//! What each verb does.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers

mod connect;
mod create;
mod delete;
mod eviction;
mod get;
mod patch;
mod pod_binding;
mod proxy;
mod reviews;
mod scale;
mod token_request;
mod update;
mod watch;

use crate::conversion;
use crate::managed_fields::Writer;
use crate::printers;
use crate::request_info::RequestInfo;
use crate::resources::Rest;
use crate::server::ApiServer;
use crate::status;
use api::{Accept, Request, Response, Status, Value};
use sim::Time;

pub use connect::forwarded_ports;
pub(crate) use update::Scope;

/// One request about a resource, on its way.
pub(crate) struct Call<'a> {
    pub(crate) now: Time,
    pub(crate) request: &'a Request,
    pub(crate) rest: &'a Rest,
    pub(crate) verb: &'static str,
    pub(crate) namespace: &'a str,
    /// The name in the path; empty for a collection.
    pub(crate) name: &'a str,
    /// The name of the object that is being created, as refusals show it.
    pub(crate) object_name: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) dry_run: bool,
    pub(crate) warnings: Vec<String>,
    /// Who owns which field after this write, where it is an apply.
    pub(crate) managed: Option<Value>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(now: Time, request: &'a Request, info: &RequestInfo<'a>, rest: &'a Rest) -> Call<'a> {
        let namespace = if rest.kind.namespaced { info.namespace } else { "" };
        Call {
            now,
            request,
            rest,
            verb: info.verb,
            namespace,
            name: info.name,
            object_name: info.name,
            subresource: info.subresource,
            dry_run: request.is_dry_run(),
            warnings: Vec::new(),
            managed: None,
        }
    }

    /// Returns a call about another object, by the same user.
    pub(crate) fn about<'b>(&self, rest: &'b Rest, namespace: &'b str, name: &'b str) -> Call<'b>
    where
        'a: 'b,
    {
        Call {
            now: self.now,
            request: self.request,
            rest,
            verb: self.verb,
            namespace,
            name,
            object_name: name,
            subresource: "",
            dry_run: self.dry_run,
            warnings: Vec::new(),
            managed: None,
        }
    }

    /// Returns the key of the object that the path names.
    pub(crate) fn key(&self) -> String {
        self.rest.key(self.namespace, self.name)
    }

    /// Returns who writes, for those who keep track of fields.
    pub(crate) fn writer(&self) -> Writer<'_> {
        let given = self.request.param("fieldManager");
        let manager = if given.is_empty() { Writer::manager_of(&self.request.agent) } else { given };
        let subresource = if matches!(self.subresource, "status" | "scale") { self.subresource } else { "" };
        Writer { manager, api_version: &self.rest.api_version, subresource, now: self.now }
    }

    /// Says that the object isn't there.
    pub(crate) fn not_found(&self) -> Status {
        Status::not_found(&self.rest.group_resource, self.name)
    }

    /// Answers with an object, in the form that is wanted.
    pub(crate) fn answer(&self, code: u16, object: Value) -> Response {
        Response::new(code, shape(self.rest, self.request.accept, object, self.now))
    }
}

/// Returns an object in the form that is wanted.
fn shape(rest: &Rest, accept: Accept, object: Value, now: Time) -> Value {
    let object = conversion::from_stored(rest, object);
    match accept {
        Accept::Object | Accept::Discovery => object,
        Accept::Metadata => printers::partial_metadata(&object),
        accept => {
            let metadata = api::tree!({"resourceVersion": (&object["metadata"]["resourceVersion"])});
            printers::table(rest, std::iter::once(object), metadata, accept, now)
        }
    }
}

impl ApiServer {
    /// Does what a request about a resource asks for.
    pub(crate) fn handle_resource(&mut self, call: &mut Call) -> Result<Response, Status> {
        let kind = call.rest.kind;
        let whole_cluster = matches!(call.verb, "list" | "watch");
        if kind.namespaced && call.namespace.is_empty() && !whole_cluster {
            return Err(if call.name.is_empty() {
                status::method_not_allowed()
            } else {
                status::no_such_path()
            });
        }
        if !call.rest.strategy.deprecated.is_empty() {
            call.warnings.push(call.rest.strategy.deprecated.to_string());
        }
        if let Some(custom) = &call.rest.custom {
            if !custom.deprecated.is_empty() {
                call.warnings.push(custom.deprecated.clone());
            }
            if custom.is_terminating && call.verb == "create" {
                return Err(status::terminating(call.rest));
            }
        }
        if !call.subresource.is_empty() {
            return self.handle_subresource(call);
        }
        if let Some(response) = self.virtual_resource(call)? {
            return Ok(response);
        }
        if call.verb == "watch" && !call.name.is_empty() || !kind.verbs.contains(&call.verb) {
            return Err(status::method_not_allowed());
        }
        match call.verb {
            "get" => self.get(call),
            "list" => self.list(call),
            "watch" => self.watch(call),
            "create" if call.name.is_empty() => self.create_from_body(call),
            "update" if !call.name.is_empty() => self.update_from_body(call, Scope::Main),
            "patch" if !call.name.is_empty() => self.patch(call, Scope::Main),
            "delete" => self.delete(call),
            "deletecollection" => self.delete_collection(call),
            _ => Err(status::method_not_allowed()),
        }
    }

    fn handle_subresource(&mut self, call: &mut Call) -> Result<Response, Status> {
        let Some(known) = call.rest.kind.subresource(call.subresource) else {
            return Err(status::no_such_path());
        };
        let _ = known;
        match (call.subresource, call.verb) {
            ("status", "get") => self.get(call),
            ("status", "update") => self.update_from_body(call, Scope::Status),
            ("status", "patch") => self.patch(call, Scope::Status),
            ("ephemeralcontainers" | "resize", "get") => self.get(call),
            ("ephemeralcontainers", "update") => self.update_from_body(call, Scope::EphemeralContainers),
            ("ephemeralcontainers", "patch") => self.patch(call, Scope::EphemeralContainers),
            ("resize", "update") => self.update_from_body(call, Scope::Resize),
            ("resize", "patch") => self.patch(call, Scope::Resize),
            ("approval", "get") => self.get(call),
            ("approval", "update") => self.update_from_body(call, Scope::Approval),
            ("approval", "patch") => self.patch(call, Scope::Approval),
            ("finalize", "update") => self.update_from_body(call, Scope::Finalize),
            ("scale", "get" | "update" | "patch") => self.scale(call),
            ("binding", "create") => self.bind_pod(call),
            ("token", "create") => self.request_token(call),
            ("eviction", "create") => self.evict(call),
            ("proxy", _) => self.proxy(call),
            ("log", "get") | ("exec" | "attach" | "portforward", "get" | "create") => self.connect(call),
            _ => Err(status::no_such_path()),
        }
    }
}
