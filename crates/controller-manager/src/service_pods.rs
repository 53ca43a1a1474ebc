//! Which pods belong to which service, and what of them is published: shared by the controllers of
//! Endpoints and EndpointSlices.

use crate::pod;
use api::resources::{PODS, SERVICES};
use api::{Value, meta};
use client::{Change, Enqueue, Informers};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Returns whether a service selects a pod. One without a selector selects none.
pub(crate) fn selects(service: &Value, pod: &Value) -> bool {
    selects_labels(service, meta::labels(pod))
}

fn selects_labels(service: &Value, labels: &Value) -> bool {
    let selector = service["spec"]["selector"].fields();
    !selector.is_empty() && selector.iter().all(|(key, value)| labels[key] == *value)
}

/// What each service publishes of each of its pods, made anew only where one of them changed.
#[derive(Clone, Debug)]
pub(crate) struct Members<T> {
    services: BTreeMap<Rc<str>, BTreeMap<Rc<str>, T>>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Members { services: BTreeMap::new() }
    }
}

impl<T> Members<T> {
    /// Returns what a service publishes, in the order of the pods' keys.
    pub(crate) fn of(&self, service: &str) -> impl Iterator<Item = &T> {
        self.services.get(service).into_iter().flat_map(BTreeMap::values)
    }

    /// Takes a change of a service or a pod, and adds the services that it concerns. `make` says what
    /// a service publishes of a pod that it selects.
    // Models staging/src/k8s.io/endpointslice/util/controller_utils.go GetServicesToUpdateOnPodChange
    pub(crate) fn observe(
        &mut self,
        change: &Change,
        informers: &Informers,
        queue: &mut Enqueue,
        make: impl Fn(&Value, &Value) -> Option<T>,
    ) {
        let (old, new) = (&change.old, &change.new);
        if change.resource == SERVICES {
            if new.is_null() {
                self.services.remove(&change.key);
            } else if old["spec"] != new["spec"] {
                let pods =
                    informers.of(PODS).in_namespace(meta::namespace(new)).filter(|pod| selects(new, pod));
                let members = pods.filter_map(|pod| Some((meta::key(pod), make(new, pod)?)));
                self.services.insert(change.key.clone(), members.collect());
            }
            return queue.add(change.key.clone());
        }
        let labels_changed = meta::labels(old) != meta::labels(new);
        if !old.is_null() && !new.is_null() && !labels_changed && is_alike(old, new) {
            return;
        }
        let labels = [meta::labels(old), meta::labels(new)];
        for service in informers.of(SERVICES).in_namespace(meta::namespace(change.object())) {
            let [was, is] = labels.map(|labels| selects_labels(service, labels));
            if !was && !is {
                continue;
            }
            let key = meta::key(service);
            let members = self.services.entry(key.clone()).or_default();
            match if is { make(service, new) } else { None } {
                Some(member) => drop(members.insert(change.key.clone(), member)),
                None => drop(members.remove(&change.key)),
            }
            queue.add(key);
        }
    }
}

/// Returns whether two pods agree in what endpoints depend on.
fn is_alike(one: &Value, other: &Value) -> bool {
    let agree = |part: &str, fields: &[&str]| {
        let (one, other) = (&one[part], &other[part]);
        one.same(other) || fields.iter().all(|field| one[*field] == other[*field])
    };
    agree("spec", &["nodeName", "hostname", "subdomain"])
        && agree("status", &["podIP", "podIPs"])
        && meta::is_deleting(one) == meta::is_deleting(other)
        && (one["status"].same(&other["status"])
            || pod::is_ready(one) == pod::is_ready(other) && pod::is_terminal(one) == pod::is_terminal(other))
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
