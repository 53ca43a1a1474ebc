//! Host ports: what the CNI plug-in portmap writes into a node's table `nat` when a pod gets its sandbox, and
//! takes out again when it loses it.
//!
//! Left out on purpose: the back end of nftables and the option `masqAll`.

use crate::net::{PodEndpoint, PodNetwork};
use api::Value;
use network::Cidr;
use sha2::{Digest, Sha512};
use sim::Time;
use std::collections::BTreeMap;

/// The chain that leads to those of the pods.
const TOP: &str = "CNI-HOSTPORT-DNAT";
/// The chain that marks what is to be masqueraded.
const SET_MARK: &str = "CNI-HOSTPORT-SETMARK";
/// The chain that masquerades it.
const MASQUERADE: &str = "CNI-HOSTPORT-MASQ";
/// The mark: bit 13, as kubelet's own is bit 14.
const MARK: &str = "0x2000/0x2000";
/// The name of the network in containerd's usual CNI configuration.
const NETWORK: &str = "containerd-net";
/// How long a chain's name may be.
const CHAIN_NAME: usize = 28;
/// How many ports one rule lists.
const LISTED: usize = 15;

/// A port of the node that is a container's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    protocol: String,
    host_ip: String,
    host_port: i64,
    container_port: i64,
}

/// A pod's sandbox, as the plug-in is told of it.
pub(crate) struct Sandbox<'a> {
    /// The moment.
    pub(crate) at: Time,
    /// The pod on the network.
    pub(crate) pod: &'a PodEndpoint,
    /// The sandbox' id.
    pub(crate) id: &'a str,
    /// The length of the prefix of the node's pods' network.
    pub(crate) prefix: u8,
    /// The ports of the node that are the pod's.
    pub(crate) ports: &'a [Mapping],
}

/// Returns the ports of the node that a pod's containers have.
pub(crate) fn mappings(pod: &Value) -> Vec<Mapping> {
    let containers = pod["spec"]["containers"].items().iter();
    let sidecars = pod["spec"]["initContainers"].items().iter();
    let all = containers.chain(sidecars.filter(|one| one["restartPolicy"].str() == "Always"));
    let ports = all.flat_map(|container| container["ports"].items());
    ports
        .filter(|port| port["hostPort"].int() > 0)
        .map(|port| Mapping {
            protocol: port["protocol"].as_str().unwrap_or("TCP").to_lowercase(),
            host_ip: port["hostIP"].str().to_string(),
            host_port: port["hostPort"].int(),
            container_port: port["containerPort"].int(),
        })
        .collect()
}

/// Returns the name of a sandbox' own chain.
// Models github.com/containernetworking/plugins pkg/utils/utils.go MustFormatChainNameWithPrefix
fn chain_name(network: &str, id: &str) -> String {
    let hash = Sha512::digest(format!("{network}{id}").as_bytes());
    let mut name = String::from("CNI-DN-");
    for byte in hash {
        name += &format!("{byte:02x}");
    }
    name.truncate(CHAIN_NAME);
    name
}

/// Returns the rules by which packets get into a sandbox' chain.
fn entries(id: &str, mappings: &[Mapping]) -> Vec<Vec<String>> {
    let mut by_protocol: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for one in mappings {
        by_protocol.entry(&one.protocol).or_default().push(one.host_port.to_string());
    }
    let comment = format!("dnat name: \"{NETWORK}\" id: \"{id}\"");
    let chain = chain_name(NETWORK, id);
    let mut rules = Vec::new();
    for (protocol, ports) in by_protocol {
        for list in ports.chunks(LISTED) {
            let list = list.join(",");
            let rule = words("-m comment --comment");
            let rest = words(&format!("-m multiport -p {protocol} --destination-ports {list} -j {chain}"));
            rules.push(rule.into_iter().chain([comment.clone()]).chain(rest).collect());
        }
    }
    rules
}

/// Returns the rules of a sandbox' chain.
// Models github.com/containernetworking/plugins plugins/meta/portmap/portmap_iptables.go fillDnatRules
fn rules(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let address = sandbox.pod.ip;
    let own = Cidr::new(address, sandbox.prefix);
    let mut rules = Vec::new();
    for one in sandbox.ports {
        let mut base = format!("-p {} --dport {}", one.protocol, one.host_port);
        if !matches!(&*one.host_ip, "" | "0.0.0.0") {
            base += &format!(" -d {}", one.host_ip);
        }
        rules.push(words(&format!("{base} -s {own} -j {SET_MARK}")));
        rules.push(words(&format!("{base} -s 127.0.0.1 -j {SET_MARK}")));
        let to = format!("{address}:{}", one.container_port);
        rules.push(words(&format!("{base} -j DNAT --to-destination {to}")));
    }
    rules
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_string).collect()
}

/// A node's table `nat`, changed as the plug-in does it: what is there already is left.
struct Nat<'a> {
    net: &'a mut dyn PodNetwork,
    node: &'a str,
}

impl Nat<'_> {
    fn run(&mut self, command: &str, chain: &str, rule: &[String]) -> bool {
        let mut all = vec!["-t", "nat", command, chain];
        all.extend(rule.iter().map(String::as_str));
        self.net.iptables(self.node, &all)
    }

    fn add(&mut self, command: &str, chain: &str, rule: &[String]) {
        if !self.run("-C", chain, rule) {
            self.run(command, chain, rule);
        }
    }
}

/// Leads a pod's host ports to it (`ADD`).
// Models github.com/containernetworking/plugins plugins/meta/portmap/portmap_iptables.go forwardPorts
pub(crate) fn add(net: &mut dyn PodNetwork, sandbox: &Sandbox) {
    let mut nat = Nat { net, node: &sandbox.pod.node };
    let comment = |text: &str, rest: &str| -> Vec<String> {
        let begin = words("-m comment --comment").into_iter().chain([text.to_string()]);
        begin.chain(words(rest)).collect()
    };
    nat.run("-N", SET_MARK, &[]);
    let mark = comment("CNI portfwd masquerade mark", &format!("-j MARK --set-xmark {MARK}"));
    nat.add("-A", SET_MARK, &mark);
    nat.run("-N", MASQUERADE, &[]);
    nat.add("-A", MASQUERADE, &words(&format!("-m mark --mark {MARK} -j MASQUERADE")));
    let entry = comment("CNI portfwd requiring masquerade", &format!("-j {MASQUERADE}"));
    nat.add("-I", "POSTROUTING", &entry);
    nat.run("-N", TOP, &[]);
    for chain in ["PREROUTING", "OUTPUT"] {
        nat.add("-A", chain, &words(&format!("-m addrtype --dst-type LOCAL -j {TOP}")));
    }
    let own = chain_name(NETWORK, sandbox.id);
    nat.run("-N", &own, &[]);
    for rule in rules(sandbox) {
        nat.add("-A", &own, &rule);
    }
    for entry in entries(sandbox.id, sandbox.ports) {
        nat.add("-I", TOP, &entry);
    }
    forget_udp(net, sandbox);
}

/// Takes a pod's host ports back (`DEL`).
pub(crate) fn remove(net: &mut dyn PodNetwork, sandbox: &Sandbox) {
    let mut nat = Nat { net, node: &sandbox.pod.node };
    let own = chain_name(NETWORK, sandbox.id);
    nat.run("-F", &own, &[]);
    for entry in entries(sandbox.id, sandbox.ports) {
        nat.run("-D", TOP, &entry);
    }
    nat.run("-X", &own, &[]);
    forget_udp(net, sandbox);
}

/// Lets the node forget UDP's connections to the ports, which would go on where they went.
fn forget_udp(net: &mut dyn PodNetwork, sandbox: &Sandbox) {
    for one in sandbox.ports.iter().filter(|one| one.protocol == "udp") {
        net.forget_udp(sandbox.at, &sandbox.pod.node, one.host_port);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::yaml;

    #[test]
    fn every_port_has_three_rules_and_every_protocol_an_entry() {
        let pod = yaml::parse_one(
            "spec:\n  containers:\n  - ports:\n    - {containerPort: 80, hostPort: 8080}\n    - {containerPort: 53, hostPort: 53, \
             protocol: UDP, hostIP: 10.64.140.11}\n    - {containerPort: 9}\n    - {containerPort: 443, hostPort: 8443, hostIP: 0.0.0.0}\n",
        )
        .unwrap();
        let endpoint = PodEndpoint {
            node: "node-1".into(),
            uid: "u".into(),
            key: "default/a".into(),
            ip: [10, 244, 1, 5].into(),
            host_network: false,
        };
        let mappings = mappings(&pod);
        let sandbox = Sandbox { at: Time(0), pod: &endpoint, id: "abc", prefix: 24, ports: &mappings };
        let text = |rules: Vec<Vec<String>>| rules.iter().map(|rule| rule.join(" ")).collect::<Vec<_>>();
        let chain = chain_name(NETWORK, "abc");
        assert_eq!(chain.len(), CHAIN_NAME);
        assert_eq!(
            text(entries("abc", &mappings)),
            [
                format!(
                    "-m comment --comment dnat name: \"containerd-net\" id: \"abc\" -m multiport -p tcp \
                     --destination-ports 8080,8443 -j {chain}"
                ),
                format!(
                    "-m comment --comment dnat name: \"containerd-net\" id: \"abc\" -m multiport -p udp \
                     --destination-ports 53 -j {chain}"
                ),
            ]
        );
        assert_eq!(
            text(rules(&sandbox)),
            [
                "-p tcp --dport 8080 -s 10.244.1.0/24 -j CNI-HOSTPORT-SETMARK",
                "-p tcp --dport 8080 -s 127.0.0.1 -j CNI-HOSTPORT-SETMARK",
                "-p tcp --dport 8080 -j DNAT --to-destination 10.244.1.5:80",
                "-p udp --dport 53 -d 10.64.140.11 -s 10.244.1.0/24 -j CNI-HOSTPORT-SETMARK",
                "-p udp --dport 53 -d 10.64.140.11 -s 127.0.0.1 -j CNI-HOSTPORT-SETMARK",
                "-p udp --dport 53 -d 10.64.140.11 -j DNAT --to-destination 10.244.1.5:53",
                "-p tcp --dport 8443 -s 10.244.1.0/24 -j CNI-HOSTPORT-SETMARK",
                "-p tcp --dport 8443 -s 127.0.0.1 -j CNI-HOSTPORT-SETMARK",
                "-p tcp --dport 8443 -j DNAT --to-destination 10.244.1.5:443",
            ]
        );
    }

    // github.com/containernetworking/plugins plugins/meta/portmap/portmap_test.go expects this of the network
    // `test` and the container `icee6giejonei6sohng6ahngee7laquohquee9shiGo7fohferakah3Feiyoolu2pei7ciPhoh7shaoX6vai3vuf0ahfaeng8yohb9ceu0daez5hashee8ooYai5wa3y`.
    #[test]
    fn chains_are_named_by_a_hash_of_network_and_id() {
        let id = "icee6giejonei6sohng6ahngee7laquohquee9shiGo7fohferakah3Feiyoolu2pei7ciPhoh7shaoX6vai3vuf0ahfaeng8yohb9ceu0daez5hashee8ooYai5wa3y";
        assert_eq!(chain_name("test", id), "CNI-DN-67e92b96e692a494b6b85");
    }
}
