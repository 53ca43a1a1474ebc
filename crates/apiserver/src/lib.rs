//! The API server: one request path for everybody, over a revisioned store.
//!
//! A request is parsed (`request_info`), authorised (`authorization`), decoded and defaulted
//! (`decode`), changed and checked by admission (`admission`), validated (`validation`) and stored;
//! `registry` holds what differs from kind to kind, `watch_cache` tells the watchers. Server-side
//! tables are in `printers`.
//!
//! Left out on purpose: webhooks, and audit.

mod admission;
mod aggregator;
mod authentication;
mod authorization;
mod bootstrap;
mod cel;
mod component_status;
mod conversion;
mod custom;
mod decode;
mod discovery;
mod events;
mod fields;
mod flow_control;
mod handlers;
mod health;
mod ip_addresses;
mod managed_fields;
mod manifest;
mod metrics;
mod node_request;
mod options;
mod printers;
mod quantity;
mod registry;
mod request_info;
mod resources;
mod server;
mod status;
mod validation;
mod watch_cache;

pub use aggregator::{Backend, Read};
pub use handlers::forwarded_ports;
pub use health::ComponentHealth;
pub use node_request::{LogOptions, NodeRequest, NodeRequestKind, ProxyRequest};
pub use options::Options;
pub use printers::{PodStatus, pod_status};
pub use request_info::is_proxied;
pub use resources::served_resources;
pub use server::ApiServer;
