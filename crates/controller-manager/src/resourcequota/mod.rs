//! The use of quotas: the controller counts what a namespace holds; the API server charges what comes.
//!
//! Counted are the kinds of [`COUNTED`]; upstream counts every kind that can be listed and deleted.
// Models pkg/controller/resourcequota

use api::quantity::Quantity;
use api::quota::{is_in_scope, usage};
use api::resources::{
    CONFIGMAPS, DAEMONSETS, DEPLOYMENTS, PODS, REPLICASETS, RESOURCEQUOTAS, SECRETS, SERVICES,
};
use api::{Map, Resource, Value, meta};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::{MINUTE, Nanos};

/// What is counted.
const COUNTED: [Resource; 7] = [PODS, SERVICES, CONFIGMAPS, SECRETS, DEPLOYMENTS, REPLICASETS, DAEMONSETS];
/// After how long a quota is counted anew though nothing was seen to change.
// Models pkg/controller/resourcequota/config/v1alpha1/defaults.go ResourceQuotaSyncPeriod
const RESYNC: Nanos = 5 * MINUTE;

/// The controller of quotas.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResourceQuotas;

impl Reconcile for ResourceQuotas {
    fn identity(&self) -> Identity {
        Identity::controller("resourcequota-controller", "controller/resourcequota")
    }

    fn resources(&self) -> Vec<Resource> {
        let mut resources = COUNTED.to_vec();
        resources.push(RESOURCEQUOTAS);
        resources
    }

    // Models pkg/controller/resourcequota/resource_quota_monitor.go processResourceChanges
    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == RESOURCEQUOTAS {
            if !change.new.is_null() && !change.new["spec"].same(&change.old["spec"]) {
                queue.add(change.key.clone());
            }
        } else if is_freed(change) {
            let namespace = meta::namespace(change.object());
            for quota in informers.of(RESOURCEQUOTAS).in_namespace(namespace) {
                queue.add(meta::key(quota));
            }
        }
    }

    // Models pkg/controller/resourcequota/resource_quota_controller.go syncResourceQuota
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(quota) = informers.of(RESOURCEQUOTAS).get(key) else { return Ok(None) };
        let (hard, mut used) = (&quota["spec"]["hard"], Map::new());
        for (name, _) in hard.fields().iter() {
            used.insert(name, used_of(quota, name, informers).to_string());
        }
        let used = Value::from(used);
        if quota["status"]["hard"] == *hard && quota["status"]["used"] == used {
            return Ok(Some(RESYNC));
        }
        let mut wanted = quota.clone();
        wanted.set(&["status", "hard"], hard);
        wanted.set(&["status", "used"], used);
        match cx.update(RESOURCEQUOTAS, &wanted, "status") {
            Err(failure) if !failure.is_not_found() => Err(failure),
            _ => Ok(Some(RESYNC)),
        }
    }
}

/// Returns whether a change gives something back: an object went, or a pod has ended.
fn is_freed(change: &Change) -> bool {
    let ended = |pod: &Value| matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed");
    change.new.is_null() || change.resource == PODS && ended(&change.new) && !ended(&change.old)
}

// Models staging/src/k8s.io/apiserver/pkg/quota/v1/generic/evaluator.go CalculateUsageStats
fn used_of(quota: &Value, name: &str, informers: &Informers) -> Quantity {
    let amounts = COUNTED.iter().flat_map(|resource| {
        let (group, plural) = (resource.group, resource.plural);
        let objects = informers.of(*resource).in_namespace(meta::namespace(quota));
        let objects = objects.filter(move |object| is_in_scope(quota, group, plural, object));
        objects.filter_map(move |object| usage(name, group, plural, object))
    });
    amounts.sum()
}
