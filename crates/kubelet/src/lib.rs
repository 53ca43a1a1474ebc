//! The kubelet: registers its node, runs the pods that are bound to it, and tells how they are.
//!
//! The containers are simulated: images are data (`images/*.yaml`), the programs in them are values.

mod admit;
mod app_fault;
mod back_off;
mod calls;
mod config;
mod container;
pub mod cri;
mod csi;
mod disk;
mod env;
mod eviction;
mod images;
mod inspect;
mod jobs;
mod kill;
mod kubelet;
mod lifecycle;
mod mount_fail;
mod net;
mod node;
mod pod_network;
mod pod_status;
mod portmap;
mod power;
mod probes;
mod process;
mod resize;
mod restart;
mod script;
mod shared;
mod shutdown;
mod start;
mod static_pods;
mod stats;
mod status_manager;
mod sync;
#[cfg(test)]
mod tests;
mod usage;
mod volumes;
mod worker;
mod workers;

pub use app_fault::AppFaults;
pub use config::{Behaviour, NodeConfig};
pub use csi::csi_node;
pub use disk::Disk;
pub use inspect::{ExecContext, Logs, ProcessInfo, RunningContainer};
pub use kubelet::Kubelet;
pub use net::{Origin, Outgoing, PodEndpoint, PodNetwork, PodRequest, Taken};
pub use shared::ProgramChange;
pub use shutdown::ShutdownGrace;
pub use static_pods::{MIRROR as MIRROR_ANNOTATION, SOURCE as SOURCE_ANNOTATION};
pub use stats::Usage;
