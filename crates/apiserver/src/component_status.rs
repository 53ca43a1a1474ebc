//! The health of the control plane, as an old resource shows it.
// Models pkg/registry/core/componentstatus/rest.go

use crate::handlers::Call;
use crate::printers;
use crate::status;
use api::{Accept, Response, Status, Value, tree};

/// Answers for `componentstatuses`.
pub(crate) fn answer(call: &mut Call) -> Result<Response, Status> {
    call.warnings.push("v1 ComponentStatus is deprecated in v1.19+".to_string());
    let all: Vec<Value> = [("controller-manager", "ok"), ("etcd-0", "ok"), ("scheduler", "ok")]
        .into_iter()
        .map(component)
        .collect();
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

fn component((name, message): (&str, &str)) -> Value {
    tree!({
        "apiVersion": "v1",
        "kind": "ComponentStatus",
        "metadata": {"name": name},
        "conditions": [{"type": "Healthy", "status": "True", "message": message}],
    })
}
