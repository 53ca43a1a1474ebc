//! What gives Services of type LoadBalancer an address where there is no MetalLB.

mod tunnel;

pub use tunnel::Tunnel;
