//! kube-proxy: turns Services and EndpointSlices into a node's iptables rules, as text.

mod chains;
mod component;
mod endpoints;
mod health;
pub mod ipvs;
mod proxier;
mod rules;
mod service;
mod settings;
#[cfg(test)]
mod tests;
mod topology;

pub use component::{KubeProxy, ensure_jumps};
pub use endpoints::{Endpoint, EndpointsMap, endpoints_of};
pub use proxier::{ActiveChains, Config, Restore, Sync, restore};
pub use service::{ServiceMap, ServicePort, ServicePortName, ports_of};
pub use settings::{Mode, Settings, config_map};
