//! What can go wrong with an object, or be taken back, beside its power: with the commands that do it.

use crate::Cluster;
use api::{Value, meta};
use network::HostId;

/// A failure's name, and the command that brings it about or takes it back.
type Fault = (String, String);

/// The file that fills a disk.
const FILLER: &str = "/var/filler";

/// Returns what can go wrong with an object.
pub(super) fn faults(cluster: &Cluster, kind: &str, object: &Value) -> Vec<Fault> {
    match kind {
        "Pod" => of_pod(cluster, object),
        "Node" => of_node(cluster, meta::name(object)),
        _ => Vec::new(),
    }
}

/// Returns what makes a machine's network slow or cut and its disk full, or takes that back.
fn of_node(cluster: &Cluster, name: &str) -> Vec<Fault> {
    let Some((node, host)) = cluster.parts.node(name).zip(cluster.wires.nodes.get(name).copied()) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    let mut add = |fault: &str, command: String| faults.push((fault.to_string(), command));
    match is_cut_from_others(cluster, host) {
        Some(true) => add("heal-others", format!("machine heal {name} others")),
        Some(false) => add("cut-others", format!("machine partition {name} others")),
        None => {}
    }
    if !node.on {
        return faults;
    }
    match cluster.wires.network.topology().netem(host) {
        Some(_) => add("fast-network", format!("ssh {name} sudo tc qdisc del dev eth0 root")),
        None => add("slow-network", format!("ssh {name} sudo tc qdisc add dev eth0 root netem delay 300ms")),
    }
    // What is left then is less than what the kubelet wants to be free.
    let room_gib = node.kubelet.disk().available() >> 30;
    if node.kubelet.node_files().get(FILLER).is_some() {
        add("empty-disk", format!("ssh {name} sudo rm {FILLER}"));
    } else if room_gib > 1 {
        add("fill-disk", format!("ssh {name} sudo fallocate -l {room_gib}G {FILLER}"));
    }
    faults
}

/// Returns whether a machine reaches none of the other nodes, that of the API server left out; none where there are
/// no others, or it is that.
fn is_cut_from_others(cluster: &Cluster, host: HostId) -> Option<bool> {
    let topology = cluster.wires.network.topology();
    let server = topology.by_address(cluster.wires.apiserver);
    if server == Some(host) {
        return None;
    }
    let nodes = cluster.wires.nodes.values().copied();
    let mut others = nodes.filter(|other| *other != host && Some(*other) != server).peekable();
    others.peek()?;
    Some(!topology.has_no_cuts() && others.all(|other| topology.is_cut(host, other)))
}

/// Returns what can be wrong with a pod's program, and the commands that bring it about.
fn of_pod(cluster: &Cluster, pod: &Value) -> Vec<(String, String)> {
    let (namespace, name) = (meta::namespace(pod), meta::name(pod));
    let Some(node) = cluster.parts.node(pod["spec"]["nodeName"].str()) else { return Vec::new() };
    if meta::is_deleting(pod) || !matches!(pod["status"]["phase"].str(), "Pending" | "Running") {
        return Vec::new();
    }
    let now = node.kubelet.faults(namespace, name, "");
    let listens = node.kubelet.listens(namespace, name);
    let is_asked = !pod["spec"]["containers"][0]["readinessProbe"]["httpGet"].is_null();
    let place = if namespace == "default" { name.to_string() } else { format!("{namespace}/{name}") };
    [
        ("unready", "unready", listens && is_asked && !now.unready),
        ("leak", "leak 50Mi", now.leak_per_minute == 0),
        ("crash", "crash 5", listens && now.crash_after == 0),
        ("slow", "slow 2000", listens && now.slow_ms == 0),
        ("none", "none", now != kubelet::AppFaults::default()),
    ]
    .into_iter()
    .filter(|(_, _, applies)| *applies)
    .map(|(name, words, _)| (name.to_string(), format!("machine fault {place} {words}")))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    #[test]
    fn each_failure_has_its_way_back() {
        let preset = Preset::named("lesson").expect("it is a preset");
        let mut cluster = Cluster::new(&preset, 1);
        let names = |cluster: &Cluster, node: &str| -> Vec<String> {
            of_node(cluster, node).into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(&cluster, "node-1"), ["cut-others", "slow-network", "fill-disk"]);
        assert_eq!(names(&cluster, "control-plane"), ["slow-network", "fill-disk"]);
        assert_eq!(names(&cluster, "nobody"), [""; 0]);
        assert!(cluster.set_link("node-1", "others", false).is_ok());
        assert_eq!(names(&cluster, "node-1")[0], "heal-others");
        assert_eq!(names(&cluster, "node-2")[0], "cut-others");
        assert!(cluster.power("node-1", false).is_ok());
        assert_eq!(names(&cluster, "node-1"), ["heal-others"]);
    }
}
