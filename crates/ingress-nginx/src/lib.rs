//! An Ingress controller: what ingress-nginx is in a cluster, a program in a pod that reads Ingresses through
//! the API and passes HTTP requests on to endpoints, each by a connection of its own.
//!
//! Left out on purpose: the admission webhook, the election of a leader (all replicas write the same status),
//! authentication, rate limits, other protocols than HTTP towards the endpoints, and the annotations that
//! [`Options`] doesn't name.

mod config;
mod controller;
mod manifests;
mod options;
mod proxy;
mod route;
#[cfg(test)]
mod tests;

pub use config::{Backend, Certificate, Config, Location, PathKind, Server};
pub use controller::IngressController;
pub use manifests::{Provider, manifests};
pub use nginx::Served;
pub use options::{Canary, Options};
