use crate::Identity;
use api::{Method, PatchType, Request, Resource, Response, Status, Value};
use sim::{Chance, Nanos, Time, Timing};
use std::fmt;

/// An answer of the API server, and how long the caller waited for it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The answer.
    pub response: Response,
    /// From sending to having the answer.
    pub took: Nanos,
}

/// The way to the API server. `cluster` implements it.
pub trait Api {
    /// Sends a request at a moment. It takes effect at once; the answer tells how long it took.
    ///
    /// # Errors
    /// The words of a refused or timed-out connection.
    fn call(&mut self, at: Time, request: Request) -> Result<Answer, String>;

    /// Notes a component's own step in the trace.
    fn note(&mut self, step: sim::Step);
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The API server refused.
    Status(Status),
    /// There was no answer.
    Unreachable(String),
}

impl Failure {
    /// Returns the Status' reason; empty where there was no answer.
    pub fn reason(&self) -> &str {
        match self {
            Failure::Status(status) => &status.reason,
            Failure::Unreachable(_) => "",
        }
    }

    /// Returns whether the object isn't there.
    pub fn is_not_found(&self) -> bool {
        self.reason() == "NotFound"
    }

    /// Returns whether the object has changed since it was read.
    pub fn is_conflict(&self) -> bool {
        self.reason() == "Conflict"
    }

    /// Returns whether the object is there already.
    pub fn is_already_exists(&self) -> bool {
        self.reason() == "AlreadyExists"
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Status(status) => f.write_str(&status.message),
            Failure::Unreachable(why) => f.write_str(why),
        }
    }
}

/// What a component has at hand while it takes a step. Calls take effect at once; the time they
/// take adds up in [`Cx::spent`], and the component does nothing else before it is over.
pub struct Cx<'a> {
    /// When the step began.
    pub now: Time,
    /// The source of chance.
    pub chance: Chance,
    /// How long things take.
    pub timing: &'a Timing,
    /// The trace's record that caused the step; 0 for none.
    pub cause: u64,
    api: &'a mut dyn Api,
    identity: Identity,
    spent: Nanos,
}

impl<'a> Cx<'a> {
    /// Makes the context of a step.
    pub fn new(
        now: Time,
        chance: Chance,
        timing: &'a Timing,
        api: &'a mut dyn Api,
        identity: Identity,
    ) -> Cx<'a> {
        Cx { now, chance, timing, cause: 0, api, identity, spent: 0 }
    }

    /// Returns how long the step has taken so far.
    pub fn spent(&self) -> Nanos {
        self.spent
    }

    /// Lets time pass within the step.
    pub fn spend(&mut self, span: Nanos) {
        self.spent += span.max(0);
    }

    /// Returns the moment within the step: its beginning and what it has taken so far.
    pub fn at(&self) -> Time {
        self.now + self.spent
    }

    /// Returns under which name calls are made.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Makes calls under another name from now on, and returns the one before.
    pub fn act_as(&mut self, identity: Identity) -> Identity {
        std::mem::replace(&mut self.identity, identity)
    }

    /// Does something for each item as if at the same time: the step takes as long as the longest.
    pub fn parallel<T>(&mut self, items: impl IntoIterator<Item = T>, mut each: impl FnMut(&mut Self, T)) {
        let (start, mut longest) = (self.spent, self.spent);
        for item in items {
            self.spent = start;
            each(self, item);
            longest = longest.max(self.spent);
        }
        self.spent = longest;
    }

    /// Does something that the step doesn't wait for, such as sending an event.
    pub fn in_background<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let start = self.spent;
        let result = work(self);
        self.spent = start;
        result
    }

    /// Notes a step of the component's own in the trace: a pull, a start, a decision.
    pub fn note(&mut self, began: Time, what: &str, object: &str, note: &str) {
        let by = self.identity.agent.clone();
        let ended = self.at().max(began);
        let (what, object, note) = (what.into(), object.into(), note.into());
        self.api.note(sim::Step { began, ended, by, what, object, note });
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// What the API server refused, or that it couldn't be reached.
    pub fn send(&mut self, request: Request) -> Result<Response, Failure> {
        let mut request = request.by(&self.identity.user, &self.identity.agent);
        request.cause = self.cause;
        let answer = self.api.call(self.now + self.spent, request).map_err(Failure::Unreachable)?;
        self.spent += answer.took;
        if answer.response.is_success() {
            return Ok(answer.response);
        }
        let status = Status::from_value(&answer.response.body)
            .unwrap_or_else(|| Status::new(answer.response.code, "Unknown", "unknown"));
        Err(Failure::Status(status))
    }

    fn body(&mut self, request: Request) -> Result<Value, Failure> {
        self.send(request).map(|response| response.body)
    }

    /// Reads an object.
    ///
    /// # Errors
    /// As [`Cx::send`].
    pub fn get(&mut self, resource: Resource, namespace: &str, name: &str) -> Result<Value, Failure> {
        self.body(Request::new(Method::Get, resource.object(namespace, name, "")))
    }

    /// Reads a list's items; an empty namespace means all, an empty selector too.
    ///
    /// # Errors
    /// As [`Cx::send`].
    pub fn list(
        &mut self,
        resource: Resource,
        namespace: &str,
        labels: &str,
        fields: &str,
    ) -> Result<Vec<Value>, Failure> {
        let mut request = Request::new(Method::Get, resource.collection(namespace));
        for (name, value) in [("labelSelector", labels), ("fieldSelector", fields)] {
            if !value.is_empty() {
                request = request.query(name, value);
            }
        }
        Ok(self.body(request)?["items"].items().to_vec())
    }

    /// Creates an object in its `metadata.namespace`.
    ///
    /// # Errors
    /// As [`Cx::send`].
    pub fn create(&mut self, resource: Resource, object: &Value) -> Result<Value, Failure> {
        let namespace = api::meta::namespace(object);
        self.body(Request::new(Method::Post, resource.collection(namespace)).body(object))
    }

    /// Replaces an object, or with a subresource a part of it (`status`). A `metadata.resourceVersion`
    /// makes it fail where the object has changed since.
    ///
    /// # Errors
    /// As [`Cx::send`].
    pub fn update(
        &mut self,
        resource: Resource,
        object: &Value,
        subresource: &str,
    ) -> Result<Value, Failure> {
        let path = resource.object(api::meta::namespace(object), api::meta::name(object), subresource);
        self.body(Request::new(Method::Put, path).body(object))
    }

    /// Changes a part of an object; `subresource` may be empty.
    ///
    /// # Errors
    /// As [`Cx::send`].
    pub fn patch(
        &mut self,
        resource: Resource,
        (namespace, name): (&str, &str),
        subresource: &str,
        kind: PatchType,
        patch: &Value,
    ) -> Result<Value, Failure> {
        let path = resource.object(namespace, name, subresource);
        let mut request = Request::new(Method::Patch, path).body(patch);
        request.patch = kind;
        self.body(request)
    }

    /// Deletes an object; `options` are DeleteOptions, or null.
    ///
    /// # Errors
    /// As [`Cx::send`].
    pub fn delete(
        &mut self,
        resource: Resource,
        namespace: &str,
        name: &str,
        options: Value,
    ) -> Result<Value, Failure> {
        self.body(Request::new(Method::Delete, resource.object(namespace, name, "")).body(options))
    }

    /// Posts to a subresource: a Binding to `pods/binding`, an Eviction to `pods/eviction`.
    ///
    /// # Errors
    /// As [`Cx::send`].
    pub fn post(
        &mut self,
        resource: Resource,
        (namespace, name): (&str, &str),
        subresource: &str,
        object: &Value,
    ) -> Result<Value, Failure> {
        let path = resource.object(namespace, name, subresource);
        self.body(Request::new(Method::Post, path).body(object))
    }
}
