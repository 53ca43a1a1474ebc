use crate::config::{Capacity, NodeConfig};
use crate::cri::{Catalogue, Files, Ipam};
use crate::csi::Registered;
use crate::images::NodeImages;
use crate::net::PodNetwork;
use api::Value;
use client::{Cx, EventRecorder, Informers};
use network::dns::Lookup;
use network::{Payload, Protocol};
use sim::{Chance, Nanos};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::OnceLock;

/// How many requests of a node may be under way at once.
const CALLS: usize = 4_096;

/// A request that waits for its answer: whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub uid: Rc<str>,
    pub container: Rc<str>,
    /// The container's start that it belongs to.
    pub attempt: u64,
    /// The job that it belongs to; 0 for the container's main program.
    pub job: u64,
    pub what: PendingWhat,
}

/// What a request that waits for its answer is for.
#[derive(Clone, Debug)]
pub(crate) enum PendingWhat {
    /// A program's call.
    App { tag: u64, ip: Ipv4Addr },
    /// A program's lookup, and the call that follows it.
    Lookup { tag: u64, lookup: Box<Lookup>, then: Option<Rc<Then>> },
    /// A probe's or a hook's own request.
    Handler,
}

/// The call that follows a lookup.
#[derive(Clone, Debug)]
pub(crate) struct Then {
    pub port: u16,
    pub protocol: Protocol,
    pub payload: Payload,
    pub timeout: Nanos,
}

/// A program that the cluster plays has begun or ended in a container.
#[derive(Clone, Debug, PartialEq)]
pub enum ProgramChange {
    /// Its process has started.
    Began {
        /// The pod.
        pod: Value,
        /// Which program it is, as its image names it.
        program: Rc<str>,
    },
    /// Its process is gone.
    Ended {
        /// The pod's uid.
        uid: Rc<str>,
    },
}

/// What the pods of a node have taken of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Used {
    pub pods: i64,
    pub amounts: BTreeMap<String, i64>,
    pub host_ports: BTreeSet<(String, i64)>,
}

/// What all pods of a node share.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub config: Rc<NodeConfig>,
    pub capacity: Capacity,
    pub node: Rc<str>,
    pub address: Ipv4Addr,
    pub informers: Informers,
    pub recorder: EventRecorder,
    pub catalogue: Rc<Catalogue>,
    pub images: NodeImages,
    pub ipam: Ipam,
    /// The addresses that the CNI plug-in was told to give; empty before it was told any.
    pub range: Rc<str>,
    pub files: Files,
    pub calls: BTreeMap<u64, Pending>,
    pub next_call: u64,
    pub used: Used,
    /// Whether the machine is being shut down, so that no more pods are taken.
    pub is_shutting_down: bool,
    /// Whether nobody is told of what its pods do: they ran before anybody listened.
    pub is_silent: bool,
    /// Programs that have begun or ended and that the cluster has still to hear of.
    pub programs: Vec<ProgramChange>,
    /// The CSI drivers that are registered, by name.
    pub drivers: BTreeMap<Rc<str>, Registered>,
    /// The processor time of processes that have ended, since the machine was started.
    pub ended_cpu: Nanos,
}

impl Shared {
    /// Returns the certificate of the cluster's authority, or what looks like it.
    pub(crate) fn ca(&self) -> &'static str {
        static CA: OnceLock<String> = OnceLock::new();
        CA.get_or_init(|| {
            let line = |i| crate::images::hex64(Chance::new(0), "ca", "", i);
            let lines: Vec<String> = (0..8).map(line).collect();
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
        })
    }

    /// Returns the machine's Node, as far as it was seen.
    pub(crate) fn own_node(&self) -> Option<&Value> {
        self.informers.of(api::resources::NODES).get(&self.config.name)
    }

    /// Returns whether the container runtime's network is ready.
    pub(crate) fn has_network(&self) -> bool {
        !self.range.is_empty()
    }

    /// Configures the CNI plug-in with a range of addresses.
    pub(crate) fn take_range(&mut self, range: Rc<str>) {
        self.ipam = Ipam::new(&range);
        self.range = range;
    }

    /// Notes a request that waits for its answer and returns its number; `None` where too many wait.
    pub(crate) fn expect_reply(&mut self, pending: Pending) -> Option<u64> {
        if self.calls.len() >= CALLS {
            return None;
        }
        self.next_call += 1;
        self.calls.insert(self.next_call, pending);
        Some(self.next_call)
    }
}

/// What a pod's worker has at hand while it works.
pub(crate) struct Turn<'t, 'c> {
    pub cx: &'t mut Cx<'c>,
    pub net: &'t mut dyn PodNetwork,
    pub shared: &'t mut Shared,
}

impl Turn<'_, '_> {
    /// Tells of a pod, or of one of its containers.
    pub(crate) fn event(&mut self, reference: &Value, kind: &str, reason: &str, message: &str) {
        if self.shared.config.tells_events() && !self.shared.is_silent {
            self.shared.recorder.event_about(self.cx, reference, kind, reason, message);
        }
    }

    /// Returns whether the runtime starts everything at once.
    pub(crate) fn is_bare(&self) -> bool {
        self.shared.config.behaviour == crate::Behaviour::Bare
    }
}
