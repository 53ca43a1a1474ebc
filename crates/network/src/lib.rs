//! The data plane: machines, pods and the packets between them.
//!
//! Every packet's way is decided by executing the rules of the nodes it passes, which are the ones that
//! `iptables-save` prints there.

mod address;
mod connect;
pub mod conntrack;
pub mod dns;
mod exchange;
mod explain;
pub mod ipset;
pub mod iptables;
mod network;
mod node;
mod payload;
mod tables;
#[cfg(test)]
mod tests;
mod topology;
mod walk;
mod way;

pub use address::{Cidr, Protocol, Socket};
pub use explain::{Question, WouldAnswer};
pub use network::{Connect, Network};
pub use payload::{
    Answer, Application, Arrival, Delivery, Ended, ExchangeId, Headers, HttpRequest, HttpResponse, Outcome,
    Payload,
};
pub use topology::{Host, HostId, HostKind, Topology};
pub use way::{ChainView, Loss, RuleView, Step, Way};
