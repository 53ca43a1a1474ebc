use api::resources::{APISERVICES, ENDPOINTSLICES, SERVICES};
use api::{Method, Request, Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::{Nanos, SECOND};

/// How often an APIService is looked at without a cause.
const RESYNC: Nanos = 30 * SECOND;
/// How soon it is looked at again where its server didn't answer.
const RETRY: Nanos = SECOND;

/// Finds out whether what APIServices name is there.
// Models staging/src/k8s.io/kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go
#[derive(Clone)]
pub(crate) struct Availability;

/// Whether an APIService is available, why, and in which words.
type Verdict = (&'static str, &'static str, String);

impl Reconcile for Availability {
    fn identity(&self) -> Identity {
        crate::identity()
    }

    fn resources(&self) -> Vec<Resource> {
        vec![APISERVICES, SERVICES, ENDPOINTSLICES]
    }

    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        let object = change.object();
        if change.resource == APISERVICES {
            let is_remote = !object["spec"]["service"].is_null();
            // Its own write of the status is no news.
            if is_remote && (change.old.is_null() || change.old["spec"] != change.new["spec"]) {
                queue.add(change.key.clone());
            }
            return;
        }
        let name = match change.resource == SERVICES {
            true => meta::name(object),
            false => meta::labels(object)["kubernetes.io/service-name"].str(),
        };
        for service in informers.of(APISERVICES).iter() {
            let named = &service["spec"]["service"];
            if named["name"].str() == name && named["namespace"].str() == meta::namespace(object) {
                queue.add(meta::key(service));
            }
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(service) = informers.of(APISERVICES).get(key).cloned() else { return Ok(None) };
        if service["spec"]["service"].is_null() {
            return Ok(None);
        }
        let (status, reason, message) = self.verdict(cx, informers, &service);
        let known = meta::condition(&service, "Available").cloned().unwrap_or_default();
        let now: Value = match known["status"].str() == status {
            true => known["lastTransitionTime"].clone(),
            false => cx.at().rfc3339().into(),
        };
        let wanted = tree!({
            "type": "Available", "status": status, "lastTransitionTime": now, "reason": reason, "message": message,
        });
        if wanted != known {
            let mut changed = service;
            changed.set(&["status", "conditions"], vec![wanted]);
            cx.update(APISERVICES, &changed, "status")?;
        }
        Ok(Some(if reason == "FailedDiscoveryCheck" { RETRY } else { RESYNC }))
    }
}

impl Availability {
    // Models staging/src/k8s.io/kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go sync
    fn verdict(&self, cx: &mut Cx, informers: &Informers, object: &Value) -> Verdict {
        let spec = &object["spec"];
        let (name, namespace) = (spec["service"]["name"].str(), spec["service"]["namespace"].str());
        let port = spec["service"]["port"].as_int().unwrap_or(443);
        let Some(service) = informers.of(SERVICES).get(&meta::object_key(namespace, name)) else {
            let message = format!("service/{name} in {namespace:?} is not present");
            return ("False", "ServiceNotFound", message);
        };
        if service["spec"]["type"].str() == "ClusterIP" {
            let ports = service["spec"]["ports"].items();
            let Some(found) = ports.iter().find(|one| one["port"].int() == port) else {
                let message = format!("service/{name} in {namespace:?} is not listening on port {port}");
                return ("False", "ServicePortError", message);
            };
            let slices: Vec<&Value> = informers
                .of(ENDPOINTSLICES)
                .in_namespace(namespace)
                .filter(|slice| meta::labels(slice)["kubernetes.io/service-name"].str() == name)
                .collect();
            if slices.is_empty() {
                let message = format!("cannot find endpointslices for service/{name} in {namespace:?}");
                return ("False", "EndpointsNotFound", message);
            }
            let port_name = found["name"].str();
            if !slices.iter().any(|slice| is_active(slice, port_name)) {
                let message = format!(
                    "endpointslices for service/{name} in {namespace:?} have no addresses with port name {port_name:?}"
                );
                return ("False", "MissingEndpoints", message);
            }
        }
        let path = format!("/apis/{}/{}", spec["group"].str(), spec["version"].str());
        let url = format!("https://{}:{port}{path}", service["spec"]["clusterIP"].str());
        match cx.send(Request::new(Method::Get, path)) {
            Ok(_) => ("True", "Passed", "all checks passed".to_string()),
            Err(Failure::Status(status)) => {
                let why = format!("bad status from {url}: {}", status.code);
                ("False", "FailedDiscoveryCheck", format!("failing or missing response from {url}: {why}"))
            }
            Err(Failure::Unreachable(why)) => {
                ("False", "FailedDiscoveryCheck", format!("failing or missing response from {url}: {why}"))
            }
        }
    }
}

// Models staging/src/k8s.io/kube-aggregator/pkg/controllers/status/remote/remote_available_controller.go hasAvailableEndpoint
fn is_active(slice: &Value, port: &str) -> bool {
    let is_ready = |endpoint: &Value| endpoint["conditions"]["ready"].as_bool().unwrap_or(true);
    slice["endpoints"].items().iter().any(is_ready)
        && slice["ports"].items().iter().any(|one| one["name"].str() == port)
}
