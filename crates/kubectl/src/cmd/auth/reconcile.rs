//! `kubectl auth reconcile`: brings roles and bindings to what files say, and adds before it takes away.
// Models staging/src/k8s.io/kubectl/pkg/cmd/auth/reconcile.go, staging/src/k8s.io/component-helpers/auth/rbac/reconciliation

use crate::builder::{self, Info};
use crate::cmd::create::mapping;
use crate::cx::{Cx, DryRun, Next};
use crate::failure::{Failure, Outcome, error};
use crate::files;
use crate::printers::{self, print_result};
use api::{Value, meta, tree};

const GROUP: &str = "rbac.authorization.k8s.io";
const MANAGER: &str = "kubectl-auth";

/// Runs the command.
pub(crate) fn run(cx: &mut Cx) -> Outcome<Next> {
    let flags = cx.args();
    let dry_run = cx.dry_run()?;
    if !flags.args.is_empty() {
        return error("no arguments are allowed");
    }
    if !files::are_named(cx) {
        return error("must specify one of -f and -k");
    }
    printers::wanted(cx, false)?;
    let (infos, failures) = builder::from_files(cx);
    Failure::many(failures)?;
    for info in infos {
        if info.mapping.group == GROUP && schema::find_kind(GROUP, "v1", &info.mapping.kind).is_some() {
            one(cx, &info, dry_run)?;
        }
    }
    Ok(Next::Done)
}

/// What a list lacks, and what it has too much.
#[derive(Default)]
struct Difference {
    missing: Vec<Value>,
    extra: Vec<Value>,
}

fn one(cx: &mut Cx, info: &Info, dry_run: DryRun) -> Outcome {
    let is_binding = info.mapping.kind.ends_with("Binding");
    let list = if is_binding { "subjects" } else { "rules" };
    let existing = match cx.get(&info.mapping, &info.namespace, &info.name) {
        Ok(existing) => existing,
        Err(failure) if failure.is_not_found() => return create(cx, info, dry_run, "create", list),
        Err(failure) => return Err(failure),
    };
    if is_binding && existing["roleRef"] != info.object["roleRef"] {
        // A role can't be changed for another one.
        if dry_run == DryRun::None {
            let request = api::Request::new(api::Method::Delete, info.path(""));
            cx.request(request)?;
        }
        return create(cx, info, dry_run, "recreate", list);
    }
    let (old, new) = (existing[list].items(), info.object[list].items());
    let found = if is_binding {
        Difference {
            missing: new.iter().filter(|one| !old.contains(one)).cloned().collect(),
            extra: old.iter().filter(|one| !new.contains(one)).cloned().collect(),
        }
    } else {
        Difference { missing: uncovered(old, new), extra: uncovered(new, old) }
    };
    let removes = cx.flags.is(if is_binding { "remove-extra-subjects" } else { "remove-extra-permissions" });
    let mut after = existing.clone();
    for field in ["labels", "annotations"] {
        for (key, value) in info.object["metadata"][field].fields().iter() {
            after.set(&["metadata", field, key], value);
        }
    }
    if removes && !found.extra.is_empty() {
        after.set(&[list], new.to_vec());
    } else if !found.missing.is_empty() {
        after.set(&[list], [old, found.missing.as_slice()].concat());
    }
    if !info.object["aggregationRule"].is_null() {
        after.set(&["aggregationRule"], &info.object["aggregationRule"]);
    }
    let is_protected = meta::annotation(&existing, "rbac.authorization.kubernetes.io/autoupdate") == "false";
    let operation = if after == existing { "" } else { "update" };
    if !operation.is_empty() && !is_protected && dry_run != DryRun::Client {
        after = cx.replace(info.path(""), after, dry_run, MANAGER)?;
    }
    let shown = if after["kind"].is_null() { existing } else { after };
    let mut shown = Info { object: shown, ..info.clone() };
    shown.refresh(shown.object.clone());
    let extra = if removes { found.extra } else { Vec::new() };
    say(cx, &shown, operation, is_protected, (&found.missing, &extra), list, dry_run)
}

fn create(cx: &mut Cx, info: &Info, dry_run: DryRun, operation: &str, list: &str) -> Outcome {
    let mut shown = info.clone();
    if dry_run != DryRun::Client {
        if info.mapping.namespaced {
            let namespaces = mapping("", "v1", "Namespace")?;
            if cx.get(&namespaces, "", &info.namespace).is_err_and(|failure| failure.is_not_found()) {
                let namespace = tree!({
                    "apiVersion": "v1",
                    "kind": "Namespace",
                    "metadata": {"name": (&info.namespace)},
                });
                cx.create(&namespaces, "", namespace, dry_run, MANAGER)?;
            }
        }
        let created = cx.create(&info.mapping, &info.namespace, info.object.clone(), dry_run, MANAGER)?;
        shown.refresh(created);
    }
    let missing = info.object[list].items().to_vec();
    say(cx, &shown, operation, false, (&missing, &[]), list, dry_run)
}

fn say(
    cx: &mut Cx,
    info: &Info,
    operation: &str,
    is_protected: bool,
    (missing, extra): (&[Value], &[Value]),
    list: &str,
    dry_run: DryRun,
) -> Outcome {
    print_result(cx, &info.object, "reconciled", dry_run)?;
    if operation.is_empty() {
        return Ok(());
    }
    let caveat = if is_protected {
        ", but object opted out (rbac.authorization.kubernetes.io/autoupdate: false)"
    } else {
        ""
    };
    cx.err(format!("\treconciliation required {operation}{caveat}\n"));
    for (what, rows) in [("missing", missing), ("extra", extra)] {
        if !rows.is_empty() {
            let done = if what == "missing" { "added" } else { "removed" };
            cx.err(format!("\t{what} {list} {done}:\n"));
            for row in rows {
                cx.err(format!("\t\t{}\n", shown(row, list)));
            }
        }
    }
    Ok(())
}

/// Writes a rule or a subject as Go prints a struct with its fields' names.
fn shown(row: &Value, list: &str) -> String {
    let words = |field: &str| row[field].items().iter().map(Value::str).collect::<Vec<_>>().join(" ");
    if list == "subjects" {
        return format!(
            "{{Kind:{} APIGroup:{} Name:{} Namespace:{}}}",
            row["kind"].str(),
            row["apiGroup"].str(),
            row["name"].str(),
            row["namespace"].str()
        );
    }
    format!(
        "{{Verbs:[{}] APIGroups:[{}] Resources:[{}] ResourceNames:[{}] NonResourceURLs:[{}]}}",
        words("verbs"),
        words("apiGroups"),
        words("resources"),
        words("resourceNames"),
        words("nonResourceURLs")
    )
}

/// Returns the smallest parts of `wanted` that no rule of `rules` grants.
// Models staging/src/k8s.io/component-helpers/auth/rbac/validation/policy_compact.go Covers
fn uncovered(rules: &[Value], wanted: &[Value]) -> Vec<Value> {
    wanted.iter().flat_map(parts).filter(|part| !rules.iter().any(|rule| covers(rule, part))).collect()
}

// Models staging/src/k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go BreakdownRule
fn parts(rule: &Value) -> Vec<Value> {
    let mut parts = Vec::new();
    for group in rule["apiGroups"].items() {
        for resource in rule["resources"].items() {
            for verb in rule["verbs"].items() {
                let part = tree!({
                    "apiGroups": [(group)],
                    "resources": [(resource)],
                    "verbs": [(verb)],
                });
                let names = rule["resourceNames"].items();
                if names.is_empty() {
                    parts.push(part);
                    continue;
                }
                for name in names {
                    let mut named = part.clone();
                    named.set(&["resourceNames"], vec![name.clone()]);
                    parts.push(named);
                }
            }
        }
    }
    for url in rule["nonResourceURLs"].items() {
        for verb in rule["verbs"].items() {
            parts.push(tree!({"nonResourceURLs": [(url)], "verbs": [(verb)]}));
        }
    }
    parts
}

// Models staging/src/k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go ruleCovers
fn covers(rule: &Value, part: &Value) -> bool {
    let has = |field: &str, all: &str| {
        let wanted = part[field][0].str();
        rule[field].items().iter().any(|one| one.str() == all || one.str() == wanted)
    };
    if !has("verbs", "*") {
        return false;
    }
    let url = part["nonResourceURLs"][0].str();
    if !url.is_empty() {
        return rule["nonResourceURLs"].items().iter().any(|one| {
            one.str() == url
                || one
                    .str()
                    .strip_suffix('*')
                    .is_some_and(|start| !start.is_empty() && url.starts_with(start))
                || one.str() == "*"
        });
    }
    let subresource = part["resources"][0].str().split_once('/').map(|(_, rest)| format!("*/{rest}"));
    let resource = has("resources", "*")
        || subresource.is_some_and(|all| rule["resources"].items().iter().any(|one| one.str() == all));
    let names = rule["resourceNames"].items();
    let named =
        names.is_empty() || !part["resourceNames"].is_empty() && names.contains(&part["resourceNames"][0]);
    has("apiGroups", "*") && resource && named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_not_granted() {
        let rule = |json: &str| Value::from_json(json).unwrap();
        let all = rule(r#"{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}"#);
        let pods = rule(r#"{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}"#);
        let named =
            rule(r#"{"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["get"]}"#);
        let logs = rule(r#"{"apiGroups": [""], "resources": ["*/log"], "verbs": ["get"]}"#);
        let log = rule(r#"{"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]}"#);
        let url = rule(r#"{"nonResourceURLs": ["/healthz/*"], "verbs": ["get"]}"#);
        let urls = rule(r#"{"nonResourceURLs": ["/healthz/x", "/y"], "verbs": ["get"]}"#);
        for (have, want, count) in [
            (&all, &pods, 0),
            (&pods, &all, 1),
            (&pods, &named, 0),
            (&named, &pods, 2),
            (&logs, &log, 0),
            (&pods, &log, 1),
            (&url, &urls, 1),
        ] {
            let left = uncovered(std::slice::from_ref(have), std::slice::from_ref(want));
            assert_eq!(left.len(), count, "{have:?} {want:?}");
        }
    }
}
