//! What a cluster has of its nodes before its first moment: they joined it long ago.

use crate::Cluster;
use crate::parts::Parts;
use crate::preset::{KubeletMode, NodeSpec, Preset};
use api::resources::{CSINODES, NODES};
use api::{Method, Request, Value, meta, tree};
use controller_manager::{TTL_ANNOTATION, ttl_seconds};
use kubelet::{Behaviour, NodeConfig};

/// Returns what a node's kubelet is started with.
pub(crate) fn config(preset: &Preset, spec: &NodeSpec) -> NodeConfig {
    let mut config = NodeConfig::new(&spec.name, &spec.address, &spec.pod_cidr);
    config.cpu.clone_from(&spec.cpu);
    config.memory.clone_from(&spec.memory);
    config.ephemeral_storage.clone_from(&spec.ephemeral_storage);
    config.pods = spec.pods;
    if spec.control_plane {
        config = config.control_plane();
    }
    if !spec.taints {
        config.taints.clear();
    }
    for (label, value) in [("region", &spec.region), ("zone", &spec.zone)] {
        if !value.is_empty() {
            config.labels.push((format!("topology.kubernetes.io/{label}"), value.clone()));
        }
    }
    if !spec.pod_cidr.is_empty() {
        let mut annotations = Value::map();
        annotations.set(&[TTL_ANNOTATION], ttl_seconds(preset.nodes.len()).to_string());
        let cidr = spec.pod_cidr.as_str();
        let given = tree!({"podCIDR": cidr, "podCIDRs": [cidr]});
        config.before = tree!({"annotations": (annotations), "spec": (given)});
    }
    match preset.kubelet {
        KubeletMode::Bare => config.behaving(Behaviour::Bare),
        KubeletMode::Real => config,
    }
}

/// Writes what the kubelets had written beside their Nodes by then.
pub(crate) fn enrol(cluster: &mut Cluster) {
    for number in (0..).take(cluster.parts.nodes.len()) {
        let Some((by, _)) = cluster.parts.describe(Parts::kubelet_id(number)) else { continue };
        let Some(name) = cluster.parts.nodes.get(number as usize).map(|node| node.name.clone()) else {
            continue;
        };
        let node = cluster.peek(&Request::new(Method::Get, NODES.object("", &name, ""))).body;
        let object = kubelet::csi_node(&name, meta::uid(&node));
        let request = Request::new(Method::Post, CSINODES.collection("")).body(&object);
        let now = cluster.world.now;
        cluster.world.set_up(now, &request.by(&by.user, &by.agent));
    }
    cluster.after();
}
