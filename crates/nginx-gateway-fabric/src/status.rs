//! What is written into the status of classes, Gateways and routes.

use crate::control::CONTROLLER;
use crate::graph::{Cond, Parent, Site, group};
use api::{Value, meta, tree};
use sim::Time;

/// Returns conditions as an object has them: what says the same as before keeps its moment.
pub(crate) fn conditions(before: &Value, wanted: &[Cond], generation: i64, now: Time) -> Value {
    let one = |cond: &Cond| {
        let status = if cond.is_true { "True" } else { "False" };
        let old = before.items().iter().find(|old| old["type"].str() == cond.kind);
        let since =
            old.filter(|old| old["status"].str() == status).map(|old| old["lastTransitionTime"].text());
        let since = since.unwrap_or_else(|| now.rfc3339().into());
        tree!({
            "lastTransitionTime": since,
            "message": (cond.message.as_str()),
            "observedGeneration": generation,
            "reason": (cond.reason),
            "status": status,
            "type": (cond.kind),
        })
    };
    wanted.iter().map(one).collect()
}

/// Returns a Gateway's status.
// Models github.com/nginx/nginx-gateway-fabric internal/controller/status/prepare_requests.go
pub(crate) fn gateway(site: &Site, service: Option<&Value>, now: Time) -> Value {
    let before = &site.gateway["status"];
    let generation = meta::generation(&site.gateway);
    let given = service.map(addresses).unwrap_or_default();
    let mut listeners = Vec::new();
    for one in &site.listeners {
        let known = before["listeners"].items().iter().find(|old| old["name"].str() == &*one.name);
        let null = Value::default();
        let old = known.map_or(&null, |known| &known["conditions"]);
        let kinds: Value =
            one.kinds().into_iter().map(|kind| tree!({"group": (group()), "kind": kind})).collect();
        listeners.push(tree!({
            "attachedRoutes": (i64::from(one.attached)),
            "conditions": (conditions(old, &listener(&one.faults), generation, now)),
            "name": (&one.name),
            "supportedKinds": kinds,
        }));
    }
    let mut status = Value::map();
    if !given.is_empty() {
        status.set(&["addresses"], given.into_iter().collect::<Value>());
    }
    status.set(&["conditions"], conditions(&before["conditions"], &site.conditions(), generation, now));
    status.set(&["listeners"], listeners.into_iter().collect::<Value>());
    status
}

/// Returns a listener's conditions, given what is wrong with it.
fn listener(faults: &[Cond]) -> Vec<Cond> {
    let usual = [
        Cond::new("Accepted", true, "Accepted", "Listener is accepted"),
        Cond::new("Programmed", true, "Programmed", "Listener is programmed"),
        Cond::new("ResolvedRefs", true, "ResolvedRefs", "All references are resolved"),
        Cond::new("Conflicted", false, "NoConflicts", "No conflicts"),
    ];
    let fault = |usual: Cond| faults.iter().find(|fault| fault.kind == usual.kind).cloned().unwrap_or(usual);
    usual.into_iter().map(fault).collect()
}

fn addresses(service: &Value) -> Vec<Value> {
    let ip = |ip: &str| tree!({"type": "IPAddress", "value": ip});
    let spec = &service["spec"];
    if spec["type"].str() != "LoadBalancer" {
        return Some(spec["clusterIP"].str()).filter(|ip| !ip.is_empty()).map(ip).into_iter().collect();
    }
    let given = service["status"]["loadBalancer"]["ingress"].items().iter();
    given
        .map(|one| match one["ip"].str() {
            "" => tree!({"type": "Hostname", "value": (one["hostname"].str())}),
            address => ip(address),
        })
        .collect()
}

/// Returns a route's status: our parents' entries, and those of others as they are.
pub(crate) fn route(object: &Value, parents: &[Parent], now: Time) -> Value {
    let before = object["status"]["parents"].items();
    let generation = meta::generation(object);
    let is_own = |entry: &&Value| entry["controllerName"].str() == CONTROLLER;
    let own = parents.iter().map(|parent| {
        let old = before.iter().filter(is_own).find(|entry| entry["parentRef"] == parent.reference);
        let null = Value::default();
        let old = old.map_or(&null, |old| &old["conditions"]);
        tree!({
            "conditions": (conditions(old, &parent.conditions, generation, now)),
            "controllerName": CONTROLLER,
            "parentRef": (&parent.reference),
        })
    });
    let others = before.iter().filter(|entry| !is_own(entry)).cloned();
    let all: Value = others.chain(own).collect();
    tree!({"parents": all})
}
