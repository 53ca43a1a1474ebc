//! delete and deletecollection.
// Models staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go Delete

use super::Call;
use crate::admission::{Operation, Write};
use crate::fields::Selection;
use crate::registry::GarbageCollection;
use crate::server::ApiServer;
use crate::status;
use api::{Accept, FieldError, Response, Status, Value, meta, tree};
use etcd::Expect;
use sim::SECOND;

/// How an object is to be deleted (`metav1.DeleteOptions`).
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_period_seconds: Option<i64>,
    propagation: Option<Propagation>,
    uid: String,
    pub(super) resource_version: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Propagation {
    Orphan,
    Background,
    Foreground,
}

impl DeleteOptions {
    /// Reads the options of the query and of a body, which goes before.
    ///
    /// # Errors
    /// Invalid where there is no such policy.
    // Models staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go ValidateDeleteOptions
    pub(crate) fn of(call: &Call, body: &Value) -> Result<DeleteOptions, Status> {
        let request = call.request;
        let grace = body["gracePeriodSeconds"].as_int();
        let policy = match body["propagationPolicy"].str() {
            "" => request.param("propagationPolicy"),
            policy => policy,
        };
        let propagation = match policy {
            "" => match body["orphanDependents"].as_bool() {
                Some(true) => Some(Propagation::Orphan),
                Some(false) => Some(Propagation::Background),
                None => None,
            },
            "Orphan" => Some(Propagation::Orphan),
            "Background" => Some(Propagation::Background),
            "Foreground" => Some(Propagation::Foreground),
            other => {
                let supported = ["Foreground", "Background", "Orphan", "nil"];
                let error = FieldError::not_supported("propagationPolicy", other, &supported);
                return Err(Status::invalid("DeleteOptions.meta.k8s.io", "", &[error]));
            }
        };
        let preconditions = &body["preconditions"];
        Ok(DeleteOptions {
            grace_period_seconds: grace.or_else(|| request.param("gracePeriodSeconds").parse().ok()),
            propagation,
            uid: preconditions["uid"].str().to_string(),
            resource_version: preconditions["resourceVersion"].str().to_string(),
        })
    }
}

impl ApiServer {
    /// Deletes one object.
    pub(crate) fn delete(&mut self, call: &mut Call) -> Result<Response, Status> {
        let body = call.request.body.clone();
        call.dry_run |= body["dryRun"].items().iter().any(|item| item.str() == "All");
        let options = DeleteOptions::of(call, &body)?;
        self.admit_operation(call, Operation::Delete)?;
        self.delete_object(call, &options)
    }

    /// Deletes the objects of a collection.
    // Models staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go DeleteCollection
    pub(crate) fn delete_collection(&mut self, call: &mut Call) -> Result<Response, Status> {
        let body = call.request.body.clone();
        call.dry_run |= body["dryRun"].items().iter().any(|item| item.str() == "All");
        let options = DeleteOptions::of(call, &body)?;
        let selection = Selection::of(call.request, call.rest)?;
        let objects = self.selected(call, &selection);
        for object in &objects {
            let (namespace, name) =
                (object["metadata"]["namespace"].text(), object["metadata"]["name"].text());
            let mut one = call.about(call.rest, &namespace, &name);
            self.admit_operation(&one, Operation::Delete)?;
            match self.delete_object(&mut one, &options) {
                Err(status) if status.code != 404 => return Err(status),
                _ => {}
            }
        }
        let kind = format!("{}List", call.rest.kind.kind);
        let metadata = tree!({"resourceVersion": (self.store.revision().to_string())});
        let version = call.rest.api_version.as_str();
        Ok(Response::new(
            200,
            tree!({"kind": kind, "apiVersion": version, "metadata": metadata, "items": objects}),
        ))
    }

    /// Deletes an object, at once or by and by.
    pub(crate) fn delete_object(
        &mut self,
        call: &mut Call,
        options: &DeleteOptions,
    ) -> Result<Response, Status> {
        let key = call.key();
        let old = self.store.get(&key).ok_or_else(|| call.not_found())?.value.clone();
        check_preconditions(call, options, &old)?;
        self.ask_policies(call, &Write { operation: Operation::Delete, new: &Value::Null, old: &old })?;
        if call.rest.is_group("", "namespaces") {
            return self.delete_namespace(call, &key, &old);
        }
        if call.rest.is_group("apiextensions.k8s.io", "customresourcedefinitions") && !meta::is_deleting(&old)
        {
            return self.delete_definition(call, &key, &old);
        }
        let mut new = old.clone();
        let plan = begin_deletion(call, options, &mut new);
        if plan == Plan::UnderWay {
            return Ok(call.answer(200, old));
        }
        set_finalizers(call, options, &mut new);
        let waits = !new["metadata"]["finalizers"].items().is_empty();
        let graceful = matches!(plan, Plan::Graceful(_));
        if waits && !graceful && !meta::is_deleting(&new) {
            mark_deleting(call, &mut new, 0);
        }
        if call.dry_run {
            return Ok(self.deleted(call, &new));
        }
        if (graceful || waits) && new != old {
            new = self.write(call.rest, &key, new, Expect::Any).map_err(|_| call.not_found())?;
        }
        if waits || matches!(plan, Plan::Graceful(seconds) if seconds > 0) {
            return Ok(call.answer(200, new));
        }
        let last = self.erase(call.rest, &key, &new);
        Ok(self.deleted(call, &last))
    }

    /// Answers for an object that is gone.
    fn deleted(&self, call: &Call, object: &Value) -> Response {
        if call.rest.strategy.returns_deleted && call.request.accept == Accept::Object {
            return call.answer(200, object.clone());
        }
        let mut details = tree!({
            "name": (meta::name(object)),
            "kind": (call.rest.kind.plural),
            "uid": (meta::uid(object)),
        });
        if !call.rest.kind.group.is_empty() {
            details.set(&["group"], call.rest.kind.group);
        }
        Response::new(200, status::success(200, details))
    }

    /// Marks a namespace; its controller empties it and then takes its finalizer away.
    // Models pkg/registry/core/namespace/storage/storage.go Delete
    fn delete_namespace(&mut self, call: &mut Call, key: &str, old: &Value) -> Result<Response, Status> {
        if !meta::is_deleting(old) {
            let mut new = old.clone();
            mark_deleting(call, &mut new, 0);
            new.remove(&["metadata", "deletionGracePeriodSeconds"]);
            new.set(&["status", "phase"], "Terminating");
            if call.dry_run {
                return Ok(call.answer(200, new));
            }
            let new = self.write(call.rest, key, new, Expect::Any).map_err(|_| call.not_found())?;
            return Ok(call.answer(200, new));
        }
        let waits = !old["spec"]["finalizers"].items().is_empty()
            || !old["metadata"]["finalizers"].items().is_empty();
        if waits {
            let why = "The system is ensuring all content is removed from this namespace.  Upon completion, this \
                       namespace will automatically be purged by the system.";
            return Err(Status::conflict("namespaces", call.name, why));
        }
        if !call.dry_run {
            self.erase(call.rest, key, old);
        }
        Ok(call.answer(200, old.clone()))
    }
}

impl ApiServer {
    /// Marks a definition; its controller deletes the objects and then takes its finalizer away.
    // Models staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition/etcd.go Delete
    fn delete_definition(&mut self, call: &mut Call, key: &str, old: &Value) -> Result<Response, Status> {
        const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";
        let mut new = old.clone();
        new.set(&["metadata", "deletionTimestamp"], call.now.rfc3339());
        if !new["metadata"]["finalizers"].items().iter().any(|name| name.str() == FINALIZER) {
            new.at_mut(&["metadata", "finalizers"]).list_mut().push(FINALIZER.into());
        }
        let condition = tree!({
            "type": "Terminating",
            "status": "True",
            "reason": "InstanceDeletionPending",
            "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
            "lastTransitionTime": (call.now.rfc3339()),
        });
        new.at_mut(&["status", "conditions"]).list_mut().push(condition);
        if !call.dry_run {
            new = self.write(call.rest, key, new, Expect::Any).map_err(|_| call.not_found())?;
        }
        Ok(call.answer(200, new))
    }
}

pub(super) fn check_preconditions(call: &Call, options: &DeleteOptions, old: &Value) -> Result<(), Status> {
    let conflict = |why: String| Status::conflict(&call.rest.group_resource, call.name, &why);
    let uid = meta::uid(old);
    if !options.uid.is_empty() && options.uid != uid {
        return Err(conflict(format!(
            "the UID in the precondition ({}) does not match the UID in record ({uid}). The object might have been \
             deleted and then recreated",
            options.uid
        )));
    }
    let version = old["metadata"]["resourceVersion"].str();
    if !options.resource_version.is_empty() && options.resource_version != version {
        return Err(conflict(format!(
            "the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record ({version}). \
             The object might have been modified",
            options.resource_version
        )));
    }
    Ok(())
}

/// How a deletion goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Somebody must finish it within so many seconds; 0 ends it now, after one more write.
    Graceful(i64),
    /// It was begun before, and nothing is to be changed.
    UnderWay,
    /// The object needs no time.
    Immediate,
}

// Models staging/src/k8s.io/apiserver/pkg/registry/rest/delete.go BeforeDelete
fn begin_deletion(call: &Call, options: &DeleteOptions, object: &mut Value) -> Plan {
    if !call.rest.is_pods() {
        return Plan::Immediate;
    }
    let wanted = grace_period(options, object);
    let Some(deletion) = meta::time(&object["metadata"]["deletionTimestamp"]) else {
        mark_deleting(call, object, wanted);
        return Plan::Graceful(wanted);
    };
    let before = object["metadata"]["deletionGracePeriodSeconds"].int();
    // Who deletes again may only hurry it.
    if options.grace_period_seconds.is_none() || wanted >= before {
        if before == 0 && object["metadata"]["finalizers"].items().is_empty() {
            return Plan::Immediate;
        }
        return Plan::UnderWay;
    }
    let sooner = deletion + before.saturating_sub(wanted).saturating_mul(-SECOND);
    object.set(&["metadata", "deletionTimestamp"], sooner.rfc3339());
    object.set(&["metadata", "deletionGracePeriodSeconds"], wanted);
    Plan::Graceful(wanted)
}

// Models pkg/registry/core/pod/strategy.go CheckGracefulDelete
fn grace_period(options: &DeleteOptions, pod: &Value) -> i64 {
    let spec = &pod["spec"];
    let period = options.grace_period_seconds.unwrap_or(spec["terminationGracePeriodSeconds"].int());
    let unscheduled = spec["nodeName"].str().is_empty();
    let terminated = matches!(pod["status"]["phase"].str(), "Succeeded" | "Failed");
    if unscheduled || terminated {
        0
    } else if period < 0 {
        1
    } else {
        period
    }
}

fn mark_deleting(call: &Call, object: &mut Value, grace_seconds: i64) {
    let at = call.now + grace_seconds.saturating_mul(SECOND);
    object.set(&["metadata", "deletionTimestamp"], at.rfc3339());
    object.set(&["metadata", "deletionGracePeriodSeconds"], grace_seconds);
    let generation = meta::generation(object);
    if generation > 0 {
        object.set(&["metadata", "generation"], generation + 1);
    }
}

/// Sets or takes away the garbage collector's finalizers.
// Models staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go deletionFinalizersForGarbageCollection
fn set_finalizers(call: &Call, options: &DeleteOptions, object: &mut Value) {
    const ORPHAN: &str = "orphan";
    const FOREGROUND: &str = "foregroundDeletion";
    let has = |name: &str| object["metadata"]["finalizers"].items().iter().any(|item| item.str() == name);
    let default = call.rest.strategy.dependents;
    if default == GarbageCollection::Unsupported {
        return;
    }
    let (orphan, foreground) = match options.propagation {
        Some(policy) => (policy == Propagation::Orphan, policy == Propagation::Foreground),
        None if has(ORPHAN) => (true, false),
        None if has(FOREGROUND) => (false, true),
        None => (default == GarbageCollection::Orphan, false),
    };
    if has(ORPHAN) == orphan && has(FOREGROUND) == foreground {
        return;
    }
    let finalizers = object["metadata"]["finalizers"].clone();
    let mut kept: Vec<Value> = finalizers
        .items()
        .iter()
        .filter(|item| ![ORPHAN, FOREGROUND].contains(&item.str()))
        .cloned()
        .collect();
    if orphan {
        kept.push(ORPHAN.into());
    }
    if foreground {
        kept.push(FOREGROUND.into());
    }
    if kept.is_empty() {
        object.remove(&["metadata", "finalizers"]);
    } else {
        object.set(&["metadata", "finalizers"], kept);
    }
}
