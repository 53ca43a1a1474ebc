//! Objects live in namespaces that are there, and some namespaces stay.

use super::Operation;
use crate::handlers::Call;
use crate::server::ApiServer;
use api::{Status, tree};

const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

// Models staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go Admit
pub(super) fn admit(server: &ApiServer, call: &Call, operation: Operation) -> Result<(), Status> {
    let rest = call.rest;
    if rest.is_group("", "namespaces") {
        if operation == Operation::Delete && IMMORTAL.contains(&call.name) {
            return Err(Status::forbidden("namespaces", call.name, "this namespace may not be deleted"));
        }
        return Ok(());
    }
    if !rest.kind.namespaced || operation == Operation::Delete || rest.kind.group == "authorization.k8s.io" {
        return Ok(());
    }
    let namespaces = server.namespaces();
    let Some(entry) = server.store.get(&namespaces.key("", call.namespace)) else {
        return Err(Status::not_found("namespaces", call.namespace));
    };
    if operation != Operation::Create || entry.value["status"]["phase"].str() != "Terminating" {
        return Ok(());
    }
    let namespace = call.namespace;
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let mut status = Status::forbidden(&rest.group_resource, call.object_name, &why);
    let message = format!("namespace {namespace} is being terminated");
    let cause = tree!({"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"});
    status.details.set(&["causes"], tree!([cause]));
    Err(status)
}
