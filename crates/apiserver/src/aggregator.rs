//! Groups that other API servers serve: an APIService names the Service behind which one is found, and
//! requests for its group and version are passed on to it.
//!
//! Left out: certificates between the two, and watches of what is passed on.
// Models staging/src/k8s.io/kube-aggregator/pkg/apiserver

use crate::resources::{self, Rest};
use crate::server::ApiServer;
use api::resources::{APISERVICES, ENDPOINTSLICES, SERVICES};
use api::{Request, Resource, Response, Value, meta, tree};
use etcd::Store;
use sim::Time;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

/// Under which name the aggregator looks whether what it passes on to is there.
const CHECKER: &str = "system:kube-aggregator";

/// Objects of a resource in a namespace, or in all of them where that is empty, as a cache holds them.
pub type Read<'a> = &'a dyn Fn(Resource, &str) -> Vec<Value>;

/// An API server that runs in a pod. It is a value, put in anew when what it answers has changed.
pub trait Backend: fmt::Debug {
    /// Answers a request. `read` gives what its caches hold of the cluster.
    fn answer(&self, now: Time, request: &Request, read: Read) -> Response;
}

/// A group and version that is served elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Passed {
    group: String,
    version: String,
    namespace: String,
    service: String,
    port: i64,
    is_available: bool,
}

/// What is served elsewhere, and by whom.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aggregator {
    /// By the pod's `namespace/name`.
    backends: BTreeMap<Rc<str>, Rc<dyn Backend>>,
    passed: Rc<[Passed]>,
    is_stale: bool,
}

impl Aggregator {
    /// Notes a write.
    pub(crate) fn note_write(&mut self, rest: &Rest) {
        self.is_stale |= rest.is_group("apiregistration.k8s.io", "apiservices");
    }

    fn refresh(&mut self, store: &Store) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        let Some(services) = resources::of(APISERVICES) else { return };
        let mut passed: Vec<(i64, Passed)> = Vec::new();
        for (_, entry) in store.range(&services.range("")) {
            let (service, spec) = (&entry.value, &entry.value["spec"]);
            if spec["service"].is_null() {
                continue;
            }
            let one = Passed {
                group: spec["group"].str().to_string(),
                version: spec["version"].str().to_string(),
                namespace: spec["service"]["namespace"].str().to_string(),
                service: spec["service"]["name"].str().to_string(),
                port: spec["service"]["port"].as_int().unwrap_or(443),
                is_available: meta::is_condition_true(service, "Available"),
            };
            passed.push((-spec["groupPriorityMinimum"].int(), one));
        }
        passed.sort_by(|a, b| (a.0, &a.1.group, &a.1.version).cmp(&(b.0, &b.1.group, &b.1.version)));
        self.passed = passed.into_iter().map(|(_, one)| one).collect();
    }
}

impl ApiServer {
    /// Puts in the API server that runs in a pod; `None` takes it out.
    pub fn set_backend(&mut self, pod: &Rc<str>, backend: Option<Rc<dyn Backend>>) {
        match backend {
            Some(backend) => drop(self.aggregator.backends.insert(pod.clone(), backend)),
            None => drop(self.aggregator.backends.remove(pod)),
        }
    }

    /// Returns whether nothing is served elsewhere.
    pub(crate) fn serves_all_itself(&mut self) -> bool {
        self.aggregator.refresh(&self.store);
        self.aggregator.passed.is_empty()
    }

    /// Answers a request for a group and version that is served elsewhere; `None` for others.
    // Models staging/src/k8s.io/kube-aggregator/pkg/apiserver/handler_proxy.go ServeHTTP
    pub(crate) fn pass_on(&mut self, now: Time, request: &Request) -> Option<Response> {
        if self.serves_all_itself() {
            return None;
        }
        let mut words = request.path.trim_start_matches('/').split('/');
        let (Some("apis"), Some(group), Some(version)) = (words.next(), words.next(), words.next()) else {
            return None;
        };
        let passed = self.aggregator.passed.clone();
        let passed = passed.iter().find(|one| one.group == group && one.version == version)?;
        // Whoever finds out whether it is there doesn't go by what it found before.
        if !passed.is_available && &*request.user.name != CHECKER {
            return Some(unavailable("service unavailable"));
        }
        let answer = self.answer_of(now, passed, request);
        Some(answer.unwrap_or_else(|| unavailable("error trying to reach service: no endpoint is reached")))
    }

    fn answer_of(&self, now: Time, passed: &Passed, request: &Request) -> Option<Response> {
        let backend = self.backend(passed)?;
        let read = |resource: Resource, namespace: &str| -> Vec<Value> {
            let Some(rest) = resources::of(resource) else { return Vec::new() };
            self.store.range(&rest.range(namespace)).map(|(_, entry)| entry.value.clone()).collect()
        };
        Some(backend.answer(now, request, &read))
    }

    /// Returns the API server behind a Service: that of its first endpoint that is ready.
    fn backend(&self, passed: &Passed) -> Option<&Rc<dyn Backend>> {
        let key = resources::of(SERVICES)?.key(&passed.namespace, &passed.service);
        let service = &self.store.get(&key)?.value;
        let port = service["spec"]["ports"].items().iter().find(|port| port["port"].int() == passed.port)?;
        let slices = resources::of(ENDPOINTSLICES)?.range(&passed.namespace);
        let of_service = self.store.range(&slices).map(|(_, entry)| &entry.value).filter(|slice| {
            let has_port = slice["ports"].items().iter().any(|one| one["name"].str() == port["name"].str());
            meta::labels(slice)["kubernetes.io/service-name"].str() == passed.service && has_port
        });
        let ready = of_service
            .flat_map(|slice| slice["endpoints"].items())
            .filter(|endpoint| endpoint["conditions"]["ready"].as_bool().unwrap_or(true));
        ready
            .filter_map(|endpoint| {
                let pod = meta::object_key(&passed.namespace, endpoint["targetRef"]["name"].str());
                self.aggregator.backends.get(&pod)
            })
            .next()
    }

    /// Adds to discovery what is served elsewhere.
    // Models staging/src/k8s.io/kube-aggregator/pkg/apiserver/handler_apis.go ServeHTTP, handler_discovery.go
    pub(crate) fn add_passed(&mut self, now: Time, request: &Request, body: &mut Value) {
        if self.serves_all_itself() {
            return;
        }
        let is_aggregated = request.accept == api::Accept::Discovery;
        for passed in self.aggregator.passed.clone().iter() {
            let entry = match is_aggregated {
                true => self.aggregated(now, passed),
                false => group(passed),
            };
            let (list, name) = match is_aggregated {
                true => ("items", &["metadata", "name"][..]),
                false => ("groups", &["name"][..]),
            };
            let versions = entry["versions"].items().to_vec();
            let groups = body.at_mut(&[list]).list_mut();
            match groups.iter_mut().find(|known| known.at(name).str() == passed.group) {
                Some(known) => known.at_mut(&["versions"]).list_mut().extend(versions),
                None => groups.push(entry),
            }
        }
    }

    /// Returns a group's part of aggregated discovery, made from the list of resources that the other server gives.
    fn aggregated(&self, now: Time, passed: &Passed) -> Value {
        let path = format!("/apis/{}/{}", passed.group, passed.version);
        let ask = Request::new(api::Method::Get, path);
        let answer = self.answer_of(now, passed, &ask).filter(Response::is_success);
        let freshness = if answer.is_some() { "Current" } else { "Stale" };
        let list = answer.map(|answer| answer.body["resources"].clone()).unwrap_or_default();
        let resources: Vec<Value> = list
            .items()
            .iter()
            .map(|entry| {
                let kind =
                    tree!({"group": (&passed.group), "version": (&passed.version), "kind": (&entry["kind"])});
                tree!({
                    "resource": (&entry["name"]),
                    "responseKind": (kind),
                    "scope": (if entry["namespaced"].is_true() { "Namespaced" } else { "Cluster" }),
                    "singularResource": (&entry["singularName"]),
                    "verbs": (&entry["verbs"]),
                })
            })
            .collect();
        tree!({
            "metadata": {"name": (&passed.group), "creationTimestamp": null},
            "versions": [{"version": (&passed.version), "resources": resources, "freshness": freshness}],
        })
    }

    /// Returns a group that is served elsewhere as `/apis/GROUP` shows it.
    pub(crate) fn passed_group(&mut self, name: &str) -> Option<Value> {
        if self.serves_all_itself() {
            return None;
        }
        let mut found = group(self.aggregator.passed.iter().find(|one| one.group == name)?);
        found.set(&["kind"], "APIGroup");
        found.set(&["apiVersion"], "v1");
        Some(found)
    }
}

fn group(passed: &Passed) -> Value {
    let group_version = format!("{}/{}", passed.group, passed.version);
    let version = tree!({"groupVersion": group_version, "version": (&passed.version)});
    tree!({"name": (&passed.group), "versions": [(&version)], "preferredVersion": (&version)})
}

/// Says that nobody is there, in plain words as a proxy does.
fn unavailable(words: &str) -> Response {
    Response::new(503, format!("{words}\n"))
}
