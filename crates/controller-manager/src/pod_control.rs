use crate::claim::controller_reference;
use api::resources::PODS;
use api::{Resource, Value, meta, tree};
use client::{Cx, EventRecorder, Failure};

/// Returns whether creating failed because the namespace is being deleted: trying again is useless.
pub(crate) fn is_namespace_terminating(failure: &Failure) -> bool {
    let Failure::Status(status) = failure else { return false };
    let causes = status.details["causes"].items();
    causes.iter().any(|cause| cause["reason"].str() == "NamespaceTerminating")
}

/// Makes the pod that a template describes, controlled by `owner`.
// Models pkg/controller/controller_utils.go GetPodFromTemplate
pub(crate) fn pod_from_template(template: &Value, resource: Resource, owner: &Value) -> Value {
    let mut metadata = tree!({
        "generateName": (format!("{}-", meta::name(owner))),
        "namespace": (meta::namespace(owner)),
        "ownerReferences": [(controller_reference(resource, owner))],
    });
    for field in ["labels", "annotations", "finalizers"] {
        if !template["metadata"][field].is_empty() {
            metadata.set(&[field], &template["metadata"][field]);
        }
    }
    tree!({"apiVersion": "v1", "kind": "Pod", "metadata": (metadata), "spec": (&template["spec"])})
}

/// Creates a pod and tells of it.
///
/// # Errors
/// What the API server refused.
// Models pkg/controller/controller_utils.go RealPodControl.createPods
pub(crate) fn create_pod(
    cx: &mut Cx,
    recorder: &mut EventRecorder,
    owner: &Value,
    pod: &Value,
) -> Result<Value, Failure> {
    match cx.create(PODS, pod) {
        Ok(pod) => {
            let message = format!("Created pod: {}", meta::name(&pod));
            recorder.event(cx, owner, "Normal", "SuccessfulCreate", &message);
            Ok(pod)
        }
        Err(failure) => {
            if !is_namespace_terminating(&failure) {
                let message = format!("Error creating: {failure}");
                recorder.event(cx, owner, "Warning", "FailedCreate", &message);
            }
            Err(failure)
        }
    }
}

/// Deletes a pod and tells of it.
///
/// # Errors
/// What the API server refused; that the pod is gone already is one too.
// Models pkg/controller/controller_utils.go RealPodControl.DeletePod
pub(crate) fn delete_pod(
    cx: &mut Cx,
    recorder: &mut EventRecorder,
    owner: &Value,
    pod: &Value,
) -> Result<(), Failure> {
    match cx.delete(PODS, meta::namespace(pod), meta::name(pod), Value::Null) {
        Ok(_) => {
            let message = format!("Deleted pod: {}", meta::name(pod));
            recorder.event(cx, owner, "Normal", "SuccessfulDelete", &message);
            Ok(())
        }
        Err(failure) => {
            if !failure.is_not_found() {
                let message = format!("Error deleting: {failure}");
                recorder.event(cx, owner, "Warning", "FailedDelete", &message);
            }
            Err(failure)
        }
    }
}
