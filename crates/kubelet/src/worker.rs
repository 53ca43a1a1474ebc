use crate::admit::Asks;
use crate::container::{Container, Kind};
use crate::cri::{Files, MountSource};
use crate::disk::LocalStorage;
use crate::net::PodEndpoint;
use crate::resize::Resize;
use crate::shared::Turn;
use api::{Value, meta};
use sim::{Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How often a worker goes round at one moment before it lets others work.
const ROUNDS: u32 = 64;

/// How often what was reported is compared with what the API has.
pub(crate) const RECONCILE: Nanos = 10 * SECOND;

/// How far a pod is on its node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nobody has looked at it.
    New,
    /// It was let in; its volumes are being mounted, again at this moment.
    Mounting { retry: Time, wait: Nanos },
    /// Its sandbox is being made.
    Sandbox { until: Time },
    /// Its sandbox is there and its containers are looked after.
    Up,
    /// All its containers have ended for good; the sandbox goes.
    Stopping { until: Time },
    /// Nothing of it is left on the node.
    Gone,
    /// The node doesn't take it.
    Rejected { reason: Rc<str>, message: Rc<str> },
}

/// Why a pod is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Termination {
    /// How long its containers have, in nanoseconds.
    pub grace: Nanos,
    /// Whether the API has forgotten it already.
    pub forgotten: bool,
    /// Why the pod has failed, where the kubelet ends it by itself: the reason and the words.
    pub failure: Option<PodFailure>,
}

/// Why the kubelet ends a pod by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PodFailure {
    pub reason: &'static str,
    pub message: Rc<str>,
    pub at: Time,
}

/// Where a token is: the volume's name, and the path in it.
pub(crate) type TokenPlace = (Rc<str>, Rc<str>);

/// Looks after one pod.
// Models pkg/kubelet/pod_workers.go
#[derive(Clone, Debug)]
pub(crate) struct PodWorker {
    pub pod: Value,
    /// What the pod asks of the node.
    pub asks: Rc<Asks>,
    pub uid: Rc<str>,
    pub key: Rc<str>,
    pub stage: Stage,
    pub ip: Option<Ipv4Addr>,
    pub containers: Vec<Container>,
    /// The files of volumes that live and die with the pod.
    pub volumes: BTreeMap<Rc<str>, Files>,
    /// Which of them take room on the node, and how much they may take.
    pub local: Rc<LocalStorage>,
    /// Where each mounted volume's files are.
    pub sources: BTreeMap<Rc<str>, MountSource>,
    /// How large those of them are that are block devices, in bytes.
    pub devices: BTreeMap<Rc<str>, u64>,
    /// The volumes that are attached to the node for it, or are to be, as the node's status names them.
    pub attachable: Vec<Rc<str>>,
    /// The tokens in its volumes, by volume and path, and until when each is not asked for anew.
    pub tokens: BTreeMap<TokenPlace, (Rc<str>, Time)>,
    /// When what volumes show of the API is looked at again.
    pub refresh_at: Time,
    pub termination: Option<Termination>,
    pub started: Time,
    /// How many sandboxes it has had.
    pub sandboxes: u64,
    /// How many draws it has made.
    pub draws: u64,
    /// The status as it was sent last.
    pub reported: Value,
    /// Whether the API may have another status than was reported: the machine stood still meanwhile.
    pub reported_long_ago: bool,
    /// When it is looked at whether the API still has the status that was reported.
    pub reconcile_at: Time,
    /// When the status is to be sent.
    pub report_at: Option<Time>,
    /// The uid of its mirror in the API, where a file describes the pod.
    pub mirror: Option<Rc<str>>,
    /// Whether somebody deletes the mirror, which is to be made anew.
    pub is_mirror_doomed: bool,
    /// Whether its last DELETE was sent and granted.
    pub deleted: bool,
    /// When its containers are looked at again, whatever happens.
    pub look_at: Time,
    /// How a change of what it asks for stands.
    pub resize: Resize,
    pub due: Time,
}

/// Returns whether a pod has come to its end already, under a kubelet before.
pub(crate) fn has_ended(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed")
}

impl PodWorker {
    /// Makes the worker of a pod.
    pub(crate) fn new(pod: &Value, now: Time) -> PodWorker {
        let spec = &pod["spec"];
        let init = spec["initContainers"].items().iter().map(|container| {
            let is_sidecar = container["restartPolicy"].str() == "Always";
            Container::new(container, if is_sidecar { Kind::Sidecar } else { Kind::Init })
        });
        let regular = spec["containers"].items().iter().map(|spec| Container::new(spec, Kind::Regular));
        let ephemeral = spec["ephemeralContainers"].items().iter();
        let ephemeral = ephemeral.map(|spec| Container::new(spec, Kind::Ephemeral));
        PodWorker {
            asks: Rc::new(Asks::of(pod)),
            uid: meta::uid(pod).into(),
            key: meta::key(pod),
            stage: if has_ended(pod) { Stage::Gone } else { Stage::New },
            ip: None,
            containers: init.chain(regular).chain(ephemeral).collect(),
            volumes: BTreeMap::new(),
            local: Rc::new(LocalStorage::of(pod)),
            sources: BTreeMap::new(),
            devices: BTreeMap::new(),
            attachable: Vec::new(),
            tokens: BTreeMap::new(),
            refresh_at: Time::NEVER,
            termination: None,
            started: now,
            sandboxes: 0,
            draws: 0,
            reported: pod["status"].clone(),
            reported_long_ago: false,
            reconcile_at: Time::NEVER,
            report_at: None,
            mirror: None,
            is_mirror_doomed: false,
            deleted: false,
            look_at: Time::NEVER,
            resize: Resize::default(),
            due: now,
            pod: pod.clone(),
        }
    }

    /// Takes the pod as the API has it now.
    pub(crate) fn update(&mut self, pod: &Value, now: Time) {
        if self.stage == Stage::New && !self.pod["spec"].same(&pod["spec"]) {
            self.asks = Rc::new(Asks::of(pod));
        }
        let gates = self.failing_gates();
        self.pod = pod.clone();
        self.due = now;
        if self.failing_gates() != gates {
            self.report_at = self.report_at.or(Some(now)); // who sets them waits for the pod to be Ready
        }
        if std::mem::take(&mut self.reported_long_ago) {
            self.reported = pod["status"].clone();
            self.report_at = Some(now);
        }
        if self.is_doubted() {
            self.reconcile_at = self.reconcile_at.min(now + RECONCILE);
        }
        let spec = &pod["spec"];
        for given in spec["initContainers"].items().iter().chain(spec["containers"].items()) {
            if let Some(known) = self.containers.iter_mut().find(|known| known.name == given["name"].text()) {
                known.changed |= known.spec["image"] != given["image"];
                let before = std::mem::replace(&mut known.spec, given.clone())["resources"].clone();
                if self.stage != Stage::New && before != given["resources"] {
                    // It has what it was given until it gets the other.
                    known.spec.set(&["resources"], before);
                    self.resize.at = now;
                }
            }
        }
        if self.resize.is_of_before(pod) {
            self.resize.at = now;
        }
        for given in spec["ephemeralContainers"].items() {
            if !self.containers.iter().any(|known| *known.name == *given["name"].str()) {
                self.containers.push(Container::new(given, Kind::Ephemeral));
                self.look_at = now;
            }
        }
        if !meta::is_deleting(pod) {
            return;
        }
        let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_int();
        let grace = grace.or(pod["spec"]["terminationGracePeriodSeconds"].as_int()).unwrap_or(30);
        self.terminate(grace.clamp(0, 86_400) * SECOND, false, now);
    }

    /// Returns whether the API says otherwise than was reported about whether the pod is ready: the node's
    /// controller did while the node was not heard of, or a watch is late.
    // Models pkg/kubelet/status/status_manager.go needsReconcile
    pub(crate) fn is_doubted(&self) -> bool {
        let ready = |status: &Value| {
            let mut conditions = status["conditions"].items().iter();
            conditions.find(|one| one["type"].str() == "Ready").map(|one| one["status"].clone())
        };
        let reported = ready(&self.reported);
        reported.is_some() && reported != ready(&self.pod["status"])
    }

    /// Ends the pod, or gives it less time than before.
    pub(crate) fn terminate(&mut self, grace: Nanos, forgotten: bool, now: Time) {
        self.due = now;
        match &mut self.termination {
            Some(termination) => {
                termination.grace = termination.grace.min(grace);
                termination.forgotten |= forgotten;
                for kill in self.containers.iter_mut().filter_map(|container| container.kill.as_mut()) {
                    kill.deadline = kill.deadline.min(now + grace);
                }
            }
            None => self.termination = Some(Termination { grace, forgotten, failure: None }),
        }
    }

    /// Returns when the pod has been active for too long; [`Time::NEVER`] where it may go on for ever.
    pub(crate) fn deadline(&self) -> Time {
        let seconds =
            self.pod["spec"]["activeDeadlineSeconds"].as_int().filter(|_| self.termination.is_none());
        seconds.map_or(Time::NEVER, |seconds| self.started + seconds.clamp(1, 1_000_000_000) * SECOND)
    }

    /// Ends a pod that has been active for too long.
    // Models pkg/kubelet/active_deadline.go
    pub(crate) fn exceed_deadline(&mut self, turn: &mut Turn) -> bool {
        if self.deadline() > turn.cx.now {
            return false;
        }
        let (reason, words) =
            ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline");
        let reference = self.reference(None);
        turn.event(&reference, "Normal", reason, words);
        let grace = self.pod["spec"]["terminationGracePeriodSeconds"].as_int().unwrap_or(30);
        let grace = grace.clamp(0, 86_400) * SECOND;
        let failure = PodFailure { reason, message: words.into(), at: turn.cx.now };
        self.termination = Some(Termination { grace, forgotten: false, failure: Some(failure) });
        true
    }

    /// Returns whether nothing is left to do for it. One that the API still has, because of its finalizers, is known on,
    /// or else it would be taken for a new one.
    // Models pkg/kubelet/pod_workers.go SyncKnownPods
    pub(crate) fn is_over(&self) -> bool {
        let off_node = matches!(self.stage, Stage::Gone | Stage::Rejected { .. });
        off_node && self.termination.as_ref().is_some_and(|termination| termination.forgotten)
    }

    /// Does all that is due.
    pub(crate) fn step(&mut self, turn: &mut Turn) {
        if self.resize.next_at() <= turn.cx.now {
            self.sync_resize(turn);
        }
        for _ in 0..ROUNDS {
            let before = self.draws;
            let moved = self.run_containers(turn) | self.sync(turn);
            if !moved && before == self.draws {
                break;
            }
        }
        if self.refresh_at <= turn.cx.now {
            self.refresh_volumes(turn);
        }
        if self.reconcile_at <= turn.cx.now {
            self.reconcile_at = Time::NEVER;
            if self.is_doubted() {
                self.reported = self.pod["status"].clone();
                self.report_at = Some(turn.cx.now);
            }
        }
        self.report(turn);
        self.due = self.next_at(turn.cx.now);
    }

    pub(crate) fn next_at(&self, now: Time) -> Time {
        let stage = match &self.stage {
            Stage::New => now,
            Stage::Mounting { retry, .. } => *retry,
            Stage::Sandbox { until } | Stage::Stopping { until } => *until,
            Stage::Up => self.look_at.min(self.refresh_at).min(self.deadline()),
            Stage::Gone | Stage::Rejected { .. } => Time::NEVER,
        };
        let containers = self.containers.iter().map(Container::next_at).min().unwrap_or(Time::NEVER);
        let resize = if self.stage == Stage::New { Time::NEVER } else { self.resize.next_at() };
        stage.min(containers).min(self.report_at.unwrap_or(Time::NEVER)).min(self.reconcile_at).min(resize)
    }

    /// Draws how long something takes: nothing where the runtime starts everything at once.
    pub(crate) fn draw(&mut self, turn: &Turn, span: sim::Span, purpose: &str) -> Nanos {
        self.draws += 1;
        if turn.is_bare() {
            return 0;
        }
        span.draw(turn.cx.chance, purpose, &self.uid, self.draws)
    }

    /// Returns the pod as the network knows it, once it has an address.
    pub(crate) fn endpoint(&self, turn: &Turn) -> Option<PodEndpoint> {
        Some(PodEndpoint {
            node: turn.shared.node.clone(),
            uid: self.uid.clone(),
            key: self.key.clone(),
            ip: self.ip?,
            host_network: self.pod["spec"]["hostNetwork"].is_true(),
        })
    }

    /// Returns the reference by which events tell of the pod, or of a container.
    pub(crate) fn reference(&self, container: Option<&Container>) -> Value {
        let mut reference = meta::object_reference(&self.pod);
        reference.set(&["apiVersion"], "v1");
        reference.set(&["kind"], "Pod");
        if let Some(container) = container {
            let list = match container.kind {
                Kind::Regular => "containers",
                Kind::Init | Kind::Sidecar => "initContainers",
                Kind::Ephemeral => "ephemeralContainers",
            };
            reference.set(&["fieldPath"], format!("spec.{list}{{{}}}", container.name));
        }
        reference
    }

    /// Tells of a container.
    pub(crate) fn tell(&self, turn: &mut Turn, i: usize, kind: &str, reason: &str, message: &str) {
        let reference = self.reference(self.containers.get(i));
        turn.event(&reference, kind, reason, message);
    }

    /// Returns the pod as messages name it: `web_default(1234)`.
    pub(crate) fn format(&self) -> String {
        format!("{}_{}({})", meta::name(&self.pod), meta::namespace(&self.pod), self.uid)
    }

    /// Asks for the status to be sent soon.
    pub(crate) fn touch(&mut self, turn: &Turn) {
        if self.report_at.is_none() {
            self.draws += 1;
            let delay = turn.cx.timing.status_report.draw(turn.cx.chance, "status", &self.uid, self.draws);
            self.report_at = Some(turn.cx.now + delay);
        }
    }
}
