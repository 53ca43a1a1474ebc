//! Parts that start anew while the cluster goes on, as when their process is restarted.

use crate::Cluster;
use crate::parts::{MANAGER, Parts, SCHEDULER};
use controller_manager::ControllerManager;
use scheduler::Scheduler;

/// A part whose process can start anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// The controller manager: all its controllers forget what they knew.
    ControllerManager,
    /// The scheduler.
    Scheduler,
    /// The kube-proxies of all nodes; the rules that they have written stay.
    KubeProxies,
    /// The kubelets' watches, which list anew; what runs goes on.
    KubeletWatches,
    /// What enforces NetworkPolicies on all nodes; the rules that they have written stay.
    NetworkPolicies,
}

impl Process {
    /// All there are.
    pub const ALL: [Process; 5] = [
        Process::ControllerManager,
        Process::Scheduler,
        Process::KubeProxies,
        Process::KubeletWatches,
        Process::NetworkPolicies,
    ];

    /// Returns its name, as a script says it.
    pub fn name(self) -> &'static str {
        match self {
            Process::ControllerManager => "kube-controller-manager",
            Process::Scheduler => "kube-scheduler",
            Process::KubeProxies => "kube-proxy",
            Process::KubeletWatches => "kubelet",
            Process::NetworkPolicies => "network-policies",
        }
    }

    /// Returns the one of that name.
    pub fn named(name: &str) -> Option<Process> {
        Process::ALL.into_iter().find(|process| process.name() == name)
    }
}

impl Cluster {
    /// Lets a process start anew: it has forgotten everything, and lists what is there.
    pub fn restart(&mut self, process: Process) {
        let nodes = 0..u32::try_from(self.parts.nodes.len()).unwrap_or(u32::MAX);
        match process {
            Process::ControllerManager => {
                self.parts.manager = ControllerManager::new(&apiserver::served_resources());
                for controller in &self.parts.plane.disabled {
                    self.parts.manager.stop(controller);
                }
                self.reconnect(MANAGER);
            }
            Process::Scheduler => {
                self.parts.scheduler = Scheduler::with_profiles(&self.parts.plane.profiles);
                self.reconnect(SCHEDULER);
            }
            Process::KubeProxies => nodes.for_each(|node| {
                self.renew_proxy(node);
                self.reconnect(Parts::proxy_id(node));
            }),
            Process::NetworkPolicies => nodes.for_each(|node| {
                self.renew_policy(node);
                self.reconnect(Parts::policy_id(node));
            }),
            Process::KubeletWatches => nodes.for_each(|node| self.reconnect(Parts::kubelet_id(node))),
        }
    }

    /// Lets one node's kube-proxy start anew, by what its ConfigMap says now. One that can't start by it
    /// stays away, and what it has written stays. Nothing happens on a machine that is off.
    pub(crate) fn restart_proxy(&mut self, name: &str) {
        let Some(number) = self.parts.by_name.get(name).copied() else { return };
        let part = Parts::proxy_id(number);
        if self.parts.is_on(part) {
            self.world.close_streams_of(|of| of == part);
            if self.renew_proxy(number) {
                self.connect(part);
            }
        }
    }

    /// Ends a part's watches and opens them anew. A part whose machine is off stays as it is.
    fn reconnect(&mut self, part: u32) {
        if self.parts.is_on(part) {
            self.world.close_streams_of(|of| of == part);
            self.connect(part);
        }
    }
}
