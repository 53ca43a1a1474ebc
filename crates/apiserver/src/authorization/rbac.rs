//! Roles and bindings, kept so that a question is answered without reading objects.
// Models plugin/pkg/auth/authorizer/rbac/rbac.go, pkg/registry/rbac/validation/rule.go

use super::Attributes;
use super::policy;
use super::rules::Rule;
use crate::resources;
use api::{User, Value, meta};
use etcd::Store;
use std::collections::BTreeMap;
use std::rc::Rc;

const GROUP: &str = "rbac.authorization.k8s.io";
/// Who may do everything whatever the bindings say.
pub(crate) const MASTERS: &str = "system:masters";

/// What a binding gives to a subject.
#[derive(Clone, Debug)]
struct Grant {
    /// The namespace; empty for all.
    namespace: Rc<str>,
    rules: Rc<[Rule]>,
    /// Which binding of which role to whom, as reasons name it.
    source: Rc<str>,
    /// Why the role can't be read; empty where it can.
    trouble: Rc<str>,
}

/// All roles and bindings by whom they are for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rbac {
    users: BTreeMap<Rc<str>, Vec<Grant>>,
    groups: BTreeMap<Rc<str>, Vec<Grant>>,
    /// What kubelets may do, which are no subjects of a binding.
    node_rules: Vec<Rule>,
}

/// What was decided, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) allowed: bool,
    pub(crate) reason: String,
}

impl Rbac {
    /// Reads the roles and bindings of a store.
    pub(crate) fn of(store: &Store) -> Rbac {
        let mut rbac = Rbac { node_rules: policy::rules_of("system:node"), ..Rbac::default() };
        let mut roles: BTreeMap<String, Rc<[Rule]>> = BTreeMap::new();
        for plural in ["clusterroles", "roles"] {
            for role in objects(store, plural) {
                let key = format!("{plural}/{}/{}", meta::namespace(role), meta::name(role));
                roles.insert(key, role["rules"].items().iter().map(Rule::of).collect());
            }
        }
        for plural in ["clusterrolebindings", "rolebindings"] {
            for binding in objects(store, plural) {
                rbac.add(binding, &roles);
            }
        }
        rbac
    }

    fn add(&mut self, binding: &Value, roles: &BTreeMap<String, Rc<[Rule]>>) {
        let (namespace, name) = (meta::namespace(binding), meta::name(binding));
        let (kind, role) = (binding["roleRef"]["kind"].str(), binding["roleRef"]["name"].str());
        let (plural, of) = if kind == "ClusterRole" { ("clusterroles", "") } else { ("roles", namespace) };
        let rules = roles.get(&format!("{plural}/{of}/{role}")).cloned();
        let trouble = match rules {
            Some(_) => String::new(),
            None => format!("{}.{GROUP} {role:?} not found", kind.to_lowercase()),
        };
        let (trouble, rules): (Rc<str>, _) = (trouble.into(), rules.unwrap_or_else(|| [].into()));
        let word = if namespace.is_empty() {
            format!("ClusterRoleBinding {name:?}")
        } else {
            format!("RoleBinding {:?}", format!("{name}/{namespace}"))
        };
        for subject in binding["subjects"].items() {
            let (subject_kind, who) = (subject["kind"].str(), subject["name"].str());
            let (map, key, told) = match subject_kind {
                "User" => (&mut self.users, who.to_string(), who.to_string()),
                "Group" => (&mut self.groups, who.to_string(), who.to_string()),
                "ServiceAccount" => {
                    let of = match subject["namespace"].str() {
                        "" => namespace,
                        of => of,
                    };
                    (&mut self.users, format!("system:serviceaccount:{of}:{who}"), format!("{who}/{of}"))
                }
                _ => continue,
            };
            let source = format!("{word} of {kind} {role:?} to {subject_kind} {told:?}");
            map.entry(key.into()).or_default().push(Grant {
                namespace: namespace.into(),
                rules: rules.clone(),
                source: source.into(),
                trouble: trouble.clone(),
            });
        }
    }

    /// Returns what a user is granted in a namespace: what holds everywhere first.
    fn grants<'a>(&'a self, user: &'a User, namespace: &'a str) -> impl Iterator<Item = &'a Grant> {
        let own = move || {
            let groups = user.groups.iter().filter_map(|group| self.groups.get(group));
            self.users.get(&user.name).into_iter().chain(groups).flatten()
        };
        let everywhere = own().filter(|grant| grant.namespace.is_empty());
        let here = own().filter(move |grant| !grant.namespace.is_empty() && &*grant.namespace == namespace);
        everywhere.chain(here)
    }

    fn is_node(user: &User) -> bool {
        user.name.starts_with("system:node:") && user.groups.iter().any(|group| &**group == "system:nodes")
    }

    /// Returns whether it may be done.
    pub(crate) fn allows(&self, wanted: &Attributes) -> bool {
        let user = wanted.user;
        is_master(user)
            || Rbac::is_node(user) && self.node_rules.iter().any(|rule| rule.allows(wanted))
            || self
                .grants(user, wanted.namespace)
                .any(|grant| grant.rules.iter().any(|rule| rule.allows(wanted)))
    }

    /// Decides and says why.
    pub(crate) fn decide(&self, wanted: &Attributes) -> Decision {
        let user = wanted.user;
        if is_master(user) || Rbac::is_node(user) && self.node_rules.iter().any(|rule| rule.allows(wanted)) {
            return Decision { allowed: true, reason: String::new() };
        }
        let mut troubles: Vec<&str> = Vec::new();
        for grant in self.grants(user, wanted.namespace) {
            if grant.rules.iter().any(|rule| rule.allows(wanted)) {
                return Decision { allowed: true, reason: format!("RBAC: allowed by {}", grant.source) };
            }
            if !grant.trouble.is_empty() && !troubles.contains(&&*grant.trouble) {
                troubles.push(&grant.trouble);
            }
        }
        let reason = match troubles.as_slice() {
            [] => String::new(),
            [one] => format!("RBAC: {one}"),
            all => format!("RBAC: [{}]", all.join(", ")),
        };
        Decision { allowed: false, reason }
    }

    /// Returns the rules that bindings give a user in a namespace.
    pub(crate) fn rules(&self, user: &User, namespace: &str) -> Vec<Rule> {
        self.grants(user, namespace).flat_map(|grant| grant.rules.iter().cloned()).collect()
    }
}

/// Returns whether a user may do everything.
pub(crate) fn is_master(user: &User) -> bool {
    user.groups.iter().any(|group| &**group == MASTERS)
}

/// Returns whether a resource is one of those that say who may do what.
pub(crate) fn is_policy(group: &str) -> bool {
    group == GROUP
}

fn objects<'a>(store: &'a Store, plural: &str) -> impl Iterator<Item = &'a Value> {
    let rest = resources::find(GROUP, "v1", plural);
    rest.into_iter().flat_map(|rest| store.range(&rest.prefix)).map(|(_, entry)| &entry.value)
}
