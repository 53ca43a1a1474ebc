//! The composition root: wires the parts of the cluster, runs them on one clock, takes a person's inputs,
//! and makes the view that the page draws.

mod addons;
mod agenda;
mod ask;
mod audit;
mod bootstrap;
mod cluster;
mod console;
mod control_plane;
mod door;
mod enrolment;
mod faults;
mod flood;
mod frame;
mod join;
mod kubelet_server;
mod leadership;
mod load;
mod manifests;
mod mend;
mod partition;
mod parts;
mod play;
mod ports;
mod preset;
mod proxies;
mod proxy_load;
mod restart;
mod schedule_load;
pub mod script;
#[cfg(test)]
mod tests;
mod tls;
mod view;
mod wires;
mod world;

pub use apiserver::{forwarded_ports, is_proxied};
pub use audit::Machine;
pub use cluster::Cluster;
pub use door::Goal;
pub use etcd::{Event as Write, EventKind as WriteKind, Store};
pub use kubectl::StreamRead;
pub use load::ApiLoad;
pub use mend::{Fault, mend};
pub use play::{play, play_step};
pub use preset::{KubeletMode, NodeSpec, Preset};
pub use proxy_load::ProxyLoad;
pub use restart::Process;
pub use schedule_load::ScheduleLoad;
pub use shell::{NetAnswer, NetProtocol};
