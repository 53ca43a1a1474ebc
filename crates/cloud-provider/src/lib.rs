//! What gives Services of type LoadBalancer an address where there is no MetalLB.

mod balancer;
mod service;
mod tunnel;

pub use balancer::{CLOUD, Check};
pub use service::Cloud;
pub use tunnel::Tunnel;
