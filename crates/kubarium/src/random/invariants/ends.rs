use super::Broken;
use crate::random::scene::{Scene, is_done, title};
use api::quantity::Quantity;
use api::{Value, meta};
use std::collections::BTreeSet;

fn owners(object: &Value) -> &[Value] {
    object["metadata"]["ownerReferences"].items()
}

pub(super) fn owners_are_there(scene: &Scene, broken: &mut Broken) {
    let there: BTreeSet<&str> = scene.objects().map(meta::uid).collect();
    // A mirror pod's owner is its node, and pods of dead machines go when the machine is back.
    let concerned = scene.objects().filter(|object| !owners(object).is_empty() && !waits(scene, object));
    for object in concerned {
        if !owners(object).iter().any(|owner| there.contains(owner["uid"].str())) {
            let names: Vec<&str> = owners(object).iter().map(|owner| owner["name"].str()).collect();
            broken.push((title(object), format!("its owner {} is gone", names.join(", "))));
        }
    }
}

/// Returns whether an object can't go yet: its machine is off, or somebody's finalizer holds it.
fn waits(scene: &Scene, object: &Value) -> bool {
    let held = !object["metadata"]["finalizers"].is_empty();
    meta::is_deleting(object) && (held || scene.is_off(object["spec"]["nodeName"].str()))
}

pub(super) fn a_namespace_is_there(scene: &Scene, broken: &mut Broken) {
    let there: BTreeSet<&str> = scene.all("Namespace").iter().map(meta::name).collect();
    let namespaced = scene.objects().filter(|object| !meta::namespace(object).is_empty());
    // Events of a namespace's end are written to where it was or to `default`.
    for object in namespaced.filter(|object| !there.contains(meta::namespace(object))) {
        broken.push((title(object), "its namespace is gone".to_string()));
    }
}

pub(super) fn what_is_deleted_goes(scene: &Scene, broken: &mut Broken) {
    for object in scene.objects().filter(|object| meta::is_deleting(object)) {
        let finalizers = object["metadata"]["finalizers"].items();
        let collected = |one: &Value| matches!(one.str(), "foregroundDeletion" | "orphan");
        let depends = |one: &&Value| owners(one).iter().any(|owner| owner["uid"].str() == meta::uid(object));
        let only_collected = !finalizers.is_empty() && finalizers.iter().all(collected);
        if only_collected && !scene.objects().any(|one| depends(&one)) {
            broken.push((title(object), "nothing depends on it, and it is still being deleted".to_string()));
        }
    }
    for namespace in scene.all("Namespace").iter().filter(|one| meta::is_deleting(one)) {
        let mut inside = scene.objects().filter(|one| meta::namespace(one) == meta::name(namespace));
        if inside.all(|one| !waits(scene, one)) {
            broken.push((title(namespace), "nothing in it waits, and it is still Terminating".to_string()));
        }
    }
}

pub(super) fn events_are_of_what_was(scene: &Scene, broken: &mut Broken) {
    for event in scene.all("Event") {
        let core = &event["involvedObject"];
        let object = if core.is_null() { &event["regarding"] } else { core };
        // Those about nodes carry the node's name, as upstream's kubelets and controllers write it.
        let uid = object["uid"].str();
        if object["kind"].str() == "Node" || uid.is_empty() || scene.existed.contains(uid) {
            continue;
        }
        let of = format!("{} {}", object["kind"].str(), object["name"].str());
        broken.push((title(event), format!("is about {of} ({uid}), which never was")));
    }
}

pub(super) fn quotas_are_true(scene: &Scene, broken: &mut Broken) {
    for quota in scene.all("ResourceQuota") {
        let namespace = meta::namespace(quota);
        let pods = scene.all("Pod").iter().filter(|pod| meta::namespace(pod) == namespace && !is_done(pod));
        let services = scene.all("Service").iter().filter(|one| meta::namespace(one) == namespace);
        for (name, count) in [("pods", pods.count()), ("count/services", services.count())] {
            let used = &quota["status"]["used"][name];
            let said = Quantity::from_value(used).map(Quantity::value);
            if !used.is_null() && said != Ok(i64::try_from(count).unwrap_or(i64::MAX)) {
                broken.push((title(quota), format!("{name}: {count} there, {} said", used.str())));
            }
        }
    }
}
