//! The folder of static pods on each machine: what is written there takes effect, if the kubelet runs.

use crate::Cluster;
use crate::console::node_files::is_configuration;
use crate::control_plane::{self, Unit};
use crate::leadership::LED;
use crate::parts::{Parts, SCHEDULER, Target};
use crate::preset::NodeSpec;
use crate::restart::Process;
use crate::wires::Wires;
use api::resources::PODS;
use api::{Method, Request, Value, meta, tree};
use client::Cx;
use kubelet::{Kubelet, ShutdownGrace};
use scheduler::Profile;
use shell::Place;
use sim::{Nanos, SECOND, Time};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Where the kubelet looks (`staticPodPath`).
pub(crate) const FOLDER: &str = "/etc/kubernetes/manifests";
/// After how long the first nodes have registered.
const REGISTERED: Nanos = SECOND;
/// How many files of the folder are read.
const FILES: usize = 64;

/// The manifests that kubeadm writes for a control plane, with `{node}`, `{address}` and `{members}` for what differs.
// Models cmd/kubeadm/app/phases/controlplane/manifests.go, cmd/kubeadm/app/phases/etcd/local.go GetEtcdPodSpec
const OF_CONTROL_PLANE: [(Unit, &str); 4] = [
    (Unit::Etcd, include_str!("../manifests/etcd.yaml")),
    (Unit::ApiServer, include_str!("../manifests/kube-apiserver.yaml")),
    (Unit::Manager, include_str!("../manifests/kube-controller-manager.yaml")),
    (Unit::Scheduler, include_str!("../manifests/kube-scheduler.yaml")),
];

/// Returns where the manifest of a process is, while the kubelet is to run it.
fn path_of(unit: Unit) -> String {
    format!("{FOLDER}/{}.yaml", unit.name())
}

/// Returns where it is kept while it isn't.
fn path_aside(unit: Unit) -> String {
    format!("/etc/kubernetes/{}.yaml", unit.name())
}

/// Returns the files that kubeadm writes for one of these control planes: path and text.
pub(crate) fn of_control_plane(node: &str, planes: &[&NodeSpec]) -> Vec<(String, String)> {
    // Who joins knows those that were there before.
    let known = planes.iter().position(|plane| plane.name == node).map_or(0, |at| at + 1);
    let member = |plane: &&NodeSpec| format!("{}=https://{}:2380", plane.name, plane.address);
    let members: Vec<String> = planes.iter().take(known).map(member).collect();
    let address = planes.iter().find(|plane| plane.name == node).map_or("", |plane| &plane.address);
    let text = |text: &str| {
        let text = text.replace("{node}", node).replace("{address}", address);
        text.replace("{members}", &members.join(","))
    };
    OF_CONTROL_PLANE.iter().map(|(unit, manifest)| (path_of(*unit), text(manifest))).collect()
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
        let pods = self.manifests_of(node);
        if self.parts.plane.member_mut(node).is_some() {
            for unit in Unit::ALL.into_iter().filter(|unit| unit.is_of_control_plane()) {
                if !pods.iter().any(|pod| meta::name(pod) == unit.name()) {
                    self.set_unit(node, unit, false);
                }
            }
        }
        let pods = pods.into_iter().filter_map(|pod| self.defaulted(pod)).collect();
        let now = self.world.now;
        if let Some(machine) = self.parts.nodes.get_mut(number as usize) {
            machine.kubelet.set_manifests(now, pods);
        }
        self.reschedule(Parts::kubelet_id(number));
    }

    /// Puts the manifest of a process of a control plane into the folder, or aside. The process ends at once.
    pub(crate) fn set_manifest(&mut self, node: &str, unit: Unit, on: bool) -> bool {
        let Some(number) = self.parts.by_name.get(node).copied() else { return false };
        let (path, aside) = (path_of(unit), path_aside(unit));
        let files = self.terminal.machines.files_mut(&Place::Node(node.into()));
        let is_there = files.read(&path).is_ok();
        if is_there == on {
            return false;
        }
        let (from, to) = if on { (aside, path) } else { (path, aside) };
        let planes: Vec<&NodeSpec> = self.preset.nodes.iter().filter(|node| node.control_plane).collect();
        let written = || of_control_plane(node, &planes).into_iter().find(|(path, _)| *path == to);
        let text = files.read(&from).map(|text| text.to_string()).ok();
        let Some(text) = text.or_else(|| Some(written()?.1)) else { return false };
        // Its folder is there; what isn't there needn't be taken away.
        let _ = files.write(&to, &text);
        let _ = files.remove(&from);
        if !on {
            self.set_unit(node, unit, false);
        }
        let runs = self.parts.runs_on(node, Unit::Kubelet);
        let uid = self.parts.plane.member_mut(node).and_then(|member| member.uid_of(unit));
        if let Some(uid) = uid.filter(|_| !on && !runs) {
            self.with_kubelet_of(number, |kubelet, cx, wires| kubelet.end_static(cx, wires, &uid));
        }
        self.read_manifests(node);
        true
    }

    fn with_kubelet_of(&mut self, number: u32, act: impl FnOnce(&mut Kubelet, &mut Cx, &mut Wires)) {
        let part = Parts::kubelet_id(number);
        let Cluster { world, wires, parts, .. } = self;
        parts.with(world, wires, part, |target, cx, wires| {
            if let Target::Kubelet(kubelet) = target {
                act(kubelet, cx, wires);
            }
        });
        self.reschedule(part);
    }

    /// Lets the pods of the control planes' manifests run, as they did when the cluster came up.
    pub(crate) fn stand_static_pods(&mut self) {
        for node in self.planes() {
            let Some(number) = self.parts.by_name.get(&*node).copied() else { continue };
            let pods = self.manifests_of(&node);
            let pods = pods.into_iter().filter_map(|pod| self.defaulted(pod)).collect();
            self.with_kubelet_of(number, |kubelet, cx, wires| kubelet.stand(cx, wires, pods));
        }
        self.after();
        LED.into_iter().for_each(|unit| self.tell_leader(unit));
    }

    fn planes(&self) -> Vec<Rc<str>> {
        self.parts.plane.members.iter().filter_map(|member| member.machine.clone()).collect()
    }

    /// Makes the mirrors of these pods, once their nodes are there, without a revision of their own.
    pub(crate) fn set_up_mirrors(&mut self, epoch: Time) {
        self.run_until(epoch.min(self.world.now + REGISTERED));
        for name in self.planes() {
            let object = self.view.objects.get(&("nodes", name.to_string())).cloned();
            let (Some(node), Some(number)) = (object, self.parts.by_name.get(&name).copied()) else {
                continue;
            };
            let at = meta::time(&node["metadata"]["creationTimestamp"]).unwrap_or(self.world.now);
            let machine = &self.parts.nodes[number as usize].kubelet;
            let (identity, mirrors) = (machine.identity().clone(), machine.unmirrored(&node));
            for mut mirror in mirrors {
                let status = mirror["status"].clone();
                let (collection, name) =
                    (PODS.collection(meta::namespace(&mirror)), meta::name(&mirror).to_string());
                mirror.remove(&["status"]);
                let by = |request: Request| request.by(&identity.user, &identity.agent);
                let made =
                    self.world.set_up(at, &by(Request::new(Method::Post, collection.clone()).body(&mirror)));
                mirror = made.body;
                mirror.set(&["status"], status);
                let path = format!("{collection}/{name}/status");
                let made = self.world.set_up(at, &by(Request::new(Method::Put, path).body(&mirror)));
                if made.is_success() {
                    self.parts.nodes[number as usize].kubelet.take_mirror(&made.body);
                }
            }
            self.reschedule(Parts::kubelet_id(number));
        }
        self.after();
    }

    /// Lets a process of a control plane run, whose container has started; by flags that it doesn't know it ends.
    /// Returns whether it is one.
    pub(crate) fn process_began(&mut self, program: &str, pod: &Value) -> bool {
        let (node, uid) = (pod["spec"]["nodeName"].text(), meta::uid(pod));
        let Some(unit) = Unit::named(program).filter(|unit| is_of(*unit, pod)) else { return false };
        let Some(member) = self.parts.plane.member_mut(&node) else { return false };
        member.pods.insert(uid.into(), unit);
        match self.takes_flags(&node, unit, pod) {
            Ok(()) => drop(self.set_unit(&node, unit, true)),
            Err(why) => {
                let Some(number) = self.parts.by_name.get(&node).copied() else { return true };
                let words = format!("run.go:72] \"command failed\" err={}", Value::from(why).to_json());
                self.with_kubelet_of(number, |kubelet, cx, wires| {
                    kubelet.fail_static(cx, wires, uid, &words)
                });
            }
        }
        true
    }

    /// Ends a process of a control plane with its container. Returns whether it is one.
    pub(crate) fn process_ended(&mut self, uid: &str) -> bool {
        let mut members = self.parts.plane.members.iter_mut();
        let found = members.find_map(|member| Some((member.pods.remove(uid)?, member.machine.clone()?)));
        let Some((unit, node)) = found else { return false };
        // With a machine all that it runs is gone.
        if self.parts.node(&node).is_some_and(|node| node.on) {
            self.set_unit(&node, unit, false);
        }
        true
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

    /// Takes up the flags of a process of the control plane.
    ///
    /// # Errors
    /// Why it can't start by them.
    fn takes_flags(&mut self, node: &str, unit: Unit, pod: &Value) -> Result<(), String> {
        if unit == Unit::Scheduler {
            return self.takes_profiles(node, control_plane::flag(pod, "config"));
        }
        if unit != Unit::Manager {
            return Ok(());
        }
        let flag = control_plane::flag(pod, "controllers").unwrap_or("*");
        let left = left_out(flag)?;
        // What was stopped otherwise stays so where this says nothing new.
        if self.parts.plane.controllers == flag {
            return Ok(());
        }
        self.parts.plane.controllers = flag.to_string();
        for name in controller_manager::CONTROLLER_NAMES {
            self.set_controller(name, !left.contains(name));
        }
        Ok(())
    }

    /// Takes up the scheduler's configuration, and lets it start anew where that has changed.
    ///
    /// # Errors
    /// Why it can't start by it.
    fn takes_profiles(&mut self, node: &str, path: Option<&str>) -> Result<(), String> {
        let profiles = match path {
            None => vec![Profile::default()],
            Some(path) => {
                let missing = || format!("open {path}: no such file or directory");
                let text = self.node_file(node, path).ok_or_else(missing)?;
                let config = api::yaml::parse_one(&text).map_err(|why| why.to_string())?;
                Profile::read(&config)?
            }
        };
        if self.parts.plane.profiles != profiles {
            self.parts.plane.profiles = profiles;
            if self.parts.is_on(SCHEDULER) {
                self.restart(Process::Scheduler);
            }
        }
        Ok(())
    }

    /// Returns a pod of a file with all defaults and what the kubelet adds; `None` where something is wrong with it.
    // Models pkg/kubelet/config/common.go applyDefaults
    fn defaulted(&self, mut pod: Value) -> Option<Value> {
        if meta::namespace(&pod).is_empty() {
            pod.set(&["metadata", "namespace"], "default");
        }
        let tolerations = pod.at_mut(&["spec", "tolerations"]).list_mut();
        tolerations.push(tree!({"operator": "Exists", "effect": "NoExecute"}));
        pod.remove(&["status"]);
        self.world.apiserver.read_manifest(self.world.now, &pod).ok()
    }
}

/// Returns whether a pod is that of a process by the manifest's name.
fn is_of(unit: Unit, pod: &Value) -> bool {
    let node = pod["spec"]["nodeName"].str();
    let is_static = meta::annotation(pod, kubelet::SOURCE_ANNOTATION) == "file";
    is_static
        && meta::name(pod).strip_suffix(node).and_then(|name| name.strip_suffix('-')) == Some(unit.name())
}

/// Controllers that `*` doesn't mean.
// Models cmd/kube-controller-manager/app/controllermanager.go ControllersDisabledByDefault
const OFF_BY_DEFAULT: [&str; 2] = ["bootstrap-signer", "token-cleaner"];

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
        let known = control_plane::controller(name)
            .ok_or_else(|| format!("\"{name}\" is not in the list of known controllers"))?;
        said.push((known, !word.starts_with('-')));
    }
    let others = words.contains(&"*");
    let by_default = |name: &str| others && !OFF_BY_DEFAULT.contains(&name);
    let is_on = |name: &str| said.iter().find(|(of, _)| *of == name).map_or(by_default(name), |(_, on)| *on);
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
            ("*,bootstrapsigner,tokencleaner", Ok(vec![])),
            ("*", Ok(vec!["bootstrap-signer", "token-cleaner"])),
            ("*,bootstrap-signer-controller,-deployment-controller", Ok(vec!["deployment", "token-cleaner"])),
            (
                "*,-deployment,-podgc",
                Ok(vec!["bootstrap-signer", "deployment", "pod-garbage-collector", "token-cleaner"]),
            ),
            ("-endpoints-controller,*", Ok(vec!["bootstrap-signer", "endpoint", "token-cleaner"])),
            ("*,-nobody", Err("\"nobody\" is not in the list of known controllers")),
        ] {
            let wanted = left.map(|names| names.into_iter().collect()).map_err(str::to_string);
            assert_eq!(left_out(flag), wanted, "{flag}");
        }
        assert_eq!(left_out("replicaset-controller").map(|left| left.len()), Ok(all - 1));
    }
}
