use super::{ATTACH, Driver, Outcome};
use crate::finalizers;
use api::resources::{CSINODES, PERSISTENTVOLUMES, VOLUMEATTACHMENTS};
use api::{PatchType, Value, meta, tree};
use client::{Cx, Informers};

const NODE_ID: &str = "csi.alpha.kubernetes.io/node-id";

impl Driver {
    /// Attaches a volume, or detaches one whose attachment is being deleted.
    // Models github.com/kubernetes-csi/external-attacher pkg/controller/csi_handler.go SyncNewOrUpdatedVolumeAttachment
    pub(super) fn attach(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        key: &str,
        attachment: &Value,
    ) -> Outcome {
        if attachment["spec"]["attacher"].str() != self.model.name {
            return Ok(None);
        }
        let finalizer = self.model.attached;
        let (name, node) = (meta::name(attachment), attachment["spec"]["nodeName"].str());
        if meta::is_deleting(attachment) {
            if !finalizers::has(attachment, finalizer) {
                return Ok(None);
            }
            if let Some(left) = self.wait_for(cx, &format!("detach {name}"), ATTACH) {
                return Ok(Some(left));
            }
            self.running.remove(format!("attach {name}").as_str());
            finalizers::change(cx, VOLUMEATTACHMENTS, attachment, &[], &[finalizer])?;
            return Ok(None);
        }
        if attachment["status"]["attached"].is_true() {
            return Ok(None);
        }
        let volume = attachment["spec"]["source"]["persistentVolumeName"].str();
        let Some(object) = informers.of(PERSISTENTVOLUMES).get(volume).cloned() else {
            return fail(cx, attachment, &format!("persistentvolume {volume:?} not found"))
                .map(|()| Some(self.retry(key)));
        };
        let Some(id) = node_id(informers, self.model.name, node) else {
            let why = format!("CSINode {node} does not contain driver {}", self.model.name);
            fail(cx, attachment, &why)?;
            return Ok(Some(self.retry(key)));
        };
        finalizers::change(cx, PERSISTENTVOLUMES, &object, &[finalizer], &[])?;
        if !finalizers::has(attachment, finalizer) {
            let patch = tree!({"metadata": {"annotations": {NODE_ID: (id)}, "finalizers": [finalizer]}});
            cx.patch(VOLUMEATTACHMENTS, ("", name), "", PatchType::Merge, &patch)?;
        }
        if let Some(left) = self.wait_for(cx, &format!("attach {name}"), ATTACH) {
            return Ok(Some(left));
        }
        let mut patch = tree!({"status": {"attached": true, "attachError": null}});
        if !self.model.told.is_empty() {
            patch.set(&["status", "attachmentMetadata", self.model.told], volume);
        }
        cx.patch(VOLUMEATTACHMENTS, ("", name), "status", PatchType::Merge, &patch)?;
        Ok(None)
    }
}

/// Returns the number by which the cloud knows a node, once the driver runs on it.
fn node_id(informers: &Informers, name: &str, node: &str) -> Option<String> {
    let drivers = informers.of(CSINODES).get(node)?["spec"]["drivers"].items();
    let own = drivers.iter().find(|driver| driver["name"].str() == name)?;
    Some(own["nodeID"].str().to_string())
}

/// Writes down why a volume isn't attached.
fn fail(cx: &mut Cx, attachment: &Value, why: &str) -> Result<(), client::Failure> {
    let error = tree!({"message": why, "time": (cx.at().rfc3339())});
    let patch = tree!({"status": {"attached": false, "attachError": (error)}});
    cx.patch(VOLUMEATTACHMENTS, ("", meta::name(attachment)), "status", PatchType::Merge, &patch).map(|_| ())
}
