//! Policies to rules: which sets there are, and which chains.

use crate::cluster::{Cluster, Pod, protocol};
use crate::names::{ChainPart, Direction, PolicyName, marked_rule, pod_chain};
use api::label::Selector;
use api::{Value, meta};
use network::{Cidr, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::rc::Rc;

/// How long a comment may be.
const COMMENT_BYTES: usize = 255;
/// The chains that lead to those of pods, and the built-in ones that they are reached from.
pub(crate) const TOP: [(&str, &str); 3] =
    [("INPUT", "KUBE-ROUTER-INPUT"), ("FORWARD", "KUBE-ROUTER-FORWARD"), ("OUTPUT", "KUBE-ROUTER-OUTPUT")];
/// The chain for traffic that no policy is about.
const DEFAULT: &str = "KUBE-NWPLCY-DEFAULT";
/// What marks a packet that some policy permits.
const PERMITTED: &str = "0x10000/0x10000";
/// What marks a packet that a pod's firewall let pass.
const PASSED: &str = "0x20000/0x20000";

/// The members of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Set {
    /// `hash:ip`: single addresses.
    Addresses(BTreeSet<Ipv4Addr>),
    /// `hash:net`: networks, and those among them that don't count (`nomatch`).
    Networks(BTreeMap<Cidr, bool>),
}

impl Set {
    /// Returns what makes the set as `ipset restore` reads it.
    pub fn text(&self, name: &str) -> String {
        let kind = match self {
            Set::Addresses(_) => "hash:ip",
            Set::Networks(_) => "hash:net",
        };
        let mut text = format!("create {name} {kind} family inet hashsize 1024 maxelem 65536 timeout 0\n");
        let _ = writeln!(text, "flush {name}");
        match self {
            Set::Addresses(addresses) => {
                for address in addresses {
                    let _ = writeln!(text, "add {name} {address} timeout 0");
                }
            }
            Set::Networks(networks) => {
                for (network, is_exempt) in networks {
                    let nomatch = if *is_exempt { " nomatch" } else { "" };
                    let _ = writeln!(text, "add {name} {network} timeout 0{nomatch}");
                }
            }
        }
        text
    }
}

/// The sets and chains of one node, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The sets.
    pub sets: BTreeMap<Rc<str>, Set>,
    /// The chains of the filter table, each rule as it stands after `-A CHAIN`.
    pub chains: BTreeMap<Rc<str>, Vec<String>>,
}

/// Makes the sets and chains by which a node enforces policies. Without policies there are none.
// Models github.com/cloudnativelabs/kube-router pkg/controllers/netpol/npc_iptables.go fullPolicySync
pub fn compile(policies: &[&Value], cluster: &Cluster, node: &str, services: Cidr) -> Rules {
    let mut rules = Rules::default();
    if policies.is_empty() {
        return rules;
    }
    let mut read: Vec<Policy> = policies.iter().map(|policy| Policy::of(policy, cluster)).collect();
    read.sort_by_key(|policy| (policy.name.namespace, policy.name.name));
    for policy in &read {
        policy.write(cluster, &mut rules);
    }
    let marks = format!(
        "{} -j MARK --set-xmark {PERMITTED}",
        comment("rule to mark traffic matching a network policy")
    );
    rules.chains.insert(DEFAULT.into(), vec![marks]);
    for (_, chain) in TOP {
        rules.chains.insert(chain.into(), Vec::new());
    }
    let services = services.to_string();
    let words = ["-m", "comment", "--comment", "allow traffic to primary/secondary cluster IP range", "-d"];
    let words: Vec<&str> = words.into_iter().chain([services.as_str(), "-j", "RETURN"]).collect();
    let words = marked_rule("KUBE-ROUTER-INPUT", &words);
    let text = words.iter().map(|word| if word.contains(' ') { quoted(word) } else { word.clone() });
    rules.line("KUBE-ROUTER-INPUT", text.collect::<Vec<_>>().join(" "));
    for pod in cluster.pods.iter().filter(|pod| *pod.node == *node) {
        let own: Vec<&Policy> = read.iter().filter(|policy| policy.targets.contains(&pod.ip)).collect();
        if !own.is_empty() {
            firewall(pod, &own, &mut rules);
        }
    }
    for (_, chain) in TOP {
        let about = comment("rule to explicitly ACCEPT traffic that comply to network policies");
        rules.line(chain, format!("{about} -m mark --mark {PASSED} -j ACCEPT"));
    }
    rules
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Writes a comment, cut to the length that iptables takes.
fn comment(text: &str) -> String {
    let mut end = text.len().min(COMMENT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("-m comment --comment {}", quoted(text.get(..end).unwrap_or(text)))
}

impl Rules {
    fn line(&mut self, chain: &str, rule: String) {
        self.chains.entry(chain.into()).or_default().push(rule);
    }
}

/// Writes the chain of one pod, and the rules that lead to it.
// Models pkg/controllers/netpol/pod.go syncPodFirewallChains, setupPodNetpolRules
fn firewall(pod: &Pod, policies: &[&Policy], rules: &mut Rules) {
    let chain = pod_chain(&pod.namespace, &pod.name);
    let (ip, name, namespace) = (pod.ip, &pod.name, &pod.namespace);
    let mut lines = vec![
        format!(
            "{} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            comment("rule for stateful firewall for pod")
        ),
        format!("{} -m conntrack --ctstate INVALID -j DROP", comment("rule to drop invalid state for pod")),
        format!(
            "-d {ip}/32 {} -m addrtype --src-type LOCAL -j ACCEPT",
            comment("rule to permit the traffic traffic to pods when source is the pod's local node")
        ),
    ];
    for (direction, end, word) in [(Direction::Egress, "-s", "egress"), (Direction::Ingress, "-d", "ingress")]
    {
        if !policies.iter().any(|policy| policy.is_about(direction)) {
            let about = comment(&format!("run through default {word} network policy chain"));
            lines.push(format!("{end} {ip}/32 {about} -j {DEFAULT}"));
        }
    }
    for policy in policies {
        let about = comment(&format!("run through nw policy {}", policy.name.name));
        for (direction, end) in [(Direction::Ingress, "-d"), (Direction::Egress, "-s")] {
            if policy.is_about(direction) {
                lines.push(format!("{end} {ip}/32 {about} -j {}", policy.chain(direction)));
            }
        }
    }
    let refused =
        comment(&format!("rule to REJECT traffic destined for POD name:{name} namespace: {namespace}"));
    lines.push(format!(
        "{refused} -m mark ! --mark {PERMITTED} -j REJECT --reject-with icmp-port-unreachable"
    ));
    lines.push("-j MARK --set-xmark 0x0/0x10000".to_string());
    let passed = comment("set mark to ACCEPT traffic that comply to network policies");
    lines.push(format!("{passed} -j MARK --set-xmark {PASSED}"));

    let to = comment(&format!(
        "rule to jump traffic destined to POD name:{name} namespace: {namespace} to chain {chain}"
    ));
    for top in ["KUBE-ROUTER-FORWARD", "KUBE-ROUTER-OUTPUT"] {
        rules.line(top, format!("-d {ip}/32 {to} -j {chain}"));
    }
    let from = comment(&format!(
        "rule to jump traffic from POD name:{name} namespace: {namespace} to chain {chain}"
    ));
    for (_, top) in TOP {
        rules.line(top, format!("-s {ip}/32 {from} -j {chain}"));
    }
    rules.chains.insert(chain, lines);
}

/// A policy, as far as it can be read without its rules.
#[derive(Debug)]
struct Policy<'a> {
    name: PolicyName<'a>,
    spec: &'a Value,
    ingress: bool,
    egress: bool,
    /// The addresses of the pods that it selects.
    targets: BTreeSet<Ipv4Addr>,
}

/// A port, or a run of them, or all of a protocol, or of all protocols; and the set of who has it, where it
/// was given by name.
struct Port {
    protocol: Option<Protocol>,
    first: Option<u16>,
    last: u16,
    owners: Option<Rc<str>>,
}

impl Port {
    fn text(&self) -> String {
        let (Some(protocol), Some(first)) = (self.protocol, self.first) else { return String::new() };
        let last = if self.last == first { String::new() } else { format!(":{}", self.last) };
        format!(" -m {} --dport {first}{last}", protocol.name())
    }
}

impl<'a> Policy<'a> {
    fn of(policy: &'a Value, cluster: &Cluster) -> Policy<'a> {
        let spec = &policy["spec"];
        let types = spec["policyTypes"].items();
        let is_type = |word: &str| types.iter().any(|one| one.str() == word);
        let name = PolicyName { namespace: meta::namespace(policy), name: meta::name(policy) };
        let selector = Selector::from_label_selector(&spec["podSelector"]);
        Policy {
            name,
            spec,
            ingress: types.is_empty() || is_type("Ingress"),
            egress: is_type("Egress") || types.is_empty() && !spec["egress"].is_null(),
            targets: cluster.selected(name.namespace, &selector).map(|pod| pod.ip).collect(),
        }
    }

    fn is_about(&self, direction: Direction) -> bool {
        if direction == Direction::Ingress { self.ingress } else { self.egress }
    }

    fn chain(&self, direction: Direction) -> Rc<str> {
        self.name.chain(match direction {
            Direction::Egress if self.ingress => ChainPart::SecondOfTwo,
            _ => ChainPart::First,
        })
    }

    /// Writes its chains and its sets.
    // Models pkg/controllers/netpol/policy.go syncNetworkPolicyChains
    fn write(&self, cluster: &Cluster, rules: &mut Rules) {
        for direction in Direction::BOTH {
            if !self.is_about(direction) {
                continue;
            }
            rules.chains.insert(self.chain(direction), Vec::new());
            let targets = self.name.targets(direction);
            rules.sets.insert(targets, Set::Addresses(self.targets.clone()));
            let (field, peers) = match direction {
                Direction::Ingress => ("ingress", "from"),
                Direction::Egress => ("egress", "to"),
            };
            for (number, rule) in self.spec[field].items().iter().enumerate() {
                self.write_rule(direction, number, rule, &rule[peers], cluster, rules);
            }
        }
    }

    fn write_rule(
        &self,
        direction: Direction,
        number: usize,
        rule: &Value,
        peers: &Value,
        cluster: &Cluster,
        rules: &mut Rules,
    ) {
        let pods: Vec<&Pod> = match peers.is_empty() {
            true => cluster.pods.iter().collect(),
            false => peers.items().iter().flat_map(|peer| cluster.peers(self.name.namespace, peer)).collect(),
        };
        // A port's name means what the pod that is asked has under it.
        let asked: Vec<&Pod> = match direction {
            Direction::Ingress => cluster.pods.iter().filter(|pod| self.targets.contains(&pod.ip)).collect(),
            Direction::Egress => pods.clone(),
        };
        let ports = self.ports(direction, number, rule, &asked, rules);
        if peers.is_empty() {
            let what = match direction {
                Direction::Ingress => "all sources to dest pods selected by policy name: ",
                Direction::Egress => "source pods to all destinations selected by policy name: ",
            };
            return self.permit(direction, what, None, ports.iter(), rules);
        }
        if !pods.is_empty() {
            let set = self.name.peers(direction, number);
            rules.sets.insert(set.clone(), Set::Addresses(pods.iter().map(|pod| pod.ip).collect()));
            let what = "source pods to dest pods selected by policy name ";
            self.permit(direction, what, Some(&set), ports.iter(), rules);
        }
        let what = match direction {
            Direction::Ingress => "specified ipBlocks to dest pods selected by policy name: ",
            Direction::Egress => "source pods to specified ipBlocks selected by policy name: ",
        };
        for (place, networks) in blocks(peers).into_iter().enumerate() {
            let set = self.name.blocks(direction, number, place);
            rules.sets.insert(set.clone(), Set::Networks(networks));
            // Nobody knows what an address outside has under a name.
            let known = ports.iter().filter(|port| direction == Direction::Ingress || port.owners.is_none());
            self.permit(direction, what, Some(&set), known, rules);
        }
    }

    /// Reads a rule's ports.
    // Models pkg/controllers/netpol/policy.go processNetworkPolicyPorts, grabNamedPortFromPod
    fn ports(
        &self,
        direction: Direction,
        number: usize,
        rule: &Value,
        asked: &[&Pod],
        rules: &mut Rules,
    ) -> Vec<Port> {
        let listed = rule["ports"].items();
        if listed.is_empty() {
            return vec![Port { protocol: None, first: None, last: 0, owners: None }];
        }
        let mut ports = Vec::new();
        let mut names = 0;
        for port in listed {
            let Some(protocol) = protocol(port) else { continue };
            let one = |first, last| Port { protocol: Some(protocol), first, last, owners: None };
            match &port["port"] {
                Value::Null => ports.push(one(None, 0)),
                Value::Int(first) => {
                    let Ok(first) = u16::try_from(*first) else { continue };
                    let last = u16::try_from(port["endPort"].int()).unwrap_or(0).max(first);
                    ports.push(one(Some(first), last));
                }
                name => {
                    for (value, addresses) in owners(asked, name.str(), protocol) {
                        let set = self.name.named_port(direction, number, names);
                        names += 1;
                        rules.sets.insert(set.clone(), Set::Addresses(addresses));
                        ports.push(Port { owners: Some(set), ..one(Some(value), value) });
                    }
                }
            }
        }
        ports
    }

    /// Writes the two rules that permit what comes from one set and goes to another, for each port.
    // Models pkg/controllers/netpol/policy.go appendRuleToPolicyChain
    fn permit<'p>(
        &self,
        direction: Direction,
        what: &str,
        peers: Option<&Rc<str>>,
        ports: impl Iterator<Item = &'p Port>,
        rules: &mut Rules,
    ) {
        let PolicyName { namespace, name } = self.name;
        let about = comment(&format!("rule to ACCEPT traffic from {what}{name} namespace {namespace}"));
        let targets = self.name.targets(direction);
        let chain = self.chain(direction);
        for port in ports {
            let owners = port.owners.as_ref();
            let (from, to) = match direction {
                Direction::Ingress => (peers, owners.or(Some(&targets))),
                Direction::Egress => (Some(&targets), owners.or(peers)),
            };
            let mut rule = port.protocol.map_or(String::new(), |protocol| format!("-p {} ", protocol.name()));
            rule.push_str(&about);
            for (set, end) in [(from, "src"), (to, "dst")] {
                if let Some(set) = set {
                    let _ = write!(rule, " -m set --match-set {set} {end}");
                }
            }
            rule.push_str(&port.text());
            rules.line(&chain, format!("{rule} -j MARK --set-xmark {PERMITTED}"));
            rules.line(&chain, format!("{rule} -m mark --mark {PERMITTED} -j RETURN"));
        }
    }
}

/// Returns who has a port of this name, by its number.
fn owners(pods: &[&Pod], name: &str, protocol: Protocol) -> BTreeMap<u16, BTreeSet<Ipv4Addr>> {
    let mut owners: BTreeMap<u16, BTreeSet<Ipv4Addr>> = BTreeMap::new();
    for pod in pods {
        for (_, _, number) in pod.ports.iter().filter(|(own, of, _)| **own == *name && *of == protocol) {
            owners.entry(*number).or_default().insert(pod.ip);
        }
    }
    owners
}

/// Returns the members of the sets that peers of addresses need. kube-router puts them all into one, where an
/// exception of one block takes away from another too; here a block with exceptions has a set of its own.
// Models pkg/controllers/netpol/policy.go evalIPBlockPeer
fn blocks(peers: &Value) -> Vec<BTreeMap<Cidr, bool>> {
    let mut plain = BTreeMap::new();
    let mut sets = Vec::new();
    for peer in peers.items() {
        let block = &peer["ipBlock"];
        let is_other = !peer["podSelector"].is_null() || !peer["namespaceSelector"].is_null();
        let Some(network) = Cidr::parse(block["cidr"].str()).filter(|_| !is_other) else { continue };
        let exceptions = block["except"].items();
        if exceptions.is_empty() {
            plain.extend(halves(network).map(|half| (half, false)));
            continue;
        }
        let mut set: BTreeMap<Cidr, bool> = halves(network).map(|half| (half, false)).collect();
        let exceptions = exceptions.iter().filter_map(|text| Cidr::parse(text.str()));
        set.extend(exceptions.flat_map(halves).map(|half| (half, true)));
        sets.push(set);
    }
    if !plain.is_empty() {
        sets.insert(0, plain);
    }
    sets
}

/// Returns a network as `hash:net` takes it, which has no place for one of no bits.
fn halves(network: Cidr) -> impl Iterator<Item = Cidr> {
    let halves = match network.prefix() {
        0 => [Some(Cidr::new(Ipv4Addr::UNSPECIFIED, 1)), Some(Cidr::new(Ipv4Addr::new(128, 0, 0, 0), 1))],
        _ => [Some(network), None],
    };
    halves.into_iter().flatten()
}
