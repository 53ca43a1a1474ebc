//! A claim that names no class gets the default one, and one grows only where its class allows that.

use crate::resources;
use crate::server::ApiServer;
use api::{Status, Value, meta, volume};

// Models plugin/pkg/admission/storage/storageclass/setdefault/admission.go Admit
pub(super) fn set_default(server: &ApiServer, claim: &mut Value) {
    if volume::has_class(claim) {
        return;
    }
    let Some(classes) = resources::find("storage.k8s.io", "v1", "storageclasses") else { return };
    let all = server.store.range(&classes.prefix).map(|(_, entry)| &entry.value);
    if let Some(name) = volume::default_class(all).map(|class| meta::name(class).to_string()) {
        claim.set(&["spec", "storageClassName"], name);
    }
}

/// Checks whether a claim may ask for more than it did.
///
/// # Errors
/// Forbidden, in upstream's words.
// Models plugin/pkg/admission/storage/persistentvolume/resize/admission.go Validate
pub(super) fn check_resize(server: &ApiServer, new: &Value, old: &Value) -> Result<(), Status> {
    let size = |claim: &Value| volume::bytes(&claim["spec"]["resources"]["requests"]["storage"]);
    if size(new) <= size(old) {
        return Ok(());
    }
    let refused = |why: &str| Status::forbidden("persistentvolumeclaims", meta::name(old), why);
    if old["status"]["phase"].str() != "Bound" {
        return Err(refused("Only bound persistent volume claims can be expanded"));
    }
    let name = volume::class(new);
    let classes = resources::find("storage.k8s.io", "v1", "storageclasses");
    let class = classes.and_then(|classes| server.store.get(&format!("{}{name}", classes.prefix)));
    let grows = class.is_some_and(|class| class.value["allowVolumeExpansion"].is_true());
    if name.is_empty() || name != volume::class(old) || !grows {
        return Err(refused(
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must \
             support resize",
        ));
    }
    Ok(())
}
