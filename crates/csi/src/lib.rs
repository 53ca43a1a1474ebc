//! Block storage behind the Container Storage Interface: the controller of a cloud's driver with its sidecars
//! (provisioner, attacher, resizer, snapshotter), and the snapshot controller, which is no driver's own. They
//! use the API like anybody else.
//!
//! There are two drivers: DigitalOcean's, and the one of host paths, which also copies volumes and makes some in a
//! pod's own spec. One program stands for the containers of the controller's pod; what its containers on each node do
//! is the kubelet's to know.
//!
//! Left out on purpose: groups of snapshots, capacities, secrets.
// Models github.com/digitalocean/csi-digitalocean, github.com/kubernetes-csi/external-provisioner,
// external-attacher, external-resizer, external-snapshotter

mod driver;
mod finalizers;
mod manifests;
mod snapshots;
#[cfg(test)]
mod tests;

pub use driver::{Driver, StorageAction};
pub use manifests::{driver_manifests, hostpath, snapshot_controller, snapshot_kinds};
pub use snapshots::{SNAPSHOTCLASSES, SNAPSHOTCONTENTS, SNAPSHOTS, SnapshotController};
