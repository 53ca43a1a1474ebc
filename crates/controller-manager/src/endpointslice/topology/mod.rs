//! Hints: which endpoints are near whom. A Service asks for them with `spec.trafficDistribution`, or has them
//! shared out to the zones by their CPUs with the annotation `service.kubernetes.io/topology-mode: Auto`.
// Models staging/src/k8s.io/endpointslice/topologycache, staging/src/k8s.io/endpointslice/trafficdist

#[cfg(test)]
mod tests;

use super::reconciler::Plan;
use api::quantity::Quantity;
use api::{Value, meta, tree};
use client::Informer;
use std::collections::BTreeMap;
use std::rc::Rc;

/// By how much more than its share an endpoint may get at most.
const OVERLOAD_THRESHOLD: f64 = 0.2;
const ZONE: &str = "topology.kubernetes.io/zone";
const DISABLED: &str = "TopologyAwareHintsDisabled";

/// How many endpoints are hinted at for each zone.
type ByZone = BTreeMap<String, i64>;
/// The share of the CPUs that each zone has.
type Ratios = BTreeMap<String, f64>;

/// An event about a Service: its type, reason and message.
pub(super) type Told = (&'static str, &'static str, String);

/// Returns whether a Service asks for endpoints shared out by zones' CPUs.
// Models staging/src/k8s.io/endpointslice/utils.go hintsEnabled
pub(super) fn is_auto(service: &Value) -> bool {
    let mode = match meta::annotation(service, "service.kubernetes.io/topology-mode") {
        "" => meta::annotation(service, "service.kubernetes.io/topology-aware-hints"),
        mode => mode,
    };
    matches!(mode, "Auto" | "auto")
}

/// What was shared out, by Service and family of addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topology {
    shared: BTreeMap<Rc<str>, BTreeMap<Rc<str>, ByZone>>,
}

/// How many endpoints a zone is to have.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Allocation {
    maximum: i64,
    desired: f64,
}

fn is_ready(endpoint: &&Value) -> bool {
    endpoint["conditions"]["ready"].is_true()
}

impl Topology {
    /// Forgets a Service.
    pub(super) fn forget(&mut self, service: &str) {
        self.shared.remove(service);
    }

    /// Shares a Service's endpoints out to the zones: hints in the slices that are planned. Returns what is
    /// told of it.
    // Models staging/src/k8s.io/endpointslice/topologycache/topologycache.go AddHints
    pub(super) fn add_hints(
        &mut self,
        ratios: Option<&Ratios>,
        key: &str,
        family: &str,
        plan: &mut Plan,
    ) -> Option<Told> {
        match share_out(ratios, plan) {
            Ok(by_zone) => {
                let families = self.shared.entry(key.into()).or_default();
                let is_new = families.is_empty();
                families.insert(family.into(), by_zone);
                let message = format!("Topology Aware Hints has been enabled, addressType: {family}");
                is_new.then_some(("Normal", "TopologyAwareHintsEnabled", message))
            }
            Err(why) => {
                self.take(key, family);
                without_hints(plan);
                Some(("Warning", DISABLED, format!("{why}, addressType: {family}")))
            }
        }
    }

    fn take(&mut self, key: &str, family: &str) -> bool {
        let Some(families) = self.shared.get_mut(key) else { return false };
        let had = families.remove(family).is_some();
        if families.is_empty() {
            self.shared.remove(key);
        }
        had
    }

    /// Gives hints as the Service's `trafficDistribution` says, or takes them away. Returns what is told where
    /// they were shared out before.
    // Models staging/src/k8s.io/endpointslice/reconciler.go reconcileByAddressType, trafficdist/trafficdist.go ReconcileHints
    pub(super) fn distribute(
        &mut self,
        service: &Value,
        key: &str,
        family: &str,
        plan: &mut Plan,
    ) -> Option<Told> {
        let told = self.take(key, family).then(|| {
            ("Warning", DISABLED, format!("Topology Aware Hints has been disabled, addressType: {family}"))
        });
        match service["spec"]["trafficDistribution"].str() {
            "PreferClose" | "PreferSameZone" => change(plan, |endpoint| near(endpoint, false)),
            "PreferSameNode" => change(plan, |endpoint| near(endpoint, true)),
            _ => without_hints(plan),
        }
        told
    }

    /// Returns the Services of whose endpoints some zone has too few.
    // Models staging/src/k8s.io/endpointslice/topologycache/topologycache.go GetOverloadedServices
    pub(super) fn overloaded(&self, ratios: Option<&Ratios>) -> Vec<Rc<str>> {
        let is_overloaded = |by_zone: &ByZone| {
            let Some(ratios) = ratios else { return !by_zone.is_empty() };
            let total = by_zone.values().sum::<i64>() as f64;
            let lacks = |(zone, ratio): (&String, &f64)| match by_zone.get(zone) {
                None => true,
                Some(count) => *count < (total * ratio * (1.0 / (1.0 + OVERLOAD_THRESHOLD))).ceil() as i64,
            };
            !by_zone.is_empty() && ratios.iter().any(lacks)
        };
        let services = self.shared.iter().filter(|(_, families)| families.values().any(is_overloaded));
        services.map(|(key, _)| key.clone()).collect()
    }

    /// Returns whether endpoints are shared out at all.
    pub(super) fn is_used(&self) -> bool {
        !self.shared.is_empty()
    }
}

/// Returns the share of the CPUs that each zone has; `None` where a node doesn't say its zone, or there are
/// fewer than two. Control planes don't count.
// Models staging/src/k8s.io/endpointslice/topologycache/topologycache.go SetNodes
pub(super) fn ratios(nodes: &Informer) -> Option<Ratios> {
    let mut by_zone: BTreeMap<String, i64> = BTreeMap::new();
    for node in nodes.iter() {
        let labels = meta::labels(node);
        let excluded = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
        let ready = meta::condition(node, "Ready").is_some_and(|ready| ready["status"].str() == "True");
        if excluded.iter().any(|label| labels.get(label).is_some()) || !ready {
            continue;
        }
        let cpu =
            Quantity::from_value(&node["status"]["allocatable"]["cpu"]).map_or(0, Quantity::milli_value);
        if labels[ZONE].str().is_empty() || cpu == 0 {
            return None;
        }
        *by_zone.entry(labels[ZONE].str().to_string()).or_default() += cpu;
    }
    let total = by_zone.values().sum::<i64>() as f64;
    if by_zone.len() < 2 {
        return None;
    }
    Some(by_zone.into_iter().map(|(zone, cpu)| (zone, cpu as f64 / total)).collect())
}

/// Returns how many endpoints each zone is to have.
///
/// # Errors
/// Why they can't be shared out.
// Models staging/src/k8s.io/endpointslice/topologycache/topologycache.go getAllocations
fn allocations(ratios: Option<&Ratios>, count: i64) -> Result<BTreeMap<String, Allocation>, String> {
    let Some(ratios) = ratios else {
        return Err(
            "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"
                .into(),
        );
    };
    let zones = ratios.len() as i64;
    if zones > count {
        return Err(format!("Insufficient number of endpoints ({count} endpoints, {zones} zones)"));
    }
    let of = |ratio: &f64| {
        let desired = ratio * count as f64;
        (desired, (desired * (1.0 / (1.0 + OVERLOAD_THRESHOLD))).ceil())
    };
    let least: i64 = ratios.values().map(|ratio| of(ratio).1 as i64).sum();
    if least > count {
        return Err(format!(
            "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ({count} endpoints, {zones} zones)"
        ));
    }
    let allocation = |(zone, ratio): (&String, &f64)| {
        let (desired, minimum) = of(ratio);
        (zone.clone(), Allocation { maximum: minimum as i64 + count - least, desired: desired.max(minimum) })
    };
    Ok(ratios.iter().map(allocation).collect())
}

fn share_out(ratios: Option<&Ratios>, plan: &mut Plan) -> Result<ByZone, String> {
    let all = plan.create.iter().chain(&plan.update).chain(&plan.unchanged);
    let ready = all.flat_map(|slice| slice["endpoints"].items()).filter(is_ready).count() as i64;
    let allocations = allocations(ratios, ready)?;
    let mut by_zone = ByZone::new();
    let mut unchanged = Vec::new();
    for slice in std::mem::take(&mut plan.unchanged) {
        match hints_by_zone(&slice, &by_zone, &allocations) {
            Some(hints) => {
                hints.into_iter().for_each(|(zone, count)| *by_zone.entry(zone).or_default() += count);
                unchanged.push(slice);
            }
            None => plan.update.push(slice),
        }
    }
    plan.unchanged = unchanged;
    let open = plan.create.iter().chain(&plan.update).flat_map(|slice| slice["endpoints"].items());
    for endpoint in open.filter(is_ready) {
        let zone = endpoint["zone"].str();
        if zone.is_empty() {
            return Err("One or more endpoints do not have a zone specified".into());
        }
        *by_zone.entry(zone.to_string()).or_default() += 1;
    }
    let (mut giving, mut receiving) = giving_and_receiving(&allocations, &by_zone);
    for slice in plan.create.iter_mut().chain(&mut plan.update) {
        let mut endpoints = slice["endpoints"].items().to_vec();
        for endpoint in endpoints.iter_mut().filter(|endpoint| is_ready(&&**endpoint)) {
            let own = endpoint["zone"].str().to_string();
            let to = match giving.get_mut(&own).filter(|left| **left > 0) {
                Some(left) => receiving.iter_mut().find(|(_, room)| **room > 0).map(|(zone, room)| {
                    *left -= 1;
                    *room -= 1;
                    zone.clone()
                }),
                None => None,
            };
            if let Some(zone) = &to {
                *by_zone.entry(zone.clone()).or_default() += 1;
                *by_zone.entry(own.clone()).or_default() -= 1;
            }
            endpoint.set(&["hints"], tree!({"forZones": [{"name": (to.unwrap_or(own))}]}));
        }
        slice.set(&["endpoints"], endpoints);
    }
    if by_zone.is_empty() { Err("No hints allocated for zones".into()) } else { Ok(by_zone) }
}

/// Returns how many endpoints a slice that isn't changed has for each zone; `None` where it has to be changed.
// Models staging/src/k8s.io/endpointslice/topologycache/utils.go getHintsByZone
fn hints_by_zone(
    slice: &Value,
    shared: &ByZone,
    allocations: &BTreeMap<String, Allocation>,
) -> Option<ByZone> {
    let mut found = ByZone::new();
    for endpoint in slice["endpoints"].items().iter().filter(is_ready) {
        let hints = endpoint["hints"]["forZones"].items();
        if hints.is_empty() {
            return None;
        }
        for hint in hints {
            let zone = hint["name"].str();
            allocations.get(zone)?;
            *found.entry(zone.to_string()).or_default() += 1;
        }
    }
    let fits = |(zone, count): (&String, &i64)| {
        let there = shared.get(zone).copied().unwrap_or(0);
        allocations.get(zone).is_some_and(|allocation| count + there <= allocation.maximum)
    };
    found.iter().all(fits).then_some(found)
}

/// Returns how many endpoints each zone gives to others, and how many each gets.
// Models staging/src/k8s.io/endpointslice/topologycache/utils.go getGivingAndReceivingZones
fn giving_and_receiving(allocations: &BTreeMap<String, Allocation>, by_zone: &ByZone) -> (ByZone, ByZone) {
    let (mut too_many, mut too_few) = (Ratios::new(), Ratios::new());
    for (zone, allocation) in allocations {
        let more = by_zone.get(zone).copied().unwrap_or(0) as f64 - allocation.desired;
        if more > 0.0 {
            too_many.insert(zone.clone(), more);
        } else if more < 0.0 {
            too_few.insert(zone.clone(), -more);
        }
    }
    fn most(zones: &mut Ratios) -> Option<(&String, &mut f64)> {
        let mut found: Option<(&String, &mut f64)> = None;
        for (zone, count) in zones {
            if found.as_ref().map_or(*count > 0.0, |(_, most)| *count > **most) {
                found = Some((zone, count));
            }
        }
        found
    }
    let (mut giving, mut receiving) = (ByZone::new(), ByZone::new());
    while let (Some((from, give)), Some((to, get))) = (most(&mut too_many), most(&mut too_few)) {
        if *give < 1.0 && *get < 1.0 || *give < 0.5 || *get < 0.5 {
            break;
        }
        *give -= 1.0;
        *get -= 1.0;
        *giving.entry(from.clone()).or_default() += 1;
        *receiving.entry(to.clone()).or_default() += 1;
    }
    (giving, receiving)
}

/// Returns an endpoint's hints that keep traffic in its zone, or on its node.
// Models staging/src/k8s.io/endpointslice/trafficdist/trafficdist.go preferCloseHeuristic
fn near(endpoint: &Value, by_node: bool) -> Value {
    if !is_ready(&endpoint) {
        return endpoint["hints"].clone();
    }
    let (zone, node) = (endpoint["zone"].str(), endpoint["nodeName"].str());
    let mut hints = Value::Null;
    if by_node && !node.is_empty() {
        hints.set(&["forNodes"], tree!([{"name": node}]));
    }
    if !zone.is_empty() {
        hints.set(&["forZones"], tree!([{"name": zone}]));
    }
    hints
}

fn without_hints(plan: &mut Plan) {
    change(plan, |_| Value::Null);
}

/// Gives each endpoint its hints; slices in which they were others are to be written.
fn change(plan: &mut Plan, hints: impl Fn(&Value) -> Value) {
    let change_one = |slice: &mut Value| -> bool {
        let as_wanted = |endpoint: &Value| hints(endpoint) == endpoint["hints"];
        if slice["endpoints"].items().iter().all(as_wanted) {
            return false;
        }
        let mut endpoints = slice["endpoints"].items().to_vec();
        for endpoint in &mut endpoints {
            let wanted = hints(endpoint);
            match wanted.is_null() {
                true => drop(endpoint.remove(&["hints"])),
                false => endpoint.set(&["hints"], wanted),
            }
        }
        slice.set(&["endpoints"], endpoints);
        true
    };
    for slice in plan.create.iter_mut().chain(&mut plan.update) {
        change_one(slice);
    }
    for mut slice in std::mem::take(&mut plan.unchanged) {
        let place = if change_one(&mut slice) { &mut plan.update } else { &mut plan.unchanged };
        place.push(slice);
    }
}
