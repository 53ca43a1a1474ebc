use api::resources::{PERSISTENTVOLUMECLAIMS, STORAGECLASSES};
use api::{Value, meta};
use client::Informers;

/// The plugin's name.
pub(crate) const PLUGIN: &str = "VolumeBinding";

/// Returns why the pod's volumes keep it from every node, in the words of the event.
///
/// Where a volume can be reached from is left out: every volume can be from every node.
// Models pkg/scheduler/framework/plugins/volumebinding/volume_binding.go PreFilter
pub(crate) fn check(informers: &Informers, pod: &Value) -> Result<(), String> {
    let mut unbound = false;
    for volume in pod["spec"]["volumes"].items() {
        let name = match volume["persistentVolumeClaim"]["claimName"].as_str() {
            Some(name) => name.to_string(),
            None if !volume["ephemeral"].is_null() => format!("{}-{}", meta::name(pod), volume["name"].str()),
            None => continue,
        };
        let Some(claim) =
            informers.of(PERSISTENTVOLUMECLAIMS).get(&meta::object_key(meta::namespace(pod), &name))
        else {
            return Err(match volume["ephemeral"].is_null() {
                true => format!("persistentvolumeclaim {name:?} not found"),
                false => format!(
                    "waiting for ephemeral volume controller to create the persistentvolumeclaim {name:?}"
                ),
            });
        };
        if meta::is_deleting(claim) {
            return Err(format!("persistentvolumeclaim {name:?} is being deleted"));
        }
        if claim["status"]["phase"].str() == "Lost" {
            let volume = claim["spec"]["volumeName"].str();
            return Err(format!(
                "persistentvolumeclaim {name:?} bound to non-existent persistentvolume {volume:?}"
            ));
        }
        let class = informers.of(STORAGECLASSES).get(claim["spec"]["storageClassName"].str());
        let waits = class.is_some_and(|class| class["volumeBindingMode"].str() == "WaitForFirstConsumer");
        unbound |= claim["spec"]["volumeName"].str().is_empty() && !waits;
    }
    if unbound { Err("pod has unbound immediate PersistentVolumeClaims".to_string()) } else { Ok(()) }
}
