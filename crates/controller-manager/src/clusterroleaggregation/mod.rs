//! ClusterRoles that gather the rules of others: `admin` of all that are labelled
//! `rbac.authorization.k8s.io/aggregate-to-admin: "true"`.
//!
//! Upstream writes by server-side apply; here it is an update.
// Models pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go

use api::label::Selector;
use api::resources::CLUSTERROLES;
use api::{Resource, Value, meta};
use client::{Change, Cx, Enqueue, Failure, Identity, Informers, Reconcile};
use sim::Nanos;
use std::collections::{BTreeMap, BTreeSet};

/// The controller of gathering roles.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterRoleAggregation;

impl Reconcile for ClusterRoleAggregation {
    fn identity(&self) -> Identity {
        let account = "clusterrole-aggregation-controller";
        Identity::controller(account, "controller/clusterrole-aggregation")
    }

    fn resources(&self) -> Vec<Resource> {
        vec![CLUSTERROLES]
    }

    /// A change of any role may concern each that gathers.
    fn enqueue(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue) {
        if change.resource != CLUSTERROLES {
            return;
        }
        let roles = informers.of(CLUSTERROLES).iter();
        for role in roles.filter(|role| !role["aggregationRule"].is_null()) {
            queue.add(meta::key(role));
        }
    }

    // Models pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go syncClusterRole
    fn reconcile(&mut self, cx: &mut Cx, informers: &Informers, key: &str) -> Result<Option<Nanos>, Failure> {
        let roles = informers.of(CLUSTERROLES);
        let Some(role) = roles.get(key).filter(|role| !role["aggregationRule"].is_null()) else {
            return Ok(None);
        };
        let rules = gathered(role, roles.iter());
        if role["rules"].items() == rules.as_slice() {
            return Ok(None);
        }
        let mut wanted = role.clone();
        wanted.set(&["rules"], rules);
        match cx.update(CLUSTERROLES, &wanted, "") {
            Err(failure) if !failure.is_not_found() => Err(failure),
            _ => Ok(None),
        }
    }
}

/// Returns the rules of all roles that a role's selectors choose: selector by selector, by the roles' names,
/// each rule once.
fn gathered<'a>(role: &Value, roles: impl Iterator<Item = &'a Value>) -> Vec<Value> {
    let others: Vec<&Value> = roles.filter(|other| meta::name(other) != meta::name(role)).collect();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut rules: Vec<Value> = Vec::new();
    for selector in role["aggregationRule"]["clusterRoleSelectors"].items() {
        let selector = Selector::from_label_selector(selector);
        let chosen = others.iter().filter(|other| selector.matches(meta::labels(other)));
        let by_name: BTreeMap<&str, &Value> = chosen.map(|other| (meta::name(other), *other)).collect();
        let all = by_name.values().flat_map(|source| source["rules"].items());
        rules.extend(all.filter(|rule| known.insert(rule.to_json())).cloned());
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::gathered;
    use api::{Value, tree};

    fn role(name: &str, label: &str, verbs: &[&str]) -> Value {
        let mut role = tree!({"metadata": {"name": name, "labels": {}}});
        role.set(&["metadata", "labels", label], "true");
        for verb in verbs {
            role.at_mut(&["rules"]).list_mut().push(tree!({"verbs": [(*verb)]}));
        }
        role
    }

    #[test]
    fn gathers_each_rule_once_in_order() {
        let mut whole = role("whole", "a", &["own"]);
        let selectors = tree!([{"matchLabels": {"b": "true"}}, {"matchLabels": {"a": "true"}}]);
        whole.set(&["aggregationRule", "clusterRoleSelectors"], selectors);
        let all = [
            role("z", "a", &["get", "list"]),
            role("y", "a", &["get", "watch"]),
            role("x", "b", &["list"]),
            role("w", "c", &["delete"]),
            whole.clone(),
        ];
        let rules = gathered(&whole, all.iter());
        let verbs: Vec<&str> = rules.iter().map(|rule| rule["verbs"][0].str()).collect();
        assert_eq!(verbs, ["list", "get", "watch"]);
    }
}
