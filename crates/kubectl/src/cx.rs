//! What a running command is given.

use crate::Config;
use crate::commands::Spec;
use crate::failure::{Failure, Outcome};
use crate::flags::Parsed;
use crate::host::Host;
use crate::loading::Loaded;
use crate::mapper::Mapping;
use crate::task::Task;
use api::{Accept, Method, PatchType, Request, Response, Status, User, Value};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The code of an answer whose stream goes both ways.
const SWITCHING_PROTOCOLS: u16 = 101;

/// How a command goes on.
pub(crate) enum Next {
    /// It is done.
    Done,
    /// It waits.
    Wait(Box<Task>),
}

/// What a command keeps from step to step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    /// What came by a pipe or a redirect.
    pub stdin: Option<String>,
    /// The server's warnings that were printed.
    pub warned: BTreeSet<String>,
    /// Custom resources that discovery told of, once it was asked.
    pub discovered: Option<Vec<Mapping>>,
    /// The plurals that a group and version serves, as far as discovery was asked.
    pub served: BTreeMap<String, Vec<String>>,
    /// The words of the command line.
    pub argv: Vec<String>,
    /// What the editor left, once it was closed.
    pub edited: Option<String>,
    /// The kubeconfig, where it was read from files.
    pub loaded: Option<Box<Loaded>>,
    /// How many files were written for an editor.
    pub edits: u32,
}

/// What a running command is given.
pub(crate) struct Cx<'a> {
    /// The machine.
    pub host: &'a mut dyn Host,
    /// The kubeconfig.
    pub config: &'a mut Config,
    /// The command.
    pub spec: &'static Spec,
    /// Its flags and arguments.
    pub flags: Rc<Parsed>,
    /// What it keeps.
    pub run: &'a mut Run,
}

/// How much of a change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DryRun {
    /// All of it.
    None,
    /// Nothing; the server isn't asked.
    Client,
    /// Nothing; the server is asked what it would do.
    Server,
}

impl Cx<'_> {
    /// Returns the arguments.
    pub fn args(&self) -> Rc<Parsed> {
        self.flags.clone()
    }

    /// Tells that there is none of what was asked for, in the namespace or anywhere.
    pub(crate) fn tell_none(&mut self, in_namespace: bool) {
        let place = if in_namespace { format!(" in {} namespace.", self.namespace()) } else { String::new() };
        self.err(format!("No resources found{place}\n"));
    }

    /// Prints to the standard output.
    pub fn out(&mut self, text: impl AsRef<str>) {
        if !text.as_ref().is_empty() {
            self.host.out(text.as_ref());
        }
    }

    /// Prints to the standard error.
    pub fn err(&mut self, text: impl AsRef<str>) {
        if !text.as_ref().is_empty() {
            self.host.err(text.as_ref());
        }
    }

    /// Prints a line to the standard output.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.host.out(&format!("{}\n", text.as_ref()));
    }

    /// Returns the moment that it is.
    pub fn now(&self) -> Time {
        self.host.now()
    }

    /// Returns the namespace to work in.
    pub fn namespace(&self) -> String {
        let given = self.flags.text("namespace");
        if !given.is_empty() && self.spec.path != "config set-context" {
            return given.to_string();
        }
        match self.context() {
            Some(context) if !context.namespace.is_empty() => context.namespace.clone(),
            _ => "default".to_string(),
        }
    }

    /// Returns whether `-n` was given, so that objects of other namespaces are refused.
    pub fn is_namespace_given(&self) -> bool {
        !self.flags.text("namespace").is_empty()
    }

    fn context(&self) -> Option<&crate::ConfigContext> {
        let name = match self.flags.text("context") {
            "" => &self.config.current,
            name => name,
        };
        self.config.context(name)
    }

    /// Reads `--dry-run`.
    // Models staging/src/k8s.io/kubectl/pkg/cmd/util/helpers.go GetDryRunStrategy
    pub fn dry_run(&mut self) -> Outcome<DryRun> {
        match self.flags.text("dry-run") {
            "" | "none" | "false" => Ok(DryRun::None),
            "client" => Ok(DryRun::Client),
            "server" => Ok(DryRun::Server),
            "unchanged" | "true" => {
                let (_, month, day, hour, minute, second) = self.now().civil();
                self.err(format!(
                    "W{month:02}{day:02} {hour:02}:{minute:02}:{second:02}.000000       1 helpers.go:731] --dry-run is \
                     deprecated and can be replaced with --dry-run=client.\n"
                ));
                Ok(DryRun::Client)
            }
            other => crate::failure::error(format!(
                "Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."
            )),
        }
    }

    /// Returns who asks.
    pub fn user(&self) -> Rc<User> {
        let name = self.flags.text("as");
        if !name.is_empty() {
            let given = self.flags.list("as-group");
            return Rc::new(impersonated(name, &given));
        }
        let wanted = match self.flags.text("user") {
            text if !text.is_empty() && !self.flags_own_user() => text.to_string(),
            _ => self.context().map(|context| context.user.clone()).unwrap_or_default(),
        };
        match self.config.users.iter().find(|user| user.name == wanted) {
            Some(user) => Rc::new(user.user.clone()),
            None => Rc::new(User::admin()),
        }
    }

    /// Returns whom the API server takes the bearer of a token for; `None` where it takes it for nobody.
    pub fn user_of_token(&mut self, token: &str) -> Option<User> {
        user_of_token(self.host, token)
    }

    fn flags_own_user(&self) -> bool {
        self.spec.path.starts_with("create ") || self.spec.path.starts_with("set ")
    }

    /// Checks what every command may say about how the server is asked.
    // Models staging/src/k8s.io/client-go/tools/clientcmd/client_config.go ConfirmUsable, rest/config.go
    fn check_overrides(&self) -> Outcome {
        let flags = &self.flags;
        let user = flags.text("user");
        if !user.is_empty() && !self.flags_own_user() && !self.config.users.iter().any(|one| one.name == user)
        {
            return crate::failure::error(format!("auth info {} does not exist", crate::text::quote(user)));
        }
        let cluster = flags.text("cluster");
        let is_own = self.spec.path == "config set-context";
        if !cluster.is_empty() && !is_own && !self.config.clusters.iter().any(|one| one.name == cluster) {
            return crate::failure::error(format!(
                "no server found for cluster {}",
                crate::text::quote(cluster)
            ));
        }
        let names_others = ["as-group", "as-user-extra"].iter().any(|flag| !flags.list(flag).is_empty())
            || !flags.text("as-uid").is_empty();
        if names_others && flags.text("as").is_empty() {
            let user = self.context().map_or("", |context| &context.user);
            return crate::failure::error(format!(
                "requesting uid, groups or user-extra for {user} without impersonating a user"
            ));
        }
        let timeout = flags.text("request-timeout");
        if timeout.parse::<u64>().is_err() && crate::text::parse_duration(timeout).is_none() {
            return crate::failure::error(
                "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)",
            );
        }
        Ok(())
    }

    /// Checks that the kubeconfig leads to the cluster that is here.
    // Models staging/src/k8s.io/client-go/tools/clientcmd/client_config.go getContext, getCluster
    fn check_context(&self) -> Outcome {
        let name = self.flags.text("context");
        if !name.is_empty() && self.config.context(name).is_none() {
            return crate::failure::error(format!("context {} does not exist", crate::text::quote(name)));
        }
        self.check_overrides()?;
        let Some(context) = self.context() else {
            // Without a context, kubectl tries its own machine.
            let mut why = refused("localhost:8080");
            if let Some(paths) = self.host.variable("KUBECONFIG").filter(|paths| !paths.is_empty()) {
                why += &format!("\n# kubarium: no file that $KUBECONFIG names has a context: {paths}");
            }
            return Err(Failure::Connection(why));
        };
        let Some(cluster) = self.config.clusters.iter().find(|cluster| cluster.name == context.cluster)
        else {
            let cluster = crate::text::quote(&context.cluster);
            return crate::failure::error(format!("cluster {cluster} does not exist"));
        };
        let asked = Some(self.flags.text("server")).filter(|server| !server.is_empty());
        let asked = asked.unwrap_or(&cluster.server).trim_end_matches('/');
        match self.config.home_server() {
            Some(home) if home != asked => {
                let server = asked.trim_start_matches("https://").trim_start_matches("http://");
                let machine =
                    |server: &str| server.rsplit_once(':').map_or(server, |(host, _)| host).to_string();
                let of_home = machine(home.trim_start_matches("https://"));
                if [of_home.as_str(), "localhost", "127.0.0.1"].contains(&machine(server).as_str()) {
                    return Err(Failure::Connection(refused(server)));
                }
                let port = if server.contains(':') { "" } else { ":443" };
                Err(Failure::Connection(format!(
                    "Unable to connect to the server: dial tcp {server}{port}: i/o timeout\n\
                     # kubarium: this kubeconfig's cluster is another one; there is only {home} here"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Sends a request and returns the answer, whatever it is.
    pub fn send(&mut self, mut request: Request) -> Outcome<Response> {
        self.check_context()?;
        request.user = self.user();
        request.agent = "kubectl".into();
        let response = self.host.request(request).map_err(Failure::Connection)?;
        for warning in &response.warnings {
            if self.run.warned.insert(warning.clone()) {
                self.host.err(&format!("Warning: {warning}\n"));
            }
        }
        Ok(response)
    }

    /// Sends a request and returns the answer, if it is a good one.
    pub fn request(&mut self, request: Request) -> Outcome<Response> {
        let response = self.send(request)?;
        let is_good = response.is_success() || response.code == SWITCHING_PROTOCOLS;
        if is_good { Ok(response) } else { Err(refusal(&response).into()) }
    }

    /// Reads an object.
    pub fn get(&mut self, mapping: &Mapping, namespace: &str, name: &str) -> Outcome<Value> {
        let path = mapping.object(namespace, name, "");
        Ok(self.request(Request::new(Method::Get, path))?.body)
    }

    /// Lists objects; their items have `apiVersion` and `kind`.
    pub fn list(
        &mut self,
        mapping: &Mapping,
        namespace: &str,
        labels: &str,
        fields: &str,
    ) -> Outcome<Vec<Value>> {
        let mut request = Request::new(Method::Get, mapping.collection(namespace));
        if !labels.is_empty() {
            request = request.query("labelSelector", labels);
        }
        if !fields.is_empty() {
            request = request.query("fieldSelector", fields);
        }
        let body =
            self.request(request).map_err(|failure| mapping.list_failure(failure, labels, fields))?.body;
        Ok(mapping.items(&body))
    }

    /// Reads an object or a list as a table.
    pub fn table(&mut self, request: Request, with_objects: Accept) -> Outcome<Value> {
        Ok(self.request(request.accept(with_objects))?.body)
    }

    /// Changes an object by a patch.
    pub fn patch(
        &mut self,
        path: String,
        kind: PatchType,
        patch: Value,
        dry_run: DryRun,
        manager: &str,
    ) -> Outcome<Value> {
        let mut request = Request::new(Method::Patch, path).body(patch).query("fieldManager", manager);
        request.patch = kind;
        if dry_run == DryRun::Server {
            request = request.query("dryRun", "All");
        }
        Ok(self.request(request)?.body)
    }

    /// Creates an object.
    pub fn create(
        &mut self,
        mapping: &Mapping,
        namespace: &str,
        object: Value,
        dry_run: DryRun,
        manager: &str,
    ) -> Outcome<Value> {
        let mut request = Request::new(Method::Post, mapping.collection(namespace)).body(object);
        if dry_run == DryRun::Server {
            request = request.query("dryRun", "All");
        }
        request = self.validated(request.query("fieldManager", self.manager(manager)));
        Ok(self.request(request)?.body)
    }

    /// Replaces an object.
    pub fn replace(&mut self, path: String, object: Value, dry_run: DryRun, manager: &str) -> Outcome<Value> {
        let mut request = Request::new(Method::Put, path).body(object);
        if dry_run == DryRun::Server {
            request = request.query("dryRun", "All");
        }
        request = self.validated(request.query("fieldManager", self.manager(manager)));
        Ok(self.request(request)?.body)
    }

    /// Adds what `--validate` asks of the server.
    pub fn validated(&self, request: Request) -> Request {
        let wanted = match self.flags.text("validate") {
            "" | "true" | "strict" => "Strict",
            "warn" => "Warn",
            _ => "Ignore",
        };
        request.query("fieldValidation", wanted)
    }

    /// Returns the field manager's name: what `--field-manager` says, or `kubectl-VERB`.
    pub fn manager(&self, default: &str) -> String {
        match self.flags.text("field-manager") {
            "" => default.to_string(),
            name => name.to_string(),
        }
    }

    /// Opens a watch of a collection and returns its stream.
    pub fn watch(
        &mut self,
        mapping: &Mapping,
        namespace: &str,
        fields: &str,
        revision: &str,
    ) -> Outcome<u64> {
        let mut request = Request::new(Method::Get, mapping.collection(namespace)).query("watch", "true");
        if !fields.is_empty() {
            request = request.query("fieldSelector", fields);
        }
        if !revision.is_empty() {
            request = request.query("resourceVersion", revision);
        }
        Ok(self.request(request)?.stream)
    }
}

/// Returns whom the API server takes the bearer of a token for; `None` where it takes it for nobody.
pub(crate) fn user_of_token(host: &mut dyn Host, token: &str) -> Option<User> {
    let review = api::tree!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "metadata": {},
        "spec": {"token": token},
    });
    let path = "/apis/authentication.k8s.io/v1/tokenreviews";
    let mut request = Request::new(Method::Post, path).body(review);
    request.user = Rc::new(User::admin());
    request.agent = "kubectl".into();
    let status = host.request(request).ok()?.body["status"].clone();
    if !status["authenticated"].is_true() {
        return None;
    }
    let user = &status["user"];
    Some(User {
        name: user["username"].str().into(),
        groups: user["groups"].items().iter().map(|group| group.str().into()).collect(),
        ..User::default()
    })
}

/// Says that nobody listens at the API server's address.
fn refused(server: &str) -> String {
    format!("The connection to the server {server} was refused - did you specify the right host or port?")
}

/// Returns the user that `--as` names, with the groups that the API server gives it.
fn impersonated(name: &str, groups: &[String]) -> User {
    let mut all: Vec<Rc<str>> = groups.iter().map(|group| group.as_str().into()).collect();
    if let Some(rest) = name.strip_prefix("system:serviceaccount:")
        && groups.is_empty()
    {
        all.push("system:serviceaccounts".into());
        let namespace = rest.split(':').next().unwrap_or("");
        all.push(format!("system:serviceaccounts:{namespace}").into());
    }
    if name == "system:anonymous" {
        all.push("system:unauthenticated".into());
    } else {
        all.push("system:authenticated".into());
    }
    User { name: name.into(), groups: all, ..User::default() }
}

/// Reads the Status of an answer that is no good one.
pub(crate) fn refusal(response: &Response) -> Status {
    if let Some(status) = Status::from_value(&response.body) {
        return status;
    }
    let said = response.body.str().trim();
    if response.code >= 500 && response.code != 503 && !said.is_empty() {
        let said = crate::text::quote(said);
        let message = format!("an error on the server ({said}) has prevented the request from succeeding");
        return Status::new(response.code, "InternalError", message);
    }
    let (reason, message) = match response.code {
        401 => ("Unauthorized", "the server has asked for the client to provide credentials"),
        403 => ("Forbidden", "the server does not allow access to the requested resource"),
        404 => ("NotFound", "the server could not find the requested resource"),
        405 => ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
        409 => ("Conflict", "the server reported a conflict"),
        422 => ("Invalid", "the server rejected our request due to an error in our request"),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        _ => ("InternalError", "an error on the server has prevented the request from succeeding"),
    };
    Status::new(response.code, reason, message)
}
