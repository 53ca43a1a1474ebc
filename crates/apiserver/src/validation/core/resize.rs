//! The subresource `resize` of pods: what its containers ask for of processors and memory.

use super::pod::validate_metadata_and_spec;
use crate::validation::meta;
use crate::validation::path::{Errors, Path};
use crate::validation::semantic_equal;
use api::{Value, qos};

const LISTS: [&str; 2] = ["initContainers", "containers"];
const MIRROR: &str = "kubernetes.io/config.mirror";

/// Puts the resources that a spec asks for into a pod that is otherwise as it was.
// Models pkg/registry/core/pod/strategy.go dropNonResizeUpdates
pub(crate) fn take_resources(pod: &mut Value, wanted: &Value) {
    for list in LISTS {
        for given in wanted[list].items() {
            let containers = pod.at_mut(&["spec"]).at_mut(&[list]).list_mut();
            if let Some(known) = containers.iter_mut().find(|known| known["name"] == given["name"]) {
                known.set(&["resources"], &given["resources"]);
            }
        }
    }
}

/// Checks a resize.
// Models pkg/apis/core/validation/validation.go ValidatePodResize
pub(crate) fn validate_resize(new: &Value, old: &Value, errors: &mut Errors) {
    meta::validate_update(new, old, errors);
    validate_metadata_and_spec(new, errors);
    if !api::meta::annotation(old, MIRROR).is_empty() {
        errors.forbidden("", "static pods cannot be resized");
        return;
    }
    let spec = Path::new("spec");
    let class = match old["status"]["qosClass"].str() {
        "" => qos::class(&old["spec"]),
        class => class,
    };
    if class != qos::class(&new["spec"]) {
        let message = "Pod QOS Class may not change as a result of resizing";
        errors.invalid(spec, &new["status"]["qosClass"], message);
    }
    let mut others = false;
    for list in LISTS {
        for (i, after) in new["spec"][list].items().iter().enumerate() {
            let (after, before) = (&after["resources"], &old["spec"][list][i]["resources"]);
            for field in ["requests", "limits"] {
                if before[field].fields().iter().any(|(name, _)| after[field].get(name).is_none()) {
                    let path = spec.child(list);
                    let path = path.index(i);
                    let message = format!("resource {field} cannot be removed");
                    errors.forbidden(path.child("resources").child(field), message);
                }
            }
            others |= !semantic_equal(&beside_compute(after), &beside_compute(before));
        }
    }
    if others {
        errors.forbidden(spec, "only cpu and memory resources are mutable");
    }
}

/// Returns what of a container's resources is neither processors nor memory.
fn beside_compute(resources: &Value) -> Value {
    let mut rest = resources.clone();
    for list in ["requests", "limits"] {
        for name in ["cpu", "memory"] {
            rest.remove(&[list, name]);
        }
        if rest[list].is_empty() {
            rest.remove(&[list]);
        }
    }
    rest
}
