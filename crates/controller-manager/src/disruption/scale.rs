//! How many pods the owners of some pods want.
// Models pkg/controller/disruption/disruption.go getExpectedScale, finders

use api::resources::{DEPLOYMENTS, REPLICASETS, REPLICATIONCONTROLLERS, STATEFULSETS};
use api::{Resource, Value, meta};
use client::Informers;
use std::collections::BTreeMap;

/// Returns what the owners of these pods want together, and whether some pods have no such owner.
pub(super) fn of_pods(informers: &Informers, pods: &[&Value]) -> (i64, bool) {
    let mut owners: BTreeMap<&str, i64> = BTreeMap::new();
    let mut unmanaged = false;
    for pod in pods {
        match scaler(informers, pod) {
            Some(owner) => {
                let replicas = owner["spec"]["replicas"].as_int().unwrap_or(1);
                owners.insert(meta::uid(owner), replicas);
            }
            None => unmanaged = true,
        }
    }
    (owners.values().sum(), unmanaged)
}

/// Returns the object whose number of replicas a pod is one of: of a ReplicaSet its Deployment.
fn scaler<'a>(informers: &'a Informers, pod: &Value) -> Option<&'a Value> {
    let find = |resources: &[Resource], object: &Value| -> Option<(Resource, &'a Value)> {
        let reference = meta::controller(object)?;
        let resource = resources.iter().find(|resource| resource.kind == reference["kind"].str())?;
        let key = meta::object_key(meta::namespace(object), reference["name"].str());
        let owner = informers.of(*resource).get(&key)?;
        (meta::uid(owner) == reference["uid"].str()).then_some((*resource, owner))
    };
    let (resource, owner) = find(&[REPLICASETS, STATEFULSETS, REPLICATIONCONTROLLERS], pod)?;
    if resource == REPLICASETS {
        return find(&[DEPLOYMENTS], owner).map(|(_, deployment)| deployment).or(Some(owner));
    }
    Some(owner)
}
