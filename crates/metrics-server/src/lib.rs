//! The metrics server: an add-on that asks every kubelet each 15 s what its containers have used, and answers
//! for the group `metrics.k8s.io`.
//!
//! Left out: a watch of pods of its own; what it answers of them goes by what the store holds.
// Models github.com/kubernetes-sigs/metrics-server

mod answer;
mod manifests;
mod points;
mod server;
mod storage;
#[cfg(test)]
mod tests;

pub use answer::answer;
pub use manifests::{IMAGE, manifests};
pub use points::{Batch, Containers, Pod, Point, parse};
pub use server::{MetricsServer, Scrape};
pub use storage::Storage;
