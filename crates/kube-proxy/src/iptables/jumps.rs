//! The rules that lead from the built-in chains to kube-proxy's own, and the canaries.

use super::{FILTER_CHAINS, NAT_CHAINS};
use crate::chains::is_service_chain;
use crate::rules::{Jump, ensure, forsake};
use network::iptables::TableName;
use network::{HostId, Network};

/// The chain whose absence tells that somebody has emptied the tables.
const CANARY: &str = "KUBE-PROXY-CANARY";
const NEW: &[&str] = &["-m", "conntrack", "--ctstate", "NEW"];
const EXTERNAL: &str = "kubernetes externally-visible service portals";
const PORTALS: &str = "kubernetes service portals";
const FIREWALL: &str = "kubernetes load balancer firewall";

/// In the order in which they are put first in their chains.
// Models pkg/proxy/iptables/proxier.go iptablesJumpChains, iptablesKubeletJumpChains
const JUMPS: [Jump; 14] = [
    ("filter", "INPUT", NEW, EXTERNAL, "KUBE-EXTERNAL-SERVICES"),
    ("filter", "FORWARD", NEW, EXTERNAL, "KUBE-EXTERNAL-SERVICES"),
    ("filter", "INPUT", &[], "kubernetes health check service ports", "KUBE-NODEPORTS"),
    ("filter", "FORWARD", NEW, PORTALS, "KUBE-SERVICES"),
    ("filter", "OUTPUT", NEW, PORTALS, "KUBE-SERVICES"),
    ("filter", "FORWARD", &[], "kubernetes forwarding rules", "KUBE-FORWARD"),
    ("filter", "INPUT", NEW, FIREWALL, "KUBE-PROXY-FIREWALL"),
    ("filter", "OUTPUT", NEW, FIREWALL, "KUBE-PROXY-FIREWALL"),
    ("filter", "FORWARD", NEW, FIREWALL, "KUBE-PROXY-FIREWALL"),
    ("nat", "OUTPUT", &[], PORTALS, "KUBE-SERVICES"),
    ("nat", "PREROUTING", &[], PORTALS, "KUBE-SERVICES"),
    ("nat", "POSTROUTING", &[], "kubernetes postrouting rules", "KUBE-POSTROUTING"),
    ("filter", "INPUT", &[], "", "KUBE-FIREWALL"),
    ("filter", "OUTPUT", &[], "", "KUBE-FIREWALL"),
];

/// How many of them are kube-proxy's own; the others are the kubelet's.
const OWN_JUMPS: usize = 12;

/// Makes the chains that lead to kube-proxy's own on a node, and the canaries, where they are missing.
pub fn ensure_jumps(network: &mut Network, host: HostId) {
    let canaries = TableName::SAVED.iter().map(|table| (table.as_str(), CANARY));
    let targets = JUMPS.iter().map(|(table, _, _, _, target)| (*table, *target));
    ensure(network, host, canaries.chain(targets), &JUMPS);
}

/// Returns whether a node's tables were not emptied.
pub(crate) fn has_canary(network: &Network, host: HostId) -> bool {
    network.iptables(host).is_some_and(|iptables| {
        TableName::SAVED.iter().all(|table| iptables.table(*table).chain(CANARY).is_some())
    })
}

/// Takes kube-proxy's chains away, as it does at its start in mode nftables.
// Models pkg/proxy/iptables/cleanup.go CleanupLeftovers
pub(crate) fn clean_up(network: &mut Network, host: HostId) {
    let own = network.iptables(host).map(|iptables| iptables.table(TableName::Nat).sorted_chains());
    let own = own.into_iter().flatten().map(|(name, _)| name.as_str()).filter(|name| is_service_chain(name));
    let own = own.map(|name| ("nat", name.to_string()));
    // The kubelet marks by the same chain, and has a firewall of its own.
    let nat = NAT_CHAINS.iter().filter(|chain| **chain != "KUBE-MARK-MASQ").map(|chain| ("nat", *chain));
    let filter =
        FILTER_CHAINS.iter().filter(|chain| **chain != "KUBE-FIREWALL").map(|chain| ("filter", *chain));
    let fixed = nat.chain(filter).map(|(table, chain)| (table, chain.to_string()));
    let all: Vec<(&str, String)> = own.chain(fixed).collect();
    forsake(network, host, JUMPS.get(..OWN_JUMPS).unwrap_or(&[]), &all);
}
