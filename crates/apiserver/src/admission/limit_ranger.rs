//! A namespace's limit ranges say what a container has that doesn't say itself, and what is too much.
// Models plugin/pkg/admission/limitranger/admission.go

use crate::handlers::Call;
use crate::resources;
use crate::server::ApiServer;
use api::quantity::Quantity;
use api::quota::pod_amount;
use api::{Status, Value};

const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// Sets what a pod's containers don't say.
// Models plugin/pkg/admission/limitranger/admission.go PodMutateLimitFunc
pub(super) fn set_defaults(server: &ApiServer, call: &Call, pod: &mut Value) {
    for range in ranges(server, call.namespace) {
        let mut told = Vec::new();
        for item in items(&range, "Container") {
            for field in ["initContainers", "containers"] {
                if pod["spec"][field].items().is_empty() {
                    continue;
                }
                let word = if field == "containers" { "container" } else { "init container" };
                for container in pod.at_mut(&["spec", field]).list_mut() {
                    for (list, defaults) in [("requests", "defaultRequest"), ("limits", "default")] {
                        let set = fill(container, list, &item[defaults]);
                        if !set.is_empty() {
                            let name = container["name"].str();
                            let what = list.trim_end_matches('s');
                            told.push(format!("{} {what} for {word} {name}", set.join(", ")));
                        }
                    }
                }
            }
        }
        if !told.is_empty() {
            let text = format!("LimitRanger plugin set: {}", told.join("; "));
            pod.set(&["metadata", "annotations", ANNOTATION], text);
        }
    }
}

/// Sets what a container's list of resources lacks, and returns the names of it.
fn fill(container: &mut Value, list: &str, defaults: &Value) -> Vec<String> {
    let mut set = Vec::new();
    for (name, amount) in defaults.fields().iter() {
        if container["resources"][list][name].is_null() {
            container.set(&["resources", list, name], amount);
            set.push(name.to_string());
        }
    }
    set.sort_unstable();
    set
}

/// Checks that a pod or a claim is within its namespace's limits.
///
/// # Errors
/// Forbidden, in upstream's words.
// Models plugin/pkg/admission/limitranger/admission.go ValidateLimit
pub(super) fn check(server: &ApiServer, call: &Call, object: &Value) -> Result<(), Status> {
    let rules = match (call.rest.kind.group, call.rest.kind.plural) {
        ("", "pods") => check_pod,
        ("", "persistentvolumeclaims") => check_claim,
        _ => return Ok(()),
    };
    for range in ranges(server, call.namespace) {
        let wrong = rules(&range, object);
        let why = match wrong.as_slice() {
            [] => continue,
            [one] => one.clone(),
            all => format!("[{}]", all.join(", ")),
        };
        return Err(Status::forbidden(call.rest.kind.plural, call.object_name, &why));
    }
    Ok(())
}

// Models plugin/pkg/admission/limitranger/admission.go PersistentVolumeClaimValidateLimitFunc
fn check_claim(range: &Value, claim: &Value) -> Vec<String> {
    const KIND: &str = "PersistentVolumeClaim";
    let mut wrong = Vec::new();
    let asked = &claim["spec"]["resources"]["requests"];
    let request = |name: &str| given(&asked[name]);
    for item in items(range, KIND) {
        for (name, least) in item["min"].fields().iter() {
            wrong.extend(below(KIND, name, least, request(name), None));
        }
        for (name, most) in item["max"].fields().iter() {
            wrong.extend(asked_above(KIND, name, most, request(name)));
        }
    }
    wrong
}

// Models plugin/pkg/admission/limitranger/admission.go maxRequestConstraint
fn asked_above(kind: &str, name: &str, most: &Value, request: Option<Quantity>) -> Option<String> {
    let bound = Quantity::from_value(most).ok()?;
    let start = format!("maximum {name} usage per {kind} is {bound}");
    let Some(request) = request else { return Some(format!("{start}.  No request is specified")) };
    (request.nanos() > bound.nanos()).then(|| format!("{start}, but request is {request}"))
}

// Models plugin/pkg/admission/limitranger/admission.go PodValidateLimitFunc
fn check_pod(range: &Value, pod: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for item in items(range, "Container") {
        let lists = [pod["spec"]["containers"].items(), pod["spec"]["initContainers"].items()];
        for container in lists.iter().flat_map(|containers| containers.iter()) {
            let of = |list: &str, name: &str| given(&container["resources"][list][name]);
            constrain("Container", item, &of, &mut wrong);
        }
    }
    for item in items(range, "Pod") {
        let of = |list: &str, name: &str| {
            let all = pod["spec"]["containers"].items();
            let said = all.iter().any(|container| !container["resources"][list][name].is_null());
            said.then(|| pod_amount(pod, list, name))
        };
        constrain("Pod", item, &of, &mut wrong);
    }
    wrong
}

/// Returns an amount that was given; what isn't there is none, rather than nothing.
fn given(amount: &Value) -> Option<Quantity> {
    if amount.is_null() { None } else { Quantity::from_value(amount).ok() }
}

fn constrain(kind: &str, item: &Value, of: &dyn Fn(&str, &str) -> Option<Quantity>, wrong: &mut Vec<String>) {
    for (name, least) in item["min"].fields().iter() {
        wrong.extend(below(kind, name, least, of("requests", name), of("limits", name)));
    }
    for (name, most) in item["max"].fields().iter() {
        wrong.extend(above(kind, name, most, of("requests", name), of("limits", name)));
    }
    for (name, ratio) in item["maxLimitRequestRatio"].fields().iter() {
        wrong.extend(too_far_apart(kind, name, ratio, of("requests", name), of("limits", name)));
    }
}

// Models plugin/pkg/admission/limitranger/admission.go minConstraint
fn below(
    kind: &str,
    name: &str,
    least: &Value,
    request: Option<Quantity>,
    limit: Option<Quantity>,
) -> Option<String> {
    let bound = Quantity::from_value(least).ok()?;
    let start = format!("minimum {name} usage per {kind} is {bound}");
    let Some(request) = request else { return Some(format!("{start}.  No request is specified")) };
    if request.nanos() < bound.nanos() {
        return Some(format!("{start}, but request is {request}"));
    }
    let limit = limit.filter(|limit| limit.nanos() < bound.nanos())?;
    Some(format!("{start}, but limit is {limit}"))
}

// Models plugin/pkg/admission/limitranger/admission.go maxConstraint
fn above(
    kind: &str,
    name: &str,
    most: &Value,
    request: Option<Quantity>,
    limit: Option<Quantity>,
) -> Option<String> {
    let bound = Quantity::from_value(most).ok()?;
    let start = format!("maximum {name} usage per {kind} is {bound}");
    let Some(limit) = limit else { return Some(format!("{start}.  No limit is specified")) };
    if limit.nanos() > bound.nanos() {
        return Some(format!("{start}, but limit is {limit}"));
    }
    let request = request.filter(|request| request.nanos() > bound.nanos())?;
    Some(format!("{start}, but request is {request}"))
}

// Models plugin/pkg/admission/limitranger/admission.go limitRequestRatioConstraint
fn too_far_apart(
    kind: &str,
    name: &str,
    ratio: &Value,
    request: Option<Quantity>,
    limit: Option<Quantity>,
) -> Option<String> {
    let bound = Quantity::from_value(ratio).ok()?;
    let start = format!("{name} max limit to request ratio per {kind} is {bound}");
    let Some(request) = request.filter(|request| !request.is_zero()) else {
        return Some(format!("{start}, but no request is specified or request is 0"));
    };
    let Some(limit) = limit.filter(|limit| !limit.is_zero()) else {
        return Some(format!("{start}, but no limit is specified or limit is 0"));
    };
    let provided = limit.nanos() as f64 / request.nanos() as f64;
    if provided * 1e9 <= bound.nanos() as f64 {
        return None;
    }
    Some(format!("{start}, but provided ratio is {provided:.6}"))
}

fn ranges(server: &ApiServer, namespace: &str) -> Vec<Value> {
    let Some(rest) = resources::find("", "v1", "limitranges") else { return Vec::new() };
    if server.has_none_of(rest) {
        return Vec::new();
    }
    let prefix = rest.key(namespace, "");
    server.store.range(&prefix).map(|(_, entry)| entry.value.clone()).collect()
}

fn items<'a>(range: &'a Value, kind: &'static str) -> impl Iterator<Item = &'a Value> {
    range["spec"]["limits"].items().iter().filter(move |item| item["type"].str() == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Rows as in plugin/pkg/admission/limitranger/admission_test.go TestPersistentVolumeClaimLimitFunc.
    #[test]
    fn claims_are_held_to_their_limits() {
        let asking = |size: &str| api::tree!({"spec": {"resources": {"requests": {"storage": size}}}});
        let silent = api::tree!({"spec": {}});
        for (item, claim, expected) in [
            (r#"{"min":{"storage":"1Gi"}}"#, asking("1Gi"), ""),
            (r#"{"max":{"storage":"1Gi"}}"#, asking("1Gi"), ""),
            (
                r#"{"min":{"storage":"5Gi"}}"#,
                asking("1Gi"),
                "minimum storage usage per PersistentVolumeClaim is 5Gi, but request is 1Gi",
            ),
            (
                r#"{"max":{"storage":"2Gi"}}"#,
                asking("3Gi"),
                "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi",
            ),
            (
                r#"{"max":{"storage":"2Gi"}}"#,
                silent,
                "maximum storage usage per PersistentVolumeClaim is 2Gi.  No request is specified",
            ),
        ] {
            let mut item = Value::from_json(item).unwrap();
            item.set(&["type"], "PersistentVolumeClaim");
            let range = api::tree!({"spec": {"limits": [(item)]}});
            assert_eq!(check_claim(&range, &claim).join(", "), expected, "{}", range.to_json());
        }
    }

    // Rows as in plugin/pkg/admission/limitranger/admission_test.go TestPodLimitFunc.
    #[test]
    fn containers_are_held_to_their_limits() {
        for (item, resources, expected) in [
            (r#"{"min":{"cpu":"50m"}}"#, r#"{"requests":{"cpu":"100m"}}"#, ""),
            (r#"{"min":{"cpu":"50m"}}"#, r#"{"requests":{"cpu":"100m"},"limits":{"cpu":"200m"}}"#, ""),
            (
                r#"{"min":{"cpu":"50m"}}"#,
                "{}",
                "minimum cpu usage per Container is 50m.  No request is specified",
            ),
            (
                r#"{"max":{"cpu":"1"}}"#,
                r#"{"requests":{"cpu":"100m"}}"#,
                "maximum cpu usage per Container is 1.  No limit is specified",
            ),
            (r#"{"max":{"cpu":"1"}}"#, r#"{"limits":{"cpu":"1"}}"#, ""),
        ] {
            let mut item = Value::from_json(item).unwrap();
            item.set(&["type"], "Container");
            let range = api::tree!({"spec": {"limits": [(item)]}});
            let resources = Value::from_json(resources).unwrap();
            let pod = api::tree!({"spec": {"containers": [{"resources": resources}]}});
            assert_eq!(check_pod(&range, &pod).join(", "), expected, "{}", range.to_json());
        }
    }
}
