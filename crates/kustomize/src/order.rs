//! The order of what was built.

use api::Value;
use std::cmp::Ordering;

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Sorts objects so that those come first that others depend on, unless `sortOptions` say otherwise.
// Models api/internal/builtins/SortOrderTransformer.go
pub fn sort(objects: &mut [Value], options: &Value) {
    if options["order"].str() == "fifo" {
        return;
    }
    let own = &options["legacySortOptions"];
    let names = |field: &str, standard: &[&str]| match own.get(field) {
        Some(list) => list.items().iter().map(|name| name.str().to_string()).collect(),
        None => standard.iter().map(ToString::to_string).collect::<Vec<_>>(),
    };
    let (first, last) = (names("orderFirst", &FIRST), names("orderLast", &LAST));
    objects.sort_by(|a, b| compare(a, b, &first, &last));
}

fn compare(a: &Value, b: &Value, first: &[String], last: &[String]) -> Ordering {
    let rank = |object: &Value| {
        let kind = object["kind"].str();
        let place =
            |list: &[String]| list.iter().position(|own| own == kind).and_then(|at| i64::try_from(at).ok());
        match (place(first), place(last)) {
            (Some(at), _) => at - i64::from(u16::MAX),
            (None, Some(at)) => at + 1,
            (None, None) => 0,
        }
    };
    let key = |object: &Value| {
        let (group, version) = match object["apiVersion"].str().split_once('/') {
            Some((group, version)) => (group.to_string(), version.to_string()),
            None => (String::new(), object["apiVersion"].str().to_string()),
        };
        let kind = object["kind"].str().to_string();
        let namespace = api::meta::namespace(object).to_string();
        (kind, group, version, namespace, api::meta::name(object).to_string())
    };
    rank(a).cmp(&rank(b)).then_with(|| key(a).cmp(&key(b)))
}
