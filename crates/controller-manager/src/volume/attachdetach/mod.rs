//! Attaches volumes to the nodes whose pods want them, and detaches them where nobody does any more.
//!
//! What it asks for is a VolumeAttachment, which the driver's attacher looks after. Left out on purpose:
//! volumes that are no CSI driver's, for which upstream has no code of its own any more either.
// Models pkg/controller/volume/attachdetach

mod node;
#[cfg(test)]
mod tests;

use crate::pod;
use api::resources::{CSIDRIVERS, NODES, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, PODS, VOLUMEATTACHMENTS};
use api::volume::{self, Attachable};
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, IndexBy, Informers, Reconcile};
use sim::{MINUTE, Nanos, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How long a volume that a node may have mounted still is left there, where the node isn't healthy.
// Models pkg/controller/volume/attachdetach/attach_detach_controller.go ReconcilerMaxWaitForUnmountDuration
const MAX_WAIT_FOR_UNMOUNT: Nanos = 6 * MINUTE;
/// How long the attacher has, until that it hasn't done it is told.
// Models pkg/volume/csi/csi_plugin.go csiTimeout
const ATTACH_TIMEOUT: Nanos = 2 * MINUTE;

/// A volume on a node: its name, and the node's.
type Place = (Rc<str>, Rc<str>);

/// The controller that attaches and detaches volumes.
#[derive(Clone)]
pub(crate) struct AttachDetach {
    recorder: EventRecorder,
    /// Since when each volume that is attached is wanted on its node no more.
    unwanted: BTreeMap<Place, Time>,
    /// The volumes of which it was told that another node has them.
    refused: BTreeSet<Place>,
    /// The failures that were told, by attachment.
    failed: BTreeMap<Rc<str>, Rc<str>>,
}

impl Default for AttachDetach {
    fn default() -> Self {
        AttachDetach {
            recorder: EventRecorder::new("attachdetach-controller", ""),
            unwanted: BTreeMap::new(),
            refused: BTreeSet::new(),
            failed: BTreeMap::new(),
        }
    }
}

/// A volume that pods on a node want there.
struct Wanted<'a> {
    attachable: Attachable<'a>,
    pods: Vec<&'a Value>,
}

/// Returns whether a pod wants its volumes no more.
// Models pkg/volume/util/util.go IsPodTerminated
fn is_done(pod: &Value) -> bool {
    let runs = |status: &Value| !status["state"]["running"].is_null();
    pod::is_terminal(pod)
        || meta::is_deleting(pod)
            && !pod["status"]["containerStatuses"].is_empty()
            && !pod["status"]["containerStatuses"].items().iter().any(runs)
}

/// Returns the volumes that pods on a node want attached to it, by name.
// Models pkg/controller/volume/attachdetach/util/util.go ProcessPodVolumes
fn wanted<'a>(informers: &'a Informers, node: &str) -> BTreeMap<&'a str, Wanted<'a>> {
    let mut found: BTreeMap<&str, Wanted> = BTreeMap::new();
    for pod in informers.of(PODS).by_index(IndexBy::NodeName, node).filter(|pod| !is_done(pod)) {
        for name in volume::claims(pod) {
            let key = meta::object_key(meta::namespace(pod), &name);
            let claim = informers.of(PERSISTENTVOLUMECLAIMS).get(&key);
            let bound = claim.filter(|claim| claim["status"]["phase"].str() == "Bound");
            let volume = bound
                .and_then(|claim| informers.of(PERSISTENTVOLUMES).get(claim["spec"]["volumeName"].str()));
            let Some(attachable) = volume.and_then(Attachable::of) else { continue };
            let driver = informers.of(CSIDRIVERS).get(attachable.driver);
            if driver.is_some_and(|driver| driver["spec"]["attachRequired"].as_bool() == Some(false)) {
                continue;
            }
            let wanted = found.entry(attachable.name()).or_insert(Wanted { attachable, pods: Vec::new() });
            wanted.pods.push(pod);
        }
    }
    found
}

impl Reconcile for AttachDetach {
    fn identity(&self) -> Identity {
        Identity::controller("attachdetach-controller", "controller/persistentvolume-attach-detach")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![PODS, NODES, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, VOLUMEATTACHMENTS, CSIDRIVERS]
    }

    fn indices(&self) -> Vec<(Resource, IndexBy)> {
        vec![(PODS, IndexBy::NodeName)]
    }

    /// A key is a node's name.
    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        let object = change.object();
        if change.resource == PODS {
            let node = object["spec"]["nodeName"].str();
            if !node.is_empty() && volume::claims(object).next().is_some() {
                queue.add(node);
            }
        } else if change.resource == NODES {
            let (old, new) = (&change.old, &change.new);
            let ready = |node: &Value| meta::is_condition_true(node, "Ready");
            let is_same = old["status"]["volumesInUse"] == new["status"]["volumesInUse"]
                && old["status"]["volumesAttached"] == new["status"]["volumesAttached"]
                && old["spec"]["taints"] == new["spec"]["taints"]
                && ready(old) == ready(new);
            if !is_same {
                queue.add(change.key.clone());
            }
        } else if change.resource == VOLUMEATTACHMENTS {
            queue.add(object["spec"]["nodeName"].str());
            if change.new.is_null() {
                self.refused.iter().for_each(|(_, node)| queue.add(node.clone()));
            }
        } else if change.resource == PERSISTENTVOLUMECLAIMS
            && change.old["status"]["phase"] != change.new["status"]["phase"]
        {
            let uses = |pod: &&Value| volume::claims(pod).any(|name| name == meta::name(object));
            for pod in informers.of(PODS).in_namespace(meta::namespace(object)).filter(uses) {
                let node = pod["spec"]["nodeName"].str();
                if !node.is_empty() {
                    queue.add(node);
                }
            }
        }
    }

    /// What is to be detached goes first, so that it is free for another node.
    // Models pkg/controller/volume/attachdetach/reconciler/reconciler.go reconcile
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let wanted = wanted(informers, key);
        let detaching = self.detach_unwanted(cx, informers, key, &wanted)?;
        let attaching = self.attach_wanted(cx, informers, key, &wanted)?;
        Ok([detaching, attaching].into_iter().flatten().min())
    }
}
