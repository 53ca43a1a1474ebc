use super::graph::{FOREGROUND, ORPHAN, has_finalizer, resource_of};
use super::{GarbageCollector, Task};
use api::{PatchType, Resource, Value, meta, tree};
use client::{Cx, Failure};
use std::rc::Rc;

/// Why a strategic merge patch of a custom resource is refused.
const MEDIA_TYPE: &str = "UnsupportedMediaType";

/// How an object's owners are.
#[derive(Default)]
struct Owners {
    /// They are there, and stay or go without waiting for the object.
    solid: usize,
    /// They are gone.
    dangling: Vec<Rc<str>>,
    /// They wait for the object to go.
    waiting: Vec<Rc<str>>,
}

impl GarbageCollector {
    /// Deletes an object if none of its owners is left.
    // Models pkg/controller/garbagecollector/garbagecollector.go attemptToDeleteItem
    pub(super) fn attempt_to_delete(&mut self, cx: &mut Cx, uid: &str) -> Result<(), Failure> {
        let Some(node) = self.graph.get(uid) else { return Ok(()) };
        if node.is_deleting && !node.deletes_dependents {
            return Ok(());
        }
        let Some(resource) = node.resource else { return Ok(()) };
        let (waits, has_dependents) = (node.deletes_dependents, !node.dependents.is_empty());
        let key = node.key.clone();
        let (namespace, name) = meta::split_key(&key);
        let live = match cx.get(resource, namespace, name) {
            Ok(live) if meta::uid(&live) == uid => live,
            Ok(_) => {
                self.forget(cx.at(), uid);
                return Ok(());
            }
            Err(failure) if failure.is_not_found() => {
                self.forget(cx.at(), uid);
                return Ok(());
            }
            Err(failure) => return Err(failure),
        };
        if waits {
            return self.process_deleting_dependents(cx, uid, resource, &live);
        }
        if live["metadata"]["ownerReferences"].is_empty() {
            return Ok(());
        }
        let owners = self.classify(cx, &live)?;
        if owners.solid > 0 {
            let gone: Vec<Rc<str>> = owners.dangling.into_iter().chain(owners.waiting).collect();
            return if gone.is_empty() { Ok(()) } else { remove_owners(cx, resource, &live, &gone) };
        }
        if !owners.waiting.is_empty() && has_dependents {
            if self.has_waiting_dependent(uid) {
                unblock_owners(cx, resource, &live)?;
            }
            return delete(cx, resource, &live, "Foreground");
        }
        let policy = match () {
            () if has_finalizer(&live, ORPHAN) => "Orphan",
            () if has_finalizer(&live, FOREGROUND) => "Foreground",
            () => "Background",
        };
        delete(cx, resource, &live, policy)
    }

    /// Lets an object go whose dependents are gone, or looks at those that are left.
    // Models pkg/controller/garbagecollector/garbagecollector.go processDeletingDependentsItem
    fn process_deleting_dependents(
        &mut self,
        cx: &mut Cx,
        uid: &str,
        resource: Resource,
        live: &Value,
    ) -> Result<(), Failure> {
        let blocking = self.graph.blocking_dependents(uid);
        if blocking.is_empty() {
            return remove_finalizer(cx, resource, live, FOREGROUND);
        }
        let left: Vec<Rc<str>> =
            blocking.into_iter().filter(|(_, node)| !node.deletes_dependents).map(|(uid, _)| uid).collect();
        self.add(cx.at(), Task::Delete, left);
        Ok(())
    }

    fn has_waiting_dependent(&self, uid: &str) -> bool {
        let dependents = self.graph.get(uid).into_iter().flat_map(|node| &node.dependents);
        dependents.filter_map(|uid| self.graph.get(uid)).any(|node| node.deletes_dependents)
    }

    // Models pkg/controller/garbagecollector/garbagecollector.go classifyReferences
    fn classify(&mut self, cx: &mut Cx, object: &Value) -> Result<Owners, Failure> {
        let mut owners = Owners::default();
        for reference in object["metadata"]["ownerReferences"].items() {
            let uid = reference["uid"].text();
            let Some(resource) = resource_of(reference, &self.served) else {
                owners.solid += 1; // of a kind that isn't served nothing is known, so nothing is deleted
                continue;
            };
            if self.absent.contains(&uid) {
                owners.dangling.push(uid);
                continue;
            }
            let namespace = if resource.namespaced { meta::namespace(object) } else { "" };
            match cx.get(resource, namespace, reference["name"].str()) {
                Ok(owner) if *meta::uid(&owner) == *uid => {
                    match meta::is_deleting(&owner) && has_finalizer(&owner, FOREGROUND) {
                        true => owners.waiting.push(uid),
                        false => owners.solid += 1,
                    }
                }
                Err(failure) if !failure.is_not_found() => return Err(failure),
                _ => {
                    self.note_absent(uid.clone());
                    owners.dangling.push(uid);
                }
            }
        }
        Ok(owners)
    }

    /// Frees an owner's dependents and then lets the owner go.
    // Models pkg/controller/garbagecollector/garbagecollector.go attemptToOrphan
    pub(super) fn attempt_to_orphan(&mut self, cx: &mut Cx, uid: &str) -> Result<(), Failure> {
        let Some(node) = self.graph.get(uid) else { return Ok(()) };
        let Some(resource) = node.resource else { return Ok(()) };
        let dependents: Vec<(Resource, Rc<str>, Rc<str>)> = node
            .dependents
            .iter()
            .filter_map(|uid| {
                let node = self.graph.get(uid)?;
                Some((node.resource?, node.key.clone(), uid.clone()))
            })
            .collect();
        let mut failed = None;
        cx.parallel(dependents, |cx, (resource, key, dependent)| {
            let gone = tree!({"$patch": "delete", "uid": uid});
            let patch = tree!({"metadata": {"ownerReferences": [(gone)], "uid": (&dependent)}});
            let name = meta::split_key(&key);
            let result = match cx.patch(resource, name, "", PatchType::StrategicMerge, &patch) {
                Err(failure) if failure.reason() == MEDIA_TYPE => cx
                    .get(resource, name.0, name.1)
                    .and_then(|live| patch_owners(cx, resource, &live, &[uid.into()])),
                result => result.map(drop),
            };
            match result {
                Err(failure) if !failure.is_not_found() && failure.reason() != "Invalid" => {
                    failed = Some(failure)
                }
                _ => {}
            }
        });
        if let Some(failure) = failed {
            return Err(failure);
        }
        let key = self.graph.key_of(uid);
        let (namespace, name) = meta::split_key(&key);
        match cx.get(resource, namespace, name) {
            Ok(live) => remove_finalizer(cx, resource, &live, ORPHAN),
            Err(failure) if failure.is_not_found() => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}

fn delete(cx: &mut Cx, resource: Resource, object: &Value, policy: &str) -> Result<(), Failure> {
    let options = tree!({"preconditions": {"uid": (meta::uid(object))}, "propagationPolicy": policy});
    ignore_gone(cx.delete(resource, meta::namespace(object), meta::name(object), options))
}

fn ignore_gone(result: Result<Value, Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if !failure.is_not_found() => Err(failure),
        _ => Ok(()),
    }
}

fn remove_owners(cx: &mut Cx, resource: Resource, object: &Value, gone: &[Rc<str>]) -> Result<(), Failure> {
    let references: Value = gone.iter().map(|uid| tree!({"$patch": "delete", "uid": uid})).collect();
    let metadata = tree!({"ownerReferences": (references), "uid": (meta::uid(object))});
    match patch(cx, resource, object, metadata) {
        Err(failure) if failure.reason() == MEDIA_TYPE => patch_owners(cx, resource, object, gone),
        result => result,
    }
}

/// Takes owners away where strategic merge patches aren't known, as of custom resources.
// Models pkg/controller/garbagecollector/patch.go deleteOwnerRefJSONMergePatch
fn patch_owners(cx: &mut Cx, resource: Resource, object: &Value, gone: &[Rc<str>]) -> Result<(), Failure> {
    let owners = object["metadata"]["ownerReferences"].items().iter();
    let kept: Value = owners.filter(|owner| !gone.contains(&owner["uid"].text())).cloned().collect();
    merge_owners(cx, resource, object, kept)
}

fn merge_owners(cx: &mut Cx, resource: Resource, object: &Value, owners: Value) -> Result<(), Failure> {
    let version = &object["metadata"]["resourceVersion"];
    let patch = tree!({"metadata": {"resourceVersion": version, "ownerReferences": owners}});
    let name = (meta::namespace(object), meta::name(object));
    ignore_gone(cx.patch(resource, name, "", PatchType::Merge, &patch))
}

fn unblock_owners(cx: &mut Cx, resource: Resource, object: &Value) -> Result<(), Failure> {
    let blocking = object["metadata"]["ownerReferences"].items().iter();
    let blocking = blocking.filter(|reference| reference["blockOwnerDeletion"].is_true());
    let references: Value =
        blocking.map(|reference| tree!({"uid": (&reference["uid"]), "blockOwnerDeletion": false})).collect();
    let metadata = tree!({"ownerReferences": (references), "uid": (meta::uid(object))});
    match patch(cx, resource, object, metadata) {
        Err(failure) if failure.reason() == MEDIA_TYPE => {
            let unblocked = |owner: &Value| {
                let mut owner = owner.clone();
                owner.set(&["blockOwnerDeletion"], false);
                owner
            };
            let owners = object["metadata"]["ownerReferences"].items().iter().map(unblocked).collect();
            merge_owners(cx, resource, object, owners)
        }
        result => result,
    }
}

fn patch(cx: &mut Cx, resource: Resource, object: &Value, metadata: Value) -> Result<(), Failure> {
    let name = (meta::namespace(object), meta::name(object));
    ignore_gone(cx.patch(resource, name, "", PatchType::StrategicMerge, &tree!({"metadata": (metadata)})))
}

fn remove_finalizer(cx: &mut Cx, resource: Resource, object: &Value, finalizer: &str) -> Result<(), Failure> {
    let finalizers = object["metadata"]["finalizers"].items();
    let kept: Vec<Value> = finalizers.iter().filter(|known| known.str() != finalizer).cloned().collect();
    if kept.len() == finalizers.len() {
        return Ok(());
    }
    let metadata = tree!({
        "resourceVersion": (&object["metadata"]["resourceVersion"]),
        "finalizers": (if kept.is_empty() { Value::Null } else { kept.into() }),
    });
    let name = (meta::namespace(object), meta::name(object));
    ignore_gone(cx.patch(resource, name, "", PatchType::Merge, &tree!({"metadata": (metadata)})))
}
