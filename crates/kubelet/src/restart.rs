use crate::container::{Container, Kind, Phase};
use crate::worker::PodWorker;
use api::restart::restarts;

impl PodWorker {
    /// Returns whether a container is started again after its process ended so. An init container that did well
    /// isn't, whatever its policy.
    pub(crate) fn restarts(&self, container: &Container, code: i64) -> bool {
        match container.kind {
            Kind::Sidecar => true,
            Kind::Ephemeral => false,
            Kind::Init => code != 0 && restarts(&self.pod, &container.spec, code),
            Kind::Regular => restarts(&self.pod, &container.spec, code),
        }
    }

    /// Returns whether a container is started again where the kubelet ends it: its rules don't count, as there is no
    /// exit code yet.
    pub(crate) fn restarts_when_killed(&self, container: &Container) -> bool {
        let own = &container.spec["restartPolicy"];
        let policy = if own.is_null() { &self.pod["spec"]["restartPolicy"] } else { own };
        policy.str() != "Never"
    }

    /// Returns whether a container has ended and isn't started again.
    fn has_ended_for_good(&self, container: &Container) -> bool {
        let exit = container.exit.as_ref().filter(|_| container.phase == Phase::Idle);
        exit.is_some_and(|exit| !self.restarts(container, exit.code))
    }

    /// Returns whether an init container has failed for good, which ends the pod.
    pub(crate) fn has_failed_init(&self) -> bool {
        self.containers.iter().any(|container| {
            container.kind == Kind::Init && !container.has_succeeded() && self.has_ended_for_good(container)
        })
    }

    /// Returns whether nothing of the pod is to run any more.
    pub(crate) fn is_finished(&self) -> bool {
        let mut regular = self.containers.iter().filter(|container| container.kind == Kind::Regular);
        self.has_failed_init() || regular.all(|container| self.has_ended_for_good(container))
    }
}
