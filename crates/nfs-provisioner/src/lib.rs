//! The NFS provisioner: an add-on that makes volumes for claims on a server which every node reaches,
//! and deletes them when their claims are gone. It uses the API like anybody else.
// Models github.com/kubernetes-sigs/nfs-subdir-external-provisioner

mod manifests;
mod provisioner;
#[cfg(test)]
mod tests;

pub use manifests::{IMAGE, manifests};
pub use provisioner::Provisioner;
