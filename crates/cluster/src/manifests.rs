//! The folder of static pods on each machine: what is written there takes effect, if the kubelet runs.

use crate::Cluster;
use crate::console::node_files::is_configuration;
use crate::control_plane::{self, Unit};
use crate::parts::{Parts, SCHEDULER, Target};
use crate::restart::Process;
use api::{Method, Request, Value, meta, tree};
use kubelet::ShutdownGrace;
use scheduler::Profile;
use shell::Place;
use sim::{Nanos, SECOND};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Where the kubelet looks (`staticPodPath`).
pub(crate) const FOLDER: &str = "/etc/kubernetes/manifests";
/// How many files of the folder are read.
const FILES: usize = 64;

/// Returns the files that kubeadm writes for a control plane: name and text.
// Models cmd/kubeadm/app/phases/controlplane/manifests.go GetStaticPodSpecs
pub(crate) fn of_control_plane(node: &str, address: &str) -> Vec<(String, String)> {
    let conf = |name: &str| format!("kubeconfig=/etc/kubernetes/{name}.conf");
    let etcd = [
        format!("advertise-client-urls=https://{address}:2379"),
        "data-dir=/var/lib/etcd".to_string(),
        format!("initial-advertise-peer-urls=https://{address}:2380"),
        format!("listen-client-urls=https://127.0.0.1:2379,https://{address}:2379"),
        format!("listen-peer-urls=https://{address}:2380"),
        format!("name={node}"),
    ];
    let server = [
        format!("advertise-address={address}"),
        "allow-privileged=true".to_string(),
        "authorization-mode=Node,RBAC".to_string(),
        "enable-admission-plugins=NodeRestriction".to_string(),
        "etcd-servers=https://127.0.0.1:2379".to_string(),
        "secure-port=6443".to_string(),
        "service-cluster-ip-range=10.96.0.0/12".to_string(),
    ];
    let manager = [
        "allocate-node-cidrs=true".to_string(),
        "bind-address=127.0.0.1".to_string(),
        "cluster-cidr=10.244.0.0/16".to_string(),
        "controllers=*,bootstrapsigner,tokencleaner".to_string(),
        conf("controller-manager"),
        "leader-elect=true".to_string(),
        "service-cluster-ip-range=10.96.0.0/12".to_string(),
        "use-service-account-credentials=true".to_string(),
    ];
    let scheduler =
        ["bind-address=127.0.0.1".to_string(), conf("scheduler"), "leader-elect=true".to_string()];
    let all: [(Unit, &str, &[String], &str); 4] = [
        (Unit::Etcd, "3.6.6-0", &etcd, "100m"),
        (Unit::ApiServer, "v1.36.2", &server, "250m"),
        (Unit::Manager, "v1.36.2", &manager, "200m"),
        (Unit::Scheduler, "v1.36.2", &scheduler, "100m"),
    ];
    let text = |(unit, version, flags, cpu): (Unit, &str, &[String], &str)| {
        let name = unit.name();
        let flags: String = flags.iter().map(|flag| format!("    - --{flag}\n")).collect();
        let text = format!(
            "# kubarium: certificates, probes and volumes are left out.\napiVersion: v1\nkind: Pod\nmetadata:\n  \
             labels:\n    component: {name}\n    tier: control-plane\n  name: {name}\n  namespace: kube-system\nspec:\n  \
             containers:\n  - command:\n    - {name}\n{flags}    image: registry.k8s.io/{name}:{version}\n    \
             imagePullPolicy: IfNotPresent\n    name: {name}\n    resources:\n      requests:\n        cpu: {cpu}\n  \
             hostNetwork: true\n  priorityClassName: system-node-critical\n"
        );
        (format!("{FOLDER}/{name}.yaml"), text)
    };
    all.into_iter().map(text).collect()
}

/// Where the kubelet's configuration is.
pub(crate) const KUBELET_CONFIG: &str = "/var/lib/kubelet/config.yaml";

/// Returns the kubelet's configuration as kubeadm writes it.
// Models cmd/kubeadm/app/componentconfigs/kubelet.go Default
pub(crate) fn kubelet_config() -> &'static str {
    "# kubarium: of these, shutdownGracePeriod and shutdownGracePeriodCriticalPods take effect, when the kubelet starts.
apiVersion: kubelet.config.k8s.io/v1beta1
cgroupDriver: systemd
clusterDNS:
- 10.96.0.10
clusterDomain: cluster.local
evictionPressureTransitionPeriod: 0s
fileCheckFrequency: 0s
kind: KubeletConfiguration
rotateCertificates: true
shutdownGracePeriod: 0s
shutdownGracePeriodCriticalPods: 0s
staticPodPath: /etc/kubernetes/manifests
"
}

/// Returns a span of the kubelet's configuration: `30s`, `1m`.
fn span(config: &Value, name: &str) -> Nanos {
    api::go::parse_duration(config[name].str()).unwrap_or(0).clamp(0, sim::HOUR)
}

impl Cluster {
    /// Reads a file of a node: of its configuration, or of its disk.
    fn node_file(&self, node: &str, path: &str) -> Option<Rc<str>> {
        if is_configuration(path) {
            return self.terminal.machines.files(&Place::Node(node.into())).read(path).ok();
        }
        self.parts.node(node)?.kubelet.node_files().get(path).cloned()
    }

    /// Takes up a kubelet's configuration, as it does when it starts.
    pub(crate) fn read_kubelet_config(&mut self, node: &str) {
        let files = self.terminal.machines.files(&Place::Node(node.into()));
        let text = files.read(KUBELET_CONFIG).unwrap_or_default();
        let config = api::yaml::parse_one(&text).unwrap_or_default();
        let (all, critical) =
            (span(&config, "shutdownGracePeriod"), span(&config, "shutdownGracePeriodCriticalPods"));
        if let Some((_, machine)) = self.parts.node_mut(node) {
            machine.kubelet.set_shutdown_grace(ShutdownGrace { all, critical: critical.min(all) });
        }
    }

    /// Begins to shut a machine down: it goes off once its pods have ended, at once where it doesn't wait for
    /// them.
    pub(crate) fn shut_down(&mut self, node: &str) {
        let Some(number) = self.parts.by_name.get(node).copied() else { return };
        let mut waits = false;
        if self.parts.runs_on(node, Unit::Kubelet) {
            let Cluster { world, wires, parts, .. } = self;
            parts.with(world, wires, Parts::kubelet_id(number), |target, cx, _| {
                if let Target::Kubelet(kubelet) = target {
                    waits = kubelet.shut_down(cx);
                }
            });
            self.reschedule(Parts::kubelet_id(number));
        }
        match waits {
            true => self.terminal.machines.shutdowns.push((self.world.now + SECOND, node.to_string())),
            // The name was looked up.
            false => drop(self.power(node, false)),
        }
    }

    /// Cuts the power of machines that have shut down.
    pub(crate) fn finish_shutdowns(&mut self) {
        let now = self.world.now;
        for (at, node) in std::mem::take(&mut self.terminal.machines.shutdowns) {
            let kubelet = self.parts.node(&node).map(|node| &node.kubelet);
            if at > now {
                self.terminal.machines.shutdowns.push((at, node));
            } else if kubelet.is_none_or(|kubelet| kubelet.is_shut_down(now)) {
                let _ = self.power(&node, false); // the name was looked up
                self.terminal.wake();
            } else {
                self.terminal.machines.shutdowns.push((now + SECOND, node));
            }
        }
    }

    /// Takes up what the manifest folder of a machine holds now. Where the kubelet doesn't run it does so when it
    /// starts.
    pub(crate) fn read_manifests(&mut self, node: &str) {
        let Some(number) = self.parts.by_name.get(node).copied() else { return };
        if !self.parts.runs_on(node, Unit::Kubelet) {
            return;
        }
        let mut pods = self.manifests_of(node);
        if self.parts.plane.member_mut(node).is_some() {
            for unit in Unit::ALL.into_iter().filter(|unit| unit.is_of_control_plane()) {
                let at = pods.iter().position(|pod| meta::name(pod) == unit.name());
                let pod = at.map(|at| pods.remove(at));
                let runs = self.takes_flags(node, unit, pod.as_ref());
                self.set_process(node, unit, runs);
            }
        }
        let pods = pods.into_iter().filter_map(|pod| self.defaulted(pod)).collect();
        let now = self.world.now;
        if let Some(machine) = self.parts.nodes.get_mut(number as usize) {
            machine.kubelet.set_manifests(now, pods);
        }
        self.reschedule(Parts::kubelet_id(number));
    }

    /// Returns the pods that the files of the folder describe; other files are passed over.
    fn manifests_of(&self, node: &str) -> Vec<Value> {
        let files = self.terminal.machines.files(&Place::Node(node.into()));
        let names = files.list(FOLDER).unwrap_or_default();
        let shown = names.iter().filter(|name| !name.starts_with('.') && !name.ends_with('/')).take(FILES);
        let texts = shown.filter_map(|name| files.read(&format!("{FOLDER}/{name}")).ok());
        let pods = texts.filter_map(|text| api::yaml::parse_one(&text).ok());
        pods.filter(|pod| pod["kind"].str() == "Pod" && !meta::name(pod).is_empty()).collect()
    }

    /// Takes up the flags of a process of the control plane. Returns whether it starts: its manifest is there,
    /// and it knows its flags.
    fn takes_flags(&mut self, node: &str, unit: Unit, pod: Option<&Value>) -> bool {
        let Some(pod) = pod else { return false };
        if unit == Unit::Scheduler {
            return self.takes_profiles(node, control_plane::flag(pod, "config"));
        }
        if unit != Unit::Manager {
            return true;
        }
        let Ok(left) = left_out(control_plane::flag(pod, "controllers").unwrap_or("*")) else { return false };
        for name in controller_manager::CONTROLLER_NAMES {
            self.set_controller(name, !left.contains(name));
        }
        true
    }

    /// Takes up the scheduler's configuration, and lets it start anew where that has changed. Returns whether it
    /// can start by it.
    fn takes_profiles(&mut self, node: &str, path: Option<&str>) -> bool {
        let profiles = match path {
            None => Ok(vec![Profile::default()]),
            Some(path) => {
                let text = self.node_file(node, path).ok_or_else(String::new);
                let config = text.and_then(|text| api::yaml::parse_one(&text).map_err(|why| why.to_string()));
                config.and_then(|config| Profile::read(&config))
            }
        };
        let Ok(profiles) = profiles else { return false };
        if self.parts.plane.profiles != profiles {
            self.parts.plane.profiles = profiles;
            if self.parts.is_on(SCHEDULER) {
                self.restart(Process::Scheduler);
            }
        }
        true
    }

    /// Returns a pod with all defaults, as the API server would have them, and what the kubelet adds; `None` where it would refuse it.
    fn defaulted(&mut self, mut pod: Value) -> Option<Value> {
        let name = pod["metadata"]["name"].clone();
        let namespace =
            if meta::namespace(&pod).is_empty() { "default" } else { meta::namespace(&pod) }.to_string();
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        pod.set(&["metadata", "annotations", kubelet::MIRROR_ANNOTATION], "");
        let tolerations = pod.at_mut(&["spec", "tolerations"]).list_mut();
        tolerations.push(tree!({"operator": "Exists", "effect": "NoExecute"}));
        // Another pod may have the name.
        pod.set(&["metadata", "name"], format!("{}-manifest", name.str()));
        let made = self.peek(&Request::new(Method::Post, path).query("dryRun", "All").body(&pod));
        if !made.is_success() {
            return None;
        }
        let mut annotations = pod["metadata"]["annotations"].clone();
        annotations.remove(&[kubelet::MIRROR_ANNOTATION]);
        let mut metadata = tree!({"name": name, "namespace": namespace, "annotations": annotations});
        if !pod["metadata"]["labels"].is_null() {
            metadata.set(&["labels"], &pod["metadata"]["labels"]);
        }
        Some(tree!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": (&made.body["spec"])}))
    }
}

/// Controllers of upstream's that aren't here, so that nothing follows from naming them.
const NOT_HERE: [&str; 4] =
    ["bootstrapsigner", "tokencleaner", "bootstrap-signer-controller", "token-cleaner-controller"];

/// Reads `--controllers`, and returns those that it leaves out.
///
/// # Errors
/// Upstream's words for a name that no controller has.
// Models staging/src/k8s.io/controller-manager/app/helper.go IsControllerEnabled
fn left_out(flag: &str) -> Result<BTreeSet<&'static str>, String> {
    let words: Vec<&str> = flag.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    let mut said: Vec<(&'static str, bool)> = Vec::new();
    for word in words.iter().filter(|word| **word != "*") {
        let name = word.strip_prefix('-').unwrap_or(word);
        if NOT_HERE.contains(&name) {
            continue;
        }
        let known = control_plane::controller(name)
            .ok_or_else(|| format!("\"{name}\" is not in the list of known controllers"))?;
        said.push((known, !word.starts_with('-')));
    }
    let others = words.contains(&"*");
    let is_on = |name: &str| said.iter().find(|(of, _)| *of == name).map_or(others, |(_, on)| *on);
    Ok(controller_manager::CONTROLLER_NAMES.into_iter().filter(|name| !is_on(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_which_controllers_are_left_out() {
        let all = controller_manager::CONTROLLER_NAMES.len();
        // Models staging/src/k8s.io/controller-manager/app/helper_test.go TestIsControllerEnabled
        for (flag, left) in [
            ("*", Ok(vec![])),
            ("*,-deployment-controller", Ok(vec!["deployment"])),
            ("*,-deployment,-podgc", Ok(vec!["deployment", "pod-garbage-collector"])),
            ("-endpoints-controller,*", Ok(vec!["endpoint"])),
            ("*,-nobody", Err("\"nobody\" is not in the list of known controllers")),
        ] {
            let wanted = left.map(|names| names.into_iter().collect()).map_err(str::to_string);
            assert_eq!(left_out(flag), wanted, "{flag}");
        }
        assert_eq!(left_out("replicaset-controller").map(|left| left.len()), Ok(all - 1));
    }
}
