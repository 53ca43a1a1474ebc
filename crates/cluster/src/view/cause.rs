//! Which Service and EndpointSlice, or which NetworkPolicy, a rule was written for, by what its comment says.

use super::View;
use api::meta;

/// Returns the keys of the Service and the EndpointSlice for which a rule was written; empty for none. A
/// NetworkPolicy stands in the Service's place.
/// kube-proxy's comments begin with the Service's port: `default/web:http -> 10.244.1.5:8080`.
pub(crate) fn cause_of(view: &View, rule: &str) -> (String, String) {
    if let Some(policy) = policy_of(rule) {
        return (policy, String::new());
    }
    let words = rule.split([' ', '"']).filter(|word| word.contains('/'));
    let known = words.map(|word| word.split(':').next().unwrap_or(word)).find(|name| {
        let (namespace, name) = name.split_once('/').unwrap_or_default();
        view.objects.contains_key(&("services", format!("{namespace}/{name}")))
    });
    let Some(service) = known else { return Default::default() };
    let endpoint = rule.split(" -> ").nth(1).or_else(|| rule.split("--to-destination ").nth(1));
    let address = endpoint.and_then(|rest| rest.split([':', '"', ' ']).next()).unwrap_or("");
    let slice = if address.is_empty() { None } else { view.slice_of(service, address) };
    let slice = slice.map_or(String::new(), |name| format!("endpointslices/{name}"));
    (format!("services/{service}"), slice)
}

/// Returns the key of the NetworkPolicy that a rule's comment names: `policy name: db namespace default`.
fn policy_of(rule: &str) -> Option<String> {
    let (_, rest) = rule.split_once("policy name")?;
    let mut words = rest.trim_start_matches(':').split([' ', '"']).filter(|word| !word.is_empty());
    let (name, between, namespace) = (words.next()?, words.next()?, words.next()?);
    (between == "namespace").then(|| format!("networkpolicies/{namespace}/{name}"))
}

impl View {
    /// Returns the EndpointSlice of a Service (`namespace/name`) that holds an address.
    fn slice_of(&self, service: &str, address: &str) -> Option<String> {
        let service = self.objects.get(&("services", service.to_string()))?;
        let has =
            |endpoint: &api::Value| endpoint["addresses"].items().iter().any(|one| one.str() == address);
        let mut slices = self.slices_of(service);
        let found = slices.find(|slice| slice["endpoints"].items().iter().any(has))?;
        Some(meta::key(found).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_named_by_comments() {
        for (rule, policy) in [
            (
                r#"--comment "rule to ACCEPT traffic from all sources to dest pods selected by policy name: db namespace default" -j"#,
                Some("networkpolicies/default/db"),
            ),
            (
                r#"--comment "rule to ACCEPT traffic from source pods to dest pods selected by policy name web namespace shop" -j"#,
                Some("networkpolicies/shop/web"),
            ),
            (r#"--comment "default/web:http cluster IP" -j X"#, None),
            (r#"--comment "policy name" -j X"#, None),
        ] {
            assert_eq!(policy_of(rule).as_deref(), policy, "{rule}");
        }
    }
}
