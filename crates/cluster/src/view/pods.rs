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
            back_off: self.back_off(pod),
            index: super::nature::index_of(pod).to_string(),
            claims: super::nature::claims_of(pod),
        }
    }

    /// Returns until when a crashed container of the pod waits: so long after its end as the kubelet says.
    fn back_off(&self, pod: &Value) -> Option<i64> {
        let statuses = pod["status"]["initContainerStatuses"].items().iter();
        let statuses = statuses.chain(pod["status"]["containerStatuses"].items());
        let until = |status: &Value| {
            let waits = waits(status["state"]["waiting"]["message"].str())?;
            let ended = self.moment_of(&status["lastState"]["terminated"]["finishedAt"])?;
            Some(ended + waits * 1_000_000)
        };
        statuses.filter_map(until).max()
    }

    /// Returns when a pod was asked to end, and when it will be killed at the latest.
    fn ending(&self, pod: &Value) -> Option<(i64, i64)> {
        let metadata = &pod["metadata"];
        let until = meta::time(&metadata["deletionTimestamp"])?;
        let grace = metadata["deletionGracePeriodSeconds"].int() * SECOND;
        Some((self.moment(until + -grace), self.moment(until)))
    }
}

/// Returns the seconds of `back-off 1m20s restarting failed container=…`.
fn waits(message: &str) -> Option<i64> {
    let words = message.strip_prefix("back-off ")?.split(' ').next()?;
    let (minutes, seconds) = words.split_once('m').unwrap_or(("0", words));
    Some(minutes.parse::<i64>().ok()? * 60 + seconds.strip_suffix('s')?.parse::<i64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_offs_are_read() {
        for (message, seconds) in [
            ("back-off 10s restarting failed container=x pod=y", Some(10)),
            ("back-off 2m40s restarting failed container=x", Some(160)),
            ("back-off 5m0s restarting", Some(300)),
            ("Back-off pulling image \"x\"", None),
            ("", None),
        ] {
            assert_eq!(waits(message), seconds, "{message}");
        }
    }
}
