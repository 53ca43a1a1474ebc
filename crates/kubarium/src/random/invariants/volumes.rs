use super::Broken;
use crate::random::scene::{Scene, is_done, title};
use api::{Value, meta};
use std::collections::BTreeMap;

fn has_mode(object: &Value, mode: &str) -> bool {
    object["spec"]["accessModes"].items().iter().any(|one| one.str() == mode)
}

pub(super) fn no_two_claims_have_one_volume(scene: &Scene, broken: &mut Broken) {
    let mut seen: BTreeMap<&str, &Value> = BTreeMap::new();
    let bound = |claim: &&Value| claim["status"]["phase"].str() == "Bound";
    for claim in scene.all("PersistentVolumeClaim").iter().filter(bound) {
        let volume = claim["spec"]["volumeName"].str();
        if let Some(other) = seen.insert(volume, claim) {
            broken.push((title(claim), format!("has {volume}, as {} has", meta::key(other))));
        }
    }
}

pub(super) fn claims_and_volumes_agree(scene: &Scene, broken: &mut Broken) {
    let bound = |object: &&Value| object["status"]["phase"].str() == "Bound";
    for claim in scene.all("PersistentVolumeClaim").iter().filter(bound) {
        let volume = scene.find("PersistentVolume", "", claim["spec"]["volumeName"].str());
        if volume.is_none_or(|volume| volume["spec"]["claimRef"]["uid"].str() != meta::uid(claim)) {
            broken.push((title(claim), "is Bound to a volume that isn't its own".to_string()));
        }
    }
    for volume in scene.all("PersistentVolume").iter().filter(bound) {
        let uid = volume["spec"]["claimRef"]["uid"].str();
        if !scene.all("PersistentVolumeClaim").iter().any(|claim| meta::uid(claim) == uid) {
            broken.push((title(volume), "is Bound to a claim that is gone".to_string()));
        }
    }
}

pub(super) fn a_volume_for_one_node_is_attached_once(scene: &Scene, broken: &mut Broken) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for attachment in scene.all("VolumeAttachment") {
        let name = attachment["spec"]["source"]["persistentVolumeName"].str();
        let node = attachment["spec"]["nodeName"].str();
        let Some(volume) = scene.find("PersistentVolume", "", name) else { continue };
        if has_mode(volume, "ReadWriteMany") || has_mode(volume, "ReadOnlyMany") {
            continue;
        }
        if let Some(other) = seen.insert(name, node).filter(|other| *other != node) {
            broken.push((title(volume), format!("is attached to {other} and to {node}")));
        }
    }
}

pub(super) fn a_volume_for_one_pod_has_one(scene: &Scene, broken: &mut Broken) {
    let one_pod = |claim: &&Value| has_mode(claim, "ReadWriteOncePod");
    for claim in scene.all("PersistentVolumeClaim").iter().filter(one_pod) {
        let uses = |pod: &&Value| {
            let volumes = pod["spec"]["volumes"].items().iter();
            let mut claims = volumes.map(|volume| volume["persistentVolumeClaim"]["claimName"].str());
            meta::namespace(pod) == meta::namespace(claim)
                && !is_done(pod)
                && !pod["spec"]["nodeName"].str().is_empty()
                && claims.any(|name| name == meta::name(claim))
        };
        let pods: Vec<String> = scene.all("Pod").iter().filter(uses).map(title).collect();
        if pods.len() > 1 {
            broken.push((title(claim), format!("is for one pod, and used by {}", pods.join(", "))));
        }
    }
}
