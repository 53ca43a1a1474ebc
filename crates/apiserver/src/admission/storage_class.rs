//! A claim that names no class gets the default one.

use crate::resources;
use crate::server::ApiServer;
use api::{Value, meta, volume};

// Models plugin/pkg/admission/storage/storageclass/setdefault/admission.go Admit
pub(super) fn set_default(server: &ApiServer, claim: &mut Value) {
    if !claim["spec"]["storageClassName"].is_null() || !volume::class(claim).is_empty() {
        return;
    }
    let Some(classes) = resources::find("storage.k8s.io", "v1", "storageclasses") else { return };
    let all = server.store.range(&classes.prefix).map(|(_, entry)| &entry.value);
    let defaults = all.filter(|class| meta::annotation(class, volume::IS_DEFAULT_CLASS) == "true");
    // Of several the newest, and of those as old the first by name.
    let newest = defaults.max_by_key(|class| (meta::created(class), std::cmp::Reverse(meta::name(class))));
    if let Some(name) = newest.map(|class| meta::name(class).to_string()) {
        claim.set(&["spec", "storageClassName"], name);
    }
}
