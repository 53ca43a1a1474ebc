//! Pods that files on the node describe, and their mirrors in the API.
// Models pkg/kubelet/config/file.go, pkg/kubelet/config/common.go, pkg/kubelet/pod/mirror_client.go
//
// Left out on purpose: that such pods start at boot before the API server was reached for the first time.

use crate::kubelet::Kubelet;
use crate::shared::Turn;
use crate::worker::PodWorker;
use api::resources::{NODES, PODS};
use api::{Value, meta, tree};
use client::{Change, Cx, Failure};
use sim::{SECOND, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

const HASH: &str = "kubernetes.io/config.hash";
const SEEN: &str = "kubernetes.io/config.seen";
const SOURCE: &str = "kubernetes.io/config.source";
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
            if self.workers.get(uid).is_some() {
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

impl PodWorker {
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

    /// Creates the mirror and returns its uid.
    // Models pkg/kubelet/pod/mirror_client.go CreateMirrorPod
    fn make_mirror(&mut self, turn: &mut Turn) -> Option<Rc<str>> {
        let node = turn.shared.informers.of(NODES).get(&turn.shared.node).cloned()?;
        let mut mirror = self.pod.clone();
        let owner = tree!({
            "apiVersion": "v1", "kind": "Node", "name": (meta::name(&node)), "uid": (meta::uid(&node)),
            "controller": true,
        });
        mirror.remove(&["metadata", "uid"]);
        mirror.set(&["metadata", "annotations", MIRROR], &*self.uid);
        mirror.set(&["metadata", "ownerReferences"], vec![owner]);
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
