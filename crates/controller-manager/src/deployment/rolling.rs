use super::Deployments;
use super::sync::{Missing, Sets, active, cleanup};
use super::util::*;
use api::Value;
use client::{Cx, Failure};
use sim::Nanos;

// Models pkg/controller/deployment/rolling.go
impl Deployments {
    /// Takes one step of a rolling update: up if possible, else down.
    pub(super) fn rollout_rolling(
        &mut self,
        cx: &mut Cx,
        deployment: &mut Value,
        sets: Vec<Value>,
    ) -> Result<Option<Nanos>, Failure> {
        let mut sets = self.all_sets(cx, deployment, sets, Missing::Create)?;
        if self.reconcile_new_set(cx, deployment, &mut sets)?
            || self.reconcile_old_sets(cx, deployment, &mut sets)
        {
            return self.sync_rollout_status(cx, deployment, &sets);
        }
        if is_complete(deployment, &deployment["status"]) {
            cleanup(cx, deployment, &sets.old)?;
        }
        self.sync_rollout_status(cx, deployment, &sets)
    }

    fn reconcile_new_set(
        &mut self,
        cx: &mut Cx,
        deployment: &Value,
        sets: &mut Sets,
    ) -> Result<bool, Failure> {
        let Some(new) = sets.new.clone() else { return Ok(false) };
        let desired = replicas(deployment);
        let size = match replicas(&new) {
            current if current >= desired => desired,
            _ => new_replicas(deployment, &sets.all(), &new),
        };
        if size == replicas(&new) {
            return Ok(false);
        }
        sets.new = Some(self.scale_set(cx, &new, size, deployment)?);
        Ok(true)
    }

    /// Returns whether an old ReplicaSet was scaled down. A failure counts as none, as upstream.
    fn reconcile_old_sets(&mut self, cx: &mut Cx, deployment: &Value, sets: &mut Sets) -> bool {
        let Some(new) = sets.new.clone() else { return false };
        let mut old = active(&sets.old);
        sort_by_creation(&mut old);
        let old_count: i64 = old.iter().map(replicas).sum();
        if old_count == 0 {
            return false;
        }
        let min_available = replicas(deployment) - max_unavailable(deployment);
        let new_unavailable = replicas(&new) - available(&new);
        let max_scaled_down = old_count + replicas(&new) - min_available - new_unavailable;
        if max_scaled_down <= 0 {
            return false;
        }
        let Some(cleaned) = self.cleanup_unhealthy(cx, deployment, &mut old, max_scaled_down) else {
            return false;
        };
        for rs in &old {
            sets.replace(rs.clone());
        }
        let total = old.iter().map(available).sum::<i64>() + available(&new) - min_available;
        let down = self.scale_down_old(cx, deployment, sets, &old, total);
        down.is_ok_and(|down| cleaned + down > 0)
    }

    /// Returns how many pods were taken away that weren't available; `None` where that came to nothing.
    fn cleanup_unhealthy(
        &mut self,
        cx: &mut Cx,
        deployment: &Value,
        old: &mut [Value],
        max: i64,
    ) -> Option<i64> {
        let mut total = 0;
        for rs in old {
            if total >= max {
                break;
            }
            let unhealthy = replicas(rs) - available(rs);
            if replicas(rs) == 0 || unhealthy == 0 {
                continue;
            }
            let count = unhealthy.min(max - total);
            // More are available than there are to be: the status is behind, and nothing is taken away by it.
            if count < 0 {
                return None;
            }
            *rs = self.scale_set(cx, rs, replicas(rs) - count, deployment).ok()?;
            total += count;
        }
        Some(total)
    }

    fn scale_down_old(
        &mut self,
        cx: &mut Cx,
        deployment: &Value,
        sets: &mut Sets,
        old: &[Value],
        max: i64,
    ) -> Result<i64, Failure> {
        let mut total = 0;
        for rs in old {
            if total >= max {
                break;
            }
            let count = replicas(rs).min(max - total);
            if count > 0 {
                let scaled = self.scale_set(cx, rs, replicas(rs) - count, deployment)?;
                sets.replace(scaled);
                total += count;
            }
        }
        Ok(total)
    }
}

fn available(rs: &Value) -> i64 {
    rs["status"]["availableReplicas"].int()
}
