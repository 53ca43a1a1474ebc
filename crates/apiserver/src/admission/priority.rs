//! A pod's priority comes from its class.

use crate::handlers::Call;
use crate::resources;
use crate::server::ApiServer;
use api::{Status, Value};

// Models plugin/pkg/admission/priority/admission.go admitPod
pub(super) fn admit(server: &ApiServer, call: &Call, pod: &mut Value) -> Result<(), Status> {
    let forbidden = |why: String| Status::forbidden("pods", call.object_name, &why);
    let name = pod["spec"]["priorityClassName"].str().to_string();
    let (priority, policy) = if name.is_empty() {
        match default_class(server) {
            Some(class) => {
                let name = class["metadata"]["name"].clone();
                pod.set(&["spec", "priorityClassName"], name);
                (class["value"].int(), class["preemptionPolicy"].clone())
            }
            None => (0, Value::Null),
        }
    } else {
        let Some(class) = class(server, &name) else {
            return Err(forbidden(format!("no PriorityClass with name {name} was found")));
        };
        (class["value"].int(), class["preemptionPolicy"].clone())
    };
    let policy = if policy.str().is_empty() { "PreemptLowerPriority".into() } else { policy };
    if pod["spec"]["priority"].as_int().is_some_and(|given| given != priority) {
        let given = pod["spec"]["priority"].int();
        return Err(forbidden(format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller \
             computed {priority} from the given PriorityClass name"
        )));
    }
    let given = pod["spec"]["preemptionPolicy"].str();
    if !given.is_empty() && given != policy.str() {
        return Err(forbidden(format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission \
             controller computed {} from the given PriorityClass name",
            policy.str()
        )));
    }
    pod.set(&["spec", "priority"], priority);
    pod.set(&["spec", "preemptionPolicy"], policy);
    Ok(())
}

/// Keeps what was computed when the pod was created.
// Models plugin/pkg/admission/priority/admission.go admitPod
pub(super) fn keep(pod: &mut Value, old: &Value) {
    for field in ["priority", "preemptionPolicy"] {
        if pod["spec"][field].is_null() && !old["spec"][field].is_null() {
            pod.set(&["spec", field], &old["spec"][field]);
        }
    }
}

fn class(server: &ApiServer, name: &str) -> Option<Value> {
    let classes = resources::find("scheduling.k8s.io", "v1", "priorityclasses")?;
    let stored = server.store.get(&classes.key("", name)).map(|entry| entry.value.clone());
    stored.or_else(|| system_class(name))
}

/// Returns one of the classes that every cluster has.
// Models pkg/apis/scheduling/v1/helpers.go systemPriorityClasses
fn system_class(name: &str) -> Option<Value> {
    let value: i64 = match name {
        "system-node-critical" => 2_000_001_000,
        "system-cluster-critical" => 2_000_000_000,
        _ => return None,
    };
    Some(api::tree!({"value": value}))
}

/// Returns the default class; of several the one with the lowest priority.
// Models plugin/pkg/admission/priority/admission.go getDefaultPriorityClass
fn default_class(server: &ApiServer) -> Option<Value> {
    let classes = resources::find("scheduling.k8s.io", "v1", "priorityclasses")?;
    let all = server.store.range(&classes.prefix).map(|(_, entry)| &entry.value);
    all.filter(|class| class["globalDefault"].is_true()).min_by_key(|class| class["value"].int()).cloned()
}
