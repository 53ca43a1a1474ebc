//! The controller of the driver, with its sidecars.

mod attach;
mod model;
mod provision;
mod resize;
mod snapshot;

use crate::snapshots::SNAPSHOTCONTENTS;
use api::resources::{
    CSINODES, PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES, STORAGECLASSES, VOLUMEATTACHMENTS,
};
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, EventRecorder, Failure, Identity, Informers, Reconcile};
use model::Model;
use sim::{MILLISECOND, MINUTE, Nanos, SECOND, Time};
use std::collections::BTreeMap;
use std::rc::Rc;

/// How long the cloud takes to make or to remove a volume.
const MAKE: (Nanos, Nanos) = (900 * MILLISECOND, 2_200 * MILLISECOND);
/// How long the cloud takes to attach a volume to a machine, or to detach it.
const ATTACH: (Nanos, Nanos) = (1_800 * MILLISECOND, 4_500 * MILLISECOND);
/// How long the cloud takes to make a volume larger.
const GROW: (Nanos, Nanos) = (700 * MILLISECOND, 1_800 * MILLISECOND);
/// How long the cloud takes until a snapshot can be used.
const SNAPSHOT: (Nanos, Nanos) = (2_500 * MILLISECOND, 6_000 * MILLISECOND);
/// After a failure the sidecars wait so long at first, and at most.
const RETRY: (Nanos, Nanos) = (SECOND, 5 * MINUTE);

/// What the driver did to the data in the cloud. A handle is a volume's or a snapshot's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageAction {
    /// What is behind a handle is gone.
    Remove(Rc<str>),
    /// What is behind one handle is from now on behind another too, as it is at this moment.
    Copy {
        /// From where.
        from: Rc<str>,
        /// To where.
        to: Rc<str>,
    },
}

/// The driver's program.
#[derive(Clone, Debug)]
pub struct Driver {
    model: &'static Model,
    /// Where the volumes are that it makes.
    place: Rc<str>,
    identity: Identity,
    provisioner: EventRecorder,
    resizer: EventRecorder,
    /// What the cloud is about, and until when.
    running: BTreeMap<Rc<str>, Time>,
    failures: BTreeMap<Rc<str>, u32>,
    actions: Vec<StorageAction>,
    done: u64,
}

/// What comes of a look: when to look again, or why something failed.
type Outcome = Result<Option<Nanos>, Failure>;

impl Driver {
    /// Makes the program of the controller's pod, as it is when its process starts.
    pub fn new(pod: &Value) -> Driver {
        let (namespace, name) = (meta::namespace(pod), meta::name(pod));
        let account = pod["spec"]["serviceAccountName"].str();
        let model = Model::of(pod);
        let source = format!("{}_{name}_{}", model.name, meta::uid(pod));
        Driver {
            model,
            place: model.place_of(pod).into(),
            identity: Identity::service_account(namespace, account, &format!("{}/{name}", model.agent)),
            provisioner: EventRecorder::new(&source, ""),
            resizer: EventRecorder::new(&format!("external-resizer {}", model.name), ""),
            running: BTreeMap::new(),
            failures: BTreeMap::new(),
            actions: Vec::new(),
            done: 0,
        }
    }

    /// Takes what was done to data since the last call.
    pub fn take_actions(&mut self) -> Vec<StorageAction> {
        std::mem::take(&mut self.actions)
    }

    /// Returns how long the cloud has still to work on something that it began now or before; `None` once it
    /// is through with it.
    fn wait_for(&mut self, cx: &Cx, what: &str, span: (Nanos, Nanos)) -> Option<Nanos> {
        let now = cx.at();
        let done = self.done;
        let until = *self
            .running
            .entry(what.into())
            .or_insert_with(|| now + cx.chance.span("csi", what, done, span.0, span.1));
        if until > now {
            return Some(until - now);
        }
        self.running.remove(what);
        None
    }

    /// Returns when to try again what has failed.
    fn retry(&mut self, key: &str) -> Nanos {
        let failures = self.failures.entry(key.into()).or_insert(0);
        *failures = (*failures + 1).min(20);
        (RETRY.0 << (*failures - 1)).min(RETRY.1)
    }

    fn look(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Outcome {
        let (plural, name) = key.split_once(' ').unwrap_or(("", key));
        match plural {
            "persistentvolumeclaims" => {
                let Some(claim) = informers.of(PERSISTENTVOLUMECLAIMS).get(name).cloned() else {
                    return Ok(None);
                };
                match claim["spec"]["volumeName"].str() {
                    "" => self.provision(cx, informers, key, &claim),
                    _ => self.resize(cx, informers, &claim),
                }
            }
            "persistentvolumes" => {
                let volume = informers.of(PERSISTENTVOLUMES).get(name).cloned();
                volume.map_or(Ok(None), |volume| self.delete(cx, informers, key, &volume))
            }
            "volumeattachments" => {
                let attachment = informers.of(VOLUMEATTACHMENTS).get(name).cloned();
                attachment.map_or(Ok(None), |attachment| self.attach(cx, informers, key, &attachment))
            }
            "volumesnapshotcontents" => {
                let content = informers.of(SNAPSHOTCONTENTS).get(name).cloned();
                content.map_or(Ok(None), |content| self.snapshot(cx, informers, &content))
            }
            _ => Ok(None),
        }
    }
}

impl Reconcile for Driver {
    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn resources(&self) -> Vec<Resource> {
        vec![
            PERSISTENTVOLUMECLAIMS,
            PERSISTENTVOLUMES,
            VOLUMEATTACHMENTS,
            SNAPSHOTCONTENTS,
            STORAGECLASSES,
            CSINODES,
        ]
    }

    /// A key is a plural and an object's key.
    fn enqueue(&mut self, change: &Change, _informers: &Informers, queue: &mut Enqueue) {
        if change.resource == STORAGECLASSES || change.resource == CSINODES {
            return;
        }
        if !change.new.is_null() {
            queue.add(format!("{} {}", change.resource.plural, change.key));
        } else if change.resource == VOLUMEATTACHMENTS {
            let volume = change.old["spec"]["source"]["persistentVolumeName"].str();
            queue.add(format!("{} {volume}", PERSISTENTVOLUMES.plural));
        }
    }

    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Outcome {
        self.done += 1;
        let again = self.look(cx, informers, key)?;
        if again.is_none() {
            self.failures.remove(key);
        }
        Ok(again)
    }
}
