//! The rules of roles, and what they cover.
// Models pkg/apis/rbac/v1/evaluation_helpers.go

use super::Attributes;
use api::{Value, tree};
use std::rc::Rc;

/// A list of words, of which `*` is all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words(pub(crate) Vec<Rc<str>>);

impl Words {
    fn of(list: &Value) -> Words {
        Words(list.items().iter().map(|word| word.str().into()).collect())
    }

    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|own| &**own == word || &**own == "*")
    }

    fn value(&self) -> Value {
        self.0.iter().map(Value::from).collect()
    }

    /// Returns whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One rule of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) verbs: Words,
    pub(crate) groups: Words,
    pub(crate) resources: Words,
    pub(crate) names: Words,
    pub(crate) paths: Words,
}

impl Rule {
    /// Reads a rule of a Role or ClusterRole.
    pub(crate) fn of(rule: &Value) -> Rule {
        Rule {
            verbs: Words::of(&rule["verbs"]),
            groups: Words::of(&rule["apiGroups"]),
            resources: Words::of(&rule["resources"]),
            names: Words::of(&rule["resourceNames"]),
            paths: Words::of(&rule["nonResourceURLs"]),
        }
    }

    /// Returns whether the rule allows it.
    // Models plugin/pkg/auth/authorizer/rbac/rbac.go RuleAllows
    pub(crate) fn allows(&self, wanted: &Attributes) -> bool {
        if !self.verbs.has(wanted.verb) {
            return false;
        }
        if wanted.resource.is_empty() {
            return self.covers_path(wanted.path);
        }
        self.groups.has(wanted.group)
            && self.covers_resource(wanted.resource, wanted.subresource)
            && (self.names.is_empty() || self.names.0.iter().any(|name| &**name == wanted.name))
    }

    fn covers_resource(&self, resource: &str, subresource: &str) -> bool {
        self.resources.0.iter().any(|own| {
            if &**own == "*" || &**own == resource && subresource.is_empty() {
                return true;
            }
            let Some((owner, below)) = own.split_once('/') else { return false };
            !subresource.is_empty() && below == subresource && (owner == "*" || owner == resource)
        })
    }

    fn covers_path(&self, path: &str) -> bool {
        self.paths
            .0
            .iter()
            .any(|own| own.strip_suffix('*').map_or(&**own == path, |start| path.starts_with(start)))
    }

    /// Returns the rule in pieces that are about one thing each.
    // Models staging/src/k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go BreakdownRule
    fn pieces(&self) -> Vec<Rule> {
        let one = |word: &Rc<str>| Words(vec![word.clone()]);
        let mut pieces = Vec::new();
        for verb in &self.verbs.0 {
            for path in &self.paths.0 {
                pieces.push(Rule { verbs: one(verb), paths: one(path), ..Rule::default() });
            }
        }
        for group in &self.groups.0 {
            for resource in &self.resources.0 {
                for verb in &self.verbs.0 {
                    let piece = Rule {
                        verbs: one(verb),
                        groups: one(group),
                        resources: one(resource),
                        ..Rule::default()
                    };
                    if self.names.is_empty() {
                        pieces.push(piece);
                    } else {
                        let named = self.names.0.iter();
                        pieces.extend(named.map(|name| Rule { names: one(name), ..piece.clone() }));
                    }
                }
            }
        }
        pieces
    }

    // Models staging/src/k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go ruleCovers
    fn covers(&self, piece: &Rule) -> bool {
        let all = |own: &Words, of: &Words| of.0.iter().all(|word| own.has(word));
        if !all(&self.verbs, &piece.verbs) {
            return false;
        }
        if !piece.paths.is_empty() {
            return piece.paths.0.iter().all(|path| self.paths.has(path) || self.covers_path(path));
        }
        let resource = |word: &Rc<str>| {
            let (owner, below) = word.split_once('/').unwrap_or((word, ""));
            self.covers_resource(owner, below)
        };
        let names = self.names.is_empty()
            || !piece.names.is_empty() && piece.names.0.iter().all(|name| self.names.0.contains(name));
        all(&self.groups, &piece.groups) && piece.resources.0.iter().all(resource) && names
    }

    /// Returns the rule as a review shows it.
    pub(crate) fn resource_rule(&self) -> Value {
        let mut rule = tree!({"verbs": (self.verbs.value())});
        for (field, words) in
            [("apiGroups", &self.groups), ("resources", &self.resources), ("resourceNames", &self.names)]
        {
            if !words.is_empty() {
                rule.set(&[field], words.value());
            }
        }
        rule
    }

    /// Returns the rule about paths as a review shows it.
    pub(crate) fn path_rule(&self) -> Value {
        tree!({"verbs": (self.verbs.value()), "nonResourceURLs": (self.paths.value())})
    }

    /// Returns the rule as errors show it.
    // Models pkg/apis/rbac/v1/evaluation_helpers.go CompactString
    fn compact(&self) -> String {
        let parts = [
            ("APIGroups", &self.groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.paths),
            ("ResourceNames", &self.names),
            ("Verbs", &self.verbs),
        ];
        let quoted =
            |words: &Words| words.0.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" ");
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, words)| !words.is_empty())
            .map(|(name, words)| format!("{name}:[{}]", quoted(words).replace(' ', ", ")))
            .collect();
        format!("{{{}}}", parts.join(", "))
    }
}

/// Returns what of some rules others don't cover, as errors show it.
// Models pkg/registry/rbac/validation/rule.go ConfirmNoEscalation
pub(crate) fn not_covered(owned: &[Rule], wanted: &[Rule]) -> Vec<String> {
    let mut missing: Vec<Rule> = Vec::new();
    for piece in wanted.iter().flat_map(Rule::pieces) {
        if owned.iter().any(|rule| rule.covers(&piece)) {
            continue;
        }
        let same = |rule: &&mut Rule| {
            rule.groups == piece.groups
                && rule.resources == piece.resources
                && rule.names == piece.names
                && rule.paths == piece.paths
        };
        match missing.iter_mut().find(same) {
            Some(rule) => rule.verbs.0.extend(piece.verbs.0),
            None => missing.push(piece),
        }
    }
    let mut texts: Vec<String> = missing.iter().map(Rule::compact).collect();
    texts.sort_unstable();
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::User;

    fn rule(text: &str) -> Rule {
        Rule::of(&Value::from_json(text).unwrap())
    }

    #[test]
    fn a_rule_allows_what_it_says() {
        let user = User::new("x", &[]);
        for (text, verb, group, resource, subresource, name, allowed) in [
            (r#"{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}"#, "get", "", "pods", "", "a", true),
            (
                r#"{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}"#,
                "get",
                "",
                "pods",
                "log",
                "a",
                false,
            ),
            (
                r#"{"verbs":["get"],"apiGroups":[""],"resources":["pods/log"]}"#,
                "get",
                "",
                "pods",
                "log",
                "",
                true,
            ),
            (
                r#"{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}"#,
                "get",
                "apps",
                "pods",
                "",
                "",
                false,
            ),
            (r#"{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}"#, "delete", "x", "y", "z", "", true),
            (
                r#"{"verbs":["get"],"apiGroups":["*"],"resources":["*/scale"]}"#,
                "get",
                "x",
                "y",
                "scale",
                "",
                true,
            ),
            (
                r#"{"verbs":["get"],"apiGroups":["*"],"resources":["*/scale"]}"#,
                "get",
                "x",
                "y",
                "",
                "",
                false,
            ),
            (
                r#"{"verbs":["get"],"apiGroups":[""],"resources":["pods"],"resourceNames":["a"]}"#,
                "get",
                "",
                "pods",
                "",
                "b",
                false,
            ),
        ] {
            let wanted =
                Attributes { user: &user, verb, namespace: "", group, resource, subresource, name, path: "" };
            assert_eq!(rule(text).allows(&wanted), allowed, "{text} {resource}/{subresource}");
        }
        let paths = rule(r#"{"verbs":["get"],"nonResourceURLs":["/api/*","/version"]}"#);
        for (path, covered) in [("/api/v1", true), ("/version", true), ("/versions", false), ("/api", false)]
        {
            assert_eq!(paths.covers_path(path), covered, "{path}");
        }
    }

    #[test]
    fn says_what_is_not_covered() {
        let own = [rule(r#"{"verbs":["get","list"],"apiGroups":[""],"resources":["pods"]}"#)];
        let wanted = [rule(r#"{"verbs":["get","delete","watch"],"apiGroups":[""],"resources":["pods"]}"#)];
        assert_eq!(
            not_covered(&own, &wanted),
            [r#"{APIGroups:[""], Resources:["pods"], Verbs:["delete", "watch"]}"#]
        );
        assert!(not_covered(&own, &own).is_empty());
    }
}
