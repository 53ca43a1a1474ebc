use api::{Value, yaml};

/// The version of the implementation.
pub(crate) const VERSION: &str = "2.4.0";
/// The image of the data plane.
pub(crate) const DATA_IMAGE: &str = "ghcr.io/nginx/nginx-gateway-fabric/nginx";

fn documents(text: &str) -> Vec<Value> {
    yaml::parse(text).unwrap_or_default().into_iter().map(|document| document.value).collect()
}

/// Returns the kinds of the Gateway API's standard channel that are acted upon here.
// Models sigs.k8s.io/gateway-api config/crd/standard
pub fn standard_kinds() -> Vec<Value> {
    let mut kinds = documents(include_str!("../manifests/standard.yaml"));
    let conditions = documents(include_str!("../manifests/conditions.yaml")).pop().unwrap_or_default();
    for kind in &mut kinds {
        fill(kind, &conditions);
        // What was v1beta1 before is served as that, too.
        let versions = kind.at_mut(&["spec", "versions"]).list_mut();
        if let Some(first) = versions.first().filter(|one| one["name"].str() == "v1").cloned() {
            let mut old = first;
            old.set(&["name"], "v1beta1");
            old.set(&["storage"], false);
            versions.push(old);
        }
    }
    kinds
}

/// Puts parts that occur often where their names stand (`$conditions`, `$parentRef`).
fn fill(value: &mut Value, parts: &Value) {
    if let Some(part) = value.as_str().and_then(|text| text.strip_prefix('$')) {
        let mut found = parts[part].clone();
        fill(&mut found, parts);
        *value = found;
        return;
    }
    if value.as_map().is_some() {
        value.map_mut().iter_mut().for_each(|(_, one)| fill(one, parts));
    } else if value.as_list().is_some() {
        value.list_mut().iter_mut().for_each(|one| fill(one, parts));
    }
}

/// Returns the implementation's own kinds.
// Models github.com/nginx/nginx-gateway-fabric deploy/crds.yaml
pub fn fabric_kinds() -> Vec<Value> {
    documents(include_str!("../manifests/crds.yaml"))
}

/// Returns the objects of the implementation, in the order in which they are created.
// Models github.com/nginx/nginx-gateway-fabric deploy/default/deploy.yaml
pub fn fabric() -> Vec<Value> {
    documents(&include_str!("../manifests/deploy.yaml").replace("$VERSION", VERSION))
}
