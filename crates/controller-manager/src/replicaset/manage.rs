use super::ReplicaSets;
use super::ranking::pods_to_delete;
use crate::pod_control::{create_pod, delete_pod, is_namespace_terminating, pod_from_template};
use api::resources::PODS;
use api::{Resource, Value, meta};
use client::{Cx, Failure, IndexBy, Informers};

/// How many pods one sync creates or deletes at most.
const BURST_REPLICAS: usize = 500;
/// How many pods the first batch creates.
const SLOW_START_INITIAL_BATCH_SIZE: usize = 1;

impl ReplicaSets {
    /// Creates the pods that are missing, or deletes those too many.
    // Models pkg/controller/replicaset/replica_set.go manageReplicas
    pub(super) fn manage_replicas(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        key: &str,
        rs: &Value,
        active: &[Value],
    ) -> Result<(), Failure> {
        let wanted = usize::try_from(rs["spec"]["replicas"].int()).unwrap_or(0);
        if active.len() < wanted {
            self.create(cx, key, rs, (wanted - active.len()).min(BURST_REPLICAS))
        } else if active.len() > wanted {
            let count = (active.len() - wanted).min(BURST_REPLICAS);
            let related = related_pods(informers, self.resource, rs);
            self.delete(cx, key, rs, pods_to_delete(cx.at(), active, &related, count))
        } else {
            Ok(())
        }
    }

    fn create(&mut self, cx: &mut Cx, key: &str, rs: &Value, count: usize) -> Result<(), Failure> {
        self.expectations.expect_creations(cx.at(), key, count as i64);
        let pod = pod_from_template(&rs["spec"]["template"], self.resource, rs);
        let mut failed = None;
        let created = slow_start_batch(count, |size| {
            let mut successes = 0;
            cx.parallel(0..size, |cx, _| match create_pod(cx, &mut self.recorder, rs, &pod) {
                Err(failure) if !is_namespace_terminating(&failure) => {
                    failed.get_or_insert(failure);
                }
                // The creations in a namespace that is being deleted will never be seen; upstream
                // waits for them as well.
                _ => successes += 1,
            });
            successes
        });
        for _ in created..count {
            self.expectations.creation_observed(key);
        }
        failed.map_or(Ok(()), Err)
    }

    fn delete(&mut self, cx: &mut Cx, key: &str, rs: &Value, pods: Vec<Value>) -> Result<(), Failure> {
        self.expectations.expect_deletions(cx.at(), key, pods.iter().map(meta::key));
        let mut failed = None;
        cx.parallel(&pods, |cx, pod| {
            if let Err(failure) = delete_pod(cx, &mut self.recorder, rs, pod) {
                self.expectations.deletion_observed(key, &meta::key(pod));
                if !failure.is_not_found() {
                    failed.get_or_insert(failure);
                }
            }
        });
        failed.map_or(Ok(()), Err)
    }
}

/// Calls `batch` with growing sizes until all is done or one call in a batch fails; `batch` returns
/// how many of its calls succeeded. Returns how many did in all.
// Models pkg/controller/replicaset/replica_set.go slowStartBatch
fn slow_start_batch(count: usize, mut batch: impl FnMut(usize) -> usize) -> usize {
    let (mut remaining, mut done) = (count, 0);
    let mut size = remaining.min(SLOW_START_INITIAL_BATCH_SIZE);
    while size > 0 {
        let successes = batch(size);
        done += successes;
        if successes < size {
            break;
        }
        remaining -= size;
        size = (2 * size).min(remaining);
    }
    done
}

/// Returns the pods of all ReplicaSets with the same controller: the Deployment's other pods.
// Models pkg/controller/replicaset/replica_set.go getIndirectlyRelatedPods
fn related_pods(informers: &Informers, resource: Resource, rs: &Value) -> Vec<Value> {
    let pods = informers.of(PODS);
    let of = |rs: &Value| pods.by_index(IndexBy::ControllerUid, meta::uid(rs)).cloned().collect::<Vec<_>>();
    match meta::controller(rs) {
        Some(owner) => {
            let siblings = informers.of(resource).by_index(IndexBy::ControllerUid, owner["uid"].str());
            siblings.flat_map(of).collect()
        }
        None => of(rs),
    }
}

#[cfg(test)]
mod tests {
    use super::slow_start_batch;

    #[test]
    fn starts_slowly() {
        for (count, fails_at, batches, done) in [
            (0, usize::MAX, vec![], 0),
            (10, usize::MAX, vec![1, 2, 4, 3], 10),
            (10, 0, vec![1], 0),
            (10, 5, vec![1, 2, 4], 6),
        ] {
            let (mut sizes, mut calls) = (Vec::new(), 0);
            let result = slow_start_batch(count, |size| {
                sizes.push(size);
                let failed = usize::from((calls..calls + size).contains(&fails_at));
                calls += size;
                size - failed
            });
            assert_eq!((sizes, result), (batches, done), "{count} of which number {fails_at} fails");
        }
    }
}
