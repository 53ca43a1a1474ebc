use api::{Value, yaml};

/// The image by which its container is known.
pub const IMAGE: &str = "registry.k8s.io/metrics-server/metrics-server:v0.8.0";

/// Returns the objects of the add-on, in the order in which they are created.
// Models github.com/kubernetes-sigs/metrics-server manifests/overlays/release
pub fn manifests() -> Vec<Value> {
    let documents = yaml::parse(include_str!("../manifests/components.yaml")).unwrap_or_default();
    documents.into_iter().map(|document| document.value).collect()
}
