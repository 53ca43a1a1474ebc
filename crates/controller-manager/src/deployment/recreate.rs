use super::Deployments;
use super::sync::{Missing, Sets, active, cleanup};
use super::util::*;
use api::resources::PODS;
use api::{Value, meta};
use client::{Cx, Failure, IndexBy, Informers};
use sim::Nanos;

// Models pkg/controller/deployment/recreate.go
impl Deployments {
    /// Takes one step of a recreation: all old pods go before the first new one comes.
    pub(super) fn rollout_recreate(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        deployment: &mut Value,
        owned: Vec<Value>,
    ) -> Result<Option<Nanos>, Failure> {
        let mut sets = self.all_sets(cx, deployment, owned.clone(), Missing::Leave)?;
        let to_scale_down = active(&sets.old);
        for rs in &to_scale_down {
            let scaled = self.scale_set(cx, rs, 0, deployment)?;
            sets.replace(scaled);
        }
        if !to_scale_down.is_empty() || old_pods_running(informers, &sets, &owned) {
            return self.sync_rollout_status(cx, deployment, &sets);
        }
        if sets.new.is_none() {
            sets = self.all_sets(cx, deployment, owned, Missing::Create)?;
        }
        if let Some(new) = sets.new.take() {
            sets.new = Some(self.scale_set(cx, &new, replicas(deployment), deployment)?);
        }
        if is_complete(deployment, &deployment["status"]) {
            cleanup(cx, deployment, &sets.old)?;
        }
        self.sync_rollout_status(cx, deployment, &sets)
    }
}

/// Returns whether pods of old ReplicaSets are there that have not come to their end.
fn old_pods_running(informers: &Informers, sets: &Sets, owned: &[Value]) -> bool {
    if sets.old.iter().any(|rs| rs["status"]["replicas"].int() > 0) {
        return true;
    }
    let new = sets.new.as_ref().map_or("", meta::uid);
    let old = owned.iter().filter(|rs| meta::uid(rs) != new);
    old.flat_map(|rs| informers.of(PODS).by_index(IndexBy::ControllerUid, meta::uid(rs)))
        .any(|pod| !crate::pod::is_terminal(pod))
}
