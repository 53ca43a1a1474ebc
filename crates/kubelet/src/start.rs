use crate::container::Phase;
use crate::cri::{PodFacts, Reference};
use crate::images::{LocalImage, go_duration, hex64, look_up};
use crate::shared::Turn;
use crate::worker::PodWorker;
use sim::{Nanos, SECOND, Time};

impl PodWorker {
    /// Begins to start a container: its image first.
    // Models pkg/kubelet/kuberuntime/kuberuntime_container.go startContainer
    pub(crate) fn begin(&mut self, turn: &mut Turn, i: usize) {
        let now = turn.cx.now;
        let Some(container) = self.containers.get_mut(i) else { return };
        let image = container.spec["image"].text();
        let policy = container.spec["imagePullPolicy"].text();
        let reference = match Reference::parse(&image) {
            Ok(reference) => reference,
            Err(why) => {
                let words = format!(
                    "Failed to apply default image tag \"{image}\": couldn't parse image name \"{image}\": {why}"
                );
                return self.fail_image(turn, i, "InspectFailed", "InvalidImageName", &words);
            }
        };
        let present = turn.shared.images.get(&reference).cloned();
        if turn.is_bare() {
            let Ok(local) = look_up(&turn.shared.catalogue, &reference, true) else { return };
            return self.create(turn, i, local);
        }
        match (present, &*policy) {
            (Some(local), policy) if policy != "Always" => {
                let message = format!(
                    "Container image \"{image}\" already present on machine and can be accessed by the pod"
                );
                self.tell(turn, i, "Normal", "Pulled", &message);
                self.create(turn, i, local);
            }
            (None, "Never") => {
                let words = format!("Container image \"{image}\" is not present with pull policy of Never");
                self.fail_image(turn, i, "ErrImageNeverPull", "ErrImageNeverPull", &words);
            }
            (present, _) => {
                self.tell(turn, i, "Normal", "Pulling", &format!("Pulling image \"{image}\""));
                let known = look_up(&turn.shared.catalogue, &reference, false).is_ok();
                let span = if present.is_some() || !known {
                    turn.cx.timing.image_check
                } else {
                    turn.cx.timing.image_pull
                };
                let takes = self.draw(turn, span, "pull");
                let (began, until) = turn.shared.images.reserve(now, takes);
                let Some(container) = self.containers.get_mut(i) else { return };
                container.phase = Phase::Pulling { asked: now, began, until };
            }
        }
    }

    /// Notes that an image can't be had.
    fn fail_image(&mut self, turn: &mut Turn, i: usize, event: &str, reason: &str, words: &str) {
        let retry_at = self.retry_at(turn);
        self.tell(turn, i, "Warning", event, words);
        let error = if event == reason || reason == "InvalidImageName" { reason } else { words };
        self.tell(turn, i, "Warning", "Failed", &format!("Error: {error}"));
        if let Some(container) = self.containers.get_mut(i) {
            container.waiting = Some((reason.into(), words.into()));
            container.phase = Phase::Idle;
            container.retry_at = retry_at;
        }
        self.touch(turn);
    }

    /// Goes on with a container that begins.
    pub(crate) fn go_on(&mut self, turn: &mut Turn, i: usize) -> bool {
        let now = turn.cx.now;
        let Some(container) = self.containers.get(i) else { return false };
        match container.phase {
            Phase::Pulling { asked, began, until } if until <= now => {
                self.pulled(turn, i, until - began, until - asked);
                true
            }
            Phase::Starting { until } if until <= now => {
                self.start_process(turn, i);
                true
            }
            _ => false,
        }
    }

    fn pulled(&mut self, turn: &mut Turn, i: usize, took: Nanos, waited: Nanos) {
        let now = turn.cx.now;
        let Some(container) = self.containers.get_mut(i) else { return };
        let image = container.spec["image"].text();
        let Ok(reference) = Reference::parse(&image) else { return };
        turn.cx.note(Time(now.0 - took), "Pulled", &self.key, &image);
        match look_up(&turn.shared.catalogue, &reference, false) {
            Ok(local) => {
                container.pull = crate::back_off::BackOff::default();
                let message = format!(
                    "Successfully pulled image \"{image}\" in {} ({} including waiting). Image size: {} bytes.",
                    go_duration(took),
                    go_duration(waited),
                    local.image.size
                );
                turn.shared.images.add(local.clone());
                self.tell(turn, i, "Normal", "Pulled", &message);
                self.create(turn, i, local);
            }
            Err(words) => {
                self.tell(
                    turn,
                    i,
                    "Warning",
                    "Failed",
                    &format!("Failed to pull image \"{image}\": {words}"),
                );
                self.tell(turn, i, "Warning", "Failed", "Error: ErrImagePull");
                let Some(container) = self.containers.get_mut(i) else { return };
                container.waiting = Some(("ErrImagePull".into(), words.as_str().into()));
                container.phase = Phase::Idle;
                container.pull.next(now);
                container.pull_error = format!("ErrImagePull: {words}").into();
                container.retry_at = now + SECOND; // the next look at the pod's containers
                self.touch(turn);
            }
        }
    }

    /// Creates a container of an image that is there.
    fn create(&mut self, turn: &mut Turn, i: usize, local: LocalImage) {
        let now = turn.cx.now;
        let env = match self.verify_user(i, &local).and_then(|()| self.make_environment(turn, i, &local)) {
            Ok(env) => env,
            Err((reason, words)) => return self.not_created(turn, i, reason, &words),
        };
        let id = hex64(turn.cx.chance, "container", &format!("{}/{i}", self.uid), self.draws);
        let takes = self.draw(turn, turn.cx.timing.container_start, "start");
        let facts = PodFacts { version: local.version.clone(), ..self.facts(turn, i) };
        let files = self.managed_files(turn);
        if let Some(container) = self.containers.get_mut(i) {
            container.env = env.into();
        }
        let mounts = self.mounts(i);
        let Some(container) = self.containers.get_mut(i) else { return };
        if let Some(exit) = &container.exit {
            container.crash.next(exit.finished);
            container.restarts += 1;
            container.logs_before = Some(std::mem::take(&mut container.logs));
        }
        container.attempt += 1;
        container.changed = false;
        container.id = id.into();
        container.facts = facts;
        container.root = crate::cri::root_of(&local.image);
        container.root.mounts = mounts;
        container.root.read_only = container.spec["securityContext"]["readOnlyRootFilesystem"].is_true();
        let log = container.spec["terminationMessagePath"].as_str();
        container.root.termination_log = log.unwrap_or("/dev/termination-log").into();
        for (path, content) in files {
            container.root.written.write(path, &content);
        }
        container.root.owners = local.image.owners.clone();
        container.local = Some(local);
        container.root.ids = crate::pod_status::ids_of(&self.pod, container);
        container.phase = Phase::Starting { until: now + takes };
        self.tell(turn, i, "Normal", "Created", "Container created");
    }

    /// Notes that a container couldn't be created.
    fn not_created(&mut self, turn: &mut Turn, i: usize, reason: &str, words: &str) {
        self.tell(turn, i, "Warning", "Failed", &format!("Error: {words}"));
        let retry_at = self.retry_at(turn);
        if let Some(container) = self.containers.get_mut(i) {
            container.waiting = Some((reason.into(), words.into()));
            container.phase = Phase::Idle;
            container.retry_at = retry_at;
        }
        self.touch(turn);
    }

    /// Refuses to run as root what says that it mustn't.
    // Models pkg/kubelet/kuberuntime/security_context.go verifyRunAsNonRoot
    fn verify_user(&self, i: usize, local: &LocalImage) -> Result<(), (&'static str, String)> {
        let Some(container) = self.containers.get(i) else { return Ok(()) };
        let of = |field: &str| {
            let own = &container.spec["securityContext"][field];
            if own.is_null() { self.pod["spec"]["securityContext"][field].clone() } else { own.clone() }
        };
        if !of("runAsNonRoot").is_true() {
            return Ok(());
        }
        let words = match of("runAsUser").as_int() {
            Some(0) => "container's runAsUser breaks non-root policy",
            None if local.image.user == 0 => "container has runAsNonRoot and image will run as root",
            _ => return Ok(()),
        };
        let message = format!("{words} (pod: \"{}\", container: {})", self.format(), container.name);
        Err(("CreateContainerConfigError", message))
    }
}
