use api::{Value, yaml};
use std::net::Ipv4Addr;

/// The beginning of the image's name by which CoreDNS' containers are known.
pub const IMAGE: &str = "registry.k8s.io/coredns/coredns";

/// Returns the objects of the add-on, in the order in which they are created.
// Models cmd/kubeadm/app/phases/addons/dns/manifests.go
pub fn manifests(address: Ipv4Addr) -> Vec<Value> {
    let documents = yaml::parse(include_str!("../manifests/coredns.yaml")).unwrap_or_default();
    let mut objects: Vec<Value> = documents.into_iter().map(|document| document.value).collect();
    for object in objects.iter_mut().filter(|object| object["kind"].str() == "Service") {
        object.set(&["spec", "clusterIP"], address.to_string());
    }
    objects
}
