//! create.
// Models staging/src/k8s.io/apiserver/pkg/endpoints/handlers/create.go

use super::{Call, Scope};
use crate::admission::Operation;
use crate::decode;
use crate::managed_fields;
use crate::registry::service::For;
use crate::server::ApiServer;
use crate::status;
use crate::validation::Errors;
use api::{Map, Response, Status, Value};
use etcd::Expect;

/// How often a generated name that is taken is drawn anew.
// Models staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go maxNameGenerationCreateAttempts
const NAME_ATTEMPTS: u64 = 8;
/// How long a generated name's base may be, so that five characters fit behind it.
// Models staging/src/k8s.io/apiserver/pkg/storage/names/generate.go MaxGeneratedNameLength
const MAX_BASE_LENGTH: usize = 63 - 5;

/// What etcd says when its quota is used up.
// Models etcd api/v3rpc/rpctypes/error.go ErrGRPCNoSpace
const NO_SPACE: &str = "etcdserver: mvcc: database space exceeded";

impl ApiServer {
    /// Creates the object of the body.
    pub(crate) fn create_from_body(&mut self, call: &mut Call) -> Result<Response, Status> {
        let name = call.request.body["metadata"]["name"].text();
        let generate = call.request.body["metadata"]["generateName"].text();
        let mut call_of = Call {
            object_name: if name.is_empty() { &generate } else { &name },
            ..call.about(call.rest, call.namespace, "")
        };
        let body = call.request.body.clone();
        let outcome = decode::object(&mut call_of, &body, &Value::Null).and_then(|object| {
            self.admit_operation(&call_of, Operation::Create)?;
            self.create(&mut call_of, object)
        });
        let warnings = std::mem::take(&mut call_of.warnings);
        call.warnings.extend(warnings);
        let object = outcome?;
        Ok(call.answer(201, object))
    }

    /// Creates an object that has been decoded and defaulted, and returns it as it is stored.
    // Models staging/src/k8s.io/apiserver/pkg/registry/generic/registry/store.go Create
    pub(crate) fn create(&mut self, call: &mut Call, mut object: Value) -> Result<Value, Status> {
        let namespace = object["metadata"]["namespace"].str();
        if call.rest.kind.namespaced {
            if !namespace.is_empty() && namespace != call.namespace {
                return Err(Status::bad_request(
                    "the namespace of the provided object does not match the namespace sent on the request",
                ));
            }
            if namespace.is_empty() {
                object.set(&["metadata", "namespace"], call.namespace);
            }
        } else if !namespace.is_empty() {
            object.remove(&["metadata", "namespace"]);
        }
        if !matches!(object["metadata"]["resourceVersion"].str(), "" | "0") {
            return Err(Status::new(500, "", "resourceVersion should not be set on objects to be created"));
        }
        match call.managed.take() {
            Some(managed) => object.set(&["metadata", "managedFields"], managed),
            None => managed_fields::create(call.rest, &mut object, &call.writer()),
        }
        self.admit_create(call, &mut object)?;
        self.check_escalation(call, &object)?;
        let base = object["metadata"]["generateName"].str().to_string();
        let generated = object["metadata"]["name"].str().is_empty() && !base.is_empty();
        if generated {
            let names = (0..NAME_ATTEMPTS).map(|attempt| self.generate_name(call, &base, attempt));
            let free = |name: &String| self.store.get(&call.rest.key(call.namespace, name)).is_none();
            let name = names.into_iter().find(free).unwrap_or_else(|| self.generate_name(call, &base, 0));
            object.set(&["metadata", "name"], name);
        }
        self.finish_create(call, object)
    }

    fn generate_name(&self, call: &Call, base: &str, attempt: u64) -> String {
        let mut end = base.len().min(MAX_BASE_LENGTH);
        while !base.is_char_boundary(end) {
            end -= 1;
        }
        let base = base.get(..end).unwrap_or("");
        let number = self.draw_number().unsigned_abs() * NAME_ATTEMPTS + attempt;
        let key = call.rest.key(call.namespace, base);
        format!("{base}{}", self.options.chance.name_suffix("generateName", &key, number, 5))
    }

    fn finish_create(&mut self, call: &mut Call, mut object: Value) -> Result<Value, Status> {
        if self.object_count() >= self.options.objects as usize {
            return Err(Status::new(500, "", NO_SPACE));
        }
        let rest = call.rest;
        let name = object["metadata"]["name"].text();
        let key = rest.key(call.namespace, &name);
        let revision = self.draw_number();
        self.fill_metadata(call, &key, &mut object);
        let mut services = None;
        if rest.is_services() {
            let mut draft = self.services.clone();
            draft.allocate(&mut object, &For { key: &key, name: &name, revision })?;
            services = Some(draft);
        }
        self.prepare_create(call, &mut object);
        let mut errors = Errors::default();
        (rest.strategy.validate)(&object, &mut errors);
        if let Some(writing) = rest.writing(Scope::Main, &Value::Null) {
            writing.validate(&object, &mut errors, &mut call.warnings);
        }
        status::check(rest, &name, errors)?;
        (rest.strategy.warnings)(&object, &Value::Null, &mut call.warnings);
        if !rest.unattended.is_empty() {
            call.warnings.push(format!("# kubarium: {}", rest.unattended));
        }
        if self.store.get(&key).is_some() {
            return Err(Status::already_exists(&rest.group_resource, &name));
        }
        self.validate_create(call, &object)?;
        if call.dry_run {
            return Ok(object);
        }
        if let Some(draft) = services {
            self.services = draft;
        }
        self.write(rest, &key, object, Expect::Absent)
            .map_err(|_| Status::already_exists(&rest.group_resource, &name))
    }

    // Models staging/src/k8s.io/apiserver/pkg/registry/rest/meta.go FillObjectMetaSystemFields
    fn fill_metadata(&self, call: &Call, key: &str, object: &mut Value) {
        let uid = self.new_uid(key);
        let metadata = object.at_mut(&["metadata"]).map_mut();
        metadata.insert("creationTimestamp", call.now.rfc3339());
        metadata.insert("uid", uid);
        for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"] {
            metadata.remove(field);
        }
    }

    // Models staging/src/k8s.io/apiserver/pkg/registry/rest/create.go BeforeCreate
    fn prepare_create(&self, call: &Call, object: &mut Value) {
        let strategy = call.rest.strategy;
        if strategy.counts_generations {
            object.set(&["metadata", "generation"], 1);
        } else {
            object.remove(&["metadata", "generation"]);
        }
        if call.rest.has_status
            && let Some(new_status) = strategy.new_status
        {
            let mut status = new_status(object);
            for (name, zero) in call.rest.blank_status.as_map().into_iter().flat_map(Map::iter) {
                if status.get(name).is_none() {
                    status.set(&[name], zero);
                }
            }
            object.set(&["status"], status);
        }
        (strategy.prepare_create)(object, call.now);
        if let Some(writing) = call.rest.writing(Scope::Main, &Value::Null) {
            writing.prepare_create(object);
        }
    }
}
