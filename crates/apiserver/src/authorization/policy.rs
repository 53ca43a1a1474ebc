//! The roles and bindings that every cluster has.
// Models plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go, controller_policy.go, namespace_policy.go

use super::rules::Rule;
use api::{Value, tree};

const CLUSTER_ROLES: &str = include_str!("../../data/cluster-roles.tsv");
const ROLES: &str = include_str!("../../data/namespaced-roles.tsv");
const BINDINGS: &str = include_str!("../../data/role-bindings.tsv");
const CONTROLLER: &str = "system:controller:";
const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect())
}

/// Returns a comma-separated cell's words.
fn words(cell: &'static str) -> Vec<&'static str> {
    cell.split(',').filter(|word| !word.is_empty()).collect()
}

fn list(words: &[&str]) -> Value {
    words.iter().map(|word| Value::from(*word)).collect()
}

fn verbs(cell: &'static str) -> Value {
    let mut all: Vec<&str> = Vec::new();
    for word in words(cell) {
        match word {
            "read" => all.extend(READ),
            "write" => all.extend(WRITE),
            word => all.push(word),
        }
    }
    all.sort_unstable();
    list(&all)
}

/// Makes a rule of the cells verbs, groups, resources and names.
fn rule(cells: &[&'static str]) -> Value {
    let cell = |i: usize| cells.get(i).copied().unwrap_or("");
    let mut rule = tree!({"verbs": (verbs(cell(0)))});
    let resources = words(cell(2));
    if cell(1).is_empty() {
        rule.set(&["nonResourceURLs"], list(&resources));
        return rule;
    }
    let groups: Vec<&str> =
        words(cell(1)).into_iter().map(|group| if group == "core" { "" } else { group }).collect();
    rule.set(&["apiGroups"], list(&groups));
    rule.set(&["resources"], list(&resources));
    if !cell(3).is_empty() {
        rule.set(&["resourceNames"], list(&words(cell(3))));
    }
    rule
}

/// Returns the rules of one of the ClusterRoles.
pub(crate) fn rules_of(role: &str) -> Vec<Rule> {
    let own = rows(CLUSTER_ROLES).filter(|row| row.first() == Some(&role) && row.len() > 1);
    own.map(|row| Rule::of(&rule(row.get(1..).unwrap_or(&[])))).collect()
}

/// Returns the label by which a role's rules become part of another's.
fn aggregates_to(role: &str) -> String {
    format!("rbac.authorization.k8s.io/aggregate-to-{role}")
}

fn metadata(name: &str) -> Value {
    tree!({
        "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    })
}

/// Returns the ClusterRoles, in upstream's order. What admin, edit and view gather from the others is in
/// them already.
pub(crate) fn cluster_roles() -> Vec<Value> {
    let mut roles: Vec<Value> = Vec::new();
    for row in rows(CLUSTER_ROLES) {
        let name = row.first().copied().unwrap_or("");
        if roles.last().is_none_or(|last| api::meta::name(last) != name) {
            roles.push(cluster_role(name));
        }
        if let (Some(role), Some(cells)) = (roles.last_mut(), row.get(1..).filter(|cells| !cells.is_empty()))
        {
            role.at_mut(&["rules"]).list_mut().push(rule(cells));
        }
    }
    // Who gathers from one that gathers comes after it.
    for name in ["view", "edit", "admin"] {
        gather(&mut roles, name);
    }
    roles
}

fn cluster_role(name: &str) -> Value {
    let mut role = tree!({"metadata": (metadata(name))});
    let label = match name {
        "view" => Some("edit"),
        "edit" => Some("admin"),
        name => name.strip_prefix("system:aggregate-to-"),
    };
    if let Some(label) = label {
        role.set(&["metadata", "labels", &aggregates_to(label)], "true");
    }
    if matches!(name, "admin" | "edit" | "view") {
        let labels = tree!([{"matchLabels": {}}]);
        role.set(&["aggregationRule", "clusterRoleSelectors"], labels);
        if let Some(selector) =
            role.at_mut(&["aggregationRule", "clusterRoleSelectors"]).list_mut().first_mut()
        {
            selector.set(&["matchLabels", &aggregates_to(name)], "true");
        }
    }
    role
}

// Models pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go syncClusterRole
fn gather(roles: &mut [Value], name: &str) {
    let label = aggregates_to(name);
    let mut sources: Vec<&Value> =
        roles.iter().filter(|role| role["metadata"]["labels"][label.as_str()].str() == "true").collect();
    sources.sort_by_key(|role| api::meta::name(role));
    let mut rules: Vec<Value> = Vec::new();
    for rule in sources.iter().flat_map(|role| role["rules"].items()) {
        if !rules.contains(rule) {
            rules.push(rule.clone());
        }
    }
    if let Some(role) = roles.iter_mut().find(|role| api::meta::name(role) == name) {
        role.set(&["rules"], rules);
    }
}

/// Returns the Roles, each with its namespace.
pub(crate) fn roles() -> Vec<(&'static str, Value)> {
    let mut roles: Vec<(&'static str, Value)> = Vec::new();
    for row in rows(ROLES) {
        let [namespace, name, cells @ ..] = row.as_slice() else { continue };
        if roles.last().is_none_or(|(of, last)| of != namespace || api::meta::name(last) != *name) {
            roles.push((namespace, tree!({"metadata": (metadata(name))})));
        }
        if let Some((_, role)) = roles.last_mut() {
            role.at_mut(&["rules"]).list_mut().push(rule(cells));
        }
    }
    roles
}

/// Returns the ClusterRoleBindings and RoleBindings, each with its namespace.
pub(crate) fn bindings() -> Vec<(&'static str, Value)> {
    let mut bindings = Vec::new();
    for row in rows(BINDINGS) {
        let [namespace, name, role, subjects] = row.as_slice() else { continue };
        let subjects: Vec<Value> = subjects.split(' ').filter_map(subject).collect();
        bindings.push((*namespace, binding(name, role, subjects)));
    }
    for role in cluster_roles() {
        if let Some(account) = api::meta::name(&role).strip_prefix(CONTROLLER) {
            let subject = tree!({"kind": "ServiceAccount", "namespace": "kube-system", "name": account});
            let name = api::meta::name(&role);
            bindings.push(("", binding(name, &format!("ClusterRole/{name}"), vec![subject])));
        }
    }
    bindings
}

/// Returns how many roles and bindings there are.
pub(crate) fn object_count() -> i64 {
    i64::try_from(cluster_roles().len() + roles().len() + bindings().len()).unwrap_or(0)
}

fn binding(name: &str, role: &str, subjects: Vec<Value>) -> Value {
    let (kind, role) = role.split_once('/').unwrap_or(("ClusterRole", role));
    let mut binding = tree!({
        "metadata": (metadata(name)),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
    });
    if !subjects.is_empty() {
        binding.set(&["subjects"], subjects);
    }
    binding
}

fn subject(text: &str) -> Option<Value> {
    let (kind, name) = text.split_once(':')?;
    let group = "rbac.authorization.k8s.io";
    Some(match kind {
        "account" => {
            let (namespace, name) = name.split_once('/')?;
            tree!({"kind": "ServiceAccount", "namespace": namespace, "name": name})
        }
        "user" => tree!({"apiGroup": group, "kind": "User", "name": name}),
        _ => tree!({"apiGroup": group, "kind": "Group", "name": name}),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn bindings_name_roles_that_are_there() {
        let roles: BTreeSet<String> =
            cluster_roles().iter().map(|role| api::meta::name(role).to_string()).collect();
        assert!(roles.len() > 60);
        for (namespace, binding) in bindings() {
            let role = binding["roleRef"]["name"].str();
            let known = match binding["roleRef"]["kind"].str() {
                "ClusterRole" => roles.contains(role),
                _ => {
                    self::roles().iter().any(|(of, known)| *of == namespace && api::meta::name(known) == role)
                }
            };
            assert!(known, "{role}");
        }
    }

    #[test]
    fn admin_has_what_view_has() {
        let roles = cluster_roles();
        let rules = |name: &str| {
            let role = roles.iter().find(|role| api::meta::name(role) == name).unwrap();
            role["rules"].items().to_vec()
        };
        let admin = rules("admin");
        for name in ["view", "edit", "system:aggregate-to-admin"] {
            let own = rules(name);
            assert!(!own.is_empty() && own.iter().all(|rule| admin.contains(rule)), "{name}");
        }
        assert!(!rules("view").iter().any(|rule| rule.to_json().contains("secrets")));
    }
}
