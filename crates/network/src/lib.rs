//! The data plane: machines, pods and the packets between them.
//!
//! Every packet's way is decided by executing the rules of the nodes it passes, which are the ones that
//! `iptables-save` prints there.

mod address;
mod bgp;
mod capture;
mod connect;
pub mod conntrack;
pub mod dns;
mod exchange;
mod explain;
pub mod ipset;
pub mod iptables;
pub mod ipvs;
mod keepalive;
mod network;
pub mod nftables;
mod node;
mod passage;
mod payload;
mod router;
mod sockets;
mod tables;
#[cfg(test)]
mod tests;
mod topology;
mod vxlan;
mod walk;
mod way;

pub use address::{Cidr, Protocol, Socket};
pub use bgp::{BGP_PORT, BgpMessage, BgpRoute};
pub use capture::{Capture, CaptureId, Filter, Seen, veth_name};
pub use explain::{Question, WouldAnswer};
pub use network::{Connect, Network};
pub use payload::{
    Answer, Application, Arrival, Delivery, Ended, ExchangeId, Headers, HttpRequest, HttpResponse, Outcome,
    Payload,
};
pub use sockets::{SocketRow, SocketState};
pub use topology::{Host, HostId, HostKind, Netem, Topology, hardware_address};
pub use vxlan::{VXLAN_ID, VXLAN_PORT, flannel_rules, overlay_hardware_address};
pub use way::{ChainView, Loss, RuleView, Step, Way, virtual_name};
