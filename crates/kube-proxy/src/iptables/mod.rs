//! Mode iptables: the text for iptables-restore.

mod jumps;
#[macro_use]
mod lines;
mod service;

pub use jumps::ensure_jumps;
pub(crate) use jumps::{clean_up, has_canary};

use crate::chains::is_service_chain;
use crate::rules::LOCAL_MARK as MARK;
use crate::topology::{Summary, Ways, categorize, pairs};
use crate::{Config, EndpointsMap, ServiceMap, ServicePort};
use lines::Lines;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::rc::Rc;

/// With more endpoints than this, rules lose their comments.
const LARGE_CLUSTER_ENDPOINTS: usize = 1_000;
/// The chains of `filter` that are written anew each time.
const FILTER_CHAINS: [&str; 6] = [
    "KUBE-SERVICES",
    "KUBE-EXTERNAL-SERVICES",
    "KUBE-FORWARD",
    "KUBE-NODEPORTS",
    "KUBE-PROXY-FIREWALL",
    "KUBE-FIREWALL",
];
/// The chains of `nat` that are written anew each time.
const NAT_CHAINS: [&str; 4] = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"];

/// The chains that each Service uses, by `namespace/name`.
pub type ActiveChains = BTreeMap<Rc<str>, BTreeSet<Rc<str>>>;

/// How much is written.
#[derive(Clone, Copy, Debug)]
pub enum Sync<'a> {
    /// Everything. Of these chains, which the nat table has, those that no Service uses are deleted.
    Full(&'a BTreeSet<Rc<str>>),
    /// Of the chains of single Services only those of the Services that changed (`namespace/name`). Of the
    /// chains that these used, those that they use no longer are deleted.
    Partial(&'a BTreeSet<Rc<str>>, &'a ActiveChains),
}

impl Sync<'_> {
    fn writes(self, service: &str) -> bool {
        match self {
            Sync::Full(_) => true,
            Sync::Partial(changed, _) => changed.contains(service),
        }
    }
}

/// A text for `iptables-restore --noflush --counters`, and what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restore {
    /// The text.
    pub text: String,
    /// The chains of the Services that were written, which they use now.
    pub active: ActiveChains,
    /// How many rules are in the text for `filter`.
    pub filter_rules: u32,
    /// How many rules are in the text for `nat`.
    pub nat_rules: u32,
}

struct Writer<'a> {
    config: &'a Config,
    filter: Lines,
    nat: Lines,
    active: BTreeSet<Rc<str>>,
    by_service: ActiveChains,
    is_large: bool,
}

/// Writes the rules of a node.
// Models pkg/proxy/iptables/proxier.go syncProxyRules
pub fn restore(services: &ServiceMap, endpoints: &EndpointsMap, config: &Config, sync: Sync) -> Restore {
    let pairs = pairs(services, endpoints);
    let mut writer = Writer {
        config,
        filter: Lines::default(),
        nat: Lines::default(),
        active: BTreeSet::new(),
        by_service: ActiveChains::new(),
        is_large: pairs.iter().map(|(_, _, list)| list.len()).sum::<usize>() > LARGE_CLUSTER_ENDPOINTS,
    };
    writer.begin();
    for (name, service, list) in pairs {
        if sync.writes(&name.service) {
            let usable = categorize(list, service, &config.node_name, &config.zone);
            writer.addresses(service, usable.summary());
            writer.service(service, &usable);
            let own = writer.by_service.entry(name.service.clone()).or_default();
            own.extend(std::mem::take(&mut writer.active));
        } else {
            writer.addresses(service, Summary::new(list));
        }
    }
    writer.end(sync);
    let (filter_rules, nat_rules) = (writer.filter.count, writer.nat.count);
    let text = writer.filter.take_table("filter") + &writer.nat.take_table("nat");
    Restore { text, active: writer.by_service, filter_rules, nat_rules }
}

/// Where a Service's traffic goes on this node.
struct Policy<'a> {
    ways: Ways,
    internal_chain: &'a str,
    external_chain: &'a str,
    uses_firewall: bool,
}

impl<'a> Policy<'a> {
    fn new(service: &'a ServicePort, summary: Summary) -> Policy<'a> {
        let chains = &service.chains;
        let chain = |is_local: bool| if is_local { &*chains.local } else { &*chains.cluster };
        Policy {
            ways: Ways::new(service, summary),
            internal_chain: chain(service.is_internal_local),
            external_chain: chain(service.is_external_local),
            uses_firewall: summary.has_any && service.is_fenced(),
        }
    }
}

impl Writer<'_> {
    /// The rules that are there without any Service.
    fn begin(&mut self) {
        for chain in FILTER_CHAINS {
            self.filter.chain(chain);
        }
        for chain in NAT_CHAINS {
            self.nat.chain(chain);
        }
        let nat = &mut self.nat;
        rule!(nat, "-A KUBE-POSTROUTING -m mark ! --mark {MARK}/{MARK} -j RETURN");
        rule!(nat, "-A KUBE-POSTROUTING -j MARK --xor-mark {MARK}");
        rule!(
            nat,
            "-A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" \
             -j MASQUERADE --random-fully"
        );
        rule!(nat, "-A KUBE-MARK-MASQ -j MARK --or-mark {MARK}");
        if !self.config.localhost_node_ports() {
            return;
        }
        rule!(
            self.filter,
            "-A KUBE-FIREWALL -m comment --comment \"block incoming localnet connections\" \
             -d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"
        );
    }

    /// A Service's addresses, in KUBE-SERVICES, KUBE-NODEPORTS and their counterparts in `filter`.
    fn addresses(&mut self, service: &ServicePort, summary: Summary) {
        let ServicePort { name, port, chains, .. } = service;
        let protocol = service.protocol.name();
        let policy = Policy::new(service, summary);
        let has_any = summary.has_any;
        let (target, what) =
            if has_any { ("DROP", "no local endpoints") } else { ("REJECT", "no endpoints") };
        if policy.ways.has_internal {
            let (ip, chain) = (service.cluster_ip, policy.internal_chain);
            rule!(
                self.nat,
                "-A KUBE-SERVICES -m comment --comment \"{name} cluster IP\" \
                 -m {protocol} -p {protocol} -d {ip} --dport {port} -j {chain}"
            );
        } else {
            rule!(
                self.filter,
                "-A KUBE-SERVICES -m comment --comment \"{name} has {what}\" \
                 -m {protocol} -p {protocol} -d {} --dport {port} -j {target}",
                service.cluster_ip
            );
        }
        let load_balancer = if policy.uses_firewall { &chains.firewall } else { &chains.external };
        let external = service.external_ips.iter().map(|ip| (ip, "external", &chains.external));
        let balanced = service.load_balancer_ips.iter().map(|ip| (ip, "loadbalancer", load_balancer));
        for (ip, kind, chain) in external.chain(balanced) {
            if has_any {
                rule!(
                    self.nat,
                    "-A KUBE-SERVICES -m comment --comment \"{name} {kind} IP\" \
                     -m {protocol} -p {protocol} -d {ip} --dport {port} -j {chain}"
                );
            }
            if policy.uses_firewall && kind == "loadbalancer" {
                rule!(
                    self.filter,
                    "-A KUBE-PROXY-FIREWALL -m comment --comment \"{name} traffic not accepted by {}\" \
                     -m {protocol} -p {protocol} -d {ip} --dport {port} -j DROP",
                    chains.firewall
                );
            }
            if !policy.ways.has_external {
                rule!(
                    self.filter,
                    "-A KUBE-EXTERNAL-SERVICES -m comment --comment \"{name} has {what}\" \
                     -m {protocol} -p {protocol} -d {ip} --dport {port} -j {target}"
                );
            }
        }
        self.node_ports(service, has_any, policy.ways.has_external, (target, what));
    }

    fn node_ports(
        &mut self,
        service: &ServicePort,
        has_any: bool,
        has_external: bool,
        (target, what): (&str, &str),
    ) {
        let ServicePort { name, node_port, chains, .. } = service;
        let protocol = service.protocol.name();
        if *node_port != 0 && has_any {
            let chain = &chains.external;
            let localhost =
                self.config.localhost_node_ports().then_some(("-d 127.0.0.0/8 ", ACCOUNT_LOCALHOST));
            for (to, account) in localhost.into_iter().chain([("", "")]) {
                rule!(
                    self.nat,
                    "-A KUBE-NODEPORTS -m comment --comment {name} -m {protocol} -p {protocol} \
                     {to}--dport {node_port} {account}-j {chain}"
                );
            }
        }
        if *node_port != 0 && !has_external {
            rule!(
                self.filter,
                "-A KUBE-EXTERNAL-SERVICES -m comment --comment \"{name} has {what}\" \
                 -m addrtype --dst-type LOCAL -m {protocol} -p {protocol} --dport {node_port} -j {target}"
            );
        }
        if service.health_check_node_port != 0 {
            rule!(
                self.filter,
                "-A KUBE-NODEPORTS -m comment --comment \"{name} health check node port\" \
                 -m tcp -p tcp --dport {} -j ACCEPT",
                service.health_check_node_port
            );
        }
    }

    fn end(&mut self, sync: Sync) {
        let is_used = |chain: &&Rc<str>| self.by_service.values().any(|own| own.contains(*chain));
        let stale: Vec<Rc<str>> = match sync {
            Sync::Full(existing) => {
                let used: BTreeSet<&Rc<str>> = self.by_service.values().flatten().collect();
                let stale = existing.iter().filter(|chain| is_service_chain(chain) && !used.contains(*chain));
                stale.cloned().collect()
            }
            Sync::Partial(changed, active) => {
                let before = changed.iter().filter_map(|service| active.get(service)).flatten();
                before.filter(|chain| !is_used(chain)).cloned().collect()
            }
        };
        for chain in &stale {
            self.nat.chain(chain);
            let _ = writeln!(self.nat.rules, "-X {chain}");
        }
        let localhost = self.config.localhost_node_ports();
        let places = match self.config.node_ports.of(&self.config.addresses) {
            None if localhost => vec!["-m addrtype --dst-type LOCAL".to_string()],
            None => vec!["-m addrtype --dst-type LOCAL ! -d 127.0.0.0/8".to_string()],
            Some(ips) => {
                let ips = ips.into_iter().filter(|ip| localhost || !ip.is_loopback());
                ips.map(|ip| format!("-d {ip}")).collect()
            }
        };
        for place in places {
            rule!(
                self.nat,
                "-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports; NOTE: this must be the \
                 last rule in this chain\" {place} -j KUBE-NODEPORTS"
            );
        }
        let filter = &mut self.filter;
        rule!(
            filter,
            "-A KUBE-FORWARD -m conntrack --ctstate INVALID -m nfacct --nfacct-name \
             ct_state_invalid_dropped_pkts -j DROP"
        );
        rule!(
            filter,
            "-A KUBE-FORWARD -m comment --comment \"kubernetes forwarding rules\" -m mark --mark {MARK}/{MARK} \
             -j ACCEPT"
        );
        rule!(
            filter,
            "-A KUBE-FORWARD -m comment --comment \"kubernetes forwarding conntrack rule\" -m conntrack \
             --ctstate RELATED,ESTABLISHED -j ACCEPT"
        );
    }
}

/// Counts what comes to a node port by localhost.
const ACCOUNT_LOCALHOST: &str = "-m nfacct --nfacct-name localhost_nps_accepted_pkts ";
