//! A namespace's quota limits how much of what may be created in it, and what may be added to that.

use crate::handlers::Call;
use crate::quantity;
use crate::resources;
use crate::server::ApiServer;
use api::quantity::Quantity;
use api::quota::{is_in_scope, pod_resource, usage};
use api::{Status, Value};
use etcd::Expect;

/// What an object takes of one quota.
struct Charge {
    key: String,
    quota: Value,
}

impl ApiServer {
    /// Checks that the namespace's quotas allow what an object uses more than it did (nothing where it is
    /// new), and takes it off them.
    ///
    /// # Errors
    /// Forbidden, in upstream's words.
    // Models staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go checkQuotas
    pub(super) fn charge_quotas(&mut self, call: &Call, object: &Value, old: &Value) -> Result<(), Status> {
        let Some(quotas) = resources::find("", "v1", "resourcequotas") else {
            return Ok(());
        };
        if !call.rest.kind.namespaced || self.has_none_of(quotas) {
            return Ok(());
        }
        let prefix = quotas.key(call.namespace, "");
        let mut charges = Vec::new();
        for (key, entry) in self.store.range(&prefix) {
            if let Some(quota) = charged(&entry.value, call, object, old)? {
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
fn charged(quota: &Value, call: &Call, object: &Value, old: &Value) -> Result<Option<Value>, Status> {
    let kind = call.rest.kind;
    if !is_in_scope(quota, kind.group, kind.plural, object) {
        return Ok(None);
    }
    let (hard, used) = (&quota["status"]["hard"], &quota["status"]["used"]);
    let mut changed = quota.clone();
    let mut refused: [Vec<String>; 3] = Default::default();
    let mut missing = Vec::new();
    for (name, limit) in hard.fields().iter() {
        if call.rest.is_pods() {
            missing.extend(unspecified(name, object));
        }
        let Some(amount) = usage(name, kind.group, kind.plural, object) else {
            continue;
        };
        let known = if old.is_null() { None } else { usage(name, kind.group, kind.plural, old) };
        let amount = known.map_or(amount, |known| amount - known);
        if amount.sign() <= 0 {
            continue;
        }
        let before = Quantity::from_value(&used[name]).unwrap_or(Quantity::ZERO);
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
        return Err(forbidden(format!("failed quota: {name}: must specify {}", missing.join("; "))));
    }
    let [requested, in_use, limited] = refused.map(|list| list.join(","));
    if !requested.is_empty() {
        return Err(forbidden(format!(
            "exceeded quota: {name}, requested: {requested}, used: {in_use}, limited: {limited}"
        )));
    }
    Ok((changed != *quota).then_some(changed))
}

/// Returns which containers don't say what a quota needs to know, as errors name them.
// Models pkg/quota/v1/evaluator/core/pods.go Constraints
fn unspecified(name: &str, pod: &Value) -> Option<String> {
    let (list, resource) =
        pod_resource(name).filter(|(_, resource)| matches!(*resource, "cpu" | "memory"))?;
    let lists = ["containers", "initContainers"].map(|field| pod["spec"][field].items());
    let all = lists.iter().flat_map(|containers| containers.iter());
    let missing = all.filter(|container| container["resources"][list][resource].is_null());
    let mut names: Vec<&str> = missing.map(|container| container["name"].str()).collect();
    names.sort_unstable();
    if names.is_empty() { None } else { Some(format!("{name} for: {}", names.join(","))) }
}
