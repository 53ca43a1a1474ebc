use super::{create, one_name};
use crate::cx::{Cx, Next};
use crate::failure::{Failure, Outcome, error};
use crate::mapper;
use api::{Value, tree};

const GROUP: &str = "rbac.authorization.k8s.io";
/// The verbs of resources that no warning is given for.
pub(crate) const VERBS: &[&str] = &[
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "escalate",
    "impersonate",
    "*",
    "approve",
    "sign",
    "attest",
];

/// `kubectl create role`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_role.go
pub(crate) fn role(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let rules = rules(cx, false)?;
    create(cx, GROUP, "v1", "Role", tree!({"metadata": {"name": (name)}, "rules": (rules)}), "")
}

/// `kubectl create clusterrole`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_clusterrole.go
pub(crate) fn cluster_role(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let aggregation = cx.flags.text("aggregation-rule").to_string();
    let has_rules = ["verb", "resource", "resource-name", "non-resource-url"]
        .iter()
        .any(|flag| !cx.flags.list(flag).is_empty());
    if !aggregation.is_empty() && has_rules {
        return error(
            "aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames",
        );
    }
    let object = if aggregation.is_empty() {
        tree!({"metadata": {"name": (name)}, "rules": (rules(cx, true)?)})
    } else {
        let mut labels = Value::map();
        for pair in aggregation.split(',') {
            let (key, value) = super::literal(pair)?;
            labels.set(&[key], value);
        }
        tree!({
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": (labels)}]},
            "metadata": {"name": (name)},
            "rules": null,
        })
    };
    create(cx, GROUP, "v1", "ClusterRole", object, "")
}

fn unique(words: Vec<String>) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for word in words {
        if !seen.contains(&word) {
            seen.push(word);
        }
    }
    if seen.iter().any(|word| word == "*") { vec!["*".to_string()] } else { seen }
}

fn rules(cx: &mut Cx, cluster: bool) -> Outcome<Vec<Value>> {
    let flags = cx.args();
    let verbs = unique(flags.list("verb"));
    let resources = flags.list("resource");
    let names = flags.list("resource-name");
    let urls = if cluster { flags.list("non-resource-url") } else { Vec::new() };
    if verbs.is_empty() {
        return error("at least one verb must be specified");
    }
    for verb in &verbs {
        if !VERBS.contains(&verb.as_str()) {
            cx.err(format!("Warning: '{verb}' is not a standard resource verb\n"));
        }
    }
    if resources.is_empty() && urls.is_empty() {
        return error("at least one resource must be specified");
    }
    if urls.iter().any(|url| *url != "*" && !url.starts_with('/')) {
        return error("nonResourceURL should start with /");
    }
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for resource in &resources {
        let (name, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let (group, mut plural) = resolved(cx, name)?;
        if !subresource.is_empty() {
            plural = format!("{plural}/{subresource}");
        }
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, plurals)) if plurals.contains(&plural) => {}
            Some((_, plurals)) => plurals.push(plural),
            None => groups.push((group, vec![plural])),
        }
    }
    let mut rules = Vec::new();
    for (group, plurals) in groups {
        let mut rule = tree!({"apiGroups": [(group)], "resources": (plurals), "verbs": (verbs.clone())});
        if !names.is_empty() {
            rule.set(&["resourceNames"], names.clone());
        }
        rules.push(rule);
    }
    if !urls.is_empty() {
        rules.push(tree!({"nonResourceURLs": (urls), "verbs": (verbs)}));
    }
    Ok(rules)
}

fn resolved(cx: &mut Cx, word: &str) -> Outcome<(String, String)> {
    if word == "*" {
        return Ok(("*".to_string(), "*".to_string()));
    }
    match mapper::find_resource(cx, word)? {
        Some(mapping) => Ok((mapping.group, mapping.plural)),
        None => {
            let (resource, group) = word.split_once('.').unwrap_or((word, ""));
            Err(Failure::NoResource { resource: resource.to_string(), group: group.to_string() })
        }
    }
}

/// `kubectl create rolebinding`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_rolebinding.go
pub(crate) fn role_binding(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    let (kind, role) = match (flags.text("role"), flags.text("clusterrole")) {
        (role, "") if !role.is_empty() => ("Role", role),
        ("", role) if !role.is_empty() => ("ClusterRole", role),
        _ => return error("exactly one of clusterrole or role must be specified"),
    };
    let object = binding(cx, &name, kind, role)?;
    create(cx, GROUP, "v1", "RoleBinding", object, "failed to create rolebinding")
}

/// `kubectl create clusterrolebinding`
// Models staging/src/k8s.io/kubectl/pkg/cmd/create/create_clusterrolebinding.go
pub(crate) fn cluster_role_binding(cx: &mut Cx) -> Outcome<Next> {
    let name = one_name(cx)?;
    let flags = cx.args();
    let object = binding(cx, &name, "ClusterRole", flags.text("clusterrole"))?;
    create(cx, GROUP, "v1", "ClusterRoleBinding", object, "failed to create clusterrolebinding")
}

fn binding(cx: &Cx, name: &str, kind: &str, role: &str) -> Outcome<Value> {
    let mut object = tree!({
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": role},
    });
    let subjects = subjects(cx)?;
    if !subjects.is_empty() {
        object.set(&["subjects"], subjects);
    }
    Ok(object)
}

/// Returns the subjects that `--user`, `--group` and `--serviceaccount` name.
pub(crate) fn subjects(cx: &Cx) -> Outcome<Vec<Value>> {
    let mut subjects = Vec::new();
    for (flag, kind) in [("user", "User"), ("group", "Group")] {
        for name in cx.flags.list(flag) {
            subjects.push(tree!({"apiGroup": GROUP, "kind": kind, "name": (name)}));
        }
    }
    for account in cx.flags.list("serviceaccount") {
        match account.split_once(':') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains(':') => {
                subjects.push(tree!({"kind": "ServiceAccount", "name": name, "namespace": namespace}));
            }
            _ => return error("serviceaccount must be <namespace>:<name>"),
        }
    }
    Ok(subjects)
}
