use api::{Value, yaml};

/// The beginning of the image's name by which its container is known.
pub const IMAGE: &str = "registry.k8s.io/sig-storage/nfs-subdir-external-provisioner";

/// Returns the objects of the add-on, in the order in which they are created: volumes are on `server`,
/// and the default class is called `class`.
pub fn manifests(server: &str, class: &str) -> Vec<Value> {
    let text = include_str!("../manifests/nfs.yaml");
    let text = text.replace("SERVER_ADDRESS", server).replace("CLASS_NAME", class);
    let documents = yaml::parse(&text).unwrap_or_default();
    documents.into_iter().map(|document| document.value).collect()
}
