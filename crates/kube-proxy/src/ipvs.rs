//! Mode ipvs: virtual servers, the addresses of `kube-ipvs0`, sets, and the few rules that ask for them.
// Models pkg/proxy/ipvs/proxier.go

use crate::rules::{Jump, LOCAL_MARK, ensure, forsake};
use crate::topology::categorize;
use crate::{Config, Endpoint, EndpointsMap, ServiceMap, ServicePort};
use network::ipvs::ServerKey;
use network::{HostId, Network, Protocol, Socket};
use sim::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::Ipv4Addr;

const LOOP_BACK: &str = "KUBE-LOOP-BACK";
const CLUSTER_IP: &str = "KUBE-CLUSTER-IP";
const EXTERNAL_IP: &str = "KUBE-EXTERNAL-IP";
const EXTERNAL_IP_LOCAL: &str = "KUBE-EXTERNAL-IP-LOCAL";
const LOAD_BALANCER: &str = "KUBE-LOAD-BALANCER";
const LOAD_BALANCER_FW: &str = "KUBE-LOAD-BALANCER-FW";
const LOAD_BALANCER_LOCAL: &str = "KUBE-LOAD-BALANCER-LOCAL";
const SOURCE_IP: &str = "KUBE-LOAD-BALANCER-SOURCE-IP";
const SOURCE_CIDR: &str = "KUBE-LOAD-BALANCER-SOURCE-CIDR";
const NODE_PORT_TCP: &str = "KUBE-NODE-PORT-TCP";
const NODE_PORT_LOCAL_TCP: &str = "KUBE-NODE-PORT-LOCAL-TCP";
const NODE_PORT_UDP: &str = "KUBE-NODE-PORT-UDP";
const NODE_PORT_LOCAL_UDP: &str = "KUBE-NODE-PORT-LOCAL-UDP";
const NODE_PORT_SCTP: &str = "KUBE-NODE-PORT-SCTP-HASH";
const NODE_PORT_LOCAL_SCTP: &str = "KUBE-NODE-PORT-LOCAL-SCTP-HASH";
const HEALTH_CHECK: &str = "KUBE-HEALTH-CHECK-NODE-PORT";
const IPVS_IPS: &str = "KUBE-IPVS-IPS";

/// The sets: name, type, what rules say of it.
// Models pkg/proxy/ipvs/proxier.go ipsetInfo
const SETS: [(&str, &str, &str); 17] = [
    (LOOP_BACK, "hash:ip,port,ip", "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose"),
    (CLUSTER_IP, "hash:ip,port", "Kubernetes service cluster ip + port for masquerade purpose"),
    (EXTERNAL_IP, "hash:ip,port", "Kubernetes service external ip + port for masquerade and filter purpose"),
    (
        EXTERNAL_IP_LOCAL,
        "hash:ip,port",
        "Kubernetes service external ip + port with externalTrafficPolicy=local",
    ),
    (LOAD_BALANCER, "hash:ip,port", "Kubernetes service lb portal"),
    (
        LOAD_BALANCER_FW,
        "hash:ip,port",
        "Kubernetes service load balancer ip + port for load balancer with sourceRange",
    ),
    (
        LOAD_BALANCER_LOCAL,
        "hash:ip,port",
        "Kubernetes service load balancer ip + port with externalTrafficPolicy=local",
    ),
    (
        SOURCE_IP,
        "hash:ip,port,ip",
        "Kubernetes service load balancer ip + port + source IP for packet filter purpose",
    ),
    (
        SOURCE_CIDR,
        "hash:ip,port,net",
        "Kubernetes service load balancer ip + port + source cidr for packet filter purpose",
    ),
    (NODE_PORT_TCP, "bitmap:port", "Kubernetes nodeport TCP port for masquerade purpose"),
    (NODE_PORT_LOCAL_TCP, "bitmap:port", "Kubernetes nodeport TCP port with externalTrafficPolicy=local"),
    (NODE_PORT_UDP, "bitmap:port", "Kubernetes nodeport UDP port for masquerade purpose"),
    (NODE_PORT_LOCAL_UDP, "bitmap:port", "Kubernetes nodeport UDP port with externalTrafficPolicy=local"),
    (
        NODE_PORT_SCTP,
        "hash:ip,port",
        "Kubernetes nodeport SCTP port for masquerade purpose with type 'hash ip:port'",
    ),
    (
        NODE_PORT_LOCAL_SCTP,
        "hash:ip,port",
        "Kubernetes nodeport SCTP port with externalTrafficPolicy=local with type 'hash ip:port'",
    ),
    (HEALTH_CHECK, "bitmap:port", "Kubernetes health check node port"),
    (IPVS_IPS, "hash:ip", ""),
];

/// The sets that lead somewhere where they aren't empty: (set, table, chain, protocol, which halves, target).
// Models pkg/proxy/ipvs/proxier.go ipsetWithIptablesChain
const LEADS: [(&str, bool, &str, &str, &str, &str); 12] = [
    (LOOP_BACK, false, "KUBE-POSTROUTING", "", "dst,dst,src", "MASQUERADE"),
    (LOAD_BALANCER, false, "KUBE-SERVICES", "", "dst,dst", "KUBE-LOAD-BALANCER"),
    (LOAD_BALANCER_LOCAL, false, "KUBE-LOAD-BALANCER", "", "dst,dst", "RETURN"),
    (NODE_PORT_LOCAL_TCP, false, "KUBE-NODE-PORT", "tcp", "dst", "RETURN"),
    (NODE_PORT_TCP, false, "KUBE-NODE-PORT", "tcp", "dst", "KUBE-MARK-MASQ"),
    (NODE_PORT_LOCAL_UDP, false, "KUBE-NODE-PORT", "udp", "dst", "RETURN"),
    (NODE_PORT_UDP, false, "KUBE-NODE-PORT", "udp", "dst", "KUBE-MARK-MASQ"),
    (NODE_PORT_LOCAL_SCTP, false, "KUBE-NODE-PORT", "sctp", "dst,dst", "RETURN"),
    (NODE_PORT_SCTP, false, "KUBE-NODE-PORT", "sctp", "dst,dst", "KUBE-MARK-MASQ"),
    (LOAD_BALANCER_FW, true, "KUBE-PROXY-FIREWALL", "", "dst,dst", "KUBE-SOURCE-RANGES-FIREWALL"),
    (SOURCE_CIDR, true, "KUBE-SOURCE-RANGES-FIREWALL", "", "dst,dst,src", "RETURN"),
    (SOURCE_IP, true, "KUBE-SOURCE-RANGES-FIREWALL", "", "dst,dst,src", "RETURN"),
];

const NAT_CHAINS: [&str; 5] =
    ["KUBE-SERVICES", "KUBE-POSTROUTING", "KUBE-NODE-PORT", "KUBE-LOAD-BALANCER", "KUBE-MARK-MASQ"];
const FILTER_CHAINS: [&str; 6] = [
    "KUBE-FORWARD",
    "KUBE-NODE-PORT",
    "KUBE-PROXY-FIREWALL",
    "KUBE-SOURCE-RANGES-FIREWALL",
    "KUBE-IPVS-FILTER",
    "KUBE-IPVS-OUT-FILTER",
];

/// In the order in which they are put first in their chains.
// Models pkg/proxy/ipvs/proxier.go iptablesJumpChain
const JUMPS: [Jump; 9] = [
    ("nat", "OUTPUT", &[], "kubernetes service portals", "KUBE-SERVICES"),
    ("nat", "PREROUTING", &[], "kubernetes service portals", "KUBE-SERVICES"),
    ("nat", "POSTROUTING", &[], "kubernetes postrouting rules", "KUBE-POSTROUTING"),
    ("filter", "FORWARD", &[], "kubernetes forwarding rules", "KUBE-FORWARD"),
    ("filter", "INPUT", &[], "kubernetes health check rules", "KUBE-NODE-PORT"),
    ("filter", "INPUT", &[], "kube-proxy firewall rules", "KUBE-PROXY-FIREWALL"),
    ("filter", "FORWARD", &[], "kube-proxy firewall rules", "KUBE-PROXY-FIREWALL"),
    ("filter", "INPUT", &[], "kubernetes ipvs access filter", "KUBE-IPVS-FILTER"),
    ("filter", "OUTPUT", &[], "kubernetes ipvs access filter", "KUBE-IPVS-OUT-FILTER"),
];

/// A virtual server that a node should have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Server {
    persistence_seconds: i64,
    destinations: BTreeSet<Socket>,
}

/// What a node should have.
#[derive(Debug, Default)]
struct Plan {
    sets: BTreeMap<&'static str, BTreeSet<String>>,
    servers: BTreeMap<ServerKey, Server>,
    bound: BTreeSet<Ipv4Addr>,
    /// The load balancers' addresses that the nodes themselves may not ask: (address, protocol, port).
    denied: Vec<(Ipv4Addr, Protocol, u16)>,
}

impl Plan {
    fn new(services: &ServiceMap, endpoints: &EndpointsMap, config: &Config, own: &[Ipv4Addr]) -> Plan {
        let mut plan = Plan::default();
        for (name, service) in services {
            let list = endpoints.get(name).map_or(&[][..], Vec::as_slice);
            plan.service(service, list, config, own);
        }
        let bound = plan.bound.iter().map(ToString::to_string).collect();
        plan.sets.insert(IPVS_IPS, bound);
        plan
    }

    fn add(&mut self, set: &'static str, entry: String) {
        self.sets.entry(set).or_default().insert(entry);
    }

    fn has(&self, set: &str) -> bool {
        self.sets.get(set).is_some_and(|entries| !entries.is_empty())
    }

    fn service(&mut self, service: &ServicePort, list: &[Endpoint], config: &Config, own: &[Ipv4Addr]) {
        let protocol = service.protocol.name();
        for one in list.iter().filter(|one| one.is_local) {
            let Socket { address, port } = one.socket;
            self.add(LOOP_BACK, format!("{address},{protocol}:{port},{address}"));
        }
        let entry = |ip: &Ipv4Addr| format!("{ip},{protocol}:{}", service.port);
        let usable = categorize(list, service, &config.node_name, &config.zone);
        // Where none is on the node, the others stay, for the node's own pods.
        let destinations = |is_local: bool| -> BTreeSet<Socket> {
            let keeps = is_local && !usable.local.is_empty();
            let list = if keeps { &usable.local } else { &usable.cluster };
            list.iter().map(|one| one.socket).collect()
        };
        let server = |is_local: bool| Server {
            persistence_seconds: service.sticky_seconds,
            destinations: destinations(is_local),
        };
        let key = |ip: Ipv4Addr, port: u16| (service.protocol, Socket::new(ip, port));

        self.add(CLUSTER_IP, entry(&service.cluster_ip));
        self.servers.insert(key(service.cluster_ip, service.port), server(service.is_internal_local));
        self.bound.insert(service.cluster_ip);
        let is_local = service.is_external_local;
        for ip in &service.external_ips {
            self.add(if is_local { EXTERNAL_IP_LOCAL } else { EXTERNAL_IP }, entry(ip));
        }
        for ip in &service.load_balancer_ips {
            self.add(LOAD_BALANCER, entry(ip));
            if is_local {
                self.add(LOAD_BALANCER_LOCAL, entry(ip));
            }
            self.source_ranges(service, *ip, config);
        }
        for ip in service.external_ips.iter().chain(&service.load_balancer_ips) {
            self.servers.insert(key(*ip, service.port), server(is_local));
            if !own.contains(ip) {
                self.bound.insert(*ip);
            }
        }
        if service.node_port != 0 {
            self.node_port(service, own);
            for ip in own {
                self.servers.insert(key(*ip, service.node_port), server(is_local));
            }
        }
        if service.health_check_node_port != 0 {
            self.add(HEALTH_CHECK, service.health_check_node_port.to_string());
        }
    }

    fn source_ranges(&mut self, service: &ServicePort, ip: Ipv4Addr, config: &Config) {
        if service.source_ranges.is_empty() {
            return;
        }
        let (protocol, port) = (service.protocol, service.port);
        let entry = format!("{ip},{}:{port}", protocol.name());
        self.add(LOAD_BALANCER_FW, entry.clone());
        for range in &service.source_ranges {
            // A network of all bits is printed without them.
            let range = range.to_string();
            self.add(SOURCE_CIDR, format!("{entry},{}", range.trim_end_matches("/32")));
        }
        if service.source_ranges.iter().any(|range| range.contains(config.node_ip)) {
            self.add(SOURCE_IP, format!("{entry},{ip}"));
        } else {
            self.denied.push((ip, protocol, port));
        }
    }

    fn node_port(&mut self, service: &ServicePort, own: &[Ipv4Addr]) {
        let (all, local) = match service.protocol {
            Protocol::Udp => (NODE_PORT_UDP, NODE_PORT_LOCAL_UDP),
            Protocol::Sctp => (NODE_PORT_SCTP, NODE_PORT_LOCAL_SCTP),
            _ => (NODE_PORT_TCP, NODE_PORT_LOCAL_TCP),
        };
        let port = service.node_port;
        let entries: Vec<String> = match service.protocol {
            Protocol::Sctp => own.iter().map(|ip| format!("{ip},sctp:{port}")).collect(),
            _ => vec![port.to_string()],
        };
        for entry in entries {
            if service.is_external_local {
                self.add(local, entry.clone());
            }
            self.add(all, entry);
        }
    }

    /// The text for iptables-restore.
    // Models pkg/proxy/ipvs/proxier.go writeIptablesRules
    fn rules(&self, config: &Config) -> String {
        let (mut nat, mut filter) = (String::from("*nat\n"), String::from("*filter\n"));
        NAT_CHAINS.iter().for_each(|chain| nat.push_str(&format!(":{chain} - [0:0]\n")));
        FILTER_CHAINS.iter().for_each(|chain| filter.push_str(&format!(":{chain} - [0:0]\n")));
        nat.push_str("-A KUBE-SERVICES -s 127.0.0.0/8 -j RETURN\n");
        for (set, is_filter, chain, protocol, halves, target) in LEADS.iter().filter(|row| self.has(row.0)) {
            let protocol = if protocol.is_empty() { String::new() } else { format!("-p {protocol} ") };
            let out = if *is_filter { &mut filter } else { &mut nat };
            let _ = writeln!(out, "-A {chain} {protocol}{} {halves} -j {target}", matched(set));
        }
        self.services(config, &mut nat);
        filter.push_str("-A KUBE-SOURCE-RANGES-FIREWALL -j DROP\n");
        for (ip, protocol, port) in &self.denied {
            let _ = writeln!(
                filter,
                "-A KUBE-IPVS-OUT-FILTER -s {ip} -m ipvs --vaddr {ip} --vproto {} --vport {port} -j DROP",
                protocol.name()
            );
        }
        for set in [CLUSTER_IP, LOAD_BALANCER].into_iter().filter(|set| self.has(set)) {
            let _ = writeln!(nat, "-A KUBE-SERVICES -m set --match-set {set} dst,dst -j ACCEPT");
        }
        let _ = write!(
            filter,
            "-A KUBE-FORWARD -m comment --comment \"kubernetes forwarding rules\" -m mark --mark {LOCAL_MARK}/{LOCAL_MARK} -j ACCEPT\n\
             -A KUBE-FORWARD -m comment --comment \"kubernetes forwarding conntrack rule\" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
             -A KUBE-NODE-PORT {} dst -j ACCEPT\n",
            matched(HEALTH_CHECK)
        );
        for (set, halves) in [
            (LOAD_BALANCER, "dst,dst"),
            (CLUSTER_IP, "dst,dst"),
            (EXTERNAL_IP, "dst,dst"),
            (EXTERNAL_IP_LOCAL, "dst,dst"),
            (HEALTH_CHECK, "dst"),
        ] {
            let _ = writeln!(filter, "-A KUBE-IPVS-FILTER -m set --match-set {set} {halves} -j RETURN");
        }
        let _ = write!(
            filter,
            "-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set {IPVS_IPS} dst -j REJECT\nCOMMIT\n"
        );
        let _ = write!(
            nat,
            "-A KUBE-POSTROUTING -m mark ! --mark {LOCAL_MARK}/{LOCAL_MARK} -j RETURN\n\
             -A KUBE-POSTROUTING -j MARK --xor-mark {LOCAL_MARK}\n\
             -A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE --random-fully\n\
             -A KUBE-MARK-MASQ -j MARK --or-mark {LOCAL_MARK}\nCOMMIT\n"
        );
        nat + &filter
    }

    fn services(&self, config: &Config, nat: &mut String) {
        if self.has(CLUSTER_IP) {
            let _ = match (config.masquerade_all, config.cluster_cidr) {
                (true, _) => {
                    writeln!(nat, "-A KUBE-SERVICES {} dst,dst -j KUBE-MARK-MASQ", matched(CLUSTER_IP))
                }
                (false, Some(pods)) => writeln!(
                    nat,
                    "-A KUBE-SERVICES {} dst,dst ! -s {pods} -j KUBE-MARK-MASQ",
                    matched(CLUSTER_IP)
                ),
                (false, None) => {
                    writeln!(nat, "-A KUBE-SERVICES {} src,dst -j KUBE-MARK-MASQ", matched(CLUSTER_IP))
                }
            };
        }
        for set in [EXTERNAL_IP, EXTERNAL_IP_LOCAL].into_iter().filter(|set| self.has(set)) {
            let start = format!("-A KUBE-SERVICES {} dst,dst", matched(set));
            if set == EXTERNAL_IP {
                let _ = writeln!(nat, "{start} -j KUBE-MARK-MASQ");
            }
            let _ = writeln!(
                nat,
                "{start} -m physdev ! --physdev-is-in -m addrtype ! --src-type LOCAL -j ACCEPT\n\
                 {start} -m addrtype --dst-type LOCAL -j ACCEPT"
            );
        }
        nat.push_str(
            "-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT\n\
             -A KUBE-LOAD-BALANCER -j KUBE-MARK-MASQ\n",
        );
    }
}

/// `-m comment --comment "…" -m set --match-set NAME`
fn matched(set: &str) -> String {
    let comment = SETS.iter().find(|(name, ..)| *name == set).map_or("", |(_, _, comment)| comment);
    format!("-m comment --comment \"{comment}\" -m set --match-set {set}")
}

/// Gives a node the virtual servers, sets and rules of these Services.
///
/// # Errors
/// What the first command says that fails.
pub fn write(
    now: Time,
    network: &mut Network,
    host: HostId,
    (services, endpoints): (&ServiceMap, &EndpointsMap),
    config: &Config,
) -> Result<(), String> {
    let plan = Plan::new(services, endpoints, config, &network.addresses(host));
    let chains = NAT_CHAINS.map(|chain| ("nat", chain)).into_iter();
    ensure(network, host, chains.chain(FILTER_CHAINS.map(|chain| ("filter", chain))), &JUMPS);
    let failed = |output: network::iptables::Output| match output.code {
        0 => Ok(()),
        _ => Err(output.stderr),
    };
    let text = set_changes(&plan, network, host);
    failed(network.ipset_command(host, &["-exist", "restore"], &text, now))?;
    let text = server_changes(&plan, network, host, now, config.scheduler);
    failed(network.ipvs_command(host, &["-R"], &text, now))?;
    network.restore(host, &plan.rules(config)).map_err(|error| error.to_string())?;
    network.bind(host, plan.bound);
    Ok(())
}

/// Takes the virtual servers, sets and chains away, as kube-proxy does at its start in mode nftables.
// Models pkg/proxy/ipvs/proxier.go CleanupLeftovers
pub(crate) fn clean_up(now: Time, network: &mut Network, host: HostId) {
    if network.ipvs(host).is_none_or(|ipvs| ipvs.servers().is_empty() && ipvs.bound().is_empty()) {
        return;
    }
    network.ipvs_command(host, &["-C"], "", now);
    network.bind(host, BTreeSet::new());
    let chains = NAT_CHAINS.map(|chain| ("nat", chain)).into_iter();
    let chains = chains.chain(FILTER_CHAINS.map(|chain| ("filter", chain)));
    let chains: Vec<(&str, String)> = chains.map(|(table, chain)| (table, chain.to_string())).collect();
    forsake(network, host, &JUMPS, &chains);
    for (set, ..) in SETS {
        network.ipset_command(host, &["destroy", set], "", now);
    }
}

/// Returns what `ipset restore` is to do: make the sets, take out what went, put in what came.
fn set_changes(plan: &Plan, network: &Network, host: HostId) -> String {
    let mut text = String::new();
    let none = BTreeSet::new();
    for (name, kind, _) in SETS {
        let options = match kind {
            "bitmap:port" => "range 0-65535",
            _ => "family inet hashsize 1024 maxelem 65536",
        };
        let _ = writeln!(text, "create {name} {kind} {options}");
        let there = network.iptables(host).and_then(|iptables| iptables.sets().get(name));
        let there: BTreeSet<String> = there.map_or_else(BTreeSet::new, |set| set.members().collect());
        let wanted = plan.sets.get(name).unwrap_or(&none);
        there.difference(wanted).for_each(|entry| text.push_str(&format!("del {name} {entry}\n")));
        wanted.difference(&there).for_each(|entry| text.push_str(&format!("add {name} {entry}\n")));
    }
    text
}

/// Returns what `ipvsadm -R` is to do. A real server that goes keeps its connections: it gets no new ones,
/// and goes when the last has ended; one of UDP goes at once.
// Models pkg/proxy/ipvs/graceful_termination.go
fn server_changes(plan: &Plan, network: &Network, host: HostId, now: Time, scheduler: &str) -> String {
    let mut text = String::new();
    let empty = network::ipvs::Ipvs::default();
    let there = network.ipvs(host).unwrap_or(&empty).servers();
    let words = |(protocol, socket): &ServerKey| match protocol {
        Protocol::Udp => format!("-u {socket}"),
        Protocol::Sctp => format!("--sctp-service {socket}"),
        _ => format!("-t {socket}"),
    };
    for key in there.keys().filter(|key| !plan.servers.contains_key(key)) {
        let _ = writeln!(text, "-D {}", words(key));
    }
    for (key, server) in &plan.servers {
        let name = words(key);
        let persistent = match server.persistence_seconds {
            0 => String::new(),
            seconds => format!(" -p {seconds}"),
        };
        let old = there.get(key);
        let is_same = old.is_some_and(|old| {
            old.scheduler.name() == scheduler
                && i64::from(old.persistence_seconds) == server.persistence_seconds
        });
        if !is_same {
            let command = if old.is_some() { "-E" } else { "-A" };
            let _ = writeln!(text, "{command} {name} -s {scheduler}{persistent}");
        }
        let old = old.map_or(&[][..], |old| old.destinations());
        for socket in &server.destinations {
            match old.iter().find(|one| one.socket == *socket) {
                None => {
                    let _ = writeln!(text, "-a {name} -r {socket} -m -w 1");
                }
                Some(one) if one.weight == 0 => {
                    let _ = writeln!(text, "-e {name} -r {socket} -m -w 1");
                }
                Some(_) => {}
            }
        }
        for one in old.iter().filter(|one| !server.destinations.contains(&one.socket)) {
            let is_idle = network.ipvs_load(host, *key, one.socket, now) == (0, 0);
            if is_idle || key.0 != Protocol::Tcp {
                let _ = writeln!(text, "-d {name} -r {}", one.socket);
            } else if one.weight > 0 {
                let _ = writeln!(text, "-e {name} -r {} -m -w 0", one.socket);
            }
        }
    }
    text
}
