use super::Tracker;
use super::endpoint::*;
use crate::claim::controller_reference;
use crate::pod_control::is_namespace_terminating;
use api::resources::{ENDPOINTSLICES, SERVICES};
use api::{Value, meta, tree};
use client::{Cx, Failure, Informer};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many endpoints a slice holds at most.
const MAX_ENDPOINTS_PER_SLICE: usize = 100;

/// What is to be done to the slices.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) create: Vec<Value>,
    pub(super) update: Vec<Value>,
    pub(super) delete: Vec<Value>,
    /// What stays as it is.
    pub(super) unchanged: Vec<Value>,
}

/// Plans how a service's slices of one family come to fit what it publishes.
// Models staging/src/k8s.io/endpointslice/reconciler.go reconcileByAddressType
pub(super) fn plan(
    service: &Value,
    members: &[&Member],
    nodes: &Informer,
    known: Vec<Value>,
    family: &str,
) -> Plan {
    let (count, mut plan) = (known.len(), Plan::default());
    let mut by_ports: BTreeMap<Rc<str>, Vec<Value>> = BTreeMap::new();
    for slice in known {
        match meta::is_controlled_by(&slice, service) {
            true => by_ports.entry(ports_key(slice["ports"].items()).into()).or_default().push(slice),
            false => plan.delete.push(slice),
        }
    }
    let mut desired: BTreeMap<Rc<str>, (Value, EndpointSet)> = BTreeMap::new();
    for member in members {
        let (_, endpoints) = desired
            .entry(member.ports_key.clone())
            .or_insert_with(|| (member.ports.clone(), EndpointSet::new()));
        endpoints.insert(member.key.clone(), member.endpoint_in_zone(nodes));
    }
    for (key, (ports, endpoints)) in desired {
        let slices = by_ports.remove(&key).unwrap_or_default();
        plan_ports(service, family, ports.items(), endpoints, slices, &mut plan);
    }
    plan.delete.extend(by_ports.into_values().flatten());
    if count == plan.delete.len() && plan.create.is_empty() {
        add_placeholder(service, family, &mut plan);
    }
    plan
}

fn new_slice(service: &Value, family: &str, ports: &[Value], endpoints: Vec<Value>) -> Value {
    let or_null = |list: Vec<Value>| if list.is_empty() { Value::Null } else { list.into() };
    tree!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": (format!("{}-", meta::name(service))),
            "namespace": (meta::namespace(service)),
            "labels": (slice_labels(service)),
            "ownerReferences": [(controller_reference(SERVICES, service))],
        },
        "addressType": family,
        "endpoints": (or_null(endpoints)),
        "ports": (or_null(ports.to_vec())),
    })
}

/// A service has at least one slice, though an empty one.
fn add_placeholder(service: &Value, family: &str, plan: &mut Plan) {
    let placeholder = new_slice(service, family, &[], Vec::new());
    if let [only] = plan.delete.as_slice()
        && only["endpoints"].is_empty()
        && only["ports"].is_empty()
        && meta::labels(only) == meta::labels(&placeholder)
        && meta::is_controlled_by(only, service)
    {
        plan.delete.clear();
        return;
    }
    plan.create.push(placeholder);
}

/// Plans the slices that share their ports, so that few of them change.
// Models staging/src/k8s.io/endpointslice/reconciler.go reconcileByPortMapping
fn plan_ports(
    service: &Value,
    family: &str,
    ports: &[Value],
    mut desired: EndpointSet,
    slices: Vec<Value>,
    plan: &mut Plan,
) {
    let labels = slice_labels(service);
    let (mut updated, mut unchanged) = (Vec::new(), Vec::new());
    for mut slice in slices {
        let before = slice["endpoints"].items();
        let after: Vec<Value> =
            before.iter().filter_map(|endpoint| desired.remove(&endpoint_key(endpoint))).collect();
        let is_same = |(before, after): (&Value, &Value)| before == after || without_hints(before) == *after;
        let same = before.len() == after.len() && before.iter().zip(&after).all(is_same);
        let relabelled = *meta::labels(&slice) != labels;
        if after.is_empty() {
            plan.delete.push(slice);
        } else if !same || relabelled {
            slice.set(&["endpoints"], after);
            slice.set(&["metadata", "labels"], &labels);
            updated.push(slice);
        } else {
            unchanged.push(slice);
        }
    }
    updated.sort_by_key(|slice| std::cmp::Reverse(length(slice)));
    for slice in &mut updated {
        fill(slice, &mut desired);
    }
    while !desired.is_empty() {
        match slice_to_fill(&unchanged, desired.len()) {
            Some(at) => {
                let mut slice = unchanged.remove(at);
                fill(&mut slice, &mut desired);
                updated.push(slice);
            }
            None => {
                let mut slice = new_slice(service, family, ports, Vec::new());
                fill(&mut slice, &mut desired);
                plan.create.push(slice);
            }
        }
    }
    plan.update.extend(updated);
    plan.unchanged.extend(unchanged);
}

/// Returns an endpoint without what it says of who is near it.
fn without_hints(endpoint: &Value) -> Value {
    let mut bare = endpoint.clone();
    bare.remove(&["hints"]);
    bare
}

fn length(slice: &Value) -> usize {
    slice["endpoints"].items().len()
}

fn fill(slice: &mut Value, desired: &mut EndpointSet) {
    while length(slice) < MAX_ENDPOINTS_PER_SLICE
        && let Some((_, endpoint)) = desired.pop_first()
    {
        slice.at_mut(&["endpoints"]).list_mut().push(endpoint);
    }
}

/// Returns the fullest slice that takes all of so many endpoints.
// Models staging/src/k8s.io/endpointslice/utils.go getSliceToFill
fn slice_to_fill(slices: &[Value], count: usize) -> Option<usize> {
    if count >= MAX_ENDPOINTS_PER_SLICE {
        return None;
    }
    let fitting =
        slices.iter().enumerate().filter(|(_, slice)| length(slice) + count <= MAX_ENDPOINTS_PER_SLICE);
    fitting.max_by_key(|(i, slice)| (length(slice), std::cmp::Reverse(*i))).map(|(i, _)| i)
}

/// Carries out the plan. A slice that would go makes place for one that would come.
///
/// # Errors
/// What the API server refused.
// Models staging/src/k8s.io/endpointslice/reconciler.go finalize
pub(super) fn carry_out(
    cx: &mut Cx,
    tracker: &mut Tracker,
    service: &Value,
    mut plan: Plan,
) -> Result<(), Failure> {
    let key = meta::key(service);
    while let Some(at) = plan.delete.iter().position(|slice| meta::is_controlled_by(slice, service))
        && !plan.create.is_empty()
    {
        let (old, mut new) = (plan.delete.remove(at), plan.create.remove(0));
        let labels = meta::labels(&new).clone();
        new.set(&["metadata"], &old["metadata"]);
        new.set(&["metadata", "labels"], labels);
        plan.update.push(new);
    }
    if !meta::is_deleting(service) {
        for slice in &plan.create {
            match cx.create(ENDPOINTSLICES, slice) {
                Ok(slice) => tracker.written(&key, &slice),
                Err(failure) if is_namespace_terminating(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
    }
    for slice in &plan.update {
        let slice = cx.update(ENDPOINTSLICES, slice, "")?;
        tracker.written(&key, &slice);
    }
    for slice in &plan.delete {
        delete(cx, tracker, &key, slice)?;
    }
    Ok(())
}

/// Deletes a slice; that it is gone already is well.
///
/// # Errors
/// What the API server refused.
pub(super) fn delete(
    cx: &mut Cx,
    tracker: &mut Tracker,
    service: &str,
    slice: &Value,
) -> Result<(), Failure> {
    match cx.delete(ENDPOINTSLICES, meta::namespace(slice), meta::name(slice), Value::Null) {
        Err(failure) if !failure.is_not_found() => Err(failure),
        _ => {
            tracker.deleted(service, slice);
            Ok(())
        }
    }
}
