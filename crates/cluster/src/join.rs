//! Machines that come and go: added beside the cluster, joined to it, and taken out of it again.

use crate::Cluster;
use crate::bootstrap::Bootstrap;
use crate::control_plane::Unit;
use crate::parts::{Parts, Target};
use crate::preset::NodeSpec;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How many machines there may be.
const MACHINES: usize = 200;

/// What is to become of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Machinery {
    /// It is added, and runs nothing of Kubernetes.
    Add(String),
    /// Its kubelet starts with a bootstrap token, and joins once it has its certificate.
    Bootstrap { node: String, token: String },
    /// Its kubelet has its certificate, and kube-proxy starts: it joins the cluster.
    Join(String),
    /// All that it runs of Kubernetes ends, and its pods with it.
    Reset(String),
}

/// Returns why no machine can be added under a name; `None` where one can.
pub(crate) fn refusal(parts: &Parts, name: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = !name.is_empty() && name.len() <= 63 && name.chars().all(is_plain);
    if !is_name || name.starts_with('-') || name.ends_with('-') {
        Some(format!("{name:?} is no name for a machine: lower case letters, digits and '-'"))
    } else if parts.by_name.contains_key(name) {
        Some(format!("there is a machine {name:?} already"))
    } else if parts.nodes.len() >= MACHINES {
        Some(format!("there are {MACHINES} machines already"))
    } else {
        None
    }
}

impl Cluster {
    /// Does what was asked for with a machine whose name was looked at before.
    pub(crate) fn do_machinery(&mut self, what: Machinery) {
        match what {
            Machinery::Add(name) => self.add_machine(&name),
            Machinery::Bootstrap { node, token } => {
                let now = self.world.now;
                let Some((number, node)) = self.parts.node_mut(&node) else { return };
                node.bootstrap = Some(Bootstrap::new(&token, now));
                self.reschedule(Parts::kubelet_id(number));
            }
            Machinery::Join(name) => {
                self.set_joined(&name, true);
                self.set_process(&name, Unit::Kubelet, true);
                self.set_process(&name, Unit::KubeProxy, true);
                if let Some(number) = self.parts.by_name.get(&*name).copied() {
                    self.renew_policy(number);
                    self.connect(Parts::policy_id(number));
                }
            }
            Machinery::Reset(name) => self.reset_machine(&name),
        }
    }

    /// Adds a machine like the last one, with the next free address.
    fn add_machine(&mut self, name: &str) {
        let mut preset = (*self.preset).clone();
        let Some(last) = preset.nodes.last() else { return };
        let addresses = preset.nodes.iter().filter_map(|node| node.address.parse::<Ipv4Addr>().ok());
        let highest = addresses.map(u32::from).max().unwrap_or(0);
        let spec = NodeSpec {
            name: name.to_string(),
            address: Ipv4Addr::from(highest.saturating_add(1)).to_string(),
            pod_cidr: String::new(), // it is given one once it has joined
            control_plane: false,
            ..last.clone()
        };
        preset.nodes.push(spec.clone());
        self.preset = Rc::new(preset);
        let number = self.parts.nodes.len() as u32;
        // It is there, and nothing of Kubernetes has started on it yet.
        let parts = [Parts::kubelet_id(number), Parts::proxy_id(number)];
        self.parts.stopped.extend(parts);
        self.add_node(&spec);
        self.set_joined(name, false);
        self.leave_bare(number, name);
        self.view.mark(self.world.now, &format!("add {name}"), false);
    }

    fn set_joined(&mut self, name: &str, joined: bool) {
        if let Some((_, node)) = self.parts.node_mut(name) {
            node.joined = joined;
        }
    }

    fn leave_bare(&mut self, number: u32, name: &str) {
        let parts = [Parts::kubelet_id(number), Parts::proxy_id(number), Parts::policy_id(number)];
        self.world.close_streams_of(|part| parts.contains(&part));
        if let Some(node) = self.parts.nodes.get_mut(number as usize) {
            node.policy = None;
        }
        if let Some(host) = self.wires.nodes.get(name).copied() {
            for unit in [Unit::Kubelet, Unit::KubeProxy] {
                crate::ports::set_open(&mut self.wires.network, host, number, unit, false);
            }
        }
        for part in parts {
            self.reschedule(part);
        }
    }

    fn reset_machine(&mut self, name: &str) {
        let Some((number, node)) = self.parts.node_mut(name) else { return };
        node.bootstrap = None;
        let part = Parts::kubelet_id(number);
        let Cluster { world, wires, parts, .. } = self;
        parts.with(world, wires, part, |target, cx, wires| {
            if let Target::Kubelet(kubelet) = target {
                kubelet.clear(cx, wires);
            }
        });
        self.parts.stopped.extend([part, Parts::proxy_id(number)]);
        self.set_joined(name, false);
        self.leave_bare(number, name);
        self.view.mark(self.world.now, &format!("reset {name}"), true);
    }
}
