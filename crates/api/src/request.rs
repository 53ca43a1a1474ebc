use crate::{Status, Value};
use std::rc::Rc;

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads or watches.
    Get,
    /// Creates.
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Deletes.
    Delete,
    /// Reads without the body; of what goes on to something else (`proxy`) alone.
    Head,
    /// Asks what may be done; of what goes on to something else alone.
    Options,
}

impl Method {
    /// Returns its name in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Head => "HEAD",
            Method::Options => "OPTIONS",
        }
    }
}

/// The form in which the answer is wanted (the Accept header).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Accept {
    /// The objects.
    #[default]
    Object,
    /// A `meta.k8s.io/v1` Table with `metadata` of each object in its row.
    Table,
    /// A Table whose rows carry the whole objects (`includeObject=Object`).
    TableWithObjects,
    /// PartialObjectMetadata.
    Metadata,
    /// All groups and resources at once (`apidiscovery.k8s.io/v2`), of `/api` and `/apis` alone; what isn't
    /// discovery answers with the objects.
    Discovery,
}

/// What kind of patch the body is (the Content-Type header).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PatchType {
    /// `application/strategic-merge-patch+json`
    #[default]
    StrategicMerge,
    /// `application/merge-patch+json`
    Merge,
    /// `application/json-patch+json`
    Json,
    /// `application/apply-patch+yaml`
    Apply,
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct User {
    /// The user's name: `system:kube-scheduler`.
    pub name: Rc<str>,
    /// The user's groups.
    pub groups: Vec<Rc<str>>,
    /// What tells the user from others of that name at other times; may be empty.
    pub uid: Rc<str>,
    /// What else the way of proving who it is tells.
    pub extra: Vec<(Rc<str>, Vec<Rc<str>>)>,
}

impl User {
    /// Makes a user.
    pub fn new(name: &str, groups: &[&str]) -> User {
        let groups = groups.iter().map(|group| (*group).into()).collect();
        User { name: name.into(), groups, ..User::default() }
    }

    /// Returns the cluster's administrator, as kubeadm's admin.conf names it.
    pub fn admin() -> User {
        User::new("kubernetes-admin", &["system:masters", "system:authenticated"])
    }
}

thread_local! {
    static ADMIN: Rc<User> = Rc::new(User::admin());
    static KUBECTL: Rc<str> = "kubectl".into();
}

/// One request to the API server. Everybody's goes this way: components, console, page, HTTP.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, without the query: `/api/v1/namespaces/default/pods/x`.
    pub path: String,
    /// The query's parameters, decoded: `("fieldSelector", "spec.nodeName=node-1")`, `("watch", "true")`,
    /// `("dryRun", "All")`, `("fieldManager", "kubectl")`, `("fieldValidation", "Strict")`.
    pub query: Vec<(String, String)>,
    /// The form in which the answer is wanted.
    pub accept: Accept,
    /// What kind of patch the body is, where the method is PATCH.
    pub patch: PatchType,
    /// Who asks.
    pub user: Rc<User>,
    /// The program that asks, as the trace and the diagram name it: `controller/deployment`, `kubectl`.
    pub agent: Rc<str>,
    /// The trace's record that made the caller ask; 0 for none.
    pub cause: u64,
    /// The headers that go on to something else (`proxy`), in order; empty for all other requests.
    pub headers: Vec<(String, String)>,
    /// The body; null for none. What goes on to something else is a text.
    pub body: Value,
}

impl Request {
    /// Makes a request without query and body, by the administrator with kubectl.
    pub fn new(method: Method, path: impl Into<String>) -> Request {
        Request {
            method,
            path: path.into(),
            query: Vec::new(),
            accept: Accept::Object,
            patch: PatchType::StrategicMerge,
            user: ADMIN.with(Rc::clone),
            agent: KUBECTL.with(Rc::clone),
            cause: 0,
            headers: Vec::new(),
            body: Value::Null,
        }
    }

    /// Returns the request with a body.
    pub fn body(mut self, body: impl Into<Value>) -> Request {
        self.body = body.into();
        self
    }

    /// Returns the request with one more parameter of the query.
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Request {
        self.query.push((name.to_string(), value.into()));
        self
    }

    /// Returns the request with another user and agent.
    pub fn by(mut self, user: &Rc<User>, agent: &Rc<str>) -> Request {
        self.user = user.clone();
        self.agent = agent.clone();
        self
    }

    /// Returns the request asking for this form of answer.
    pub fn accept(mut self, accept: Accept) -> Request {
        self.accept = accept;
        self
    }

    /// Returns a parameter of the query; empty where it isn't there.
    pub fn param(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Returns whether a parameter is true: `true` or `1`.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.param(name), "true" | "1")
    }

    /// Returns whether nothing may be changed by it (`dryRun=All`).
    pub fn is_dry_run(&self) -> bool {
        self.param("dryRun") == "All"
    }
}

/// The API server's answer.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The HTTP status code.
    pub code: u16,
    /// The object, list, table or Status; a text for what isn't JSON (logs, /healthz).
    pub body: Value,
    /// The texts of `Warning` headers.
    pub warnings: Vec<String>,
    /// The stream on which more comes: a watch's events, a log's lines, an exec's output; 0 for none.
    pub stream: u64,
}

impl Response {
    /// Makes an answer.
    pub fn new(code: u16, body: impl Into<Value>) -> Response {
        Response { code, body: body.into(), ..Response::default() }
    }

    /// Returns whether the code is in the 200s.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.code)
    }
}

impl From<Status> for Response {
    fn from(status: Status) -> Response {
        Response::new(status.code, status.to_value())
    }
}
