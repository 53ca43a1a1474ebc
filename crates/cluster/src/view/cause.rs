//! Which Service and which EndpointSlice a rule was written for, by what its comment says.

use super::View;
use api::meta;

/// Returns the keys of the Service and the EndpointSlice for which a rule was written; empty for none.
/// kube-proxy's comments begin with the Service's port: `default/web:http -> 10.244.1.5:8080`.
pub(crate) fn cause_of(view: &View, rule: &str) -> (String, String) {
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
