//! update, and what a patch ends in.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/update.go

use super::Call;
use crate::admission::{Operation, Write};
use crate::decode;
use crate::managed_fields;
use crate::registry::service::{Allocators, For};
use crate::resources::Rest;
use crate::server::ApiServer;
use crate::status;
use crate::validation::{Errors, certificates, semantic_equal};
use api::{FieldError, Response, Status, Value, meta};
use etcd::Expect;
use sim::Time;

const LOCK_MESSAGE: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

/// Which part of an object a write is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All but the status.
    Main,
    /// The status.
    Status,
    /// A namespace's finalizers.
    Finalize,
    /// A pod's ephemeral containers.
    EphemeralContainers,
    /// The resources of a pod's containers.
    Resize,
    /// Whether a CertificateSigningRequest is approved or denied.
    Approval,
}

impl ApiServer {
    /// Replaces an object by the one of the body.
    pub(crate) fn update_from_body(&mut self, call: &mut Call, scope: Scope) -> Result<Response, Status> {
        let body = call.request.body.clone();
        let stored = self.store.get(&call.key()).map_or(Value::Null, |entry| entry.value.clone());
        let object = decode::object(call, &body, &stored)?;
        let name = meta::name(&object);
        if name.is_empty() || name != call.name {
            let message =
                format!("the name of the object ({name}) does not match the name on the URL ({})", call.name);
            return Err(Status::bad_request(message));
        }
        self.admit_operation(call, Operation::Update)?;
        if stored.is_null() && call.rest.strategy.create_on_update && scope == Scope::Main {
            let mut object = object;
            object.remove(&["metadata", "resourceVersion"]);
            let object = self.create(call, object)?;
            return Ok(call.answer(201, object));
        }
        let object = self.update(call, scope, object)?;
        Ok(call.answer(200, object))
    }

    /// Replaces an object and returns it as it is stored.
    // Models staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go Update
    pub(crate) fn update(&mut self, call: &mut Call, scope: Scope, mut new: Value) -> Result<Value, Status> {
        let rest = call.rest;
        let key = call.key();
        let old = rest.read_custom(self.store.get(&key).ok_or_else(|| call.not_found())?.value.clone());
        self.check_versions(call, &new, &old)?;
        fill_from_old(rest, call, &mut new, &old)?;
        if let Some(writing) = rest.writing(scope, &old) {
            writing.prepare_update(&mut new);
        } else {
            keep_other_parts(rest, scope, &mut new, &old);
            let is_request = rest.kind.plural == "certificatesigningrequests";
            if scope == Scope::Approval || scope == Scope::Status && is_request {
                stamp_conditions(&mut new, call.now);
            }
        }
        match &call.managed {
            Some(managed) => new.set(&["metadata", "managedFields"], managed),
            None => managed_fields::update(rest, &old, &mut new, &call.writer()),
        }
        self.admit_update(call, scope, &mut new, &old);
        if let Some(changed) =
            self.mutate(call, &Write { operation: Operation::Update, new: &new, old: &old })?
        {
            new = changed;
        }
        let mut services: Option<Allocators> = None;
        if scope == Scope::Main {
            self.prepare_update(call, &mut new, &old, &key, &mut services)?;
        } else if scope == Scope::Status {
            (rest.strategy.prepare_status)(&mut new, &old);
        }
        if rest.custom.is_none() {
            bump_generation(rest, scope, &mut new, &old);
        }
        if scope == Scope::Main {
            (rest.strategy.prepare_update)(&mut new, &old);
        }
        keep_identity(&mut new, &old);
        if scope == Scope::Main {
            self.check_escalation(call, &new)?;
        }
        let mut errors = Errors::default();
        match scope {
            Scope::Main => {
                (rest.strategy.validate_update)(&new, &old, &mut errors);
                if rest.strategy.revalidates {
                    (rest.strategy.validate)(&new, &mut errors);
                }
            }
            Scope::Status => (rest.strategy.validate_status)(&new, &old, &mut errors),
            Scope::Approval => certificates::validate_approval(&new, &old, &mut errors),
            Scope::EphemeralContainers => {
                crate::validation::core::pod::validate_ephemeral_update(&new, &old, &mut errors);
            }
            Scope::Resize => crate::validation::core::resize::validate_resize(&new, &old, &mut errors),
            Scope::Finalize => {
                crate::validation::others::validate_metadata_update(&new, &old, &mut errors);
            }
        }
        if let Some(writing) = rest.writing(scope, &old) {
            writing.validate(&new, &mut errors, &mut call.warnings);
        }
        status::check(rest, call.name, errors)?;
        if scope == Scope::Main {
            (rest.strategy.warnings)(&new, &old, &mut call.warnings);
            self.validate_update(call, &new, &old)?;
        }
        self.ask_policies(call, &Write { operation: Operation::Update, new: &new, old: &old })?;
        self.charge_update(call, scope, &new, &old)?;
        self.store_update(call, &key, new, &old, services)
    }

    fn store_update(
        &mut self,
        call: &Call,
        key: &str,
        new: Value,
        old: &Value,
        services: Option<Allocators>,
    ) -> Result<Value, Status> {
        if new == *old {
            return Ok(new);
        }
        if call.dry_run {
            return Ok(new);
        }
        if let Some(services) = services {
            self.services = services;
        }
        if is_done(call.rest, &new, old) {
            return Ok(self.erase(call.rest, key, &new));
        }
        self.write(call.rest, key, new, Expect::Any)
            .map_err(|_| Status::conflict(&call.rest.group_resource, call.name, LOCK_MESSAGE))
    }

    fn check_versions(&self, call: &Call, new: &Value, old: &Value) -> Result<(), Status> {
        let rest = call.rest;
        let conflict = |why: &str| Status::conflict(&rest.group_resource, call.name, why);
        let (uid, old_uid) = (meta::uid(new), meta::uid(old));
        if !uid.is_empty() && uid != old_uid {
            let why =
                format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {old_uid}");
            return Err(conflict(&why));
        }
        let version = new["metadata"]["resourceVersion"].str();
        if matches!(version, "" | "0") {
            if rest.strategy.unconditional_update {
                return Ok(());
            }
            let error = FieldError::invalid("metadata.resourceVersion", 0, "must be specified for an update");
            return Err(Status::invalid(&rest.group_kind, call.name, &[error]));
        }
        if version != old["metadata"]["resourceVersion"].str() {
            if version.parse::<i64>().is_err() {
                let error = FieldError::invalid(
                    "metadata.resourceVersion",
                    version,
                    format!("strconv.ParseUint: parsing {version:?}: invalid syntax"),
                );
                return Err(Status::invalid(&rest.group_kind, call.name, &[error]));
            }
            return Err(conflict(LOCK_MESSAGE));
        }
        Ok(())
    }

    fn prepare_update(
        &self,
        call: &Call,
        new: &mut Value,
        old: &Value,
        key: &str,
        services: &mut Option<Allocators>,
    ) -> Result<(), Status> {
        if call.rest.is_services() && !new["spec"].same(&old["spec"]) {
            let mut draft = self.services.clone();
            let of = For { key, name: call.name, revision: self.draw_number() };
            // What the old type needed and the new one doesn't is dropped before anything is given.
            (call.rest.strategy.prepare_update)(new, old);
            draft.reallocate(new, old, &of)?;
            *services = Some(draft);
        }
        Ok(())
    }
}

/// Sets what a client may leave out.
fn fill_from_old(rest: &Rest, call: &Call, new: &mut Value, old: &Value) -> Result<(), Status> {
    let namespace = meta::namespace(new);
    if rest.kind.namespaced && !namespace.is_empty() && namespace != call.namespace {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Status::bad_request(message));
    }
    let version = &old["metadata"]["resourceVersion"];
    let given = new["metadata"].fields();
    let is_whole = !given.contains("selfLink") && (given.contains("namespace") || !rest.kind.namespaced);
    if is_whole && given.get("resourceVersion") == Some(version) {
        return Ok(()); // What is shared stays so.
    }
    let metadata = new.at_mut(&["metadata"]).map_mut();
    metadata.remove("selfLink");
    if rest.kind.namespaced && !metadata.contains("namespace") {
        metadata.insert("namespace", call.namespace);
    }
    metadata.insert("resourceVersion", version);
    Ok(())
}

/// Keeps the parts that the write isn't about.
fn keep_other_parts(rest: &Rest, scope: Scope, new: &mut Value, old: &Value) {
    match scope {
        Scope::Main => {
            if rest.has_status && rest.strategy.resets_status && new["status"] != old["status"] {
                restore(new, old, &["status"]);
            }
        }
        Scope::Status => {
            let is_own = |field: &str| matches!(field, "metadata" | "status" | "apiVersion" | "kind");
            let fields = new.clone();
            for (field, value) in fields.fields().iter().filter(|(field, _)| !is_own(field)) {
                if *value != old[field] {
                    restore(new, old, &[field]);
                }
            }
            for (field, value) in old.fields().iter().filter(|(field, _)| !is_own(field)) {
                if fields.get(field).is_none() {
                    new.set(&[field], value);
                }
            }
            let labels_stay = matches!(rest.kind.group, "apps" | "batch" | "autoscaling" | "policy");
            if labels_stay && meta::labels(new) != meta::labels(old) {
                restore(new, old, &["metadata", "labels"]);
            }
        }
        Scope::Finalize => {
            let finalizers = new["spec"]["finalizers"].clone();
            restore(new, old, &["status"]);
            restore(new, old, &["spec"]);
            if finalizers.items().is_empty() {
                new.remove(&["spec", "finalizers"]);
            } else {
                new.set(&["spec", "finalizers"], finalizers);
            }
        }
        Scope::Approval => {
            let conditions = new["status"]["conditions"].clone();
            restore(new, old, &["spec"]);
            restore(new, old, &["status"]);
            if !conditions.items().is_empty() {
                new.set(&["status", "conditions"], conditions);
            }
        }
        Scope::EphemeralContainers => {
            let containers = new["spec"]["ephemeralContainers"].clone();
            restore(new, old, &["status"]);
            restore(new, old, &["spec"]);
            new.set(&["spec", "ephemeralContainers"], containers);
        }
        Scope::Resize => {
            let wanted = new["spec"].clone();
            restore(new, old, &["status"]);
            restore(new, old, &["spec"]);
            crate::validation::core::resize::take_resources(new, &wanted);
        }
    }
}

/// Says when conditions were written that don't say so.
// Models pkg/registry/certificates/certificates/strategy.go populateConditionTimestamps
fn stamp_conditions(request: &mut Value, now: Time) {
    if request["status"]["conditions"].is_null() {
        return;
    }
    for condition in request.at_mut(&["status", "conditions"]).list_mut() {
        for field in ["lastUpdateTime", "lastTransitionTime"] {
            if condition[field].is_null() {
                condition.set(&[field], now.rfc3339());
            }
        }
    }
}

fn restore(new: &mut Value, old: &Value, path: &[&str]) {
    let before = old.at(path);
    if before.is_null() {
        new.remove(path);
    } else {
        new.set(path, before);
    }
}

/// Counts the changes of the spec.
fn bump_generation(rest: &Rest, scope: Scope, new: &mut Value, old: &Value) {
    let before = &old["metadata"]["generation"];
    let mut generation = before.clone();
    if rest.strategy.counts_generations && scope != Scope::Status {
        let field = if rest.kind.plural == "podtemplates" { "template" } else { "spec" };
        if !semantic_equal(&new[field], &old[field]) {
            generation = Value::Int(before.int() + 1);
        }
    }
    if new["metadata"]["generation"] != generation {
        if generation.is_null() {
            new.remove(&["metadata", "generation"]);
        } else {
            new.set(&["metadata", "generation"], generation);
        }
    }
}

/// Keeps what no write may change.
// Models staging/src/k8s.io/apiserver/pkg/registry/rest/update.go BeforeUpdate
fn keep_identity(new: &mut Value, old: &Value) {
    let was = &old["metadata"];
    for field in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let (before, after) = (&was[field], &new["metadata"][field]);
        if before.is_null() || before.same(after) {
            continue;
        }
        let stays = field == "deletionGracePeriodSeconds" && !after.is_null();
        if !stays && after != before {
            new.set(&["metadata", field], before);
        }
    }
}

/// Returns whether an object that is being deleted has nothing left to wait for.
// Models staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go ShouldDeleteDuringUpdate
fn is_done(rest: &Rest, new: &Value, old: &Value) -> bool {
    if !meta::is_deleting(new) || !new["metadata"]["finalizers"].items().is_empty() {
        return false;
    }
    if rest.is_group("", "namespaces") {
        return new["spec"]["finalizers"].items().is_empty();
    }
    // A definition is marked as being deleted without a grace period.
    let is_definition = rest.is_group("apiextensions.k8s.io", "customresourcedefinitions");
    old["metadata"]["deletionGracePeriodSeconds"].as_int().or(is_definition.then_some(0)) == Some(0)
}
