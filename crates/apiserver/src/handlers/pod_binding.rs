//! Binds a pod to a node.
// Models pkg/registry/core/pod/storage/storage.go BindingREST

use super::Call;
use crate::resources;
use crate::server::ApiServer;
use crate::status;
use api::{FieldError, Response, Status, Value, meta, tree};
use etcd::Expect;
use sim::Time;

impl ApiServer {
    /// Sets the node of a pod that has none.
    pub(crate) fn bind_pod(&mut self, call: &mut Call) -> Result<Response, Status> {
        let body = call.request.body.clone();
        let name = if call.name.is_empty() { body["metadata"]["name"].text() } else { call.name.into() };
        check(&body, &name)?;
        let pods = resources::find("", "v1", "pods").ok_or_else(status::no_such_path)?;
        let key = pods.key(call.namespace, &name);
        let pod = self.store.get(&key).ok_or_else(|| Status::not_found("pods", &name))?.value.clone();
        let pod = bound(call, &body, &name, pod)?;
        if !call.dry_run {
            self.write(pods, &key, pod, Expect::Any).map_err(|_| Status::not_found("pods", &name))?;
        }
        Ok(Response::new(201, status::success(201, Value::Null)))
    }
}

// Models pkg/apis/core/validation/validation.go ValidatePodBinding
fn check(binding: &Value, name: &str) -> Result<(), Status> {
    let target = &binding["target"];
    let mut errors = Vec::new();
    if !matches!(target["kind"].str(), "" | "Node") {
        errors.push(FieldError::not_supported("target.kind", &target["kind"], &["Node", "<empty>"]));
    }
    if target["name"].str().is_empty() {
        errors.push(FieldError::required("target.name", ""));
    }
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid("Binding", name, &errors)) }
}

// Models pkg/registry/core/pod/storage/storage.go setPodNodeAndMetadata
fn bound(call: &Call, binding: &Value, name: &str, mut pod: Value) -> Result<Value, Status> {
    let conflict = |why: String| Status::conflict("pods/binding", name, &why);
    let uid = binding["metadata"]["uid"].str();
    if !uid.is_empty() && uid != meta::uid(&pod) {
        let have = meta::uid(&pod);
        return Err(conflict(format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {have}"
        )));
    }
    if meta::is_deleting(&pod) {
        return Err(conflict(format!("pod {name} is being deleted, cannot be assigned to a host")));
    }
    let node = pod["spec"]["nodeName"].str();
    if !node.is_empty() {
        return Err(conflict(format!("pod {name} is already assigned to node {node:?}")));
    }
    if !pod["spec"]["schedulingGates"].items().is_empty() {
        return Err(conflict(format!("pod {name} has non-empty .spec.schedulingGates")));
    }
    pod.set(&["spec", "nodeName"], &binding["target"]["name"]);
    for (key, value) in binding["metadata"]["annotations"].fields().iter() {
        pod.set(&["metadata", "annotations", key], value);
    }
    // What it waited for is over.
    pod.remove(&["status", "nominatedNodeName"]);
    set_scheduled(&mut pod, call.now);
    Ok(pod)
}

// Models pkg/api/pod/util.go UpdatePodCondition
fn set_scheduled(pod: &mut Value, now: Time) {
    let was = meta::is_condition_true(pod, "PodScheduled");
    let since = if was {
        meta::condition(pod, "PodScheduled").map_or(Value::Null, |c| c["lastTransitionTime"].clone())
    } else {
        now.rfc3339().into()
    };
    let mut condition =
        tree!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": since});
    let generation = meta::generation(pod);
    if let Some(old) = meta::condition(pod, "PodScheduled")
        && !old["observedGeneration"].is_null()
    {
        condition.set(&["observedGeneration"], generation);
    }
    let conditions = pod.at_mut(&["status", "conditions"]).list_mut();
    match conditions.iter_mut().find(|condition| condition["type"].str() == "PodScheduled") {
        Some(old) => *old = condition,
        None => conditions.push(condition),
    }
}
