use super::View;
use ::view::PodRow;
use api::{Value, meta};
use sim::{SECOND, Time};

impl View {
    /// Makes a pod's row. STATUS, READY and RESTARTS are the API server's own, as kubectl shows them.
    pub(super) fn pod_row(&self, now: Time, pod: &Value) -> PodRow {
        let status = apiserver::pod_status(pod, now);
        let (owner, version) = self.owner_of(pod);
        PodRow {
            uid: meta::uid(pod).to_string(),
            node: pod["spec"]["nodeName"].str().to_string(),
            status: status.reason,
            ready: meta::is_condition_true(pod, "Ready"),
            containers: format!("{}/{}", status.ready, status.total),
            restarts: status.restarts,
            ip: pod["status"]["podIP"].str().to_string(),
            version,
            owner,
            image: pod["spec"]["containers"][0]["image"].str().to_string(),
            system: super::is_system(meta::namespace(pod)),
            created: self.moment_of(&pod["metadata"]["creationTimestamp"]).unwrap_or(0),
            ending: self.ending(pod),
            back_off: None,
        }
    }

    /// Returns when a pod was asked to end, and when it will be killed at the latest.
    fn ending(&self, pod: &Value) -> Option<(i64, i64)> {
        let metadata = &pod["metadata"];
        let until = meta::time(&metadata["deletionTimestamp"])?;
        let grace = metadata["deletionGracePeriodSeconds"].int() * SECOND;
        Some((self.moment(until + -grace), self.moment(until)))
    }
}
