//! What a cluster has from the start.
// Models pkg/controlplane/instance.go

mod flow_control;
mod local_services;
mod own_service;

use crate::authorization::policy;
use crate::options::Options;
use crate::resources::{self, Rest};
use crate::server::ApiServer;
use api::{Value, tree};
use sim::Time;

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
        for (rest, namespace, object) in self.first_objects() {
            let request = own_service::request(rest, namespace, object);
            self.handle(now, &request);
        }
        self.derived_writes = 0;
        self.own_service_at = Time::NEVER;
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
        for (group, plural, object) in self.own_service() {
            add(group, plural, "default", object);
        }
        objects
    }
}
