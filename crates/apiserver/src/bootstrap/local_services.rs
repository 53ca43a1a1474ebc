//! The groups that the API server serves itself, as the aggregator lists them.
// Models pkg/controlplane/apiserver/aggregator.go DefaultGenericAPIServicePriorities

use api::{Value, tree};
use schema::Kind;

/// What a group's priority is, and that of its versions, of which the second is the preferred one.
const PRIORITIES: [(&str, i64); 24] = [
    ("", 18_000),
    ("apps", 17_800),
    ("events.k8s.io", 17_750),
    ("authentication.k8s.io", 17_700),
    ("authorization.k8s.io", 17_600),
    ("autoscaling", 17_500),
    ("batch", 17_400),
    ("certificates.k8s.io", 17_300),
    ("networking.k8s.io", 17_200),
    ("policy", 17_100),
    ("rbac.authorization.k8s.io", 17_000),
    ("storage.k8s.io", 16_800),
    ("apiextensions.k8s.io", 16_700),
    ("admissionregistration.k8s.io", 16_700),
    ("scheduling.k8s.io", 16_600),
    ("coordination.k8s.io", 16_500),
    ("node.k8s.io", 16_300),
    ("discovery.k8s.io", 16_200),
    ("flowcontrol.apiserver.k8s.io", 16_100),
    ("internal.apiserver.k8s.io", 16_000),
    ("resource.k8s.io", 15_900),
    ("storagemigration.k8s.io", 15_800),
    ("apiregistration.k8s.io", 0),
    ("meta.k8s.io", 0),
];

/// Returns an APIService for each group and version that is served, in the order of discovery.
pub(super) fn local_services(is_served: impl Fn(&Kind) -> bool) -> Vec<Value> {
    let mut services: Vec<Value> = Vec::new();
    for kind in schema::kinds().iter().filter(|kind| is_served(kind)) {
        let name = format!("{}.{}", kind.version, kind.group);
        let priority = PRIORITIES.iter().find(|(group, _)| *group == kind.group);
        // The aggregator doesn't list its own group.
        let priority = priority.map(|(_, priority)| *priority).filter(|priority| *priority > 0);
        let known = services.iter().any(|service| api::meta::name(service) == name);
        if let (Some(priority), false) = (priority, known) {
            services.push(local_service(kind, &name, priority));
        }
    }
    services
}

fn local_service(kind: &Kind, name: &str, priority: i64) -> Value {
    let version_priority = match (kind.group, kind.version) {
        ("", _) => 1,
        ("autoscaling", "v2") => 30,
        ("flowcontrol.apiserver.k8s.io", _) => 21,
        _ => 15,
    };
    let mut service = tree!({
        "metadata": {"name": name, "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"}},
        "spec": {
            "groupPriorityMinimum": priority,
            "version": (kind.version),
            "versionPriority": version_priority,
        },
    });
    if !kind.group.is_empty() {
        service.set(&["spec", "group"], kind.group);
    }
    service
}
