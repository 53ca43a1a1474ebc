//! `kubectl apply --prune`: what was applied before and isn't any more goes.
// Models staging/src/k8s.io/kubectl/pkg/cmd/apply/prune.go

use super::LAST_APPLIED;
use crate::builder::Info;
use crate::cmd::create::mapping;
use crate::cx::{Cx, DryRun};
use crate::failure::{Outcome, error};
use crate::mapper::{self, Mapping};
use crate::printers::print_result;
use api::{Method, Request, meta, tree};
use std::collections::BTreeSet;

/// The kinds that are pruned unless `--prune-allowlist` says which.
// Models staging/src/k8s.io/kubectl/pkg/util/prune/prune.go
const KINDS: &[(&str, &str, &str)] = &[
    ("", "v1", "ConfigMap"),
    ("", "v1", "Endpoints"),
    ("", "v1", "PersistentVolumeClaim"),
    ("", "v1", "Pod"),
    ("", "v1", "ReplicationController"),
    ("", "v1", "Secret"),
    ("", "v1", "Service"),
    ("batch", "v1", "Job"),
    ("batch", "v1", "CronJob"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("apps", "v1", "DaemonSet"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "ReplicaSet"),
    ("apps", "v1", "StatefulSet"),
    ("", "v1", "Namespace"),
    ("", "v1", "PersistentVolume"),
];

/// What was applied: the namespaces, and the objects by kind, namespace and name.
#[derive(Debug, Default)]
pub(super) struct Visited {
    namespaces: BTreeSet<String>,
    objects: BTreeSet<(String, String, String)>,
}

impl Visited {
    /// Notes an object.
    pub fn note(&mut self, info: &Info) {
        if info.mapping.namespaced {
            self.namespaces.insert(info.namespace.clone());
        }
        self.objects.insert((info.mapping.group_resource(), info.namespace.clone(), info.name.clone()));
    }
}

/// Reads the kinds to prune.
///
/// # Errors
/// Where one isn't written as GROUP/VERSION/KIND.
pub(super) fn kinds(cx: &mut Cx) -> Outcome<Vec<Mapping>> {
    let given = cx.flags.list("prune-allowlist");
    if given.is_empty() || !cx.flags.is("prune") {
        return KINDS.iter().map(|(group, version, kind)| mapping(group, version, kind)).collect();
    }
    let mut kinds = Vec::new();
    for text in given {
        let parts: Vec<&str> = text.split('/').collect();
        let [group, version, kind] = parts.as_slice() else {
            return error(format!(
                "invalid GroupVersionKind format: {text}, please follow <group/version/kind>"
            ));
        };
        let group = if *group == "core" { "" } else { group };
        kinds.push(mapper::of_kind(cx, group, version, kind)?);
    }
    Ok(kinds)
}

/// Deletes what was applied once, fits the selector, and wasn't applied now.
pub(super) fn run(cx: &mut Cx, visited: &Visited, kinds: &[Mapping], dry_run: DryRun) -> Outcome {
    for namespace in &visited.namespaces {
        for kind in kinds.iter().filter(|kind| kind.namespaced) {
            prune(cx, visited, kind, namespace, dry_run)?;
        }
    }
    for kind in kinds.iter().filter(|kind| !kind.namespaced) {
        prune(cx, visited, kind, "", dry_run)?;
    }
    Ok(())
}

fn prune(cx: &mut Cx, visited: &Visited, kind: &Mapping, namespace: &str, dry_run: DryRun) -> Outcome {
    let selector = cx.flags.text("selector").to_string();
    for object in cx.list(kind, namespace, &selector, "")? {
        let name = meta::name(&object).to_string();
        let key = (kind.group_resource(), namespace.to_string(), name.clone());
        if meta::annotation(&object, LAST_APPLIED).is_empty() || visited.objects.contains(&key) {
            continue;
        }
        if dry_run != DryRun::Client {
            let policy = match cx.flags.text("cascade") {
                "foreground" => "Foreground",
                "orphan" => "Orphan",
                _ => "Background",
            };
            let options = tree!({
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "propagationPolicy": policy,
            });
            let mut request = Request::new(Method::Delete, kind.object(namespace, &name, "")).body(options);
            if dry_run == DryRun::Server {
                request = request.query("dryRun", "All");
            }
            cx.request(request)?;
        }
        print_result(cx, &object, "pruned", dry_run)?;
    }
    Ok(())
}
