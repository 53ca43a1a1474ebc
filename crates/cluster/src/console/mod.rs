//! The console: its tabs, and the machines that its commands run on.

mod api_ports;
mod conntrack;
mod disk;
pub(crate) mod ears;
mod etcdctl;
mod execs;
mod facts;
mod fault;
mod forward;
mod ground;
pub(crate) mod kubeadm;
mod kubeadm_join;
mod machine;
mod machines;
mod mark;
mod net;
pub(crate) mod node_files;
mod programs;
mod proxies;
mod queue;
mod refusal;
mod sockets;
mod streams;
mod terminal;
mod verdict;
mod way;
mod who;

pub(crate) use forward::MOST as MOST_FORWARDS;
pub(crate) use terminal::Terminal;
