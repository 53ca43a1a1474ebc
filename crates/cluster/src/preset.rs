//! Presets: which machines a cluster begins with. A preset is a file.

use serde::Deserialize;
use sim::Timing;

/// How the kubelets of a preset behave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KubeletMode {
    /// As in life: images are pulled, containers take time to start, events are reported.
    #[default]
    Real,
    /// As on the cluster of the recordings: any image starts at once, no events are reported.
    Bare,
}

/// What makes the pods' network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cni {
    /// A bridge on each node and routes between them, and kube-router's firewall, which enforces
    /// NetworkPolicies.
    #[default]
    KubeRouter,
    /// The same network without it: NetworkPolicies are stored, and nobody looks at them, as with flannel.
    Bridge,
}

/// How pods' packets go from node to node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overlay {
    /// As they are: each node has a route to the others' pods.
    #[default]
    None,
    /// Within packets of UDP, by a device `flannel.1`.
    Vxlan,
}

/// A machine of a preset.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeSpec {
    /// Its name.
    pub name: String,
    /// Its address on the node network.
    pub address: String,
    /// The addresses of its pods.
    #[serde(rename = "podCIDR")]
    pub pod_cidr: String,
    /// Its processors, as a quantity.
    pub cpu: String,
    /// Its memory, as a quantity.
    pub memory: String,
    /// Its disk, as a quantity.
    pub ephemeral_storage: String,
    /// How many pods it takes.
    pub pods: u32,
    /// Whether it is a control-plane node: labelled and tainted as kubeadm does.
    #[serde(default)]
    pub control_plane: bool,
    /// Whether a control-plane node is tainted, so that it runs no others' pods.
    #[serde(default = "yes")]
    pub taints: bool,
    /// Its region, as its label `topology.kubernetes.io/region` has it; empty for none.
    #[serde(default)]
    pub region: String,
    /// Its zone, as its label `topology.kubernetes.io/zone` has it; empty for none.
    #[serde(default)]
    pub zone: String,
}

/// What a cluster begins with.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// The context's name in the console's kubeconfig.
    pub context: String,
    /// The node network.
    pub network: String,
    /// The client's address on it.
    pub client: String,
    /// The API server's address on it.
    pub apiserver: String,
    /// For how many minutes the cluster has been up at its first moment.
    #[serde(default = "usual_uptime")]
    pub uptime_minutes: u16,
    /// How the kubelets behave.
    #[serde(default)]
    pub kubelet: KubeletMode,
    /// What makes the pods' network.
    #[serde(default)]
    pub cni: Cni,
    /// How pods' packets go from node to node.
    #[serde(default)]
    pub overlay: Overlay,
    /// Add-ons that are installed at the start: `coredns`, and `cloud` for a cloud's load balancers.
    #[serde(default)]
    pub addons: Vec<String>,
    /// The default StorageClass, whose volumes are on a file server beside the cluster; empty for none.
    #[serde(default)]
    pub storage_class: String,
    /// kube-proxy's mode, `iptables`, `ipvs` or `nftables`, as its ConfigMap has it from the first moment; empty for
    /// `iptables` without a ConfigMap, which `kubeadm init phase addon kube-proxy` makes.
    #[serde(default)]
    pub proxy_mode: String,
    /// How long things take, where it differs from the usual.
    #[serde(default)]
    pub timing: Timing,
    /// The machines.
    pub nodes: Vec<NodeSpec>,
}

fn yes() -> bool {
    true
}

/// Long enough for a learner to find the cluster up and idle.
fn usual_uptime() -> u16 {
    2
}

const FILES: &[(&str, &str)] = &[
    ("lesson", include_str!("../presets/lesson.yaml")),
    ("bare", include_str!("../presets/bare.yaml")),
    ("v120", include_str!("../presets/v120.yaml")),
    ("recovery", include_str!("../presets/recovery.yaml")),
    ("flannel", include_str!("../presets/flannel.yaml")),
    ("crowd", include_str!("../presets/crowd.yaml")),
    ("single", include_str!("../presets/single.yaml")),
    ("zones", include_str!("../presets/zones.yaml")),
    ("ha", include_str!("../presets/ha.yaml")),
];

impl Preset {
    /// Returns the names of all presets; the page's usual one comes first.
    pub fn names() -> Vec<&'static str> {
        FILES.iter().map(|(name, _)| *name).collect()
    }

    /// Returns the preset with this name.
    ///
    /// # Errors
    /// Where there is none; the message names those there are.
    pub fn named(name: &str) -> Result<Preset, String> {
        let Some((_, text)) = FILES.iter().find(|(known, _)| *known == name) else {
            return Err(format!("no preset {name:?}: there are {}", Preset::names().join(", ")));
        };
        serde_yaml::from_str(text).map_err(|error| format!("preset {name}: {error}"))
    }
}

impl Preset {
    /// Gives the preset so many workers like its last one, for benchmarks: `node-1`, `node-2`, …
    pub fn resize(&mut self, workers: u32) {
        let Some(last) = self.nodes.last().cloned() else { return };
        self.network = "10.0.0.0/9".to_string();
        self.nodes = (1..=workers.min(60_000))
            .map(|n| NodeSpec {
                name: format!("node-{n}"),
                address: format!("10.64.{}.{}", 141 + n / 250, n % 250 + 1),
                pod_cidr: format!("10.{}.{}.0/24", 128 + n / 256, n % 256),
                ..last.clone()
            })
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_reads_and_has_its_name() {
        for name in Preset::names() {
            assert_eq!(Preset::named(name).unwrap().name, name);
        }
        assert!(Preset::named("none").unwrap_err().contains("lesson, bare"));
    }
}
