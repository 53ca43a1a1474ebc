//! What a cluster has from the start.
// Models pkg/controlplane/controller/kubernetesservice/controller.go, pkg/controlplane/instance.go

mod flow_control;
mod local_services;

use crate::authorization::policy;
use crate::options::Options;
use crate::resources::{self, Rest};
use crate::server::ApiServer;
use api::{Method, Request, User, Value, tree};
use sim::Time;
use std::rc::Rc;

const NAMESPACES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "default"];
const PRIORITY_CLASSES: [(&str, i64, &str); 2] = [
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
];

/// Returns how many writes a cluster's own objects take besides those that follow the first revision.
pub(crate) fn early_writes(options: &Options) -> i64 {
    // A flow schema is written once more with its status.
    let schemas = 2 * flow_control::flow_schemas().len();
    let levels = flow_control::priority_levels().len();
    let services = local_services::local_services(|kind| options.serves(kind)).len();
    // The range of the Services' addresses, and the first of them.
    let ranges = 2;
    policy::object_count() + i64::try_from(schemas + levels + services + ranges).unwrap_or(0)
}

impl ApiServer {
    /// Creates the namespaces, the priority classes and the API server's own Service.
    pub(crate) fn bootstrap(&mut self, now: Time) {
        let user = Rc::new(User::new("system:apiserver", &["system:masters", "system:authenticated"]));
        let agent: Rc<str> = "apiserver".into();
        for (rest, namespace, object) in self.first_objects() {
            let resource = rest.kind;
            let group = if resource.group.is_empty() {
                "/api".to_string()
            } else {
                format!("/apis/{}", resource.group)
            };
            let place = if resource.namespaced { format!("/namespaces/{namespace}") } else { String::new() };
            let path = format!("{group}/{}{place}/{}", resource.version, resource.plural);
            let request = Request::new(Method::Post, path).by(&user, &agent).body(object);
            self.handle(now, &request);
        }
        self.derived_writes = 0;
        // What the first objects made nobody can have watched.
        drop(self.take_watch_events());
    }

    fn first_objects(&self) -> Vec<(&'static Rest, &'static str, Value)> {
        let mut objects = Vec::new();
        let mut add = |group: &str, plural: &str, namespace: &'static str, object: Value| {
            if let Some(rest) = resources::find(group, "v1", plural)
                && self.is_served(rest)
            {
                objects.push((rest, namespace, object));
            }
        };
        for name in NAMESPACES {
            add("", "namespaces", "", tree!({"metadata": {"name": name}}));
        }
        let rbac = "rbac.authorization.k8s.io";
        for role in policy::cluster_roles() {
            add(rbac, "clusterroles", "", role);
        }
        for (namespace, role) in policy::roles() {
            add(rbac, "roles", namespace, role);
        }
        for (namespace, binding) in policy::bindings() {
            let plural = if namespace.is_empty() { "clusterrolebindings" } else { "rolebindings" };
            add(rbac, plural, namespace, binding);
        }
        let flow_control = "flowcontrol.apiserver.k8s.io";
        for level in flow_control::priority_levels() {
            add(flow_control, "prioritylevelconfigurations", "", level);
        }
        for schema in flow_control::flow_schemas() {
            add(flow_control, "flowschemas", "", schema);
        }
        for service in local_services::local_services(|kind| self.options.serves(kind)) {
            add("apiregistration.k8s.io", "apiservices", "", service);
        }
        let (first, bits) = self.options.service_cidr;
        let range = tree!({
            "metadata": {"name": "kubernetes"},
            "spec": {"cidrs": [(format!("{first}/{bits}"))]},
        });
        add("networking.k8s.io", "servicecidrs", "", range);
        for (name, value, description) in PRIORITY_CLASSES {
            let class = tree!({"metadata": {"name": name}, "value": value, "description": description});
            add("scheduling.k8s.io", "priorityclasses", "", class);
        }
        let port = i64::from(self.options.secure_port);
        let address = self.options.advertise_address.as_str();
        let service = tree!({
            "metadata": {
                "name": "kubernetes",
                "labels": {"component": "apiserver", "provider": "kubernetes"},
            },
            "spec": {
                "type": "ClusterIP",
                "clusterIP": (self.services.first_ip()),
                "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
            },
        });
        add("", "services", "default", service);
        let endpoints = tree!({
            "metadata": {
                "name": "kubernetes",
                "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
            },
            "subsets": [{
                "addresses": [{"ip": address}],
                "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
            }],
        });
        add("", "endpoints", "default", endpoints);
        let slice = tree!({
            "metadata": {"name": "kubernetes", "labels": {"kubernetes.io/service-name": "kubernetes"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": true}}],
            "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
        });
        add("discovery.k8s.io", "endpointslices", "default", slice);
        objects
    }
}
