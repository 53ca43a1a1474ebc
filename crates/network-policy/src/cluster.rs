//! What policies are about: pods and namespaces, as far as they matter here.

use api::label::Selector;
use api::{Value, meta};
use network::Protocol;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// A pod that has an address of its own.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its namespace.
    pub namespace: Rc<str>,
    /// Its name.
    pub name: Rc<str>,
    /// Its address.
    pub ip: Ipv4Addr,
    /// The node that it is on.
    pub node: Rc<str>,
    /// Its labels.
    pub labels: Value,
    /// Its containers' ports that have a name.
    pub ports: Vec<(Rc<str>, Protocol, u16)>,
}

impl Pod {
    /// Reads a pod; `None` for one that policies aren't about: it has no address, that of its node, or is
    /// done.
    // Models pkg/controllers/netpol/utils.go isNetPolActionable
    pub fn of(pod: &Value) -> Option<Pod> {
        let is_done = matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed");
        if is_done || pod["spec"]["hostNetwork"].is_true() {
            return None;
        }
        let ip = pod["status"]["podIP"].str().parse().ok()?;
        let containers = pod["spec"]["containers"].items().iter();
        let ports = containers.flat_map(|container| container["ports"].items()).filter_map(|port| {
            let name = port["name"].text();
            let number = u16::try_from(port["containerPort"].int()).ok()?;
            (!name.is_empty()).then_some((name, protocol(port)?, number))
        });
        Some(Pod {
            namespace: meta::namespace(pod).into(),
            name: meta::name(pod).into(),
            ip,
            node: pod["spec"]["nodeName"].text(),
            labels: meta::labels(pod).clone(),
            ports: ports.collect(),
        })
    }
}

/// Reads a port's protocol, which is TCP unless it is said; `None` for one that there isn't.
pub(crate) fn protocol(port: &Value) -> Option<Protocol> {
    match port["protocol"].str() {
        "" => Some(Protocol::Tcp),
        text => Protocol::parse(&text.to_ascii_lowercase()),
    }
}

/// The cluster as the policies see it.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// The pods, ordered by address.
    pub pods: Vec<Pod>,
    /// The namespaces' labels.
    pub namespaces: BTreeMap<Rc<str>, Value>,
}

impl Cluster {
    /// Gathers what there is.
    pub fn new<'a>(
        pods: impl Iterator<Item = &'a Value>,
        namespaces: impl Iterator<Item = &'a Value>,
    ) -> Cluster {
        let mut pods: Vec<Pod> = pods.filter_map(Pod::of).collect();
        pods.sort_by(|a, b| (a.ip, &a.namespace, &a.name).cmp(&(b.ip, &b.namespace, &b.name)));
        let namespaces =
            namespaces.map(|namespace| (meta::name(namespace).into(), meta::labels(namespace).clone()));
        Cluster { pods, namespaces: namespaces.collect() }
    }

    /// Returns the pods of one namespace that a selector selects.
    pub(crate) fn selected<'a>(
        &'a self,
        namespace: &'a str,
        selector: &'a Selector,
    ) -> impl Iterator<Item = &'a Pod> {
        self.pods.iter().filter(move |pod| *pod.namespace == *namespace && selector.matches(&pod.labels))
    }

    /// Returns the pods that a peer of a policy in `namespace` names; none for one of addresses.
    // Models pkg/controllers/netpol/policy.go evalPodPeer
    pub(crate) fn peers<'a>(&'a self, namespace: &'a str, peer: &'a Value) -> Vec<&'a Pod> {
        let pods = match &peer["podSelector"] {
            Value::Null => Selector::default(),
            selector => Selector::from_label_selector(selector),
        };
        let is_by_name = peer["namespaceSelector"].is_null();
        if is_by_name && peer["podSelector"].is_null() {
            return Vec::new();
        }
        let namespaces = Selector::from_label_selector(&peer["namespaceSelector"]);
        let is_in = |pod: &Pod| match is_by_name {
            true => *pod.namespace == *namespace,
            false => self.namespaces.get(&pod.namespace).is_some_and(|labels| namespaces.matches(labels)),
        };
        self.pods.iter().filter(|pod| is_in(pod) && pods.matches(&pod.labels)).collect()
    }
}
