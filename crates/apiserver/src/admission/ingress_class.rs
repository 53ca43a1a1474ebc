//! An Ingress that names no class gets the default one.

use crate::resources;
use crate::server::ApiServer;
use api::{Value, meta};

// Models plugin/pkg/admission/network/defaultingressclass/admission.go Admit
pub(super) fn set_default(server: &ApiServer, ingress: &mut Value) {
    let is_noted = !meta::annotations(ingress)["kubernetes.io/ingress.class"].is_null();
    if is_noted || !ingress["spec"]["ingressClassName"].is_null() {
        return;
    }
    let Some(classes) = resources::find("networking.k8s.io", "v1", "ingressclasses") else { return };
    let all = server.store.range(&classes.prefix).map(|(_, entry)| &entry.value);
    let is_default =
        |class: &&Value| meta::annotation(class, "ingressclass.kubernetes.io/is-default-class") == "true";
    // Of several the newest, and of those as old the first by name.
    let newest = all
        .filter(is_default)
        .max_by_key(|class| (meta::created(class), std::cmp::Reverse(meta::name(class))));
    if let Some(name) = newest.map(|class| meta::name(class).to_string()) {
        ingress.set(&["spec", "ingressClassName"], name);
    }
}
