//! MetalLB: gives Services of type LoadBalancer an address, and lets one node answer for it.

mod allocator;
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

pub use allocator::{Allocator, Port, SharingKey};
pub use config::{Config, Pool, Range, parse};
pub use controller::Controller;
pub use manifests::{CONTROLLER_IMAGE, NAMESPACE, SPEAKER_IMAGE, config_map, manifests, native_manifests};
pub use members::MEMBERS_PORT;
pub use source::{BGPADVERTISEMENTS, Form, IPADDRESSPOOLS, L2ADVERTISEMENTS};
pub use speaker::Speaker;
