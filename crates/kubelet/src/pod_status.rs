use crate::container::{Container, Exit, Kind, Phase};
use crate::eviction::EVICTED;
use crate::shutdown::TERMINATED;
use crate::worker::{PodWorker, Stage, has_ended};
use api::ids::Ids;
use api::{Value, meta, tree};
use sim::Time;

impl PodWorker {
    /// Makes the pod's status as it is now.
    // Models pkg/kubelet/kubelet_pods.go generateAPIPodStatus, pkg/kubelet/status/status_manager.go updateStatusInternal
    pub(crate) fn status(&self, now: Time, host_ip: &str) -> Value {
        if self.sandboxes == 0 && has_ended(&self.pod) {
            return self.pod["status"].clone();
        }
        let generation = meta::generation(&self.pod);
        if let Stage::Rejected { reason, message } = &self.stage {
            return tree!({
                "observedGeneration": generation,
                "phase": "Failed",
                "reason": reason,
                "message": (format!("Pod was rejected: {message}")),
                "startTime": (self.started.rfc3339()),
            });
        }
        let failure = self.termination.as_ref().and_then(|termination| termination.failure.as_ref());
        let failure = failure.filter(|_| matches!(self.stage, Stage::Stopping { .. } | Stage::Gone));
        let phase = if failure.is_some() { "Failed" } else { self.phase() };
        let mut status = tree!({
            "observedGeneration": generation,
            "phase": phase,
            "conditions": (self.conditions(now, phase)),
            "hostIP": host_ip,
            "hostIPs": [{"ip": host_ip}],
            "startTime": (self.started.rfc3339()),
        });
        if let Some(failure) = failure {
            status.set(&["reason"], failure.reason);
            status.set(&["message"], &failure.message);
            if matches!(failure.reason, EVICTED | TERMINATED) {
                status.at_mut(&["conditions"]).list_mut().push(tree!({
                    "type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet",
                    "message": (&failure.message), "lastProbeTime": null,
                    "lastTransitionTime": (failure.at.rfc3339()), "observedGeneration": generation,
                }));
            }
        }
        if let Some(ip) = self.ip {
            let ip = ip.to_string();
            status.set(&["podIP"], &ip);
            status.set(&["podIPs"], tree!([{"ip": (&ip)}]));
            status.set(&["resources"], self.pod["spec"]["resources"].as_map().cloned().unwrap_or_default());
        }
        let of = |kinds: &[Kind]| -> Vec<Value> {
            let listed = self.containers.iter().filter(|container| kinds.contains(&container.kind));
            listed.map(|container| self.container_status(container)).collect()
        };
        status.set(&["containerStatuses"], of(&[Kind::Regular]));
        for (field, kinds) in [
            ("initContainerStatuses", &[Kind::Init, Kind::Sidecar][..]),
            ("ephemeralContainerStatuses", &[Kind::Ephemeral]),
        ] {
            let statuses = of(kinds);
            if !statuses.is_empty() {
                status.set(&[field], statuses);
            }
        }
        status
    }

    /// Returns whether its containers are ended for good: the pod is deleted, or was rejected.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self.stage, Stage::Stopping { .. } | Stage::Gone) || self.termination.is_some()
    }

    /// Returns the pod's phase.
    // Models pkg/kubelet/kubelet_pods.go getPhase
    pub(crate) fn phase(&self) -> &'static str {
        let done_before = self.is_initialized();
        let pending_init = !done_before
            && self.containers.iter().any(|container| match container.kind {
                Kind::Init => !container.has_succeeded(),
                Kind::Sidecar => !container.is_started() && container.exit.is_none(),
                Kind::Regular | Kind::Ephemeral => false,
            });
        if self.has_failed_init() {
            return "Failed";
        }
        let (mut waiting, mut running, mut stopped, mut succeeded, mut restarts) = (0, 0_usize, 0, 0, false);
        for container in self.containers.iter().filter(|container| container.kind == Kind::Regular) {
            match (&container.exit, container.is_running()) {
                (_, true) => running += 1,
                (Some(exit), false) => {
                    stopped += 1;
                    succeeded += i32::from(exit.code == 0);
                    restarts |= self.restarts(container, exit.code);
                }
                (None, false) => waiting += 1,
            }
        }
        // What stays beside the others keeps the pod running; how it ended doesn't count.
        let sidecars = self.containers.iter().filter(|container| container.kind == Kind::Sidecar);
        running += sidecars.filter(|container| container.is_running()).count();
        if pending_init {
            return if self.is_terminal() && running == 0 && self.stage == Stage::Gone {
                "Failed"
            } else {
                "Pending"
            };
        }
        if waiting > 0 {
            let gone = self.termination.is_some() && self.stage == Stage::Gone && stopped > 0;
            return if gone { "Failed" } else { "Pending" };
        }
        if running > 0 {
            return "Running";
        }
        match stopped == succeeded {
            _ if restarts && !self.is_terminal() => "Running",
            true => "Succeeded",
            false => "Failed",
        }
    }

    // Models pkg/kubelet/kubelet_pods.go convertToAPIContainerStatuses, convertContainerStatusResources
    fn container_status(&self, container: &Container) -> Value {
        let image = container.spec["image"].text();
        let has_id = !container.id.is_empty() && (container.is_running() || container.exit.is_some());
        let local = container.local.as_ref().filter(|_| has_id);
        let mut status = tree!({
            "name": (&container.name),
            "image": (local.map_or_else(|| image, |local| local.name.clone())),
            "imageID": (local.map_or_else(|| "".into(), |local| local.id.clone())),
            "lastState": (Value::map()),
            "ready": (container.is_ready()),
            "restartCount": (container.restarts),
            "state": (self.state(container)),
        });
        if container.kind != Kind::Ephemeral {
            status.set(&["started"], container.is_started());
        }
        if has_id {
            status.set(&["containerID"], format!("containerd://{}", id_of(container)));
            let resources = &container.spec["resources"];
            if container.is_running() {
                let ids = ids_of(&self.pod, container);
                let groups: Vec<Value> = ids.groups.iter().map(|id| Value::Int(*id)).collect();
                status.set(
                    &["user", "linux"],
                    tree!({"gid": (ids.group), "supplementalGroups": (groups), "uid": (ids.user)}),
                );
            }
            // What doesn't run has what was allocated to it; of what goes first nothing is told then.
            if container.is_running() || matches!(container.kind, Kind::Regular | Kind::Sidecar) {
                if !resources["requests"].is_empty() {
                    status.set(&["allocatedResources"], &resources["requests"]);
                }
                status
                    .set(&["resources"], if resources.is_null() { Value::map() } else { resources.clone() });
            }
        }
        let last = match (container.is_running() || container.waiting.is_some(), &container.exit) {
            (_, Some(exit)) if container.waiting.is_some() => Some(exit),
            (_, Some(_)) | (true, None) | (false, None) => container.exit_before.as_ref(),
        };
        if let Some(exit) = last {
            status.set(&["lastState", "terminated"], terminated(exit));
        }
        let mounts: Vec<Value> = container.spec["volumeMounts"].items().iter().map(volume_mount).collect();
        if !mounts.is_empty() {
            status.set(&["volumeMounts"], mounts);
        }
        status
    }

    /// Returns a container's state as the status shows it.
    pub(crate) fn state(&self, container: &Container) -> Value {
        if let Phase::Running { since } = container.phase {
            return tree!({"running": {"startedAt": (since.rfc3339())}});
        }
        if let Some((reason, message)) = &container.waiting {
            let mut waiting = tree!({"reason": reason});
            if !message.is_empty() {
                waiting.set(&["message"], message);
            }
            return tree!({"waiting": (waiting)});
        }
        match &container.exit {
            Some(exit) => tree!({"terminated": (terminated(exit))}),
            None => {
                let waits = !matches!(container.kind, Kind::Init | Kind::Ephemeral)
                    && self
                        .containers
                        .iter()
                        .any(|container| container.kind == Kind::Init && !container.has_succeeded());
                let waits = waits
                    || container.kind == Kind::Init
                        && self.containers.iter().filter(|other| other.kind == Kind::Init).count() > 0;
                tree!({"waiting": {"reason": (if waits { "PodInitializing" } else { "ContainerCreating" })}})
            }
        }
    }

    /// Makes the kubelet's conditions; a condition that stays keeps its time.
    // Models pkg/kubelet/status/generate.go
    fn conditions(&self, now: Time, phase: &str) -> Value {
        let generation = meta::generation(&self.pod);
        let sandboxed = self.stage == Stage::Up && self.sandboxes > 0;
        let (ready, why) = self.readiness(phase);
        let unready = |ready: bool| if ready { None } else { Some(why.clone()) };
        let gates = self.failing_gates();
        let pod_ready = match (&gates, ready) {
            (Some(message), true) => Some(("ReadinessGatesNotReady".to_string(), message.clone())),
            _ => unready(ready),
        };
        let rows = [
            ("PodReadyToStartContainers", (!sandboxed).then(Default::default)),
            ("Initialized", self.uninitialized(phase)),
            ("Ready", pod_ready),
            ("ContainersReady", unready(ready)),
            ("PodScheduled", None),
        ];
        let mut conditions = self.resize.conditions();
        for (kind, why) in rows {
            // A condition that is true may still have a reason: PodCompleted.
            let is_true = why.is_none()
                || kind == "Initialized" && why.as_ref().is_some_and(|(reason, _)| reason == "PodCompleted");
            let status = if is_true { "True" } else { "False" };
            let known = self.reported["conditions"].items().iter().find(|known| known["type"].str() == kind);
            let known = known.or_else(|| meta::condition(&self.pod, kind));
            let since = match known {
                Some(known) if known["status"].str() == status => known["lastTransitionTime"].clone(),
                _ => now.rfc3339().into(),
            };
            let mut condition = tree!({
                "type": kind,
                "status": status,
                "lastProbeTime": null,
                "lastTransitionTime": (since),
                "observedGeneration": generation,
            });
            let (reason, message) = why.unwrap_or_default();
            for (field, text) in [("reason", reason), ("message", message)] {
                if !text.is_empty() {
                    condition.set(&[field], text);
                }
            }
            conditions.push(condition);
        }
        conditions.into()
    }

    /// Returns whether the containers are ready, or else the reason and the message.
    fn readiness(&self, phase: &str) -> (bool, (String, String)) {
        match phase {
            "Succeeded" => return (false, ("PodCompleted".to_string(), String::new())),
            "Failed" => return (false, ("PodFailed".to_string(), String::new())),
            _ => {}
        }
        let unready: Vec<&str> = self
            .containers
            .iter()
            .filter(|container| {
                !matches!(container.kind, Kind::Init | Kind::Ephemeral) && !container.is_ready()
            })
            .map(|container| &*container.name)
            .collect();
        if unready.is_empty() {
            return (true, Default::default());
        }
        let message = format!("containers with unready status: [{}]", unready.join(" "));
        (false, ("ContainersNotReady".to_string(), message))
    }

    fn uninitialized(&self, phase: &str) -> Option<(String, String)> {
        if phase == "Succeeded" {
            return Some(("PodCompleted".to_string(), String::new()));
        }
        if self.is_initialized() {
            return None;
        }
        let incomplete: Vec<&str> = self
            .containers
            .iter()
            .filter(|container| match container.kind {
                Kind::Init => !container.has_succeeded(),
                Kind::Sidecar => !container.is_started(),
                Kind::Regular | Kind::Ephemeral => false,
            })
            .map(|container| &*container.name)
            .collect();
        if incomplete.is_empty() {
            return None;
        }
        let message = format!("containers with incomplete status: [{}]", incomplete.join(" "));
        Some(("ContainersNotInitialized".to_string(), message))
    }

    /// Returns which readiness gates keep the pod from being Ready, in the words of the condition.
    pub(crate) fn failing_gates(&self) -> Option<String> {
        let mut messages = Vec::new();
        for gate in self.pod["spec"]["readinessGates"].items() {
            let kind = gate["conditionType"].str();
            match meta::condition(&self.pod, kind) {
                None => messages.push(format!(
                    "corresponding condition of pod readiness gate \"{kind}\" does not exist."
                )),
                Some(condition) if condition["status"].str() != "True" => messages.push(format!(
                    "the status of pod readiness gate \"{kind}\" is not \"True\", but {}",
                    condition["status"].str()
                )),
                Some(_) => {}
            }
        }
        (!messages.is_empty()).then(|| messages.join(", "))
    }
}

/// Returns the id of the container whose state is shown.
fn id_of(container: &Container) -> &str {
    match (&container.exit, container.is_running()) {
        (Some(exit), false) => &exit.id,
        _ => &container.id,
    }
}

fn terminated(exit: &Exit) -> Value {
    let mut state = tree!({
        "containerID": (format!("containerd://{}", exit.id)),
        "exitCode": (exit.code),
        "finishedAt": (exit.finished.rfc3339()),
        "reason": (&exit.reason),
        "startedAt": (exit.started.rfc3339()),
    });
    if !exit.message.is_empty() {
        state.set(&["message"], &exit.message);
    }
    state
}

/// Returns as whom a container's processes run. Who is given a user but no group is in root's, unless it is the
/// image's own user.
// Models pkg/kubelet/kuberuntime/security_context.go determineEffectiveSecurityContext, convertToRuntimeSecurityContext
pub(crate) fn ids_of(pod: &Value, container: &Container) -> Ids {
    let image = container.local.as_ref().map_or(0, |local| local.image.user);
    let of_pod = &pod["spec"]["securityContext"];
    let of = |field: &str| container.spec["securityContext"][field].as_int().or(of_pod[field].as_int());
    let user = of("runAsUser").unwrap_or(image);
    let group = of("runAsGroup").unwrap_or(if user == image { image } else { 0 });
    let more = of_pod["supplementalGroups"].items().iter().filter_map(Value::as_int);
    let mut groups: Vec<i64> = more.chain(of_pod["fsGroup"].as_int()).chain([group]).collect();
    groups.sort_unstable();
    groups.dedup();
    Ids { user, group, groups }
}

fn volume_mount(mount: &Value) -> Value {
    let mut status = tree!({"mountPath": (&mount["mountPath"]), "name": (&mount["name"])});
    if mount["readOnly"].is_true() {
        status.set(&["readOnly"], true);
        let recursive = mount["recursiveReadOnly"].as_str().unwrap_or("Disabled");
        status.set(&["recursiveReadOnly"], recursive);
    }
    status
}
