//! The health of the control plane, as an old resource shows it.
// Models pkg/registry/core/componentstatus/rest.go

use crate::handlers::Call;
use crate::health::Health;
use crate::printers;
use crate::status;
use api::{Accept, Response, Status, Value, tree};

/// Answers for `componentstatuses`.
pub(crate) fn answer(call: &mut Call, health: &Health) -> Result<Response, Status> {
    call.warnings.push("v1 ComponentStatus is deprecated in v1.19+".to_string());
    let refused = |port: u16| {
        format!(
            "Get \"https://127.0.0.1:{port}/healthz\": dial tcp 127.0.0.1:{port}: connect: connection refused"
        )
    };
    let of = |well: bool, port| if well { "ok".to_string() } else { refused(port) };
    let (components, has_etcd) = (&health.components, health.etcd.is_none());
    let all: Vec<Value> = vec![
        component("controller-manager", components.manager, &of(components.manager, 10_257), ""),
        match has_etcd {
            true => component("etcd-0", true, "ok", ""),
            false => component("etcd-0", false, "", "context deadline exceeded"),
        },
        component("scheduler", components.scheduler, &of(components.scheduler, 10_259), ""),
    ];
    match call.verb {
        "get" => {
            let found = all.into_iter().find(|component| api::meta::name(component) == call.name);
            Ok(call.answer(200, found.ok_or_else(|| call.not_found())?))
        }
        "list" => {
            let accept = call.request.accept;
            if matches!(accept, Accept::Table | Accept::TableWithObjects) {
                let table = printers::table(call.rest, all.into_iter(), Value::map(), accept, call.now);
                return Ok(Response::new(200, table));
            }
            let list =
                tree!({"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}, "items": all});
            Ok(Response::new(200, list))
        }
        _ => Err(status::method_not_allowed()),
    }
}

fn component(name: &str, is_well: bool, message: &str, error: &str) -> Value {
    let status = if is_well { "True" } else { "False" };
    let mut condition = tree!({"type": "Healthy", "status": status});
    for (field, text) in [("message", message), ("error", error)] {
        if !text.is_empty() {
            condition.set(&[field], text);
        }
    }
    tree!({"apiVersion": "v1", "kind": "ComponentStatus", "metadata": {"name": name}, "conditions": [(condition)]})
}
