//! A namespace's quota limits how much of what may be created in it.
//!
//! Counted are objects, requests and limits of pods. Scopes, storage classes and the quota's own
//! bookkeeping while an update grows an object are left out; the quota controller recounts.

use crate::handlers::Call;
use crate::quantity;
use crate::resources;
use crate::server::ApiServer;
use api::quantity::{Format, Quantity};
use api::{Status, Value};
use etcd::Expect;

/// What an object takes of one quota.
struct Charge {
    key: String,
    quota: Value,
}

impl ApiServer {
    /// Checks that the namespace's quotas allow a new object, and takes it off them.
    ///
    /// # Errors
    /// Forbidden, in upstream's words.
    // Models staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go checkQuotas
    pub(super) fn charge_quotas(&mut self, call: &Call, object: &Value) -> Result<(), Status> {
        let Some(quotas) = resources::find("", "v1", "resourcequotas") else {
            return Ok(());
        };
        if !call.rest.kind.namespaced {
            return Ok(());
        }
        let prefix = quotas.key(call.namespace, "");
        let mut charges = Vec::new();
        for (key, entry) in self.store.range(&prefix) {
            if let Some(quota) = charged(&entry.value, call, object)? {
                charges.push(Charge { key: key.to_string(), quota });
            }
        }
        for charge in charges.into_iter().filter(|_| !call.dry_run) {
            // The key was there a moment ago, and nothing is expected of it.
            drop(self.write(quotas, &charge.key, charge.quota, Expect::Any));
        }
        Ok(())
    }
}

/// Returns a quota with what the object uses of it; `None` where that is nothing.
fn charged(quota: &Value, call: &Call, object: &Value) -> Result<Option<Value>, Status> {
    let zero = Quantity::new(0, Format::DecimalSi);
    let (hard, used) = (&quota["status"]["hard"], &quota["status"]["used"]);
    let mut changed = quota.clone();
    let mut refused: [Vec<String>; 3] = Default::default();
    let mut missing = Vec::new();
    for (name, limit) in hard.fields().iter() {
        let Some(amount) = usage(name, call, object) else {
            if is_compute(name) && call.rest.is_pods() {
                missing.push(name.to_string());
            }
            continue;
        };
        if amount.is_zero() {
            continue;
        }
        let before = Quantity::from_value(&used[name]).unwrap_or(zero);
        if quantity::nanos(limit).is_some_and(|limit| before.nanos() + amount.nanos() > limit) {
            let texts = [amount.to_string(), before.to_string(), quantity::text(limit)];
            for (list, text) in refused.iter_mut().zip(texts) {
                list.push(format!("{name}={text}"));
            }
        }
        changed.set(&["status", "used", name], (before + amount).to_string());
    }
    let name = api::meta::name(quota);
    let forbidden = |why: String| Status::forbidden(&call.rest.group_resource, api::meta::name(object), &why);
    if !missing.is_empty() {
        return Err(forbidden(format!("failed quota: {name}: must specify {}", missing.join(","))));
    }
    let [requested, in_use, limited] = refused.map(|list| list.join(","));
    if !requested.is_empty() {
        return Err(forbidden(format!(
            "exceeded quota: {name}, requested: {requested}, used: {in_use}, limited: {limited}"
        )));
    }
    Ok((changed != *quota).then_some(changed))
}

fn is_compute(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("requests.") || name.starts_with("limits.")
}

/// Returns how much of a resource the object uses; `None` where it doesn't count, or doesn't say.
// Models pkg/quota/v1/evaluator/core/pods.go podComputeUsageHelper
fn usage(name: &str, call: &Call, object: &Value) -> Option<Quantity> {
    let kind = call.rest.kind;
    let one = Some(Quantity::new(1, Format::DecimalSi));
    if let Some(counted) = name.strip_prefix("count/") {
        return if counted == call.rest.group_resource { one } else { None };
    }
    if kind.group.is_empty() && kind.plural == name {
        return one;
    }
    match (kind.plural, name) {
        ("services", "services.nodeports") => {
            let ports = object["spec"]["ports"].items().iter().filter(|port| port["nodePort"].int() != 0);
            Some(Quantity::new(ports.count() as i64, Format::DecimalSi))
        }
        ("services", "services.loadbalancers") if object["spec"]["type"].str() == "LoadBalancer" => one,
        ("persistentvolumeclaims", "requests.storage") => {
            Quantity::from_value(&object["spec"]["resources"]["requests"]["storage"]).ok()
        }
        ("pods", name) => {
            let (list, resource) = match name.split_once('.') {
                None if matches!(name, "cpu" | "memory") => ("requests", name),
                Some((list @ ("requests" | "limits"), resource)) => (list, resource),
                _ => return None,
            };
            let containers = object["spec"]["containers"].items();
            let amounts =
                containers.iter().map(|c| Quantity::from_value(&c["resources"][list][resource]).ok());
            amounts.collect::<Option<Vec<Quantity>>>().map(|amounts| amounts.into_iter().sum())
        }
        _ => None,
    }
}
