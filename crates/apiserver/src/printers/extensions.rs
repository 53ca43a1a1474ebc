//! What is plugged into the API server, and how it orders requests.

use super::duration::{age, human};
use super::{name, or_else};
use crate::quantity;
use api::{Value, meta};
use sim::{SECOND, Time};

fn condition(object: &Value, kind: &str) -> Value {
    meta::condition(object, kind).map(|condition| condition["status"].clone()).unwrap_or_default()
}

fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).str() == "True"
}

/// Returns an APIService's cells.
// Models staging/src/k8s.io/kube-aggregator/pkg/registry/apiservice/etcd/etcd.go ConvertToTable
pub(crate) fn api_service(object: &Value, now: Time) -> Vec<Value> {
    let service = &object["spec"]["service"];
    let place = match service.is_null() {
        true => "Local".to_string(),
        false => format!("{}/{}", service["namespace"].str(), service["name"].str()),
    };
    let available = match meta::condition(object, "Available") {
        Some(condition) if condition["status"].str() == "True" => "True".to_string(),
        Some(condition) => format!("{} ({})", condition["status"].str(), condition["reason"].str()),
        None => "Unknown".to_string(),
    };
    vec![name(object), place.into(), available.into(), age(now, object)]
}

/// Returns a FlowSchema's cells.
// Models pkg/printers/internalversion/printers.go printFlowSchema
pub(crate) fn flow_schema(object: &Value, now: Time) -> Vec<Value> {
    let spec = &object["spec"];
    vec![
        name(object),
        spec["priorityLevelConfiguration"]["name"].clone(),
        spec["matchingPrecedence"].int().into(),
        or_else(&spec["distinguisherMethod"]["type"], "<none>"),
        age(now, object),
        or_else(&condition(object, "Dangling"), "?"),
    ]
}

/// Returns a PriorityLevelConfiguration's cells.
// Models pkg/printers/internalversion/printers.go printPriorityLevelConfiguration
pub(crate) fn priority_level(object: &Value, now: Time) -> Vec<Value> {
    let spec = &object["spec"];
    let queuing = &spec["limited"]["limitResponse"]["queuing"];
    let number = |value: &Value| if value.is_null() { "<none>".into() } else { value.clone() };
    vec![
        name(object),
        spec["type"].clone(),
        number(&spec["limited"]["nominalConcurrencyShares"]),
        number(&queuing["queues"]),
        number(&queuing["handSize"]),
        number(&queuing["queueLengthLimit"]),
        age(now, object),
    ]
}

/// Returns a CertificateSigningRequest's cells.
// Models pkg/printers/internalversion/printers.go printCertificateSigningRequest
pub(crate) fn signing_request(object: &Value, now: Time) -> Vec<Value> {
    let spec = &object["spec"];
    let mut state = if is_true(object, "Denied") {
        "Denied".to_string()
    } else if is_true(object, "Approved") {
        "Approved".to_string()
    } else {
        "Pending".to_string()
    };
    if is_true(object, "Failed") {
        state.push_str(",Failed");
    }
    if !object["status"]["certificate"].str().is_empty() {
        state.push_str(",Issued");
    }
    let duration = match spec["expirationSeconds"].as_int() {
        Some(seconds) => human(seconds.saturating_mul(SECOND)),
        None => "<none>".to_string(),
    };
    vec![
        name(object),
        age(now, object),
        or_else(&spec["signerName"], "<none>"),
        spec["username"].str().into(),
        duration.into(),
        state.into(),
    ]
}

fn param_kind(object: &Value) -> Value {
    let kind = &object["spec"]["paramKind"];
    if kind.is_null() {
        return "<unset>".into();
    }
    format!("{}/{}", kind["apiVersion"].str(), kind["kind"].str()).into()
}

/// Returns the cells of a ValidatingAdmissionPolicy or MutatingAdmissionPolicy.
// Models pkg/printers/internalversion/printers.go printValidatingAdmissionPolicy, printMutatingAdmissionPolicy
pub(crate) fn admission_policy(object: &Value, now: Time) -> Vec<Value> {
    let spec = &object["spec"];
    let rules = spec["validations"].items().len() + spec["mutations"].items().len();
    vec![name(object), rules.into(), param_kind(object), age(now, object)]
}

/// Returns the cells of such a policy's binding.
// Models pkg/printers/internalversion/printers.go printValidatingAdmissionPolicyBinding
pub(crate) fn admission_policy_binding(object: &Value, now: Time) -> Vec<Value> {
    let spec = &object["spec"];
    let reference = &spec["paramRef"];
    let param = match (reference["namespace"].str(), reference["name"].str()) {
        _ if reference.is_null() => "<unset>".to_string(),
        ("", "") => "<unset>".to_string(),
        ("", name) => name.to_string(),
        (namespace, "") => format!("{namespace}/*"),
        (namespace, name) => format!("{namespace}/{name}"),
    };
    vec![name(object), spec["policyName"].str().into(), param.into(), age(now, object)]
}

/// Returns the cells of a DeviceClass or ResourceClaimTemplate.
pub(crate) fn name_and_age(object: &Value, now: Time) -> Vec<Value> {
    vec![name(object), age(now, object)]
}

/// Returns a ResourceClaim's cells.
// Models pkg/printers/internalversion/printers.go resourceClaimState
pub(crate) fn resource_claim(object: &Value, now: Time) -> Vec<Value> {
    let mut states: Vec<&str> = Vec::new();
    if meta::is_deleting(object) {
        states.push("deleted");
    }
    match (object["status"]["allocation"].is_null(), object["status"]["reservedFor"].items().is_empty()) {
        (true, _) if states.is_empty() => states.push("pending"),
        (true, _) => {}
        (false, true) => states.push("allocated"),
        (false, false) => states.extend(["allocated", "reserved"]),
    }
    vec![name(object), states.join(",").into(), age(now, object)]
}

/// Returns a ResourceSlice's cells.
// Models pkg/printers/internalversion/printers.go printResourceSlice
pub(crate) fn resource_slice(object: &Value, now: Time) -> Vec<Value> {
    let spec = &object["spec"];
    let node = match spec["nodeName"].str() {
        "" if spec["allNodes"].is_true() => "<all>",
        "" => "<unset>",
        node => node,
    };
    vec![
        name(object),
        node.into(),
        spec["driver"].str().into(),
        spec["pool"]["name"].str().into(),
        age(now, object),
    ]
}

/// Returns a CSIStorageCapacity's cells.
// Models pkg/printers/internalversion/printers.go printCSIStorageCapacity
pub(crate) fn storage_capacity(object: &Value, _: Time) -> Vec<Value> {
    let capacity = &object["capacity"];
    let amount = if capacity.is_null() { "<unset>".to_string() } else { quantity::text(capacity) };
    vec![name(object), object["storageClassName"].str().into(), amount.into()]
}
