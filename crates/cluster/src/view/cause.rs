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
    let known = words.map(service_in).find(|name| view.objects.contains_key(&("services", name.to_string())));
    let Some(service) = known else { return Default::default() };
    let before = [" -> ", "--to-destination ", "dnat to "];
    let endpoint = before.iter().find_map(|before| rule.split(before).nth(1));
    let address = endpoint.and_then(|rest| rest.split([':', '"', ' ']).next()).unwrap_or("");
    let slice = if address.is_empty() { None } else { view.slice_of(service, address) };
    let slice = slice.map_or(String::new(), |name| format!("endpointslices/{name}"));
    (format!("services/{service}"), slice)
}

/// Returns the Service that a comment's word begins with, `default/web:http`, or the name of a chain of
/// nftables holds: `service-PFISGYVC-default/web/tcp/http`.
fn service_in(word: &str) -> &str {
    const CHAINS: [&str; 5] = ["service", "local", "external", "firewall", "endpoint"];
    let mut parts = word.splitn(3, '-');
    let (kind, hash, rest) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next());
    match rest.filter(|_| CHAINS.contains(&kind) && hash.len() == 8) {
        Some(rest) => rest.match_indices('/').nth(1).and_then(|(end, _)| rest.get(..end)).unwrap_or(rest),
        None => word.split(':').next().unwrap_or(word),
    }
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
    fn services_are_named_by_comments_and_chains() {
        for (word, service) in [
            ("default/web:http", "default/web"),
            ("default/web", "default/web"),
            ("service-PFISGYVC-default/web/tcp/", "default/web"),
            ("endpoint-5V4SALOI-kube-system/kube-dns/tcp/dns__10.244.1.2/80", "kube-system/kube-dns"),
            ("service-mesh/web:http", "service-mesh/web"),
        ] {
            assert_eq!(service_in(word), service, "{word}");
        }
    }

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
