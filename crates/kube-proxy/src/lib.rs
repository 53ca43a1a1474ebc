//! kube-proxy: turns Services and EndpointSlices into a node's iptables rules, as text.

mod chains;
mod component;
mod config;
mod endpoints;
mod health;
mod iptables;
pub mod ipvs;
pub mod nftables;
mod rules;
mod service;
mod settings;
mod sync;
#[cfg(test)]
mod tests;
mod topology;

pub use component::KubeProxy;
pub use config::{Config, NodePortAddresses};
pub use endpoints::{Endpoint, EndpointsMap, endpoints_of};
pub use iptables::{ActiveChains, Restore, Sync, ensure_jumps, restore};
pub use service::{ServiceMap, ServicePort, ServicePortName, ports_of};
pub use settings::{Mode, Settings, config_map};
