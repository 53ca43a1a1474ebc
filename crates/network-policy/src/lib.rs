//! What enforces NetworkPolicies on a node: kube-router's firewall, without its router and service proxy.
//!
//! It writes rules and sets, and decides nothing itself: every packet's way is decided by executing them.
//! Where there is no policy, there are no rules.
//!
//! Left out on purpose: the rule that logs what is refused (NFLOG), the rules for packets that a bridge
//! switches without routing them (`physdev`; here a node routes all packets of its pods), those for node
//! ports in KUBE-ROUTER-INPUT, and the chains of pods that no policy selects.

mod cluster;
mod controller;
mod names;
mod rules;
#[cfg(test)]
mod tests;

pub use cluster::{Cluster, Pod};
pub use controller::{NetworkPolicyController, Settings};
pub use rules::{Rules, Set, compile};

use api::{Value, yaml};

/// Returns the account of the node agents and its rights, in the order in which they are created.
// Models github.com/cloudnativelabs/kube-router daemonset/kubeadm-kuberouter.yaml
pub fn manifests() -> Vec<Value> {
    let documents = yaml::parse(include_str!("../manifests/kube-router.yaml")).unwrap_or_default();
    documents.into_iter().map(|document| document.value).collect()
}
