//! A pod's class of runtime says where it runs and what its sandbox needs.
// Models plugin/pkg/admission/runtimeclass/admission.go

use crate::handlers::Call;
use crate::resources;
use crate::server::ApiServer;
use api::{Status, Value};

const OTHER_OVERHEAD: &str = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/// Takes over what a pod's class says.
///
/// # Errors
/// Forbidden, in upstream's words.
// Models plugin/pkg/admission/runtimeclass/admission.go Admit
pub(super) fn admit(server: &ApiServer, call: &Call, pod: &mut Value) -> Result<(), Status> {
    let class = class(server, call, pod)?;
    take_over(pod, &class).map_err(|why| Status::forbidden("pods", call.object_name, &why))
}

/// Checks that a pod's overhead is its class's.
///
/// # Errors
/// Forbidden, in upstream's words.
// Models plugin/pkg/admission/runtimeclass/admission.go Validate
pub(super) fn check(server: &ApiServer, call: &Call, pod: &Value) -> Result<(), Status> {
    let class = class(server, call, pod)?;
    let (own, overhead) = (&pod["spec"]["overhead"], &class["overhead"]);
    let why = match overhead.is_null() {
        false if !is_same(&overhead["podFixed"], own) => OTHER_OVERHEAD,
        true if !own.is_null() => {
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
        }
        _ => return Ok(()),
    };
    Err(Status::forbidden("pods", call.object_name, why))
}

/// Returns a pod's class; null where it names none.
fn class(server: &ApiServer, call: &Call, pod: &Value) -> Result<Value, Status> {
    let name = pod["spec"]["runtimeClassName"].str();
    if name.is_empty() {
        return Ok(Value::Null);
    }
    let classes = resources::find("node.k8s.io", "v1", "runtimeclasses");
    let entry = classes.and_then(|classes| server.store.get(&classes.key("", name)));
    entry.map(|entry| entry.value.clone()).ok_or_else(|| {
        let why = format!("pod rejected: RuntimeClass {name:?} not found");
        Status::forbidden("pods", call.object_name, &why)
    })
}

// Models plugin/pkg/admission/runtimeclass/admission.go setOverhead, setScheduling
fn take_over(pod: &mut Value, class: &Value) -> Result<(), String> {
    let overhead = &class["overhead"]["podFixed"];
    if !class["overhead"].is_null() {
        let own = &pod["spec"]["overhead"];
        if !own.is_empty() && !is_same(overhead, own) {
            return Err(OTHER_OVERHEAD.to_string());
        }
        if !overhead.is_null() {
            pod.set(&["spec", "overhead"], overhead);
        }
    }
    let scheduling = &class["scheduling"];
    for (key, value) in scheduling["nodeSelector"].fields().iter() {
        let own = &pod["spec"]["nodeSelector"][key];
        if !own.is_null() && own != value {
            let (class, own) = (value.str(), own.str());
            return Err(format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {class}; pod.spec.nodeSelector[{key}] = {own}"
            ));
        }
        pod.set(&["spec", "nodeSelector", key], value);
    }
    if !scheduling["tolerations"].is_empty() {
        let merged = merge(pod["spec"]["tolerations"].items(), scheduling["tolerations"].items());
        pod.set(&["spec", "tolerations"], merged);
    }
    Ok(())
}

/// Returns whether two lists of quantities are the same.
fn is_same(a: &Value, b: &Value) -> bool {
    let (a, b) = (a.fields(), b.fields());
    let same = |(name, amount): (&str, &Value)| {
        b.get(name).is_some_and(|other| crate::quantity::compare(amount, other).is_eq())
    };
    a.len() == b.len() && a.iter().all(same)
}

/// Joins two lists of tolerations without those that others hold.
// Models pkg/util/tolerations/tolerations.go MergeTolerations
fn merge(first: &[Value], second: &[Value]) -> Value {
    let all: Vec<&Value> = first.iter().chain(second).collect();
    let mut merged: Vec<&Value> = Vec::new();
    for (i, toleration) in all.iter().enumerate() {
        let held = merged.iter().any(|other| holds(other, toleration))
            || all.iter().skip(i + 1).any(|other| other != toleration && holds(other, toleration));
        if !held {
            merged.push(toleration);
        }
    }
    merged.into_iter().cloned().collect()
}

// Models pkg/util/tolerations/tolerations.go isSuperset
fn holds(wide: &Value, narrow: &Value) -> bool {
    if wide == narrow {
        return true;
    }
    let text = |toleration: &Value, field: &str| toleration[field].text();
    let is_equal = |toleration: &Value| matches!(toleration["operator"].str(), "" | "Equal");
    let keyless = wide["key"].str().is_empty() && wide["operator"].str() == "Exists";
    if text(wide, "key") != text(narrow, "key") && !keyless {
        return false;
    }
    let effect = wide["effect"].str();
    if !effect.is_empty() && effect != narrow["effect"].str() {
        return false;
    }
    if let Some(seconds) = wide["tolerationSeconds"].as_int().filter(|_| effect == "NoExecute")
        && narrow["tolerationSeconds"].as_int().is_none_or(|narrow| narrow > seconds)
    {
        return false;
    }
    match wide["operator"].str() {
        "" | "Equal" => is_equal(narrow) && text(wide, "value") == text(narrow, "value"),
        operator => operator == "Exists",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Value {
        Value::from_json(json).unwrap()
    }

    // Rows as in plugin/pkg/admission/runtimeclass/admission_test.go TestSetOverhead, TestSetScheduling.
    #[test]
    fn what_a_class_says_is_taken_over() {
        for (pod, class, expected) in [
            (r#"{}"#, r#"{}"#, Ok(r#"{}"#)),
            (
                r#"{}"#,
                r#"{"overhead":{"podFixed":{"cpu":"100m","memory":"1Mi"}}}"#,
                Ok(r#"{"overhead":{"cpu":"100m","memory":"1Mi"}}"#),
            ),
            (
                r#"{"overhead":{"cpu":"0.1"}}"#,
                r#"{"overhead":{"podFixed":{"cpu":"100m"}}}"#,
                Ok(r#"{"overhead":{"cpu":"100m"}}"#),
            ),
            (
                r#"{"overhead":{"cpu":"1"}}"#,
                r#"{"overhead":{"podFixed":{"cpu":"100m"}}}"#,
                Err(OTHER_OVERHEAD),
            ),
            (
                r#"{"nodeSelector":{"a":"1"}}"#,
                r#"{"scheduling":{"nodeSelector":{"b":"2"}}}"#,
                Ok(r#"{"nodeSelector":{"a":"1","b":"2"}}"#),
            ),
            (
                r#"{"nodeSelector":{"foo":"bar"}}"#,
                r#"{"scheduling":{"nodeSelector":{"foo":"conflict"}}}"#,
                Err(
                    "conflict: runtimeClass.scheduling.nodeSelector[foo] = conflict; pod.spec.nodeSelector[foo] = bar",
                ),
            ),
            (
                r#"{"tolerations":[{"key":"a","operator":"Exists"}]}"#,
                r#"{"scheduling":{"tolerations":[{"key":"a","effect":"NoSchedule"},{"key":"b"}]}}"#,
                Ok(r#"{"tolerations":[{"key":"a","operator":"Exists"},{"key":"b"}]}"#),
            ),
            (
                r#"{"tolerations":[{"key":"a","value":"x","effect":"NoSchedule"}]}"#,
                r#"{"scheduling":{"tolerations":[{"operator":"Exists"}]}}"#,
                Ok(r#"{"tolerations":[{"operator":"Exists"}]}"#),
            ),
        ] {
            let mut found = api::tree!({"spec": (read(pod))});
            let done = take_over(&mut found, &read(class)).map(|()| found["spec"].to_json());
            assert_eq!(done.as_deref().map_err(String::as_str), expected, "{pod} {class}");
        }
    }
}
