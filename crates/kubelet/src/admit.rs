use crate::shared::{Shared, Turn};
use crate::worker::{PodWorker, Stage};
use api::placement::{has_untolerated, matches_affinity};
use api::{Value, pod_resources, quantity::Quantity};
use std::collections::BTreeMap;

/// What pods ask of a node: processors in thousandths, all else in whole units.
type Amounts = BTreeMap<String, i64>;

/// What a pod asks of its node, read once for all looks at it.
#[derive(Clone, Debug)]
pub(crate) struct Asks {
    pub amounts: Amounts,
    pub host_ports: Vec<(String, i64)>,
}

impl Asks {
    pub(crate) fn of(pod: &Value) -> Asks {
        let asked = pod_resources::requests(&pod["spec"], &[]);
        let amounts = asked.into_iter().map(|(name, asked)| (name.to_string(), whole(name, asked))).collect();
        Asks { amounts, host_ports: host_ports(pod) }
    }
}

/// Returns how much of a resource a node has for its pods.
pub(crate) fn allocatable(shared: &Shared, name: &str) -> i64 {
    let config = &shared.config;
    let own = match name {
        "cpu" => config.cpu.as_str().into(),
        "memory" => config.memory.as_str().into(),
        "ephemeral-storage" => config.ephemeral_storage.as_str().into(),
        _ => shared.own_node().map(|node| node["status"]["allocatable"][name].clone()).unwrap_or_default(),
    };
    amount(name, &own)
}

/// Returns the first resource of which the other pods leave too little, and upstream's words.
pub(crate) fn short_of(shared: &Shared, asks: &Asks) -> Option<(String, String)> {
    let short = |name: &str, requested: i64, used: i64, capacity: i64| {
        let words = format!(
            "Node didn't have enough resource: {name}, requested: {requested}, used: {used}, capacity: {capacity}"
        );
        (name.to_string(), words)
    };
    let (used, pods) = (&shared.used, i64::from(shared.config.pods));
    if used.pods >= pods {
        return Some(short("pods", 1, used.pods, pods));
    }
    asks.amounts.iter().find_map(|(name, requested)| {
        let requested = *requested;
        let (taken, capacity) = (used.amounts.get(name).copied().unwrap_or(0), allocatable(shared, name));
        let lacks = requested > 0 && taken.saturating_add(requested) > capacity;
        lacks.then(|| short(name, requested, taken, capacity))
    })
}

pub(crate) fn amount(name: &str, quantity: &Value) -> i64 {
    Quantity::from_value(quantity).map_or(0, |quantity| whole(name, quantity))
}

fn whole(name: &str, quantity: Quantity) -> i64 {
    if name == "cpu" { quantity.milli_value() } else { quantity.value() }
}

impl PodWorker {
    /// Returns whether the node takes the pod, or else the reason and the words. `others` is what the
    /// pods ask for that are there already, and how many they are.
    // Models pkg/kubelet/lifecycle/predicate.go Admit
    pub(crate) fn admit(&mut self, turn: &mut Turn) -> Result<(), (String, String)> {
        let node = turn.shared.own_node().cloned().unwrap_or_default();
        self.refuse_in_shutdown(turn)?;
        sysctls_allowed(&self.pod["spec"])
            .map_err(|why| ("SysctlForbidden".to_string(), format!("forbidden sysctl: {why}")))?;
        // Left out on purpose: that pods of a lower priority end for one of the system (pkg/kubelet/preemption).
        if self.is_static() && self.pod["spec"]["priority"].int() >= crate::eviction::CRITICAL {
            return Ok(());
        }
        let used = &turn.shared.used;
        if let Some((name, words)) = short_of(turn.shared, &self.asks) {
            return Err((format!("OutOf{name}"), words));
        }
        let predicate = |name: &str, why: &str| (name.to_string(), format!("Predicate {name} failed: {why}"));
        if !node.is_null() && !matches_affinity(&self.pod["spec"], &node) {
            return Err(predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector"));
        }
        if self.asks.host_ports.iter().any(|port| used.host_ports.contains(port)) {
            return Err(predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports"));
        }
        if !self.is_static() && has_untolerated(&self.pod["spec"], &node, &["NoExecute"]) {
            return Err(predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate"));
        }
        Ok(())
    }

    /// Returns whether the pod takes up room on the node. One whose containers have ended for good doesn't: its phase
    /// says so to the scheduler, which may have given its room to another.
    // Models pkg/kubelet/kubelet_pods.go filterOutInactivePods
    pub(crate) fn takes_room(&self) -> bool {
        !matches!(self.stage, Stage::New | Stage::Stopping { .. } | Stage::Gone | Stage::Rejected { .. })
    }
}

/// The sysctls that every pod may set, and the namespace of the kernel that each is of.
// Models pkg/kubelet/sysctl/safe_sysctls.go SafeSysctlAllowlist
const SAFE_SYSCTLS: [(&str, &str); 12] = [
    ("kernel.shm_rmid_forced", "IPC"),
    ("net.ipv4.ip_local_port_range", "Net"),
    ("net.ipv4.ip_local_reserved_ports", "Net"),
    ("net.ipv4.ip_unprivileged_port_start", "Net"),
    ("net.ipv4.ping_group_range", "Net"),
    ("net.ipv4.tcp_fin_timeout", "Net"),
    ("net.ipv4.tcp_keepalive_intvl", "Net"),
    ("net.ipv4.tcp_keepalive_probes", "Net"),
    ("net.ipv4.tcp_keepalive_time", "Net"),
    ("net.ipv4.tcp_rmem", "Net"),
    ("net.ipv4.tcp_syncookies", "Net"),
    ("net.ipv4.tcp_wmem", "Net"),
];

/// Sees whether a pod sets none but safe sysctls, and none of the node's own.
///
/// # Errors
/// The first that isn't so.
// Models pkg/kubelet/sysctl/allowlist.go validateSysctl
fn sysctls_allowed(spec: &Value) -> Result<(), String> {
    for sysctl in spec["securityContext"]["sysctls"].items() {
        let name = normal_name(sysctl["name"].str());
        let Some((_, namespace)) = SAFE_SYSCTLS.iter().find(|(safe, _)| *safe == name) else {
            return Err(format!("{name:?} not allowlisted"));
        };
        let host = if *namespace == "IPC" { "hostIPC" } else { "hostNetwork" };
        if spec[host].is_true() {
            return Err(format!("{name:?} not allowed with host {namespace} enabled"));
        }
    }
    Ok(())
}

/// Returns a sysctl's name with dots between its parts, where it was given with slashes.
// Models staging/src/k8s.io/component-helpers/node/util/sysctl/namespace.go NormalizeName
fn normal_name(name: &str) -> String {
    match name.find(['.', '/']) {
        Some(at) if name.get(at..).is_some_and(|rest| rest.starts_with('/')) => {
            let swap = |letter| match letter {
                '/' => '.',
                '.' => '/',
                letter => letter,
            };
            name.chars().map(swap).collect()
        }
        _ => name.to_string(),
    }
}

/// Returns the ports of the node that a pod takes, with their protocols.
fn host_ports(pod: &Value) -> Vec<(String, i64)> {
    let containers = pod["spec"]["containers"].items().iter();
    let ports = containers.flat_map(|container| container["ports"].items());
    let taken = ports.filter(|port| port["hostPort"].int() > 0);
    taken
        .map(|port| (port["protocol"].as_str().unwrap_or("TCP").to_string(), port["hostPort"].int()))
        .collect()
}
