use api::{Value, yaml};

fn read(text: &str) -> Vec<Value> {
    yaml::parse(text).unwrap_or_default().into_iter().map(|document| document.value).collect()
}

/// Returns the definitions of snapshots, their classes and their contents.
// Models github.com/kubernetes-csi/external-snapshotter client/config/crd
pub fn snapshot_kinds() -> Vec<Value> {
    read(include_str!("../manifests/kinds.yaml"))
}

/// Returns the objects of the snapshot controller.
pub fn snapshot_controller() -> Vec<Value> {
    read(include_str!("../manifests/snapshot-controller.yaml"))
}

/// Returns the objects of the driver.
// Models github.com/digitalocean/csi-digitalocean deploy/kubernetes/releases/csi-digitalocean-v4.16.0/driver.yaml
pub fn driver_manifests() -> Vec<Value> {
    read(include_str!("../manifests/driver.yaml"))
}
