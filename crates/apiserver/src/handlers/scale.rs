//! The scale of what runs pods.
// Models pkg/registry/apps/deployment/storage/storage.go ScaleREST

use super::{Call, Scope, patch};
use crate::admission::Operation;
use crate::fields::at_path;
use crate::server::ApiServer;
use crate::status;
use api::label::Selector;
use api::{FieldError, Response, Status, Value, tree};

impl ApiServer {
    /// Reads or writes how many replicas an object is to have.
    pub(crate) fn scale(&mut self, call: &mut Call) -> Result<Response, Status> {
        let object = self.store.get(&call.key()).ok_or_else(|| not_found(call))?.value.clone();
        let object = call.rest.read_custom(object);
        let current = scale_of(call, &object);
        let wanted = match call.verb {
            "get" => return Ok(Response::new(200, current)),
            "update" => self.read_scale(call)?,
            _ => self.patch_scale(call, &current)?,
        };
        self.admit_operation(call, Operation::Update)?;
        check(call, &wanted, &current)?;
        let mut object = object;
        let path: Vec<&str> = paths(call)[0].split('.').collect();
        object.set(&path, wanted["spec"]["replicas"].int());
        let object = self.update(call, Scope::Main, object)?;
        Ok(Response::new(200, scale_of(call, &object)))
    }

    fn read_scale(&self, call: &Call) -> Result<Value, Status> {
        let body = &call.request.body;
        let name = body["metadata"]["name"].str();
        if name != call.name {
            let message =
                format!("the name of the object ({name}) does not match the name on the URL ({})", call.name);
            return Err(Status::bad_request(message));
        }
        decode(body)
    }

    fn patch_scale(&self, call: &Call, current: &Value) -> Result<Value, Status> {
        use api::PatchType;
        let patched = match call.request.patch {
            PatchType::StrategicMerge => schema::patch::merge(current, &call.request.body),
            _ => patch::apply(call, current)?,
        };
        decode(&patched)
    }
}

/// Says that there is nothing whose scale could be told.
// Models pkg/registry/apps/deployment/storage/storage.go ScaleREST.Get, and those of its kind
fn not_found(call: &Call) -> Status {
    let what = match (call.verb, call.rest.kind.plural) {
        ("get", "deployments") if call.rest.kind.group == "apps" => "deployments/scale.apps",
        ("get", "replicasets") if call.rest.kind.group == "apps" => "replicasets/scale.apps",
        ("get", "replicationcontrollers") => "replicationcontrollers/scale.autoscaling",
        _ => return call.not_found(),
    };
    Status::not_found(what, call.name)
}

fn decode(value: &Value) -> Result<Value, Status> {
    let Some(kind) = schema::find_kind("autoscaling", "v1", "Scale") else {
        return Ok(value.clone());
    };
    let wrapped = |error: String| {
        Status::bad_request(format!("Scale in version \"v1\" cannot be handled as a Scale: {error}"))
    };
    schema::decode(kind, value).map(|decoded| decoded.value).map_err(wrapped)
}

fn check(call: &Call, wanted: &Value, current: &Value) -> Result<(), Status> {
    let replicas = wanted["spec"]["replicas"].int();
    if replicas < 0 {
        let error = FieldError::invalid("spec.replicas", replicas, "must be greater than or equal to 0");
        return Err(Status::invalid("Scale.autoscaling", call.name, &[error]));
    }
    let (uid, was) = (wanted["metadata"]["uid"].str(), current["metadata"]["uid"].str());
    let version = wanted["metadata"]["resourceVersion"].str();
    let conflict = |why: &str| Status::conflict(&call.rest.group_resource, call.name, why);
    if !uid.is_empty() && uid != was {
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {was}");
        return Err(conflict(&why));
    }
    if !version.is_empty() && version != current["metadata"]["resourceVersion"].str() {
        return Err(conflict(
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    if call.rest.kind.subresource("scale").is_none() {
        return Err(status::no_such_path());
    }
    Ok(())
}

/// Returns where replicas wanted, replicas there are, and the selector of a custom resource stand.
fn paths<'a>(call: &'a Call) -> [&'a str; 3] {
    match &call.rest.custom {
        Some(custom) => custom.scale.each_ref().map(String::as_str),
        None => ["spec.replicas", "status.replicas", ""],
    }
}

// Models pkg/registry/apps/deployment/storage/storage.go scaleFromDeployment
fn scale_of(call: &Call, object: &Value) -> Value {
    let metadata = &object["metadata"];
    let selector = &object["spec"]["selector"];
    let [wanted, there_are, selector_path] = paths(call);
    let selector = if call.rest.custom.is_some() {
        at_path(object, selector_path).str().to_string()
    } else if call.rest.kind.plural == "replicationcontrollers" {
        Selector::from_map(selector).to_string()
    } else {
        Selector::from_label_selector(selector).to_string()
    };
    let mut status = tree!({"replicas": (at_path(object, there_are).int())});
    if !selector.is_empty() {
        status.set(&["selector"], selector);
    }
    tree!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": (&metadata["name"]),
            "namespace": (&metadata["namespace"]),
            "uid": (&metadata["uid"]),
            "resourceVersion": (&metadata["resourceVersion"]),
            "creationTimestamp": (&metadata["creationTimestamp"]),
        },
        "spec": {"replicas": (at_path(object, wanted).int())},
        "status": status,
    })
}
