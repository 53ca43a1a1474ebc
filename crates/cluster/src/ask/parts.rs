//! What is worth knowing of a process at a glance: where it runs, and whether it leads.

use crate::Cluster;
use crate::control_plane::Unit;

/// Returns facts of a component by its place: (name, value). Of a process that is alone and well there are none.
pub(super) fn facts(cluster: &Cluster, place: &str) -> Vec<(String, String)> {
    let row = |name: &str, value: String| (name.to_string(), value);
    let row_of = |name: &str, value: &str| row(name, value.to_string());
    if let Some((name, machine)) = place.split_once('/') {
        if name == "router" {
            let topology = cluster.wires.network.topology();
            let host = topology.by_name(machine).and_then(|id| topology.host(id));
            return host.map_or(Vec::new(), |host| vec![row("address", host.address.to_string())]);
        }
        let Some(unit) = Unit::named(name) else { return Vec::new() };
        let mut rows = vec![row_of("machine", machine)];
        let runs = cluster.parts.runs_on(machine, unit);
        rows.push(row_of("process", if runs { "running" } else { "stopped" }));
        if unit == Unit::KubeProxy
            && let Some(node) = cluster.parts.node(machine)
        {
            rows.push(row_of("mode", node.proxy.mode().name()));
        }
        if let Some(leader) = leader(cluster, unit)
            && runs
        {
            rows.push(row_of("role", if leader == machine { "leader" } else { "follower" }));
        }
        return rows;
    }
    let unit = match place {
        "scheduler" => Unit::Scheduler,
        name => match Unit::named(name) {
            Some(unit) => unit,
            None => return Vec::new(),
        },
    };
    let mut rows = Vec::new();
    if unit == Unit::Etcd
        && let Some((running, all)) = cluster.parts.etcd_members()
    {
        rows.push(row("members", all.to_string()));
        rows.push(row("running", running.to_string()));
        rows.push(row("quorum", (all / 2 + 1).to_string()));
    }
    rows.extend(leader(cluster, unit).map(|machine| row("leader", machine)));
    rows
}

/// Returns which of several machines leads a process.
fn leader(cluster: &Cluster, unit: Unit) -> Option<String> {
    let leaders = cluster.leaders();
    leaders.into_iter().find(|(process, _)| process == unit.name()).map(|(_, machine)| machine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    fn told(cluster: &Cluster, place: &str) -> Vec<String> {
        facts(cluster, place).into_iter().map(|(name, value)| format!("{name} {value}")).collect()
    }

    #[test]
    fn of_several_control_planes_one_leads() {
        let preset = Preset::named("ha").expect("it is a preset");
        let mut cluster = Cluster::new(&preset, 1);
        assert_eq!(told(&cluster, "etcd")[..3], ["members 3", "running 3", "quorum 2"]);
        let leader = leader(&cluster, Unit::Etcd).expect("somebody leads");
        let rows = told(&cluster, &format!("etcd/{leader}"));
        assert_eq!(rows, [&format!("machine {leader}"), "process running", "role leader"]);
        assert!(cluster.power(&leader, false).is_ok());
        let rows = told(&cluster, &format!("etcd/{leader}"));
        assert_eq!(rows, [&format!("machine {leader}"), "process stopped"]);
        assert_eq!(told(&cluster, "etcd")[1], "running 2");
        assert_eq!(told(&cluster, "kube-proxy/node-1")[2], "mode iptables");
        assert_eq!(told(&cluster, "client"), [""; 0]);
    }
}
