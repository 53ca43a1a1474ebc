//! Which pods belong to which service, and what of them is published: shared by the controllers of
//! Endpoints and EndpointSlices.

use crate::pod;
use api::resources::{PODS, SERVICES};
use api::{Value, meta};
use client::{Change, Enqueue, Informers};

/// Returns whether a service selects a pod. One without a selector selects none.
pub(crate) fn selects(service: &Value, pod: &Value) -> bool {
    let selector = service["spec"]["selector"].fields();
    let labels = meta::labels(pod);
    !selector.is_empty() && selector.iter().all(|(key, value)| labels[key] == *value)
}

/// Adds the services that a pod's change concerns.
// Models staging/src/k8s.io/endpointslice/util/controller_utils.go GetServicesToUpdateOnPodChange
pub(crate) fn enqueue_services_of(change: &Change, informers: &Informers, queue: &mut Enqueue) {
    let (old, new) = (&change.old, &change.new);
    let labels_changed = meta::labels(old) != meta::labels(new);
    if !old.is_null() && !new.is_null() && !labels_changed && published(old) == published(new) {
        return;
    }
    for service in informers.of(SERVICES).in_namespace(meta::namespace(change.object())) {
        if (!old.is_null() && selects(service, old)) || (!new.is_null() && selects(service, new)) {
            queue.add(meta::key(service));
        }
    }
}

/// Returns what of a pod endpoints depend on.
fn published(pod: &Value) -> ([bool; 3], [&Value; 5]) {
    let (spec, status) = (&pod["spec"], &pod["status"]);
    (
        [pod::is_ready(pod), meta::is_deleting(pod), pod::is_terminal(pod)],
        [&status["podIP"], &status["podIPs"], &spec["nodeName"], &spec["hostname"], &spec["subdomain"]],
    )
}

/// Returns the pods that a service selects.
pub(crate) fn pods_of<'a>(informers: &'a Informers, service: &'a Value) -> impl Iterator<Item = &'a Value> {
    let pods = informers.of(PODS).in_namespace(meta::namespace(service));
    pods.filter(|pod| selects(service, pod))
}

/// Which pods that are being deleted count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Terminating {
    Include,
    LeaveOut,
}

// Models staging/src/k8s.io/endpointslice/util/controller_utils.go ShouldPodBeInEndpoints
pub(crate) fn is_published(pod: &Value, terminating: Terminating) -> bool {
    !pod::is_terminal(pod)
        && !pod["status"]["podIP"].str().is_empty()
        && (terminating == Terminating::Include || !meta::is_deleting(pod))
}

/// Returns the hostname under which a headless service publishes a pod; empty for none.
// Models staging/src/k8s.io/endpointslice/util/controller_utils.go ShouldSetHostname
pub(crate) fn hostname<'a>(pod: &'a Value, service: &Value) -> &'a str {
    let is_in = pod["spec"]["subdomain"].str() == meta::name(service);
    if is_in { pod["spec"]["hostname"].str() } else { "" }
}

/// Returns the port of a pod to which a service's port leads; `None` where the pod names none such.
// Models pkg/api/v1/pod/util.go FindPort
pub(crate) fn find_port(pod: &Value, port: &Value) -> Option<i64> {
    match &port["targetPort"] {
        Value::Int(number) if *number != 0 => Some(*number),
        Value::Str(name) => {
            let spec = &pod["spec"];
            let sidecars =
                spec["initContainers"].items().iter().filter(|one| one["restartPolicy"].str() == "Always");
            let containers = spec["containers"].items().iter().chain(sidecars);
            let mut ports = containers.flat_map(|container| container["ports"].items());
            let protocol = |port: &Value| match port["protocol"].str() {
                "" => "TCP".into(),
                _ => port["protocol"].text(),
            };
            let wanted = protocol(port);
            let found = ports.find(|one| one["name"].str() == &**name && protocol(one) == wanted);
            found.map(|port| port["containerPort"].int())
        }
        _ => Some(port["port"].int()),
    }
}

/// Returns whether a service is headless.
pub(crate) fn is_headless(service: &Value) -> bool {
    matches!(service["spec"]["clusterIP"].str(), "" | "None")
}
