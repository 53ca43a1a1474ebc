use super::{Driver, Outcome, SNAPSHOT, StorageAction};
use crate::finalizers;
use crate::snapshots::{BEING_DELETED, CONTENT_FINALIZER, SNAPSHOTCONTENTS};
use api::resources::PERSISTENTVOLUMES;
use api::volume::{self, Attachable};
use api::{PatchType, Value, meta, tree};
use client::{Cx, Informers};
use std::rc::Rc;

/// Returns where the data of a snapshot is.
pub(super) fn storage(driver: &str, handle: &str) -> Rc<str> {
    format!("snapshot:{driver}:{handle}").into()
}

impl Driver {
    /// Takes a snapshot, or removes one.
    // Models github.com/kubernetes-csi/external-snapshotter pkg/sidecar-controller/snapshot_controller.go syncContent
    pub(super) fn snapshot(&mut self, cx: &mut Cx, informers: &Informers, content: &Value) -> Outcome {
        if content["spec"]["driver"].str() != self.model.name {
            return Ok(None);
        }
        let name = meta::name(content);
        let known = content["status"]["snapshotHandle"].str();
        if meta::is_deleting(content) {
            let goes = content["spec"]["deletionPolicy"].str() == "Delete"
                && meta::annotation(content, BEING_DELETED) == "yes";
            if !goes || !finalizers::has(content, CONTENT_FINALIZER) {
                return Ok(None);
            }
            if !known.is_empty() {
                self.actions.push(StorageAction::Remove(storage(self.model.name, known)));
            }
            finalizers::change(cx, SNAPSHOTCONTENTS, content, &[], &[CONTENT_FINALIZER])?;
            return Ok(None);
        }
        if content["status"]["readyToUse"].is_true() {
            return Ok(None);
        }
        let source = content["spec"]["source"]["volumeHandle"].str();
        let given = content["spec"]["source"]["snapshotHandle"].str();
        let handle = match given {
            "" => super::provision::handle(cx, "snapshot", name),
            given => given.to_string(),
        };
        let of = source_of(informers, self.model.name, source);
        let work = format!("snapshot {name}");
        if let Some((from, _)) = &of
            && !self.running.contains_key(work.as_str())
        {
            let from: Rc<str> = from.as_str().into();
            self.actions.push(StorageAction::Copy { from, to: storage(self.model.name, &handle) });
        }
        let began = cx.at();
        if let Some(left) = self.wait_for(cx, &work, SNAPSHOT) {
            let status = tree!({"creationTime": (began.0), "readyToUse": false, "snapshotHandle": (&handle)});
            if content["status"]["snapshotHandle"].is_null() {
                let patch = tree!({"status": (status)});
                cx.patch(SNAPSHOTCONTENTS, ("", name), "status", PatchType::Merge, &patch)?;
            }
            return Ok(Some(left));
        }
        let mut status = tree!({"readyToUse": true, "snapshotHandle": (&handle)});
        if let Some((_, size)) = of {
            status.set(&["restoreSize"], size);
        }
        if content["status"]["creationTime"].is_null() {
            status.set(&["creationTime"], began.0);
        }
        let patch = tree!({"status": (status)});
        cx.patch(SNAPSHOTCONTENTS, ("", name), "status", PatchType::Merge, &patch)?;
        Ok(None)
    }
}

/// Returns where the data of a volume is, and how large it is in bytes.
fn source_of(informers: &Informers, driver: &str, handle: &str) -> Option<(String, i64)> {
    let volumes = informers.of(PERSISTENTVOLUMES).iter().filter_map(Attachable::of);
    let mut own = volumes.filter(|one| one.driver == driver && one.handle == handle);
    let size = |one: &Attachable| volume::bytes(&one.volume["spec"]["capacity"]["storage"]);
    own.next().map(|one| (one.storage(), size(&one)))
}
