//! Which endpoints a node uses.

use crate::{Endpoint, EndpointsMap, ServiceMap, ServicePort, ServicePortName};

/// A Service port's endpoints as one node uses them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usable<'a> {
    /// Those used where any node's endpoints may serve.
    pub(crate) cluster: Vec<&'a Endpoint>,
    /// Those used where only the node's own may serve.
    pub(crate) local: Vec<&'a Endpoint>,
    /// Both together.
    pub(crate) reachable: Vec<&'a Endpoint>,
    /// Whether any node has one.
    pub(crate) has_any: bool,
}

impl Usable<'_> {
    /// Returns what the addresses' rules need of it.
    pub(crate) fn summary(&self) -> Summary {
        Summary { has_any: self.has_any, has_local: !self.local.is_empty() }
    }
}

/// What the rules of a Service's addresses need to know of its endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Whether any node has one that is used.
    pub(crate) has_any: bool,
    /// Whether this node has one.
    pub(crate) has_local: bool,
}

impl Summary {
    /// Looks no further than needed: [`categorize`] tells the same for ports that keep to their node.
    pub(crate) fn new(endpoints: &[Endpoint]) -> Summary {
        let is_used = |one: &&Endpoint| one.is_ready || (one.is_serving && one.is_terminating);
        Summary {
            has_any: endpoints.iter().any(|one| is_used(&one)),
            has_local: endpoints.iter().any(|one| one.is_local && is_used(&one)),
        }
    }
}

/// Whether a Service's traffic finds endpoints on this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ways {
    /// That from inside.
    pub(crate) has_internal: bool,
    /// That from outside.
    pub(crate) has_external: bool,
}

impl Ways {
    pub(crate) fn new(service: &ServicePort, summary: Summary) -> Ways {
        let has = |is_local: bool| summary.has_any && (!is_local || summary.has_local);
        Ways { has_internal: has(service.is_internal_local), has_external: has(service.is_external_local) }
    }
}

/// Returns each Service's port with its endpoints. Both maps have the same order.
pub(crate) fn pairs<'a>(
    services: &'a ServiceMap,
    endpoints: &'a EndpointsMap,
) -> Vec<(&'a ServicePortName, &'a ServicePort, &'a [Endpoint])> {
    let mut lists = endpoints.iter().peekable();
    let pair = |(name, service)| {
        while lists.next_if(|(other, _)| *other < name).is_some() {}
        let list = lists.next_if(|(other, _)| *other == name).map_or(&[][..], |(_, list)| list.as_slice());
        (name, service, list)
    };
    services.iter().map(pair).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Any,
    SameNode,
    SameZone,
}

/// Sorts a Service port's endpoints: ready ones first of all; where there are none, those that still
/// serve while they end.
// Models pkg/proxy/topology.go CategorizeEndpoints
pub(crate) fn categorize<'a>(
    endpoints: &'a [Endpoint],
    service: &ServicePort,
    node: &str,
    zone: &str,
) -> Usable<'a> {
    let mut usable = Usable::default();
    let is_ending = |endpoint: &&Endpoint| endpoint.is_serving && endpoint.is_terminating;
    if service.uses_cluster_endpoints() {
        let mode = mode_of(endpoints, node, zone);
        usable.cluster = endpoints
            .iter()
            .filter(|endpoint| endpoint.is_ready && is_available(endpoint, mode, node, zone))
            .collect();
        if usable.cluster.is_empty() {
            usable.cluster = endpoints.iter().filter(is_ending).collect();
        }
        usable.has_any = !usable.cluster.is_empty();
    }
    if !service.uses_local_endpoints() {
        usable.reachable.clone_from(&usable.cluster);
        return usable;
    }
    usable.has_any |= endpoints.iter().any(|endpoint| endpoint.is_ready || is_ending(&endpoint));
    let local = || endpoints.iter().filter(|endpoint| endpoint.is_local);
    usable.local = local().filter(|endpoint| endpoint.is_ready).collect();
    if usable.local.is_empty() {
        usable.local = local().filter(is_ending).collect();
    }
    let mut reachable: Vec<&Endpoint> = usable.cluster.iter().chain(&usable.local).copied().collect();
    reachable.sort_by(|a, b| a.text.cmp(&b.text));
    reachable.dedup_by(|a, b| a.text == b.text);
    usable.reachable = reachable;
    usable
}

// Models pkg/proxy/topology.go topologyModeFromHints
fn mode_of(endpoints: &[Endpoint], node: &str, zone: &str) -> Mode {
    let ready = || endpoints.iter().filter(|endpoint| endpoint.is_ready);
    if ready().next().is_none() {
        return Mode::Any;
    }
    if ready().all(|endpoint| !endpoint.node_hints.is_empty())
        && ready().any(|endpoint| endpoint.node_hints.iter().any(|hint| **hint == *node))
    {
        return Mode::SameNode;
    }
    if ready().all(|endpoint| !endpoint.zone_hints.is_empty())
        && ready().any(|endpoint| endpoint.zone_hints.iter().any(|hint| **hint == *zone))
    {
        return Mode::SameZone;
    }
    Mode::Any
}

fn is_available(endpoint: &Endpoint, mode: Mode, node: &str, zone: &str) -> bool {
    match mode {
        Mode::Any => true,
        Mode::SameNode => endpoint.node_hints.iter().any(|hint| **hint == *node),
        Mode::SameZone => endpoint.zone_hints.iter().any(|hint| **hint == *zone),
    }
}
