//! What client-side apply set becomes server-side apply's, so that fields that are left out go.
// Models staging/src/k8s.io/client-go/util/csaupgrade/upgrade.go, staging/src/k8s.io/kubectl/pkg/cmd/apply/apply.go migrateToSSAIfNecessary

use super::{LAST_APPLIED, MANAGER};
use crate::builder::Info;
use crate::cx::{Cx, DryRun};
use crate::failure::Outcome;
use api::{Method, PatchType, Request, Value, meta, tree};

/// Who keeps the annotation of what was applied last.
const KEEPER: &str = "kubectl-last-applied";
/// The manager of server-side apply unless another one is named.
const SERVER_SIDE: &str = "kubectl";
/// How many times it is tried again after a conflict.
const TRIES: u32 = 5;

/// Brings the managed fields of an object that was applied on the server side into order. Returns whether
/// anything was changed.
///
/// # Errors
/// The server's refusal.
pub(super) fn run(cx: &mut Cx, info: &mut Info) -> Outcome<bool> {
    let manager =
        if cx.flags.changed("field-manager") { cx.manager(SERVER_SIDE) } else { SERVER_SIDE.to_string() };
    if manager == SERVER_SIDE {
        keep_annotation(cx, info)?;
    }
    let mut tries = 0;
    loop {
        let entries = info.object["metadata"]["managedFields"].items();
        let upgraded = upgraded(entries, &owners(entries), &manager);
        if upgraded == entries {
            return Ok(false);
        }
        let patch = tree!([
            {"op": "replace", "path": "/metadata/managedFields", "value": (upgraded)},
            {
                "op": "replace",
                "path": "/metadata/resourceVersion",
                "value": (&info.object["metadata"]["resourceVersion"]),
            },
        ]);
        match cx.patch(info.path(""), PatchType::Json, patch, DryRun::None, &manager) {
            Ok(object) => {
                info.refresh(object);
                return Ok(true);
            }
            Err(failure) if failure.is_conflict() && tries < TRIES => {
                tries += 1;
                let object = cx.get(&info.mapping, &info.namespace, &info.name)?;
                info.refresh(object);
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Applies the annotation by itself, so that it doesn't go with its owner.
// Models staging/src/k8s.io/kubectl/pkg/cmd/apply/apply.go saveLastApplyAnnotationIfNecessary
fn keep_annotation(cx: &mut Cx, info: &mut Info) -> Outcome {
    let text = meta::annotation(&info.object, LAST_APPLIED).to_string();
    let entries = info.object["metadata"]["managedFields"].items();
    let is_kept = entries.iter().any(|entry| entry["operation"].str() == "Apply" && owns_annotation(entry));
    if text.is_empty() || is_kept {
        return Ok(());
    }
    let mut alone = tree!({
        "apiVersion": (info.mapping.api_version()),
        "kind": (&info.mapping.kind),
        "metadata": {"name": (&info.name)},
    });
    if info.mapping.namespaced {
        alone.set(&["metadata", "namespace"], &info.namespace);
    }
    alone.set(&["metadata", "annotations", LAST_APPLIED], text);
    let mut request = Request::new(Method::Patch, info.path("")).body(alone);
    request = request.query("fieldManager", KEEPER).query("force", "true");
    request.patch = PatchType::Apply;
    let object = cx.request(request)?.body;
    info.refresh(object);
    Ok(())
}

fn owns_annotation(entry: &Value) -> bool {
    let field = format!("f:{LAST_APPLIED}");
    !entry["fieldsV1"]["f:metadata"]["f:annotations"][field.as_str()].is_null()
}

/// Returns the managers of client-side apply: kubectl's own, and who owns the annotation.
fn owners(entries: &[Value]) -> Vec<String> {
    let mut owners = vec![MANAGER.to_string()];
    for entry in entries.iter().filter(|entry| entry["operation"].str() == "Update" && owns_annotation(entry))
    {
        let name = entry["manager"].str();
        if !owners.iter().any(|known| known == name) {
            owners.push(name.to_string());
        }
    }
    owners
}

/// Returns the entries with those of client-side apply joined to that of server-side apply.
fn upgraded(entries: &[Value], from: &[String], to: &str) -> Vec<Value> {
    let mut entries = entries.to_vec();
    for manager in from {
        let is = |entry: &Value, name: &str, operation: &str| {
            entry["manager"].str() == name
                && entry["operation"].str() == operation
                && entry["subresource"].str().is_empty()
        };
        if !entries.iter().any(|entry| is(entry, manager, "Update")) {
            continue;
        }
        let target = match entries.iter().position(|entry| is(entry, to, "Apply")) {
            Some(at) => at,
            None => {
                let Some(at) = entries.iter().position(|entry| is(entry, manager, "Update")) else {
                    continue;
                };
                if let Some(entry) = entries.get_mut(at) {
                    entry.set(&["operation"], "Apply");
                    entry.set(&["manager"], to);
                }
                at
            }
        };
        let version = entries.get(target).map(|entry| entry["apiVersion"].clone()).unwrap_or_default();
        let joined: Vec<Value> = entries
            .iter()
            .filter(|entry| is(entry, manager, "Update") && entry["apiVersion"] == version)
            .map(|entry| entry["fieldsV1"].clone())
            .collect();
        if let Some(entry) = entries.get_mut(target) {
            let mut fields = joined.iter().fold(entry["fieldsV1"].clone(), |all, more| union(&all, more));
            forget_annotation(&mut fields);
            entry.set(&["fieldsV1"], fields);
        }
        entries.retain(|entry| !is(entry, manager, "Update"));
    }
    entries
}

/// Returns the fields that either set has.
fn union(one: &Value, other: &Value) -> Value {
    let (Value::Map(_), Value::Map(map)) = (one, other) else { return one.clone() };
    let mut all = one.clone();
    for (key, value) in map.iter() {
        let joined = match one.get(key) {
            Some(known) => union(known, value),
            None => value.clone(),
        };
        all.set(&[key], joined);
    }
    all
}

fn forget_annotation(fields: &mut Value) {
    let field = format!("f:{LAST_APPLIED}");
    if fields["f:metadata"]["f:annotations"][field.as_str()].is_null() {
        return;
    }
    fields.remove(&["f:metadata", "f:annotations", &field]);
    if fields["f:metadata"]["f:annotations"].is_empty() {
        fields.remove(&["f:metadata", "f:annotations"]);
    }
    if fields["f:metadata"].is_empty() {
        fields.remove(&["f:metadata"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_what_client_side_apply_set() {
        let entry = |manager: &str, operation: &str, fields: &str| {
            tree!({
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": (Value::from_json(fields).unwrap()),
                "manager": manager,
                "operation": operation,
            })
        };
        let annotated = r#"{"f:data":{"f:a":{}},"f:metadata":{"f:annotations":{"f:kubectl.kubernetes.io/last-applied-configuration":{}}}}"#;
        let entries = [
            entry("kubectl", "Apply", r#"{"f:data":{"f:b":{}}}"#),
            entry("mine", "Update", annotated),
            entry("kubectl-client-side-apply", "Update", annotated),
            entry("other", "Update", r#"{"f:data":{"f:c":{}}}"#),
        ];
        let after = upgraded(&entries, &owners(&entries), "kubectl");
        let shown: Vec<String> = after
            .iter()
            .map(|entry| format!("{} {}", entry["manager"].str(), entry["fieldsV1"].to_json()))
            .collect();
        assert_eq!(shown, [r#"kubectl {"f:data":{"f:a":{},"f:b":{}}}"#, r#"other {"f:data":{"f:c":{}}}"#]);
        let alone = upgraded(entries.get(2..).unwrap(), &owners(&entries), "kubectl");
        assert_eq!((alone[0]["manager"].str(), alone[0]["operation"].str()), ("kubectl", "Apply"));
        let none = entries.get(3..).unwrap();
        assert_eq!(upgraded(none, &owners(none), "kubectl"), none);
    }
}
