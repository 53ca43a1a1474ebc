//! A Service's own chains.

use super::{Policy, Writer};
use crate::topology::Usable;
use crate::{Endpoint, ServicePort};
use std::rc::Rc;

impl Writer<'_> {
    /// A Service's own chains.
    pub(super) fn service(&mut self, service: &ServicePort, usable: &Usable) {
        let policy = Policy::new(service, usable.summary());
        let chains = &service.chains;
        let uses_external = usable.has_any && service.is_externally_accessible();
        let uses_cluster = !usable.cluster.is_empty() && service.uses_cluster_endpoints();
        let uses_local = !usable.local.is_empty() && service.uses_local_endpoints();
        for (chain, is_used) in [
            (&chains.external, uses_external),
            (&chains.firewall, policy.uses_firewall),
            (&chains.cluster, uses_cluster),
            (&chains.local, uses_local),
        ] {
            if is_used {
                self.use_chain(chain);
            }
        }
        for endpoint in &usable.reachable {
            self.use_chain(&endpoint.chain);
        }
        if policy.ways.has_internal {
            self.masquerade_internal(service, policy.internal_chain);
        }
        if uses_external {
            self.external(service, &policy);
        }
        if policy.uses_firewall {
            self.firewall(service);
        }
        if uses_cluster {
            self.balance(service, &chains.cluster, &usable.cluster);
        }
        if uses_local {
            self.balance(service, &chains.local, &usable.local);
        }
        for endpoint in &usable.reachable {
            self.endpoint(service, endpoint);
        }
    }

    fn use_chain(&mut self, chain: &Rc<str>) {
        if self.active.insert(chain.clone()) {
            self.nat.chain(chain);
        }
    }

    /// Traffic to a cluster IP that doesn't come from a pod: a node may be the way in for others.
    fn masquerade_internal(&mut self, service: &ServicePort, chain: &str) {
        let ServicePort { name, port, cluster_ip, .. } = service;
        let protocol = service.protocol.name();
        let from = match (self.config.masquerade_all, self.config.cluster_cidr) {
            (true, _) => String::new(),
            (false, Some(pods)) => format!("! -s {pods} "),
            (false, None) => return,
        };
        rule!(
            self.nat,
            "-A {chain} -m comment --comment \"{name} cluster IP\" -m {protocol} -p {protocol} \
             -d {cluster_ip} --dport {port} {from}-j KUBE-MARK-MASQ"
        );
    }

    fn external(&mut self, service: &ServicePort, policy: &Policy) {
        let ServicePort { name, chains, .. } = service;
        let chain = &chains.external;
        let nat = &mut self.nat;
        if service.is_external_local {
            if let Some(pods) = self.config.cluster_cidr {
                rule!(
                    nat,
                    "-A {chain} -m comment --comment \"pod traffic for {name} external destinations\" \
                     -s {pods} -j {}",
                    chains.cluster
                );
            }
            rule!(
                nat,
                "-A {chain} -m comment --comment \"masquerade LOCAL traffic for {name} external destinations\" \
                 -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ"
            );
            rule!(
                nat,
                "-A {chain} -m comment --comment \"route LOCAL traffic for {name} external destinations\" \
                 -m addrtype --src-type LOCAL -j {}",
                chains.cluster
            );
        } else {
            rule!(
                nat,
                "-A {chain} -m comment --comment \"masquerade traffic for {name} external destinations\" \
                 -j KUBE-MARK-MASQ"
            );
        }
        if policy.ways.has_external {
            rule!(nat, "-A {chain} -j {}", policy.external_chain);
        }
    }

    fn firewall(&mut self, service: &ServicePort) {
        let ServicePort { name, chains, .. } = service;
        let (chain, external) = (&chains.firewall, &chains.external);
        let mut lets_node_in = false;
        for range in &service.source_ranges {
            rule!(
                self.nat,
                "-A {chain} -m comment --comment \"{name} loadbalancer IP\" -s {range} -j {external}"
            );
            lets_node_in |= range.contains(self.config.node_ip);
        }
        // Where the address is the node's own, its packets to it carry it as their source too.
        for ip in service.load_balancer_ips.iter().filter(|_| lets_node_in) {
            rule!(
                self.nat,
                "-A {chain} -m comment --comment \"{name} loadbalancer IP\" -s {ip} -j {external}"
            );
        }
        rule!(
            self.nat,
            "-A {chain} -m comment --comment \"other traffic to {name} will be dropped by KUBE-PROXY-FIREWALL\""
        );
    }

    /// The choice among endpoints.
    // Models pkg/proxy/iptables/proxier.go writeServiceToEndpointRules
    fn balance(&mut self, service: &ServicePort, chain: &str, endpoints: &[&Endpoint]) {
        let name = &service.name;
        let comment = |endpoint: &Endpoint| match self.is_large {
            true => String::new(),
            false => format!("-m comment --comment \"{name} -> {}\" ", endpoint.text),
        };
        if service.sticky_seconds > 0 {
            for endpoint in endpoints {
                rule!(
                    self.nat,
                    "-A {chain} {}-m recent --name {sep} --rcheck --seconds {} --reap -j {sep}",
                    comment(endpoint),
                    service.sticky_seconds,
                    sep = endpoint.chain
                );
            }
        }
        for (place, endpoint) in endpoints.iter().enumerate() {
            let left = endpoints.len() - place;
            let share = match left {
                1 => String::new(),
                left => format!("-m statistic --mode random --probability {:.10} ", 1.0 / left as f64),
            };
            rule!(self.nat, "-A {chain} {}{share}-j {}", comment(endpoint), endpoint.chain);
        }
    }

    fn endpoint(&mut self, service: &ServicePort, endpoint: &Endpoint) {
        let Endpoint { chain, text, socket, .. } = endpoint;
        let protocol = service.protocol.name();
        let comment = match self.is_large {
            true => String::new(),
            false => format!("-m comment --comment {} ", service.name),
        };
        rule!(self.nat, "-A {chain} {comment}-s {} -j KUBE-MARK-MASQ", socket.address);
        let remember = match service.sticky_seconds {
            0 => String::new(),
            _ => format!("-m recent --name {chain} --set "),
        };
        rule!(
            self.nat,
            "-A {chain} {comment}{remember}-m {protocol} -p {protocol} -j DNAT --to-destination {text}"
        );
    }
}
