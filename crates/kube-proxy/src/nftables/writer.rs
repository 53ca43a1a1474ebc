//! The text that describes Services' rules to `nft -f`.
// Models pkg/proxy/nftables/proxier.go

use super::Own;
use crate::chains::plain_name;
use crate::topology::{Usable, Ways};
use crate::{Config, Endpoint, ServicePort, ServicePortName};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::Ipv4Addr;

/// The bit that asks for masquerading (`masqueradeBit: 14`).
const MARK: &str = "0x004000";
const CLUSTER_IPS: &str = "cluster-ips";
const SERVICE_IPS: &str = "service-ips";
const NODE_PORTS: &str = "service-nodeports";
const NODE_PORT_IPS: &str = "nodeport-ips";
const NO_ENDPOINTS: &str = "no-endpoint-services";
const NO_ENDPOINT_PORTS: &str = "no-endpoint-nodeports";
const FIREWALL_IPS: &str = "firewall-ips";
const REJECT: &str = "reject-chain";
const MARK_MASQ: &str = "mark-for-masquerade";

/// The chains where a packet comes in: name, type, hook, priority.
// Models pkg/proxy/nftables/proxier.go nftablesBaseChains
const BASES: [(&str, &str, &str, i32); 8] = [
    ("filter-prerouting-pre-dnat", "filter", "prerouting", -110),
    ("filter-output-pre-dnat", "filter", "output", -110),
    ("filter-input", "filter", "input", 0),
    ("filter-forward", "filter", "forward", 0),
    ("filter-output", "filter", "output", 0),
    ("nat-prerouting", "nat", "prerouting", -100),
    ("nat-output", "nat", "output", -100),
    ("nat-postrouting", "nat", "postrouting", 100),
];

/// Where they lead: chain, from where, which packets.
// Models pkg/proxy/nftables/proxier.go nftablesJumpChains
const JUMPS: [(&str, &str, &str); 11] = [
    ("nodeport-endpoints-check", "filter-input", "ct state new "),
    ("service-endpoints-check", "filter-input", "ct state new "),
    ("service-endpoints-check", "filter-forward", "ct state new "),
    ("service-endpoints-check", "filter-output", "ct state new "),
    ("firewall-check", "filter-prerouting-pre-dnat", "ct state new "),
    ("firewall-check", "filter-output-pre-dnat", "ct state new "),
    ("services", "nat-output", ""),
    ("services", "nat-prerouting", ""),
    ("masquerading", "nat-postrouting", ""),
    ("cluster-ips-check", "filter-forward", "ct state new "),
    ("cluster-ips-check", "filter-output", "ct state new "),
];

/// The sets and maps: name, type, comment.
const CONTAINERS: [(&str, &str, &str); 6] = [
    (CLUSTER_IPS, "ipv4_addr", "Active ClusterIPs"),
    (
        NO_ENDPOINTS,
        "ipv4_addr . inet_proto . inet_service : verdict",
        "vmap to drop or reject packets to services with no endpoints",
    ),
    (
        NO_ENDPOINT_PORTS,
        "inet_proto . inet_service : verdict",
        "vmap to drop or reject packets to service nodeports with no endpoints",
    ),
    (
        FIREWALL_IPS,
        "ipv4_addr . inet_proto . inet_service : verdict",
        "destinations that are subject to LoadBalancerSourceRanges",
    ),
    (
        SERVICE_IPS,
        "ipv4_addr . inet_proto . inet_service : verdict",
        "ClusterIP, ExternalIP and LoadBalancer IP traffic",
    ),
    (NODE_PORTS, "inet_proto . inet_service : verdict", "NodePort traffic"),
];

/// Writes the text, and notes what a Service has in the table.
pub(super) struct Writer<'a> {
    config: &'a Config,
    pub(super) text: String,
    pub(super) own: Own,
}

macro_rules! line {
    ($writer:expr, $($words:tt)*) => {{
        let _ = writeln!($writer.text, $($words)*);
    }};
}

/// Returns the end of a rule with a comment.
fn comment(text: &str) -> String {
    format!("comment \"{text}\"")
}

impl Writer<'_> {
    /// Begins an empty text.
    pub(super) fn new(config: &Config) -> Writer<'_> {
        Writer { config, text: String::new(), own: Own::default() }
    }

    fn rule(&mut self, chain: &str, rule: &str) {
        line!(self, "add rule ip kube-proxy {chain} {rule}");
    }

    fn empty(&mut self, chain: &str) {
        line!(self, "add chain ip kube-proxy {chain}\nflush chain ip kube-proxy {chain}");
    }

    /// What is there without any Service.
    // Models pkg/proxy/nftables/proxier.go setupNFTables
    pub(super) fn begin(&mut self, has_bases: bool) {
        line!(self, "add table ip kube-proxy {{ comment \"rules for kube-proxy\" ; }}");
        for (name, ..) in BASES.iter().filter(|_| !has_bases) {
            // So that those of another version, at other priorities, are none of this table's.
            line!(self, "add chain ip kube-proxy {name}\ndelete chain ip kube-proxy {name}");
        }
        for (name, kind, hook, priority) in BASES {
            line!(
                self,
                "add chain ip kube-proxy {name} {{ type {kind} hook {hook} priority {priority} ; }}\n\
                 flush chain ip kube-proxy {name}"
            );
        }
        let mut made = BTreeSet::new();
        for (name, from, which) in JUMPS {
            if made.insert(name) {
                self.empty(name);
            }
            self.rule(from, &format!("{which}jump {name}"));
        }
        self.empty(MARK_MASQ);
        self.rule(MARK_MASQ, &format!("mark set mark or {MARK}"));
        self.rule("masquerading", &format!("mark and {MARK} == 0 return"));
        self.rule("masquerading", &format!("mark set mark xor {MARK}"));
        self.rule("masquerading", "masquerade fully-random");
        self.containers();
        self.checks();
    }

    fn containers(&mut self) {
        let ips = self.config.node_ports.of(&self.config.addresses);
        line!(
            self,
            "add set ip kube-proxy {NODE_PORT_IPS} {{ type ipv4_addr ; comment \"IPs that accept NodePort traffic\" ; }}"
        );
        if ips.is_some() {
            line!(self, "flush set ip kube-proxy {NODE_PORT_IPS}");
        }
        // localhost is no place for node ports in this mode.
        for ip in ips.into_iter().flatten().filter(|ip| !ip.is_loopback()) {
            line!(self, "add element ip kube-proxy {NODE_PORT_IPS} {{ {ip} }}");
        }
        for (name, kind, about) in CONTAINERS {
            let word = if kind.contains(':') { "map" } else { "set" };
            line!(
                self,
                "add {word} ip kube-proxy {name} {{ type {kind} ; comment \"{about}\" ; }}\n\
                 flush {word} ip kube-proxy {name}"
            );
        }
        line!(
            self,
            "add chain ip kube-proxy {REJECT} {{ comment \"helper for @{NO_ENDPOINTS} / @{NO_ENDPOINT_PORTS}\" ; }}\n\
             flush chain ip kube-proxy {REJECT}"
        );
        self.rule(REJECT, "reject");
    }

    fn checks(&mut self) {
        let reject = comment("Reject traffic to invalid ports of ClusterIPs");
        self.rule("cluster-ips-check", &format!("ip daddr @{CLUSTER_IPS} reject {reject}"));
        if !self.config.service_cidrs.is_empty() {
            let list: Vec<String> = self.config.service_cidrs.iter().map(ToString::to_string).collect();
            let drop = comment("Drop traffic to unallocated ClusterIPs");
            self.rule("cluster-ips-check", &format!("ip daddr {{ {} }} drop {drop}", list.join(",")));
        }
        let key = "ip daddr . meta l4proto . th dport vmap";
        let port = "meta l4proto . th dport vmap";
        self.rule("service-endpoints-check", &format!("{key} @{NO_ENDPOINTS}"));
        let is_all = self.config.node_ports == crate::NodePortAddresses::All;
        let here =
            if is_all { "ip daddr != 127.0.0.0/8".into() } else { format!("ip daddr @{NODE_PORT_IPS}") };
        self.rule("nodeport-endpoints-check", &format!("{here} {port} @{NO_ENDPOINT_PORTS}"));
        self.rule("firewall-check", &format!("{key} @{FIREWALL_IPS}"));
        self.rule("services", &format!("{key} @{SERVICE_IPS}"));
        let local = if is_all { "fib daddr type local " } else { "" };
        self.rule("services", &format!("{local}{here} {port} @{NODE_PORTS}"));
        if is_all {
            line!(self, "delete set ip kube-proxy {NODE_PORT_IPS}");
        }
    }

    fn element(&mut self, container: &'static str, key: String, rest: String) {
        self.own.elements.insert((container, key), rest);
    }

    /// Makes a chain of a Service, empty at first.
    fn chain(&mut self, name: &str) {
        if self.own.chains.insert(name.to_string()) {
            self.empty(name);
        }
    }

    /// What a port of a Service has: its chains, and the elements that lead there.
    pub(super) fn service(&mut self, name: &ServicePortName, service: &ServicePort, usable: &Usable) {
        let base = plain_name(name, None);
        let chain = |prefix: &str| format!("{prefix}-{base}");
        let (cluster, local, external) = (chain("service"), chain("local"), chain("external"));
        let ways = Ways::new(service, usable.summary());
        let policy = |is_local: bool| if is_local { &local } else { &cluster };
        let internal_chain = policy(service.is_internal_local);
        let uses_external = usable.has_any && service.is_externally_accessible();
        let uses_cluster = !usable.cluster.is_empty() && service.uses_cluster_endpoints();
        let uses_local = !usable.local.is_empty() && service.uses_local_endpoints();
        for endpoint in &usable.reachable {
            self.chain(&format!("endpoint-{}", plain_name(name, Some(endpoint.socket))));
        }
        for (chain, is_used) in [(&cluster, uses_cluster), (&local, uses_local), (&external, uses_external)] {
            if is_used {
                self.chain(chain);
            }
        }
        if service.is_fenced() {
            self.firewall(service, &chain("firewall"));
        }
        self.addresses(service, usable.has_any, ways, (internal_chain, &external));
        if ways.has_internal {
            self.masquerade_internal(service, internal_chain);
        }
        if uses_external {
            self.external(service, ways, &external, (&cluster, policy(service.is_external_local)));
        }
        if service.sticky_seconds > 0 {
            for endpoint in &usable.reachable {
                let set = format!("affinity-{}", plain_name(name, Some(endpoint.socket)));
                let seconds = service.sticky_seconds;
                line!(
                    self,
                    "add set ip kube-proxy {set} {{ type ipv4_addr ; flags dynamic,timeout ; timeout {seconds}s ; }}"
                );
                self.own.affinities.insert(set);
            }
        }
        if uses_cluster {
            self.balance(name, service, &cluster, &usable.cluster);
        }
        if uses_local {
            self.balance(name, service, &local, &usable.local);
        }
        for endpoint in &usable.reachable {
            self.endpoint(name, service, endpoint);
        }
    }

    fn addresses(
        &mut self,
        service: &ServicePort,
        has_any: bool,
        ways: Ways,
        (internal, external): (&str, &str),
    ) {
        let protocol = service.protocol.name();
        let key = |ip: &Ipv4Addr| format!("{ip} . {protocol} . {}", service.port);
        let verdict = if has_any { "drop".to_string() } else { format!("goto {REJECT}") };
        let none = format!(" comment \"{}\" : {verdict}", service.name);
        self.element(CLUSTER_IPS, service.cluster_ip.to_string(), String::new());
        if ways.has_internal {
            self.element(SERVICE_IPS, key(&service.cluster_ip), format!(" : goto {internal}"));
        } else {
            self.element(NO_ENDPOINTS, key(&service.cluster_ip), none.clone());
        }
        for ip in service.external_ips.iter().chain(&service.load_balancer_ips) {
            if has_any {
                self.element(SERVICE_IPS, key(ip), format!(" : goto {external}"));
            }
            if !ways.has_external {
                self.element(NO_ENDPOINTS, key(ip), none.clone());
            }
        }
        if service.node_port != 0 {
            let key = format!("{protocol} . {}", service.node_port);
            if has_any {
                self.element(NODE_PORTS, key.clone(), format!(" : goto {external}"));
            }
            if !ways.has_external {
                self.element(NO_ENDPOINT_PORTS, key, none);
            }
        }
    }

    fn firewall(&mut self, service: &ServicePort, chain: &str) {
        self.chain(chain);
        let mut sources: Vec<String> = service.source_ranges.iter().map(ToString::to_string).collect();
        if service.source_ranges.iter().any(|range| range.contains(self.config.node_ip)) {
            // Where the address is the node's own, its packets to it carry it as their source too.
            sources.extend(service.load_balancer_ips.iter().map(ToString::to_string));
        }
        self.rule(chain, &format!("ip saddr != {{ {} }} drop", sources.join(" , ")));
        for ip in &service.load_balancer_ips {
            let key = format!("{ip} . {} . {}", service.protocol.name(), service.port);
            self.element(FIREWALL_IPS, key, format!(" : goto {chain}"));
        }
    }

    /// Traffic to a cluster IP that doesn't come from a pod: a node may be the way in for others.
    fn masquerade_internal(&mut self, service: &ServicePort, chain: &str) {
        let from = match (self.config.masquerade_all, self.config.cluster_cidr) {
            (true, _) => String::new(),
            (false, Some(pods)) => format!("ip saddr != {pods} "),
            (false, None) => return,
        };
        let (ip, protocol, port) = (service.cluster_ip, service.protocol.name(), service.port);
        self.rule(chain, &format!("ip daddr {ip} {protocol} dport {port} {from}jump {MARK_MASQ}"));
    }

    fn external(&mut self, service: &ServicePort, ways: Ways, chain: &str, (cluster, policy): (&str, &str)) {
        if service.is_external_local {
            if let Some(pods) = self.config.cluster_cidr {
                let about = comment("short-circuit pod traffic");
                self.rule(chain, &format!("ip saddr {pods} goto {cluster} {about}"));
            }
            let about = comment("masquerade local traffic");
            self.rule(chain, &format!("fib saddr type local jump {MARK_MASQ} {about}"));
            let about = comment("short-circuit local traffic");
            self.rule(chain, &format!("fib saddr type local goto {cluster} {about}"));
        } else {
            self.rule(chain, &format!("jump {MARK_MASQ}"));
        }
        if ways.has_external {
            self.rule(chain, &format!("goto {policy}"));
        }
    }

    /// The choice among endpoints.
    // Models pkg/proxy/nftables/proxier.go writeServiceToEndpointRules
    fn balance(
        &mut self,
        name: &ServicePortName,
        service: &ServicePort,
        chain: &str,
        endpoints: &[&Endpoint],
    ) {
        let names: Vec<String> = endpoints.iter().map(|one| plain_name(name, Some(one.socket))).collect();
        for name in names.iter().filter(|_| service.sticky_seconds > 0) {
            self.rule(chain, &format!("ip saddr @affinity-{name} goto endpoint-{name}"));
        }
        let places: Vec<String> =
            names.iter().enumerate().map(|(place, name)| format!("{place} : goto endpoint-{name}")).collect();
        self.rule(chain, &format!("numgen random mod {} vmap {{ {} }}", places.len(), places.join(" , ")));
    }

    fn endpoint(&mut self, name: &ServicePortName, service: &ServicePort, endpoint: &Endpoint) {
        let base = plain_name(name, Some(endpoint.socket));
        let chain = format!("endpoint-{base}");
        self.rule(&chain, &format!("ip saddr {} jump {MARK_MASQ}", endpoint.socket.address));
        if service.sticky_seconds > 0 {
            self.rule(&chain, &format!("update @affinity-{base} {{ ip saddr }}"));
        }
        self.rule(&chain, &format!("meta l4proto {} dnat to {}", service.protocol.name(), endpoint.text));
    }
}
