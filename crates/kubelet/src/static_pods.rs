//! Pods that files on the node describe, and their mirrors in the API.
// Models pkg/kubelet/config/file.go, pkg/kubelet/config/common.go, pkg/kubelet/pod/mirror_client.go

use crate::container::Phase;
use crate::cri::{LogRing, Reference, klog};
use crate::images::look_up;
use crate::kubelet::Kubelet;
use crate::net::PodNetwork;
use crate::probes::Probe;
use crate::shared::Turn;
use crate::worker::{PodWorker, RECONCILE, Stage};
use api::resources::{NODES, PODS};
use api::{Value, meta, tree};
use client::{Change, Cx, Failure};
use sim::{MILLISECOND, Nanos, SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many steps a pod takes at most until its containers run.
const STEPS: u32 = 64;
/// How long after its last line a process ends.
const LAST_WORDS: Nanos = 20 * MILLISECOND;
const HASH: &str = "kubernetes.io/config.hash";
const SEEN: &str = "kubernetes.io/config.seen";
/// The annotation that says where a pod comes from: `file`.
pub const SOURCE: &str = "kubernetes.io/config.source";
/// The annotation by which a pod in the API is the mirror of one that a file describes.
pub const MIRROR: &str = "kubernetes.io/config.mirror";

/// What the files in the manifest folder say.
#[derive(Clone, Debug)]
pub(crate) struct StaticPods {
    /// The pods that are wanted, by their hash, which is their uid.
    wanted: BTreeMap<Rc<str>, Value>,
    /// Mirrors in the API whose pod isn't wanted (any more), as `namespace/name`.
    orphans: BTreeSet<Rc<str>>,
    /// When it is looked at again.
    pub at: Time,
}

impl Default for StaticPods {
    fn default() -> StaticPods {
        StaticPods { wanted: BTreeMap::new(), orphans: BTreeSet::new(), at: Time::NEVER }
    }
}

/// Whose status a report is about.
pub(crate) enum Target {
    /// The pod in the API with this uid.
    Pod(Rc<str>),
    /// There is none: its mirror could not be made.
    Nobody,
}

impl Kubelet {
    /// Takes the pods that the files in the machine's manifest folder describe now, defaulted as the API does.
    pub fn set_manifests(&mut self, now: Time, pods: Vec<Value>) {
        let before = std::mem::take(&mut self.statics.wanted);
        for pod in pods {
            let uid = hash(&pod, &self.shared.node);
            let pod = match before.get(&uid) {
                Some(known) => known.clone(),
                None => static_pod(&pod, &self.shared.node, &uid, now),
            };
            self.statics.wanted.insert(uid, pod);
        }
        self.statics.at = now;
    }

    /// Starts the pods that are wanted and ends those that aren't. One whose file has changed begins after its
    /// forerunner has ended.
    pub(crate) fn sync_static(&mut self, cx: &mut Cx) {
        let now = cx.now;
        self.statics.at = Time::NEVER;
        let unwanted = |worker: &&PodWorker| {
            worker.is_static()
                && !self.statics.wanted.contains_key(&worker.uid)
                && worker.termination.is_none()
        };
        let unwanted: Vec<Rc<str>> =
            self.workers.iter().filter(unwanted).map(|worker| worker.uid.clone()).collect();
        for uid in unwanted {
            let key = self.workers.change(&uid, |worker| {
                let grace = worker.pod["spec"]["terminationGracePeriodSeconds"].as_int().unwrap_or(30);
                worker.terminate(grace.clamp(0, 86_400) * SECOND, true, now);
                worker.key.clone()
            });
            self.statics.orphans.extend(key);
        }
        for (uid, pod) in &self.statics.wanted {
            if let Some(worker) = self.workers.get(uid) {
                if worker.termination.is_some() {
                    // The file is there again before its pod has ended.
                    self.statics.at = now + SECOND;
                }
                continue;
            }
            if self.workers.with_key(meta::key(pod)).next().is_some() {
                self.statics.at = now + SECOND;
                continue;
            }
            let mut worker = PodWorker::new(pod, now);
            worker.report_at = Some(now);
            self.workers.insert(worker);
        }
        let wanted: BTreeSet<Rc<str>> = self.statics.wanted.values().map(meta::key).collect();
        // One that has the name of a pod that is wanted is looked at when that makes its own.
        self.statics.orphans.retain(|key| !wanted.contains(key));
        for key in std::mem::take(&mut self.statics.orphans) {
            if delete_mirror(cx, &key).is_err() {
                self.statics.orphans.insert(key);
                self.statics.at = now + SECOND;
            }
        }
    }

    /// Takes what has become of a mirror.
    pub(crate) fn observe_mirror(&mut self, now: Time, change: &Change) {
        let hash = meta::annotation(change.object(), MIRROR).to_string();
        let is_gone = change.new.is_null();
        let is_known = self.workers.change(&hash, |worker| {
            let uid: Rc<str> = meta::uid(change.object()).into();
            match is_gone {
                true if worker.mirror.as_ref() == Some(&uid) => worker.mirror = None,
                true => return,
                false => worker.mirror = Some(uid),
            }
            worker.pod.set(&["status"], &change.new["status"]);
            if !is_gone && worker.is_doubted() {
                worker.reconcile_at = worker.reconcile_at.min(now + RECONCILE);
                worker.due = worker.due.min(worker.reconcile_at);
            }
            if is_gone || meta::is_deleting(&change.new) {
                worker.is_mirror_doomed = !is_gone;
                worker.reported = Value::Null;
                worker.report_at = Some(now);
                worker.due = now;
            }
        });
        if is_known.is_none() && !is_gone && !self.statics.wanted.contains_key(&*hash) {
            self.statics.orphans.insert(change.key.clone());
            self.statics.at = now;
        }
    }
}

/// Static pods that ran before anybody listened, as those of a control plane's machine did at the cluster's first
/// moment.
impl Kubelet {
    /// Lets the pods that the files in the manifest folder describe run from now on, without telling anybody.
    pub fn stand(&mut self, cx: &mut Cx, net: &mut dyn PodNetwork, pods: Vec<Value>) {
        self.set_manifests(cx.now, pods);
        self.statics.at = Time::NEVER;
        self.shared.is_silent = true;
        for (uid, pod) in self.statics.wanted.clone() {
            for container in pod["spec"]["containers"].items() {
                let reference = Reference::parse(container["image"].str()).ok();
                let local = reference.and_then(|name| look_up(&self.shared.catalogue, &name, false).ok());
                local.into_iter().for_each(|local| self.shared.images.add(local));
            }
            self.workers.insert(PodWorker::new(&pod, cx.now));
            self.with_worker(&uid, cx, net, PodWorker::stand);
        }
        self.shared.is_silent = false;
    }

    /// Returns the pods of files whose mirrors aren't there yet, as they are created and with their status.
    pub fn unmirrored(&self, node: &Value) -> Vec<Value> {
        let statics = self.workers.iter().filter(|worker| worker.is_static() && worker.mirror.is_none());
        let mirror = |worker: &PodWorker| {
            let mut mirror = worker.mirror_of(node);
            mirror.set(&["status"], worker.status(worker.started, &self.shared.config.address));
            mirror
        };
        statics.map(mirror).collect()
    }

    /// Takes note of a mirror that was made of what `unmirrored` said.
    pub fn take_mirror(&mut self, mirror: &Value) {
        self.workers.change(meta::annotation(mirror, MIRROR), |worker| {
            worker.mirror = Some(meta::uid(mirror).into());
            worker.reported = mirror["status"].clone();
            worker.pod.set(&["status"], &mirror["status"]);
        });
    }

    /// Lets the process of a static pod end, which can't go on from the start; `words` are all that it says.
    pub fn fail_static(&mut self, cx: &mut Cx, net: &mut dyn PodNetwork, uid: &str, words: &str) {
        self.with_worker(uid, cx, net, |worker, turn| {
            let at = turn.cx.now + LAST_WORDS;
            if let Some(container) = worker.containers.first_mut() {
                container.logs = LogRing::default();
            }
            worker.with_app(turn, 0, |app, cx| {
                let stamp = klog(cx.now);
                cx.log(&format!("stderr:E{stamp}       1 {words}"));
                if let Some(app) = app {
                    app.crash(at, 1);
                }
            });
            worker.due = worker.due.min(at);
        });
    }

    /// Ends the process of a static pod at once, as the runtime does when it is asked to.
    pub fn end_static(&mut self, cx: &mut Cx, net: &mut dyn PodNetwork, uid: &str) {
        self.with_worker(uid, cx, net, |worker, turn| {
            worker.exited(turn, 0, 0);
            worker.due = turn.cx.now;
        });
    }
}

impl PodWorker {
    /// Takes it to where all of its containers run and are ready.
    fn stand(&mut self, turn: &mut Turn) {
        let now = turn.cx.now;
        for _ in 0..STEPS {
            if let Stage::Sandbox { until } = &mut self.stage {
                *until = now;
            }
            for container in &mut self.containers {
                if let Phase::Starting { until } = &mut container.phase {
                    *until = now;
                }
                container.probes.iter_mut().for_each(Probe::rest);
            }
            if !self.sync(turn) {
                break;
            }
        }
        (self.report_at, self.due) = (None, self.next_at(now));
    }

    /// Returns whether a file on the node describes the pod.
    pub(crate) fn is_static(&self) -> bool {
        meta::annotation(&self.pod, SOURCE) == "file"
    }

    /// Returns whose status is to be reported: the pod's own, or that of a mirror, which is made where it isn't
    /// there.
    pub(crate) fn target(&mut self, turn: &mut Turn) -> Target {
        if !self.is_static() {
            return Target::Pod(self.uid.clone());
        }
        if std::mem::take(&mut self.is_mirror_doomed) {
            let key = self.key.clone();
            let _ = turn.cx.in_background(|cx| delete_mirror(cx, &key)); // looked at again when it was seen
            self.mirror = None;
        }
        if self.mirror.is_none() {
            self.mirror = self.make_mirror(turn);
        }
        self.mirror.clone().map_or(Target::Nobody, Target::Pod)
    }

    /// Returns the mirror as it is created.
    fn mirror_of(&self, node: &Value) -> Value {
        let mut mirror = self.pod.clone();
        let owner = tree!({
            "apiVersion": "v1", "kind": "Node", "name": (meta::name(node)), "uid": (meta::uid(node)),
            "controller": true,
        });
        mirror.remove(&["metadata", "uid"]);
        mirror.set(&["metadata", "annotations", MIRROR], &*self.uid);
        mirror.set(&["metadata", "ownerReferences"], vec![owner]);
        mirror
    }

    /// Creates the mirror and returns its uid.
    // Models pkg/kubelet/pod/mirror_client.go CreateMirrorPod
    fn make_mirror(&mut self, turn: &mut Turn) -> Option<Rc<str>> {
        let node = turn.shared.informers.of(NODES).get(&turn.shared.node).cloned()?;
        let mirror = self.mirror_of(&node);
        let key = self.key.clone();
        let made = turn.cx.in_background(|cx| match cx.create(PODS, &mirror) {
            Err(failure) if failure.is_already_exists() => {
                let there = cx.get(PODS, meta::namespace(&mirror), meta::name(&mirror))?;
                if meta::annotation(&there, MIRROR) == meta::annotation(&mirror, MIRROR)
                    && !meta::is_deleting(&there)
                {
                    return Ok(there);
                }
                delete_mirror(cx, &key)?;
                cx.create(PODS, &mirror)
            }
            other => other,
        });
        let made = made.ok()?;
        self.reported = made["status"].clone();
        Some(meta::uid(&made).into())
    }
}

/// Deletes a mirror at once.
// Models pkg/kubelet/pod/mirror_client.go DeleteMirrorPod
fn delete_mirror(cx: &mut Cx, key: &str) -> Result<(), Failure> {
    let (namespace, name) = key.split_once('/').unwrap_or(("default", key));
    match cx.delete(PODS, namespace, name, tree!({"gracePeriodSeconds": 0})) {
        Err(failure) if !failure.is_not_found() => Err(failure),
        _ => Ok(()),
    }
}

/// Returns the number that stands for what a file says.
// Models pkg/kubelet/config/common.go applyDefaults
fn hash(pod: &Value, node: &str) -> Rc<str> {
    let digits = crate::images::hex64(sim::Chance::new(0), &pod.to_json(), node, 0);
    digits.get(..32).unwrap_or("").into()
}

/// Returns the pod of a file as this node runs it.
// Models pkg/kubelet/config/common.go applyDefaults
fn static_pod(pod: &Value, node: &str, uid: &str, now: Time) -> Value {
    let mut pod = pod.clone();
    let name = format!("{}-{node}", meta::name(&pod));
    pod.set(&["metadata", "name"], name);
    pod.set(&["metadata", "uid"], uid);
    if meta::namespace(&pod).is_empty() {
        pod.set(&["metadata", "namespace"], "default");
    }
    let seen = now.rfc3339_nano();
    for (name, text) in [(HASH, uid), (SEEN, &seen), (SOURCE, "file")] {
        pod.set(&["metadata", "annotations", name], text);
    }
    pod.set(&["spec", "nodeName"], node);
    pod.set(&["status"], tree!({"phase": "Pending"}));
    pod
}
