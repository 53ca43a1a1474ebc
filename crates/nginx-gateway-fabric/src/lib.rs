//! An implementation of the Gateway API, modelled after NGINX Gateway Fabric: a control plane that reads
//! Gateways and HTTPRoutes and writes their status, and for each Gateway a Deployment of nginx behind a Service of
//! its own.
//!
//! Left out on purpose: TLS between control plane and data plane with the Job that makes its certificates, routes
//! for gRPC, TLS, TCP and UDP, the project's own policies and filters, time-outs of routes, and protocols other
//! than HTTP towards the endpoints.

mod attach;
mod backends;
mod config;
mod control;
mod data;
mod filters;
mod graph;
mod listener;
mod manifests;
mod provision;
mod route;
mod status;
#[cfg(test)]
mod tests;

pub use config::{Backend, Config, Match, Server};
pub use control::{ControlPlane, GATEWAYCLASSES, GATEWAYS, HTTPROUTES, NGINXPROXIES, REFERENCEGRANTS};
pub use data::DataPlane;
pub use manifests::{fabric, fabric_kinds, standard_kinds};
