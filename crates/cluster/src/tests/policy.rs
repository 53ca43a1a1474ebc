//! NetworkPolicies are a matter of the network plug-in: one enforces them, another doesn't look at them.

use crate::preset::Cni;
use crate::{Cluster, Preset};
use network::iptables::TableName;

const POLICY: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny}\n\
                      spec: {podSelector: {}, policyTypes: [Ingress]}\n";

/// Returns how many chains of kube-router's the nodes have, one after another.
fn chains(cluster: &Cluster) -> Vec<usize> {
    let own = |host: &network::HostId| {
        let filter = cluster.wires.network.iptables(*host).unwrap().table(TableName::Filter);
        let chains = filter.sorted_chains();
        chains.iter().filter(|(name, _)| name.as_str().starts_with("KUBE-ROUTER-")).count()
    };
    cluster.wires.nodes.values().map(own).collect()
}

#[test]
fn a_plug_in_enforces_policies_or_ignores_them() {
    for (cni, chains_each, answer) in
        [(Cni::KubeRouter, 3, "exit code 7"), (Cni::Bridge, 0, "Welcome to nginx!")]
    {
        let mut preset = Preset::named("lesson").unwrap();
        preset.cni = cni;
        let mut cluster = Cluster::new(&preset, 1);
        cluster.run_line("kubectl create deployment web --image=nginx");
        cluster.run_line("kubectl expose deployment web --port=80");
        cluster.run_line("kubectl run box --image=curlimages/curl -- sleep infinity");
        cluster.sleep(20);
        assert_eq!(chains(&cluster), [0; 4], "without a policy there is nothing");
        cluster.run_line(&format!("cat > deny.yaml <<END\n{POLICY}END"));
        cluster.run_line("kubectl apply -f deny.yaml");
        cluster.sleep(3);
        assert_eq!(chains(&cluster), [chains_each; 4], "{cni:?}");
        let printed = cluster.run_line("kubectl exec box -- curl -s -m 2 web");
        assert!(format!("{printed:?}").contains(answer), "{cni:?}: {printed:?}");
    }
}

/// A machine that starts again has no rules; its agent, which is new too, writes them.
#[test]
fn a_machine_that_starts_again_enforces_policies_again() {
    let mut cluster = Cluster::new(&Preset::named("lesson").unwrap(), 1);
    cluster.run_line(&format!("cat > deny.yaml <<END\n{POLICY}END"));
    cluster.run_line("kubectl apply -f deny.yaml");
    cluster.sleep(3);
    cluster.power("node-1", false).unwrap();
    cluster.sleep(3);
    let host = cluster.wires.nodes["node-1"];
    let has_rules = |cluster: &Cluster| {
        let filter = cluster.wires.network.iptables(host).unwrap().table(TableName::Filter);
        filter.chain("KUBE-ROUTER-FORWARD").is_some()
    };
    assert!(!has_rules(&cluster));
    cluster.power("node-1", true).unwrap();
    cluster.sleep(60);
    assert!(has_rules(&cluster));
}
