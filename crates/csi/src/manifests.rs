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

/// Returns what is in a file of the host path driver's deployment, by the file's name; `None` where it has none such.
///
/// Left out on purpose: its liveness probe and its health monitor; the sidecars' roles are one.
// Models github.com/kubernetes-csi/csi-driver-host-path deploy/kubernetes-1.30/hostpath
pub fn hostpath(file: &str) -> Option<Vec<Value>> {
    let kinds: &[&str] = match file {
        "csi-hostpath-driverinfo.yaml" => &["CSIDriver"],
        "csi-storageclass.yaml" => &["StorageClass"],
        "csi-hostpath-snapshotclass.yaml" => &["VolumeSnapshotClass"],
        "csi-hostpath-plugin.yaml" => &["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "StatefulSet"],
        _ => return None,
    };
    let mut objects = read(include_str!("../manifests/hostpath.yaml"));
    objects.retain(|object| kinds.contains(&object["kind"].str()));
    Some(objects)
}

/// Returns the objects of the driver.
// Models github.com/digitalocean/csi-digitalocean deploy/kubernetes/releases/csi-digitalocean-v4.16.0/driver.yaml
pub fn driver_manifests() -> Vec<Value> {
    read(include_str!("../manifests/driver.yaml"))
}
