//! The API server's own Service, `default/kubernetes`, which it keeps as long as it runs.
// Models pkg/controlplane/controller/kubernetesservice/controller.go, pkg/controlplane/reconcilers/lease.go

use crate::resources::{self, Rest};
use crate::server::ApiServer;
use api::{Method, Request, User, Value, tree};
use sim::{Nanos, SECOND, Time};
use std::rc::Rc;

/// How often upstream looks whether all is there.
// Models pkg/controlplane/reconcilers/reconcilers.go DefaultEndpointReconcilerInterval
const INTERVAL: Nanos = 10 * SECOND;
const NAMESPACE: &str = "default";
const NAME: &str = "kubernetes";

/// Returns the request to create one of the server's own objects.
pub(super) fn request(rest: &Rest, namespace: &str, object: Value) -> Request {
    let user = Rc::new(User::new("system:apiserver", &["system:masters", "system:authenticated"]));
    let agent: Rc<str> = "apiserver".into();
    let kind = rest.kind;
    let group = if kind.group.is_empty() { "/api".to_string() } else { format!("/apis/{}", kind.group) };
    let place = if kind.namespaced { format!("/namespaces/{namespace}") } else { String::new() };
    let path = format!("{group}/{}{place}/{}", kind.version, kind.plural);
    Request::new(Method::Post, path).by(&user, &agent).body(object)
}

impl ApiServer {
    /// Returns the Service, its Endpoints and its EndpointSlice.
    pub(super) fn own_service(&self) -> [(&'static str, &'static str, Value); 3] {
        let port = i64::from(self.options.secure_port);
        let address = self.options.advertise_address.as_str();
        let service = tree!({
            "metadata": {
                "name": NAME,
                "labels": {"component": "apiserver", "provider": "kubernetes"},
            },
            "spec": {
                "type": "ClusterIP",
                "clusterIP": (self.services.first_ip()),
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
            },
        });
        let endpoints = tree!({
            "metadata": {
                "name": NAME,
                "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
            },
            "subsets": [{
                "addresses": [{"ip": address}],
                "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
            }],
        });
        let slice = tree!({
            "metadata": {"name": NAME, "labels": {"kubernetes.io/service-name": NAME}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": true}}],
            "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
        });
        [
            ("", "services", service),
            ("", "endpoints", endpoints),
            ("discovery.k8s.io", "endpointslices", slice),
        ]
    }

    /// Notes that something was written that may be of the server's own Service.
    pub(crate) fn note_own_service(&mut self, rest: &Rest, key: &str) {
        let is_own = matches!(rest.kind.plural, "services" | "endpoints" | "endpointslices")
            && key.strip_prefix(rest.prefix.as_str()) == Some("default/kubernetes");
        if is_own && self.own_service_at == Time::NEVER {
            self.look_again();
        }
    }

    fn look_again(&mut self) {
        let passed = (self.now - Time::EPOCH) / INTERVAL;
        self.own_service_at = Time::EPOCH + (passed + 1) * INTERVAL;
    }

    /// Returns when the server looks after its own Service next.
    pub fn own_service_at(&self) -> Time {
        self.own_service_at
    }

    /// Returns the requests that put the server's own Service in order, and looks again where there are any.
    // Models pkg/controlplane/controller/kubernetesservice/controller.go UpdateKubernetesService, by which a
    // Service that is there stays as it is
    pub fn mend_own_service(&mut self, now: Time) -> Vec<Request> {
        self.now = now;
        let mut requests = Vec::new();
        for (group, plural, object) in self.own_service() {
            let Some(rest) = resources::find(group, "v1", plural).filter(|rest| self.is_served(rest)) else {
                continue;
            };
            let stored = self.store.get(&rest.key(NAMESPACE, NAME)).map(|entry| entry.value.clone());
            let Some(stored) = stored else {
                requests.push(request(rest, NAMESPACE, object));
                continue;
            };
            let differing: Vec<&str> = ["subsets", "endpoints", "ports"]
                .into_iter()
                .filter(|field| plural != "services" && object[*field] != stored[*field])
                .collect();
            if !differing.is_empty() {
                let mut mended = stored.clone();
                differing.iter().for_each(|field| mended.set(&[field], &object[*field]));
                let mut put = request(rest, NAMESPACE, mended);
                put.method = Method::Put;
                put.path = format!("{}/{NAME}", put.path);
                requests.push(put);
            }
        }
        self.own_service_at = Time::NEVER;
        if !requests.is_empty() {
            self.look_again();
        }
        requests
    }
}
