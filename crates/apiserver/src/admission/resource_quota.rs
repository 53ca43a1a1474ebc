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

// Models staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go CheckRequest
pub(super) fn validate(server: &ApiServer, call: &Call, object: &Value) -> Result<(), Status> {
    let Some(quotas) = resources::find("", "v1", "resourcequotas") else {
        return Ok(());
    };
    if !call.rest.kind.namespaced {
        return Ok(());
    }
    let prefix = quotas.key(call.namespace, "");
    for (_, entry) in server.store.range(&prefix) {
        check(&entry.value, call, object)?;
    }
    Ok(())
}

fn check(quota: &Value, call: &Call, object: &Value) -> Result<(), Status> {
    let (hard, used) = (&quota["status"]["hard"], &quota["status"]["used"]);
    let (mut requested, mut in_use, mut limited) = (Vec::new(), Vec::new(), Vec::new());
    let mut missing = Vec::new();
    for (name, limit) in hard.fields().iter() {
        let Some(amount) = usage(name, call, object) else {
            if is_compute(name) && call.rest.is_pods() {
                missing.push(name.to_string());
            }
            continue;
        };
        let before = Quantity::from_value(&used[name]).unwrap_or(Quantity::new(0, Format::DecimalSi));
        if quantity::nanos(limit).is_some_and(|limit| before.nanos() + amount.nanos() > limit)
            && amount.nanos() > 0
        {
            requested.push(format!("{name}={amount}"));
            in_use.push(format!("{name}={before}"));
            limited.push(format!("{name}={}", quantity::text(limit)));
        }
    }
    let name = api::meta::name(quota);
    if !missing.is_empty() {
        let why = format!("failed quota: {name}: must specify {}", missing.join(","));
        return Err(Status::forbidden(&call.rest.group_resource, call.object_name, &why));
    }
    if requested.is_empty() {
        return Ok(());
    }
    let why = format!(
        "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
        requested.join(","),
        in_use.join(","),
        limited.join(",")
    );
    Err(Status::forbidden(&call.rest.group_resource, call.object_name, &why))
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
