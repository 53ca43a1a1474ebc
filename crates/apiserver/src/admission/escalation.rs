//! Nobody gives rights away that they don't have.
// Models pkg/registry/rbac/clusterrole/policybased/storage.go, pkg/registry/rbac/rolebinding/policybased/storage.go

use crate::authorization::Attributes;
use crate::authorization::rules::{Rule, not_covered};
use crate::handlers::Call;
use crate::resources;
use crate::server::ApiServer;
use api::{Status, Value, meta};

pub(super) fn check(server: &ApiServer, call: &Call, object: &Value) -> Result<(), Status> {
    let kind = call.rest.kind;
    let wanted = match kind.plural {
        "roles" | "clusterroles" => {
            if may(server, call, "escalate", kind.plural, meta::name(object)) {
                return Ok(());
            }
            object["rules"].items().iter().map(Rule::of).collect()
        }
        _ => {
            let (of, name) = (object["roleRef"]["kind"].str(), object["roleRef"]["name"].str());
            let plural = if of == "ClusterRole" { "clusterroles" } else { "roles" };
            if may(server, call, "bind", plural, name) {
                return Ok(());
            }
            rules_of(server, call, plural, name)?
        }
    };
    let user = &call.request.user;
    let missing = not_covered(&server.rbac.rules(user, call.namespace), &wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let groups: Vec<String> = user.groups.iter().map(|group| format!("{group:?}")).collect();
    let why = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        user.name,
        groups.join(" "),
        missing.join("\n")
    );
    Err(Status::forbidden(&call.rest.group_resource, meta::name(object), &why))
}

fn may(server: &ApiServer, call: &Call, verb: &str, plural: &str, name: &str) -> bool {
    server.rbac.allows(&Attributes {
        user: &call.request.user,
        verb,
        namespace: call.namespace,
        group: call.rest.kind.group,
        resource: plural,
        subresource: "",
        name,
        path: "",
    })
}

fn rules_of(server: &ApiServer, call: &Call, plural: &str, name: &str) -> Result<Vec<Rule>, Status> {
    let rest = resources::find(call.rest.kind.group, "v1", plural);
    let stored = rest.and_then(|rest| server.store.get(&rest.key(call.namespace, name)));
    match (stored, rest) {
        (Some(entry), _) => Ok(entry.value["rules"].items().iter().map(Rule::of).collect()),
        (None, Some(rest)) => Err(Status::not_found(&rest.group_resource, name)),
        (None, None) => Ok(Vec::new()),
    }
}
