//! The use of quotas: the controller counts what a namespace holds; the API server charges what comes.
//!
//! Counted is whatever can be listed and deleted, but events.
// Models pkg/controller/resourcequota

use api::quantity::Quantity;
use api::quota::{concerns, is_in_scope, usage};
use api::resources::{
    CUSTOMRESOURCEDEFINITIONS, EVENTS, PERSISTENTVOLUMECLAIMS, PODS, RESOURCEQUOTAS, SERVICES,
};
use api::{Map, Resource, Value, meta};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::{MINUTE, Nanos};
use std::rc::Rc;

/// After how long a quota is counted anew though nothing was seen to change.
// Models pkg/controller/resourcequota/config/v1alpha1/defaults.go ResourceQuotaSyncPeriod
const RESYNC: Nanos = 5 * MINUTE;

/// The controller of quotas.
#[derive(Clone, Debug)]
pub(crate) struct ResourceQuotas {
    served: Rc<[Resource]>,
}

impl ResourceQuotas {
    /// Makes the controller; `served` are the resources that can be listed and deleted.
    // Models pkg/quota/v1/install/registry.go DefaultIgnoredResources
    pub(crate) fn new(served: &[Resource]) -> ResourceQuotas {
        let counted = |resource: &&Resource| resource.namespaced && resource.plural != EVENTS.plural;
        ResourceQuotas { served: served.iter().filter(counted).copied().collect() }
    }
}

impl Reconcile for ResourceQuotas {
    fn identity(&self) -> Identity {
        Identity::controller("resourcequota-controller", "controller/resourcequota")
    }

    fn resources(&self) -> Vec<Resource> {
        let others = [RESOURCEQUOTAS, CUSTOMRESOURCEDEFINITIONS];
        self.served.iter().copied().filter(|resource| !others.contains(resource)).chain(others).collect()
    }

    /// What CustomResourceDefinitions define is counted, too.
    fn hears_of_everything(&self) -> bool {
        true
    }

    // Models pkg/controller/resourcequota/resource_quota_monitor.go processResourceChanges
    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource == RESOURCEQUOTAS
            && !change.new.is_null()
            && !change.new["spec"].same(&change.old["spec"])
        {
            queue.add(change.key.clone());
        }
        if !is_freed(change) {
            return;
        }
        let (group, plural) = (change.resource.group, change.resource.plural);
        for quota in informers.of(RESOURCEQUOTAS).in_namespace(meta::namespace(change.object())) {
            if quota["spec"]["hard"].fields().iter().any(|(name, _)| concerns(name, group, plural)) {
                queue.add(meta::key(quota));
            }
        }
    }

    // Models pkg/controller/resourcequota/resource_quota_controller.go syncResourceQuota
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(quota) = informers.of(RESOURCEQUOTAS).get(key) else { return Ok(None) };
        let (hard, mut used) = (&quota["spec"]["hard"], Map::new());
        for (name, _) in hard.fields().iter() {
            used.insert(name, self.used_of(quota, name, informers).to_string());
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

/// Returns whether a change gives something back: an object went, a pod has ended, or a Service or a claim
/// is held otherwise.
// Models pkg/quota/v1/install/update_filter.go DefaultUpdateFilter
fn is_freed(change: &Change) -> bool {
    let (old, new) = (&change.old, &change.new);
    if new.is_null() {
        return true;
    }
    let differ = |path: &[&str]| !old.is_null() && old.at(path) != new.at(path);
    let ended = |pod: &Value| matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed");
    let claim = [&["spec", "resources", "requests"][..], &["spec", "volumeAttributesClassName"]];
    change.resource == PODS && ended(new) && !ended(old)
        || change.resource == SERVICES && differ(&["spec", "type"])
        || change.resource == PERSISTENTVOLUMECLAIMS && claim.iter().any(|path| differ(path))
}

impl ResourceQuotas {
    // Models staging/src/k8s.io/apiserver/pkg/quota/v1/generic/evaluator.go CalculateUsageStats
    fn used_of(&self, quota: &Value, name: &str, informers: &Informers) -> Quantity {
        let mut resources: Vec<Resource> =
            self.served.iter().filter(|known| concerns(name, known.group, known.plural)).copied().collect();
        if resources.is_empty() {
            let definitions = informers.of(CUSTOMRESOURCEDEFINITIONS).iter();
            let defined = definitions.filter_map(Resource::of_definition);
            resources.extend(defined.filter(|custom| concerns(name, custom.group, custom.plural)));
        }
        let amounts = resources.iter().flat_map(|resource| {
            let (group, plural) = (resource.group, resource.plural);
            let objects = informers.of(*resource).in_namespace(meta::namespace(quota));
            let objects = objects.filter(move |object| is_in_scope(quota, group, plural, object));
            objects.filter_map(move |object| usage(name, group, plural, object))
        });
        amounts.sum()
    }
}

#[cfg(test)]
mod tests;
