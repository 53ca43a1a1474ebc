//! kube-proxy: turns Services and EndpointSlices into a node's iptables rules, as text.

mod chains;
mod component;
mod endpoints;
mod health;
mod proxier;
mod service;
#[cfg(test)]
mod tests;
mod topology;

pub use component::{KubeProxy, Settings, ensure_jumps};
pub use endpoints::{Endpoint, EndpointsMap, endpoints_of};
pub use proxier::{Config, Restore, Sync, restore};
pub use service::{ServiceMap, ServicePort, ServicePortName, ports_of};
