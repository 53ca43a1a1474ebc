//! Deletes Jobs some time after they have finished, if they ask for it.
// Models pkg/controller/ttlafterfinished/ttlafterfinished_controller.go

use crate::job::is_finished;
use api::resources::JOBS;
use api::{Resource, Value, meta, tree};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::{Nanos, SECOND, Time};

/// The controller that deletes finished Jobs.
#[derive(Clone, Default)]
pub(crate) struct TtlAfterFinished;

/// Returns when a Job expires; `None` for one that never does, or hasn't finished.
// Models pkg/controller/ttlafterfinished/ttlafterfinished_controller.go getFinishAndExpireTime
fn expires_at(job: &Value) -> Option<Time> {
    let seconds = job["spec"]["ttlSecondsAfterFinished"].as_int()?;
    if meta::is_deleting(job) || !is_finished(job) {
        return None;
    }
    let ended = ["Complete", "Failed"].into_iter().find_map(|kind| {
        meta::condition(job, kind).filter(|condition| condition["status"].str() == "True")
    })?;
    Some(meta::time(&ended["lastTransitionTime"])? + seconds.saturating_mul(SECOND))
}

impl Reconcile for TtlAfterFinished {
    fn identity(&self) -> Identity {
        Identity::controller("ttl-after-finished-controller", "controller/ttl-after-finished")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![JOBS]
    }

    fn enqueue(&mut self, change: &Change, _: &Informers, queue: &mut Enqueue) {
        if change.resource == JOBS && expires_at(&change.new).is_some() {
            queue.add(change.key.clone());
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let Some(job) = informers.of(JOBS).get(key) else { return Ok(None) };
        let Some(at) = expires_at(job) else { return Ok(None) };
        if at > cx.at() {
            return Ok(Some(at - cx.at()));
        }
        // The Job as it is now: it may have been given more time.
        let (namespace, name) = meta::split_key(key);
        let fresh = match cx.get(JOBS, namespace, name) {
            Err(failure) if failure.is_not_found() => return Ok(None),
            result => result?,
        };
        if expires_at(&fresh).is_some_and(|at| at <= cx.at()) {
            let uid = tree!({"uid": (meta::uid(&fresh))});
            let options = tree!({"propagationPolicy": "Foreground", "preconditions": (uid)});
            cx.delete(JOBS, namespace, name, options)?;
        }
        Ok(None)
    }
}
