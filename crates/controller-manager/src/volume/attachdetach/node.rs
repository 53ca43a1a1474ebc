use super::{ATTACH_TIMEOUT, AttachDetach, MAX_WAIT_FOR_UNMOUNT, Place, Wanted};
use crate::taints::OUT_OF_SERVICE;
use api::resources::{NODES, VOLUMEATTACHMENTS};
use api::volume::Attachable;
use api::{PatchType, Value, meta, tree};
use client::{Cx, Failure, Informers};
use sha2::{Digest, Sha256};
use sim::Nanos;
use std::collections::BTreeMap;

fn volume_of(attachment: &Value) -> &str {
    attachment["spec"]["source"]["persistentVolumeName"].str()
}

fn on_node<'a>(informers: &'a Informers, node: &'a str) -> impl Iterator<Item = &'a Value> {
    let all = informers.of(VOLUMEATTACHMENTS).iter();
    all.filter(move |attachment| attachment["spec"]["nodeName"].str() == node)
}

fn is_attached(attachment: &Value) -> bool {
    attachment["status"]["attached"].is_true()
}

impl AttachDetach {
    /// Detaches what no pod on a node wants any more. Returns when to look again.
    pub(super) fn detach_unwanted(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        node: &str,
        wanted: &BTreeMap<&str, Wanted>,
    ) -> Result<Option<Nanos>, Failure> {
        let mut again: Option<Nanos> = None;
        let there: Vec<&Value> = on_node(informers, node).collect();
        self.unwanted
            .retain(|(volume, of), _| &**of != node || there.iter().any(|one| volume_of(one) == &**volume));
        for attachment in there {
            let volume = volume_of(attachment);
            let place: Place = (volume.into(), node.into());
            if wanted.contains_key(volume) {
                self.unwanted.remove(&place);
                continue;
            }
            if meta::is_deleting(attachment) {
                continue;
            }
            let now = cx.at();
            let waited = now - *self.unwanted.entry(place).or_insert(now);
            let object = informers.of(NODES).get(node);
            let unique = object.and_then(|_| unique_name(informers, volume));
            let in_use =
                object.zip(unique.as_deref()).is_some_and(|(object, unique)| is_in_use(object, unique));
            if in_use && !object.is_some_and(is_out_of_service) {
                let healthy = object.is_some_and(|object| meta::is_condition_true(object, "Ready"));
                if healthy || waited < MAX_WAIT_FOR_UNMOUNT {
                    let left = (MAX_WAIT_FOR_UNMOUNT - waited).max(MAX_WAIT_FOR_UNMOUNT / 36);
                    again = Some(again.map_or(left, |again| again.min(left)));
                    continue;
                }
            }
            if let Some((object, unique)) = object.zip(unique.as_deref()) {
                report(cx, object, unique, Report::Detached)?;
            }
            match cx.delete(VOLUMEATTACHMENTS, "", meta::name(attachment), Value::Null) {
                Err(failure) if !failure.is_not_found() => return Err(failure),
                _ => {}
            }
        }
        Ok(again)
    }

    /// Attaches what pods on a node want. Returns when to look again.
    // Models pkg/controller/volume/attachdetach/reconciler/reconciler.go attachDesiredVolumes
    pub(super) fn attach_wanted(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        node: &str,
        volumes: &BTreeMap<&str, Wanted>,
    ) -> Result<Option<Nanos>, Failure> {
        self.refused.retain(|(volume, of)| &**of != node || volumes.contains_key(&**volume));
        let mut again: Option<Nanos> = None;
        for (name, wanted) in volumes {
            let known = on_node(informers, node).find(|attachment| volume_of(attachment) == *name);
            let Some(attachment) = known else {
                if !self.is_refused(cx, informers, node, wanted) {
                    create(cx, node, &wanted.attachable)?;
                    again = Some(again.map_or(ATTACH_TIMEOUT, |again| again.min(ATTACH_TIMEOUT)));
                }
                continue;
            };
            if is_attached(attachment) {
                self.attached(cx, informers, node, wanted)?;
            } else if !meta::is_deleting(attachment)
                && let Some(left) = self.tell_failure(cx, attachment, wanted)
            {
                again = Some(again.map_or(left, |again| again.min(left)));
            }
        }
        Ok(again)
    }

    /// Returns whether another node has a volume that only one may have; that is told once.
    // Models pkg/controller/volume/attachdetach/reconciler/reconciler.go reportMultiAttachError
    fn is_refused(&mut self, cx: &mut Cx, informers: &Informers, node: &str, wanted: &Wanted) -> bool {
        let name = wanted.attachable.name();
        let place: Place = (name.into(), node.into());
        let all = informers.of(VOLUMEATTACHMENTS).iter();
        let others: Vec<&str> = all
            .filter(|one| volume_of(one) == name && one["spec"]["nodeName"].str() != node)
            .map(|one| one["spec"]["nodeName"].str())
            .collect();
        if others.is_empty() || wanted.attachable.is_for_many_nodes() {
            self.refused.remove(&place);
            return false;
        }
        if !self.refused.insert(place) {
            return true;
        }
        let mut users: Vec<(String, String)> = Vec::new();
        for other in others {
            let there = super::wanted(informers, other);
            let pods = there.get(name).map_or(&[][..], |wanted| wanted.pods.as_slice());
            users.extend(
                pods.iter().map(|pod| (meta::namespace(pod).to_string(), meta::name(pod).to_string())),
            );
        }
        for pod in &wanted.pods {
            let message = format!("Multi-Attach error for volume {name:?} {}", used_by(&users, pod));
            self.recorder.event(cx, pod, "Warning", "FailedAttachVolume", &message);
        }
        true
    }

    /// Tells that a volume is attached, and the node's kubelet by the node's status.
    // Models pkg/volume/util/operationexecutor/operation_generator.go GenerateAttachVolumeFunc
    fn attached(
        &mut self,
        cx: &mut Cx,
        informers: &Informers,
        node: &str,
        wanted: &Wanted,
    ) -> Result<(), Failure> {
        let unique = wanted.attachable.unique_name();
        let Some(object) = informers.of(NODES).get(node).filter(|node| !is_reported(node, &unique)) else {
            return Ok(());
        };
        let message = format!("AttachVolume.Attach succeeded for volume {:?} ", wanted.attachable.name());
        for pod in &wanted.pods {
            self.recorder.event(cx, pod, "Normal", "SuccessfulAttachVolume", &message);
        }
        report(cx, object, &unique, Report::Attached)
    }

    /// Tells why a volume isn't attached, each failure once. Returns when to look again.
    fn tell_failure(&mut self, cx: &mut Cx, attachment: &Value, wanted: &Wanted) -> Option<Nanos> {
        let error = &attachment["status"]["attachError"];
        let waited = meta::created(attachment).map_or(0, |created| cx.at() - created);
        let (stamp, why) = if !error.is_null() {
            (
                format!("{} {}", error["time"].str(), error["message"].str()),
                error["message"].str().to_string(),
            )
        } else if waited >= ATTACH_TIMEOUT {
            let why = format!(
                "timed out waiting for external-attacher of {} CSI driver to attach volume {}",
                wanted.attachable.driver, wanted.attachable.handle
            );
            ((waited / ATTACH_TIMEOUT).to_string(), why)
        } else {
            return Some(ATTACH_TIMEOUT - waited);
        };
        let told = self.failed.insert(meta::name(attachment).into(), stamp.as_str().into());
        if told.as_deref() != Some(stamp.as_str()) {
            let name = wanted.attachable.name();
            let message = format!("AttachVolume.Attach failed for volume {name:?} : {why}");
            for pod in &wanted.pods {
                self.recorder.event(cx, pod, "Warning", "FailedAttachVolume", &message);
            }
        }
        Some(ATTACH_TIMEOUT)
    }
}

/// Returns who has a volume, as a pod that waits for it is told.
fn used_by(users: &[(String, String)], pod: &Value) -> String {
    let near: Vec<&str> = users
        .iter()
        .filter(|(namespace, _)| namespace == meta::namespace(pod))
        .map(|(_, name)| name.as_str())
        .collect();
    let far = users.len() - near.len();
    if users.is_empty() {
        "Volume is already exclusively attached to one node and can't be attached to another".to_string()
    } else if near.is_empty() {
        format!("Volume is already used by {far} pod(s) in different namespaces")
    } else if far > 0 {
        format!(
            "Volume is already used by pod(s) {} and {far} pod(s) in different namespaces",
            near.join(", ")
        )
    } else {
        format!("Volume is already used by pod(s) {}", near.join(", "))
    }
}

/// Returns the name of the attachment of a volume to a node.
// Models pkg/volume/csi/csi_attacher.go getAttachmentName
fn attachment_name(attachable: &Attachable, node: &str) -> String {
    let digest = Sha256::digest(format!("{}{}{node}", attachable.handle, attachable.driver));
    digest.iter().fold("csi-".to_string(), |name, byte| name + &format!("{byte:02x}"))
}

// Models pkg/volume/csi/csi_attacher.go Attach
fn create(cx: &mut Cx, node: &str, attachable: &Attachable) -> Result<(), Failure> {
    let attachment = tree!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": {"name": (attachment_name(attachable, node))},
        "spec": {
            "attacher": (attachable.driver),
            "nodeName": node,
            "source": {"persistentVolumeName": (attachable.name())},
        },
    });
    match cx.create(VOLUMEATTACHMENTS, &attachment) {
        Err(failure) if !failure.is_already_exists() => Err(failure),
        _ => Ok(()),
    }
}

/// Returns a volume's name in the status of nodes; `None` where the volume is gone.
fn unique_name(informers: &Informers, volume: &str) -> Option<String> {
    let volume = informers.of(api::resources::PERSISTENTVOLUMES).get(volume)?;
    Attachable::of(volume).map(|attachable| attachable.unique_name())
}

fn is_in_use(node: &Value, unique: &str) -> bool {
    node["status"]["volumesInUse"].items().iter().any(|name| name.str() == unique)
}

fn is_reported(node: &Value, unique: &str) -> bool {
    node["status"]["volumesAttached"].items().iter().any(|one| one["name"].str() == unique)
}

fn is_out_of_service(node: &Value) -> bool {
    node["spec"]["taints"].items().iter().any(|taint| taint["key"].str() == OUT_OF_SERVICE)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Report {
    Attached,
    Detached,
}

/// Writes into a node's status whether a volume is attached to it, where it says otherwise.
// Models pkg/controller/volume/attachdetach/statusupdater/node_status_updater.go
fn report(cx: &mut Cx, node: &Value, unique: &str, what: Report) -> Result<(), Failure> {
    if is_reported(node, unique) == (what == Report::Attached) {
        return Ok(());
    }
    let name = meta::name(node);
    let fresh = match cx.get(NODES, "", name) {
        Err(failure) if failure.is_not_found() => return Ok(()),
        fresh => fresh?,
    };
    let mut list: Vec<Value> = fresh["status"]["volumesAttached"].items().to_vec();
    list.retain(|one| one["name"].str() != unique);
    if what == Report::Attached {
        list.push(tree!({"name": unique, "devicePath": ""}));
        list.sort_by(|one, other| one["name"].str().cmp(other["name"].str()));
    }
    let list: Value = if list.is_empty() { Value::Null } else { list.into() };
    let patch = tree!({"status": {"volumesAttached": (list)}});
    cx.patch(NODES, ("", name), "status", PatchType::Merge, &patch).map(|_| ())
}
