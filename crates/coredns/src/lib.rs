//! CoreDNS: answers names from caches of Services and EndpointSlices, as an add-on in pods.

mod answer;
mod corefile;
mod manifests;
mod server;
#[cfg(test)]
mod tests;

pub use manifests::{IMAGE, manifests};
pub use server::{CoreDns, LISTENS, usual};
