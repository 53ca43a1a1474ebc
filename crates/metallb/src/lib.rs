//! MetalLB: gives Services of type LoadBalancer an address, and lets one node answer for it.

mod advertise;
mod allocator;
mod bgp;
mod config;
mod controller;
mod log;
mod manifests;
mod members;
mod source;
mod spam;
mod speaker;
#[cfg(test)]
mod tests;

pub use advertise::{Bgp, Layer2, Peer};
pub use allocator::{Allocator, Port, SharingKey};
pub use bgp::{Heard, Letter};
pub use config::{Config, Loaded, Pool, Range, parse};
pub use controller::Controller;
pub use manifests::{
    CONTROLLER_IMAGE, NAMESPACE, SPEAKER_IMAGE, config_map, frr_manifests, manifests, native_manifests,
};
pub use members::MEMBERS_PORT;
pub use source::{
    BFDPROFILES, BGPADVERTISEMENTS, BGPPEERS, COMMUNITIES, Form, IPADDRESSPOOLS, L2ADVERTISEMENTS,
};
pub use speaker::Speaker;
